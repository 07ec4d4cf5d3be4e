"""The acceptance test of a machine file: what is asked, what passes, and what is said about each likely mistake."""

import tomllib

import numpy as np
import pytest

from openigrt.errors import ConfigurationRequired, InputError, UnreadableFile
from openigrt.files import builtin_machine, builtin_machine_names
from openigrt.geometry import ImageAxes, PatientPosition
from openigrt.machine import (
    CbctConvention,
    Outcome,
    PhantomImage,
    Reading,
    acceptance_steps,
    convention_of_images,
    expected_phantom_mm,
    judge_axes,
    judge_phantom,
    parse_machine,
    parse_readings,
    phantom_setups,
    readings_form,
)

COUCH = """
name = "Room 2"
[couch]
degrees_of_freedom = 6
pivot = "isocenter"
resolution_mm = 0.1
resolution_deg = 0.1
"""
ROOM = CbctConvention("Example", True, ImageAxes.ROOM)
TABLE = CbctConvention("Example", True, ImageAxes.TABLE)
OFFSET_MM = (10.0, 25.0, -15.0)


def machine_with(axis, scale):
    return parse_machine(f"{COUCH}\n[scales.{axis}]\n{scale}")


def judged(axis, scale, *readings):
    """The judgement of one axis of a machine with this scale, from (where it stood, what was shown)."""
    found = judge_axes(machine_with(axis, scale), {axis: [Reading(*reading) for reading in readings]})
    return next(judgement for judgement in found if judgement.what == axis)


@pytest.mark.parametrize("name", builtin_machine_names())
def test_every_axis_is_asked_for_at_two_places_at_least(name):
    machine = builtin_machine(name)
    steps = acceptance_steps(machine)
    assert {step.axis for step in steps} == set(machine.scales)
    for axis in machine.scales:
        assert len([step for step in steps if step.axis == axis]) >= 2


def test_the_steps_are_those_of_the_clinical_table():
    """Fifty millimetres and two degrees, and what the displays of the table in clinical facts 1.6 show for them."""
    shown = {(s.axis, s.iec): (s.shown, s.shown_unit) for s in acceptance_steps(builtin_machine("varian_standard"))}
    assert shown["gantry", 2.0] == (178.0, "deg")
    assert shown["vertical", 50.0] == (95.0, "cm")
    assert shown["lateral", 50.0] == (105.0, "cm")
    assert shown["longitudinal", 50.0] == (5.0, "cm")
    assert shown["x1", 50.0] == (-5.0, "cm")
    assert shown["x2", 50.0] == (5.0, "cm")
    assert shown["yaw", 2.0] == (178.0, "deg")


def test_what_a_site_must_look_at_is_asked_without_a_number():
    shown = {(s.axis, s.iec): s.shown for s in acceptance_steps(builtin_machine("varian_iec"))}
    assert shown["vertical", 50.0] is None
    assert shown["vertical", -50.0] == 5.0


def test_a_wrong_sign_is_named():
    vertical = 'unit = "cm"\nunit_mm = 10.0\noffset_mm = 1000.0'
    found = judged("vertical", vertical, (0.0, 100.0), (50.0, 95.0))
    assert found.outcome is Outcome.FAILED
    assert found.sentence == (
        "vertical reads 95 cm at +50 mm where 105 cm was expected: the sign is opposite (sign = -1)."
    )


