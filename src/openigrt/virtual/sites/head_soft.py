"""Outer shape, muscles, vessels, glands and airway of the virtual head and neck; axes as in `head_skull`."""

from collections.abc import Iterator, Sequence
from itertools import groupby
from operator import attrgetter

import numpy as np

from openigrt.virtual.sites.head_skull import air_cells, nasal_cavity, orbit, rod, vault
from openigrt.virtual.sites.head_strands import ARTERIES, MUSCLES, NODES, VEINS
from openigrt.virtual.sites.pelvis_bones import Side, tilted_axes
from openigrt.virtual.sites.pelvis_strands import Strand
from openigrt.virtual.tissue.anatomy import Layer, Organ, Part
from openigrt.virtual.tissue.primitive_table import Operation
from openigrt.virtual.tissue.solids import HalfSpace, Superellipsoid, Tube, spline_tube

SUBTRACT, INTERSECT = Operation.SUBTRACT, Operation.INTERSECT

BODY = (Layer(0.0, 10.0, 0.0, 15.0), Layer(1.8, -100.0, 6.0, 8.0, 40.0))
MUSCLE = (Layer(0.0, 57.0, 6.0, 8.0, -38.0),)
FACE_MUSCLE = (Layer(0.0, 48.0, 8.0, 10.0, -45.0),)
MIXED = (Layer(0.0, 5.0, 25.0, 20.0, -60.0),)
PAROTID = (Layer(0.0, -8.0, 14.0, 16.0, 24.0),)
SUBMANDIBULAR = (Layer(0.0, 40.0, 8.0, 10.0, -20.0),)
THYROID = (Layer(0.0, 108.0, 8.0, 8.0),)
NODE = (Layer(0.0, 45.0, 3.0, 5.0),)
SICK_NODE = (Layer(0.0, 62.0, 4.0, 6.0), Layer(5.0, 34.0, 8.0, 6.0))
TUMOUR = (Layer(0.0, 60.0, 5.0, 7.0),)
BLOOD = (Layer(0.0, 44.0, 2.0, 3.0),)
ARTERY_CONTRAST = (Layer(0.0, 260.0, 6.0, 4.0),)
VEIN_CONTRAST = (Layer(0.0, 190.0, 12.0, 6.0),)
WALL = (Layer(0.0, 42.0, 5.0, 8.0),)
AIR = (Layer(0.0, -990.0),)
MUCOSA = (Layer(0.0, 36.0, 6.0, 10.0),)
CARTILAGE = (Layer(0.0, 190.0, 60.0, 50.0), Layer(1.2, 110.0, 30.0, 30.0))
LUNG = (Layer(0.0, -845.0, 25.0, 30.0, 130.0),)
SKULL_FAT = (Layer(0.0, -96.0, 5.0, 8.0, 30.0),)
EYE = (Layer(0.0, 42.0), Layer(1.2, 12.0, 1.0, 2.0))
LENS = (Layer(0.0, 90.0),)
NERVE = (Layer(0.0, 34.0, 3.0, 4.0),)
MASK = (Layer(-2.6, 60.0, 20.0), Layer(-0.2, -800.0))

SCALP_MM = 7.0
# The ramus of the jaw, round which the parotid is wrapped, with its periosteum: a little larger than the bone.
RAMUS_MM = np.array([(48, -18, -58), (50, -19, -34), (51, -20, -18), (51, -13, -8)], dtype=float)
RAMUS_RADII_MM, RAMUS_THINNESS = (16.0, 16.0, 13.0, 7.0), 0.38
AIRWAY = np.array(
    [(0, -36, 1), (0, -26, -8), (0, -19, -24), (0, -19, -42), (0, -19, -62), (0, -19, -78), (0, -19, -92)], dtype=float
)
AIRWAY_RADII_MM = (9.0, 12.5, 13.0, 12.0, 13.0, 14.0, 12.0)
WINDPIPE = np.array(
    [(0, -22, -90), (0, -28, -104), (0, -29, -114), (0, -26, -126), (0, -21, -142), (0, -11, -170), (0, 2, -205),
     (0, 12, -240), (0, 26, -300)], dtype=float
)  # fmt: skip
WINDPIPE_RADII_MM = (9.0, 8.0, 5.0, 7.5, 8.5, 8.8, 9.0, 9.0, 9.0)


def body() -> Organ:
    """Skin and fat of head, neck and shoulders."""
    return Organ("BODY", _skin(), BODY)


