"""Both metrics: histograms and informations against numpy and closed forms, gradients against differences."""

import numpy as np
import pytest
from scipy.interpolate import BSpline
from scipy.ndimage import map_coordinates

from openigrt.geometry import rotation_angle_deg
from openigrt.registration._kernels_cpu import BLOCKS
from openigrt.registration.information import (
    Overlay,
    coarse_bins,
    normalised_information,
)
from openigrt.registration.metrics import PARTS, LocalCorrelation, MutualInformation
from openigrt.registration.refinement import DailySide, Pose
from openigrt.registration.search import wide_search
from tests.registration.waves import DAILY_GRID, NEAR, TRUE, daily_at_truth, pose_of, seen, template_of

BINS = 32
METRICS = [LocalCorrelation(), MutualInformation()]


@pytest.fixture(scope="module")
def template():
    return template_of(30 * BLOCKS)


@pytest.fixture(scope="module")
def daily():
    return daily_at_truth()


def inverted(daily):
    """Another modality: gray values through a curve that is no line."""
    values = -np.tanh(0.3 * daily.normalised) + 0.1 * np.cos(daily.normalised)
    return DailySide(daily.volume, values)


def information_of(histogram):
    """Mutual information in nats, from its definition."""
    joint = histogram / histogram.sum()
    outer = joint.sum(axis=1, keepdims=True) * joint.sum(axis=0, keepdims=True)
    held = joint > 0.0
    return float((joint[held] * np.log(joint[held] / outer[held])).sum())


def normalised_information_of(histogram):
    """The same over the mean of both entropies; no row or column is empty."""
    shares = [histogram.sum(axis=axis) / histogram.sum() for axis in (0, 1)]
    return 2.0 * information_of(histogram) / -sum(float((share * np.log(share)).sum()) for share in shares)


