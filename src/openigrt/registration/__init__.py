"""Finding the mismatch: rigid match of an image of the day to the planning image, with trust."""

from openigrt.registration.body_contour import share_on_outline
from openigrt.registration.field_of_view import field_of_view_mask
from openigrt.registration.regions import Region, RegionKind
from openigrt.registration.rigid import Question, match_rigid

__all__ = ["Question", "Region", "RegionKind", "field_of_view_mask", "match_rigid", "share_on_outline"]
