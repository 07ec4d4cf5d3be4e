"""Simulated cone-beam projections with the flaws of real ones: spectrum, bow-tie, noise, lag, a bad detector.

Signals are relative to the unattenuated beam behind the thinnest part of the bow-tie.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from openigrt.errors import InputError
from openigrt.geometry import Float64Array, Trajectory
from openigrt.virtual.imaging._kernels_projections_cpu import behind
from openigrt.virtual.imaging.phantoms import Phantom, pixels_mm
from openigrt.xray import Material, Spectrum, attenuation_per_mm, tube_spectrum

Float32Array = NDArray[np.float32]


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


@dataclass(frozen=True, eq=False)
class FlatPanel:
    """One panel of a model: its `dark` field and `gain` in counts (rows, columns), drawn once."""

    model: DetectorModel
    dark: Float64Array
    gain: Float64Array

    @classmethod
    def drawn(cls, model: DetectorModel, shape: tuple[int, ...], rng: np.random.Generator) -> "FlatPanel":
        """A panel at random; raises InputError for a model that no panel can be."""
        if not (model.photons > 0.0 and model.full_counts > 0.0 and model.electronic_counts >= 0.0):
            raise InputError(f"A panel counts photons and is full above zero, without negative noise; found {model}.")
        if any(not 0 <= column < shape[1] for column in model.dead_columns):
            raise InputError(f"The panel has columns 0 to {shape[1] - 1}, and dead ones are {model.dead_columns}.")
        dark = model.dark_counts + model.dark_spread_counts * rng.standard_normal(shape)
        gain = model.full_counts * np.clip(1.0 + model.gain_spread * rng.standard_normal(shape), 0.5, 1.5)
        gain[:, list(model.dead_columns)] = 0.0
        return cls(model, dark, gain)

    def flat(self, air: Float32Array) -> Float32Array:
        """Its flat field (rows, columns) in counts, for air (rows, columns)."""
        return np.asarray(self.dark + self.gain * air, dtype=np.float32)

    def read_out(self, signal: Float32Array, rng: np.random.Generator) -> Float32Array:
        """Counts [projection, row, column] of signals in their order, with noise and lag, after a long pause."""
        model, raw = self.model, np.empty(signal.shape, np.float32)
        noisy = (rng.poisson(frame * model.photons) / model.photons for frame in signal)
        for n, frame in enumerate(_lagging(noisy, model, signal.shape[1:])):
            raw[n] = self.dark + self.gain * frame + model.electronic_counts * rng.standard_normal(signal.shape[1:])
        return raw


def detected(signal: Float32Array, air: Float32Array, model: DetectorModel, rng: np.random.Generator) -> Frames:
    """Counts of a panel for a signal [projection, row, column] and for air (rows, columns), with its flaws."""
    panel = FlatPanel.drawn(model, signal.shape[1:], rng)
    return Frames(panel.read_out(signal, rng), panel.dark.astype(np.float32), panel.flat(air))


def _lagging(frames: Iterable[Float64Array], model: DetectorModel, shape: tuple[int, ...]) -> Iterator[Float64Array]:
    """Frames with what the ones before left behind, each trap emptying exponentially."""
    shares, rates = np.array(model.lag_shares), np.exp(-1.0 / np.array(model.lag_frames))
    traps = np.zeros((len(shares), *shape))
    for frame in frames:
        seen = frame * (1.0 - shares.sum()) + ((1.0 - rates)[:, None, None] * traps).sum(axis=0)
        traps = rates[:, None, None] * traps + shares[:, None, None] * frame
        yield seen
