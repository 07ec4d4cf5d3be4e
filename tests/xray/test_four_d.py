"""Bins of breathing and motion compensation: a tumour at its place, RTK's gate, and the weights of parts of an arc."""

from dataclasses import replace

import numpy as np
import pytest

from openigrt.errors import FrameMismatch, InconsistentInput, InvalidGeometry
from openigrt.geometry import DisplacementField, Frame, Grid
from openigrt.motion import (
    ASIDE,
    AmplitudeUnit,
    Bins,
    BreathingTrace,
    Breaths,
    SortingQuantity,
    amplitude_bins,
    phase_bins,
)
from openigrt.xray import (
    FdkSettings,
    arc_of,
    blank_bins,
    reconstruct_bins,
    reconstruct_fdk,
    reconstruct_motion_compensated,
)
from openigrt.xray.motion_compensated import add_read_along
from openigrt.xray.part_of_arc import part_of_arc, widest_gap_deg
from tests.xray.breathing_scans import HEIGHT_MM, WATER_PER_MM, Chest, breathing_mm, minute
from tests.xray.ellipsoid_scans import Ellipsoid, drawn, error_per_pixel, projected, psnr_db, room_grid, turn

GRID = room_grid((100, 60, 64), 2.5)
CHEST = Chest()


def points_of(grid):
    k, j, i = np.indices(grid.shape)
    return grid.points(np.stack([i, j, k], axis=-1))


def constant_field(grid, displacement_mm, where=True):
    """The same displacement at every node, or at those that a mask names."""
    vectors = np.broadcast_to(where, grid.shape)[..., None] * np.array(displacement_mm, np.float32)
    return DisplacementField(Frame.FIXED, grid, vectors)


@pytest.fixture(scope="module")
def breathed():
    """(line integrals, trajectory, times, amplitudes, breaths) of the chest in a minute."""
    trajectory, times = minute(projections=400, size=(96, 64), spacing_mm=(4.5, 4.5))
    amplitudes, peaks = breathing_mm(times)
    of_scan = peaks[(peaks > -6.0) & (peaks < 70.0)]
    breaths = Breaths(of_scan, np.ones(len(of_scan) - 1, bool))
    return CHEST.scanned(trajectory, amplitudes), trajectory, times, amplitudes, breaths


def found_tumour_mm(volume, near_mm):
    """Centre of what is denser than halfway between lung and tumour, in a ball of 20 mm."""
    points = points_of(GRID)
    inside = (np.linalg.norm(points - near_mm, axis=-1) < 20.0) & (volume > 0.6 * WATER_PER_MM)
    return points[inside].mean(axis=0)


def mean_tumour_mm(amplitudes):
    return np.mean([CHEST.tumour_center_mm(a) for a in amplitudes], axis=0)


@pytest.mark.parametrize("sorting", ["phase", "amplitude"])
def test_every_bin_shows_the_tumour_where_it_was(breathed, sorting):
    """Within 1 mm of its mean place during the bin's projections, on voxels of 2.5 mm."""
    data, trajectory, times, amplitudes, breaths = breathed
    trace = BreathingTrace(times, amplitudes, AmplitudeUnit.MM)
    bins = phase_bins(breaths, times, 6) if sorting == "phase" else amplitude_bins(trace, times, 4)
    assert blank_bins(trajectory, bins) == ()
    places = []
    for number, image in enumerate(reconstruct_bins(data, trajectory, GRID, bins)):
        members = bins.members(number)
        assert (image.name, image.projections) == (bins.names[number], len(members))
        truth = mean_tumour_mm(amplitudes[members])
        places.append(found_tumour_mm(image.volume, truth))
        assert np.linalg.norm(places[-1] - truth) < 1.0
    assert np.ptp([place[1] for place in places]) > 0.5 * HEIGHT_MM


def test_bins_of_a_half_fan_show_the_tumour_too():
    """Each ray is measured once only: such scans take two minutes."""
    trajectory, times = minute(projections=800, size=(64, 64), spacing_mm=(4.5, 4.5), offset_mm=115.0)
    times = 2.0 * times
    amplitudes, _ = breathing_mm(times)
    bins = amplitude_bins(BreathingTrace(times, amplitudes, AmplitudeUnit.MM), times, 4)
    images = reconstruct_bins(CHEST.scanned(trajectory, amplitudes), trajectory, GRID, bins)
    for number, image in enumerate(images):
        truth = mean_tumour_mm(amplitudes[bins.members(number)])
        assert np.linalg.norm(found_tumour_mm(image.volume, truth) - truth) < 1.0


