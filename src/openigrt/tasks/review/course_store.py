"""Results of single images, kept on disk so that a review that was interrupted goes on where it was.

A file appears whole or not at all, and is named by the digest of what its result depends on. What is there is not
trusted: a file that does not hold what it should is as if it were not there.
"""

import hashlib
import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

from openigrt.errors import InputError
from openigrt.guidance import Agreement, Found, ImageReview, OtherView, SetupError
from openigrt.patient import Action, Verdict
from openigrt.report import FusedPlane, SideBySide
from openigrt.tasks.review.course import ImageResult

KEPT = "images"
LARGEST_BYTES = 50_000_000
Record = Mapping[str, Any]


def keep(store: Path, result: ImageResult) -> None:
    """Write the result of one image into the folder `store`; raises InputError where that cannot be written."""
    record = json.dumps(asdict(result), default=datetime.isoformat)
    content = f'{{"sha256": "{_digest(record)}", "result": {record}}}'
    try:
        store.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=".writing-", dir=store)
        try:
            with os.fdopen(handle, "w", encoding="ascii") as file:
                file.write(content)
            Path(name).replace(_place(store, result.review.key))
        finally:
            Path(name).unlink(missing_ok=True)
    except OSError as error:
        raise InputError(f"Cannot write to {store}: {error.strerror}; choose another folder with --out.") from error


def kept(store: Path, key: str) -> ImageResult | None:
    """The result that was kept under a key; None where there is none, or none that is whole."""
    try:
        place = _place(store, key)
        if place.stat().st_size > LARGEST_BYTES:
            return None
        content = json.loads(place.read_bytes())
        record = content["result"]
        if content["sha256"] != _digest(json.dumps(record)):
            return None
        pictures = record["pictures"]
        result = ImageResult(_review(record["review"]), None if pictures is None else _pictures(pictures))
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None
    return result if result.review.key == key else None


def _digest(record: str) -> str:
    """What tells that a record was changed since it was written."""
    return hashlib.sha256(record.encode("ascii")).hexdigest()


def _place(store: Path, key: str) -> Path:
    """The file of a key."""
    return store / f"{key}.json"


def _review(record: Record) -> ImageReview:
    """An ImageReview as it was kept."""
    found = record["found"]
    changed = {
        "acquired_at": _moment(record["acquired_at"]),
        "found": None if found is None else _found(found),
        "others": tuple(_other(other) for other in record["others"]),
    }
    return ImageReview(**{**record, **changed})


def _found(record: Record) -> Found:
    """A Found as it was kept."""
    texts = ("trust_reasons", "surrogate_reasons", "reasons", "questions", "warnings")
    changed = {name: tuple(record[name]) for name in texts} | {
        "verdict": Verdict(record["verdict"]),
        "surrogate": Verdict(record["surrogate"]),
        "action": Action(record["action"]),
        "plan_from_daily": tuple(tuple(row) for row in record["plan_from_daily"]),
        "setup_error": _setup_error(record["setup_error"]),
    }
    return Found(**{**record, **changed})


def _other(record: Record) -> OtherView:
    """An OtherView as it was kept."""
    changed = {
        "created_at": _moment(record["created_at"]),
        "agreement": None if record["agreement"] is None else Agreement(record["agreement"]),
        "setup_error": _setup_error(record["setup_error"]),
        "apart_mm": tuple(record["apart_mm"]),
    }
    return OtherView(**{**record, **changed})


def _pictures(record: Record) -> SideBySide:
    """A SideBySide as it was kept."""
    planes = (
        FusedPlane(**{**plane, "cross": tuple(plane["cross"]), "pictures": tuple(plane["pictures"])})
        for plane in record["planes"]
    )
    return SideBySide(tuple(planes), record["window"])


def _setup_error(record: Record | None) -> SetupError | None:
    """Six axes as they were kept."""
    return None if record is None else SetupError(**record)


def _moment(text: str | None) -> datetime | None:
    """A time as it was kept."""
    return None if text is None else datetime.fromisoformat(text)
