"""The page of a course: what it says, that it needs nothing else, and that no text of a file becomes markup."""

import re
from dataclasses import replace
from datetime import timedelta
from html.parser import HTMLParser

import numpy as np
import pytest

from openigrt.guidance import Agreement, SetupError, course_images, setup_errors, statistics_of
from openigrt.patient import Verdict
from openigrt.report import CourseReportContent, ManifestSummary, ProtocolLevels, render_course_report
from openigrt.report.trends import BOTTOM, HEIGHT, TOP, WIDTH, trend_charts
from tests.guidance.test_course_order import START, found, image
from tests.tasks.test_course_store import OTHER, PLANE, SideBySide

PROTOCOL = ProtocolLevels("default", 3.0, 10.0, 3.0, 3.0, 1.5)
VOID = {"meta", "br", "hr", "img", "input", "link"}


def content(*reviews, **changes):
    images = course_images(reviews, PROTOCOL.verification_tolerance_mm)
    made = CourseReportContent(
        patient_name="Doe^Jane",
        patient_id="P1",
        patient_position="HFS",
        plan_label="Pelvis",
        plan_approval="APPROVED",
        planned_at=START,
        target="CTV",
        target_rule="by rule",
        region="bone",
        region_rule="the default",
        protocol=PROTOCOL,
        answer="Registrations of other systems, for 1 image: 1 agreeing.",
        images=images,
        pictures={},
        statistics=statistics_of(setup_errors(images)),
        statistics_of_others=statistics_of([]),
        left_aside=(),
        questions=(),
        warnings=(),
        notes=(),
        manifest=ManifestSummary("0.1", 0, {".dcm": 3}, {}),
        created_at=START,
        timings_s={"total": 1.0},
    )
    return replace(made, **changes)


class Balanced(HTMLParser):
    """Raises where a tag is closed that is not open."""

    def __init__(self):
        super().__init__()
        self.open = []

    def handle_starttag(self, tag, attrs):
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        pass

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


@pytest.mark.parametrize("count", [0, 1, 2, 40])
def test_the_page_is_whole_for_any_number_of_images(count):
    page = render_course_report(content(*(image(f"1.{n}", 24.0 * n, n % 5 - 2.0) for n in range(count))))
    parser = Balanced()
    parser.feed(page)
    assert parser.open == []
    assert page.count('class="session"') == count
    assert "<script" not in page
    assert "Not for clinical use" in page


def test_a_fine_course_and_one_to_look_at_say_so():
    assert "<title>REVIEWED" in render_course_report(content(image("1", 0.0)))
    looked = render_course_report(content(image("1", 0.0, found=None, problem="It is truncated.")))
    assert "<title>LOOK" in looked
    assert "It is truncated." in looked


def test_no_text_of_a_file_becomes_markup():
    nasty = "<script>alert(1)</script>\u202e"
    other = replace(OTHER, name=nasty, maker=nasty, agreement=Agreement.DIFFERS)
    pictures = {"1": SideBySide((replace(PLANE, pictures=('"><script>', "b")),), nasty)}
    page = render_course_report(
        content(
            image("1", 0.0, description=nasty, others=(other,)), patient_name=nasty, pictures=pictures, notes=(nasty,)
        )
    )
    assert "<script" not in page
    assert "\u202e" not in page


def test_both_matches_of_one_that_differs_are_shown():
    page = render_course_report(
        content(image("1", 0.0, others=(OTHER,)), pictures={"1": SideBySide((PLANE,), "bone window")})
    )
    assert "Image 1: who was right?" in page
    assert 'href="data:a"' in page
    assert 'href="data:b"' in page


def test_a_refused_match_has_no_setup_error():
    page = render_course_report(content(image("1", 0.0, found=found(verdict=Verdict.REFUSED), others=(OTHER,))))
    assert "Refused" in page
    assert "nan" not in re.sub(r"<style>.*?</style>", "", page, flags=re.DOTALL).lower()


