"""Filtered back-projection of bodies in closed form: every arc, fan and tilt, in any order; what must be refused."""

import tracemalloc
from dataclasses import replace

import numpy as np
import pytest

from openigrt.errors import FrameMismatch, InconsistentInput, InvalidGeometry
from openigrt.geometry import DetectorPlacement, Frame, RigidTransform, Trajectory, rotation_from_vector
from openigrt.xray import (
    ArcKind,
    Fan,
    Fdk,
    FdkSettings,
    RampFilter,
    RampWindow,
    arc_of,
    fan_of,
    reconstruct_fdk,
    reconstruction_bytes,
)
from tests.xray.phantoms import (
    ROOM_AXES,
    WATER_PER_MM,
    Ellipsoid,
    head,
    placement,
    points_of,
    room_grid,
    sampled,
    scan,
    seen,
)

GRID = room_grid((72, 64, 24), (2.0, 2.0, 2.0))
WIDE = placement((112, 64), (2.0, 2.0))
ASIDE = placement((72, 64), (2.0, 2.0), offset_mm=(48.0, 0.0))
TURN = np.arange(0.0, 360.0, 2.0)
FAN_DEG = 2.0 * np.rad2deg(np.arctan2(112.0, 1500.0))
SHORT = np.arange(40.0, 40.0 + 180.0 + 2.0 * FAN_DEG + 1.0, 1.0)


def errors_inside(volume, grid=GRID, bodies=None):
    """Reconstructed less true attenuation, in parts of water, away from every edge (body, insert, ends of the cone)."""
    bodies = head() if bodies is None else bodies
    points = points_of(grid)
    inside = np.abs(points[..., 1]) < 15.0
    for body in bodies:
        unit = (points - body.center_mm) @ (body.turned / body.semi_axes_mm)
        distance = (np.sqrt((unit**2).sum(axis=-1)) - 1.0) * body.semi_axes_mm.min()
        inside &= np.abs(distance) > 4.0
    inside &= bodies[0].at(points) > 0.0
    assert inside.sum() > 1000
    return (volume - sampled(bodies, grid))[inside] / WATER_PER_MM


def close_to_truth(volume, mean=0.002, rms=0.02, **about):
    """Within a few HU on average; noise-free streaks and the ends of the cone stay below 2 % of water."""
    error = errors_inside(volume, **about)
    assert abs(error.mean()) < mean
    assert np.sqrt((error**2).mean()) < rms


@pytest.mark.parametrize(
    ("held", "angles"),
    [
        (WIDE, TURN),
        (WIDE, TURN[::-1]),
        (WIDE, np.mod(TURN + 200.3, 360.0)),
        (replace(WIDE, offset_mm=(3.0, 10.0)), TURN),
        (replace(WIDE, in_plane_angle_deg=6.0), TURN),
        (replace(WIDE, in_plane_angle_deg=180.0), TURN),
        (replace(WIDE, size=(84, 104), in_plane_angle_deg=90.0, spacing_mm=(2.0, 2.0)), TURN),
        (replace(WIDE, spacing_mm=(2.0, 3.0)), TURN),
    ],
    ids=[
        "plain",
        "backwards",
        "from 200",
        "slightly aside",
        "in plane",
        "upside down",
        "on its side",
        "unequal pixels",
    ],
)
def test_a_full_turn(held, angles):
    trajectory = scan(angles, held)
    assert arc_of(trajectory).kind is ArcKind.FULL
    close_to_truth(reconstruct_fdk(seen(head(), trajectory), trajectory, GRID))


@pytest.mark.parametrize(
    "angles", [SHORT, SHORT[::-1], np.mod(SHORT + 250.0, 360.0)], ids=["rising", "falling", "past 0"]
)
@pytest.mark.parametrize("held", [WIDE, replace(WIDE, in_plane_angle_deg=180.0)], ids=["plain", "upside down"])
def test_a_short_arc(angles, held):
    """Parker's weights: the wrong sense of the fan would leave shading of 10 % and more."""
    trajectory = scan(angles, held)
    assert arc_of(trajectory).kind is ArcKind.SHORT
    close_to_truth(reconstruct_fdk(seen(head(), trajectory), trajectory, GRID))


