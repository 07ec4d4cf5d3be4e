"""Surface Scan Point Cloud, Surface Scan Mesh and Surface Segmentation to point clouds and meshes, and scans back.

PS3.3 C.27: coordinates are float32 triples in mm of the Frame of Reference; indices of points start at 1; seen from
outside the corners of a primitive are counter-clockwise.
"""

from collections.abc import Callable
from datetime import UTC

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset
from pydicom.uid import (
    UID,
    ExplicitVRBigEndian,
    SurfaceScanMeshStorage,
    SurfaceScanPointCloudStorage,
    SurfaceSegmentationStorage,
)

from openigrt.dicom.dataset.elements import (
    items,
    name_of,
    naming,
    numbers,
    raw_value,
    required_whole_number,
    text,
    whole_number,
)
from openigrt.dicom.dataset.frame_of_reference import frame_of, frame_uid_of
from openigrt.dicom.dataset.headers import SeriesHeader, new_dataset, reference
from openigrt.dicom.dataset.load import transfer_syntax
from openigrt.dicom.dataset.provenance import provenance_of
from openigrt.errors import InvalidGeometry, MissingInput, UnreadableFile, UnsupportedInput
from openigrt.geometry import LONGEST_MM, Float64Array, Frame
from openigrt.images import Mesh, PointCloud, Provenance

MAX_SURFACES = 10_000
MAX_ELEMENT_BYTES = 2**27  # eleven million points or triangles, each of which takes a few times its bytes
FLAT = 1e-3
WHITE_LAB = (65535, 32896, 32896)
COMPUTED = ("114208", "DCM", "Point Cloud Algorithmic")
CLOSED = {"YES": True, "NO": False}

Messages = tuple[str, ...]


def read_point_cloud(dataset: Dataset, patient: Callable[[str], Frame] = Frame.daily) -> tuple[PointCloud, Messages]:
    """The points of a Surface Scan Point Cloud, and what was noticed.

    `patient` makes the frame from a Frame of Reference UID that is none of the room: `Frame.plan` or `Frame.daily`.
    Raises UnsupportedInput, MissingInput, UnreadableFile or InvalidGeometry for what is no whole cloud of points.
    """
    with naming(dataset):
        if text(dataset, "SOPClassUID") != SurfaceScanPointCloudStorage:
            raise UnsupportedInput(f"{name_of(dataset)} is no Surface Scan Point Cloud.")
        item = _only(dataset, "SurfacePointsSequence")
        points_mm = _points_mm(dataset, item)
        colors = _cielab(dataset, len(points_mm))
        cloud = PointCloud(frame_of(dataset, patient), points_mm, None, colors, provenance_of(dataset))
        return cloud, ()


def read_meshes(dataset: Dataset, patient: Callable[[str], Frame] = Frame.daily) -> tuple[tuple[Mesh, ...], Messages]:
    """The surfaces of a Surface Scan Mesh or a Surface Segmentation, and what was left aside: vertices, edges, lines.

    Triangles, strips, fans and convex facets become triangles. `patient` as for `read_point_cloud`. Raises
    UnsupportedInput, MissingInput, UnreadableFile or InvalidGeometry for what is no whole mesh.
    """
    with naming(dataset):
        if text(dataset, "SOPClassUID") not in (SurfaceScanMeshStorage, SurfaceSegmentationStorage):
            raise UnsupportedInput(f"{name_of(dataset)} is no Surface Scan Mesh and no Surface Segmentation.")
        surfaces = items(dataset, "SurfaceSequence")
        if not 0 < len(surfaces) <= MAX_SURFACES:
            raise MissingInput(f"{name_of(dataset)} holds {len(surfaces)} surfaces; expected 1 to {MAX_SURFACES}.")
        frame, labels = frame_of(dataset, patient), _segment_labels(dataset)
        messages: Messages = ()
        meshes = []
        for index, item in enumerate(surfaces, start=1):
            points_mm = _points_mm(dataset, _only(item, "SurfacePointsSequence"))
            triangles, aside = _triangles(dataset, _only(item, "SurfaceMeshPrimitivesSequence"), points_mm)
            normals, odd = _normals(dataset, item, len(points_mm))
            messages += tuple(f"Surface {index}: {sentence}" for sentence in aside + odd)
            label = labels.get(whole_number(item, "SurfaceNumber") or index, "") or text(item, "SurfaceComments")
            is_closed = CLOSED.get(text(item, "FiniteVolume"))
            meshes.append(Mesh(frame, points_mm, triangles, normals, label, is_closed, provenance_of(dataset)))
        return tuple(meshes), messages


