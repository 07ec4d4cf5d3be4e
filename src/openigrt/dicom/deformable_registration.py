"""Deformable Spatial Registration to a displacement field (PS3.3 C.20.3).

The opposite sense of a Spatial Registration: it maps a point of the registered frame to the point of the source to be
sampled, p_source = M_post (M_pre p + d(p)), with d given on a grid in the registered frame.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from pydicom import Dataset

from openigrt.dicom.elements import items, name_of, naming, raw_value, required_numbers, text
from openigrt.dicom.plane import is_plane, plane_axes
from openigrt.errors import InconsistentInput, MissingInput, UnreadableFile, UnsupportedInput
from openigrt.geometry import DisplacementField, Float64Array, Frame, Grid, frozen_array, sample_points

DEFORMABLE_SPATIAL_REGISTRATION = "1.2.840.10008.5.1.4.1.1.66.3"
MAX_NODES = 2**28


@dataclass(frozen=True, eq=False, slots=True)
class DeformableRegistration:
    """Both matrices (4, 4), mm, and the field between them; a node with NaN has no displacement."""

    field: DisplacementField
    before: Float64Array
    after: Float64Array

    def source_points(self, registered_points_mm: ArrayLike) -> Float64Array:
        """Points (n, 3) of the source to sample for points (n, 3) of the registered frame; NaN off the grid."""
        points = np.asarray(registered_points_mm, dtype=np.float64).reshape(-1, 3)
        vectors = self.field.vectors_mm
        displacement = [
            sample_points(np.ascontiguousarray(vectors[..., axis]), self.field.grid, points) for axis in range(3)
        ]
        return _moved(self.after, _moved(self.before, points) + np.column_stack(displacement))


def read_deformable_registration(dataset: Dataset) -> DeformableRegistration:
    """The one field of a Deformable Spatial Registration: registered frame of role plan, source of role daily.

    Raises UnsupportedInput for several fields, MissingInput without a grid, UnreadableFile or InconsistentInput for a
    grid that cannot be.
    """
    with naming(dataset):
        if text(dataset, "SOPClassUID") != DEFORMABLE_SPATIAL_REGISTRATION:
            raise UnsupportedInput(f"{name_of(dataset)} is no Deformable Spatial Registration.")
        with_grid = [
            item
            for item in items(dataset, "DeformableRegistrationSequence")
            if items(item, "DeformableRegistrationGridSequence")
        ]
        if not with_grid:
            raise MissingInput(f"{name_of(dataset)} holds no deformation grid.")
        if len(with_grid) > 1:
            raise UnsupportedInput(f"{name_of(dataset)} holds {len(with_grid)} deformation grids; one is read.")
        item = with_grid[0]
        source = Frame.daily(text(item, "SourceFrameOfReferenceUID"))
        registered = Frame.plan(text(dataset, "FrameOfReferenceUID"))
        return DeformableRegistration(
            field=_field(items(item, "DeformableRegistrationGridSequence")[0], registered, source),
            before=_matrix(item, "PreDeformationMatrixRegistrationSequence"),
            after=_matrix(item, "PostDeformationMatrixRegistrationSequence"),
        )


def _field(item: Dataset, registered: Frame, source: Frame) -> DisplacementField:
    """The vectors on their grid, x fastest; grid resolution is spacing along row, column and normal."""
    columns, rows, slices = (round(n) for n in required_numbers(item, "GridDimensions", 3))
    spacing_mm = required_numbers(item, "GridResolution", 3)
    orientation = np.array(required_numbers(item, "ImageOrientationPatient", 6)).reshape(2, 3)
    if not is_plane(orientation, spacing_mm):
        raise InconsistentInput(f"The deformation grid has an impossible orientation or resolution {spacing_mm} mm.")
    content = raw_value(item, "VectorGridData")
    nodes = columns * rows * slices
    if not isinstance(content, bytes) or not 0 < nodes <= MAX_NODES or len(content) < 12 * nodes:
        raise UnreadableFile(
            f"The deformation grid announces {columns} x {rows} x {slices} vectors; they are not there."
        )
    grid = Grid(
        frame=registered,
        origin_mm=np.array(required_numbers(item, "ImagePositionPatient", 3)),
        spacing_mm=np.array(spacing_mm),
        direction=plane_axes(orientation),
        size=(columns, rows, slices),
    )
    vectors = np.frombuffer(content, "<f4", 3 * nodes).reshape(*grid.shape, 3)
    return DisplacementField(to_frame=source, grid=grid, vectors_mm=vectors)


def _matrix(item: Dataset, sequence: str) -> Float64Array:
    """The matrix before or after the field, identity where there is none."""
    steps = items(item, sequence)
    if not steps:
        return frozen_array(np.eye(4), (4, 4))
    values = required_numbers(steps[0], "FrameOfReferenceTransformationMatrix", 16)
    return frozen_array(np.array(values).reshape(4, 4), (4, 4))


def _moved(matrix: Float64Array, points_mm: Float64Array) -> Float64Array:
    """Points (n, 3) through a homogeneous matrix."""
    return points_mm @ matrix[:3, :3].T + matrix[:3, 3]
