"""The command `openigrt`: words in, sentences out, and the one place where an error becomes an exit code."""

import gc
import json
import os
import signal
import sys
from importlib.metadata import version
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer

from openigrt.cli import options, voice, words
from openigrt.cli.exit_codes import SIGNALLED, ExitCode
from openigrt.errors import InputError, OpenIgrtError, WrongUsage

OBJECTS_BETWEEN_COLLECTIONS = 50_000

app = typer.Typer(
    name=voice.PROGRAM,
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="Image-guided radiotherapy, open and whole. Research software. Not a medical device. Not for clinical use.\n\n"
    "Example: openigrt guide plan/ cbct/ --site prostate --out today/",
)


def _print_version(is_asked: bool) -> None:
    """Say the version and leave."""
    if is_asked:
        voice.answer(f"{voice.PROGRAM} {version(voice.PROGRAM)}\n")
        raise typer.Exit(ExitCode.DONE)


@app.callback()
def commands(
    is_version_asked: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Say the version and leave.")
    ] = False,
) -> None:
    """Keep every job a command of its own, even while there are few."""


@app.command()
def guide(  # noqa: PLR0917  (typer makes options of parameters; they are taken together, from the context)
    context: typer.Context,
    plan: options.PlanFolder,
    today: options.TodayFolder,
    site: options.Site = None,
    region: options.Region = None,
    turn_by: options.TurnBy = None,
    target: options.Target = None,
    dof: options.DegreesOfFreedom = None,
    plan_uid: options.PlanUid = None,
    beam: options.Beam = None,
    series: options.Series = None,
    plan_series: options.PlanSeries = None,
    straighten: options.Straighten = None,
    machine: options.Machine = None,
    couch_pose: options.CouchPose = None,
    position: options.Position = None,
    isocenter: options.Isocenter = None,
    daily_isocenter: options.DailyIsocenter = None,
    start: options.Start = None,
    aliases: options.Aliases = None,
    out: options.Out = Path(),
    as_json: options.Json = False,
) -> None:
    """From a plan and today's image to a couch correction, with trust, a registration object and a report.

    Example: openigrt guide plan/ cbct/ --site prostate --region bone --out today/
    """
    asked = words.numbers_of_guide({name: value for name, value in context.params.items() if name != "as_json"})

    from openigrt import tasks  # noqa: PLC0415  (seconds that --help and wrong usage should not cost)

    with voice.progress() as tell:
        guidance = tasks.guide(**asked, progress=tell)
    if as_json:
        voice.answer(json.dumps(tasks.guidance_record(guidance), ensure_ascii=False, allow_nan=False) + "\n")
    else:
        voice.answer(tasks.guidance_summary(guidance, out))
    raise typer.Exit(ExitCode.PERSON_NEEDED if guidance.correction.action == "call" else ExitCode.DONE)


@app.command()
def review(  # noqa: PLR0917  (typer makes options of parameters)
    plan: options.PlanFolder,
    days: options.DaysFolder,
    site: options.Site = None,
    region: options.Region = None,
    target: options.Target = None,
    plan_uid: options.PlanUid = None,
    beam: options.Beam = None,
    machine: options.Machine = None,
    aliases: options.Aliases = None,
    plan_series: options.PlanSeries = None,
    straighten: options.Straighten = None,
    position: options.Position = None,
    isocenter: options.Isocenter = None,
    daily_isocenter: options.DailyIsocenter = None,
    out: options.Out = Path(),
    jobs: options.Jobs = None,
    as_json: options.Json = False,
) -> None:
    """Every image of a course matched to the plan, and compared with the registrations that other systems made of it.

    Example: openigrt review plan/ days/ --site prostate --out review/
    """
    points = words.point(isocenter, "--isocenter"), words.point(daily_isocenter, "--daily-isocenter")

    from openigrt import tasks  # noqa: PLC0415  (seconds that --help and wrong usage should not cost)

    with voice.progress() as tell:
        found = tasks.review(
            plan,
            days,
            site=site,
            region=region or None,
            target=target,
            plan_uid=plan_uid,
            beam=beam,
            machine=machine,
            aliases=aliases,
            plan_series=plan_series,
            straighten=straighten,
            position=position,
            isocenter=points[0],
            daily_isocenter=points[1],
            out=out,
            jobs=jobs,
            progress=tell,
        )
    if as_json:
        voice.answer(json.dumps(tasks.review_record(found), ensure_ascii=False, allow_nan=False) + "\n")
    else:
        voice.answer(tasks.review_summary(found, out))
    if not found.matched:
        raise InputError("No image of the course could be matched; the report says why of each.")
    raise typer.Exit(ExitCode.PERSON_NEEDED if found.needs_person else ExitCode.DONE)


