"""Spatial Registration to and from rigid transforms (PS3.3 C.20.2).

A matrix maps a point of its source to the registered frame, which is the object's own Frame of Reference UID. OpenIGRT
writes source = daily image, registered = plan, so that the stored matrix is `plan_from_daily` in absolute LPS mm.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from pydicom import Dataset
from pydicom.uid import UID, RTStructureSetStorage, SpatialRegistrationStorage

from openigrt.dicom.dataset.elements import items, name_of, naming, required_numbers, text, whole_number
from openigrt.dicom.dataset.headers import RESEARCH_ONLY, SeriesHeader, date_and_time, decimals, new_dataset, reference
from openigrt.dicom.dataset.references import set_references
from openigrt.errors import InconsistentInput, InvalidGeometry, MissingInput, UnreadableFile, UnsupportedInput
from openigrt.geometry import AffineTransform, Float64Array, RigidTransform, frozen_array, renormalised_rotation
from openigrt.images import Image

ORTHONORMAL_TOLERANCE = 1e-4
SAME_MATRIX = 1e-9
MAX_MATRICES = 1000
RIGID = "RIGID"
MATRIX_TYPES = (RIGID, "RIGID_SCALE", "AFFINE")


class RegistrationMethod(StrEnum):
    """What a registration was made from: codes of DICOM context group 7100."""

    FRAME_IDENTITY = "125021"
    FIDUCIALS = "125022"
    ACQUISITION_EQUIPMENT = "125023"
    IMAGE_CONTENT = "125024"
    VISUAL = "125025"
    IMAGE_CONTENT_AND_FIDUCIALS = "125026"


MEANINGS = {
    RegistrationMethod.FRAME_IDENTITY: "Frame of Reference Identity",
    RegistrationMethod.FIDUCIALS: "Fiducial Alignment",
    RegistrationMethod.ACQUISITION_EQUIPMENT: "Acquisition Equipment Alignment",
    RegistrationMethod.IMAGE_CONTENT: "Image Content-based Alignment",
    RegistrationMethod.VISUAL: "Visual Alignment",
    RegistrationMethod.IMAGE_CONTENT_AND_FIDUCIALS: "Image Content and Fiducial Based Alignment",
}


@dataclass(frozen=True, slots=True)
class UsedFeature:
    """What a registration was matched on: a fiducial by its UID, or a ROI by its number, of an object."""

    object_uid: str
    fiducial_uid: str = ""
    roi_number: int | None = None


@dataclass(frozen=True, eq=False, slots=True)
class RegisteredSource:
    """One item: a source frame, the images of it that are meant (none: all), and registered_from_source (4, 4), mm.

    `matrix_types` are the types that the item states for its matrices: RIGID, RIGID_SCALE or AFFINE. `method` is None
    where it is not stated, or by a code of others; `used` is what was matched on, where that is stated.
    """

    frame_uid: str
    image_uids: frozenset[str]
    registered_from_source: Float64Array
    matrix_types: frozenset[str]
    method: RegistrationMethod | None = None
    used: tuple[UsedFeature, ...] = ()


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
    registrations = items(item, "MatrixRegistrationSequence")
    if len(registrations) > 1:
        raise InconsistentInput(f"A registration item states {len(registrations)} registrations; expected one.")
    steps = items(registrations[0], "MatrixSequence") if registrations else ()
    if not steps:
        raise MissingInput("A registration item holds no matrix.")
    if len(steps) > MAX_MATRICES:
        raise UnsupportedInput(f"A registration item holds {len(steps)} matrices; at most {MAX_MATRICES} are read.")
    matrix: Float64Array = np.eye(4)
    for step in steps:
        with np.errstate(over="ignore", invalid="ignore"):
            matrix = matrix @ np.array(required_numbers(step, "FrameOfReferenceTransformationMatrix", 16)).reshape(4, 4)
    if not np.isfinite(matrix).all():
        raise UnreadableFile("The matrices of a registration item multiply to numbers beyond all bounds.")
    codes = items(registrations[0], "RegistrationTypeCodeSequence")
    code = text(codes[0], "CodeValue") if codes else ""
    return RegisteredSource(
        frame_uid=text(item, "FrameOfReferenceUID"),
        image_uids=frozenset(
            text(image, "ReferencedSOPInstanceUID") for image in items(item, "ReferencedImageSequence")
        ),
        registered_from_source=frozen_array(matrix, (4, 4)),
        matrix_types=frozenset(text(step, "FrameOfReferenceTransformationMatrixType") for step in steps),
        method=RegistrationMethod(code) if code in list(RegistrationMethod) else None,
        used=_used(item),
    )


def _used(item: Dataset) -> tuple[UsedFeature, ...]:
    """The fiducials and ROIs that an item was matched on."""
    fiducials = items(item, "UsedFiducialsSequence")
    rois = items(item, "UsedRTStructureSetROISequence")
    return (
        *(UsedFeature(text(used, "ReferencedSOPInstanceUID"), text(used, "FiducialUID")) for used in fiducials),
        *(
            UsedFeature(text(used, "ReferencedSOPInstanceUID"), "", whole_number(used, "ReferencedROINumber"))
            for used in rois
        ),
    )


def plan_from_daily(registration: SpatialRegistration, planning_image: Image, daily_image: Image) -> RigidTransform:
    """The transform from the daily image to the planning image that a registration states.

    Two sources registered to one frame combine: plan_from_daily = registered_from_plan^-1 registered_from_daily. When
    both images share one Frame of Reference UID, only items that name images tell them apart. Raises InconsistentInput
    where the registration does not join the two images or is ambiguous, UnsupportedInput for matrices that are not
    rigid, UnreadableFile for RIGID ones that are not orthonormal.
    """
    plan_source, daily_source = _sources_of(registration, planning_image, daily_image)
    matrix = np.linalg.inv(_rigid(registration, plan_source)) @ _rigid(registration, daily_source)
    rotation = renormalised_rotation(matrix[:3, :3])
    return RigidTransform(planning_image.frame, daily_image.frame, rotation, matrix[:3, 3])


def affine_plan_from_daily(
    registration: SpatialRegistration, planning_image: Image, daily_image: Image
) -> AffineTransform:
    """As `plan_from_daily`, scales and shears included: to show images over each other, never to move a patient.

    Raises UnreadableFile for matrices that are no affine maps, InconsistentInput as `plan_from_daily` does.
    """
    sources = _sources_of(registration, planning_image, daily_image)
    registered_from_plan, registered_from_daily = (
        np.eye(4) if source is None else source.registered_from_source for source in sources
    )
    try:
        return AffineTransform(
            planning_image.frame, planning_image.frame, registered_from_plan
        ).inverse() @ AffineTransform(planning_image.frame, daily_image.frame, registered_from_daily)
    except InvalidGeometry as error:
        raise UnreadableFile(f"Spatial Registration {registration.uid}: {error.sentence}") from None


def _sources_of(
    registration: SpatialRegistration, planning_image: Image, daily_image: Image
) -> tuple[RegisteredSource | None, RegisteredSource | None]:
    """The items of both images; None for an image that lies in the registered frame itself."""
    is_shared = planning_image.frame.uid == daily_image.frame.uid
    plan_source = _source_of(registration, planning_image, is_shared)
    daily_source = _source_of(registration, daily_image, is_shared)
    if is_shared and not (_named(registration, planning_image) or _named(registration, daily_image)):
        raise InconsistentInput(
            f"Spatial Registration {registration.uid} names no slice of either image, and both images have the frame "
            f"{daily_image.frame.uid}: which one it moves is unknown."
        )
    return plan_source, daily_source


def _source_of(registration: SpatialRegistration, image: Image, is_shared: bool) -> RegisteredSource | None:
    """The item of an image: by its slices, else by its frame; None where it lies in the registered frame."""
    by_frame = [source for source in registration.sources if source.frame_uid == image.frame.uid]
    if is_shared:
        by_frame = [source for source in by_frame if not source.image_uids]
    candidates = _named(registration, image) or by_frame
    if not candidates and image.frame.uid == registration.registered_frame_uid:
        return None
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
    return candidates[0]


def _named(registration: SpatialRegistration, image: Image) -> list[RegisteredSource]:
    """The sources that name slices of the image."""
    uids = set(image.provenance.instance_uids)
    return [source for source in registration.sources if source.image_uids & uids]


def _rigid(registration: SpatialRegistration, source: RegisteredSource | None) -> Float64Array:
    """The rigid matrix of an image's item; identity where it lies in the registered frame."""
    return np.eye(4) if source is None else rigid_matrix(registration.uid, source)


