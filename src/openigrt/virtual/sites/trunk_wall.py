"""Outer shape, fat and muscles of the virtual trunk; axes as in `trunk_shape`."""

from collections.abc import Iterator
from itertools import groupby
from operator import attrgetter

import numpy as np

from openigrt.virtual.sites.pelvis_bones import Side
from openigrt.virtual.sites.pelvis_soft import ABDOMINAL_WALL, BODY, MUSCLE, VISCERAL_FAT
from openigrt.virtual.sites.pelvis_strands import Strand
from openigrt.virtual.sites.trunk_bones import scapula_outline
from openigrt.virtual.sites.trunk_shape import CAVITY, SKIN, Spine
from openigrt.virtual.tissue.anatomy import Layer, Organ, Part
from openigrt.virtual.tissue.primitive_table import Operation
from openigrt.virtual.tissue.solids import HalfSpace, Loft, Sheet, Superellipsoid, spline_tube

GLAND = (Layer(0.0, 20.0, 20.0, 15.0, -70.0),)
CANAL = (Layer(0.0, -20.0, 10.0, 5.0), Layer(1.5, 14.0, 2.0, 3.0))
CORD = (Layer(0.0, 36.0, 2.0, 3.0),)
TOP = HalfSpace((0.0, 8.0, 172.0), (0.0, -0.45, 0.9))  # the inlet of the chest, which slopes forward

# fmt: off
MUSCLES = (
    Strand("ERECTOR_SPINAE", ((40, 64, -300), (40, 66, -200), (40, 76, -110), (37, 92, -50), (31, 97, 0), (29, 99, 50),
           (26, 94, 95), (22, 80, 130), (20, 62, 165), (20, 44, 200), (20, 36, 300)),
           (28, 27, 23, 17, 14, 13, 14, 16, 18, 20, 20), (0, 1, 0), 0.75),
    Strand("MULTIFIDUS", ((13, 56, -300), (13, 58, -200), (12, 72, -110), (11, 85, -50), (10, 88, 0), (10, 90, 50),
           (10, 84, 95), (10, 72, 130), (10, 56, 165)), (13, 13, 11, 10, 9, 9, 9, 9, 9)),
    Strand("TRAPEZIUS", ((12, 106, 30), (34, 108, 80), (66, 98, 122), (98, 70, 164), (118, 40, 178)),
           (12, 26, 30, 24, 14), (0.25, 1, 0.35), 0.2),
    Strand("TRAPEZIUS", ((10, 64, 215), (44, 54, 190), (84, 44, 180), (112, 36, 180)), (16, 22, 20, 14),
           (0.2, 0.7, 0.7), 0.5),
    Strand("LATISSIMUS_DORSI", ((66, 84, -105), (92, 84, -55), (129, 58, 5), (146, 30, 70), (142, 22, 130)),
           (18, 30, 32, 28, 15), (0.62, 0.78, 0), 0.14),
    Strand("SERRATUS", ((116, 50, 90), (134, 22, 45), (138, -8, 5), (128, -44, -30)), (16, 26, 26, 18), (1, -0.05, 0),
           0.22),
    Strand("PECTORALIS_MAJOR", ((26, -91, 14), (64, -86, 58), (106, -62, 110), (142, -8, 146)), (24, 42, 32, 16),
           (0.4, -1, 0.25), 0.17),
    Strand("PECTORALIS_MAJOR", ((22, -82, 90), (60, -74, 104), (102, -52, 130), (140, -6, 152)), (18, 28, 26, 15),
           (0.3, -1, 0.25), 0.19),
    Strand("PECTORALIS_MINOR", ((84, -70, 40), (98, -58, 80), (110, -26, 132)), (18, 18, 9), (0.5, -0.9, 0), 0.25),
    Strand("RECTUS_ABDOMINIS", ((44, -92, 0), (42, -93, -40), (38, -90, -110), (36, -84, -200), (36, -80, -300)),
           (18, 28, 30, 31, 31), (0, 1, 0), 0.2),
    Strand("PSOAS", ((22, 26, -100), (34, 24, -150), (43, 22, -215), (47, 18, -300)), (7, 15, 21, 22)),
    Strand("QUADRATUS_LUMBORUM", ((46, 56, -95), (60, 52, -150), (70, 48, -215), (78, 46, -300)), (11, 15, 18, 18),
           (0.5, -0.8, 0), 0.55),
    Strand("CRUS", ((10, 8, -55), (13, 8, -90), (14, 6, -130), (14, 2, -170)), (8, 8, 7, 4), (0.5, 1, 0), 0.6),
    Strand("STERNOCLEIDOMASTOID", ((20, -48, 146), (36, -28, 190), (46, 4, 240), (50, 14, 300)), (10, 14, 15, 15),
           (0.6, -1, 0), 0.55),
    Strand("SCALENE", ((52, -6, 160), (36, 4, 190), (24, -2, 230), (22, -6, 300)), (10, 14, 14, 14)),
    Strand("LEVATOR_SCAPULAE", ((72, 82, 150), (48, 46, 190), (38, 22, 230), (36, 14, 300)), (10, 14, 14, 14)),
    Strand("DELTOID", ((140, 30, 132), (160, 36, 170), (178, 18, 215), (180, -6, 300)), (20, 32, 33, 32)),
    Strand("TERES", ((96, 90, 50), (124, 68, 90), (142, 44, 132)), (12, 19, 13)),
)
# fmt: on


