"""RT Structure Set to and from structures."""

import re
from collections.abc import Callable

import numpy as np
from pydicom import Dataset
from pydicom.uid import UID, RTStructureSetStorage

from openigrt.dicom.elements import items, name_of, naming, numbers, point_list, required_whole_number, text
from openigrt.dicom.headers import SeriesHeader, date_and_time, decimals, new_dataset, reference
from openigrt.errors import InconsistentInput, UnsupportedInput
from openigrt.geometry import Frame
from openigrt.images import Image
from openigrt.patient import Contour, ContourKind, Structure, StructureRole, StructureSet

MAX_CONTOURS = 1_000_000

DETACHED_STUDY = "1.2.840.10008.3.1.2.3.1"  # the retired study class that Referenced Study items still name

_WRITTEN_KIND = {kind: "OPEN_PLANAR" if kind is ContourKind.OPEN else kind.value for kind in ContourKind}
_WRITTEN_TYPE = {StructureRole.OTHER: ""}

_READ_KIND = {
    "CLOSED_PLANAR": ContourKind.CLOSED_PLANAR,
    "CLOSEDPLANAR_XOR": ContourKind.CLOSED_PLANAR,
    "OPEN_PLANAR": ContourKind.OPEN,
    "OPEN_NONPLANAR": ContourKind.OPEN,
    "POINT": ContourKind.POINT,
}
_READ_TYPE = {
    **{role.value: role for role in StructureRole},
    "AVOIDANCE": StructureRole.ORGAN,
    "FIXATION": StructureRole.SUPPORT,
    "REGISTRATION": StructureRole.MARKER,
    "ACQ_ISOCENTER": StructureRole.ISOCENTER,
    "INITLASERISO": StructureRole.ISOCENTER,
    "INITMATCHISO": StructureRole.ISOCENTER,
}
_ROLE_OF_NAME = (
    (StructureRole.GTV, r"GTV"),
    (StructureRole.CTV, r"[CI]TV"),
    (StructureRole.PTV, r"PTV"),
    (StructureRole.EXTERNAL, r"(BODY|EXTERNAL|SKIN|PATIENT|OUTLINE)([ _-]?CONTOUR)?$"),
    (StructureRole.SUPPORT, r"COUCH|TABLE|SUPPORT|BOARD|MASK"),
    (StructureRole.MARKER, r"MARKER|FIDUCIAL|SEED"),
    (StructureRole.ISOCENTER, r"ISO(CENTER|CENTRE)?\b"),
    (
        StructureRole.ORGAN,
        r".*(LUNG|HEART|RECT|BLADDER|BOWEL|STOMACH|DUOD|LIVER|KIDNEY|SPINAL|CORD|BRAIN|PAROTID|FEM(UR|ORAL)|ESOPH|"
        r"OESOPH|\bEYE|LENS|OPTIC|CHIASM|MANDIB|LARYNX|SPLEEN|PANCREAS|TRACHEA|COCHLEA|COLON|SIGMOID)",
    ),
)


def read_structure_set(
    dataset: Dataset, frame: Callable[[str], Frame] = Frame.plan
) -> tuple[StructureSet, tuple[str, ...]]:
    """The structures of an RT Structure Set, contours in LPS mm, and what was noticed.

    `frame` makes the frame from the Frame of Reference UID: `Frame.plan` or `Frame.daily`. A structure without
    interpreted type gets its role from its name. Structures of a second frame of reference are left out, with a
    message. Raises UnreadableFile, UnsupportedInput or InconsistentInput.
    """
    with naming(dataset):
        frame_uid, series_uid, image_uids = _referenced_images(dataset)
        contours = _contour_items(dataset)
        types = {
            required_whole_number(item, "ReferencedROINumber"): text(item, "RTROIInterpretedType")
            for item in items(dataset, "RTROIObservationsSequence")
        }
        structures, messages = [], []
        for roi in items(dataset, "StructureSetROISequence"):
            number, roi_frame = required_whole_number(roi, "ROINumber"), text(roi, "ReferencedFrameOfReferenceUID")
            if roi_frame and roi_frame != frame_uid:
                messages.append(f"Left out structure {text(roi, 'ROIName')!r}: it lies in another frame, {roi_frame}.")
                continue
            structures.append(_structure(roi, contours.get(number), types.get(number, "")))
        return StructureSet(
            uid=text(dataset, "SOPInstanceUID"),
            label=text(dataset, "StructureSetLabel"),
            frame=frame(frame_uid),
            structures=tuple(structures),
            patient_id=text(dataset, "PatientID"),
            image_series_uid=series_uid,
            image_instance_uids=image_uids,
            approval=text(dataset, "ApprovalStatus"),
        ), tuple(messages)


