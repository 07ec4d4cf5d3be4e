"""Matching on markers: gold rods at known places in noisy volumes, made here voxel by voxel from finer samples."""

from dataclasses import dataclass, field

import numpy as np
import pytest
from scipy import ndimage

from openigrt.errors import InputError, MatchImpossible
from openigrt.geometry import Frame, Grid, RigidTransform, rotation_angle_deg, rotation_from_vector
from openigrt.images import Image, Modality
from openigrt.patient import Verdict
from openigrt.registration import PlannedMarkers, Question, match_markers

PLAN, DAILY = Frame.plan("1.2"), Frame.daily("1.3")
SPACING_MM = np.array([1.25, 1.25, 2.0])
PLANNED_MM = np.array([[-11.0, -4.0, 9.0], [12.0, 2.0, 1.0], [-3.0, 6.0, -11.0]]) + np.array([40.0, -60.0, 25.0])
NAMES = ("MARKER_1", "MARKER_2", "MARKER_3")
NOISE_HU = 30.0
FINE = 8  # samples along each edge of a voxel, for rods
COARSE = 2  # the same for balls
START = RigidTransform.about_points((PLAN, np.array([40.0, -60.0, 25.0])), (DAILY, np.zeros(3)), np.eye(3), np.zeros(3))


@dataclass
class Scene:
    """What lies in the image of the day: rods of gold (middle, direction), balls (middle, radius, HU), streaks."""

    seed: int
    rods_mm: np.ndarray
    balls: list = field(default_factory=list)
    streak_hu: float = 0.0
    modality: Modality = Modality.CBCT

    def image(self) -> Image:
        size = (72, 72, 46)
        grid = Grid(DAILY, -0.5 * (np.array(size) - 1) * SPACING_MM, SPACING_MM, np.eye(3), size)
        rng = np.random.default_rng(self.seed)
        voxels = 40.0 + NOISE_HU * rng.standard_normal(grid.shape)
        voxels += 15.0 * ndimage.gaussian_filter(rng.standard_normal(grid.shape), 8.0) * 8.0**1.5 * 4.0
        for middle_mm, radius_mm, hu in self.balls:
            painted(voxels, grid, np.asarray(middle_mm), radius_mm, ball(radius_mm), hu, COARSE)
        for middle_mm in self.rods_mm:
            direction = rng.standard_normal(3) * (0.3, 0.3, 1.0)
            painted(voxels, grid, middle_mm, 2.0, rod(direction / np.linalg.norm(direction)), 16000.0, FINE)
        if self.streak_hu:
            y = grid.points(np.stack([np.zeros(72), np.arange(72), np.zeros(72)], axis=-1))[:, 1]
            for middle_mm in self.rods_mm:
                k = round(float(grid.indices(middle_mm)[2]))
                voxels[k] -= self.streak_hu * np.exp(-0.5 * ((y - middle_mm[1] - 2.0) / 1.5) ** 2)[:, None]
        return Image(voxels.astype(np.float32), grid, self.modality)


def rod(direction, half_mm=1.5, radius_mm=0.5):
    """A cylinder of 1 x 3 mm."""

    def inside(away):
        along = away @ direction
        return (np.abs(along) < half_mm) & (np.linalg.norm(away - along[..., None] * direction, axis=-1) < radius_mm)

    return inside


def ball(radius_mm):
    return lambda away: np.linalg.norm(away, axis=-1) < radius_mm


