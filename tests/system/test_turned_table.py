"""An image taken with the table turned, in the axes of the room: found from the couch pose, whole way through."""

import numpy as np
import pydicom
import pytest

import openigrt
from openigrt.geometry import CouchPose, PatientPosition, fixed_from_table_top
from openigrt.patient import Action, Verdict
from tests.system import phantom

YAW_DEG = 90.0


@pytest.fixture
def turned_case(case):
    """The patient of the day on a table that is turned about the isocenter, which is the origin of the daily frame."""
    axes = PatientPosition.HFS.table_top_from_lps()
    turn = axes.T @ fixed_from_table_top(CouchPose(0.0, 0.0, 0.0, YAW_DEG)).rotation @ axes
    for path in (case / "today").glob("*.dcm"):
        dataset = pydicom.dcmread(path)
        row, column = np.reshape(dataset.ImageOrientationPatient, (2, 3)).astype(float)
        dataset.ImageOrientationPatient = [round(v, 9) for v in (*(turn @ row), *(turn @ column))]
        dataset.ImagePositionPatient = [round(v, 6) for v in turn @ np.array(dataset.ImagePositionPatient, float)]
        dataset.save_as(path)
    return case


def test_the_patient_is_found_and_the_turn_belongs_to_the_table(turned_case):
    pose = CouchPose(0.0, 900.0, -120.0, YAW_DEG)
    found = openigrt.guide(turned_case / "plan", turned_case / "today", couch_pose=pose)
    assert found.match.trust.verdict is Verdict.TRUSTED
    axes = PatientPosition.HFS.table_top_from_lps()
    turn = axes.T @ fixed_from_table_top(pose).rotation @ axes
    truth = phantom.plan_from_daily()
    target = found.target.points_mm
    turned_back = found.match.plan_from_daily.inverse().points(target) @ turn
    assert np.abs(turned_back - truth.inverse().points(target)).max() < 0.4
    assert found.correction.action is Action.CALL
    assert "turn the table straight and image again" in found.correction.reasons[0]
    assert found.correction.couch.yaw_deg == pytest.approx(-YAW_DEG, abs=2.0)


def test_the_same_image_without_a_couch_pose_is_not_trusted(turned_case):
    found = openigrt.guide(turned_case / "plan", turned_case / "today")
    assert found.match.trust.verdict is not Verdict.TRUSTED
    assert found.correction.action is Action.CALL
