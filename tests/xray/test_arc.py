"""Where the projections of a scan stand: angles that are one place, also where a turn begins anew."""

import numpy as np
import pytest

from openigrt.xray import ArcKind, arc_of
from tests.xray.phantoms import placement, scan

HELD = placement((4, 3), (8.0, 8.0))


@pytest.mark.parametrize("start_deg", [0.0, 90.0, 359.997, 0.005])
def test_angles_taken_twice_are_one_place_wherever_the_turn_begins(start_deg):
    """0.004 degrees beside one another, as two read-outs of one place are; across 360 as everywhere else."""
    first = start_deg + np.arange(0.0, 360.0, 4.0)
    arc = arc_of(scan(np.concatenate([first, first[:1] - 0.004, first[:1] + 0.004]), HELD))
    assert arc.kind is ArcKind.FULL
    assert arc.warnings == ("1 gantry angles were taken more than once; their projections are averaged.",)
    assert arc.steps_deg[[0, -2, -1]] == pytest.approx(4.0 / 3.0, abs=0.01)
    assert arc.steps_deg.sum() == pytest.approx(360.0)
    assert (arc.from_start_deg >= 0.0).all()
    assert (arc.from_start_deg < 360.0).all()


def test_a_short_arc_across_zero_with_its_angles_taken_twice():
    angles = np.concatenate([np.arange(-110.0, 111.0, 2.0), [0.003, -0.003]]) % 360.0
    arc = arc_of(scan(angles, HELD))
    assert (arc.kind, arc.start_deg, arc.range_deg) == (ArcKind.SHORT, pytest.approx(250.0), pytest.approx(220.0))
    assert arc.from_start_deg[-2:] == pytest.approx(110.0, abs=0.01)
    assert arc.steps_deg.sum() == pytest.approx(220.0)
