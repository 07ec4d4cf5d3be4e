"""Bones of the virtual trunk: spine from C5 to L5, ribs with their cartilages, sternum, clavicles, scapulae, humeri."""

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
from scipy.interpolate import CubicSpline

from openigrt.geometry import Float64Array
from openigrt.virtual.sites.pelvis_bones import DISK, HIP_BONE, VERTEBRA, Side
from openigrt.virtual.sites.trunk_shape import LEVELS, Spine, wall_points
from openigrt.virtual.tissue.anatomy import Layer, Organ, Part
from openigrt.virtual.tissue.solids import Sheet, Superellipsoid, Tube, spline_tube

RIB = (Layer(0.0, 830.0, 60.0, 60.0), Layer(1.5, 190.0, 40.0, 50.0))
CARTILAGE = (Layer(0.0, 105.0, 12.0, 10.0),)
STERNUM = (Layer(0.0, 620.0, 50.0, 60.0), Layer(1.5, 140.0, 30.0, 45.0))
LONG_BONE = (Layer(0.0, 1150.0, 40.0, 40.0), Layer(3.0, 180.0, 40.0, 50.0))
FLAT_BONE = (Layer(0.0, 900.0, 50.0, 60.0), Layer(1.8, 240.0, 40.0, 50.0))

KNOTS = (0, 3, 7, 11, 14, 19)  # levels C5, T1, T5, T9, T12, L5, at which the sizes below are given in mm
SIZES = {
    "half_width": (12.5, 14.5, 13.5, 15.5, 20.0, 25.0),
    "half_depth": (7.5, 8.5, 11.5, 14.0, 15.5, 17.5),
    "half_height": (5.5, 7.2, 8.4, 9.8, 11.6, 13.8),
    "canal": (7.0, 7.5, 8.0, 8.0, 8.5, 9.0),
    "pedicle": (11.5, 11.0, 9.5, 10.5, 13.0, 16.0),
    "transverse": (23.0, 35.0, 32.0, 29.0, 25.0, 42.0),
    "backward": (-6.0, 9.0, 13.0, 14.0, 8.0, 1.0),
    "drop": (5.0, 10.0, 26.0, 22.0, 9.0, 6.0),
    "spinous": (22.0, 30.0, 27.0, 27.0, 28.0, 26.0),
    "height_of_spinous": (5.0, 6.0, 6.0, 8.0, 11.0, 12.0),
}
# By rib: how far it falls on its way forward, and the angle at which its bone ends (0 back, 180 front).
RIB_DROPS_MM = (24.0, 48.0, 64.0, 74.0, 80.0, 84.0, 88.0, 90.0, 90.0, 86.0, 62.0, 36.0)
RIB_ENDS_DEG = (146.0, 152.0, 154.0, 153.0, 150.0, 147.0, 144.0, 138.0, 130.0, 120.0, 96.0, 58.0)
RIB_HALF_HEIGHTS_MM = (7.0, 6.2, 6.0, 6.2, 6.4, 6.6, 6.8, 6.8, 6.6, 6.2, 5.4, 4.6)
STERNAL_Z_MM = (124.0, 93.0, 71.0, 51.0, 33.0, 16.0, 4.0)
STERNUM_PATH = ((0, -58, 134), (0, -70, 108), (0, -81, 88), (0, -89, 45), (0, -94, 0), (0, -95, -14))
RIB_OUTSIDE_MM = 4.5


def bones(rng: np.random.Generator, spine: Spine) -> tuple[tuple[Organ, ...], tuple[Organ, ...]]:
    """Bones that keep their place, and those in front that give way when the chest rises; back to front."""
    still = [*_disks(spine), *(vertebra(level, spine, rng) for level in LEVELS)]
    front = [_sternum(rng)]
    for side in (Side(1.0, rng), Side(-1.0, rng)):
        paths = [_rib_path(n, side, spine) for n in range(1, 13)]
        still += [_rib(n, path, side) for n, path in enumerate(paths, start=1)]
        still += [*_costal_arch(paths, side), *_shoulder(side)]
        front += [
            _cartilage(n, side, np.array([paths[n - 1][-1], *_to_sternum(n, side, paths[n - 1][-1])]))
            for n in range(1, 7)
        ]
    return tuple(still), tuple(front)


def _sternum(rng: np.random.Generator) -> Organ:
    """Manubrium, body and xiphoid process."""
    path = np.array(STERNUM_PATH, dtype=np.float64) + 0.6 * rng.standard_normal((len(STERNUM_PATH), 3))
    xiphoid = path[-1] + np.array([(0.0, 0.0, 4.0), (1.0, 2.0, -12.0), (2.0, 5.0, -26.0)])
    parts = (
        Part(spline_tube(path[:3], (27.0, 23.0, 15.0), (0.0, 1.0, 0.3), 0.33)),
        Part(spline_tube(path[2:], (15.0, 18.0, 16.0, 9.0), (0.0, 1.0, 0.1), 0.38), blend_mm=3.0),
        Part(spline_tube(xiphoid, (8.0, 6.0, 3.0), (0.0, 1.0, 0.0), 0.5), blend_mm=3.0),
    )
    return Organ("STERNUM", parts, STERNUM)


