"""RT Dose to and from dose grids (PS3.3 C.8.8.3)."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset
from pydicom.tag import Tag
from pydicom.uid import (
    UID,
    RTBeamsTreatmentRecordStorage,
    RTDoseStorage,
    RTPlanStorage,
    RTStructureSetStorage,
)

from openigrt.dicom.dataset.elements import (
    items,
    name_of,
    naming,
    numbers,
    raw_value,
    required_number,
    required_whole_number,
    text,
    texts,
    whole_number,
)
from openigrt.dicom.dataset.headers import SeriesHeader, decimal, decimals, new_dataset, reference
from openigrt.dicom.dataset.load import transfer_syntax
from openigrt.dicom.doses.dvh import IN_GRAY, LARGEST_DOSE_GY, dvh_item
from openigrt.dicom.doses.frames import MAX_FRAMES, DoseFrames, frames_of, planes_together
from openigrt.dicom.pixels.stored_bits import stored_type, within_stored_bits
from openigrt.dicom.pixels.stored_values import NATIVE_SYNTAXES, decoded
from openigrt.errors import InconsistentInput, MissingInput, UnreadableFile, UnsupportedInput
from openigrt.geometry import Grid
from openigrt.patient import DoseGrid, DoseKind, DoseSummation, Dvh

FRAME_OFFSETS = Tag("GridFrameOffsetVector")
SMALLEST_MAXIMUM_GY = 1e-6
OF_BEAMS = (DoseSummation.BEAM, DoseSummation.BEAM_SESSION, DoseSummation.CONTROL_POINT)

Stored = NDArray[np.integer]


def read_dose(dataset: Dataset, reference_dose_gy: float | None = None) -> DoseGrid:
    """The dose of an RT Dose in Gy, on a grid in its own frame (role plan), frames along row x column.

    `reference_dose_gy` is the dose that a relative dose is a multiple of. A single plane becomes a grid of one slice,
    which a warning says. Raises MissingInput for relative dose without a reference and where there is no grid;
    UnsupportedInput for dose errors (`read_dose_error` reads them), isodose curves and point doses; UnreadableFile or
    InconsistentInput for pixels or frame offsets that cannot be used.
    """
    _require_grid(dataset)
    frames = frames_of(dataset)
    return _placed(dataset, frames, frames.grid(), _dose_gy(dataset, frames, reference_dose_gy))


def read_dose_error(dataset: Dataset) -> DoseGrid:
    """The difference of doses, Gy, of an RT Dose of type ERROR; may be negative. Raises as `read_dose` does."""
    _require_grid(dataset)
    frames = frames_of(dataset)
    with naming(dataset):
        if _kind(dataset) is not DoseKind.ERROR:
            raise UnsupportedInput(f"{name_of(dataset)} is dose of type {_kind(dataset)}; expected ERROR.")
        stored, scaling = _stored_dose(dataset, frames), _gray_per_stored(dataset, None)
        _require_believable(frames, max(abs(dose_gy) for dose_gy in _extremes_gy(stored, scaling)))
    return _placed(dataset, frames, frames.grid(), np.asarray(stored * np.float32(scaling), np.float32))


def read_uneven_dose(dataset: Dataset, step_mm: float, reference_dose_gy: float | None = None) -> DoseGrid:
    """The dose of an RT Dose with unevenly spaced frames, interpolated linearly between them.

    The planes of the result lie `step_mm` apart or a little less, so that the first and the last frame stay in place.
    Raises as `read_dose` does, and InconsistentInput for frames at one place.
    """
    _require_grid(dataset)
    frames = frames_of(dataset)
    grid = frames.grid(step_mm)
    along_mm = frames.along_mm[frames.order]
    wanted_mm = np.linspace(along_mm[0], along_mm[-1], grid.size[2])
    below = np.clip(np.searchsorted(along_mm, wanted_mm, side="right") - 1, 0, len(along_mm) - 2)
    share = ((wanted_mm - along_mm[below]) / (along_mm[below + 1] - along_mm[below])).astype(np.float32)[:, None, None]
    dose_gy = _dose_gy(dataset, frames, reference_dose_gy)[frames.order]
    even_gy = dose_gy[below] * (1.0 - share) + dose_gy[below + 1] * share
    steps_mm = np.diff(along_mm)
    said = (f"Resampled from frames {steps_mm.min():g} to {steps_mm.max():g} mm apart to {grid.spacing_mm[2]:g} mm.",)
    made = _described(dataset, even_gy, grid)
    return replace(made, warnings=(*frames.warnings, *made.warnings, *said))


def read_dose_planes(datasets: Sequence[Dataset], reference_dose_gy: float | None = None) -> DoseGrid:
    """The dose of a series with one RT Dose for each plane, as one grid without a UID.

    Raises InconsistentInput where the planes are of different doses or form no even grid, else as `read_dose` does.
    """
    if not 0 < len(datasets) <= MAX_FRAMES:
        raise UnsupportedInput(f"{len(datasets)} planes of dose are given; from 1 to {MAX_FRAMES} are read.")
    planes = []
    for dataset in datasets:
        _require_grid(dataset)
        plane = frames_of(dataset)
        if len(plane.along_mm) > 1:
            raise InconsistentInput(f"{plane.name} holds {len(plane.along_mm)} frames; expected a single plane.")
        planes.append(plane)
        if _what_it_sums(dataset) != _what_it_sums(datasets[0]):
            raise InconsistentInput(f"{planes[0].name} and {plane.name} are planes of different doses.")
    together = planes_together(planes)
    grid = together.grid()
    values = [_dose_gy(d, plane, reference_dose_gy) for d, plane in zip(datasets, planes, strict=True)]
    placed = _placed(datasets[0], together, grid, np.concatenate(values))
    return replace(placed, uid="", warnings=(*placed.warnings, f"Put together from {len(planes)} planes."))


def dose_grid(dataset: Dataset) -> Grid:
    """Where the dose lies; needs no pixels. Raises as `read_dose` does."""
    return frames_of(dataset).grid()


def is_dose_plane(dataset: Dataset) -> bool:
    """Whether an RT Dose says that it holds a single plane."""
    with naming(dataset):
        return (whole_number(dataset, "NumberOfFrames") or 1) == 1


def _require_grid(dataset: Dataset) -> None:
    """Raise UnsupportedInput or MissingInput for an RT Dose that holds no grid, saying what it holds instead."""
    with naming(dataset):
        if raw_value(dataset, "PixelData"):
            return
        if items(dataset, "ROIContourSequence") or items(dataset, "RTDoseROISequence"):
            raise UnsupportedInput(
                f"{name_of(dataset)} holds isodose curves or point doses and no grid; export the dose as a grid."
            )
        if items(dataset, "DVHSequence"):
            raise MissingInput(f"{name_of(dataset)} has no pixel data: it holds dose-volume histograms alone.")
        raise MissingInput(f"{name_of(dataset)} has no pixel data.")


def _placed(dataset: Dataset, frames: DoseFrames, grid: Grid, dose_gy: NDArray[np.float32]) -> DoseGrid:
    """Dose in the order of its frames on their grid."""
    order = frames.order
    if not np.array_equal(order, np.arange(len(order))):
        dose_gy = dose_gy[order]
    made = _described(dataset, dose_gy, grid)
    return replace(made, warnings=(*frames.warnings, *made.warnings))


def _described(dataset: Dataset, dose_gy: NDArray[np.float32], grid: Grid) -> DoseGrid:
    """What an RT Dose says about its dose, around the dose itself."""
    with naming(dataset):
        kind = _kind(dataset)
        warnings = () if kind is DoseKind.PHYSICAL else (f"Dose type {kind}.",)
        if items(dataset, "ROIContourSequence"):
            warnings = (*warnings, "Isodose curves or point doses beside the grid were left aside.")
        stated = text(dataset, "DoseSummationType")
        known = stated in list(DoseSummation)
        if not known:
            warnings = (*warnings, f"Dose summation type {stated or 'missing'}: what was summed is not known.")
        plans = items(dataset, "ReferencedRTPlanSequence")
        plan_uids = [text(plan, "ReferencedSOPInstanceUID") for plan in plans]
        records = items(dataset, "ReferencedTreatmentRecordSequence")
        structure_sets = items(dataset, "ReferencedStructureSetSequence")
        point_mm = numbers(dataset, "NormalizationPoint")
        made = DoseGrid(
            dose_gy=dose_gy,
            grid=grid,
            uid=text(dataset, "SOPInstanceUID"),
            summation=DoseSummation(stated) if known else None,
            plan_uid=plan_uids[0] if plan_uids else "",
            warnings=warnings,
            kind=kind,
            other_plan_uids=tuple(plan_uids[1:]),
            record_uids=tuple(text(record, "ReferencedSOPInstanceUID") for record in records),
            structure_set_uid=text(structure_sets[0], "ReferencedSOPInstanceUID") if structure_sets else "",
            tissue_heterogeneity=texts(dataset, "TissueHeterogeneityCorrection"),
            normalization_point_mm=(point_mm[0], point_mm[1], point_mm[2]) if len(point_mm) == 3 else None,
        )
        return _of_beams(made, plans[0]) if len(plans) == 1 else made


def _of_beams(dose: DoseGrid, plan: Dataset) -> DoseGrid:
    """A dose with the fraction group, beams and control points that its reference to a plan names."""
    groups = items(plan, "ReferencedFractionGroupSequence")
    if not groups:
        return dose
    if len(groups) > 1:
        said = (*dose.warnings, f"Of {len(groups)} fraction groups; which beams belong to which was left aside.")
        return replace(dose, warnings=said)
    beams = items(groups[0], "ReferencedBeamSequence")
    points = [point for beam in beams for point in items(beam, "ReferencedControlPointSequence")]
    ends = [
        required_whole_number(point, f"Referenced{end}ControlPointIndex")
        for point in points
        for end in ("Start", "Stop")
    ]
    return replace(
        dose,
        fraction_group=whole_number(groups[0], "ReferencedFractionGroupNumber"),
        beam_numbers=tuple(required_whole_number(beam, "ReferencedBeamNumber") for beam in beams),
        control_points=(min(ends), max(ends)) if ends else None,
    )


def _what_it_sums(dataset: Dataset) -> tuple[str, ...]:
    """What planes of one dose share: series, type, units, summation, plans and beams."""
    with naming(dataset):
        plans = items(dataset, "ReferencedRTPlanSequence")
        groups = [group for plan in plans for group in items(plan, "ReferencedFractionGroupSequence")]
        beams = [beam for group in groups for beam in items(group, "ReferencedBeamSequence")]
        words = ("SeriesInstanceUID", "DoseType", "DoseUnits", "DoseSummationType")
        return (
            *(text(dataset, word) for word in words),
            *(text(plan, "ReferencedSOPInstanceUID") for plan in plans),
            *(text(group, "ReferencedFractionGroupNumber") for group in groups),
            *(text(beam, "ReferencedBeamNumber") for beam in beams),
        )


def _kind(dataset: Dataset) -> DoseKind:
    """Dose Type; raises UnsupportedInput for one that the standard does not have."""
    stated = text(dataset, "DoseType").upper()
    if stated not in list(DoseKind):
        raise UnsupportedInput(
            f"{name_of(dataset)} is dose of type {stated or 'unknown'}; expected one of {', '.join(DoseKind)}."
        )
    return DoseKind(stated)


def _dose_gy(dataset: Dataset, frames: DoseFrames, reference_dose_gy: float | None) -> NDArray[np.float32]:
    """Dose in Gy [frame, row, column] as stored; raises UnsupportedInput for errors of dose, and for absurd ones."""
    with naming(dataset):
        kind = _kind(dataset)
        if kind is DoseKind.ERROR:
            raise UnsupportedInput(f"{frames.name} is dose of type ERROR, a difference; expected a dose.")
        scaling = _gray_per_stored(dataset, reference_dose_gy)
        stored = _stored_dose(dataset, frames)
        lowest_gy, highest_gy = _extremes_gy(stored, scaling)
        if lowest_gy < 0.0:
            raise InconsistentInput(f"{frames.name} holds {kind} dose below zero, down to {lowest_gy:g} Gy.")
        _require_believable(frames, highest_gy)
        return np.multiply(stored, np.float32(scaling), dtype=np.float32, casting="unsafe")


def _extremes_gy(stored: Stored, scaling: float) -> tuple[float, float]:
    """The lowest and the highest dose, Gy."""
    return int(stored.min()) * scaling, int(stored.max()) * scaling


def _require_believable(frames: DoseFrames, largest_gy: float) -> None:
    """Raise InconsistentInput for a dose that nobody gives."""
    if largest_gy > LARGEST_DOSE_GY:
        raise InconsistentInput(f"{frames.name} holds {largest_gy:g} Gy; at most {LARGEST_DOSE_GY:g} are believed.")


def _gray_per_stored(dataset: Dataset, reference_dose_gy: float | None) -> float:
    """Dose Grid Scaling in Gy; raises MissingInput for relative dose of which the reference is not given."""
    units = text(dataset, "DoseUnits").upper()
    scaling = required_number(dataset, "DoseGridScaling")
    if scaling <= 0.0:
        raise UnreadableFile(f"{name_of(dataset)} has a dose grid scaling of {scaling}.")
    if units == "RELATIVE":
        if reference_dose_gy is None or not 0.0 < reference_dose_gy <= LARGEST_DOSE_GY:
            raise MissingInput(
                f"{name_of(dataset)} is RELATIVE dose; say which dose in Gy it is a multiple of (normalization)."
            )
        return scaling * reference_dose_gy
    if units not in IN_GRAY:
        raise UnsupportedInput(f"{name_of(dataset)} is dose in {units or 'no unit'}; expected GY or RELATIVE.")
    return scaling * IN_GRAY[units]


def _stored_dose(dataset: Dataset, frames: DoseFrames) -> Stored:
    """Stored values [frame, row, column]."""
    shape, content = frames.stored_shape, raw_value(dataset, "PixelData")
    if not isinstance(content, bytes):
        raise UnreadableFile(f"{frames.name} has pixel data that are no bytes.")
    if (whole_number(dataset, "SamplesPerPixel") or 1) != 1:
        raise UnsupportedInput(f"{frames.name} has several samples per pixel; dose has one.")
    if transfer_syntax(dataset) not in NATIVE_SYNTAXES:
        return within_stored_bits(dataset, decoded(dataset, frames.name, shape))
    dtype = stored_type(dataset)
    count = int(np.prod(shape))
    if len(content) < count * dtype.itemsize:
        raise UnreadableFile(f"{frames.name} holds {len(content)} bytes of pixels, too few for {shape}.")
    return within_stored_bits(dataset, np.frombuffer(content, dtype, count).reshape(shape))


def write_dose(
    dose: DoseGrid, series: SeriesHeader, bits: Literal[16, 32] = 16, histograms: Sequence[Dvh] = ()
) -> Dataset:
    """The RT Dose of a dose grid, offsets relative to the first frame, and its dose-volume histograms.

    16 bits are exact to 1/131070 of the maximum, 32 bits to what float32 holds. Raises MissingInput where the dose does
    not say what it is of (UID, plan, summation, beams, records), UnsupportedInput for voxels that are not numbers or,
    but in dose errors, below zero.
    """
    _require_writable(dose)
    dataset = new_dataset(series, "RTDOSE", RTDoseStorage, dose.uid)
    dataset.InstanceNumber = 1
    dataset.FrameOfReferenceUID = UID(dose.grid.frame.uid)
    dataset.PositionReferenceIndicator = ""
    _set_planes(dataset, dose)
    _set_dose(dataset, dose, bits)
    _set_references(dataset, dose)
    if histograms:
        dataset.DVHSequence = [dvh_item(histogram) for histogram in histograms]
        dataset.ReferencedStructureSetSequence = [reference(RTStructureSetStorage, _drawn_on(histograms))]
    return dataset


def _require_writable(dose: DoseGrid) -> None:
    """Raise MissingInput or UnsupportedInput for a dose that no RT Dose can state."""
    lacks: dict[str, Callable[[], bool]] = {
        "UID": lambda: not dose.uid,
        "frame of reference": lambda: not dose.grid.frame.uid,
        "summation type": lambda: dose.summation is None,
        "plan": lambda: not dose.plan_uid and dose.summation is not DoseSummation.RECORD,
        "beam number": lambda: dose.summation in OF_BEAMS and not dose.beam_numbers,
        "treatment record": lambda: dose.summation is DoseSummation.RECORD and not dose.record_uids,
    }
    lacking = [what for what, is_absent in lacks.items() if is_absent()]
    if lacking:
        raise MissingInput(f"Dose {dose.uid or 'without UID'} cannot be written: it has no {', no '.join(lacking)}.")
    unknown = int((~np.isfinite(dose.dose_gy)).sum())
    if unknown:
        raise UnsupportedInput(f"Dose {dose.uid} is not known in {unknown} voxels; RT Dose has no value for that.")
    if dose.kind is not DoseKind.ERROR and float(dose.dose_gy.min()) < 0.0:
        raise UnsupportedInput(f"Dose {dose.uid} is below zero, down to {float(dose.dose_gy.min()):g} Gy.")


def _set_planes(dataset: Dataset, dose: DoseGrid) -> None:
    """Image Plane and Multi-frame modules; frames follow row x column, so a left-handed grid starts at its last one."""
    grid = dose.grid
    first = 0 if _is_right_handed(grid) else grid.size[2] - 1
    dataset.ImagePositionPatient = decimals(grid.points((0, 0, first)))
    dataset.ImageOrientationPatient = decimals([*grid.direction[:, 0], *grid.direction[:, 1]])
    dataset.PixelSpacing = decimals([grid.spacing_mm[1], grid.spacing_mm[0]])
    dataset.SliceThickness = decimal(grid.spacing_mm[2])
    dataset.NumberOfFrames = grid.size[2]
    dataset.FrameIncrementPointer = FRAME_OFFSETS
    dataset.GridFrameOffsetVector = decimals(np.arange(grid.size[2]) * grid.spacing_mm[2])


def _is_right_handed(grid: Grid) -> bool:
    """Whether the third axis runs along the cross product of the first two."""
    return float(np.linalg.det(grid.direction)) > 0.0


def _set_dose(dataset: Dataset, dose: DoseGrid, bits: Literal[16, 32]) -> None:
    """RT Dose and Image Pixel modules (PS3.3 C.8.8.3.4): unsigned, two's complement for dose errors alone."""
    is_signed = dose.kind is DoseKind.ERROR
    highest_stored = 2 ** (bits - 1 if is_signed else bits) - 1
    highest_gy = max(float(np.abs(dose.dose_gy).max()), SMALLEST_MAXIMUM_GY)
    scaling = float(decimal(highest_gy / highest_stored * (1.0 + 1e-9)))
    frames = dose.dose_gy if _is_right_handed(dose.grid) else dose.dose_gy[::-1]
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.Rows, dataset.Columns = frames.shape[1:]
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = bits, bits, bits - 1
    dataset.PixelRepresentation = int(is_signed)
    dataset.DoseUnits, dataset.DoseType, dataset.DoseSummationType = "GY", str(dose.kind), str(dose.summation)
    dataset.DoseGridScaling = decimal(scaling)
    if dose.tissue_heterogeneity:
        dataset.TissueHeterogeneityCorrection = list(dose.tissue_heterogeneity)
    if dose.normalization_point_mm is not None:
        dataset.NormalizationPoint = decimals(dose.normalization_point_mm)
    dtype = np.dtype(f"<{'i' if is_signed else 'u'}{bits // 8}")
    stored = (np.clip(np.rint(frame.astype(np.float64) / scaling), -highest_stored, highest_stored) for frame in frames)
    dataset.PixelData = b"".join(frame.astype(dtype).tobytes() for frame in stored)


