"""The virtual male pelvis: one seeded patient, and the state of the organs on one day."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from openigrt.geometry import Float64Array, Frame
from openigrt.virtual.sites.pelvis_bones import Side, bones
from openigrt.virtual.sites.pelvis_soft import (
    GAS,
    abdomen,
    body,
    colon,
    great_vessels,
    muscles,
    perineum,
    small_bowel,
    vessels,
)
from openigrt.virtual.tissue.anatomy import Anatomy, Layer, Organ, Part
from openigrt.virtual.tissue.primitive_table import Operation
from openigrt.virtual.tissue.solids import HalfSpace, Superellipsoid, spline_tube

PROSTATE = (Layer(0.0, 40.0, 4.0, 6.0),)
SEMINAL_VESICLE = (Layer(0.0, 32.0, 5.0, 8.0),)
BLADDER = (Layer(0.0, 38.0, 3.0, 4.0), Layer(3.0, 5.0, 1.0, 2.0))
RECTUM = (Layer(0.0, 42.0, 4.0, 6.0), Layer(3.2, 22.0, 30.0, 35.0, -120.0))
MARKER = (Layer(0.0, 3000.0),)

BLADDER_SHAPE = np.array([1.26, 1.0, 0.94])
MARKER_PLACES_MM = ((-11.0, -4.0, 9.0), (12.0, 2.0, 1.0), (-3.0, 6.0, -11.0))
ORGAN_SEED = 7919

Factor: TypeAlias = float  # without dimension


@dataclass(frozen=True, slots=True)
class PelvisState:
    """What changes from day to day: bladder volume, width of the rectum, gas, bowel, place of the prostate.

    `rectum_width` and `gas_width` are factors on the radius; `prostate_shift_mm` (LPS) moves prostate, seminal vesicles
    and markers against the bones; `bowel_seed` chooses where the loops of small bowel lie.
    """

    bladder_ml: float = 210.0
    rectum_width: Factor = 1.0
    gas_width: Factor = 1.0
    gas_shift_mm: tuple[float, float, float] = (0.0, 0.0, 0.0)
    prostate_shift_mm: tuple[float, float, float] = (0.0, 0.0, 0.0)
    bowel_seed: int = 0


PLANNING_STATE = PelvisState()


def virtual_pelvis(
    frame: Frame, seed: int, state: PelvisState = PLANNING_STATE, origin_mm: ArrayLike = (0.0, 0.0, 0.0)
) -> Anatomy:
    """The pelvis of one patient (`seed`) on one day (`state`), in LPS mm of `frame`.

    `origin_mm` is the middle between the centres of the femoral heads. Landmarks: PROSTATE (centre), MARKER_1 to
    MARKER_3, FEMORAL_HEAD_L and _R. Bones, muscles and outline depend on the seed alone.
    """
    rng = np.random.default_rng(seed)
    skeleton, heads = bones(rng)
    organ_rng = np.random.default_rng((seed, ORGAN_SEED))
    inner, places = _organs_of_the_day(organ_rng, state)
    organs = (
        body(),
        *abdomen(),
        *_both_sides(rng),
        *perineum(),
        *colon(),
        *small_bowel(np.random.default_rng((seed, state.bowel_seed))),
        *great_vessels(),
        *skeleton,
        *inner,
    )
    places |= {f"FEMORAL_HEAD_{letter}": head for letter, head in heads.items()}
    landmarks = {name: _triple(np.add(place, origin_mm)) for name, place in places.items()}
    return Anatomy(frame, organs, np.array(origin_mm), landmarks, texture_seed=seed)


def _both_sides(rng: np.random.Generator) -> Iterator[Organ]:
    """Muscles and vessels, left and right."""
    for side in (Side(1.0, rng), Side(-1.0, rng)):
        yield from muscles(side)
        yield from vessels(side)


def _organs_of_the_day(
    rng: np.random.Generator, state: PelvisState
) -> tuple[tuple[Organ, ...], dict[str, Float64Array]]:
    """Rectum, bladder, seminal vesicles, prostate and markers, back to front, and their landmarks."""
    shift = np.array(state.prostate_shift_mm)
    center = np.array([0.0, 7.0, -19.0]) + rng.standard_normal(3) + shift
    semi_axes_mm = np.array([24.0, 17.0, 20.0]) * (1.0 + 0.04 * rng.standard_normal(3))
    moved = (float(shift[0]), float(shift[1]), float(shift[2]))
    prostate = Organ("PROSTATE", (Part(Superellipsoid(center, semi_axes_mm, exponents=(2.2, 2.1))),), PROSTATE, moved)
    vesicles = [
        Part(
            spline_tube(center + np.array([(s * 4, 12, 15), (s * 17, 18, 26), (s * 31, 22, 33)]), (6.5, 7.0, 4.0)),
            blend_mm=3.0,
        )
        for s in (1.0, -1.0)
    ]
    places = {"PROSTATE": center}
    markers = []
    for n, place in enumerate(MARKER_PLACES_MM, start=1):
        at = center + place + 1.5 * rng.standard_normal(3)
        direction = rng.standard_normal(3) * (0.3, 0.3, 1.0)
        half = 1.5 * direction / np.linalg.norm(direction)
        markers.append(Organ(f"MARKER_{n}", (Part(spline_tube((at - half, at + half), (0.7, 0.7))),), MARKER))
        places[f"MARKER_{n}"] = at
    organs = (
        *_rectum(state),
        _bladder(state),
        Organ("SEMINAL_VESICLES", tuple(vesicles), SEMINAL_VESICLE, moved),
        prostate,
    )
    return (*organs, *markers), places


def _bladder(state: PelvisState) -> Organ:
    """A bladder that fills up and forward from its neck, held by the symphysis."""
    radius_mm = (state.bladder_ml * 1000.0 * 3.0 / (4.0 * np.pi * BLADDER_SHAPE.prod())) ** (1.0 / 3.0)
    semi_axes_mm = radius_mm * BLADDER_SHAPE
    center = (1.5, -50.0 + semi_axes_mm[1], -3.0 + semi_axes_mm[2])
    return Organ("BLADDER", (Part(Superellipsoid(center, semi_axes_mm)),), BLADDER)


def _rectum(state: PelvisState) -> tuple[Organ, Organ]:
    """Rectum along the sacrum, and the gas in the front of it with its level."""
    path = np.array(
        [(0, 56, -72), (0, 47, -54), (1, 45, -34), (2, 47, -6), (-3, 59, 24), (-9, 53, 52), (6, 34, 78)],
        dtype=np.float64,
    )
    radii = state.rectum_width * np.array([12.0, 14.0, 15.0, 17.5, 19.0, 17.5, 15.0])
    gas_path = path[2:6] + np.array([0.0, -4.5, 0.0]) + np.array(state.gas_shift_mm)
    gas_radii = state.gas_width * state.rectum_width * np.array([3.0, 8.5, 10.0, 4.0])
    level = HalfSpace(gas_path.mean(axis=0) + np.array([0.0, 9.0, 0.0]), (0.0, 1.0, 0.0))
    gas = (Part(spline_tube(gas_path, list(gas_radii))), Part(level, Operation.INTERSECT, 1.0))
    return Organ("RECTUM", (Part(spline_tube(path, list(radii))),), RECTUM), Organ("RECTUM_GAS", gas, GAS)


def _triple(point: Float64Array) -> tuple[float, float, float]:
    """Three plain numbers."""
    return float(point[0]), float(point[1]), float(point[2])
