"""RT Image to and from projections (PS3.3 C.8.8.2); where its pixels lie is in `rt_image_setup`."""

from dataclasses import replace
from datetime import datetime, timedelta
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset
from pydicom.uid import UID, RTImageStorage, RTIonPlanStorage, RTPlanStorage

from openigrt.dicom.dataset.elements import (
    date_time,
    items,
    moment,
    name_of,
    naming,
    number,
    numbers,
    text,
    texts,
    whole_number,
)
from openigrt.dicom.dataset.headers import SeriesHeader, date_and_time, decimal, decimals, new_dataset, reference
from openigrt.dicom.dataset.provenance import provenance_of
from openigrt.dicom.images.couch import set_couch
from openigrt.dicom.images.rt_image_setup import (
    FrameSources,
    Messages,
    ProjectionDefaults,
    frame_sources,
    read_geometry,
    read_pose,
    read_setup,
)
from openigrt.dicom.pixels.gray_frames import gray_frames
from openigrt.dicom.pixels.modality_lut import LARGEST_RESCALE, rescaled
from openigrt.errors import InconsistentInput, UnreadableFile, UnsupportedInput
from openigrt.geometry import Float64Array, fixed_from_gantry
from openigrt.images import (
    Exposure,
    Intensity,
    IntensityRelationship,
    PlannedBeam,
    Projection,
    ProjectionKind,
)

NO_IMAGE_KINDS = ("FLUENCE", "BLANK")
SHORT_STRING_CHARACTERS = 16
LARGEST_STORED = 65535
ON_AXIS_MM = 1e-3
NORMAL_TOLERANCE = 1e-6


def read_projections(
    dataset: Dataset, defaults: ProjectionDefaults | None = None
) -> tuple[tuple[Projection, ...], Messages]:
    """The frames of an RT Image as projections in the fixed frame, and what was noticed.

    Pixels are after the modality LUT. What the image leaves out comes from `defaults`, with a message. Raises
    MissingInput where its geometry is not known, UnsupportedInput for fluence maps, color and planes that the standard
    leaves open, InconsistentInput or UnreadableFile for values that contradict each other or cannot be.
    """
    with naming(dataset):
        kind, remarks = _kind(dataset)
        messages = dict.fromkeys(remarks)
        values = rescaled(dataset, gray_frames(dataset))
        times = _frame_times(dataset, kind, len(values))
        isocenter_mm = FrameSources(dataset).numbers("IsocenterPosition")
        if len(isocenter_mm) not in (0, 3):
            raise UnreadableFile(
                f"{name_of(dataset)} has an IsocenterPosition of {len(isocenter_mm)} numbers; expected 3."
            )
        projections = []
        for sources, pixels, acquired_at in zip(frame_sources(dataset, len(values)), values, times, strict=True):
            setup, taken = read_setup(sources, defaults or ProjectionDefaults())
            geometry, doubts = read_geometry(dataset, setup, (pixels.shape[0], pixels.shape[1]))
            pose, unknown = read_pose(sources, setup)
            exposure, aside = _exposure(sources)
            messages |= dict.fromkeys(taken + doubts + unknown + aside)
            projections.append(
                Projection(
                    pixels=pixels,
                    geometry=geometry,
                    pose=pose,
                    kind=kind,
                    label=text(dataset, "RTImageLabel"),
                    intensity=_intensity(dataset),
                    exposure=exposure,
                    beam=_planned_beam(dataset),
                    isocenter_mm=(isocenter_mm[0], isocenter_mm[1], isocenter_mm[2]) if isocenter_mm else None,
                    patient_frame_uid=text(dataset, "FrameOfReferenceUID"),
                    provenance=replace(provenance_of(dataset), acquired_at=acquired_at),
                )
            )
        return tuple(projections), tuple(messages)


def _kind(dataset: Dataset) -> tuple[ProjectionKind, Messages]:
    """What the image is; raises UnsupportedInput for what is no RT Image, and for RT Images that show no patient."""
    if text(dataset, "SOPClassUID") != RTImageStorage:
        raise UnsupportedInput(f"{name_of(dataset)} is no RT Image.")
    words = texts(dataset, "ImageType")
    name = words[2].upper() if len(words) > 2 else ""
    if name in NO_IMAGE_KINDS or items(dataset, "FluenceMapSequence"):
        raise UnsupportedInput(f"{name_of(dataset)} is of type {name or 'FLUENCE'}, which is no projection image.")
    messages = tuple(f"Its pixels are of type {word}." for word in words[3:] if word)
    if name in list(ProjectionKind):
        return ProjectionKind(name), messages
    said = f"Image type {name or 'not stated'}: whether it is a portal image, a radiograph or a DRR is not known."
    return ProjectionKind.OTHER, (said, *messages)


