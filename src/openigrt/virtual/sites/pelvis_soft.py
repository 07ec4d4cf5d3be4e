"""Outer shape, fat, muscles, vessels and bowel of the virtual pelvis; axes as in `pelvis_bones`."""

from collections.abc import Iterator
from itertools import groupby
from operator import attrgetter

import numpy as np
from numpy.typing import ArrayLike

from openigrt.geometry import Float64Array
from openigrt.virtual.sites.pelvis_bones import Side, iliac_outline
from openigrt.virtual.sites.pelvis_strands import MUSCLES, VESSELS, Strand
from openigrt.virtual.tissue.anatomy import Layer, Organ, Part
from openigrt.virtual.tissue.primitive_table import Operation
from openigrt.virtual.tissue.solids import HalfSpace, Loft, Sheet, Superellipsoid, Tube, spline_tube

INTERSECT = Operation.INTERSECT

BODY = (Layer(0.0, 5.0, 0.0, 15.0), Layer(2.0, -104.0, 6.0, 6.0, 34.0))
MUSCLE = (Layer(0.0, 57.0, 6.0, 8.0, -38.0),)
SMOOTH_MUSCLE = (Layer(0.0, 48.0, 4.0, 6.0),)
ABDOMINAL_WALL = (Layer(0.0, 50.0, 6.0, 8.0, -35.0),)
VISCERAL_FAT = (Layer(0.0, -99.0, 8.0, 8.0, 48.0),)
VESSEL = (Layer(0.0, 46.0, 2.0, 3.0),)
PLAQUE = (Layer(0.0, 480.0),)
BOWEL = (Layer(0.0, 44.0, 3.0, 5.0), Layer(2.5, 20.0, 14.0, 10.0))
STOOL = (Layer(0.0, 44.0, 3.0, 5.0), Layer(2.5, 15.0, 45.0, 55.0, -160.0))
GAS = (Layer(0.0, -985.0),)

# z, centre x and y, half width left and right, half depth front and back, exponents front and back.
TRUNK = np.array(
    [
        (-130.0, 0.0, -2.0, 150.0, 150.0, 60.0, 62.0, 2.2, 2.2),
        (-85.0, 0.0, -2.0, 172.0, 171.0, 84.0, 80.0, 2.3, 2.2),
        (-50.0, 0.0, -2.0, 185.0, 183.0, 95.0, 92.0, 2.35, 2.2),
        (0.0, 0.0, 0.0, 187.0, 186.0, 106.0, 104.0, 2.35, 2.25),
        (50.0, 1.0, 2.0, 184.0, 184.0, 112.0, 114.0, 2.35, 2.3),
        (100.0, 2.0, 4.0, 177.0, 179.0, 117.0, 113.0, 2.3, 2.4),
        (150.0, 2.0, 4.0, 168.0, 171.0, 119.0, 108.0, 2.3, 2.5),
        (200.0, 1.0, 2.0, 162.0, 165.0, 118.0, 106.0, 2.3, 2.5),
        (250.0, 0.0, 0.0, 162.0, 164.0, 117.0, 105.0, 2.3, 2.4),
        (300.0, 0.0, 0.0, 164.0, 164.0, 117.0, 105.0, 2.3, 2.4),
    ]
)


def body() -> Organ:
    """Skin and fat: trunk, buttocks with their cleft, thighs, scrotum."""
    parts = [Part(Loft(TRUNK)), Part(HalfSpace((0, 0, -96), (0, 0, -1)), INTERSECT, 30.0)]
    for s, width in ((1.0, 1.0), (-1.0, 1.02)):
        parts += [
            Part(Superellipsoid((s * 66, 66, -30), (80 * width, 67, 84)), blend_mm=22.0),
            Part(_thigh(s, width), blend_mm=14.0),
        ]
    parts.append(Part(Superellipsoid((3, -82, -104), (32, 30, 38)), blend_mm=10.0))
    return Organ("BODY", tuple(parts), BODY)


def _thigh(s: float, width: float) -> Tube:
    """One thigh, from inside the trunk to below the image."""
    return spline_tube(
        ((s * 98, 0, -10), (s * 97, 2, -90), (s * 94, 2, -180), (s * 90, 2, -320)), (80, 88 * width, 88, 80)
    )


def abdomen() -> tuple[Organ, Organ]:
    """The ring of flat muscles above the iliac crests and the inguinal ligaments, and the fat of the cavity inside."""
    rim = Part(HalfSpace((0, 0, 112), (0, 0.56, -0.83)), INTERSECT, 12.0)
    below = Part(HalfSpace((0, 0, 15), (0, 0, -1)), INTERSECT)
    return (
        Organ("ABDOMINAL_WALL", (Part(Loft(TRUNK, inset_mm=21.0)), rim), ABDOMINAL_WALL),
        Organ("ABDOMINAL_CAVITY", (Part(Loft(TRUNK, inset_mm=35.0)), below), VISCERAL_FAT),
    )