def mask() -> Organ:
    """The shell of a thermoplastic mask over face and neck, to be laid behind the body: only what is outside shows."""
    front = HalfSpace((0, 30, 0), (0, 1, -0.12))
    return Organ("MASK", (*_skin(), Part(front, INTERSECT), Part(HalfSpace((0, 0, -172), (0, 0, -1)), INTERSECT)), MASK)


def _skin() -> tuple[Part, ...]:
    parts = [Part(vault(-SCALP_MM))]
    parts += [
        Part(Superellipsoid((0, -52, -20), (66, 45, 62), exponents=(2.3, 2.3)), blend_mm=18.0),
        Part(Superellipsoid((0, -18, -50), (70, 62, 52), exponents=(2.3, 2.2)), blend_mm=12.0),
        Part(Superellipsoid((0, -58, -64), (44, 40, 31), exponents=(2.3, 2.4)), blend_mm=16.0),
        Part(Superellipsoid((0, -88, -80), (17, 11, 14)), blend_mm=10.0),
        Part(Superellipsoid((0, -86, -36), (32, 20, 22)), blend_mm=12.0),
        Part(spline_tube(((0, -92, 26), (0, -102, 16), (0, -114, 0), (0, -115, -7)), (7, 8, 10, 9.5)), blend_mm=8.0),
        Part(spline_tube(((15, -100, -9), (0, -107, -8), (-15, -100, -9)), (6, 9, 6)), blend_mm=6.0),
    ]
    neck = ((0, 18, -14), (0, 16, -60), (0, 10, -100), (0, 16, -140), (0, 26, -190))
    parts.append(Part(spline_tube(neck, (67, 65, 63, 66, 72), (1, 0, 0), 0.95), blend_mm=16.0))
    parts.append(Part(spline_tube(((0, -70, -74), (0, -46, -98)), (17, 16)), blend_mm=12.0))
    parts.append(Part(spline_tube(((0, -42, -98), (0, -45, -113), (0, -34, -140)), (14, 14, 14)), blend_mm=12.0))
    back = ((0, 38, -130), (0, 50, -180), (0, 46, -250), (0, 40, -340))
    parts.append(Part(spline_tube(back, (42, 56, 66, 70), (1, 0, 0), 1.7), blend_mm=20.0))
    parts.append(Part(Superellipsoid((0, -60, 16), (57, 36.5, 27), exponents=(2.6, 2.2)), blend_mm=10.0))
    parts.append(Part(Superellipsoid((0, -18, 18), (77, 54, 50)), blend_mm=12.0))
    parts.append(Part(Superellipsoid((0, 8, -330), (170, 100, 160), exponents=(2.6, 3.0)), blend_mm=30.0))
    for s in (1.0, -1.0):
        slope = ((s * 18, 42, -126), (s * 64, 42, -172), (s * 118, 38, -194), (s * 168, 24, -206))
        arm = ((s * 168, 22, -203), (s * 180, 20, -240), (s * 186, 20, -340))
        ear = ((s * 73, 12, 26), (s * 75, 16, 6), (s * 69, 8, -22))
        parts += [
            Part(spline_tube(slope, (42, 44, 42, 46)), blend_mm=30.0),
            Part(spline_tube(arm, (48, 50, 50)), blend_mm=16.0),
            Part(spline_tube(ear, (11, 15, 9), (1.0, -0.5, 0), 0.26), blend_mm=5.0),
        ]
    return tuple(parts)


def deep_tissue() -> Iterator[Organ]:
    """What lies between muscles, airway and bones: floor of the mouth, palate, walls of the throat, trunk, lungs."""
    yield Organ("FACE_DEPTH", (Part(Superellipsoid((0, -42, -34), (44, 40, 52), exponents=(2.4, 2.4))),), MIXED)
    yield Organ("CHEST", (Part(Superellipsoid((0, 16, -350), (108, 78, 160), exponents=(2.3, 2.3))),), MIXED)
    for s, high in ((1.0, -186.0), (-1.0, -180.0)):
        lung = Superellipsoid((s * 48, 26, high - 130.0), (44, 58, 130), exponents=(2.2, 2.1))
        yield Organ(f"LUNG_{'L' if s > 0 else 'R'}", (Part(lung),), LUNG)
    yield Organ("MEDIASTINUM", (Part(spline_tube(((0, 4, -180), (0, 2, -320)), (20, 34), (1, 0, 0), 0.8)),), MIXED)


def muscles(side: Side) -> Iterator[Organ]:
    """Muscles of one side, back to front."""
    for name, strands in groupby(MUSCLES, attrgetter("name")):
        parts = tuple(Part(_strand(side, strand), blend_mm=5.0) for strand in strands)
        yield Organ(f"{name}_{side.letter}", parts, MUSCLE)


