"""The part of the acceptance test that needs images: a phantom off the isocenter in four positions, three table angles.

The middle of the phantom is brought to a known place on the table, no two of its coordinates alike, and stays there
while the table turns about the isocenter. Where it appears in the cone-beam CT is then a closed form, which a wrong
convention, a mirrored axis or a turned position cannot meet (clinical.md 1.2, 1.4).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np

from openigrt.geometry import Float64Array, ImageAxes, PatientPosition, fixed_from_patient_support
from openigrt.machine.acceptance import FULL_TURN_DEG, Judgement, Outcome
from openigrt.machine.machine import CbctConvention

PHANTOM_OFFSET_MM = (10.0, 25.0, -15.0)
PHANTOM_TOLERANCE_MM = 1.0
LEAST_DIFFERENCE_MM = 3.0
POSITIONS = (PatientPosition.HFS, PatientPosition.FFS, PatientPosition.HFP, PatientPosition.FFP)
SUPPORT_ANGLES_DEG = (0.0, 30.0, 330.0)


@dataclass(frozen=True, slots=True)
class PhantomImage:
    """Where the middle of the phantom was seen in the image of one setup: LPS mm as in the file, origin included."""

    position: PatientPosition
    patient_support_angle_deg: float
    seen_mm: tuple[float, float, float]


def phantom_setups() -> tuple[tuple[PatientPosition, float], ...]:
    """Patient position and patient support angle of each image."""
    return tuple(product(POSITIONS, SUPPORT_ANGLES_DEG))


def expected_phantom_mm(
    offset_mm: Sequence[float], position: PatientPosition, patient_support_angle_deg: float, axes: ImageAxes
) -> Float64Array:
    """Where (3,), LPS mm from the isocenter, an image shows what lies at `offset_mm` on the table.

    The offset is lateral, longitudinal, vertical from the isocenter in IEC 61217 axes of the table at a support angle
    of zero. Image axes that turn with the room show it turned with the table; such as turn with the table do not.
    """
    turn = fixed_from_patient_support(patient_support_angle_deg if axes is ImageAxes.ROOM else 0.0)
    return position.table_top_from_lps().T @ turn.rotation @ np.asarray(offset_mm, dtype=np.float64)


def judge_phantom(
    convention: CbctConvention, offset_mm: Sequence[float], images: Sequence[PhantomImage]
) -> tuple[Judgement, ...]:
    """One judgement for each setup: whether the phantom is seen where the convention says."""
    seen = {(image.position, image.patient_support_angle_deg % FULL_TURN_DEG) for image in images}
    failing = [image for image in images if _error_mm(image, convention.axes, offset_mm) > PHANTOM_TOLERANCE_MM]
    why = next(_explanations(convention, offset_mm, images), "look at patient position, couch angle and phantom again")
    missing = [
        Judgement(_named(position, angle_deg), Outcome.INCOMPLETE, f"{_named(position, angle_deg)}: no image.")
        for position, angle_deg in phantom_setups()
        if (position, angle_deg) not in seen
    ]
    return (*(_judgement(image, image in failing, convention, offset_mm, why) for image in images), *missing)


def _judgement(
    image: PhantomImage, is_wrong: bool, convention: CbctConvention, offset_mm: Sequence[float], why: str
) -> Judgement:
    """What is said about one image."""
    named = _named(image.position, image.patient_support_angle_deg)
    if not is_wrong:
        return Judgement(named, Outcome.PASSED, f"{named}: seen where expected, within {PHANTOM_TOLERANCE_MM:g} mm.")
    expected = _in_words(
        expected_phantom_mm(offset_mm, image.position, image.patient_support_angle_deg, convention.axes)
    )
    sentence = f"{named}: seen at {_in_words(image.seen_mm)} mm where {expected} mm was expected: {why}."
    return Judgement(named, Outcome.FAILED, sentence)


def _named(position: PatientPosition, patient_support_angle_deg: float) -> str:
    """An image in a sentence."""
    return f"{position} with the couch at {patient_support_angle_deg:g}°"


def _in_words(point_mm: Sequence[float] | Float64Array) -> str:
    """Coordinates in a sentence."""
    return f"({', '.join(f'{x + 0.0:.1f}' for x in point_mm)})"


def _error_mm(image: PhantomImage, axes: ImageAxes, offset_mm: Sequence[float], sense: float = 1.0) -> float:
    """How far the phantom is seen from where it should be, mm."""
    expected = expected_phantom_mm(offset_mm, image.position, sense * image.patient_support_angle_deg, axes)
    return float(np.linalg.norm(np.asarray(image.seen_mm) - expected))


def _explanations(
    convention: CbctConvention, offset_mm: Sequence[float], images: Sequence[PhantomImage]
) -> Iterator[str]:
    """What explains all images at once, the simplest first."""
    other = ImageAxes.TABLE if convention.axes is ImageAxes.ROOM else ImageAxes.ROOM

    def explains(axes: ImageAxes, sense: float) -> bool:
        return all(_error_mm(image, axes, offset_mm, sense) <= PHANTOM_TOLERANCE_MM for image in images)

    if explains(other, 1.0):
        yield f"the axes of the image turn with the {other} (axes = {other.value!r})"
    if explains(convention.axes, -1.0):
        yield "the couch turns the other way: check the sign of [scales.yaw]"
    shift = [_shift_mm(image, convention.axes, offset_mm) for image in images]
    if len(shift) > 1 and np.ptp(shift, axis=0).max() <= PHANTOM_TOLERANCE_MM:
        away = _in_words(np.mean(shift, axis=0))
        yield (
            f"every image is off by the same {away} mm in {convention.axes} axes (lateral, longitudinal, vertical): "
            "the origin is not the isocenter (origin_is_isocenter = false), or the phantom was not where it should be"
        )


def _shift_mm(image: PhantomImage, axes: ImageAxes, offset_mm: Sequence[float]) -> Float64Array:
    """By how much (3,) the phantom is seen off, in the axes of room or table, as the image has them."""
    expected = expected_phantom_mm(offset_mm, image.position, image.patient_support_angle_deg, axes)
    return image.position.table_top_from_lps() @ (np.asarray(image.seen_mm) - expected)


def is_asymmetric(offset_mm: Sequence[float]) -> bool:
    """Whether the coordinates differ enough, from each other and from zero, that no exchange of axes is missed."""
    sizes_mm = sorted(abs(x) for x in offset_mm)
    return bool(min(sizes_mm[0], *np.diff(sizes_mm)) >= LEAST_DIFFERENCE_MM)
