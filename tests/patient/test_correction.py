"""What a couch is told of a change: numbers for the axes that it has, and no zero for the others."""

from dataclasses import astuple

import pytest

from openigrt.geometry import DegreesOfFreedom
from openigrt.patient import CouchCommand, CouchMove

MOVE = CouchMove(1.0, -2.0, 0.0, 0.5, 0.0, -0.1)


@pytest.mark.parametrize(
    ("degrees", "told"),
    [
        (3, (1.0, -2.0, 0.0, None, None, None)),
        (4, (1.0, -2.0, 0.0, 0.5, None, None)),
        (5, (1.0, -2.0, 0.0, 0.5, 0.0, None)),
        (6, (1.0, -2.0, 0.0, 0.5, 0.0, -0.1)),
    ],
)
def test_an_axis_that_is_not_commanded_is_none_and_one_that_stays_is_zero(degrees, told):
    command = MOVE.command(DegreesOfFreedom(degrees))
    assert isinstance(command, CouchCommand)
    assert astuple(command) == told


def test_a_command_has_the_axes_of_a_move():
    assert CouchCommand.__slots__ == CouchMove.__slots__
