"""Images of a course: order, sessions, roles, and what is told about times; means against numpy."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from openigrt.guidance import (
    AXES,
    Agreement,
    Found,
    ImageReview,
    OtherView,
    Role,
    SetupError,
    beyond_level,
    course_images,
    order_notes,
    setup_errors,
    setup_errors_of_others,
    statistics_of,
)
from openigrt.patient import Action, Verdict

START = datetime(2025, 2, 3, 10, 0, tzinfo=UTC)


def found(lateral=0.0, verdict=Verdict.TRUSTED):
    error = None if verdict is Verdict.REFUSED else SetupError(lateral, 0.0, 0.0, 0.0, 0.0, 0.0)
    return Found(
        region="bone",
        metric="local correlation",
        verdict=verdict,
        predicted_error_mm=0.4,
        trust_reasons=("Because.",),
        score=0.9,
        overlap=1.0,
        plan_from_daily=tuple(map(tuple, np.eye(4).tolist())),
        surrogate=Verdict.TRUSTED,
        surrogate_reasons=(),
        differences_mm={},
        action=Action.LEAVE,
        reasons=(),
        questions=(),
        warnings=(),
        isocenter_rule="as given",
        gives_couch_move=True,
        setup_error=error,
        off_target_mm=None if error is None else abs(lateral),
    )


def image(uid, hours, lateral=0.0, **changes):
    at = None if hours is None else START + timedelta(hours=hours)
    review = ImageReview(uid, "1", "2", "CBCT", "CBCT", at, found=found(lateral))
    return replace(review, **changes)


def placed(*reviews, tolerance_mm=3.0):
    return [(i.review.series_uid, i.session, i.role) for i in course_images(reviews, tolerance_mm)]


def test_sessions_are_minutes_long_and_fractions_hours_apart():
    order = placed(image("c", 24.2), image("a", 0.0), image("d", 31.0), image("b", 24.0), image("e", 31.1))
    assert order == [
        ("a", 1, Role.SETUP),
        ("b", 2, Role.SETUP),
        ("c", 2, Role.VERIFICATION),
        ("d", 3, Role.SETUP),
        ("e", 3, Role.VERIFICATION),
    ]


def test_midnight_does_not_end_a_session():
    assert [session for _, session, _ in placed(image("a", 13.9), image("b", 14.1))] == [1, 1]


def test_two_fractions_on_one_day_are_told():
    images = course_images([image("a", 0.0), image("b", 6.0)], 3.0)
    assert [i.session for i in images] == [1, 2]
    assert order_notes(images) == ("Sessions 1 and 2 are of one day (UTC), more than 4 hours apart.",)


def test_unknown_times_come_last_and_are_in_no_mean():
    images = course_images([image("a", None, 90.0), image("b", 0.0, 2.0)], 3.0)
    assert [(i.review.series_uid, i.session, i.role) for i in images] == [
        ("b", 1, Role.SETUP),
        ("a", None, Role.UNCLEAR),
    ]
    assert [error.lateral_mm for error in setup_errors(images)] == [2.0]
    assert order_notes(images) == (
        "Image 2 does not say when it was acquired: it is listed last and is of no session.",
    )


def test_equal_times_are_told_and_stand_by_their_uids():
    images = course_images([image("b", 0.0), image("a", 0.0)], 3.0)
    assert [i.review.series_uid for i in images] == ["a", "b"]
    (note,) = order_notes(images)
    assert note.startswith("Images 1 and 2 say the same time of acquisition")


def test_what_follows_an_image_without_a_match_is_unclear():
    failed = image("a", 0.0, found=None, problem="It is truncated.")
    images = course_images([failed, image("b", 0.1, 2.0), image("c", 0.2, 2.1), image("d", 24.0, 1.0)], 3.0)
    assert [i.role for i in images] == [Role.SETUP, Role.UNCLEAR, Role.UNCLEAR, Role.SETUP]
    assert images[1].verification is None
    assert images[2].verification is not None
    assert [error.lateral_mm for error in setup_errors(images)] == [1.0]


def test_a_refused_match_is_no_first_error():
    images = course_images([image("a", 0.0, found=found(verdict=Verdict.REFUSED)), image("b", 0.1, 2.0)], 3.0)
    assert images[1].role is Role.UNCLEAR
    assert images[1].verification is None
    assert "not trusted (refused). Because." in images[0].attention[0]


def test_a_match_that_needs_a_look_is_in_no_mean_and_asks_for_a_person():
    images = course_images([image("a", 0.0, found=found(9.0, Verdict.LOOK))], 3.0)
    assert setup_errors(images) == []
    assert images[0].attention


def test_a_third_image_is_compared_with_the_second():
    images = course_images([image("a", 0.0, 8.0), image("b", 0.1, 4.0), image("c", 0.2, 8.2)], 3.0)
    assert images[2].after == 2
    assert images[2].verification.grew == ("lateral",)


def test_a_region_that_lies_nearer_to_the_other_match_is_named():
    other = OtherView(
        "1", "final", "V", START, True, "", Agreement.DIFFERS, None, (0.0, 0.0, 6.0), 6.0, 0.1, 90.0, {"soft": 0.8}
    )
    (placed_image,) = course_images([image("a", 0.0, others=(other,))], 3.0)
    assert "Our match on soft is 0.8 mm from it" in placed_image.attention[0]


def test_one_that_is_written_the_wrong_way_round_is_in_no_mean():
    error = SetupError(1.0, 2.0, 3.0, 0.0, 0.0, 0.0)
    rows = [
        image(
            str(n),
            24.0 * n,
            others=(
                OtherView(
                    "1",
                    "r",
                    "V",
                    START,
                    True,
                    agreement=agreement,
                    setup_error=error,
                    largest_mm=9.0,
                    rotation_deg=0.0,
                    exchanged_mm=0.0,
                ),
            ),
        )
        for n, agreement in enumerate((Agreement.AGREES, Agreement.EXCHANGED, Agreement.DIFFERS))
    ]
    assert len(setup_errors_of_others(course_images(rows, 3.0))) == 2


@pytest.mark.parametrize("count", [0, 1, 2, 7])
def test_means_and_deviations(count):
    rows = np.random.default_rng(count).normal(size=(count, 6))
    found = statistics_of([SetupError(*map(float, row)) for row in rows])
    for n, axis in enumerate(AXES):
        assert found[axis].count == count
        assert (found[axis].mean is None) == (count == 0)
        assert (found[axis].deviation is None) == (count < 2)
        if count > 1:
            assert found[axis].mean == pytest.approx(rows[:, n].mean())
            assert found[axis].deviation == pytest.approx(rows[:, n].std(ddof=1))


def test_a_copy_is_told_counts_once_and_is_of_no_session():
    """Six exports of one image, with dates of their own: one setup error, not six that agree."""
    exports = [image(f"1.{n}", 24.0 * n, 2.0, voxels_sha256="ab") for n in range(6)]
    first, *copies = course_images(exports, 3.0)
    assert (first.role, first.copy_of, first.attention) == (Role.SETUP, None, ())
    assert [(i.role, i.session, i.copy_of) for i in copies] == [(Role.COPY, None, 1)] * 5
    assert copies[1].attention[0].startswith("Image 3 has the very pixels of image 1: a copy or another export")
    lateral = statistics_of(setup_errors([first, *copies]))["lateral_mm"]
    assert (lateral.mean, lateral.deviation, lateral.count) == (2.0, None, 1)


def test_a_copy_verifies_nothing_and_stands_between_no_images():
    """Exported again within the session: what follows is compared with the image, not with its copy."""
    setup, copy = image("a", 0.0, 4.0, voxels_sha256="ab"), image("b", 0.1, 4.0, voxels_sha256="ab")
    after, unknown = image("c", 0.2, 0.5, voxels_sha256="cd"), image("d", None, voxels_sha256="cd")
    images = course_images([setup, copy, after, unknown], 3.0)
    assert [i.role for i in images] == [Role.SETUP, Role.COPY, Role.VERIFICATION, Role.COPY]
    assert images[1].verification is None
    assert (images[2].after, images[2].verification.is_within) == (1, True)
    assert images[3].copy_of == 3


def test_images_of_which_the_voxels_are_not_known_are_no_copies():
    assert [i.copy_of for i in course_images([image("a", 0.0), image("b", 24.0)], 3.0)] == [None, None]


def test_setups_above_the_action_level_are_counted_once_whatever_the_axis():
    """Of setups that are trusted; a level is met only above it, as `guide` decides."""
    shifts = SetupError(0.0, -6.4, 4.0, 0.0, 0.0, 0.0), SetupError(3.0, 0.0, 0.0, 9.0, 0.0, 0.0)
    setups = [image(f"1.{n}", 24.0 * n, found=replace(found(), setup_error=e)) for n, e in enumerate(shifts)]
    doubted = image("2", 96.0, found=found(8.0, Verdict.LOOK))
    assert beyond_level(course_images([*setups, doubted], 3.0), 3.0) == 1