@pytest.mark.parametrize(
    "held",
    [
        ASIDE,
        replace(ASIDE, offset_mm=(-48.0, 0.0)),
        replace(ASIDE, in_plane_angle_deg=180.0),
        replace(ASIDE, in_plane_angle_deg=4.0),
    ],
    ids=["right", "left", "upside down", "in plane"],
)
@pytest.mark.parametrize("angles", [TURN, TURN[::-1]], ids=["rising", "falling"])
def test_a_detector_that_stands_aside(held, angles):
    trajectory = scan(angles, held)
    volume = reconstruct_fdk(seen(head(), trajectory), trajectory, GRID)
    close_to_truth(volume)
    assert Fdk(GRID, trajectory).fan is Fan.HALF


@pytest.mark.parametrize(
    ("size", "offset_mm", "angles"),
    [((64, 112), (0.0, 0.0), SHORT), ((64, 72), (0.0, 48.0), TURN), ((64, 72), (0.0, -48.0), TURN)],
    ids=["short arc", "half fan", "half fan, left"],
)
def test_a_detector_on_its_side_that_wobbles(size, offset_mm, angles):
    """Its rows run along the axis, now a little to the one side, now to the other: a fan has one sense all the same."""
    wobble = np.random.default_rng(1).uniform(-0.3, 0.3, len(angles))
    held = placement(size, (2.0, 2.0), offset_mm=offset_mm)
    trajectory = Trajectory.of(
        [scan([a], replace(held, in_plane_angle_deg=90.0 + w))[0] for a, w in zip(angles, wobble, strict=True)]
    )
    close_to_truth(reconstruct_fdk(seen(head(), trajectory), trajectory, GRID))


def test_what_does_not_change_along_the_axis_is_exact_in_steep_rays_too():
    """A long bar in a cone of 19 degrees to either side (Feldkamp 1984): within 0.5 %; a cosine less costs 3 %."""
    bar = [Ellipsoid(np.array([3.0, 0.0, -2.0]), np.array([30.0, 1e5, 24.0]))]
    trajectory = scan(TURN, DetectorPlacement(300.0, 450.0, (80, 154), (2.0, 2.0)))
    grid = room_grid((20, 20, 33), (2.0, 2.0, 5.0))
    volume = reconstruct_fdk(seen(bar, trajectory), trajectory, grid)
    inner = np.hypot(points_of(grid)[..., 0], points_of(grid)[..., 2]) < 16.0
    for ends in (volume[[0, 1, -2, -1]][inner[[0, 1, -2, -1]]], volume[14:19][inner[14:19]]):
        assert ends.mean() == pytest.approx(WATER_PER_MM, rel=0.005)


def test_a_half_fan_has_neither_dark_nor_bright_center():
    """The mean of the central 2 cm against the ring around it, within 10 HU."""
    pelvis = [Ellipsoid(np.zeros(3), np.array([60.0, 400.0, 45.0]))]
    trajectory = scan(TURN, ASIDE)
    grid = room_grid((72, 64, 8), (2.0, 2.0, 2.0))
    volume = reconstruct_fdk(seen(pelvis, trajectory), trajectory, grid)
    away = np.hypot(points_of(grid)[..., 0], points_of(grid)[..., 2])
    center, ring = volume[away < 10.0].mean(), volume[(away > 15.0) & (away < 30.0)].mean()
    assert abs(center - ring) / WATER_PER_MM < 0.010
    assert center == pytest.approx(WATER_PER_MM, rel=0.01)


def test_tilted_source_and_detector():
    """Half a degree to 2 degrees of tilt, other at every angle, as a bent arm has it."""
    bent = [
        replace(WIDE, out_of_plane_angle_deg=np.sin(np.deg2rad(angle)), offset_mm=(np.cos(angle), 2.0))
        for angle in TURN
    ]
    trajectory = type(scan([0.0])).of([scan([angle], held)[0] for angle, held in zip(TURN, bent, strict=True)])
    close_to_truth(reconstruct_fdk(seen(head(), trajectory), trajectory, GRID))


