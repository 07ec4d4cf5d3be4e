"""What the corrections make of a half-fan scan of a 45 cm pelvis: figures that were set before any was measured.

Scatter comes from first principles (Klein and Nishina along every path) and from another spectrum than the corrections
assume, so none of them meets its own model.
"""

from dataclasses import replace

import numpy as np
import pytest
from scipy import fft

from openigrt.errors import InvalidGeometry
from openigrt.virtual import line_integrals
from openigrt.xray import (
    KernelScatter,
    PriorScatter,
    UniformScatter,
    adapted_prior,
    linear_scale,
    reconstruct_fdk,
)
from tests.xray.correction_cases import (
    AIR,
    GRID,
    INSERTS_MM,
    MIDDLE,
    PELVIS_INSERTS_MM,
    REFERENCE_KEV,
    SCANNER,
    VOXEL_MM,
    calibration_phantom,
    center_against_rings,
    fitted_kernel,
    hu,
    image_hu,
    pelvis,
    prior_scatter,
    room_grid,
    signals,
    slice_mean,
    truth_hu,
    uncorrected_hu,
    water_oval,
)

DAY = pelvis(gas=True)
PLAN = pelvis(fat_mm=10.0)
HALF_WAY_HU = -535.0


@pytest.fixture(scope="module")
def measured():
    """Primary and scattered signal of the day, with quantum noise."""
    straight, scattered = signals(DAY)
    photons = 2e7
    total = straight + scattered
    return (np.random.default_rng(5).poisson(total * photons) / photons).astype(np.float32)


@pytest.fixture(scope="module")
def truth():
    return truth_hu(DAY)


@pytest.fixture(scope="module")
def corrected(measured):
    """With the planning CT of a patient who was 10 mm thicker and had no gas."""
    return image_hu(measured - prior_scatter(measured, PLAN))


def offsets(image, truth):
    """Mean difference from the truth in the middle slice in each insert of the pelvis."""
    return {name: slice_mean(image - truth, *place) for name, place in PELVIS_INSERTS_MM.items()}


def cupping(image, truth):
    return max(abs(offset) for offset in center_against_rings(image - truth))


@pytest.mark.parametrize(
    ("half_axes_mm", "view", "ratio"), [((150.0, 150.0), 0, 1.08), ((225.0, 150.0), 0, 1.22), ((225.0, 150.0), 45, 2.6)]
)
def test_scatter_behind_water_is_that_of_a_monte_carlo(half_axes_mm, view, ratio):
    """Scatter to primary behind the middle without a grid, of Compton and Rayleigh in all orders (`ScatterModel`)."""
    straight, scattered = signals(water_oval(*half_axes_mm), 1.0)
    column = int(np.argmin(np.abs((np.arange(128) - 63.5) * 3.1 + 160.0)))
    assert (scattered / straight)[view, 15:17, column].mean() == pytest.approx(ratio, rel=0.12)


def test_monoenergetic_projections_without_scatter_are_even(truth):
    image = hu(reconstruct_fdk(line_integrals(DAY, SCANNER, REFERENCE_KEV), SCANNER, GRID))
    assert cupping(image, truth) < 10.0


def test_uncorrected_projections_are_far_off(measured, truth):
    image = uncorrected_hu(measured)
    assert cupping(image, truth) > 150.0
    assert min(offsets(image, truth).values()) < -250.0


def test_with_the_planning_ct_the_center_is_as_bright_as_the_ring(corrected, truth):
    assert cupping(corrected, truth) < 30.0


def test_with_the_planning_ct_inserts_of_the_pelvis_keep_their_hu(corrected, truth):
    assert max(abs(offset) for offset in offsets(corrected, truth).values()) < 50.0


def test_gas_that_the_plan_did_not_show_stays(corrected, truth):
    assert abs(slice_mean(corrected - truth, 30.0, -35.0, 6.0)) < 30.0


def test_lost_weight_stays_lost(corrected, truth):
    """The fat beneath the skin as it is, where the plan has deeper tissue."""
    for x_mm, z_mm in ((0.0, -135.0), (0.0, 135.0), (210.0, 0.0), (-210.0, 0.0)):
        assert abs(slice_mean(corrected - truth, x_mm, z_mm, 9.0)) < 30.0


