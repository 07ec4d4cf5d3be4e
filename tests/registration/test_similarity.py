"""How alike two images are under two transforms: the metric of the match, with nothing refined."""

import numpy as np
import pytest

from openigrt.errors import FrameMismatch
from openigrt.geometry import Frame, RigidTransform
from openigrt.patient import sphere_points_mm
from openigrt.registration import Question, Region, RegionKind, compare_similarity, match_rigid, prepare_plan
from openigrt.virtual import example_case, example_daily_image, example_planning_image

BONE = Region("bone", RegionKind.BONE)


@pytest.fixture(scope="module")
def case():
    return example_case(0)


@pytest.fixture(scope="module")
def question(case):
    plan, daily = example_planning_image(case), example_daily_image(case)
    start = RigidTransform.about_points(
        (plan.frame, case.patient.isocenter_mm), (daily.frame, np.zeros(3)), np.eye(3), np.zeros(3)
    )
    return Question(plan, daily, (start,), sphere_points_mm(case.patient.isocenter_mm, 30.0), 1.5)


def moved(transform, shift_mm):
    return RigidTransform(
        transform.to_frame, transform.from_frame, transform.rotation, transform.translation_mm + np.asarray(shift_mm)
    )


@pytest.mark.parametrize("shift_mm", [(2.0, 0, 0), (0, -3.0, 0), (0, 0, 5.0)], ids=str)
def test_the_truth_is_more_alike_than_what_is_off(question, case, shift_mm):
    found = compare_similarity(question, BONE, case.plan_from_daily, moved(case.plan_from_daily, shift_mm))
    assert found.metric == "local correlation"
    assert found.first - found.second > 3.0 * found.gap_deviation > 0.0


def test_either_order_gives_the_same_answer(question, case):
    """Only the mask differs: that of the second."""
    off = moved(case.plan_from_daily, (0.0, 4.0, 0.0))
    one, other = (
        compare_similarity(question, BONE, *pair) for pair in ((case.plan_from_daily, off), (off, case.plan_from_daily))
    )
    assert one.first == pytest.approx(other.second, abs=0.02)
    assert one.second == pytest.approx(other.first, abs=0.02)


def test_it_is_the_score_of_the_match(question):
    (match,) = match_rigid(question, [BONE])
    found = compare_similarity(question, BONE, match.plan_from_daily, match.plan_from_daily)
    assert found.first == found.second == pytest.approx(match.score, abs=0.005)
    assert found.gap_deviation == 0.0


def test_where_nothing_is_seen_there_is_none(question, case):
    assert compare_similarity(question, BONE, case.plan_from_daily, moved(case.plan_from_daily, (0, 0, 900.0))) is None


def test_frames_are_checked(question, case):
    other = RigidTransform.identity(case.patient.anatomy.frame, Frame.daily("9"))
    with pytest.raises(FrameMismatch):
        compare_similarity(question, BONE, case.plan_from_daily, other)


def test_a_planning_side_that_was_made_before_changes_nothing(question):
    prepared = Question(
        question.planning_image,
        question.daily_image,
        question.starts,
        question.target_points_mm,
        question.allowed_error_mm,
        plan_source=prepare_plan(question.planning_image, None),
    )
    (one,), (other,) = match_rigid(question, [BONE]), match_rigid(prepared, [BONE])
    assert one.plan_from_daily == other.plan_from_daily
    assert (one.score, one.trust) == (other.score, other.trust)


def test_the_planning_side_of_another_plan_is_refused(question):
    with pytest.raises(FrameMismatch):
        Question(
            question.planning_image,
            question.daily_image,
            question.starts,
            question.target_points_mm,
            question.allowed_error_mm,
            plan_source=prepare_plan(example_planning_image(example_case(1)), None),
        )