def _intensity(dataset: Dataset) -> Intensity:
    """How pixel values follow the beam (PS3.3 C.8.11.3.1.2)."""
    name, sign = text(dataset, "PixelIntensityRelationship").upper(), number(dataset, "PixelIntensityRelationshipSign")
    return Intensity(
        relationship=IntensityRelationship(name) if name in list(IntensityRelationship) else None,
        rises_with_beam=None if sign not in (-1.0, 1.0) else sign > 0.0,
        is_bright_low=text(dataset, "PhotometricInterpretation") == "MONOCHROME1",
    )


def _exposure(sources: FrameSources) -> tuple[Exposure, Messages]:
    """What made the frame; a meterset counts only where its unit is MU."""
    unit, meterset = text(sources.image, "PrimaryDosimeterUnit"), sources.number("MetersetExposure")
    is_aside = meterset is not None and unit != "MU"
    time_ms = sources.number("ExposureTimeInms")
    current_ma = sources.number("XRayTubeCurrentInmA")
    return Exposure(
        tube_voltage_kv=sources.number("KVP"),
        tube_current_ma=sources.number("XRayTubeCurrent") if current_ma is None else current_ma,
        exposure_time_ms=sources.number("ExposureTime") if time_ms is None else time_ms,
        meterset_mu=None if is_aside else meterset,
    ), (f"The meterset is in {unit or 'an unknown unit'}, not in MU; it is left aside.",) if is_aside else ()


def _planned_beam(dataset: Dataset) -> PlannedBeam:
    """The beam that the image names."""
    plans = items(dataset, "ReferencedRTPlanSequence")
    return PlannedBeam(
        plan_uid=text(plans[0], "ReferencedSOPInstanceUID") if plans else "",
        beam_number=whole_number(dataset, "ReferencedBeamNumber"),
        fraction_number=whole_number(dataset, "FractionNumber"),
        fraction_group_number=whole_number(dataset, "ReferencedFractionGroupNumber"),
        is_ion=bool(plans) and text(plans[0], "ReferencedSOPClassUID") == RTIonPlanStorage,
    )


def _frame_times(dataset: Dataset, kind: ProjectionKind, count: int) -> tuple[datetime | None, ...]:
    """When each frame was acquired, UTC; a DRR was not acquired at all (PS3.3 C.7.6.5: frame times are in ms)."""
    started_at = (
        date_time(dataset, "AcquisitionDateTime")
        or moment(dataset, "AcquisitionDate", "AcquisitionTime")
        or moment(dataset, "ContentDate", "ContentTime")
    )
    if started_at is None or kind is ProjectionKind.DRR:
        return (None,) * count
    step_ms, steps_ms = number(dataset, "FrameTime"), numbers(dataset, "FrameTimeVector")
    if len(steps_ms) not in (0, count) or min(steps_ms, default=0.0) < 0.0 or (step_ms or 0.0) < 0.0:
        raise InconsistentInput(f"{name_of(dataset)} has {count} frames and frame times that are not one for each.")
    if step_ms is None and not steps_ms:
        return (started_at, *(None,) * (count - 1))
    after_ms = accumulate(steps_ms) if steps_ms else ((step_ms or 0.0) * k for k in range(count))
    try:
        return tuple(started_at + timedelta(milliseconds=offset) for offset in after_ms)
    except OverflowError:
        raise InconsistentInput(f"{name_of(dataset)} has frame times that end beyond the calendar.") from None


def write_projection(projection: Projection, series: SeriesHeader, instance_uid: str, number: int = 1) -> Dataset:
    """The RT Image of a projection in 16 bits: exact for whole numbers that fit, else to 1/131070 of their range.

    `number` counts the images of a series. A patient position is written with an isocenter only, as the standard has
    it. Raises UnsupportedInput for what an RT Image cannot say: a source that is not where gantry angle and source-axis
    distance put it, a detector seen from behind, pixels that are not finite, an unknown kind, an isocenter without
    patient position, a DRR with an exposure, a meterset of what is no portal image.
    """
    _require_writable(projection)
    dataset = new_dataset(series, "RTIMAGE", RTImageStorage, instance_uid)
    _set_image(dataset, projection, series)
    dataset.InstanceNumber = number
    _set_plane(dataset, projection)
    _set_pose(dataset, projection)
    _set_pixels(dataset, projection)
    return dataset


