"""From the projections of a scan to a cone-beam CT that `guide` takes."""

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from enum import StrEnum
from numbers import Integral, Real
from pathlib import Path
from typing import TypedDict, TypeVar, Unpack

import numpy as np
from numpy.typing import ArrayLike

from openigrt.dicom import PROJECTION_CLASSES, PlanFolder, Straightening, read_rt_image_scan, scan_folder
from openigrt.errors import InconsistentInput, InputError, MissingInput
from openigrt.files import ScanDefaults, read_scan
from openigrt.geometry import CouchPose, Frame, PatientPosition
from openigrt.images import Image, Phase, Quantity, Scan
from openigrt.motion import breaths_of, phase_bins
from openigrt.patient import Verdict
from openigrt.report import ShownBreathing
from openigrt.tasks.clock import Clock, Progress
from openigrt.tasks.guidance.inputs import couch_pose_of, machine_of, position_of, read_plan_input
from openigrt.tasks.identifiers import derived_uid
from openigrt.tasks.reconstruction.files import FILES, RESULTS, write_reconstruction
from openigrt.tasks.reconstruction.planning_prior import PlacedPlan, PlannedScatter, matched_to_plan
from openigrt.tasks.reconstruction.projection_corrections import (
    SCATTER,
    LineIntegrals,
    Scatter,
    hardening_of,
    read_signals,
)
from openigrt.tasks.reconstruction.reconstruction import (
    BreathingBin,
    Method,
    PlanningPrior,
    Reconstruction,
    ReconstructionSettings,
)
from openigrt.tasks.reconstruction.volume_making import Bench, bench_of
from openigrt.tasks.results.folder import require_usable_folder
from openigrt.tasks.results.former import tell_set_aside
from openigrt.tasks.words import given, in_short, require_listener, require_paths, require_texts
from openigrt.xray import (
    CONTAINS_PRIOR,
    Fan,
    HuScale,
    RampWindow,
    amsterdam_shroud,
    blocks,
    breathing_in,
    reconstruct_bins,
)

Chosen = TypeVar("Chosen", bound=StrEnum)

WATER_PER_MM = 0.0206  # 60 keV (NIST, XCOM)
FINEST_VOXEL_MM, COARSEST_VOXEL_MM = 0.1, 20.0
LARGEST_SIZE = 2048
MOST_ITERATIONS, MOST_BINS = 1000, 20


class HowMade(TypedDict, total=False):
    """How a volume is made, in the words of the command; what is left out has its usual value."""

    method: str
    iterations: int | None
    voxel: float
    size: Sequence[int] | None
    window: str
    cut_off: float
    fan: str | None
    flat: str | Path | None
    dark: str | Path | None
    scatter: str
    tube_voltage: float | None
    water: float | None
    four_d: int | None


def reconstruct(
    projections: str | Path,
    *,
    geometry: str | Path | None = None,
    spacing: ArrayLike | None = None,
    quantity: str | None = None,
    frame_rate: float | None = None,
    machine: str | Path | None = None,
    plan: str | Path | None = None,
    prior: str | Path | None = None,
    position: str | None = None,
    couch_pose: CouchPose | Sequence[float] | None = None,
    out: str | Path | None = None,
    progress: Progress = lambda words: None,
    **how: Unpack[HowMade],
) -> Reconstruction:
    """A cone-beam CT in HU from a folder or stack of projections; written to the folder `out` where one is named.

    The words are those of the command. `geometry` is RTK's file; `spacing` (between columns, between rows) in mm and
    `quantity` (intensity, line integral) say what stacks do not, `frame_rate` how many projections a second. `plan` is
    the plan folder of the patient, whose name and position the image then carries; `prior` the same, and its CT then
    corrects scatter and HU. `position` and `couch_pose` (IEC 61217) say how the patient lay; HFS and none where neither
    they nor the files do. `how`: `voxel` is in mm, `size` (columns, rows, slices), `tube_voltage` in kV, `water` per
    mm, `four_d` a number of breathing phases. Raises an OpenIgrtError with one sentence wherever no sound image can be
    made; nothing is written then.
    """
    require_paths(projections=projections, **given(geometry=geometry, machine=machine, plan=plan, prior=prior, out=out))
    require_texts(**given(position=position, quantity=quantity))
    require_listener(progress)
    if plan is not None and prior is not None:
        raise InputError("Both --plan and --prior name a plan; give one of them: --prior says all that --plan says.")
    settings, known = _settings(how), _known(geometry, spacing, quantity, machine)
    lying, couch, source = position_of(position), couch_pose_of(couch_pose), Path(projections)
    if out is not None:
        require_usable_folder(Path(out), FILES, source, *(Path(named) for named in (plan, prior) if named is not None))
        tell_set_aside(Path(out), RESULTS, "run", progress)
    clock = Clock(progress)
    clock.step("read", "reading the headers of the projections")
    scan, messages = _read(source, known)
    scan = scan if frame_rate is None else _timed(scan, _within(frame_rate, "frame_rate", 0.01, 1000.0))
    named = plan if prior is None else prior
    folder = None if named is None else read_plan_input(Path(named), None, lying, None, Straightening.REFUSED)
    if prior is not None:
        _require_plan(Path(prior), folder)
    scan, said = _lying(_of_patient(scan, folder), _position(lying, folder), couch)
    done = _reconstructed(source, scan, settings, folder if prior is not None else None, clock)
    clock.stop()
    done = replace(done, messages=(*done.messages, *said, *messages), timing_s=clock.seconds)
    if out is not None:
        progress("writing the slices")
        write_reconstruction(done, Path(out))
    return done


