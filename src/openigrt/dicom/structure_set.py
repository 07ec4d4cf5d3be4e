"""RT Structure Set to and from structures."""

import numpy as np
from pydicom import Dataset
from pydicom.uid import UID, RTStructureSetStorage

from openigrt.dicom.headers import SeriesHeader, date_and_time, decimals, new_dataset, reference
from openigrt.images import Image
from openigrt.patient import Contour, ContourKind, Structure, StructureRole, StructureSet

DETACHED_STUDY = "1.2.840.10008.3.1.2.3.1"  # the retired study class that Referenced Study items still name

_WRITTEN_KIND = {ContourKind.CLOSED_PLANAR: "CLOSED_PLANAR", ContourKind.OPEN: "OPEN_PLANAR", ContourKind.POINT: "POINT"}
_WRITTEN_TYPE = {StructureRole.OTHER: ""}


def write_structure_set(structures: StructureSet, image: Image, series: SeriesHeader) -> Dataset:
    """The RT Structure Set of `structures`, drawn on `image`, whose provenance names the referenced slices."""
    dataset = new_dataset(series, "RTSTRUCT", RTStructureSetStorage, structures.uid)
    dataset.FrameOfReferenceUID = UID(structures.frame.uid)
    dataset.PositionReferenceIndicator = ""
    dataset.StructureSetLabel = structures.label[:16]
    dataset.StructureSetDate, dataset.StructureSetTime = date_and_time(series.created_at)
    dataset.ReferencedFrameOfReferenceSequence = [_referenced_frame(structures, image)]
    dataset.StructureSetROISequence = [_roi(structure, structures.frame.uid) for structure in structures.structures]
    dataset.ROIContourSequence = [_roi_contour(structure, image) for structure in structures.structures]
    dataset.RTROIObservationsSequence = [
        _observation(number, structure) for number, structure in enumerate(structures.structures, start=1)
    ]
    dataset.ApprovalStatus = structures.approval or "UNAPPROVED"
    return dataset


def _referenced_frame(structures: StructureSet, image: Image) -> Dataset:
    """Referenced Frame of Reference item: frame, study, series and all slices."""
    provenance = image.provenance
    series_item, study_item, frame_item = Dataset(), Dataset(), Dataset()
    series_item.SeriesInstanceUID = UID(provenance.series_uid)
    series_item.ContourImageSequence = [reference(provenance.sop_class_uid, uid) for uid in provenance.instance_uids]
    study_item.ReferencedSOPClassUID = UID(DETACHED_STUDY)
    study_item.ReferencedSOPInstanceUID = UID(provenance.study_uid)
    study_item.RTReferencedSeriesSequence = [series_item]
    frame_item.FrameOfReferenceUID = UID(structures.frame.uid)
    frame_item.RTReferencedStudySequence = [study_item]
    return frame_item


def _roi(structure: Structure, frame_uid: str) -> Dataset:
    """Structure Set ROI item."""
    item = Dataset()
    item.ROINumber = structure.number
    item.ReferencedFrameOfReferenceUID = UID(frame_uid)
    item.ROIName = structure.name
    item.ROIGenerationAlgorithm = ""
    return item


def _roi_contour(structure: Structure, image: Image) -> Dataset:
    """ROI Contour item with all contours of one structure."""
    item = Dataset()
    item.ReferencedROINumber = structure.number
    if structure.color is not None:
        item.ROIDisplayColor = list(structure.color)
    if structure.contours:
        item.ContourSequence = [_contour(contour, image) for contour in structure.contours]
    return item


def _contour(contour: Contour, image: Image) -> Dataset:
    """Contour item; it names the slice that it lies on where there is one."""
    item = Dataset()
    slice_number = int(np.rint(image.grid.indices(contour.points_mm.mean(axis=0))[2]))
    if 0 <= slice_number < len(image.provenance.instance_uids):
        item.ContourImageSequence = [
            reference(image.provenance.sop_class_uid, image.provenance.instance_uids[slice_number])
        ]
    item.ContourGeometricType = _WRITTEN_KIND[contour.kind]
    item.NumberOfContourPoints = len(contour.points_mm)
    item.ContourData = decimals(contour.points_mm.ravel())
    return item


def _observation(number: int, structure: Structure) -> Dataset:
    """RT ROI Observations item, which carries the role."""
    item = Dataset()
    item.ObservationNumber = number
    item.ReferencedROINumber = structure.number
    item.RTROIInterpretedType = _WRITTEN_TYPE.get(structure.role, structure.role.value)
    item.ROIInterpreter = ""
    return item
