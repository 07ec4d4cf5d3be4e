"""Standardized uptake values against closed forms, a calculation by hand, and the clinical vector."""

import dataclasses
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from openigrt.errors import InconsistentInput, MissingInput, UnsupportedInput
from openigrt.geometry import Frame, Grid
from openigrt.images import DecayCorrection, Image, Modality, Sex, SuvReference, Uptake, suv_image

VECTORS = ("D-20",)

F18_S = 6586.2
INJECTED = datetime(2024, 3, 1, 23, 30, tzinfo=UTC)
KNOWN = Uptake(
    unit="BQML",
    decay_correction=DecayCorrection.START,
    corrections=frozenset({"DECY", "ATTN", "SCAT"}),
    injected_activity_bq=370e6,
    injected_at=INJECTED,
    half_life_s=F18_S,
    decay_reference_at=INJECTED + timedelta(hours=1),
    decay_reference_from="series time",
    weight_kg=80.0,
    height_cm=175.0,
    sex=Sex.MALE,
)


def pet(value=5000.0, modality=Modality.PET):
    grid = Grid(Frame.plan("1.2.3"), np.zeros(3), np.ones(3), np.eye(3), (2, 2, 2))
    return Image(np.full((2, 2, 2), value, dtype=np.float32), grid, modality)


def suv(uptake=KNOWN, reference=SuvReference.BODY_WEIGHT, value=5000.0):
    found = suv_image(pet(value), uptake, reference).voxels
    assert np.ptp(found) == 0.0
    return float(found[0, 0, 0])


def but(**values):
    return dataclasses.replace(KNOWN, **values)


def test_by_hand():
    """370 MBq, an hour of 109.77 minutes of half-life: 253.32 MBq are left; 5000 Bq/ml x 80000 g / 253.32e6 Bq."""
    assert suv() == pytest.approx(1.5790, abs=1e-4)


@pytest.mark.parametrize("half_lives", [0.0, 0.5, 1.0, 2.0])
def test_an_even_spread_of_the_tracer_has_the_value_one(half_lives):
    """By definition: all that is left of the tracer in the whole body, at 1 g/ml."""
    reference_at = INJECTED + timedelta(seconds=half_lives * F18_S)
    left_bq_per_ml = 370e6 * 0.5**half_lives / 80_000.0
    assert suv(but(decay_reference_at=reference_at), value=left_bq_per_ml) == pytest.approx(1.0, rel=1e-6)


def test_corrected_to_the_injection_nothing_decays():
    uptake = but(decay_correction=DecayCorrection.ADMINISTRATION, injected_at=None, half_life_s=None)
    assert suv(uptake) == pytest.approx(5000.0 * 80_000.0 / 370e6, rel=1e-6)


def test_lean_body_mass_of_the_clinical_vector():
    file = Path(__file__).resolve().parents[1] / "vectors" / "test_vectors.json"
    vector = next(v for v in json.loads(file.read_text(encoding="utf-8")) if v["id"] == "D-20")
    ratio = suv(reference=SuvReference.LEAN_BODY_MASS) / suv()
    assert 80.0 * ratio == pytest.approx(vector["expected"]["lbm"], rel=1e-6)
    assert 6.0 * ratio == pytest.approx(vector["expected"]["sul"], rel=1e-6)


def test_lean_body_mass_of_a_woman_and_body_surface():
    woman = but(sex=Sex.FEMALE, weight_kg=60.0, height_cm=165.0)
    lean_kg = 1.07 * 60.0 - 148.0 * (60.0 / 165.0) ** 2
    assert suv(woman, SuvReference.LEAN_BODY_MASS) / suv(woman) == pytest.approx(lean_kg / 60.0, rel=1e-6)
    surface_m2 = 0.007184 * 60.0**0.425 * 165.0**0.725
    assert surface_m2 == pytest.approx(1.66, abs=0.005)  # Du Bois' table
    assert suv(woman, SuvReference.BODY_SURFACE) / suv(woman) == pytest.approx(1e4 * surface_m2 / 60e3, rel=1e-6)