def _only(dataset: Dataset, sequence: str) -> Dataset:
    """The one item of a sequence."""
    found = items(dataset, sequence)
    if len(found) != 1:
        raise UnreadableFile(f"{name_of(dataset)} should have one item of {sequence} and has {len(found)}.")
    return found[0]


def _words(dataset: Dataset, item: Dataset, keyword: str, kind: str) -> NDArray[np.generic]:
    """The values of a binary element of `item` as numpy's `kind`, in the byte order of the data set; none if absent."""
    content = raw_value(item, keyword)
    if content is None or content == b"":
        return np.empty(0, kind)
    if not isinstance(content, bytes):
        return np.array(numbers(item, keyword)).astype(kind)
    if len(content) > MAX_ELEMENT_BYTES:
        raise UnsupportedInput(
            f"{name_of(dataset)}: {keyword} has {len(content)} bytes; at most {MAX_ELEMENT_BYTES} are read."
        )
    order = ">" if transfer_syntax(dataset) == ExplicitVRBigEndian else "<"
    dtype = np.dtype(order + kind)
    if len(content) % dtype.itemsize:
        raise UnreadableFile(
            f"{name_of(dataset)}: {keyword} has {len(content)} bytes, no multiple of {dtype.itemsize}."
        )
    return np.frombuffer(content, dtype).astype(kind)


def _triples(dataset: Dataset, item: Dataset, keyword: str, count: int) -> Float64Array:
    """(count, 3) finite float32 numbers of an element."""
    values = _words(dataset, item, keyword, "f4").astype(np.float64)
    if len(values) != 3 * count:
        raise UnreadableFile(
            f"{name_of(dataset)}: {keyword} holds {len(values)} numbers, expected 3 of each of {count}."
        )
    if not np.isfinite(values).all() or np.abs(values).max(initial=0.0) > LONGEST_MM:
        raise UnreadableFile(f"{name_of(dataset)}: {keyword} is not finite, or beyond {LONGEST_MM:g} mm.")
    return np.asarray(values.reshape(-1, 3))


def _points_mm(dataset: Dataset, item: Dataset) -> Float64Array:
    """Points (n, 3) of the Points macro (PS3.3 C.27.2)."""
    count = required_whole_number(item, "NumberOfSurfacePoints")
    if count < 1:
        raise UnreadableFile(f"{name_of(dataset)} announces {count} points; expected one at least.")
    return _triples(dataset, item, "PointCoordinatesData", count)


def _normals(dataset: Dataset, surface: Dataset, count: int) -> tuple[Float64Array | None, Messages]:
    """Unit normals (n, 3) of the Vectors macro (PS3.3 C.27.3); set aside with a message where they are none."""
    found = items(surface, "SurfacePointsNormalsSequence")
    if not found:
        return None, ()
    if whole_number(found[0], "VectorDimensionality") != 3 or whole_number(found[0], "NumberOfVectors") != count:
        return None, (f"its normals are not {count} vectors of 3 numbers; they are left aside.",)
    vectors = _triples(dataset, found[0], "VectorCoordinateData", count)
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    if lengths.min() <= 0.0:
        return None, ("some of its normals have no direction; they are left aside.",)
    return vectors / lengths, ()


def _cielab(dataset: Dataset, count: int) -> Float64Array | None:
    """Colors (n, 3) as lightness 0 to 100, a and b -128 to 127 (PS3.3 C.10.7.1.1)."""
    stored = _words(dataset, dataset, "SurfacePointColorCIELabValueData", "u2").astype(np.float64)
    if not len(stored):
        return None
    if len(stored) != 3 * count:
        raise UnreadableFile(f"{name_of(dataset)} has {len(stored)} color values for {count} points; expected 3 each.")
    return np.asarray(stored.reshape(-1, 3) * (100.0 / 65535.0, 255.0 / 65535.0, 255.0 / 65535.0) - (0.0, 128.0, 128.0))


