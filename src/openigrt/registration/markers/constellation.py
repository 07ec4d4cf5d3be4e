"""Which bright spot is which marker: by the distances between them, and by the pose that they give."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from openigrt.geometry import Float64Array, RigidTransform, fit_rigid, rotation_angle_deg
from openigrt.registration.markers.spots import Spot

SEARCH_MM = 30.0
SEARCH_DEG = 15.0
DISTANCE_TOLERANCE_MM = 5.0
LEAST_WIDTH_MM = 3.0
FOUND_IS_WORTH = 8.0
RESIDUAL_MM = 1.0
USUAL_SHIFT_MM = 15.0
USUAL_TURN_DEG = 8.0
MOST_TRIED = 20000


@dataclass(frozen=True, eq=False)
class Constellation:
    """Which spot each planned marker is: `spots[n]` is an index, None where it is not found; `plan_from_daily` fits.

    The worth grows with every marker and falls with residuals, unlike brightness, and distance from the start.
    `turn_is_known` says whether the turn was measured; else it is that of the start.
    """

    spots: tuple[int | None, ...]
    plan_from_daily: RigidTransform
    turn_is_known: bool
    worth: float

    @property
    def found(self) -> tuple[int, ...]:
        """Which planned markers are found."""
        return tuple(n for n, spot in enumerate(self.spots) if spot is not None)


def constellations(
    planned_mm: Float64Array, spots: Sequence[Spot], starts: Sequence[RigidTransform]
) -> list[Constellation]:
    """Every way to see two markers or more, (n, 3) of the plan, in the spots, within reach of a start; best first."""
    places = np.array([spot.place_mm for spot in spots]).reshape(-1, 3)
    excess = np.array([spot.excess_hu for spot in spots])
    found: list[Constellation] = []
    for count, chosen in enumerate(_agreeing(planned_mm, places)):
        found += _posed(chosen, planned_mm, places, excess, starts)
        if count >= MOST_TRIED:
            break
    return sorted(found, key=lambda constellation: -constellation.worth)


def _agreeing(planned_mm: Float64Array, places_mm: Float64Array) -> Iterator[tuple[int | None, ...]]:
    """Choices of distinct spots for two markers or more whose mutual distances are as planned; most markers first."""
    planned = np.linalg.norm(planned_mm[:, None] - planned_mm[None], axis=2)
    seen = np.linalg.norm(places_mm[:, None] - places_mm[None], axis=2)

    def further(members: tuple[int, ...], chosen: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
        """Every completion of a choice for the first of the members."""
        if len(chosen) == len(members):
            yield chosen
            return
        n, before = members[len(chosen)], members[: len(chosen)]
        for spot in range(len(places_mm)):
            away = [abs(seen[spot, c] - planned[n, b]) for b, c in zip(before, chosen, strict=True)]
            if spot not in chosen and all(a <= DISTANCE_TOLERANCE_MM for a in away):
                yield from further(members, (*chosen, spot))

    for count in range(len(planned_mm), 1, -1):
        for members in combinations(range(len(planned_mm)), count):
            for chosen in further(members, ()):
                of_marker = dict(zip(members, chosen, strict=True))
                yield tuple(of_marker.get(n) for n in range(len(planned_mm)))


def _posed(
    chosen: tuple[int | None, ...],
    planned_mm: Float64Array,
    places_mm: Float64Array,
    excess: Float64Array,
    starts: Sequence[RigidTransform],
) -> Iterator[Constellation]:
    """The pose of a choice, if a start is within reach; of two markers, with the turn of the start."""
    pairs = [(n, spot) for n, spot in enumerate(chosen) if spot is not None]
    plan, daily = planned_mm[[n for n, _ in pairs]], places_mm[[spot for _, spot in pairs]]
    bright = excess[[spot for _, spot in pairs]]
    known = turn_is_measured(plan)
    best: Constellation | None = None
    for start in starts:
        pose = _fitted(plan, daily, start, known)
        shift_mm = float(np.linalg.norm(pose.points(daily).mean(axis=0) - start.points(daily).mean(axis=0)))
        turn_deg = rotation_angle_deg(pose.rotation @ start.rotation.T)
        if shift_mm > SEARCH_MM or turn_deg > SEARCH_DEG:
            continue
        residuals = np.linalg.norm(pose.points(daily) - plan, axis=1)
        if not known and residuals.max() > _turned_mm(plan):
            continue
        allowed_mm = 0.0 if known else _turned_mm(plan)
        worth = (
            FOUND_IS_WORTH * len(pairs)
            - 0.5 * float((np.maximum(residuals - allowed_mm, 0.0) ** 2).sum()) / RESIDUAL_MM**2
            - _distances_off(plan, daily)
            - 2.0 * float((np.log(bright / np.median(bright)) ** 2).sum())
            - 0.5 * ((shift_mm / USUAL_SHIFT_MM) ** 2 + (turn_deg / USUAL_TURN_DEG) ** 2)
        )
        if best is None or worth > best.worth:
            best = Constellation(chosen, pose, known, worth)
    if best is not None:
        yield best


def turn_is_measured(planned_mm: Float64Array) -> bool:
    """Whether points (n, 3) are three or more and not on one line, to 3 mm."""
    if len(planned_mm) < 3:
        return False
    away = planned_mm - planned_mm.mean(axis=0)
    return bool(np.linalg.svd(away, compute_uv=False)[1] > LEAST_WIDTH_MM)


def _fitted(plan: Float64Array, daily: Float64Array, start: RigidTransform, known: bool) -> RigidTransform:
    """The motion that brings daily points (n, 3) to planned ones, turned as the start where no turn is measured."""
    if known:
        rotation, translation_mm = fit_rigid(plan, daily)
    else:
        rotation = start.rotation
        translation_mm = plan.mean(axis=0) - rotation @ daily.mean(axis=0)
    return RigidTransform(start.to_frame, start.from_frame, rotation, translation_mm)


def _turned_mm(plan: Float64Array) -> float:
    """How far the turn that is searched moves the farther of points (n, 3) from their middle."""
    reach_mm = float(np.linalg.norm(plan - plan.mean(axis=0), axis=1).max())
    return 2.0 * float(np.sin(np.deg2rad(0.5 * SEARCH_DEG))) * reach_mm + DISTANCE_TOLERANCE_MM / 2.0


def _distances_off(plan: Float64Array, daily: Float64Array) -> float:
    """What distances that differ from those planned cost; residuals of three or more show them a second time."""
    return 0.5 * float((distance_changes_mm(plan, daily) ** 2).mean()) / RESIDUAL_MM**2


def distance_changes_mm(plan: Float64Array, daily: Float64Array) -> Float64Array:
    """How much longer each distance between points (n, 3) is today, mm, in the order of `combinations`."""
    pairs = list(combinations(range(len(plan)), 2))
    first, second = [a for a, _ in pairs], [b for _, b in pairs]
    planned = np.linalg.norm(plan[first] - plan[second], axis=1)
    return np.asarray(np.linalg.norm(daily[first] - daily[second], axis=1) - planned)
