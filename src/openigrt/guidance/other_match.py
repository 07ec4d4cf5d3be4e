"""Another system's match beside ours: does it agree at the target, and if not, was it written the wrong way round?"""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import ArrayLike

from openigrt.geometry import PatientPosition, RigidTransform
from openigrt.guidance.setup_error import Apart, apart


class Agreement(StrEnum):
    """How another match compares with ours, by the verification tolerance at the target."""

    AGREES = "agrees"
    DIFFERS = "differs"
    EXCHANGED = "exchanged"
    NOT_JUDGED = "not judged"


@dataclass(frozen=True, eq=False, slots=True)
class OtherMatch:
    """Another match, how far it lies from ours as it is written and the wrong way round, and what follows."""

    plan_from_daily: RigidTransform
    apart: Apart
    exchanged: RigidTransform
    apart_exchanged: Apart
    agreement: Agreement


def judge_other_match(
    ours: RigidTransform,
    other: RigidTransform,
    target_points_mm: ArrayLike,
    position: PatientPosition,
    tolerance_mm: float,
) -> OtherMatch:
    """`other` agrees where it puts no point of the target further than the tolerance from where `ours` does.

    Where it does not, its inverse with the frames exchanged may: then source and registered image were exchanged when
    it was written.
    """
    exchanged = with_exchanged_ends(other)
    forward, backward = (apart(ours, t, target_points_mm, position) for t in (other, exchanged))
    if forward.largest_mm <= tolerance_mm:
        agreement = Agreement.AGREES
    else:
        agreement = Agreement.EXCHANGED if backward.largest_mm <= tolerance_mm else Agreement.DIFFERS
    return OtherMatch(other, forward, exchanged, backward, agreement)


def with_exchanged_ends(plan_from_daily: RigidTransform) -> RigidTransform:
    """The same frames joined by the inverse of the matrix: what was meant where source and registered are exchanged."""
    rotation = np.asarray(plan_from_daily.rotation.T)
    shift_mm = -rotation @ plan_from_daily.translation_mm
    return RigidTransform(plan_from_daily.to_frame, plan_from_daily.from_frame, rotation, shift_mm)