def vertebra(level: str, spine: Spine, rng: np.random.Generator) -> Organ:
    """A vertebra with pedicles, laminae, facets, transverse and spinous processes, each of them its own size."""
    size = {name: float(np.interp(LEVELS.index(level), KNOTS, values)) for name, values in SIZES.items()}
    center, axes = spine.center_mm(level), spine.axes(level)
    wide, long, down = 1.0 + np.array([0.03, 0.1, 0.12]) * np.clip(rng.standard_normal(3), -2.0, 2.0)

    def tube(points: list[tuple[float, float, float]], radii: tuple[float, ...]) -> Part:
        return Part(Tube(center + np.array(points) @ axes.T, np.array(radii)), blend_mm=3.0)

    half_depth, height = size["half_depth"], size["half_height"]
    semi_axes_mm = (size["half_width"] * wide, half_depth, height)
    parts = [Part(Superellipsoid(center, semi_axes_mm, axes, (2.3, 7.0)))]
    joint = half_depth + size["canal"] + 2.0
    back = half_depth + 2.0 * size["canal"] + 3.0
    thick = 0.36 * height
    for s in (-1.0, 1.0):
        p = s * (size["pedicle"] + 1.0)
        reach = s * size["transverse"] * (1.0 + 0.1 * float(np.clip(rng.standard_normal(), -2.0, 2.0)))
        parts += [
            tube([(s * size["pedicle"], half_depth - 3.0, 0.3 * height), (p, joint, 2.0)], (thick, thick)),
            tube([(p, joint, 1.0), (0.6 * p, back - 2.0, -3.0), (0.0, back + 1.0, -6.0)], (4.4, 3.6, 3.6)),
            tube([(p, joint + 1.0, 3.0), (reach, joint + size["backward"], 4.0)], (4.6, 3.8)),
            tube([(p + 2.0 * s, joint + 1.0, height + 3.0), (p + s, joint + 4.0, -height - 4.0)], (4.0, 4.6)),
        ]
    length, drop = size["spinous"] * long, size["drop"] * down
    path = center + np.array([(0, back, -6), (0, back + 0.5 * length, -6 - 0.4 * drop), (0, back + length, -6 - drop)])
    radii = np.array([0.9, 1.0, 1.0]) * size["height_of_spinous"]
    parts.append(Part(Tube(path, radii, axes[:, 0], 0.42), blend_mm=3.0))
    return Organ(f"VERTEBRA_{level}", tuple(parts), VERTEBRA)


def _disks(spine: Spine) -> Iterator[Organ]:
    """The intervertebral disks."""
    for n, (above, below) in enumerate(pairwise(LEVELS)):
        width, depth = (float(np.interp(n + 0.5, KNOTS, SIZES[name])) for name in ("half_width", "half_depth"))
        middle = 0.5 * (spine.center_mm(above) + spine.center_mm(below))
        gap = 0.32 * float(np.linalg.norm(spine.center_mm(above) - spine.center_mm(below)))
        solid = Superellipsoid(middle, (width, depth, gap), spine.axes(above), (2.3, 4.0))
        yield Organ(f"DISK_{above}_{below}", (Part(solid),), DISK)


def _rib_path(n: int, side: Side, spine: Spine) -> Float64Array:
    """Points (17, 3) along the bone of a rib, from its head at the vertebra round the wall of the chest."""
    level = f"T{n}"
    k = LEVELS.index(level)
    width, depth = (float(np.interp(k, KNOTS, SIZES[name])) for name in ("half_width", "half_depth"))
    tip, canal = (float(np.interp(k, KNOTS, SIZES[name])) for name in ("transverse", "canal"))
    backward = float(np.interp(k, KNOTS, SIZES["backward"]))
    center, axes = spine.center_mm(level), spine.axes(level)
    head = center + axes @ np.array([side.sign * (width + 1.5), 0.75 * depth, 7.0])
    tubercle = center + axes @ np.array([side.sign * (tip + 3.0), depth + canal + backward - 4.0, 3.0])
    first_deg = 34.0 if n > 1 else 48.0
    angles = np.linspace(first_deg, max(RIB_ENDS_DEG[n - 1], first_deg + 20.0), 7)
    share = np.clip((angles - 20.0) / 130.0, 0.0, 1.0)
    whole = np.clip((RIB_ENDS_DEG[n - 1] - 20.0) / 130.0, 0.0, 1.0)
    fall = RIB_DROPS_MM[n - 1] * (share / whole) ** 1.15 * (1.0 + 0.04 * side.rng.standard_normal())
    z = head[2] - fall - 4.0
    points = np.vstack([head, tubercle, wall_points(z, angles, RIB_OUTSIDE_MM, side.sign)])
    points[2:] += 0.5 * side.rng.standard_normal((len(points) - 2, 3))
    along = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(points, axis=0), axis=1))])
    return np.asarray(CubicSpline(along, points, bc_type="natural")(np.linspace(0.0, along[-1], 17)))