def _triangles(dataset: Dataset, item: Dataset, points_mm: Float64Array) -> tuple[NDArray[np.int64], Messages]:
    """All triangles (m, 3), from 0, and what else there is."""
    single = _indices(dataset, item, ("LongTrianglePointIndexList", "TrianglePointIndexList"), len(points_mm))
    if len(single) % 3:
        raise UnreadableFile(f"{name_of(dataset)} lists {len(single)} corners of triangles, no multiple of 3.")
    parts = [single.reshape(-1, 3)]
    for sequence, split in (
        ("TriangleStripSequence", _strip),
        ("TriangleFanSequence", _fan),
        ("FacetSequence", _fan),
    ):
        for primitive in items(item, sequence):
            keywords = ("LongPrimitivePointIndexList", "PrimitivePointIndexList")
            corners = _indices(dataset, primitive, keywords, len(points_mm))
            if len(corners) < 3:
                raise UnreadableFile(f"{name_of(dataset)}: {sequence} has a primitive of {len(corners)} points.")
            if sequence == "FacetSequence" and not _is_convex(points_mm[corners]):
                raise UnsupportedInput(f"{name_of(dataset)} has a facet that is not flat and convex; store triangles.")
            parts.append(split(corners))
    triangles = np.concatenate(parts)
    if not len(triangles):
        raise UnsupportedInput(f"{name_of(dataset)} has 0 triangles; expected one at least.")
    others = {
        "vertices": ("LongVertexPointIndexList", "VertexPointIndexList"),
        "edges": ("LongEdgePointIndexList", "EdgePointIndexList"),
        "lines": ("LineSequence",),
    }
    aside = [name for name, keywords in others.items() if any(raw_value(item, keyword) for keyword in keywords)]
    return triangles, tuple(f"its {name} are left aside." for name in aside)


def _indices(dataset: Dataset, item: Dataset, keywords: tuple[str, str], count: int) -> NDArray[np.int64]:
    """Indices of points from 0: of the list of 32 bits, or of the retired one of 16."""
    found = [_words(dataset, item, keyword, kind) for keyword, kind in zip(keywords, ("u4", "u2"), strict=True)]
    indices = np.concatenate([part.astype(np.int64) for part in found]) - 1
    if len(indices) and not 0 <= indices.min() <= indices.max() < count:
        raise InvalidGeometry(
            f"{name_of(dataset)} names points {indices.min() + 1} to {indices.max() + 1}; it has points 1 to {count}."
        )
    return indices


def _strip(corners: NDArray[np.int64]) -> NDArray[np.int64]:
    """Triangles (n - 2, 3) of a strip; every second one is turned round, so that all face as the first does."""
    triangles = np.stack([corners[:-2], corners[1:-1], corners[2:]], axis=1)
    triangles[1::2] = triangles[1::2, ::-1]
    return triangles


def _fan(corners: NDArray[np.int64]) -> NDArray[np.int64]:
    """Triangles (n - 2, 3) around the first corner."""
    return np.stack([np.full(len(corners) - 2, corners[0]), corners[1:-1], corners[2:]], axis=1)


def _is_convex(polygon_mm: Float64Array) -> bool:
    """Whether a closed polygon (n, 3) is flat and turns one way only."""
    edges = np.roll(polygon_mm, -1, axis=0) - polygon_mm
    turns = np.cross(edges, np.roll(edges, -1, axis=0))
    lengths = np.linalg.norm(turns, axis=1)
    normal = turns[lengths.argmax()] / max(float(lengths.max()), 1e-12)
    off_plane = np.abs((polygon_mm - polygon_mm.mean(axis=0)) @ normal).max()
    angles = np.arctan2(turns @ normal, (edges * np.roll(edges, -1, axis=0)).sum(axis=1))
    is_one_turn = abs(float(angles.sum()) - 2.0 * np.pi) < FLAT
    return bool(
        (turns @ normal >= -1e-9).all() and off_plane <= FLAT * np.linalg.norm(edges, axis=1).max() and is_one_turn
    )


def _segment_labels(dataset: Dataset) -> dict[int, str]:
    """What the segments of a Surface Segmentation call their surfaces, by surface number."""
    return {
        required_whole_number(surface, "ReferencedSurfaceNumber"): text(segment, "SegmentLabel")
        for segment in items(dataset, "SegmentSequence")
        for surface in items(segment, "ReferencedSurfaceSequence")
    }


