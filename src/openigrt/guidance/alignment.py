"""Where the machine isocenter was in the image of the day, and by which rule that is known."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from openigrt.errors import InconsistentInput, MissingInput
from openigrt.geometry import (
    CouchPose,
    Float64Array,
    Frame,
    ImageAxes,
    PatientPosition,
    fixed_from_table_top,
    frozen_array,
    rotation_angle_deg,
)
from openigrt.images import Image, Modality
from openigrt.machine import Machine


@dataclass(frozen=True, eq=False)
class Alignment:
    """What ties plan, daily image and room together.

    Isocenters (3,) in LPS mm, each of its own image; `rule` says how the daily one is known. `start` is where the couch
    stood when the image was taken, None when unknown. `gives_couch_move` is False when the image tells only how the
    files are aligned with each other, not where the machine isocenter was.
    """

    plan_isocenter_mm: Float64Array
    daily_isocenter_mm: Float64Array
    rule: str
    image_axes: ImageAxes
    patient_position: PatientPosition
    start: CouchPose | None = None
    gives_couch_move: bool = True

    def __post_init__(self) -> None:
        """Copy and freeze the isocenters."""
        object.__setattr__(self, "plan_isocenter_mm", frozen_array(self.plan_isocenter_mm, (3,)))
        object.__setattr__(self, "daily_isocenter_mm", frozen_array(self.daily_isocenter_mm, (3,)))

    @property
    def table_rotation(self) -> Float64Array:
        """Rotation (3, 3) of the table top in the room when the image was taken; none where the pose is not known."""
        return fixed_from_table_top(self.start or CouchPose()).rotation

    @property
    def table_turn_deg(self) -> float:
        """Angle of that rotation, degrees."""
        return rotation_angle_deg(self.table_rotation)


def find_alignment(
    daily_image: Image,
    plan_frame: Frame,
    plan_isocenter_mm: ArrayLike,
    patient_position: PatientPosition,
    *,
    machine: Machine,
    daily_isocenter_mm: ArrayLike | None = None,
    start: CouchPose | None = None,
    image_axes: ImageAxes | None = None,
) -> Alignment:
    """The daily isocenter as given, or by rule; `image_axes` as given, or as the machine file says for the maker.

    By rule: the origin of the image's own frame, for a cone-beam CT straight from a maker whose origin is the isocenter
    by the machine file, if it lies inside the volume. An image in the plan's own frame of reference has the plan's
    isocenter and gives no couch move. Otherwise raises MissingInput that names the option; InconsistentInput when the
    image was taken in another patient position than planned.
    """
    _require_planned_position(daily_image, patient_position)
    isocenter_mm, rule, gives_couch_move = _daily_isocenter(
        daily_image, plan_frame, plan_isocenter_mm, machine, daily_isocenter_mm
    )
    return Alignment(
        plan_isocenter_mm=np.asarray(plan_isocenter_mm, dtype=np.float64),
        daily_isocenter_mm=isocenter_mm,
        rule=rule,
        image_axes=image_axes or _axes_of(daily_image, plan_frame, machine),
        patient_position=patient_position,
        start=start,
        gives_couch_move=gives_couch_move,
    )


def _daily_isocenter(
    image: Image, plan_frame: Frame, plan_isocenter_mm: ArrayLike, machine: Machine, given_mm: ArrayLike | None
) -> tuple[Float64Array, str, bool]:
    """Daily isocenter (3,) in LPS mm, the rule in words, and whether a couch move may follow from it."""
    if given_mm is not None:
        return frozen_array(given_mm, (3,)), "as given", True
    if image.frame.uid == plan_frame.uid:
        return (
            frozen_array(plan_isocenter_mm, (3,)),
            "relative to the alignment in the files: the image is in the plan's own frame of reference, so where the "
            "machine isocenter was is not known",
            False,
        )
    source = image.provenance
    convention = machine.cbct_convention(source.manufacturer)
    origin_mm = np.zeros(3)
    is_direct = image.modality is Modality.CBCT and not source.is_derived
    if is_direct and convention and convention.origin_is_isocenter and image.grid.contains(origin_mm):
        rule = f"the origin of the cone-beam CT's own frame, as the machine file says for {convention.manufacturer}"
        return origin_mm, rule, True
    raise MissingInput(
        f"Where the machine isocenter is in the daily image is not known: {_why_unknown(image, machine)}. "
        "Give it with --daily-isocenter X,Y,Z (LPS mm of the daily image).",
        manufacturer=source.manufacturer,
        modality=str(image.modality),
        is_derived=source.is_derived,
    )


def _why_unknown(image: Image, machine: Machine) -> str:
    """Why the rule for cone-beam CT does not hold for an image."""
    source = image.provenance
    if image.modality is not Modality.CBCT:
        return f"it is no cone-beam CT but {image.modality}"
    if source.is_derived:
        return "it does not come straight from the linac but was derived or resampled"
    convention = machine.cbct_convention(source.manufacturer)
    if convention is None:
        return f"the machine file {machine.name!r} does not list its maker {source.manufacturer!r}"
    if not convention.origin_is_isocenter:
        return f"the machine file {machine.name!r} says that the origin of its frame is not the isocenter"
    return "the origin of its frame lies outside the volume"


def _axes_of(image: Image, plan_frame: Frame, machine: Machine) -> ImageAxes:
    """Axes as the machine file says; else of a cone-beam CT in its own frame the room's, of any other the patient's."""
    if image.modality is not Modality.CBCT or image.frame.uid == plan_frame.uid:
        return ImageAxes.TABLE
    convention = machine.cbct_convention(image.provenance.manufacturer)
    return convention.axes if convention else ImageAxes.ROOM


def _require_planned_position(image: Image, planned: PatientPosition) -> None:
    """Raise InconsistentInput when the image says that the patient lay otherwise."""
    found = image.provenance.patient_position
    if found is not None and found is not planned:
        raise InconsistentInput(
            f"The plan is for a patient lying {planned}, the daily image was taken {found}: check patient, plan and "
            "image before anything is moved.",
            found=str(found),
            expected=str(planned),
        )
