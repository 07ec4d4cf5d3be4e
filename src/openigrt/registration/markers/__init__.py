"""Matching on implanted markers: bright spots, which of them is which, and the rigid motion that they show."""

from openigrt.registration.markers.matching import match_markers

__all__ = ["match_markers"]
