"""Trust: error bounds against brute force and simulation, and each reason on its own."""

import dataclasses

import numpy as np
import pytest

from openigrt.geometry import rotation_from_vector
from openigrt.patient import Rival, Verdict, sphere_points_mm
from openigrt.registration._kernels_cpu import BLOCKS
from openigrt.registration.metrics import PARTS, Equations, Settled
from openigrt.registration.refinement import Pose
from openigrt.registration.template import Template
from openigrt.registration.trust import (
    SETTINGS,
    Evidence,
    Judgement,
    displacement_mm,
    halves_error_mm,
    jackknife_error_mm,
    judge,
    pose_difference_mm,
    score_gap_deviation,
    with_level_of,
)

TARGET_MM = sphere_points_mm(np.zeros(3), 50.0, 40)
PER_LEAF = 12
IDENTITY = Pose(np.eye(3), np.zeros(3))
UP = np.array([0.0, 0.0, 1.0])


def linear_problem(seed, noise=1.0):
    """Points in leaf order with random gradients, and residuals that are pure noise: Jacobians (BLOCKS, n, 6)."""
    random = np.random.default_rng(seed)
    points = random.uniform(-60.0, 60.0, (BLOCKS, 1, 3)) + random.uniform(-5.0, 5.0, (BLOCKS, PER_LEAF, 3))
    points = points[np.argsort(points[:, 0, 2])]
    gradients = random.normal(size=points.shape)
    jacobians = np.concatenate([gradients, np.cross(points, gradients)], axis=2)
    return points, jacobians, noise * random.normal(size=(BLOCKS, PER_LEAF))


def equations_of(jacobians, residuals):
    return Equations(np.einsum("bni,bnj->bij", jacobians, jacobians), np.einsum("bni,bn->bi", jacobians, residuals))


def solved(jacobians, residuals, kept):
    return np.linalg.lstsq(jacobians[kept].reshape(-1, 6), residuals[kept].ravel(), rcond=None)[0]


def test_displacement_is_a_small_motion():
    motion = np.array([0.3, -0.2, 0.1, 2e-4, -3e-4, 1e-4])
    exact = TARGET_MM @ rotation_from_vector(motion[3:]).T + motion[:3] - TARGET_MM
    assert displacement_mm(motion, TARGET_MM) == pytest.approx(exact, abs=1e-4)