def test_values_that_are_suv_already_are_left_alone_and_converted():
    stated = Uptake(unit="GML", stated_suv=SuvReference.BODY_WEIGHT)
    assert stated.is_suv
    assert suv(stated, value=6.0) == 6.0
    known = dataclasses.replace(stated, weight_kg=80.0, height_cm=175.0, sex=Sex.MALE)
    assert suv(known, SuvReference.LEAN_BODY_MASS, value=6.0) == pytest.approx(4.593795918, rel=1e-6)
    back = dataclasses.replace(known, stated_suv=SuvReference.LEAN_BODY_MASS)
    assert suv(back, value=4.593795918) == pytest.approx(6.0, rel=1e-6)
    with pytest.raises(MissingInput, match=r"\(0010,1030\) Patient's Weight, \(0010,1020\) .*Size, \(0010,0040\)"):
        suv(stated, SuvReference.LEAN_BODY_MASS)


def test_philips_counts():
    assert suv(Uptake(unit="CNTS", suv_per_count=0.002), value=500.0) == pytest.approx(1.0)
    by_activity = but(unit="CNTS", bq_per_ml_per_count=2.0)
    assert suv(by_activity, value=2500.0) == pytest.approx(suv(), rel=1e-6)
    with pytest.raises(
        UnsupportedInput, match=r"in CNTS, expected BQML or GML; Philips' factor \(7053,1000\) is missing"
    ):
        suv(but(unit="CNTS"))


def test_everything_that_is_missing_is_named_in_one_sentence():
    with pytest.raises(MissingInput) as error:
        suv(Uptake(), SuvReference.LEAN_BODY_MASS)
    for name in (
        "Weight",
        "Size",
        "Sex",
        "Units",
        "Total Dose",
        "Decay Correction",
        "Half Life",
        "injected",
        "scan began",
    ):
        assert name in error.value.sentence
    assert len(error.value.facts["missing"]) == 9
    with pytest.raises(MissingInput, match=r"do not say \(0018,1075\) Radionuclide Half Life\."):
        suv(but(half_life_s=None))
    with pytest.raises(MissingInput, match=r"do not say \(0010,1030\) Patient's Weight\."):
        suv(but(weight_kg=0.0))


@pytest.mark.parametrize(
    ("values", "error", "sentence"),
    [
        ({"unit": "PROPCPS"}, UnsupportedInput, "in PROPCPS, expected BQML"),
        ({"decay_correction": DecayCorrection.NONE}, UnsupportedInput, "not corrected for decay"),
        ({"corrections": frozenset({"DECY"})}, UnsupportedInput, "corrected for DECY, not for ATTN"),
        ({"weight_kg": 80_000.0}, InconsistentInput, "Weight is 80000; expected 0.3 to 650 kg"),
        ({"height_cm": 17_500.0}, InconsistentInput, "Size is 17500; expected"),
        ({"injected_activity_bq": 370.0}, InconsistentInput, "not MBq"),
        ({"half_life_s": 1e-9}, InconsistentInput, "Half Life"),
        ({"decay_reference_at": INJECTED - timedelta(hours=1)}, InconsistentInput, "expected 0 to 10 half-lives"),
        ({"decay_reference_at": INJECTED + timedelta(days=30)}, InconsistentInput, "expected 0 to 10 half-lives"),
    ],
)
def test_what_no_patient_and_no_tracer_has(values, error, sentence):
    with pytest.raises(error, match=sentence):
        suv(but(**values))


def test_no_lean_body_mass_below_zero():
    with pytest.raises(InconsistentInput, match="lean body mass of 300 kg and 150 cm would be"):
        suv(but(weight_kg=300.0, height_cm=150.0), SuvReference.LEAN_BODY_MASS)


def test_only_of_pet():
    with pytest.raises(UnsupportedInput, match="not of CT"):
        suv_image(pet(modality=Modality.CT), KNOWN)
