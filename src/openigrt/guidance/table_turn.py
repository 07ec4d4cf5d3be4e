"""Whether the couch pose and the image of the day tell the same story about the turn of the table (clinical.md 1.4)."""

from collections.abc import Iterator

import numpy as np

from openigrt.geometry import Float64Array, ImageAxes, TableAngles, rotation_angle_deg
from openigrt.guidance.alignment import Alignment
from openigrt.guidance.decision import Cause
from openigrt.guidance.protocol import Protocol
from openigrt.patient import Match

# Patients lie a degree or two askew on the table; only a larger preference for the other axes tells something.
TELLING_DEG = 2.0


def likely_turns(alignment: Alignment) -> tuple[Float64Array, ...]:
    """Rotations (3, 3), plan from daily, that the image of an exactly set-up patient may show.

    None, and on a turned table the turn of the table and its opposite as well. All are looked for whatever the axes of
    the image are said to be: pose, its sign or axes may be wrong, and that must come to light.
    """
    straight = np.eye(3)
    if alignment.table_turn_deg < TELLING_DEG:
        return (straight,)
    axes = alignment.patient_position.table_top_from_lps()
    turned = axes.T @ alignment.table_rotation.T @ axes
    return straight, turned, turned.T


def table_turn_causes(match: Match, alignment: Alignment, protocol: Protocol) -> Iterator[Cause]:
    """A couch pose and an image of which one must be wrong about how far the table was turned.

    In room axes the image shows the patient turned with the table, in table axes it does not. A patient who by the axes
    that are assumed lies more than 2 degrees further askew on the table than by the other ones is questioned, and so is
    a patient who in room axes is turned beyond the guard while the table is said to stand straight.
    """
    axes = alignment.patient_position.table_top_from_lps()
    shown = axes @ match.plan_from_daily.rotation.T @ axes.T
    table = alignment.table_rotation
    table_deg, shown_deg = alignment.table_turn_deg, rotation_angle_deg(shown)
    by_room_deg, by_table_deg = rotation_angle_deg(table.T @ shown), shown_deg
    is_room = alignment.image_axes is ImageAxes.ROOM
    assumed_deg, other_deg = (by_room_deg, by_table_deg) if is_room else (by_table_deg, by_room_deg)
    if assumed_deg > other_deg + TELLING_DEG:
        yield Cause(_contradiction(table, shown, is_room), forbids_move=True)
    elif is_room and shown_deg > protocol.max_angle_deg and table_deg < TELLING_DEG:
        yield Cause(_unexplained(shown, alignment), forbids_move=True)


def _contradiction(table: Float64Array, shown: Float64Array, is_room: bool) -> str:
    """The sentence for a pose and an image that contradict each other."""
    axes, expected = (ImageAxes.ROOM, "turned just so") if is_room else (ImageAxes.TABLE, "straight")
    return (
        f"The couch pose says that the table was turned by {_turn(table)}; the image is taken to be in {axes} axes, "
        f"where the patient would look {expected}; but the image shows the patient turned by {_turn(shown)}. "
        "Check --couch-pose and its sign, and the axes of the image (room or table: [[cbct]] of the machine file): one "
        "of them is wrong, and the move with it."
    )


def _unexplained(shown: Float64Array, alignment: Alignment) -> str:
    """The sentence for a turned patient on a table that is said, or taken, to stand straight."""
    said = "no couch pose was given" if alignment.start is None else "the couch pose says that the table stood straight"
    return (
        f"The image shows the patient turned by {_turn(shown)} in the room, and {said}. If the table was turned for "
        "the image, say so with --couch-pose."
    )


def _turn(rotation: Float64Array) -> str:
    """A rotation (3, 3) in words: its angle, and which way it turns about the vertical axis."""
    yaw_deg = round(TableAngles.from_matrix(rotation).yaw_deg, 1) + 0.0
    return f"{rotation_angle_deg(rotation):.1f}° (yaw {yaw_deg:+.1f}°)"
