"""The [imager] table of a machine file: distances, angles, sag, and what corrections of its projections need."""

import math
from types import MappingProxyType

import numpy as np

from openigrt.errors import InputError, InvalidGeometry
from openigrt.geometry import FlexMap
from openigrt.machine.imager import BowTieFilter, FilterMaterial, FrameAngle, Imager, PanelLag, ScatterFit
from openigrt.machine.toml_table import TomlTable

LARGEST_FLEX_MM = 100.0
LARGEST_LAG_SHARE = 0.5
LONGEST_LAG_FRAMES = 1e5
LARGEST_SCATTER = 10.0
WIDEST_SCATTER_MM = 1000.0
THICKEST_FILTER_MM = 80.0
WIDEST_FAN_DEG = 45.0
MOST_NUMBERS = 1000


def imager_of(table: TomlTable) -> Imager:
    """The [imager] table."""
    offset_deg = table.value("kv_source_angle_offset_deg", float)
    imager = Imager(
        kv_source_angle_offset_deg=offset_deg,
        source_axis_distance_mm=table.positive("source_axis_distance_mm"),
        source_detector_distance_mm=table.positive("source_detector_distance_mm"),
        frame_angle=table.one_of("frame_angle", FrameAngle, FrameAngle.KV_SOURCE),
        flex=_flex_map(table, offset_deg) if "flex" in table else None,
        lag=_lag(table.table("lag")) if "lag" in table else None,
        scatter=_scatter(table.table("scatter")) if "scatter" in table else None,
        bow_tie=_bow_tie(table.table("bow_tie")) if "bow_tie" in table else None,
        filters_mm=MappingProxyType(_filters(table.table("filters_mm"))),
    )
    table.require_no_more()
    if imager.source_detector_distance_mm <= imager.source_axis_distance_mm:
        raise InputError(
            f"{table.place}: source_detector_distance_mm = {imager.source_detector_distance_mm:g} must be above "
            f"source_axis_distance_mm = {imager.source_axis_distance_mm:g}.",
            key="source_detector_distance_mm",
        )
    return imager


def _flex_map(table: TomlTable, offset_deg: float) -> FlexMap:
    """The [[imager.flex]] entries, from angles of the gantry to those of the kV source."""
    entries = list(table.tables("flex"))
    angles = [entry.value("gantry_angle_deg", float) + offset_deg for entry in entries]
    detector = [(_flex_mm(entry, "detector_x_mm"), _flex_mm(entry, "detector_y_mm")) for entry in entries]
    source = [(_flex_mm(entry, "source_x_mm"), _flex_mm(entry, "source_y_mm")) for entry in entries]
    for entry in entries:
        entry.require_no_more()
    try:
        return FlexMap(np.array(angles), np.array(detector).reshape(-1, 2), np.array(source).reshape(-1, 2))
    except InvalidGeometry as error:
        raise InputError(f"{table.place}: {error.sentence}", key="flex") from None


def _flex_mm(table: TomlTable, key: str) -> float:
    """A shift; 0 where it is not stated."""
    found = table.value(key, float, 0.0)
    if abs(found) > LARGEST_FLEX_MM:
        raise InputError(f"{table.place}: {key} = {found!r} must be within {LARGEST_FLEX_MM:g} mm.", key=key)
    return found


def _lag(table: TomlTable) -> PanelLag:
    """The [imager.lag] table."""
    shares, frames = (
        _numbers(table, "shares", 0.0, LARGEST_LAG_SHARE),
        _numbers(table, "frames", 0.1, LONGEST_LAG_FRAMES),
    )
    table.require_no_more()
    if len(shares) != len(frames) or sum(shares) >= LARGEST_LAG_SHARE:
        raise InputError(
            f"{table.place}: shares = {list(shares)} and frames = {list(frames)} must be equally many, and the shares "
            f"below {LARGEST_LAG_SHARE:g} in all.",
            key="shares",
        )
    return PanelLag(shares, frames)


def _scatter(table: TomlTable) -> ScatterFit:
    """The [imager.scatter] table."""
    fit = ScatterFit(
        amplitude=table.positive("amplitude", LARGEST_SCATTER),
        narrow_mm=table.positive("narrow_mm", WIDEST_SCATTER_MM),
        wide_mm=table.positive("wide_mm", WIDEST_SCATTER_MM),
        wide_share=table.value("wide_share", float),
    )
    table.require_no_more()
    if not 0.0 <= fit.wide_share <= 1.0 or not 1.0 <= fit.narrow_mm <= fit.wide_mm:
        raise InputError(
            f"{table.place}: wide_share = {fit.wide_share:g} must be from 0 to 1, and narrow_mm = {fit.narrow_mm:g} "
            f"from 1 to wide_mm = {fit.wide_mm:g}.",
            key="wide_share",
        )
    return fit


def _bow_tie(table: TomlTable) -> BowTieFilter:
    """The [imager.bow_tie] table."""
    angles = _numbers(table, "fan_angles_deg", -WIDEST_FAN_DEG, WIDEST_FAN_DEG)
    thicknesses = _numbers(table, "thicknesses_mm", 0.0, THICKEST_FILTER_MM)
    filter_ = BowTieFilter(table.one_of("material", FilterMaterial), angles, thicknesses)
    table.require_no_more()
    if len(angles) != len(thicknesses) or len(angles) < 2 or not (np.diff(angles) > 0.0).all():
        raise InputError(
            f"{table.place}: fan_angles_deg must rise, two at least, with one of thicknesses_mm for each; found "
            f"{len(angles)} and {len(thicknesses)}.",
            key="fan_angles_deg",
        )
    return filter_


def _filters(table: TomlTable) -> dict[FilterMaterial, float]:
    """The [imager.filters_mm] table: thickness by material."""
    for name in table.values:
        if name not in list(FilterMaterial):
            raise InputError(
                f"{table.place}: {name!r} is no material whose attenuation is known; known are "
                f"{', '.join(FilterMaterial)}.",
                key=name,
            )
    return {FilterMaterial(name): table.positive(name, THICKEST_FILTER_MM) for name in table.values}


def _numbers(table: TomlTable, key: str, least: float, most: float) -> tuple[float, ...]:
    """A list of numbers within bounds, one at least."""
    found = table.value(key, list)
    numbers = tuple(float(x) for x in found if isinstance(x, int | float) and not isinstance(x, bool))
    sound = len(numbers) == len(found) and all(math.isfinite(x) and least <= x <= most for x in numbers)
    if not sound or not 1 <= len(numbers) <= MOST_NUMBERS:
        raise InputError(
            f"{table.place}: {key} must be a list of 1 to {MOST_NUMBERS} numbers from {least:g} to {most:g}.", key=key
        )
    return numbers
