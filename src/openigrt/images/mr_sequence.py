"""How an MR image was made, as far as its contrast and its geometry depend on it."""

from dataclasses import dataclass
from enum import StrEnum

from openigrt.errors import InputError


class Echo(StrEnum):
    """What refocuses the signal; DICOM's words (PS3.3 C.8.3.1, Scanning Sequence)."""

    SPIN = "SE"
    GRADIENT = "GR"


@dataclass(frozen=True, slots=True)
class MrSequence:
    """A spin echo, or a spoiled gradient echo, at a field strength in tesla.

    `bandwidth_hz` is that of one pixel, along the rows of the image unless it `reads_columns`. Raises InputError for
    times, angles or fields that no sequence has.
    """

    echo: Echo
    repetition_time_ms: float
    echo_time_ms: float
    flip_angle_deg: float = 90.0
    field_strength_tesla: float = 3.0
    bandwidth_hz: float = 500.0
    echo_train: int = 1
    reads_columns: bool = False

    def __post_init__(self) -> None:
        """Check what the signal is computed from."""
        is_possible = (
            0.0 < self.echo_time_ms < self.repetition_time_ms
            and 0.0 < self.flip_angle_deg <= 180.0
            and self.field_strength_tesla > 0.0
            and self.bandwidth_hz > 0.0
            and self.echo_train >= 1
        )
        if not is_possible:
            raise InputError(
                f"A sequence has 0 < TE < TR, a flip angle of 0 to 180 degrees, and field and bandwidth above zero; "
                f"found {self}."
            )
