"""What PET headers say about tracer, times and patient (PS3.3 C.8.9), for standardized uptake values.

The moment that voxels are corrected to follows the vendor neutral rules of the Quantitative Imaging Biomarkers
Alliance: the time of the series, unless an image of it was acquired before (the series was made anew later); then GE's
own scan time, else the time that the frame reference time of the first image leads back to, else the first acquisition.
"""

from datetime import UTC, datetime, timedelta

import numpy as np
from pydicom import Dataset

from openigrt.dicom.dataset.elements import (
    PYDICOM_FAILURES,
    date_time,
    items,
    lenient,
    moment,
    moment_of,
    naming,
    number,
    text,
    texts,
)
from openigrt.dicom.dataset.functional_groups import SHARED
from openigrt.dicom.dataset.load import read_header
from openigrt.dicom.images.slices import Slice
from openigrt.images import DecayCorrection, Sex, SuvReference, Uptake

TRACER = "RadiopharmaceuticalInformationSequence"
CONVERTED = "UnassignedSharedConvertedAttributesSequence"
PHILIPS_GROUP, PHILIPS, PHILIPS_SUV, PHILIPS_ACTIVITY = 0x7053, "Philips PET Private Group", 0x00, 0x09
GE_GROUP, GE, GE_SCAN_TIME = 0x0009, "GEMS_PETD_01", 0x0D
DOUBTFUL_REFERENCE_S = 60.0
CM_PER_M = 100.0
MS_PER_S = 1000.0
DAY = timedelta(days=1)
SHORTEST_HALF_LIFE_S = 1.0  # no tracer decays faster
LONGEST_FRAME_MS = DAY.total_seconds() * MS_PER_S
LATEST = datetime.max.replace(tzinfo=UTC)

_SUV_UNITS = {"GML": SuvReference.BODY_WEIGHT, "CM2ML": SuvReference.BODY_SURFACE}
_SUV_TYPES = {
    "BW": SuvReference.BODY_WEIGHT,
    "BSA": SuvReference.BODY_SURFACE,
    "LBM": SuvReference.LEAN_BODY_MASS,
    "LBMJAMES128": SuvReference.LEAN_BODY_MASS,
}
_CODED_UNITS = {"Bq/ml": "BQML", "g/ml{SUVbw}": "GML", "g/ml": "GML", "{counts}": "CNTS", "cm2/ml{SUVbsa}": "CM2ML"}


def read_uptake(slices: tuple[Slice, ...]) -> tuple[Uptake, tuple[str, ...]]:
    """What the headers of a PET volume say about uptake, and what is doubtful about it.

    The whole header of the slice that was acquired first is read. Raises UnreadableFile for malformed values.
    """
    times = {id(slice_): _acquired_at(slice_.instance.header) for slice_ in slices}
    first = min(slices, key=lambda slice_: times[id(slice_)] or LATEST)
    with lenient():
        header, _ = read_header(first.instance.path, None)
    with naming(first.instance.header):
        source = _with_converted(header)
        tracers = items(source, TRACER)
        tracer = tracers[0] if len(tracers) == 1 else Dataset()
        half_life_s = number(tracer, "RadionuclideHalfLife")
        reference_at, reference_from, doubts = _decay_reference(source, half_life_s)
        unit = _unit(source, first)
        uptake = Uptake(
            unit=unit,
            decay_correction=_decay_correction(source),
            corrections=_corrections(source),
            injected_activity_bq=number(tracer, "RadionuclideTotalDose"),
            injected_at=_injected_at(tracer, source, reference_at),
            half_life_s=half_life_s,
            decay_reference_at=reference_at,
            decay_reference_from=reference_from,
            weight_kg=number(source, "PatientWeight"),
            height_cm=_height_cm(source),
            sex=Sex(sex) if (sex := text(source, "PatientSex")) in set(Sex) else None,
            suv_per_count=_private_number(header, PHILIPS_SUV),
            bq_per_ml_per_count=_private_number(header, PHILIPS_ACTIVITY),
            stated_suv=_stated_suv(source, unit),
        )
    name = f"PET series {first.instance.series_uid}"
    said = (f"{name} holds uptake values already ({unit}, SUV by {uptake.stated_suv}).",) if uptake.is_suv else ()
    several = (f"{name} names {len(tracers)} tracers: no SUV follows from it.",) if len(tracers) > 1 else ()
    matters = uptake.decay_correction is DecayCorrection.START and not uptake.is_suv
    return uptake, (*said, *several, *(f"{name}: {doubt}" for doubt in doubts if matters))


def _with_converted(header: Dataset) -> Dataset:
    """The header with what a legacy conversion moved into its shared functional group (PS3.3 C.7.6.16.2.25)."""
    source = Dataset()
    for group in items(header, SHARED):
        for converted in items(group, CONVERTED):
            source.update(converted)
    source.update(header)
    return source


def _unit(source: Dataset, first: Slice) -> str:
    """Units; for enhanced images the type of their rescale, or the unit of their real world values."""
    stated = text(source, "Units")
    if stated or first.groups is None:
        return stated
    rescaled = text(first.holder("RescaleType"), "RescaleType")
    for group in (first.groups.own, first.groups.shared):
        for mapping in items(group, "RealWorldValueMappingSequence"):
            for code in items(mapping, "MeasurementUnitsCodeSequence"):
                return _CODED_UNITS.get(text(code, "CodeValue"), text(code, "CodeValue"))
    return "" if rescaled == "US" else rescaled


