"""Nouns of a patient's treatment: structures, plan, dose, match, trust, correction; contours to masks and surfaces."""

from openigrt.geometry import ImageAxes, Pivot
from openigrt.patient.contour_stack import plane_spacing_mm
from openigrt.patient.contours import contours_beyond, mask_from_structure
from openigrt.patient.correction import (
    Action,
    Correction,
    CouchCommand,
    CouchMove,
    Residual,
    Target,
)
from openigrt.patient.dose import DoseGrid, DoseKind, DoseSummation
from openigrt.patient.dose_sum import plan_dose, resampled_dose, same_lattice, summed_dose
from openigrt.patient.dvh import Dvh, VolumeUnit
from openigrt.patient.match import Match, Rival, Surrogate, Trust, Verdict
from openigrt.patient.plan import Beam, ControlPoint, Plan
from openigrt.patient.structures import Contour, ContourKind, Structure, StructureRole, StructureSet
from openigrt.patient.surfaces import centroid_mm, sphere_points_mm, surface_points_mm, volume_mm3

__all__ = [
    "Action",
    "Beam",
    "Contour",
    "ContourKind",
    "ControlPoint",
    "Correction",
    "CouchCommand",
    "CouchMove",
    "DoseGrid",
    "DoseKind",
    "DoseSummation",
    "Dvh",
    "ImageAxes",
    "Match",
    "Pivot",
    "Plan",
    "Residual",
    "Rival",
    "Structure",
    "StructureRole",
    "StructureSet",
    "Surrogate",
    "Target",
    "Trust",
    "Verdict",
    "VolumeUnit",
    "centroid_mm",
    "contours_beyond",
    "mask_from_structure",
    "plan_dose",
    "plane_spacing_mm",
    "resampled_dose",
    "same_lattice",
    "sphere_points_mm",
    "summed_dose",
    "surface_points_mm",
    "volume_mm3",
]
