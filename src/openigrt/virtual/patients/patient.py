"""A virtual patient: tissue and its structures, the state of a day, and the truth of every moment of it."""

from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import ArrayLike

from openigrt.errors import MissingInput
from openigrt.geometry import Float64Array, PatientPosition, RigidTransform, fit_rigid, fixed_from_lps
from openigrt.patient import StructureRole
from openigrt.virtual.patients.breathing import BreathingOrgan, BreathingPattern, HeldBreath
from openigrt.virtual.patients.own_planning import OwnPlanning
from openigrt.virtual.patients.population import AS_PLANNED, BODY_SETUP, SetupError, SetupPopulation
from openigrt.virtual.tissue.anatomy import Anatomy, Organ
from openigrt.virtual.tissue.deformation import AT_REST, Deformation, Stiffness
from openigrt.virtual.tissue.moves import LocalMotion, Move, Region
from openigrt.virtual.tissue.stiffness import FADE_MM, stiffness_of

TARGET_STEP_MM = 2.0


@dataclass(frozen=True, slots=True)
class DrawnStructure:
    """A structure of the plan: an organ, grown by a margin, drawn with a step in mm; RGB color."""

    name: str
    organ: str
    role: StructureRole
    margin_mm: float = 0.0
    step_mm: float = 1.5
    color: tuple[int, int, int] = (200, 200, 200)


@dataclass(frozen=True, slots=True)
class Drift:
    """What a target does on the couch beside breathing: it drifts, and now and then jumps and comes back.

    Drift in mm per minute (LPS); jumps of `spike_mm` (LPS) begin at `spikes_s` and last `spike_s` each.
    """

    per_min_mm: tuple[float, float, float] = (0.0, 0.0, 0.0)
    spike_mm: tuple[float, float, float] = (0.0, 0.0, 0.0)
    spikes_s: tuple[float, ...] = ()
    spike_s: float = 15.0

    def at_mm(self, time_s: float) -> Float64Array:
        """Displacement (3,) at a time; a jump rises and falls as a sine does."""
        shift_mm = time_s / 60.0 * np.array(self.per_min_mm)
        for start_s in self.spikes_s:
            share = (time_s - start_s) / self.spike_s
            if 0.0 < share < 1.0:
                shift_mm = shift_mm + np.sin(np.pi * share) * np.array(self.spike_mm)
        return shift_mm


STILL = Drift()


@dataclass(frozen=True, eq=False)
class Day:
    """One fraction of a virtual patient.

    `moves` are those of soft tissue since it was at rest, `skeleton` those of bones and all round them, after these.
    `organs` take the place of those of the same name (gas). Setup is as the patient lies down at time zero;
    `breathing` None holds the breath at exhale; `drift` is the target's.
    """

    number: int
    moves: tuple[Move, ...] = ()
    skeleton: tuple[Move, ...] = ()
    organs: tuple[Organ, ...] = ()
    setup: SetupError = AS_PLANNED
    breathing: BreathingPattern | HeldBreath | None = None
    drift: Drift = STILL


