"""What comes through the collimator: open shares of jaws and leaves on the isocenter plane, with a penumbra.

Leaves let 1.6 % through (Kim et al., Med Phys 28, 2001: 120 leaves, 6 MV), jaws nothing. The penumbra is a Gaussian
whose 80 to 20 % width is the 3.7 mm of a 6 MV slit at 10 cm depth (J Appl Clin Med Phys 12, 2011, 3475, table 2).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from openigrt.errors import MissingInput, UnsupportedInput
from openigrt.geometry import Float64Array
from openigrt.patient import AperturePositions, Beam, BeamLimitingDevice, BeamModifiers, ControlPoint

LEAF_TRANSMISSION = 0.016
PENUMBRA_MM = 3.7 / 1.6832  # one standard deviation
STEP_MM = 1.0
RIM_MM = 4.0 * PENUMBRA_MM


@dataclass(frozen=True, eq=False)
class Fluence:
    """Shares of the open beam [v, u], float32, every millimetre of the isocenter plane from `corner_mm` (u, v) on."""

    shares: NDArray[np.float32]
    corner_mm: Float64Array

    @property
    def end_mm(self) -> Float64Array:
        """The last sample (u, v)."""
        rows, columns = self.shares.shape
        return self.corner_mm + STEP_MM * (np.array([columns, rows]) - 1)


def fluence_of(beam: Beam, point: ControlPoint) -> Fluence:
    """The fluence of a control point, mm in axes of the beam-limiting device.

    Raises MissingInput for a beam without jaws, UnsupportedInput for one with blocks, wedges or other modifiers.
    """
    if beam.modifiers != BeamModifiers():
        raise UnsupportedInput(f"Beam {beam.number} {beam.name!r} has modifiers; a dose knows jaws and leaves alone.")
    if point.jaw_x_mm is None or point.jaw_y_mm is None:
        raise MissingInput(f"Beam {beam.number} {beam.name!r} has no two pairs of jaws, so its field has no end.")
    low = np.array([point.jaw_x_mm[0], point.jaw_y_mm[0]]) - RIM_MM
    high = np.array([point.jaw_x_mm[1], point.jaw_y_mm[1]]) + RIM_MM
    u, v = (np.arange(low[n], high[n] + STEP_MM, STEP_MM) for n in range(2))
    shares = np.outer(_covered(v, *point.jaw_y_mm), _covered(u, *point.jaw_x_mm))
    devices = {device.kind: device for device in beam.leaves}
    for found in point.positions:
        if found.device in devices:
            shares *= LEAF_TRANSMISSION + (1.0 - LEAF_TRANSMISSION) * _behind_leaves(devices[found.device], found, u, v)
    blurred = ndimage.gaussian_filter(shares, PENUMBRA_MM / STEP_MM, mode="constant", truncate=3.9)
    return Fluence(blurred.astype(np.float32), low)


def _behind_leaves(
    device: BeamLimitingDevice, found: AperturePositions, u: Float64Array, v: Float64Array
) -> Float64Array:
    """What a layer of leaves leaves open [v, u]."""
    along, across = (u, v) if device.moves_along_x else (v, u)
    edges, positions = np.array(device.boundaries_mm), np.array(found.positions_mm)
    pairs = len(positions) // 2
    strips = np.stack([_covered(across, edges[n], edges[n + 1]) for n in range(pairs)], axis=1)
    gaps = np.stack([_covered(along, positions[n], positions[n + pairs]) for n in range(pairs)])
    opened: Float64Array = strips @ gaps
    return opened if device.moves_along_x else opened.T


def _covered(centers_mm: Float64Array, low_mm: float, high_mm: float) -> Float64Array:
    """Which share (n,) of each sample of a line lies between two places."""
    reach = np.minimum(centers_mm + 0.5 * STEP_MM, high_mm) - np.maximum(centers_mm - 0.5 * STEP_MM, low_mm)
    return np.asarray(np.clip(reach / STEP_MM, 0.0, 1.0))
