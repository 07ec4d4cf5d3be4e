"""What is doubtful about the angles at which the projections of a scan were taken."""

import numpy as np

from openigrt.geometry import Float64Array, Trajectory

SAME_ANGLE_DEG = 0.01  # finer than any gantry is read; closer angles are one place
TURNED_BACK_DEG = 0.1
LEAST_GAP_DEG = 1.0
GAP_IN_STEPS = 3.0
HALF_TURN_DEG = 180.0


def doubts_about_arc(trajectory: Trajectory) -> tuple[str, ...]:
    """A sentence each for repeated angles, gaps and turns back; projections are in the order in which they were taken.

    A gap is a step of over 1 degree and over three times the usual one. Reconstruction refuses only what is far wider.
    """
    angles = trajectory.source_angles_deg()
    if len(angles) < 2:
        return ("The scan has one projection only.",)
    steps = np.mod(np.diff(angles) + HALF_TURN_DEG, 2.0 * HALF_TURN_DEG) - HALF_TURN_DEG
    return (*_repeats(steps), *_gaps(angles, steps), *_turns_back(steps))


def _repeats(steps: Float64Array) -> tuple[str, ...]:
    """Projections at the angle of the one before."""
    count = int((np.abs(steps) < SAME_ANGLE_DEG).sum())
    return (f"{count} projections repeat the angle of the one before.",) if count else ()


def _gaps(angles: Float64Array, steps: Float64Array) -> tuple[str, ...]:
    """Steps that are far larger than the others."""
    sizes = np.abs(steps)
    usual = float(np.median(sizes[sizes >= SAME_ANGLE_DEG])) if (sizes >= SAME_ANGLE_DEG).any() else 0.0
    wide = np.flatnonzero(sizes > max(GAP_IN_STEPS * usual, LEAST_GAP_DEG))
    if not len(wide):
        return ()
    largest = int(wide[sizes[wide].argmax()])
    return (
        f"{len(wide)} gaps in the arc, where projections are {usual:.2g} degrees apart; the largest is "
        f"{sizes[largest]:.1f} degrees, from {angles[largest]:.1f} to {angles[largest + 1]:.1f}.",
    )


def _turns_back(steps: Float64Array) -> tuple[str, ...]:
    """Changes of the direction of rotation."""
    moving = np.sign(steps[np.abs(steps) > TURNED_BACK_DEG])
    count = int((np.diff(moving) != 0.0).sum())
    return (f"The direction of rotation changes {count} times.",) if count else ()