@dataclass(frozen=True, eq=False)
class VirtualPatient:
    """Tissue at rest (exhale, as planned) in the frame of the plan, and what is known of it.

    `bones` are organs that soft tissue moves along; `target` is the organ that is treated, inside `target_region`,
    which drifts as one. `breathing_organs` go with the breath. Bones hold soft tissue up to `fade_mm` from them.
    `own` is the planning that a real patient comes with; it takes the place of one made from the anatomy.
    """

    site: str
    seed: int
    anatomy: Anatomy
    bones: tuple[str, ...]
    target: str
    target_region: Region
    structures: tuple[DrawnStructure, ...]
    markers: tuple[str, ...] = ()
    breathing_organs: tuple[BreathingOrgan, ...] = ()
    population: SetupPopulation = BODY_SETUP
    position: PatientPosition = PatientPosition.HFS
    planned: Day = field(default_factory=lambda: Day(0))
    fade_mm: float = FADE_MM
    own: OwnPlanning | None = None

    @cached_property
    def stiffness(self) -> Stiffness:
        """Where bones hold the soft tissue."""
        return stiffness_of(replace(self.anatomy, deformation=Deformation()), self.bones, self.fade_mm)

    def at(self, day: Day, time_s: float = 0.0) -> Anatomy:
        """The anatomy of a moment, in the frame of the plan as if the patient lay as planned."""
        breathed: tuple[Move, ...] = ()
        if day.breathing is not None:
            depth, flow = day.breathing.depth_and_flow(time_s)
            breathed = tuple(organ.motion(float(depth), float(flow)) for organ in self.breathing_organs)
        of_target = self._drifted(day.drift.at_mm(time_s), (*day.moves, *breathed))
        return _with_organs(self.anatomy, day.organs).deformed(
            Deformation((*day.moves, *breathed, *of_target, *day.skeleton), self.stiffness)
        )

    def _drifted(self, shift_mm: Float64Array, moves: tuple[Move, ...]) -> tuple[Move, ...]:
        """The target's own motion, from where other moves have brought it."""
        if not shift_mm.any():
            return ()
        center_mm = Deformation(moves, self.stiffness).moved_mm(self.target_region.center_mm)
        return (LocalMotion(replace(self.target_region, center_mm=center_mm), shift_mm),)

    @cached_property
    def isocenter_mm(self) -> Float64Array:
        """That of his own plan (3,), LPS; else the middle of the target as it was planned, to 0.1 mm."""
        if self.own is not None and self.own.isocenter_mm is not None:
            return np.array(self.own.isocenter_mm)
        middle: Float64Array = self.at(self.planned).moved_mm(self.target_points_mm).mean(axis=0)
        return np.round(middle, 1) + 0.0

    @cached_property
    def target_points_mm(self) -> Float64Array:
        """Points (n, 3) all through the target, at rest; raises MissingInput for a target without any."""
        low, high = self.anatomy.bounds_mm(self.target)
        axes = [np.arange(low[n], high[n], TARGET_STEP_MM) for n in range(3)]
        points = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3)
        inside = points[self.anatomy.signed_distance_mm(self.target, points) < 0.0]
        if len(inside) < len(axes):
            raise MissingInput(f"The target {self.target} is smaller than {TARGET_STEP_MM:g} mm; give another.")
        return inside

    def marker_at_rest_mm(self, name: str) -> Float64Array:
        """Middle (3,) of a marker, or of any organ that has an end on all sides, at rest."""
        at_rest = self.anatomy.deformed(AT_REST)
        return np.asarray(at_rest.bounds_mm(name).mean(axis=0))

    def fixed_from_plan(self, day: Day) -> RigidTransform:
        """Where the patient lies in the room (IEC fixed) before any correction: planned place and setup error."""
        return day.setup.motion() @ fixed_from_lps(self.position, self.anatomy.frame, self.isocenter_mm)

    def target_motion(self, day: Day, time_s: float = 0.0) -> RigidTransform:
        """The rigid motion, in the frame of the plan, that best brings the target's planned points to where they are.

        What is left is deformation.
        """
        planned, now = (self.at(d, t).moved_mm(self.target_points_mm) for d, t in ((self.planned, 0.0), (day, time_s)))
        rotation, translation_mm = fit_rigid(now, planned)
        return RigidTransform(self.anatomy.frame, self.anatomy.frame, rotation, translation_mm)

    def displaced_mm(self, points_mm: ArrayLike, day: Day, time_s: float = 0.0) -> Float64Array:
        """Where the tissue that the planning image shows at points (..., 3) is at a moment, in the plan's frame."""
        return self.at(day, time_s).moved_mm(self.at(self.planned).rest_mm(points_mm))

    def planned_mm(self, points_mm: ArrayLike, day: Day, time_s: float = 0.0) -> Float64Array:
        """Where the planning image shows the tissue that is at points (..., 3) at a moment."""
        return self.at(self.planned).moved_mm(self.at(day, time_s).rest_mm(points_mm))


@lru_cache(maxsize=32)
def _with_organs(anatomy: Anatomy, organs: tuple[Organ, ...]) -> Anatomy:
    """The anatomy with organs in the places of those of the same name, kept: the moments of a day share it."""
    if not organs:
        return anatomy
    of_the_day = {organ.name: organ for organ in organs}
    missing = of_the_day.keys() - {organ.name for organ in anatomy.organs}
    if missing:
        raise MissingInput(f"The anatomy has no organ {sorted(missing)[0]!r} to be replaced for a day.")
    return replace(anatomy, organs=tuple(of_the_day.get(organ.name, organ) for organ in anatomy.organs))
