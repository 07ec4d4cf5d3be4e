"""Spine from the atlas to the fourth thoracic vertebra, ribs, breastbone and the bones of the shoulders.

Axes as in `head_skull`.
"""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from openigrt.geometry import Float64Array
from openigrt.virtual.sites.head_skull import rod
from openigrt.virtual.sites.pelvis_bones import Side, tilted_axes
from openigrt.virtual.tissue.anatomy import Layer, Organ, Part
from openigrt.virtual.tissue.primitive_table import Operation
from openigrt.virtual.tissue.solids import Sheet, Superellipsoid, spline_tube

SUBTRACT = Operation.SUBTRACT

VERTEBRA = (Layer(0.0, 950.0, 40.0, 60.0), Layer(1.4, 330.0, 40.0, 70.0))
DISK = (Layer(0.0, 88.0, 8.0, 6.0),)
RIB = (Layer(0.0, 820.0, 40.0, 60.0), Layer(1.3, 180.0, 30.0, 40.0))
LONG_BONE = (Layer(0.0, 1250.0, 40.0, 40.0), Layer(2.0, 220.0, 40.0, 60.0))

# Middle of the bodies; the atlas has none, and its place is the middle of its ring's front.
SPINE = {
    "T4": (0.0, 45.0, -233.0),
    "T3": (0.0, 39.0, -211.0),
    "T2": (0.0, 32.0, -189.0),
    "T1": (0.0, 24.0, -168.5),
    "C7": (0.0, 16.5, -149.0),
    "C6": (0.0, 11.0, -131.0),
    "C5": (0.0, 7.0, -113.5),
    "C4": (0.0, 5.0, -96.5),
    "C3": (0.0, 4.0, -79.5),
    "C2": (0.0, 3.5, -61.5),
    "C1": (0.0, 2.0, -38.0),
}


@dataclass(frozen=True, slots=True)
class Build:
    """Sizes of a vertebra in mm: half width, depth and height of the body, canal, and how far processes reach."""

    half_width_mm: float
    half_depth_mm: float
    half_height_mm: float
    facet_x: float
    transverse_x: float
    spinous_y: float
    spinous_drop: float


BUILDS = {
    "C2": Build(10.5, 8.0, 8.0, 20.0, 26.0, 46.0, 7.0),
    "C3": Build(10.5, 8.0, 6.1, 21.0, 26.0, 42.0, 5.0),
    "C4": Build(11.0, 8.2, 6.1, 21.5, 27.0, 43.0, 6.0),
    "C5": Build(11.5, 8.3, 6.1, 22.0, 28.0, 46.0, 7.0),
    "C6": Build(12.2, 8.6, 6.4, 22.5, 29.0, 48.0, 9.0),
    "C7": Build(13.5, 9.0, 7.0, 22.0, 34.0, 52.0, 10.0),
    "T1": Build(15.0, 9.5, 7.9, 20.0, 37.0, 52.0, 11.0),
    "T2": Build(14.5, 10.0, 8.3, 17.5, 35.0, 50.0, 15.0),
    "T3": Build(14.0, 10.8, 8.8, 16.0, 33.0, 48.0, 18.0),
    "T4": Build(13.8, 11.5, 9.0, 15.5, 32.0, 48.0, 20.0),
}


def spine_axes(name: str) -> Float64Array:
    """Axes of a vertebra along the curve of the spine."""
    names = list(SPINE)
    n = names.index(name)
    low, high = SPINE[names[max(n - 1, 0)]], SPINE[names[min(n + 1, len(names) - 1)]]
    return tilted_axes(np.subtract(high, low))


def canal_mm(name: str) -> Float64Array:
    """Middle (3,) of the spinal canal at a vertebra."""
    behind = 16.5 if name == "C1" else BUILDS[name].half_depth_mm + 9.0
    return np.array(SPINE[name]) + behind * spine_axes(name)[:, 1]


