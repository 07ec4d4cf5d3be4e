"""What is missing or suspicious in a plan: its beams, fractions and machines, and where its isocenters lie."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from openigrt.dicom.folder import Series
from openigrt.dicom.links import Links, Planning
from openigrt.dicom.load import read_object
from openigrt.dicom.plan import PlanDefaults, read_plan
from openigrt.dicom.slices import Slice, is_localizer, read_slice
from openigrt.errors import OpenIgrtError
from openigrt.geometry import PatientPosition
from openigrt.patient import Beam, Plan

SAME_ISOCENTER_MM = 0.1
ERROR, WARNING, NOTE = "error", "warning", "note"
LOOK_THERE = "Look at the plan in the planning system; export it again if it is right there."


@dataclass(frozen=True, slots=True)
class PlanDoubt:
    """One thing about a plan: how bad it is, a clause that the name of the plan goes before, and what to do."""

    severity: str
    clause: str
    advice: str


def plan_doubts(planning: Planning, links: Links) -> Iterator[PlanDoubt]:
    """All that is missing, contradicts itself or is suspicious in one plan; the whole object is read."""
    image = planning.image.instances[0] if planning.image else None
    frame_uid = links.frame_uid_of(planning.plan) or (image.frame_uid if image else "")
    try:
        dataset, _ = read_object(planning.plan.path)
        plan, messages = read_plan(dataset, PlanDefaults(frame_uid, _position(planning)))
    except OpenIgrtError as error:
        yield PlanDoubt(ERROR, f"cannot be guided from: {error.sentence}", LOOK_THERE)
        return
    for message in messages:
        yield PlanDoubt(WARNING, message, LOOK_THERE)
    yield from _of_isocenters(plan.beams)
    yield from _of_delivery(plan)
    if planning.image is not None:
        yield from _outside(plan, planning.image)


def _position(planning: Planning) -> PatientPosition | None:
    """How the patient lies in the planning image, None where it does not say it in a way that is known."""
    stated = str(planning.image.instances[0].header.get("PatientPosition", "")) if planning.image else ""
    return PatientPosition(stated) if stated in list(PatientPosition) else None


def _of_isocenters(beams: Sequence[Beam]) -> Iterator[PlanDoubt]:
    """Isocenters that are not there, that move, or of which there are several."""
    for beam in beams:
        name = f"beam {beam.number} {beam.name!r}"
        if beam.isocenter_mm is None and beam.is_setup:
            yield PlanDoubt(NOTE, f"setup {name} has no isocenter.", "Nothing; guide leaves it aside.")
        elif beam.isocenter_mm is None:
            yield PlanDoubt(ERROR, f"{name} has no isocenter.", "Give --isocenter to guide, without the plan.")
        if any(point.isocenter_mm for point in beam.control_points):
            yield PlanDoubt(ERROR, f"the isocenter moves within {name}.", "guide cannot use this plan.")
    stated = [beam.isocenter_mm for beam in beams if beam.isocenter_mm is not None and not beam.is_setup]
    if any(np.abs(np.subtract(place, stated[0])).max() > SAME_ISOCENTER_MM for place in stated):
        yield PlanDoubt(NOTE, "its beams have several isocenters.", "Choose a beam for guide with --beam.")


def _of_delivery(plan: Plan) -> Iterator[PlanDoubt]:
    """Metersets and fractions that are missing, and beams for several machines."""
    treating = [beam for beam in plan.beams if not beam.is_setup]
    if treating and all(beam.meterset_mu is None for beam in treating):
        yield PlanDoubt(WARNING, "no beam has a meterset.", "Check that this is a plan for treatment.")
    if plan.fractions_planned is None:
        yield PlanDoubt(WARNING, "it does not say how many fractions are planned.", "Add it in the planning system.")
    machines = sorted({beam.machine_name for beam in plan.beams if beam.machine_name})
    if len(machines) > 1:
        advice = "Check which machine is meant; a machine file is of one."
        yield PlanDoubt(WARNING, f"its beams are for several machines: {', '.join(machines)}.", advice)


def _outside(plan: Plan, image: Series) -> Iterator[PlanDoubt]:
    """Isocenters that do not lie in the planning image; nothing where the image has no usable geometry."""
    try:
        slices = [read_slice(instance) for instance in image.instances if not is_localizer(instance)]
    except OpenIgrtError:
        return
    places = dict.fromkeys(beam.isocenter_mm for beam in plan.beams if beam.isocenter_mm is not None)
    for place in places if slices else ():
        if not _is_inside(place, slices):
            at = ", ".join(f"{x:.1f}" for x in place)
            advice = "Check that plan and image belong together."
            yield PlanDoubt(WARNING, f"its isocenter ({at}) mm lies outside the planning image.", advice)


def _is_inside(place_mm: ArrayLike, slices: Sequence[Slice]) -> bool:
    """Whether a point in LPS lies within the voxels of parallel slices."""
    first = slices[0]
    row, column = first.orientation
    normal = np.cross(row, column)
    offset = np.asarray(place_mm) - first.position_mm
    between_rows_mm, between_columns_mm = first.spacing_mm
    along = offset @ row / between_columns_mm, offset @ column / between_rows_mm
    heights = np.array([s.position_mm @ normal for s in slices])
    half_step_mm = 0.5 * np.ptp(heights) / max(len(heights) - 1, 1)
    height = float(np.asarray(place_mm) @ normal)
    return bool(
        -0.5 <= along[0] <= first.columns - 0.5
        and -0.5 <= along[1] <= first.rows - 0.5
        and heights.min() - half_step_mm <= height <= heights.max() + half_step_mm
    )