def test_any_order_and_any_blocks_give_the_same_volume():
    trajectory = scan(TURN[::4], WIDE)
    projections = seen(head(), trajectory)
    whole = reconstruct_fdk(projections, trajectory, GRID)
    one_by_one = Fdk(GRID, trajectory)
    for n in np.random.default_rng(3).permutation(len(trajectory)):
        one_by_one.add(projections[n : n + 1], int(n))
    assert one_by_one.missing == 0
    assert one_by_one.volume() == pytest.approx(whole, abs=1e-6)
    shuffled = np.random.default_rng(4).permutation(len(trajectory))
    other = reconstruct_fdk(projections[shuffled], trajectory.chosen(shuffled), GRID)
    assert other == pytest.approx(whole, abs=1e-6)


def test_a_volume_can_be_taken_while_the_gantry_still_turns():
    trajectory = scan(TURN, WIDE)
    projections = seen(head(), trajectory)
    fdk = Fdk(GRID, trajectory)
    fdk.add(projections[:90], 0)
    assert fdk.missing == 90
    half = fdk.volume()
    fdk.add(projections[90:], 90)
    assert np.abs(fdk.volume() - half).max() > 0.1 * WATER_PER_MM
    close_to_truth(fdk.volume())


def test_angles_taken_twice_count_once():
    angles = np.sort(np.concatenate([TURN, TURN[10:30], [300.0, 300.0]]))
    trajectory = scan(angles, WIDE)
    arc = arc_of(trajectory)
    assert arc.warnings == ("21 gantry angles were taken more than once; their projections are averaged.",)
    assert arc.steps_deg.sum() == pytest.approx(360.0)
    close_to_truth(reconstruct_fdk(seen(head(), trajectory), trajectory, GRID))


@pytest.mark.parametrize("range_deg", [360.0, 220.0])
def test_finely_sampled_arcs_count_every_projection_alike(range_deg):
    """Steps of 0.18 degrees are not rounded: what a projection stands for is exact."""
    count = 1999
    angles = 17.003 + np.arange(count) * (range_deg / count)
    steps = arc_of(scan(angles, WIDE)).steps_deg
    assert np.allclose(steps[1:-1], range_deg / count, rtol=1e-6)


def test_a_few_missing_projections_are_taken_up_by_their_neighbours():
    angles = np.delete(TURN, [5, 6, 7, 100])
    trajectory = scan(angles, WIDE)
    assert arc_of(trajectory).kind is ArcKind.FULL
    close_to_truth(reconstruct_fdk(seen(head(), trajectory), trajectory, GRID), rms=0.03)


def test_steps_of_uneven_length():
    angles = np.cumsum(np.random.default_rng(7).uniform(0.6, 1.4, 360))
    angles *= 360.0 / (angles[-1] + 1.0)
    trajectory = scan(angles, WIDE)
    close_to_truth(reconstruct_fdk(seen(head(), trajectory), trajectory, GRID))


@pytest.mark.parametrize("window", RampWindow)
def test_windows_blur_edges_and_keep_the_mean(window):
    trajectory = scan(TURN, WIDE)
    settings = FdkSettings(RampFilter(window, 0.8))
    close_to_truth(reconstruct_fdk(seen(head(), trajectory), trajectory, GRID, settings), rms=0.03)


def test_truncated_rows_are_continued():
    """A detector that cuts the head off at 35 mm: everything is too bright, and the rim more, without continuation."""
    narrow = placement((54, 64), (2.0, 2.0))
    trajectory = scan(TURN, narrow)
    projections = seen(head(), trajectory)
    grid = room_grid((24, 24, 8), (2.0, 2.0, 2.0))
    plain, continued = (
        reconstruct_fdk(projections, trajectory, grid, FdkSettings(extension_share=share)) for share in (0.0, 0.2)
    )
    bias = [abs(errors_inside(volume, grid).mean()) for volume in (plain, continued)]
    assert bias[0] > 0.05
    assert bias[1] < 0.02


