"""Central projection: points to image planes, pixels to rays, and rays back to points.

A beam frame is one with its origin at the isocenter and its z axis toward the source: gantry or beam-limiting device.
Image coordinates (u, v) are mm along its x and y on a plane across the beam.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from openigrt.errors import InvalidGeometry
from openigrt.geometry.frames import Frame, require_same_frame
from openigrt.geometry.rigid import Float64Array, RigidTransform, frozen_array

PARALLEL_TOLERANCE = 1e-9


def project_points(
    points_mm: ArrayLike,
    fixed_from_beam: RigidTransform,
    source_axis_distance_mm: float,
    source_detector_distance_mm: float,
) -> Float64Array:
    """Image coordinates (..., 2) of fixed points (..., 3) on the plane at the source-detector distance.

    The isocenter plane is the one where that distance equals the source-axis distance. Raises InvalidGeometry for
    points that do not lie in front of the source.
    """
    require_same_frame(fixed_from_beam.to_frame, Frame.FIXED, "Projecting fixed points")
    in_beam = fixed_from_beam.inverse().points(points_mm)
    return _on_plane(in_beam, source_axis_distance_mm, source_detector_distance_mm)


def _on_plane(in_beam_mm: Float64Array, source_axis_distance_mm: float, plane_distance_mm: float) -> Float64Array:
    """Central projection (..., 2) of points (..., 3) of a beam frame onto the plane so far from the source."""
    depth = source_axis_distance_mm - in_beam_mm[..., 2:]
    if not (depth > 0.0).all():
        raise InvalidGeometry(
            "A point at or behind the X-ray source has no projection; expected z in the beam frame below the "
            f"source-axis distance of {source_axis_distance_mm} mm. Check the isocenter and the frame of the points.",
            source_axis_distance_mm=source_axis_distance_mm,
        )
    return np.asarray(in_beam_mm[..., :2] * (plane_distance_mm / depth))


@dataclass(frozen=True, eq=False)
class Rays:
    """Lines in one frame: `sources_mm` (n, 3) and unit `directions` (n, 3) that lead away from the source."""

    sources_mm: Float64Array
    directions: Float64Array

    def __post_init__(self) -> None:
        """Copy, normalise and freeze; raises InvalidGeometry when shapes differ or a direction is zero."""
        directions = np.atleast_2d(np.asarray(self.directions, dtype=np.float64))
        lengths = np.linalg.norm(directions, axis=-1, keepdims=True)
        if not (lengths > 0.0).all():
            raise InvalidGeometry("A ray needs a direction; found a vector of length zero or not a number.")
        object.__setattr__(self, "directions", frozen_array(directions / lengths, (len(directions), 3)))
        sources = np.broadcast_to(np.asarray(self.sources_mm, dtype=np.float64), directions.shape)
        object.__setattr__(self, "sources_mm", frozen_array(sources, (len(directions), 3)))


def rays_of_image_points(
    image_points_mm: ArrayLike,
    fixed_from_beam: RigidTransform,
    source_axis_distance_mm: float,
    source_detector_distance_mm: float,
) -> Rays:
    """The rays from the source through image points (n, 2) on the plane at the source-detector distance."""
    require_same_frame(fixed_from_beam.to_frame, Frame.FIXED, "Rays of an image")
    image_points = np.atleast_2d(np.asarray(image_points_mm, dtype=np.float64))
    drop = np.full((len(image_points), 1), -source_detector_distance_mm)
    directions = fixed_from_beam.vectors(np.hstack([image_points, drop]))
    return Rays(fixed_from_beam.points((0.0, 0.0, source_axis_distance_mm)), directions)


@dataclass(frozen=True, eq=False)
class Triangulation:
    """A point (3,) in the fixed frame, and by how much the rays that found it miss each other.

    `miss_distance_mm` is twice the largest distance of the point from a ray: for two rays, the distance between them.
    """

    point_mm: Float64Array
    miss_distance_mm: float


def triangulate(rays: Rays) -> Triangulation:
    """The point nearest to all rays in the least-squares sense: sum of (I - d d^T)(x - s) = 0.

    Raises InvalidGeometry for fewer than two rays and for rays that are all parallel.
    """
    across = np.eye(3) - rays.directions[:, :, None] * rays.directions[:, None, :]
    normal = across.sum(axis=0)
    if len(rays.directions) < 2 or np.linalg.eigvalsh(normal)[0] < PARALLEL_TOLERANCE:
        raise InvalidGeometry("Triangulation needs two or more rays that are not parallel; take a second view.")
    point = np.linalg.solve(normal, np.einsum("nij,nj->i", across, rays.sources_mm))
    distances = np.linalg.norm(np.einsum("nij,nj->ni", across, point - rays.sources_mm), axis=-1)
    return Triangulation(point, 2.0 * float(distances.max()))


def receptor_points_of_pixels(
    rows_and_columns: ArrayLike, first_pixel_mm: ArrayLike, pixel_spacing_mm: ArrayLike
) -> Float64Array:
    """Receptor coordinates (..., 2) of RT Image pixels (..., 2) given as (row, column) (PS3.3 C.8.8.2).

    `first_pixel_mm` (x, y) is RT Image Position, the centre of the first pixel; `pixel_spacing_mm` is (between rows,
    between columns). Columns run along +x, rows along -y, seen from the source.
    """
    pixels = np.asarray(rows_and_columns, dtype=np.float64)
    between_rows_mm, between_columns_mm = frozen_array(pixel_spacing_mm, (2,))
    offsets = pixels[..., ::-1] * np.array([between_columns_mm, -between_rows_mm])
    return np.asarray(frozen_array(first_pixel_mm, (2,)) + offsets)


def isocenter_plane_points(
    receptor_points_mm: ArrayLike, gantry_from_image_receptor: RigidTransform, source_axis_distance_mm: float
) -> Float64Array:
    """Where the rays through receptor points (..., 2) cross the isocenter plane: gantry x and y (..., 2)."""
    gantry_from_image_receptor.require_frames(Frame.GANTRY, Frame.IMAGE_RECEPTOR, "Isocenter plane of a receptor")
    on_receptor = np.asarray(receptor_points_mm, dtype=np.float64)
    in_plane = np.concatenate([on_receptor, np.zeros_like(on_receptor[..., :1])], axis=-1)
    in_gantry = gantry_from_image_receptor.points(in_plane)
    return _on_plane(in_gantry, source_axis_distance_mm, source_axis_distance_mm)
