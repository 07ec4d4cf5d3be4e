"""Iterative methods: exactness on consistent data, few projections, gaps, half fans, and what is refused.

Line integrals are closed forms unless a test says that it needs data that a volume explains exactly.
"""

import numpy as np
import pytest
from scipy.ndimage import maximum_filter, minimum_filter

from openigrt.errors import FrameMismatch, InvalidGeometry
from openigrt.geometry import Frame, Grid, RigidTransform
from openigrt.xray import (
    CglsSettings,
    OsSartSettings,
    Projector,
    TotalVariationSettings,
    reconstruct_cgls,
    reconstruct_fdk,
    reconstruct_os_sart,
    reconstruct_total_variation,
)
from openigrt.xray.subsets import interleaved
from openigrt.xray.total_variation import Flattening
from tests.xray.ellipsoid_scans import Ellipsoid, drawn, projected, room_grid, turn

GRID = room_grid((48, 48, 32), 4.0)
HEAD = [
    Ellipsoid((80.0, 56.0, 65.0), (0.0, 0.0, 0.0), 0.02),
    Ellipsoid((22.0, 30.0, 22.0), (-30.0, 0.0, 10.0), -0.015),
    Ellipsoid((12.0, 56.0, 12.0), (5.0, 0.0, -40.0), 0.02),
]
DATA = OsSartSettings(iterations=15, subset_size=5)
FLAT = TotalVariationSettings(strength_per_mm=1e-4, data=OsSartSettings(iterations=15, subset_size=5))
METHODS = {
    "os-sart": lambda *scan, **also: reconstruct_os_sart(*scan, GRID, DATA, **also),
    "cgls": lambda *scan, **also: reconstruct_cgls(*scan, GRID, CglsSettings(iterations=12), **also),
    "tv": lambda *scan, **also: reconstruct_total_variation(*scan, GRID, FLAT, **also),
}


def error_where_flat(image, truth):
    """Root mean square over voxels whose neighbours are all alike: streaks and noise, and no edges cut by voxels."""
    flat = maximum_filter(truth, 3) == minimum_filter(truth, 3)
    return float(np.sqrt(((image - truth)[flat] ** 2).mean()))


@pytest.fixture(scope="module")
def few():
    """Forty projections of a whole turn: (line integrals, trajectory)."""
    trajectory = turn(40, (72, 48), 6.0)
    return projected(HEAD, trajectory), trajectory


@pytest.fixture(scope="module")
def truth():
    return drawn(HEAD, GRID)


