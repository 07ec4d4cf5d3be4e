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
    counted = np.minimum(volume.weight, np.float32(1.0))
    weighted = volume.voxels * counted
    weight, first, second = (_blocks(x) for x in (counted, weighted, weighted * volume.voxels))
    sigma = window_mm / (volume.spacing_mm * STATISTICS_FACTOR)
    smooth = [gaussian_filter(x, sigma, mode="constant", truncate=2.5) for x in (weight, first, second)]
    total = np.maximum(smooth[0], 1e-6)
    mean = smooth[1] / total
    deviation = np.sqrt(np.maximum(smooth[2] / total - mean**2, 0.0) + noise**2)
    out = np.empty_like(volume.voxels)
    locally_normalised(volume.voxels, mean.astype(np.float32), deviation.astype(np.float32), STATISTICS_FACTOR, out)
    return out


def _blocks(voxels: Voxels) -> Voxels:
    """Means over blocks of two by two by two; the last layer is repeated where a size is odd."""
    means = np.pad(voxels, [(0, n % STATISTICS_FACTOR) for n in voxels.shape], mode="edge")
    means = means[0::2] + means[1::2]
    means = means[:, 0::2] + means[:, 1::2]
    means = means[:, :, 0::2] + means[:, :, 1::2]
    return means * np.float32(0.125)
