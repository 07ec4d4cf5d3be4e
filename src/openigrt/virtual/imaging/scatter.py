"""Photons that are scattered on their way: from first principles, not by the kernels that correct them."""

from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from openigrt.geometry import Float64Array, Frame, Grid, ProjectionGeometry, Trajectory
from openigrt.virtual.imaging._kernels_projections_cpu import scattered_once, scattered_once_in_voxels, voxel_paths
from openigrt.virtual.imaging.phantoms import Phantom, rendered
from openigrt.virtual.imaging.projections import Beam
from openigrt.xray import Material, attenuation_per_mm

Float32Array = NDArray[np.float32]

ELECTRONS_PER_MM3_OF_WATER = 3.343e20
COARSE_PIXELS = (16, 6)
COARSE_VOXEL_MM = 25.0
SCATTER_VIEWS = 24
POINTS_OF_A_COARSE_VOXEL = 4
LEAST_DENSITY = 1e-3
WHOLE_TURN_DEG = 360.0
WIDEST_GAP_STEPS = 3.0
MARGIN_VIEWS = 3
MARCH_MM = 10.0


@dataclass(frozen=True, slots=True)
class ScatterModel:
    """How scatter is made: Compton once by Klein and Nishina at `energy_kev`; all other orders as a blurred copy.

    `repeated_share` and, for each mean free path that the phantom is thick there, `repeated_share_per_path`: signal of
    photons scattered more often or by whole atoms, to those scattered once, with a blur of `repeated_blur_mm` at the
    detector; `accepted_share`: what an anti-scatter grid lets through of all of it. Blades stand at the edges of the
    detector: what it does not see gets no beam. Scatter from filter and table is left out.

    The usual values were fitted to a Monte Carlo of the beam (all orders, Compton and Rayleigh) on half fans of water,
    16 to 45 cm: within 10 % RMS of its signal. Behind the middle the ratio of scatter to primary is then 1.0 for 30 cm
    and 2.5 for 45 cm; measured without a grid: above 1 for a pelvis (Siewerdsen and Jaffray, Med Phys 28 (2001) 220),
    above 2 with a grid for a large one (Sun and Star-Lack 2010), 4.5 behind slabs of 30 cm of acrylic in the open
    beam (Altunbas et al., Med Phys 44 (2017) 3952).

    `views` are computed, evenly over the scan, and voxels of `voxel_mm` scatter; signals lie smoothly between.
    """

    energy_kev: float = 72.0
    repeated_share: float = 1.2
    repeated_share_per_path: float = 0.44
    repeated_blur_mm: float = 80.0
    accepted_share: float = 1.0
    views: int = SCATTER_VIEWS
    voxel_mm: float = COARSE_VOXEL_MM


class Scatterer(Protocol):
    """What scatters: where its electrons are, and what it takes from photons on their ways, at one energy."""

    def electrons(self, energy_kev: float, voxel_mm: float) -> tuple[Float64Array, Float64Array]:
        """Points (v, 3) of a coarse lattice in the room, and their electrons (v,), as in water of its attenuation."""

    def paths(self, start_mm: Float64Array, ends_mm: Float64Array, energy_kev: float) -> Float64Array:
        """Mean free paths (n,) from one point to others (n, 3)."""

    def fill_once(
        self, glow: "Glow", pixels: Float64Array, normal: Float64Array, energy_kev: float, out: Float64Array
    ) -> None:
        """Fill `out` (pixels,) with the energy per mm^2 that photons scattered once bring to `pixels` (pixels, 3)."""


@dataclass(frozen=True, eq=False)
class Glow:
    """What lights up in a beam: `strength` (v,), energy fluence times electrons, at `points` (v, 3)."""

    source: Float64Array
    points: Float64Array
    strength: Float64Array


