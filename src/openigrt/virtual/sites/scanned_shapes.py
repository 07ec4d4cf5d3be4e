"""Regions that organs of a real patient fill: ellipsoids, and tubes along an organ."""

from collections.abc import Iterator
from functools import lru_cache

import numpy as np

from openigrt.errors import MissingInput
from openigrt.geometry import Float64Array
from openigrt.virtual.tissue.anatomy import Anatomy
from openigrt.virtual.tissue.moves import Region

SAMPLES_ALONG = 40
LEAST_SEMI_AXIS_MM = 4.0
LEAST_FADE_MM = 24.0  # with bones of a fade of 10 mm, no step of a motion folds
SLICE_MM, PIXEL_MM, PIECE_MM = 4.0, 1.5, 16.0


@lru_cache(maxsize=64)
def points_in(anatomy: Anatomy, organ: str) -> Float64Array:
    """Points (n, 3) all through an organ at rest, in mm of the anatomy's own axes; raises MissingInput for none."""
    low, high = anatomy.bounds_mm(organ)
    step_mm = max(float((high - low).max()) / SAMPLES_ALONG, 1.0)
    points = _lattice(low, high, np.full(3, step_mm)).reshape(-1, 3)
    inside = points[anatomy.signed_distance_mm(organ, points) < 0.0]
    if len(inside) < 10:
        raise MissingInput(
            f"The structure {organ} is too small on this CT to move by itself; leave it out.", organ=organ
        )
    return inside - anatomy.origin_mm


def ellipsoid_of(anatomy: Anatomy, organ: str, reach: float) -> Region:
    """The ellipsoid of the same middle and moments as an organ, in the anatomy's own axes."""
    center, semi_axes_mm, axes, _ = _moments(points_in(anatomy, organ))
    return Region(center, semi_axes_mm, reach, axes)


def region_round(anatomy: Anatomy, organ: str, margin_mm: float) -> Region:
    """An ellipsoid that holds an organ whole, with a margin; wide enough round it that nothing folds."""
    center, semi_axes_mm, axes, local = _moments(points_in(anatomy, organ))
    grown = max(1.0, float(np.linalg.norm(local / semi_axes_mm, axis=1).max()))
    held_mm = grown * semi_axes_mm + margin_mm
    return Region(center, held_mm, max(2.0, 1.0 + LEAST_FADE_MM / float(held_mm.min())), axes)


def _moments(points: Float64Array) -> tuple[Float64Array, Float64Array, Float64Array, Float64Array]:
    """Middle (3,), semi-axes (3,) and axes (3, 3) of the ellipsoid of the same moments, and points (n, 3) in them."""
    center = points.mean(axis=0)
    variances, axes = np.linalg.eigh(np.cov((points - center).T))
    semi_axes_mm = np.maximum(np.sqrt(5.0 * np.maximum(variances, 0.0)), LEAST_SEMI_AXIS_MM)
    return center, semi_axes_mm, axes, (points - center) @ axes


def tube_along(anatomy: Anatomy, organ: str, reach: float) -> Iterator[Region]:
    """Pieces of a hollow organ that runs up and down: the third axis of each lies along it."""
    centers, radii_mm = _sections(anatomy, organ)
    pieces = max(1, round(float(np.ptp(centers[:, 2])) / PIECE_MM))
    at = np.linspace(0.0, len(centers) - 1.0, pieces + 1)
    path = np.stack([np.interp(at, np.arange(len(centers)), column) for column in centers.T], axis=1)
    middles = np.interp(0.5 * (at[1:] + at[:-1]), np.arange(len(centers)), radii_mm)
    for start, end, radius_mm in zip(path[:-1], path[1:], middles, strict=True):
        along = (end - start) / np.linalg.norm(end - start)
        side = np.cross(along, (1.0, 0.0, 0.0))
        side /= np.linalg.norm(side)
        half_mm = 0.25 * float(np.linalg.norm(end - start))
        axes = np.column_stack([side, np.cross(along, side), along])
        yield Region(0.5 * (start + end), (radius_mm, radius_mm, half_mm), reach, axes)


def _sections(anatomy: Anatomy, organ: str) -> tuple[Float64Array, Float64Array]:
    """Middles (n, 3), smoothed, and radii (n,) of circles of the same area, of the sections of an organ across z."""
    low, high = anatomy.bounds_mm(organ)
    points = _lattice(low, high, np.array([PIXEL_MM, PIXEL_MM, SLICE_MM]))
    inside = anatomy.signed_distance_mm(organ, points) < 0.0
    centers = np.array([points[k][flags].mean(axis=0) for k, flags in enumerate(inside) if flags.sum() > 8])
    if len(centers) < 3:
        raise MissingInput(f"The structure {organ} is too short on this CT to widen; leave it out.", organ=organ)
    radii_mm = np.array([np.sqrt(flags.sum() / np.pi) * PIXEL_MM for flags in inside if flags.sum() > 8])
    padded = np.pad(centers, ((1, 1), (0, 0)), mode="edge")
    smooth = 0.25 * padded[:-2] + 0.5 * padded[1:-1] + 0.25 * padded[2:]
    return smooth - anatomy.origin_mm, radii_mm


def _lattice(low: Float64Array, high: Float64Array, step_mm: Float64Array) -> Float64Array:
    """Points [k, j, i, 3] of a box."""
    x, y, z = (np.arange(low[n], high[n] + 0.5 * step_mm[n], step_mm[n]) for n in range(3))
    return np.stack(np.meshgrid(z, y, x, indexing="ij")[::-1], axis=-1)
