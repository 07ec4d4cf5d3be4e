"""The setup error in words."""

import pytest

from openigrt.geometry import PatientPosition, TableAngles
from openigrt.guidance import setup_error_in_words

STRAIGHT = TableAngles(0.0, 0.0, 0.0)
HFS, HFP, HFDL = PatientPosition.HFS, PatientPosition.HFP, PatientPosition.HFDL


@pytest.mark.parametrize(
    ("error", "position", "words"),
    [
        ((0.04, -0.04, 0.0), HFS, "The patient is in place."),
        ((4.0, 0.0, 0.0), HFS, "The patient is 4.0 mm too far left; not turned."),
        ((-1.26, 0.0, 0.0), HFS, "The patient is 1.3 mm too far right; not turned."),
        ((0.0, 0.3, 0.0), HFS, "The patient is 0.3 mm too far posterior (too low); not turned."),
        ((0.0, 0.3, 0.0), HFP, "The patient is 0.3 mm too far posterior (too high); not turned."),
        (
            (2.0, -1.0, 0.0),
            HFDL,
            "The patient is 2.0 mm too far left (too low) and 1.0 mm too far anterior; not turned.",
        ),
        ((0.0, 0.0, -2.1), HFS, "The patient is 2.1 mm too far toward the feet; not turned."),
        (
            (4.0, 0.3, 2.1),
            HFS,
            "The patient is 4.0 mm too far left, 2.1 mm too far toward the head and 0.3 mm too far posterior "
            "(too low); not turned.",
        ),
    ],
)
def test_where_the_patient_is(error, position, words):
    assert setup_error_in_words(error, STRAIGHT, position) == words


@pytest.mark.parametrize(
    ("angles", "words"),
    [
        ((1.2, 0.0, 0.0), "turned 1.2° counter-clockwise seen from above (yaw)."),
        ((-1.2, 0.0, 0.04), "turned 1.2° clockwise seen from above (yaw)."),
        (
            (0.0, 0.5, -0.7),
            "turned 0.5° with the gantry end up (pitch) and 0.7° counter-clockwise seen from the foot of the couch "
            "(roll).",
        ),
    ],
)
def test_how_the_patient_is_turned(angles, words):
    assert setup_error_in_words((0.0, 0.0, 0.0), TableAngles(*angles), HFS) == f"The patient is in place but {words}"


def test_turns_are_named_as_the_eye_sees_them():
    """Where the right side of the couch, the gantry end and the top go, by the definitions of IEC 61217."""
    yaw, pitch, roll = (TableAngles(*a).matrix() for a in ((5, 0, 0), (0, 5, 0), (0, 0, 5)))
    right, toward_gantry = (1.0, 0.0, 0.0), (0.0, 1.0, 0.0)
    assert (yaw @ right)[1] > 0.0, "seen from above, the right end goes toward the gantry: counter-clockwise"
    assert (pitch @ toward_gantry)[2] > 0.0, "the gantry end goes up"
    assert (roll @ right)[2] < 0.0, "seen from the foot, the right side goes down: clockwise"


def test_place_and_turn_in_one_sentence():
    words = setup_error_in_words((4.0, 0.0, 0.0), TableAngles(-1.0, 0.0, 0.0), HFS)
    assert words == "The patient is 4.0 mm too far left; turned 1.0° clockwise seen from above (yaw)."
