"""A conformal plan: fields or arcs round one isocenter, each shaped to a target as its eye sees it."""

from dataclasses import replace

import numpy as np

from openigrt.geometry import CouchPose, Float64Array
from openigrt.patient import (
    Beam,
    ControlPoint,
    DoseLimits,
    DoseReference,
    Plan,
    Rotations,
    Structure,
    StructureRole,
    StructureSet,
    seen_by_beam_mm,
    surface_points_mm,
)
from openigrt.virtual.patients.patient import VirtualPatient
from openigrt.virtual.planning.identity import identity_of
from openigrt.virtual.planning.leaves import COLLIMATOR, conformal_opening
from openigrt.virtual.planning.prescriptions import ConformalArc, SitePrescription
from openigrt.virtual.planning.structures import structures_of

MACHINE_NAME = "VIRTUAL LINAC"
SOURCE_AXIS_DISTANCE_MM = 1000.0
ENERGY_MV = 6.0
DOSE_RATE_MU_PER_MIN = 600.0
UNIT_METERSET_MU = 100.0
SURFACE_POINTS = 4000


def conformal_plan(patient: VirtualPatient, structures: StructureSet, prescription: SitePrescription) -> Plan:
    """Fields or arcs of 6 MV photons to each PTV, one PTV after the other, with 100 MU each until a dose is known.

    `prescribed` gives them their metersets. Raises MissingInput without a PTV, InputError for one that is too large.
    """
    identity, isocenter = identity_of(patient), patient.isocenter_mm
    targets = structures_of(structures, StructureRole.PTV)
    bare = Plan(
        uid=identity.uid("plan"),
        label=identity.label,
        frame=structures.frame,
        patient_id=identity.patient_id,
        patient_position=patient.position,
        approval="APPROVED",
        beams=(),
        structure_set_uid=structures.uid,
        fractions_planned=prescription.fractions,
        created_at=identity.planned_at,
        manufacturer="OpenIGRT",
        intent="RESEARCH",
        treatment_sites=(patient.site.replace("_", " "),),
        prescription_description=prescription.source,
        dose_references=tuple(_dose_reference(n, t, prescription) for n, t in enumerate(targets, start=1)),
    )
    beams: list[Beam] = []
    for target in targets:
        surface = surface_points_mm(target, max_points=SURFACE_POINTS)
        for beam in _beams(prescription.technique, isocenter):
            name = f"{beam.name} {target.name}" if len(targets) > 1 else beam.name
            numbered = replace(beam, number=len(beams) + 1, name=name, description=target.name)
            beams.append(_shaped(bare, numbered, surface, prescription.field_margin_mm))
    return replace(bare, beams=tuple(beams))


def _dose_reference(number: int, target: Structure, prescription: SitePrescription) -> DoseReference:
    """What a target is to receive."""
    limits = DoseLimits(target_prescription_gy=prescription.dose_gy)
    return DoseReference(number, "VOLUME", "TARGET", description=target.name, roi_number=target.number, limits=limits)


def _beams(technique: object, isocenter_mm: Float64Array) -> list[Beam]:
    """The beams of a technique, still without an opening."""
    if isinstance(technique, ConformalArc):
        return [_beam(f"ARC {technique.start_deg:.0f}-{technique.stop_deg:.0f}", _arc(technique), isocenter_mm)]
    angles_deg: tuple[float, ...] = getattr(technique, "gantry_angles_deg", ())
    return [_beam(f"G{angle:03.0f}", [_point(0.0, angle), _point(1.0, angle)], isocenter_mm) for angle in angles_deg]


def _point(
    weight: float, gantry_angle_deg: float, collimator_angle_deg: float = 0.0, turn: str = "NONE"
) -> ControlPoint:
    """A control point at couch zero."""
    return ControlPoint(
        cumulative_meterset_weight=weight,
        gantry_angle_deg=gantry_angle_deg,
        beam_limiting_device_angle_deg=collimator_angle_deg,
        couch=CouchPose(),
        rotations=Rotations(gantry=turn),
        nominal_energy_mev=ENERGY_MV,
        dose_rate_mu_per_min=DOSE_RATE_MU_PER_MIN,
    )


def _arc(arc: ConformalArc) -> list[ControlPoint]:
    """Control points evenly along an arc, as many MU between any two."""
    sweep_deg = (arc.stop_deg - arc.start_deg) % 360.0
    count = int(np.ceil(sweep_deg / arc.largest_step_deg))
    angles = np.round((arc.start_deg + sweep_deg * np.arange(count + 1) / count) % 360.0, 1)
    turns = ["CW"] * count + ["NONE"]
    return [
        _point(round(n / count, 6), float(angle), arc.collimator_angle_deg, turns[n]) for n, angle in enumerate(angles)
    ]


def _beam(name: str, points: list[ControlPoint], isocenter_mm: Float64Array) -> Beam:
    """A beam of the virtual linac."""
    return Beam(
        number=0,
        name=name,
        delivery_type="TREATMENT",
        radiation_type="PHOTON",
        machine_name=MACHINE_NAME,
        isocenter_mm=(float(isocenter_mm[0]), float(isocenter_mm[1]), float(isocenter_mm[2])),
        source_axis_distance_mm=SOURCE_AXIS_DISTANCE_MM,
        meterset_mu=UNIT_METERSET_MU,
        control_points=tuple(points),
        devices=COLLIMATOR,
        final_meterset_weight=1.0,
    )


def _shaped(plan: Plan, beam: Beam, target_mm: Float64Array, margin_mm: float) -> Beam:
    """The beam with an opening round target points (n, 3) at each of its control points."""
    points = [
        replace(point, positions=conformal_opening(seen_by_beam_mm(target_mm, plan, beam, point), margin_mm))
        for point in beam.control_points
    ]
    return replace(beam, control_points=tuple(points))
