"""The JSON schemas of correction.json and review.json, as they come with OpenIGRT."""

import json
from importlib.resources import files
from typing import Any


def correction_schema() -> dict[str, Any]:
    """The schema (JSON Schema, draft 2020-12) that every correction.json fulfils; each key is described in it."""
    return _schema("correction")


def review_schema() -> dict[str, Any]:
    """The schema (JSON Schema, draft 2020-12) that every review.json fulfils; each key is described in it."""
    return _schema("review")


def _schema(name: str) -> dict[str, Any]:
    """A schema of the package."""
    text = (files("openigrt.tasks") / "data" / f"{name}.schema.json").read_text(encoding="utf-8")
    schema: dict[str, Any] = json.loads(text)
    return schema
