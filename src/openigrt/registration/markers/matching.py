"""A match on implanted markers: found as bright spots, told apart by their distances, and fitted as a rigid body.

The markers are those of the plan. The predicted error rests on how well the spots are known, on how well they fit the
plan, and on how far the judged points lie from them: a turn is known as well as the markers are far apart.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from openigrt.errors import MatchImpossible
from openigrt.geometry import Float64Array, RigidTransform
from openigrt.images import Image, Modality
from openigrt.patient import Match, Trust, Verdict
from openigrt.registration.field_of_view import field_of_view_mask
from openigrt.registration.markers.constellation import (
    SEARCH_DEG,
    SEARCH_MM,
    Constellation,
    constellations,
    distance_changes_mm,
)
from openigrt.registration.markers.spots import Spot, box_along_axes, find_spots
from openigrt.registration.planned_markers import PlannedMarkers
from openigrt.registration.rigid import Question
from openigrt.registration.trust import NORMAL_95

MARKERS = "markers"
METRIC = "marker positions"
MOST_DISTANCE_CHANGE_MM = 2.0
FLOOR_MM = 0.2
LEAST_DEVIATION_MM = 0.05
NOISE_FACTOR = 1.5  # neighbouring voxels of a reconstruction share their noise
SURENESS = 3.0  # how many residuals the error of a single spot counts for
UNKNOWN_TURN_DEG = 5.0
RIVAL_WORTH = 3.0
RIVAL_APART_MM = 2.0
X_RAY = (Modality.CT, Modality.CBCT)


def match_markers(question: Question, markers: PlannedMarkers, others: Sequence[Match] = ()) -> Match:
    """The markers of the plan in the image of the day, within 30 mm and 15 degrees of a start.

    Starts are those of the question, and of `others` those that are not refused. With fewer than two markers the match
    is refused; where no turn is measured (two, or all on one line) it is that of the start, and a person must look.
    Raises MatchImpossible for an image that does not show how much X-rays are attenuated, or in whose field of view
    no marker can be.
    """
    image = question.daily_image
    if image.modality not in X_RAY:
        raise MatchImpossible(
            f"Markers are looked for in CT and cone-beam CT; the image of the day is {image.modality}. Name another "
            "--region.",
            region=MARKERS,
        )
    starts = [*question.starts, *(o.plan_from_daily for o in others if o.trust.verdict is not Verdict.REFUSED)]
    spots = _spots(image, markers, starts)
    found = constellations(markers.points_mm, spots, starts)
    overlap = max(_share_in_view(image, markers, pose) for pose in ([found[0].plan_from_daily] if found else starts))
    if not found and overlap == 0.0:
        raise MatchImpossible(
            "No marker of the plan lies in the field of view of the image of the day where the search begins. Check "
            "the isocenters, or give --start.",
            region=MARKERS,
        )
    if not found:
        return Match(MARKERS, METRIC, starts[0], 0.0, overlap, _none_found(markers, spots))
    best = found[0]
    seen = FoundMarkers(markers, best, [None if n is None else spots[n] for n in best.spots], _rival(found, markers))
    score = sum(spot.explained_share for spot in seen.spots if spot is not None) / len(seen.spots)
    trust = seen.trust(question.target_points_mm, question.allowed_error_mm)
    return Match(MARKERS, METRIC, best.plan_from_daily, score, overlap, trust)


@dataclass(frozen=True, eq=False)
class FoundMarkers:
    """Planned markers and the spot that each is, None where it is not found.

    `rival` is the best constellation that means another place.
    """

    markers: PlannedMarkers
    constellation: Constellation
    spots: Sequence[Spot | None]
    rival: Constellation | None

    @property
    def _seen(self) -> list[tuple[int, Spot]]:
        """The markers that are found, by number."""
        return [(n, spot) for n, spot in enumerate(self.spots) if spot is not None]

    @property
    def planned_mm(self) -> Float64Array:
        """Where those that are found were planned (n, 3)."""
        return np.asarray(self.markers.points_mm[[n for n, _ in self._seen]])

    @property
    def daily_mm(self) -> Float64Array:
        """Where they are found in the image of the day (n, 3)."""
        return np.array([spot.place_mm for _, spot in self._seen])

    @property
    def residuals_mm(self) -> Float64Array:
        """What the fit leaves of each (n,)."""
        moved = self.constellation.plan_from_daily.points(self.daily_mm)
        return np.asarray(np.linalg.norm(moved - self.planned_mm, axis=1))

    @property
    def deviation_mm(self) -> float:
        """Standard error of a marker along an axis: of the fits of the spots, and of how well they fit the plan."""
        alone = NOISE_FACTOR * np.sqrt(np.mean([spot.deviation_mm**2 for _, spot in self._seen]))
        expected = float(np.hypot(alone, LEAST_DEVIATION_MM))
        freedom = 3 * len(self._seen) - 6
        if not self.constellation.turn_is_known:
            changes_mm = distance_changes_mm(self.planned_mm, self.daily_mm)
            total, freedom = 0.5 * float((changes_mm**2).sum()), len(changes_mm)
        else:
            total = float((self.residuals_mm**2).sum())
        return float(np.sqrt((SURENESS * expected**2 + total) / (SURENESS + freedom)))

    @property
    def turn_covariance(self) -> Float64Array:
        """Covariance (3, 3) of the turn about the axes of the plan, square radians; where unknown, 5 degrees of it."""
        unknown = np.deg2rad(UNKNOWN_TURN_DEG / NORMAL_95) ** 2 * np.eye(3)
        away = self.planned_mm - self.planned_mm.mean(axis=0)
        if not self.constellation.turn_is_known:
            return np.asarray(unknown)
        information = np.sum(away**2) * np.eye(3) - away.T @ away
        return np.asarray(self.deviation_mm**2 * np.linalg.inv(information))

    def error_parts_mm(self, target_points_mm: Float64Array) -> Mapping[str, float]:
        """What the predicted error is made of over judged points (n, 3) of the plan: 95 % bounds, mm."""
        away = target_points_mm - self.planned_mm.mean(axis=0)
        turn = self.turn_covariance
        variance = (away**2).sum(axis=1) * np.trace(turn) - np.einsum("ni,ij,nj->n", away, turn, away)
        middle_mm = self.deviation_mm * np.sqrt(3.0 / len(self._seen))
        return {
            "floor": FLOOR_MM,
            "middle of the markers": NORMAL_95 * float(middle_mm),
            "turn of the markers": NORMAL_95 * float(np.sqrt(variance.max())),
        }

    def trust(self, target_points_mm: Float64Array, allowed_error_mm: float) -> Trust:
        """Predicted error and verdict with reasons."""
        parts = self.error_parts_mm(target_points_mm)
        predicted_mm = float(np.sqrt(sum(value**2 for value in parts.values())))
        doubts = [*self._doubts()]
        if predicted_mm > allowed_error_mm:
            doubts.append(
                f"The predicted error of {predicted_mm:.2f} mm is above the allowed {allowed_error_mm:.2f} mm."
            )
        if doubts:
            return Trust(Verdict.LOOK, predicted_mm, tuple(doubts), parts, evidence=self._figures())
        missing = len(self.spots) - len(self._seen)
        reasons = [f"The predicted error of {predicted_mm:.1f} mm is within the allowed {allowed_error_mm:.1f} mm."]
        if missing:
            reasons.append(f"{_in_words(self._missing)} was not found; the others fit the plan without.")
        return Trust(Verdict.TRUSTED, predicted_mm, tuple(reasons), parts, evidence=self._figures())

    @property
    def _missing(self) -> list[str]:
        """Names of the markers that were not found."""
        return [self.markers.names[n] for n, spot in enumerate(self.spots) if spot is None]

    def _doubts(self) -> Iterator[str]:
        """Why a person must look before the match is used."""
        if not self.constellation.turn_is_known:
            missing = f" ({_in_words(self._missing)} was not found)" if self._missing else ""
            yield (
                f"Only {len(self._seen)} markers tell where the target is{missing}: no turn is measured, only a shift."
                if len(self._seen) < 3
                else "The markers lie on one line: no turn is measured, only a shift."
            )
        changes_mm = distance_changes_mm(self.planned_mm, self.daily_mm)
        names = [self.markers.names[n] for n, _ in self._seen]
        pairs = list(combinations(names, 2))
        worst = int(np.argmax(np.abs(changes_mm)))
        if abs(changes_mm[worst]) > MOST_DISTANCE_CHANGE_MM:
            yield (
                f"{pairs[worst][0]} and {pairs[worst][1]} are {abs(changes_mm[worst]):.1f} mm "
                f"{'farther apart' if changes_mm[worst] > 0.0 else 'closer together'} than planned "
                f"({MOST_DISTANCE_CHANGE_MM:g} mm is allowed): one of them migrated, is taken for another bright spot, "
                "or the organ changed its shape."
            )
        if self.rival is not None:
            yield (
                f"{len(self.rival.found)} other bright spots lie almost as the markers do; compare by eye which are "
                "the markers."
            )

    def _figures(self) -> Mapping[str, float]:
        """The figures that the verdict rests on, by name."""
        changes_mm = distance_changes_mm(self.planned_mm, self.daily_mm)
        turn = float(np.rad2deg(np.sqrt(np.trace(self.turn_covariance))))
        return {
            "markers_planned": float(len(self.spots)),
            "markers_found": float(len(self._seen)),
            "largest_distance_change_mm": float(np.abs(changes_mm).max()),
            "residual_mm": float(np.sqrt((self.residuals_mm**2).mean())),
            "marker_deviation_mm": self.deviation_mm,
            "turn_bound_deg": NORMAL_95 * turn,
            "least_excess_hu": min(spot.excess_hu for _, spot in self._seen),
        }


def _in_words(names: Sequence[str]) -> str:
    """Names in a sentence."""
    return ", ".join(names)


def _none_found(markers: PlannedMarkers, spots: Sequence[Spot]) -> Trust:
    """The trust of a match that was not made."""
    reason = (
        f"Fewer than two of the {len(markers.names)} markers were found within {SEARCH_MM:g} mm and {SEARCH_DEG:g}° of "
        f"where the search began ({len(spots)} bright spots, no two as far apart as planned)."
    )
    figures = {"markers_planned": float(len(markers.names)), "markers_found": 0.0, "spots": float(len(spots))}
    return Trust(Verdict.REFUSED, SEARCH_MM, (reason,), {"search": SEARCH_MM}, evidence=figures)


def _rival(found: Sequence[Constellation], markers: PlannedMarkers) -> Constellation | None:
    """A constellation that is worth almost as much as the best and puts the markers elsewhere."""
    best = found[0]
    daily_mm = best.plan_from_daily.inverse().points(markers.points_mm)
    for other in found[1:]:
        if other.worth < best.worth - RIVAL_WORTH:
            return None
        apart_mm = np.linalg.norm(other.plan_from_daily.points(daily_mm) - markers.points_mm, axis=1)
        if apart_mm.max() > RIVAL_APART_MM:
            return other
    return None


def _spots(image: Image, markers: PlannedMarkers, starts: Sequence[RigidTransform]) -> tuple[Spot, ...]:
    """Bright spots wherever a start and the reach of the search can put a marker."""
    around = markers.points_mm - markers.points_mm.mean(axis=0)
    turned_mm = 2.0 * np.sin(np.deg2rad(0.5 * SEARCH_DEG)) * float(np.linalg.norm(around, axis=1).max())
    expected = np.vstack([start.inverse().points(markers.points_mm) for start in starts])
    return find_spots(image, *box_along_axes(image, expected, SEARCH_MM + turned_mm))


def _share_in_view(image: Image, markers: PlannedMarkers, plan_from_daily: RigidTransform) -> float:
    """Share of the markers that lie in the field of view of the image under a pose."""
    seen = field_of_view_mask(image).voxels
    indices = np.round(image.grid.indices(plan_from_daily.inverse().points(markers.points_mm))).astype(int)
    inside = ((indices >= 0) & (indices < np.array(image.grid.size))).all(axis=1)
    i, j, k = indices[inside].T
    return float(seen[k, j, i].sum()) / len(indices)
