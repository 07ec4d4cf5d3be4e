"""What `guide` is given: folders, files and words, read and checked before anything is matched."""

from collections.abc import Sequence
from dataclasses import astuple, replace
from pathlib import Path

import numpy as np

from openigrt.dicom import (
    DailyFolder,
    ImageChoice,
    PlanFolder,
    Series,
    SpatialRegistration,
    Straightening,
    check_same_patient,
    check_same_position,
    plan_from_daily,
    read_daily_folder,
    read_daily_series,
    read_object,
    read_plan_folder,
    read_spatial_registration,
)
from openigrt.errors import (
    InconsistentInput,
    InputError,
    MissingInput,
    UnsupportedInput,
    UnsupportedPatientPosition,
    WrongUsage,
)
from openigrt.files import builtin_machine, builtin_machine_names, read_machine
from openigrt.geometry import CouchPose, DegreesOfFreedom, PatientPosition, RigidTransform
from openigrt.guidance import Alignment, likely_turns
from openigrt.images import Image
from openigrt.machine import LINEAR_AXES, CouchAxis, Machine, axis_positions
from openigrt.patient import Aliases
from openigrt.tasks.guidance.isocenters import LARGEST_COORDINATE_MM
from openigrt.tasks.inputs.volumes import is_volume_file, read_daily_volume, read_planning_volume
from openigrt.tasks.words import in_short

SMALLEST_SIDE_MM, LARGEST_SIDE_MM = 5.0, 5000.0
COUCH_POSE_COUNTS = (3, 4, 6)
STRAIGHTENED = ("plan", "today", "both")
LARGEST_COUCH_POSITION_MM = 5000.0
LARGEST_ANGLE_DEG = 360.0
LARGEST_TILT_DEG = 45.0


def read_plan_input(
    path: Path,
    plan_uid: str | None,
    position: PatientPosition | None,
    series: str | None,
    straightening: Straightening,
) -> PlanFolder:
    """The plan folder, or one volume file as the planning image alone, the image as axial slices.

    Raises InputError for a UID beside a volume, and where the slices of a volume shall be straightened.
    """
    if is_volume_file(path):
        _require_no_uid(path, "--plan", plan_uid)
        _require_no_uid(path, "--plan-series", series)
        _require_no_straightening(path, straightening)
        folder = read_planning_volume(path)
    else:
        folder = read_plan_folder(path, plan_uid, position, series, straightening)
    require_bearable(folder.planning_image, "The planning image")
    return replace(folder, planning_image=folder.planning_image.axial())


def named_by(aliases: Aliases | None, folder: PlanFolder) -> PlanFolder:
    """The folder, its structures with the names and roles of an alias file, and a message for what it does not know."""
    if aliases is None or folder.structure_set is None:
        return folder
    structure_set, messages = aliases.applied(folder.structure_set)
    return replace(folder, structure_set=structure_set, messages=(*folder.messages, *messages))


def read_today_input(
    path: Path, folder: PlanFolder, series_uid: str | None, straightening: Straightening
) -> DailyFolder:
    """The image of the day, of the same patient in the same position as far as the files say."""
    if is_volume_file(path):
        _require_no_uid(path, "--series", series_uid)
        _require_no_straightening(path, straightening)
        daily = read_daily_volume(path)
    else:
        daily = read_daily_folder(path, folder.planning_image.frame.uid, series_uid, straightening)
        require_same_patient_and_position(folder, daily)
    require_bearable(daily.daily_image, "The image of the day")
    return daily


def read_series_of_day(series: Series, folder: PlanFolder, straightening: Straightening) -> DailyFolder:
    """One series of a course as the image of its day, checked as `read_today_input` checks it."""
    choice = ImageChoice(straightening=straightening)
    daily = read_daily_series(series, folder.planning_image.frame.uid, choice)
    require_same_patient_and_position(folder, daily)
    require_bearable(daily.daily_image, "The image of the day")
    return daily


def require_same_patient_and_position(folder: PlanFolder, daily: DailyFolder) -> None:
    """Raise InconsistentInput where plan and image state another patient, or that he lay otherwise."""
    check_same_patient(folder, daily)
    check_same_position(folder, daily)


