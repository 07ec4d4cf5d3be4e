"""What lies in a folder: DICOM objects by series, and every file that is none, by name."""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydicom import Dataset
from pydicom.uid import (
    CTImageStorage,
    DeformableSpatialRegistrationStorage,
    EnhancedCTImageStorage,
    EnhancedMRImageStorage,
    EnhancedPETImageStorage,
    EnhancedUSVolumeStorage,
    LegacyConvertedEnhancedCTImageStorage,
    LegacyConvertedEnhancedMRImageStorage,
    LegacyConvertedEnhancedPETImageStorage,
    MediaStorageDirectoryStorage,
    MRImageStorage,
    PositronEmissionTomographyImageStorage,
    RTDoseStorage,
    RTImageStorage,
    RTIonPlanStorage,
    RTPlanStorage,
    RTStructureSetStorage,
    SegmentationStorage,
    SpatialFiducialsStorage,
    SpatialRegistrationStorage,
    SurfaceScanMeshStorage,
    SurfaceScanPointCloudStorage,
    SurfaceSegmentationStorage,
)

from openigrt.dicom.dataset.elements import in_short, lenient, naming, sop_class_name, text
from openigrt.dicom.dataset.load import (
    PREAMBLE_BYTES,
    PixelElement,
    looks_like_dicom,
    read_header,
    read_header_alone,
    says_dicom,
)
from openigrt.errors import InconsistentInput, MissingInput, UnreadableFile, UnsupportedInput

MAX_FILES = 100_000
FILES_BETWEEN_WORDS = 500
NOT_DICOM = "not DICOM"
DICOM_SUFFIXES = (".dcm", ".dicom", ".ima")

CT_CLASSES = (CTImageStorage, EnhancedCTImageStorage, LegacyConvertedEnhancedCTImageStorage)
MR_CLASSES = (MRImageStorage, EnhancedMRImageStorage, LegacyConvertedEnhancedMRImageStorage)
PET_CLASSES = (
    PositronEmissionTomographyImageStorage,
    EnhancedPETImageStorage,
    LegacyConvertedEnhancedPETImageStorage,
)
IMAGE_CLASSES = (*CT_CLASSES, *MR_CLASSES, *PET_CLASSES)
MULTI_FRAME_CLASSES = (*CT_CLASSES[1:], *MR_CLASSES[1:], *PET_CLASSES[1:])
STRUCTURE_SET_CLASSES = (RTStructureSetStorage,)
PLAN_CLASSES = (RTPlanStorage, RTIonPlanStorage)
DOSE_CLASSES = (RTDoseStorage,)
REGISTRATION_CLASSES = (SpatialRegistrationStorage, DeformableSpatialRegistrationStorage)
PROJECTION_CLASSES = (RTImageStorage,)
FIDUCIAL_CLASSES = (SpatialFiducialsStorage,)
SEGMENTATION_CLASSES = (SegmentationStorage, "1.2.840.10008.5.1.4.1.1.66.7")  # label maps, which pydicom does not name
SURFACE_CLASSES = (SurfaceSegmentationStorage, SurfaceScanMeshStorage, SurfaceScanPointCloudStorage)
ULTRASOUND_CLASSES = (EnhancedUSVolumeStorage,)

HEADER_KEYWORDS = [
    *("SOPClassUID", "SOPInstanceUID", "Modality", "PatientID", "PatientName", "StudyInstanceUID", "SeriesInstanceUID"),
    *("FrameOfReferenceUID", "SeriesDescription", "ProtocolName", "Manufacturer", "ManufacturerModelName"),
    *("StationName", "ImageType", "DerivationDescription", "AcquisitionDateTime", "AcquisitionDate"),
    *("AcquisitionTime", "ContentDate", "ContentTime", "SeriesDate", "SeriesTime", "TimezoneOffsetFromUTC"),
    *("PatientPosition", "InstanceNumber", "ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing"),
    *("Rows", "Columns", "NumberOfFrames", "SamplesPerPixel", "PhotometricInterpretation", "BitsAllocated"),
    *("BitsStored", "HighBit", "PixelRepresentation", "RescaleSlope", "RescaleIntercept", "ModalityLUTSequence"),
    *("PixelPaddingValue", "PixelPaddingRangeLimit", "Units", "RTPlanLabel", "StructureSetLabel"),
    *("DoseSummationType", "ReferencedRTPlanSequence", "ReferencedStructureSetSequence"),
    *("ReferencedFrameOfReferenceSequence", "ApprovalStatus", "LossyImageCompression"),
    *("StudyDescription", "StudyDate", "SeriesNumber", "ImageComments", "AcquisitionNumber", "TriggerTime"),
    *("TemporalPositionIdentifier", "TemporalPositionIndex", "NominalPercentageOfRespiratoryPhase"),
    *("NominalPercentageOfCardiacPhase", "EchoNumbers", "DiffusionBValue", "FrameReferenceTime"),
    *("VolumetricProperties", "LossyImageCompressionRatio"),
    *("GantryAngle", "GantryPitchAngle", "RadiationMachineSAD", "RTImageSID", "RTImagePlane", "RTImagePosition"),
    *("RTImageOrientation", "ImagePlanePixelSpacing", "XRayImageReceptorAngle", "XRayImageReceptorTranslation"),
    *("ExposureSequence", "PatientBirthDate", "IssuerOfPatientID"),
    *("TableTopLateralPosition", "TableTopLongitudinalPosition", "TableTopVerticalPosition", "PatientSupportAngle"),
    *("TableTopPitchAngle", "TableTopRollAngle", "TableTopEccentricAxisDistance", "TableTopEccentricAngle"),
]