@pytest.mark.parametrize(
    ("axis", "scale", "readings", "said"),
    [
        ("lateral", 'unit = "cm"\nunit_mm = 10.0', [(0, 0), (50, 50)], "counts in mm (unit_mm = 1)"),
        ("lateral", 'unit = "mm"\nunit_mm = 1.0', [(0, 0), (50, 5)], "counts in cm (unit_mm = 10)"),
        ("lateral", 'unit = "mm"\nunit_mm = 1.0', [(0, 0), (50, -5)], "counts in cm and the sign is opposite"),
        ("lateral", 'unit = "cm"\nunit_mm = 10.0', [(0, 100), (50, 105)], "another one (offset_mm = 1000)"),
        ("vertical", 'unit = "cm"\nunit_mm = 10.0', [(0, 100), (50, 95)], "opposite and the offset is another one"),
        (
            "lateral",
            'unit = "cm"\nunit_mm = 10.0',
            [(-12, 998.8), (50, 5)],
            "modulus = 1000, negative = 'below_modulus'",
        ),
        (
            "vertical",
            'unit = "cm"\nunit_mm = 10.0\nsign = -1\nmodulus = 1000.0\nnegative = "refuse"',
            [(-50, 5), (50, 1005)],
            "negative = 'above_modulus'",
        ),
        (
            "lateral",
            'unit = "cm"\nunit_mm = 10.0\nmodulus = 1000.0\nnegative = "above_modulus"',
            [(-50, 995), (50, 5)],
            "negative = 'below_modulus'",
        ),
        (
            "lateral",
            'unit = "cm"\nunit_mm = 10.0\nmodulus = 1000.0\nnegative = "below_modulus"',
            [(-50, -5), (50, 5)],
            "has a minus sign (leave out modulus)",
        ),
        ("gantry", "sign = 1", [(0, 0), (2, 358)], "sign is opposite (sign = -1)"),
        ("gantry", "sign = 1", [(0, 180), (2, 182)], "another one (offset_deg = 180)"),
        (
            "gantry",
            "sign = 1",
            [(0, 180), (2, 178)],
            "sign is opposite and the offset is another one (offset_deg = 180)",
        ),
        ("pitch", "is_signed = true", [(-2, 358), (2, 2)], "counts from 0 to 360 (is_signed = false)"),
        ("lateral", 'unit = "mm"\nunit_mm = 1.0', [(0, 3), (50, 50), (100, 91)], "no single change"),
    ],
)
def test_what_is_likely_wrong_is_named(axis, scale, readings, said):
    found = judged(axis, scale, *readings)
    assert found.outcome is Outcome.FAILED
    assert said in found.sentence


@pytest.mark.parametrize("name", builtin_machine_names())
def test_a_machine_that_counts_as_its_file_says_passes_and_every_other_one_fails(name):
    """The readings of one machine pass for it, and for no other machine that shows something else."""
    told = {axis: [] for axis in builtin_machine(name).scales}
    for step in acceptance_steps(builtin_machine(name)):
        if step.shown is not None:
            told[step.axis].append(Reading(step.iec, step.shown))
    unstated = {"vertical"} if name == "varian_iec" else set()
    for found in judge_axes(builtin_machine(name), told):
        assert found.outcome is (Outcome.INCOMPLETE if found.what in unstated else Outcome.PASSED)
    for other in set(builtin_machine_names()) - {name}:
        machine = builtin_machine(other)
        common = {axis: told[axis] for axis in told if axis in machine.scales}
        outcomes = {f.what: f.outcome for f in judge_axes(machine, common)}
        assert Outcome.FAILED in outcomes.values()


@pytest.mark.parametrize(("error_mm", "outcome"), [(0.9, Outcome.PASSED), (1.1, Outcome.FAILED)])
def test_the_tolerance_of_lengths_is_a_millimetre_whatever_the_display_counts_in(error_mm, outcome):
    reading = (50.0, 5.0 + error_mm / 10.0)
    assert judged("lateral", 'unit = "cm"\nunit_mm = 10.0', (0.0, 0.0), reading).outcome is outcome


@pytest.mark.parametrize(
    ("shown", "outcome"), [(359.75, Outcome.PASSED), (0.25, Outcome.PASSED), (359.6, Outcome.FAILED)]
)
def test_the_tolerance_of_angles_wraps(shown, outcome):
    assert judged("gantry", "sign = 1", (0.0, shown), (2.0, 2.0)).outcome is outcome


@pytest.mark.parametrize("readings", [[], [(50.0, 5.0)], [(50.0, 5.0), (52.0, 5.2)]])
def test_too_few_readings_are_no_test(readings):
    assert judged("lateral", 'unit = "cm"\nunit_mm = 10.0', *readings).outcome is Outcome.INCOMPLETE


@pytest.mark.parametrize(
    ("negative", "readings", "said"),
    [
        ("refuse", [(0.0, 0.0), (50.0, 5.0)], "does not say what this display shows below zero"),
        ("below_modulus", [(0.0, 0.0), (50.0, 5.0)], "no reading below zero"),
    ],
)
def test_what_a_display_shows_below_zero_must_be_stated_and_read(negative, readings, said):
    found = judged("lateral", f'unit = "cm"\nunit_mm = 10.0\nmodulus = 1000.0\nnegative = "{negative}"', *readings)
    assert found.outcome is Outcome.INCOMPLETE
    assert said in found.sentence


