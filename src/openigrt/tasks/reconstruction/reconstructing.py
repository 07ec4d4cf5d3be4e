"""From the projections of a scan to a cone-beam CT that `guide` takes."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Unpack

import numpy as np
from numpy.typing import ArrayLike, NDArray

from openigrt.dicom import PROJECTION_CLASSES, PlanFolder, Straightening, read_rt_image_scan, scan_folder
from openigrt.errors import InconsistentInput, InputError, MissingInput, UnsupportedInput, WrongUsage
from openigrt.files import ScanDefaults, read_scan
from openigrt.geometry import CouchPose, Frame, PatientPosition
from openigrt.images import Image, Quantity, Scan
from openigrt.machine import Imager
from openigrt.patient import Match, Verdict
from openigrt.tasks.clock import Clock, Pace, Progress
from openigrt.tasks.guidance.inputs import couch_pose_of, machine_of, position_asked, read_plan_input
from openigrt.tasks.identifiers import derived_uid
from openigrt.tasks.reconstruction.asked import (
    FRAME_RATES_HZ,
    HowMade,
    one_of,
    pair,
    settings_of,
    within,
)
from openigrt.tasks.reconstruction.breathing import aside_remark, blank_remark, images_of, sorted_breathing
from openigrt.tasks.reconstruction.files import FILES, RECORD, RESULTS, write_reconstruction
from openigrt.tasks.reconstruction.metal_removal import metal_removed
from openigrt.tasks.reconstruction.planning_prior import PlacedPlan, PlannedScatter, matched_to_plan
from openigrt.tasks.reconstruction.projection_corrections import (
    LineIntegrals,
    Scatter,
    hardening_of,
    read_signals,
    scatter_of,
    without_lag,
)
from openigrt.tasks.reconstruction.reconstruction import (
    BreathingBin,
    PlanningPrior,
    Reconstruction,
    ReconstructionSettings,
)
from openigrt.tasks.reconstruction.volume_making import Bench, bench_of
from openigrt.tasks.results.folder import require_usable_folder
from openigrt.tasks.results.former import tell_set_aside
from openigrt.tasks.words import given, in_short, require_listener, require_paths, require_texts
from openigrt.xray import CONTAINS_PRIOR, BeamHardening, HuScale, blocks, cupping_remark, soft_tissue_remark

Float32Array = NDArray[np.float32]

LARGEST_SHADING_HU = 120.0  # without scatter 20, with a prior 60 to 100, with a wide pelvis' scatter 220 and more
WATER_PER_MM = 0.0206  # 60 keV (NIST SRD 126)


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
    plan_uid: str | None = None,
    plan_series: str | None = None,
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
    corrects scatter and HU; `plan_uid` and `plan_series` say which plan and CT of it. `position` and `couch_pose` (IEC
    61217) say how the patient lay; HFS and none where neither they nor the files do. `how`: `voxel` is in mm, `size`
    (columns, rows, slices), `tube_voltage` in kV, `water` per mm, `four_d` a number of bins of breathing. Raises an
    OpenIgrtError with one sentence wherever no sound image can be made; nothing is written then.
    """
    require_paths(projections=projections, **given(geometry=geometry, machine=machine, plan=plan, prior=prior, out=out))
    require_texts(**given(position=position, quantity=quantity, plan_uid=plan_uid, plan_series=plan_series))
    require_listener(progress)
    settings, known, source = settings_of(how), _known(geometry, spacing, quantity, machine), Path(projections)
    named = _plan_named(plan, prior, plan_uid or plan_series, settings)
    frames_per_s = None if frame_rate is None else within(frame_rate, "--frame-rate", *FRAME_RATES_HZ)
    if frames_per_s is not None and settings.breathing is None:
        raise WrongUsage("--frame-rate is of use with --four-d alone; give it, or leave both out.")
    lying, couch = position_asked(position), couch_pose_of(couch_pose)
    if out is not None:
        require_usable_folder(Path(out), FILES, source, *([] if named is None else [named]))
        tell_set_aside(Path(out), RESULTS, RECORD, "run", progress)
    clock = Clock(progress)
    clock.step("read", "reading the headers of the projections")
    scan, messages = _read(source, known)
    _require_heard(scan, known.imager, settings)
    scan = scan if frames_per_s is None else _timed(scan, frames_per_s)
    folder = None if named is None else read_plan_input(named, plan_uid, lying, plan_series, Straightening.REFUSED)
    if prior is not None:
        _require_plan(Path(prior), folder)
    scan, said = _lying(_of_patient(scan, folder), _position(lying, folder), couch)
    of_prior = folder if prior is not None else None
    done = _reconstructed(source, scan, settings, of_prior, clock, imager=known.imager)
    clock.stop()
    of_plan = () if folder is None else folder.messages
    done = replace(done, messages=(*done.messages, *said, *of_plan, *messages), timing_s=clock.seconds)
    if out is not None:
        progress("writing the slices")
        write_reconstruction(done, Path(out))
    return done


