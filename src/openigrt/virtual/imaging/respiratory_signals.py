"""Respiratory signals of a virtual patient: a marker on his skin that a camera watches, and a belt round his belly.

Both follow the skin where breathing moves it, earlier or later than the organs inside, with a drift of their own.
"""

from dataclasses import dataclass

import numpy as np
from scipy.interpolate import CubicSpline

from openigrt.errors import InputError
from openigrt.geometry import Float64Array, Frame, RigidTransform
from openigrt.motion import AmplitudeUnit, BreathingTrace
from openigrt.virtual.imaging.surface_cameras import true_hits
from openigrt.virtual.linac.patient_on_couch import PatientOnCouch
from openigrt.virtual.patients.patient import VirtualPatient

KNOTS_PER_S = 8.0  # the skin moves smoothly: between, by splines
ABOVE_MM = 1000.0
FEWEST_TIMES = 2


@dataclass(frozen=True, slots=True)
class MarkerSignal:
    """A marker block on the skin of the front, `aside_mm` and `up_mm` (to the left, to the head) from the isocenter.

    Amplitude is its height in the room, mm. It follows the organs by `lag_s` (below zero: it leads), as external to
    internal motion did by -0.65 to 0.50 s in 11 patients (Hoisak et al., Int J Radiat Oncol Biol Phys 60, 2004); it
    drifts by `drift_mm_per_min` more than the skin does (the block slides, clothes settle), and has noise of one
    standard deviation.
    """

    rate_hz: float = 30.0
    aside_mm: float = 0.0
    up_mm: float = 0.0
    lag_s: float = 0.15
    noise_mm: float = 0.1
    drift_mm_per_min: float = 0.0

    def __post_init__(self) -> None:
        """Raise InputError for a signal that is never looked at."""
        if not (self.rate_hz > 0.0 and self.noise_mm >= 0.0):
            raise InputError(f"A respiratory signal needs a rate above zero, and noise of 0 or more; found {self}.")


@dataclass(frozen=True, slots=True)
class BeltSignal:
    """A belt `up_mm` from the isocenter; it reads `at_rest`, and `gain_per_mm` more for its stretch.

    Its stretch is the mean way forward of skin from side to side of the front, wherever he lies. It is read in steps of
    1, clipped at `largest`, and slackens by `slack_share_per_min` of what it reads.
    """

    rate_hz: float = 25.0
    up_mm: float = 0.0
    half_width_mm: float = 90.0
    lag_s: float = 0.15
    gain_per_mm: float = 150.0
    at_rest: float = 800.0
    largest: float = 4095.0
    noise: float = 3.0
    slack_share_per_min: float = 0.01

    def __post_init__(self) -> None:
        """Raise InputError for a belt that is never read."""
        if not (self.rate_hz > 0.0 and self.half_width_mm > 0.0 and self.noise >= 0.0):
            raise InputError(f"A belt needs a rate and a width above zero, and noise of 0 or more; found {self}.")


def marker_trace(
    lying: PatientOnCouch,
    from_s: float,
    until_s: float,
    rng: np.random.Generator,
    signal: MarkerSignal = MarkerSignal(),
) -> BreathingTrace:
    """The marker's height in the room over time on the linac's clock, from where the plan has that skin."""
    times_s = _times(from_s, until_s, signal.rate_hz)
    skin_mm = front_skin_mm(lying.patient, np.array([[signal.aside_mm, signal.up_mm]]))
    within_mm = _breathed_mm(lying, skin_mm, times_s - signal.lag_s)[:, 0]
    rooms = (lying.fixed_from_plan(t).points(now)[2] for t, now in zip(times_s, within_mm, strict=True))
    planned_mm = lying.planned_place(lying.setup_couch).points(skin_mm[0])[2]
    height_mm = np.fromiter(rooms, np.float64, len(times_s)) - planned_mm
    drift_mm = signal.drift_mm_per_min * (times_s - from_s) / 60.0
    noise_mm = signal.noise_mm * rng.standard_normal(len(times_s))
    return BreathingTrace(times_s, height_mm + drift_mm + noise_mm, AmplitudeUnit.MM)


def belt_trace(
    lying: PatientOnCouch, from_s: float, until_s: float, rng: np.random.Generator, signal: BeltSignal = BeltSignal()
) -> BreathingTrace:
    """What the belt reads over time on the linac's clock."""
    times_s = _times(from_s, until_s, signal.rate_hz)
    across_mm = np.linspace(-signal.half_width_mm, signal.half_width_mm, 5)
    skin_mm = front_skin_mm(lying.patient, np.column_stack([across_mm, np.full(5, signal.up_mm)]))
    forward_mm = skin_mm[:, 1] - _breathed_mm(lying, skin_mm, times_s - signal.lag_s)[..., 1]
    stretch_mm = forward_mm.mean(axis=1)
    slack = 1.0 - signal.slack_share_per_min * (times_s - from_s) / 60.0
    read = (signal.at_rest + signal.gain_per_mm * stretch_mm) * slack
    noisy = np.rint(read + signal.noise * rng.standard_normal(len(times_s)))
    return BreathingTrace(times_s, np.clip(noisy, 0.0, signal.largest), AmplitudeUnit.OWN)


def front_skin_mm(patient: VirtualPatient, aside_and_up_mm: Float64Array) -> Float64Array:
    """Points (n, 3) of the planned skin over places (n, 2), mm to his left and to his head from the isocenter.

    In the frame of the plan; raises InputError where no skin is in front of a place.
    """
    anatomy = patient.at(patient.planned)
    plan = anatomy.frame
    as_room = RigidTransform(Frame.FIXED, plan, np.array([[1.0, 0, 0], [0, 0, 1.0], [0, -1.0, 0]]), np.zeros(3))
    upright = RigidTransform(Frame.FIXED, Frame.FIXED, np.eye(3), -as_room.points(patient.isocenter_mm)) @ as_room
    found = []
    for aside_mm, up_mm in aside_and_up_mm:
        place = np.array([aside_mm, up_mm, ABOVE_MM])
        distance, _ = true_hits(anatomy, upright, place, np.array([[0.0, 0.0, -1.0]]))
        if distance[0] < 0.0:
            raise InputError(f"There is no skin {aside_mm:g} mm aside and {up_mm:g} mm up from the isocenter.")
        found.append(upright.inverse().points(place - (0.0, 0.0, distance[0])))
    return np.array(found)


def _times(from_s: float, until_s: float, rate_hz: float) -> Float64Array:
    """Even times (n,); raises InputError for fewer than two."""
    first, last = int(np.ceil(from_s * rate_hz - 1e-9)), int(np.floor(until_s * rate_hz + 1e-9))
    if last - first + 1 < FEWEST_TIMES:
        raise InputError(f"A signal from {from_s:g} to {until_s:g} s has fewer than {FEWEST_TIMES} samples.")
    return np.asarray(np.arange(first, last + 1) / rate_hz)


def _breathed_mm(lying: PatientOnCouch, skin_mm: Float64Array, moments_s: Float64Array) -> Float64Array:
    """Where skin is at moments (times, points, 3), in the frame of the plan; raises InputError before he lay down."""
    count = max(4, int(np.ceil((moments_s[-1] - moments_s[0]) * KNOTS_PER_S)) + 1)
    knots_s = np.linspace(moments_s[0], moments_s[-1], count)
    within = [lying.patient.displaced_mm(skin_mm, lying.day, t - lying.lain_down_s) for t in knots_s]
    return np.asarray(CubicSpline(knots_s, np.array(within))(moments_s))