def test_planning_values_fall_into_bins_as_in_numpy(template, daily):
    """The binned side against numpy.histogram2d; each point's daily side sums to its weight."""
    overlay = Overlay.of(template, daily, BINS)
    low, high = np.percentile(template.values, [0.5, 99.5])
    leaves = np.repeat(np.arange(BLOCKS), len(template) // BLOCKS)
    clipped = np.clip(template.values, low, high)
    edges = (np.arange(BLOCKS + 1) - 0.5, np.linspace(low, high, BINS + 1))
    expected, _, _ = np.histogram2d(leaves, clipped, bins=edges)
    assert overlay.histograms(NEAR).sum(axis=2) == pytest.approx(expected, abs=1e-9)


def test_daily_values_spread_as_cubic_b_splines(template, daily):
    """Against scipy's B-spline at the distance of each bin; closed boundary bins aside."""
    overlay = Overlay.of(template, daily, BINS)
    values = map_coordinates(daily.normalised.astype(float), seen(NEAR, template.points_mm), order=1)
    position = np.clip(values * overlay.daily_bin[0] + overlay.daily_bin[1], 1.0, BINS - 2.001)
    spline = BSpline.basis_element(np.arange(-2.0, 3.0), extrapolate=False)
    spread = np.nan_to_num(spline(np.arange(BINS) - position[:, None]))
    expected = np.zeros((BINS, BINS))
    np.add.at(expected, overlay.plan_bins, spread)
    found = overlay.histograms(NEAR).sum(axis=0)
    assert found == pytest.approx(expected, abs=2e-3 * len(template))
    assert np.abs(found - expected).sum() < 1e-3 * len(template)


def test_information_is_its_definition_and_its_bounds():
    random = np.random.default_rng(0)
    joint = random.uniform(0.0, 1.0, (BINS, BINS)) ** 4
    assert normalised_information(joint)[0] == pytest.approx(normalised_information_of(joint), abs=1e-5)
    independent = np.outer(random.uniform(size=BINS), random.uniform(size=BINS))
    assert normalised_information(independent)[0] == pytest.approx(0.0, abs=1e-5)
    same = np.diag(random.uniform(1.0, 2.0, BINS))
    assert normalised_information(same)[0] == pytest.approx(1.0, abs=1e-4)


def test_slopes_are_derivatives_by_each_cell():
    joint = np.random.default_rng(1).uniform(1.0, 9.0, (6, 5))
    _, slopes = normalised_information(joint)
    step = 1e-4
    numeric = np.empty_like(joint)
    for cell in np.ndindex(*joint.shape):
        more = joint.copy()
        more[cell] += step
        numeric[cell] = (normalised_information_of(more) - normalised_information_of(joint)) / step
    assert slopes == pytest.approx(numeric, rel=1e-3, abs=1e-6)


def at_the_edge_of_the_field():
    """A weight that falls off across the middle of the image, as it does at the edge of a field of view."""
    along = np.arange(DAILY_GRID.size[0]) * DAILY_GRID.spacing_mm[0]
    weight = np.clip((along - along.mean()) / 10.0, 0.0, 1.0)
    return np.ascontiguousarray(np.broadcast_to(weight, DAILY_GRID.shape), np.float32)


@pytest.mark.parametrize("weight", [None, at_the_edge_of_the_field()], ids=["inside", "at the edge of the field"])
def test_information_gradient_is_that_of_differences(template, weight):
    """By a motion of the planning points: the interpolated image is piecewise smooth, so to a few per cent."""
    overlay = Overlay.of(template, inverted(daily_at_truth(weight)), BINS)
    gradient = overlay.information_and_gradients(NEAR)[1].sum(axis=0)
    numeric = np.empty(6)
    for axis in range(6):
        motion = np.eye(6)[axis] * (0.05 if axis < 3 else 0.05 / 30.0)
        ends = [overlay.information_and_gradients(NEAR.after(-sign * motion))[0] for sign in (1.0, -1.0)]
        numeric[axis] = (ends[0] - ends[1]) / (2.0 * np.abs(motion).max())
    scale = np.array([1.0] * 3 + [30.0] * 3)
    assert gradient / scale == pytest.approx(numeric / scale, abs=0.05 * np.linalg.norm(numeric / scale))


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_each_metric_settles_at_the_truth(metric, template, daily):
    settled = metric.settle(NEAR, template, daily, 0.002)
    assert np.linalg.norm(settled.pose.translation_mm - TRUE.translation_mm) < 0.1
    assert rotation_angle_deg(settled.pose.rotation.T @ TRUE.rotation) < 0.2


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_each_metric_scores_the_truth_best_and_says_what_it_saw(metric, template, daily):
    settled = metric.settle(NEAR, template, daily, 0.002)
    assert np.linalg.norm(settled.pose.translation_mm - TRUE.translation_mm) < 0.1
    assert settled.overlap == pytest.approx(1.0)
    assert settled.scores_left_out.shape == (PARTS,)
    assert settled.score > metric.settle(pose_of([12.0, 9.0, -9.0], [0.0, 0.0, 0.0]), template, daily, 0.002).score


def test_information_settles_between_modalities(template, daily):
    settled = MutualInformation().settle(NEAR, template, inverted(daily), 0.002)
    assert np.linalg.norm(settled.pose.translation_mm - TRUE.translation_mm) < 0.3


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_a_template_outside_the_image_does_not_settle(metric, template, daily):
    assert metric.settle(pose_of([400.0, 0.0, 0.0], [0.0, 0.0, 0.0]), template, daily, 0.01) is None


def test_scores_left_out_are_those_of_numpy(template, daily):
    settled = LocalCorrelation().settle(NEAR, template, daily, 0.002)
    m = map_coordinates(daily.normalised.astype(float), seen(settled.pose, template.points_mm), order=1)
    parts = np.repeat(np.arange(PARTS), len(template) // PARTS)
    expected = [np.corrcoef(m[parts != p], template.values[parts != p])[0, 1] for p in range(PARTS)]
    assert settled.scores_left_out == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_equations_lead_back_to_the_settled_pose(metric, template, daily):
    """Whole: no motion is left. From one millimetre away they point back by about as much."""
    settled = metric.settle(NEAR, template, daily, 1e-4).pose
    equations = metric.equations(settled, template, daily)
    left = np.linalg.solve(equations.matrices.sum(axis=0), equations.vectors.sum(axis=0))
    assert np.linalg.norm(left[:3]) < 0.05
    assert np.linalg.eigvalsh(equations.matrices.sum(axis=0)).min() > 0.0


def nearest_indices(pose, points):
    return np.floor(seen(pose, points) + 0.5).astype(int)


def poses_about_the_truth():
    shifts = np.random.default_rng(4).uniform(-20.0, 20.0, (40, 3))
    return [Pose(TRUE.rotation, TRUE.translation_mm + shift) for shift in shifts]


def test_search_scores_are_correlations_at_the_nearest_voxels(template):
    weight = np.ones(DAILY_GRID.shape, np.float32)
    weight[:40] = 0.0
    daily = daily_at_truth(weight)
    poses = poses_about_the_truth()
    matrices = np.array([pose.index_matrix(daily.volume) for pose in poses])
    scores = LocalCorrelation().pose_scores(matrices, template, daily)
    for pose, (score, share) in zip(poses, scores, strict=True):
        k, j, i = nearest_indices(pose, template.points_mm)
        counts = (k >= 40) & (k < 90) & (j >= 0) & (j < 92) & (i >= 0) & (i < 96)
        m = daily.normalised[k[counts], j[counts], i[counts]]
        assert share == pytest.approx(counts.mean())
        assert score == pytest.approx(np.corrcoef(m, template.values[counts])[0, 1], abs=1e-5)


def test_search_informations_are_those_of_numpy_histograms_less_their_bias(template, daily):
    poses = poses_about_the_truth()
    matrices = np.array([pose.index_matrix(daily.volume) for pose in poses])
    scores = MutualInformation().pose_scores(matrices, template, daily)
    plan_bins, daily_bins = coarse_bins(template, daily, 8)
    assert np.bincount(plan_bins, minlength=8) == pytest.approx(len(template) / 8, abs=2)
    for pose, (score, share) in zip(poses, scores, strict=True):
        where = nearest_indices(pose, template.points_mm)
        counts = ((where >= 0) & (where < np.array([[90], [92], [96]]))).all(axis=0)
        seen_bins = daily_bins[tuple(where[:, counts])]
        joint, _, _ = np.histogram2d(plan_bins[counts], seen_bins, bins=(np.arange(9), np.arange(9)))
        degrees = (joint > 0).sum() - (joint.sum(1) > 0).sum() - (joint.sum(0) > 0).sum() + 1
        assert share == pytest.approx(counts.mean())
        assert score == pytest.approx(information_of(joint) - 0.5 * degrees / counts.sum(), abs=1e-6)


def test_informations_of_strangers_are_about_nothing(template, daily):
    """Without the correction, 64 cells and few points would make every stranger a relative."""
    random = np.random.default_rng(8)
    shuffled = DailySide(daily.volume, random.permutation(daily.normalised.ravel()).reshape(daily.normalised.shape))
    matrices = np.array([pose.index_matrix(daily.volume) for pose in poses_about_the_truth()])
    scores = MutualInformation().pose_scores(matrices, template, shuffled)[:, 0]
    assert abs(scores.mean()) < 3.0 * scores.std() / np.sqrt(len(scores))
    assert scores.std() < 0.01


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_a_search_finds_the_best_of_all_poses(metric, template, daily):
    """The lattice holds the truth: it must come first, and the others must not."""
    shifts = 6.0 * (np.stack(np.meshgrid(*3 * [np.arange(-3.0, 4.0)]), axis=-1).reshape(-1, 3))
    start = Pose(TRUE.rotation, TRUE.translation_mm - np.array([6.0, -12.0, 6.0]))
    found = wide_search(start, template, daily, metric, shifts=shifts, most=4)
    assert len(found) == 4
    assert found[0].translation_mm == pytest.approx(TRUE.translation_mm, abs=1e-6)
    assert min(np.linalg.norm(pose.translation_mm - TRUE.translation_mm) for pose in found[1:]) > 5.0
