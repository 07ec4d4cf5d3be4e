"""What a beam's eye sees: the opening of jaws, leaves, blocks and applicator, and where a structure lies in it.

Everything lies at the isocenter plane in axes of the IEC 61217 beam-limiting device, mm, x and y as leaf and jaw
positions have them.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from openigrt.errors import MissingInput, UnsupportedInput
from openigrt.geometry import (
    Float64Array,
    PlanarRegion,
    RigidTransform,
    fixed_from_gantry,
    fixed_from_lps,
    gantry_from_beam_limiting_device,
    planar_region,
    project_points,
    rotation_z,
)
from openigrt.patient.beam import AperturePositions, Beam, BeamLimitingDevice, ControlPoint
from openigrt.patient.beam_modifiers import APERTURE, SHIELDING, ApertureShape, Applicator, ApplicatorGeometry
from openigrt.patient.plan import Plan

LARGEST_FIELD_MM = 1_000.0
CIRCLE_POINTS = 360
SAME_MM = 1e-3

Outline = Float64Array | Sequence[tuple[float, float]]
Shape = list[Outline]


@dataclass(frozen=True, eq=False, slots=True)
class BeamsEyeView:
    """The opening of a beam at one control point; `left_out` are sentences about what limits it and has no outline."""

    opening: PlanarRegion
    left_out: tuple[str, ...] = ()


def beams_eye_view(beam: Beam, point: ControlPoint) -> BeamsEyeView:
    """What is open to a beam at one of its control points: within jaws, leaves, apertures and applicator, off blocks.

    Apertures are joined first, and then shaded by the blocks (PS3.3 C.8.8.14.4). What lies beyond the outermost leaves
    counts as closed. Raises MissingInput where nothing limits the beam to one side, UnsupportedInput for a field beyond
    a metre.
    """
    within: list[Shape] = []
    left_out: list[str] = []
    devices = {device.kind: device for device in beam.devices}
    for found in point.positions:
        device = devices.get(found.device) or BeamLimitingDevice(found.device, None)
        edges = len(device.boundaries_mm) if device.is_leaves else 2
        if len(found.positions_mm) != 2 * (edges - 1):
            left_out.append(f"{found.device}, of {len(found.positions_mm)} positions and {edges} edges")
        else:
            within.append(_opened(device, found))
    apertures, shields = (_outlines(beam, kind) for kind in (APERTURE, SHIELDING))
    if apertures:
        within.append(apertures)
    _add_applicator(beam.modifiers.applicator, within, left_out)
    if not within:
        raise MissingInput(
            f"Beam {beam.number} {beam.name!r} states no jaw, leaf, aperture or applicator with an outline, so what it "
            "opens is not known."
        )
    outlines = [polygon for shape in (*within, shields) for polygon in shape]
    _require_limited(beam, outlines, LARGEST_FIELD_MM)
    opening = planar_region(within, [shields] if shields else [])
    _require_limited(beam, [part.outline_mm for part in opening.parts], LARGEST_FIELD_MM - SAME_MM)
    return BeamsEyeView(opening, tuple(left_out))


def _opened(device: BeamLimitingDevice, found: AperturePositions) -> Shape:
    """What a pair of jaws or a layer of leaves leaves open: one rectangle for each pair that is not closed."""
    count = len(found.positions_mm) // 2
    edges = device.boundaries_mm if device.is_leaves else (-LARGEST_FIELD_MM, LARGEST_FIELD_MM)
    rectangles: Shape = []
    pairs = zip(found.positions_mm[:count], found.positions_mm[count:], strict=True)
    for index, (minus, plus) in enumerate(pairs):
        if plus > minus:
            along, across = (minus, plus), (edges[index], edges[index + 1])
            x, y = (along, across) if device.moves_along_x else (across, along)
            rectangles.append(_rectangle(x, y))
    return rectangles


def _rectangle(x_mm: tuple[float, float], y_mm: tuple[float, float]) -> Outline:
    """The four corners of a rectangle."""
    return [(x_mm[0], y_mm[0]), (x_mm[1], y_mm[0]), (x_mm[1], y_mm[1]), (x_mm[0], y_mm[1])]


def _outlines(beam: Beam, kind: str) -> Shape:
    """The outlines of all blocks of one kind."""
    return [block.outline_mm for block in beam.modifiers.blocks if block.kind == kind and len(block.outline_mm) > 2]


def _add_applicator(applicator: Applicator | None, within: list[Shape], left_out: list[str]) -> None:
    """The opening of an applicator, or why it is not known."""
    if applicator is None:
        return
    outline = _applicator_outline(applicator.geometry) if applicator.geometry else None
    if outline is None:
        left_out.append(f"applicator {applicator.identifier!r}, whose size is not stated")
    else:
        within.append([outline])


def _applicator_outline(geometry: ApplicatorGeometry) -> Outline | None:
    """The opening about the beam axis, None where its size is not stated; a circle as a polygon of the same area."""
    side_mm, x_mm, y_mm = geometry.opening_mm, geometry.opening_x_mm, geometry.opening_y_mm
    if geometry.shape == ApertureShape.CIRCLE and side_mm is not None:
        step = 2.0 * np.pi / CIRCLE_POINTS
        angles = step * np.arange(CIRCLE_POINTS)
        radius_mm = 0.5 * side_mm * np.sqrt(step / np.sin(step))
        return np.asarray(np.column_stack([np.cos(angles), np.sin(angles)]) * radius_mm)
    if geometry.shape == ApertureShape.SQUARE and side_mm is not None:
        x_mm = y_mm = side_mm
    if x_mm is None or y_mm is None:
        return None
    return _rectangle((-0.5 * x_mm, 0.5 * x_mm), (-0.5 * y_mm, 0.5 * y_mm))


def _require_limited(beam: Beam, outlines: Shape, limit_mm: float) -> None:
    """Raise where an outline has no end, or none that a machine could have."""
    if any(not (np.abs(np.asarray(outline)) <= limit_mm).all() for outline in outlines):
        raise UnsupportedInput(
            f"The opening of beam {beam.number} {beam.name!r} reaches beyond {LARGEST_FIELD_MM:g} mm from its axis: "
            "nothing limits it there, or its positions are not in mm."
        )


def fixed_from_beam(point: ControlPoint) -> RigidTransform:
    """From axes of the beam-limiting device to the room: by gantry, its pitch, and the collimator."""
    gantry = fixed_from_gantry(point.gantry_angle_deg, point.gantry_pitch_angle_deg or 0.0)
    return gantry @ gantry_from_beam_limiting_device(point.beam_limiting_device_angle_deg)


def outline_in_room_mm(outline_mm: ArrayLike, point: ControlPoint) -> Float64Array:
    """An outline (n, 2) of a beam's eye view as points (n, 3) of the room, at the isocenter plane."""
    outline = np.atleast_2d(np.asarray(outline_mm, dtype=np.float64))
    return fixed_from_beam(point).points(np.column_stack([outline, np.zeros(len(outline))]))


