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
    throat,
    turbinates,
    vessels,
)
from openigrt.virtual.sites.head_spine import humerus, ribs, shoulder, spine
from openigrt.virtual.sites.pelvis_bones import Side
from openigrt.virtual.tissue.anatomy import Organ

ORGAN_SEED = 7919
SOFT_BONES = ("THYROID_CARTILAGE", "CRICOID", "HYOID", "SEPTUM", "FILLING")


@dataclass(frozen=True, eq=False)
class Head:
    """Organs of the head back to front: soft tissue, air and what lies in hollows, bones, and what hides bones.

    `stiff` are the bones that soft tissue moves along: all but those of the throat.
    """

    soft: tuple[Organ, ...]
    air: tuple[Organ, ...]
    bones: tuple[Organ, ...]
    front: tuple[Organ, ...]
    stiff: tuple[str, ...]


def head(seed: int, filling_count: int = 0, with_mask: bool = False) -> Head:
    """One seeded head: soft tissue, bones in front of it, and what lies in the hollows of bones in front of these."""
    rng = np.random.default_rng(seed)
    bones = tuple(_bones(rng, filling_count))
    soft = tuple(_soft(np.random.default_rng((seed, ORGAN_SEED)), with_mask))
    air = tuple(_air(np.random.default_rng((seed, ORGAN_SEED, 2))))
    front = tuple(_front(np.random.default_rng((seed, ORGAN_SEED, 1))))
    stiff = tuple(organ.name for organ in bones if not organ.name.startswith(SOFT_BONES))
    return Head(soft, air, bones, front, stiff)


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
    yield from throat()
    for side in sides:
        yield from vessels(side)
    yield from brain()


def _air(rng: np.random.Generator) -> Iterator[Organ]:
    sides = _sides(rng)
    yield from airway()
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
