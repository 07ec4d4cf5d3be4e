import re
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import numpy as np
import pytest

from openigrt.errors import FrameMismatch, InconsistentInput
from openigrt.geometry import Frame, Grid, PatientPosition, RigidTransform, TableAngles
from openigrt.images import Modality, Provenance
from openigrt.patient import (
    Action,
    CouchCommand,
    DoseGrid,
    Structure,
    StructureRole,
    StructureSet,
    Surrogate,
    Target,
    Verdict,
)
from openigrt.report import RESEARCH_STATEMENT, GuidanceReportContent, render_guidance_report
from tests.report.report_cases import (
    DAILY,
    GRID,
    ISOCENTER_MM,
    PLAN,
    SHIFT_MM,
    content_of,
    correction_of,
    daily_image,
    match_of,
    plan_of,
    structure_set,
)

VOID = {"meta", "input", "br"}
HOSTILE = "<script>alert('x')</script>\"onload=\"x"


class Page(HTMLParser):
    """Reads a page into its tags, its words and its pictures, and checks that every tag is closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] != "style":
            self.text.append(data)

    @property
    def words(self) -> str:
        return " ".join(" ".join(self.text).split())

    def picture(self, name: str) -> str | None:
        return next(attrs["href"] for tag, attrs in self.tags if tag == "image" and attrs.get("id") == name)

    def labels(self) -> list[str]:
        return [str(attrs["aria-label"]) for tag, attrs in self.tags if tag == "svg" and attrs.get("role") == "img"]


def classes(attrs: dict[str, str | None]) -> set[str]:
    return set((attrs.get("class") or "").split())


def judged_bars(page: Page) -> int:
    return sum(bool(classes(attrs) & {"good", "high"}) for tag, attrs in page.tags if tag == "rect")


def page_of(**changes: Any) -> Page:
    return Page(render_guidance_report(content_of(**changes)))


@pytest.fixture(scope="module")
def html() -> str:
    return render_guidance_report(content_of())


@pytest.fixture(scope="module")
def page(html: str) -> Page:
    return Page(html)


@pytest.mark.parametrize(
    "words",
    [
        RESEARCH_STATEMENT,
        "Doe, Jane",
        "PELVIS_1",
        "Approved",
        "CORRECT",
        "The setup error is above the action level.",
        "6.0 mm too far right",
        "3.0 mm too far toward the head",
        "+6.04 mm",
        "right, seen from the couch foot",
        "1.60 cm",
        "497.0 mm",
        "Judged on PTV: named by the caller",
        "Reason for bone.",
        "spread of parts",
        "28 mm toward the head",
        "Bone and soft tissue agree.",
        "soft tissue",
        "11 min (limit 30 min)",
        "Contours of Cord reach beyond the CT.",
        "31 CT slices of series 1.2.",
        "OpenIGRT 0.1.0",
        "0.71 s",
        "Protocol pelvis",
        "Daily isocenter: as given.",
        "2026-03-04 10:00:00+00:00",
    ],
)
def test_the_page_says(page: Page, words: str) -> None:
    assert words in page.words


def test_the_page_stands_alone(html: str, page: Page) -> None:
    assert not re.search(r"https?:|//[a-z]|@import|url\((?!#)", re.sub(r"base64,[A-Za-z0-9+/=]*", "", html))
    assert not any(tag in {"script", "link", "iframe", "object"} for tag, _ in page.tags)
    links = [attrs["href"] for _, attrs in page.tags if attrs.get("href")]
    assert all(str(link).startswith(("data:image/jpeg;base64,", "#")) for link in links)
    ids = [attrs["id"] for _, attrs in page.tags if "id" in attrs]
    assert len(ids) == len(set(ids))
    assert {str(link)[1:] for link in links if str(link).startswith("#")} <= set(ids)


def test_the_same_content_gives_the_same_bytes(html: str) -> None:
    assert render_guidance_report(content_of()) == html


def test_every_plane_is_shown_in_every_view_before_and_after(page: Page) -> None:
    expected = {
        f"{plane} {view}, {alignment}"
        for plane in ("Axial", "Coronal", "Sagittal")
        for view in ("checkerboard", "difference", "overlay", "contours")
        for alignment in ("Before", "After: bone")
    }
    assert expected <= set(page.labels())
    assert "After: soft tissue" not in page.words


def test_before_and_after_are_different_pictures(page: Page) -> None:
    for plane in ("axial", "coronal", "sagittal"):
        assert page.picture(f"daily-1-{plane}") != page.picture(f"daily-2-{plane}")


def test_after_a_perfect_match_the_daily_image_is_the_plan() -> None:
    still = RigidTransform.identity(PLAN, DAILY)
    grid = Grid(DAILY, GRID.origin_mm, GRID.spacing_mm, np.eye(3), GRID.size)
    content = content_of(daily_image=daily_image(still, grid, Modality.CT), matches=(match_of("bone", still),))
    page = Page(render_guidance_report(content))
    assert page.picture("daily-1-axial") == page.picture("daily-2-axial")


def test_an_oblique_daily_image_is_shown_where_the_match_puts_it() -> None:
    table_from_lps = PatientPosition.HFS.table_top_from_lps()
    rotation = table_from_lps.T @ TableAngles(6.0, 3.0, -4.0).matrix() @ table_from_lps
    plan_from_daily = RigidTransform(PLAN, DAILY, rotation, SHIFT_MM)
    oblique = GRID.moved(plan_from_daily.inverse())
    image = daily_image(plan_from_daily, oblique, Modality.CT)
    page = page_of(daily_image=image, matches=(match_of("bone", plan_from_daily),))
    assert "+6.0 +3.0 -4.0".replace("-", "\u2212") in page.words
    assert page.picture("daily-1-coronal") != page.picture("daily-2-coronal")


def test_causes_of_a_call_are_told_apart_from_what_else_to_know() -> None:
    correction = correction_of(Action.CALL, reasons=("Regions disagree.",), remarks=("The pose is not known.",))
    words = page_of(correction=correction).words
    assert "Causes of the call Regions disagree. Worth knowing, but no cause of the decision The pose is not" in words
    assert "Causes of the call" not in page_of().words


def test_the_turn_in_all_is_not_taken_for_that_about_one_axis() -> None:
    words = page_of(correction=correction_of(setup_rotation=TableAngles(1.0, 2.0, 2.0))).words
    assert "6.7 mm in all, and turned by 3.0° in all" in words


def test_each_warning_is_said_once_and_before_the_decision(page: Page) -> None:
    warning, decision = "Contours of Cord reach beyond the CT.", "CORRECT Move the couch"
    assert page.words.count(warning) == 1
    assert page.words.index("Patient ID") < page.words.index(warning) < page.words.index(decision)
    assert page.words.index("31 CT slices of series 1.2.") < page.words.index(decision)


def test_without_a_warning_the_page_says_so() -> None:
    assert "No warnings." in page_of(warnings=()).words
    assert "No warnings." not in page_of().words


def test_many_warnings_stay_short_with_the_rest_folded() -> None:
    page = page_of(warnings=tuple(f"Warning {n}." for n in range(1, 9)))
    assert page.words.index("8 warnings Warning 1. Warning 2.") < page.words.index("CORRECT Move")
    assert "Warning 5. 3 more Warning 6. Warning 7. Warning 8." in page.words
    assert "more Warning" not in page_of(warnings=("Warning 1.",) * 5).words


def refused_page(**changes: Any) -> Page:
    """The page of a refused match on bone."""
    values: dict[str, Any] = {
        "matches": (match_of("bone", RigidTransform(PLAN, DAILY, np.eye(3), SHIFT_MM), Verdict.REFUSED),),
        "surrogate": Surrogate(Verdict.REFUSED, "bone", {"soft tissue": 16.7}, 5.0, ("They differ.",)),
        "correction": correction_of(Action.CALL, reasons=("The match on bone is refused. It is another patient.",)),
    }
    return page_of(**(values | changes))


def test_a_refused_match_is_refused_in_plain_words() -> None:
    words = refused_page().words
    assert "CALL Call a person. The match on bone is refused. Where the patient lies is not known" in words
    assert "Causes of the call The match on bone is refused. It is another patient." in words
    assert "Setup error not known Couch no move" in words


@pytest.mark.parametrize(
    "words", ["6.7 mm", "too far", "95 % bound", "What this move", "Command", "0.8", "16.7 mm", "After:"]
)
def test_a_refused_match_shows_no_result(words: str) -> None:
    assert words in page_of(surrogate=Surrogate(Verdict.LOOK, "bone", {"soft tissue": 16.7}, 5.0, ())).words
    assert words not in refused_page().words


def test_a_refused_match_draws_no_gauge_and_no_bar() -> None:
    assert any("gauge" in classes(attrs) for _, attrs in page_of().tags)
    assert not any(classes(attrs) & {"gauge", "meter", "fill", "trusted"} for _, attrs in refused_page().tags)


def test_raw_numbers_of_a_refused_match_are_folded_and_muted() -> None:
    page = refused_page()
    start = next(n for n, (tag, attrs) in enumerate(page.tags) if tag == "details" and "muted" in classes(attrs))
    assert "open" not in page.tags[start][1]
    assert all(n > start for n, (tag, _) in enumerate(page.tags) if tag == "table")
    assert page.words.index("For the search for the cause") < page.words.index("+6.0 0.0 ")
    assert "Refused: bone · not where the patient lies; for the search for the cause" in page.words


def test_a_refused_match_of_another_region_does_not_count() -> None:
    truth = RigidTransform(PLAN, DAILY, np.eye(3), SHIFT_MM)
    matches = (match_of("bone", truth), match_of("soft tissue", truth, Verdict.REFUSED))
    page = page_of(matches=matches, surrogate=Surrogate(Verdict.LOOK, "bone", {"soft tissue": 26.4}, 5.0, ()))
    assert "26.4" not in page.words
    assert "After: soft tissue" not in page.words
    assert any(tag == "tr" and "muted" in classes(attrs) for tag, attrs in page.tags)


def test_a_move_that_is_not_made_is_not_judged() -> None:
    judged = page_of(correction=correction_of(Action.CALL, is_recommended=True))
    withheld = page_of(correction=correction_of(Action.CALL))
    assert "What this move leaves" in judged.words
    assert "What this move would leave" in withheld.words
    assert "What the machine would show after this move" in withheld.words
    assert judged_bars(judged) - judged_bars(withheld) == len(correction_of().residuals)


def test_rivals_stand_beside_the_score_that_they_are_compared_with(page: Page) -> None:
    assert "28 mm toward the head 0.400 0.700 0.300" in page.words


def test_an_axis_that_is_not_commanded_shows_no_zero() -> None:
    told = CouchCommand(6.0, -3.0, 0.0, 0.0, None, None)
    words = page_of(correction=correction_of(couch=told, couch_exact=told, degrees_of_freedom=4)).words
    assert "Pitch – – not commanded" in words
    assert "Roll – – not commanded" in words
    assert "Yaw – – not commanded" not in words
    assert "not commanded" not in page_of().words


def test_a_protocol_without_a_rotation_limit_says_so() -> None:
    levels = content_of().protocol
    assert "rotation limit 3.0°" in page_of().words
    assert "no rotation limit" in page_of(protocol=replace(levels, rotation_limit_deg=None)).words


def test_why_another_match_needs_a_look_is_said() -> None:
    truth = RigidTransform(PLAN, DAILY, np.eye(3), SHIFT_MM)
    unsure = match_of("soft tissue", truth)
    unsure = replace(unsure, trust=replace(unsure.trust, verdict=Verdict.LOOK, reasons=("It bent.", "It is small.")))
    words = page_of(matches=(match_of("bone", truth), unsure)).words
    assert "Match on soft tissue, look: It bent. It is small." in words


def test_all_matches_are_shown_where_regions_disagree() -> None:
    away = RigidTransform(PLAN, DAILY, np.eye(3), np.zeros(3))
    bone = match_of("bone", RigidTransform(PLAN, DAILY, np.eye(3), SHIFT_MM))
    surrogate = Surrogate(Verdict.REFUSED, "bone", {"soft tissue": 16.7}, 5.0, ("They differ by 16.7 mm.",))
    correction = correction_of(Action.CALL, reasons=("Regions disagree.",))
    page = page_of(matches=(match_of("soft tissue", away), bone), surrogate=surrogate, correction=correction)
    assert "Axial overlay, After: soft tissue" in page.labels()
    assert "puts the target 16.7 mm elsewhere" in page.words
    assert "CALL Call a person. No couch move is recommended." in page.words
    assert "Not a recommendation" in page.words


@pytest.mark.parametrize(
    ("action", "is_recommended", "headline"),
    [
        (Action.LEAVE, False, "Leave the couch where it is."),
        (Action.CORRECT, True, "Move the couch by the command below, then verify with a second image."),
        (Action.CORRECT, False, "A correction is due, but the numbers below are no couch move."),
        (Action.CALL, True, "Call a person, who decides about the couch move below."),
    ],
)
def test_a_decision_is_a_word_and_a_sentence(action: Action, is_recommended: bool, headline: str) -> None:
    page = page_of(correction=correction_of(action, is_recommended=is_recommended))
    assert f"{action.upper()} {headline}" in page.words
    withheld = [attrs for tag, attrs in page.tags if tag == "section" and "withheld" in (attrs.get("class") or "")]
    assert len(withheld) == (action is Action.LEAVE or not is_recommended)


def test_a_hostile_name_stays_a_name() -> None:
    content = content_of(
        plan=plan_of(HOSTILE, HOSTILE),
        structures=structure_set(HOSTILE),
        target=Target(HOSTILE, HOSTILE, np.zeros((1, 3))),
        read=(HOSTILE,),
        warnings=(HOSTILE,),
        alignment_rule=HOSTILE,
        matches=(match_of(HOSTILE, content_of().match.plan_from_daily),),
        region=HOSTILE,
        surrogate=Surrogate(Verdict.LOOK, HOSTILE, {HOSTILE: 9.0}, 5.0, (HOSTILE,)),
        correction=correction_of(reasons=(HOSTILE,), limits_exceeded=(HOSTILE,), native_couch={HOSTILE: HOSTILE}),
    )
    hostile = Provenance(patient_id=HOSTILE, patient_name=HOSTILE, manufacturer=HOSTILE, station_name=HOSTILE)
    content = replace(
        content,
        planning_image=replace(content.planning_image, provenance=hostile),
        daily_image=replace(content.daily_image, provenance=hostile),
    )
    page = Page(render_guidance_report(content))
    assert not any(tag == "script" or "onload" in attrs for tag, attrs in page.tags)
    assert page.words.count("<script>alert('x')</script>") > 15


def test_characters_that_hide_or_turn_text_are_replaced() -> None:
    text = render_guidance_report(content_of(plan=plan_of("A\u202eB\x00C\u200bD")))
    assert "A\ufffdB\ufffdC\ufffdD" in text


def test_without_plan_structures_and_isocenter_the_target_is_the_center() -> None:
    page = page_of(plan=None, structures=None, plan_isocenter_mm=None, daily_isocenter_mm=None)
    assert "No plan was read" in page.words
    assert "Images through the center of the target" in page.words
    assert "as the files are aligned" in page.words
    assert "No structure meets these planes." in page.words


def test_isocenters_apart_are_laid_on_each_other_before() -> None:
    page = page_of(daily_isocenter_mm=ISOCENTER_MM - SHIFT_MM)
    assert "daily isocenter on plan isocenter" in page.words
    assert page.picture("daily-1-axial") == page.picture("daily-2-axial")


def test_a_dose_is_named_by_its_largest_value() -> None:
    dose = DoseGrid(np.full(GRID.shape, 2.5), GRID, summation="PLAN")
    assert "largest 2.5 Gy plan" in page_of(dose=dose).words


def test_differences_between_ct_and_mr_are_not_shown() -> None:
    grid = Grid(DAILY, GRID.origin_mm, GRID.spacing_mm, np.eye(3), GRID.size)
    page = page_of(daily_image=daily_image(RigidTransform.identity(PLAN, DAILY), grid, Modality.MR))
    assert not any("difference" in label for label in page.labels())
    assert "have no meaning and are not shown" in page.words


def test_an_old_image_and_an_unapproved_plan_are_flagged() -> None:
    page = page_of(image_age_s=90_000.0, plan=plan_of(approval="UNAPPROVED"))
    assert "1 d 1 h Older than 30 min" in page.words
    assert "Unapproved" in page.words


def test_an_image_that_saw_nothing_is_still_reported() -> None:
    content = content_of()
    blind = replace(content.daily_image, voxels=np.full(GRID.shape, np.nan))
    assert "Axial contours, Before" in Page(render_guidance_report(replace(content, daily_image=blind))).labels()


def test_outlines_beyond_the_readable_number_are_named() -> None:
    target = structure_set().structures[0]
    many = [Structure(n, f"S{n}", StructureRole.OTHER, target.contours) for n in range(2, 16)]
    page = page_of(structures=StructureSet("1", "many", PLAN, (*many, target)))
    assert "PTV (target)" in page.words
    assert "Not drawn, to keep the pictures readable: S13, S14, S15." in page.words


def test_a_region_that_was_not_matched_is_refused() -> None:
    with pytest.raises(InconsistentInput, match="choose one of them"):
        content_of(region="lung")


def test_a_match_of_other_images_is_refused() -> None:
    other = RigidTransform.identity(PLAN, Frame.daily("9.9"))
    with pytest.raises(FrameMismatch):
        content_of(matches=(match_of("bone", other),))


def test_the_page_is_small(html: str) -> None:
    assert len(html) < 1_500_000
    assert isinstance(content_of(), GuidanceReportContent)
