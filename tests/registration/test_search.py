"""Where the search and the rivals look: lattices in closed form, and the spine as a line."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openigrt.geometry import Frame, Grid, rotation_angle_deg, rotation_from_vector
from openigrt.registration._kernels_cpu import BLOCKS
from openigrt.registration.lattices import ball_of_shifts, lattice_of_turns
from openigrt.registration.metrics import LocalCorrelation
from openigrt.registration.rivals import find_rivals, spine_axis
from openigrt.registration.search import wide_search
from openigrt.registration.working_volume import WorkingVolume
from tests.registration.phantom import points_of
from tests.registration.waves import TRUE, daily_at_truth, pose_of, template_of

PLAN = Frame.plan("1")
AXES = rotation_from_vector([0.1, 0.0, 0.3])


@given(st.floats(4.0, 40.0), st.floats(2.0, 9.0))
@settings(max_examples=20)
def test_shifts_fill_a_ball(radius_mm, step_mm):
    shifts = ball_of_shifts(radius_mm, step_mm)
    assert (shifts == 0.0).all(axis=1).any()
    assert np.linalg.norm(shifts, axis=1).max() <= radius_mm + 1e-6
    steps = shifts / step_mm
    assert steps == pytest.approx(np.round(steps), abs=1e-9)
    assert len(np.unique(np.round(steps), axis=0)) == len(shifts)
    ticks = np.arange(-41.0, 42.0) * step_mm
    squares = ticks[:, None, None] ** 2 + ticks[:, None] ** 2 + ticks**2
    inside, on_it = ((squares <= (radius_mm + edge_mm) ** 2).sum() for edge_mm in (-1e-6, 1e-6))
    assert inside <= len(shifts) <= on_it


def test_turns_reach_their_step_about_every_axis():
    turns = lattice_of_turns(10.0)
    angles = sorted(rotation_angle_deg(turn) for turn in turns)
    assert len(turns) == 27
    assert angles[0] == 0.0
    assert angles[1:7] == pytest.approx([10.0] * 6)
    assert angles[-1] == pytest.approx(10.0 * np.sqrt(3.0))


def test_poses_that_see_little_are_left_out():
    """Every shift pushes the region out of the image but one: a few points agree with anything."""
    template, daily = template_of(), daily_at_truth()
    shifts = np.array([[0.0, 0.0, 0.0], [58.0, 0.0, 0.0], [0.0, -62.0, 0.0]])
    found = wide_search(TRUE, template, daily, LocalCorrelation(), shifts=shifts, most=3)
    assert [pose.translation_mm.tolist() for pose in found] == [TRUE.translation_mm.tolist()]


def test_nothing_in_sight_is_no_pose_worth_refining():
    far, nowhere = pose_of([900.0, 0.0, 0.0], np.zeros(3)), np.zeros((1, 3))
    found = wide_search(far, template_of(), daily_at_truth(), LocalCorrelation(), shifts=nowhere, most=3)
    assert found == []


def column(axes, tilt=(0.0, 0.0)):
    """A column of bone, tilted against the slice axis of the patient, with ribs on one side that pull the mean away."""
    origin = -axes @ (2.0 * (np.array([50, 50, 60]) - 1))
    grid = Grid(PLAN, origin, np.full(3, 4.0), axes, (50, 50, 60))
    x, y, z = points_of(grid).T
    x, y = x - tilt[0] * z, y - tilt[1] * z
    ribs = (np.abs(np.mod(z, 28.0) - 14.0) < 4.0) & (np.abs(y) < 5.0) & (x > 0.0) & (x < 60.0)
    bone = ribs | (np.hypot(x, y) < 14.0)
    volume = WorkingVolume(np.zeros(grid.shape, np.float32), np.ones(grid.shape, np.float32), grid)
    return volume, bone.reshape(grid.shape)


@pytest.mark.parametrize("tilt", [(0.0, 0.0), (0.15, -0.2), (-0.3, 0.1)])
@pytest.mark.parametrize("axes", [np.eye(3), np.diag([1.0, -1.0, -1.0]), AXES], ids=["straight", "downward", "oblique"])
def test_the_spine_points_to_the_head(tilt, axes):
    axis = spine_axis(*column(axes, tilt))
    expected = np.array([*tilt, 1.0]) / np.linalg.norm([*tilt, 1.0])
    assert np.linalg.norm(axis) == pytest.approx(1.0)
    assert np.rad2deg(np.arccos(axis @ expected)) < 4.0


def test_without_bone_the_spine_is_the_long_axis():
    volume, bone = column(np.eye(3))
    assert spine_axis(volume, bone & False).tolist() == [0.0, 0.0, 1.0]


def test_rivals_lie_in_their_bands_and_are_no_copies():
    template, daily = template_of(30 * BLOCKS), daily_at_truth()
    best = LocalCorrelation().settle(TRUE, template, daily, 0.01)
    rivals = find_rivals(best, template, daily, LocalCorrelation(), np.array([0.0, 0.0, 1.0]))
    offsets = np.array([rival.offset_mm for rival in rivals])
    assert len(rivals) >= 1
    assert (np.abs(offsets) >= 8.0).all()
    assert (np.diff(np.sort(offsets)) > 4.0).all()
    assert all(rival.settled.score < best.score for rival in rivals)
