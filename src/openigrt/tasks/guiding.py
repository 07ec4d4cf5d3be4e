"""The main job: from a plan and today's image to a couch correction."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter

import numpy as np
from numpy.typing import ArrayLike

from openigrt.dicom import (
    DailyFolder,
    PlanFolder,
    check_same_patient,
    check_same_position,
    plan_from_daily,
    read_daily_folder,
    read_object,
    read_plan_folder,
    read_spatial_registration,
)
from openigrt.errors import AmbiguousInput, MissingInput
from openigrt.files import builtin_machine, builtin_protocols, read_machine
from openigrt.geometry import CouchPose, DegreesOfFreedom, Float64Array, PatientPosition, RigidTransform
from openigrt.guidance import (
    Alignment,
    Protocol,
    choose_target,
    decide_correction,
    find_alignment,
    find_protocol,
    judge_surrogate,
    organ_points_mm,
)
from openigrt.machine import Machine
from openigrt.patient import Plan
from openigrt.registration import Question, match_rigid
from openigrt.tasks.guidance import Guidance
from openigrt.tasks.guided_regions import body_mask, regions_to_match
from openigrt.tasks.volume_inputs import is_volume_file, read_daily_volume, read_planning_volume

LARGEST_TRUSTED_ERROR_MM = 2.0
SAME_ISOCENTER_MM = 0.1

Progress = Callable[[str], None]


def guide(
    plan: str | Path,
    today: str | Path,
    *,
    site: str | None = None,
    region: str | Sequence[str] = "bone",
    target: str | None = None,
    dof: int | None = None,
    plan_uid: str | None = None,
    beam: int | None = None,
    machine: str | Path | None = None,
    couch_pose: CouchPose | None = None,
    isocenter: ArrayLike | None = None,
    daily_isocenter: ArrayLike | None = None,
    start: str | Path | None = None,
    seed: int = 0,
    progress: Progress = lambda step: None,
) -> Guidance:
    """Match today's image to the plan and decide about the couch; nothing is written.

    `plan` and `today` are folders of DICOM (or .mha and .nrrd volumes). Isocenters are LPS mm of their own image,
    `couch_pose` is IEC 61217, `start` a Spatial Registration to search from. `progress` hears each step. Raises an
    OpenIgrtError with one sentence wherever the input does not allow an answer.
    """
    clock = _Clock(progress)
    clock.step("reading the plan")
    folder = _read_plan(Path(plan), plan_uid)
    clock.step("reading today's image")
    daily = _read_today(Path(today), folder)
    settings = _Settings(
        find_protocol(builtin_protocols(), site),
        read_machine(Path(machine)) if machine is not None else builtin_machine(),
        None if dof is None else DegreesOfFreedom(dof),
    )
    position = _patient_position(folder)
    isocenter_mm, isocenter_beam = _plan_isocenter(folder.plan, isocenter, beam)
    alignment = find_alignment(
        daily.daily_image,
        folder.planning_image.frame,
        isocenter_mm,
        position,
        machine=settings.machine,
        daily_isocenter_mm=daily_isocenter,
        start=couch_pose,
    )
    judged = choose_target(folder.structure_set, isocenter_mm, target, slice_mm=_slice_mm(folder))
    clock.step("matching")
    names = (region,) if isinstance(region, str) else tuple(region)
    question = Question(
        folder.planning_image,
        daily.daily_image,
        _start(start, folder, daily, alignment),
        judged.points_mm,
        min(0.5 * settings.protocol.verification_tolerance_mm, LARGEST_TRUSTED_ERROR_MM),
        body=body_mask(folder),
        seed=seed,
    )
    matches = match_rigid(question, regions_to_match(names, judged, folder))
    clock.step("deciding")
    surrogate = judge_surrogate(matches[0], matches[1:], judged, settings.protocol.region_disagreement_limit_mm)
    correction = decide_correction(
        matches[0],
        surrogate,
        alignment,
        judged,
        organs=organ_points_mm(folder.structure_set, slice_mm=_slice_mm(folder)),
        protocol=settings.protocol,
        machine=settings.machine,
        degrees_of_freedom=settings.degrees_of_freedom,
    )
    clock.stop()
    return Guidance(
        folder.planning_image,
        daily.daily_image,
        folder.structure_set,
        folder.plan,
        folder.dose,
        isocenter_beam,
        judged,
        alignment,
        matches,
        surrogate,
        correction,
        settings.protocol,
        settings.machine,
        question.allowed_error_mm,
        (*folder.messages, *daily.messages),
        (*folder.inputs, *daily.inputs),
        _said(site, names, target, dof, settings),
        seed,
        datetime.now(UTC),
        clock.seconds,
    )


@dataclass(frozen=True, slots=True)
class _Settings:
    """Protocol, machine and what the couch can do."""

    protocol: Protocol
    machine: Machine
    degrees_of_freedom: DegreesOfFreedom | None


class _Clock:
    """Seconds of each step, by a monotonic clock, told to `progress` as they begin."""

    def __init__(self, progress: Progress) -> None:
        self.seconds: dict[str, float] = {}
        self._progress = progress
        self._name = ""
        self._since = perf_counter()

    def step(self, name: str) -> None:
        """End the step before and begin one."""
        self.stop()
        self._name = name
        self._progress(name)

    def stop(self) -> None:
        """End the step that runs."""
        now = perf_counter()
        if self._name:
            self.seconds[self._name] = round(now - self._since, 3)
        self._since, self._name = now, ""


def _read_plan(path: Path, plan_uid: str | None) -> PlanFolder:
    """The plan folder, or one volume as the planning image alone."""
    return read_planning_volume(path) if is_volume_file(path) else read_plan_folder(path, plan_uid)


def _read_today(path: Path, folder: PlanFolder) -> DailyFolder:
    """The image of the day, of the same patient in the same position."""
    if is_volume_file(path):
        return read_daily_volume(path)
    daily = read_daily_folder(path, folder.planning_image.frame.uid)
    if not folder.planning_image.provenance.patient_id:
        return daily
    check_same_patient(folder, daily)
    check_same_position(folder, daily)
    return daily


def _patient_position(folder: PlanFolder) -> PatientPosition:
    """The position of the plan's Patient Setup, else of the planning image."""
    position = folder.plan.patient_position if folder.plan else folder.planning_image.provenance.patient_position
    if position is None:
        raise MissingInput(
            "Neither the plan nor the planning image says how the patient lies ((0018,5100) Patient Position); "
            "export the images with it."
        )
    return position