@pytest.mark.parametrize("name", METHODS)
def test_residuals_are_reported_and_fall(few, name):
    said = []
    METHODS[name](*few, report=lambda number, residual: said.append((number, residual)))
    numbers, residuals = zip(*said, strict=True)
    assert numbers == tuple(range(1, len(said) + 1))
    assert all(np.diff(residuals[: len(residuals) // 2]) < 0.0)
    assert residuals[-1] < 0.03


@pytest.mark.parametrize(("name", "share"), [("os-sart", 0.25), ("cgls", 0.75), ("tv", 0.08)])
def test_few_projections_are_closer_than_filtered_back_projection(few, truth, name, share):
    data, trajectory = few[0][::2], few[1].chosen(np.arange(0, 40, 2))
    error = error_where_flat(METHODS[name](data, trajectory), truth)
    assert error < share * error_where_flat(reconstruct_fdk(data, trajectory, GRID), truth)


def test_total_variation_flattens_noise_that_others_keep(few, truth):
    draw = np.random.default_rng(2)
    noisy = few[0] + draw.normal(0.0, 0.05, few[0].shape).astype(np.float32)
    flat = error_where_flat(METHODS["tv"](noisy, few[1]), truth)
    assert flat < 0.35 * error_where_flat(METHODS["os-sart"](noisy, few[1]), truth)
    assert flat < 0.35 * error_where_flat(METHODS["cgls"](noisy, few[1]), truth)


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize(("arc_deg", "allowed"), [(230.0, 1.2), (150.0, 4.0)])
def test_short_and_limited_arcs(few, truth, name, arc_deg, allowed):
    """A limited arc lacks data: the error may grow, and no more than stated; the mean of the middle stays."""
    trajectory = turn(40, (72, 48), 6.0, arc_deg=arc_deg)
    image = METHODS[name](projected(HEAD, trajectory), trajectory)
    whole = error_where_flat(METHODS[name](*few), truth)
    assert error_where_flat(image, truth) < allowed * whole
    middle = np.s_[12:20, 16:32, 16:32]
    assert image[middle].mean() == pytest.approx(truth[middle].mean(), rel=0.05)


@pytest.mark.parametrize("name", METHODS)
def test_a_half_fan_has_no_step_where_its_where_its_overlap_ends(few, truth, name):
    """The detector ends 18 mm past the axis; the mean inside that and just beyond it are those of the phantom."""
    trajectory = turn(60, (48, 48), 6.0, offset_mm=(108.0, 0.0))
    image = METHODS[name](projected(HEAD, trajectory), trajectory)
    assert error_where_flat(image, truth) < 1.25 * error_where_flat(METHODS[name](*few), truth)
    k, j, i = np.indices(GRID.shape)
    from_axis = 4.0 * np.hypot(i - 23.5, j - 23.5)
    for ring in ((from_axis < 14.0), (from_axis > 22.0) & (from_axis < 40.0)):
        inside = ring & (np.abs(k - 15.5) < 4.0)
        assert image[inside].mean() == pytest.approx(truth[inside].mean(), rel=0.03)


@pytest.mark.parametrize("name", METHODS)
def test_data_with_a_gap(few, truth, name):
    """A quarter of the turn is missing; filtered back-projection refuses that."""
    kept = np.r_[0:15, 25:40]
    image = METHODS[name](few[0][kept], few[1].chosen(kept))
    assert error_where_flat(image, truth) < 1.25 * error_where_flat(METHODS[name](*few), truth)


@pytest.mark.parametrize("name", METHODS)
def test_a_start_near_the_truth_stays_there(few, name):
    """Data that the start explains exactly leave it as it is (total variation alone may flatten it)."""
    start = drawn(HEAD, GRID)
    data = Projector(GRID, few[1]).forward(start)
    said = []
    image = METHODS[name](data, few[1], start=start, report=lambda _, residual: said.append(residual))
    assert image is not start
    assert np.abs(image - start).max() < (1e-5 if name != "tv" else 0.005)
    assert not said or said[0] < 1e-5


def test_least_squares_finds_the_only_volume_that_explains_the_data():
    """As many rays as pin down every voxel of a small volume: conjugate gradients end at it."""
    grid, trajectory = room_grid((12, 12, 6), 8.0), turn(40, (48, 24), 8.0)
    volume = np.random.default_rng(1).random(grid.shape, dtype=np.float32)
    data = Projector(grid, trajectory).forward(volume)
    image = reconstruct_cgls(data, trajectory, grid, CglsSettings(iterations=120))
    assert np.abs(image - volume).max() < 0.01


def test_conjugate_gradients_stop_at_the_noise(few):
    noise = 0.02
    noisy = few[0] + np.random.default_rng(4).normal(0.0, noise, few[0].shape).astype(np.float32)
    said = []
    settings = CglsSettings(iterations=50, noise=2.0 * noise)
    reconstruct_cgls(noisy, few[1], GRID, settings, report=lambda _, residual: said.append(residual))
    size = float(np.sqrt((noisy.astype(np.float64) ** 2).mean()))
    assert 1 < len(said) < 50
    assert said[-1] * size <= 2.0 * noise < said[-2] * size


def test_nothing_is_made_of_nothing(few):
    empty = np.zeros_like(few[0])
    for method in METHODS.values():
        assert not method(empty, few[1]).any()


def test_attenuation_stays_at_or_above_the_least(few):
    assert METHODS["os-sart"](*few).min() >= 0.0
    free = reconstruct_os_sart(*few, GRID, OsSartSettings(2, 5, least_per_mm=-np.inf))
    assert free.min() < 0.0


def test_subsets_hold_every_projection_once_and_spread_over_the_arc():
    angles = np.random.default_rng(0).permutation(np.arange(100) * 2.0)
    subsets = interleaved(angles, 12)
    assert sorted(np.concatenate(subsets).tolist()) == list(range(100))
    for members in subsets:
        assert np.ptp(np.diff(np.sort(angles[members]))) == 0.0
    firsts = [angles[members].min() / 2.0 for members in subsets]
    assert sorted(firsts) == list(range(len(subsets)))
    assert np.abs(np.diff(firsts)).min() > 1.0


def test_the_flattening_of_a_box_is_the_one_known_in_closed_form():
    """A box of width w on zero loses 2 s / w of its height, and what lies beside it rises by s over its own width.

    Strong and Chan, Inverse Problems 19 (2003) S165.
    """
    box = np.zeros((1, 1, 60), np.float32)
    box[..., 20:30] = 1.0
    flattened = Flattening(box.shape, np.array([1.0, 1.0, 1.0]), 0.5).flattened(box, 20000)
    assert flattened[0, 0, 20:30] == pytest.approx(1.0 - 2.0 * 0.5 / 10.0, abs=2e-3)
    assert flattened[0, 0, :20] == pytest.approx(0.5 / 20.0, abs=2e-3)
    assert flattened[0, 0, 30:] == pytest.approx(0.5 / 30.0, abs=2e-3)


@pytest.mark.parametrize(("axis", "per_step"), [(0, 0.25), (1, 0.5), (2, 1.0)])
def test_a_sheet_across_wide_voxels_loses_less(axis, per_step):
    """Voxels of 1 x 2 x 4 mm (i, j, k): to either side a sheet loses the strength per distance in the smallest.

    What it loses lies evenly beside it: 4 voxels to a side.
    """
    shape, across = [3, 3, 3], [1, 1, 1]
    shape[axis] = across[axis] = 9
    sheet = np.broadcast_to((np.arange(9) == 4).reshape(across), shape).astype(np.float32)
    flat = Flattening(tuple(shape), np.array([1.0, 2.0, 4.0]), 0.1).flattened(sheet, 4000)
    lost = 0.1 * per_step
    assert flat == pytest.approx(np.where(sheet > 0.5, 1.0 - 2.0 * lost, lost / 4.0), abs=1e-4)


def test_flattening_knows_no_axis_and_keeps_the_mean():
    volume = np.random.default_rng(7).random((9, 10, 11), dtype=np.float32)
    once = Flattening(volume.shape, np.ones(3), 0.1).flattened(volume, 60)
    turned = Flattening((11, 9, 10), np.ones(3), 0.1).flattened(volume.transpose(2, 0, 1), 60)
    # Forward differences at a voxel go along all axes, so that a change of their order changes nothing.
    assert turned == pytest.approx(once.transpose(2, 0, 1), abs=1e-5)
    assert once.mean() == pytest.approx(volume.mean(), abs=1e-5)
    assert once.std() < 0.5 * volume.std()


def test_a_dual_field_that_is_kept_goes_on_where_it_stood():
    volume = np.random.default_rng(8).random((8, 8, 8), dtype=np.float32)
    kept, fresh = (Flattening(volume.shape, np.ones(3), 0.2) for _ in range(2))
    for _ in range(10):
        bit_by_bit = kept.flattened(volume, 10)
    assert bit_by_bit == pytest.approx(fresh.flattened(volume, 100), abs=1e-6)


class InBlocks:
    """Pixels that are read when they are asked for, a run of projections at a time."""

    def __init__(self, data):
        self._data = data
        self.shape = data.shape

    def __getitem__(self, which):
        assert which.step is None
        return self._data[which].copy()


def test_projections_may_be_read_when_they_are_asked_for(few):
    settings = OsSartSettings(1, 8)
    given = reconstruct_os_sart(InBlocks(few[0]), few[1], GRID, settings)
    assert np.array_equal(given, reconstruct_os_sart(*few, GRID, settings))


@pytest.mark.parametrize("name", METHODS)
def test_input_that_is_refused(few, name):
    data, trajectory = few
    with pytest.raises(InvalidGeometry, match="do not fit a trajectory"):
        METHODS[name](data[:-1], trajectory)
    dead = data.copy()
    dead[17, 3, 3] = np.nan
    with pytest.raises(InvalidGeometry, match="no numbers"):
        METHODS[name](dead, trajectory)
    with pytest.raises(InvalidGeometry, match="starts from numbers on its grid"):
        METHODS[name](data, trajectory, start=np.zeros((3, 3, 3), np.float32))
    with pytest.raises(InvalidGeometry, match="voxels that are no numbers"):
        METHODS[name](data, trajectory, start=np.full(GRID.shape, np.nan, np.float32))
    patient = Frame.daily("1.2.3")
    elsewhere = trajectory.moved(RigidTransform(patient, Frame.FIXED, np.eye(3), np.zeros(3)))
    with pytest.raises(FrameMismatch):
        METHODS[name](data, elsewhere)


def test_a_volume_that_reaches_the_source_is_refused(few):
    wide = Grid(Frame.FIXED, GRID.origin_mm * 10.0, GRID.spacing_mm * 10.0, GRID.direction, GRID.size)
    with pytest.raises(InvalidGeometry, match="reaches to the X-ray source"):
        reconstruct_os_sart(*few, wide)


@pytest.mark.parametrize(
    "settings",
    [
        lambda: OsSartSettings(iterations=0),
        lambda: OsSartSettings(subset_size=0),
        lambda: OsSartSettings(relaxation=2.0),
        lambda: OsSartSettings(relaxation=float("nan")),
        lambda: CglsSettings(iterations=0),
        lambda: CglsSettings(noise=-1.0),
        lambda: CglsSettings(noise=float("nan")),
        lambda: TotalVariationSettings(strength_per_mm=-1.0),
        lambda: TotalVariationSettings(inner_iterations=0),
        lambda: TotalVariationSettings(strength_per_mm=float("inf")),
        lambda: OsSartSettings(least_per_mm=float("nan")),
        lambda: OsSartSettings(least_per_mm=float("inf")),
    ],
)
def test_settings_that_are_refused(settings):
    with pytest.raises(InvalidGeometry, match="found"):
        settings()