def rigid_matrix(registration_uid: str, source: RegisteredSource) -> Float64Array:
    """The matrix of a source with its rotation renormalised, fit to move a couch (PS3.3 C.20.2.1.2).

    Raises UnsupportedInput where it is not RIGID, UnreadableFile where it only says so.
    """
    if source.matrix_types != {RIGID}:
        raise UnsupportedInput(
            f"Spatial Registration {registration_uid} is of type {', '.join(sorted(source.matrix_types))}; only RIGID "
            "ones can move a patient."
        )
    matrix = source.registered_from_source
    rotation = matrix[:3, :3]
    defect = float(np.abs(rotation @ rotation.T - np.eye(3)).max())
    is_affine_row = np.allclose(matrix[3], [0.0, 0.0, 0.0, 1.0], rtol=0.0, atol=SAME_MATRIX)
    if defect > ORTHONORMAL_TOLERANCE or np.linalg.det(rotation) < 0.0 or not is_affine_row:
        raise UnreadableFile(
            f"Spatial Registration {registration_uid} says RIGID, but its matrix is not: orthonormal to {defect:.2g}, "
            f"determinant {np.linalg.det(rotation):.5f}, last row {matrix[3].tolist()}.",
            defect=defect,
        )
    rigid = np.array(matrix)
    rigid[:3, :3] = renormalised_rotation(rotation)
    return rigid


