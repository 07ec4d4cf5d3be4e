"""What a result rests on, protocol and manifest, as the records and reports of all jobs say it."""

import platform
import typing
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict
from importlib.metadata import version
from typing import Any

import numpy as np

from openigrt.dicom import InputFile
from openigrt.guidance import Protocol
from openigrt.report import ManifestSummary, ProtocolLevels

Record = dict[str, Any]


class Result(typing.Protocol):
    """What the results of all jobs that match have in common."""

    @property
    def protocol(self) -> Protocol: ...
    @property
    def allowed_error_mm(self) -> float: ...
    @property
    def inputs(self) -> tuple[InputFile, ...]: ...
    @property
    def settings(self) -> Mapping[str, str]: ...
    @property
    def seed(self) -> int: ...
    @property
    def timing_s(self) -> Mapping[str, float]: ...


def protocol_record(result: Result) -> Record:
    """The levels that decided, for a record."""
    return asdict(result.protocol) | {"allowed_error_mm": result.allowed_error_mm}


def protocol_levels(result: Result) -> ProtocolLevels:
    """The levels that decided, for a report."""
    protocol = result.protocol
    return ProtocolLevels(
        protocol.name,
        protocol.action_level_mm,
        protocol.call_level_mm,
        protocol.rotation_limit_deg,
        protocol.verification_tolerance_mm,
        result.allowed_error_mm,
    )


def manifest_record(result: Result, moment: Record) -> Record:
    """Enough to do it again; what differs from run to run and machine to machine stands apart under `run`.

    `moment` is when the result was made, under the name that it has.
    """
    return {
        "inputs": [{"uid": f.sop_instance_uid or None, "sha256": f.sha256} for f in result.inputs],
        "settings": dict(result.settings),
        "seed": result.seed,
        "version": version("openigrt"),
        "run": {
            **moment,
            "python": platform.python_version(),
            "numpy": np.__version__,
            "machine": platform.machine(),
        },
    }


def manifest_summary(result: Result) -> ManifestSummary:
    """The manifest for a report: inputs are counted by what their names end with."""
    kinds = Counter(file.path.suffix or "without suffix" for file in result.inputs)
    return ManifestSummary(version("openigrt"), result.seed, dict(kinds), result.settings)


def timings_s(result: Result) -> dict[str, float]:
    """Seconds by step, for a report."""
    return {name.replace("_", " "): seconds for name, seconds in result.timing_s.items()}
