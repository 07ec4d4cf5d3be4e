"""The main job: from a plan and today's image to a couch correction."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from numpy.typing import ArrayLike

from openigrt.arrays import kernels_are_cached
from openigrt.dicom import DailyFolder, SpatialRegistration, Straightening
from openigrt.errors import MatchImpossible
from openigrt.geometry import CouchPose
from openigrt.guidance import Alignment, decide_correction
from openigrt.patient import Match
from openigrt.registration import Question, Region, match_markers, match_rigid
from openigrt.tasks.clock import Clock, Progress
from openigrt.tasks.guidance.files import CORRECTION, RESULTS, write_guidance
from openigrt.tasks.guidance.guidance import Guidance
from openigrt.tasks.guidance.inputs import (
    named_by,
    position_of,
    read_plan_input,
    read_start,
    read_today_input,
    starts_of_search,
    straightening_of,
)
from openigrt.tasks.guidance.patient_setup import GivenSetup, PatientSetup, patient_setup
from openigrt.tasks.guidance.plan_side import PlanSide
from openigrt.tasks.guidance.regions import surrogate_of, turned
from openigrt.tasks.guidance.remarks import (
    body_in_doubt,
    body_on_few_slices,
    doubts,
    isocenters_outside,
    questions,
    region_by_default,
    regions_left_out,
    structures_elsewhere,
    target_beside_isocenter,
    target_outside,
    untested_machine,
    what_was_read,
)
from openigrt.tasks.guidance.settings import GuidanceSettings, guidance_settings
from openigrt.tasks.inputs.exchanged import naming_an_exchange, require_not_exchanged
from openigrt.tasks.results.folder import require_usable_folder
from openigrt.tasks.results.former import tell_set_aside
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
    turn_by: str | None = None,
    target: str | None = None,
    dof: int | None = None,
    plan_uid: str | None = None,
    beam: int | None = None,
    series: str | None = None,
    plan_series: str | None = None,
    straighten: str | None = None,
    machine: str | Path | None = None,
    couch_pose: CouchPose | Sequence[float] | None = None,
    position: str | None = None,
    isocenter: ArrayLike | None = None,
    daily_isocenter: ArrayLike | None = None,
    start: str | Path | None = None,
    aliases: str | Path | None = None,
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
    require_paths(plan=plan, today=today, **given(machine=machine, start=start, aliases=aliases, out=out))
    require_texts(
        **given(site=site, turn_by=turn_by, target=target, plan_uid=plan_uid, series=series, position=position)
    )
    require_texts(**given(plan_series=plan_series, straighten=straighten))
    require_whole_numbers(**given(dof=dof, beam=beam))
    require_seed(seed)
    require_names(**given(region=region))
    require_listener(progress)
    places, lying, straightening = (Path(plan), Path(today)), position_of(position), straightening_of(straighten)
    registration = _registration(start, out, places, progress)
    settings = guidance_settings(
        site, region, target, machine=machine, dof=dof, start=start, aliases=aliases, seed=seed, turn_by=turn_by
    )
    settings = settings.saying({"planning series": plan_series, "straightened": straighten})
    asked = InputsAsked(plan_uid, plan_series, target, series, straightening)
    by_hand = GivenSetup(beam, isocenter, daily_isocenter, lying, couch_pose)
    clock = Clock(progress)
    case = _case(places, asked, by_hand, settings, clock)
    clock.step("match", MATCHING if kernels_are_cached("registration") else COMPILING)
    found = case.matched(registration)
    clock.step("decide", "deciding")
    guidance = case.guidance(*found, datetime.now(UTC), clock)
    if out is not None:
        progress("writing the report")
        write_guidance(guidance, out)
    return guidance


@dataclass(frozen=True, slots=True)
class InputsAsked:
    """Which plan, planning image, target and image of the day are meant, and which image may be straightened."""

    plan_uid: str | None
    plan_series: str | None
    target: str | None
    series: str | None
    straightening: tuple[Straightening, Straightening]


def _case(
    places: tuple[Path, Path], asked: InputsAsked, by_hand: GivenSetup, settings: GuidanceSettings, clock: Clock
) -> "Case":
    """Both sides as they are read from their folders; raises where they do not belong together."""
    of_plan, of_day = asked.straightening
    with naming_an_exchange(*places):
        clock.step("read_plan", "reading the plan")
        read = read_plan_input(places[0], asked.plan_uid, by_hand.position, asked.plan_series, of_plan)
        folder = named_by(settings.aliases, read)
        clock.step("read_image", "reading today's image")
        daily = read_today_input(places[1], folder, asked.series, of_day)
        setup = patient_setup(by_hand, folder, daily, settings.machine)
    require_not_exchanged(*places, folder, daily)
    return Case(PlanSide(folder, settings, setup.alignment.plan_isocenter_mm, asked.target), daily, setup)


def _registration(
    start: str | Path | None, out: str | Path | None, inputs: tuple[Path, Path], progress: Progress
) -> SpatialRegistration | None:
    """The registration to start from, which may be an earlier result; those are moved aside, be it read or not."""
    if out is not None:
        require_usable_folder(Path(out), RESULTS, *inputs)
    try:
        return None if start is None else read_start(Path(start))
    finally:
        if out is not None:
            tell_set_aside(Path(out), RESULTS, CORRECTION, "run", progress)


@dataclass(frozen=True, eq=False, slots=True)
class Case:
    """Everything that is known before the match of one image of the day."""

    plan: PlanSide
    daily: DailyFolder
    setup: PatientSetup

    @property
    def alignment(self) -> Alignment:
        """What ties plan, image and room together."""
        return self.setup.alignment

    def question(self, start: SpatialRegistration | None) -> Question:
        """What the match is asked."""
        plan = self.plan
        return Question(
            plan.folder.planning_image,
            self.daily.daily_image,
            starts_of_search(start, plan.folder, self.daily, self.alignment),
            plan.target.points_mm,
            plan.settings.allowed_error_mm,
            body=plan.body,
            seed=plan.settings.seed,
            plan_source=plan.source,
        )

    def matched(self, start: SpatialRegistration | None) -> tuple[tuple[Match, ...], tuple[str, ...]]:
        """The matches, and which regions were left out.

        Where there can be no match, the error also says which isocenter or target lies outside its image, and which
        isocenter contradicts the files.
        """
        regions = self.plan.regions
        try:
            matches = _matches(self.question(start), regions)
        except MatchImpossible as error:
            planning_image = self.plan.folder.planning_image
            likely = (
                *isocenters_outside(planning_image, self.daily.daily_image, self.alignment),
                *target_outside(planning_image, self.plan.target),
                *body_on_few_slices(self.plan.body),
                *(contradiction.sentence for contradiction in self.setup.contradictions),
            )
            raise MatchImpossible(" ".join((error.sentence, *likely)), **error.facts) from None
        matches, about_turn = turned(matches, self.plan.settings.turn_by, self.plan.target)
        return matches, (*regions_left_out(regions, matches), *about_turn)

    def guidance(
        self, matches: tuple[Match, ...], left_out: tuple[str, ...], decided_at: datetime, clock: Clock
    ) -> Guidance:
        """The decision about the matches at a moment, with all that it rests on."""
        folder, settings, target = self.plan.folder, self.plan.settings, self.plan.target
        surrogate = surrogate_of(matches, self.plan.regions[0], target, settings.protocol)
        local_time = decided_at.astimezone()
        correction = decide_correction(
            matches[0],
            surrogate,
            self.alignment,
            target,
            organs=self.plan.organs,
            protocol=settings.protocol,
            machine=settings.machine,
            degrees_of_freedom=settings.degrees_of_freedom,
            questions=(
                *questions(folder, self.daily, self.setup, settings.protocol, local_time),
                *structures_elsewhere(self.plan.share_on_outline, self.alignment, target),
            ),
        )
        clock.stop()
        return Guidance(
            planning_image=folder.planning_image,
            daily_image=self.daily.daily_image,
            structure_set=folder.structure_set,
            plan=folder.plan,
            dose=folder.dose,
            isocenter_from=self.setup.isocenter_from,
            region_rule=settings.region_rule,
            target=target,
            alignment=self.alignment,
            matches=matches,
            surrogate=surrogate,
            correction=correction,
            protocol=settings.protocol,
            machine=settings.machine,
            allowed_error_mm=settings.allowed_error_mm,
            read=(
                *what_was_read(folder, self.daily),
                f"Region: {matches[0].region}, {settings.region_rule}.",
                self.plan.body_from,
            ),
            warnings=(
                *doubts(folder, self.daily, self.setup, settings.protocol, local_time),
                *target_outside(folder.planning_image, target),
                *target_beside_isocenter(self.alignment, target),
                *body_on_few_slices(self.plan.body),
                *body_in_doubt(self.plan.share_on_outline),
                *_by_default(settings),
                *left_out,
            ),
            inputs=(*folder.inputs, *self.daily.inputs),
            settings=settings.words,
            seed=settings.seed,
            decided_at=decided_at,
            timing_s=dict(clock.seconds),
        )


def _matches(question: Question, regions: tuple[Region, ...]) -> tuple[Match, ...]:
    """Matches of all regions, the one that was asked for first; markers are looked for where the others lead."""
    markers = regions[0].markers
    if markers is None:
        return match_rigid(question, regions)
    try:
        others = match_rigid(question, regions[1:])
    except MatchImpossible:
        others = ()
    return (match_markers(question, markers, others), *others)


def _by_default(settings: GuidanceSettings) -> tuple[str, ...]:
    """What to know about words that were not said, or not looked into."""
    return (
        *region_by_default(settings.protocol, settings.region_is_named),
        *untested_machine(settings.machine, settings.machine_is_named),
    )
