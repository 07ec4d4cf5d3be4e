"""Setup errors of a population: what stays the same for a patient, and what differs from day to day."""

from dataclasses import dataclass

import numpy as np

from openigrt.geometry import Float64Array, Frame, RigidTransform, TableAngles

Triple = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class SetupError:
    """How far a patient lies from where the plan wants him, before any correction.

    Shift of the isocenter and turn about it, in the room (IEC 61217 fixed axes: x, y, z in mm; yaw, pitch, roll in
    degrees in the order Rz Rx Ry).
    """

    shift_mm: Triple = (0.0, 0.0, 0.0)
    yaw_pitch_roll_deg: Triple = (0.0, 0.0, 0.0)

    def motion(self) -> RigidTransform:
        """The motion of the room that carries the patient from his planned place to where he lies."""
        turn = TableAngles(*self.yaw_pitch_roll_deg).matrix()
        return RigidTransform(Frame.FIXED, Frame.FIXED, turn, np.array(self.shift_mm))


AS_PLANNED = SetupError()


@dataclass(frozen=True, slots=True)
class SetupPopulation:
    """One standard deviation along x, y, z of the room: between patients (Σ) and from day to day (σ).

    Rotations have the same about each axis. Typical figures: clinical defaults, `setup_population_mm`.
    """

    systematic_mm: Triple
    random_mm: Triple
    systematic_deg: float
    random_deg: float

    def of_patient(self, rng: np.random.Generator) -> SetupError:
        """What all days of a patient have in common."""
        return _drawn(rng, np.zeros(6), self.systematic_mm, self.systematic_deg)

    def of_day(self, rng: np.random.Generator, mean: SetupError) -> SetupError:
        """One day of a patient."""
        return _drawn(rng, np.array([*mean.shift_mm, *mean.yaw_pitch_roll_deg]), self.random_mm, self.random_deg)


BODY_SETUP = SetupPopulation((2.5, 2.5, 2.5), (2.5, 2.5, 2.5), 1.0, 1.1)
MASK_SETUP = SetupPopulation((1.5, 1.5, 1.5), (1.8, 1.8, 1.8), 0.8, 0.9)
FRAME_SETUP = SetupPopulation((0.4, 0.4, 0.4), (0.3, 0.3, 0.4), 0.2, 0.2)


def _drawn(rng: np.random.Generator, mean: Float64Array, deviation_mm: Triple, deviation_deg: float) -> SetupError:
    """Six numbers round a mean."""
    drawn = [float(v) for v in mean + np.array([*deviation_mm, *(deviation_deg,) * 3]) * rng.standard_normal(6)]
    return SetupError((drawn[0], drawn[1], drawn[2]), (drawn[3], drawn[4], drawn[5]))
