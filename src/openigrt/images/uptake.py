"""Standardized uptake values of PET: what the headers must say, and the factor that follows from it.

SUV = activity concentration x body / injected activity at the moment that the concentration is corrected to (vendor
neutral rules of the Quantitative Imaging Biomarkers Alliance; DICOM PS3.3 C.8.9.1.1). Body is the weight in g, the lean
body mass in g (James 1976, as DICOM's LBMJAMES128) or the body surface in cm2 (Du Bois 1916).
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

import numpy as np

from openigrt.errors import InconsistentInput, MissingInput, UnsupportedInput
from openigrt.images.image import Image, Modality

ACTIVITY, COUNTS, BODY_WEIGHT_UPTAKE, SURFACE_UPTAKE = "BQML", "CNTS", "GML", "CM2ML"
MOST_HALF_LIVES = 10.0
GRAMS_PER_KG = 1000.0
POSSIBLE = {
    "weight_kg": (0.3, 650.0, "(0010,1030) Patient's Weight", "kg"),
    "height_cm": (20.0, 260.0, "(0010,1020) Patient's Size", "cm (DICOM counts in m)"),
    "injected_activity_bq": (1e5, 1e11, "(0018,1074) Radionuclide Total Dose", "Bq (not MBq)"),
    "half_life_s": (10.0, 1e7, "(0018,1075) Radionuclide Half Life", "s"),
}


class DecayCorrection(StrEnum):
    """The moment that PET voxels are corrected to: the start of the scan, the injection, or none."""

    START = "START"
    ADMINISTRATION = "ADMIN"
    NONE = "NONE"
    UNKNOWN = ""


class Sex(StrEnum):
    """Sex as a formula of the lean body mass needs it."""

    MALE = "M"
    FEMALE = "F"


class SuvReference(StrEnum):
    """What uptake is divided by: body weight, lean body mass (James), or body surface (Du Bois)."""

    BODY_WEIGHT = "BW"
    LEAN_BODY_MASS = "LBM"
    BODY_SURFACE = "BSA"


@dataclass(frozen=True, slots=True)
class Uptake:
    """What PET headers say about tracer and patient; None or empty where they do not.

    `unit` is DICOM's word for the unit of the voxels, `corrections` those of Corrected Image (0028,0051).
    `decay_reference_at` is the moment that the voxels are corrected to, `decay_reference_from` what says so.
    `suv_per_count` and `bq_per_ml_per_count` are Philips' factors for voxels in counts, `stated_suv` what the
    voxels are where they are uptake values already.
    """

    unit: str = ""
    decay_correction: DecayCorrection = DecayCorrection.UNKNOWN
    corrections: frozenset[str] = frozenset()
    injected_activity_bq: float | None = None
    injected_at: datetime | None = None
    half_life_s: float | None = None
    decay_reference_at: datetime | None = None
    decay_reference_from: str = ""
    weight_kg: float | None = None
    height_cm: float | None = None
    sex: Sex | None = None
    suv_per_count: float | None = None
    bq_per_ml_per_count: float | None = None
    stated_suv: SuvReference | None = None

    @property
    def is_suv(self) -> bool:
        """Whether the voxels are uptake values already."""
        return self.stated_suv is not None


def suv_image(image: Image, uptake: Uptake, reference: SuvReference = SuvReference.BODY_WEIGHT) -> Image:
    """The PET image in standardized uptake values, g/ml (cm2/ml for the body surface).

    Raises MissingInput that names everything that is missing, InconsistentInput for values that no patient and no
    tracer have, UnsupportedInput for voxels that are no activity (or not corrected for decay) and for other images.
    """
    if image.modality is not Modality.PET:
        raise UnsupportedInput(f"Standardized uptake values are those of PET, not of {image.modality}.")
    return replace(image, voxels=image.voxels * np.float32(suv_factor(uptake, reference)))


def suv_factor(uptake: Uptake, reference: SuvReference = SuvReference.BODY_WEIGHT) -> float:
    """What a voxel is multiplied by; raises as `suv_image`."""
    stated = uptake.stated_suv or (SuvReference.BODY_WEIGHT if _is_in_suv_counts(uptake) else None)
    _require_known(uptake, reference, stated)
    if stated is not None:
        scale = 1.0 if uptake.is_suv else float(uptake.suv_per_count or 0.0)
        return scale * (body(uptake, reference) / body(uptake, stated) if reference is not stated else 1.0)
    per_voxel_bq_per_ml = 1.0 if uptake.unit == ACTIVITY else float(uptake.bq_per_ml_per_count or 0.0)
    return per_voxel_bq_per_ml * body(uptake, reference) / _activity_at_reference_bq(uptake)


def body(uptake: Uptake, reference: SuvReference) -> float:
    """Weight or lean body mass in g, or body surface in cm2; what it needs must be known."""
    weight_kg, height_cm = float(uptake.weight_kg or 0.0), float(uptake.height_cm or 0.0)
    if reference is SuvReference.BODY_WEIGHT:
        return GRAMS_PER_KG * weight_kg
    if reference is SuvReference.BODY_SURFACE:
        return float(71.84 * weight_kg**0.425 * height_cm**0.725)
    linear, square = (1.10, 128.0) if uptake.sex is Sex.MALE else (1.07, 148.0)
    lean_kg = linear * weight_kg - square * (weight_kg / height_cm) ** 2
    if lean_kg <= 0.0:
        raise InconsistentInput(
            f"The lean body mass of {weight_kg:g} kg and {height_cm:g} cm would be {lean_kg:.1f} kg; check weight and "
            "size, or take the SUV by body weight."
        )
    return GRAMS_PER_KG * lean_kg


def _is_in_suv_counts(uptake: Uptake) -> bool:
    """Whether the voxels are counts of which the maker states the uptake value."""
    return uptake.unit == COUNTS and bool(uptake.suv_per_count)


def _activity_at_reference_bq(uptake: Uptake) -> float:
    """The injected activity at the moment that the voxels are corrected to."""
    injected_bq = float(uptake.injected_activity_bq or 0.0)
    if uptake.decay_correction is DecayCorrection.ADMINISTRATION:
        return injected_bq
    if uptake.injected_at is None or uptake.decay_reference_at is None or uptake.half_life_s is None:
        raise MissingInput("No SUV: the moments of injection and scan are not known.")
    delay_s = (uptake.decay_reference_at - uptake.injected_at).total_seconds()
    if not 0.0 <= delay_s <= MOST_HALF_LIVES * uptake.half_life_s:
        raise InconsistentInput(
            f"The tracer was injected at {uptake.injected_at:%Y-%m-%d %H:%M:%S} UTC and the scan began at "
            f"{uptake.decay_reference_at:%Y-%m-%d %H:%M:%S} UTC ({uptake.decay_reference_from}): expected 0 to "
            f"{MOST_HALF_LIVES:g} half-lives of {uptake.half_life_s:g} s between them; correct the times.",
            delay_s=delay_s,
        )
    return float(injected_bq * 2.0 ** (-delay_s / uptake.half_life_s))


def _require_known(uptake: Uptake, reference: SuvReference, stated: SuvReference | None) -> None:
    """Raise unless everything that the factor needs is there and possible."""
    is_counts = uptake.unit == COUNTS and bool(uptake.suv_per_count or uptake.bq_per_ml_per_count)
    if stated is None and uptake.unit and uptake.unit != ACTIVITY and not is_counts:
        hint = "; Philips' factor (7053,1000) is missing" if uptake.unit == COUNTS else ""
        raise UnsupportedInput(f"No SUV: the voxels are in {uptake.unit}, expected BQML or GML{hint}.")
    if uptake.decay_correction is DecayCorrection.NONE and stated is None:
        raise UnsupportedInput("No SUV: the image is not corrected for decay ((0054,1102) is NONE); reconstruct it so.")
    absent = {"ATTN", "DECY"} - uptake.corrections
    if uptake.corrections and absent and stated is None:
        raise UnsupportedInput(
            f"No SUV: by (0028,0051) the image is corrected for {', '.join(sorted(uptake.corrections))}, not for "
            f"{' and '.join(sorted(absent))}; reconstruct it so."
        )
    missing = [*_missing(uptake, reference, stated)]
    if missing:
        raise MissingInput(f"No SUV: the headers do not say {', '.join(missing)}.", missing=missing)
    for name, (low, high, words, unit) in POSSIBLE.items():
        value = getattr(uptake, name)
        if value is not None and not low <= value <= high:
            raise InconsistentInput(f"No SUV: {words} is {value:g}; expected {low:g} to {high:g} {unit}.", found=value)


def _missing(uptake: Uptake, reference: SuvReference, stated: SuvReference | None) -> Iterator[str]:
    """The name of everything that is needed and not there."""
    yield from _missing_of_body(uptake, {reference} ^ ({stated} if stated else set()))
    if stated is not None:
        return
    is_of_start = uptake.decay_correction is not DecayCorrection.ADMINISTRATION
    needed: dict[str, object] = {
        "(0054,1001) Units": uptake.unit,
        "(0054,1102) Decay Correction": uptake.decay_correction,
        POSSIBLE["injected_activity_bq"][2]: uptake.injected_activity_bq,
    }
    if is_of_start:
        needed |= {
            POSSIBLE["half_life_s"][2]: uptake.half_life_s,
            "when the tracer was injected ((0018,1078) or (0018,1072))": uptake.injected_at,
            "when the scan began (Series or Acquisition Date and Time)": uptake.decay_reference_at,
        }
    yield from (name for name, value in needed.items() if not value)


def _missing_of_body(uptake: Uptake, references: set[SuvReference]) -> Iterator[str]:
    """What is missing of the patient to be divided by, or to change from one reference to another."""
    if references and not uptake.weight_kg:
        yield POSSIBLE["weight_kg"][2]
    if references - {SuvReference.BODY_WEIGHT} and not uptake.height_cm:
        yield POSSIBLE["height_cm"][2]
    if SuvReference.LEAN_BODY_MASS in references and uptake.sex is None:
        yield "(0010,0040) Patient's Sex, M or F"
