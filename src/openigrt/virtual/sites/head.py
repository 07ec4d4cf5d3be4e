"""The tissue that a virtual head, neck and shoulders are made of; axes as in `head_skull`."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from openigrt.virtual.sites.head_brain import brain
from openigrt.virtual.sites.head_skull import fillings, hyoid, mandible, petrous, septum, skull, teeth
from openigrt.virtual.sites.head_soft import (
    airway,
    body,
    deep_tissue,
    glands,
    hollows,
    larynx_cartilage,
    mask,
    muscles,
    nodes,
    orbit_content,
    sinus_air,
    turbinates,
    vessels,
)
from openigrt.virtual.sites.head_spine import humerus, ribs, shoulder, spine
from openigrt.virtual.sites.pelvis_bones import Side
from openigrt.virtual.tissue.anatomy import Organ

ORGAN_SEED = 7919


@dataclass(frozen=True, eq=False)
class Head:
    """Organs of the head in three groups, back to front: what bone hides, what hides bone, and bones."""

    soft: tuple[Organ, ...]
    bones: tuple[Organ, ...]
    front: tuple[Organ, ...]


def head(seed: int, filling_count: int = 0, with_mask: bool = False) -> Head:
    """One seeded head: soft tissue, bones in front of it, and what lies in the hollows of bones in front of these."""
    rng = np.random.default_rng(seed)
    bones = tuple(_bones(rng, filling_count))
    soft = tuple(_soft(np.random.default_rng((seed, ORGAN_SEED)), with_mask))
    front = tuple(_front(np.random.default_rng((seed, ORGAN_SEED, 1))))
    return Head(soft, bones, front)


def _sides(rng: np.random.Generator) -> tuple[Side, Side]:
    return Side(1.0, rng), Side(-1.0, rng)


def _soft(rng: np.random.Generator, with_mask: bool) -> Iterator[Organ]:
    if with_mask:
        yield mask()
    yield body()
    yield from deep_tissue()
    sides = _sides(rng)
    for side in sides:
        yield from muscles(side)
    for side in sides:
        yield from glands(side)
        yield from nodes(side)
    yield from airway()
    for side in sides:
        yield from vessels(side)
    yield from brain()
    yield from hollows(sides)
    for side in sides:
        yield from orbit_content(side)
        yield turbinates(side)


def _bones(rng: np.random.Generator, filling_count: int) -> Iterator[Organ]:
    yield from ribs(rng)
    for side in _sides(rng):
        yield shoulder(side)
        yield humerus(side)
    yield from spine(rng)
    yield from larynx_cartilage(rng)
    yield hyoid(rng)
    yield septum()
    yield skull(rng)
    yield mandible(rng)
    for name in ("UPPER", "LOWER"):
        yield teeth(name, rng)
    yield from fillings(filling_count, rng)


def _front(rng: np.random.Generator) -> Iterator[Organ]:
    for side in _sides(rng):
        yield sinus_air(side)
        yield from petrous(side)