def _settings(how: HowMade) -> ReconstructionSettings:
    """What was asked for, checked."""
    unknown = sorted(how.keys() - HowMade.__annotations__.keys())
    if unknown:
        raise InputError(f"reconstruct knows no {unknown[0]!r}; expected {', '.join(HowMade.__annotations__)}.")
    usual = ReconstructionSettings()
    voltage_kv, water_per_mm, bins = how.get("tube_voltage"), how.get("water"), how.get("four_d")
    iterations, fan = how.get("iterations"), how.get("fan")
    return ReconstructionSettings(
        method=_one_of(Method, how.get("method", usual.method), "method"),
        voxel_mm=_within(how.get("voxel", usual.voxel_mm), "voxel", FINEST_VOXEL_MM, COARSEST_VOXEL_MM),
        size=_size(how.get("size")),
        window=_one_of(RampWindow, how.get("window", usual.window), "window"),
        cut_off_share=_within(how.get("cut_off", usual.cut_off_share), "cut_off", 0.05, 1.0),
        fan=None if fan is None else _one_of(Fan, fan, "fan"),
        iterations=None if iterations is None else _count(iterations, "iterations", MOST_ITERATIONS),
        scatter=_one_of(Scatter, how.get("scatter", usual.scatter), "scatter"),
        tube_voltage_kv=None if voltage_kv is None else _within(voltage_kv, "tube_voltage", 40.0, 150.0),
        water_per_mm=None if water_per_mm is None else _within(water_per_mm, "water", 1e-3, 1.0),
        flat=_file(how.get("flat"), "flat"),
        dark=_file(how.get("dark"), "dark"),
        bins=None if bins is None else _count(bins, "four_d", MOST_BINS),
    )


def _known(
    geometry: str | Path | None, spacing: ArrayLike | None, quantity: str | None, machine: str | Path | None
) -> ScanDefaults:
    """What the caller knows where the files are silent."""
    return ScanDefaults(
        machine_of(machine).imager if machine is not None else None,
        None if geometry is None else Path(geometry),
        None if quantity is None else _one_of(Quantity, quantity, "quantity"),
        None if spacing is None else _pair(spacing),
    )


def _file(path: str | Path | None, name: str) -> Path | None:
    """A file, if one is named."""
    require_paths(**given(**{name: path}))
    return None if path is None else Path(path)


def _read(source: Path, known: ScanDefaults) -> tuple[Scan, tuple[str, ...]]:
    """The scan of a folder or file, DICOM or not, and what was noticed."""
    try:
        return read_scan(source, known)
    except MissingInput as error:
        images = _rt_images(source)
        if not images:
            raise error from None
        return read_rt_image_scan(images, quantity=known.quantity)


def _rt_images(folder: Path) -> list[Path]:
    """The files of RT Images in a folder, none where it holds no DICOM."""
    if not folder.is_dir():
        return []
    try:
        found = scan_folder(folder)
    except MissingInput:
        return []
    return [instance.path for instance in found.instances_of(PROJECTION_CLASSES)]


def _timed(scan: Scan, frames_per_s: float) -> Scan:
    """The scan with times of an even rate, where it states none."""
    return scan if scan.times_s is not None else replace(scan, times_s=np.arange(len(scan)) / frames_per_s)