def _require_no_uid(path: Path, option: str, uid: str | None) -> None:
    """Raise InputError where a UID shall choose within a volume, which has none."""
    if uid is not None:
        raise InputError(f"{path} is one volume without any UID; leave {option} {uid} out.", option=option, uid=uid)


def _require_no_straightening(path: Path, straightening: Straightening) -> None:
    """Raise InputError where a volume shall be straightened, which is a grid already."""
    if straightening is Straightening.RESAMPLED:
        raise InputError(f"{path} is one volume, straight already; leave --straighten out.", option="--straighten")


def straightening_of(named: str | None) -> tuple[Straightening, Straightening]:
    """What --straighten says of the planning image and of the image of the day; nothing is resampled unasked."""
    if named is None:
        return Straightening.REFUSED, Straightening.REFUSED
    if named not in STRAIGHTENED:
        raise InputError(f"--straighten is {in_short(named)}; expected one of {', '.join(STRAIGHTENED)}.", found=named)
    asked = {"plan", "today"} if named == "both" else {named}
    plan, today = (Straightening.RESAMPLED if image in asked else Straightening.REFUSED for image in ("plan", "today"))
    return plan, today


def require_bearable(image: Image, name: str) -> None:
    """Raise UnsupportedInput for an image of a size that no patient has: its spacing or place is in another unit."""
    grid = image.grid
    sides_mm = np.array(grid.size) * grid.spacing_mm
    if (
        sides_mm.min() < SMALLEST_SIDE_MM
        or sides_mm.max() > LARGEST_SIDE_MM
        or np.abs(grid.origin_mm).max() > LARGEST_COORDINATE_MM
    ):
        x, y, z = sides_mm
        raise UnsupportedInput(
            f"{name} is {x:.3g} x {y:.3g} x {z:.3g} mm large, its first voxel at {tuple(grid.origin_mm.tolist())} mm; "
            f"expected sides of {SMALLEST_SIDE_MM:g} to {LARGEST_SIDE_MM:g} mm. Check the voxel spacing and the unit.",
            sides_mm=sides_mm.tolist(),
        )


def position_of(given: str | None) -> PatientPosition | None:
    """The patient position of --position; raises UnsupportedPatientPosition for any other word."""
    try:
        return None if given is None else PatientPosition.parse(given)
    except UnsupportedPatientPosition:
        expected = ", ".join(PatientPosition)
        raise UnsupportedPatientPosition(
            f"--position is {in_short(given)}; expected one of {expected}.", found=given
        ) from None


def position_asked(given: str | None) -> PatientPosition | None:
    """The patient position of --position; raises WrongUsage for any other word."""
    try:
        return position_of(given)
    except UnsupportedPatientPosition as error:
        raise WrongUsage(error.sentence, **error.facts) from None


def patient_position(folder: PlanFolder, daily: DailyFolder, given: PatientPosition | None) -> PatientPosition:
    """The position that the plan, the planning image or the image of the day states, else as given.

    Raises MissingInput where nobody says it, InconsistentInput where the given one contradicts what a file says.
    """
    images = folder.planning_image.provenance, daily.daily_image.provenance
    stated = [folder.plan.patient_position] if folder.plan else []
    stated += [source.patient_position for source in images if source.patient_position is not None]
    if given is None and not stated:
        raise MissingInput(
            "Neither the plan nor an image says how the patient lies ((0018,5100) Patient Position); say so with "
            "--position, such as HFS."
        )
    if given is None:
        return stated[0]
    if stated and stated[0] is not given:
        raise InconsistentInput(
            f"--position says {given}, the files say {stated[0]}; leave it out, or correct the files.",
            found=str(given),
            expected=str(stated[0]),
        )
    return given


def read_start(path: Path) -> SpatialRegistration:
    """The registration that --start names; raises an InputError that says what the file is instead."""
    try:
        dataset, _ = read_object(path)
        return read_spatial_registration(dataset)
    except InputError as error:
        raise type(error)(
            f"--start {path} cannot be used: {error.sentence} Expected a DICOM Spatial Registration, such as the "
            "registration.dcm of an earlier run.",
            **error.facts,
        ) from None