def write_point_cloud(cloud: PointCloud, series: SeriesHeader, instance_uid: str) -> Dataset:
    """The Surface Scan Point Cloud of a cloud of points, in float32; its normals have no place there.

    Raises UnsupportedInput for a frame without a Frame of Reference UID.
    """
    dataset = _new_scan(series, SurfaceScanPointCloudStorage, instance_uid, (cloud.frame, cloud.provenance))
    dataset.SurfacePointsSequence = [_points_item(cloud.points_mm)]
    if cloud.colors is not None:
        stored = (cloud.colors + np.array([0.0, 128.0, 128.0])) * np.array([655.35, 257.0, 257.0])
        dataset.SurfacePointColorCIELabValueData = np.clip(np.rint(stored), 0, 65535).astype(int).ravel().tolist()
    return dataset


def write_mesh(mesh: Mesh, series: SeriesHeader, instance_uid: str) -> Dataset:
    """The Surface Scan Mesh of a mesh, points in float32; raises UnsupportedInput as `write_point_cloud` does."""
    dataset = _new_scan(series, SurfaceScanMeshStorage, instance_uid, (mesh.frame, mesh.provenance))
    surface = Dataset()
    surface.SurfaceNumber = 1
    surface.SurfaceComments = mesh.label
    surface.SurfaceProcessing = "NO"
    surface.RecommendedDisplayGrayscaleValue = WHITE_LAB[0]
    surface.RecommendedDisplayCIELabValue = list(WHITE_LAB)
    surface.RecommendedPresentationOpacity = 1.0
    surface.RecommendedPresentationType = "SURFACE"
    surface.FiniteVolume = {True: "YES", False: "NO", None: "UNKNOWN"}[mesh.is_closed]
    surface.Manifold = "UNKNOWN"
    surface.SurfacePointsSequence = [_points_item(mesh.points_mm)]
    surface.SurfacePointsNormalsSequence = [] if mesh.normals is None else [_vectors_item(mesh.normals)]
    surface.SurfaceMeshPrimitivesSequence = [_primitives_item(mesh.triangles)]
    dataset.NumberOfSurfaces = 1
    dataset.SurfaceSequence = [surface]
    return dataset


def _new_scan(series: SeriesHeader, sop_class_uid: UID, instance_uid: str, source: tuple[Frame, Provenance]) -> Dataset:
    """Optical Surface Scanner Series, Frame of Reference and Scan Procedure modules (PS3.3 C.8.29, C.7.4.1)."""
    frame, provenance = source
    dataset = new_dataset(series, "OSS", sop_class_uid, instance_uid)
    dataset.FrameOfReferenceUID = UID(frame_uid_of(frame))
    dataset.PositionReferenceIndicator = ""
    predecessors = provenance.instance_uids if provenance.sop_class_uid else ()
    dataset.ReferencedSurfaceDataSequence = [reference(provenance.sop_class_uid, uid) for uid in predecessors]
    acquired_at = provenance.acquired_at or series.created_at
    dataset.AcquisitionDateTime = acquired_at.astimezone(UTC).strftime("%Y%m%d%H%M%S.%f")
    dataset.AcquisitionNumber = dataset.InstanceNumber = 1
    code = Dataset()
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = COMPUTED
    dataset.SurfaceScanAcquisitionTypeCodeSequence = [code]
    dataset.SurfaceScanModeCodeSequence = []
    dataset.ShotDurationTime = 0.0
    return dataset


def _points_item(points_mm: Float64Array) -> Dataset:
    """Points macro (PS3.3 C.27.2)."""
    item = Dataset()
    item.NumberOfSurfacePoints = len(points_mm)
    item.PointCoordinatesData = points_mm.astype("<f4").tobytes()
    return item


def _vectors_item(vectors: Float64Array) -> Dataset:
    """Vectors macro (PS3.3 C.27.3)."""
    item = Dataset()
    item.NumberOfVectors, item.VectorDimensionality = len(vectors), 3
    item.VectorCoordinateData = vectors.astype("<f4").tobytes()
    return item


def _primitives_item(triangles: NDArray[np.int64]) -> Dataset:
    """Surface Mesh Primitives macro (PS3.3 C.27.4)."""
    item = Dataset()
    item.LongVertexPointIndexList = item.LongEdgePointIndexList = b""
    item.LongTrianglePointIndexList = (triangles + 1).astype("<u4").tobytes()
    item.TriangleStripSequence = item.TriangleFanSequence = []
    item.LineSequence = item.FacetSequence = []
    return item
