"""Isocenters of plan and image of the day: stated by the files, given by hand, and where the two contradict."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from openigrt.errors import AmbiguousInput, InputError, MissingInput
from openigrt.geometry import Float64Array, Frame
from openigrt.guidance import Alignment, stated_isocenter
from openigrt.images import Image
from openigrt.machine import Machine
from openigrt.patient import Beam, Plan
from openigrt.tasks.words import in_short

SAME_ISOCENTER_MM = 0.1
CONTRADICTING_MM = 1.0
LARGEST_COORDINATE_MM = 1e5
PLAN_OPTION, DAILY_OPTION = "--isocenter", "--daily-isocenter"


@dataclass(frozen=True, eq=False, slots=True)
class Contradiction:
    """An isocenter that was given by hand, and another one that the files state: points (3,) in LPS mm of one image."""

    option: str
    given_mm: Float64Array
    stated_mm: Float64Array
    stated_by: str

    @property
    def distance_mm(self) -> float:
        """How far apart the two are, mm."""
        return float(np.linalg.norm(self.given_mm - self.stated_mm))

    @property
    def sentence(self) -> str:
        """Both points, who states the other one, and their distance."""
        given, stated = (", ".join(f"{x:.1f}" for x in point) for point in (self.given_mm, self.stated_mm))
        return (
            f"{self.option} gives ({given}) mm, {self.distance_mm:.1f} mm away from ({stated}) mm, which is "
            f"{self.stated_by}."
        )


def plan_isocenter(
    plan: Plan | None, given_mm: ArrayLike | None, beam: int | None, doubts: Sequence[str] = ()
) -> tuple[Float64Array, str]:
    """The isocenter (3,) in LPS mm and the beam or rule that gave it; never a guess between several.

    `doubts` are sentences about files that may be the plan which is not there.
    """
    beams = _beams(plan, beam)
    if given_mm is not None:
        return point_mm(given_mm, PLAN_OPTION), "as given"
    if plan is None:
        raise MissingInput(
            " ".join(
                (
                    "There is no plan in the plan folder, so the isocenter of the plan is not known; "
                    f"give {PLAN_OPTION} X,Y,Z.",
                    *doubts,
                )
            )
        )
    if not beams:
        raise MissingInput(f"Plan {plan.label!r} has no beams, so no isocenter; give {PLAN_OPTION} X,Y,Z.")
    first = np.array(beams[0].isocenter_mm)
    if any(np.abs(np.array(b.isocenter_mm) - first).max() > SAME_ISOCENTER_MM for b in beams):
        listed = "; ".join(f"{b.number} ({b.name}) at {b.isocenter_mm}" for b in beams)
        raise AmbiguousInput(
            f"The beams of plan {plan.label!r} have several isocenters: {listed}. Choose with --beam N."
        )
    return first, f"beam {beams[0].number} ({beams[0].name})" if len(beams) == 1 else "all beams"


def contradictions(
    plan: Plan | None,
    beam: int | None,
    daily_image: Image,
    alignment: Alignment,
    *,
    machine: Machine,
    plan_frame: Frame,
) -> tuple[Contradiction, ...]:
    """Isocenters of an alignment that are more than 1 mm from those that the plan and the image of the day state.

    Where the beams of the plan state several, the nearest one counts.
    """
    compared = (
        *_by_the_plan(_beams(plan, beam), alignment.plan_isocenter_mm),
        *_by_the_image(daily_image, alignment.daily_isocenter_mm, machine, plan_frame),
    )
    return tuple(found for found in compared if found.distance_mm > CONTRADICTING_MM)


def point_mm(values: ArrayLike, name: str) -> Float64Array:
    """A point (3,) in mm that a person gave; raises InputError unless it is three bearable numbers."""
    try:
        point = np.empty(0) if np.asarray(values).dtype == np.bool_ else np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError, OverflowError):
        point = np.empty(0)
    if point.shape != (3,) or not (np.abs(point) <= LARGEST_COORDINATE_MM).all():
        raise InputError(
            f"{name} is {in_short(values)}; expected three coordinates X,Y,Z in LPS mm, each within "
            f"{LARGEST_COORDINATE_MM:g} mm.",
            option=name,
        )
    return point


def _beams(plan: Plan | None, number: int | None) -> list[Beam]:
    """The beam of this number, or all that treat (all there are where none does); none without a plan.

    Raises MissingInput where a number is given and no beam has it.
    """
    if plan is None and number is not None:
        raise MissingInput(f"There is no plan in the plan folder, so no beam {number}; leave --beam out.", found=number)
    if plan is None:
        return []
    if number is None:
        return [b for b in plan.beams if not b.is_setup] or list(plan.beams)
    beams = [b for b in plan.beams if b.number == number]
    if not beams:
        numbers = ", ".join(f"{b.number} ({b.name})" for b in plan.beams)
        raise MissingInput(f"Plan {plan.label!r} has no beam {number}; it has {numbers or 'none'}.", found=number)
    return beams


def _by_the_plan(beams: list[Beam], used_mm: Float64Array) -> Iterator[Contradiction]:
    """The isocenter of the plan that was used, beside the nearest one that its beams state."""
    compared = [
        Contradiction(PLAN_OPTION, used_mm, np.array(b.isocenter_mm), f"the isocenter of beam {b.number} ({b.name})")
        for b in beams
    ]
    if compared:
        yield min(compared, key=lambda found: found.distance_mm)


def _by_the_image(image: Image, used_mm: Float64Array, machine: Machine, plan_frame: Frame) -> Iterator[Contradiction]:
    """The daily isocenter that was used, beside the one that the image states."""
    stated = stated_isocenter(image, plan_frame, machine)
    if stated is not None:
        yield Contradiction(DAILY_OPTION, used_mm, *stated)
