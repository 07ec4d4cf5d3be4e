"""A treatment beside the truth: what each image was off by, and what the beam met."""

from collections.abc import Sequence
from datetime import timedelta

import numpy as np

from openigrt.geometry import RigidTransform
from openigrt.guidance import setup_error_of
from openigrt.patient import Verdict
from openigrt.tasks.course.delivering import DeliveredOrder
from openigrt.tasks.course.fraction import Delivery, Fraction, TakenImage, setup_error_of_motion
from openigrt.tasks.course.treating import SeenImage, Treatment, required_of
from openigrt.tasks.course.truth import Guided, TargetTruth, delivery_of, match_error
from openigrt.tasks.plain_values import rounded
from openigrt.virtual import PatientOnCouch, VirtualLinac

SAMPLES_OF_THE_BEAM = 40


def judged(number: int, treatment: Treatment, linac: VirtualLinac, lain: Sequence[PatientOnCouch]) -> Fraction:
    """A fraction of which everything is known; `lain` is how the patient lay at each setup."""
    truths = [TargetTruth.of(lying) for lying in lain]
    images = tuple(_judged_image(seen, truths[seen.set_up - 1], linac) for seen in treatment.images)
    clock = linac.devices.clock
    delivery = None
    if treatment.beams:
        guiding = treatment.guiding
        delivery = _judged_delivery(treatment.beams, guiding, truths[guiding.set_up - 1], linac)
    started_s = treatment.beams[0].started_s if treatment.beams else clock.now_s
    return Fraction(
        number=number,
        treated_at=clock.zero_at + timedelta(seconds=started_s),
        set_up=max(seen.set_up for seen in treatment.images),
        images=images,
        believed=treatment.believed,
        delivery=delivery,
    )


def _judged_image(seen: SeenImage, truth: TargetTruth, linac: VirtualLinac) -> TakenImage:
    """One image beside the truth."""
    guidance, trust = seen.guidance, seen.guidance.match.trust
    is_refused = trust.verdict is Verdict.REFUSED
    guided = _guided(seen, linac)
    error = None if is_refused else match_error(truth, guided)
    return TakenImage(
        purpose=seen.purpose,
        folder=f"{seen.taken.folder.parent.name}",
        at_s=float(np.mean(seen.taken.moments_s)),
        verdict=trust.verdict,
        predicted_error_mm=rounded(trust.predicted_error_mm, 3),
        action=guidance.correction.action,
        is_recommended=guidance.correction.is_recommended,
        is_moved=seen.is_moved,
        reasons=guidance.correction.reasons,
        found=None if is_refused else setup_error_of(guidance.match.plan_from_daily, guidance.alignment),
        true=setup_error_of_motion(truth.motion(guided.image_times_s), truth.middle_mm),
        match_error_mm=None if error is None else error[0],
        match_error_deg=None if error is None else error[1],
    )


def _judged_delivery(
    beams: Sequence[DeliveredOrder], guiding: SeenImage, truth: TargetTruth, linac: VirtualLinac
) -> Delivery:
    """The delivery beside the truth, at times spread evenly over the time with radiation."""
    first_s, last_s = beams[0].started_s, beams[-1].ended_s
    intervals = [(a, b) for a, b in linac.truth.beam_intervals() if b > first_s and a < last_s]
    patient = truth.lying.patient
    planned = patient.at(patient.planned)
    return delivery_of(
        truth,
        _guided(guiding, linac),
        _spread(intervals, SAMPLES_OF_THE_BEAM),
        beside_planned_mm=lambda points: planned.signed_distance_mm(patient.target, points),
        delivered_mu=float(sum(beam.delivered_mu for beam in beams)),
        beam_on_s=float(sum(b - a for a, b in intervals)),
    )


def _guided(seen: SeenImage, linac: VirtualLinac) -> Guided:
    """What was believed about an image, and what the table truly did after it."""
    before = linac.truth.fixed_from_table(seen.taken.until_s)
    done: RigidTransform = linac.truth.fixed_from_table(seen.moved_s) @ before.inverse()
    offset_mm = linac.truth.imaging_isocenter_mm
    return Guided(seen.taken.moments_s, required_of(seen.guidance), done, offset_mm, seen.is_moved)


def _spread(intervals: Sequence[tuple[float, float]], count: int) -> list[float]:
    """So many times, evenly over intervals that follow each other."""
    lengths = np.array([b - a for a, b in intervals])
    ends = np.cumsum(lengths)
    places = (np.arange(count) + 0.5) / count * ends[-1]
    which = np.searchsorted(ends, places)
    starts = np.array([a for a, _ in intervals])
    return [float(time_s) for time_s in starts[which] + places - (ends - lengths)[which]]
