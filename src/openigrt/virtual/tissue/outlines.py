"""Contours of an anatomy, from the same implicit functions as its voxels."""

from collections.abc import Iterable, Iterator

import numpy as np
from skimage import measure

from openigrt.geometry import Float64Array
from openigrt.patient import Contour
from openigrt.virtual.tissue.anatomy import Anatomy

SMALLEST_AREA_MM2 = 4.0
DECIMALS = 2
COARSE = 4  # fine samples between two of the search for the surface


def organ_contours(
    anatomy: Anatomy, organ: str, planes_mm: Iterable[float], margin_mm: float = 0.0, step_mm: float = 1.0
) -> tuple[Contour, ...]:
    """Closed contours in mm of the anatomy's frame, in the planes z = `planes_mm`, `margin_mm` outside an organ.

    Marching squares on the signed distance, sampled every `step_mm`; points are rounded to 0.01 mm. Distances are to
    first order, which on a convex organ puts a margin outward by less than a tenth of itself. Specks below 4 mm² are
    left out.
    """
    low, high = anatomy.bounds_mm(organ) + np.array([[-1.0], [1.0]]) * (margin_mm + 2.0 * step_mm)
    x, y = np.arange(low[0], high[0] + step_mm, step_mm), np.arange(low[1], high[1] + step_mm, step_mm)
    z = np.array([plane for plane in planes_mm if low[2] <= plane <= high[2]])
    distances = _sampled_distances(anatomy, organ, (x, y, z), margin_mm)
    corner = np.array([x[0], y[0]])
    return tuple(
        Contour(np.column_stack([polygon, np.full(len(polygon), plane)]))
        for plane, section in zip(z, distances, strict=True)
        for polygon in _polygons(section, margin_mm, corner, step_mm)
    )


def _sampled_distances(
    anatomy: Anatomy, organ: str, axes: tuple[Float64Array, Float64Array, Float64Array], margin_mm: float
) -> Float64Array:
    """Distances [k, j, i] to an organ: exact near the surface `margin_mm` outside it, elsewhere of a place nearby."""
    x, y, z = axes
    points = np.stack(np.meshgrid(z, y, x, indexing="ij")[::-1], axis=-1)
    coarse = anatomy.signed_distance_mm(organ, points[:, ::COARSE, ::COARSE])
    distances = coarse.repeat(COARSE, axis=1)[:, : len(y)].repeat(COARSE, axis=2)[:, :, : len(x)]
    near = np.abs(distances - margin_mm) < 2.0 * COARSE * (x[1] - x[0])
    distances[near] = anatomy.signed_distance_mm(organ, points[near])
    return distances


def _polygons(
    section: Float64Array, margin_mm: float, corner_mm: Float64Array, step_mm: float
) -> Iterator[Float64Array]:
    """Closed polygons (n, 2) in mm where one section takes the value `margin_mm`."""
    for line in measure.find_contours(section, margin_mm):
        polygon = np.round(corner_mm + step_mm * line[:-1, ::-1], DECIMALS)
        if len(polygon) >= 3 and _area_mm2(polygon) >= SMALLEST_AREA_MM2:
            yield polygon


def _area_mm2(polygon: Float64Array) -> float:
    """Area of a simple polygon (n, 2)."""
    x, y = polygon.T
    return float(0.5 * abs(x @ np.roll(y, -1) - y @ np.roll(x, -1)))
