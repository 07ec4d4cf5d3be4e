"""What a machine file may say of lag, scatter, bow-tie and filters of its imager, and what is refused."""

import pytest

from openigrt.errors import InputError
from openigrt.files import builtin_machine
from openigrt.machine import BowTieFilter, PanelLag, ScatterFit, parse_machine
from tests.machine.test_imager import SMALLEST

WHOLE = """
[imager.lag]
shares = [0.03, 0.01]
frames = [2, 60.0]
[imager.scatter]
amplitude = 0.12
narrow_mm = 40
wide_mm = 240.0
wide_share = 0.8
[imager.bow_tie]
material = "aluminum"
fan_angles_deg = [-14.0, 0.0, 14.0]
thicknesses_mm = [25, 1.5, 25]
[imager.filters_mm]
aluminum = 2.7
titanium = 0.89
"""


def test_corrections_of_an_imager():
    imager = parse_machine(SMALLEST + WHOLE).imager
    assert imager.lag == PanelLag((0.03, 0.01), (2.0, 60.0))
    assert imager.scatter == ScatterFit(0.12, 40.0, 240.0, 0.8)
    assert imager.bow_tie == BowTieFilter("aluminum", (-14.0, 0.0, 14.0), (25.0, 1.5, 25.0))
    assert imager.filters_mm == {"aluminum": 2.7, "titanium": 0.89}
    assert imager.has_corrections


@pytest.mark.parametrize("name", ["iec61217", "varian_iec", "varian_standard", "elekta_iec"])
def test_none_is_invented_for_the_built_in_machines(name):
    imager = builtin_machine(name).imager
    assert imager is None or not imager.has_corrections


@pytest.mark.parametrize(
    ("was", "becomes", "said"),
    [
        ("[2, 60.0]", "[2]", "must be equally many"),
        ("[0.03, 0.01]", "[0.4, 0.2]", "below 0.5 in all"),
        ("[0.03, 0.01]", "[0.03, -0.01]", "shares must be a list of 1 to 1000 numbers from 0 to 0.5"),
        ("[0.03, 0.01]", "[]", "shares must be a list"),
        ("[0.03, 0.01]", '["a", true]', "shares must be a list"),
        ("frames = [2, 60.0]", "frames = [2, inf]", "frames must be a list"),
        ("wide_share = 0.8", "wide_share = 1.5", "wide_share = 1.5 must be from 0 to 1"),
        ("narrow_mm = 40", "narrow_mm = 400", "narrow_mm = 400"),
        ("amplitude = 0.12", "amplitude = -1", "amplitude = -1.0 must be above zero"),
        ("amplitude = 0.12", "", "lacks 'amplitude'"),
        ("[-14.0, 0.0, 14.0]", "[-14.0, 14.0, 0.0]", "must rise"),
        ("[25, 1.5, 25]", "[25, 1.5]", "found 3 and 2"),
        ("[25, 1.5, 25]", "[25, 1.5, 900]", "numbers from 0 to 80"),
        ("titanium = 0.89", "titanium = 0.0", "titanium = 0.0 must be above zero"),
        ("wide_share = 0.8", "wide_share = 0.8\nwidth = 3", "'width'"),
    ],
)
def test_what_cannot_be_is_refused_with_its_place(was, becomes, said):
    assert was in WHOLE
    with pytest.raises(InputError) as error:
        parse_machine(SMALLEST + WHOLE.replace(was, becomes))
    assert said in error.value.sentence