def _of_patient(scan: Scan, folder: PlanFolder | None) -> Scan:
    """The scan with the patient of the plan; raises InconsistentInput where the projections name another one."""
    if folder is None:
        return scan
    planned, found = folder.planning_image.provenance, scan.provenance
    if found.patient_id and found.patient_id != planned.patient_id:
        raise InconsistentInput(
            f"The projections are of the patient with ID {in_short(found.patient_id)}, the plan of "
            f"{in_short(planned.patient_id)}; give files of one patient only."
        )
    return replace(scan, provenance=replace(found, patient_id=planned.patient_id, patient_name=planned.patient_name))


def _require_plan(prior: Path, folder: PlanFolder | None) -> None:
    """Raise MissingInput for a prior that does not say where its isocenter is."""
    if folder is None or folder.plan is None:
        raise MissingInput(
            f"There is no RT Plan in {prior}, so where its CT lies about the isocenter is not known; export the "
            "plan with its CT, or reconstruct without --prior."
        )


def _position(given: PatientPosition | None, folder: PlanFolder | None) -> PatientPosition | None:
    """How the patient lies as given, else by the plan or its image; raises InconsistentInput where they differ."""
    if folder is None:
        return given
    planned = folder.plan.patient_position if folder.plan else folder.planning_image.provenance.patient_position
    if given is not None and planned is not None and given is not planned:
        raise InconsistentInput(
            f"--position says {given}, the plan {planned}; leave it out, or find out how the patient lay."
        )
    return given or planned


def _lying(scan: Scan, position: PatientPosition | None, couch: CouchPose | None) -> tuple[Scan, tuple[str, ...]]:
    """The scan with what was said by hand of patient and couch, and what had to be assumed."""
    found = scan.provenance.patient_position
    if found is not None and position is not None and found is not position:
        raise InputError(f"position is {position}, and the projections say that the patient lay {found}; leave it out.")
    said = []
    lay = position or found
    if lay is None:
        lay = PatientPosition.HFS
        said.append("How the patient lay is not stated; taken as HFS (head first, supine). Give --position otherwise.")
    pose = couch or scan.couch
    if pose is None:
        said.append("No couch pose is stated; the image is in room axes, as with the table straight.")
    return replace(scan, couch=pose, provenance=replace(scan.provenance, patient_position=lay)), tuple(said)


def _reconstructed(
    source: Path, scan: Scan, settings: ReconstructionSettings, plan: PlanFolder | None, clock: Clock
) -> Reconstruction:
    """The volume of a scan in HU; with a plan, once more with what the plan says about scatter and HU."""
    bench = bench_of(scan, settings)
    clock.step("fingerprint", "reading the projections")
    fingerprint, moment = _fingerprint(scan), datetime.now(UTC)
    frame = Frame.daily(derived_uid(f"{fingerprint}|{moment.isoformat()}", "frame"))
    signals, about_beam = read_signals(scan, settings.flat, settings.dark, clock.tell)
    hardening, about_tube = hardening_of(scan, settings.tube_voltage_kv)
    water_per_mm = settings.water_per_mm or (hardening.water_per_mm if hardening else WATER_PER_MM)
    integrals = LineIntegrals(signals, SCATTER[settings.scatter], hardening)
    clock.step("reconstruct", "reconstructing")
    attenuation = bench.volume(integrals, clock.tell)
    scale = HuScale.of_water(water_per_mm)
    image, planned = bench.image(attenuation, scale, frame), None
    doubts = list(integrals.warnings())
    if plan is not None:
        clock.step("match", "matching the first image to the plan")
        match = matched_to_plan(image, plan)
        clock.step("prior", "reconstructing with the planning CT as prior")
        placed = PlacedPlan.by(match, plan, image)
        scatter = PlannedScatter(placed, image, water_per_mm, hardening)
        corrected = bench.volume(LineIntegrals(signals, scatter, hardening), clock.tell)
        seen = bench.field_of_view.mask(bench.grid)
        scale = placed.scale(attenuation, bench.grid, seen)
        image = bench.image(attenuation, scale, frame)
        of_plan = bench.image(corrected, placed.scale(corrected, bench.grid, seen), frame)
        planned = PlanningPrior(match, _with_prior(of_plan))
        doubts.extend(() if match.trust.verdict is Verdict.TRUSTED else match.trust.reasons)
    bins, breathing = ((), None) if settings.bins is None else _bins(bench, integrals, scale, frame, clock)
    messages = (*doubts, *bench.arc.warnings, *_blank(bins), *about_beam, *about_tube)
    return Reconstruction(
        image,
        scan,
        source,
        settings,
        bench.arc,
        bench.fan,
        bench.field_of_view,
        fingerprint,
        moment,
        messages,
        bins=bins,
        prior=planned,
        breathing=breathing,
    )