def test_charts_put_values_levels_and_means_on_one_scale():
    """Zero in the middle; equal distances for equal values; the action level where a setup of that size would be."""
    made = content(image("1", 0.0, 3.0), image("2", 24.0, -3.0), image("3", 48.0, 1.5))
    lateral, *_, roll = trend_charts(made.images, made.statistics, PROTOCOL)
    up, down, half = (point.down for point in lateral.points)
    zero = next(y for y, label in lateral.rows if label == "0")
    assert lateral.levels == pytest.approx((up, down))
    assert zero == pytest.approx(0.5 * (up + down))
    assert half == pytest.approx(zero + 0.5 * (up - zero))
    assert lateral.mean == pytest.approx(zero + 0.5 / 3.0 * (up - zero))
    assert roll.statistics.mean == 0.0
    for chart in (lateral, roll):
        places = np.array([(point.right, point.down) for point in chart.points])
        assert ((places > 0.0) & (places < (WIDTH, HEIGHT))).all()
        assert all(y >= TOP for y in chart.levels)


def test_a_registration_that_is_exchanged_is_not_drawn():
    error = SetupError(500.0, 0.0, 0.0, 0.0, 0.0, 0.0)
    other = replace(OTHER, agreement=Agreement.EXCHANGED, setup_error=error)
    made = content(image("1", 0.0, others=(other,)))
    assert [point.kind for point in trend_charts(made.images, made.statistics, PROTOCOL)[0].points] == ["ours"]


def test_doubted_and_later_images_are_drawn_apart():
    made = content(image("1", 0.0), image("2", 0.1), image("3", 24.0, found=found(1.0, Verdict.LOOK)))
    chart = trend_charts(made.images, made.statistics, PROTOCOL)[0]
    assert [point.kind for point in chart.points] == ["ours", "verification", "doubted"]
    assert chart.points[0].right < chart.points[1].right < chart.points[2].right


def test_times_are_those_of_the_images():
    page = render_course_report(content(image("1", 0.0), image("2", 48.0)))
    assert "2025-02-03 10:00 UTC" in page
    assert f"{START + timedelta(hours=48):%Y-%m-%d %H:%M} UTC" in page
    assert "+00:00" not in page
    assert not re.search(r"\d\d:\d\d(?! UTC)", re.sub(r"<style>.*?</style>", "", page, flags=re.DOTALL))


def test_no_word_over_a_course_reads_as_a_clinical_all_clear():
    """Every image is 6.4 mm off where 3 mm is the level, and nothing was there to compare with."""
    page = render_course_report(content(*(image(f"1.{n}", 24.0 * n, -6.4) for n in range(4))))
    assert "FINE" not in page
    assert 'class="card decision leave"' not in page
    assert "Setup error above the action level of 3 mm: 4 of 4 trusted setup images." in page
    assert "Not judged: how the patient lay" in page
    below = render_course_report(content(image("1", 0.0, 2.9)))
    assert "Setup error above" not in below


def test_a_copy_is_in_no_chart_and_told_in_its_row():
    page_content = content(image("1", 0.0, voxels_sha256="ab"), image("2", 24.0, voxels_sha256="ab"))
    charts = trend_charts(page_content.images, page_content.statistics, PROTOCOL)
    assert [len(chart.points) for chart in charts] == [1] * 6
    page = render_course_report(page_content)
    assert page.count("Image 2 has the very pixels of image 1") == 2
    assert "Of no session" in page


@pytest.mark.parametrize("largest", [0.3, 3.0, 4.48, 9.2, 47.0, 180.0])
def test_no_mark_touches_the_edge_of_a_chart(largest):
    """The largest mark reaches 6.5 to each side of its value; the lines reach as far as the chart."""
    made = content(image("1", 0.0, largest), image("2", 24.0, -largest), image("3", 48.0, largest))
    chart = trend_charts(made.images, made.statistics, PROTOCOL)[0]
    for y in (*(point.down for point in chart.points), *chart.band):
        assert TOP + 6.5 < y < HEIGHT - BOTTOM - 6.5
    assert [chart.rows[0][0], chart.rows[-1][0]] == pytest.approx([HEIGHT - BOTTOM, TOP])
