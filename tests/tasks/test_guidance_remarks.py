"""What a person should doubt: approval, times, isocenters, one image in both places."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import numpy as np
import pytest

from openigrt.dicom import DailyFolder, InputFile, PlanFolder
from openigrt.files import builtin_protocols
from openigrt.geometry import CouchPose, Frame, Grid, ImageAxes, PatientPosition
from openigrt.guidance import Alignment
from openigrt.images import Image, Mask, Modality, Provenance
from openigrt.patient import Beam, ControlPoint, Plan, Target
from openigrt.tasks.guidance.isocenters import Contradiction
from openigrt.tasks.guidance.patient_setup import PatientSetup
from openigrt.tasks.guidance.remarks import (
    body_in_doubt,
    body_on_few_slices,
    doubts,
    questions,
    region_by_default,
    share_of_body_on_outline,
    structures_elsewhere,
    target_beside_isocenter,
    target_outside,
    what_was_read,
)

NOW = datetime(2024, 5, 6, 7, 8, tzinfo=UTC)
PROTOCOL = builtin_protocols()["default"]
PLAN_FRAME, DAILY_FRAME = Frame.plan("1.2"), Frame.daily("1.3")


def image(frame, acquired_at, description=""):
    grid = Grid(frame, (-10.0, -10.0, -10.0), (5.0, 5.0, 5.0), np.eye(3), (5, 5, 5))
    source = Provenance(acquired_at=acquired_at, series_description=description)
    return Image(np.zeros(grid.shape, np.float32), grid, Modality.CT, source)


def plan(approval):
    return Plan("1.4", "A", PLAN_FRAME, "P", PatientPosition.HFS, approval, ())


def folders(acquired_at=NOW, approval="APPROVED", **values):
    planning = image(PLAN_FRAME, NOW - timedelta(days=9), "Planning")
    folder = PlanFolder(planning, None, plan(approval), None, ("Chose it.",), (), (InputFile(Path("p"), "1", "a"),))
    daily = DailyFolder(image(DAILY_FRAME, acquired_at), None, (), (), (InputFile(Path("d"), "2", "b"),))
    return folder, replace(daily, **values)


def setup(plan_mm=(0.0, 0.0, 0.0), daily_mm=(0.0, 0.0, 0.0), off_mm=None):
    """Isocenters, and a daily one that is stated so far from the given one."""
    alignment = Alignment(plan_mm, daily_mm, "as given", ImageAxes.ROOM, PatientPosition.HFS)
    stated = () if off_mm is None else (Contradiction("--x", np.zeros(3), np.array([0.0, off_mm, 0.0]), "stated"),)
    return PatientSetup(alignment, "as given", stated)


def test_nothing_to_doubt():
    assert doubts(*folders(NOW - timedelta(minutes=4)), setup(), PROTOCOL, NOW) == ()


@pytest.mark.parametrize(
    ("acquired_at", "said"),
    [
        (None, "does not say when it was acquired: its age is not known, nor that it is of today"),
        (NOW - timedelta(minutes=20), "is 20 minutes old; by protocol default an image speaks for the patient for 5 m"),
        (NOW - timedelta(hours=3), "image of the day is 3.0 hours old"),
        (NOW - timedelta(hours=8), "is NOT OF TODAY: it was acquired at 2024-05-05 23:08 UTC and is 8.0 hours old"),
        (NOW - timedelta(days=8), "is NOT OF TODAY: it was acquired at 2024-04-28 07:08 UTC and is 8 days old"),
    ],
)
def test_times(acquired_at, said):
    assert said in doubts(*folders(acquired_at), setup(), PROTOCOL, NOW)[0]


@pytest.mark.parametrize(
    ("acquired_at", "approval", "said"),
    [
        (NOW + timedelta(hours=1), "APPROVED", "in the future, at 2024-05-06 08:08 UTC"),
        (
            NOW - timedelta(days=10),
            "APPROVED",
            "was acquired before the planning image: were PLAN and TODAY exchanged?",
        ),
        (NOW, "REJECTED", "The plan was rejected"),
    ],
)
def test_what_must_be_answered_before_a_couch_moves(acquired_at, approval, said):
    (question,) = questions(*folders(acquired_at, approval), setup(), PROTOCOL, NOW)
    assert said in question


def test_no_question_about_an_ordinary_day():
    assert questions(*folders(NOW - timedelta(minutes=4)), setup(), PROTOCOL, NOW) == ()
    assert questions(*folders(None, "UNAPPROVED"), setup(), PROTOCOL, NOW) == ()


def test_today_is_that_of_the_site():
    """23:40 and 00:20 UTC are one evening in New York, and two days in London."""
    acquired_at, decided_at = datetime(2024, 5, 5, 23, 40, tzinfo=UTC), datetime(2024, 5, 6, 0, 20, tzinfo=UTC)
    for hours, is_another_day in ((-4, False), (0, True)):
        here = decided_at.astimezone(timezone(timedelta(hours=hours)))
        (sentence,) = doubts(*folders(acquired_at), setup(), PROTOCOL, here)
        assert ("NOT OF TODAY" in sentence) is is_another_day


def test_a_planning_image_without_a_time():
    folder, daily = folders(NOW - timedelta(minutes=4))
    folder = replace(folder, planning_image=image(PLAN_FRAME, None))
    (sentence,) = doubts(folder, daily, setup(), PROTOCOL, NOW)
    assert "planning image does not say when it was acquired" in sentence


def test_what_is_wrong_with_time_is_said_first():
    folder, daily = folders(NOW - timedelta(days=8), messages=("A slice was set aside.",))
    said = doubts(replace(folder, messages=("Contours reach too far.",)), daily, setup(), PROTOCOL, NOW)
    assert "NOT OF TODAY" in said[0]
    assert said[1:] == ("Contours reach too far.", "A slice was set aside.")


@pytest.mark.parametrize(
    ("site", "is_named", "is_said"),
    [("prostate", False, True), ("prostate", True, False), ("liver_sbrt", False, True), ("default", False, False)],
)
def test_a_soft_site_that_is_matched_on_bone_by_default(site, is_named, is_said):
    said = tuple(region_by_default(builtin_protocols()[site], is_named))
    assert len(said) == is_said
    assert all("bone was matched, since no --region was named. Name --region soft" in sentence for sentence in said)


@pytest.mark.parametrize(("approval", "said"), [("UNAPPROVED", "UNAPPROVED"), ("", "not stated")])
def test_approval(approval, said):
    (sentence,) = doubts(*folders(approval=approval), setup(), PROTOCOL, NOW)
    assert sentence == f"The plan is not approved: its approval status is {said}."


def test_isocenters_outside():
    outside = (0.0, 0.0, 13.0)
    assert doubts(*folders(), setup(outside, outside), PROTOCOL, NOW) == (
        "The isocenter of the plan lies outside the planning image.",
        "The daily isocenter lies outside the image of the day.",
    )


@pytest.mark.parametrize(("off_mm", "warned", "questioned"), [(1.1, 1, 0), (20.0, 1, 0), (20.1, 0, 1), (300.0, 0, 1)])
def test_within_the_guard_it_is_a_choice_to_check_and_beyond_it_no_setup_that_did_not_fail(off_mm, warned, questioned):
    """Below the guard the distance is part of the couch move, whose own levels judge it; above, a wrong image or plan
    is likelier than any choice, so a person is called.
    """
    today = folders(NOW - timedelta(minutes=4))
    assert len(doubts(*today, setup(off_mm=off_mm), PROTOCOL, NOW)) == warned
    assert len(questions(*today, setup(off_mm=off_mm), PROTOCOL, NOW)) == questioned


@pytest.mark.parametrize(
    ("plan_words", "today_words", "is_said"),
    [
        ({"patient_id": "1"}, {}, True),
        ({}, {}, True),
        ({"patient_id": "1"}, {"patient_name": "Doe"}, True),
        ({"patient_id": "1"}, {"patient_id": "1"}, False),
        ({"patient_id": "1", "patient_name": "Doe"}, {"patient_name": "Doe"}, False),
    ],
)
def test_patients_that_cannot_be_compared(plan_words, today_words, is_said):
    folder, daily = folders()
    planning, today = folder.planning_image, daily.daily_image
    planning = replace(planning, provenance=replace(planning.provenance, series_uid="1.7", **plan_words))
    today = replace(today, provenance=replace(today.provenance, series_uid="1.8", **today_words))
    said = doubts(replace(folder, planning_image=planning), replace(daily, daily_image=today), setup(), PROTOCOL, NOW)
    assert ["cannot be checked" in sentence for sentence in said] == [True] * is_said


def beam(number, support_deg, delivery_type="TREATMENT"):
    couch = CouchPose(patient_support_angle_deg=support_deg)
    points = (ControlPoint(0.0, 0.0, 0.0, couch),)
    return Beam(number, "A", delivery_type, "PHOTON", "L", (0.0, 0.0, 0.0), 1000.0, None, points)


@pytest.mark.parametrize(
    ("angles_deg", "pose_deg", "axes", "said"),
    [
        ((90.0, 80.0), None, ImageAxes.ROOM, "table at 0°; the first is planned at 90°. The move leads to a straight"),
        ((350.0,), 5.0, ImageAxes.TABLE, "table at 5°; the first is planned at 350°. The move is for the table as it"),
        ((350.0,), 5.0, ImageAxes.ROOM, "table at 0°; the first is planned at 350°. The move leads to a straight"),
        ((90.0, 0.0), None, ImageAxes.ROOM, None),
        ((359.9,), None, ImageAxes.ROOM, None),
        ((350.0,), -10.0, ImageAxes.TABLE, None),
    ],
)
def test_beams_that_are_planned_on_a_turned_table(angles_deg, pose_deg, axes, said):
    sentences = doubts(*turned(angles_deg, pose_deg, axes), PROTOCOL, NOW)
    assert len(sentences) == (said is not None)
    assert all(said in sentence for sentence in sentences)


def turned(angles_deg, pose_deg, axes):
    """Folders of a plan with these beams, and an alignment with the table at an angle."""
    folder, daily = folders()
    beams = (beam(0, 45.0, "SETUP"), *(beam(n, angle) for n, angle in enumerate(angles_deg, 1)))
    pose = None if pose_deg is None else CouchPose(patient_support_angle_deg=pose_deg)
    folder = replace(folder, plan=replace(folder.plan, beams=beams))
    return folder, daily, replace(setup(), alignment=replace(setup().alignment, start=pose, image_axes=axes))


@pytest.mark.parametrize(
    ("angles_deg", "pose_deg", "axes", "count"),
    [
        ((4.0, 4.0), 4.0, ImageAxes.ROOM, 1),
        ((4.0, 0.0), 4.0, ImageAxes.ROOM, 0),
        ((4.0,), 0.0, ImageAxes.ROOM, 0),
        ((4.0,), 4.0, ImageAxes.TABLE, 0),
    ],
)
def test_an_image_in_room_axes_on_the_turned_table_of_all_beams_is_questioned(angles_deg, pose_deg, axes, count):
    """The move would turn the table straight, where no beam is planned."""
    assert len(questions(*turned(angles_deg, pose_deg, axes), PROTOCOL, NOW)) == count


def test_one_image_in_both_places():
    same = folders(inputs=(InputFile(Path("d"), "2", "a"),))
    (question,) = questions(*same, setup(), PROTOCOL, NOW)
    assert "is the planning image itself, file by file" in question


def test_what_was_read():
    assert what_was_read(*folders()) == (
        "Planning image: CT 'Planning', 5 x 5 x 5 voxels of 5 x 5 x 5 mm, acquired 2024-04-27 07:08 UTC.",
        "Plan 'A' [1.4]: 0 beams, APPROVED.",
        "Image of the day: CT, 5 x 5 x 5 voxels of 5 x 5 x 5 mm, acquired 2024-05-06 07:08 UTC.",
        "Chose it.",
    )


def test_a_target_that_is_not_in_the_planning_image():
    folder, _ = folders()
    for place_mm, count in ((0.0, 0), (5000.0, 1)):
        target = Target("PTV", "named", np.full((4, 3), place_mm))
        assert len(tuple(target_outside(folder.planning_image, target))) == count


@pytest.mark.parametrize(("away_mm", "count"), [(0.0, 0), (24.0, 0), (30.0, 1), (60.0, 1)])
def test_a_target_that_the_beams_do_not_aim_at(away_mm, count):
    """20 mm in radius: its isocenter may lie on its rim, not far outside."""
    directions = np.concatenate([np.eye(3), -np.eye(3)])
    target = Target("PTV", "named", setup().alignment.plan_isocenter_mm + [away_mm, 0.0, 0.0] + 20.0 * directions)
    found = tuple(target_beside_isocenter(setup().alignment, target))
    assert len(found) == count
    assert all(f"lies {away_mm:.0f} mm from the middle of the target PTV" in sentence for sentence in found)


@pytest.mark.parametrize(
    ("shift", "away_mm", "doubted", "called"),
    [(0, 0.0, 0, 0), (0, 60.0, 0, 0), (5, 0.0, 1, 0), (5, 60.0, 1, 1), (25, 0.0, 1, 1)],
)
def test_structures_that_were_not_drawn_on_the_planning_ct(shift, away_mm, doubted, called):
    """A body of 40 by 30 voxels of 4 mm, shifted along the rows, and a target that lies away from the isocenter."""
    alignment = setup().alignment
    directions = np.concatenate([np.eye(3), -np.eye(3)])
    target = Target("PTV", "named", alignment.plan_isocenter_mm + [away_mm, 0.0, 0.0] + 20.0 * directions)
    grid = Grid(PLAN_FRAME, np.zeros(3), np.full(3, 4.0), np.eye(3), (100, 80, 12))
    drawn = np.zeros(grid.shape, bool)
    drawn[:, 15:45, 20:60] = True
    ct = Image(np.where(drawn, 0.0, -1000.0).astype(np.float32), grid, Modality.CT)
    share = share_of_body_on_outline(ct, Mask(np.roll(drawn, shift, axis=1), grid))
    assert len(tuple(body_in_doubt(share))) == doubted
    assert len(tuple(structures_elsewhere(share, alignment, target))) == called


def test_a_body_of_which_nothing_can_be_told():
    planning_image = folders()[0].planning_image
    body = Mask(np.ones(planning_image.grid.shape, bool), planning_image.grid)
    assert share_of_body_on_outline(planning_image, None) == 1.0
    assert share_of_body_on_outline(replace(planning_image, modality=Modality.MR), body) == 1.0


@pytest.mark.parametrize(("drawn", "count"), [(3, 0), (2, 1)])
def test_a_body_that_is_contoured_on_few_slices(drawn, count):
    grid = folders()[0].planning_image.grid
    body = Mask(np.arange(grid.shape[0])[:, None, None] < drawn + np.zeros(grid.shape), grid)
    found = tuple(body_on_few_slices(body))
    assert len(found) == count
    assert all(sentence.startswith("The body is contoured on 2 of 5 slices") for sentence in found)
    assert not tuple(body_on_few_slices(None))
