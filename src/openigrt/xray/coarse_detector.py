"""A scan as a detector of larger pixels sees it: for what varies slowly, a small part of the work."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from openigrt.geometry import Trajectory
from openigrt.xray.redundancy import at_isocenter_mm

Float32Array = NDArray[np.float32]


@dataclass(frozen=True, eq=False, slots=True)
class CoarseDetector:
    """The detector of a scan with `block` times `block` of its pixels taken as one.

    `shape` (rows, columns) is that of the fine one; what is left over at its last row and column is left out.
    """

    block: int
    shape: tuple[int, int]

    @classmethod
    def of(cls, trajectory: Trajectory, pixel_mm: float) -> "CoarseDetector":
        """Pixels as large as can be, up to `pixel_mm` as seen at the axis of rotation."""
        block = int(pixel_mm / max(at_isocenter_mm(trajectory)))
        return cls(max(1, min(block, *trajectory.size)), trajectory.shape[1:])

    def seen_by(self, trajectory: Trajectory) -> Trajectory:
        """The trajectory of this detector, or of some of its projections, with the larger pixels."""
        columns, rows = trajectory.size
        across, down = (self.block - 1) / 2.0 * trajectory.spacing_mm
        return replace(
            trajectory,
            first_pixels_mm=trajectory.first_pixels_mm
            + across * trajectory.row_directions
            + down * trajectory.column_directions,
            spacing_mm=self.block * trajectory.spacing_mm,
            size=(columns // self.block, rows // self.block),
        )

    def means(self, images: Float32Array) -> Float32Array:
        """Means of the blocks of images [..., row, column]."""
        rows, columns = (count // self.block for count in self.shape)
        whole = images[..., : rows * self.block, : columns * self.block]
        blocks = whole.reshape(*images.shape[:-2], rows, self.block, columns, self.block)
        return np.asarray(blocks.mean(axis=(-3, -1)), dtype=np.float32)

    def refined(self, images: Float32Array) -> Float32Array:
        """Images [..., row, column] of the larger pixels on the fine detector, linear between them."""
        down, across = (self._between(count) for count in self.shape)
        return np.asarray(down @ images @ across.T, dtype=np.float32)

    def _between(self, count: int) -> Float32Array:
        """Weights (fine, coarse) of linear interpolation along one side, constant beyond the outermost."""
        coarse = count // self.block
        places = np.clip((np.arange(count) - (self.block - 1) / 2.0) / self.block, 0.0, coarse - 1.0)
        return np.maximum(0.0, 1.0 - np.abs(places[:, None] - np.arange(coarse))).astype(np.float32)
