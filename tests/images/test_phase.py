"""Phases: what descriptions of real scanners name, and what a person may call them."""

import pytest

from openigrt.errors import InputError
from openigrt.images import Phase


@pytest.mark.parametrize(
    ("words", "name"),
    [
        ("CT 0% Ex", "0%"),
        ("CT 50% In", "50%"),
        ("Gated, 30.0%", "30%"),
        ("T=50", "50%"),
        ("4D Thorax T = 90", "90%"),
        ("RESP 12,5 %", "12.5%"),
        ("P4^P117^S300^I00003 100.0%A", "100%"),
        ("AVE-IP", "average"),
        ("Average CT", "average"),
        ("4D AIP", "average"),
        ("MIP", "maximum"),
        ("MaxIP", "maximum"),
        ("MinIP", "minimum"),
        ("Min-IP 4D", "minimum"),
        ("THORAX ASiR-V 50%", None),
        ("iDose 4 40%", None),
        ("ASiR 50% T=30", "30%"),
        ("MR T2 tse tra", None),
        ("T10 lesion", None),
        ("150%", None),
        ("Planning CT", None),
        ("", None),
    ],
)
def test_what_descriptions_name(words, name):
    found = Phase.named_in(words)
    assert (found.name if found else None) == name
    assert found is None or (found.respiratory_percent is not None) == name.endswith("%")


@pytest.mark.parametrize("words", ["50", "50%", "50 %", "50.0", " 50% ", "T=50"])
def test_what_a_person_may_call_a_phase(words):
    assert Phase.of_breathing(50.0).is_called(words)
    assert not Phase.of_breathing(5.0).is_called(words)
    assert not Phase("time 50").is_called(words)
    assert not Phase("50%, echo 2").is_called(words)


def test_other_names_are_called_as_they_are_listed():
    assert Phase("echo 2, time 1").is_called("Echo 2,  time 1")
    assert Phase("average").is_called("AVE-IP")
    assert not Phase("time 3").is_called("3")


@pytest.mark.parametrize("percent", [-1.0, 100.5, float("nan")])
def test_no_phase_beyond_the_cycle(percent):
    with pytest.raises(InputError, match="0 to 100"):
        Phase.of_breathing(percent)