def test_readings_of_an_axis_without_scale_are_refused():
    with pytest.raises(ConfigurationRequired, match="states no scale for 'leaves_1'"):
        judge_axes(builtin_machine("varian_iec"), {"leaves_1": [Reading(0.0, 0.0)]})


# -------------------------------------------------------------------------------- the phantom


@pytest.mark.parametrize(
    ("position", "angle_deg", "axes", "expected"),
    [
        # Head first supine on a straight table: lateral is +x, longitudinal +z, vertical -y of LPS (clinical.md 1.2).
        ("HFS", 0.0, ImageAxes.ROOM, (10.0, 15.0, 25.0)),
        ("FFS", 0.0, ImageAxes.ROOM, (-10.0, 15.0, -25.0)),
        ("HFP", 0.0, ImageAxes.ROOM, (-10.0, -15.0, 25.0)),
        ("FFP", 0.0, ImageAxes.TABLE, (10.0, -15.0, -25.0)),
        # Turned by 90 degrees the foot end lies at +x: what was lateral points to the gantry, longitudinal to -x.
        ("HFS", 90.0, ImageAxes.ROOM, (-25.0, 15.0, 10.0)),
        ("HFS", 90.0, ImageAxes.TABLE, (10.0, 15.0, 25.0)),
    ],
)
def test_where_the_phantom_is_seen(position, angle_deg, axes, expected):
    found = expected_phantom_mm(OFFSET_MM, PatientPosition(position), angle_deg, axes)
    assert found == pytest.approx(expected, abs=1e-12)


def images(axes=ImageAxes.ROOM, sense=1.0, shift_mm=(0.0, 0.0, 0.0)):
    return [
        PhantomImage(
            position,
            angle_deg,
            tuple(
                expected_phantom_mm(OFFSET_MM, position, sense * angle_deg, axes)
                + position.table_top_from_lps().T @ np.array(shift_mm)
            ),
        )
        for position, angle_deg in phantom_setups()
    ]


def test_the_phantom_where_it_should_be():
    found = judge_phantom(ROOM, OFFSET_MM, images())
    assert len(found) == 12
    assert {judgement.outcome for judgement in found} == {Outcome.PASSED}


@pytest.mark.parametrize(
    ("seen", "convention", "said"),
    [
        (images(ImageAxes.TABLE), ROOM, "axes = 'table'"),
        (images(ImageAxes.ROOM), TABLE, "axes = 'room'"),
        (images(sense=-1.0), ROOM, "check the sign of [scales.yaw]"),
        (images(shift_mm=(0.0, 0.0, 8.0)), ROOM, "off by the same (0.0, 0.0, 8.0) mm in room axes"),
    ],
)
def test_what_is_likely_wrong_with_the_images_is_named(seen, convention, said):
    failed = [found for found in judge_phantom(convention, OFFSET_MM, seen) if found.outcome is Outcome.FAILED]
    assert failed
    assert all(said in found.sentence for found in failed)


def test_a_position_that_was_registered_wrongly_fails():
    seen = [
        PhantomImage(
            PatientPosition.HFS if i.position is PatientPosition.FFS else i.position,
            i.patient_support_angle_deg,
            i.seen_mm,
        )
        for i in images()
    ]
    outcomes = [found.outcome for found in judge_phantom(ROOM, OFFSET_MM, seen)]
    assert outcomes.count(Outcome.FAILED) == 3
    assert outcomes.count(Outcome.INCOMPLETE) == 3


# -------------------------------------------------------------------------------- the form


@pytest.mark.parametrize("name", builtin_machine_names())
def test_the_form_asks_for_everything_and_is_read_back_empty(name):
    machine = builtin_machine(name)
    form = tomllib.loads(readings_form(machine))
    assert [(e["axis"], e["iec"]) for e in form["reading"]] == [(s.axis, s.iec) for s in acceptance_steps(machine)]
    assert len(form["phantom"]["image"]) == 12
    readings = parse_readings(readings_form(machine))
    assert (readings.axes, readings.images) == ({}, ())
    assert {found.outcome for found in judge_axes(machine, readings.axes)} == {Outcome.INCOMPLETE}


