"""Images after a correction: within the tolerance or not, grown or not, and what went wrong on which axis."""

import pytest

from openigrt.guidance import SetupError, judge_verification


def error(lateral=0.0, longitudinal=0.0, vertical=0.0, yaw=0.0, pitch=0.0, roll=0.0):
    return SetupError(lateral, longitudinal, vertical, yaw, pitch, roll)


def judged(before, after, tolerance_mm=3.0):
    return judge_verification(before, after, after.length_mm, tolerance_mm)


def test_a_good_correction():
    found = judged(error(5.0, -4.0, 3.0, 1.5), error(0.3, -0.4, 0.2, 0.1))
    assert (found.is_within, found.grew, found.causes) == (True, (), ())


@pytest.mark.parametrize(
    ("left", "words"),
    [(8.2, "a sign error"), (4.3, "no correction was made"), (-3.8, "made twice")],
)
def test_what_is_left_tells_what_went_wrong(left, words):
    found = judged(error(longitudinal=4.0), error(longitudinal=left))
    assert not found.is_within
    (cause,) = found.causes
    assert cause.startswith("longitudinal: +4.0 mm before")
    assert words in cause


def test_a_sign_error_on_one_axis_is_found_though_the_whole_shrank():
    """9 mm before, 6.1 mm after: only the vertical axis went the wrong way."""
    found = judged(error(8.5, 0.0, 3.0), error(0.4, 0.0, 6.1))
    assert found.grew == ("vertical",)
    (cause,) = found.causes
    assert cause.startswith("vertical")
    assert "sign error" in cause


def test_growth_is_told_within_the_tolerance_as_well():
    found = judged(error(1.1), error(2.3))
    assert found.is_within
    assert found.grew == ("lateral",)
    assert "sign error" in found.causes[0]


def test_a_turn_in_the_wrong_direction():
    found = judged(error(roll=-1.4), error(roll=-2.9))
    assert found.grew == ("roll",)
    assert found.causes == (
        "roll: -1.4° before, -2.9° after, twice the first error: moved by as much in the wrong direction "
        "(a sign error).",
    )


def test_what_needed_no_correction_is_no_fault():
    found = judged(error(0.8, -0.5), error(0.9, -0.6))
    assert (found.is_within, found.grew, found.causes) == (True, (), ())


def test_a_residual_without_a_pattern_has_no_cause():
    found = judged(error(0.1), error(5.0))
    assert (found.is_within, found.grew, found.causes) == (False, ("lateral",), ())


def test_noise_is_no_growth():
    assert judged(error(0.0), error(0.9)).grew == ()
    assert judged(error(0.0), error(1.1)).grew == ("lateral",)
