"""Spatial Fiducials to and from markers (PS3.3 C.21.2)."""

from collections.abc import Callable

import numpy as np
from pydicom import Dataset
from pydicom.uid import UID, SpatialFiducialsStorage

from openigrt.dicom.dataset.elements import (
    items,
    moment,
    name_of,
    naming,
    number,
    point_list,
    raw_value,
    text,
    whole_number,
)
from openigrt.dicom.dataset.frame_of_reference import frame_of, frame_uid_of
from openigrt.dicom.dataset.headers import RESEARCH_ONLY, SeriesHeader, date_and_time, decimals, new_dataset, reference
from openigrt.dicom.dataset.references import set_references, study_and_series_by_instance
from openigrt.errors import MissingInput, UnreadableFile, UnsupportedInput
from openigrt.geometry import LONGEST_MM, Frame
from openigrt.images import Code, Marker, Markers, MarkerShape, Provenance

MAX_MARKERS = 100_000
MESSAGES_TOLD = 3
SHORT_STRING_CHARACTERS = 16

Messages = tuple[str, ...]


def read_fiducials(
    dataset: Dataset, patient: Callable[[str], Frame] = Frame.plan
) -> tuple[tuple[Markers, ...], Messages]:
    """The marker sets of a Spatial Fiducials object, one for each frame or group of images, and what was left aside.

    `patient` makes the frame from a Frame of Reference UID that is none of the room: `Frame.plan` or `Frame.daily`.
    Fiducials that are drawn on images in 2D alone are left aside by name. Raises UnsupportedInput where no others are
    there, MissingInput, UnreadableFile or InvalidGeometry for sets that are not whole.
    """
    with naming(dataset):
        if text(dataset, "SOPClassUID") != SpatialFiducialsStorage:
            raise UnsupportedInput(f"{name_of(dataset)} is no Spatial Fiducials object.")
        sets = items(dataset, "FiducialSetSequence")
        if not sets or sum(len(items(item, "FiducialSequence")) for item in sets) > MAX_MARKERS:
            raise MissingInput(f"{name_of(dataset)} should hold 1 to {MAX_MARKERS} fiducials in sets; it does not.")
        found, messages = [], Messages()
        for item in sets:
            placed, aside = _markers(dataset, item)
            messages += aside
            if placed:
                found.append(_set(dataset, item, placed, patient))
        if not found:
            raise UnsupportedInput(
                f"{name_of(dataset)} holds no fiducial in space. {' '.join(messages[:MESSAGES_TOLD])}"
            )
        return tuple(found), messages


def _set(dataset: Dataset, item: Dataset, markers: tuple[Marker, ...], patient: Callable[[str], Frame]) -> Markers:
    """One set in its frame."""
    return Markers(
        frame=frame_of(item, patient),
        markers=markers,
        uid=text(dataset, "SOPInstanceUID"),
        label=text(dataset, "ContentLabel"),
        created_at=moment(dataset, "ContentDate", "ContentTime"),
        source=_source(dataset, item),
    )


def _source(dataset: Dataset, item: Dataset) -> Provenance:
    """Where the images of a set are from."""
    images = items(item, "ReferencedImageSequence")
    classes = {text(image, "ReferencedSOPClassUID") for image in images}
    uids = tuple(text(image, "ReferencedSOPInstanceUID") for image in images)
    places = study_and_series_by_instance(dataset)
    found = {places[uid] for uid in uids if uid in places}
    if len(classes) > 1 or len(found) > 1:
        raise UnsupportedInput(f"{name_of(dataset)} has one set of fiducials on images of several classes or series.")
    study_uid, series_uid = found.pop() if found else ("", "")
    return Provenance(
        patient_id=text(dataset, "PatientID"),
        patient_name=text(dataset, "PatientName"),
        study_uid=study_uid,
        series_uid=series_uid,
        instance_uids=uids,
        sop_class_uid=classes.pop() if classes else "",
    )


def _markers(dataset: Dataset, item: Dataset) -> tuple[tuple[Marker, ...], Messages]:
    """The markers of a set that lie in space, and those that are left aside."""
    placed, messages = [], []
    for index, fiducial in enumerate(items(item, "FiducialSequence"), start=1):
        identifier = text(fiducial, "FiducialIdentifier")
        if not identifier:
            identifier = f"#{index}"
            messages.append(f"Fiducial {index} of a set has no identifier; it is called {identifier}.")
        if not raw_value(fiducial, "ContourData"):
            messages.append(f"Fiducial {identifier} has no points in space (2D on an image only); it is left aside.")
            continue
        placed.append(_marker(dataset, fiducial, identifier))
    return tuple(placed), tuple(messages)