def _require_writable(projection: Projection) -> None:
    """Raise UnsupportedInput for kinds and exposures that an RT Image cannot hold."""
    kind, exposure = projection.kind, projection.exposure
    lacks_position = projection.isocenter_mm is not None and projection.provenance.patient_position is None
    reasons = {
        "it is neither portal image, radiograph, simulator image nor DRR": kind is ProjectionKind.OTHER,
        "its isocenter is in a patient whose position is not stated": lacks_position,
        "a DRR has no exposure": kind is ProjectionKind.DRR and exposure != Exposure(),
        "only a portal image has a meterset": kind is not ProjectionKind.PORTAL and exposure.meterset_mu is not None,
    }
    found = [reason for reason, holds in reasons.items() if holds]
    if found:
        raise UnsupportedInput(f"This projection cannot be written as an RT Image: {'; '.join(found)}.")


def _set_image(dataset: Dataset, projection: Projection, series: SeriesHeader) -> None:
    """General Image, Frame of Reference and the descriptive part of the RT Image module."""
    is_derived = projection.provenance.is_derived or projection.kind is ProjectionKind.DRR
    origin = ["DERIVED", "SECONDARY"] if is_derived else ["ORIGINAL", "PRIMARY"]
    dataset.ImageType = [*origin, str(projection.kind)]
    dataset.ConversionType = "WSD" if is_derived else "DI"
    dataset.PatientOrientation = ""
    dataset.ContentDate, dataset.ContentTime = date_and_time(projection.acquired_at or series.created_at)
    if projection.acquired_at is not None:
        dataset.AcquisitionDate, dataset.AcquisitionTime = dataset.ContentDate, dataset.ContentTime
    dataset.RTImageLabel = projection.label[:SHORT_STRING_CHARACTERS] or str(projection.kind)
    dataset.RadiationMachineName = projection.provenance.station_name[:SHORT_STRING_CHARACTERS]
    if projection.kind in (ProjectionKind.PORTAL, ProjectionKind.SIMULATOR):
        dataset.ReportedValuesOrigin = "ACTUAL"
    if projection.patient_frame_uid:
        dataset.FrameOfReferenceUID = UID(projection.patient_frame_uid)
        dataset.PositionReferenceIndicator = ""
    if projection.beam.plan_uid:
        plan_class = RTIonPlanStorage if projection.beam.is_ion else RTPlanStorage
        dataset.ReferencedRTPlanSequence = [reference(plan_class, projection.beam.plan_uid)]
    if projection.beam.beam_number is not None:
        dataset.ReferencedBeamNumber = projection.beam.beam_number
    if projection.beam.fraction_number is not None:
        dataset.FractionNumber = projection.beam.fraction_number
    if projection.beam.fraction_group_number is not None:
        dataset.ReferencedFractionGroupNumber = projection.beam.fraction_group_number


def _set_plane(dataset: Dataset, projection: Projection) -> None:
    """The detector in the receptor system, whose origin is where the beam axis meets its plane (PS3.3 C.8.8.2)."""
    geometry, pose = projection.geometry, projection.pose
    gantry_from = fixed_from_gantry(pose.gantry_angle_deg, pose.gantry_pitch_angle_deg).inverse()
    in_gantry = geometry.moved(gantry_from)
    nominal_mm = np.array([0.0, 0.0, pose.source_axis_distance_mm])
    if float(np.linalg.norm(in_gantry.source_mm - nominal_mm)) > ON_AXIS_MM:
        raise UnsupportedInput(
            f"The source lies at {in_gantry.source_mm.round(3).tolist()} mm in gantry axes; an RT Image can only say "
            f"{nominal_mm.tolist()}."
        )
    row, column, normal = in_gantry.row_direction, in_gantry.column_direction, in_gantry.normal
    if normal[2] >= 0.0 or np.cross(row, column) @ normal < 0.0:
        raise UnsupportedInput("The detector is seen from behind or edge on; turn its rows or columns round first.")
    z_mm = float(in_gantry.first_pixel_mm @ normal / normal[2])
    from_origin: Float64Array = in_gantry.first_pixel_mm - (0.0, 0.0, z_mm)
    is_normal = normal[2] < NORMAL_TOLERANCE - 1.0
    angle_deg = float(np.rad2deg(np.arctan2(row[1], row[0]))) % 360.0 if is_normal else 0.0
    dataset.RTImagePlane = "NORMAL" if is_normal else "NON_NORMAL"
    if not is_normal:
        dataset.RTImageOrientation = decimals([*row, *column])
    dataset.XRayImageReceptorTranslation = decimals([0.0, 0.0, z_mm])
    dataset.XRayImageReceptorAngle = decimal(angle_deg)
    dataset.ImagePlanePixelSpacing = decimals([geometry.spacing_mm[1], geometry.spacing_mm[0]])
    dataset.RTImagePosition = decimals([float(from_origin @ row), -float(from_origin @ column)])
    dataset.RadiationMachineSAD = decimal(pose.source_axis_distance_mm)
    dataset.RTImageSID = decimal(pose.source_axis_distance_mm - z_mm)


