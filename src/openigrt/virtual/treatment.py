"""A simple conformal plan for the virtual pelvis: fields round the isocenter, and a dose good enough to show."""

from dataclasses import dataclass
from datetime import datetime

import numpy as np

from openigrt.geometry import CouchPose, Float64Array, Frame, Grid, PatientPosition, fixed_from_gantry, fixed_from_lps
from openigrt.patient import Beam, ControlPoint, DoseGrid, DoseSummation, Plan, jaws
from openigrt.virtual.tissue.anatomy import Anatomy

MACHINE_NAME = "VIRTUAL LINAC"
GANTRY_ANGLES_DEG = (0.0, 51.0, 103.0, 154.0, 206.0, 257.0, 309.0)
SOURCE_AXIS_DISTANCE_MM = 1000.0
PRESCRIBED_GY = 60.0
FRACTIONS = 20
FIELD_MARGIN_MM = 6.0
PENUMBRA_MM = 3.0
ATTENUATION_PER_MM = 0.0048
BUILD_UP_MM = 6.0
LEAKAGE = 0.015


@dataclass(frozen=True, eq=False)
class Prescription:
    """Who is treated where: `target_mm` (n, 3) is the surface of the PTV, all in LPS mm of the plan's frame."""

    frame: Frame
    plan_uid: str
    structure_set_uid: str
    patient_id: str
    isocenter_mm: Float64Array
    target_mm: Float64Array
    created_at: datetime


def conformal_plan(prescription: Prescription) -> Plan:
    """Seven static photon fields whose jaws follow the PTV."""
    beams = tuple(_beam(number, angle_deg, prescription) for number, angle_deg in enumerate(GANTRY_ANGLES_DEG, start=1))
    return Plan(
        uid=prescription.plan_uid,
        label="Virtual pelvis",
        frame=prescription.frame,
        patient_id=prescription.patient_id,
        patient_position=PatientPosition.HFS,
        approval="APPROVED",
        beams=beams,
        structure_set_uid=prescription.structure_set_uid,
        fractions_planned=FRACTIONS,
        created_at=prescription.created_at,
        manufacturer="OpenIGRT",
    )


def conformal_dose(anatomy: Anatomy, prescription: Prescription, grid: Grid, uid: str) -> DoseGrid:
    """Dose of the plan in Gy, 60 at the isocenter, zero outside the body.

    Each field: an elliptic aperture with a logistic penumbra, exponential attenuation behind a short build-up, inverse
    square law, a little leakage. No scatter, no inhomogeneity: a picture of a dose, not a dose calculation.
    """
    points = grid.points(np.stack(np.meshgrid(*(np.arange(n) for n in grid.size[::-1]), indexing="ij")[::-1], axis=-1))
    inside = anatomy.signed_distance_mm("BODY", points) < 0.0
    section = _body_section(anatomy, prescription.isocenter_mm)
    dose = np.zeros(grid.shape)
    at_isocenter = 0.0
    for angle_deg in GANTRY_ANGLES_DEG:
        dose += _field(points, angle_deg, prescription, section)
        at_isocenter += float(_field(prescription.isocenter_mm[None], angle_deg, prescription, section)[0])
    dose_gy = np.where(inside, dose * (PRESCRIBED_GY / at_isocenter), 0.0).astype(np.float32)
    return DoseGrid(dose_gy, grid, uid=uid, summation=DoseSummation.PLAN, plan_uid=prescription.plan_uid)


def _beam(number: int, angle_deg: float, prescription: Prescription) -> Beam:
    """One static field: two control points at one place."""
    x, y, _ = _beam_view(prescription.target_mm, angle_deg, prescription).T
    x_mm, y_mm = (
        (round(float(a.min()) - FIELD_MARGIN_MM, 1), round(float(a.max()) + FIELD_MARGIN_MM, 1)) for a in (x, y)
    )
    first = ControlPoint(0.0, angle_deg, 0.0, CouchPose(), jaws(x_mm, y_mm))
    last = ControlPoint(1.0, angle_deg, 0.0, CouchPose(), jaws(x_mm, y_mm))
    isocenter = prescription.isocenter_mm
    return Beam(
        number=number,
        name=f"G{angle_deg:03.0f}",
        delivery_type="TREATMENT",
        radiation_type="PHOTON",
        machine_name=MACHINE_NAME,
        isocenter_mm=(float(isocenter[0]), float(isocenter[1]), float(isocenter[2])),
        source_axis_distance_mm=SOURCE_AXIS_DISTANCE_MM,
        meterset_mu=85.0,
        control_points=(first, last),
    )


