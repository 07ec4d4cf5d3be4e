"""Implanted markers as devices follow them: transponders heard by an array over the patient, gold seen on kV images."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from openigrt.errors import InputError
from openigrt.geometry import Float64Array, Frame, ProjectionGeometry, RigidTransform, fit_rigid
from openigrt.virtual.imaging.beam_tissue import marker_places_mm
from openigrt.virtual.linac.monitor import MonitorModel
from openigrt.virtual.linac.patient_on_couch import PatientOnCouch

FEWEST_FOR_A_TURN = 3
# The readings have their noise and their losses already; early arrays tell 10 times a second, later ones 25.
TRANSPONDER_MONITOR = MonitorModel("transponders", 25.0, 0.05, 0.0, has_rotation=True)
Triple = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class TransponderArray:
    """A flat array of coils, and how well it hears: noise on each axis, one standard deviation, by distance.

    It stands at `center_mm` of the room and looks along `normal`. Noise is `floor_mm`, and in squares with it
    `noise_mm` at `distance_mm` times a power of the distance: the exciting field and that of the answer both fall with
    the third power, and a place is told from its slope, which makes seven. Beyond `farthest_mm` from its plane nothing
    is heard; nearer, a `lost_share` of the looks finds nothing, each transponder on its own. The usual values keep
    within what is stated of such arrays: some 0.3 mm RMS in motion (Santanam et al., Int J Radiat Oncol Biol Phys 70,
    2008), and 19 to 27 cm of reach.
    """

    center_mm: Triple = (0.0, 0.0, 180.0)
    normal: Triple = (0.0, 0.0, -1.0)
    floor_mm: float = 0.05
    noise_mm: float = 0.25
    distance_mm: float = 200.0
    power: float = 7.0
    farthest_mm: float = 270.0
    lost_share: float = 0.005

    def __post_init__(self) -> None:
        """Raise InputError for an array without direction or reach."""
        lengths = self.distance_mm, self.farthest_mm, float(np.linalg.norm(self.normal))
        if min(lengths) <= 0.0 or min(self.floor_mm, self.noise_mm) < 0.0 or not 0.0 <= self.lost_share <= 1.0:
            raise InputError(f"An array needs a direction, a reach, noise of 0 or more and a share; found {self}.")

    def depth_mm(self, points_mm: Float64Array) -> Float64Array:
        """How far points (..., 3) of the room lie in front of its plane."""
        normal = np.asarray(self.normal) / np.linalg.norm(self.normal)
        return np.asarray((np.asarray(points_mm) - self.center_mm) @ normal)

    def deviation_mm(self, points_mm: Float64Array) -> Float64Array:
        """Noise (...) of transponders at points (..., 3): by their distance from its centre, at least their depth."""
        distance_mm = np.linalg.norm(np.asarray(points_mm) - self.center_mm, axis=-1)
        return np.asarray(np.hypot(self.floor_mm, self.noise_mm * (distance_mm / self.distance_mm) ** self.power))


@dataclass(frozen=True, eq=False)
class MarkerReading:
    """Where a device has markers at one moment: by name, middles (3,) in the room; a marker it lost is not there."""

    at_s: float
    places_mm: Mapping[str, Float64Array]

    def motion(self, planned_mm: Mapping[str, Float64Array]) -> RigidTransform | None:
        """The motion of the room (fixed to fixed) from planned places to these; None where none of them is seen.

        Fewer than three say nothing of a turn.
        """
        names = [name for name in planned_mm if name in self.places_mm]
        if not names:
            return None
        planned, now = (np.array([places[name] for name in names]) for places in (planned_mm, self.places_mm))
        turn, shift_mm = np.eye(3), now.mean(axis=0) - planned.mean(axis=0)
        if len(names) >= FEWEST_FOR_A_TURN:
            turn, shift_mm = fit_rigid(now, planned)
        return RigidTransform(Frame.FIXED, Frame.FIXED, turn, shift_mm)


@dataclass(frozen=True, eq=False)
class Transponders:
    """The markers of a patient on the couch, heard by an array; the same time and seed give the same reading.

    `names`: which of his markers are transponders; empty: all.
    """

    lying: PatientOnCouch
    array: TransponderArray = TransponderArray()
    seed: int = 0
    names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Raise InputError for a patient without markers, or names that he has not."""
        known = self.lying.patient.markers
        if not known or not set(self.names) <= set(known):
            raise InputError(
                f"The virtual patient has the markers {', '.join(known) or 'none'}; asked for "
                f"{', '.join(self.names) or 'all'}."
            )

    @cached_property
    def planned_mm(self) -> Mapping[str, Float64Array]:
        """Where the plan has them in the room, with the couch as at setup."""
        patient = self.lying.patient
        as_planned, place = patient.at(patient.planned), self.lying.planned_place(self.lying.setup_couch)
        names = self.names or patient.markers
        return {name: place.points(as_planned.moved_mm(patient.marker_at_rest_mm(name))) for name in names}

    def reading(self, time_s: float) -> MarkerReading:
        """What the array hears at a time on the linac's clock."""
        rng = np.random.default_rng((self.seed, 83, round(1e6 * time_s)))
        heard = {}
        for name, true_mm in marker_places_mm(self.lying, time_s, self.names).items():
            noise_mm = float(self.array.deviation_mm(true_mm)) * rng.standard_normal(3)
            is_lost = rng.random() < self.array.lost_share
            if not is_lost and 0.0 < float(self.array.depth_mm(true_mm)) <= self.array.farthest_mm:
                heard[name] = true_mm + noise_mm
        return MarkerReading(time_s, heard)

    def motion(self, time_s: float) -> RigidTransform | None:
        """What a monitor of the linac watches: `linac.watch(TRANSPONDER_MONITOR, transponders.motion)`."""
        return self.reading(time_s).motion(self.planned_mm)


@dataclass(frozen=True, eq=False)
class MarkerShadows:
    """Where markers were found on one X-ray image: by name, (column, row); one that was not found is not there."""

    at_s: float
    pixels: Mapping[str, Float64Array]


@dataclass(frozen=True, slots=True)
class ShadowFinding:
    """How well markers are found on X-ray images: noise in pixels on each axis, one standard deviation, and losses."""

    noise_pixels: float = 0.3
    lost_share: float = 0.03


def found_shadows(
    lying: PatientOnCouch,
    true_geometry: ProjectionGeometry,
    time_s: float,
    rng: np.random.Generator,
    finding: ShadowFinding = ShadowFinding(),
) -> MarkerShadows:
    """Markers as found on an image that was taken with source and panel truly there, without making the image."""
    found = {}
    for name, true_mm in marker_places_mm(lying, time_s).items():
        pixel = true_geometry.pixels(true_mm) + finding.noise_pixels * rng.standard_normal(2)
        is_lost = rng.random() < finding.lost_share
        if not is_lost and true_geometry.contains(pixel):
            found[name] = pixel
    return MarkerShadows(time_s, found)
