"""Scattered radiation estimated from the projections alone: as a constant, or by a kernel.

Signals [projection, row, column] are shares of the unattenuated beam at its brightest: transmissions times `air`
(rows, columns), the beam behind the bow-tie; scatter does not follow the bow-tie, so it must be taken off the signal.
"""

from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from openigrt.errors import InvalidGeometry
from openigrt.geometry import Float64Array, Trajectory
from openigrt.xray.smoothness import CosineBasis

Float32Array = NDArray[np.float32]

SHADOW_TRANSMISSION = 0.5
LARGEST_SCATTER_SHARE = 0.95
SMALLEST_PRIMARY = 1e-6
WIDTHS_MM = (20.0, 40.0, 80.0, 120.0, 180.0, 240.0)


@dataclass(frozen=True, slots=True)
class UniformScatter:
    """The quick one: scatter is a constant in each projection, a fixed part of the mean behind the patient.

    Boellaard et al., Radiother Oncol 44 (1997) 149. `scatter_to_primary` depends on the site and on the grid;
    no more than `largest_share` of the darkest pixels of a projection is taken off.
    """

    scatter_to_primary: float = 0.3
    largest_share: float = 0.6

    def __post_init__(self) -> None:
        """Check; raises InvalidGeometry."""
        if not (self.scatter_to_primary >= 0.0 and 0.0 <= self.largest_share <= 1.0):
            raise InvalidGeometry(
                f"Scatter is none or more of the primary beam and at most all of a signal, found "
                f"{self.scatter_to_primary} and {self.largest_share}."
            )

    def estimate(self, signal: Float32Array, air: Float32Array, trajectory: Trajectory) -> Float32Array:
        """Scatter [projection, row, column]; raises InvalidGeometry for pixels that do not fit the trajectory."""
        require_signal(signal, air, trajectory)
        share = self.scatter_to_primary / (1.0 + self.scatter_to_primary)
        out = np.empty_like(signal)
        for n, frame in enumerate(signal):
            shadow = frame[frame < SHADOW_TRANSMISSION * air]
            darkest = float(np.percentile(frame, 0.5))
            out[n] = min(share * float(shadow.mean()), self.largest_share * darkest) if shadow.size else 0.0
        return np.maximum(out, np.float32(0.0))


@dataclass(frozen=True, slots=True)
class KernelScatter:
    """Scatter spreads from where photons are lost: P ln(I0 / P), blurred by two Gaussians.

    The forward-scatter potential of Ohnesorge, Flohr, Klingenbeck-Regn, Eur Radiol 9 (1999) 563, with the pair of
    kernels of Sun and Star-Lack, Phys Med Biol 55 (2010) 6695; widths at the detector, beyond whose edges the blades
    let no beam through. `amplitude`, widths and shares hold for a machine and are fitted on a phantom (`fitted_to`);
    the usual ones are of a simulated machine with an anti-scatter grid.
    """

    amplitude: float = 0.12
    narrow_mm: float = 120.0
    wide_mm: float = 240.0
    wide_share: float = 0.8
    iterations: int = 8

    def __post_init__(self) -> None:
        """Check; raises InvalidGeometry."""
        if not (self.amplitude > 0.0 and self.narrow_mm > 0.0 and self.wide_mm > 0.0 and self.iterations >= 1):
            raise InvalidGeometry("A kernel of scatter has an amplitude, widths and iterations, each above zero.")
        if not 0.0 <= self.wide_share <= 1.0:
            raise InvalidGeometry(f"The wide part of a kernel is a share of 0 to 1, found {self.wide_share}.")

    def estimate(self, signal: Float32Array, air: Float32Array, trajectory: Trajectory) -> Float32Array:
        """Scatter [projection, row, column]; raises InvalidGeometry for pixels that do not fit the trajectory."""
        require_signal(signal, air, trajectory)
        basis = _basis(trajectory, self.narrow_mm, self.wide_mm)
        narrow, wide = basis.gaussian(self.narrow_mm), basis.gaussian(self.wide_mm)
        response = self.amplitude * ((1.0 - self.wide_share) * narrow + self.wide_share * wide)
        primary = np.array(signal, dtype=np.float32)
        out = np.zeros_like(primary)
        for _ in range(self.iterations):
            fresh = basis.smoothed(_potential(primary, air), response)
            out += np.float32(0.6) * (fresh - out)
            limited(out, signal)
            np.subtract(signal, out, out=primary)
        return out

    def fitted_to(
        self, signal: Float32Array, primary: Float32Array, air: Float32Array, trajectory: Trajectory
    ) -> "KernelScatter":
        """The kernel with the amplitude and widths that explain a phantom's signal, whose primary one is known.

        Least squares of the scatter in its shadow relative to the signal, over pairs out of `WIDTHS_MM`.
        """
        require_signal(signal, air, trajectory)
        basis, potential = _basis(trajectory, WIDTHS_MM[0], WIDTHS_MM[-1]), _potential(primary, air)
        shadow = (primary < SHADOW_TRANSMISSION * air) & (signal > SMALLEST_PRIMARY)
        scattered = ((signal - primary)[shadow] / signal[shadow]).astype(np.float64)
        blurred = (basis.smoothed(potential, basis.gaussian(width))[shadow] for width in WIDTHS_MM)
        shapes = np.stack([shape / signal[shadow] for shape in blurred], axis=1).astype(np.float64)
        narrow, wide, shares = _best_pair(shapes.T @ shapes, shapes.T @ scattered)
        amplitude = float(shares.sum())
        if not amplitude > 0.0:
            raise InvalidGeometry("The phantom's projections are darker than its primary radiation; check both.")
        return KernelScatter(amplitude, narrow, wide, float(shares[1]) / amplitude, self.iterations)