@dataclass(frozen=True, eq=False, slots=True)
class Instance:
    """One DICOM object in a file: its header without pixels, and where the pixels are."""

    path: Path
    header: Dataset
    pixels: PixelElement | None
    uid: str
    sop_class_uid: str
    series_uid: str
    study_uid: str
    frame_uid: str
    patient_id: str
    patient_name: str

    @property
    def class_name(self) -> str:
        """The SOP class as the standard names it."""
        return sop_class_name(self.sop_class_uid)

    @property
    def label(self) -> str:
        """The label of a plan or structure set, empty for other objects; raises UnreadableFile where malformed."""
        with naming(self.header):
            return text(self.header, "RTPlanLabel") or text(self.header, "StructureSetLabel")


@dataclass(frozen=True, eq=False, slots=True)
class Series:
    """Objects of one class in one series; `uid` is the Series Instance UID."""

    uid: str
    sop_class_uid: str
    description: str
    instances: tuple[Instance, ...]

    def __str__(self) -> str:
        """How a series is listed to a person who must choose."""
        described = f" {self.description!r}" if self.description else ""
        return f"{sop_class_name(self.sop_class_uid)}{described} of {len(self.instances)} [{self.uid}]"


@dataclass(frozen=True, slots=True)
class SkippedFile:
    """A file that was not used and why; damaged DICOM keeps the series it belonged to, where that could be read."""

    path: Path
    reason: str
    is_damaged: bool = False


@dataclass(frozen=True, eq=False, slots=True)
class Inventory:
    """All DICOM series of a folder, and the files that were skipped."""

    path: Path
    series: tuple[Series, ...]
    skipped: tuple[SkippedFile, ...]

    def of_classes(self, sop_class_uids: tuple[str, ...]) -> tuple[Series, ...]:
        """The series of these SOP classes."""
        return tuple(series for series in self.series if series.sop_class_uid in sop_class_uids)

    def instances_of(self, sop_class_uids: tuple[str, ...]) -> tuple[Instance, ...]:
        """The objects of these SOP classes."""
        return tuple(instance for series in self.of_classes(sop_class_uids) for instance in series.instances)

    def instances(self) -> Iterator[Instance]:
        """All objects."""
        return (instance for series in self.series for instance in series.instances)

    def messages(self) -> tuple[str, ...]:
        """What was skipped, counted and named."""
        junk = [skipped.path.name for skipped in self.skipped if not skipped.is_damaged]
        damaged = tuple(skipped.reason for skipped in self.skipped if skipped.is_damaged)
        return (f"Skipped {named_files(junk)}: not DICOM.", *damaged) if junk else damaged

    def doubts(self) -> tuple[str, ...]:
        """A warning for files that are named as DICOM and hold none: what was cut at its very start looks like that."""
        named = [s.path.name for s in self.skipped if s.path.suffix.lower() in DICOM_SUFFIXES and s.reason == NOT_DICOM]
        if not named:
            return ()
        return (
            f"{named_files(named)} in {self.path}: named as DICOM but not DICOM, cut off at the start? Copy the folder "
            "again if it was a slice or the plan.",
        )


def named_files(names: Sequence[str]) -> str:
    """`3 files (a, b and 1 more)`."""
    return f"{len(names)} file{'s' if len(names) != 1 else ''} ({in_short(list(names))})"


def scan_folder(path: Path, told: Callable[[int, int], None] = lambda done, count: None) -> Inventory:
    """Read the headers of all files under a folder (or of one file) and group them by series and SOP class.

    Nothing but headers is read. `told` hears now and then how many files are done, and how many there are. Raises
    MissingInput when there is no such folder, nothing in it, or no DICOM; UnreadableFile when the only file is damaged
    or a folder cannot be listed; UnsupportedInput for too many files.
    """
    files = _files_under(path)
    examined = []
    with lenient():
        for file in files:  # one thread: two take a third longer (measured), since they wait for the interpreter
            examined.append(_examine(file))
            if len(examined) % FILES_BETWEEN_WORDS == 0:
                told(len(examined), len(files))
    found = [entry for entry in examined if isinstance(entry, Instance)]
    skipped = tuple(entry for entry in examined if isinstance(entry, SkippedFile))
    damaged = [entry for entry in skipped if entry.is_damaged]
    if not found and damaged:
        raise UnreadableFile(
            f"{damaged[0].reason} {path} holds no whole DICOM: copy it again.", path=str(damaged[0].path)
        )
    if not found:
        names = named_files([file.name for file in files])
        raise MissingInput(f"{path} holds no DICOM: {names} found. Give a folder with DICOM files.", path=str(path))
    return Inventory(path, grouped_by_series(found), skipped)


