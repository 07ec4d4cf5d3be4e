"""Spatial Registration to and from rigid transforms (PS3.3 C.20.2).

A matrix maps a point of its source to the registered frame, which is the object's own Frame of Reference UID. OpenIGRT
writes source = daily image, registered = plan, so that the stored matrix is `plan_from_daily` in absolute LPS mm.
"""

from dataclasses import dataclass

import numpy as np
from pydicom import Dataset
from pydicom.uid import UID, SpatialRegistrationStorage

from openigrt.dicom.elements import items, name_of, naming, required_numbers, text
from openigrt.dicom.headers import RESEARCH_ONLY, SeriesHeader, date_and_time, decimals, new_dataset, reference
from openigrt.errors import InconsistentInput, MissingInput, UnreadableFile, UnsupportedInput
from openigrt.geometry import Float64Array, RigidTransform, frozen_array, renormalised_rotation
from openigrt.images import Image

ORTHONORMAL_TOLERANCE = 1e-4
SAME_MATRIX = 1e-9
RIGID = "RIGID"
IMAGE_CONTENT_BASED = ("125024", "Image Content-based Alignment")
FRAME_IDENTITY = ("125021", "Frame of Reference Identity")


@dataclass(frozen=True, eq=False, slots=True)
class RegisteredSource:
    """One item: a source frame, the images of it that are meant (none: all), and registered_from_source (4, 4), mm.

    `matrix_types` are the types that the item states for its matrices: RIGID, RIGID_SCALE or AFFINE.
    """

    frame_uid: str
    image_uids: frozenset[str]
    registered_from_source: Float64Array
    matrix_types: frozenset[str]


@dataclass(frozen=True, eq=False, slots=True)
class SpatialRegistration:
    """All items of a Spatial Registration, and the frame that they lead to."""

    uid: str
    registered_frame_uid: str
    sources: tuple[RegisteredSource, ...]


def read_spatial_registration(dataset: Dataset) -> SpatialRegistration:
    """The items of a Spatial Registration, the matrices of each composed; raises UnreadableFile or MissingInput."""
    with naming(dataset):
        if text(dataset, "SOPClassUID") != SpatialRegistrationStorage:
            raise UnsupportedInput(f"{name_of(dataset)} is no Spatial Registration.")
        sources = tuple(_source(item) for item in items(dataset, "RegistrationSequence"))
        if not sources:
            raise MissingInput(f"{name_of(dataset)} holds no registration.")
        return SpatialRegistration(
            uid=text(dataset, "SOPInstanceUID"),
            registered_frame_uid=text(dataset, "FrameOfReferenceUID"),
            sources=sources,
        )


def _source(item: Dataset) -> RegisteredSource:
    """One Registration item; its matrices multiply in the order of their items (PS3.3 C.20.2.1.1)."""
    matrix: Float64Array = np.eye(4)
    types = set()
    for registration in items(item, "MatrixRegistrationSequence"):
        for step in items(registration, "MatrixSequence"):
            values = required_numbers(step, "FrameOfReferenceTransformationMatrix", 16)
            matrix = matrix @ np.array(values).reshape(4, 4)
            types.add(text(step, "FrameOfReferenceTransformationMatrixType"))
    if not types:
        raise MissingInput("A registration item holds no matrix.")
    return RegisteredSource(
        frame_uid=text(item, "FrameOfReferenceUID"),
        image_uids=frozenset(
            text(image, "ReferencedSOPInstanceUID") for image in items(item, "ReferencedImageSequence")
        ),
        registered_from_source=frozen_array(matrix, (4, 4)),
        matrix_types=frozenset(types),
    )


