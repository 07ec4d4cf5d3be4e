"""Whether a region may stand for the target."""

import numpy as np
import pytest

from openigrt.errors import FrameMismatch
from openigrt.geometry import Frame, RigidTransform, rotation_z
from openigrt.guidance import judge_surrogate
from openigrt.patient import Match, Verdict
from tests.guidance.guidance_cases import match_of, target_of

BONE = match_of(np.eye(3), (1.0, 0.0, 0.0))
TRUSTED, LOOK, REFUSED = Verdict.TRUSTED, Verdict.LOOK, Verdict.REFUSED


def soft(away_mm, verdict=TRUSTED, predicted_error_mm=0.8, region="soft"):
    return match_of(np.eye(3), (1.0, 0.0, away_mm), region, verdict, predicted_error_mm)


@pytest.mark.parametrize(
    ("others", "verdict", "says"),
    [
        ([soft(4.9)], TRUSTED, "soft and bone agree to 4.9 mm at the target"),
        ([soft(16.0)], REFUSED, "soft puts the target 16.0 mm from where the match on bone does; the limit is 5"),
        ([soft(16.0, LOOK, 4.0)], REFUSED, "The match on soft puts the target 16.0 mm"),
        ([soft(6.0, LOOK, 8.0)], LOOK, "No other region could be judged"),
        ([soft(1.0, LOOK, 4.0)], TRUSTED, "agree to 1.0 mm"),
        ([soft(1.0, LOOK, 9.0)], LOOK, "No other region could be judged"),
        ([soft(16.0, REFUSED)], LOOK, "No other region could be judged"),
        ([], LOOK, "only bone says where the target is"),
        ([BONE], LOOK, "No other region could be judged"),
        ([soft(1.0), soft(9.0, TRUSTED, region="CTV")], REFUSED, "The match on CTV puts the target 9.0 mm"),
        ([soft(1.0), soft(9.0, REFUSED, region="CTV")], TRUSTED, "agree to 1.0 mm"),
    ],
)
def test_what_other_regions_say(others, verdict, says):
    found = judge_surrogate(BONE, others, target_of(), 5.0)
    assert found.verdict is verdict
    assert says in found.reasons[0]
    assert found.region == "bone"
    assert found.limit_mm == 5.0


def test_matches_that_say_nothing_are_still_shown():
    others = [soft(12.0, LOOK, 30.0), soft(13.0, REFUSED, 30.0, region="CTV")]
    found = judge_surrogate(BONE, others, target_of(), 5.0)
    assert found.differences_mm == {"soft": pytest.approx(12.0), "CTV": pytest.approx(13.0)}
    assert found.reasons[1:] == (
        "The match on soft is too unsure to count (12.0 mm away, look).",
        "The match on CTV is refused and says nothing.",
    )


def test_the_difference_is_the_largest_over_the_surface_of_the_target():
    """Two matches that agree at the isocenter and differ by a turn: 2 r sin(angle / 2) at the farthest point."""
    turned = match_of(rotation_z(3.0), (1.0, 0.0, 0.0), "soft")
    ring = 40.0 * np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [-1.0, 0.0, 0.0], [0.0, -1.0, 0.0]]) + (1.0, 0.0, 0.0)
    found = judge_surrogate(BONE, [turned], target_of(ring), 5.0)
    assert found.differences_mm["soft"] == pytest.approx(2.0 * 40.0 * np.sin(np.deg2rad(1.5)))


def test_matches_of_other_images_are_not_compared():
    transform = RigidTransform.identity(Frame.plan("1.1"), Frame.daily("9.9"))
    stranger = Match("soft", "local correlation", transform, 0.8, 0.9, BONE.trust)
    with pytest.raises(FrameMismatch):
        judge_surrogate(BONE, [stranger], target_of(), 5.0)


def test_a_match_that_is_not_trusted_itself_stands_for_nothing():
    found = judge_surrogate(match_of(np.eye(3), (1.0, 0.0, 0.0), "bone", LOOK), [soft(1.0)], target_of(), 5.0)
    assert found.verdict is LOOK
    assert found.reasons[0] == "The match on bone is not trusted itself."


@pytest.mark.parametrize("shift_mm", [1.0, 30.0])
def test_from_a_refused_match_nothing_is_measured(shift_mm):
    refused = match_of(np.eye(3), (1.0, 0.0, 0.0), "bone", REFUSED)
    found = judge_surrogate(refused, [soft(shift_mm)], target_of(), 5.0)
    assert (found.verdict, dict(found.differences_mm)) == (REFUSED, {})
    assert found.reasons == ("The match on bone is refused, so it stands for nothing.",)