def vessels(side: Side, arteries: tuple[Layer, ...] = BLOOD, veins: tuple[Layer, ...] = BLOOD) -> Iterator[Organ]:
    """Vessels of one side, with or without contrast."""
    for strands, layers in ((ARTERIES, arteries), (VEINS, veins)):
        for name, same in groupby(strands, attrgetter("name")):
            yield Organ(f"{name}_{side.letter}", tuple(Part(_strand(side, s)) for s in same), layers)


def nodes(side: Side) -> Iterator[Organ]:
    """Ordinary lymph nodes of one side, as one organ."""
    parts = tuple(Part(Superellipsoid(side.point(*center), semi)) for center, semi in NODES)
    yield Organ(f"NODES_{side.letter}", parts, NODE)


def glands(side: Side) -> Iterator[Organ]:
    """Parotid, submandibular gland and lobe of the thyroid of one side."""
    surface = Superellipsoid(side.point(62, -10, -30), (side.size(8.5), 21.0, 27.0), tilted_axes((0.0, 0.15, 1.0)))
    deep = Superellipsoid(side.point(52, 0, -34), (side.size(11.0), 9.0, 22.0))
    beside = rod(RAMUS_MM * (side.sign, 1.0, 1.0), RAMUS_RADII_MM, (1, 0, 0), RAMUS_THINNESS)
    parts = (Part(surface), Part(deep, blend_mm=6.0), Part(beside, SUBTRACT, 2.0))
    yield Organ(f"PAROTID_{side.letter}", parts, PAROTID)
    yield Organ(
        f"SUBMANDIBULAR_{side.letter}", (Part(Superellipsoid(side.point(33, -36, -78), (8.5, 15, 11))),), SUBMANDIBULAR
    )
    lobe = spline_tube(side.points((17, -22, -118), (19, -18, -138), (15, -18, -160)), (5, 9.5, 6.5))
    yield Organ(f"THYROID_{side.letter}", (Part(lobe),), THYROID)


def throat() -> Iterator[Organ]:
    """Tongue, walls of throat, larynx and windpipe, and the gullet behind."""
    wall = spline_tube(AIRWAY, [r + 3.6 for r in AIRWAY_RADII_MM], (0, 1, 0), 0.72)
    pipe = spline_tube(WINDPIPE, [r + 2.2 for r in WINDPIPE_RADII_MM])
    gullet = ((0, -9, -118), (1, -7, -140), (3, 2, -170), (6, 16, -205), (6, 26, -240), (4, 38, -300))
    yield Organ("OESOPHAGUS", (Part(spline_tube(gullet, (9, 8, 7.5, 7.5, 7.5, 8), (0, 1, 0), 0.6)),), WALL)
    yield Organ("TONGUE", tuple(_tongue()), FACE_MUSCLE)
    yield Organ("PHARYNX", (Part(wall),), WALL)
    yield Organ("LARYNX", (Part(Superellipsoid((0, -27, -116), (17, 16, 24), exponents=(2.2, 2.4))),), WALL)
    yield Organ("TRACHEA", (Part(pipe),), WALL)


def airway() -> Iterator[Organ]:
    """The air of mouth, throat and windpipe, and what hangs into it."""
    palate = ((0, -44, -17), (0, -34, -20), (0, -27, -30), (0, -26, -38))
    yield Organ("AIRWAY", tuple(_air()), AIR)
    yield Organ("SOFT_PALATE", (Part(spline_tube(palate, (12, 12, 9, 4), (0, 0.6, 1), 0.26)),), WALL)
    yield Organ(
        "EPIGLOTTIS",
        (Part(spline_tube(((0, -26, -72), (0, -30, -84), (0, -34, -98)), (8, 9, 6), (0, 1, 0.3), 0.18)),),
        WALL,
    )


def _tongue() -> Iterator[Part]:
    yield Part(Superellipsoid((0, -56, -44), (23, 28, 22), exponents=(2.3, 2.2)))
    yield Part(Superellipsoid((0, -42, -58), (20, 17, 24)), blend_mm=10.0)
    yield Part(Superellipsoid((0, -60, -66), (13, 20, 16)), blend_mm=10.0)


