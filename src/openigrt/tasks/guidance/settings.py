"""What `guide` is asked for, apart from the files of the patient: protocol, region, machine, couch and seed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from openigrt.errors import InputError
from openigrt.files import builtin_protocols, read_aliases
from openigrt.geometry import DegreesOfFreedom
from openigrt.guidance import Protocol, find_protocol
from openigrt.machine import Machine
from openigrt.patient import Aliases
from openigrt.tasks.guidance.inputs import degrees_of, machine_of

LARGEST_TRUSTED_ERROR_MM = 2.0
DEFAULT_REGION = "bone"


@dataclass(frozen=True, slots=True)
class GuidanceSettings:
    """Names that were resolved, and `words`: the same for report and manifest."""

    protocol: Protocol
    region: tuple[str, ...]
    region_is_named: bool
    machine: Machine
    machine_is_named: bool
    degrees_of_freedom: DegreesOfFreedom | None
    seed: int
    words: Mapping[str, str]
    aliases: Aliases | None = None
    turn_by: str | None = None

    def saying(self, asked: Mapping[str, str | None]) -> "GuidanceSettings":
        """The same, with what else was asked for in its words."""
        return replace(self, words={**self.words, **{name: word for name, word in asked.items() if word is not None}})

    @property
    def allowed_error_mm(self) -> float:
        """The largest predicted error of a trusted match, mm."""
        return min(0.5 * self.protocol.verification_tolerance_mm, LARGEST_TRUSTED_ERROR_MM)

    @property
    def region_rule(self) -> str:
        """Why this region, in words."""
        return "as it was named (--region)" if self.region_is_named else "the default, since none was named (--region)"


def guidance_settings(
    site: str | None,
    region: str | Sequence[str] | None,
    target: str | None,
    *,
    machine: str | Path | None,
    dof: int | None,
    start: str | Path | None,
    aliases: str | Path | None,
    seed: int,
    turn_by: str | None = None,
) -> GuidanceSettings:
    """Protocol, region names, machine and couch, checked; raises an InputError for a name that is not there."""
    protocol, named = find_protocol(builtin_protocols(), site), machine_of(machine)
    asked = DEFAULT_REGION if region is None else region
    names = (asked,) if isinstance(asked, str) else tuple(dict.fromkeys(asked))
    if not names:
        raise InputError("No region is named; name bone, soft, patient, markers, or structures.")
    degrees = degrees_of(dof)
    words = {
        "site": f"{protocol.name} (none was named)" if site is None else protocol.name,
        "region": ", ".join(names) + (" (none was named)" if region is None else ""),
        "target": target or "by rule",
        "degrees of freedom": str(int(degrees or named.couch.degrees_of_freedom)),
        "machine": named.name,
        "acceptance test": named.acceptance_in_words,
        "start of the search": "the isocenters" if start is None else Path(start).name,
    }
    known = None if aliases is None else read_aliases(Path(aliases))
    if aliases is not None:
        words["alias file"] = Path(aliases).name
    if turn_by is not None:
        words["turn"] = f"by {turn_by}"
    is_named = machine is not None
    return GuidanceSettings(
        protocol, names, region is not None, named, is_named, degrees, int(seed), words, known, turn_by
    )