def _plan_named(
    plan: str | Path | None, prior: str | Path | None, chosen: str | None, settings: ReconstructionSettings
) -> Path | None:
    """The plan folder, if one is named; raises WrongUsage for words that contradict each other."""
    if plan is not None and prior is not None:
        raise WrongUsage("Both --plan and --prior name a plan; give one of them: --prior says all that --plan says.")
    if settings.is_match_seen and prior is None:
        raise WrongUsage("--match-seen is said of the match of a prior; give --prior, or leave it out.")
    named = plan if prior is None else prior
    if chosen is not None and named is None:
        raise WrongUsage("--plan-uid and --plan-series choose within a plan folder; give --plan or --prior.")
    return None if named is None else Path(named)


def _known(
    geometry: str | Path | None, spacing: ArrayLike | None, quantity: str | None, machine: str | Path | None
) -> ScanDefaults:
    """What the caller knows where the files are silent."""
    return ScanDefaults(
        machine_of(machine).imager if machine is not None else None,
        None if geometry is None else Path(geometry),
        None if quantity is None else one_of(Quantity, quantity, "--quantity"),
        None if spacing is None else pair(spacing),
    )


def _read(source: Path, known: ScanDefaults) -> tuple[Scan, tuple[str, ...]]:
    """The scan of a folder or file, DICOM or not, and what was noticed."""
    try:
        return read_scan(source, known)
    except (MissingInput, UnsupportedInput) as error:
        images = _rt_images(source)
        if images is None:
            raise error from None
        if not images:
            raise UnsupportedInput(
                f"{source} holds DICOM, and no RT Image among it; give the folder of the projections, and that of "
                "the plan as --plan or --prior."
            ) from None
        known.require_open(("quantity",), "RT Image")
        return read_rt_image_scan(images, quantity=known.quantity)


def _require_heard(scan: Scan, imager: Imager | None, settings: ReconstructionSettings) -> None:
    """Raise InputError for a machine file of which line integrals need nothing: no word goes unheard."""
    if imager is None or scan.quantity is not Quantity.LINE_INTEGRAL:
        return
    has_beam = bool(imager.filters_mm or imager.bow_tie)
    is_kernel_heard = settings.scatter is Scatter.KERNEL and imager.scatter is not None
    if not is_kernel_heard and not (has_beam and settings.tube_voltage_kv is not None):
        raise InputError(
            "The projections are line integrals, and nothing of --machine counts for them: lag is of intensities, the "
            "kernel of --scatter kernel, filters and bow-tie of --tube-voltage. Leave --machine out, or say "
            "--quantity intensity if they are what the detector counted."
        )


def _rt_images(folder: Path) -> list[Path] | None:
    """The files of RT Images in a folder, None where it holds no DICOM."""
    if not folder.is_dir():
        return None
    try:
        found = scan_folder(folder)
    except MissingInput:
        return None
    return [instance.path for instance in found.instances_of(PROJECTION_CLASSES)]


