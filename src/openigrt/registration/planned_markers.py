"""Markers as they were drawn in the plan."""

from dataclasses import dataclass

import numpy as np

from openigrt.errors import InputError
from openigrt.geometry import Float64Array


@dataclass(frozen=True, eq=False)
class PlannedMarkers:
    """Markers as they were drawn: names, and points (n, 3) in LPS mm of the plan."""

    names: tuple[str, ...]
    points_mm: Float64Array

    def __post_init__(self) -> None:
        """Raise InputError for markers that are not a name and a point each."""
        if not self.names or np.shape(self.points_mm) != (len(self.names), 3):
            raise InputError(
                f"Markers are a name and a point each; found {len(self.names)} names and points of shape "
                f"{np.shape(self.points_mm)}."
            )
