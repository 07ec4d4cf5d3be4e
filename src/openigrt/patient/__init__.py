"""Nouns of a patient's treatment: structures, plan, dose, match, trust, correction; contours to masks and surfaces."""

from openigrt.geometry import ImageAxes, Pivot
from openigrt.patient.aliases import Alias, Aliases, parse_aliases
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
from openigrt.patient.filling import Between, Ends, Filling, Gaps
from openigrt.patient.match import Match, Rival, Surrogate, Trust, Verdict
from openigrt.patient.occupancy import Occupancy, dice
from openigrt.patient.plan import Beam, ControlPoint, DoseGrid, Plan
from openigrt.patient.rings import contours_from_mask, contours_from_occupancy, with_keyholes
from openigrt.patient.simplify import simplified
from openigrt.patient.solids import occupancy_from_structure
from openigrt.patient.structures import Contour, ContourKind, Generation, Structure, StructureRole, StructureSet
from openigrt.patient.surfaces import centroid_mm, sphere_points_mm, surface_points_mm, volume_mm3

__all__ = [
    "Action",
    "Alias",
    "Aliases",
    "Beam",
    "Between",
    "Contour",
    "ContourKind",
    "ControlPoint",
    "Correction",
    "CouchCommand",
    "CouchMove",
    "DoseGrid",
    "Ends",
    "Filling",
    "Gaps",
    "Generation",
    "ImageAxes",
    "Match",
    "Occupancy",
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
    "centroid_mm",
    "contours_beyond",
    "contours_from_mask",
    "contours_from_occupancy",
    "dice",
    "mask_from_structure",
    "occupancy_from_structure",
    "parse_aliases",
    "plane_spacing_mm",
    "simplified",
    "sphere_points_mm",
    "surface_points_mm",
    "volume_mm3",
    "with_keyholes",
]