def _timed(scan: Scan, frames_per_s: float) -> Scan:
    """The scan with times of an even rate; raises InputError where it states times itself."""
    if scan.times_s is not None:
        raise InputError("The projections state when each was taken; leave --frame-rate out.")
    return replace(scan, times_s=np.arange(len(scan)) / frames_per_s)


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
        raise InputError(
            f"--position is {position}, and the projections say that the patient lay {found}; leave it out."
        )
    if scan.couch is not None and couch is not None and couch != scan.couch:
        raise InputError("--couch-pose is not where the projections say that the couch stood; leave it out.")
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
    source: Path,
    scan: Scan,
    settings: ReconstructionSettings,
    plan: PlanFolder | None,
    clock: Clock,
    *,
    imager: Imager | None,
) -> Reconstruction:
    """The volume of a scan in HU; with a plan, once more with what the plan says about scatter and HU."""
    bench = bench_of(scan, settings)
    clock.step("fingerprint", "reading the projections")
    fingerprint, moment = _fingerprint(scan, clock.tell), datetime.now(UTC)
    frame = Frame.daily(derived_uid(f"{fingerprint}|{moment.isoformat()}", "frame"))
    integrals, about_signals = _integrals(scan, settings, imager, clock)
    hardening = integrals.hardening
    water_per_mm = settings.water_per_mm or (hardening.water_per_mm if hardening else WATER_PER_MM)
    asked = settings.breathing
    breathing = None if asked is None else sorted_breathing(bench, integrals, asked, clock)
    clock.step("reconstruct", "reconstructing")
    bench = bench.looking_around(integrals, clock.tell)
    attenuation = bench.volume(integrals, clock.tell)
    about_pixels = integrals.warnings()
    scale = HuScale.of_water(water_per_mm)
    about_cup = _cupping(attenuation, scale, bench)
    attenuation, about_metal = _metal_removed(bench, integrals, attenuation, scale, clock)
    image = bench.image(attenuation, scale, frame)
    prior: PlanningPrior | None = None
    about_images: tuple[str, ...] = ()
    if plan is not None:
        first = FirstImage(bench, attenuation, image, scale, hardening)
        image, scale, prior, about_images = _with_plan(first, integrals, plan, clock)
    off = soft_tissue_remark(image.voxels)
    about_images = (*(() if off is None else (off,)), *about_images)
    made: tuple[BreathingBin, ...] = ()
    if breathing is not None:
        made = images_of(
            breathing.bins, bench, integrals, lambda volume, phase: bench.image(volume, scale, frame, phase), clock
        )
        about_images += blank_remark(made)
        about_metal += aside_remark(breathing.bins)
    pressing = (*about_images, *about_cup)
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
        (*pressing, *about_pixels, *bench.warnings, *about_metal, *about_signals),
        pressing=pressing,
        bins=made,
        prior=prior,
        breathing=breathing,
    )


def _integrals(
    scan: Scan, settings: ReconstructionSettings, imager: Imager | None, clock: Clock
) -> tuple[LineIntegrals, tuple[str, ...]]:
    """The line integrals of a scan, corrected as was asked and as the machine file says, and what to know of that."""
    signals, about_beam = read_signals(scan, settings.flat, settings.dark, clock.tell)
    signals, about_lag = without_lag(signals, imager)
    hardening, about_tube = hardening_of(scan, settings.tube_voltage_kv, imager)
    scatter, about_scatter = scatter_of(settings.scatter, imager)
    integrals = LineIntegrals(signals, scatter, hardening, removes_rings=settings.removes_rings)
    return integrals, (*about_beam, *about_lag, *about_scatter, *about_tube)


def _cupping(attenuation: Float32Array, scale: HuScale, bench: Bench) -> tuple[str, ...]:
    """What to know of a dark or bright middle of the first image."""
    said = cupping_remark(scale.to_hu(attenuation), bench.grid, bench.field_of_view.mask(bench.grid))
    return () if said is None else (said,)


def _metal_removed(
    bench: Bench, integrals: LineIntegrals, attenuation: Float32Array, scale: HuScale, clock: Clock
) -> tuple[Float32Array, tuple[str, ...]]:
    """The attenuation without the streaks of metal, where that was asked for, and what to know of it."""
    if not bench.settings.removes_metal:
        return attenuation, ()
    clock.step("metal", "looking for metal")
    cleaned, about_metal = metal_removed(bench, integrals, attenuation, scale, clock.tell)
    of_bins = ("The images of breathing are made with the metal as it is.",) if bench.settings.breathing else ()
    return cleaned, (*about_metal, *of_bins)


@dataclass(frozen=True, eq=False, slots=True)
class FirstImage:
    """What is made without the plan: attenuation per mm [k, j, i], the image of it, and how HU were counted."""

    bench: Bench
    attenuation: Float32Array
    image: Image
    scale: HuScale
    hardening: BeamHardening | None


