"""RT DVH Module to and from dose-volume histograms (PS3.3 C.8.8.4).

A volume belongs to the lower end of its bin: the first is the whole structure. The standard leaves the end open, so a
histogram of others may lie up to one bin off.
"""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset

from openigrt.dicom.dataset.elements import (
    in_short,
    items,
    name_of,
    naming,
    number,
    numbers,
    required_number,
    required_whole_number,
    text,
    whole_number,
)
from openigrt.dicom.dataset.headers import decimal
from openigrt.errors import InconsistentInput, MissingInput, UnreadableFile, UnsupportedInput
from openigrt.geometry import Float64Array
from openigrt.patient import DoseKind, Dvh, VolumeUnit

MAX_HISTOGRAMS = 10_000
MAX_BINS = 1_000_000
LARGEST_DOSE_GY = 1e6
NOISE = 1e-6
IN_GRAY = {"GY": 1.0, "CGY": 0.01}
INCLUDED, EXCLUDED = "INCLUDED", "EXCLUDED"


def read_dvhs(dataset: Dataset) -> tuple[Dvh, ...]:
    """The dose-volume histograms of an RT Dose in Gy, cumulative whatever their type; none where it holds none.

    DIFFERENTIAL and NATURAL histograms are summed from their hot end. Raises MissingInput for relative dose without
    DVH Normalization Dose Value, UnsupportedInput for units or types of no standard, UnreadableFile or
    InconsistentInput for curves that cannot be.
    """
    with naming(dataset):
        found = items(dataset, "DVHSequence")
        if len(found) > MAX_HISTOGRAMS:
            raise UnsupportedInput(
                f"{name_of(dataset)} has {len(found)} histograms; at most {MAX_HISTOGRAMS} are read."
            )
        sets = items(dataset, "ReferencedStructureSetSequence")
        structure_set_uid = text(sets[0], "ReferencedSOPInstanceUID") if sets else ""
        reference_gy = number(dataset, "DVHNormalizationDoseValue")
        return tuple(_histogram(item, structure_set_uid, reference_gy, name_of(dataset)) for item in found)


def _histogram(item: Dataset, structure_set_uid: str, reference_gy: float | None, owner: str) -> Dvh:
    """One histogram; `owner` is the object that holds it, as errors name it."""
    rois = items(item, "DVHReferencedROISequence")
    numbered = [
        (required_whole_number(roi, "ReferencedROINumber"), text(roi, "DVHROIContributionType")) for roi in rois
    ]
    strange = [kind for _, kind in numbered if kind not in (INCLUDED, EXCLUDED)]
    included = tuple(roi for roi, kind in numbered if kind == INCLUDED)
    name = f"The histogram of ROI {in_short([str(roi) for roi in included]) or 'unknown'} in {owner}"
    if strange:
        raise UnsupportedInput(f"{name} takes a ROI as {strange[0] or 'nothing'}; expected INCLUDED or EXCLUDED.")
    in_gray = _in_gray(item, reference_gy, name)
    edges_gy, volumes, warnings = _bins(item, in_gray, name)
    curve, unit = _cumulative(item, edges_gy, volumes, name)
    stated = {word: _stated(item, f"DVH{word}Dose", in_gray) for word in ("Minimum", "Maximum", "Mean")}
    made = Dvh(
        dose_gy=edges_gy,
        volume=curve,
        unit=unit,
        included=included,
        excluded=tuple(roi for roi, kind in numbered if kind == EXCLUDED),
        structure_set_uid=structure_set_uid,
        kind=_kind(item, name),
        stated_minimum_gy=stated["Minimum"],
        stated_maximum_gy=stated["Maximum"],
        stated_mean_gy=stated["Mean"],
        warnings=warnings,
    )
    return _compared_with_stated(made, name)


def _kind(item: Dataset, name: str) -> DoseKind:
    """Dose Type of a histogram, PHYSICAL or EFFECTIVE."""
    stated = text(item, "DoseType").upper()
    if stated not in (DoseKind.PHYSICAL, DoseKind.EFFECTIVE):
        raise UnsupportedInput(f"{name} is of dose type {stated or 'unknown'}; expected PHYSICAL or EFFECTIVE.")
    return DoseKind(stated)


