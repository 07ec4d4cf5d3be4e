"""The main job: from a plan and today's image to a couch correction."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from numpy.typing import ArrayLike

from openigrt.arrays import kernels_are_cached
from openigrt.dicom import DailyFolder, PlanFolder, SpatialRegistration
from openigrt.errors import MatchImpossible
from openigrt.geometry import CouchPose
from openigrt.guidance import Alignment, choose_target, decide_correction, judge_surrogate, organ_points_mm
from openigrt.images import Mask
from openigrt.patient import Match, Target
from openigrt.registration import Question, match_rigid
from openigrt.tasks.clock import Clock, Progress
from openigrt.tasks.exchanged import naming_an_exchange, require_not_exchanged
from openigrt.tasks.guidance import Guidance
from openigrt.tasks.guidance_files import require_usable_folder, set_results_aside, write_guidance
from openigrt.tasks.guidance_inputs import position_of, read_plan_input, read_start, read_today_input, starts_of_search
from openigrt.tasks.guidance_remarks import (
    body_in_doubt,
    body_on_few_slices,
    doubts,
    isocenters_outside,
    questions,
    region_by_default,
    regions_left_out,
    share_of_body_on_outline,
    structures_elsewhere,
    target_beside_isocenter,
    target_outside,
    untested_machine,
    what_was_read,
)
from openigrt.tasks.guidance_settings import GuidanceSettings, guidance_settings
from openigrt.tasks.guided_regions import body_mask, regions_to_match
from openigrt.tasks.patient_setup import GivenSetup, PatientSetup, patient_setup
from openigrt.tasks.words import (
    given,
    require_listener,
    require_names,
    require_paths,
    require_seed,
    require_texts,
    require_whole_numbers,
)

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
    an OpenIgrtError with one sentence wherever the input does not allow an answer; nothing is written then. What an
    earlier run left in `out` is moved to a folder below `out`/former first, so that it cannot be taken for this answer.
    """
    require_paths(plan=plan, today=today, **given(machine=machine, start=start, out=out))
    require_texts(**given(site=site, target=target, plan_uid=plan_uid, series=series, position=position))
    require_whole_numbers(**given(dof=dof, beam=beam))
    require_seed(seed)
    require_names(**given(region=region))
    require_listener(progress)
    places, lying = (Path(plan), Path(today)), position_of(position)
    registration = _registration(start, out, places, progress)
    settings = guidance_settings(site, region, target, machine=machine, dof=dof, start=start, seed=seed)
    clock = Clock(progress)
    with naming_an_exchange(*places):
        clock.step("read_plan", "reading the plan")
        folder = read_plan_input(places[0], plan_uid, lying)
        clock.step("read_image", "reading today's image")
        daily = read_today_input(places[1], folder, series)
        by_hand = GivenSetup(beam, isocenter, daily_isocenter, lying, couch_pose)
        setup = patient_setup(by_hand, folder, daily, settings.machine)
    require_not_exchanged(*places, folder, daily)
    clock.step("match", MATCHING if kernels_are_cached("registration") else COMPILING)
    case = _Case(folder, daily, setup, _target(folder, setup, target), settings, *body_mask(folder))
    found = case.matched(registration)
    clock.step("decide", "deciding")
    guidance = case.guidance(*found, clock)
    if out is not None:
        progress("writing the report")
        write_guidance(guidance, out)
    return guidance


def _registration(
    start: str | Path | None, out: str | Path | None, inputs: tuple[Path, Path], progress: Progress
) -> SpatialRegistration | None:
    """The registration to start from, which may be an earlier result; those are moved aside, be it read or not."""
    if out is not None:
        require_usable_folder(Path(out), *inputs)
    try:
        return None if start is None else read_start(Path(start))
    finally:
        if out is not None:
            set_results_aside(Path(out), progress)


