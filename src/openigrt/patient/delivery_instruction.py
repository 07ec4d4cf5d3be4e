"""How beams are to be delivered today: which, where the couch shall stand, what of an interrupted beam is left.

This is where a correction travels to the machine: one that a protocol found over the last fractions, or today's.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from openigrt.errors import InconsistentInput, InputError, MissingInput
from openigrt.geometry import signed_angle_difference_deg
from openigrt.patient.beam import Beam
from openigrt.patient.correction import Correction
from openigrt.patient.plan import Plan
from openigrt.patient.stated_position import StatedPosition
from openigrt.patient.treatment_record import DeliveryType

# A correction turns the table by less than this; a larger difference is another table angle of the plan.
LARGEST_CORRECTED_TURN_DEG = 5.0
NOT_ADJUSTED = StatedPosition()


class BeamTaskType(StrEnum):
    """What a beam task is for (0074,1022)."""

    VERIFY = "VERIFY"
    TREAT = "TREAT"
    VERIFY_AND_TREAT = "VERIFY_AND_TREAT"


class ImageTiming(StrEnum):
    """When a verification image is taken (0074,1032)."""

    BEFORE = "BEFORE_BEAM"
    DURING = "DURING_BEAM"
    AFTER = "AFTER_BEAM"


@dataclass(frozen=True, slots=True)
class DoubleExposure:
    """The open exposure of a double one: whether it comes first, its meterset, how far the jaws open (x1 x2 y1 y2)."""

    is_open_first: bool
    meterset: float | None = None
    field_delta_mm: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class VerificationImageOrder:
    """A verification image to be taken: when, its meterset or the part of the beam that it covers, the receptor.

    `receptor_translation_mm` (3,) is in the gantry frame; weights are cumulative meterset weights of the beam.
    """

    timing: ImageTiming
    meterset: float | None = None
    start_weight: float | None = None
    end_weight: float | None = None
    receptor_translation_mm: tuple[float, ...] = ()
    double_exposure: DoubleExposure | None = None


@dataclass(frozen=True, slots=True)
class BeamTask:
    """One beam to be delivered in one fraction.

    `couch` is where the couch shall stand (absolute, IEC 61217), which replaces what the plan says: None for an axis
    that is not adjusted. `setup_displacement_mm` is lateral, longitudinal, vertical from setup to treatment position. A
    CONTINUATION delivers from `start_meterset` to `end_meterset`, in `dosimeter_unit`; nothing else has them.
    """

    beam_number: int
    fraction_number: int
    task_type: BeamTaskType
    delivery_type: DeliveryType = DeliveryType.TREATMENT
    fraction_group: int | None = None
    couch: StatedPosition = NOT_ADJUSTED
    setup_displacement_mm: tuple[float | None, float | None, float | None] = (None, None, None)
    start_meterset: float | None = None
    end_meterset: float | None = None
    dosimeter_unit: str = ""
    images: tuple[VerificationImageOrder, ...] = ()
    is_autosequenced: bool | None = None
    order: int | None = None

    def __post_init__(self) -> None:
        """Check that a continuation says from where to where, and that nothing else does."""
        ends = self.start_meterset, self.end_meterset
        if self.delivery_type is DeliveryType.CONTINUATION:
            if None in ends or not 0.0 <= (ends[0] or 0.0) < (ends[1] or 0.0) or not self.dosimeter_unit:
                raise InconsistentInput(
                    f"The continuation of beam {self.beam_number} goes from {ends[0]} to {ends[1]} "
                    f"{self.dosimeter_unit or 'of an unknown unit'}; expected a start below the end, and the unit.",
                    beam=self.beam_number,
                )
        elif ends != (None, None):
            raise InconsistentInput(
                f"Beam {self.beam_number} goes from {ends[0]} to {ends[1]} though it is no continuation.",
                beam=self.beam_number,
            )


@dataclass(frozen=True, slots=True)
class PlanReference:
    """A plan by its UIDs; those of series and study are empty where they are not known."""

    uid: str
    is_ion: bool = False
    series_uid: str = ""
    study_uid: str = ""


@dataclass(frozen=True, slots=True)
class DeliveryInstruction:
    """The beams of one plan that are to be delivered, in their order."""

    uid: str
    plan: PlanReference
    tasks: tuple[BeamTask, ...]
    patient_id: str = ""


def corrected_tasks(
    correction: Correction,
    plan: Plan,
    beam_numbers: Sequence[int],
    *,
    fraction_number: int,
    task_type: BeamTaskType = BeamTaskType.TREAT,
    fraction_group: int | None = None,
) -> tuple[BeamTask, ...]:
    """Tasks that bring the couch to the absolute target of a correction for these beams of a plan.

    Raises MissingInput where no pose of the couch is known, so that there is no absolute target; InconsistentInput for
    a correction that is not recommended, and for beams that are planned on a table turned otherwise than the target
    (a target holds for one table angle); InputError for numbers that are no treatment beam of the plan.
    """
    if correction.target_pose is None:
        raise MissingInput(
            "No instruction can be made: the pose of the couch is not known, so the correction is a change and no "
            "target. Give the pose at which the image was taken (--couch-pose)."
        )
    if not correction.is_recommended:
        raise InconsistentInput(
            "No instruction can be made: the correction is not recommended, and its numbers are for information only.",
            action=str(correction.action),
        )
    target = StatedPosition.of_couch(correction.target_pose)
    for number in beam_numbers:
        _require_table_of(_beam(plan, number), correction.target_pose.patient_support_angle_deg)
    return tuple(
        BeamTask(number, fraction_number, task_type, fraction_group=fraction_group, couch=target, order=order)
        for order, number in enumerate(beam_numbers, start=1)
    )


def _beam(plan: Plan, number: int) -> Beam:
    """A treatment beam by its number."""
    treating = {beam.number: beam for beam in plan.beams if not beam.is_setup}
    if number not in treating:
        raise InputError(
            f"Plan {plan.label!r} has no treatment beam {number}; expected one of "
            f"{', '.join(map(str, sorted(treating)))}.",
            found=number,
        )
    return treating[number]


def _require_table_of(beam: Beam, target_deg: float) -> None:
    """Raise InconsistentInput where a beam needs the table at another angle than the target."""
    for point in beam.control_points:
        planned_deg = point.couch.patient_support_angle_deg
        if abs(signed_angle_difference_deg(target_deg, planned_deg)) > LARGEST_CORRECTED_TURN_DEG:
            raise InconsistentInput(
                f"Beam {beam.number} {beam.name!r} is planned with the table at {planned_deg:g}°, and the target of "
                f"the correction has it at {target_deg:g}°: it holds for beams on a table within "
                f"{LARGEST_CORRECTED_TURN_DEG:g}° of that. Correct this beam by an image taken at its own table angle.",
                beam=beam.number,
            )
