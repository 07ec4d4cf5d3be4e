"""From match, plan, protocol, machine and couch pose to a correction and a decision: one pure function."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from openigrt.geometry import (
    CouchPose,
    DegreesOfFreedom,
    Float64Array,
    ImageAxes,
    Pivot,
    RigidTransform,
    TableAngles,
    nearest_motion,
    pose_after_motion,
    residual_vectors_mm,
    root_mean_square_mm,
)
from openigrt.guidance.alignment import Alignment
from openigrt.guidance.couch_change import change_by_axis, couch_change, motion_of_change, rounded_change
from openigrt.guidance.decision import (
    Cause,
    decide,
    machine_causes,
    outcome_causes,
    size_causes,
    trust_causes,
)
from openigrt.guidance.protocol import Protocol
from openigrt.guidance.required_motion import RequiredMotion, required_motion
from openigrt.guidance.table_turn import table_turn_causes
from openigrt.guidance.words import NOT_TURNED_DEG
from openigrt.machine import LINEAR_AXES, Couch, CouchAxis, Machine, axis_positions
from openigrt.patient import Action, Correction, CouchCommand, CouchMove, Match, Residual, Surrogate, Target, Verdict


def decide_correction(
    match: Match,
    surrogate: Surrogate,
    alignment: Alignment,
    target: Target,
    *,
    organs: Mapping[str, Float64Array],
    protocol: Protocol,
    machine: Machine,
    degrees_of_freedom: DegreesOfFreedom | None = None,
    questions: Sequence[str] = (),
) -> Correction:
    """What the couch shall do about a match, what that leaves at the target and at each organ, and the decision.

    The target and the `organs` (points (n, 3) by name) are LPS mm of the plan. The couch makes the best motion within
    `degrees_of_freedom` (none: the machine's), rounded to the machine's resolution; residuals are of the rounded move.
    Without a couch pose the move is about the isocenter, for a couch at zero angles, and positions are not checked
    against limits; `remarks` say so. Every rule that calls a person adds its sentence to `reasons`; so do `questions`,
    sentences about the input that a person must answer first. A refused match says nothing about the patient: then
    there is no move, setup error or residual, and no other rule has a say.
    """
    couch, degrees = machine.couch, degrees_of_freedom or machine.couch.degrees_of_freedom
    causes = [*trust_causes(match, surrogate), *(Cause(question, forbids_move=True) for question in questions)]
    if match.trust.verdict is Verdict.REFUSED:
        return _no_correction(causes, alignment, degrees)
    required = required_motion(match, alignment, target)
    best = _best_move(required, target, alignment.start, couch, degrees)
    position_is_known = alignment.start is not None
    limits_exceeded = _limits_exceeded(couch, best.rounded, best.end, position_is_known=position_is_known)
    surfaces = {target.name: target.points_mm} | {n: points for n, points in organs.items() if n != target.name}
    residuals = tuple(_residual(name, points, required, best.made) for name, points in surfaces.items())
    causes += [
        *table_turn_causes(match, alignment, protocol),
        *size_causes(required, alignment, protocol),
        *machine_causes(limits_exceeded),
        *outcome_causes(required, residuals[0], alignment, protocol),
    ]
    caveats = tuple(_caveats(alignment, machine, degrees))
    decision = decide(causes, required, best.rounded, protocol, caveats=caveats)
    return Correction(
        couch=best.rounded.command(degrees),
        couch_exact=best.exact.command(degrees),
        degrees_of_freedom=int(degrees),
        about=best.about,
        start=alignment.start,
        target_pose=best.end if position_is_known else None,
        console_translation=_plain_translation(required),
        setup_error_mm=np.asarray(-required.rotation_lps.T @ required.shift_mm),
        setup_rotation=_setup_rotation(required, alignment),
        residuals=residuals,
        limits_exceeded=limits_exceeded,
        action=decision.action,
        is_recommended=decision.is_recommended,
        reasons=decision.reasons,
        native_couch=couch.native_readout(best.end) if position_is_known else {},
        remarks=decision.remarks,
    )


def _no_correction(causes: Sequence[Cause], alignment: Alignment, degrees: DegreesOfFreedom) -> Correction:
    """What follows from a match that must not be used: a person is called, and nothing is known."""
    none = CouchCommand.none()
    return Correction(
        couch=none,
        couch_exact=none,
        degrees_of_freedom=int(degrees),
        about=Pivot.ISOCENTER,
        start=alignment.start,
        target_pose=None,
        console_translation=none,
        setup_error_mm=np.full(3, np.nan),
        setup_rotation=TableAngles(np.nan, np.nan, np.nan),
        residuals=(),
        limits_exceeded=(),
        action=Action.CALL,
        is_recommended=False,
        reasons=tuple(cause.sentence for cause in causes),
        native_couch={},
    )


@dataclass(frozen=True, eq=False, slots=True)
class _BestMove:
    """A change of the couch axes `about` a pivot, exact and rounded.

    The motion that is `made` and the pose in the `end` are those of the rounded change.
    """

    about: Pivot
    exact: CouchMove
    rounded: CouchMove
    made: RigidTransform
    end: CouchPose


def _best_move(
    required: RequiredMotion, target: Target, known_start: CouchPose | None, couch: Couch, degrees: DegreesOfFreedom
) -> _BestMove:
    """The move within `degrees` that brings the target nearest to the plan; about the isocenter from no known pose."""
    start = known_start or CouchPose()
    about = couch.pivot if known_start else Pivot.ISOCENTER
    best = nearest_motion(required.motion, degrees, required.fixed_from_plan.points(target.points_mm), start=start)
    exact = couch_change(best, start, about)
    rounded = rounded_change(exact, couch)
    made = motion_of_change(rounded, start, about)
    return _BestMove(about, exact, rounded, made, pose_after_motion(made, start))


def _limits_exceeded(couch: Couch, move: CouchMove, end: CouchPose, *, position_is_known: bool) -> tuple[str, ...]:
    """Sentences for every limit that a move or its end exceeds; only angles where the position is not known."""
    standing = axis_positions(end)
    known = {axis: value for axis, value in standing.items() if position_is_known or axis not in LINEAR_AXES}
    return couch.exceeded_by_change(change_by_axis(move)) + couch.exceeded_by_positions(known)


def _residual(name: str, points_mm: Float64Array, required: RequiredMotion, made: RigidTransform) -> Residual:
    """What a motion leaves at one surface, points (n, 3) in LPS of the plan."""
    left = residual_vectors_mm(required.motion, made, required.fixed_from_plan.points(points_mm))
    return Residual(name, float(np.linalg.norm(left, axis=1).max()), root_mean_square_mm(left))


def _plain_translation(required: RequiredMotion) -> CouchCommand:
    """The travel of the isocenter along the table axes, without any turn."""
    lateral, longitudinal, vertical = (float(x) for x in required.isocenter_travel_mm)
    return CouchCommand(lateral, longitudinal, vertical, None, None, None)


def _setup_rotation(required: RequiredMotion, alignment: Alignment) -> TableAngles:
    """How the patient is turned, as angles in table axes: the opposite of the match."""
    table_top_from_lps = alignment.patient_position.table_top_from_lps()
    return TableAngles.from_matrix(table_top_from_lps @ required.rotation_lps.T @ table_top_from_lps.T)


def _caveats(alignment: Alignment, machine: Machine, degrees: DegreesOfFreedom) -> Iterator[str]:
    """What the numbers rest on where something is not known, and what they hold besides the patient's own setup."""
    limits = machine.couch.limits
    if alignment.start is None:
        yield "The couch pose is not known: the move is about the isocenter, for a couch at zero angles."
        if any(axis in limits for axis in LINEAR_AXES):
            yield "The positions of the couch were not checked against the limits of the machine."
        return
    turned_deg = alignment.table_turn_deg
    if alignment.image_axes is ImageAxes.ROOM and turned_deg >= NOT_TURNED_DEG:
        yield (
            f"The image is in room axes: setup error and move hold the turn of the table, {turned_deg:.1f}° by the "
            "couch pose, and the move leads to a straight table."
        )
    if unlimited := [axis for axis in tuple(CouchAxis)[:degrees] if axis not in limits]:
        yield (
            f"Whether the couch can stand at the target pose was not checked for {', '.join(unlimited)}: the machine "
            f"file {machine.name!r} has no limits there."
        )
