"""The rules that call a person, each as a sentence with its numbers, and the decision that they lead to."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from openigrt.geometry import ImageAxes
from openigrt.guidance.alignment import Alignment
from openigrt.guidance.protocol import Protocol
from openigrt.guidance.required_motion import RequiredMotion
from openigrt.guidance.words import NOT_TURNED_DEG
from openigrt.patient import Action, CouchMove, Match, Residual, Surrogate, Verdict


@dataclass(frozen=True, slots=True)
class Cause:
    """Why a person is called; `forbids_move` when not even a move for that person to approve may be proposed."""

    sentence: str
    forbids_move: bool


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do, whether the couch move is proposed to whoever decides, what led to it, and what else to know."""

    action: Action
    is_recommended: bool
    reasons: tuple[str, ...]
    remarks: tuple[str, ...] = ()


def decide(
    causes: Sequence[Cause],
    required: RequiredMotion,
    couch: CouchMove,
    protocol: Protocol,
    *,
    caveats: Sequence[str] = (),
) -> Decision:
    """Call when there is a cause; else correct above the action level on any axis; else leave.

    A move that rounds to nothing is left. A recommended move of a called person is one that the person may approve. The
    `caveats` are remarks about what the move rests on.
    """
    needed = required.largest_axis_mm > protocol.action_level_mm
    moves = couch != CouchMove(0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
    is_due = needed and moves
    level = (
        f"The largest travel along one axis, of the isocenter or the middle of the target, is "
        f"{required.largest_axis_mm:.1f} mm, "
        f"{'above' if needed else 'not above'} the action level of {protocol.action_level_mm:g} mm "
        f"(protocol {protocol.name}){'' if moves or not needed else ', but rounds to no move of the couch'}."
    )
    remarks = tuple(caveats)
    if causes:
        proposed = is_due and not any(cause.forbids_move for cause in causes)
        return Decision(Action.CALL, proposed, tuple(cause.sentence for cause in causes), (level, *remarks))
    if is_due:
        return Decision(Action.CORRECT, True, (level,), remarks)
    return Decision(Action.LEAVE, False, (level, *_turn_that_is_left(required, protocol)), remarks)


def _turn_that_is_left(required: RequiredMotion, protocol: Protocol) -> Iterator[str]:
    """Why a patient who is turned is left, where he is."""
    if required.largest_angle_deg < NOT_TURNED_DEG:
        return
    limit_deg = protocol.rotation_limit_deg
    within = "there is no rotation limit" if limit_deg is None else f"the rotation limit is {limit_deg:g}°"
    yield (
        f"The patient is turned by {required.largest_angle_deg:.1f}° about one axis, which alone moves the surface of "
        f"the target by up to {required.target_turn_mm:.1f} mm; the turn is left as well: only a shift above the "
        f"action level starts a correction, and {within} (protocol {protocol.name})."
    )


def trust_causes(match: Match, surrogate: Surrogate) -> Iterator[Cause]:
    """A match or a surrogate that is not trusted; from a refused match the other regions have no distance."""
    if match.trust.verdict is Verdict.REFUSED:
        yield _doubt(f"The match on {match.region} is refused.", match.trust.reasons)
        return
    if match.trust.verdict is Verdict.LOOK:
        yield _doubt(f"The match on {match.region} needs a look.", match.trust.reasons)
    if surrogate.verdict is Verdict.REFUSED:
        yield _doubt("The regions disagree, so no couch move is recommended.", surrogate.reasons)
    elif surrogate.verdict is Verdict.LOOK:
        yield _doubt(f"Whether {match.region} may stand for the target needs a look.", surrogate.reasons)


def _doubt(sentence: str, reasons: Sequence[str]) -> Cause:
    """A cause that forbids any move, followed by the reasons of a verdict."""
    return Cause(" ".join((sentence, *reasons)), forbids_move=True)


def size_causes(required: RequiredMotion, alignment: Alignment, protocol: Protocol) -> Iterator[Cause]:
    """A correction above the call level, the rotation limit, or a guard."""
    length_mm, angle_deg = required.length_mm, required.largest_angle_deg
    if length_mm > protocol.max_shift_mm or angle_deg > protocol.max_angle_deg:
        yield Cause(
            f"The patient is {length_mm:.1f} mm and {angle_deg:.1f}° off, beyond the guard of "
            f"{protocol.max_shift_mm:g} mm or {protocol.max_angle_deg:g}°: {_beyond_the_guard(alignment, protocol)}",
            forbids_move=True,
        )
    if length_mm > protocol.call_level_mm:
        yield Cause(
            f"The correction is {length_mm:.1f} mm long, above the call level of {protocol.call_level_mm:g} mm "
            f"(protocol {protocol.name}).",
            forbids_move=False,
        )
    if protocol.rotation_limit_deg is not None and angle_deg > protocol.rotation_limit_deg:
        yield Cause(
            f"The patient is turned by {angle_deg:.1f}° about one axis, above the rotation limit of "
            f"{protocol.rotation_limit_deg:g}° (protocol {protocol.name}).",
            forbids_move=False,
        )


def _beyond_the_guard(alignment: Alignment, protocol: Protocol) -> str:
    """What a motion beyond the guard is, and what to do; a table known to be turned is no fault of the setup."""
    turned_deg = alignment.table_turn_deg
    if alignment.image_axes is ImageAxes.ROOM and turned_deg > protocol.max_angle_deg:
        return (
            f"this is no correction. The table was turned by {turned_deg:.1f}° for the image, which is in room axes: "
            "turn the table straight and image again."
        )
    return "this is a setup that failed, not a correction. Set the patient up again."


def machine_causes(limits_exceeded: Sequence[str]) -> Iterator[Cause]:
    """A move that the machine cannot make."""
    for sentence in limits_exceeded:
        yield Cause(f"The machine cannot make this move: {sentence}.", forbids_move=True)


def outcome_causes(
    required: RequiredMotion, target_residual: Residual, alignment: Alignment, protocol: Protocol
) -> Iterator[Cause]:
    """A needed correction that would not reach the tolerance, and any result that nobody can place in the room."""
    needed = required.largest_axis_mm > protocol.action_level_mm
    if needed and target_residual.max_mm > protocol.verification_tolerance_mm:
        yield Cause(
            f"After the move the surface of {target_residual.structure} would still be up to "
            f"{target_residual.max_mm:.1f} mm off, more than the {protocol.verification_tolerance_mm:g} mm of "
            f"verification (protocol {protocol.name}).",
            forbids_move=False,
        )
    if not alignment.gives_couch_move:
        yield Cause(
            f"The result is {alignment.rule}. Give the machine isocenter with --daily-isocenter to learn how far off "
            "the patient is.",
            forbids_move=True,
        )
