"""Machine files: what they may say, and what is refused."""

import pytest

from openigrt.errors import InputError, UnreadableFile
from openigrt.files.builtin import builtin_machine, builtin_machine_names, read_machine
from openigrt.geometry import CouchPose, DegreesOfFreedom, ImageAxes, Pivot
from openigrt.machine import CouchAxis, axis_positions, parse_machine

SMALLEST = """
name = "Test"
[couch]
degrees_of_freedom = 4
pivot = "table_top_origin"
resolution_mm = 1
resolution_deg = 0.5
"""


def test_the_smallest_machine_file():
    machine = parse_machine(SMALLEST)
    assert machine.name == "Test"
    assert machine.couch.degrees_of_freedom is DegreesOfFreedom.TRANSLATION_YAW
    assert machine.couch.pivot is Pivot.TABLE_TOP_ORIGIN
    assert (machine.couch.limits, machine.couch.largest_change, machine.couch.scales) == ({}, {}, {})
    assert machine.couch.native_readout(CouchPose()) == {}
    assert machine.cbct_convention("ELEKTA") is None
    assert machine.gantry.iec_from_native(370.0) == 10.0


def test_the_default_machine():
    machine = builtin_machine()
    assert machine.name == "IEC 61217"
    assert machine.couch.degrees_of_freedom is DegreesOfFreedom.ALL
    assert (machine.couch.resolution_mm, machine.couch.resolution_deg) == (0.1, 0.1)
    assert dict(machine.couch.limits) == {CouchAxis.PITCH: (-3.0, 3.0), CouchAxis.ROLL: (-3.0, 3.0)}


def test_all_built_in_machines_can_be_read():
    assert builtin_machine_names() == ("elekta_iec", "iec61217", "varian_iec", "varian_standard")
    assert len({builtin_machine(name).name for name in builtin_machine_names()}) == 4
    with pytest.raises(InputError, match="expected one of elekta_iec, iec61217"):
        builtin_machine("../iec61217")


def test_a_maker_is_recognised_by_its_whole_name():
    machine = builtin_machine()
    convention = machine.cbct_convention(" varian medical systems ")
    assert convention.origin_is_isocenter
    assert convention.axes is ImageAxes.ROOM
    assert machine.cbct_convention("Varian Medical Systems / MIM Software") is None
    assert machine.cbct_convention("") is None


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('name = "Test"', "", "lacks 'name'"),
        ('name = "Test"', "name = 3", "not of kind str"),
        ("degrees_of_freedom = 4", "degrees_of_freedom = 7", "must be 3, 4, 5 or 6"),
        ("degrees_of_freedom = 4", "degrees_of_freedom = true", "not of kind int"),
        ('"table_top_origin"', '"feet"', "not one of isocenter, table_top_origin"),
        ("resolution_mm = 1", "resolution_mm = 0", "must be above zero"),
        ("resolution_mm = 1", "resolution_mm = nan", "is not finite"),
        ("resolution_mm = 1", "resolution_mm = 1e-320", "must be above zero, from 1e-06 to 10"),
        ("resolution_mm = 1", "resolution_mm = 500", "from 1e-06 to 10"),
        ("[couch]", "[couch.limits]\npitch_deg = [-inf, inf]\n[couch]", "both finite"),
        ("[couch]", '[scales.lateral]\nunit = "cm"\nunit_mm = 1e-320\n[couch]', "must be above zero"),
        ("[couch]", '[scales.lateral]\nunit = "cm"\nunit_mm = 10\noffset_mm = inf\n[couch]', "is not finite"),
        ("resolution_mm = 1", "resolution_mm = 1\nresolution_cm = 1", "'resolution_cm', which OpenIGRT does not know"),
        ("[couch]", "[couch.limits]\npitch_deg = 3\n[couch]", "not of kind list"),
        ("[couch]", "[couch.limits]\npitch_deg = [3, -3]\n[couch]", "must be .lowest, highest."),
        ("[couch]", "[couch.limits]\npitch_mm = [-3, 3]\n[couch]", "'pitch_mm', which"),
        ("[couch]", '[scales.lateral]\nunit = "cm"\nunit_mm = 10\nsign = 2\n[couch]', "must be 1 or -1"),
        ("[couch]", '[scales.lateral]\nunit = "cm"\n[couch]', "lacks 'unit_mm'"),
        ("[couch]", "[scales.tilt]\nsign = 1\n[couch]", "'tilt', which"),
        ("[couch]", '[cbct]\nmanufacturer = "X"\n[couch]', "not of kind list"),
        (
            "[couch]",
            '[[cbct]]\nmanufacturer = "X"\norigin_is_isocenter = true\naxes = "sky"\n[couch]',
            "not one of room",
        ),
    ],
)
def test_what_is_wrong_is_named_with_its_place(old, new, says):
    with pytest.raises(InputError, match=says):
        parse_machine(SMALLEST.replace(old, new))


