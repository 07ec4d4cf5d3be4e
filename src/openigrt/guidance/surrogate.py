"""Whether the region that was matched may stand for the target."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from scipy.spatial import ConvexHull

from openigrt.geometry import Float64Array
from openigrt.patient import Match, Surrogate, Target, Verdict

OUTSIDE_MM = 5.0


def judge_surrogate(match: Match, others: Sequence[Match], target: Target, limit_mm: float) -> Surrogate:
    """Compare where the matches of other regions put the target with where `match` puts it.

    The difference is the largest distance over the target surface. A trusted match of another region always counts. One
    that needs a look counts against the surrogate when it is surer of itself than the difference is large, and for it
    when it is sure to within `limit_mm`; a refused one says nothing. One that counts against refuses the surrogate; at
    least one for and none against makes it trusted where the match itself is; otherwise a person must look. Raises
    FrameMismatch when the matches are not of the same two images. From a refused match nothing is measured.
    """
    if match.trust.verdict is Verdict.REFUSED:
        reason = f"The match on {match.region} is refused, so it stands for nothing."
        return Surrogate(Verdict.REFUSED, match.region, {}, limit_mm, (reason,))
    compared = [(other, _difference_mm(match, other, target)) for other in others if other.region != match.region]
    against = [(o, d) for o, d in compared if d > limit_mm and _counts(o, d)]
    agreeing = [(o, d) for o, d in compared if d <= limit_mm and _counts(o, limit_mm)]
    if against:
        verdict, reasons = Verdict.REFUSED, [_disagreement(match, o, d, limit_mm) for o, d in against]
    elif match.trust.verdict is not Verdict.TRUSTED:
        verdict, reasons = Verdict.LOOK, [f"The match on {match.region} is not trusted itself."]
    elif agreeing:
        verdict = Verdict.TRUSTED
        reasons = [
            f"The matches on {o.region} and {match.region} agree to {d:.1f} mm at the target." for o, d in agreeing
        ]
    else:
        verdict = Verdict.LOOK
        reasons = [f"No other region could be judged, so only {match.region} says where the target is."]
    silent = [(o, d) for o, d in compared if (o, d) not in against and (o, d) not in agreeing]
    reasons += [_silence(o, d) for o, d in silent]
    return Surrogate(
        verdict=verdict,
        region=match.region,
        differences_mm={other.region: difference for other, difference in compared},
        limit_mm=limit_mm,
        reasons=tuple(reasons),
    )


def stands_for_itself(points_mm: Float64Array, target: Target) -> bool:
    """Whether markers (n, 3), LPS mm of the plan, lie in the target, none more than 5 mm outside of its convex hull."""
    if np.linalg.matrix_rank(target.points_mm - target.points_mm.mean(axis=0), tol=1e-6) < points_mm.shape[1]:
        return False
    faces = ConvexHull(target.points_mm).equations
    outside_mm = points_mm @ faces[:, :3].T + faces[:, 3]
    return bool(outside_mm.max() <= OUTSIDE_MM)


def judge_markers(match: Match, others: Sequence[Match], target: Target, limit_mm: float) -> Surrogate:
    """Markers in the target (`stands_for_itself`) say where it is; others only whether that can be so.

    A target moves against the bones, so a match of another region refuses only where it puts the target farther away
    than any organ goes: `limit_mm`, the guard of the protocol. From a refused match nothing is measured.
    """
    judged = judge_surrogate(match, others, target, limit_mm)
    if judged.verdict is Verdict.REFUSED:
        return judged
    is_trusted = match.trust.verdict is Verdict.TRUSTED
    reason = (
        "The markers lie in the target, so they stand for it: it moves against the bones."
        if is_trusted
        else (f"The match on {match.region} is not trusted itself.")
    )
    moved = tuple(
        f"The match on {other.region} puts the target {judged.differences_mm[other.region]:.1f} mm from there."
        for other in others
        if other.region in judged.differences_mm and other.trust.verdict is not Verdict.REFUSED
    )
    return replace(judged, verdict=Verdict.TRUSTED if is_trusted else Verdict.LOOK, reasons=(reason, *moved))


def _difference_mm(match: Match, other: Match, target: Target) -> float:
    """Largest distance over the target surface between where two matches put it, mm."""
    other_from_match = other.plan_from_daily @ match.plan_from_daily.inverse()
    moved = other_from_match.points(target.points_mm)
    return float(np.linalg.norm(moved - target.points_mm, axis=1).max())


def _counts(other: Match, needed_mm: float) -> bool:
    """Whether a match is trusted, or needs a look and is sure of itself to within `needed_mm`."""
    verdict = other.trust.verdict
    return verdict is Verdict.TRUSTED or (verdict is Verdict.LOOK and other.trust.predicted_error_mm <= needed_mm)


def _silence(other: Match, difference_mm: float) -> str:
    """The sentence for a match that counts neither for nor against; a refused one has no place to be away from."""
    if other.trust.verdict is Verdict.REFUSED:
        return f"The match on {other.region} is refused and says nothing."
    return f"The match on {other.region} is too unsure to count ({difference_mm:.1f} mm away, {other.trust.verdict})."


def _disagreement(match: Match, other: Match, difference_mm: float, limit_mm: float) -> str:
    """The sentence for two regions that put the target in different places."""
    return (
        f"The match on {other.region} puts the target {difference_mm:.1f} mm from where the match on {match.region} "
        f"does; the limit is {limit_mm:g} mm."
    )
