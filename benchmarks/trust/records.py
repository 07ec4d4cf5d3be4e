"""Recorded matches as arrays, and what any settings would have made of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.trust.volumes import STORED
from openigrt.geometry import Float64Array
from openigrt.patient import Trust
from openigrt.registration.trust import TrustSettings, judge_figures

SAME_BASIN_MM = 5.0
X_RAY = ("CT", "CBCT")
RAW_PARTS = {
    "parts_factor": "parts_left_out_mm",
    "halves_factor": "halves_mm",
    "metrics_factor": "second_metric_mm",
    "nearest_factor": "nearest_part_mm",
}

Row = dict[str, Any]
Flags = NDArray[np.bool_]


def has_match(row: Row) -> bool:
    """Whether the row holds a match at all."""
    return "figures" in row


def parts_mm(row: Row, settings: TrustSettings) -> dict[str, float]:
    """The parts of the predicted error of a recorded match under settings."""
    return {
        "floor": settings.floor_mm,
        "parts left out": settings.parts_factor * row["parts_left_out_mm"],
        "halves": settings.halves_factor * row["halves_mm"],
        "second metric": settings.metrics_factor * row["second_metric_mm"],
        "nearest part": settings.nearest_factor * row["nearest_part_mm"],
    }


def trust_of(row: Row, settings: TrustSettings) -> Trust:
    """The trust in a recorded match under settings, by the matcher's own logic."""
    return judge_figures(row["figures"], parts_mm(row, settings), row["allowed_mm"], settings)


def is_wrong(row: Row) -> bool:
    """Whether a match must not be trusted: its error is above what is allowed (and known), or nothing can be right."""
    error = row["error_mm"]
    return error is None or bool(error > row["wrong_above_mm"])


def is_by_information(row: Row) -> bool:
    """Whether the image of the day is MR or PET, real or simulated: matched by mutual information, never trusted."""
    return row["modality"] not in X_RAY


def is_in_right_basin(row: Row) -> bool:
    """Whether a match whose truth is exactly known is near enough to it that its predicted error can be judged."""
    return is_exact(row) and row["error_mm"] < SAME_BASIN_MM


def is_exact(row: Row) -> bool:
    """Whether the true error is known better than it is predicted: one anatomy rendered twice, no deformation."""
    rough = row["daily"].endswith(STORED)
    phases = {row["planned"], row["daily"]} == {"thorax-0", "thorax-5"}
    return row["error_mm"] is not None and row["kind"] != "deformed" and not rough and not phases


@dataclass(frozen=True, eq=False)
class Table:
    """Matches as columns (n,): what `trust_of` reads, and what is true."""

    figures: dict[str, Float64Array]
    parts: Float64Array
    allowed_mm: Float64Array
    error_mm: Float64Array
    wrong: Flags
    in_protocol: Flags
    exact: Flags

    def predicted_mm(self, settings: TrustSettings) -> Float64Array:
        """Predicted errors under settings."""
        factors = np.array([getattr(settings, name) for name in RAW_PARTS])
        return np.sqrt(settings.floor_mm**2 + ((self.parts * factors) ** 2).sum(axis=1))

    def trusted(self, settings: TrustSettings) -> Flags:
        """Which matches are trusted under settings: `trust_of`, for all rows at once."""
        f = self.figures
        needed = np.maximum(settings.least_rival_gap, settings.least_rival_gap_in_deviations * f["rival_deviation"])
        return (
            (self.predicted_mm(settings) <= self.allowed_mm)
            & (f["by_information"] == 0.0)
            & (f["score"] >= max(settings.least_score, settings.least_score_to_look))
            & (f["overlap"] >= settings.least_overlap)
            & (f["agreement"] >= settings.least_agreement)
            & (f["parts_apart_mm"] <= settings.parts_apart_allowed_mm(f["score"]))
            & (f["seen_length_mm"] >= settings.least_length_along_spine_mm)
            & (f["rival_gap"] > 0.0)
            & (f["rival_gap"] >= needed)
        )

    @property
    def correct_in_protocol(self) -> Flags:
        """Ordinary matches that are right."""
        return self.in_protocol & ~self.wrong

    @property
    def measurable(self) -> Flags:
        """Matches whose predicted error can be compared with the true one: exactly known, and in the right basin."""
        return self.exact & (self.error_mm < SAME_BASIN_MM)


def table_of(rows: Sequence[Row]) -> Table:
    """The columns of rows that hold a match."""
    return Table(
        {name: np.array([row["figures"][name] for row in rows]) for name in rows[0]["figures"]},
        np.array([[row[key] for key in RAW_PARTS.values()] for row in rows]),
        np.array([row["allowed_mm"] for row in rows]),
        np.array([np.inf if row["error_mm"] is None else row["error_mm"] for row in rows]),
        np.array([is_wrong(row) for row in rows]),
        np.array([row["in_protocol"] for row in rows]),
        np.array([is_exact(row) for row in rows]),
    )