def _with_prior(image: Image) -> Image:
    """The image, marked as one that contains the planning prior: derived, so that `guide` does not take it."""
    return replace(image, provenance=replace(image.provenance, is_derived=True, series_description=CONTAINS_PRIOR))


def _bins(
    bench: Bench, integrals: LineIntegrals, scale: HuScale, frame: Frame, clock: Clock
) -> tuple[tuple[BreathingBin, ...], ShownBreathing]:
    """The image of each phase of breathing, found in the projections themselves, and this breathing."""
    scan = bench.scan
    if scan.times_s is None:
        raise MissingInput(
            "The times of the projections are not stated, so their breathing cannot be found; give --frame-rate."
        )
    clock.step("breathing", "looking for the breathing in the projections")
    position = scan.provenance.patient_position or PatientPosition.HFS
    trace = breathing_in(amsterdam_shroud(integrals, scan.trajectory), scan.times_s, position)
    sorted_in = phase_bins(breaths_of(trace), scan.times_s, bench.settings.bins or 1)
    clock.step("bins", "reconstructing the phases of breathing")
    found = []
    for made in reconstruct_bins(integrals, scan.trajectory, bench.grid, sorted_in, bench.fdk_settings):
        phase = Phase.of_breathing(float(made.name.rstrip("%")))
        image = None if made.volume is None else bench.image(made.volume, scale, frame, phase)
        found.append(BreathingBin(made.name, image, made.projections))
    return tuple(found), ShownBreathing(trace, scan.times_s, sorted_in)


def _blank(bins: tuple[BreathingBin, ...]) -> tuple[str, ...]:
    """A message that names the phases without an image."""
    blank = [made.name for made in bins if made.image is None]
    if not blank:
        return ()
    return (f"Phases without enough projections for an image: {', '.join(blank)}.",)


def _fingerprint(scan: Scan) -> str:
    """SHA-256 of all pixels."""
    digest = hashlib.sha256()
    for which in blocks(len(scan)):
        digest.update(np.ascontiguousarray(scan.pixels[which]).tobytes())
    return digest.hexdigest()


def _size(size: Sequence[int] | None) -> tuple[int, int, int] | None:
    """Columns, rows and slices, checked."""
    if size is None:
        return None
    if isinstance(size, str) or len(size) != 3:
        raise InputError(f"size is {in_short(size)}; expected columns, rows and slices.")
    columns, rows, slices = (_count(count, "size", LARGEST_SIZE) for count in size)
    return columns, rows, slices


def _count(value: object, name: str, most: int) -> int:
    """A whole number from 1 on; raises InputError."""
    if isinstance(value, bool) or not isinstance(value, Integral) or not 1 <= int(value) <= most:
        raise InputError(f"{name} is {in_short(value)}; expected a whole number from 1 to {most}.")
    return int(value)


def _one_of(kind: type[Chosen], value: str, name: str) -> Chosen:
    """The member of an enumeration that has this value; raises InputError with those that there are."""
    try:
        return kind(value)
    except ValueError:
        known = ", ".join(str(member) for member in kind)
        raise InputError(f"{name} is {in_short(value)}; expected one of {known}.") from None


def _within(value: object, name: str, least: float, most: float) -> float:
    """A number in its bounds; raises InputError."""
    if isinstance(value, bool) or not isinstance(value, Real) or not least <= float(value) <= most:
        raise InputError(f"{name} is {in_short(value)}; expected a number from {least:g} to {most:g}.")
    return float(value)


def _pair(spacing: ArrayLike) -> tuple[float, float]:
    """Spacing of a detector in mm, checked."""
    try:
        values = np.asarray(spacing, dtype=np.float64)
    except (TypeError, ValueError):
        values = np.empty(0)
    if values.shape != (2,):
        raise InputError(f"spacing is {in_short(spacing)}; expected two lengths in mm.")
    between_columns_mm, between_rows_mm = (_within(float(value), "spacing", 0.01, 100.0) for value in values)
    return between_columns_mm, between_rows_mm
