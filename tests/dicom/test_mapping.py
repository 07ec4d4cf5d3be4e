"""Tables of attributes: what each type (PS3.5, 7.4) is written as where there is no value."""

from dataclasses import dataclass

import pytest

from openigrt.dicom.dataset.mapping import NUMBER, NUMBERS, TEXT, Table, known, optional, required
from openigrt.errors import MissingInput


@dataclass(frozen=True)
class Device:
    label: str = ""
    distance_mm: float | None = None
    weights: tuple[float, ...] = ()


def table(kind):
    return Table(
        Device,
        (
            kind("label", "ApplicatorID", TEXT),
            kind("distance_mm", "SourceToBlockTrayDistance", NUMBER),
            kind("weights", "CumulativeMetersetWeight", NUMBERS),
        ),
    )


def test_type_3_is_left_out_and_type_2_is_empty_without_a_value():
    assert len(table(optional).write(Device())) == 0
    assert [element.value for element in table(known).write(Device())] == [None, None, None]


@pytest.mark.parametrize(
    ("device", "lacking"),
    [
        (Device("", 1.0, (0.5,)), "ApplicatorID"),
        (Device("A", None, (0.5,)), "SourceToBlockTrayDistance"),
        (Device("A", 1.0), "CumulativeMetersetWeight"),
    ],
)
def test_type_1_is_never_written_empty(device, lacking):
    assert len(table(required).write(Device("A", 0.0, (0.0,)))) == 3
    with pytest.raises(MissingInput, match=f"{lacking} cannot be written without a value"):
        table(required).write(device)
