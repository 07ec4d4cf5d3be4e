"""Line integrals against closed forms in every geometry, exact transposes, the same bits on any number of threads."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st

from openigrt.errors import FrameMismatch, InvalidGeometry
from openigrt.geometry import Frame, RigidTransform, Trajectory, rotation_from_vector, rotation_x, rotation_z
from openigrt.xray import Projector
from tests.xray.phantoms import ROOM_AXES, Blob, head, placement, points_of, room_grid, sampled, scan, seen

ROOT = Path(__file__).resolve().parents[2]
BLOBS = [
    Blob(np.array([4.0, -3.0, 2.0]), 9.0),
    Blob(np.array([-16.0, 9.0, 10.0]), 8.0),
    Blob(np.array([12.0, 8.0, -18.0]), 8.5, -0.004),
]
ANGLES = [0.0, 33.0, 90.0, 135.0, 180.0, 222.0, 270.0, 311.0]
PLAIN = placement((80, 72), (2.0, 2.0))
HELD = {
    "plain": PLAIN,
    "half fan": replace(PLAIN, offset_mm=(45.0, -6.0)),
    "half fan, other side": replace(PLAIN, offset_mm=(-45.0, 6.0)),
    "in plane": replace(PLAIN, in_plane_angle_deg=12.0),
    "on its side": replace(PLAIN, in_plane_angle_deg=90.0),
    "upside down": replace(PLAIN, in_plane_angle_deg=180.0),
    "out of plane": replace(PLAIN, out_of_plane_angle_deg=-15.0),
    "both": replace(PLAIN, in_plane_angle_deg=-7.0, out_of_plane_angle_deg=11.0, offset_mm=(20.0, 5.0)),
    "unequal pixels": replace(PLAIN, size=(100, 48), spacing_mm=(1.6, 3.0)),
}
LYING = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, -1.0, 0.0]])
GRIDS = {
    "plain": room_grid((72, 64, 68), (1.5, 1.5, 1.5)),
    "unequal voxels": room_grid((88, 68, 44), (1.2, 1.5, 2.4)),
    "as a patient lies": room_grid((72, 72, 68), (1.5,) * 3, direction=LYING),
    "oblique": room_grid((76,) * 3, (1.5,) * 3, direction=rotation_from_vector([0.2, -0.15, 0.3]) @ ROOM_AXES),
}
PEAK = max(abs(blob.per_mm) * blob.sigma_mm for blob in BLOBS) * np.sqrt(2.0 * np.pi)


def close_to_closed_form(grid, trajectory, tolerance=0.01):
    """Within a share of the largest integral.

    Linear interpolation of a Gaussian is off by (voxel / sigma)^2 / 8 of its peak at most, along each of two axes:
    0.7 % for sigma of 5.5 voxels and more. Tilted detectors are interpolated once more, from pixels of about that size.
    """
    found = Projector(grid, trajectory).forward(sampled(BLOBS, grid))
    assert found.shape == trajectory.shape
    assert np.abs(found - seen(BLOBS, trajectory)).max() < tolerance * PEAK


@pytest.mark.parametrize("held", HELD.values(), ids=HELD)
def test_blobs_in_every_hold_of_the_detector(held):
    interpolated_twice = held.in_plane_angle_deg % 90.0 != 0.0 or held.out_of_plane_angle_deg != 0.0
    close_to_closed_form(GRIDS["plain"], scan(ANGLES, held), 0.018 if interpolated_twice else 0.01)


@pytest.mark.parametrize("grid", GRIDS.values(), ids=GRIDS)
def test_blobs_on_every_grid(grid):
    close_to_closed_form(grid, scan(ANGLES, PLAIN), 0.014)


@pytest.mark.parametrize("tilt_deg", [45.0, 70.0, 90.0])
def test_blobs_seen_along_the_axis_of_rotation(tilt_deg):
    """A source over the patient's head: rays run along the slices' axis, and columns along another one."""
    close_to_closed_form(GRIDS["plain"], scan([0.0, 100.0], replace(PLAIN, out_of_plane_angle_deg=tilt_deg)), 0.018)


def test_a_finer_grid_comes_closer():
    errors = []
    for voxel_mm, count in ((4.0, 26), (2.0, 52)):
        grid, trajectory = room_grid((count,) * 3, (voxel_mm,) * 3), scan(ANGLES, PLAIN)
        found = Projector(grid, trajectory).forward(sampled(BLOBS, grid))
        errors.append(np.sqrt(np.mean((found - seen(BLOBS, trajectory)) ** 2)) / PEAK)
    assert errors[1] < 0.35 * errors[0]
    assert errors[1] < 0.0015


def test_ellipsoids_have_their_chords():
    """Edges of voxels are off by half a voxel; the mean over the shadow is not."""
    grid, trajectory = room_grid((56, 44, 64), (2.0, 2.0, 2.0)), scan(ANGLES, placement((64, 64), (3.2, 3.2)))
    found, expected = Projector(grid, trajectory).forward(sampled(head(), grid)), seen(head(), trajectory)
    assert found.mean() == pytest.approx(expected.mean(), rel=2e-3)
    assert np.abs(found - expected).mean() < 0.01 * expected.max()


def test_one_voxel_casts_its_own_shadow():
    """A single voxel of 1: the integrals over all rays of a detector hold its volume, by magnification squared."""
    grid, trajectory = room_grid((9, 9, 9), (4.0,) * 3), scan([0.0, 50.0, 90.0], placement((80, 80), (0.5, 0.5)))
    volume = np.zeros(grid.shape, np.float32)
    volume[4, 4, 4] = 1.0
    mass = Projector(grid, trajectory).forward(volume).sum(axis=(1, 2)) * 0.5**2 / 1.5**2
    assert mass == pytest.approx(np.full(3, 4.0**3), rel=5e-3)


def test_nothing_is_seen_beyond_the_volume_or_of_an_empty_one():
    grid, trajectory = room_grid((8, 8, 8)), scan(ANGLES)
    found = Projector(grid, trajectory).forward(np.ones(grid.shape, np.float32))
    assert (found[:, :, [0, -1]] == 0.0).all()
    assert (found[:, [0, -1]] == 0.0).all()
    assert not Projector(grid, trajectory).forward(np.zeros(grid.shape)).any()


def test_a_moved_patient_on_a_moved_grid_is_the_same_image():
    grid, trajectory = GRIDS["plain"], scan(ANGLES, HELD["both"])
    turn = rotation_z(40.0) @ rotation_x(30.0)
    moved = RigidTransform(Frame.daily("1.2"), Frame.FIXED, turn, np.array([10.0, 20.0, 300.0]))
    volume = sampled(BLOBS, grid)
    here = Projector(grid, trajectory).forward(volume)
    there = Projector(grid.moved(moved), trajectory.moved(moved)).forward(volume)
    assert there == pytest.approx(here, abs=2e-5)


@st.composite
def geometries(draw):
    """A grid and a trajectory that see each other in any way, smooth or not."""
    size = draw(st.tuples(*[st.integers(1, 12)] * 3))
    spacing = draw(st.tuples(*[st.floats(1.0, 6.0)] * 3))
    turn = rotation_from_vector(draw(st.tuples(*[st.floats(-1.0, 1.0)] * 3)))
    center = draw(st.tuples(*[st.floats(-30.0, 30.0)] * 3))
    held = placement(
        draw(st.tuples(*[st.integers(1, 14)] * 2)),
        draw(st.tuples(*[st.floats(1.0, 9.0)] * 2)),
        offset_mm=draw(st.tuples(*[st.floats(-40.0, 40.0)] * 2)),
        in_plane_angle_deg=draw(st.floats(-180.0, 180.0)),
        out_of_plane_angle_deg=draw(st.floats(-80.0, 80.0)),
    )
    angles = draw(st.lists(st.floats(0.0, 360.0), min_size=1, max_size=3))
    grid = room_grid(size, spacing, center, turn @ ROOM_AXES if draw(st.booleans()) else ROOM_AXES)
    views = [scan([angle], held)[0] for angle in angles]
    return grid, Trajectory.of(views), draw(st.integers(0, 1000))


@given(geometries())
@settings(max_examples=150)
def test_back_projection_is_the_transpose(drawn):
    """<A x, y> = <x, At y> for any x and y. The bound: single precision of a few thousand sums of either sign."""
    grid, trajectory, seed = drawn
    generator = np.random.default_rng(seed)
    x = generator.uniform(0.0, 1.0, grid.shape).astype(np.float32)
    y = generator.uniform(0.0, 1.0, trajectory.shape).astype(np.float32)
    try:
        projector = Projector(grid, trajectory)
    except InvalidGeometry as refused:
        if "graze" not in refused.sentence:
            raise
        reject()
    forward = float(np.vdot(projector.forward(x).astype(np.float64), y))
    back = float(np.vdot(x.astype(np.float64), projector.adjoint(y)))
    assert forward == pytest.approx(back, rel=1e-5, abs=1e-5)


def test_the_transpose_is_that_of_every_single_entry():
    """The whole matrix, row by row and column by column."""
    grid, trajectory = room_grid((4, 3, 5), (5.0, 4.0, 6.0)), scan([20.0, 80.0], placement((6, 5), (8.0, 7.0)))
    projector = Projector(grid, trajectory)
    columns = [projector.forward(one).ravel() for one in np.eye(60, dtype=np.float32).reshape(60, *grid.shape)]
    rows = [projector.adjoint(one).ravel() for one in np.eye(60, dtype=np.float32).reshape(60, *trajectory.shape)]
    assert np.array(rows) == pytest.approx(np.array(columns).T, abs=1e-5)
    assert np.count_nonzero(columns) > 300


THREADED = """
import sys
import numpy as np
import numba
from dataclasses import replace
from openigrt.xray import Fdk, Projector
from tests.xray.phantoms import head, placement, room_grid, sampled, scan
out = {}
for name, held in (("plain", placement((41, 35))), ("tilted", placement((41, 35), in_plane_angle_deg=5.0))):
    grid, trajectory = room_grid((33, 31, 29), (4.0, 4.0, 5.0)), scan(np.arange(0.0, 360.0, 7.5), held)
    projector = Projector(grid, trajectory)
    out[f"{name}-forward"] = projections = projector.forward(sampled(head(), grid))
    out[f"{name}-adjoint"] = projector.adjoint(projections)
    fdk = Fdk(grid, trajectory)
    fdk.add(projections, 0)
    out[f"{name}-fdk"] = fdk.volume()
