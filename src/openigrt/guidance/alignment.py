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
        """Rotation (3, 3) of the table top in the room for the image; no turn where the pose is not known."""
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
    stated = stated_isocenter(image, plan_frame, machine)
    if stated is not None:
        return *stated, True
    source = image.provenance
    raise MissingInput(
        f"{_why_not_stated(image, machine)}, so where the machine isocenter lies in the image is not known; expected "
        "a cone-beam CT straight from a linac whose maker the machine file lists, with the origin inside the volume. "
        "Give the isocenter with --daily-isocenter X,Y,Z (LPS mm of the image of the day).",
        manufacturer=source.manufacturer,
        modality=str(image.modality),
        is_derived=source.is_derived,
    )


def stated_isocenter(image: Image, plan_frame: Frame, machine: Machine) -> tuple[Float64Array, str] | None:
    """The machine isocenter (3,) in LPS mm that an image of the day states by itself, and the rule in words.

    It is the origin of the image's own frame, for a cone-beam CT straight from a maker whose origin is the isocenter by
    the machine file, if it lies inside the volume; None for any other image.
    """
    convention = machine.cbct_convention(image.provenance.manufacturer)
    if convention is None or image.frame.uid == plan_frame.uid or _why_not_stated(image, machine):
        return None
    return (
        np.zeros(3),
        f"the origin of the cone-beam CT's own frame, as the machine file says for {convention.manufacturer}",
    )


def _why_not_stated(image: Image, machine: Machine) -> str:
    """Why the rule for cone-beam CT does not hold: the beginning of a sentence, empty where the rule holds."""
    source = image.provenance
    if image.modality is not Modality.CBCT:
        return f"The image of the day is no cone-beam CT but {image.modality}"
    if source.is_derived:
        return "The image of the day does not come straight from the linac but was derived or resampled"
    convention = machine.cbct_convention(source.manufacturer)
    if convention is None:
        return (
            f"The image of the day is of the maker {source.manufacturer!r}, whom the machine file {machine.name!r} "
            "does not list"
        )
    if not convention.origin_is_isocenter:
        return (
            f"The machine file {machine.name!r} says for {convention.manufacturer} that the origin of the image's "
            "frame is not the isocenter"
        )
    if not image.grid.contains(np.zeros(3)):
        return "The origin of the frame of the image of the day lies outside the volume"
    return ""


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
            f"The image of the day was taken of a patient lying {found}, the plan expects {planned}: check patient, "
            "plan and image before anything is moved.",
            found=str(found),
            expected=str(planned),
        )