@dataclass(frozen=True, eq=False, slots=True)
class SourceToWrite:
    """An image to be registered: `registered_from_source`, how that was found, and on which ROIs."""

    registered_from_source: RigidTransform
    image: Image
    method: RegistrationMethod = RegistrationMethod.IMAGE_CONTENT
    used_rois: tuple[UsedFeature, ...] = ()


def write_spatial_registration(
    plan_from_daily: RigidTransform,
    images: tuple[Image, Image],
    series: SeriesHeader,
    instance_uid: str,
) -> Dataset:
    """The Spatial Registration of `plan_from_daily`; `images` are (planning image, daily image).

    As `write_registrations` for one image of the day.
    """
    planning_image, daily_image = images
    return write_registrations(planning_image, [SourceToWrite(plan_from_daily, daily_image)], series, instance_uid)


def write_registrations(
    planning_image: Image, sources: Sequence[SourceToWrite], series: SeriesHeader, instance_uid: str
) -> Dataset:
    """The Spatial Registration of images to the planning image.

    Each frame of reference has an item of its own, identity for the plan's. An image that shares the plan's frame is
    named by its slices alone. Raises FrameMismatch when a transform joins other frames, MissingInput without sources
    or when a shared frame has no slices to name, InconsistentInput when two images share a frame of their own.
    """
    if not sources:
        raise MissingInput("There is nothing to register; give one image at least.")
    frame_uids = [source.image.frame.uid for source in sources if source.image.frame.uid != planning_image.frame.uid]
    if len(set(frame_uids)) < len(frame_uids):
        raise InconsistentInput("Two images share a frame of reference: one frame cannot have two registrations.")
    for source in sources:
        what = "Writing a Spatial Registration"
        source.registered_from_source.require_frames(planning_image.frame, source.image.frame, what)
    dataset = new_dataset(series, "REG", SpatialRegistrationStorage, instance_uid)
    dataset.FrameOfReferenceUID = UID(planning_image.frame.uid)
    dataset.PositionReferenceIndicator = dataset.Laterality = ""
    dataset.InstanceNumber = 1
    dataset.ContentDate, dataset.ContentTime = date_and_time(series.created_at)
    dataset.ContentLabel = "PLAN_FROM_DAILY"
    dataset.ContentDescription = f"Daily image to planning image ({RESEARCH_ONLY})"
    dataset.ContentCreatorName = ""
    dataset.RegistrationSequence = _registration_items(planning_image, sources)
    images = [source.image for source in sources]
    named = [planning_image, *images] if frame_uids else images
    set_references(dataset, [image.provenance for image in named])
    return dataset


def _registration_items(planning_image: Image, sources: Sequence[SourceToWrite]) -> list[Dataset]:
    """Registration items: by frames (and slices), by slices alone where an image shares the plan's frame."""
    made = []
    if any(source.image.frame.uid != planning_image.frame.uid for source in sources):
        plan_item = _registration_item(np.eye(4), RegistrationMethod.FRAME_IDENTITY, planning_image)
        plan_item.FrameOfReferenceUID = UID(planning_image.frame.uid)
        made.append(plan_item)
    for source in sources:
        frame_uid = source.image.frame.uid
        item = _registration_item(source.registered_from_source.matrix4(), source.method, source.image)
        if frame_uid != planning_image.frame.uid:
            item.FrameOfReferenceUID = UID(frame_uid)
        elif not source.image.provenance.instance_uids:
            raise MissingInput(
                f"Plan and daily image share the frame {frame_uid} and the daily image has no slices with a UID: a "
                "Spatial Registration cannot tell them apart. Give the daily image as DICOM."
            )
        if source.used_rois:
            item.UsedRTStructureSetROISequence = [_used_roi_item(used) for used in source.used_rois]
        made.append(item)
    return made


def _registration_item(matrix: Float64Array, method: RegistrationMethod, image: Image) -> Dataset:
    """One Registration item for the slices of an image: a single RIGID matrix, row-major."""
    matrix_item, registration_item, item = Dataset(), Dataset(), Dataset()
    matrix_item.FrameOfReferenceTransformationMatrixType = RIGID
    matrix_item.FrameOfReferenceTransformationMatrix = decimals(matrix.ravel())
    registration_item.MatrixSequence = [matrix_item]
    registration_item.RegistrationTypeCodeSequence = [method_item(method)]
    item.MatrixRegistrationSequence = [registration_item]
    provenance = image.provenance
    if provenance.instance_uids:
        item.ReferencedImageSequence = [reference(provenance.sop_class_uid, uid) for uid in provenance.instance_uids]
    return item


def method_item(method: RegistrationMethod) -> Dataset:
    """An item of Registration Type Code Sequence (CID 7100)."""
    code = Dataset()
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = str(method), "DCM", MEANINGS[method]
    return code


def _used_roi_item(used: UsedFeature) -> Dataset:
    """An item of Used RT Structure Set ROI Sequence."""
    if used.roi_number is None:
        raise MissingInput(f"The structure set {used.object_uid} was matched on a ROI without a number.")
    item = reference(RTStructureSetStorage, used.object_uid)
    item.ReferencedROINumber = used.roi_number
    return item