def test_a_form_that_was_filled_in():
    text = (
        readings_form(builtin_machine())
        .replace("# shown =", "shown = 1.5")
        .replace("# seen_mm = [ , , ]", "seen_mm = [1, 2, 3]")
    )
    readings = parse_readings(text)
    assert readings.axes["gantry"] == (Reading(0.0, 1.5), Reading(2.0, 1.5), Reading(-2.0, 1.5))
    assert readings.images[0] == PhantomImage(PatientPosition.HFS, 0.0, (1.0, 2.0, 3.0))


@pytest.mark.parametrize(
    ("text", "error", "said"),
    [
        ("[[reading]", UnreadableFile, "The file of readings is not valid TOML"),
        ('[[reading]]\naxis = "gantry"', InputError, "lacks 'iec'"),
        ('[[reading]]\naxis = "gantry"\niec = nan', InputError, "not finite"),
        ('[[reading]]\naxis = "gantry"\niec = 0\nshown = 1e300', InputError, "is no reading"),
        ('[[reading]]\naxis = "gantry"\niec = 0\nshows = 1', InputError, "'shows', which OpenIGRT does not know"),
        ("[phantom]\noffset_mm = [10, 10, 25]", InputError, "does not tell the axes apart"),
        ("[phantom]\noffset_mm = [10, 25]", InputError, "must be three numbers"),
        ('[[phantom.image]]\nposition = "SITTING"\npatient_support_angle_deg = 0', InputError, "not one of HFS"),
    ],
)
def test_a_form_that_cannot_be_used(text, error, said):
    with pytest.raises(error, match=said):
        parse_readings(text)


def test_deep_nesting_is_no_fault():
    with pytest.raises(UnreadableFile):
        parse_readings("a = " + "[" * 100_000)


def test_whose_images_they_are_must_be_said_where_several_makers_are_listed():
    machine = builtin_machine()
    with pytest.raises(InputError, match="expected one of 'Varian Medical Systems', 'Varian', 'ELEKTA'"):
        convention_of_images(machine, parse_readings(""))
    assert convention_of_images(machine, parse_readings('[phantom]\nmanufacturer = "elekta"')).manufacturer == "ELEKTA"
    assert convention_of_images(builtin_machine("elekta_iec"), parse_readings("")).manufacturer == "ELEKTA"
    assert convention_of_images(parse_machine(COUCH), parse_readings("")) is None


# -------------------------------------------------------------------------------- that it was done


def test_acceptance_holds_for_the_file_that_was_tested_and_for_no_other():
    text = COUCH + '[scales.lateral]\nunit = "cm"\nunit_mm = 10.0\n'
    assert not parse_machine(text).is_accepted
    assert parse_machine(text).acceptance_in_words == "the machine file has not been through the acceptance test"
    fingerprint = parse_machine(text).fingerprint
    seal = f'[acceptance]\ndate = 2026-01-31\nby = "A. Physicist"\nversion = "2.7"\nfingerprint = "{fingerprint}"\n'
    machine = parse_machine(text + seal)
    assert machine.is_accepted
    assert machine.acceptance_in_words == "accepted on 2026-01-31 by A. Physicist for version 2.7"
    assert parse_machine("# a comment\n" + text + seal).is_accepted
    changed = parse_machine(text.replace("unit_mm = 10.0", "unit_mm = 10.0\nsign = -1") + seal)
    assert not changed.is_accepted
    assert "CHANGED SINCE" in changed.acceptance_in_words


@pytest.mark.parametrize(
    ("acceptance", "said"),
    [
        ('date = "2026-01-31"\nby = "A"\nversion = "1"\nfingerprint = ""', "not of kind date"),
        ('date = 2026-01-31T10:00:00\nby = "A"\nversion = "1"\nfingerprint = ""', "is a time; write the day alone"),
        ('date = 2026-01-31\nversion = "1"\nfingerprint = ""', "lacks 'by'"),
    ],
)
def test_an_acceptance_that_says_too_little(acceptance, said):
    with pytest.raises(InputError, match=said):
        parse_machine(f"{COUCH}\n[acceptance]\n{acceptance}")


@pytest.mark.parametrize("axis", ["lateral ", "Vertical", "l\\tteral"])
def test_readings_of_an_axis_that_no_machine_has(axis):
    with pytest.raises(InputError, match=r"\[\[reading\]\] 1 .* is not one of gantry, beam_limiting_device") as error:
        parse_readings(f'[[reading]]\naxis = "{axis}"\niec = 1.0\nshown = 1.0\n')
    assert error.value.sentence.isprintable()
