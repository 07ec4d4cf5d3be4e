"""What the virtual thorax and the virtual upper abdomen have in common: all tissue but that of their targets."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from openigrt.geometry import Float64Array
from openigrt.virtual.sites.pelvis_bones import Side
from openigrt.virtual.sites.trunk_belly import (
    STOMACH_CENTER_MM,
    STOMACH_SEMI_AXES_MM,
    colon,
    diaphragm,
    liver,
    small_bowel,
    upper_organs,
)
from openigrt.virtual.sites.trunk_bones import bones
from openigrt.virtual.sites.trunk_chest import airways, great_vessels, heart, lung, lung_vessels
from openigrt.virtual.sites.trunk_shape import Spine, spine_of
from openigrt.virtual.sites.trunk_wall import body, cord, glands, muscles, wall
from openigrt.virtual.tissue.anatomy import Layer, Organ, Part
from openigrt.virtual.tissue.moves import Move, Region, Swelling
from openigrt.virtual.tissue.solids import spline_tube

CHEST_SEED, BELLY_SEED, BOWEL_SEED = 101, 103, 107
MARKER = (Layer(0.0, 3000.0),)


@dataclass(frozen=True, eq=False)
class Trunk:
    """Organs back to front, and what the sites need to know of them."""

    organs: tuple[Organ, ...]
    bones: tuple[str, ...]
    spine: Spine

    def organ(self, name: str) -> Organ:
        """An organ by its name."""
        return next(organ for organ in self.organs if organ.name == name)


def trunk_of(seed: int, forks: int) -> Trunk:
    """One adult's trunk; the vessels of the lungs fork as often as `forks`."""
    rng = np.random.default_rng(seed)
    spine = spine_of(rng)
    still, front = bones(rng, spine)
    canal, spinal_cord = cord(spine)
    in_chest, in_belly = np.random.default_rng((seed, CHEST_SEED)), np.random.default_rng((seed, BELLY_SEED))
    lungs = {1.0: lung(1.0, spine), -1.0: lung(-1.0, spine)}
    organs = (
        body(in_chest),
        *glands(in_chest),
        *wall(),
        diaphragm(),
        *(muscle for sign in (1.0, -1.0) for muscle in muscles(Side(sign, rng))),
        *colon(1.0),
        *small_bowel(np.random.default_rng((seed, BOWEL_SEED))),
        *liver(in_belly),
        *upper_organs(in_belly),
        *lungs.values(),
        *heart(),
        *great_vessels(spine),
        *(vessel for sign, organ in lungs.items() for vessel in lung_vessels(in_chest, organ, sign, forks)),
        *airways(),
        canal,
        *front,
        *still,
        spinal_cord,
    )
    return Trunk(organs, tuple(organ.name for organ in still), spine)


def filled_stomach(share: float) -> tuple[Move, ...]:
    """A stomach that holds so many times what it held on the planning CT."""
    if share == 1.0:
        return ()
    return (Swelling(Region(STOMACH_CENTER_MM, STOMACH_SEMI_AXES_MM, 1.65), share),)


def marker(name: str, at_mm: ArrayLike, direction: Float64Array) -> Organ:
    """A gold seed of 3 mm by 1.4 mm."""
    half = 1.5 * direction / np.linalg.norm(direction)
    at = np.asarray(at_mm, dtype=np.float64)
    return Organ(name, (Part(spline_tube((at - half, at + half), (0.7, 0.7))),), MARKER)