def _set_references(dataset: Dataset, dose: DoseGrid) -> None:
    """The plans, fraction group, beams and records that a dose is of."""
    plans = [reference(RTPlanStorage, uid) for uid in (dose.plan_uid, *dose.other_plan_uids) if uid]
    if plans:
        dataset.ReferencedRTPlanSequence = plans
    if dose.summation is DoseSummation.RECORD:
        dataset.ReferencedTreatmentRecordSequence = [
            reference(RTBeamsTreatmentRecordStorage, uid) for uid in dose.record_uids
        ]
    if not dose.beam_numbers and dose.fraction_group is None:
        return
    group = Dataset()
    group.ReferencedFractionGroupNumber = 1 if dose.fraction_group is None else dose.fraction_group
    if dose.beam_numbers:
        group.ReferencedBeamSequence = [_beam_item(number, dose.control_points) for number in dose.beam_numbers]
    plans[0].ReferencedFractionGroupSequence = [group]


def _beam_item(number: int, control_points: tuple[int, int] | None) -> Dataset:
    """A referenced beam, and the control points of it."""
    item = Dataset()
    item.ReferencedBeamNumber = number
    if control_points is not None:
        points = Dataset()
        points.ReferencedStartControlPointIndex, points.ReferencedStopControlPointIndex = control_points
        item.ReferencedControlPointSequence = [points]
    return item


def _drawn_on(histograms: Sequence[Dvh]) -> str:
    """The one structure set of all histograms; raises MissingInput where it is not known, InconsistentInput for two."""
    uids = {histogram.structure_set_uid for histogram in histograms}
    if len(uids) > 1:
        raise InconsistentInput(f"Histograms of {len(uids)} structure sets do not fit into one RT Dose.")
    (uid,) = uids
    if not uid:
        raise MissingInput("The histograms name no structure set; an RT Dose must.")
    return uid
