"""RT Structure Set to and from structures."""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence

import numpy as np
from pydicom import Dataset
from pydicom.dataelem import DataElement
from pydicom.tag import Tag
from pydicom.uid import UID, ImplicitVRLittleEndian, RTStructureSetStorage

from openigrt.dicom.dataset.elements import (
    items,
    moment,
    name_of,
    naming,
    numbers,
    point_list,
    required_whole_number,
    text,
    whole_number,
)
from openigrt.dicom.dataset.headers import (
    LONG_STRING_CHARACTERS,
    SeriesHeader,
    date_and_time,
    new_dataset,
    reference,
    set_approval,
)
from openigrt.errors import InconsistentInput, InvalidGeometry, MissingInput, UnsupportedInput
from openigrt.geometry import LONGEST_MM, Float64Array, Frame
from openigrt.images import Image
from openigrt.patient import (
    Contour,
    ContourKind,
    Generation,
    Structure,
    StructureRole,
    StructureSet,
    with_keyholes,
)

MAX_CONTOURS = 1_000_000
SHORT_STRING_CHARACTERS, SHORT_TEXT_CHARACTERS = 16, 1024
HALF_A_SLICE = 0.5 + 1e-6
# A Decimal String has 16 characters: nine decimals fit up to here, and no patient reaches so far.
MOST_EXPLICIT_BYTES = 65_534
FLAT_MM = 1e-3

_CONTOUR_DATA = Tag("ContourData")
DETACHED_STUDY = "1.2.840.10008.3.1.2.3.1"  # the retired study class that Referenced Study items still name

