"""Images and masks: voxels on a grid, and what made them."""

from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from openigrt.errors import InvalidGeometry
from openigrt.geometry import Frame, Grid, PatientPosition
from openigrt.images.distortion import DistortionCorrection
from openigrt.images.phase import Phase

Scalar = TypeVar("Scalar", bound=np.generic)


class Modality(StrEnum):
    """What kind of device made an image."""

    CT = "CT"
    CBCT = "CBCT"
    MR = "MR"
    PET = "PET"


@dataclass(frozen=True, slots=True)
class Provenance:
    """Who and what an image comes from; empty or None where the source does not say.

    `is_resampled` says that the voxels are no longer those of the instances; `phase` tells the image apart from others
    at the same place; `distortion_correction` is that of an MR image.
    """

    patient_id: str = ""
    patient_name: str = ""
    study_uid: str = ""
    series_uid: str = ""
    series_description: str = ""
    instance_uids: tuple[str, ...] = ()
    sop_class_uid: str = ""
    manufacturer: str = ""
    device_model: str = ""
    station_name: str = ""
    acquired_at: datetime | None = None
    patient_position: PatientPosition | None = None
    is_derived: bool = False
    is_resampled: bool = False
    phase: Phase | None = None
    distortion_correction: DistortionCorrection | None = None


@dataclass(frozen=True, eq=False)
class Image:
    """A volume: float32 `voxels` [k, j, i] on a `grid`; HU for CT and cone-beam CT, device units otherwise.

    Voxels without data are NaN. The array is read-only.
    """

    voxels: NDArray[np.float32]
    grid: Grid
    modality: Modality
    provenance: Provenance = field(default_factory=Provenance)

    def __post_init__(self) -> None:
        """Check that voxels fit the grid, and freeze them."""
        object.__setattr__(self, "voxels", _frozen(self.voxels, np.float32, self.grid))

    @property
    def frame(self) -> Frame:
        """The frame of the grid."""
        return self.grid.frame

    def axial(self) -> "Image":
        """The same voxels as axial slices of rows and columns, or the nearest to them that the grid allows."""
        axes = _axial_order(self.grid)
        return replace(self, voxels=_reordered(self.voxels, axes), grid=self.grid.reordered(axes))


@dataclass(frozen=True, eq=False)
class Mask:
    """A set of voxels: bool `voxels` [k, j, i] on a `grid`."""

    voxels: NDArray[np.bool_]
    grid: Grid

    def __post_init__(self) -> None:
        """Check that voxels fit the grid, and freeze them."""
        object.__setattr__(self, "voxels", _frozen(self.voxels, np.bool_, self.grid))

    @property
    def frame(self) -> Frame:
        """The frame of the grid."""
        return self.grid.frame

    def axial(self) -> "Mask":
        """The same voxels as axial slices of rows and columns, or the nearest to them that the grid allows."""
        axes = _axial_order(self.grid)
        return Mask(_reordered(self.voxels, axes), self.grid.reordered(axes))


def _axial_order(grid: Grid) -> tuple[int, int, int]:
    """Axes of a grid: nearest to left and right, to front and back, and to head and feet."""
    along = int(np.abs(grid.direction[2]).argmax())
    across = [axis for axis in range(3) if axis != along]
    sideways, forward = sorted(across, key=lambda axis: -abs(grid.direction[0, axis]))
    return sideways, forward, along


def _reordered(voxels: NDArray[Scalar], axes: tuple[int, int, int]) -> NDArray[Scalar]:
    """Voxels [k, j, i] with the axes (0: i, 1: j, 2: k) of their grid in another order."""
    return voxels.transpose([2 - axis for axis in reversed(axes)])


def _frozen(voxels: NDArray[np.generic], dtype: type[np.generic], grid: Grid) -> NDArray[np.generic]:
    """Read-only C-ordered view (no copy where none is needed) of voxels of the right type and shape."""
    array = np.ascontiguousarray(voxels, dtype=dtype)
    if array.shape != grid.shape:
        raise InvalidGeometry(f"Voxels of shape {array.shape} do not fit a grid of shape {grid.shape}.")
    view = array.view()
    view.setflags(write=False)
    return view
