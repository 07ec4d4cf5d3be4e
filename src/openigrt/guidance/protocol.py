"""Protocols: when to correct, when to call a person, how well a correction must be verified."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from openigrt.errors import InputError, UnreadableFile

DEFAULT_PROTOCOL = "default"


@dataclass(frozen=True, slots=True)
class Protocol:
    """The settings of one site or technique (clinical.md 3.4, 8.2).

    Above `action_level_mm` on any axis a correction is proposed. A person is called above `call_level_mm` or the
    rotation limit (None: no limit), and when a guard says that this is a failed setup and no correction. A match must
    be known to half of `verification_tolerance_mm`. Regions that differ by more than
    `region_disagreement_limit_mm` at the target call a person. An image is valid for `image_validity_s`, and only while
    the couch stays within the stale limits of where it stood. `match_on` is what a site with a soft target is
    usually matched on, None where bone is usual.
    """

    name: str
    match_on: str | None
    action_level_mm: float
    rotation_limit_deg: float | None
    verification_tolerance_mm: float
    call_level_mm: float
    max_shift_mm: float
    max_angle_deg: float
    region_disagreement_limit_mm: float
    image_validity_s: float
    stale_couch_limit_mm: float
    stale_couch_limit_deg: float


def parse_protocols(text: str) -> Mapping[str, Protocol]:
    """The protocols of a settings file (JSON text with `protocols` and `correction_guards`), by name.

    Raises UnreadableFile when the text is no JSON, InputError when a value is missing or no number.
    """
    try:
        settings = json.loads(text)
    except json.JSONDecodeError as error:
        raise UnreadableFile(f"The protocol file is not valid JSON: {error}. Correct it there.") from error
    protocols, guards = (_table(settings, key, "the protocol file") for key in ("protocols", "correction_guards"))
    return MappingProxyType({name: _protocol(name, _table(protocols, name, "protocols"), guards) for name in protocols})


def find_protocol(protocols: Mapping[str, Protocol], name: str | None = None) -> Protocol:
    """The protocol of this name in any case, `default` when none is named; raises InputError that lists the names."""
    wanted = DEFAULT_PROTOCOL if name is None else next((p for p in protocols if p.lower() == name.lower()), name)
    if wanted not in protocols:
        raise InputError(
            f"There is no protocol {wanted!r}; expected one of {', '.join(sorted(protocols))}.",
            found=wanted,
            known=sorted(protocols),
        )
    return protocols[wanted]


def _protocol(name: str, values: Mapping[str, Any], guards: Mapping[str, Any]) -> Protocol:
    """One protocol, with the guards that hold for its name."""
    rotation_limit_deg = values.get("rotation_limit_deg", "missing")
    return Protocol(
        name=name,
        match_on=_words(values, "match_on", name),
        action_level_mm=_number(values, "correct_above_mm", name),
        rotation_limit_deg=None if rotation_limit_deg is None else _number(values, "rotation_limit_deg", name),
        verification_tolerance_mm=_number(values, "verify_within_mm", name),
        call_level_mm=_number(values, "call_above_mm", name),
        max_shift_mm=_number(guards, "max_shift_mm", "correction_guards"),
        max_angle_deg=_number(guards, "max_angle_deg", "correction_guards"),
        region_disagreement_limit_mm=_by_technique(guards, "region_disagreement_mm", name),
        image_validity_s=_by_technique(guards, "image_valid_s", name),
        stale_couch_limit_mm=_number(guards, "stale_couch_mm", "correction_guards"),
        stale_couch_limit_deg=_number(guards, "stale_couch_deg", "correction_guards"),
    )


def _by_technique(guards: Mapping[str, Any], key: str, name: str) -> float:
    """A guard that is stricter for techniques: the smallest of those whose name is a word of the protocol's."""
    table = _table(guards, key, "correction_guards")
    words = name.split("_")
    special = [_number(table, technique, key) for technique in table if technique in words]
    return min(special) if special else _number(table, "default", key)


def _table(values: object, key: str, place: str) -> Mapping[str, Any]:
    """A table within the settings."""
    found = values.get(key) if isinstance(values, dict) else None
    if not isinstance(found, dict):
        raise InputError(f"{place} lacks the table {key!r}; add it.", place=place, key=key)
    return found


def _words(values: Mapping[str, Any], key: str, place: str) -> str | None:
    """A text that may be left out."""
    found = values.get(key)
    if found is not None and (not isinstance(found, str) or not found.strip()):
        raise InputError(f"{place}: {key} = {found!r} must be words.", place=place, key=key)
    return found


def _number(values: Mapping[str, Any], key: str, place: str) -> float:
    """A finite number that is not negative."""
    found = values.get(key)
    if isinstance(found, bool) or not isinstance(found, int | float) or not 0.0 <= found < float("inf"):
        raise InputError(f"{place}: {key} = {found!r} must be a number, zero or above.", place=place, key=key)
    return float(found)