def _with_plan(
    first: FirstImage, integrals: LineIntegrals, plan: PlanFolder, clock: Clock
) -> tuple[Image, HuScale, PlanningPrior, tuple[str, ...]]:
    """The first image in HU by the plan, that scale, what the plan gave, and what to know about it.

    Where a person must look at the match before it is used, the plan gives nothing.
    """
    bench, image = first.bench, first.image
    clock.step("match", "matching the first image to the plan")
    match = matched_to_plan(image, plan)
    if match.trust.verdict is not Verdict.TRUSTED and not bench.settings.is_match_seen:
        return image, first.scale, PlanningPrior(match, None), _unseen(match)
    clock.step("prior", "reconstructing with the planning CT as prior")
    placed = PlacedPlan.by(match, plan, image)
    seen = bench.field_of_view.mask(bench.grid)
    scale, uneven_hu = _scaled(placed, first.attenuation, bench, seen)
    scatter = PlannedScatter(placed, image, first.scale.water_per_mm, first.hardening)
    again = LineIntegrals(integrals.signals, scatter, first.hardening, removes_rings=integrals.removes_rings)
    bench = bench.looking_around(again, clock.tell)
    corrected = bench.volume(again, clock.tell)
    corrected, _ = _metal_removed(bench, again, corrected, first.scale, clock)
    scale_with_plan, left_hu = _scaled(placed, corrected, bench, seen)
    if left_hu > LARGEST_SHADING_HU:
        raise InconsistentInput(
            f"Even with the planning CT as prior soft tissue is uneven by {left_hu:.0f} HU, so its HU would be wrong; "
            "give a flat field (--flat), look at the match (openigrt guide), or leave out --prior.",
            uneven_hu=left_hu,
        )
    with_plan = bench.image(corrected, scale_with_plan, image.frame)
    doubts = () if match.trust.verdict is Verdict.TRUSTED else match.trust.reasons
    if uneven_hu > LARGEST_SHADING_HU:
        scale, doubts = first.scale, (_shaded(uneven_hu, left_hu), *doubts)
    image = bench.image(first.attenuation, scale, image.frame)
    return image, scale, PlanningPrior(match, _with_prior(with_plan)), doubts


def _scaled(
    placed: PlacedPlan, attenuation: Float32Array, bench: Bench, seen: NDArray[np.bool_]
) -> tuple[HuScale, float]:
    """HU by what plan and day show, and how unevenly soft tissue then lies off the plan, in HU."""
    scale = placed.scale(attenuation, bench.grid, seen)
    return scale, placed.shading_hu(scale.to_hu(attenuation), bench.grid, seen)


def _shaded(uneven_hu: float, left_hu: float) -> str:
    """That no scale makes the HU of the image right, and which image has them."""
    return (
        f"HU of ct are by water and not by the planning CT, against which soft tissue is uneven by {uneven_hu:.0f} HU, "
        "as scatter and a missing flat field make it: no scale takes that off. Where HU count, take ct_with_prior, "
        f"which is uneven by {left_hu:.0f} HU; or give --flat, and --scatter."
    )


def _unseen(match: Match) -> tuple[str, ...]:
    """That the plan was not used, why, and what a person can do about it."""
    return (
        f"The planning CT is not used, because its match with the image on {match.region} needs a person's look: "
        f"{' '.join(match.trust.reasons)} HU are by water, and scatter is not corrected by the plan. Look at the match "
        "(openigrt guide); where it is right, say --match-seen.",
    )


def _with_prior(image: Image) -> Image:
    """The image, marked as one that contains the planning prior: derived, so that `guide` does not take it."""
    return replace(image, provenance=replace(image.provenance, is_derived=True, series_description=CONTAINS_PRIOR))


def _fingerprint(scan: Scan, progress: Progress) -> str:
    """SHA-256 of all pixels."""
    digest, pace = hashlib.sha256(), Pace(progress)
    for which in blocks(len(scan)):
        digest.update(np.ascontiguousarray(scan.pixels[which]).tobytes())
        pace.tell(f"projection {which.stop} of {len(scan)}")
    return digest.hexdigest()
