"""Samples of a motion monitor: where what it watches lay, at one moment."""

from dataclasses import dataclass

from openigrt.geometry import Frame, RigidTransform


@dataclass(frozen=True, slots=True)
class MotionSample:
    """One look at something that is watched: a target, transponders, a surface.

    `at_s` is when it was measured, on the clock of the machine. `motion` (fixed to fixed) carries what is watched from
    where it was planned to where it lay, and turns nothing where the device measures positions only; None where the
    device looked and could not tell: that is no news, and never the same as no motion.
    """

    at_s: float
    motion: RigidTransform | None

    def __post_init__(self) -> None:
        """Check that the motion is one of the room; raises FrameMismatch."""
        if self.motion is not None:
            self.motion.require_frames(Frame.FIXED, Frame.FIXED, "A sample of a motion monitor")