@dataclass(frozen=True, eq=False)
class SolidScatterer:
    """A phantom as a scatterer; its solids attenuate in closed form."""

    phantom: Phantom

    def electrons(self, energy_kev: float, voxel_mm: float) -> tuple[Float64Array, Float64Array]:
        """See `Scatterer`."""
        bodies = self.phantom.bodies
        half = np.array([np.full(3, max(b.half_axes_mm)) if b.turn_deg else np.array(b.half_axes_mm) for b in bodies])
        centers = np.array([b.center_mm for b in bodies])
        low, high = (centers - half).min(axis=0), (centers + half).max(axis=0)
        counts = np.maximum(np.ceil((high - low) / voxel_mm), 1.0).astype(int)
        steps = (high - low) / counts
        size = int(counts[0]), int(counts[1]), int(counts[2])
        lattice = Grid(Frame.FIXED, low + steps / 2.0, steps, np.eye(3), size)
        return _electrons_of(rendered(self.phantom, lattice, energy_kev, POINTS_OF_A_COARSE_VOXEL), lattice, energy_kev)

    def paths(self, start_mm: Float64Array, ends_mm: Float64Array, energy_kev: float) -> Float64Array:
        """See `Scatterer`."""
        return np.asarray(self.phantom.lengths_mm(start_mm, ends_mm) @ self._per_material(energy_kev))

    def fill_once(
        self, glow: Glow, pixels: Float64Array, normal: Float64Array, energy_kev: float, out: Float64Array
    ) -> None:
        """See `Scatterer`."""
        outward = self.phantom.shares @ self._per_material(energy_kev)
        solids = self.phantom.rows()
        scattered_once(glow.source, glow.points, glow.strength, pixels, normal, solids, outward, energy_kev, out)

    def _per_material(self, energy_kev: float) -> Float64Array:
        """Attenuation per mm (materials,)."""
        return np.array([float(attenuation_per_mm(m, energy_kev)) for m in self.phantom.materials])


@dataclass(frozen=True, eq=False)
class VoxelScatterer:
    """Voxels as a scatterer: `attenuation` per mm [k, j, i] on a grid in the room, at the energy that is asked for."""

    attenuation: Float32Array
    grid: Grid

    @cached_property
    def _marched(self) -> tuple[Float32Array, Grid]:
        """Coarser voxels, through which photons go in steps."""
        return blocks_of(self.attenuation, self.grid, MARCH_MM)

    def electrons(self, energy_kev: float, voxel_mm: float) -> tuple[Float64Array, Float64Array]:
        """See `Scatterer`."""
        return _electrons_of(*blocks_of(self.attenuation, self.grid, voxel_mm), energy_kev)

    def paths(self, start_mm: Float64Array, ends_mm: Float64Array, energy_kev: float) -> Float64Array:
        """See `Scatterer`."""
        out = np.empty(len(ends_mm))
        voxel_paths(np.ascontiguousarray(start_mm), np.ascontiguousarray(ends_mm), *self._as_marched(), out)
        return out

    def fill_once(
        self, glow: Glow, pixels: Float64Array, normal: Float64Array, energy_kev: float, out: Float64Array
    ) -> None:
        """See `Scatterer`."""
        marched = self._as_marched()
        scattered_once_in_voxels(glow.source, glow.points, glow.strength, pixels, normal, *marched, energy_kev, out)

    def _as_marched(self) -> tuple[Float32Array, Float64Array, float]:
        """Volume, index from point (3, 4) and step in mm, as the kernels take them."""
        volume, grid = self._marched
        matrix, offset = grid.index_from_point()
        return volume, np.column_stack([matrix, offset]), MARCH_MM


def scatter(phantom: Phantom, trajectory: Trajectory, beam: Beam, model: ScatterModel = ScatterModel()) -> Float32Array:
    """Scattered signal [projection, row, column] of a phantom; see `scattered`."""
    return scattered(SolidScatterer(phantom), trajectory, beam, model)