@app.command()
def reconstruct(  # noqa: PLR0917  (typer makes options of parameters; they are taken together, from the context)
    context: typer.Context,
    projections: options.Projections,
    out: options.SlicesOut,
    geometry: options.Geometry = None,
    machine: options.Machine = None,
    method: options.Method = "fdk",
    iterations: options.Iterations = None,
    voxel: options.Voxel = 1.0,
    size: options.Size = None,
    window: options.Window = None,
    cut_off: options.CutOff = None,
    fan: options.FanOfDetector = None,
    flat: options.Flat = None,
    dark: options.Dark = None,
    scatter: options.ScatterName = "none",
    rings: options.Rings = False,
    metal: options.Metal = False,
    tube_voltage: options.TubeVoltage = None,
    water: options.Water = None,
    prior: options.Prior = None,
    match_seen: options.MatchSeen = False,
    four_d: options.FourD = None,
    binning: options.Binning = None,
    trace: options.Trace = None,
    trace_start: options.TraceStart = None,
    plan: options.PlanOfPatient = None,
    plan_uid: options.PlanWithinFolder = None,
    plan_series: options.PlanSeries = None,
    position: options.Position = None,
    couch_pose: options.CouchPose = None,
    spacing: options.DetectorSpacing = None,
    quantity: options.PixelQuantity = None,
    frame_rate: options.FrameRate = None,
    as_json: options.Json = False,
) -> None:
    """From the projections of a scan to a cone-beam CT in HU, as a DICOM series that `guide` takes.

    Example: openigrt reconstruct projections/ --plan plan/ --out cbct/
    """
    asked = words.numbers_of_reconstruct({name: value for name, value in context.params.items() if name != "as_json"})

    from openigrt import tasks  # noqa: PLC0415  (seconds that --help and wrong usage should not cost)

    with voice.progress() as tell:
        done = tasks.reconstruct(**asked, progress=tell)
    if as_json:
        voice.answer(json.dumps(tasks.reconstruction_record(done), ensure_ascii=False, allow_nan=False) + "\n")
    else:
        voice.answer(tasks.reconstruction_summary(done, out) + words.next_of_reconstruct(plan or prior, out))
    raise typer.Exit(ExitCode.PERSON_NEEDED if done.is_person_needed else ExitCode.DONE)


@app.command()
def drr(  # noqa: PLR0917  (typer makes options of parameters; they are taken together, from the context)
    context: typer.Context,
    plan: options.PlanFolder,
    out: options.RadiographsOut,
    beam: options.SetupBeam = None,
    gantry: options.GantryAngles = None,
    machine: options.ImagerMachine = None,
    window: options.RadiographWindows = None,
    source_to_image: options.SourceToImage = None,
    size: options.RadiographSize = None,
    spacing: options.RadiographSpacing = None,
    isocenter: options.Isocenter = None,
    position: options.Position = None,
    plan_uid: options.PlanUid = None,
    plan_series: options.PlanSeries = None,
    structures: options.DrawnStructures = None,
    aperture: options.DrawnAperture = False,
    as_json: options.Json = False,
) -> None:
    """Digitally reconstructed radiographs of a plan's setup beams, as RT Images and as pictures.

    Example: openigrt drr plan/ --window bone --out radiographs/
    """
    asked = words.numbers_of_drr({name: value for name, value in context.params.items() if name != "as_json"})

    from openigrt import tasks  # noqa: PLC0415  (seconds that --help and wrong usage should not cost)

    with voice.progress() as tell:
        done = tasks.drr(**asked, progress=tell)
    if as_json:
        voice.answer(json.dumps(tasks.radiographs_record(done), ensure_ascii=False, allow_nan=False) + "\n")
    else:
        voice.answer(tasks.radiographs_summary(done, out))