def body(rng: np.random.Generator) -> Organ:
    """Skin and fat: trunk, neck, shoulders with the arms raised, breasts of a size of their own."""
    parts = [Part(Loft(SKIN))]
    fullness = rng.uniform(0.55, 1.0)
    for s, width in ((1.0, 1.0), (-1.0, 1.02)):
        arm = spline_tube(
            ((s * 118, 26, 96), (s * 146, 26, 136), (s * 160, 24, 178), (s * 172, 8, 230), (s * 180, -8, 320)),
            (40, 50, 47 * width, 46, 44),
        )
        breast = Superellipsoid((s * 76, -84, 24), (56 * width, 36 * fullness + 8.0, 54))
        parts += [Part(arm, blend_mm=26.0), Part(breast, blend_mm=30.0)]
    return Organ("BODY", tuple(parts), BODY)


def wall() -> tuple[Organ, Organ]:
    """The muscles between the ribs and of the abdominal wall, and the fat of the cavity inside."""
    top = Part(TOP, Operation.INTERSECT, 6.0)
    return (
        Organ("WALL", (Part(Loft(CAVITY, inset_mm=-11.0)), top), ABDOMINAL_WALL),
        Organ("CAVITY", (Part(Loft(CAVITY)), top), VISCERAL_FAT),
    )


def muscles(side: Side) -> Iterator[Organ]:
    """Muscles of one side, back to front."""
    outline, inner = scapula_outline(side)
    below = side.direction(0.0, 0.0, 60.0)
    for name, raised_mm in (("SUBSCAPULARIS", -8.0), ("INFRASPINATUS", 9.0)):
        sheet = Sheet(outline, inner, below, (6.5, 2.5), 14.0, raised_mm, -3.0, 5.0)
        yield Organ(f"{name}_{side.letter}", (Part(sheet),), MUSCLE)
    for name, strands in groupby(MUSCLES, attrgetter("name")):
        parts = tuple(
            Part(
                spline_tube(side.points(*s.points_mm), s.radii_mm, side.direction(*s.thin_axis), s.thinness),
                blend_mm=7.0,
            )
            for s in strands
        )
        yield Organ(f"{name}_{side.letter}", parts, MUSCLE)


def glands(rng: np.random.Generator) -> Iterator[Organ]:
    """Some gland in the fat of the breasts."""
    for s, letter in ((1.0, "L"), (-1.0, "R")):
        center = np.array([s * 80.0, -104.0, 24.0]) + 3.0 * rng.standard_normal(3)
        yield Organ(f"GLAND_{letter}", (Part(Superellipsoid(center, (26.0, 7.0, 24.0))),), GLAND)


def cord(spine: Spine) -> tuple[Organ, Organ]:
    """The canal with its fat and fluid, to lie behind the vertebrae in drawing order, and the cord down to L1."""
    canal = spine.behind_mm(np.interp(np.arange(20), (0, 3, 7, 11, 14, 19), (16.5, 18.0, 21.0, 23.5, 25.5, 28.5)))
    radii = np.interp(np.arange(20), (0, 7, 19), (8.5, 8.0, 9.5))
    cord_radii = np.interp(np.arange(16), (0, 3, 6, 12, 15), (6.0, 5.6, 4.4, 4.4, 5.0))
    return (
        Organ("CANAL", (Part(spline_tube(canal, list(radii))),), CANAL),
        Organ("SPINAL_CORD", (Part(spline_tube(canal[:16], list(cord_radii), (0.0, 1.0, 0.0), 0.8)),), CORD),
    )
