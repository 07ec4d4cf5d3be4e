"""What was read, in one line each, and what a person should doubt about it."""

from collections.abc import Iterator, Sequence
from datetime import datetime

import numpy as np

from openigrt.dicom import DailyFolder, PlanFolder
from openigrt.geometry import CouchPose, ImageAxes, signed_angle_difference_deg
from openigrt.guidance import Alignment, Protocol
from openigrt.images import Image, Mask, Modality
from openigrt.machine import Machine
from openigrt.patient import Match, Plan, Target
from openigrt.registration import Region, share_on_outline
from openigrt.tasks.guidance.isocenters import Contradiction
from openigrt.tasks.guidance.patient_setup import PatientSetup

APPROVED, REJECTED = "APPROVED", "REJECTED"
SECONDS_PER_HOUR = 3600.0
HOURS_PER_DAY = 24.0
SAME_TABLE_ANGLE_DEG = 1.0
BESIDE_TARGET_MM = 5.0
FEW_SLICES = 0.5
DOUBTED_SHARE_ON_OUTLINE, LEAST_SHARE_ON_OUTLINE = 0.6, 0.25


def what_was_read(folder: PlanFolder, daily: DailyFolder) -> tuple[str, ...]:
    """A line for each thing that was read, then what was chosen and left aside."""
    return (
        f"Planning image: {_image(folder.planning_image)}.",
        *_planned(folder),
        f"Image of the day: {_image(daily.daily_image)}.",
        *folder.choices,
        *daily.choices,
    )


def _planned(folder: PlanFolder) -> Iterator[str]:
    """Structures, plan and dose, where there are any."""
    if folder.structure_set is not None:
        structures = folder.structure_set
        yield f"Structure set {structures.label!r}: {len(structures.structures)} structures."
    if folder.plan is not None:
        plan = folder.plan
        count = f"{len(plan.beams)} beam{'s' if len(plan.beams) != 1 else ''}"
        yield f"Plan {plan.label!r} [{plan.uid}]: {count}, {plan.approval or 'approval not stated'}."
    if folder.dose is not None:
        yield f"Dose of the plan: largest {folder.dose.dose_gy.max():.1f} Gy."


def _image(image: Image) -> str:
    """Modality, name, size, spacing and time of an image."""
    columns, rows, slices = image.grid.size
    x, y, z = image.grid.spacing_mm
    source = image.provenance
    named = f" {source.series_description!r}" if source.series_description else ""
    phase = f", phase {source.phase}" if source.phase else ""
    taken = f", acquired {source.acquired_at:%Y-%m-%d %H:%M} UTC" if source.acquired_at else ""
    return (
        f"{image.modality}{named}, {columns} x {rows} x {slices} voxels of {x:.3g} x {y:.3g} x {z:.3g} mm{phase}{taken}"
    )


def doubts(
    folder: PlanFolder, daily: DailyFolder, setup: PatientSetup, protocol: Protocol, decided_at: datetime
) -> tuple[str, ...]:
    """What times, isocenters and approval give to doubt, and what the readers noticed.

    The day of an image is that of the time zone of `decided_at`.
    """
    return (
        *_times(folder.planning_image, daily.daily_image, protocol, decided_at),
        *isocenters_outside(folder.planning_image, daily.daily_image, setup.alignment),
        *_contradicted_isocenters(setup.contradictions, protocol),
        *_identity(folder, daily),
        *_approval(folder.plan),
        *_table_of_the_beams(folder.plan, setup.alignment),
        *folder.messages,
        *daily.messages,
    )


def questions(
    folder: PlanFolder, daily: DailyFolder, setup: PatientSetup, protocol: Protocol, decided_at: datetime
) -> tuple[str, ...]:
    """What is so odd about the input that a person must answer it before any couch moves."""
    return (
        *_sameness(folder, daily),
        *_impossible_times(folder.planning_image, daily.daily_image, decided_at),
        *_rejection(folder.plan),
        *_turned_with_its_beams(folder.plan, setup.alignment),
        *_isocenters_beyond_the_guard(setup.contradictions, protocol),
    )


def _contradicted_isocenters(contradictions: Sequence[Contradiction], protocol: Protocol) -> Iterator[str]:
    """Isocenters that were given though the files state others, no further away than the guard of the protocol."""
    for found in contradictions:
        if found.distance_mm <= protocol.max_shift_mm:
            yield f"{found.sentence} The isocenter that was given is used: check {found.option}."


def _isocenters_beyond_the_guard(contradictions: Sequence[Contradiction], protocol: Protocol) -> Iterator[str]:
    """Isocenters that were given further from those that the files state than any setup that did not fail."""
    for found in contradictions:
        if found.distance_mm > protocol.max_shift_mm:
            yield (
                f"{found.sentence} That is beyond the guard of {protocol.max_shift_mm:g} mm (protocol "
                f"{protocol.name}): correct {found.option}, or leave it out."
            )