def test_text_that_is_no_toml_is_unreadable():
    with pytest.raises(UnreadableFile, match="not valid TOML"):
        parse_machine("name = ")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a = " + "[" * 5000 + "]" * 5000, "not valid TOML"),
        ("a = " + "[" * 300 + "]" * 300, "more than 32 deep"),
        ("name" + ".a" * 5000 + " = 1", "more than 32 deep"),
        (SMALLEST + "[" + "a." * 5000 + "a]", "more than 32 deep"),
        (SMALLEST.replace("resolution_mm = 1", "resolution_mm = " + "9" * 400), "more than 64 bits"),
        (SMALLEST.replace("resolution_mm = 1", "resolution_mm = 0x" + "f" * 8000), "more than 64 bits"),
        (SMALLEST.replace("resolution_mm = 1", "resolution_mm = " + "9" * 5000), "not valid TOML"),
    ],
    ids=["brackets", "lists", "dotted value", "dotted table", "large", "large hexadecimal", "too many digits"],
)
def test_values_without_end_are_unreadable(text, says):
    with pytest.raises(UnreadableFile, match=says):
        parse_machine(text)


def test_a_file_that_is_no_machine_file_is_unreadable(tmp_path):
    with pytest.raises(UnreadableFile, match=r"nothing\.toml cannot be read: No such file"):
        read_machine(tmp_path / "nothing.toml")
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UnreadableFile, match=r"binary\.toml"):
        read_machine(tmp_path / "binary.toml")
    (tmp_path / "large.toml").write_bytes(b"#" * 1_000_001)
    with pytest.raises(UnreadableFile, match="expected a machine file: text in TOML"):
        read_machine(tmp_path / "large.toml")
    (tmp_path / "good.toml").write_text(SMALLEST, encoding="utf-8")
    assert read_machine(tmp_path / "good.toml") == parse_machine(SMALLEST)


@pytest.mark.parametrize(("value", "rounded"), [(0.34, 0.3), (-0.25, -0.2), (12.3499, 12.3), (-0.04, 0.0), (0.3, 0.3)])
def test_commands_are_the_nearest_that_the_couch_can_make(value, rounded):
    found = builtin_machine().couch.rounded(CouchAxis.LATERAL, value)
    assert (found, str(found)) == (rounded, str(rounded))


def test_limits_are_told_with_the_axis_and_both_numbers():
    couch = builtin_machine("elekta_iec").couch
    change = dict.fromkeys(CouchAxis, 0.0) | {CouchAxis.YAW: -3.5, CouchAxis.LATERAL: 30.0}
    assert couch.exceeded_by_change(change) == (
        "yaw change -3.5 deg is more than the 3 deg that the machine allows in one correction",
    )
    tilted = axis_positions(CouchPose(table_top_pitch_angle_deg=357.0, table_top_roll_angle_deg=3.2))
    assert builtin_machine().couch.exceeded_by_positions(tilted) == (
        "roll would stand at 3.2 deg, outside the machine's -3 to 3",
    )
