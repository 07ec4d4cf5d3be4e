"""What is found about a folder."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """How bad a finding is: an `error` stops the main job, a `warning` may mislead, a `note` is good to know."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not as it should be, what to do about it, and the files or UIDs that it is about."""

    severity: Severity
    sentence: str
    advice: str
    about: tuple[str, ...] = ()


def by_severity(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Findings, the worst first."""
    order = list(Severity)
    return tuple(sorted(findings, key=lambda finding: order.index(finding.severity)))
