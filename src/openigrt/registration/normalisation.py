"""Local normalisation: what is left of an image when slow shading and local contrast are divided out.

Each voxel becomes (value - local mean) / local deviation under a Gaussian window that sees only voxels that count.
Cupping, scatter and a scale of the gray values, all slow against the window, vanish; a correlation of two such images
is a local correlation of the originals.
"""

import numpy as np
from scipy.ndimage import gaussian_filter

from openigrt.registration._kernels_cpu import locally_normalised
from openigrt.registration.working_volume import Voxels, WorkingVolume

STATISTICS_FACTOR = 2


def local_normalisation(volume: WorkingVolume, window_mm: float, noise: float) -> Voxels:
    """Locally normalised voxels (same shape), window of standard deviation `window_mm`.

    `noise`, in gray values, is added to the local deviation in quadrature: flat parts do not become noise alone.
    Statistics are taken on a lattice twice as coarse: they are smooth by construction.
    """
    weight = _blocks(np.minimum(volume.weight, 1.0))
    first = _blocks(volume.voxels * np.minimum(volume.weight, 1.0))
    second = _blocks(volume.voxels**2 * np.minimum(volume.weight, 1.0))
    sigma = window_mm / (volume.spacing_mm * STATISTICS_FACTOR)
    smooth = [gaussian_filter(x, sigma, mode="constant", truncate=2.5) for x in (weight, first, second)]
    total = np.maximum(smooth[0], 1e-6)
    mean = smooth[1] / total
    deviation = np.sqrt(np.maximum(smooth[2] / total - mean**2, 0.0) + noise**2)
    out = np.empty_like(volume.voxels)
    locally_normalised(volume.voxels, mean.astype(np.float32), deviation.astype(np.float32), STATISTICS_FACTOR, out)
    return out


def _blocks(voxels: Voxels) -> Voxels:
    """Means over blocks of STATISTICS_FACTOR cubed; the last block repeats the edge where the size is odd."""
    f = STATISTICS_FACTOR
    padded = np.pad(voxels, [(0, -n % f) for n in voxels.shape], mode="edge")
    k, j, i = (n // f for n in padded.shape)
    return np.asarray(padded.reshape(k, f, j, f, i, f).mean(axis=(1, 3, 5), dtype=np.float32))