def role_of(interpreted_type: str, name: str) -> StructureRole:
    """The role that RT ROI Interpreted Type states, or, where it is empty, the one that the name suggests."""
    if interpreted_type:
        return _READ_TYPE.get(interpreted_type.upper(), StructureRole.OTHER)
    for role, pattern in _ROLE_OF_NAME:
        if re.match(pattern, name.strip(), re.IGNORECASE):
            return role
    return StructureRole.OTHER


def _referenced_images(dataset: Dataset) -> tuple[str, str, tuple[str, ...]]:
    """Frame of Reference UID, Series Instance UID and instance UIDs of the images that were drawn on.

    Only the first series of the first frame that names one counts; a structure set in the frame of its ROIs alone is
    accepted.
    """
    for frame_item in items(dataset, "ReferencedFrameOfReferenceSequence"):
        for study in items(frame_item, "RTReferencedStudySequence"):
            for series in items(study, "RTReferencedSeriesSequence"):
                images = items(series, "ContourImageSequence")
                uids = tuple(text(image, "ReferencedSOPInstanceUID") for image in images)
                return text(frame_item, "FrameOfReferenceUID"), text(series, "SeriesInstanceUID"), uids
    named = [text(item, "FrameOfReferenceUID") for item in items(dataset, "ReferencedFrameOfReferenceSequence")]
    named += [text(item, "ReferencedFrameOfReferenceUID") for item in items(dataset, "StructureSetROISequence")]
    frames = [uid for uid in named if uid] or [text(dataset, "FrameOfReferenceUID")]
    if not frames[0]:
        raise InconsistentInput(f"{name_of(dataset)} names no frame of reference: where it lies is unknown.")
    return frames[0], "", ()


def _contour_items(dataset: Dataset) -> dict[int, Dataset]:
    """ROI Contour items by ROI number."""
    return {required_whole_number(item, "ReferencedROINumber"): item for item in items(dataset, "ROIContourSequence")}


def _structure(roi: Dataset, contour_item: Dataset | None, interpreted_type: str) -> Structure:
    """One structure from its three items."""
    name = text(roi, "ROIName")
    contours = items(contour_item, "ContourSequence") if contour_item is not None else ()
    if len(contours) > MAX_CONTOURS:
        raise UnsupportedInput(f"Structure {name!r} has {len(contours)} contours; at most {MAX_CONTOURS} are read.")
    color = numbers(contour_item, "ROIDisplayColor") if contour_item is not None else ()
    return Structure(
        number=required_whole_number(roi, "ROINumber"),
        name=name,
        role=role_of(interpreted_type, name),
        contours=tuple(_read_contour(item, name) for item in contours),
        color=(int(color[0]), int(color[1]), int(color[2])) if len(color) == 3 else None,
    )


def _read_contour(item: Dataset, name: str) -> Contour:
    """One contour; raises UnsupportedInput for a geometric type that is none of the standard's."""
    kind = text(item, "ContourGeometricType")
    if kind not in _READ_KIND:
        raise UnsupportedInput(f"Structure {name!r} has a contour of type {kind!r}; expected {', '.join(_READ_KIND)}.")
    return Contour(point_list(item, "ContourData"), _READ_KIND[kind])


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
