"""Outlines in a plane, as SVG paths in mm: contours of structures, edges of a field of view, a checkerboard."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from skimage import measure

from openigrt.geometry import Float64Array
from openigrt.patient import ContourKind, Structure, simplified
from openigrt.report.slices import PlaneView

FLAT_MM = 0.1
SIMPLIFY_MM = 0.2
DEFAULT_SLICE_MM = 3.0
SPECK_MM2 = 400.0


def path(polygons: Iterable[Float64Array]) -> str:
    """An SVG path of closed polygons (n, 2) in mm, to a tenth."""
    return "".join("M" + "L".join(f"{u:.1f} {v:.1f}" for u, v in polygon) + "Z" for polygon in polygons)


def structure_path(structure: Structure, view: PlaneView) -> str:
    """Where a structure meets the plane of a view, as an SVG path; empty when it does not.

    Contours parallel to the plane are shown when they are the nearest within half a slice; contours across it are
    joined by shape-based interpolation of their crossings (Raya and Udupa 1990, in one dimension).
    """
    pictured = [
        view.picture_points(contour.points_mm)
        for contour in structure.contours
        if contour.kind is ContourKind.CLOSED_PLANAR and len(contour.points_mm) >= 3
    ]
    parallel = [points for points in pictured if np.ptp(points[:, 2]) < FLAT_MM]
    across = [points for points in pictured if np.ptp(points[:, 2]) >= FLAT_MM]
    return path(
        [simplified(polygon, SIMPLIFY_MM) for polygon in (*_nearest_parallel(parallel), *_joined_crossings(across))]
    )


def field_path(seen: NDArray[np.bool_], view: PlaneView) -> str:
    """The outer edge of the pixels (rows, columns) that were seen, as an SVG path; holes and specks are left out."""
    coarse = np.pad(ndimage.binary_fill_holes(seen[::2, ::2]), 3).astype(np.float32)
    outlines = measure.find_contours(ndimage.gaussian_filter(coarse, 1.0), 0.5)
    edges = [(line[:, ::-1] - 3.0) * 2.0 * view.pixel_mm + 0.5 * view.pixel_mm for line in outlines]
    return path([simplified(edge, SIMPLIFY_MM) for edge in edges if _area(edge) > SPECK_MM2])


def checkerboard_path(view: PlaneView, center_mm: Float64Array, square_mm: float) -> str:
    """Every other square of a board with a corner at `center_mm` (3,), covering the whole picture."""
    u0, v0, _ = view.picture_points(center_mm[None])[0]
    columns = range(int(np.floor(-u0 / square_mm)), int(np.ceil((view.width_mm - u0) / square_mm)))
    rows = range(int(np.floor(-v0 / square_mm)), int(np.ceil((view.height_mm - v0) / square_mm)))
    return "".join(
        f"M{u0 + column * square_mm:.1f} {v0 + row * square_mm:.1f}h{square_mm:g}v{square_mm:g}h-{square_mm:g}Z"
        for row in rows
        for column in columns
        if (row + column) % 2 == 0
    )


def _nearest_parallel(polygons: list[Float64Array]) -> list[Float64Array]:
    """The polygons (n, 2) of the contour slice nearest to the plane, none when it is more than half a slice away."""
    if not polygons:
        return []
    distances = np.array([points[:, 2].mean() for points in polygons])
    levels = np.unique(np.round(distances, 2))
    spacing = float(np.median(np.diff(levels))) if len(levels) > 1 else DEFAULT_SLICE_MM
    nearest = levels[np.argmin(np.abs(levels))]
    if abs(nearest) > spacing / 2.0 + FLAT_MM:
        return []
    chosen = np.abs(distances - nearest) < FLAT_MM
    return [points[:, :2] for points, taken in zip(polygons, chosen, strict=True) if taken]


def _joined_crossings(polygons: list[Float64Array]) -> list[Float64Array]:
    """Closed outlines (n, 2) through the points where contours (n, 3) on rows of the picture cross its plane."""
    crossings: dict[float, list[float]] = {}
    for points in polygons:
        if np.ptp(points[:, 1]) < FLAT_MM:
            crossed = _crossings(points)
            crossings.setdefault(round(float(points[:, 1].mean()), 2), []).extend(crossed)
    crossings = {row: sorted(us) for row, us in crossings.items() if us}
    if not crossings:
        return []
    return _zero_lines(crossings)


def _crossings(points: Float64Array) -> list[float]:
    """Positions (u) at which a closed contour (n, 3) in (u, v, distance) passes through distance zero."""
    following = np.roll(points, -1, axis=0)
    near, far = points[:, 2], following[:, 2]
    through = (near >= 0.0) != (far >= 0.0)
    share = near[through] / (near[through] - far[through])
    return [float(u) for u in points[through, 0] + share * (following[through, 0] - points[through, 0])]


def _zero_lines(crossings: dict[float, list[float]]) -> list[Float64Array]:
    """Outlines (n, 2) at signed distance zero, from sorted crossings (u) on rows (v); closed half a row beyond."""
    rows = np.array(sorted(crossings))
    spacing = float(np.median(np.diff(rows))) if len(rows) > 1 else DEFAULT_SLICE_MM
    every = np.concatenate(list(crossings.values()))
    columns = np.arange(every.min() - 2.0, every.max() + 2.5, 0.5)
    lines: list[Float64Array] = []
    for block in np.split(rows, np.flatnonzero(np.diff(rows) > 1.5 * spacing) + 1):
        signed = np.stack([_signed_distance(columns, np.array(crossings[float(row)])) for row in block])
        capped = np.vstack([-np.abs(signed[:1]), signed, -np.abs(signed[-1:])])
        levels = np.concatenate([block[:1] - spacing, block, block[-1:] + spacing])
        for line in measure.find_contours(capped, 0.0):
            v = np.interp(line[:, 0], np.arange(len(levels)), levels)
            lines.append(np.column_stack([columns[0] + 0.5 * line[:, 1], v]))
    return lines


def _signed_distance(columns: Float64Array, crossings: Float64Array) -> Float64Array:
    """Distance to the nearest crossing, positive inside by the even-odd rule."""
    inside = np.searchsorted(crossings, columns) % 2 == 1
    distance = np.abs(columns[:, None] - crossings[None, :]).min(axis=1) + 1e-6
    return np.asarray(np.where(inside, distance, -distance))


def _area(polygon: Float64Array) -> float:
    """Area of a closed polygon (n, 2), by the shoelace formula."""
    u, v = polygon.T
    return 0.5 * abs(float(u @ np.roll(v, 1) - v @ np.roll(u, 1)))
