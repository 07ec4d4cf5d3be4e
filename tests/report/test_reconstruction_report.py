"""The page of a reconstruction: what it says and shows, that it needs nothing else, and that no name can break it."""

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest

from openigrt.errors import FrameMismatch
from openigrt.geometry import Frame, Grid, PatientPosition, RigidTransform
from openigrt.images import Image, Modality, Provenance
from openigrt.motion import AmplitudeUnit, BreathingTrace, breaths_of, phase_bins
from openigrt.patient import Verdict
from openigrt.report import (
    RESEARCH_STATEMENT,
    ManifestSummary,
    ReconstructionReportContent,
    ShownBreathing,
    ShownPhase,
    render_reconstruction_report,
)
from openigrt.report.reconstruction_figures import arc_figure, histogram, middle_mm
from tests.report.report_cases import DAILY, PLAN, match_of
from tests.report.test_guidance_report import HOSTILE, Page

GRID = Grid(DAILY, np.array([-60.0, -45.0, -40.0]), np.array([3.0, 3.0, 4.0]), np.eye(3), (41, 31, 21))
FULL_TURN = np.arange(0.0, 360.0, 4.0)


def image(grid=GRID, added=0.0, **provenance):
    """Air round a body of water with fat and bone, half of each row unseen at the ends."""
    _, j, i = np.indices(grid.shape)
    voxels = np.where((np.abs(i - 20) < 15) & (np.abs(j - 15) < 11), 10.0, -1000.0)
    voxels = np.where((np.abs(i - 20) < 4) & (np.abs(j - 20) < 3), 810.0, voxels)
    voxels = np.where((np.abs(i - 12) < 3) & (np.abs(j - 12) < 5), -90.0, voxels) + added
    voxels[:, :, [0, -1]] = np.nan
    return Image(voxels.astype(np.float32), grid, Modality.CBCT, Provenance(**provenance))


def content(**changed):
    made = ReconstructionReportContent(
        image=image(patient_id="P1", patient_name="Doe^Jane", patient_position=PatientPosition.FFS),
        source_angles_deg=FULL_TURN,
        scan={"fan": "half"},
        method="fdk",
        messages=("First of all.", "Second."),
        settings={"voxel": "3 mm"},
        manifest=ManifestSummary("9.9", None, {}, {"pixels (SHA-256)": "abc123"}),
        created_at=datetime(2026, 1, 2, 3, 4, tzinfo=UTC),
        timings_s={"read": 1.234, "total": 5.0},
    )
    return replace(made, **changed)


def page_of(**changed):
    return Page(render_reconstruction_report(content(**changed)))


def test_the_page_says_what_was_made_of_what():
    words = page_of().words
    for said in (
        RESEARCH_STATEMENT,
        "Doe, Jane",
        "P1",
        "FFS (feet first, supine)",
        "90 projections",
        "41 × 31 × 21 voxels",
        "FDK",
        "2 messages, the most important first",
        "voxel 3 mm",
        "fan half",
        "OpenIGRT 9.9",
        "abc123",
        "1.23 s",
    ):
        assert said in words
    assert words.index("First of all.") < words.index("Second.")
    for absent in ("prior", "Breathing", "match"):
        assert absent not in words


def test_what_wants_a_person_stands_first_and_apart():
    words = page_of(messages=("Second.", "First of all."), pressing=("First of all.",)).words
    order = ["To be looked at by a person", "First of all.", "For information", "Second."]
    assert [words.index(said) for said in order] == sorted(words.index(said) for said in order)
    assert words.count("First of all.") == 1
    assert "looked at by a person" not in page_of().words


def test_the_page_needs_nothing_else_and_is_the_same_again():
    text = render_reconstruction_report(content(**with_prior(), **breathing()))
    page = Page(text)
    links = [value for _, attrs in page.tags for name, value in attrs.items() if name in ("href", "src")]
    assert links
    assert all(str(link).startswith("data:image/jpeg;base64,") for link in links)
    assert {tag for tag, _ in page.tags} & {"script", "link", "iframe", "object"} == set()
    assert "default-src 'none'" in text
    assert text == render_reconstruction_report(content(**with_prior(), **breathing()))
    assert len(text) < 1_000_000


def test_names_cannot_break_out():
    named = image(patient_id=HOSTILE, patient_name=HOSTILE, station_name=HOSTILE, device_model=HOSTILE)
    text = render_reconstruction_report(
        content(image=named, messages=(HOSTILE,), scan={HOSTILE: HOSTILE}, settings={"flat": HOSTILE})
    )
    assert HOSTILE not in text
    assert "<script" not in text
    Page(text)


