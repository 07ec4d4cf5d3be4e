"""From the projections of a scan to a cone-beam CT that `guide` takes."""

import hashlib
import os
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from enum import StrEnum
from numbers import Real
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from openigrt.dicom import PROJECTION_CLASSES, PlanFolder, Straightening, read_rt_image_scan, scan_folder
from openigrt.errors import InconsistentInput, InputError, MissingInput
from openigrt.files import ScanDefaults, read_scan
from openigrt.geometry import CouchPose, Frame, Grid, PatientPosition
from openigrt.images import Image, Modality, Quantity, Scan
from openigrt.tasks.clock import Clock, Progress
from openigrt.tasks.former_results import tell_set_aside
from openigrt.tasks.guidance_inputs import couch_pose_of, machine_of, position_of, read_plan_input
from openigrt.tasks.identifiers import derived_uid
from openigrt.tasks.reconstruction import Method, Reconstruction, ReconstructionSettings
from openigrt.tasks.reconstruction_files import FILES, RESULTS, write_reconstruction
from openigrt.tasks.result_folder import require_usable_folder
from openigrt.tasks.words import given, in_short, require_listener, require_paths, require_texts
from openigrt.xray import (
    PROJECTIONS_AT_ONCE,
    Fan,
    Fdk,
    FdkSettings,
    RampFilter,
    RampWindow,
    blocks,
    covering_grid,
    fan_of,
    field_of_view,
)

Float32Array = NDArray[np.float32]
Chosen = TypeVar("Chosen", bound=StrEnum)

MANUFACTURER = "OpenIGRT"

FINEST_VOXEL_MM, COARSEST_VOXEL_MM = 0.1, 20.0
LARGEST_SIZE = 2048
BYTES_OF_A_VOXEL = 13
BLOCKS_IN_MEMORY = 6
HOUNSFIELD = 1000.0


def reconstruct(
    projections: str | Path,
    *,
    geometry: str | Path | None = None,
    machine: str | Path | None = None,
    method: str = "fdk",
    voxel: float = 1.0,
    size: Sequence[int] | None = None,
    window: str = "hann",
    cut_off: float = 1.0,
    fan: str | None = None,
    water: float | None = None,
    plan: str | Path | None = None,
    position: str | None = None,
    couch_pose: CouchPose | Sequence[float] | None = None,
    spacing: Sequence[float] | None = None,
    quantity: str | None = None,
    out: str | Path | None = None,
    progress: Progress = lambda words: None,
) -> Reconstruction:
    """A cone-beam CT in HU from a folder or stack of projections; written to the folder `out` where one is named.

    The words are those of the command. `voxel` is in mm, `size` (columns, rows, slices). `geometry` is RTK's file,
    `spacing` (between columns, between rows) in mm and `quantity` (intensity, line integral) say what stacks do not.
    `plan` is the plan folder of the patient, whose name and position the image then carries. `position` and
    `couch_pose` (IEC 61217) say how the patient lay; HFS and none where neither they nor the files do. Raises an
    OpenIgrtError with one sentence wherever no sound image can be made; nothing is written then.
    """
    require_paths(projections=projections, **given(geometry=geometry, machine=machine, plan=plan, out=out))
    require_texts(method=method, window=window, **given(fan=fan, position=position, quantity=quantity))
    require_listener(progress)
    settings = _settings(method, voxel, size, window, cut_off)
    settings = replace(settings, fan=None if fan is None else _one_of(Fan, fan, "fan"))
    settings = settings if water is None else replace(settings, water_per_mm=_within(water, "water", 1e-3, 1.0))
    lying, couch = position_of(position), couch_pose_of(couch_pose)
    source = Path(projections)
    if out is not None:
        require_usable_folder(Path(out), FILES, source)
        tell_set_aside(Path(out), RESULTS, "run", progress)
    imager = machine_of(machine).imager if machine is not None else None
    known = ScanDefaults(
        imager,
        None if geometry is None else Path(geometry),
        None if quantity is None else _one_of(Quantity, quantity, "quantity"),
        None if spacing is None else _pair(spacing),
    )
    clock = Clock(progress)
    clock.step("read", "reading the headers of the projections")
    scan, messages = _read(source, known)
    folder = None if plan is None else read_plan_input(Path(plan), None, lying, None, Straightening.REFUSED)
    scan, said = _lying(_of_patient(scan, folder), lying or _planned_position(folder), couch)
    done = _reconstructed(source, scan, settings, clock)
    clock.stop()
    done = replace(done, messages=(*messages, *said, *done.messages), timing_s=clock.seconds)
    if out is not None:
        progress("writing the slices")
        write_reconstruction(done, Path(out))
    return done


