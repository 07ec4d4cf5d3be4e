"""Simulated cone-beam projections with the flaws of real ones: spectrum, bow-tie, scatter, noise, lag, a bad detector.

Signals are relative to the unattenuated beam behind the thinnest part of the bow-tie. Scatter is computed from first
principles, photon by photon path, not by the kernels that correct it.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from openigrt.geometry import Float64Array, Frame, Grid, ProjectionGeometry, Trajectory
from openigrt.virtual.imaging._kernels_projections_cpu import behind, scattered_once
from openigrt.virtual.imaging.phantoms import Phantom, pixels_mm, rendered
from openigrt.xray import Material, Spectrum, attenuation_per_mm, tube_spectrum

Float32Array = NDArray[np.float32]

ELECTRONS_PER_MM3_OF_WATER = 3.343e20
COARSE_PIXELS = (16, 6)
COARSE_VOXEL_MM = 25.0
SCATTER_VIEWS = 24
POINTS_OF_A_COARSE_VOXEL = 4
LEAST_DENSITY = 1e-3
REFERENCE_KEV = 60.0


@dataclass(frozen=True, slots=True)
class BowTie:
    """An aluminum filter that thickens from the central ray to `edge_deg` of the fan, and stays so beyond."""

    thinnest_mm: float = 1.5
    thickest_mm: float = 25.0
    edge_deg: float = 14.0

    def thicknesses_mm(self, fan_angles_deg: Float64Array) -> Float64Array:
        """Thickness at angles from the central ray."""
        share = np.minimum(np.abs(fan_angles_deg) / self.edge_deg, 1.0)
        rise = np.sin(np.pi / 2.0 * share) ** 2
        return np.asarray(self.thinnest_mm + (self.thickest_mm - self.thinnest_mm) * rise)


@dataclass(frozen=True, eq=False)
class Beam:
    """What comes out of the tube: its spectrum, and the bow-tie (None: none)."""

    spectrum: Spectrum = field(default_factory=tube_spectrum)
    bow_tie: BowTie | None = field(default_factory=BowTie)

    def column_weights(self, trajectory: Trajectory) -> Float64Array:
        """Signal at each energy (columns, energies), 1 in all at the thinnest part of the bow-tie."""
        columns = trajectory.size[0]
        if self.bow_tie is None:
            return np.tile(self.spectrum.weights, (columns, 1))
        per_mm = self.spectrum.attenuation_per_mm(Material.ALUMINUM)
        thicknesses = self.bow_tie.thicknesses_mm(fan_angles_deg(trajectory))
        thinnest = self.spectrum.weights @ np.exp(-per_mm * self.bow_tie.thinnest_mm)
        return np.asarray(self.spectrum.weights * np.exp(-np.outer(thicknesses, per_mm)) / thinnest)

    def air(self, trajectory: Trajectory) -> Float32Array:
        """Signal (rows, columns) with nothing in the beam."""
        profile = self.column_weights(trajectory).sum(axis=1)
        return np.tile(profile.astype(np.float32), (trajectory.size[1], 1))


def fan_angles_deg(trajectory: Trajectory) -> Float64Array:
    """Angles (columns,) of a circular trajectory's columns from the ray through the axis of rotation."""
    rays = pixels_mm(trajectory, 0)[: trajectory.size[0]] - trajectory.sources_mm[0]
    central = -trajectory.sources_mm[0] / np.linalg.norm(trajectory.sources_mm[0])
    return np.asarray(np.rad2deg(np.arctan2(rays @ trajectory.row_directions[0], rays @ central)))


def line_integrals(phantom: Phantom, trajectory: Trajectory, energy_kev: float) -> Float32Array:
    """Exact line integrals [projection, row, column] at one energy."""
    per_mm = np.array([float(attenuation_per_mm(m, energy_kev)) for m in phantom.materials], dtype=np.float32)
    out = np.empty(trajectory.shape, np.float32)
    for n in range(len(trajectory)):
        lengths = phantom.lengths_mm(trajectory.sources_mm[n], pixels_mm(trajectory, n))
        out[n] = (lengths @ per_mm).reshape(out.shape[1:])
    return out