np.savez(sys.argv[1], **out)
print(numba.get_num_threads())
"""


def test_threads_change_no_bit(tmp_path):
    results = {}
    for threads in (1, 2, 3):
        file = tmp_path / f"{threads}.npz"
        environment = os.environ | {"NUMBA_NUM_THREADS": str(threads), "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"}
        command = [sys.executable, "-c", THREADED, str(file)]
        finished = subprocess.run(command, env=environment, capture_output=True, text=True, check=True, timeout=300)
        assert finished.stdout.strip() == str(threads)
        results[threads] = dict(np.load(file))
    for name, bits in results[1].items():
        assert np.abs(bits).max() > 0.0
        for threads in (2, 3):
            assert np.array_equal(results[threads][name], bits), f"{name} on {threads} threads"


def test_what_does_not_fit_is_refused():
    grid, trajectory = room_grid((6, 5, 4)), scan([0.0, 90.0])
    projector = Projector(grid, trajectory)
    with pytest.raises(InvalidGeometry, match=r"shape \(6, 5, 4\) does not fit a grid of \(4, 5, 6\)"):
        projector.forward(np.zeros((6, 5, 4), np.float32))
    with pytest.raises(InvalidGeometry, match="do not fit a trajectory"):
        projector.adjoint(np.zeros((2, 48, 36), np.float32))
    with pytest.raises(FrameMismatch):
        Projector(replace(grid, frame=Frame.daily("1.2")), trajectory)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_numbers_that_are_none_are_refused(bad):
    grid, trajectory = room_grid((6, 5, 4)), scan([0.0, 90.0])
    projector = Projector(grid, trajectory)
    volume, projections = np.zeros(grid.shape, np.float32), np.zeros(trajectory.shape, np.float32)
    volume[1, 2, 3] = projections[1, 2, 3] = bad
    with pytest.raises(InvalidGeometry, match="no numbers"):
        projector.forward(volume)
    with pytest.raises(InvalidGeometry, match="no numbers"):
        projector.adjoint(projections)


@pytest.mark.parametrize(
    ("center", "held"),
    [((0.0, 0.0, 950.0), placement()), ((0.0, 0.0, 1000.0), placement()), ((0.0, 0.0, 1300.0), placement())],
)
def test_a_volume_at_the_source_is_refused(center, held):
    with pytest.raises(InvalidGeometry, match="X-ray source"):
        Projector(room_grid((32, 32, 24), center=center), scan([0.0], held))
    assert points_of(room_grid())[..., 1].max() < 60.0


@pytest.mark.parametrize("tilt_deg", [70.0, 89.0])
def test_a_detector_seen_edge_on_is_refused(tilt_deg):
    tilt = np.deg2rad(tilt_deg)
    down = np.array([0.0, np.cos(tilt), np.sin(tilt)])
    center = np.array([-94.0, 0.0, -500.0])
    steep = replace(scan([0.0]), column_directions=down[None], first_pixels_mm=(center - 70.0 * down)[None])
    with pytest.raises(InvalidGeometry, match="tilt of the detector"):
        Projector(room_grid(), steep)
