"""The command `openigrt`: words in, sentences out, and the one place where an error becomes an exit code."""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from openigrt.cli import words
from openigrt.errors import OpenIgrtError

PROBLEM, PERSON_NEEDED = 1, 3

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="Image-guided radiotherapy, open and whole. Research software. Not a medical device. Not for clinical use.",
)
console = Console(stderr=True, highlight=False)


@app.callback()
def commands() -> None:
    """Keep every job a command of its own, even while there are few."""


@app.command()
def guide(  # noqa: PLR0917  (typer makes options of parameters)
    plan: Annotated[Path, typer.Argument(help="folder of planning CT, structures, plan, dose (DICOM), or a volume")],
    today: Annotated[Path, typer.Argument(help="folder of today's image (DICOM), or a .mha or .nrrd volume")],
    site: Annotated[str | None, typer.Option(metavar="PROTOCOL", help="protocol whose levels decide")] = None,
    region: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="bone, soft, patient or structures; may be repeated")
    ] = None,
    target: Annotated[str | None, typer.Option(metavar="ROI", help="structure the correction is judged on")] = None,
    dof: Annotated[int | None, typer.Option(min=3, max=6, help="degrees of freedom of the couch")] = None,
    plan_uid: Annotated[str | None, typer.Option("--plan", metavar="UID", help="which plan, if several")] = None,
    beam: Annotated[int | None, typer.Option(metavar="N", help="which beam's isocenter, if several")] = None,
    machine: Annotated[Path | None, typer.Option(metavar="FILE", help="machine file (TOML)")] = None,
    couch_pose: Annotated[
        str | None,
        typer.Option(metavar="LAT,LNG,VRT[,YAW[,PITCH,ROLL]]", help="couch at acquisition, IEC 61217 mm and degrees"),
    ] = None,
    isocenter: Annotated[str | None, typer.Option(metavar="X,Y,Z", help="plan isocenter, LPS mm")] = None,
    daily_isocenter: Annotated[
        str | None, typer.Option(metavar="X,Y,Z", help="machine isocenter in today's image, LPS mm")
    ] = None,
    start: Annotated[Path | None, typer.Option(metavar="FILE", help="Spatial Registration to start from")] = None,
    out: Annotated[Path, typer.Option(metavar="DIR", help="where the results go")] = Path(),
    as_json: Annotated[bool, typer.Option("--json", help="correction.json on standard output")] = False,
) -> None:
    """From a plan and today's image to a couch correction, with trust, a registration object and a report.

    Example: openigrt guide plan/ cbct/ --site prostate --region bone --out today/
    """
    from openigrt import tasks  # noqa: PLC0415  (seconds that --help should not cost)

    with console.status("starting") as status:
        guidance = tasks.guide(
            plan,
            today,
            site=site,
            region=region or "bone",
            target=target,
            dof=dof,
            plan_uid=plan_uid,
            beam=beam,
            machine=machine,
            couch_pose=words.couch_pose(couch_pose),
            isocenter=words.point(isocenter, "--isocenter"),
            daily_isocenter=words.point(daily_isocenter, "--daily-isocenter"),
            start=start,
            progress=lambda step: _tell(status.update, step),
        )
        _tell(status.update, "writing the report")
        folder = tasks.write_guidance(guidance, out)
    if as_json:
        sys.stdout.write(json.dumps(tasks.guidance_record(guidance), ensure_ascii=False) + "\n")
    else:
        sys.stdout.write(tasks.guidance_summary(guidance, folder))
    if guidance.correction.action == "call":
        raise typer.Exit(PERSON_NEEDED)


@app.command()
def example(
    folder: Annotated[Path, typer.Argument(help="where plan/ and daily/ are written")],
    seed: Annotated[int, typer.Option(help="the same seed gives the same files")] = 0,
) -> None:
    """Write the embedded example: a virtual pelvis, its plan and an image of the day, as DICOM.

    Example: openigrt example demo/
    """
    from openigrt import tasks  # noqa: PLC0415  (seconds that --help should not cost)

    with console.status("making a virtual patient"):
        made = tasks.write_example(folder, seed)
    sys.stdout.write(
        f"Wrote {made.plan_folder} and {made.daily_folder}.\n"
        f"Next: openigrt guide {made.plan_folder} {made.daily_folder} --out {folder / 'out'}\n"
    )


def main() -> None:
    """Run the command; an error on purpose becomes one sentence on standard error and exit code 1."""
    try:
        app()
    except OpenIgrtError as error:
        console.print(f"openigrt: {error.sentence}", markup=False, soft_wrap=True)
        sys.exit(PROBLEM)
    except BrokenPipeError:
        sys.exit(PROBLEM)


def _tell(update: object, step: str) -> None:
    """Show a step in place on a terminal, or as a line where there is none."""
    if console.is_terminal and callable(update):
        update(step)
    else:
        console.print(f"openigrt: {step}", markup=False)