def plan_from_daily(registration: SpatialRegistration, planning_image: Image, daily_image: Image) -> RigidTransform:
    """The transform from the daily image to the planning image that a registration states.

    Two sources registered to one frame combine: plan_from_daily = registered_from_plan^-1 registered_from_daily. When
    both images share one Frame of Reference UID, only items that name images tell them apart. Raises InconsistentInput
    where the registration does not join the two images or is ambiguous, UnsupportedInput for matrices that are not
    rigid, UnreadableFile for RIGID ones that are not orthonormal.
    """
    is_shared = planning_image.frame.uid == daily_image.frame.uid
    registered_from_plan = _matrix_of(registration, planning_image, is_shared)
    registered_from_daily = _matrix_of(registration, daily_image, is_shared)
    if is_shared and not (_named(registration, planning_image) or _named(registration, daily_image)):
        raise InconsistentInput(
            f"Spatial Registration {registration.uid} names no slice of either image, and both images have the frame "
            f"{daily_image.frame.uid}: which one it moves is unknown."
        )
    matrix = np.linalg.inv(registered_from_plan) @ registered_from_daily
    rotation = renormalised_rotation(matrix[:3, :3])
    return RigidTransform(planning_image.frame, daily_image.frame, rotation, matrix[:3, 3])


def _matrix_of(registration: SpatialRegistration, image: Image, is_shared: bool) -> Float64Array:
    """registered_from_image (4, 4): by the image's slices, else by its frame, else identity in the registered frame."""
    by_frame = [source for source in registration.sources if source.frame_uid == image.frame.uid]
    if is_shared:
        by_frame = [source for source in by_frame if not source.image_uids]
    candidates = _named(registration, image) or by_frame
    if not candidates and image.frame.uid == registration.registered_frame_uid:
        return np.eye(4)
    if not candidates:
        raise InconsistentInput(
            f"Spatial Registration {registration.uid} joins other images: it registers to frame "
            f"{registration.registered_frame_uid} and does not mention frame {image.frame.uid}.",
            frame_uid=image.frame.uid,
        )
    first = candidates[0].registered_from_source
    if any(not np.allclose(c.registered_from_source, first, rtol=0.0, atol=SAME_MATRIX) for c in candidates[1:]):
        raise InconsistentInput(
            f"Spatial Registration {registration.uid} has different matrices for frame {image.frame.uid} that no "
            "referenced images tell apart."
        )
    return _rigid(registration, candidates[0])


def _named(registration: SpatialRegistration, image: Image) -> list[RegisteredSource]:
    """The sources that name slices of the image."""
    uids = set(image.provenance.instance_uids)
    return [source for source in registration.sources if source.image_uids & uids]


def _rigid(registration: SpatialRegistration, source: RegisteredSource) -> Float64Array:
    """The matrix of a source with its rotation renormalised, fit to move a couch (PS3.3 C.20.2.1.2)."""
    if source.matrix_types != {RIGID}:
        raise UnsupportedInput(
            f"Spatial Registration {registration.uid} is of type {', '.join(sorted(source.matrix_types))}; only RIGID "
            "ones can move a patient."
        )
    matrix = source.registered_from_source
    rotation = matrix[:3, :3]
    defect = float(np.abs(rotation @ rotation.T - np.eye(3)).max())
    is_affine_row = np.allclose(matrix[3], [0.0, 0.0, 0.0, 1.0], rtol=0.0, atol=SAME_MATRIX)
    if defect > ORTHONORMAL_TOLERANCE or np.linalg.det(rotation) < 0.0 or not is_affine_row:
        raise UnreadableFile(
            f"Spatial Registration {registration.uid} says RIGID, but its matrix is not: orthonormal to {defect:.2g}, "
            f"determinant {np.linalg.det(rotation):.5f}, last row {matrix[3].tolist()}.",
            defect=defect,
        )
    rigid = np.array(matrix)
    rigid[:3, :3] = renormalised_rotation(rotation)
    return rigid


