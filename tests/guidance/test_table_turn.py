"""A couch pose and an image that contradict each other about the turn of the table (clinical.md 1.4)."""

import numpy as np
import pytest

from openigrt.geometry import CouchPose, ImageAxes, PatientPosition, fixed_from_table_top, rotation_y, rotation_z
from openigrt.guidance import likely_turns
from openigrt.patient import Action, Verdict
from tests.guidance.guidance_cases import alignment_of, correction_of, match_in_room, match_of

ROOM, TABLE = ImageAxes.ROOM, ImageAxes.TABLE
QUESTIONED = "Check --couch-pose and its sign, and the axes of the image"
STRAIGHT = np.eye(3)


def pose(yaw_deg, pitch_deg=0.0):
    return CouchPose(0.0, 900.0, -120.0, yaw_deg, pitch_deg)


def seen(turned_by, position=PatientPosition.HFS):
    """A match that finds the patient turned in the axes of the image by a rotation in room axes, 4 mm off."""
    return match_in_room(turned_by.T, (4.0, 0.0, 0.0), position)


def causes(match, axes, start, **more):
    return correction_of(match, alignment_of(axes=axes, start=start, **more))


@pytest.mark.parametrize("position", [PatientPosition.HFS, PatientPosition.FFP, PatientPosition.HFDR])
@pytest.mark.parametrize("yaw_deg", [3.0, -10.0, 90.0, 270.0])
def test_a_turned_table_that_an_image_in_room_axes_does_not_show(yaw_deg, position):
    found = causes(seen(STRAIGHT, position), ROOM, pose(yaw_deg), position=position)
    assert (found.action, found.is_recommended) == (Action.CALL, False)
    assert QUESTIONED in found.reasons[0]
    assert "the image is taken to be in room axes" in found.reasons[0]
    assert "but the image shows the patient turned by 0.0°" in found.reasons[0]


def test_the_same_in_table_axes_is_no_question():
    assert causes(seen(STRAIGHT), TABLE, pose(90.0)).action is Action.CORRECT


@pytest.mark.parametrize("yaw_deg", [4.0, 30.0])
def test_an_image_in_table_axes_that_shows_the_turn_of_the_table(yaw_deg):
    start = pose(yaw_deg, 1.0)
    match = seen(fixed_from_table_top(start).rotation)
    found = causes(match, TABLE, start)
    assert QUESTIONED in found.reasons[0]
    assert "the image is taken to be in table axes" in found.reasons[0]
    assert not any(QUESTIONED in reason for reason in causes(match, ROOM, start).reasons)


@pytest.mark.parametrize("askew_deg", [-2.0, 0.0, 2.0])
@pytest.mark.parametrize("yaw_deg", [0.0, 1.5, 8.0])
def test_a_patient_who_lies_a_little_askew_is_no_question(yaw_deg, askew_deg):
    match = seen(rotation_z(yaw_deg) @ rotation_y(askew_deg))
    assert not any(QUESTIONED in reason for reason in causes(match, ROOM, pose(yaw_deg)).reasons)


@pytest.mark.parametrize(
    ("start", "said"), [(None, "no couch pose was given"), (pose(0.0), "says that the table stood straight")]
)
def test_a_turn_in_the_room_that_no_couch_pose_explains(start, said):
    found = causes(seen(rotation_z(30.0)), ROOM, start)
    assert "turned by 30.0° (yaw +30.0°) in the room" in found.reasons[0]
    assert said in found.reasons[0]
    assert not any(said in reason for reason in causes(seen(rotation_z(4.0)), ROOM, start).reasons)


def test_a_refused_match_shows_nothing():
    match = match_of(STRAIGHT, (4.0, 0.0, 0.0), verdict=Verdict.REFUSED)
    assert not any(QUESTIONED in reason for reason in causes(match, ROOM, pose(90.0)).reasons)


@pytest.mark.parametrize("axes", ImageAxes)
@pytest.mark.parametrize("position", [PatientPosition.HFS, PatientPosition.FFP, PatientPosition.HFDR])
def test_a_search_begins_straight_and_turned_as_the_table_or_against_it(position, axes):
    start = pose(270.0, 1.0)
    straight, turned, opposite = likely_turns(alignment_of(axes=axes, start=start, position=position))
    np.testing.assert_array_equal(straight, STRAIGHT)
    exactly_set_up = match_in_room(fixed_from_table_top(start).rotation.T, (0.0, 0.0, 0.0), position)
    np.testing.assert_allclose(turned, exactly_set_up.plan_from_daily.rotation, atol=1e-12)
    np.testing.assert_allclose(opposite @ turned, STRAIGHT, atol=1e-12)


@pytest.mark.parametrize("start", [None, pose(0.0), pose(1.0)])
def test_a_search_on_a_straight_table_begins_straight(start):
    (straight,) = likely_turns(alignment_of(axes=ROOM, start=start))
    np.testing.assert_array_equal(straight, STRAIGHT)


@pytest.mark.parametrize(("axes", "told"), [(ROOM, 1), (TABLE, 0)])
def test_what_belongs_to_the_table_is_told_apart_from_the_patient(axes, told):
    found = causes(seen(STRAIGHT), axes, pose(4.0))
    assert sum("hold the turn of the table, 4.0° by the couch pose" in remark for remark in found.remarks) == told


def test_a_patient_on_a_turned_table_did_not_fail_the_setup():
    start = pose(90.0)
    found = causes(seen(fixed_from_table_top(start).rotation), ROOM, start)
    assert found.action is Action.CALL
    assert "turn the table straight and image again" in found.reasons[0]
    assert not any("Set the patient up again" in reason for reason in found.reasons)


def test_a_table_that_was_turned_the_other_way_is_told_by_its_signs():
    found = causes(seen(rotation_z(11.0)), ROOM, pose(350.0))
    assert "turned by 10.0° (yaw -10.0°)" in found.reasons[0]
    assert "turned by 11.0° (yaw +11.0°)" in found.reasons[0]
