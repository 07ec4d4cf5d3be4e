"""Words that a person types, as numbers. Nothing heavy is imported here: `--help` passes through."""

import math
from pathlib import Path
from typing import Any

import typer

from openigrt.cli import voice

MOST_ANGLES, MANY = 360, 10


def path(text: str | Path) -> Path:
    """A file or folder; nothing at all, as an unset variable of a shell gives, is wrong usage and not this folder."""
    return Path(name(str(text)))


def name(text: str) -> str:
    """A name that is one."""
    if not text.strip() or "\0" in text:
        raise typer.BadParameter(f"{text!r} is no name.")
    return text


def point(text: str | None, option: str) -> tuple[float, ...] | None:
    """X,Y,Z in mm; wrong usage is said with the name of the option."""
    return None if text is None else _numbers(text, (3,), option)


def couch_pose(text: str | None) -> tuple[float, ...] | None:
    """LAT,LNG,VRT, then the support angle, then pitch and roll: IEC 61217 mm and degrees."""
    return None if text is None else _numbers(text, (3, 4, 6), "--couch-pose")


def numbers_of_drr(typed: dict[str, Any]) -> dict[str, Any]:
    """What was typed after `drr`, with points, sizes, spacing and angles as numbers and names apart."""
    size, spacing, angles, names = (typed.pop(name) for name in ("size", "spacing", "gantry", "structures"))
    typed["isocenter"] = point(typed["isocenter"], "--isocenter")
    given = {
        "window": typed.pop("window") or None,
        "size": None if size is None else _whole_numbers(size, 2, "--size"),
        "spacing": None if spacing is None else _numbers(spacing, (2,), "--spacing"),
        "gantry": None if angles is None else _numbers(angles, tuple(range(1, MOST_ANGLES + 1)), "--gantry"),
        "structures": None if names is None else [part.strip() for part in names.split(",") if part.strip()],
    }
    return typed | {name: value for name, value in given.items() if value is not None}


def numbers_of_guide(typed: dict[str, Any]) -> dict[str, Any]:
    """What was typed after `guide`, with points and couch pose as numbers."""
    return typed | {
        "region": typed["region"] or None,
        "isocenter": point(typed["isocenter"], "--isocenter"),
        "daily_isocenter": point(typed["daily_isocenter"], "--daily-isocenter"),
        "couch_pose": couch_pose(typed["couch_pose"]),
    }


def numbers_of_reconstruct(typed: dict[str, Any]) -> dict[str, Any]:
    """What was typed after `reconstruct`, with size, spacing and couch pose as numbers."""
    spacing = typed["spacing"]
    return typed | {
        "size": _size(typed["size"]),
        "spacing": None if spacing is None else _numbers(spacing, (2,), "--spacing"),
        "couch_pose": couch_pose(typed["couch_pose"]),
    }


def next_of_reconstruct(plan: Path | None, out: Path) -> str:
    """The command that matches what was reconstructed, ready for a shell; PLAN stands for what was not named."""
    if plan is None:
        return f"Next, with the plan folder for PLAN: {voice.called('guide', 'PLAN', out / 'ct')}\n"
    return f"Next: {voice.called('guide', plan, out / 'ct')}\n"


def _size(text: str | None) -> tuple[int, ...] | None:
    """COLUMNS,ROWS,SLICES as whole numbers."""
    return None if text is None else _whole_numbers(text, 3, "--size")


def _whole_numbers(text: str, count: int, option: str) -> tuple[int, ...]:
    """So many whole numbers between commas."""
    counts = _numbers(text, (count,), option)
    if not all(number.is_integer() for number in counts):
        expected = {2: "two", 3: "three"}[count]
        raise typer.BadParameter(f"{text!r}: expected {expected} whole numbers.", param_hint=option)
    return tuple(int(number) for number in counts)


def _numbers(text: str, counts: tuple[int, ...], option: str) -> tuple[float, ...]:
    """Finite numbers between commas, as many as one of `counts`."""
    try:
        values = () if "_" in text else tuple(float(part) for part in text.split(","))
    except ValueError:
        values = ()
    if len(values) not in counts or not all(math.isfinite(value) for value in values):
        expected = " or ".join(map(str, counts)) if len(counts) < MANY else f"{counts[0]} to {counts[-1]}"
        raise typer.BadParameter(
            f"{text!r}: expected {expected} numbers with commas between them, none of them infinite or NaN.",
            param_hint=option,
        )
    return values


def images_of_demo(*, quick: bool, full: bool) -> str:
    """How images of a virtual course are made; --quick and --full together are wrong usage."""
    if quick and full:
        raise typer.BadParameter("--quick and --full cannot be meant together; say one of them.", param_hint="--full")
    return "quick" if quick else "full" if full else "demo"
