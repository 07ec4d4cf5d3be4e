"""Finding the mismatch: rigid match of an image of the day to the planning image, with trust."""

from openigrt.registration.body_contour import share_on_outline
from openigrt.registration.field_of_view import field_of_view_mask
from openigrt.registration.markers import match_markers
from openigrt.registration.planned_markers import PlannedMarkers
from openigrt.registration.regions import Region, RegionKind
from openigrt.registration.rigid import Question, Similarity, compare_similarity, match_rigid
from openigrt.registration.sides import PlanSource, prepare_plan

__all__ = [
    "PlanSource",
    "PlannedMarkers",
    "Question",
    "Region",
    "RegionKind",
    "Similarity",
    "compare_similarity",
    "field_of_view_mask",
    "match_markers",
    "match_rigid",
    "prepare_plan",
    "share_on_outline",
]