def _stated_suv(source: Dataset, unit: str) -> SuvReference | None:
    """What the voxels are divided by where they are uptake values; by body weight unless SUV Type says otherwise."""
    if unit not in _SUV_UNITS:
        return None
    return _SUV_TYPES.get(text(source, "SUVType"), _SUV_UNITS[unit])


def _decay_correction(source: Dataset) -> DecayCorrection:
    """Decay Correction; of enhanced images, which state their moment, Decay Corrected."""
    stated = text(source, "DecayCorrection")
    if stated in set(DecayCorrection) - {""}:
        return DecayCorrection(stated)
    enhanced = {"YES": DecayCorrection.START, "NO": DecayCorrection.NONE}
    return enhanced.get(text(source, "DecayCorrected"), DecayCorrection.UNKNOWN)


def _corrections(source: Dataset) -> frozenset[str]:
    """The values of Corrected Image; of enhanced images, those of their own flags that matter for SUV."""
    enhanced = {"DECY": text(source, "DecayCorrected"), "ATTN": text(source, "AttenuationCorrected")}
    return frozenset((*texts(source, "CorrectedImage"), *(name for name, said in enhanced.items() if said == "YES")))


def _height_cm(source: Dataset) -> float | None:
    """Patient's Size, which DICOM counts in meters."""
    size_m = number(source, "PatientSize")
    return None if size_m is None else size_m * CM_PER_M


def _acquired_at(header: Dataset) -> datetime | None:
    """When one image was acquired."""
    with naming(header):
        return date_time(header, "AcquisitionDateTime") or moment(header, "AcquisitionDate", "AcquisitionTime")


def _decay_reference(source: Dataset, half_life_s: float | None) -> tuple[datetime | None, str, tuple[str, ...]]:
    """The moment that voxels are corrected to when that is the start of the scan, what says so, and what contradicts.

    `source` is the header of the image that was acquired first.
    """
    stated_at = date_time(source, "DecayCorrectionDateTime")
    if stated_at is not None:
        return stated_at, "Decay Correction DateTime", ()
    series_at, acquired_at = moment(source, "SeriesDate", "SeriesTime"), _acquired_at(source)
    counted_at = _counted_back(source, acquired_at, half_life_s)
    if series_at is not None and (acquired_at is None or series_at <= acquired_at):
        apart_s = abs((series_at - counted_at).total_seconds()) if counted_at else 0.0
        doubt = f"series time and frame reference time begin the scan {apart_s:.0f} s apart; SUV goes by the first."
        return series_at, "series time", (doubt,) if apart_s > DOUBTFUL_REFERENCE_S else ()
    maker_at = _ge_scan_time(source)
    choices = ((maker_at, "GE scan time"), (counted_at, "frame reference time"), (acquired_at, "first acquisition"))
    found = next(((at, name) for at, name in choices if at is not None), (None, ""))
    return *found, ()


def _counted_back(source: Dataset, acquired_at: datetime | None, half_life_s: float | None) -> datetime | None:
    """The start of the scan by Frame Reference Time, which lies where the count rate of the frame is the average one.

    That is ln(x / (1 - exp(-x))) / λ after the frame began, with x = λ T of a frame of T seconds.
    """
    reference_ms, duration_ms = number(source, "FrameReferenceTime"), number(source, "ActualFrameDuration")
    if acquired_at is None or reference_ms is None or not duration_ms or not half_life_s:
        return None
    is_possible = 0.0 <= min(reference_ms, duration_ms) <= max(reference_ms, duration_ms) <= LONGEST_FRAME_MS
    if not is_possible or half_life_s < SHORTEST_HALF_LIFE_S:
        return None
    decay_per_s = np.log(2.0) / half_life_s
    x = decay_per_s * duration_ms / MS_PER_S
    average_s = float(np.log(x / -np.expm1(-x)) / decay_per_s)
    try:
        return acquired_at + timedelta(seconds=average_s - reference_ms / MS_PER_S)
    except OverflowError:  # beyond the calendar
        return None


def _injected_at(tracer: Dataset, source: Dataset, reference_at: datetime | None) -> datetime | None:
    """When the tracer was injected: its moment, else the last such time of day before the scan."""
    offset = text(source, "TimezoneOffsetFromUTC")
    stated_at = date_time(tracer, "RadiopharmaceuticalStartDateTime", offset)
    time = text(tracer, "RadiopharmaceuticalStartTime")
    if stated_at is not None or not time or reference_at is None:
        return stated_at
    on_that_day = moment_of(f"{reference_at:%Y%m%d}", time, offset)
    try:
        return None if on_that_day is None else reference_at - (reference_at - on_that_day) % DAY
    except OverflowError:  # before the calendar
        return None


def _private_number(header: Dataset, element: int) -> float | None:
    """A factor of Philips, None where it is absent, empty, zero or no number."""
    try:
        value = header.private_block(PHILIPS_GROUP, PHILIPS)[element].value
        number_ = float(value.decode() if isinstance(value, bytes) else str(value))
    except PYDICOM_FAILURES:
        return None
    return number_ if np.isfinite(number_) and number_ > 0.0 else None


def _ge_scan_time(header: Dataset) -> datetime | None:
    """The scan time of GE, None where it is absent or no time."""
    try:
        value = header.private_block(GE_GROUP, GE)[GE_SCAN_TIME].value
    except PYDICOM_FAILURES:
        return None
    words = value.decode("ascii", "replace") if isinstance(value, bytes) else str(value)
    return moment_of(words.strip(" \0"), "", text(header, "TimezoneOffsetFromUTC"))
