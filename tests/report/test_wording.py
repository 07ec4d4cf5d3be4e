from datetime import UTC, datetime

import numpy as np
import pytest

from openigrt.geometry import PatientPosition
from openigrt.report.wording import (
    MINUS,
    command,
    couch_direction,
    duration,
    moment,
    person_name,
    plain,
    point,
    position_words,
    signed,
)


@pytest.mark.parametrize(
    ("value", "said"),
    [(1.25, "+1.2"), (-16.5, f"{MINUS}16.5"), (-0.04, "0.0"), (0.0, "0.0"), (np.nan, "–"), (np.inf, "–")],
)
def test_signed(value: float, said: str) -> None:
    assert signed(value) == said


@pytest.mark.parametrize(("value", "said"), [(1.8, "+1.8"), (-1.75, f"{MINUS}1.75"), (0.0, "0.0"), (2.0, "+2.0")])
def test_a_command_keeps_what_a_fine_machine_needs(value: float, said: str) -> None:
    assert command(value) == said


def test_plain_and_point() -> None:
    assert plain(None) == plain(np.inf) == "–"
    assert plain(-2.0, 0) == f"{MINUS}2"
    assert point(np.array([1.0, -2.5, 0.0])) == f"1.0, {MINUS}2.5, 0.0 mm"


@pytest.mark.parametrize(
    ("axis", "value", "said"),
    [
        ("lateral", 1.0, "right, seen from the couch foot"),
        ("longitudinal", -1.0, "toward the couch's foot end"),
        ("vertical", -0.5, "down"),
        ("yaw", 0.5, "counter-clockwise from above"),
        ("pitch", 0.5, "gantry end up"),
        ("roll", 0.5, "right side down, seen from the couch foot"),
        ("roll", 0.001, ""),
    ],
)
def test_couch_directions_follow_iec_61217(axis: str, value: float, said: str) -> None:
    assert couch_direction(axis, value) == said


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(None, "unknown"), (660.0, "11 min"), (12000.0, "3 h 20 min"), (90_000.0, "1 d 1 h"), (8.64e6, "100 days")],
)
def test_durations(seconds: float | None, said: str) -> None:
    assert duration(seconds) == said


def test_names_moments_and_positions() -> None:
    assert person_name("Doe^Jane^Mary^Dr^") == "Doe, Jane Mary Dr"
    assert person_name("Yamada^Tarou=\u5c71\u7530^\u592a\u90ce") == "Yamada, Tarou"
    assert person_name("") == ""
    assert moment(None) == "not stated"
    assert moment(datetime(2026, 1, 2, 3, 4, 5, 600_000, tzinfo=UTC)) == "2026-01-02 03:04:05+00:00"
    assert [position_words(p) for p in (PatientPosition.HFS, PatientPosition.FFDR)] == [
        "HFS (head first, supine)",
        "FFDR (feet first, right side down)",
    ]
