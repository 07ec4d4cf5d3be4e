"""Settings of trust from recorded matches: no wrong match trusted, errors covered, then margin against right ones lost.

Coordinate by coordinate from several starts, over a few values of each setting: the settings stay round numbers. No
value is looser than what is in the code, which was set by hand: one half of the cases must not talk a safeguard away
that it happens not to need.
"""

from dataclasses import asdict, replace

import numpy as np

from benchmarks.trust.records import RAW_PARTS, Table
from openigrt.registration.trust import TrustSettings

COVERAGE = 0.96
COVERAGE_OF_BAD = 0.95
PRICE_OF_NEARLY_WRONG = 0.5
MARGINS = (1.1, 1.25, 1.5, 2.0)
ROUNDS = 6
VALUES = {
    "floor_mm": (0.3, 0.35, 0.4, 0.5, 0.6),
    "parts_factor": (1.5, 2.0, 2.5, 3.0, 4.0),
    "halves_factor": (1.0, 1.25, 1.5, 2.0),
    "metrics_factor": (0.5, 0.75, 1.0, 1.5),
    "nearest_factor": (1.25, 1.5, 2.0, 2.5),
    "least_score": (0.3, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6),
    "least_overlap": (0.3, 0.35, 0.4, 0.45, 0.5),
    "least_agreement": (0.53, 0.535, 0.54, 0.545, 0.55),
    "most_parts_apart_mm": (0.3, 0.4, 0.45, 0.5, 0.55, 0.6),
    "least_rival_gap": (0.08, 0.1, 0.12, 0.15, 0.2, 0.25),
    "least_rival_gap_in_deviations": (3.0, 3.5, 4.0, 5.0),
    "least_length_along_spine_mm": (45.0, 50.0, 60.0),
}
GATES = tuple(name for name in VALUES if name.startswith("least_"))
CEILINGS = tuple(name for name in VALUES if name.startswith("most_"))
FACTORS = (*RAW_PARTS, "floor_mm")
BY_SCORE = ("parts_apart_in_sharp_images_mm", "parts_apart_by_noise_mm")


def calibrated(table: Table, default: TrustSettings) -> TrustSettings:
    """The best settings found from the default ones and from strict ones; none looser than the default."""
    loosest = {name: (max if name in CEILINGS else min)(values) for name, values in VALUES.items()}
    if loosest != {name: getattr(default, name) for name in VALUES}:
        raise AssertionError(f"The loosest values offered are not the settings in the code: {loosest}, {default}.")
    strict = replace(default, **{name: VALUES[name][-2] for name in GATES})
    return max((_climbed(table, start) for start in (default, strict)), key=lambda s: merit(table, s))


def _climbed(table: Table, settings: TrustSettings) -> TrustSettings:
    """Each setting in turn at its best value, until none changes; values that are as good stay as they are."""
    for _ in range(ROUNDS):
        before = settings
        for name, values in VALUES.items():
            choices = [settings, *(replace(settings, **{name: value}) for value in values)]
            settings = max(choices, key=lambda s: merit(table, s))
        if settings == before:
            break
    return settings


def loosened(settings: TrustSettings, by: float) -> TrustSettings:
    """Settings with every gate and every part of the predicted error divided by a factor."""
    values = asdict(settings)
    looser = {name: values[name] / by for name in (*GATES, *FACTORS)} | {
        name: values[name] * by for name in (*CEILINGS, *BY_SCORE)
    }
    return replace(settings, **looser)


def merit(table: Table, settings: TrustSettings) -> tuple[float, ...]:
    """What is compared, most important first: wrong matches trusted; lack of coverage; the price of the margin.

    A wrong match that settings looser by one of MARGINS would trust, counted for each of them, weighs as much as
    PRICE_OF_NEARLY_WRONG of an ordinary right one that is not trusted: it stands for the wrong ones not seen yet.
    """
    wrong, *wrong_if_loose = (
        float((table.trusted(loosened(settings, by)) & table.wrong).sum()) for by in (1.0, *MARGINS)
    )
    ordinary, bad = table.measurable & table.in_protocol, table.measurable & ~table.in_protocol
    lack = max(COVERAGE - coverage(table, settings, ordinary), 0.0)
    lack += max(COVERAGE_OF_BAD - coverage(table, settings, bad), 0.0)
    lost = float((~table.trusted(settings)[table.correct_in_protocol]).sum())
    return -wrong, -round(lack, 3), -(lost + PRICE_OF_NEARLY_WRONG * sum(wrong_if_loose))


def coverage(table: Table, settings: TrustSettings, among: np.ndarray) -> float:
    """Share of matches whose predicted error is at least the true one; 1 where there are none."""
    if not among.any():
        return 1.0
    return float((table.predicted_mm(settings)[among] >= table.error_mm[among]).mean())