def region_by_default(protocol: Protocol, region_is_named: bool) -> Iterator[str]:
    """A site whose target is soft, matched on bone because nobody named a region."""
    if protocol.match_on is not None and not region_is_named:
        yield (
            f"Protocol {protocol.name} is usually matched on {protocol.match_on}; bone was matched, since no --region "
            "was named. Name --region soft, or the structure itself, if bone is not meant."
        )


def untested_machine(machine: Machine, machine_is_named: bool) -> Iterator[str]:
    """A machine file of the site that was not tested at the machine, or was changed since."""
    if machine_is_named and not machine.is_accepted:
        yield f"Machine {machine.name!r}: {machine.acceptance_in_words} (openigrt accept)."


def regions_left_out(regions: Sequence[Region], matches: Sequence[Match]) -> tuple[str, ...]:
    """A sentence for each region that should have been matched beside the first and could not be."""
    matched = {match.region for match in matches}
    return tuple(
        f"{region.name} could not be matched: too small, or not in the daily field of view."
        for region in regions
        if region.name not in matched
    )


def _sameness(folder: PlanFolder, daily: DailyFolder) -> Iterator[str]:
    """One image in both places."""
    if {file.sha256 for file in daily.inputs} <= {file.sha256 for file in folder.inputs}:
        yield "The image of the day is the planning image itself, file by file; name the image that was taken today."


def _identity(folder: PlanFolder, daily: DailyFolder) -> Iterator[str]:
    """Two DICOM images of which nobody can tell whether they are of one patient."""
    planned, today = folder.planning_image.provenance, daily.daily_image.provenance
    have_ids, have_names = planned.patient_id and today.patient_id, planned.patient_name and today.patient_name
    if planned.series_uid and today.series_uid and not have_ids and not have_names:
        yield (
            "Whether both images are of one patient cannot be checked: they do not both state a Patient ID, nor both a "
            "name."
        )


def _table_of_the_beams(plan: Plan | None, alignment: Alignment) -> Iterator[str]:
    """Beams that are all planned with the table turned otherwise than it is taken to have stood for the image."""
    angles_deg = _beam_table_angles_deg(plan)
    stood_deg = (alignment.start or CouchPose()).patient_support_angle_deg
    is_room = alignment.image_axes is ImageAxes.ROOM
    reached_deg = 0.0 if is_room else stood_deg
    if angles_deg and min(abs(signed_angle_difference_deg(a, reached_deg)) for a in angles_deg) > SAME_TABLE_ANGLE_DEG:
        where = (
            "The move leads to a straight table" if is_room else "The move is for the table as it stood for the image"
        )
        yield (
            f"No beam is planned with the table at {reached_deg:g}°; the first is planned at {angles_deg[0]:g}°. "
            f"{where}, before the table is turned for a beam."
        )


def _turned_with_its_beams(plan: Plan | None, alignment: Alignment) -> Iterator[str]:
    """An image in room axes taken on the turned table that all beams are planned on: nobody says what it aligns to."""
    angles_deg = _beam_table_angles_deg(plan)
    stood_deg = (alignment.start or CouchPose()).patient_support_angle_deg
    turns_deg = [abs(signed_angle_difference_deg(angle, 0.0)) for angle in (*angles_deg, stood_deg)]
    if angles_deg and alignment.image_axes is ImageAxes.ROOM and min(turns_deg) > SAME_TABLE_ANGLE_DEG:
        yield (
            f"All beams are planned with the table turned (the first at {angles_deg[0]:g}°), and the image, in room "
            f"axes, was taken with the table turned by {stood_deg:g}°: the move would turn the table straight. Take "
            "the image with a straight table, or say in the machine file that image axes turn with the table."
        )


def _beam_table_angles_deg(plan: Plan | None) -> list[float]:
    """Patient support angle of each treatment beam at its first control point."""
    beams = [beam for beam in plan.beams if not beam.is_setup and beam.control_points] if plan else []
    return [beam.control_points[0].couch.patient_support_angle_deg for beam in beams]


def _approval(plan: Plan | None) -> Iterator[str]:
    """A plan that nobody has approved."""
    if plan is not None and plan.approval not in (APPROVED, REJECTED):
        yield f"The plan is not approved: its approval status is {plan.approval or 'not stated'}."


def _rejection(plan: Plan | None) -> Iterator[str]:
    """A plan that was turned down."""
    if plan is not None and plan.approval == REJECTED:
        yield "The plan was rejected: its approval status says so."


def _impossible_times(planning_image: Image, daily_image: Image, decided_at: datetime) -> Iterator[str]:
    """An image of the day from before the planning image, or from the future."""
    acquired_at, planned_at = daily_image.provenance.acquired_at, planning_image.provenance.acquired_at
    if acquired_at is None:
        return
    if planned_at is not None and acquired_at < planned_at:
        yield "The image of the day was acquired before the planning image: were PLAN and TODAY exchanged?"
    if acquired_at > decided_at:
        yield f"The image of the day says that it was acquired in the future, at {acquired_at:%Y-%m-%d %H:%M} UTC."