def test_motion_compensation_brings_all_projections_to_one_place(breathed):
    """Nothing but the tumour is followed: it is as dense and as round as if it had not moved, and not so without."""
    data, trajectory, times, amplitudes, breaths = breathed
    bins = phase_bins(breaths, times, 10)
    reference = np.array(CHEST.tumour_center_mm(0.0))
    near = np.linalg.norm(points_of(GRID) - reference, axis=-1) < 25.0
    fields = [constant_field(GRID, mean_tumour_mm(amplitudes[bins.members(n)]) - reference, near) for n in range(10)]
    still = reconstruct_motion_compensated(data, trajectory, GRID, bins, fields)
    blurred = reconstruct_fdk(data, trajectory, GRID)
    inside = np.linalg.norm(points_of(GRID) - reference, axis=-1) < 7.0
    expected = 1.25 * WATER_PER_MM
    assert still[inside].mean() == pytest.approx(expected, rel=0.05)
    assert np.linalg.norm(found_tumour_mm(still, reference) - reference) < 0.5
    assert np.abs(blurred[inside] - expected).mean() > 3.0 * np.abs(still[inside] - expected).mean()


def rtk_motion():
    """RTK's rtkmotioncompensatedfdktest: a hole moves along x in a ball, and fields know it near the middle."""
    trajectory = turn(128, (128, 128), 4.0)
    aside = 20.0 * trajectory.row_directions + 15.0 * trajectory.column_directions
    trajectory = replace(trajectory, sources_mm=trajectory.sources_mm + aside)
    direction = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, 1.0, 0.0]])
    grid = Grid(Frame.FIXED, np.array([-63.0, -31.0, -63.0]), np.full(3, 2.0), direction, (64, 64, 32))
    phases = np.arange(128) % 8
    places = 4.0 * (np.abs((4 + np.arange(8)) % 8 - 4.0) - 2.0)
    ball = Ellipsoid((60.0, 60.0, 60.0), (0.0, 0.0, 0.0), 2.0)
    hole = Ellipsoid((8.0, 8.0, 8.0), (0.0, 0.0, 0.0), -1.0)
    data = np.empty(trajectory.shape, np.float32)
    for phase, x in enumerate(places):
        data[phase::8] = projected([ball, hole.at((x, 0.0, 0.0))], trajectory.chosen(np.arange(phase, 128, 8)))
    bins = Bins(SortingQuantity.PHASE, phases, np.arange(9) * 12.5, tuple(f"{n * 12.5:g}%" for n in range(8)))
    middle = np.abs(points_of(grid)).max(axis=-1) <= 31.5
    fields = [constant_field(grid, (x, 0.0, 0.0), middle) for x in places]
    return data, trajectory, grid, bins, fields, drawn([ball, hole], grid)


def test_rtk_gate_of_motion_compensation():
    """Error per pixel 0.05 and 22 dB, and the hole, which without compensation is half filled, is empty to 2 %."""
    data, trajectory, grid, bins, fields, truth = rtk_motion()
    image = reconstruct_motion_compensated(data, trajectory, grid, bins, fields)
    assert error_per_pixel(image, truth) < 0.05
    assert psnr_db(image, truth) > 22.0
    inside = np.linalg.norm(points_of(grid), axis=-1) < 6.0
    assert image[inside].mean() == pytest.approx(1.0, abs=0.02)
    assert reconstruct_fdk(data, trajectory, grid)[inside].mean() > 1.2


def test_without_motion_it_is_plain_back_projection():
    data, trajectory, grid, bins, _, _ = rtk_motion()
    still = [constant_field(grid, (0.0, 0.0, 0.0))] * 8
    image = reconstruct_motion_compensated(data, trajectory, grid, bins, still)
    assert image == pytest.approx(reconstruct_fdk(data, trajectory, grid), abs=2e-3)