def test_skin_and_gas_stay_where_the_day_has_them(measured):
    """Within 1 mm, in a slice of voxels of 2 mm: the skin not 10 mm out where the plan has it, the gas 28 mm wide."""
    fine = room_grid((250, 180, 1), 2.0)
    image = image_hu(measured - prior_scatter(measured, PLAN), fine)[0]
    center = (np.array(image.shape) - 1) / 2.0
    left, right = crossings_mm(image[round(center[0])], center[1], 2.0)
    assert abs(left + 225.0) < 1.0
    assert abs(right - 225.0) < 1.0
    below, above = crossings_mm(image[:, round(center[1])], center[0], 2.0)
    assert abs(below + 150.0) < 1.0
    assert abs(above - 150.0) < 1.0
    row = image[round(center[0] - 35.0 / 2.0)]
    first = round(center[1]) + 5
    start, end = crossings_mm(-row[first : first + 20] - 1000.0, center[1] - first, 2.0)
    assert abs(start - 16.0) < 1.0
    assert abs(end - 44.0) < 1.0


def test_the_kernel_is_the_quick_one(measured, truth):
    """No planning CT, and fitted on 30 cm: half of the error is left or less, on average; the center is not even."""
    before = offsets(uncorrected_hu(measured), truth)
    after = offsets(image_hu(measured - fitted_kernel().estimate(measured, AIR, SCANNER)), truth)
    assert np.mean(np.abs(list(after.values()))) < 0.5 * np.mean(np.abs(list(before.values())))


def test_a_constant_takes_most_of_it_off(measured, truth):
    before = offsets(uncorrected_hu(measured), truth)
    after = offsets(image_hu(measured - UniformScatter().estimate(measured, AIR, SCANNER)), truth)
    assert np.mean(np.abs(list(after.values()))) < 0.6 * np.mean(np.abs(list(before.values())))


def test_a_patient_wider_than_what_is_seen_keeps_the_tissue_beyond():
    """A day as the plan, seen in discs of all sizes: at their edges, what was not seen is no air of the day."""
    plan = np.full((24, 40, 40), 40.0, np.float32)
    radius = np.hypot(*np.mgrid[-19.5:20.5, -19.5:20.5])
    seen = radius[None] <= np.arange(5.0, 17.0, 0.5)[:, None, None]
    for beyond in (np.nan, -1000.0):
        day = np.where(seen, plan, np.float32(beyond))
        assert (adapted_prior(plan, day, seen) == 40.0).all()


def test_nothing_fine_comes_from_the_prior(measured):
    """A plate of bone 8 mm thick that only the plan shows: what it changes in the day is smooth."""
    planned = truth_hu(PLAN)
    with_plate = planned.copy()
    row = row_of(60.0)
    with_plate[:, row : row + 2, 40:60] = 800.0
    plain, changed = (prior_scatter(measured, plan) for plan in (planned, with_plate))
    waves = np.abs(fft.dctn(changed - plain, axes=(1, 2), norm="ortho"))
    per_mm = [np.arange(size) / (2.0 * size * step * 1000.0 / 1500.0) for size, step in ((32, 9.3), (128, 3.1))]
    short = np.hypot(per_mm[0][:, None], per_mm[1]) > 1.0 / 30.0
    limits = changed > 0.94 * measured
    assert not limits.any(), "held by its limits, an estimate would have edges"
    assert waves[:, short].max() < 1e-3 * waves[:, ~short].max()
    difference = (image_hu(measured - changed) - image_hu(measured - plain))[MIDDLE]
    per_mm = np.hypot(*np.meshgrid(*(fft.fftfreq(size, VOXEL_MM) for size in difference.shape), indexing="ij"))
    fine = fft.ifft2(fft.fft2(difference) * (per_mm > 1.0 / 30.0)).real
    assert abs(fine[row : row + 2, 42:58].mean()) < 15.0


INSERTS_HU = np.array([slice_mean(truth_hu(calibration_phantom()), *at, 10.0) for at in INSERTS_MM])


def measured_inserts(image: np.ndarray) -> np.ndarray:
    """Attenuation of the six inserts, water at 1."""
    return np.array([1.0 + slice_mean(image, *at, 10.0) / 1000.0 for at in INSERTS_MM], dtype=np.float32)


def test_six_inserts_keep_their_hu_by_the_kernel_and_a_straight_line():
    """As a physicist calibrates: the kernel on a plain cylinder, the scale on the inserts; far off before."""
    kernel = fitted_kernel()
    signal = sum(signals(calibration_phantom()))
    before = 1000.0 * (measured_inserts(uncorrected_hu(signal)) - 1.0) - INSERTS_HU
    assert np.abs(before).max() > 150.0
    inserts = measured_inserts(image_hu(signal - kernel.estimate(signal, AIR, SCANNER)))
    assert np.abs(linear_scale(inserts, INSERTS_HU).to_hu(inserts) - INSERTS_HU).max() < 30.0