def muscles(side: Side) -> Iterator[Organ]:
    """Muscles of one side, back to front."""
    outline, inner = iliac_outline(side)
    medial = outline[0] + side.direction(-200.0, -100.0, 0.0)
    for name, raised_mm, widened_mm, half_mm in (
        ("GLUTEUS_MEDIUS", -21.0, 1.0, (10.0, 3.0)),
        ("GLUTEUS_MINIMUS", -8.0, -9.0, (4.5, 1.5)),
        ("ILIACUS", 10.0, -6.0, (7.5, 2.5)),
    ):
        sheet = Sheet(outline, inner, medial, half_mm, 16.0, -raised_mm, widened_mm, 6.0)
        yield Organ(f"{name}_{side.letter}", (Part(sheet),), MUSCLE)
    lower_gluteus = spline_tube(
        side.points((106, 6, 66), (123, 6, 30), (138, 14, -8)), (34, 28, 10), side.direction(1.0, 0.1, 0.4), 0.66
    )
    yield Organ(f"GLUTEI_{side.letter}", (Part(lower_gluteus),), MUSCLE)
    for name, strands in groupby(MUSCLES, attrgetter("name")):
        parts = tuple(Part(_strand(side, strand), blend_mm=7.0) for strand in strands)
        yield Organ(f"{name}_{side.letter}", parts, MUSCLE)


def vessels(side: Side) -> Iterator[Organ]:
    """Vessels and cords of one side."""
    for strand in VESSELS:
        yield Organ(f"{strand.name}_{side.letter}", (Part(_strand(side, strand)),), VESSEL)


def _strand(side: Side, strand: Strand) -> Tube:
    """A strand on one side of the body."""
    return spline_tube(
        side.points(*strand.points_mm), strand.radii_mm, side.direction(*strand.thin_axis), strand.thinness
    )


def great_vessels() -> tuple[Organ, ...]:
    """Aorta and cava above their division, plaque in the arteries, and two phleboliths on the right only."""
    aorta = spline_tube(((8, -8, 300), (8, -6, 220), (6, -8, 158)), (9, 8.5, 8))
    cava = spline_tube(((-19, 0, 300), (-18, 0, 220), (-10, 6, 146)), (12, 11, 10))
    spots = (
        ((13, 0, 190), (2.0, 3.5, 6.0)),
        ((1, -13, 166), (3.5, 2.0, 5.0)),
        ((27, -10, 124), (2.0, 2.0, 6.0)),
        ((-40, 42, 22), (2.4, 2.4, 2.8)),
        ((-46, 34, 8), (1.8, 1.8, 2.0)),
    )
    return (
        Organ("AORTA", (Part(aorta),), VESSEL),
        Organ("CAVA", (Part(cava),), VESSEL),
        *(Organ(f"PLAQUE_{n}", (Part(Superellipsoid(c, semi)),), PLAQUE) for n, (c, semi) in enumerate(spots, 1)),
    )


def perineum() -> tuple[Organ, ...]:
    """Penile bulb and bodies, anal sphincter, symmetric as they are."""
    bulb = spline_tube(((0, 14, -58), (0, -6, -64), (0, -34, -66), (2, -66, -84)), (9, 12, 10, 11))
    sphincter = spline_tube(((0, 50, -62), (0, 62, -84), (0, 70, -100)), (16, 16, 13))
    testes = [Superellipsoid((x, -86, -114), (12, 14, 20)) for x in (18.0, -13.0)]
    return (
        Organ("PENILE_BULB", (Part(bulb, blend_mm=4.0),), SMOOTH_MUSCLE),
        Organ("ANAL_SPHINCTER", (Part(sphincter),), SMOOTH_MUSCLE),
        Organ("TESTES", tuple(Part(t) for t in testes), SMOOTH_MUSCLE),
    )


def colon() -> Iterator[Organ]:
    """Ascending colon with stool on the right, descending and sigmoid colon on the left."""
    ascending = ((-84, -42, 92), (-96, -34, 124), (-100, -20, 165), (-104, -8, 215), (-106, 0, 300))
    yield from _loop("ASCENDING_COLON", ascending, (21, 27, 25, 23, 23), STOOL, (0.55, -9.0))
    descending = (
        (112, 14, 300),
        (108, 16, 215),
        (106, 12, 160),
        (96, -12, 120),
        (70, -30, 98),
        (40, -8, 96),
        (22, 30, 92),
        (10, 52, 80),
    )
    yield from _loop("DESCENDING_COLON", descending, (14, 14, 14, 14, 15, 15, 15, 15), STOOL, (0.4, -4.0))


def small_bowel(rng: np.random.Generator) -> Iterator[Organ]:
    """Loops of small bowel above the bladder, each a smooth random path; some hold gas."""
    low, high = np.array([-70.0, -78.0, 66.0]), np.array([78.0, -24.0, 262.0])
    for n in range(32):
        start = low + (high - low) * rng.random(3)
        steps = rng.standard_normal((5, 3)) * (30.0, 16.0, 17.0)
        share = (start + np.cumsum(steps, axis=0) - low) / (high - low)
        path = low + (high - low) * (1.0 - np.abs(1.0 - share % 2.0))  # mirrored at the walls
        radii = np.clip(11.5 + 1.6 * rng.standard_normal(5), 9.0, 15.0)
        gas = (0.55, -4.0) if n % 5 == 1 else None
        yield from _loop(f"BOWEL_{n}", path, radii, BOWEL, gas)


def _loop(
    name: str, points: ArrayLike, radii: ArrayLike, layers: tuple[Layer, ...], gas: tuple[float, float] | None
) -> Iterator[Organ]:
    """A piece of bowel; `gas` (share of the radius, mm forward) fills the front of its middle."""
    path, width = np.asarray(points, dtype=np.float64), np.asarray(radii, dtype=np.float64)
    yield Organ(name, (Part(spline_tube(path, list(width))),), layers)
    if gas is not None:
        share, forward_mm = gas
        inner: Float64Array = path[1:-1] + np.array([0.0, forward_mm, 0.0])
        tube = spline_tube(inner, list(share * width[1:-1]))
        yield Organ(f"{name}_GAS", (Part(tube),), GAS)