def test_a_slightly_oblique_grid():
    """Slices may be askew by some degrees, as those of a patient are."""
    turned = rotation_from_vector(np.deg2rad([2.0, 10.0, -3.0])) @ ROOM_AXES
    grid = room_grid((72, 64, 24), (2.0,) * 3, direction=turned)
    trajectory = scan(TURN, WIDE)
    close_to_truth(reconstruct_fdk(seen(head(), trajectory), trajectory, grid), grid=grid)


def test_slices_along_any_axis_of_the_room_or_a_sentence():
    """A grid whose slices do not lie across the axis of rotation cannot be filled by rows of the detector."""
    trajectory = scan(TURN, WIDE)
    for vector in ([0.0, 0.0, np.deg2rad(40.0)], [np.deg2rad(40.0), 0.0, 0.0], [np.pi / 2.0, 0.0, 0.0]):
        grid = room_grid(direction=rotation_from_vector(vector) @ ROOM_AXES)
        with pytest.raises(InvalidGeometry, match="axis of rotation"):
            Fdk(grid, trajectory)


def test_what_was_added_or_does_not_fit_is_refused():
    trajectory = scan(TURN[::8], WIDE)
    fdk = Fdk(GRID, trajectory)
    good = np.zeros((3, *trajectory.shape[1:]), np.float32)
    fdk.add(good, 4)
    with pytest.raises(InvalidGeometry, match="Projection 5 was added before"):
        fdk.add(good[:1], 5)
    for shape, first in (
        ((3, 64, 110), 0),
        ((64, 112), 0),
        ((3, 64, 112), 21),
        ((1, 64, 112), -1),
        ((1, 1, 64, 112), 0),
    ):
        with pytest.raises(InvalidGeometry, match="do not fit a trajectory of 23 detectors"):
            fdk.add(np.zeros(shape, np.float32), first)
    for bad in (np.nan, np.inf):
        good[1, 2, 3] = bad
        with pytest.raises(InvalidGeometry, match="no numbers"):
            fdk.add(good, 10)
    assert fdk.missing == 20
    fdk.add(np.zeros((0, *trajectory.shape[1:]), np.float32), 0)
    assert fdk.missing == 20


@pytest.mark.parametrize("share", [-0.1, 2.1, np.nan])
def test_rows_are_not_continued_without_end(share):
    with pytest.raises(InvalidGeometry, match="a share of 0 to 2"):
        FdkSettings(extension_share=share)


def test_ends_of_a_short_arc_stand_for_half_a_step():
    arc = arc_of(scan(SHORT, WIDE))
    assert arc.steps_deg == pytest.approx([0.5, *[1.0] * (len(SHORT) - 2), 0.5], abs=0.02)
    assert arc.steps_deg.sum() == pytest.approx(arc.range_deg)


@pytest.mark.parametrize("shape", [(22, 64, 112), (24, 64, 112), (23, 112, 64)])
def test_a_scan_of_more_or_fewer_projections_than_its_trajectory_is_refused(shape):
    """Fewer would have left the volume too dark without a word, and more would have been left out."""
    with pytest.raises(InvalidGeometry, match="do not fit a trajectory"):
        reconstruct_fdk(np.zeros(shape, np.float32), scan(TURN[::8], WIDE), GRID)


@pytest.mark.parametrize(
    ("angles", "sentence"),
    [
        ([0.0, 90.0, 180.0], "there are 3"),
        ([10.0, 10.0, 20.0, 20.0, 30.0], "3 gantry angles only"),
        (np.arange(0.0, 150.0, 1.0), r"149\.0 degrees, less than half a turn"),
        (np.delete(np.arange(0.0, 360.0), np.r_[20:50, 200:230]), r"2 parts of the arc \(gantry angles 19\.0 to 50\.0"),
    ],
    ids=["three", "repeated", "short", "two gaps"],
)
def test_arcs_that_leave_the_volume_open_are_refused(angles, sentence):
    with pytest.raises(InconsistentInput, match=sentence):
        Fdk(GRID, scan(angles, WIDE))