def painted(voxels, grid, middle_mm, reach_mm, inside, hu, fine, blur_mm=0.8):
    """Add an object: the share of it in finer samples of each voxel, after the point spread of a scanner."""
    middle = np.round(grid.indices(middle_mm)).astype(int)
    reach = np.ceil((reach_mm + 3.0) / SPACING_MM).astype(int)
    fine_mm = SPACING_MM / fine
    axes = [
        (np.arange(-r * fine, (r + 1) * fine) + 0.5) * h - 0.5 * s
        for r, h, s in zip(reach, fine_mm, SPACING_MM, strict=True)
    ]
    points = np.stack(np.meshgrid(*axes[::-1], indexing="ij")[::-1], axis=-1) + grid.points(middle)
    samples = ndimage.gaussian_filter(inside(points - middle_mm).astype(float), blur_mm / fine_mm[::-1])
    shape = 2 * reach[::-1] + 1
    share = samples.reshape(shape[0], fine, shape[1], fine, shape[2], fine).mean(axis=(1, 3, 5))
    low = middle - reach
    first, last = np.maximum(low, 0), np.minimum(middle + reach + 1, grid.size)
    of_part = tuple(slice(first[n] - low[n], last[n] - low[n]) for n in (2, 1, 0))
    voxels[tuple(slice(first[n], last[n]) for n in (2, 1, 0))] += hu * share[of_part]


def truth_of(seed, turn_deg=3.0, shift_mm=6.0):
    """A plan-from-daily near the start, shifted and turned about the markers."""
    rng = np.random.default_rng((seed, 1))
    rotation = rotation_from_vector(np.deg2rad(turn_deg) * rng.uniform(-1.0, 1.0, 3))
    middle = PLANNED_MM.mean(axis=0)
    return RigidTransform.about_points(
        (PLAN, middle), (DAILY, START.inverse().points(middle)), rotation, shift_mm * rng.uniform(-1.0, 1.0, 3)
    )


def target_points_mm():
    away = np.random.default_rng(0).standard_normal((60, 3))
    return PLANNED_MM.mean(axis=0) + 22.0 * away / np.linalg.norm(away, axis=1)[:, None]


def matched(image, planned_mm=PLANNED_MM, names=NAMES, start=START, allowed_mm=1.5):
    blank = Image(
        np.zeros((4, 4, 4), np.float32), Grid(PLAN, np.zeros(3), np.ones(3), np.eye(3), (4, 4, 4)), Modality.CT
    )
    question = Question(blank, image, (start,), target_points_mm(), allowed_mm)
    return match_markers(question, PlannedMarkers(names, planned_mm))


def target_error_mm(match, truth):
    points = target_points_mm()
    moved = match.plan_from_daily.points(truth.inverse().points(points))
    return np.linalg.norm(moved - points, axis=1).max()


DISTRACTORS = [
    ((-30.0, 20.0, 5.0), 12.0, 300.0),  # bone
    ((25.0, 28.0, -10.0), 1.5, 900.0),  # a calcification
    ((22.0, -25.0, 20.0), 1.0, 2500.0),  # a clip
    ((5.0, 30.0, 12.0), 9.0, -900.0),  # gas
]


def test_places_and_turns_at_the_noise_of_a_clinic():
    """20 seeds at 1.25 x 1.25 x 2 mm and 30 HU, rods of 1 x 3 mm among bone, gas, a clip and a calcification."""
    errors_mm, turns_deg, bounds_mm, places_mm = [], [], [], []
    for seed in range(20):
        truth = truth_of(seed)
        daily_mm = truth.inverse().points(PLANNED_MM)
        match = matched(Scene(seed, daily_mm, DISTRACTORS).image())
        assert match.trust.verdict is Verdict.TRUSTED
        assert match.trust.evidence["markers_found"] == 3.0
        places_mm.extend(np.linalg.norm(match.plan_from_daily.points(daily_mm) - PLANNED_MM, axis=1))
        turns_deg.append(rotation_angle_deg(match.plan_from_daily.rotation @ truth.rotation.T))
        errors_mm.append(target_error_mm(match, truth))
        bounds_mm.append(match.trust.predicted_error_mm)
    assert max(places_mm) < 0.15
    assert np.percentile(turns_deg, 95) < 0.5
    assert np.mean(np.array(errors_mm) <= bounds_mm) >= 0.95
    assert np.mean(bounds_mm) < 1.0


def test_streaks_are_not_markers():
    truth = truth_of(3)
    match = matched(Scene(3, truth.inverse().points(PLANNED_MM), DISTRACTORS, streak_hu=150.0).image())
    assert match.trust.verdict is Verdict.TRUSTED
    assert target_error_mm(match, truth) < match.trust.predicted_error_mm