def _beam_view(points_mm: Float64Array, angle_deg: float, prescription: Prescription) -> Float64Array:
    """Points (..., 3) in gantry axes (x, y at the isocenter plane, z toward the source), seen from the source."""
    gantry_from_fixed = fixed_from_gantry(angle_deg).inverse()
    local = (
        gantry_from_fixed @ fixed_from_lps(PatientPosition.HFS, prescription.frame, prescription.isocenter_mm)
    ).points(points_mm)
    scale = SOURCE_AXIS_DISTANCE_MM / (SOURCE_AXIS_DISTANCE_MM - local[..., 2])
    return np.stack([local[..., 0] * scale, local[..., 1] * scale, local[..., 2]], axis=-1)


def _field(
    points_mm: Float64Array, angle_deg: float, prescription: Prescription, section: tuple[Float64Array, Float64Array]
) -> Float64Array:
    """Relative dose (...) of one field at points (..., 3)."""
    target = _beam_view(prescription.target_mm, angle_deg, prescription)[:, :2]
    center = 0.5 * (target.min(axis=0) + target.max(axis=0))
    half = 0.5 * np.ptp(target, axis=0) + FIELD_MARGIN_MM
    view = _beam_view(points_mm, angle_deg, prescription)
    off_axis = (view[..., :2] - center) / half
    outside_mm = (np.hypot(off_axis[..., 0], off_axis[..., 1]) - 1.0) * float(half.min())
    fluence = LEAKAGE + (1.0 - LEAKAGE) / (1.0 + np.exp(np.clip(outside_mm / PENUMBRA_MM, -50.0, 50.0)))
    depth_mm = _depth_mm(points_mm, angle_deg, section)
    inverse_square = (SOURCE_AXIS_DISTANCE_MM / (SOURCE_AXIS_DISTANCE_MM - view[..., 2])) ** 2
    with_depth = np.exp(-ATTENUATION_PER_MM * depth_mm) * (1.0 - 0.7 * np.exp(-depth_mm / BUILD_UP_MM))
    return np.asarray(fluence * with_depth * inverse_square)


def _body_section(anatomy: Anatomy, isocenter_mm: Float64Array) -> tuple[Float64Array, Float64Array]:
    """Centre and half axes (2,) in mm of the ellipse in the box round the body's section through the isocenter."""
    low, high = anatomy.bounds_mm("BODY")
    x, y = np.meshgrid(np.arange(low[0], high[0], 3.0), np.arange(low[1], high[1], 3.0))
    section = np.column_stack([x.ravel(), y.ravel(), np.full(x.size, isocenter_mm[2])])
    inside = section[anatomy.signed_distance_mm("BODY", section) < 0.0][:, :2]
    low, high = inside.min(axis=0), inside.max(axis=0)
    return 0.5 * (low + high), 0.5 * (high - low)


def _depth_mm(points_mm: Float64Array, angle_deg: float, section: tuple[Float64Array, Float64Array]) -> Float64Array:
    """Way from the elliptic skin to points (..., 3) along a field's axis; zero outside."""
    center, half = section
    toward_source = np.array([np.sin(np.deg2rad(angle_deg)), -np.cos(np.deg2rad(angle_deg))]) / half
    at = (points_mm[..., :2] - center) / half
    a = float(toward_source @ toward_source)
    b = at @ toward_source
    c = (at * at).sum(axis=-1) - 1.0
    return np.asarray(np.maximum((-b + np.sqrt(np.maximum(b * b - a * c, 0.0))) / a, 0.0))