@dataclass(frozen=True, eq=False, slots=True)
class _Case:
    """Everything that is known before the match."""

    folder: PlanFolder
    daily: DailyFolder
    setup: PatientSetup
    target: Target
    settings: GuidanceSettings
    body: Mask | None
    body_from: str

    @property
    def alignment(self) -> Alignment:
        """What ties plan, image and room together."""
        return self.setup.alignment

    def question(self, start: SpatialRegistration | None) -> Question:
        """What the match is asked."""
        return Question(
            self.folder.planning_image,
            self.daily.daily_image,
            starts_of_search(start, self.folder, self.daily, self.alignment),
            self.target.points_mm,
            self.settings.allowed_error_mm,
            body=self.body,
            seed=self.settings.seed,
        )

    def matched(self, start: SpatialRegistration | None) -> tuple[tuple[Match, ...], tuple[str, ...]]:
        """The matches, and which regions were left out.

        Where there can be no match, the error also says which isocenter or target lies outside its image, and which
        isocenter contradicts the files.
        """
        regions = regions_to_match(self.settings.region, self.target, self.folder)
        try:
            matches = match_rigid(self.question(start), regions)
        except MatchImpossible as error:
            planning_image = self.folder.planning_image
            likely = (
                *isocenters_outside(planning_image, self.daily.daily_image, self.alignment),
                *target_outside(planning_image, self.target),
                *body_on_few_slices(self.body),
                *(contradiction.sentence for contradiction in self.setup.contradictions),
            )
            raise MatchImpossible(" ".join((error.sentence, *likely)), **error.facts) from None
        return matches, regions_left_out(regions, matches)

    def guidance(self, matches: tuple[Match, ...], left_out: tuple[str, ...], clock: Clock) -> Guidance:
        """The decision about the matches, with all that it rests on."""
        folder, daily, settings = self.folder, self.daily, self.settings
        surrogate = judge_surrogate(
            matches[0], matches[1:], self.target, settings.protocol.region_disagreement_limit_mm
        )
        on_outline = share_of_body_on_outline(folder.planning_image, self.body)
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
            questions=(
                *questions(folder, daily, self.setup, settings.protocol, local_time),
                *structures_elsewhere(on_outline, self.alignment, self.target),
            ),
        )
        clock.stop()
        return Guidance(
            planning_image=folder.planning_image,
            daily_image=daily.daily_image,
            structure_set=folder.structure_set,
            plan=folder.plan,
            dose=folder.dose,
            isocenter_from=self.setup.isocenter_from,
            region_rule=settings.region_rule,
            target=self.target,
            alignment=self.alignment,
            matches=matches,
            surrogate=surrogate,
            correction=correction,
            protocol=settings.protocol,
            machine=settings.machine,
            allowed_error_mm=settings.allowed_error_mm,
            read=(
                *what_was_read(folder, daily),
                f"Region: {matches[0].region}, {settings.region_rule}.",
                self.body_from,
            ),
            warnings=(
                *doubts(folder, daily, self.setup, settings.protocol, local_time),
                *target_outside(folder.planning_image, self.target),
                *target_beside_isocenter(self.alignment, self.target),
                *body_on_few_slices(self.body),
                *body_in_doubt(on_outline),
                *_by_default(settings),
                *left_out,
            ),
            inputs=(*folder.inputs, *daily.inputs),
            settings=settings.words,
            seed=settings.seed,
            decided_at=decided_at,
            timing_s=dict(clock.seconds),
        )


def _by_default(settings: GuidanceSettings) -> tuple[str, ...]:
    """What to know about words that were not said, or not looked into."""
    return (
        *region_by_default(settings.protocol, settings.region_is_named),
        *untested_machine(settings.machine, settings.machine_is_named),
    )


def _target(folder: PlanFolder, setup: PatientSetup, named: str | None) -> Target:
    """The target that was named, else the one by rule."""
    isocenter_mm = setup.alignment.plan_isocenter_mm
    return choose_target(folder.structure_set, isocenter_mm, named, slice_mm=_slice_mm(folder))


def _slice_mm(folder: PlanFolder) -> float:
    """Slice spacing of the planning image, mm."""
    return float(folder.planning_image.grid.spacing_mm[2])
