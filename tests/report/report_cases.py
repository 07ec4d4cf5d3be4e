"""A small made-up patient for report tests: a body with a spine and one bright ball at the patient's left."""

from datetime import UTC, datetime
from typing import Any

import numpy as np

from openigrt.geometry import CouchPose, Frame, Grid, PatientPosition, Pivot, RigidTransform, TableAngles
from openigrt.images import Image, Modality, Provenance
from openigrt.patient import (
    Action,
    Contour,
    Correction,
    CouchCommand,
    Match,
    Plan,
    Residual,
    Rival,
    Structure,
    StructureRole,
    StructureSet,
    Surrogate,
    Target,
    Trust,
    Verdict,
)
from openigrt.report import GuidanceReportContent, ManifestSummary, ProtocolLevels

PLAN = Frame.plan("1.2.3")
DAILY = Frame.daily("1.2.4")
ISOCENTER_MM = np.array([4.0, 6.0, 20.0])
BALL_MM = np.array([44.0, -14.0, 44.0])
SHIFT_MM = np.array([6.0, 0.0, -3.0])
GRID = Grid(PLAN, np.array([-90.0, -70.0, -40.0]), np.array([3.0, 3.0, 4.0]), np.eye(3), (61, 48, 31))


def anatomy(points_mm: np.ndarray) -> np.ndarray:
    """HU at points (..., 3) of the plan: air, body, spine, and the ball at the left, front and head."""
    x, y, z = np.moveaxis(points_mm, -1, 0)
    hu = np.where((x / 75.0) ** 2 + (y / 55.0) ** 2 < 1.0, 0.0, -1000.0)
    hu = np.where((x**2 + (y - 35.0) ** 2 < 12.0**2) & (np.mod(z, 24.0) > 4.0), 500.0, hu)
    return np.where(((points_mm - BALL_MM) ** 2).sum(axis=-1) < 12.0**2, 900.0, hu)


def points_of(grid: Grid) -> np.ndarray:
    """Voxel centres [k, j, i, 3] of a grid, mm."""
    k, j, i = np.meshgrid(*(np.arange(n) for n in grid.shape), indexing="ij")
    return grid.points(np.stack([i, j, k], axis=-1))


def daily_image(plan_from_daily: RigidTransform, grid: Grid, modality: Modality = Modality.CBCT) -> Image:
    """The patient on a daily grid; beyond 60 mm from the grid's axis nothing was seen."""
    points = points_of(grid)
    hu = anatomy(plan_from_daily.points(points)).astype(np.float32)
    across = (points - grid.center_mm) @ grid.direction[:, :2]
    return Image(np.where((across**2).sum(axis=-1) < 60.0**2, hu, np.nan), grid, modality, Provenance(is_derived=True))


def box_contours(low: tuple[float, float, float], high: tuple[float, float, float], step_mm: float) -> list[Contour]:
    """Axial rectangles of a box."""
    (x0, y0, z0), (x1, y1, z1) = low, high
    return [
        Contour(np.array([[x0, y0, z], [x1, y0, z], [x1, y1, z], [x0, y1, z]]))
        for z in np.arange(z0, z1 + 0.5 * step_mm, step_mm)
    ]


def structure_set(target_name: str = "PTV") -> StructureSet:
    """A target round the isocenter and an organ beside it."""
    target = Structure(1, target_name, StructureRole.PTV, tuple(box_contours((-16, -14, 0), (24, 26, 40), 4.0)))
    organ = Structure(2, "Cord", StructureRole.ORGAN, tuple(box_contours((-4, 30, -40), (4, 38, 80), 4.0)), (0, 0, 90))
    return StructureSet("1.9", "planning", PLAN, (target, organ))


def plan_of(label: str = "PELVIS_1", approval: str = "APPROVED") -> Plan:
    """A plan without beams."""
    return Plan("1.8", label, PLAN, "P1", PatientPosition.HFS, approval, ())


def match_of(region: str, plan_from_daily: RigidTransform, verdict: Verdict = Verdict.TRUSTED) -> Match:
    """A match with all of its trust filled in."""
    trust = Trust(verdict, 0.8, (f"Reason for {region}.",), {"spread of parts": 0.4}, (Rival(28.0, 0.4, 0.3),))
    return Match(region, "local correlation", plan_from_daily, 0.7, 0.95, trust)


def correction_of(action: Action = Action.CORRECT, **changes: Any) -> Correction:
    """A correction by SHIFT_MM from a known couch pose."""
    values: dict[str, Any] = {
        "couch": CouchCommand(6.0, -3.0, 0.0, 0.0, 0.0, 0.0),
        "couch_exact": CouchCommand(6.04, -2.97, 0.01, 0.0, 0.0, 0.0),
        "degrees_of_freedom": 6,
        "about": Pivot.ISOCENTER,
        "start": CouchPose(10.0, 500.0, -150.0),
        "target_pose": CouchPose(16.0, 497.0, -150.0),
        "console_translation": CouchCommand(6.0, -3.0, 0.0, None, None, None),
        "setup_error_mm": -SHIFT_MM,
        "setup_rotation": TableAngles(0.0, 0.0, 0.0),
        "residuals": (Residual("PTV", 0.3, 0.2), Residual("Cord", 0.4, 0.2)),
        "limits_exceeded": (),
        "action": action,
        "is_recommended": action is Action.CORRECT,
        "reasons": ("The setup error is above the action level.",),
        "native_couch": {"Couch Lat": "1.60 cm"},
    }
    return Correction(**(values | changes))


def content_of(**changes: Any) -> GuidanceReportContent:
    """A whole report with the daily isocenter at the plan's numbers; `changes` replace fields."""
    truth = RigidTransform(PLAN, DAILY, np.eye(3), SHIFT_MM)
    surrogate = Surrogate(Verdict.TRUSTED, "bone", {"soft tissue": 1.2}, 5.0, ("Bone and soft tissue agree.",))
    planning_image = Image(
        anatomy(points_of(GRID)).astype(np.float32), GRID, Modality.CT, Provenance("P1", "Doe^Jane^^^", study_uid="1.5")
    )
    values: dict[str, Any] = {
        "planning_image": planning_image,
        "daily_image": daily_image(truth, Grid(DAILY, GRID.origin_mm, GRID.spacing_mm, np.eye(3), GRID.size)),
        "structures": structure_set(),
        "plan": plan_of(),
        "dose": None,
        "target": Target("PTV", "named by the caller", np.array([[24.0, 6.0, 20.0], [-16.0, 6.0, 20.0]])),
        "plan_isocenter_mm": ISOCENTER_MM,
        "daily_isocenter_mm": ISOCENTER_MM,
        "patient_position": PatientPosition.HFS,
        "matches": (match_of("bone", truth), match_of("soft tissue", truth)),
        "region": "bone",
        "surrogate": surrogate,
        "correction": correction_of(),
        "protocol": ProtocolLevels("pelvis", 5.0, 10.0, 3.0, 5.0, 2.0),
        "alignment_rule": "as given",
        "manifest": ManifestSummary("0.1.0", 7, {"CT slices": 31}, {"region": "bone"}),
        "read": ("31 CT slices of series 1.2.",),
        "warnings": ("Contours of Cord reach beyond the CT.",),
        "image_age_s": 660.0,
        "image_validity_s": 1800.0,
        "created_at": datetime(2026, 3, 4, 10, 0, tzinfo=UTC),
        "timings_s": {"match": 0.71},
    }
    return GuidanceReportContent(**(values | changes))