def with_prior():
    prior = match_of("bone", RigidTransform.identity(PLAN, DAILY), Verdict.LOOK)
    return {"with_prior": image(added=60.0), "match": prior}


def test_with_a_prior_both_images_their_difference_and_the_verdict():
    page = page_of(**with_prior())
    assert len([label for label in page.labels() if "prior" in label]) == 6
    assert len([label for label in page.labels() if "Difference" in label]) == 3
    for said in ("Without the prior", "for dose and contours, never for a match", "Look", "−100 HU", "+100 HU"):
        assert said in page.words


def breathing(blank=True):
    times = np.arange(0.0, 40.0, 0.5)
    trace = BreathingTrace(times, np.cos(2.0 * np.pi * times / 4.0), AmplitudeUnit.MM)
    bins = phase_bins(breaths_of(trace), times, 4)
    counts = [len(bins.members(n)) for n in range(4)]
    phases = tuple(
        ShownPhase(name, count, None if blank and name == "50%" else image())
        for name, count in zip(bins.names, counts, strict=True)
    )
    return {"phases": phases, "breathing": ShownBreathing(trace, times, bins)}


def test_breathing_shows_its_trace_its_phases_and_names_the_blank_ones():
    page = page_of(**breathing())
    assert "Without an image, for too few projections fall into them: 50%." in page.words
    assert "no image" in page.words
    assert [label for label in page.labels() if label.startswith("Phase")] == [f"Phase {n}%" for n in (0, 25, 50, 75)]
    assert len([1 for tag, attrs in page.tags if tag == "circle" and attrs.get("r") == "2.6"]) == 80
    assert "Without an image" not in page_of(**breathing(blank=False)).words


def test_images_of_other_frames_are_refused():
    elsewhere = Grid(Frame.daily("9.9"), GRID.origin_mm, GRID.spacing_mm, np.eye(3), GRID.size)
    with pytest.raises(FrameMismatch):
        content(with_prior=image(elsewhere))


@pytest.mark.parametrize(
    ("angles", "gaps"),
    [
        (FULL_TURN, []),
        (np.arange(180.0, 381.0, 2.0), [(20.0, 180.0, 160.0)]),
        (np.delete(FULL_TURN, range(10, 15)), [(36.0, 60.0, 24.0)]),
        ([350.0, 352.0, 354.0, 2.0, 4.0, 6.0], [(6.0, 350.0, 344.0), (354.0, 2.0, 8.0)]),
        ([17.0], []),
    ],
    ids=["full", "short", "gap", "across zero", "one"],
)
def test_the_arc_shows_its_gaps(angles, gaps):
    figure = arc_figure(np.asarray(angles, float))
    assert [(gap.from_deg, gap.to_deg, gap.size_deg) for gap in figure.gaps] == [pytest.approx(gap) for gap in gaps]
    assert figure.ticks.count("M") == len(angles)


def test_ninety_degrees_is_on_the_right_of_who_faces_the_gantry():
    figure = arc_figure(np.array([90.0, 180.0]))
    assert figure.first == pytest.approx((100.0, 0.0))
    assert figure.last == pytest.approx((0.0, 100.0))


def test_the_peaks_of_the_histogram_are_those_of_the_tissues():
    """Bins of 20 HU: each value lies in the one around its peak."""
    peaks = {peak.tissue: peak.hu for peak in histogram(image()).peaks}
    expected = {"air": -1000.0, "fat": -90.0, "water and soft tissue": 10.0, "bone": 810.0}
    assert {name: pytest.approx(hu, abs=10.0) for name, hu in expected.items()} == peaks
    without = replace(image(), voxels=np.full(GRID.shape, np.nan, np.float32))
    assert [peak.hu for peak in histogram(without).peaks] == [None] * 4


def test_slices_go_through_the_isocenter_where_it_was_seen():
    assert middle_mm(image())[1] == "the machine isocenter"
    aside = Grid(DAILY, GRID.origin_mm + 500.0, GRID.spacing_mm, np.eye(3), GRID.size)
    center_mm, name = middle_mm(image(aside))
    assert name == "the middle of what was seen"
    assert np.allclose(center_mm, aside.center_mm, atol=3.0)


def test_a_scan_of_nothing_still_has_a_page():
    nothing = replace(image(), voxels=np.full(GRID.shape, np.nan, np.float32))
    words = page_of(image=nothing, source_angles_deg=np.array([3.0]), messages=(), timings_s={}).words
    assert "1 projections" not in words
    assert "1 projection" in words
    assert "No messages." in words
    assert "not measured" in words