def test_six_inserts_keep_their_hu_by_a_planning_ct_of_the_phantom():
    """No scale fitted: water is water."""
    signal = sum(signals(calibration_phantom()))
    inserts = measured_inserts(image_hu(signal - prior_scatter(signal, calibration_phantom())))
    assert np.abs(1000.0 * (inserts - 1.0) - INSERTS_HU).max() < 30.0


def row_of(z_mm: float) -> int:
    return round((z_mm - GRID.origin_mm[2]) / GRID.spacing_mm[1])


def crossings_mm(profile: np.ndarray, center: float, spacing_mm: float) -> tuple[float, float]:
    """Where a profile first and last crosses half-way between air and fat, between pixels, from its `center`."""
    inside = np.flatnonzero(profile > HALF_WAY_HU)
    ends = []
    for edge, step in ((inside[0], -1), (inside[-1], 1)):
        inner, outer = float(profile[edge]), float(profile[edge + step])
        ends.append(spacing_mm * (edge + step * (inner - HALF_WAY_HU) / (inner - outer) - center))
    return ends[0], ends[1]


# -------------------------------------------------------------------------------- bad input


def test_a_prior_of_short_waves_is_refused():
    with pytest.raises(InvalidGeometry, match="30 mm and longer, found 12 mm"):
        PriorScatter(shortest_mm=12.0)


def test_priors_that_do_not_fit_are_refused():
    some = np.full(SCANNER.shape, 0.1, np.float32)
    with pytest.raises(InvalidGeometry, match="The prior has projections of"):
        PriorScatter().estimate(some, AIR, some[:1], None, SCANNER)
    boxes = np.zeros((2, 4, 4), np.float32)
    with pytest.raises(InvalidGeometry, match="does not lie on the grid"):
        adapted_prior(boxes, boxes[:1], np.ones((2, 4, 4), bool))
    with pytest.raises(InvalidGeometry, match="has seen none"):
        adapted_prior(boxes, boxes, np.zeros((2, 4, 4), bool))


@pytest.mark.parametrize(
    "made",
    [
        lambda: PriorScatter(shortest_mm=np.nan),
        lambda: PriorScatter(blur_mm=-1.0),
        lambda: PriorScatter(typical_scatter=0.0),
        lambda: UniformScatter(-0.1),
        lambda: UniformScatter(largest_share=1.1),
        lambda: KernelScatter(iterations=0),
        lambda: KernelScatter(narrow_mm=0.0),
        lambda: KernelScatter(wide_share=np.nan),
    ],
)
def test_estimates_that_cannot_be_are_refused(made):
    with pytest.raises(InvalidGeometry):
        made()


def test_a_constant_is_the_stated_part_of_the_mean_behind_the_patient():
    """Primary 0.1 to 0.3 in the shadow and scatter of 0.3 times its mean, 0.06: that, and no more than 60 % of 0.16."""
    primary = np.linspace(0.1, 0.3, 128, dtype=np.float32) * np.ones((180, 32, 1), np.float32)
    primary[:, :, :20] = 1.0
    air = np.ones((32, 128), np.float32)
    shadow = primary[0, 0, 20:].mean()
    signal = primary + np.float32(0.3 * shadow)
    found = UniformScatter(0.3).estimate(signal, air, SCANNER)
    assert found == pytest.approx(np.full(SCANNER.shape, 0.3 * shadow), rel=1e-5)
    capped = UniformScatter(2.0).estimate(signal, air, SCANNER)
    assert capped == pytest.approx(np.full(SCANNER.shape, 0.6 * signal[0, 0, 20]), rel=0.01)


def test_the_kernel_settles():
    """Twice as many iterations change what is left of the signal by less than 1 % of it."""
    straight, scattered = signals(DAY)
    total = (straight + scattered)[::45]
    some = SCANNER.chosen(np.arange(0, 180, 45))
    few, many = (replace(fitted_kernel(), iterations=n).estimate(total, AIR, some) for n in (8, 16))
    assert (np.abs(many - few) < 0.01 * (total - many)).all()


@pytest.mark.parametrize("method", [UniformScatter(), KernelScatter()])
def test_signals_that_do_not_fit_are_refused(method):
    some = np.full(SCANNER.shape, 0.1, np.float32)
    with pytest.raises(InvalidGeometry, match="do not fit detectors"):
        method.estimate(some[:, 1:], AIR, SCANNER)
    some[3, 4, 5] = np.nan
    with pytest.raises(InvalidGeometry, match="no numbers"):
        method.estimate(some, AIR, SCANNER)


def test_a_kernel_fitted_to_a_phantom_without_scatter_is_refused():
    straight = np.full(SCANNER.shape, 0.2, np.float32) * AIR
    with pytest.raises(InvalidGeometry, match="darker than its primary radiation"):
        KernelScatter().fitted_to(0.9 * straight, straight, AIR, SCANNER)