def vertebra(name: str, rng: np.random.Generator) -> Organ:
    """A vertebra below the atlas: body, pedicles, facets, laminae, processes; C2 has its dens, C3 to C6 forked tips."""
    build = BUILDS[name]
    center = np.array(SPINE[name]) + (0.4, 0.4, 0.15) * rng.standard_normal(3)
    axes = spine_axes(name)
    width, length = 1.0 + 0.03 * rng.standard_normal(), 1.0 + 0.06 * rng.standard_normal()

    def at(*local: Sequence[float]) -> Float64Array:
        return center + np.array(local) @ axes.T

    b, h, back = build, build.half_height_mm, build.half_depth_mm
    body = (b.half_width_mm * width, b.half_depth_mm, b.half_height_mm)
    parts = [Part(Superellipsoid(center, body, axes, (2.6, 6.0)))]
    if name == "C2":
        parts.append(Part(rod(at((0, -1, 4), (0, -1, 14), (0, 0, 29)), (7.0, 5.2, 4.4)), blend_mm=4.0))
    tip = (back + 15.0 + (b.spinous_y - back - 15.0) * length, -b.spinous_drop)
    for s in (-1.0, 1.0):
        parts += _half_arch(at, s, b, name, width)
        if name in ("C3", "C4", "C5", "C6"):
            fork = at((0, tip[0] - 8.0, tip[1] + 2.0), (s * 5.0, tip[0], tip[1]))
            parts.append(Part(rod(fork, (3.2, 2.6)), blend_mm=2.5))
    spinous = rod(at((0, back + 18.0, -1.0), (0, tip[0], tip[1])), (4.8, 4.0), axes[:, 0], 0.65)
    if name in ("C2", "C7") or name.startswith("T"):
        spinous = rod(at((0, back + 18.0, -1.0), (0, tip[0], tip[1])), (5.6, 5.4), axes[:, 0], 0.65)
    parts.append(Part(spinous, blend_mm=3.0))
    if name.startswith("C") and name != "C7":
        for s in (-1.0, 1.0):
            foramen = rod(
                at((s * (b.half_width_mm + 5.0), 0, h + 8), (s * (b.half_width_mm + 5.0), 0, -h - 8)), (2.9, 2.9)
            )
            parts.append(Part(foramen, SUBTRACT, 0.8))
    return Organ(f"VERTEBRA_{name}", tuple(parts), VERTEBRA)


def _half_arch(at, s: float, b: Build, name: str, width: float) -> list[Part]:  # type: ignore[no-untyped-def]
    """Pedicle, facets, lamina and transverse process of one side."""
    back, x = b.half_depth_mm, b.facet_x
    is_neck = name.startswith("C")
    pedicle = at((s * b.half_width_mm * 0.85, back - 3.0, 1.0), (s * (x - 2.0), back + 4.0, 0.0))
    lamina = at((s * x, back + 6.0, -1.0), (s * 11.0, back + 15.0, -2.0), (0, back + 19.0, -2.0))
    rise = 8.4 if is_neck else 10.5
    high, low = (s * x, back + 1.5, rise), (s * x, back + 11.0, -rise)
    if name == "C2":
        high = (s * 16.0, -1.0, 10.5)
    parts = [
        Part(rod(pedicle, (3.8, 3.8)), blend_mm=2.5),
        Part(rod(lamina, (4.2, 3.2, 3.2)), blend_mm=3.0),
        Part(rod(at(high, (s * x, back + 6.0, 0.0), low), (3.0, 4.8, 3.0)), blend_mm=2.0),
    ]
    if is_neck:
        outer = at((s * b.half_width_mm * 0.8, -3.0, -1.0), (s * b.transverse_x * width, -3.0, -3.0))
        parts += [
            Part(rod(outer, (3.4, 2.4)), blend_mm=2.0),
            Part(
                rod(at((s * x, back + 1.0, -1.0), (s * b.transverse_x * width, -1.0, -3.0)), (3.4, 2.6)),
                blend_mm=2.0,
            ),
        ]
    else:
        outer = at((s * x, back + 7.0, 2.0), (s * b.transverse_x * width, back + 14.0, 3.0))
        parts.append(Part(rod(outer, (4.5, 4.5)), blend_mm=3.0))
    return parts


def atlas(rng: np.random.Generator) -> Organ:
    """The first vertebra: a ring without a body, two lateral masses, long transverse processes."""
    _, y, z = SPINE["C1"]
    parts = []
    for side in (Side(1.0, rng), Side(-1.0, rng)):
        s = side.sign
        front = ((0, y - 10.5, z), (s * 9, y - 9.0, z), (s * 17, y - 2.0, z))
        back = ((s * 20, y + 8, z), (s * 17, y + 22, z + 0.5), (s * 8, y + 33, z + 0.5), (0, y + 36.0, z))
        parts += [
            Part(spline_tube(front, (4.2, 3.8, 4.5), (0, 0, 1), 1.2), blend_mm=2.0),
            Part(Superellipsoid((s * 19.5, y + 3.0, z - 1.5), (7.2, 9.0, 5.4)), blend_mm=3.0),
            Part(spline_tube(back, (4.2, 3.4, 3.4, 3.8), (0, 0, 1), 1.2), blend_mm=2.0),
            Part(rod(np.array([(s * 22, y + 4, z), side.point(40, y + 6, z - 1)]), (4.6, 4.0)), blend_mm=3.0),
            Part(rod(((s * 30, y + 4, z + 12), (s * 30, y + 4, z - 12)), (2.9, 2.9)), SUBTRACT, 0.8),
        ]
    return Organ("VERTEBRA_C1", tuple(parts), VERTEBRA)