def test_jackknife_is_the_brute_force_of_leaving_parts_out():
    _, jacobians, residuals = linear_problem(0)
    part = np.repeat(np.arange(PARTS), BLOCKS // PARTS)
    moved = np.array([displacement_mm(solved(jacobians, residuals, part != p), TARGET_MM) for p in range(PARTS)])
    variance = (PARTS - 1) / PARTS * ((moved - moved.mean(axis=0)) ** 2).sum(axis=(0, 2))
    found = jackknife_error_mm(equations_of(jacobians, residuals), TARGET_MM)
    assert found == pytest.approx(np.sqrt(variance.max()), rel=5e-3)


def test_jackknife_predicts_the_spread_of_repeated_problems():
    """200 noises of one geometry: the root mean square of the prediction against the spread that really happens."""
    _, jacobians, _ = linear_problem(1)
    random = np.random.default_rng(2)
    moved, predicted = [], []
    for _ in range(200):
        residuals = random.normal(size=(BLOCKS, PER_LEAF))
        everything = np.ones(BLOCKS, bool)
        moved.append(displacement_mm(solved(jacobians, residuals, everything), TARGET_MM))
        predicted.append(jackknife_error_mm(equations_of(jacobians, residuals), TARGET_MM))
    spread = np.sqrt((np.array(moved) ** 2).sum(axis=2).mean(axis=0).max())
    assert np.sqrt(np.mean(np.square(predicted))) == pytest.approx(spread, rel=0.35)
    assert np.mean(np.linalg.norm(moved, axis=2).max(axis=1) < 1.96 * np.array(predicted)) > 0.85


def test_halves_that_moved_apart_disagree_by_as_much():
    points, jacobians, _ = linear_problem(3)
    upper = points[:, :, 2].mean(axis=1) > np.median(points[:, :, 2].mean(axis=1))
    shift = np.array([0.0, 4.0, 0.0, 0.0, 0.0, 0.0])
    residuals = np.where(upper[:, None], jacobians @ shift, 0.0)
    found = halves_error_mm(equations_of(jacobians, residuals), points.mean(axis=1), UP, TARGET_MM)
    assert found == pytest.approx(4.0, rel=0.02)
    still = equations_of(jacobians, jacobians @ shift)
    assert halves_error_mm(still, points.mean(axis=1), UP, TARGET_MM) == pytest.approx(0.0, abs=0.05)


def test_poses_differ_by_what_their_matrices_say():
    pose = Pose(rotation_from_vector([0.0, 0.0, 0.02]), np.array([1.0, 2.0, 2.0]))
    expected = np.linalg.norm(TARGET_MM @ pose.rotation.T + pose.translation_mm - TARGET_MM, axis=1)
    assert pose_difference_mm(IDENTITY, pose, TARGET_MM) == pytest.approx(expected)


def settled_of(score=0.6, left_out=None, agreement=0.6, overlap=0.7):
    left_out = np.full(PARTS, score) if left_out is None else left_out
    return Settled(IDENTITY, score, left_out, np.full(BLOCKS, overlap), agreement)


def test_gap_deviation_is_that_of_a_mean_where_scores_are_means():
    """A score that is a mean of parts: the jackknife is then the standard error of the mean difference, exactly."""
    random = np.random.default_rng(5)
    first, second = random.normal(0.5, 0.1, (2, PARTS))
    left_out = [(s.sum() - s) / (PARTS - 1) for s in (first, second)]
    found = score_gap_deviation(settled_of(left_out=left_out[0]), settled_of(left_out=left_out[1]))
    assert found == pytest.approx((first - second).std(ddof=1) / np.sqrt(PARTS))


def evidence_of(settled=None, **changes):
    points, jacobians, residuals = linear_problem(0, noise=0.3)
    flat = points.reshape(-1, 3)
    template = Template(np.zeros(3), flat, np.zeros(len(flat)), np.zeros_like(flat))
    rivals = (Rival(25.0, 0.3, 0.3, 0.03), Rival(-24.0, 0.2, 0.4, 0.03))
    whole = Evidence(settled or settled_of(), equations_of(jacobians, residuals), template, IDENTITY, rivals, UP, 100.0)
    return dataclasses.replace(whole, **changes)


def verdict_of(evidence, allowed_mm=2.0):
    trust = judge(evidence, Judgement(TARGET_MM, allowed_mm))
    assert trust.reasons
    assert all(reason[0].isupper() and reason.endswith(".") for reason in trust.reasons)
    return trust.verdict


def test_a_good_match_is_trusted():
    trust = judge(evidence_of(), Judgement(TARGET_MM, 2.0))
    assert trust.verdict is Verdict.TRUSTED
    assert trust.predicted_error_mm == pytest.approx(np.sqrt(sum(v**2 for v in trust.error_parts_mm.values())))
    assert trust.predicted_error_mm >= SETTINGS.floor_mm
    assert trust.evidence["rival_gap"] == pytest.approx(0.3)


@pytest.mark.parametrize(
    ("changes", "verdict"),
    [
        ({"settled": settled_of(score=0.05)}, Verdict.REFUSED),
        ({"settled": settled_of(score=0.2)}, Verdict.LOOK),
        ({"settled": settled_of(overlap=0.05)}, Verdict.LOOK),
        ({"settled": settled_of(agreement=0.1)}, Verdict.LOOK),
        ({"seen_length_mm": 30.0}, Verdict.LOOK),
        ({"rivals": (Rival(25.0, 0.65, -0.05),)}, Verdict.REFUSED),
        ({"rivals": (Rival(25.0, 0.6, 0.0),)}, Verdict.REFUSED),
        ({"rivals": (Rival(25.0, 0.58, 0.02),)}, Verdict.LOOK),
        ({"rivals": (Rival(25.0, 0.3, 0.3, 0.2),)}, Verdict.LOOK),
        ({"rivals": (Rival(25.0, 0.3, 0.3, 0.02), Rival(-24.0, 0.2, 0.4, 0.2))}, Verdict.LOOK),
        ({"parts_apart_mm": 2.0}, Verdict.LOOK),
        ({"rivals": ()}, Verdict.TRUSTED),
        ({"second_opinion": Pose(np.eye(3), np.array([0.0, 5.0, 0.0]))}, Verdict.LOOK),
        ({"second_opinion": None}, Verdict.TRUSTED),
        ({"nearest_shift_mm": 3.0}, Verdict.LOOK),
        ({"parts_apart_mm": 0.5, "settled": settled_of(score=0.8)}, Verdict.TRUSTED),
        ({"parts_apart_mm": 0.5, "settled": settled_of(score=0.95)}, Verdict.LOOK),
        ({"parts_apart_mm": 0.7, "settled": settled_of(score=0.5)}, Verdict.LOOK),
        ({"by_information": True}, Verdict.LOOK),
        ({"by_information": True, "settled": settled_of(score=0.09)}, Verdict.LOOK),
        ({"by_information": True, "settled": settled_of(score=0.01)}, Verdict.REFUSED),
    ],
)
def test_each_doubt_alone_is_enough(changes, verdict):
    assert verdict_of(evidence_of(**changes)) is verdict


def test_the_nearest_part_counts_as_far_as_it_lies_elsewhere():
    parts = judge(evidence_of(nearest_shift_mm=0.8), Judgement(TARGET_MM, 2.0)).error_parts_mm
    assert parts["nearest part"] == pytest.approx(SETTINGS.nearest_factor * 0.8)


def test_by_information_a_low_score_is_no_reason():
    """Information is on another scale than correlation; the one reason is that such matches are not tested enough."""
    reasons = judge(evidence_of(settled_of(score=0.2), by_information=True), Judgement(TARGET_MM, 2.0)).reasons
    assert len(reasons) == 1
    assert reasons[0].startswith("Images were compared by mutual information")


def test_what_is_allowed_decides():
    assert verdict_of(evidence_of(), allowed_mm=0.1) is Verdict.LOOK


def test_a_refusal_tells_the_doubts_too():
    weak = evidence_of(settled_of(score=0.05), seen_length_mm=10.0)
    trust = judge(weak, Judgement(TARGET_MM, 2.0))
    assert trust.verdict is Verdict.REFUSED
    assert any("hardly resemble" in reason for reason in trust.reasons)
    assert any("vertebral levels" in reason for reason in trust.reasons)


def judged(**changes):
    return judge(evidence_of(**changes), Judgement(TARGET_MM, 2.0))


def test_a_trusted_match_on_bone_nearby_settles_the_level_of_a_short_region():
    short = judged(seen_length_mm=30.0)
    assert short.verdict is Verdict.LOOK
    settled = with_level_of(judged(), 3.0, short, 2.0)
    assert settled.verdict is Verdict.TRUSTED
    assert settled.predicted_error_mm == short.predicted_error_mm
    assert settled.evidence["seen_length_mm"] == judged().evidence["seen_length_mm"]
    assert "trusted match on bone" in settled.reasons[-1]


@pytest.mark.parametrize("gap", [0.02, -0.05])
def test_bone_rules_out_the_rivals_that_lie_far_from_its_own_answer(gap):
    tempting = judged(rivals=(Rival(-25.0, 0.6 - gap, gap),))
    assert tempting.verdict is not Verdict.TRUSTED
    assert with_level_of(judged(), 3.0, tempting, 2.0).verdict is Verdict.TRUSTED


@pytest.mark.parametrize(("offset_mm", "apart_mm"), [(9.0, 3.0), (-9.0, 7.0), (14.0, 7.0)])
def test_a_rival_that_may_lie_where_bone_says_stays(offset_mm, apart_mm):
    tempting = judged(rivals=(Rival(offset_mm, 0.65, -0.05),))
    assert with_level_of(judged(), apart_mm, tempting, 2.0).verdict is Verdict.REFUSED


def test_the_level_stays_open_far_from_bone_and_with_bone_that_is_not_trusted():
    short = judged(seen_length_mm=30.0)
    assert with_level_of(judged(), 9.0, short, 2.0) is short
    assert with_level_of(short, 3.0, short, 2.0) is short


def test_bone_settles_nothing_but_the_level():
    vague = judged(seen_length_mm=30.0, parts_apart_mm=3.0)
    assert with_level_of(judged(), 3.0, vague, 2.0).verdict is Verdict.LOOK
    fine = judged()
    assert with_level_of(judged(), 3.0, fine, 2.0) is fine
