"""The JSON schema of correction.json, as it comes with OpenIGRT."""

import json
from importlib.resources import files
from typing import Any


def correction_schema() -> dict[str, Any]:
    """The schema (JSON Schema, draft 2020-12) that every correction.json fulfils; each key is described in it."""
    text = (files("openigrt.tasks") / "data" / "correction.schema.json").read_text(encoding="utf-8")
    schema: dict[str, Any] = json.loads(text)
    return schema
