"""Trajectories: source angles by clinical vectors, pixels by central projection, and what must be refused."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from openigrt.errors import FrameMismatch, InvalidGeometry
from openigrt.geometry import (
    DetectorPlacement,
    Frame,
    RigidTransform,
    Trajectory,
    circular_trajectory,
    fixed_from_gantry,
    gantry_from_image_receptor,
    project_points,
    rotation_x,
    rotation_y,
    rotation_z,
)

VECTORS = ("C-10",)
PLAIN = DetectorPlacement(1000.0, 1500.0, (64, 48), (2.0, 3.0))
HEAD = Frame.daily("1.2.3")


def test_sources_stand_where_the_clinical_vector_says(vectors, agrees):
    angles = vectors["C-10"]["input"]["gantry"]
    trajectory = circular_trajectory(angles, PLAIN)
    agrees("C-10", trajectory.sources_mm, np.array(vectors["C-10"]["expected"]))
    assert trajectory.source_angles_deg() == pytest.approx(angles)


@given(
    st.floats(-720.0, 720.0),
    st.tuples(*[st.floats(-200.0, 200.0)] * 3),
    st.tuples(st.floats(-150.0, 150.0), st.floats(-50.0, 50.0)),
    st.floats(1200.0, 1800.0),
)
def test_a_point_falls_on_the_pixel_of_the_central_projection(angle_deg, point_mm, offset_mm, detector_mm):
    held = replace(PLAIN, source_detector_distance_mm=detector_mm, offset_mm=offset_mm)
    pixel = circular_trajectory([angle_deg], held)[0].pixels(point_mm)
    on_plane = project_points(point_mm, fixed_from_gantry(angle_deg), 1000.0, detector_mm)
    middle = (np.array(PLAIN.size) - 1) / 2.0
    assert pixel == pytest.approx((on_plane - offset_mm) / PLAIN.spacing_mm + middle, abs=1e-8)


@given(st.floats(0.0, 360.0), st.floats(-60.0, 60.0), st.tuples(*[st.floats(-200.0, 200.0)] * 3))
def test_a_detector_turned_in_its_plane_is_a_turned_receptor(angle_deg, turned_deg, point_mm):
    pixel = circular_trajectory([angle_deg], replace(PLAIN, in_plane_angle_deg=turned_deg))[0].pixels(point_mm)
    on_plane = project_points(point_mm, fixed_from_gantry(angle_deg), 1000.0, 1500.0)
    turn = gantry_from_image_receptor((0.0, 0.0, -500.0), turned_deg).rotation[:2, :2]
    middle = (np.array(PLAIN.size) - 1) / 2.0
    assert pixel == pytest.approx(turn.T @ on_plane / PLAIN.spacing_mm + middle, abs=1e-8)


def test_an_out_of_plane_angle_tilts_source_and_detector_together():
    tilted = circular_trajectory([30.0], replace(PLAIN, out_of_plane_angle_deg=10.0))
    turn = rotation_y(30.0) @ rotation_x(10.0)
    assert tilted.sources_mm[0] == pytest.approx(turn @ [0.0, 0.0, 1000.0])
    assert tilted[0].pixels((0.0, 0.0, 0.0)) == pytest.approx([31.5, 23.5])
    assert tilted[0].source_detector_distance_mm == pytest.approx(1500.0)


@pytest.mark.parametrize("angle_deg", [0.0, 360.0, 720.0, -1e-15, 1e-12])
def test_gantry_angles_end_below_360(angle_deg):
    """A source above is at 0, whatever rounding made of its x; 360 would be another angle to all that compare."""
    assert circular_trajectory([angle_deg], PLAIN).source_angles_deg() == pytest.approx([0.0], abs=1e-11)


def test_parts_and_single_projections_are_those_of_the_whole():
    whole = circular_trajectory([0.0, 40.0, 80.0, 120.0], PLAIN)
    assert len(whole) == 4
    assert whole.shape == (4, 48, 64)
    chosen = whole.chosen([3, 1])
    assert chosen.source_angles_deg() == pytest.approx([120.0, 40.0])
    again = Trajectory.of([whole[n] for n in range(4)])
    for name in ("sources_mm", "first_pixels_mm", "row_directions", "column_directions"):
        assert getattr(again, name) == pytest.approx(getattr(whole, name))
    with pytest.raises(ValueError, match="read-only"):
        whole.sources_mm[0, 0] = 1.0


def test_a_moved_trajectory_sees_moved_points_on_the_same_pixels():
    whole = circular_trajectory([10.0, 200.0], PLAIN)
    turn = rotation_z(20.0) @ rotation_x(-5.0)
    daily_from_fixed = RigidTransform(HEAD, Frame.FIXED, turn, np.array([5.0, -40.0, 300.0]))
    point = np.array([12.0, -7.0, 30.0])
    moved = whole.moved(daily_from_fixed)
    for n in range(2):
        assert moved[n].pixels(daily_from_fixed.points(point)) == pytest.approx(whole[n].pixels(point))
    with pytest.raises(FrameMismatch):
        moved.source_angles_deg()
    with pytest.raises(FrameMismatch):
        moved.moved(daily_from_fixed)


def test_detectors_that_differ_are_refused():
    geometry = circular_trajectory([0.0], PLAIN)[0]
    with pytest.raises(InvalidGeometry, match=r"changes from \(64, 48\)"):
        Trajectory.of([geometry, replace(geometry, size=(32, 48))])
    with pytest.raises(InvalidGeometry, match="changes from"):
        Trajectory.of([geometry, replace(geometry, spacing_mm=np.array([2.0, 2.0]))])
    with pytest.raises(FrameMismatch):
        Trajectory.of([geometry, replace(geometry, frame=HEAD)])
    with pytest.raises(InvalidGeometry, match="there is none"):
        Trajectory.of([])
    with pytest.raises(InvalidGeometry, match="there is none"):
        circular_trajectory([], PLAIN)


def test_one_bad_detector_among_many_is_found():
    whole = circular_trajectory([0.0, 40.0, 80.0], PLAIN)
    rows = np.array(whole.row_directions)
    rows[2] *= 1.01
    with pytest.raises(InvalidGeometry, match="orthonormal"):
        replace(whole, row_directions=rows)
    sources = np.array(whole.sources_mm)
    sources[1] = whole.first_pixels_mm[1]
    with pytest.raises(InvalidGeometry, match="from the plane of the detector"):
        replace(whole, sources_mm=sources)
    sources[1] = np.nan
    with pytest.raises(InvalidGeometry):
        replace(whole, sources_mm=sources)
    with pytest.raises(InvalidGeometry):
        replace(whole, sources_mm=whole.sources_mm[:2])