@app.command()
def check(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", parser=words.path, help="folder of DICOM to look into")],
    aliases: options.Aliases = None,
    whole: Annotated[bool, typer.Option("--whole", help="read every object whole, not its header alone")] = False,
    as_json: options.Json = False,
) -> None:
    """What is in a folder of DICOM, what belongs together, and what is missing or wrong, with what to do about it.

    Example: openigrt check patient/
    """
    from openigrt import tasks  # noqa: PLC0415  (seconds that --help and wrong usage should not cost)

    with voice.progress() as tell:
        found = (tasks.check_whole if whole else tasks.check)(folder, aliases=aliases, progress=tell)
    if as_json:
        voice.answer(json.dumps(tasks.check_record(found), allow_nan=False) + "\n")
    else:
        voice.answer(tasks.check_summary(found))
    raise typer.Exit(ExitCode.PERSON_NEEDED if found.worst == "error" else ExitCode.DONE)


@app.command()
def sort(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", parser=words.path, help="folder of DICOM, however mixed")],
    out: Annotated[Path, typer.Argument(metavar="OUT", parser=words.path, help="new folder for the sorted copies")],
    as_json: options.Json = False,
) -> None:
    """Copy a heap of DICOM into folders: each patient, each plan with what belongs to it, other images by time.

    Example: openigrt sort export/ sorted/
    """
    from openigrt import tasks  # noqa: PLC0415  (seconds that --help and wrong usage should not cost)

    with voice.progress() as tell:
        done = tasks.sort(folder, out, progress=tell)
    if as_json:
        voice.answer(json.dumps(tasks.sorted_record(done), allow_nan=False) + "\n")
    else:
        voice.answer(tasks.sorted_summary(done))
    raise typer.Exit(ExitCode.PERSON_NEEDED if done.is_person_needed else ExitCode.DONE)


@app.command()
def deidentify(  # noqa: PLR0917  (typer makes options of parameters)
    folder: options.OriginalFolder,
    out: options.DeidentifiedFolder,
    key: options.Key = None,
    ids: options.GivenIds = None,
    link: options.Link = None,
    keep: options.Keep = None,
    as_json: options.Json = False,
) -> None:
    """A folder of DICOM without the people in it (PS3.15 annex E); what belongs together still does.

    Pixels are not looked at: the answer names what a person must look at before anything is shared.

    Example: openigrt deidentify patient/ shared/ --key study.key
    """
    from openigrt import tasks  # noqa: PLC0415  (seconds that --help and wrong usage should not cost)

    with voice.progress() as tell:
        done = tasks.deidentify(
            folder, out, key, ids=ids, link=link, keep=[kind.value for kind in keep or []], progress=tell
        )
    for sentence in done.told:
        voice.tell(sentence)
    if as_json:
        voice.answer(json.dumps(tasks.deidentification_record(done), allow_nan=False) + "\n")
    else:
        voice.answer(tasks.deidentification_summary(done))
    raise typer.Exit(ExitCode.PERSON_NEEDED if done.is_person_needed else ExitCode.DONE)


@app.command()
def accept(
    machine: options.AcceptedMachine,
    readings: options.Readings = None,
    out: options.AcceptanceOut = None,
    as_json: options.Json = False,
) -> None:
    """Test a machine file against its machine: scales by example, a page to fill in, and what the readings say.

    Example: openigrt accept room2.toml --out acceptance/
    """
    from openigrt import tasks  # noqa: PLC0415  (seconds that --help and wrong usage should not cost)

    found = tasks.accept(machine, readings, out)
    if as_json:
        voice.answer(json.dumps(tasks.acceptance_record(found), allow_nan=False) + "\n")
    else:
        voice.answer(tasks.acceptance_summary(found))
    raise typer.Exit(ExitCode.DONE if found.outcome in (None, "passed") else ExitCode.PERSON_NEEDED)


