"""What the headers of an image say about where it comes from, and what they leave open."""

from datetime import datetime

from pydicom import Dataset

from openigrt.dicom.dataset.elements import character_set_doubt, date_time, moment, naming, text, texts
from openigrt.dicom.dataset.inventory import MR_CLASSES, Instance
from openigrt.dicom.images.couch import stated_couch
from openigrt.dicom.images.slices import Slice
from openigrt.errors import InconsistentInput
from openigrt.geometry import PatientPosition
from openigrt.images import DistortionCorrection, Phase, Provenance

CORRECTED_IN_VOLUME, CORRECTED_IN_PLANE, NOT_CORRECTED = "DIS3D", "DIS2D", {"ND", "NO_DIS"}


def provenance_of(slices: tuple[Slice, ...], phase: Phase | None) -> tuple[tuple[str, ...], Provenance]:
    """Provenance of the volume that these slices form, and messages about what is not said, not corrected or lost.

    Raises InconsistentInput where the slices contradict each other, UnsupportedPatientPosition for other positions than
    the eight.
    """
    first = slices[0].instance
    header = first.header
    with naming(header):
        position, messages = _patient_position(slices)
        distortion = distortion_correction_of(slices)
        described = text(header, "SeriesDescription")
        provenance = Provenance(
            patient_id=first.patient_id,
            patient_name=first.patient_name,
            study_uid=text(header, "StudyInstanceUID"),
            series_uid=first.series_uid,
            series_description=described,
            instance_uids=tuple(dict.fromkeys(slice_.instance.uid for slice_ in slices)),
            sop_class_uid=first.sop_class_uid,
            manufacturer=text(header, "Manufacturer"),
            device_model=text(header, "ManufacturerModelName"),
            station_name=text(header, "StationName"),
            acquired_at=_frames_acquired_at(slices) or _acquired_at(header),
            patient_position=position,
            is_derived=_is_derived(header),
            phase=phase,
            distortion_correction=distortion,
            couch=stated_couch(header),
        )
        return (*messages, *_losses(slices), *_distortion(slices, distortion), *character_set_doubt(header)), provenance


def _is_derived(header: Dataset) -> bool:
    """Whether the image was computed from another one (PS3.3 C.7.6.1.1.2)."""
    return "DERIVED" in texts(header, "ImageType")[:1] or bool(text(header, "DerivationDescription"))


def acquired_at_of(instance: Instance) -> datetime | None:
    """When an image was acquired, in UTC, as one of its objects says."""
    with naming(instance.header):
        return _acquired_at(instance.header)


def _acquired_at(header: Dataset) -> datetime | None:
    """When the image was acquired, in UTC; its series' time (its content's, unless derived) where that is not said."""
    acquired = date_time(header, "AcquisitionDateTime") or moment(header, "AcquisitionDate", "AcquisitionTime")
    if acquired is not None:
        return acquired
    series_time = moment(header, "SeriesDate", "SeriesTime")
    content_time = None if _is_derived(header) else moment(header, "ContentDate", "ContentTime")
    return series_time or content_time


def _frames_acquired_at(slices: tuple[Slice, ...]) -> datetime | None:
    """When the first of the frames was acquired, in UTC; None for single slices and where a frame does not say."""
    offset = text(slices[0].instance.header, "TimezoneOffsetFromUTC")
    keyword = "FrameAcquisitionDateTime"
    times = [date_time(s.holder(keyword), keyword, offset) if s.groups else None for s in slices]
    return min(known) if len(known := [time for time in times if time is not None]) == len(times) else None


def _patient_position(slices: tuple[Slice, ...]) -> tuple[PatientPosition | None, tuple[str, ...]]:
    """Patient Position of the series, None with a message where it is absent; a mixed or unknown one is refused."""
    names = {text(slice_.instance.header, "PatientPosition") for slice_ in slices}
    series_uid = slices[0].instance.series_uid
    if len(names) > 1:
        raise InconsistentInput(f"Series {series_uid} mixes patient positions: {', '.join(sorted(names))}.")
    name = names.pop()
    if not name:
        return None, (f"Series {series_uid} does not say its patient position.",)
    return PatientPosition.parse(name), ()


def _losses(slices: tuple[Slice, ...]) -> tuple[str, ...]:
    """A message where gray values are not those that were measured (PS3.3 C.7.6.1.1.5)."""
    headers = {slice_.instance.uid: slice_.instance.header for slice_ in slices}
    lossy = [header for header in headers.values() if text(header, "LossyImageCompression") == "01"]
    if not lossy:
        return ()
    ratio = text(lossy[0], "LossyImageCompressionRatio")
    told = f", {ratio} to 1" if ratio else ""
    return (
        f"Series {slices[0].instance.series_uid} was compressed with loss{told} ({len(lossy)} of {len(headers)} "
        "objects): its gray values are not those that were measured.",
    )


def distortion_correction_of(slices: tuple[Slice, ...]) -> DistortionCorrection | None:
    """How far an MR image was corrected for distortion, by the worst of its slices; None for other images.

    By the values DIS3D, DIS2D and ND of Image Type or Frame Type; what is said elsewhere is private to its maker.
    """
    if slices[0].instance.sop_class_uid not in MR_CLASSES:
        return None
    found = {_distortion_correction(slice_) for slice_ in slices}
    order = (
        DistortionCorrection.NONE,
        DistortionCorrection.UNKNOWN,
        DistortionCorrection.IN_PLANE,
        DistortionCorrection.VOLUME,
    )
    return next(correction for correction in order if correction in found)


def _distortion_correction(slice_: Slice) -> DistortionCorrection:
    """How far one slice of MR was corrected."""
    words = {*slice_.image_type, *texts(slice_.instance.header, "ImageType")}
    if CORRECTED_IN_VOLUME in words:
        return DistortionCorrection.VOLUME
    if CORRECTED_IN_PLANE in words:
        return DistortionCorrection.IN_PLANE
    is_distorted = text(slice_.holder("VolumetricProperties"), "VolumetricProperties") == "DISTORTED"
    return DistortionCorrection.NONE if NOT_CORRECTED & words or is_distorted else DistortionCorrection.UNKNOWN


def _distortion(slices: tuple[Slice, ...], correction: DistortionCorrection | None) -> tuple[str, ...]:
    """A message for MR of which the geometry is not known to be right in all three directions."""
    said = {
        DistortionCorrection.NONE: "is not corrected for distortion",
        DistortionCorrection.IN_PLANE: "is corrected for distortion in its slices only, not between them",
        DistortionCorrection.UNKNOWN: "does not say whether it is corrected for distortion",
    }
    if correction is None or correction not in said:
        return ()
    return (
        f"MR series {slices[0].instance.series_uid} {said[correction]} (Image Type without {CORRECTED_IN_VOLUME}): "
        "away from the middle of the magnet anatomy may lie millimeters off.",
    )