def _rib(n: int, path: Float64Array, side: Side) -> Organ:
    """A rib, flat against the wall all along."""
    height = side.size(RIB_HALF_HEIGHTS_MM[n - 1])
    radii = height * np.concatenate([[0.8, 0.75], np.ones(13), [1.05, 1.15]])
    parts = []
    for start in range(0, 16, 2):
        along = path[start + 2] - path[start]
        outward = np.cross(along, (0.0, 0.0, 1.0))
        thin = outward if n > 1 else np.cross(along, outward)  # the first lies flat
        parts.append(Part(Tube(path[start : start + 3], radii[start : start + 3], thin, 0.62)))
    return Organ(f"RIB_{n}_{side.letter}", tuple(parts), RIB)


def _to_sternum(n: int, side: Side, end: Float64Array) -> Float64Array:
    """Points (2, 3) from the end of a rib to the edge of the sternum."""
    path = np.array(STERNUM_PATH, dtype=np.float64)
    z = STERNAL_Z_MM[n - 1]
    y = float(np.interp(-z, -path[:, 2], path[:, 1]))
    at = np.array([side.sign * (18.0 if n == 1 else 14.0), y + 1.0, z])
    bend = 0.5 * (end + at) + np.array([0.0, -6.0, -4.0 if n > 2 else 0.0])
    return np.array([bend, at])


def _cartilage(n: int, side: Side, path: Float64Array) -> Organ:
    """The cartilage of a rib."""
    radii = np.linspace(RIB_HALF_HEIGHTS_MM[n - 1] + 0.6, 5.4, len(path))
    solid = spline_tube(path, list(radii), (0.0, 1.0, 0.0), 0.75)
    return Organ(f"COSTAL_CARTILAGE_{n}_{side.letter}", (Part(solid),), CARTILAGE)


def _costal_arch(paths: list[Float64Array], side: Side) -> Iterator[Organ]:
    """The cartilages of ribs 7 to 10, each reaching up to the one before it."""
    before = np.array([paths[6][-1], *_to_sternum(7, side, paths[6][-1])])
    yield _cartilage(7, side, before)
    for n in (8, 9, 10):
        end = paths[n - 1][-1]
        at = before[0] + 0.35 * (before[1] - before[0]) + np.array([0.0, 0.0, -7.0])
        path = np.array([end, 0.5 * (end + at) + np.array([0.0, -4.0, -3.0]), at])
        yield _cartilage(n, side, path)
        before = path


def _shoulder(side: Side) -> Iterator[Organ]:
    """Clavicle, scapula and upper arm of one side, with the arm raised."""
    clavicle = side.points((20, -60, 136), (55, -55, 150), (95, -22, 164), (128, 12, 172))
    yield Organ(f"CLAVICLE_{side.letter}", (Part(spline_tube(clavicle, (10, 6.5, 6, 7))),), LONG_BONE)
    outline, inner = scapula_outline(side)
    blade = Sheet(outline, inner, side.direction(0.0, 0.0, 60.0), (1.6, 3.6), 14.0)
    ridge = side.points((70, 90, 122), (96, 88, 140), (122, 62, 164), (138, 28, 172))
    hook = side.points((124, 36, 148), (114, 12, 158), (112, -8, 150))
    socket = side.points((120, 46, 142), (130, 40, 146))
    parts = (
        Part(blade),
        Part(spline_tube(outline[6:10], (4, 4.5, 5, 5.5)), blend_mm=4.0),
        Part(spline_tube(ridge, (4, 5, 6, 8)), blend_mm=4.0),
        Part(spline_tube(hook, (8, 6, 5)), blend_mm=4.0),
        Part(Tube(socket, np.array([9.0, 14.0])), blend_mm=5.0),
    )
    yield Organ(f"SCAPULA_{side.letter}", parts, FLAT_BONE)
    head, shaft = side.point(150, 34, 160), side.points((158, 24, 190), (166, 8, 230), (174, -6, 300))
    upper = (
        Part(Superellipsoid(head, (side.size(22.0),) * 3)),
        Part(spline_tube(np.vstack([head, shaft]), (20, 14, 11, 11)), blend_mm=8.0),
    )
    yield Organ(f"HUMERUS_{side.letter}", upper, HIP_BONE)


def scapula_outline(side: Side) -> tuple[Float64Array, Float64Array]:
    """Landmarks round the blade of a scapula, and inside its hollow."""
    outline = side.points(
        (124, 46, 150), (106, 66, 158), (84, 82, 152), (72, 92, 128), (70, 98, 96), (76, 98, 62),
        (90, 92, 40), (104, 82, 62), (114, 68, 96), (120, 54, 126),
    )  # fmt: skip
    return outline, side.points((96, 78, 130), (94, 84, 100), (88, 92, 72))