def _files_under(path: Path) -> list[Path]:
    """All regular files, sorted; raises MissingInput or UnsupportedInput."""
    if not path.exists():
        raise MissingInput(f"{path} does not exist; give a folder with DICOM files.", path=str(path))
    if path.is_file():
        return [path]
    files = sorted(Path(folder) / name for folder, _, names in os.walk(path, onerror=_refuse) for name in names)
    if len(files) > MAX_FILES:
        raise UnsupportedInput(f"{path} holds {len(files)} files; at most {MAX_FILES} are read. Give a smaller folder.")
    files = [file for file in files if file.is_file()]
    if not files:
        raise MissingInput(f"{path} is empty; give a folder with DICOM files.", path=str(path))
    return files


def _refuse(failure: OSError) -> None:
    """Raise UnreadableFile for a folder that cannot be listed: what lies in it might belong to the rest."""
    raise UnreadableFile(
        f"{failure.filename} cannot be listed: {failure.strerror}. Change its rights, or give another folder.",
        path=str(failure.filename),
    ) from None


def _examine(path: Path) -> Instance | SkippedFile:
    """The header of one file, or why it is skipped."""
    start = b""
    try:
        with path.open("rb") as file:
            start = file.read(PREAMBLE_BYTES)
        if not looks_like_dicom(start):
            return SkippedFile(path, NOT_DICOM)
        header, pixels = read_header(path, HEADER_KEYWORDS)
        return _instance(path, header, pixels)
    except OSError as failure:
        return SkippedFile(path, f"{path} cannot be read: {failure.strerror}.", is_damaged=True)
    except (UnreadableFile, UnsupportedInput) as error:
        return SkippedFile(path, error.sentence, is_damaged=says_dicom(start))


def _instance(path: Path, header: Dataset, pixels: PixelElement | None) -> Instance | SkippedFile:
    """The object in a file; files that only look like DICOM and media directories are skipped."""
    with naming(header):
        sop_class_uid = text(header, "SOPClassUID")
        if not sop_class_uid:
            stored = text(getattr(header, "file_meta", Dataset()), "MediaStorageSOPClassUID")
            name = "a DICOMDIR" if stored == MediaStorageDirectoryStorage else "no DICOM object"
            return SkippedFile(path, name)
        return Instance(
            path=path,
            header=header,
            pixels=pixels,
            uid=text(header, "SOPInstanceUID"),
            sop_class_uid=sop_class_uid,
            series_uid=text(header, "SeriesInstanceUID"),
            study_uid=text(header, "StudyInstanceUID"),
            frame_uid=text(header, "FrameOfReferenceUID"),
            patient_id=text(header, "PatientID"),
            patient_name=text(header, "PatientName"),
        )


def series_of_files(paths: Sequence[Path]) -> Series:
    """The one series that these files hold; raises UnreadableFile or InconsistentInput where they do not."""
    with lenient():
        examined = [_examine(path) for path in paths]
    skipped = next((entry for entry in examined if isinstance(entry, SkippedFile)), None)
    if skipped is not None:
        raise UnreadableFile(f"{skipped.path} cannot be read any more: {skipped.reason}", path=str(skipped.path))
    series = grouped_by_series([entry for entry in examined if isinstance(entry, Instance)])
    if len(series) != 1:
        raise InconsistentInput(f"{named_files([path.name for path in paths])} hold {len(series)} series, not one.")
    return series[0]


def damaged_instance(skipped: SkippedFile) -> Instance | None:
    """The object of a damaged file without its pixels; None where not even its header can be read."""
    try:
        header = read_header_alone(skipped.path, HEADER_KEYWORDS)
        instance = _instance(skipped.path, header, None)
    except (UnreadableFile, UnsupportedInput):
        return None
    return instance if isinstance(instance, Instance) else None


def grouped_by_series(instances: Iterable[Instance]) -> tuple[Series, ...]:
    """Series in the order of their first file."""
    groups: dict[tuple[str, str], list[Instance]] = {}
    for instance in instances:
        groups.setdefault((instance.series_uid, instance.sop_class_uid), []).append(instance)
    return tuple(
        Series(uid, sop_class_uid, text(members[0].header, "SeriesDescription"), tuple(members))
        for (uid, sop_class_uid), members in groups.items()
    )
