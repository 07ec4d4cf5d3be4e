"""Scattered radiation estimated from the projections alone: as a constant, or by a kernel.

Signals [projection, row, column] are shares of the unattenuated beam at its brightest: transmissions times `air`
(rows, columns), the beam behind the bow-tie; scatter does not follow the bow-tie, so it must be taken off the signal.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from openigrt.errors import InvalidGeometry
from openigrt.geometry import Trajectory
from openigrt.xray.smoothness import CosineBasis

Float32Array = NDArray[np.float32]

SHADOW_TRANSMISSION = 0.5
LARGEST_SCATTER_SHARE = 0.95
SMALLEST_PRIMARY = 1e-6


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
    kernels of Sun and Star-Lack, Phys Med Biol 55 (2010) 6695; widths at the detector. `amplitude` holds for a machine
    and is fitted on a phantom (`fitted_to`).
    """

    amplitude: float = 0.1
    narrow_mm: float = 45.0
    wide_mm: float = 130.0
    wide_share: float = 0.63
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
        basis, response = self._basis(trajectory)
        primary = np.array(signal, dtype=np.float32)
        out = np.zeros_like(primary)
        for _ in range(self.iterations):
            fresh = np.float32(self.amplitude) * basis.smoothed(self._potential(primary, air), response)
            out += np.float32(0.6) * (fresh - out)
            limited(out, signal)
            np.subtract(signal, out, out=primary)
        return out

    def fitted_to(
        self, signal: Float32Array, primary: Float32Array, air: Float32Array, trajectory: Trajectory
    ) -> "KernelScatter":
        """The same kernel with the amplitude that explains a phantom's signal, whose primary one is known."""
        require_signal(signal, air, trajectory)
        basis, response = self._basis(trajectory)
        shape = basis.smoothed(self._potential(primary, air), response)
        shadow = primary < SHADOW_TRANSMISSION * air
        scattered = (signal - primary)[shadow].astype(np.float64)
        power = float((shape[shadow].astype(np.float64) ** 2).sum())
        amplitude = float(scattered @ shape[shadow]) / power if power else 0.0
        if not amplitude > 0.0:
            raise InvalidGeometry("The phantom's projections are darker than its primary radiation; check both.")
        return replace(self, amplitude=amplitude)

    def _basis(self, trajectory: Trajectory) -> tuple[CosineBasis, NDArray[np.float64]]:
        across, down = (float(step) for step in trajectory.spacing_mm)
        basis = CosineBasis.of(trajectory.shape[1:], (across, down), 0.8 * self.narrow_mm)
        narrow, wide = basis.gaussian(self.narrow_mm), basis.gaussian(self.wide_mm)
        return basis, (1.0 - self.wide_share) * narrow + self.wide_share * wide

    @staticmethod
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