def _basis(trajectory: Trajectory, narrow_mm: float, wide_mm: float) -> CosineBasis:
    """Waves that hold Gaussians from `narrow_mm` on, with a margin that those of `wide_mm` do not cross."""
    across, down = (float(step) for step in trajectory.spacing_mm)
    return CosineBasis.of(trajectory.shape[1:], (across, down), 0.8 * narrow_mm, margin_mm=1.5 * wide_mm)


def _best_pair(products: Float64Array, targets: Float64Array) -> tuple[float, float, Float64Array]:
    """The two widths, and their shares (2,), none negative, that leave the smallest squares (normal equations)."""
    explained_most = 0.0
    best: tuple[float, float, Float64Array] = (WIDTHS_MM[0], WIDTHS_MM[-1], np.zeros(2))
    for first, second in combinations(range(len(WIDTHS_MM)), 2):
        pair = [first, second]
        shares = np.asarray(np.linalg.lstsq(products[np.ix_(pair, pair)], targets[pair], rcond=None)[0])
        if shares.min() < 0.0:
            alone = int(np.argmax(targets[pair] ** 2 / np.diag(products)[pair]))
            shares = np.zeros(2)
            shares[alone] = max(targets[pair[alone]] / products[pair[alone], pair[alone]], 0.0)
        explained = float(2.0 * shares @ targets[pair] - shares @ products[np.ix_(pair, pair)] @ shares)
        if explained > explained_most:
            explained_most, best = explained, (WIDTHS_MM[first], WIDTHS_MM[second], shares)
    return best


def _potential(primary: Float32Array, air: Float32Array) -> Float32Array:
    there = np.clip(primary, np.float32(SMALLEST_PRIMARY), air)
    return np.asarray(there * np.log(air / there), dtype=np.float32)


def require_signal(signal: Float32Array, air: Float32Array, trajectory: Trajectory) -> None:
    """Raise InvalidGeometry where signal or air have other pixels than the detectors, or hold what is no number."""
    expected = trajectory.shape[1:]
    if signal.ndim != 3 or signal.shape[1:] != expected or air.shape != expected:
        raise InvalidGeometry(
            f"A signal of {signal.shape} and air of {air.shape} do not fit detectors of {expected} (rows, columns)."
        )
    if not (np.isfinite(signal).all() and np.isfinite(air).all() and float(air.min()) > 0.0):
        raise InvalidGeometry(
            "The signal holds pixels that are no numbers, or the air pixels without beam; correct dead pixels first."
        )


def limited(scatter: Float32Array, signal: Float32Array) -> None:
    """Hold scatter between zero and 95 % of the signal, in place."""
    np.minimum(scatter, np.float32(LARGEST_SCATTER_SHARE) * signal, out=scatter)
    np.maximum(scatter, np.float32(0.0), out=scatter)
