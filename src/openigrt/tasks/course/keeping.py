"""Fractions kept on disk, so that a course that was interrupted goes on where it was."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

from openigrt.errors import InputError
from openigrt.guidance import SetupError
from openigrt.patient import Action, Verdict
from openigrt.tasks.course.fraction import Delivery, ErrorBudget, Fraction, Purpose, TakenImage
from openigrt.tasks.plain_values import moment

FRACTION = "fraction.json"
DIGITS = 6

Record = Mapping[str, Any]


def fraction_record(fraction: Fraction) -> dict[str, Any]:
    """A fraction as plain values, numbers to 1e-6."""
    record: dict[str, Any] = _rounded(asdict(fraction) | {"treated_at": moment(fraction.treated_at)})
    return record


def fraction_text(fraction: Fraction) -> str:
    """A fraction as JSON."""
    return json.dumps(fraction_record(fraction), indent=2, allow_nan=False) + "\n"


def kept_fraction(place: Path) -> Fraction | None:
    """The fraction that is kept in a folder, None where there is none; raises InputError for one that is damaged."""
    try:
        text = (place / FRACTION).read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise _damaged(place) from error
    try:
        return _fraction(json.loads(text))
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise _damaged(place) from error


def _damaged(place: Path) -> InputError:
    """That a kept fraction cannot be used."""
    return InputError(f"{place / FRACTION} is damaged; take the folder {place} away, and call again.")


def _fraction(record: Record) -> Fraction:
    """A fraction as it was kept."""
    changed = {
        "treated_at": datetime.fromisoformat(record["treated_at"]),
        "images": tuple(_image(image) for image in record["images"]),
        "believed": _setup_error(record["believed"]),
        "delivery": None if record["delivery"] is None else _delivery(record["delivery"]),
    }
    return Fraction(**{**record, **changed})


def _image(record: Record) -> TakenImage:
    """An image as it was kept."""
    changed = {
        "purpose": Purpose(record["purpose"]),
        "verdict": Verdict(record["verdict"]),
        "action": Action(record["action"]),
        "reasons": tuple(record["reasons"]),
        "found": _setup_error(record["found"]),
        "true": SetupError(**record["true"]),
    }
    return TakenImage(**{**record, **changed})


def _delivery(record: Record) -> Delivery:
    """A delivery as it was kept."""
    changed = {
        "residual": SetupError(**record["residual"]),
        "budget": ErrorBudget(**{name: _plain(v) for name, v in record["budget"].items()}),
    }
    return Delivery(**{**record, **changed})


def _plain(value: Any) -> Any:
    """A list as a tuple."""
    return tuple(value) if isinstance(value, list) else value


def _setup_error(record: Record | None) -> SetupError | None:
    """Six axes as they were kept."""
    return None if record is None else SetupError(**record)


def _rounded(value: Any) -> Any:
    """All numbers of a record to a millionth, so that no last bit of a library shows."""
    if isinstance(value, float):
        return round(value, DIGITS) + 0.0
    if isinstance(value, dict):
        return {name: _rounded(v) for name, v in value.items()}
    return [_rounded(v) for v in value] if isinstance(value, list | tuple) else value
