"""Numbers that a person types."""

import math

import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st

from openigrt.cli import words

finite = st.floats(allow_nan=False, allow_infinity=False)


@given(st.tuples(finite, finite, finite))
def test_a_point_comes_through(values):
    assert words.point(",".join(map(repr, values)), "--isocenter") == values


@given(st.sampled_from([3, 4, 6]).flatmap(lambda count: st.tuples(*[finite] * count)))
def test_a_couch_pose_comes_through(values):
    assert words.couch_pose(", ".join(map(repr, values))) == values


def test_nothing_said_is_nothing():
    assert words.point(None, "--isocenter") is words.couch_pose(None) is None


@given(st.text(alphabet="0123456789.,-+eEnaif x"))
def test_whatever_is_typed_is_finite_numbers_or_wrong_usage(text):
    try:
        values = words.point(text, "--isocenter")
    except typer.BadParameter:
        return
    assert len(values) == 3
    assert all(math.isfinite(value) for value in values)


@pytest.mark.parametrize("text", ["", "1", "1,2", "1,2,3,4,5", "1,2,3,4,5,6,7"])
def test_counts_of_a_couch_pose(text):
    with pytest.raises(typer.BadParameter, match="expected 3 or 4 or 6 numbers"):
        words.couch_pose(text)