def _air() -> Iterator[Part]:
    """Air from the mouth and the nose down to the chest."""
    yield Part(spline_tube(AIRWAY, list(AIRWAY_RADII_MM), (0, 1, 0), 0.62))
    yield Part(spline_tube(WINDPIPE, list(WINDPIPE_RADII_MM), (0, 1, 0), 0.92), blend_mm=2.0)
    for s in (1.0, -1.0):
        yield Part(spline_tube(((s * 14, -18, -92), (s * 15, -13, -106), (s * 12, -12, -116)), (4.5, 3.5, 1.5)))
    yield Part(spline_tube(((0, -82, -24), (0, -66, -20.5), (0, -46, -22)), (11, 16, 11), (0, 0, 1), 0.14))


def larynx_cartilage(rng: np.random.Generator) -> Iterator[Organ]:
    """Thyroid and cricoid cartilages, partly ossified."""
    plates = []
    for side in (Side(1.0, rng), Side(-1.0, rng)):
        points = side.points((2, -46, -106), (11, -36, -108), (17, -20, -110))
        plates.append(Part(spline_tube(points, (10, 12, 11), side.direction(0.85, -0.55, 0.0), 0.13), blend_mm=1.0))
        horn = side.points((18, -18, -104), (19, -17, -92))
        plates.append(Part(spline_tube(horn, (2.2, 1.4)), blend_mm=1.5))
        low = side.points((17, -18, -116), (15, -16, -128))
        plates.append(Part(spline_tube(low, (2.2, 1.8)), blend_mm=1.5))
    yield Organ("THYROID_CARTILAGE", tuple(plates), CARTILAGE)
    angle = np.linspace(0.0, 2.0 * np.pi, 13)
    ring = np.column_stack([11.5 * np.sin(angle), -26.0 + 11.5 * np.cos(angle), -127.0 + 3.0 * np.cos(angle)])
    height = 3.0 + 2.8 * (1.0 + np.cos(angle))
    yield Organ("CRICOID", (Part(Tube(ring, 0.55 * height, (0, 0, 1), 1.6)),), CARTILAGE)


def orbit_content(side: Side) -> Iterator[Organ]:
    """Eye, lens, optic nerve and muscles, in front of the fat of the orbit."""
    eye = side.point(33, -76, 16)
    yield Organ(
        f"OPTIC_NERVE_{side.letter}",
        (
            Part(
                spline_tube(
                    np.vstack([np.add(eye, (0, 8, 0)), side.points((24, -52, 17), (14, -38, 19), (6, -30, 27))]),
                    (2.2, 2.0, 2.0, 2.0),
                )
            ),
        ),
        NERVE,
    )
    yield Organ(
        f"EYE_{side.letter}",
        (
            Part(Superellipsoid(eye, (12.2, 12.4, 12.0))),
            Part(Superellipsoid(np.add(eye, (0, -5.2, 0)), (7.5, 8.5, 7.5)), blend_mm=1.0),
        ),
        EYE,
    )
    yield Organ(f"LENS_{side.letter}", (Part(Superellipsoid(np.add(eye, (0, -8.6, 0)), (4.6, 2.1, 4.6))),), LENS)


def hollows(sides: Sequence[Side]) -> Iterator[Organ]:
    """What fills the hollows of the skull; `sides` draw the same numbers as those of the skull."""
    for side in sides:
        front = Part(HalfSpace((0, -90, 0), (0, -1, 0)), INTERSECT, 4.0)
        yield Organ(f"ORBIT_FAT_{side.letter}", (*(Part(s) for s in orbit(side, 0.8)), front), SKULL_FAT)
    yield Organ("NASAL_AIR", tuple(Part(s) for s in nasal_cavity(0.6)), AIR)


def turbinates(side: Side) -> Organ:
    """The three folds of mucosa that narrow the nose of one side, and the lining of its wall."""
    lower = spline_tube(side.points((8.5, -92, -7), (9, -72, -6.5), (8.5, -44, -6)), (3.2, 4.8, 3.4), (0, 0, 1), 1.3)
    middle = spline_tube(side.points((7.2, -84, 2), (7.5, -68, 3), (7, -48, 3)), (2.0, 3.0, 2.2), (0, 0, 1), 1.6)
    return Organ(f"TURBINATES_{side.letter}", (Part(lower), Part(middle)), MUCOSA)


def sinus_air(side: Side) -> Organ:
    """The air of the sinuses of one side."""
    return Organ(f"SINUSES_{side.letter}", tuple(Part(solid) for solid in air_cells(side)), AIR)


def _strand(side: Side, strand: Strand) -> Tube:
    """A strand on one side of the body."""
    return spline_tube(
        side.points(*strand.points_mm), strand.radii_mm, side.direction(*strand.thin_axis), strand.thinness
    )