def _set_pose(dataset: Dataset, projection: Projection) -> None:
    """Gantry, collimator, couch, isocenter and exposure."""
    pose = projection.pose
    dataset.GantryAngle = decimal(pose.gantry_angle_deg % 360.0)
    dataset.GantryPitchAngle = float(pose.gantry_pitch_angle_deg)
    if pose.beam_limiting_device_angle_deg is not None:
        dataset.BeamLimitingDeviceAngle = decimal(pose.beam_limiting_device_angle_deg % 360.0)
    if pose.couch is not None:
        set_couch(dataset, pose.couch, has_position=pose.has_couch_position)
    if projection.isocenter_mm is not None:
        dataset.IsocenterPosition = decimals(projection.isocenter_mm)
        dataset.PatientPosition = projection.provenance.patient_position or ""
    dataset.PrimaryDosimeterUnit = "MU"
    if projection.exposure != Exposure():
        dataset.ExposureSequence = [_exposure_item(projection.exposure, projection.kind)]


def _exposure_item(exposure: Exposure, kind: ProjectionKind) -> Dataset:
    """An item of Exposure Sequence: which of its attributes may be there depends on Image Type (PS3.3 C.8.8.2)."""
    item = Dataset()
    item.KVP = "" if exposure.tube_voltage_kv is None else decimal(exposure.tube_voltage_kv)
    current_ma, time_ms = exposure.tube_current_ma, exposure.exposure_time_ms
    if kind in (ProjectionKind.SIMULATOR, ProjectionKind.RADIOGRAPH):
        item.XRayTubeCurrent = "" if current_ma is None else round(current_ma)
        item.ExposureTime = "" if time_ms is None else round(time_ms)
    else:
        item.MetersetExposure = "" if exposure.meterset_mu is None else decimal(exposure.meterset_mu)
    if current_ma is not None:
        item.XRayTubeCurrentInmA = float(current_ma)
    if time_ms is not None:
        item.ExposureTimeInms = float(time_ms)
    item.NumberOfBlocks = 0
    return item


def _set_pixels(dataset: Dataset, projection: Projection) -> None:
    """Image Pixel and Modality LUT modules (PS3.3 C.7.6.3, C.11.1)."""
    stored, slope, intercept = _stored(projection.pixels)
    intensity = projection.intensity
    dataset.SamplesPerPixel = 1
    dataset.PhotometricInterpretation = "MONOCHROME1" if intensity.is_bright_low else "MONOCHROME2"
    dataset.Rows, dataset.Columns = stored.shape
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 16, 16, 15, 0
    dataset.RescaleSlope, dataset.RescaleIntercept, dataset.RescaleType = decimal(slope), decimal(intercept), "US"
    if intensity.relationship is not None and intensity.rises_with_beam is not None:
        dataset.PixelIntensityRelationship = str(intensity.relationship)
        dataset.PixelIntensityRelationshipSign = 1 if intensity.rises_with_beam else -1
    dataset.PixelData = stored.astype("<u2").tobytes()


def _stored(pixels: NDArray[np.float32]) -> tuple[NDArray[np.float64], float, float]:
    """Whole numbers from 0 to 65535, slope and intercept, as they can be written; whole pixels keep a slope of 1."""
    if not np.isfinite(pixels).all():
        raise UnsupportedInput("A projection with pixels that are not finite cannot be written; set them first.")
    low, high = float(pixels.min()), float(pixels.max())
    if max(abs(low), (high - low) / LARGEST_STORED) > LARGEST_RESCALE:
        raise UnsupportedInput(
            f"Pixels from {low:g} to {high:g} need a rescale beyond {LARGEST_RESCALE:g}, which is not read; scale them."
        )
    if low == round(low) and high - low <= LARGEST_STORED and bool((pixels == np.rint(pixels)).all()):
        return pixels.astype(np.float64) - low, 1.0, low
    slope = float(decimal((high - low) / LARGEST_STORED * (1.0 + 1e-9))) or 1.0
    intercept = float(decimal(low))
    return np.clip(np.rint((pixels.astype(np.float64) - intercept) / slope), 0, LARGEST_STORED), slope, intercept
