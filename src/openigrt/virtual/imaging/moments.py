"""The few states that stand for all moments of a scan: anatomy is rendered once for each of them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from openigrt.geometry import Float64Array
from openigrt.virtual.linac.patient_on_couch import PatientOnCouch

TURN_REACH_MM = 100.0


@dataclass(frozen=True, eq=False)
class Moments:
    """States of a patient, each the one at a time of `states_s` (m,); `state_of` (n,) says which one a moment shows.

    `farthest_mm`: no moment's tissue is farther than that from the state that stands for it.
    """

    states_s: Float64Array
    state_of: NDArray[np.intp]
    farthest_mm: float

    @property
    def most_common_s(self) -> float:
        """When the state is that stands for most moments."""
        return float(self.states_s[np.bincount(self.state_of).argmax()])


def moments_of(on_couch: PatientOnCouch, times_s: Float64Array, step_mm: float, most: int) -> Moments:
    """States for the moments (n,) of a scan: as few as bring all within `step_mm`, and `most` at most.

    The next state is always the moment that is farthest from all before it (Gonzalez 1985); at last each
    goes to the middle of those that it stands for, unless that brings another farther away.
    """
    places = _places_mm(on_couch, times_s)
    chosen = [int(np.argmin(_apart(places, np.median(places, axis=0))))]
    nearest_mm = _apart(places, places[chosen[0]])
    while nearest_mm.max() > step_mm and len(chosen) < most:
        chosen.append(int(nearest_mm.argmax()))
        nearest_mm = np.minimum(nearest_mm, _apart(places, places[chosen[-1]]))
    middles = [places[_nearest(places, chosen) == n].mean(axis=0) for n in range(len(chosen))]
    central = [int(np.argmin(_apart(places, middle))) for middle in middles]
    best = min((central, chosen), key=lambda states: _farthest_mm(places, states))
    return Moments(np.asarray(times_s)[best], _nearest(places, best), _farthest_mm(places, best))


def _places_mm(on_couch: PatientOnCouch, times_s: Float64Array) -> Float64Array:
    """Where the tissue that goes farthest is at moments (n, features): by breath, by drift, with the whole patient."""
    day, since_s = on_couch.day, np.asarray(times_s) - on_couch.lain_down_s
    features = [np.array([day.drift.at_mm(float(t)) for t in since_s])]
    if day.breathing is not None and on_couch.patient.breathing_organs:
        depth, flow = day.breathing.depth_and_flow(since_s)
        for organ in on_couch.patient.breathing_organs:
            features.append(
                np.outer(depth, np.asarray(organ.with_depth_mm)) + np.outer(flow, np.asarray(organ.with_flow_mm))
            )
    first = on_couch.fixed_from_plan(float(times_s[0]))
    isocenter_mm = on_couch.patient.isocenter_mm
    probes_mm = isocenter_mm + TURN_REACH_MM * np.vstack([np.zeros(3), np.eye(3)])
    starts_mm = first.points(probes_mm)
    body = [(on_couch.fixed_from_plan(float(t)).points(probes_mm) - starts_mm).ravel() for t in times_s]
    return np.hstack([*features, np.array(body)])


def _apart(places: Float64Array, place: Float64Array) -> Float64Array:
    """The largest distance (n,) over triples of coordinates."""
    return np.asarray(np.linalg.norm((places - place).reshape(len(places), -1, 3), axis=2).max(axis=1))


def _nearest(places: Float64Array, chosen: list[int]) -> NDArray[np.intp]:
    """Which of the chosen moments is nearest to each (n,)."""
    return np.asarray(np.argmin(np.stack([_apart(places, places[n]) for n in chosen]), axis=0), dtype=np.intp)


def _farthest_mm(places: Float64Array, chosen: list[int]) -> float:
    """How far any moment is from the chosen one that stands for it."""
    return float(np.stack([_apart(places, places[n]) for n in chosen]).min(axis=0).max())