def scattered(
    scatterer: Scatterer, trajectory: Trajectory, beam: Beam, model: ScatterModel = ScatterModel()
) -> Float32Array:
    """Scattered signal [projection, row, column], from coarse voxels to coarse pixels, interpolated between.

    Between the computed angles it follows a spline, round the whole turn where the source makes one.
    """
    views = np.unique(np.linspace(0, len(trajectory), model.views, endpoint=False).astype(int))
    is_turn = _is_whole_turn(trajectory)
    if not is_turn:
        views = np.unique(np.linspace(0, len(trajectory) - 1, model.views).astype(int))
    electrons = scatterer.electrons(model.energy_kev, model.voxel_mm)
    seen = [_scattered_once(scatterer, trajectory[int(n)], beam, electrons, model) for n in views]
    coarse, paths = (np.stack(each) for each in zip(*seen, strict=True))
    size, spacing_mm = trajectory.size, trajectory.spacing_mm
    blur = [model.repeated_blur_mm / spacing_mm[n] * COARSE_PIXELS[n] / size[n] for n in (1, 0)]
    shares = model.repeated_share + model.repeated_share_per_path * paths
    coarse = model.accepted_share * (coarse + ndimage.gaussian_filter(coarse * shares, (0.0, *blur), mode="nearest"))
    return _between_views(coarse, views, trajectory, is_turn=is_turn)


def _between_views(
    coarse: Float64Array, views: NDArray[np.int_], trajectory: Trajectory, *, is_turn: bool
) -> Float32Array:
    """Signals (views, coarse rows, coarse columns) on every pixel of every projection."""
    columns, rows = trajectory.size
    around = np.arange(-MARGIN_VIEWS, len(views) + MARGIN_VIEWS + 1)
    padded = np.take(coarse, around, axis=0, mode="wrap" if is_turn else "clip")
    ends = [*views, len(trajectory)] if is_turn else views
    places = np.interp(np.arange(len(trajectory)), ends, np.arange(len(ends))) + MARGIN_VIEWS
    down, across = _between_knots(rows, COARSE_PIXELS[1]), _between_knots(columns, COARSE_PIXELS[0])
    spline = ndimage.spline_filter(padded, order=3, mode="mirror")
    out = np.empty(trajectory.shape, np.float32)
    for n, place in enumerate(places):
        out[n] = down @ _cubic(spline, place) @ across.T
    return np.maximum(out, np.float32(0.0))


def _between_knots(count: int, knots: int) -> Float64Array:
    """Weights (count, knots) of coefficients of a cubic B-spline at even places from its first to its last knot."""
    places = np.arange(count) / max(count - 1, 1) * (knots - 1)
    columns = [
        ndimage.map_coordinates(unit, places[None], order=3, mode="mirror", prefilter=False) for unit in np.eye(knots)
    ]
    return np.stack(columns, axis=1)


def _cubic(spline: Float64Array, place: float) -> Float64Array:
    """Cubic B-spline coefficients (n, rows, columns) summed along the first axis at a place away from its ends."""
    first = int(np.floor(place)) - 1
    t = place - np.floor(place)
    weights = np.array([(1.0 - t) ** 3, 3.0 * t**3 - 6.0 * t**2 + 4.0, 3.0 * (t + t**2 - t**3) + 1.0, t**3]) / 6.0
    return np.asarray(np.tensordot(weights, spline[first : first + 4], 1))


def _is_whole_turn(trajectory: Trajectory) -> bool:
    """Whether the source comes back to where it began, but for a few usual steps."""
    if len(trajectory) < MARGIN_VIEWS:
        return True
    angles = np.sort(trajectory.source_angles_deg())
    gaps = np.diff(angles, append=angles[0] + WHOLE_TURN_DEG)
    return float(gaps.max()) <= WIDEST_GAP_STEPS * float(np.median(gaps))


