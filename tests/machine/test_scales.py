"""Scales of displays, against the clinical test vectors and round trips."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openigrt.errors import ConfigurationRequired
from openigrt.files.builtin import builtin_machine, builtin_machine_names
from openigrt.geometry import CouchPose, signed_angle_difference_deg
from openigrt.machine import AngleScale, CouchAxis, LengthScale, NegativeReadout

VECTORS = ("C-36", "C-44", "C-45", "C-46")
FILE = Path(__file__).parents[1] / "vectors" / "test_vectors.json"


def vector(name):
    return next(v for v in json.loads(FILE.read_text(encoding="utf-8")) if v["id"] == name)


def test_c36_displayed_angles_to_iec():
    standard, varian_iec = builtin_machine("varian_standard"), builtin_machine("varian_iec")
    expected = vector("C-36")["expected"]
    for scale in (standard.gantry, standard.beam_limiting_device, standard.couch.scales[CouchAxis.YAW]):
        assert scale.iec_from_native(180.0) == expected["std180"]
    assert varian_iec.couch.scales[CouchAxis.YAW].iec_from_native(10.0) == expected["variec_couch10"]
    assert standard.gantry.iec_from_native(270.0) == expected["std_gantry270"]


@pytest.mark.parametrize(("machine", "key"), [("varian_iec", "varian_iec"), ("varian_standard", "varian_std")])
def test_c44_iec_couch_on_other_displays(machine, key):
    v = vector("C-44")
    lateral, longitudinal, vertical = v["input"]["T"]
    scales, shown = builtin_machine(machine).couch.scales, v["expected"][key]
    tolerance = v["abs_tol"]
    assert scales[CouchAxis.VERTICAL].native_from_iec(vertical) == pytest.approx(shown["vrt"], abs=tolerance)
    assert scales[CouchAxis.LATERAL].native_from_iec(lateral) == pytest.approx(shown["lat"], abs=tolerance)
    assert scales[CouchAxis.LONGITUDINAL].native_from_iec(longitudinal) == pytest.approx(shown["lng"], abs=tolerance)
    assert scales[CouchAxis.YAW].native_from_iec(v["input"]["s"]) == pytest.approx(shown["rtn"], abs=tolerance)


def test_c45_above_the_isocenter_the_site_must_say_what_the_display_shows():
    v = vector("C-45")
    scale = builtin_machine("varian_iec").couch.scales[CouchAxis.VERTICAL]
    assert v["expected"] == "ConfigurationRequired"
    with pytest.raises(ConfigurationRequired, match="'Vrt' cannot convert 50 mm"):
        scale.native_from_iec(v["input"]["Tz"])
    for shown in (995.0, 1005.0):
        with pytest.raises(ConfigurationRequired):
            scale.iec_from_native(shown)


@pytest.mark.parametrize(
    ("negative", "shown"), [(NegativeReadout.BELOW_MODULUS, 995.0), (NegativeReadout.ABOVE_MODULUS, 1005.0)]
)
def test_c45_once_configured_it_converts_both_ways(negative, shown):
    scale = LengthScale("Vrt", "cm", 10.0, sign=-1, modulus=1000.0, negative=negative)
    assert scale.native_from_iec(50.0) == pytest.approx(shown)
    assert scale.iec_from_native(shown) == pytest.approx(50.0)
    assert scale.iec_from_native(15.0) == pytest.approx(-150.0)


def test_c46_turns_go_the_short_way():
    turns = [signed_angle_difference_deg(to, start) for start, to in ((359, 1), (1, 359), (10, 190))]
    assert turns == vector("C-46")["expected"]


@pytest.mark.parametrize("name", builtin_machine_names())
@given(st.floats(-900.0, 900.0), st.floats(-900.0, -0.1), st.floats(-179.0, 179.0))
def test_every_built_in_scale_gives_back_what_it_was_given(name, length_mm, below_mm, angle_deg):
    for axis, scale in builtin_machine(name).couch.scales.items():
        if isinstance(scale, AngleScale):
            turned = scale.iec_from_native(scale.native_from_iec(angle_deg))
            assert signed_angle_difference_deg(turned, angle_deg) == pytest.approx(0.0, abs=1e-9)
            assert scale.is_signed or 0.0 <= scale.native_from_iec(angle_deg) < 360.0
        else:
            value = below_mm if axis is CouchAxis.VERTICAL else length_mm
            assert scale.iec_from_native(scale.native_from_iec(value)) == pytest.approx(value, abs=1e-9)


def test_displays_are_shown_to_the_resolution_and_refusals_in_words():
    couch = builtin_machine("varian_iec").couch
    pose = CouchPose(-12.04, 900.0, -150.0, patient_support_angle_deg=-0.04, table_top_pitch_angle_deg=1.26)
    assert couch.native_readout(pose) == {
        "Lat": "998.80 cm",
        "Lng": "90.00 cm",
        "Vrt": "15.00 cm",
        "Rtn": "0.0 deg",
        "Pitch": "1.3 deg",
        "Roll": "0.0 deg",
    }
    above = couch.native_readout(CouchPose(table_top_vertical_position_mm=50.0))
    assert above["Vrt"].startswith("not shown")
