"""The words of `reconstruct`, checked: what was asked for, and what cannot be meant together."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from numbers import Integral, Real
from pathlib import Path
from typing import TypedDict, TypeVar

import numpy as np
from numpy.typing import ArrayLike

from openigrt.errors import WrongUsage
from openigrt.motion import SortingQuantity
from openigrt.tasks.reconstruction.projection_corrections import Scatter
from openigrt.tasks.reconstruction.reconstruction import BreathingSettings, Method, ReconstructionSettings
from openigrt.tasks.words import given, in_short, require_paths
from openigrt.xray import HIGHEST_VOLTAGE_KV, LOWEST_VOLTAGE_KV, Fan, RampWindow

Chosen = TypeVar("Chosen", bound=StrEnum)

FINEST_VOXEL_MM, COARSEST_VOXEL_MM = 0.1, 20.0
TUBE_KV = LOWEST_VOLTAGE_KV, HIGHEST_VOLTAGE_KV
CUT_OFF_SHARES = 0.05, 1.0
WATER_PER_MM = 1e-3, 1.0
FRAME_RATES_HZ = 0.01, 1000.0
LARGEST_SIZE = 2048
MOST_ITERATIONS, MOST_BINS = 1000, 20
LONGEST_TRACE_S = 86_400.0
OF_ONE_METHOD = ("iterations", "window", "cut_off")


class HowMade(TypedDict, total=False):
    """How a volume is made, in the words of the command; what is left out or None has its usual value."""

    method: str
    iterations: int | None
    voxel: float
    size: Sequence[int] | None
    window: str | None
    cut_off: float | None
    fan: str | None
    flat: str | Path | None
    dark: str | Path | None
    scatter: str
    tube_voltage: float | None
    rings: bool
    metal: bool
    water: float | None
    match_seen: bool
    four_d: int | None
    binning: str | None
    trace: str | Path | None
    trace_start: float | None


def settings_of(how: HowMade) -> ReconstructionSettings:
    """What was asked for, checked; raises WrongUsage for words that are none, or that cannot be meant together."""
    unknown = sorted(how.keys() - HowMade.__annotations__.keys())
    if unknown:
        raise WrongUsage(f"reconstruct knows no {unknown[0]!r}; expected {', '.join(HowMade.__annotations__)}.")
    usual = ReconstructionSettings()
    voltage_kv, water_per_mm = how.get("tube_voltage"), how.get("water")
    iterations, fan, window, cut_off = how.get("iterations"), how.get("fan"), how.get("window"), how.get("cut_off")
    settings = ReconstructionSettings(
        method=one_of(Method, how.get("method", usual.method), "--method"),
        voxel_mm=within(how.get("voxel", usual.voxel_mm), "--voxel", FINEST_VOXEL_MM, COARSEST_VOXEL_MM),
        size=_size(how.get("size")),
        window=usual.window if window is None else one_of(RampWindow, window, "--window"),
        cut_off_share=usual.cut_off_share if cut_off is None else within(cut_off, "--cut-off", *CUT_OFF_SHARES),
        fan=None if fan is None else one_of(Fan, fan, "--fan"),
        iterations=None if iterations is None else _count(iterations, "--iterations", MOST_ITERATIONS),
        scatter=one_of(Scatter, how.get("scatter", usual.scatter), "--scatter"),
        tube_voltage_kv=None if voltage_kv is None else within(voltage_kv, "--tube-voltage", *TUBE_KV),
        water_per_mm=None if water_per_mm is None else within(water_per_mm, "--water", *WATER_PER_MM),
        flat=_file(how.get("flat"), "flat"),
        dark=_file(how.get("dark"), "dark"),
        removes_rings=bool(how.get("rings", False)),
        removes_metal=bool(how.get("metal", False)),
        is_match_seen=bool(how.get("match_seen", False)),
        breathing=_breathing(how),
    )
    if settings.dark is not None and settings.flat is None:
        raise WrongUsage("A dark field is of use with a flat field only; give --flat too, or leave out --dark.")
    _require_of_use(settings.method, given(**{f"--{name}".replace("_", "-"): how.get(name) for name in OF_ONE_METHOD}))
    return settings


def _breathing(how: HowMade) -> BreathingSettings | None:
    """How breathing is sorted, None where it is not asked for."""
    count, binning, start_s = how.get("four_d"), how.get("binning"), how.get("trace_start")
    trace = _file(how.get("trace"), "trace")
    if count is None:
        for name in ("binning", "trace", "trace_start"):
            if how.get(name) is not None:
                raise WrongUsage(
                    f"--{name.replace('_', '-')} is of use with --four-d alone; give it, or leave both out."
                )
        return None
    if start_s is not None and trace is None:
        raise WrongUsage("--trace-start is a time on the clock of a trace; give --trace, or leave it out.")
    return BreathingSettings(
        bins=_count(count, "--four-d", MOST_BINS),
        by=SortingQuantity.PHASE if binning is None else one_of(SortingQuantity, binning, "--binning"),
        trace=trace,
        trace_start_s=0.0 if start_s is None else within(start_s, "--trace-start", -LONGEST_TRACE_S, LONGEST_TRACE_S),
    )


def _require_of_use(method: Method, named: Mapping[str, object]) -> None:
    """Raise WrongUsage for a word that the method does not hear."""
    for option in named:
        is_of_fdk = option != "--iterations"
        if is_of_fdk is not (method is Method.FDK):
            whose = "filter of fdk" if is_of_fdk else "iterative methods, os-sart, cgls and tv"
            raise WrongUsage(
                f"{option} is of the {whose}, and the method is {method}; leave it out, or change --method."
            )


def _file(path: str | Path | None, name: str) -> Path | None:
    """A file, if one is named."""
    require_paths(**given(**{name: path}))
    return None if path is None else Path(path)


def _size(size: Sequence[int] | None) -> tuple[int, int, int] | None:
    """Columns, rows and slices, checked."""
    if size is None:
        return None
    if isinstance(size, str) or len(size) != 3:
        raise WrongUsage(f"--size is {in_short(size)}; expected columns, rows and slices.")
    columns, rows, slices = (_count(count, "--size", LARGEST_SIZE) for count in size)
    return columns, rows, slices


def _count(value: object, name: str, most: int) -> int:
    """A whole number from 1 on; raises WrongUsage."""
    if isinstance(value, bool) or not isinstance(value, Integral) or not 1 <= int(value) <= most:
        raise WrongUsage(f"{name} is {in_short(value)}; expected a whole number from 1 to {most}.")
    return int(value)


def one_of(kind: type[Chosen], value: str, name: str) -> Chosen:
    """The member of an enumeration that has this value; raises WrongUsage with those that there are."""
    try:
        return kind(value)
    except ValueError:
        known = ", ".join(str(member) for member in kind)
        raise WrongUsage(f"{name} is {in_short(value)}; expected one of {known}.") from None


def within(value: object, name: str, least: float, most: float) -> float:
    """A number in its bounds; raises WrongUsage."""
    if isinstance(value, bool) or not isinstance(value, Real) or not least <= float(value) <= most:
        raise WrongUsage(f"{name} is {in_short(value)}; expected a number from {least:g} to {most:g}.")
    return float(value)


def pair(spacing: ArrayLike, name: str = "--spacing") -> tuple[float, float]:
    """Spacing of a detector in mm, checked."""
    try:
        values = np.asarray(spacing, dtype=np.float64)
    except (TypeError, ValueError):
        values = np.empty(0)
    if values.shape != (2,):
        raise WrongUsage(f"{name} is {in_short(spacing)}; expected two lengths in mm.")
    between_columns_mm, between_rows_mm = (within(float(value), name, 0.01, 100.0) for value in values)
    return between_columns_mm, between_rows_mm