@app.command()
def demo(  # noqa: PLR0917  (typer makes options of parameters)
    anatomy: options.Anatomy = None,
    patient: options.OwnPatient = None,
    target: options.Target = None,
    fractions: options.Fractions = None,
    seed: options.CourseSeed = 0,
    quick: options.Quick = False,
    full: options.WholeScans = False,
    coarse: options.CoarseLinac = False,
    correct_above: options.CorrectAbove = None,
    out: options.CourseOut = Path("demo"),
    as_json: options.Json = False,
) -> None:
    """A virtual patient through a whole course on a virtual linac, with what was true beside what was believed.

    Example: openigrt demo --anatomy thorax --fractions 3 --out course/
    """
    images = words.images_of_demo(quick=quick, full=full)

    from openigrt import tasks  # noqa: PLC0415  (seconds that --help and wrong usage should not cost)

    with voice.progress() as tell:
        course = tasks.simulate_course(
            out,
            anatomy=anatomy,
            patient=patient,
            target=target,
            fractions=fractions,
            seed=seed,
            images=images,
            linac="coarse" if coarse else "nominal",
            correct_above=correct_above,
            progress=tell,
        )
    if as_json:
        voice.answer(json.dumps(tasks.course_record(course), ensure_ascii=False, allow_nan=False) + "\n")
    else:
        voice.answer(tasks.course_summary(course))


@app.command()
def example(
    folder: Annotated[
        Path, typer.Argument(metavar="FOLDER", parser=words.path, help="where plan/ and daily/ are written")
    ],
    seed: Annotated[int, typer.Option(min=0, metavar="N", help="the same seed gives the same files")] = 0,
) -> None:
    """Write the embedded example: a virtual pelvis, its plan and an image of the day, as DICOM.

    Example: openigrt example demo/
    """
    from openigrt import tasks  # noqa: PLC0415  (seconds that --help should not cost)

    with voice.progress() as tell:
        made = tasks.write_example(folder, seed, progress=tell)
    voice.answer(
        f"Wrote {made.plan_folder} and {made.daily_folder}.\n"
        f"Next: {voice.called('guide', made.plan_folder, made.daily_folder, '--out', folder / 'out')}\n"
    )


def main() -> None:
    """Run the command; an error on purpose becomes one sentence on standard error and exit code 1, or 2 for words."""
    # Looking for garbage among the many objects of imported packages took a tenth of every run (measured).
    gc.set_threshold(OBJECTS_BETWEEN_COLLECTIONS)
    voice.speak_any_alphabet()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _leave)
    try:
        _require_usable_environment()
        app()
    except WrongUsage as error:
        voice.tell(error.sentence)
        sys.exit(ExitCode.USAGE)
    except OpenIgrtError as error:
        voice.tell(error.sentence)
    except OSError as error:
        voice.tell(f"{error.filename or 'The system'}: {error.strerror or error or type(error).__name__}.")
    except MemoryError:
        voice.tell("There is not enough memory for these images.")
    sys.exit(ExitCode.PROBLEM)


def _require_usable_environment() -> None:
    """Raise InputError for what no work can begin with, in words instead of a library's."""
    threads = os.environ.get("NUMBA_NUM_THREADS")
    if threads is not None and not (threads.isdecimal() and int(threads) > 0):
        raise InputError(f"NUMBA_NUM_THREADS is {threads!r}; set it to a number of threads, 1 or more, or unset it.")
    try:
        Path.cwd()
    except OSError:
        raise InputError("The folder that this command was called in is gone; change to another one.") from None


def _leave(number: int, frame: FrameType | None) -> None:
    """End at a signal as if the work had raised it, so that everything on the way cleans up."""
    voice.tell("interrupted")
    raise SystemExit(SIGNALLED + number)