def _marker(dataset: Dataset, fiducial: Dataset, identifier: str) -> Marker:
    """One marker; its points must be as many as it says."""
    shape, points_mm = text(fiducial, "ShapeType").upper(), point_list(fiducial, "ContourData")
    if shape not in list(MarkerShape):
        raise UnsupportedInput(f"{name_of(dataset)}: fiducial {identifier} has the shape {shape or 'nothing'}.")
    announced = whole_number(fiducial, "NumberOfContourPoints")
    if announced not in (None, len(points_mm)) or np.abs(points_mm).max() > LONGEST_MM:
        raise UnreadableFile(
            f"{name_of(dataset)}: fiducial {identifier} holds {len(points_mm)} points, {announced} announced, up to "
            f"{np.abs(points_mm).max():g} mm from the origin."
        )
    return Marker(
        identifier=identifier,
        points_mm=points_mm,
        shape=MarkerShape(shape),
        uncertainty_radius_mm=number(fiducial, "ContourUncertaintyRadius"),
        kind=_code(fiducial),
        description=text(fiducial, "FiducialDescription"),
        uid=text(fiducial, "FiducialUID"),
    )


def _code(fiducial: Dataset) -> Code | None:
    """What the fiducial is, where it says so."""
    found = items(fiducial, "FiducialIdentifierCodeSequence")
    if not found:
        return None
    value = text(found[0], "CodeValue") or text(found[0], "LongCodeValue")
    return Code(value, text(found[0], "CodingSchemeDesignator"), text(found[0], "CodeMeaning"))


def write_fiducials(sets: tuple[Markers, ...], series: SeriesHeader, instance_uid: str) -> Dataset:
    """The Spatial Fiducials of one or more marker sets.

    Raises MissingInput without markers, UnsupportedInput for a frame without UID and for identifiers of more than 16
    characters, which another system could not tell apart if they were cut.
    """
    if not sets or not all(found.markers for found in sets):
        raise MissingInput("A Spatial Fiducials object needs one marker at least in each of its sets.")
    dataset = new_dataset(series, "FID", SpatialFiducialsStorage, instance_uid)
    dataset.Laterality = ""
    dataset.InstanceNumber = 1
    dataset.ContentDate, dataset.ContentTime = date_and_time(series.created_at)
    dataset.ContentLabel = sets[0].label or "FIDUCIALS"
    dataset.ContentDescription = f"Fiducials ({RESEARCH_ONLY})"
    dataset.ContentCreatorName = ""
    dataset.FiducialSetSequence = [_set_item(found) for found in sets]
    set_references(dataset, [found.source for found in sets])
    return dataset


def _set_item(found: Markers) -> Dataset:
    """An item of Fiducial Set Sequence."""
    item = Dataset()
    item.FrameOfReferenceUID = UID(frame_uid_of(found.frame))
    source = found.source
    if source.instance_uids:
        item.ReferencedImageSequence = [reference(source.sop_class_uid, uid) for uid in source.instance_uids]
    item.FiducialSequence = [_fiducial_item(marker) for marker in found.markers]
    return item


def _fiducial_item(marker: Marker) -> Dataset:
    """An item of Fiducial Sequence."""
    if not 0 < len(marker.identifier) <= SHORT_STRING_CHARACTERS:
        raise UnsupportedInput(
            f"Marker {marker.identifier!r} needs an identifier of 1 to {SHORT_STRING_CHARACTERS} characters."
        )
    item = Dataset()
    item.ShapeType = str(marker.shape)
    item.FiducialIdentifier = marker.identifier
    item.FiducialDescription = marker.description
    if marker.kind is not None:
        code = Dataset()
        code.CodeValue, code.CodingSchemeDesignator = marker.kind.value, marker.kind.scheme
        code.CodeMeaning = marker.kind.meaning
        item.FiducialIdentifierCodeSequence = [code]
    if marker.uncertainty_radius_mm is not None:
        item.ContourUncertaintyRadius = float(marker.uncertainty_radius_mm)
    if marker.uid:
        item.FiducialUID = UID(marker.uid)
    item.NumberOfContourPoints = len(marker.points_mm)
    item.ContourData = decimals(marker.points_mm.ravel())
    return item