def disk(below: str, above: str) -> Organ:
    """The disk between two vertebrae."""
    low, high = np.array(SPINE[below]), np.array(SPINE[above])
    build = BUILDS[below]
    center = low + (build.half_height_mm + 2.4) / np.linalg.norm(high - low) * (high - low)
    size = (build.half_width_mm, build.half_depth_mm, 4.0)
    return Organ(
        f"DISK_{above}_{below}", (Part(Superellipsoid(center, size, tilted_axes(high - low), (2.4, 3.0))),), DISK
    )


def spine(rng: np.random.Generator) -> Iterator[Organ]:
    """Disks and vertebrae from below upward, behind to front."""
    names = list(SPINE)
    for below, above in itertools.pairwise(names):
        yield disk(below, above)
    for name in names[:-1]:
        yield vertebra(name, rng)
    yield atlas(rng)


def ribs(rng: np.random.Generator) -> Iterator[Organ]:
    """The first four ribs of either side, and the handle of the breastbone."""
    courses = {
        1: (("T1", (22, 36, -166), (45, 34, -168), (62, 16, -176), (54, -14, -196), (32, -28, -213)), 5.5),
        2: (("T2", (22, 46, -186), (54, 52, -190), (84, 28, -200), (78, -14, -218), (36, -38, -234)), 5.0),
        3: (("T3", (22, 54, -208), (62, 64, -214), (98, 36, -226), (96, -8, -244), (50, -40, -262)), 5.0),
        4: (("T4", (22, 60, -230), (68, 72, -236), (108, 42, -250), (108, -6, -268), (60, -44, -286)), 5.0),
    }
    for number, ((_, *path), radius) in courses.items():
        for side in (Side(1.0, rng), Side(-1.0, rng)):
            tube = spline_tube(side.points(*path), (4.0, radius, radius, radius, radius), (0.8, 0.5, 0.2), 0.7)
            yield Organ(f"RIB_{number}_{side.letter}", (Part(tube),), RIB)
    handle = rod(((0, -33, -204), (0, -41, -226), (0, -60, -284)), (20, 19, 15), (0, 0.94, -0.33), 0.3)
    yield Organ("STERNUM", (Part(handle),), RIB)


def shoulder(side: Side) -> Organ:
    """Clavicle, scapula and upper end of the humerus of one side."""
    points = side.points
    clavicle = points(
        (27, -30, -189), (42, -30, -186), (72, -14, -177), (104, 6, -170), (134, 16, -168), (156, 16, -166)
    )
    blade_edge = points(
        (108, 62, -184),
        (136, 46, -186),
        (150, 38, -200),
        (132, 58, -244),
        (112, 74, -300),
        (96, 82, -290),
        (90, 80, -230),
    )
    blade = Sheet(blade_edge, points((116, 66, -220), (108, 74, -250)), side.direction(60, -40, -230), (2.0, 4.0))
    spine_of = points((94, 84, -212), (124, 72, -192), (152, 50, -174), (164, 28, -167))
    parts = (
        Part(spline_tube(clavicle, (8, 7.5, 6.2, 6, 6.5, 6))),
        Part(blade),
        Part(spline_tube(spine_of, (4, 6, 7.5, 7), (0, 0.4, 1.0), 0.6), blend_mm=4.0),
        Part(Superellipsoid(side.point(146, 36, -200), (9, 12, 18)), blend_mm=4.0),
        Part(rod(points((140, 36, -188), (140, 8, -180)), (6, 5)), blend_mm=4.0),
    )
    return Organ(f"SHOULDER_{side.letter}", parts, RIB)


def humerus(side: Side) -> Organ:
    """The upper end of an arm's bone."""
    head = side.point(170, 20, -200)
    shaft = side.points((176, 18, -206), (180, 20, -240), (182, 22, -330))
    parts = (Part(Superellipsoid(head, (23, 22.5, 22.5))), Part(spline_tube(shaft, (20, 13, 11.5)), blend_mm=8.0))
    return Organ(f"HUMERUS_{side.letter}", parts, LONG_BONE)