def test_far_from_the_start_but_within_reach():
    truth = truth_of(5, turn_deg=6.0, shift_mm=12.0)
    match = matched(Scene(5, truth.inverse().points(PLANNED_MM)).image())
    assert target_error_mm(match, truth) < 0.5


def test_a_missing_marker_leaves_a_shift_and_calls_a_person():
    truth = truth_of(1, turn_deg=2.0)
    daily_mm = truth.inverse().points(PLANNED_MM)
    match = matched(Scene(1, daily_mm[:2], DISTRACTORS).image())
    assert match.trust.verdict is Verdict.LOOK
    assert "MARKER_3 was not found" in match.trust.reasons[0]
    assert "no turn is measured" in match.trust.reasons[0]
    middle = match.plan_from_daily.points(daily_mm[:2]).mean(axis=0) - PLANNED_MM[:2].mean(axis=0)
    assert np.linalg.norm(middle) < 0.15
    assert rotation_angle_deg(match.plan_from_daily.rotation @ START.rotation.T) < 1e-9
    assert target_error_mm(match, truth) < match.trust.predicted_error_mm


def test_three_of_four_are_enough():
    planned_mm = np.vstack([PLANNED_MM, PLANNED_MM.mean(axis=0) + np.array([9.0, -12.0, -8.0])])
    truth = truth_of(2)
    match = matched(Scene(2, truth.inverse().points(PLANNED_MM)).image(), planned_mm, (*NAMES, "MARKER_4"))
    assert match.trust.verdict is Verdict.TRUSTED
    assert "MARKER_4 was not found" in match.trust.reasons[1]
    assert target_error_mm(match, truth) < 0.5


def test_a_marker_that_migrated_is_named():
    truth = truth_of(4)
    daily_mm = truth.inverse().points(PLANNED_MM)
    daily_mm[2] += (0.0, 1.0, -3.2)
    match = matched(Scene(4, daily_mm).image())
    assert match.trust.verdict is Verdict.LOOK
    assert any("MARKER_3" in reason and "migrated" in reason for reason in match.trust.reasons)
    assert match.trust.evidence["largest_distance_change_mm"] == pytest.approx(
        max(
            abs(np.linalg.norm(daily_mm[a] - daily_mm[b]) - np.linalg.norm(PLANNED_MM[a] - PLANNED_MM[b]))
            for a, b in ((0, 1), (0, 2), (1, 2))
        ),
        abs=0.2,
    )


def test_two_places_that_fit_alike_call_a_person():
    truth = truth_of(6)
    daily_mm = truth.inverse().points(PLANNED_MM)
    match = matched(Scene(6, np.vstack([daily_mm, daily_mm + np.array([0.0, 9.0, -14.0])])).image())
    assert match.trust.verdict is Verdict.LOOK
    assert any("other bright spots" in reason for reason in match.trust.reasons)


def test_without_markers_the_match_is_refused():
    one = START.inverse().points(PLANNED_MM[:1])
    for rods_mm in (np.zeros((0, 3)), one):
        match = matched(Scene(7, rods_mm, DISTRACTORS[:1]).image())
        assert match.trust.verdict is Verdict.REFUSED
        assert "Fewer than two of the 3 markers" in match.trust.reasons[0]


def test_what_cannot_be_matched():
    with pytest.raises(MatchImpossible, match="CT and cone-beam CT; the image of the day is MR"):
        matched(Scene(8, np.zeros((0, 3)), modality=Modality.MR).image())
    away = RigidTransform(PLAN, DAILY, np.eye(3), np.array([500.0, 0.0, 0.0]))
    with pytest.raises(MatchImpossible, match="No marker of the plan lies in the field of view"):
        matched(Scene(8, np.zeros((0, 3))).image(), start=away)
    with pytest.raises(InputError, match="a name and a point each"):
        PlannedMarkers(("A",), PLANNED_MM)
