"""The image after a correction: is the patient where the plan wants him, and if not, what went wrong?"""

from collections.abc import Iterator
from dataclasses import dataclass, fields

from openigrt.guidance.setup_error import SetupError

GREW = {"mm": 1.0, "deg": 1.0}
TELLING = {"mm": 2.0, "deg": 1.0}
TELLING_OF_GROWN = {"mm": 1.0, "deg": 1.0}
SHOWN = {"mm": " mm", "deg": "°"}

# What is left on an axis, as a multiple of what was there before the correction.
CAUSES = {
    2: "twice the first error: moved by as much in the wrong direction (a sign error)",
    1: "the first error again: no correction was made",
    -1: "the first error with its sign turned: the correction was made twice",
}


@dataclass(frozen=True, slots=True)
class Verification:
    """What an image after a correction says.

    `residual_mm` is the largest distance of the target's surface from its place; `grew` names the axes on which more is
    left than there was, `causes` are sentences about axes that look as if a correction went wrong.
    """

    residual_mm: float
    tolerance_mm: float
    grew: tuple[str, ...]
    causes: tuple[str, ...]

    @property
    def is_within(self) -> bool:
        """Whether the target is within the verification tolerance."""
        return self.residual_mm <= self.tolerance_mm


def judge_verification(before: SetupError, after: SetupError, residual_mm: float, tolerance_mm: float) -> Verification:
    """The residual against the tolerance, and axis by axis against what was there before.

    An axis has grown by more than 1 mm or 1 degree (clinical.md 8.4). Where it has, or the target is off, an axis tells
    how the correction went if its residual is nearer to 2, 1 or -1 times the first error than to none, and the first
    error was large enough to tell these apart: 2 mm, or 1 mm where it has grown, and 1 degree.
    """
    grew, causes = [], []
    for name, unit, first, left in _axes(before, after):
        has_grown = abs(left) - abs(first) > GREW[unit]
        if has_grown:
            grew.append(name)
        is_telling = abs(first) >= (TELLING_OF_GROWN if has_grown else TELLING)[unit]
        cause = CAUSES.get(round(left / first)) if is_telling else None
        if cause is not None and (has_grown or residual_mm > tolerance_mm):
            shown = SHOWN[unit]
            causes.append(f"{name}: {first:+z.1f}{shown} before, {left:+z.1f}{shown} after, {cause}.")
    return Verification(residual_mm, tolerance_mm, tuple(grew), tuple(causes))


def _axes(before: SetupError, after: SetupError) -> Iterator[tuple[str, str, float, float]]:
    """Name, unit, first and second value of each axis."""
    for field, first, left in zip(fields(SetupError), before.values, after.values, strict=True):
        name, _, unit = field.name.rpartition("_")
        yield name, unit, first, left
