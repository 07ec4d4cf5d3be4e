"""A new version of a plan: another isocenter, other angles, other openings; the plan that it comes from stays as it is.

What was computed for the old geometry - doses, distances to the surface - is not carried over.
"""

from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np

from openigrt.errors import InconsistentInput, InputError, MissingInput
from openigrt.geometry import CouchPose, Float64Array, PatientPosition, table_top_eccentric_from_table_top
from openigrt.patient.beam import AperturePositions, Beam, ControlPoint, Point
from openigrt.patient.fraction_group import BeamShare, FractionGroup
from openigrt.patient.plan import Plan, RelatedPlan
from openigrt.patient.planned_setup import PlannedSetup

LARGEST_SHIFT_MM = 1_000.0
LONGEST_LABEL = 16
OVERLAP_MM = 0.01
PREDECESSOR = "PREDECESSOR"


@dataclass(frozen=True, slots=True)
class NewOpening:
    """Where a device of a beam is to stand at one control point, counted from 0."""

    control_point: int
    positions: AperturePositions


@dataclass(frozen=True, slots=True)
class BeamChange:
    """How one beam is to change: turns are added at all its control points, IEC 61217 degrees."""

    beam_number: int
    gantry_turn_deg: float = 0.0
    beam_limiting_device_turn_deg: float = 0.0
    patient_support_turn_deg: float = 0.0
    openings: tuple[NewOpening, ...] = ()


@dataclass(frozen=True, slots=True)
class PlanChange:
    """How a plan is to change: `isocenter_shift_mm` moves all isocenters, in LPS of the plan's frame."""

    isocenter_shift_mm: Point = (0.0, 0.0, 0.0)
    beams: tuple[BeamChange, ...] = ()

    @property
    def moves_isocenter(self) -> bool:
        """Whether any isocenter moves."""
        return any(self.isocenter_shift_mm)


@dataclass(frozen=True, slots=True)
class PlanVersion:
    """What the new version is called: its UID, a label of at most 16 characters, and when it was made."""

    uid: str
    label: str
    created_at: datetime
    name: str = ""


def changed(plan: Plan, change: PlanChange, version: PlanVersion) -> Plan:
    """The new version of a plan, not approved, that names its predecessor and no dose.

    Where the plan states positions of the table top or displacements from the setup marks, they move with the
    isocenter, so that it stands at that of the machine. Raises InputError, MissingInput or InconsistentInput for a
    change that cannot be made.
    """
    _require_possible(plan, change, version)
    by_number = {beam.beam_number: beam for beam in change.beams}
    shift_mm = change.isocenter_shift_mm
    travel_mm = table_top_travel_mm(shift_mm, plan.patient_position)
    return replace(
        plan,
        uid=version.uid,
        label=version.label,
        name=version.name or plan.name,
        created_at=version.created_at,
        approval="UNAPPROVED",
        reviewer="",
        reviewed_at=None,
        beams=tuple(
            _changed_beam(beam, by_number.get(beam.number, BeamChange(beam.number)), shift_mm, plan.patient_position)
            for beam in plan.beams
        ),
        setups=tuple(_moved_setup(setup, travel_mm) for setup in plan.setups),
        fraction_groups=tuple(_without_doses(group) for group in plan.fraction_groups),
        dose_uids=(),
        related_plans=(
            *(related for related in plan.related_plans if related.relationship != PREDECESSOR),
            RelatedPlan(plan.uid, PREDECESSOR),
        ),
    )


def table_top_travel_mm(
    isocenter_shift_mm: Point, position: PatientPosition, pose: CouchPose | None = None
) -> Float64Array:
    """How far the table top travels when the isocenter moves in the patient: lateral, longitudinal, vertical (3,).

    The patient moves against the isocenter: -Rx(pitch) Ry(roll) M d (PS3.3 C.8.8.14.12).
    """
    tilt = table_top_eccentric_from_table_top(pose or CouchPose()).rotation
    return np.asarray(-tilt @ position.table_top_from_lps() @ np.asarray(isocenter_shift_mm))


def _changed_beam(beam: Beam, change: BeamChange, shift_mm: Point, position: PatientPosition) -> Beam:
    """One beam of the new version."""
    opened = {(new.control_point, new.positions.device): new.positions for new in change.openings}
    points = tuple(
        _changed_point(point, change, shift_mm, position, {k: p for (i, k), p in opened.items() if i == index})
        for index, point in enumerate(beam.control_points)
    )
    isocenter_mm = None if beam.isocenter_mm is None else _moved(beam.isocenter_mm, shift_mm)
    return replace(beam, isocenter_mm=isocenter_mm, control_points=points)


def _changed_point(
    point: ControlPoint,
    change: BeamChange,
    shift_mm: Point,
    position: PatientPosition,
    opened: dict[str, AperturePositions],
) -> ControlPoint:
    """One control point of the new version."""
    kinds = dict.fromkeys((*(found.device for found in point.positions), *opened))
    before = {found.device: found for found in point.positions}
    return replace(
        point,
        gantry_angle_deg=_turned(point.gantry_angle_deg, change.gantry_turn_deg),
        beam_limiting_device_angle_deg=_turned(
            point.beam_limiting_device_angle_deg, change.beam_limiting_device_turn_deg
        ),
        couch=_moved_couch(point, change.patient_support_turn_deg, shift_mm, position),
        isocenter_mm=None if point.isocenter_mm is None else _moved(point.isocenter_mm, shift_mm),
        positions=tuple(opened.get(kind) or before[kind] for kind in kinds),
        source_surface_distance_mm=None,
        surface_entry_mm=(),
        dose_coefficients=tuple(replace(found, coefficient=None) for found in point.dose_coefficients),
    )