def _scattered_once(
    scatterer: Scatterer,
    geometry: ProjectionGeometry,
    beam: Beam,
    electrons: tuple[Float64Array, Float64Array],
    model: ScatterModel,
) -> tuple[Float64Array, Float64Array]:
    """Signal (coarse rows, coarse columns) of photons scattered once, and mean free paths on the straight ways."""
    points, count = electrons
    source, energy_kev = geometry.source_mm, model.energy_kev
    inward = scatterer.paths(source, points, energy_kev)
    rays = points - source
    normal = np.cross(geometry.row_direction, geometry.column_direction)
    profile = np.ones(len(points))
    if beam.bow_tie is not None:
        angles_deg = np.rad2deg(np.arctan2(rays @ geometry.row_direction, np.abs(rays @ normal)))
        excess_mm = beam.bow_tie.thicknesses_mm(angles_deg) - beam.bow_tie.thinnest_mm
        profile = np.exp(-excess_mm * float(attenuation_per_mm(Material.ALUMINUM, energy_kev)))
    lit = count * profile * _lit(points, geometry, model.voxel_mm)
    glow = lit * np.exp(-inward) / (rays**2).sum(axis=1)
    columns, rows = geometry.size
    across = (
        np.linspace(0.0, columns - 1.0, COARSE_PIXELS[0])[:, None] * geometry.spacing_mm[0] * geometry.row_direction
    )
    down = np.linspace(0.0, rows - 1.0, COARSE_PIXELS[1])[:, None] * geometry.spacing_mm[1] * geometry.column_direction
    pixels = np.ascontiguousarray((geometry.first_pixel_mm + down[:, None] + across).reshape(-1, 3))
    out, is_lit = np.empty(len(pixels)), glow > 0.0
    scatterer.fill_once(Glow(source, points[is_lit], glow[is_lit]), pixels, normal, energy_kev, out)
    squared_distance = float((normal @ (geometry.first_pixel_mm - source)) ** 2)
    paths = scatterer.paths(source, pixels, energy_kev)
    return out.reshape(COARSE_PIXELS[::-1]) * squared_distance, paths.reshape(COARSE_PIXELS[::-1])


def _lit(points: Float64Array, geometry: ProjectionGeometry, voxel_mm: float) -> Float64Array:
    """Share (v,) of each coarse voxel that lies between source and detector, where the blades let the beam through."""
    normal = np.cross(geometry.row_direction, geometry.column_direction)
    rays = points - geometry.source_mm
    magnification = (normal @ (geometry.first_pixel_mm - geometry.source_mm)) / (rays @ normal)
    shadows = geometry.source_mm + magnification[:, None] * rays - geometry.first_pixel_mm
    share = np.ones(len(points))
    for direction, count, step in zip(
        (geometry.row_direction, geometry.column_direction), geometry.size, geometry.spacing_mm, strict=True
    ):
        at, shadow_mm = shadows @ direction, voxel_mm * magnification
        share *= np.clip((at + step / 2.0) / shadow_mm + 0.5, 0.0, 1.0)
        share *= np.clip(((count - 0.5) * step - at) / shadow_mm + 0.5, 0.0, 1.0)
    return share


def _electrons_of(attenuation: Float32Array, lattice: Grid, energy_kev: float) -> tuple[Float64Array, Float64Array]:
    """Points (v, 3) of the voxels that hold anything, and their electrons (v,), as in water of their attenuation."""
    density = attenuation.astype(np.float64) / float(attenuation_per_mm(Material.WATER, energy_kev))
    inside = density > LEAST_DENSITY
    points = lattice.points(np.argwhere(inside)[:, ::-1])
    volume_mm3 = float(np.prod(lattice.spacing_mm))
    return np.ascontiguousarray(points), density[inside] * (ELECTRONS_PER_MM3_OF_WATER * volume_mm3)


def blocks_of(volume: Float32Array, grid: Grid, edge_mm: float) -> tuple[Float32Array, Grid]:
    """Means of blocks of a volume [k, j, i] about as long as `edge_mm`, and where they lie; outside is nothing."""
    counts = np.maximum(np.round(edge_mm / grid.spacing_mm), 1.0).astype(int)
    size = -(-np.array(grid.size) // counts)
    size = np.maximum(size, 2)
    wide = np.zeros((size * counts)[::-1], np.float32)
    wide[tuple(slice(0, n) for n in grid.shape)] = volume
    i, j, k = (int(n) for n in counts)
    means = wide.reshape(size[2], k, size[1], j, size[0], i).mean(axis=(1, 3, 5), dtype=np.float64)
    shape = int(size[0]), int(size[1]), int(size[2])
    lattice = Grid(grid.frame, grid.points((counts - 1) / 2.0), counts * grid.spacing_mm, grid.direction, shape)
    return means.astype(np.float32), lattice