def _times(planning_image: Image, daily_image: Image, protocol: Protocol, decided_at: datetime) -> Iterator[str]:
    """An image of unknown time, or that no longer speaks for today."""
    acquired_at, planned_at = daily_image.provenance.acquired_at, planning_image.provenance.acquired_at
    if acquired_at is None:
        yield "The image of the day does not say when it was acquired: its age is not known, nor that it is of today."
        return
    if planned_at is None:
        yield "The planning image does not say when it was acquired, so which image is older is not known."
    age_s = (decided_at - acquired_at).total_seconds()
    if age_s > protocol.image_validity_s:
        is_of_today = acquired_at.astimezone(decided_at.tzinfo).date() == decided_at.date()
        not_of_today = (
            "" if is_of_today else f"NOT OF TODAY: it was acquired at {acquired_at:%Y-%m-%d %H:%M} UTC and is "
        )
        yield (
            f"The image of the day is {not_of_today}{_age(age_s)} old; by protocol {protocol.name} an image speaks for "
            f"the patient for {protocol.image_validity_s / 60.0:g} minutes."
        )


def _age(age_s: float) -> str:
    """An age in minutes, hours or days."""
    hours = age_s / SECONDS_PER_HOUR
    if hours < 1.0:
        return f"{age_s / 60.0:.0f} minutes"
    return f"{hours:.1f} hours" if hours < 2.0 * HOURS_PER_DAY else f"{int(hours // HOURS_PER_DAY)} days"


def target_outside(planning_image: Image, target: Target) -> Iterator[str]:
    """A target that is not where the planning image is."""
    if not planning_image.grid.contains(target.points_mm.mean(axis=0)):
        yield f"The target {target.name} lies outside the planning image."


def target_beside_isocenter(alignment: Alignment, target: Target) -> Iterator[str]:
    """A target that the beams do not aim at: the isocenter lies well outside its surface."""
    centroid = target.points_mm.mean(axis=0)
    radius_mm = float(np.linalg.norm(target.points_mm - centroid, axis=1).mean())
    distance_mm = float(np.linalg.norm(alignment.plan_isocenter_mm - centroid))
    if distance_mm > radius_mm + BESIDE_TARGET_MM:
        yield (
            f"The isocenter of the plan lies {distance_mm:.0f} mm from the middle of the target {target.name}, well "
            "outside it: check that structures, plan and target belong together."
        )


def share_of_body_on_outline(planning_image: Image, body: Mask | None) -> float:
    """Share, 0 to 1, of the contoured body that lies on the patient's outline; 1 where it cannot be told."""
    if body is None or planning_image.modality is not Modality.CT:
        return 1.0
    return share_on_outline(planning_image, body)


def body_on_few_slices(body: Mask | None) -> Iterator[str]:
    """A contoured body that leaves out most of the planning image, and all that could be matched there."""
    if body is None:
        return
    drawn, slices = int(body.voxels.any(axis=(1, 2)).sum()), len(body.voxels)
    if drawn < FEW_SLICES * slices:
        yield f"The body is contoured on {drawn} of {slices} slices of the planning CT only; nothing else is matched."


def body_in_doubt(share: float) -> Iterator[str]:
    """A contoured body of which a large part is not where the planning CT shows the patient's surface."""
    if share < DOUBTED_SHARE_ON_OUTLINE:
        yield (
            f"Only {100.0 * share:.0f} % of the contour of the body lies near the patient's surface in the "
            "planning CT: it includes couch, bolus or a margin, or the structures are of another image."
        )


def structures_elsewhere(share: float, alignment: Alignment, target: Target) -> Iterator[str]:
    """Structures of another image: a body hardly on the patient, or one in doubt and a target off the beams."""
    is_off = any(target_beside_isocenter(alignment, target))
    aim = ", and the target is not where the beams aim" if is_off else ""
    if share < LEAST_SHARE_ON_OUTLINE or (share < DOUBTED_SHARE_ON_OUTLINE and is_off):
        yield (
            f"Only {100.0 * share:.0f} % of the contour of the body lies near the patient's surface in the planning CT"
            f"{aim}: check that the structures were drawn on this image."
        )


def isocenters_outside(planning_image: Image, daily_image: Image, alignment: Alignment) -> Iterator[str]:
    """An isocenter outside its image."""
    if not planning_image.grid.contains(alignment.plan_isocenter_mm):
        yield "The isocenter of the plan lies outside the planning image."
    if not daily_image.grid.contains(alignment.daily_isocenter_mm):
        yield "The daily isocenter lies outside the image of the day."
