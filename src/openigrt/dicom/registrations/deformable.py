"""Deformable Spatial Registration to and from a displacement field (PS3.3 C.20.3).

The opposite sense of a Spatial Registration: it maps a point of the registered frame to the point of the source to be
sampled, p_source = M_post (M_pre p + d(p)), with d given on a grid in the registered frame.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydicom import Dataset
from pydicom.uid import UID, DeformableSpatialRegistrationStorage, ExplicitVRBigEndian

from openigrt.dicom.dataset.elements import in_short, items, name_of, naming, raw_value, required_numbers, text
from openigrt.dicom.dataset.headers import RESEARCH_ONLY, SeriesHeader, date_and_time, decimals, new_dataset, reference
from openigrt.dicom.dataset.load import transfer_syntax
from openigrt.dicom.dataset.plane import is_plane, plane_axes
from openigrt.dicom.dataset.references import set_references
from openigrt.dicom.registrations.spatial import (
    MATRIX_TYPES,
    ORTHONORMAL_TOLERANCE,
    RIGID,
    RegistrationMethod,
    method_item,
)
from openigrt.errors import (
    AmbiguousInput,
    InconsistentInput,
    InvalidGeometry,
    MissingInput,
    UnreadableFile,
    UnsupportedInput,
)
from openigrt.geometry import AffineTransform, DisplacementField, Float64Array, Frame, Grid, sample_points
from openigrt.images import Image

MAX_NODES = 2**28
BYTES_OF_VECTOR = 12
LONGEST_VECTOR_MM = 1e4
EXACT = 1e-9


@dataclass(frozen=True, eq=False, slots=True)
class DeformableRegistration:
    """A field between two matrices: `before` within the registered frame, `after` within the source.

    A node with NaN has no displacement. `image_uids` are the images of the source that are meant (none: all).
    """

    field: DisplacementField
    before: AffineTransform
    after: AffineTransform
    image_uids: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        """Check that the three follow each other; raises InvalidGeometry."""
        ends = self.before.from_frame, self.before.to_frame, self.after.from_frame, self.after.to_frame
        registered, source = self.field.grid.frame, self.field.to_frame
        if ends != (registered, registered, source, source):
            raise InvalidGeometry(f"A field from {registered} to {source} cannot stand between maps of {ends}.")

    @classmethod
    def of_field(cls, field: DisplacementField) -> "DeformableRegistration":
        """A field without matrices."""
        registered, source = field.grid.frame, field.to_frame
        return cls(field, AffineTransform.identity(registered), AffineTransform.identity(source))

    def source_points(self, registered_points_mm: ArrayLike) -> Float64Array:
        """Points (n, 3) of the source to sample for points (n, 3) of the registered frame; NaN off the grid."""
        points = np.asarray(registered_points_mm, dtype=np.float64).reshape(-1, 3)
        vectors = self.field.vectors_mm
        displacement = [
            sample_points(np.ascontiguousarray(vectors[..., axis]), self.field.grid, points) for axis in range(3)
        ]
        return self.after.points(self.before.points(points) + np.column_stack(displacement))

    def whole_field(self) -> DisplacementField:
        """Matrices and field as one field on the same grid: exact at its nodes, where it is p_source - p."""
        grid = self.field.grid
        k, j, i = np.indices(grid.shape, dtype=np.float64)
        nodes = grid.points(np.stack([i, j, k], axis=-1))
        moved = self.after.points(self.before.points(nodes) + self.field.vectors_mm)
        return DisplacementField(self.field.to_frame, grid, (moved - nodes).astype(np.float32))


def read_deformable_registration(dataset: Dataset, source_frame_uid: str | None = None) -> DeformableRegistration:
    """The field of a Deformable Spatial Registration: registered frame of role plan, source of role daily.

    Where there are several, `source_frame_uid` says which. Raises AmbiguousInput where it does not, MissingInput
    without a grid (or for another source), UnreadableFile or InconsistentInput for a grid or matrix that cannot be.
    """
    with naming(dataset):
        if text(dataset, "SOPClassUID") != DeformableSpatialRegistrationStorage:
            raise UnsupportedInput(f"{name_of(dataset)} is no Deformable Spatial Registration.")
        item = _chosen(dataset, source_frame_uid)
        source = Frame.daily(text(item, "SourceFrameOfReferenceUID"))
        registered = Frame.plan(text(dataset, "FrameOfReferenceUID"))
        grids = items(item, "DeformableRegistrationGridSequence")
        if len(grids) > 1:
            raise InconsistentInput(f"{name_of(dataset)} has {len(grids)} grids for one source; expected one.")
        order = ">" if transfer_syntax(dataset) == ExplicitVRBigEndian else "<"
        return DeformableRegistration(
            field=_field(grids[0], (registered, source), np.dtype(f"{order}f4")),
            before=_matrix(item, "PreDeformationMatrixRegistrationSequence", registered),
            after=_matrix(item, "PostDeformationMatrixRegistrationSequence", source),
            image_uids=frozenset(
                text(image, "ReferencedSOPInstanceUID") for image in items(item, "ReferencedImageSequence")
            ),
        )


def _chosen(dataset: Dataset, source_frame_uid: str | None) -> Dataset:
    """The only item with a grid, of a source where one is named."""
    with_grid = [
        item
        for item in items(dataset, "DeformableRegistrationSequence")
        if items(item, "DeformableRegistrationGridSequence")
    ]
    uids = [text(item, "SourceFrameOfReferenceUID") for item in with_grid]
    found = [item for item, uid in zip(with_grid, uids, strict=True) if source_frame_uid in (None, uid)]
    if not with_grid:
        raise MissingInput(f"{name_of(dataset)} holds no deformation grid.")
    if not found:
        raise MissingInput(f"{name_of(dataset)} deforms frame {in_short(uids)}, not {source_frame_uid}.", uids=uids)
    if len(found) > 1:
        raise AmbiguousInput(
            f"{name_of(dataset)} holds {len(found)} deformation grids, of frames {in_short(uids)}; choose one by the "
            "frame of its source, if they differ.",
            uids=uids,
        )
    return found[0]


def _field(item: Dataset, ends: tuple[Frame, Frame], dtype: np.dtype[np.float32]) -> DisplacementField:
    """The vectors on their grid, x fastest; grid resolution is spacing along row, column and normal."""
    registered, source = ends
    columns, rows, slices = (round(n) for n in required_numbers(item, "GridDimensions", 3))
    spacing_mm = required_numbers(item, "GridResolution", 3)
    orientation = np.array(required_numbers(item, "ImageOrientationPatient", 6)).reshape(2, 3)
    if not is_plane(orientation, spacing_mm):
        raise InconsistentInput(f"The deformation grid has an impossible orientation or resolution {spacing_mm} mm.")
    content = raw_value(item, "VectorGridData")
    nodes = columns * rows * slices
    if not isinstance(content, bytes) or not 0 < nodes <= MAX_NODES or len(content) != BYTES_OF_VECTOR * nodes:
        held = f"{len(content)} bytes of them are there" if isinstance(content, bytes) else "none are there"
        raise UnreadableFile(f"The deformation grid announces {columns} x {rows} x {slices} vectors; {held}.")
    grid = Grid(
        frame=registered,
        origin_mm=np.array(required_numbers(item, "ImagePositionPatient", 3)),
        spacing_mm=np.array(spacing_mm),
        direction=plane_axes(orientation),
        size=(columns, rows, slices),
    )
    vectors = np.frombuffer(content, dtype).reshape(*grid.shape, 3)
    return DisplacementField(to_frame=source, grid=grid, vectors_mm=_believable(vectors))


def _believable(vectors_mm: NDArray[np.float32]) -> NDArray[np.float32]:
    """Vectors, NaN throughout where a component is (PS3.3 C.20.3.1.3); raises UnreadableFile for absurd ones."""
    longest_mm = max(float(np.nanmax(vectors_mm, initial=0.0)), -float(np.nanmin(vectors_mm, initial=0.0)))
    if longest_mm > LONGEST_VECTOR_MM:
        raise UnreadableFile(f"The deformation grid holds displacements of {longest_mm:g} mm.")
    undefined = np.asarray(np.isnan(vectors_mm).any(axis=-1))
    return np.where(undefined[..., None], np.float32(np.nan), vectors_mm) if undefined.any() else vectors_mm


def _matrix(item: Dataset, sequence: str, frame: Frame) -> AffineTransform:
    """The matrix before or after the field, identity where there is none."""
    steps = items(item, sequence)
    if not steps:
        return AffineTransform.identity(frame)
    kind = text(steps[0], "FrameOfReferenceTransformationMatrixType")
    if len(steps) > 1 or kind not in MATRIX_TYPES:
        raise InconsistentInput(f"{sequence} holds {len(steps)} matrices, of type {kind or 'unknown'}; expected one.")
    matrix = np.array(required_numbers(steps[0], "FrameOfReferenceTransformationMatrix", 16)).reshape(4, 4)
    try:
        made = AffineTransform(frame, frame, matrix)
    except InvalidGeometry as error:
        raise UnreadableFile(f"{sequence}: {error.sentence}") from None
    if kind == RIGID and not _is_rigid(made, ORTHONORMAL_TOLERANCE):
        raise UnreadableFile(f"{sequence} says RIGID, but its matrix is not.")
    return made


def _is_rigid(transform: AffineTransform, tolerance: float) -> bool:
    """Whether a map only turns and shifts."""
    linear = transform.matrix[:3, :3]
    is_orthonormal = float(np.abs(linear @ linear.T - np.eye(3)).max()) <= tolerance
    return is_orthonormal and float(np.linalg.det(linear)) > 0.0


def write_deformable_registration(
    registration: DeformableRegistration,
    images: tuple[Image, Image],
    series: SeriesHeader,
    instance_uid: str,
    method: RegistrationMethod = RegistrationMethod.IMAGE_CONTENT,
) -> Dataset:
    """The Deformable Spatial Registration of a field; `images` are (registered image, source image).

    Vectors follow row x column, so a left-handed grid starts at its last slice. Raises InconsistentInput where the
    images lie in other frames than the field, MissingInput where a shared frame has no source images to name.
    """
    registered_image, source_image = images
    field = registration.field
    if (field.grid.frame.uid, field.to_frame.uid) != (registered_image.frame.uid, source_image.frame.uid):
        raise InconsistentInput(
            f"The field leads from {field.grid.frame} to {field.to_frame}, the images lie in {registered_image.frame} "
            f"and {source_image.frame}."
        )
    source_uids = source_image.provenance.instance_uids
    if registered_image.frame.uid == source_image.frame.uid and not source_uids:
        raise MissingInput(f"Both images share the frame {field.to_frame.uid} and the source has no slices to name.")
    dataset = new_dataset(series, "REG", DeformableSpatialRegistrationStorage, instance_uid)
    dataset.FrameOfReferenceUID = UID(field.grid.frame.uid)
    dataset.PositionReferenceIndicator = dataset.Laterality = ""
    dataset.InstanceNumber = 1
    dataset.ContentDate, dataset.ContentTime = date_and_time(series.created_at)
    dataset.ContentLabel = "DEFORMATION"
    dataset.ContentDescription = f"Registered image to sampled source ({RESEARCH_ONLY})"
    dataset.ContentCreatorName = ""
    item = Dataset()
    item.SourceFrameOfReferenceUID = UID(field.to_frame.uid)
    if source_uids:
        sop_class_uid = source_image.provenance.sop_class_uid
        item.ReferencedImageSequence = [reference(sop_class_uid, uid) for uid in source_uids]
    item.RegistrationTypeCodeSequence = [method_item(method)]
    item.PreDeformationMatrixRegistrationSequence = _matrix_items(registration.before)
    item.DeformableRegistrationGridSequence = [_grid_item(field)]
    item.PostDeformationMatrixRegistrationSequence = _matrix_items(registration.after)
    dataset.DeformableRegistrationSequence = [item]
    set_references(dataset, [image.provenance for image in images])
    return dataset


def _matrix_items(transform: AffineTransform) -> list[Dataset]:
    """The item of a Pre or Post Deformation Matrix Registration Sequence."""
    item = Dataset()
    item.FrameOfReferenceTransformationMatrixType = RIGID if _is_rigid(transform, EXACT) else "AFFINE"
    item.FrameOfReferenceTransformationMatrix = decimals(transform.matrix.ravel())
    return [item]


def _grid_item(field: DisplacementField) -> Dataset:
    """The item of the Deformable Registration Grid Sequence, little endian, x fastest."""
    grid, vectors = field.grid, field.vectors_mm
    first = 0
    if float(np.linalg.det(grid.direction)) < 0.0:
        first, vectors = grid.size[2] - 1, vectors[::-1]
    item = Dataset()
    item.ImagePositionPatient = decimals(grid.points((0, 0, first)))
    item.ImageOrientationPatient = decimals([*grid.direction[:, 0], *grid.direction[:, 1]])
    item.GridDimensions = list(grid.size)
    item.GridResolution = [float(spacing) for spacing in grid.spacing_mm]
    item.VectorGridData = _believable(vectors).astype("<f4").tobytes()
    return item