def _in_gray(item: Dataset, reference_gy: float | None, name: str) -> float:
    """What one unit of dose is in Gy."""
    units = text(item, "DoseUnits").upper()
    if units == "RELATIVE":
        if reference_gy is None or not 0.0 < reference_gy <= LARGEST_DOSE_GY:
            raise MissingInput(f"{name} is relative, and the DVH Normalization Dose Value is missing.")
        return reference_gy
    if units not in IN_GRAY:
        raise UnsupportedInput(f"{name} is in {units or 'no unit'}; expected GY or RELATIVE.")
    return IN_GRAY[units]


def _bins(item: Dataset, in_gray: float, name: str) -> tuple[Float64Array, Float64Array, tuple[str, ...]]:
    """Edges of the bins (n + 1,) in Gy, their values (n,), and what was guessed."""
    data = np.array(numbers(item, "DVHData"))
    count = len(data) // 2
    if len(data) % 2 or not 0 < count <= MAX_BINS:
        raise UnreadableFile(f"{name} holds {len(data)} numbers; expected pairs, from 1 to {MAX_BINS}.")
    scaling = required_number(item, "DVHDoseScaling")
    announced = whole_number(item, "DVHNumberOfBins")
    warnings = () if announced == count else (f"{name} announces {announced} bins and holds {count}.",)
    widths, values = data[0::2] * scaling * in_gray, data[1::2]
    if _are_doses(widths):
        warnings = (*warnings, f"{name} states doses where the standard has bin widths; they were taken as doses.")
        widths = np.diff(widths, prepend=0.0)
    edges_gy = np.concatenate([[0.0], np.cumsum(widths)])
    if not (widths > 0.0).all() or edges_gy[-1] > LARGEST_DOSE_GY:
        raise InconsistentInput(f"{name} has bins that are empty, or reach beyond {LARGEST_DOSE_GY:g} Gy.")
    return edges_gy, values, warnings


def _are_doses(widths: NDArray[np.float64]) -> bool:
    """Whether bin widths rise as 1, 2, 3, ...: some systems write the dose of each bin instead of its width."""
    even = widths[0] * np.arange(1, len(widths) + 1)
    return len(widths) > 2 and bool(np.allclose(widths, even, rtol=1e-6, atol=0.0))


def _cumulative(
    item: Dataset, edges_gy: Float64Array, values: Float64Array, name: str
) -> tuple[Float64Array, VolumeUnit]:
    """The volume that receives each edge or more (n + 1,), and its unit."""
    kind, units = text(item, "DVHType").upper(), text(item, "DVHVolumeUnits").upper()
    if (kind == "NATURAL") != (units == "PER_U") or kind not in ("CUMULATIVE", "DIFFERENTIAL", "NATURAL"):
        raise UnsupportedInput(f"{name} is of type {kind or 'unknown'} in {units or 'no unit'}, which is no histogram.")
    if units not in (*VolumeUnit, "PER_U"):
        raise UnsupportedInput(f"{name} has volumes in {units or 'no unit'}; expected CM3, PERCENT or PER_U.")
    highest = float(np.abs(values).max())
    if float(values.min()) < -NOISE * highest or highest == 0.0:
        raise InconsistentInput(f"{name} has volumes down to {float(values.min()):g}; expected some above zero.")
    values = np.maximum(values, 0.0)
    if kind == "CUMULATIVE":
        if float(np.diff(values).max(initial=0.0)) > NOISE * highest:
            raise InconsistentInput(f"{name} is cumulative and its volumes rise with dose.")
        return np.append(np.minimum.accumulate(values), 0.0), VolumeUnit(units)
    if kind == "NATURAL":
        values = values * _natural_widths(edges_gy, values, name)
    curve = np.append(np.cumsum(values[::-1])[::-1], 0.0)
    return curve, VolumeUnit.CM3 if kind == "NATURAL" else VolumeUnit(units)