def _moved(place_mm: Point, shift_mm: Point) -> Point:
    """A place that is shifted."""
    return place_mm[0] + shift_mm[0], place_mm[1] + shift_mm[1], place_mm[2] + shift_mm[2]


def _turned(angle_deg: float, turn_deg: float) -> float:
    """An angle in 0 to 360 after a turn; exactly the same without one."""
    return (angle_deg + turn_deg) % 360.0 if turn_deg else angle_deg


def _moved_couch(point: ControlPoint, turn_deg: float, shift_mm: Point, position: PatientPosition) -> CouchPose:
    """The couch of a control point, its stated positions moved against the isocenter."""
    couch = point.couch
    travel = table_top_travel_mm(shift_mm, position, couch)
    axes = ("table_top_lateral_position_mm", "table_top_longitudinal_position_mm", "table_top_vertical_position_mm")
    moved = {
        axis: getattr(couch, axis) + float(way)
        for axis, way in zip(axes, travel, strict=True)
        if axis not in point.couch_unstated and any(shift_mm)
    }
    return replace(couch, patient_support_angle_deg=_turned(couch.patient_support_angle_deg, turn_deg), **moved)


def _moved_setup(setup: PlannedSetup, travel_mm: Float64Array) -> PlannedSetup:
    """A patient setup whose stated displacements end at the new isocenter."""
    axes = ("lateral", "longitudinal", "vertical")
    stated = {axis: getattr(setup, f"table_top_{axis}_displacement_mm") for axis in axes}
    moved = {
        f"table_top_{axis}_displacement_mm": stated[axis] + float(way)
        for axis, way in zip(axes, travel_mm, strict=True)
        if stated[axis] is not None and way
    }
    return replace(setup, **moved)


def _without_doses(group: FractionGroup) -> FractionGroup:
    """A fraction group without doses that were computed."""
    return replace(group, beams=tuple(_without_dose(share) for share in group.beams))


def _without_dose(share: BeamShare) -> BeamShare:
    """A beam in a fraction group without its computed dose."""
    return replace(
        share,
        dose_gy=None,
        point_depth_mm=None,
        point_equivalent_depth_mm=None,
        point_source_surface_distance_mm=None,
    )


def _require_possible(plan: Plan, change: PlanChange, version: PlanVersion) -> None:
    """Raise where a version cannot be told from the plan, or the change names what is not there."""
    if not version.uid or version.uid == plan.uid:
        raise InputError(f"A new version of plan {plan.uid} needs a UID of its own; found {version.uid!r}.")
    if not 0 < len(version.label) <= LONGEST_LABEL or not (version.label.isascii() and version.label.isprintable()):
        raise InputError(f"Label {version.label!r}: expected 1 to {LONGEST_LABEL} plain characters.")
    if not (np.abs(change.isocenter_shift_mm) <= LARGEST_SHIFT_MM).all():
        raise InputError(
            f"The isocenter is to move by {change.isocenter_shift_mm}; expected three numbers within "
            f"{LARGEST_SHIFT_MM:g} mm."
        )
    beams = {beam.number: beam for beam in plan.beams}
    for beam_change in change.beams:
        if beam_change.beam_number not in beams:
            raise MissingInput(
                f"There is no beam {beam_change.beam_number} to change; plan {plan.label!r} has {sorted(beams)}."
            )
        _require_possible_beam(beams[beam_change.beam_number], beam_change)


def _require_possible_beam(beam: Beam, change: BeamChange) -> None:
    """Raise where a beam cannot turn or open so."""
    name = f"beam {beam.number} {beam.name!r}"
    turns = (change.gantry_turn_deg, change.beam_limiting_device_turn_deg, change.patient_support_turn_deg)
    if not (np.abs(turns) <= 360.0).all():
        raise InputError(f"The turns of {name} are {turns}; expected numbers of degrees within 360.")
    for opening in change.openings:
        if not 0 <= opening.control_point < len(beam.control_points):
            raise MissingInput(
                f"There is no control point {opening.control_point} in {name}; it has {len(beam.control_points)}."
            )
        before = beam.control_points[opening.control_point].positions_mm_of(opening.positions.device)
        after = opening.positions.positions_mm
        count = len(after) // 2
        if not before:
            raise MissingInput(f"Control point {opening.control_point} of {name} has no {opening.positions.device}.")
        if len(after) != len(before):
            raise InconsistentInput(
                f"{opening.positions.device} of {name} is to stand at {len(after)} positions; it has {len(before)}."
            )
        if not (np.subtract(after[:count], after[count:]) <= OVERLAP_MM).all():
            raise InconsistentInput(
                f"Positions of {opening.positions.device} of {name} are not numbers, or sides pass each other."
            )