def starts_of_search(
    start: SpatialRegistration | None, folder: PlanFolder, daily: DailyFolder, alignment: Alignment
) -> tuple[RigidTransform, ...]:
    """Where the search begins: a registration, else the isocenters upon each other, turned as the table may show."""
    plan_frame, daily_frame = folder.planning_image.frame, daily.daily_image.frame
    if start is None:
        ends = (plan_frame, alignment.plan_isocenter_mm), (daily_frame, alignment.daily_isocenter_mm)
        return tuple(RigidTransform.about_points(*ends, turn, np.zeros(3)) for turn in likely_turns(alignment))
    return (plan_from_daily(start, folder.planning_image, daily.daily_image),)


def machine_of(named: str | Path | None) -> Machine:
    """A machine file, or a machine that comes with OpenIGRT by its name; IEC 61217 where none is named."""
    if named is None:
        return builtin_machine()
    if str(named).lower() in builtin_machine_names():
        return builtin_machine(str(named).lower())
    if not Path(named).is_file():
        raise MissingInput(
            f"There is no machine file {str(named)!r}; give a file, or one of {', '.join(builtin_machine_names())}.",
            path=str(named),
        )
    return read_machine(Path(named))


def degrees_of(count: int | None) -> DegreesOfFreedom | None:
    """What the couch can do, from a number; None stays None."""
    if count is not None and count not in list(DegreesOfFreedom):
        raise InputError(f"A couch has 3, 4, 5 or 6 degrees of freedom, not {count}.", found=count)
    return None if count is None else DegreesOfFreedom(count)


def couch_pose_of(values: CouchPose | Sequence[float] | None) -> CouchPose | None:
    """A couch pose, from its 3, 4 or 6 numbers in IEC 61217 mm and degrees (lateral, longitudinal, vertical, ...)."""
    if values is None:
        return None
    try:
        given = np.asarray(astuple(values)[:6] if isinstance(values, CouchPose) else values, dtype=np.float64)
    except (TypeError, ValueError, OverflowError):
        given = np.empty(0)
    numbers: list[float] = given.tolist() if given.ndim == 1 else []
    if len(numbers) not in COUCH_POSE_COUNTS or not np.isfinite(numbers).all():
        raise InputError(
            f"The couch pose is {in_short(values)}; expected 3, 4 or 6 finite numbers (lateral, longitudinal, "
            "vertical, then yaw, then pitch and roll).",
            found=numbers,
        )
    pose = values if isinstance(values, CouchPose) else CouchPose(*numbers)
    _require_possible(pose, numbers)
    return _with_signed_angles(pose)


def _require_possible(pose: CouchPose, numbers: list[float]) -> None:
    """Raise InputError for a pose that no couch can have: centimetres of a display, or swapped numbers."""
    positions = axis_positions(pose)
    lengths_mm = [positions[axis] for axis in LINEAR_AXES]
    tilts_deg = [positions[CouchAxis.PITCH], positions[CouchAxis.ROLL]]
    angles_deg = [pose.patient_support_angle_deg, pose.table_top_pitch_angle_deg, pose.table_top_roll_angle_deg]
    if (
        max(map(abs, lengths_mm)) > LARGEST_COUCH_POSITION_MM
        or max(map(abs, angles_deg)) > LARGEST_ANGLE_DEG
        or max(map(abs, tilts_deg)) > LARGEST_TILT_DEG
    ):
        raise InputError(
            f"No couch stands at {numbers}: expected lateral, longitudinal, vertical within "
            f"{LARGEST_COUCH_POSITION_MM:g} mm, yaw within {LARGEST_ANGLE_DEG:g}°, pitch and roll within "
            f"{LARGEST_TILT_DEG:g}° (350° is -10°), in IEC 61217, not in the scale of a display.",
            found=numbers,
        )


def _with_signed_angles(pose: CouchPose) -> CouchPose:
    """The same pose, its angles in (-180, 180]: 359 degrees of pitch are -1."""
    positions = axis_positions(pose)
    return replace(
        pose,
        patient_support_angle_deg=positions[CouchAxis.YAW],
        table_top_pitch_angle_deg=positions[CouchAxis.PITCH],
        table_top_roll_angle_deg=positions[CouchAxis.ROLL],
    )