def test_a_common_shift_of_whole_voxels_is_the_shifted_volume():
    """The field maps the reference to where it is: what lies at x + 8 mm is shown at x, up to the border.

    Edges differ by how depths are interpolated in volumes that begin elsewhere.
    """
    data, trajectory, grid, bins, _, _ = rtk_motion()
    fields = [constant_field(grid, (8.0, 0.0, -4.0))] * 8
    image = reconstruct_motion_compensated(data, trajectory, grid, bins, fields)
    shifted = replace(grid, origin_mm=grid.origin_mm + np.array([8.0, 0.0, -4.0]))
    off = image - reconstruct_fdk(data, trajectory, shifted)
    assert np.median(np.abs(off)) < 1e-3
    assert np.sqrt((off**2).mean()) < 0.01
    assert np.sqrt((off[[0, -1]] ** 2).mean()) < 0.01


def test_a_coarse_oblique_field_is_read_where_its_nodes_say():
    """A linear field on another lattice, and a linear image: both are interpolated exactly."""
    grid = room_grid((10, 9, 8), 3.0)
    turn_z = np.array([[0.6, -0.8, 0.0], [0.8, 0.6, 0.0], [0.0, 0.0, 1.0]])
    coarse = Grid(Frame.FIXED, turn_z @ np.full(3, -60.0), np.full(3, 24.0), turn_z, (6, 6, 6))
    slope = np.array([[0.02, 0.0, 0.01], [0.0, -0.03, 0.0], [0.01, 0.01, 0.02]])
    field = DisplacementField(Frame.FIXED, coarse, (points_of(coarse) @ slope.T + 0.5).astype(np.float32))
    wide = room_grid((24, 24, 24), 3.0)
    gradient = np.array([0.3, -0.2, 0.1])
    out = np.ones(grid.shape, np.float32)
    add_read_along((points_of(wide) @ gradient).astype(np.float32), wide, field, grid, out)
    there = points_of(grid) + points_of(grid) @ slope.T + 0.5
    assert out == pytest.approx(1.0 + there @ gradient, abs=1e-4)


def test_projections_that_lie_aside_are_stood_for_by_the_others():
    data, trajectory, grid, bins, _, _ = rtk_motion()
    still = [constant_field(grid, (0.0, 0.0, 0.0))] * 8
    fewer = replace(bins, of_each=np.where(np.arange(128) % 16 == 5, ASIDE, bins.of_each))
    data = np.where((np.arange(128) % 16 == 5)[:, None, None], np.float32(np.nan), data)
    image = reconstruct_motion_compensated(data, trajectory, grid, fewer, still)
    middle = np.linalg.norm(points_of(grid), axis=-1) < 40.0
    outside_hole = middle & (np.linalg.norm(points_of(grid), axis=-1) > 20.0)
    assert image[outside_hole].mean() == pytest.approx(2.0, rel=0.01)


@pytest.mark.parametrize("arc_deg", [360.0, 220.0])
def test_parts_of_an_arc_share_all_of_it(arc_deg):
    whole = arc_of(turn(220, (64, 16), 8.0, arc_deg=arc_deg))
    rising = np.sin(np.arange(220) * 0.7) > 0.6
    part = part_of_arc(whole, np.flatnonzero(rising))
    assert part.steps_deg.sum() == pytest.approx(whole.range_deg, abs=0.05)
    assert part.steps_deg.min() > 0.0
    everything = part_of_arc(whole, np.arange(220))
    assert everything.steps_deg.sum() == pytest.approx(whole.range_deg, abs=0.05)
    assert everything.steps_deg == pytest.approx(np.full(220, whole.range_deg / 220), abs=0.02)


def test_groups_share_their_part_alike():
    whole = arc_of(turn(360, (16, 16), 16.0))
    part = part_of_arc(whole, np.array([358, 359, 0, 1, 90, 180, 181]))
    assert part.steps_deg == pytest.approx([136.0 / 4] * 4 + [89.5] + [134.5 / 2] * 2)
    assert part.steps_deg.sum() == pytest.approx(360.0)
    assert widest_gap_deg(whole, np.array([358, 359, 0, 1, 90, 180, 181])) == pytest.approx(177.0)


def test_bins_of_a_short_arc(breathed):
    """Half a turn and the fan: weights of short arcs go with those of bins."""
    _, trajectory, times, amplitudes, breaths = breathed
    part = np.arange(0, 240)
    bins = phase_bins(breaths, times[part], 3)
    shorter = trajectory.chosen(part)
    images = reconstruct_bins(CHEST.scanned(shorter, amplitudes[part]), shorter, GRID, bins)
    for number, image in enumerate(images):
        truth = mean_tumour_mm(amplitudes[part][bins.members(number)])
        assert np.linalg.norm(found_tumour_mm(image.volume, truth) - truth) < 2.0