def _settings(
    method: str, voxel: float, size: Sequence[int] | None, window: str, cut_off: float
) -> ReconstructionSettings:
    """What was asked, checked."""
    counts = None if size is None else tuple(int(n) for n in size)
    if counts is not None and (len(counts) != 3 or not all(1 < n <= LARGEST_SIZE for n in counts)):
        raise InputError(f"size is {size}; expected columns, rows and slices, each from 2 to {LARGEST_SIZE}.")
    return ReconstructionSettings(
        method=_one_of(Method, method, "method"),
        voxel_mm=_within(voxel, "voxel", FINEST_VOXEL_MM, COARSEST_VOXEL_MM),
        size=None if counts is None else (counts[0], counts[1], counts[2]),
        window=_one_of(RampWindow, window, "window"),
        cut_off_share=_within(cut_off, "cut_off", 0.05, 1.0),
    )


def _read(source: Path, known: ScanDefaults) -> tuple[Scan, tuple[str, ...]]:
    """The scan of a folder or file, DICOM or not, and what was noticed."""
    try:
        return read_scan(source, known)
    except MissingInput as error:
        images = _rt_images(source) if source.is_dir() else []
        if not images:
            raise error from None
        return read_rt_image_scan(images, quantity=known.quantity)


def _rt_images(folder: Path) -> list[Path]:
    """The files of RT Images in a folder."""
    return [instance.path for instance in scan_folder(folder).instances_of(PROJECTION_CLASSES)]


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


def _planned_position(folder: PlanFolder | None) -> PatientPosition | None:
    """How the patient lies by the plan, else by the planning image."""
    if folder is None:
        return None
    return folder.plan.patient_position if folder.plan else folder.planning_image.provenance.patient_position


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


def _reconstructed(source: Path, scan: Scan, settings: ReconstructionSettings, clock: Clock) -> Reconstruction:
    """The volume of a scan in HU."""
    fan = settings.fan or fan_of(scan.trajectory)
    view = field_of_view(scan.trajectory, fan)
    grid = covering_grid(view, (settings.voxel_mm,) * 3, settings.size)
    require_memory(scan, grid)
    ramp = RampFilter(settings.window, settings.cut_off_share)
    fdk = Fdk(grid, scan.trajectory, FdkSettings(ramp, fan, settings.extension_share))
    digest = hashlib.sha256()
    clock.step("reconstruct", "reconstructing")
    for which in blocks(len(scan)):
        pixels = scan.pixels[which]
        digest.update(np.ascontiguousarray(pixels).tobytes())
        fdk.add(_line_integrals(scan, pixels), which.start)
    attenuation = fdk.volume()
    clock.step("finish", "counting in HU")
    hounsfield = (attenuation / np.float32(settings.water_per_mm) - np.float32(1.0)) * np.float32(HOUNSFIELD)
    hounsfield[~view.mask(grid)] = np.nan
    fingerprint = digest.hexdigest()
    moment = datetime.now(UTC)
    frame = Frame.daily(derived_uid(f"{fingerprint}|{moment.isoformat()}", "frame"))
    provenance = replace(scan.provenance, manufacturer=MANUFACTURER, is_derived=False, couch=scan.couch)
    image = Image(hounsfield, lying_grid(grid, scan, frame), Modality.CBCT, provenance)
    return Reconstruction(image, scan, source, settings, fdk.arc, fan, view, fingerprint, moment, fdk.arc.warnings)


def _line_integrals(scan: Scan, pixels: Float32Array) -> Float32Array:
    if scan.quantity is Quantity.LINE_INTEGRAL:
        return pixels
    raise NotImplementedError


def lying_grid(grid: Grid, scan: Scan, frame: Frame) -> Grid:
    """A grid of the room in the patient's axes (LPS) by how the patient lies, the table straight.

    The origin of the frame is the machine isocenter.
    """
    position = scan.provenance.patient_position or PatientPosition.HFS
    lps_from_room = position.table_top_from_lps().T
    return Grid(frame, lps_from_room @ grid.origin_mm, grid.spacing_mm, lps_from_room @ grid.direction, grid.size)


def require_memory(scan: Scan, grid: Grid) -> None:
    """Raise InputError, before anything is computed, where volume and projections would not fit this machine."""
    voxels, pixels = np.prod(grid.size, dtype=float), np.prod(scan.trajectory.size, dtype=float)
    needed = BYTES_OF_A_VOXEL * voxels + 4.0 * BLOCKS_IN_MEMORY * PROJECTIONS_AT_ONCE * pixels
    there = float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    if needed > there:
        shape = " x ".join(str(n) for n in grid.size)
        raise InputError(
            f"A volume of {shape} voxels needs {needed / 2**30:.1f} GiB, and this machine has {there / 2**30:.1f} GiB; "
            "choose larger voxels with --voxel or fewer with --size.",
            needed_bytes=needed,
        )


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


def _pair(spacing: Sequence[float]) -> tuple[float, float]:
    """Spacing of a detector, checked."""
    if isinstance(spacing, str) or len(spacing) != 2:
        raise InputError(f"spacing is {in_short(spacing)}; expected two lengths in mm.")
    columns, rows = (_within(value, "spacing", 0.01, 100.0) for value in spacing)
    return columns, rows
