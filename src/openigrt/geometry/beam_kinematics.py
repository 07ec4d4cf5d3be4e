"""Moving the beam instead of the couch: rotations and shifts of the patient taken up by the machine."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from openigrt.errors import InvalidGeometry
from openigrt.geometry.frames import Frame, require_same_frame
from openigrt.geometry.iec61217 import signed_angle_difference_deg
from openigrt.geometry.rigid import Float64Array, RigidTransform, frozen_array, rotation_y, rotation_z

POLE_TOLERANCE = 1e-9


@dataclass(frozen=True, slots=True)
class BeamAngles:
    """How a static beam meets the patient: IEC 61217 angles in degrees."""

    gantry_angle_deg: float
    beam_limiting_device_angle_deg: float
    patient_support_angle_deg: float

    def table_top_from_beam(self) -> Float64Array:
        """Rotation (3, 3) from the beam-limiting device to a level table top: Rz(-support) Ry(gantry) Rz(device)."""
        return (
            rotation_z(-self.patient_support_angle_deg)
            @ rotation_y(self.gantry_angle_deg)
            @ rotation_z(self.beam_limiting_device_angle_deg)
        )


def beam_angles_taking_up(rotation_error: ArrayLike, planned: BeamAngles) -> BeamAngles:
    """The beam that meets a patient who is turned by `rotation_error` (3, 3) in table axes as it was planned.

    Exact for a static beam (Yue et al. 2006); of the two solutions the one nearest to the planned angles. A beam along
    the support's axis leaves one turn free: the couch then stays.
    """
    wanted = frozen_array(rotation_error, (3, 3)) @ planned.table_top_from_beam()
    tilt = float(np.hypot(wanted[0, 2], wanted[1, 2]))
    if tilt < POLE_TOLERANCE:
        return _along_support_axis(wanted, planned)
    gantry = np.rad2deg(np.arctan2(tilt, wanted[2, 2]))
    support = -np.rad2deg(np.arctan2(wanted[1, 2], wanted[0, 2]))
    device = np.rad2deg(np.arctan2(wanted[2, 1], -wanted[2, 0]))
    return min(
        _nearest_turns(BeamAngles(gantry, device, support), planned),
        _nearest_turns(BeamAngles(-gantry, device + 180.0, support + 180.0), planned),
        key=lambda angles: _total_turn_deg(angles, planned),
    )


def _along_support_axis(wanted: Float64Array, planned: BeamAngles) -> BeamAngles:
    """The beam from straight above or below: couch as planned, the rest by the beam-limiting device."""
    gantry = 0.0 if wanted[2, 2] > 0.0 else 180.0
    still_wanted = rotation_y(-gantry) @ rotation_z(planned.patient_support_angle_deg) @ wanted
    device = np.rad2deg(np.arctan2(still_wanted[1, 0], still_wanted[0, 0]))
    return _nearest_turns(BeamAngles(gantry, device, planned.patient_support_angle_deg), planned)


def _nearest_turns(angles: BeamAngles, planned: BeamAngles) -> BeamAngles:
    """The same angles, each at the full turn nearest to the planned one."""
    return BeamAngles(*(plan + signed_angle_difference_deg(new, plan) for new, plan in _pairs(angles, planned)))


def _total_turn_deg(angles: BeamAngles, planned: BeamAngles) -> float:
    """How far all axes together have to go."""
    return sum(abs(new - plan) for new, plan in _pairs(angles, planned))


def _pairs(angles: BeamAngles, planned: BeamAngles) -> tuple[tuple[float, float], ...]:
    """New and planned angle of each axis: gantry, beam-limiting device, patient support."""
    return (
        (float(angles.gantry_angle_deg), planned.gantry_angle_deg),
        (float(angles.beam_limiting_device_angle_deg), planned.beam_limiting_device_angle_deg),
        (float(angles.patient_support_angle_deg), planned.patient_support_angle_deg),
    )


@dataclass(frozen=True, eq=False)
class ApertureShift:
    """How an aperture follows a displaced target.

    `shift_mm` (2,) is at the isocenter plane in axes of the beam frame, `toward_source_mm` the part along the beam, and
    `magnification` the factor by which the aperture grows.
    """

    shift_mm: Float64Array
    toward_source_mm: float
    magnification: float


def aperture_shift(
    displacement_mm: ArrayLike, fixed_from_beam: RigidTransform, source_axis_distance_mm: float
) -> ApertureShift:
    """The aperture shift for a target displaced by (3,) mm in the fixed frame."""
    require_same_frame(fixed_from_beam.to_frame, Frame.FIXED, "Aperture shift")
    in_beam = fixed_from_beam.inverse().vectors(frozen_array(displacement_mm, (3,)))
    depth = source_axis_distance_mm - float(in_beam[2])
    if depth <= 0.0:
        raise InvalidGeometry(f"A target displaced by {in_beam[2]:.1f} mm toward the source lies at or behind it.")
    return ApertureShift(in_beam[:2], float(in_beam[2]), source_axis_distance_mm / depth)
