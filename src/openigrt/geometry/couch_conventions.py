"""What couches and images differ in, and machine files state: the pivot of a couch, the axes of an image."""

from enum import StrEnum


class ImageAxes(StrEnum):
    """What the axes of a daily image turn with (clinical.md 1.4): the room, or the table with the patient."""

    ROOM = "room"
    TABLE = "table"


class Pivot(StrEnum):
    """What a couch turns about when it pitches, rolls or yaws on command."""

    ISOCENTER = "isocenter"
    TABLE_TOP_ORIGIN = "table_top_origin"