def _plan_isocenter(plan: Plan | None, given_mm: ArrayLike | None, beam: int | None) -> tuple[Float64Array, str]:
    """The isocenter (3,) in LPS mm and the beam or rule that gave it; never a guess between several."""
    if given_mm is not None:
        return np.asarray(given_mm, dtype=np.float64), "as given"
    if plan is None:
        raise MissingInput(
            "There is no plan in the plan folder, so its isocenter is not known; give --isocenter X,Y,Z."
        )
    beams = [b for b in plan.beams if not b.is_setup] or list(plan.beams)
    if beam is not None:
        beams = [b for b in plan.beams if b.number == beam]
        if not beams:
            numbers = ", ".join(f"{b.number} ({b.name})" for b in plan.beams)
            raise MissingInput(f"The plan has no beam {beam}; it has {numbers}.", found=beam)
    if not beams:
        raise MissingInput(f"Plan {plan.label} has no beams, so no isocenter; give --isocenter X,Y,Z.")
    first = np.array(beams[0].isocenter_mm)
    if any(np.abs(np.array(b.isocenter_mm) - first).max() > SAME_ISOCENTER_MM for b in beams):
        listed = "; ".join(f"{b.number} ({b.name}) at {b.isocenter_mm}" for b in beams)
        raise AmbiguousInput(f"The beams of plan {plan.label} have several isocenters: {listed}. Choose with --beam N.")
    return first, f"beam {beams[0].number} ({beams[0].name})" if len(beams) == 1 or beam else "all beams"


def _slice_mm(folder: PlanFolder) -> float:
    """Slice spacing of the planning image, mm."""
    return float(folder.planning_image.grid.spacing_mm[2])


def _start(start: str | Path | None, folder: PlanFolder, daily: DailyFolder, alignment: Alignment) -> RigidTransform:
    """Where the search begins: a registration, else the isocenters upon each other."""
    plan_frame, daily_frame = folder.planning_image.frame, daily.daily_image.frame
    if start is None:
        ends = (plan_frame, alignment.plan_isocenter_mm), (daily_frame, alignment.daily_isocenter_mm)
        return RigidTransform.about_points(*ends, np.eye(3), np.zeros(3))
    dataset, _ = read_object(Path(start))
    return plan_from_daily(read_spatial_registration(dataset), folder.planning_image, daily.daily_image)


def _said(
    site: str | None, names: tuple[str, ...], target: str | None, dof: int | None, settings: _Settings
) -> dict[str, str]:
    """The settings in words, for report and manifest."""
    return {
        "site": settings.protocol.name if site else f"{settings.protocol.name} (none was named)",
        "region": ", ".join(names),
        "target": target or "by rule",
        "degrees of freedom": str(dof or int(settings.machine.couch.degrees_of_freedom)),
        "machine": settings.machine.name,
    }
