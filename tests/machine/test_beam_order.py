"""What a beam can be ordered to deliver, and what is left of it."""

import pytest

from openigrt.errors import InconsistentInput
from openigrt.machine import BeamOrder, BeamPoint

ARC = BeamOrder((BeamPoint(0.0, -100.0), BeamPoint(50.0, 0.0, 10.0), BeamPoint(100.0, 100.0, 30.0)), 300.0)


def test_between_points_everything_is_linear_in_monitor_units():
    assert ARC.at(25.0) == BeamPoint(25.0, -50.0, 5.0)
    assert ARC.at(75.0) == BeamPoint(75.0, 50.0, 20.0)
    assert ARC.at(-1.0) == ARC.points[0]
    assert ARC.at(101.0) == ARC.points[-1]


NOT_DELIVERABLE = {
    "one point": (BeamPoint(0.0, 0.0),),
    "falls": (BeamPoint(0.0, 0.0), BeamPoint(10.0, 0.0), BeamPoint(5.0, 0.0)),
    "no dose": (BeamPoint(0.0, 0.0), BeamPoint(0.0, 90.0)),
    "begins late": (BeamPoint(5.0, 0.0), BeamPoint(10.0, 0.0)),
    "no number": (BeamPoint(0.0, 0.0), BeamPoint(10.0, float("nan"))),
    "endless": (BeamPoint(0.0, 0.0), BeamPoint(float("inf"), 0.0)),
    "none": (),
}


@pytest.mark.parametrize("points", NOT_DELIVERABLE.values(), ids=NOT_DELIVERABLE)
def test_what_cannot_be_delivered_is_no_order(points: tuple[BeamPoint, ...]):
    with pytest.raises(InconsistentInput, match="beam"):
        BeamOrder(points)


@pytest.mark.parametrize("rate", [0.0, -10.0, float("nan")])
def test_a_dose_rate_is_above_zero(rate: float):
    with pytest.raises(InconsistentInput, match="dose rate"):
        BeamOrder(ARC.points, rate)


def test_what_is_left_of_an_arc_begins_where_it_was_interrupted():
    left = ARC.after(60.0)
    assert left.points == (BeamPoint(0.0, 20.0, 14.0), BeamPoint(40.0, 100.0, 30.0))
    assert left.dose_rate_mu_per_min == 300.0
    assert ARC.after(0.0) == ARC
    for nothing_left_mu in (100.0, 120.0, -1.0):
        with pytest.raises(InconsistentInput, match="nothing is left"):
            ARC.after(nothing_left_mu)
