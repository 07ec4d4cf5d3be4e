"""Images and masks: voxels on a grid, and what made them."""

from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from openigrt.errors import InvalidGeometry
from openigrt.geometry import CouchPose, Frame, Grid, PatientPosition, require_same_frame
from openigrt.images.distortion import DistortionCorrection
from openigrt.images.phase import Phase

SAME_LATTICE = 0.01

Scalar = TypeVar("Scalar", bound=np.generic)


class Modality(StrEnum):
    """What kind of device made an image."""

    CT = "CT"
    CBCT = "CBCT"
    MR = "MR"
    PET = "PET"
    US = "US"


@dataclass(frozen=True, slots=True)
class Provenance:
    """Who and what an image comes from; empty or None where the source does not say.

    `is_resampled` says that the voxels are no longer those of the instances; `phase` tells the image apart from others
    at the same place; `distortion_correction` is that of an MR image; `couch` is where the couch stood.
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
    couch: CouchPose | None = None


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

    def laid_on(self, grid: Grid) -> "Mask":
        """The same voxels on a larger grid of the same lattice, False around them; nothing is resampled.

        Slices may run the other way. Raises InvalidGeometry where the lattices differ by more than 1 % of a voxel, or
        a voxel of the set lies outside; FrameMismatch for another frame.
        """
        require_same_frame(self.frame, grid.frame, "Laying a mask on a grid")
        inside = np.argwhere(self.voxels)[:, ::-1]
        wanted = grid.indices(self.grid.points(inside)) if len(inside) else np.empty((0, 3))
        nearest = np.rint(wanted).astype(np.int64)
        steps = self.grid.direction * self.grid.spacing_mm
        turned = np.abs(np.abs((grid.direction / grid.spacing_mm).T @ steps) - np.eye(3)).max()
        off = max(float(np.abs(wanted - nearest).max(initial=0.0)), float(turned))
        if off > SAME_LATTICE or (nearest < 0).any() or (nearest >= np.array(grid.size)).any():
            raise InvalidGeometry(
                f"A mask on a grid of {self.grid.size} does not lie on another of {grid.size}: its voxels are off by "
                f"{off:.3g} of a voxel, or beyond its edge. Resample it, or take the image that it was drawn on."
            )
        voxels = np.zeros(grid.shape, dtype=np.bool_)
        voxels[nearest[:, 2], nearest[:, 1], nearest[:, 0]] = True
        return Mask(voxels, grid)


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