def test_an_arc_shorter_than_the_fan_says_where_the_volume_is_complete():
    """189 degrees: rays up to 4.5 degrees off the middle, 78 mm from the axis, and the head reaches 50."""
    trajectory = scan(np.arange(0.0, 189.5, 1.0), replace(WIDE, spacing_mm=(4.0, 2.0)))
    fdk = Fdk(GRID, trajectory)
    assert len(fdk.warnings) == 1
    assert "189.0 degrees of the 196.8" in fdk.warnings[0]
    assert "within 78 mm" in fdk.warnings[0]
    fdk.add(seen(head(), trajectory), 0)
    close_to_truth(fdk.volume(), rms=0.03)
    assert Fdk(GRID, scan(SHORT, WIDE)).warnings == ()


def test_a_full_fan_flag_on_a_half_fan_scan_is_found():
    trajectory = scan(TURN, ASIDE)
    assert fan_of(trajectory) is Fan.HALF
    with pytest.raises(InconsistentInput, match="stands aside") as found:
        Fdk(GRID, trajectory, FdkSettings(fan=Fan.FULL))
    assert "48" in found.value.sentence
    Fdk(GRID, scan(TURN, replace(WIDE, offset_mm=(20.0, 0.0))), FdkSettings(fan=Fan.FULL))


@pytest.mark.parametrize("in_plane_deg", [0.0, 90.0, 180.0, 270.0])
def test_how_a_detector_stands_is_seen_from_the_axis_however_it_is_held(in_plane_deg):
    """On its side its columns run along the axis, and whether it stands aside is a matter of its rows."""
    turned = np.abs(np.sin(np.deg2rad(in_plane_deg))) > 0.5
    along, across = ((0.0, 48.0), (48.0, 0.0))[:: -1 if turned else 1]
    aside, ahead = (
        scan(TURN, placement((72, 64), (2.0, 2.0), offset_mm=mm, in_plane_angle_deg=in_plane_deg))
        for mm in (across, along)
    )
    assert fan_of(aside) is Fan.HALF
    assert fan_of(ahead) is Fan.FULL


def test_a_half_fan_needs_a_full_turn_and_an_overlap():
    with pytest.raises(InconsistentInput, match="full turn"):
        Fdk(GRID, scan(SHORT, ASIDE))
    with pytest.raises(InconsistentInput, match="past the axis of rotation"):
        Fdk(GRID, scan(TURN, replace(ASIDE, offset_mm=(71.0, 0.0))))
    with pytest.raises(InconsistentInput, match="past the axis of rotation"):
        Fdk(GRID, scan(TURN, replace(ASIDE, offset_mm=(200.0, 0.0))))


def test_other_frames_and_volumes_at_the_source_are_refused():
    trajectory = scan(TURN[::8], WIDE)
    moved = RigidTransform(Frame.daily("1.2"), Frame.FIXED, np.eye(3), np.zeros(3))
    with pytest.raises(FrameMismatch):
        Fdk(GRID.moved(moved), trajectory.moved(moved))
    with pytest.raises(FrameMismatch):
        Fdk(GRID.moved(moved), trajectory)
    with pytest.raises(InvalidGeometry, match="X-ray source"):
        Fdk(room_grid((32, 32, 8), (70.0, 70.0, 4.0)), trajectory)


@pytest.mark.parametrize("held", [WIDE, replace(WIDE, in_plane_angle_deg=5.0)], ids=["plain", "tilted"])
def test_the_memory_of_a_reconstruction_is_known_before_it_starts(held):
    trajectory, settings = scan(TURN, held), FdkSettings(extension_share=0.2)
    projections = seen(head(), trajectory)
    tracemalloc.start()
    reconstruct_fdk(projections, trajectory, GRID, settings)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert 0.7 * peak < reconstruction_bytes(GRID, trajectory, settings) < 1.5 * peak
