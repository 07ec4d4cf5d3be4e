"""One volume of all projections of a breathing patient, each back-projected along the motion of its bin.

Rit, Wolthaus, van Herk, Sonke, Med Phys 36 (2009) 2283. They follow every voxel of the reference to where it was during
a projection and read the filtered projection there. Back-projection is a sum over projections for each place by itself,
so the sum over the projections of a bin may be made first, on an undisplaced lattice, and read at the displaced places
afterwards: the same but for the interpolation between voxels, and as fast as reconstruction without motion.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from openigrt.errors import InconsistentInput, InvalidGeometry
from openigrt.geometry import DisplacementField, Float64Array, Frame, Grid, Trajectory, require_same_frame
from openigrt.images import ProjectionPixels
from openigrt.motion import ASIDE, Bins
from openigrt.xray._kernels_motion_cpu import add_displaced
from openigrt.xray.arc import FEWEST_PROJECTIONS, Arc, arc_of
from openigrt.xray.fdk import Fdk, FdkSettings
from openigrt.xray.four_d import (
    USUAL_SETTINGS,
    WIDEST_GAP_DEG,
    back_projected,
    is_blank,
    require_bins_of,
)
from openigrt.xray.part_of_arc import part_of_arc, widest_gap_deg
from openigrt.xray.projector import require_projections_of
from openigrt.xray.redundancy import fan_of

Float32Array = NDArray[np.float32]

WITHIN_VOXELS = 0.5
FARTHEST_MM = 150.0  # no organ goes farther in a breath; a volume as much larger is held


def reconstruct_motion_compensated(
    line_integrals: ProjectionPixels,
    trajectory: Trajectory,
    grid: Grid,
    bins: Bins,
    fields: Sequence[DisplacementField],
    *,
    settings: FdkSettings = USUAL_SETTINGS,
) -> Float32Array:
    """Attenuation per mm [k, j, i] of the reference position, from line integrals [projection, row, column].

    `fields`, one for each bin, map points of the reference to where they are in that bin, in the room; they cover the
    volume. Projections that lie aside are left out, and the others stand for them; raises InconsistentInput where those
    would leave a gap of over 60 degrees. Held besides the result: a volume of one bin, larger by its displacements.
    """
    require_projections_of(trajectory, line_integrals)
    require_bins_of(bins, trajectory)
    if len(fields) != len(bins.names):
        raise InconsistentInput(f"{len(bins.names)} bins need as many displacement fields, found {len(fields)}.")
    for name, field in zip(bins.names, fields, strict=True):
        _require_covering(field, grid, name)
    used = np.flatnonzero(bins.of_each != ASIDE)
    whole = arc_of(trajectory)
    if is_blank(whole, used):
        raise InconsistentInput(
            f"Of {len(trajectory)} projections {len(used)} lie in a bin, with a gap of "
            f"{widest_gap_deg(whole, used):.0f} degrees; expected {FEWEST_PROJECTIONS} or more, and no gap of over "
            f"{WIDEST_GAP_DEG:.0f} degrees. Check that the breathing trace covers the scan."
        )
    together = part_of_arc(whole, used)
    settings = replace(settings, fan=settings.fan or fan_of(trajectory))
    volume = np.zeros(grid.shape, np.float32)
    for number, field in enumerate(fields):
        members = bins.members(number)
        if len(members):
            arc = _chosen(together, np.searchsorted(used, members))
            reach = _reached(grid, field)
            fdk = Fdk(reach, trajectory.chosen(members), replace(settings, arc=arc))
            add_read_along(back_projected(line_integrals, members, fdk), reach, field, grid, volume)
    return volume


def add_read_along(
    voxels: Float32Array, voxel_grid: Grid, field: DisplacementField, grid: Grid, out: Float32Array
) -> None:
    """Add to `out` on `grid` the `voxels` [k, j, i] at the place to which the field maps each of its voxels."""
    index_from_mm, _ = voxel_grid.index_from_point()
    add_displaced(
        voxels, _indices_from(grid, voxel_grid), field.vectors_mm, _indices_from(grid, field.grid), index_from_mm, out
    )


def _indices_from(grid: Grid, other: Grid) -> Float64Array:
    """(3, 4): indices of `other` from (i, j, k, 1) of `grid`."""
    into, offset = other.index_from_point()
    point, origin = grid.point_from_index()
    return np.column_stack([into @ point, into @ origin + offset])


def _chosen(arc: Arc, which: NDArray[np.intp]) -> Arc:
    return replace(arc, from_start_deg=arc.from_start_deg[which], steps_deg=arc.steps_deg[which])


def _reached(grid: Grid, field: DisplacementField) -> Grid:
    """The lattice of `grid`, and as far beyond it as the field leads."""
    index_from_mm, _ = grid.index_from_point()
    furthest = np.abs(field.vectors_mm.reshape(-1, 3) @ index_from_mm.T.astype(np.float32)).max(axis=0)
    beyond = [int(n) for n in np.ceil(furthest)]
    size = (grid.size[0] + 2 * beyond[0], grid.size[1] + 2 * beyond[1], grid.size[2] + 2 * beyond[2])
    return grid.part((-beyond[0], -beyond[1], -beyond[2]), size)


def _require_covering(field: DisplacementField, grid: Grid, name: str) -> None:
    """Raise where a field lies in other frames, does not reach round the volume, or is not defined everywhere."""
    for frame in (field.grid.frame, field.to_frame):
        require_same_frame(frame, Frame.FIXED, f"The displacement field of bin {name}")
    corners = field.grid.indices(grid.corners_mm())
    if corners.min() < -WITHIN_VOXELS or (corners > np.array(field.grid.size) - 1 + WITHIN_VOXELS).any():
        raise InvalidGeometry(
            f"The displacement field of bin {name} does not cover the volume; register or extend it as far as the "
            "volume reaches."
        )
    if not np.isfinite(field.vectors_mm).all():
        raise InvalidGeometry(
            f"The displacement field of bin {name} holds nodes without a displacement; fill them, with zeros where "
            "nothing moves."
        )
    farthest_mm = float(np.linalg.norm(field.vectors_mm, axis=-1).max(initial=0.0))
    if farthest_mm > FARTHEST_MM:
        raise InvalidGeometry(
            f"The displacement field of bin {name} leads {farthest_mm:.0f} mm away, and no organ moves by more than "
            f"{FARTHEST_MM:.0f} mm in a breath; check its unit and its registration."
        )