def _natural_widths(edges_gy: Float64Array, values: Float64Array, name: str) -> Float64Array:
    """Widths of the bins in u = dose^(-3/2) (Anderson 1986); a first bin from dose 0 must be empty."""
    if values[0] > 0.0:
        raise InconsistentInput(f"{name} is natural and has volume down to dose 0, which would be infinite.")
    u = np.append(0.0, edges_gy[1:] ** -1.5)
    return np.append(0.0, u[1:-1] - u[2:])


def _stated(item: Dataset, keyword: str, in_gray: float) -> float | None:
    """A minimum, maximum or mean in Gy, None where it is not stated."""
    value = number(item, keyword)
    return None if value is None else value * in_gray


def _compared_with_stated(dvh: Dvh, name: str) -> Dvh:
    """A histogram without the stated doses that its own curve contradicts by more than two bins, which is said.

    Some systems state them in percent of the prescription whatever the unit.
    """
    reached = np.flatnonzero(dvh.volume > NOISE * dvh.whole)
    lasting = np.flatnonzero(dvh.volume >= (1.0 - NOISE) * dvh.whole)
    tolerance_gy = 2.0 * float(np.diff(dvh.dose_gy).max())
    of_curve = {
        "minimum": float(dvh.dose_gy[lasting[-1]]),
        "maximum": float(dvh.dose_gy[min(reached[-1] + 1, len(dvh.dose_gy) - 1)]),
        "mean": dvh.mean_gy,
    }
    stated = {"minimum": dvh.stated_minimum_gy, "maximum": dvh.stated_maximum_gy, "mean": dvh.stated_mean_gy}
    wrong = [word for word, value in stated.items() if value is not None and abs(value - of_curve[word]) > tolerance_gy]
    if not wrong:
        return dvh
    said = ", ".join(f"{word} {stated[word]:g} Gy (curve: {of_curve[word]:.4g})" for word in wrong)
    return replace(
        dvh,
        stated_minimum_gy=None if "minimum" in wrong else dvh.stated_minimum_gy,
        stated_maximum_gy=None if "maximum" in wrong else dvh.stated_maximum_gy,
        stated_mean_gy=None if "mean" in wrong else dvh.stated_mean_gy,
        warnings=(*dvh.warnings, f"{name} states doses that its own curve contradicts, left aside: {said}."),
    )


def dvh_item(dvh: Dvh) -> Dataset:
    """An item of the DVH Sequence: cumulative, in Gy."""
    if not dvh.included:
        raise MissingInput("A histogram cannot be written without the ROI that it is of.")
    item = Dataset()
    item.DVHType, item.DoseUnits, item.DoseType = "CUMULATIVE", "GY", str(dvh.kind)
    item.DVHDoseScaling, item.DVHVolumeUnits = "1", str(dvh.unit)
    widths, volumes = np.diff(dvh.dose_gy), dvh.volume
    if volumes[-1] > 0.0:
        widths = np.append(widths, widths[-1])
    else:
        volumes = volumes[:-1]
    item.DVHNumberOfBins = len(volumes)
    item.DVHData = [decimal(value) for pair in zip(widths, volumes, strict=True) for value in pair]
    rois = [*((roi, INCLUDED) for roi in dvh.included), *((roi, EXCLUDED) for roi in dvh.excluded)]
    item.DVHReferencedROISequence = [_roi_item(roi, kind) for roi, kind in rois]
    stated = {"Minimum": dvh.stated_minimum_gy, "Maximum": dvh.stated_maximum_gy, "Mean": dvh.stated_mean_gy}
    for word, value in stated.items():
        if value is not None:
            setattr(item, f"DVH{word}Dose", decimal(value))
    return item


def _roi_item(roi: int, contribution: str) -> Dataset:
    """A referenced ROI and whether it counts in or out."""
    item = Dataset()
    item.ReferencedROINumber, item.DVHROIContributionType = roi, contribution
    return item
