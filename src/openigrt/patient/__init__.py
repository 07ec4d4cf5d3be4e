"""Nouns of a patient's treatment: structures, plan, dose, match, trust, correction."""

from openigrt.patient.correction import (
    Action,
    Correction,
    CouchMove,
    ImageAxes,
    Pivot,
    Residual,
    Target,
)
from openigrt.patient.match import Match, Rival, Surrogate, Trust, Verdict
from openigrt.patient.plan import Beam, ControlPoint, DoseGrid, Plan
from openigrt.patient.structures import Contour, ContourKind, Structure, StructureRole, StructureSet

__all__ = [
    "Action",
    "Beam",
    "Contour",
    "ContourKind",
    "ControlPoint",
    "Correction",
    "CouchMove",
    "DoseGrid",
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
]
