"""guide --region markers on the virtual pelvis: the target's own motion, which bone does not show."""

import numpy as np
import pytest

import openigrt
from openigrt.geometry import RigidTransform
from openigrt.patient import Verdict
from openigrt.virtual import example_case, write_embedded_example

SEED = 3


@pytest.fixture(scope="module")
def example(tmp_path_factory):
    folder = tmp_path_factory.mktemp("markers")
    return write_embedded_example(folder, SEED), folder


def test_markers_show_where_the_prostate_went(example):
    """Against the truth of the markers, 0.5 mm: voxels of 1.25 x 1.25 x 2 mm, gold that is rendered to 0.2 mm."""
    written, folder = example
    guidance = openigrt.guide(
        folder / "plan",
        folder / "daily",
        site="prostate",
        region="markers",
        daily_isocenter=written.daily_isocenter_mm,
        out=folder / "out",
    )
    case = example_case(SEED)
    names, patient = ("MARKER_1", "MARKER_2", "MARKER_3"), case.patient
    planned = np.array([patient.at(patient.planned).landmark_mm(name) for name in names])
    daily = case.plan_from_daily.inverse().points([patient.at(case.day).landmark_mm(name) for name in names])
    match = guidance.match
    assert (match.region, match.metric, match.trust.verdict) == ("markers", "marker positions", Verdict.TRUSTED)
    ours = match.plan_from_daily
    moved = RigidTransform(
        guidance.planning_image.frame, guidance.daily_image.frame, ours.rotation, ours.translation_mm
    )
    assert np.linalg.norm(moved.points(daily) - planned, axis=1).max() < 0.5
    assert guidance.surrogate.verdict is Verdict.TRUSTED
    assert "they stand for it" in guidance.surrogate.reasons[0]
    report = (folder / "out" / "report.html").read_text(encoding="utf-8")
    assert "marker positions" in report
    assert "The markers lie in the target" in report