_READ_KIND = {
    "CLOSED_PLANAR": ContourKind.CLOSED_PLANAR,
    "CLOSEDPLANAR_XOR": ContourKind.CLOSED_PLANAR,
    "OPEN_PLANAR": ContourKind.OPEN,
    "OPEN_NONPLANAR": ContourKind.OPEN,
    "POINT": ContourKind.POINT,
}
_READ_TYPE = {
    **{role.value: role for role in StructureRole},
    "OAR": StructureRole.ORGAN,
    "TREATED_VOLUME": StructureRole.DOSE_REGION,
    "IRRAD_VOLUME": StructureRole.DOSE_REGION,
    "FIXATION": StructureRole.SUPPORT,
    "REGISTRATION": StructureRole.MARKER,
    "ACQ_ISOCENTER": StructureRole.ISOCENTER,
    "INITLASERISO": StructureRole.ISOCENTER,
    "INITMATCHISO": StructureRole.ISOCENTER,
}
# DICOM has no term for these two volumes of ICRU 62: they are written as the next wider one, with a label of their own.
_WRITTEN_TYPE = {StructureRole.OTHER: "", StructureRole.ITV: "CTV", StructureRole.PRV: "ORGAN"}
_LABELLED = ("ITV", "PRV")
_REFINED = (
    (StructureRole.ITV, (StructureRole.CTV,), r"I[GC]?TV"),
    (StructureRole.PRV, (StructureRole.ORGAN, StructureRole.AVOIDANCE), r".*PRV"),
)
_ROLE_OF_NAME = (
    (StructureRole.GTV, r"GTV"),
    (StructureRole.ITV, r"I[GC]?TV"),
    (StructureRole.CTV, r"CTV"),
    (StructureRole.PTV, r"PTV"),
    (StructureRole.PRV, r".*PRV"),
    (StructureRole.BOLUS, r"BOLUS"),
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
        frame_uid, series_uid, image_uids, messages = _referenced_images(dataset)
        rois = {required_whole_number(roi, "ROINumber"): roi for roi in items(dataset, "StructureSetROISequence")}
        _require_distinct_numbers(dataset, len(rois))
        contours, unclaimed = _contour_items(dataset, rois)
        observations = _observations(dataset)
        structures = []
        for number, roi in rois.items():
            roi_frame = text(roi, "ReferencedFrameOfReferenceUID")
            if roi_frame and roi_frame != frame_uid:
                messages.append(f"Left out structure {text(roi, 'ROIName')!r}: it lies in another frame, {roi_frame}.")
                continue
            structure, noticed = _structure(roi, contours.get(number, []), observations.get(number, Dataset()))
            structures.append(structure)
            messages += noticed
        return StructureSet(
            uid=text(dataset, "SOPInstanceUID"),
            label=text(dataset, "StructureSetLabel"),
            frame=frame(frame_uid),
            structures=tuple(structures),
            patient_id=text(dataset, "PatientID"),
            image_series_uid=series_uid,
            image_instance_uids=image_uids,
            approval=text(dataset, "ApprovalStatus"),
            reviewer=text(dataset, "ReviewerName"),
            reviewed_at=moment(dataset, "ReviewDate", "ReviewTime"),
        ), (*messages, *unclaimed)


def role_of(interpreted_type: str, name: str) -> StructureRole:
    """The role that RT ROI Interpreted Type states, or, where it is empty, the one that the name suggests.

    DICOM knows neither ITV nor PRV: a CTV or an organ that is called so is one.
    """
    if interpreted_type:
        stated = _READ_TYPE.get(interpreted_type.strip().upper(), StructureRole.OTHER)
        for role, wider, pattern in _REFINED:
            if stated in wider and re.match(pattern, name.strip(), re.IGNORECASE):
                return role
        return stated
    for role, pattern in _ROLE_OF_NAME:
        if re.match(pattern, name.strip(), re.IGNORECASE):
            return role
    return StructureRole.OTHER


def _referenced_images(dataset: Dataset) -> tuple[str, str, tuple[str, ...], list[str]]:
    """Frame of Reference UID, Series Instance UID and instance UIDs of the images that were drawn on, and messages.

    Only the first series of the first frame that names one counts, and others are told; a structure set in the frame
    of its ROIs alone is accepted.
    """
    frames = items(dataset, "ReferencedFrameOfReferenceSequence")
    drawn_on = [(text(item, "FrameOfReferenceUID"), series) for item in frames for series in referenced_series(item)]
    if drawn_on:
        (frame_uid, series), *others = drawn_on
        images = items(series, "ContourImageSequence")
        uids = dict.fromkeys(text(image, "ReferencedSOPInstanceUID") for image in images)
        return frame_uid, text(series, "SeriesInstanceUID"), tuple(uids), _of_other_series(dataset, series, others)
    named = [text(item, "FrameOfReferenceUID") for item in frames]
    named += [text(item, "ReferencedFrameOfReferenceUID") for item in items(dataset, "StructureSetROISequence")]
    frame_uids = [uid for uid in named if uid] or [text(dataset, "FrameOfReferenceUID")]
    if not frame_uids[0]:
        raise InconsistentInput(f"{name_of(dataset)} names no frame of reference: where it lies is unknown.")
    return frame_uids[0], "", (), []


def referenced_series(frame_item: Dataset) -> list[Dataset]:
    """The items of the series that a frame item names."""
    studies = items(frame_item, "RTReferencedStudySequence")
    return [series for study in studies for series in items(study, "RTReferencedSeriesSequence")]


def _of_other_series(dataset: Dataset, first: Dataset, others: Sequence[tuple[str, Dataset]]) -> list[str]:
    """A message when a structure set names other series than the first."""
    first_uid = text(first, "SeriesInstanceUID")
    uids = [text(series, "SeriesInstanceUID") for _, series in others]
    more = [f"{uid} in frame {frame}" for uid, (frame, _) in zip(uids, others, strict=True) if uid != first_uid]
    if not more:
        return []
    return [
        f"{name_of(dataset)} names {len(more) + 1} image series; taken as drawn on the first, {first_uid}, and not on "
        f"{', '.join(more)}."
    ]


def _require_distinct_numbers(dataset: Dataset, count: int) -> None:
    """Raise InconsistentInput when two structures share a number: whose contours are whose is not known."""
    numbers_read = [required_whole_number(roi, "ROINumber") for roi in items(dataset, "StructureSetROISequence")]
    if len(numbers_read) > count:
        number, _ = Counter(numbers_read).most_common(1)[0]
        raise InconsistentInput(
            f"{name_of(dataset)} has several structures of ROI Number {number}: which contours belong to which is not "
            "known. Export it again.",
            number=number,
        )


def _contour_items(dataset: Dataset, rois: dict[int, Dataset]) -> tuple[dict[int, list[Dataset]], list[str]]:
    """ROI Contour items by ROI Number, and a message for those that belong to no structure."""
    found: dict[int, list[Dataset]] = {}
    for item in items(dataset, "ROIContourSequence"):
        found.setdefault(required_whole_number(item, "ReferencedROINumber"), []).append(item)
    strangers = [number for number in found if number not in rois]
    named = ", ".join(map(str, strangers))
    return found, [f"Left out contours of ROI Number {named}: no structure has it."] if strangers else []


def _observations(dataset: Dataset) -> dict[int, Dataset]:
    """RT ROI Observations items by ROI Number, of several the first that states an interpreted type."""
    found: dict[int, Dataset] = {}
    for item in items(dataset, "RTROIObservationsSequence"):
        number = required_whole_number(item, "ReferencedROINumber")
        if not text(found.get(number, Dataset()), "RTROIInterpretedType"):
            found[number] = item
    return found


def _structure(roi: Dataset, contour_items: Sequence[Dataset], observation: Dataset) -> tuple[Structure, list[str]]:
    """One structure from its items, and what was noticed."""
    name = text(roi, "ROIName")
    parts = [part for item in contour_items for part in items(item, "ContourSequence")]
    if len(parts) > MAX_CONTOURS:
        raise UnsupportedInput(f"Structure {name!r} has {len(parts)} contours; at most {MAX_CONTOURS} are read.")
    colors = [numbers(item, "ROIDisplayColor") for item in contour_items]
    color = next((found for found in colors if len(found) == 3), ())
    contours, messages = _read_contours(parts, name)
    label = text(observation, "ROIObservationLabel")
    generation = text(roi, "ROIGenerationAlgorithm").upper()
    return Structure(
        number=required_whole_number(roi, "ROINumber"),
        name=name,
        role=role_of(text(observation, "RTROIInterpretedType"), label if label in _LABELLED else name),
        contours=contours,
        color=(int(color[0]), int(color[1]), int(color[2])) if color else None,
        generation=Generation(generation) if generation in list(Generation) else Generation.UNKNOWN,
    ), messages


def _read_contours(parts: Sequence[Dataset], name: str) -> tuple[tuple[Contour, ...], list[str]]:
    """The contours of one structure, each once, and what was noticed."""
    contours: list[Contour] = []
    drawn: set[bytes] = set()
    noticed: Counter[str] = Counter()
    for part in parts:
        contour = _read_contour(part, name)
        points = contour.points_mm
        announced = whole_number(part, "NumberOfContourPoints")
        noticed["announce another number of points than they hold"] += announced not in (None, len(points))
        if not len(points):
            noticed["hold no point and are left out"] += 1
        elif points.tobytes() in drawn and text(part, "ContourGeometricType") == "CLOSED_PLANAR":
            noticed["are drawn twice and count once"] += 1
        else:
            is_flat = contour.kind is ContourKind.CLOSED_PLANAR and len(points) < 3
            noticed["are closed and have fewer than three points: they enclose nothing"] += is_flat
            drawn.add(points.tobytes())
            contours.append(contour)
    return tuple(contours), [f"Contours of {name!r}: {count} {what}." for what, count in noticed.items() if count]


def _read_contour(item: Dataset, name: str) -> Contour:
    """One contour; raises UnsupportedInput for a geometric type that is none of the standard's, or an offset."""
    kind = text(item, "ContourGeometricType")
    if kind not in _READ_KIND:
        raise UnsupportedInput(f"Structure {name!r} has a contour of type {kind!r}; expected {', '.join(_READ_KIND)}.")
    if any(numbers(item, "ContourOffsetVector")):
        raise UnsupportedInput(
            f"Structure {name!r} has a contour with Contour Offset Vector (3006,0045), which is not read: the contour "
            "would lie elsewhere. Export it without."
        )
    return Contour(point_list(item, "ContourData"), _READ_KIND[kind])


def write_structure_set(structures: StructureSet, image: Image, series: SeriesHeader) -> Dataset:
    """The RT Structure Set of `structures`, drawn on `image`, whose provenance names the referenced slices.

    A name that does not fit a Long String (64 characters, no backslash, no control character) is fitted, and the whole
    one stands in ROI Description. Holes are written through keyholes, points as one contour each. Raises MissingInput
    without structures, InconsistentInput when two share a number or when they lie in another frame than the image,
    InvalidGeometry for points that are not finite or out of reach.
    """
    _require_writable(structures, image)
    dataset = new_dataset(series, "RTSTRUCT", RTStructureSetStorage, structures.uid)
    dataset.FrameOfReferenceUID = UID(structures.frame.uid)
    dataset.PositionReferenceIndicator = ""
    dataset.StructureSetLabel = _fitted(structures.label, SHORT_STRING_CHARACTERS) or "Structures"
    dataset.StructureSetDate, dataset.StructureSetTime = date_and_time(series.created_at)
    dataset.ReferencedFrameOfReferenceSequence = [_referenced_frame(structures, image)]
    names = _distinct_names([structure.name for structure in structures.structures])
    dataset.StructureSetROISequence = [
        _roi(structure, name, structures.frame.uid)
        for structure, name in zip(structures.structures, names, strict=True)
    ]
    dataset.ROIContourSequence = [_roi_contour(structure, image) for structure in structures.structures]
    dataset.RTROIObservationsSequence = [
        _observation(number, structure) for number, structure in enumerate(structures.structures, start=1)
    ]
    set_approval(dataset, structures.approval, structures.reviewer, structures.reviewed_at)
    if _longest_contour(dataset) > MOST_EXPLICIT_BYTES:
        dataset.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian
    return dataset


def _require_writable(structures: StructureSet, image: Image) -> None:
    """Raise an error for what would be a structure set that nobody can read, or that says something else."""
    if not structures.structures:
        raise MissingInput(f"Structure set {structures.label!r} holds no structure: there is nothing to write.")
    numbers_used = Counter(structure.number for structure in structures.structures)
    number, count = numbers_used.most_common(1)[0]
    if count > 1:
        raise InconsistentInput(f"{count} structures have number {number}; give each a number of its own.")
    if structures.frame.uid != image.frame.uid:
        raise InconsistentInput(
            f"Structure set {structures.label!r} lies in frame {structures.frame.uid}, the image in {image.frame.uid}; "
            "write it with the image that it was drawn on."
        )
    for structure in structures.structures:
        for contour in structure.contours:
            if not (np.abs(contour.points_mm) <= LONGEST_MM).all():
                raise InvalidGeometry(
                    f"A contour of {structure.name!r} has points that are not finite or over 100 m away."
                )


def _fitted(name: str, length: int) -> str:
    """A text of one line without backslash and control characters, of at most `length` characters (PS3.5, 6.2)."""
    return "".join(c if c.isprintable() and c != "\\" else "_" for c in name.strip())[:length].strip()


def _distinct_names(names: Sequence[str]) -> list[str]:
    """Names that fit a Long String; those that only fitting made alike are told apart by a number."""
    fitted: list[str] = []
    for name in names:
        short = _fitted(name, LONG_STRING_CHARACTERS)
        if short != name and short in fitted:
            mark = f"~{fitted.count(short) + 1}"
            short = short[: LONG_STRING_CHARACTERS - len(mark)] + mark
        fitted.append(short)
    return fitted


def _longest_contour(dataset: Dataset) -> int:
    """Bytes of the longest Contour Data; the length of an explicit Decimal String has 16 bits (PS3.5, 7.1.2)."""
    parts = (part for item in dataset.ROIContourSequence for part in items(item, "ContourSequence"))
    return max((sum(len(number) + 1 for number in part[_CONTOUR_DATA].value) for part in parts), default=0)


def _referenced_frame(structures: StructureSet, image: Image) -> Dataset:
    """Referenced Frame of Reference item: frame, study, series and all slices."""
    provenance = image.provenance
    series_item, study_item, frame_item = Dataset(), Dataset(), Dataset()
    series_item.SeriesInstanceUID = UID(provenance.series_uid)
    uids = dict.fromkeys(provenance.instance_uids)
    series_item.ContourImageSequence = [reference(provenance.sop_class_uid, uid) for uid in uids]
    study_item.ReferencedSOPClassUID = UID(DETACHED_STUDY)
    study_item.ReferencedSOPInstanceUID = UID(provenance.study_uid)
    study_item.RTReferencedSeriesSequence = [series_item]
    frame_item.FrameOfReferenceUID = UID(structures.frame.uid)
    frame_item.RTReferencedStudySequence = [study_item]
    return frame_item


def _roi(structure: Structure, name: str, frame_uid: str) -> Dataset:
    """Structure Set ROI item."""
    item = Dataset()
    item.ROINumber = structure.number
    item.ReferencedFrameOfReferenceUID = UID(frame_uid)
    item.ROIName = name
    if name != structure.name:
        item.ROIDescription = _fitted(structure.name, SHORT_TEXT_CHARACTERS)
    item.ROIGenerationAlgorithm = structure.generation.value
    return item


def _roi_contour(structure: Structure, image: Image) -> Dataset:
    """ROI Contour item with all contours of one structure."""
    item = Dataset()
    item.ReferencedROINumber = structure.number
    if structure.color is not None:
        item.ROIDisplayColor = [min(max(value, 0), 255) for value in structure.color]
    contours = _with_holes_that_all_readers_see(structure).contours
    drawn = [part for contour in contours for part in _single_points(contour) if len(part.points_mm)]
    if drawn:
        item.ContourSequence = [_contour(contour, number, image) for number, contour in enumerate(drawn, start=1)]
    return item


def _with_holes_that_all_readers_see(structure: Structure) -> Structure:
    """Holes through keyholes (PS3.3 C.8.8.6.3): plastimatch, for one, unites closed contours that lie in each other."""
    try:
        return with_keyholes(structure)
    except InvalidGeometry:  # contours in several orientations, or lines, have no holes
        return structure


def _single_points(contour: Contour) -> Iterator[Contour]:
    """A contour as it is; several points that are no line as one contour each (PS3.3 C.8.8.6.1)."""
    if contour.kind is ContourKind.POINT:
        yield from (Contour(point, ContourKind.POINT) for point in contour.points_mm)
    else:
        yield contour


def _contour(contour: Contour, number: int, image: Image) -> Dataset:
    """Contour item; it names the slice that it lies on where there is one."""
    item = Dataset()
    item.ContourNumber = number
    image_uid = _image_under(contour.points_mm, image)
    if image_uid:
        item.ContourImageSequence = [reference(image.provenance.sop_class_uid, image_uid)]
    item.ContourGeometricType = _written_kind(contour)
    item.NumberOfContourPoints = len(contour.points_mm)
    # As text: pydicom would make an object of each of millions of numbers, and text of it again.
    item.add(DataElement(_CONTOUR_DATA, "DS", _decimal_strings(contour.points_mm), already_converted=True))
    return item


def _image_under(points_mm: Float64Array, image: Image) -> str:
    """UID of the slice that holds all points, of the one object where it holds all slices; empty where none does."""
    uids = image.provenance.instance_uids
    slices = image.grid.indices(points_mm)[:, 2]
    k = int(np.rint(slices.mean()))
    if np.abs(slices - k).max() > HALF_A_SLICE or not 0 <= k < image.grid.size[2]:
        return ""
    if len(uids) == image.grid.size[2]:
        return uids[k]
    return uids[0] if len(set(uids)) == 1 else ""


def _written_kind(contour: Contour) -> str:
    """Contour Geometric Type; an open line is planar where its points are, to a micrometre."""
    if contour.kind is not ContourKind.OPEN:
        return contour.kind.value
    spread = np.linalg.svd(contour.points_mm - contour.points_mm.mean(axis=0), compute_uv=False)
    return "OPEN_PLANAR" if len(spread) < 3 or spread[2] < FLAT_MM else "OPEN_NONPLANAR"


def _decimal_strings(points_mm: Float64Array) -> list[str]:
    """Coordinates one after the other as Decimal Strings of at most 16 characters, exact to a nanometre."""
    return [f"{x:.9f}".rstrip("0").rstrip(".") for x in points_mm.ravel().tolist()]


def _observation(number: int, structure: Structure) -> Dataset:
    """RT ROI Observations item, which carries the role."""
    item = Dataset()
    item.ObservationNumber = number
    item.ReferencedROINumber = structure.number
    if structure.role in _LABELLED:
        item.ROIObservationLabel = structure.role.value
    item.RTROIInterpretedType = _WRITTEN_TYPE.get(structure.role, structure.role.value)
    item.ROIInterpreter = ""
    return item
