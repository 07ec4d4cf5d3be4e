"""What is missing or suspicious in a plan: its beams, fractions and machines, and where its isocenters lie."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from pydicom import Dataset

from openigrt.dicom.dataset.elements import naming, text
from openigrt.dicom.dataset.finding import Finding, Severity
from openigrt.dicom.dataset.inventory import Series
from openigrt.dicom.dataset.load import read_object
from openigrt.dicom.folders.links import Links, Planning
from openigrt.dicom.images.slices import LOCALIZER, Slice, read_slices
from openigrt.dicom.plans.plan import PlanDefaults, read_plan
from openigrt.errors import OpenIgrtError
from openigrt.geometry import PatientPosition
from openigrt.patient import Beam, Plan

SAME_ISOCENTER_MM = 0.1
LOOK_THERE = "Look at the plan in the planning system; export it again if it is right there."


@dataclass(frozen=True, eq=False, slots=True)
class ReadPlan:
    """A plan of a folder, read whole once for all that is asked of it.

    `dataset` is None where the file cannot be read, `plan` where it holds no plan that can be used: `refusal` says why.
    """

    planning: Planning
    dataset: Dataset | None
    plan: Plan | None
    messages: tuple[str, ...] = ()
    refusal: str = ""


def read_planned(planning: Planning, links: Links) -> ReadPlan:
    """A plan of a folder as `read_plan` gives it, its image and structures saying what it leaves open."""
    image = planning.image.instances[0] if planning.image else None
    frame_uid = links.frame_uid_of(planning.plan) or (image.frame_uid if image else "")
    dataset = None
    try:
        dataset, _ = read_object(planning.plan.path)
        plan, messages = read_plan(dataset, PlanDefaults(frame_uid, _position(planning)))
    except OpenIgrtError as error:
        return ReadPlan(planning, dataset, None, refusal=error.sentence)
    return ReadPlan(planning, dataset, plan, messages)


def plan_doubts(read: ReadPlan) -> Iterator[Finding]:
    """All that is missing, contradicts itself or is suspicious in one plan, as clauses that its name goes before."""
    if read.plan is None:
        yield Finding(Severity.ERROR, f"cannot be guided from: {read.refusal}", LOOK_THERE)
        return
    for message in read.messages:
        yield Finding(Severity.WARNING, message, LOOK_THERE)
    yield from _of_isocenters(read.plan.beams)
    yield from _of_delivery(read.plan)
    if read.planning.image is not None:
        yield from _outside(read.plan, read.planning.image)


def _position(planning: Planning) -> PatientPosition | None:
    """How the patient lies in the planning image, None where it does not say it in a way that is known."""
    if planning.image is None:
        return None
    header = planning.image.instances[0].header
    with naming(header):
        stated = text(header, "PatientPosition")
    return PatientPosition(stated) if stated in list(PatientPosition) else None


def _of_isocenters(beams: Sequence[Beam]) -> Iterator[Finding]:
    """Isocenters that are not there, that move, or of which there are several."""
    for beam in beams:
        name = f"beam {beam.number} {beam.name!r}"
        if beam.isocenter_mm is None and beam.is_setup:
            yield Finding(Severity.NOTE, f"setup {name} has no isocenter.", "Nothing; guide leaves it aside.")
        elif beam.isocenter_mm is None:
            yield Finding(Severity.ERROR, f"{name} has no isocenter.", "Give --isocenter to guide, without the plan.")
        if any(point.isocenter_mm for point in beam.control_points):
            yield Finding(Severity.ERROR, f"the isocenter moves within {name}.", "guide cannot use this plan.")
    stated = [beam.isocenter_mm for beam in beams if beam.isocenter_mm is not None and not beam.is_setup]
    if any(np.abs(np.subtract(place, stated[0])).max() > SAME_ISOCENTER_MM for place in stated):
        yield Finding(Severity.NOTE, "its beams have several isocenters.", "Choose a beam for guide with --beam.")


def _of_delivery(plan: Plan) -> Iterator[Finding]:
    """Metersets and fractions that are missing, and beams for several machines."""
    treating = [beam for beam in plan.beams if not beam.is_setup]
    if treating and all(beam.meterset_mu is None for beam in treating):
        yield Finding(Severity.WARNING, "no beam has a meterset.", "Check that this is a plan for treatment.")
    if plan.fractions_planned is None:
        yield Finding(
            Severity.WARNING, "it does not say how many fractions are planned.", "Add it in the planning system."
        )
    machines = sorted({beam.machine_name for beam in plan.beams if beam.machine_name})
    if len(machines) > 1:
        advice = "Check which machine is meant; a machine file is of one."
        yield Finding(Severity.WARNING, f"its beams are for several machines: {', '.join(machines)}.", advice)


def _outside(plan: Plan, image: Series) -> Iterator[Finding]:
    """Isocenters that do not lie in the planning image; nothing where the image has no usable geometry."""
    try:
        found = [found for instance in image.instances for found in read_slices(instance)]
    except OpenIgrtError:
        return
    slices = [one for one in found if LOCALIZER not in one.image_type]
    places = dict.fromkeys(beam.isocenter_mm for beam in plan.beams if beam.isocenter_mm is not None)
    for place in places if slices else ():
        if not _is_inside(place, slices):
            at = ", ".join(f"{x:.1f}" for x in place)
            advice = "Check that plan and image belong together."
            yield Finding(Severity.WARNING, f"its isocenter ({at}) mm lies outside the planning image.", advice)


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