def test_blank_bins_are_named_and_have_no_volume():
    trajectory = turn(60, (32, 32), 16.0)
    data = projected([Ellipsoid((60.0, 60.0, 60.0), (0.0, 0.0, 0.0), 0.02)], trajectory)
    of_each = np.where(np.arange(60) < 20, 0, np.where(np.arange(60) % 2, 1, ASIDE))
    of_each[50] = 3
    bins = Bins(SortingQuantity.AMPLITUDE, of_each, np.arange(5.0), ("1 of 4", "2 of 4", "3 of 4", "4 of 4"))
    grid = room_grid((16, 16, 8), 8.0)
    assert blank_bins(trajectory, bins) == ("1 of 4", "2 of 4", "3 of 4", "4 of 4")
    images = list(reconstruct_bins(data, trajectory, grid, bins))
    assert [image.volume for image in images] == [None] * 4
    assert [image.projections for image in images] == [20, 20, 0, 1]
    assert images[2].widest_gap_deg == 360.0
    usable = replace(bins, of_each=np.where(np.arange(60) % 4 == 1, 1, ASIDE))
    assert blank_bins(trajectory, usable) == ("1 of 4", "3 of 4", "4 of 4")


def test_what_is_refused():
    trajectory, grid = turn(32, (32, 32), 16.0), room_grid((16, 16, 8), 8.0)
    data = np.zeros(trajectory.shape, np.float32)
    bins = Bins(SortingQuantity.AMPLITUDE, np.arange(32) % 2, np.arange(3.0), ("1 of 2", "2 of 2"))
    still = constant_field(grid, (0.0, 0.0, 0.0))
    other = replace(bins, of_each=bins.of_each[:-1])
    with pytest.raises(InconsistentInput, match="31 were sorted"):
        next(reconstruct_bins(data, trajectory, grid, other))
    with pytest.raises(InconsistentInput, match="31 were sorted"):
        reconstruct_motion_compensated(data, trajectory, grid, other, [still, still])
    with pytest.raises(InconsistentInput, match="2 bins need as many"):
        reconstruct_motion_compensated(data, trajectory, grid, bins, [still])
    small = constant_field(grid.part((2, 2, 2), (8, 8, 4)), (0.0, 0.0, 0.0))
    with pytest.raises(InvalidGeometry, match="bin 2 of 2 does not cover"):
        reconstruct_motion_compensated(data, trajectory, grid, bins, [still, small])
    holes = DisplacementField(Frame.FIXED, grid, np.full((*grid.shape, 3), np.nan, np.float32))
    with pytest.raises(InvalidGeometry, match="bin 1 of 2 holds nodes"):
        reconstruct_motion_compensated(data, trajectory, grid, bins, [holes, still])
    far = constant_field(grid, (0.0, 160.0, 0.0))
    with pytest.raises(InvalidGeometry, match="bin 1 of 2 leads 160 mm away"):
        reconstruct_motion_compensated(data, trajectory, grid, bins, [far, still])
    patient = DisplacementField(Frame.daily("1.2"), grid, np.zeros((*grid.shape, 3), np.float32))
    with pytest.raises(FrameMismatch):
        reconstruct_motion_compensated(data, trajectory, grid, bins, [patient, still])
    aside = replace(bins, of_each=np.full(32, ASIDE))
    with pytest.raises(InconsistentInput, match="0 lie in a bin, with a gap of 360 degrees"):
        reconstruct_motion_compensated(data, trajectory, grid, aside, [still, still])
    half = replace(bins, of_each=np.where(np.arange(32) < 16, bins.of_each, ASIDE))
    with pytest.raises(InconsistentInput, match="16 lie in a bin, with a gap of 191 degrees"):
        reconstruct_motion_compensated(data, trajectory, grid, half, [still, still])
    with pytest.raises(InvalidGeometry, match="do not fit a trajectory"):
        next(reconstruct_bins(data[:-1], trajectory, grid, bins))
    with pytest.raises(InvalidGeometry, match="do not fit a trajectory"):
        reconstruct_motion_compensated(data[:-1], trajectory, grid, bins, [still, still])
    assert FdkSettings().arc is None