def write_spatial_registration(
    plan_from_daily: RigidTransform,
    images: tuple[Image, Image],
    series: SeriesHeader,
    instance_uid: str,
) -> Dataset:
    """The Spatial Registration of `plan_from_daily`; `images` are (planning image, daily image).

    With two frames of reference each has an item, identity for the plan's. With one shared frame the only item names
    the daily slices and no frame. Raises FrameMismatch when the transform joins other frames, MissingInput when a
    shared frame has no daily slices to name.
    """
    planning_image, daily_image = images
    plan_from_daily.require_frames(planning_image.frame, daily_image.frame, "Writing a Spatial Registration")
    dataset = new_dataset(series, "REG", SpatialRegistrationStorage, instance_uid)
    dataset.FrameOfReferenceUID = UID(planning_image.frame.uid)
    dataset.PositionReferenceIndicator = dataset.Laterality = ""
    dataset.InstanceNumber = 1
    dataset.ContentDate, dataset.ContentTime = date_and_time(series.created_at)
    dataset.ContentLabel = "PLAN_FROM_DAILY"
    dataset.ContentDescription = f"Daily image to planning image ({RESEARCH_ONLY})"
    dataset.ContentCreatorName = ""
    dataset.RegistrationSequence = _registration_items(plan_from_daily, planning_image, daily_image)
    is_shared = planning_image.frame.uid == daily_image.frame.uid
    _set_references(dataset, [daily_image] if is_shared else [planning_image, daily_image])
    return dataset


def _registration_items(transform: RigidTransform, planning_image: Image, daily_image: Image) -> list[Dataset]:
    """Registration items: by frames (and slices) where there are two, by the daily slices where the frame is shared."""
    daily_item = _registration_item(transform.matrix4(), IMAGE_CONTENT_BASED, daily_image)
    if planning_image.frame.uid != daily_image.frame.uid:
        plan_item = _registration_item(np.eye(4), FRAME_IDENTITY, planning_image)
        plan_item.FrameOfReferenceUID = UID(planning_image.frame.uid)
        daily_item.FrameOfReferenceUID = UID(daily_image.frame.uid)
        return [plan_item, daily_item]
    if not daily_image.provenance.instance_uids:
        raise MissingInput(
            f"Plan and daily image share the frame {daily_image.frame.uid} and the daily image has no slices with a "
            "UID: a Spatial Registration cannot tell them apart. Give the daily image as DICOM."
        )
    return [daily_item]


def _registration_item(matrix: Float64Array, method: tuple[str, str], image: Image) -> Dataset:
    """One Registration item for the slices of an image: a single RIGID matrix, row-major; `method` is of CID 7100."""
    code, matrix_item, registration_item, item = Dataset(), Dataset(), Dataset(), Dataset()
    code.CodeValue, code.CodeMeaning = method
    code.CodingSchemeDesignator = "DCM"
    matrix_item.FrameOfReferenceTransformationMatrixType = RIGID
    matrix_item.FrameOfReferenceTransformationMatrix = decimals(matrix.ravel())
    registration_item.MatrixSequence = [matrix_item]
    registration_item.RegistrationTypeCodeSequence = [code]
    item.MatrixRegistrationSequence = [registration_item]
    provenance = image.provenance
    if provenance.instance_uids:
        item.ReferencedImageSequence = [reference(provenance.sop_class_uid, uid) for uid in provenance.instance_uids]
    return item


def _set_references(dataset: Dataset, images: list[Image]) -> None:
    """Common Instance Reference module (PS3.3 C.12.2): slices of this study, and of other studies."""
    same, others = [], []
    for image in images:
        provenance = image.provenance
        if not provenance.instance_uids:
            continue
        series_item = Dataset()
        series_item.SeriesInstanceUID = UID(provenance.series_uid)
        series_item.ReferencedInstanceSequence = [
            reference(provenance.sop_class_uid, uid) for uid in provenance.instance_uids
        ]
        if provenance.study_uid == dataset.StudyInstanceUID:
            same.append(series_item)
        else:
            others.append(_study_item(provenance.study_uid, series_item))
    if same:
        dataset.ReferencedSeriesSequence = same
    if others:
        dataset.StudiesContainingOtherReferencedInstancesSequence = others


def _study_item(study_uid: str, series_item: Dataset) -> Dataset:
    """An item of Studies Containing Other Referenced Instances."""
    item = Dataset()
    item.StudyInstanceUID = UID(study_uid)
    item.ReferencedSeriesSequence = [series_item]
    return item
