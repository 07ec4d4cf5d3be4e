"""Weights of rays that a scan measures twice, against the geometry of the two rays themselves."""

from dataclasses import replace

import numpy as np
import pytest

from openigrt.xray import Arc, ArcKind, Fan
from openigrt.xray.redundancy import ray_weights
from tests.xray.phantoms import placement, scan

COLUMNS = 480
WIDE = placement((COLUMNS, 3), (0.5, 2.0))
ASIDE = replace(WIDE, offset_mm=(60.0, 0.0))
START_DEG = 40.0


def weight(angle_deg, column, held, range_deg, fan):
    """What the ray of a gantry angle counts on a continuous column; nothing where the scan does not measure it."""
    from_start_deg = np.mod(angle_deg - START_DEG, 360.0)
    if from_start_deg > range_deg or not 0.0 <= column <= COLUMNS - 1:
        return 0.0
    kind = ArcKind.FULL if range_deg == 360.0 else ArcKind.SHORT
    arc = Arc(kind, START_DEG, range_deg, np.array([from_start_deg]), np.ones(1))
    return float(np.interp(column, np.arange(COLUMNS), ray_weights(scan([angle_deg], held), arc, fan)[0]))


@pytest.mark.parametrize(
    ("held", "range_deg", "fan"),
    [
        (WIDE, 200.0, Fan.FULL),
        (replace(WIDE, in_plane_angle_deg=180.0), 200.0, Fan.FULL),
        (replace(WIDE, offset_mm=(4.0, 0.0)), 210.0, Fan.FULL),
        (WIDE, 310.0, Fan.FULL),
        (WIDE, 360.0, Fan.FULL),
        (ASIDE, 360.0, Fan.HALF),
        (replace(ASIDE, offset_mm=(-60.0, 0.0)), 360.0, Fan.HALF),
        (replace(ASIDE, in_plane_angle_deg=180.0), 360.0, Fan.HALF),
    ],
    ids=["short", "upside down", "aside", "long", "full", "half fan", "half fan, left", "half fan, upside down"],
)
def test_both_measurements_of_a_line_add_up_to_one(held, range_deg, fan):
    """A line leaves the circle of the sources at a second place: from there the first source falls on its column."""
    draw = np.random.default_rng(2)
    for from_start_deg, column in zip(
        draw.uniform(0.0, range_deg, 200), draw.uniform(0, COLUMNS - 1, 200), strict=True
    ):
        angle_deg = START_DEG + from_start_deg
        here = scan([angle_deg], held)[0]
        ahead = here.points((column, 1.0)) - here.source_mm
        there = here.source_mm - ahead * (2.0 * (here.source_mm @ ahead) / (ahead @ ahead))
        other_deg = np.rad2deg(np.arctan2(there[0], there[2]))
        other_column = scan([other_deg], held)[0].pixels(here.source_mm)[0]
        if fan is Fan.FULL and not 0.0 <= other_column <= COLUMNS - 1:
            continue  # beyond the shorter side of a detector somewhat aside: nothing may stand there
        one = weight(angle_deg, column, held, range_deg, fan)
        other = weight(other_deg, other_column, held, range_deg, fan)
        assert one + other == pytest.approx(1.0, abs=1e-3)
