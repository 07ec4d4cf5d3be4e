"""What is truly so of a fraction: where the target is at any time, and what became of each error on the way."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from openigrt.geometry import Float64Array, Frame, RigidTransform, fit_rigid, rotation_angle_deg
from openigrt.tasks.course.fraction import Delivery, ErrorBudget, Triple, setup_error_of_motion
from openigrt.virtual import PatientOnCouch

RIND_MM, RIND_SHARE = 2.5, 0.2
DIRECTIONS = {
    "left": (1.0, 0.0, 0.0),
    "right": (-1.0, 0.0, 0.0),
    "back": (0.0, 1.0, 0.0),
    "front": (0.0, -1.0, 0.0),
    "head": (0.0, 0.0, 1.0),
    "feet": (0.0, 0.0, -1.0),
}


@dataclass(frozen=True, eq=False)
class TargetTruth:
    """The target of a patient on the couch: points (n, 3) of its surface in the planning image, LPS mm, at any time.

    Times are on the clock of the linac.
    """

    lying: PatientOnCouch
    surface_mm: Float64Array

    @classmethod
    def of(cls, lying: PatientOnCouch) -> "TargetTruth":
        """Of what the patient is treated for, all of it: points of it within `RIND_MM` of its surface."""
        patient = lying.patient
        inside_mm = -patient.anatomy.signed_distance_mm(patient.target, patient.target_points_mm)
        rind = patient.target_points_mm[inside_mm < max(RIND_MM, float(np.quantile(inside_mm, RIND_SHARE)))]
        return cls(lying, patient.at(patient.planned).moved_mm(rind))

    @cached_property
    def middle_mm(self) -> Float64Array:
        """Where the middle (3,) of the surface belongs in the room."""
        return np.asarray(self.planned_mm.mean(axis=0))

    @cached_property
    def _rest_mm(self) -> Float64Array:
        """The same tissue at rest (n, 3)."""
        patient = self.lying.patient
        return patient.at(patient.planned).rest_mm(self.surface_mm)

    @cached_property
    def planned_mm(self) -> Float64Array:
        """Where the surface belongs in the room (n, 3)."""
        return self.lying.planned_place(self.lying.setup_couch).points(self.surface_mm)

    def places_mm(self, time_s: float) -> Float64Array:
        """Where it is in the room (n, 3)."""
        return self.lying.fixed_from_plan(time_s).points(self.lying.anatomy(time_s).moved_mm(self._rest_mm))

    def motion(self, times_s: Sequence[float]) -> RigidTransform:
        """The rigid motion of the room that best brings the planned surface to where it is on average over the times.

        The rest is deformation.
        """
        return _fitted(np.mean([self.places_mm(time_s) for time_s in times_s], axis=0), self.planned_mm)


@dataclass(frozen=True, eq=False)
class Guided:
    """What was believed and done about an image: `required` is the motion of the room that its match asked for.

    `image_times_s` sample the time in which it was taken, `done` is the motion that the table truly made after it;
    where it was not followed by a move, no error of match or imager came to the target.
    """

    image_times_s: Sequence[float]
    required: RigidTransform
    done: RigidTransform
    imager_offset_mm: Triple
    is_followed: bool = True


def match_error(truth: TargetTruth, of: Guided) -> tuple[float, float]:
    """How far the match puts the target from where the imager saw it, at most, mm, and how far it turns it, degrees.

    The imager sees everything off by the offset of its isocenter; that is not the match's fault.
    """
    left = of.required @ _seen(truth.motion(of.image_times_s), of.imager_offset_mm)
    apart_mm = np.linalg.norm(left.points(truth.planned_mm) - truth.planned_mm, axis=1)
    return float(apart_mm.max()), rotation_angle_deg(left.rotation)


def delivery_of(
    truth: TargetTruth,
    of: Guided,
    beam_times_s: Sequence[float],
    *,
    beside_planned_mm: Callable[[Float64Array], Float64Array],
    delivered_mu: float,
    beam_on_s: float,
) -> Delivery:
    """What the beam met at the times (n,) while it was on.

    `beside_planned_mm` says how far points (n, 3) of the planning image lie outside the planned target, mm; drawn
    points that are a little off its surface count from where they are.
    """
    places = np.stack([truth.places_mm(time_s) for time_s in beam_times_s])
    planned_mm = truth.planned_mm
    averaged = places.mean(axis=0)
    motion = _fitted(averaged, planned_mm)
    middles_mm = places.mean(axis=1) - planned_mm.mean(axis=0)
    plan_from_room = truth.lying.planned_place(truth.lying.setup_couch).inverse()
    in_plan_mm = plan_from_room.points(places.reshape(-1, 3)).reshape(places.shape)
    beside_mm = beside_planned_mm(in_plan_mm.reshape(-1, 3)).reshape(places.shape[:2])
    reach_mm = {
        name: float(np.max(in_plan_mm @ axis) - np.max(truth.surface_mm @ axis))
        for name, axis in ((name, np.array(axis)) for name, axis in DIRECTIONS.items())
    }
    return Delivery(
        delivered_mu=delivered_mu,
        beam_on_s=beam_on_s,
        since_image_s=float(beam_times_s[0] - of.image_times_s[-1]),
        residual=setup_error_of_motion(motion, truth.middle_mm),
        largest_mm=float(np.linalg.norm(middles_mm, axis=1).max()),
        expansion_mm=max(0.0, float((beside_mm - beside_planned_mm(truth.surface_mm)).max())),
        reach_mm=reach_mm,
        budget=_budget(truth, of, motion, averaged),
    )


def _budget(truth: TargetTruth, of: Guided, at_beam: RigidTransform, averaged_mm: Float64Array) -> ErrorBudget:
    """The residual of the target's middle, error by error; their sum is the residual exactly."""
    middle_mm = truth.middle_mm
    imaged = truth.motion(of.image_times_s)
    believed, right = of.required @ _seen(imaged, of.imager_offset_mm), of.required @ imaged
    steps = [
        middle_mm,
        believed.points(middle_mm) if of.is_followed else middle_mm,
        right.points(middle_mm) if of.is_followed else middle_mm,
        (of.done @ imaged).points(middle_mm),
        at_beam.points(middle_mm),
    ]
    match_mm, imager_mm, couch_mm, motion_mm = (_triple(step) for step in np.diff(steps, axis=0))
    left_mm = at_beam.points(truth.planned_mm) - averaged_mm
    deformation_mm = float(np.sqrt((left_mm**2).sum(axis=1).mean()))
    return ErrorBudget(match_mm, imager_mm, couch_mm, motion_mm, deformation_mm)


def _seen(motion: RigidTransform, imager_offset_mm: Triple) -> RigidTransform:
    """A motion as an imager sees it that takes another point for the isocenter."""
    return replace(motion, translation_mm=motion.translation_mm - np.array(imager_offset_mm))


def _fitted(places_mm: Float64Array, planned_mm: Float64Array) -> RigidTransform:
    """The rigid motion of the room from planned places (n, 3) to others."""
    rotation, translation_mm = fit_rigid(places_mm, planned_mm)
    return RigidTransform(Frame.FIXED, Frame.FIXED, rotation, translation_mm)


def _triple(vector: Float64Array) -> Triple:
    """Three plain numbers."""
    return float(vector[0]), float(vector[1]), float(vector[2])
