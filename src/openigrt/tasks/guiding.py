"""The main job: from a plan and today's image to a couch correction."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from numpy.typing import ArrayLike

from openigrt.arrays import kernels_are_cached
from openigrt.dicom import DailyFolder, PlanFolder
from openigrt.errors import InputError, MatchImpossible
from openigrt.files import builtin_protocols
from openigrt.geometry import CouchPose, DegreesOfFreedom
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
from openigrt.images import Mask
from openigrt.machine import Machine
from openigrt.patient import Match, Target
from openigrt.registration import Question, match_rigid
from openigrt.tasks.clock import Clock, Progress
from openigrt.tasks.exchanged import naming_an_exchange, require_not_exchanged
from openigrt.tasks.guidance import Guidance
from openigrt.tasks.guidance_files import require_usable_folder, write_guidance
from openigrt.tasks.guidance_inputs import (
    couch_pose_of,
    degrees_of,
    machine_of,
    patient_position,
    plan_isocenter,
    point_mm,
    read_plan_input,
    read_today_input,
    starts_of_search,
)
from openigrt.tasks.guidance_remarks import (
    doubts,
    isocenters_outside,
    questions,
    region_by_default,
    regions_left_out,
    target_outside,
    what_was_read,
)
from openigrt.tasks.guided_regions import body_mask, regions_to_match

LARGEST_TRUSTED_ERROR_MM = 2.0
DEFAULT_REGION = "bone"
REGION_BY_DEFAULT, REGION_AS_NAMED = "the default, since none was named (--region)", "as it was named (--region)"
MATCHING, COMPILING = "matching", "compiling kernels, once per machine, and matching"


def guide(
    plan: str | Path,
    today: str | Path,
    *,
    site: str | None = None,
    region: str | Sequence[str] | None = None,
    target: str | None = None,
    dof: int | None = None,
    plan_uid: str | None = None,
    beam: int | None = None,
    series: str | None = None,
    machine: str | Path | None = None,
    couch_pose: CouchPose | Sequence[float] | None = None,
    position: str | None = None,
    isocenter: ArrayLike | None = None,
    daily_isocenter: ArrayLike | None = None,
    start: str | Path | None = None,
    out: str | Path | None = None,
    seed: int = 0,
    progress: Progress = lambda words: None,
) -> Guidance:
    """Match today's image to the plan and decide about the couch; written to the folder `out` where one is named.

    The words are those of the command, `plan_uid` its --plan. `plan` and `today` are folders of DICOM (or .mha and
    .nrrd volumes). Without `region` bone is matched, and the result says so. Isocenters are LPS mm, each of its own
    image; `couch_pose` is IEC 61217; `start` a Spatial Registration to search from. `progress` hears each step. Raises
    an OpenIgrtError with one sentence wherever the input does not allow an answer; nothing is written then.
    """
    if out is not None:
        require_usable_folder(Path(out), Path(plan), Path(today))
    settings = _settings(site, region, target, machine=machine, dof=dof, seed=seed)
    matching = MATCHING if kernels_are_cached("registration") else COMPILING
    clock = Clock(progress)
    with naming_an_exchange(Path(plan), Path(today)):
        clock.step("read_plan", "reading the plan")
        folder = read_plan_input(Path(plan), plan_uid)
        clock.step("read_image", "reading today's image")
        daily = read_today_input(Path(today), folder, series)
        isocenter_mm, isocenter_from = plan_isocenter(folder.plan, isocenter, beam)
        alignment = find_alignment(
            daily.daily_image,
            folder.planning_image.frame,
            isocenter_mm,
            patient_position(folder, daily, position),
            machine=settings.machine,
            daily_isocenter_mm=None if daily_isocenter is None else point_mm(daily_isocenter, "--daily-isocenter"),
            start=couch_pose_of(couch_pose),
        )
    require_not_exchanged(Path(plan), Path(today), folder, daily)
    clock.step("match", matching)
    judged = choose_target(folder.structure_set, isocenter_mm, target, slice_mm=_slice_mm(folder))
    case = _Case(folder, daily, isocenter_from, alignment, judged, settings)
    found = case.matched(start)
    clock.step("decide", "deciding")
    guidance = case.guidance(*found, clock)
    if out is not None:
        progress("writing the report")
        write_guidance(guidance, out)
    return guidance


@dataclass(frozen=True, slots=True)
class _Settings:
    """What was asked for, apart from the files of the patient."""

    protocol: Protocol
    region: tuple[str, ...]
    region_rule: str
    machine: Machine
    degrees_of_freedom: DegreesOfFreedom | None
    seed: int
    words: Mapping[str, str]


def _settings(
    site: str | None,
    region: str | Sequence[str] | None,
    target: str | None,
    *,
    machine: str | Path | None,
    dof: int | None,
    seed: int,
) -> _Settings:
    """Protocol, region names, machine and couch, checked; with the words for report and manifest."""
    protocol, named = find_protocol(builtin_protocols(), site), machine_of(machine)
    asked = DEFAULT_REGION if region is None else region
    names = (asked,) if isinstance(asked, str) else tuple(dict.fromkeys(asked))
    if not names:
        raise InputError("No region is named; name bone, soft, patient, or structures.")
    if seed < 0:
        raise InputError(f"A seed is zero or above, not {seed}.", found=seed)
    degrees = degrees_of(dof)
    words = {
        "site": f"{protocol.name} (none was named)" if site is None else protocol.name,
        "region": ", ".join(names) + (" (none was named)" if region is None else ""),
        "target": target or "by rule",
        "degrees of freedom": str(int(degrees or named.couch.degrees_of_freedom)),
        "machine": named.name,
    }
    rule = REGION_BY_DEFAULT if region is None else REGION_AS_NAMED
    return _Settings(protocol, names, rule, named, degrees, seed, words)


@dataclass(frozen=True, eq=False, slots=True)
class _Case:
    """Everything that is known before the match."""

    folder: PlanFolder
    daily: DailyFolder
    isocenter_from: str
    alignment: Alignment
    target: Target
    settings: _Settings

    @property
    def allowed_error_mm(self) -> float:
        """The largest predicted error of a trusted match."""
        return min(0.5 * self.settings.protocol.verification_tolerance_mm, LARGEST_TRUSTED_ERROR_MM)

    def question(self, start: str | Path | None, body: Mask | None) -> Question:
        """What the match is asked."""
        return Question(
            self.folder.planning_image,
            self.daily.daily_image,
            starts_of_search(start, self.folder, self.daily, self.alignment),
            self.target.points_mm,
            self.allowed_error_mm,
            body=body,
            seed=self.settings.seed,
        )

    def matched(self, start: str | Path | None) -> tuple[tuple[Match, ...], tuple[str, ...], tuple[str, ...]]:
        """The matches, what to note about their regions, and which of them were left out.

        Where there can be no match, the error also says which isocenter or target lies outside its image.
        """
        regions = regions_to_match(self.settings.region, self.target, self.folder)
        body, body_from = body_mask(self.folder)
        try:
            matches = match_rigid(self.question(start, body), regions)
        except MatchImpossible as error:
            planning_image = self.folder.planning_image
            outside = (
                *isocenters_outside(planning_image, self.daily.daily_image, self.alignment),
                *target_outside(planning_image, self.target),
            )
            raise MatchImpossible(" ".join((error.sentence, *outside)), **error.facts) from None
        noted = f"Region: {regions[0].name}, {self.settings.region_rule}.", body_from
        return matches, noted, regions_left_out(regions, matches)

    def guidance(
        self, matches: tuple[Match, ...], noted: tuple[str, ...], doubted: tuple[str, ...], clock: Clock
    ) -> Guidance:
        """The decision about the matches, with all that it rests on and what was `noted` and `doubted` on the way."""
        folder, daily, settings = self.folder, self.daily, self.settings
        surrogate = judge_surrogate(
            matches[0], matches[1:], self.target, settings.protocol.region_disagreement_limit_mm
        )
        decided_at = datetime.now(UTC)
        local_time = decided_at.astimezone()
        correction = decide_correction(
            matches[0],
            surrogate,
            self.alignment,
            self.target,
            organs=organ_points_mm(folder.structure_set, slice_mm=_slice_mm(folder)),
            protocol=settings.protocol,
            machine=settings.machine,
            degrees_of_freedom=settings.degrees_of_freedom,
            questions=questions(folder, daily, self.alignment, local_time),
        )
        clock.stop()
        return Guidance(
            folder.planning_image,
            daily.daily_image,
            folder.structure_set,
            folder.plan,
            folder.dose,
            self.isocenter_from,
            settings.region_rule,
            self.target,
            self.alignment,
            matches,
            surrogate,
            correction,
            settings.protocol,
            settings.machine,
            self.allowed_error_mm,
            (*what_was_read(folder, daily), *noted),
            (
                *doubts(folder, daily, self.alignment, settings.protocol, local_time),
                *target_outside(folder.planning_image, self.target),
                *region_by_default(settings.protocol, settings.region_rule == REGION_AS_NAMED),
                *doubted,
            ),
            (*folder.inputs, *daily.inputs),
            settings.words,
            settings.seed,
            decided_at,
            dict(clock.seconds),
        )


def _slice_mm(folder: PlanFolder) -> float:
    """Slice spacing of the planning image, mm."""
    return float(folder.planning_image.grid.spacing_mm[2])