def primary(phantom: Phantom, trajectory: Trajectory, beam: Beam) -> Float32Array:
    """Signal [projection, row, column] of the photons that come straight through, of all energies."""
    attenuation = np.array([beam.spectrum.attenuation_per_mm(m) for m in phantom.materials])
    weights = beam.column_weights(trajectory)
    out = np.empty(trajectory.shape, np.float32)
    for n in range(len(trajectory)):
        lengths = phantom.lengths_mm(trajectory.sources_mm[n], pixels_mm(trajectory, n))
        behind(lengths, attenuation, weights, out[n].reshape(-1))
    return out


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
    """

    energy_kev: float = 72.0
    repeated_share: float = 1.2
    repeated_share_per_path: float = 0.44
    repeated_blur_mm: float = 80.0
    accepted_share: float = 1.0


def scatter(phantom: Phantom, trajectory: Trajectory, beam: Beam, model: ScatterModel = ScatterModel()) -> Float32Array:
    """Scattered signal [projection, row, column], from coarse voxels to coarse pixels, interpolated between.

    The source must turn through a whole turn, evenly, as the angles between the computed ones are interpolated.
    """
    views = np.unique(np.linspace(0, len(trajectory), SCATTER_VIEWS, endpoint=False).astype(int))
    columns, rows = trajectory.size
    electrons = _electrons(phantom, model.energy_kev)
    seen = [_scattered_once(phantom, trajectory[int(n)], beam, electrons, model.energy_kev) for n in views]
    coarse, paths = (np.stack(each) for each in zip(*seen, strict=True))
    blur = [model.repeated_blur_mm / trajectory.spacing_mm[n] * COARSE_PIXELS[n] / trajectory.size[n] for n in (1, 0)]
    shares = model.repeated_share + model.repeated_share_per_path * paths
    coarse = model.accepted_share * (coarse + ndimage.gaussian_filter(coarse * shares, (0.0, *blur), mode="nearest"))
    padded = np.take(coarse, np.arange(-3, len(views) + 4), axis=0, mode="wrap")
    places = np.interp(np.arange(len(trajectory)), [*views, len(trajectory)], np.arange(len(views) + 1)) + 3.0
    down = np.arange(rows) / max(rows - 1, 1) * (COARSE_PIXELS[1] - 1)
    across = np.arange(columns) / max(columns - 1, 1) * (COARSE_PIXELS[0] - 1)
    out = np.empty(trajectory.shape, np.float32)
    spline = ndimage.spline_filter(padded, order=3, mode="mirror")
    for n, place in enumerate(places):
        at = np.meshgrid(place, down, across, indexing="ij")
        out[n] = ndimage.map_coordinates(spline, at, order=3, mode="mirror", prefilter=False)[0]
    return np.maximum(out, np.float32(0.0))


def _scattered_once(
    phantom: Phantom,
    geometry: ProjectionGeometry,
    beam: Beam,
    electrons: tuple[Float64Array, Float64Array],
    energy_kev: float,
) -> tuple[Float64Array, Float64Array]:
    """Signal (coarse rows, coarse columns) of photons scattered once, and mean free paths on the straight ways."""
    points, count = electrons
    source = geometry.source_mm
    per_material = np.array([float(attenuation_per_mm(m, energy_kev)) for m in phantom.materials])
    inward = phantom.lengths_mm(source, points) @ per_material
    rays = points - source
    normal = np.cross(geometry.row_direction, geometry.column_direction)
    profile = np.ones(len(points))
    if beam.bow_tie is not None:
        angles_deg = np.rad2deg(np.arctan2(rays @ geometry.row_direction, np.abs(rays @ normal)))
        excess_mm = beam.bow_tie.thicknesses_mm(angles_deg) - beam.bow_tie.thinnest_mm
        profile = np.exp(-excess_mm * float(attenuation_per_mm(Material.ALUMINUM, energy_kev)))
    glow = count * profile * _lit(points, geometry) * np.exp(-inward) / (rays**2).sum(axis=1)
    columns, rows = geometry.size
    across = (
        np.linspace(0.0, columns - 1.0, COARSE_PIXELS[0])[:, None] * geometry.spacing_mm[0] * geometry.row_direction
    )
    down = np.linspace(0.0, rows - 1.0, COARSE_PIXELS[1])[:, None] * geometry.spacing_mm[1] * geometry.column_direction
    pixels = np.ascontiguousarray((geometry.first_pixel_mm + down[:, None] + across).reshape(-1, 3))
    out = np.empty(len(pixels))
    outward = phantom.shares @ per_material
    scattered_once(source, points, glow, pixels, normal, phantom.rows(), outward, energy_kev, out)
    squared_distance = float((normal @ (geometry.first_pixel_mm - source)) ** 2)
    paths = phantom.lengths_mm(source, pixels) @ per_material
    return out.reshape(COARSE_PIXELS[::-1]) * squared_distance, paths.reshape(COARSE_PIXELS[::-1])


def _lit(points: Float64Array, geometry: ProjectionGeometry) -> Float64Array:
    """Share (v,) of each coarse voxel that lies between source and detector, where the blades let the beam through."""
    normal = np.cross(geometry.row_direction, geometry.column_direction)
    rays = points - geometry.source_mm
    magnification = (normal @ (geometry.first_pixel_mm - geometry.source_mm)) / (rays @ normal)
    shadows = geometry.source_mm + magnification[:, None] * rays - geometry.first_pixel_mm
    share = np.ones(len(points))
    for direction, count, step in zip(
        (geometry.row_direction, geometry.column_direction), geometry.size, geometry.spacing_mm, strict=True
    ):
        at, voxel_mm = shadows @ direction, COARSE_VOXEL_MM * magnification
        share *= np.clip((at + step / 2.0) / voxel_mm + 0.5, 0.0, 1.0)
        share *= np.clip(((count - 0.5) * step - at) / voxel_mm + 0.5, 0.0, 1.0)
    return share


def _electrons(phantom: Phantom, energy_kev: float) -> tuple[Float64Array, Float64Array]:
    """Points (v, 3) of a coarse lattice in the phantom, and their electrons (v,), as in water of its attenuation."""
    bodies = phantom.bodies
    half = np.array([np.full(3, max(b.half_axes_mm)) if b.turn_deg else np.array(b.half_axes_mm) for b in bodies])
    centers = np.array([b.center_mm for b in bodies])
    low, high = (centers - half).min(axis=0), (centers + half).max(axis=0)
    counts = np.maximum(np.ceil((high - low) / COARSE_VOXEL_MM), 1.0).astype(int)
    steps = (high - low) / counts
    lattice = Grid(Frame.FIXED, low + steps / 2.0, steps, np.eye(3), (int(counts[0]), int(counts[1]), int(counts[2])))
    water_per_mm = float(attenuation_per_mm(Material.WATER, energy_kev))
    density = rendered(phantom, lattice, energy_kev, POINTS_OF_A_COARSE_VOXEL).astype(np.float64) / water_per_mm
    inside = density > LEAST_DENSITY
    points = lattice.points(np.argwhere(inside)[:, ::-1])
    return np.ascontiguousarray(points), density[inside] * (ELECTRONS_PER_MM3_OF_WATER * float(np.prod(steps)))


@dataclass(frozen=True, slots=True)
class DetectorModel:
    """A flat panel: counts of an unattenuated pixel, what it adds and loses.

    `photons`: how many photons make the unattenuated signal of a pixel; `lag_shares` of a signal appear `lag_frames`
    frames later, each decaying exponentially (a share leaves per frame 1 - exp(-1 / frames)).
    """

    full_counts: float = 40000.0
    dark_counts: float = 800.0
    dark_spread_counts: float = 40.0
    gain_spread: float = 0.05
    photons: float = 4e5
    electronic_counts: float = 6.0
    dead_columns: tuple[int, ...] = ()
    lag_shares: tuple[float, ...] = ()
    lag_frames: tuple[float, ...] = ()


@dataclass(frozen=True, eq=False)
class Frames:
    """What a simulated panel gave: `raw` counts [projection, row, column], `dark` and `flat` (rows, columns)."""

    raw: Float32Array
    dark: Float32Array
    flat: Float32Array


def detected(signal: Float32Array, air: Float32Array, model: DetectorModel, rng: np.random.Generator) -> Frames:
    """Counts of a panel for a signal [projection, row, column] and for air (rows, columns), with its flaws."""
    shape = signal.shape[1:]
    dark = model.dark_counts + model.dark_spread_counts * rng.standard_normal(shape)
    gain = model.full_counts * np.clip(1.0 + model.gain_spread * rng.standard_normal(shape), 0.5, 1.5)
    gain[:, list(model.dead_columns)] = 0.0
    raw = np.empty(signal.shape, np.float32)
    noisy = (rng.poisson(frame * model.photons) / model.photons for frame in signal)
    for n, frame in enumerate(_lagging(noisy, model, shape)):
        raw[n] = dark + gain * frame + model.electronic_counts * rng.standard_normal(shape)
    return Frames(raw, dark.astype(np.float32), (dark + gain * air).astype(np.float32))


def _lagging(frames: Iterable[Float64Array], model: DetectorModel, shape: tuple[int, ...]) -> Iterator[Float64Array]:
    """Frames with what the ones before left behind, each trap emptying exponentially."""
    shares, rates = np.array(model.lag_shares), np.exp(-1.0 / np.array(model.lag_frames))
    traps = np.zeros((len(shares), *shape))
    for frame in frames:
        seen = frame * (1.0 - shares.sum()) + ((1.0 - rates)[:, None, None] * traps).sum(axis=0)
        traps = rates[:, None, None] * traps + shares[:, None, None] * frame
        yield seen