def seen_by_beam_mm(points_mm: ArrayLike, plan: Plan, beam: Beam, point: ControlPoint) -> Float64Array:
    """Where points (n, 3) in LPS of the plan's frame appear to a beam (n, 2) at one of its control points.

    The patient lies with the isocenter of the control point at that of the machine; angles of the couch count. Beams
    of ions come from two virtual sources, one for each axis of the gantry. Raises MissingInput where the beam has no
    isocenter.
    """
    isocenter_mm = beam.isocenter_at(point)
    if isocenter_mm is None:
        raise MissingInput(f"Beam {beam.number} {beam.name!r} has no isocenter, so what it sees is not known.")
    room_from_plan = fixed_from_lps(plan.patient_position, plan.frame, isocenter_mm, point.couch)
    in_room = room_from_plan.points(points_mm)
    virtual_mm = beam.ion_line.virtual_source_axis_distances_mm if beam.ion_line else ()
    x_mm, y_mm = virtual_mm if len(virtual_mm) == 2 else (beam.source_axis_distance_mm,) * 2
    room_from_gantry = fixed_from_gantry(point.gantry_angle_deg, point.gantry_pitch_angle_deg or 0.0)
    by_x, by_y = (project_points(in_room, room_from_gantry, distance, distance) for distance in (x_mm, y_mm))
    collimator = rotation_z(point.beam_limiting_device_angle_deg)[:2, :2]
    return np.asarray(np.stack([by_x[..., 0], by_y[..., 1]], axis=-1) @ collimator)
