"""What a person gives by hand: one clear sentence for what cannot be."""

import numpy as np
import pytest

from openigrt.errors import InputError
from openigrt.tasks.isocenters import point_mm


def test_a_point_is_three_numbers():
    assert point_mm((1, -2.5, 3), "--isocenter") == pytest.approx([1.0, -2.5, 3.0])


@pytest.mark.parametrize("values", ["a", (1, 2), (1, 2, np.nan), (1, 2, 1e30), None, ["x", "y", "z"]])
def test_what_is_no_point_gets_a_sentence(values):
    with pytest.raises(InputError, match=r"^--isocenter is .*; expected three coordinates X,Y,Z in LPS mm.*\.$"):
        point_mm(values, "--isocenter")
