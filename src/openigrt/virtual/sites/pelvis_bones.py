"""Bones of the virtual pelvis: lumbar spine, sacrum, hip bones, femurs.

Axes: x to the patient's left, y back, z up, mm, from the middle between the centres of the femoral heads. Landmarks
follow textbook proportions of an adult man; every one of them is moved at random by about a millimetre, on its own, so
that no two patients and no two sides are alike.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from openigrt.geometry import Float64Array, rotation_x
from openigrt.virtual.tissue.anatomy import Layer, Organ, Part
from openigrt.virtual.tissue.primitive_table import Operation
from openigrt.virtual.tissue.solids import HalfSpace, Sheet, Superellipsoid, spline_tube

JITTER_MM = 1.0
SUBTRACT, INTERSECT = Operation.SUBTRACT, Operation.INTERSECT

JOINT_HU = 75.0
HIP_BONE = (Layer(-2.0, JOINT_HU), Layer(0.0, 1020.0, 40.0, 60.0), Layer(2.0, 205.0, 40.0, 60.0))
FEMUR = (Layer(0.0, 1000.0, 40.0, 40.0), Layer(1.7, 255.0, 45.0, 55.0))
SHAFT = (Layer(0.0, 1450.0, 30.0, 30.0), Layer(6.5, 0.0, 30.0, 30.0))
SACRUM = (Layer(0.0, 780.0, 50.0, 60.0), Layer(1.6, 185.0, 40.0, 55.0))
VERTEBRA = (Layer(0.0, 820.0, 40.0, 60.0), Layer(1.6, 190.0, 30.0, 50.0))
DISK = (Layer(0.0, 95.0, 8.0, 6.0),)
SYMPHYSIS = (Layer(0.0, 110.0, 10.0, 10.0),)

SPINE = {
    "S5": (0.0, 92.0, 14.0),
    "S4": (0.0, 91.0, 34.0),
    "S3": (0.0, 82.0, 56.0),
    "S2": (0.0, 67.0, 78.0),
    "S1": (0.0, 47.0, 99.0),
    "L5": (0.0, 27.0, 131.0),
    "L4": (0.0, 19.0, 167.0),
    "L3": (0.0, 18.0, 204.0),
    "L2": (0.0, 23.0, 240.0),
}


@dataclass(frozen=True)
class Side:
    """One side of the body: `sign` +1 is the patient's left; points are mirrored and moved at random."""

    sign: float
    rng: np.random.Generator

    @property
    def letter(self) -> str:
        """L or R."""
        return "L" if self.sign > 0 else "R"

    def point(self, x: float, y: float, z: float) -> Float64Array:
        """A landmark that is given for the left side."""
        return np.array([self.sign * x, y, z]) + JITTER_MM * self.rng.standard_normal(3)

    def points(self, *landmarks: Sequence[float]) -> Float64Array:
        """Landmarks (n, 3) that are given for the left side."""
        return np.array([self.point(*p) for p in landmarks])

    def direction(self, x: float, y: float, z: float) -> Float64Array:
        """A direction that is given for the left side."""
        return np.array([self.sign * x, y, z])

    def size(self, mm: float) -> float:
        """A size, changed at random by about three percent."""
        return float(mm * (1.0 + 0.03 * np.clip(self.rng.standard_normal(), -2.0, 2.0)))


def tilted_axes(upward: Sequence[float] | Float64Array) -> Float64Array:
    """Axes (3, 3), columns x, y, z, whose z points `upward` (in the sagittal plane) and whose x stays."""
    return rotation_x(float(np.rad2deg(np.arctan2(-upward[1], upward[2]))))


def spine_axes(name: str) -> Float64Array:
    """Axes of a vertebra along the curve of the spine."""
    names = list(SPINE)
    n = names.index(name)
    low, high = SPINE[names[max(n - 1, 0)]], SPINE[names[min(n + 1, len(names) - 1)]]
    return tilted_axes(np.subtract(high, low))


def vertebra(name: str, rng: np.random.Generator) -> Organ:
    """A lumbar vertebra with pedicles, laminae, facets, transverse and spinous processes."""
    center = np.array(SPINE[name]) + 0.7 * rng.standard_normal(3)
    axes = spine_axes(name)
    width, length = 1.0 + 0.03 * rng.standard_normal(), 1.0 + 0.08 * rng.standard_normal()

    def at(*local: Sequence[float]) -> Float64Array:
        return center + np.array(local) @ axes.T

    parts = [Part(Superellipsoid(center, (24.5 * width, 17.0, 13.6), axes, (2.3, 7.0)))]
    for s in (-1.0, 1.0):
        parts += [
            Part(spline_tube(at((s * 14, 12, 4), (s * 15.5, 20, 4), (s * 15, 28, 2)), (5.0, 4.2, 5.5)), blend_mm=4.0),
            Part(spline_tube(at((s * 15, 29, 2), (s * 8, 35, -3), (0, 39, -6)), (4.8, 4.2, 4.0)), blend_mm=4.0),
            Part(
                spline_tube(at((s * 15, 25, 3), (s * 28, 27, 4), (s * 42 * length, 29, 5)), (5.0, 3.8, 3.6)),
                blend_mm=4.0,
            ),
            Part(spline_tube(at((s * 17, 28, 14), (s * 18, 30, 0), (s * 16, 35, -17)), (5.5, 5.5, 5.8)), blend_mm=4.0),
        ]
    tip = 64.0 * length
    spinous = spline_tube(at((0, 38, -5), (0, 52, -7), (0, tip, -10)), (7.5, 8.5, 9.5), axes[:, 0], 0.42)
    parts.append(Part(spinous, blend_mm=4.0))
    return Organ(f"VERTEBRA_{name}", tuple(parts), VERTEBRA)


def disk(below: str, above: str) -> Organ:
    """The intervertebral disk between two vertebrae."""
    low, high = np.array(SPINE[below]), np.array(SPINE[above])
    share = 0.42 if below == "S1" else 0.5
    axes = tilted_axes(high - low)
    solid = Superellipsoid(low + share * (high - low), (25.0, 17.5, 9.0), axes, (2.3, 4.0))
    return Organ(f"DISK_{above}_{below}", (Part(solid),), DISK)


def sacrum(rng: np.random.Generator) -> Organ:
    """Sacrum and coccyx: five fused bodies, wings, foramina, canal and median crest."""
    names, half_widths, depths, heights = (
        ("S1", "S2", "S3", "S4", "S5"),
        (26, 21, 17, 14, 11),
        (16, 12, 9, 7, 6),
        (15, 14, 14, 13, 12),
    )
    parts = [
        Part(Superellipsoid(SPINE[name], (a, b, c), spine_axes(name), (2.3, 4.0)), blend_mm=5.0)
        for name, a, b, c in zip(names, half_widths, depths, heights, strict=True)
    ]
    parts.append(Part(spline_tube(((0, 92, 8), (0, 88, -8), (0, 76, -22)), (7, 5.5, 4), (0, 1, 0), 0.7), blend_mm=4.0))
    for side in (Side(1.0, rng), Side(-1.0, rng)):
        wings = (
            ((37, 58, 94), (21, 15, 17), "S1"),
            ((33, 71, 74), (20, 12, 16), "S2"),
            ((23, 84, 52), (16, 9, 15), "S3"),
        )
        parts += [
            Part(Superellipsoid(side.point(*c), semi, spine_axes(name), (2.4, 2.4)), blend_mm=6.0)
            for c, semi, name in wings
        ]
        lamina = side.points((18, 72, 104), (17, 90, 80), (14, 101, 58), (8, 103, 38))
        parts.append(Part(spline_tube(lamina, (5, 5, 5, 5)), blend_mm=5.0))
    parts.append(
        Part(spline_tube(((0, 84, 106), (0, 101, 80), (0, 110, 56), (0, 107, 34)), (6, 6, 6, 5)), blend_mm=7.0)
    )
    canal = spline_tube(
        ((0, 62, 120), (0, 71, 100), (0, 87, 77), (0, 97, 54), (0, 100, 36)), (10, 9, 7, 5.5, 4), (0, 1, 0), 0.75
    )
    parts.append(Part(canal, SUBTRACT, 2.0))
    parts += [Part(hole, SUBTRACT, 1.5) for hole in _foramina(rng)]
    return Organ("SACRUM", tuple(parts), SACRUM)


def _foramina(rng: np.random.Generator) -> Iterator[Superellipsoid]:
    """Four pairs of sacral foramina, front to back."""
    levels = (((21, 55, 89), 5.6), ((18, 74, 67), 5.2), ((15, 87, 45), 4.4), ((12, 93, 24), 3.6))
    for side in (Side(1.0, rng), Side(-1.0, rng)):
        for (x, y, z), radius in levels:
            axes = tilted_axes((0.0, 0.55, 0.83))
            yield Superellipsoid(side.point(x, y, z), (radius, 30.0, radius), axes, (2.0, 2.0))


def iliac_outline(side: Side) -> tuple[Float64Array, Float64Array]:
    """Landmarks round the wing of the ilium (crest, spines, notch, roof of the socket), and inside its hollow."""
    outline = side.points(
        (117, -44, 86), (127, -36, 106), (138, -18, 126), (140, 8, 145), (128, 34, 153), (104, 60, 146), (76, 82, 130),
        (54, 96, 108), (52, 92, 82), (60, 78, 62), (72, 52, 40), (82, 30, 22), (88, 0, 18), (95, -24, 24),
        (103, -38, 46), (107, -38, 66),
    )  # fmt: skip
    inner = side.points((102, 20, 110), (98, 28, 90), (94, 18, 60), (114, -8, 100), (70, 66, 92), (88, 46, 110))
    return outline, inner


def hip_bone(side: Side, head: Float64Array, head_radius_mm: float) -> Organ:
    """Ilium, socket, ischium and pubis of one side, in one piece."""
    outline, inner = iliac_outline(side)
    wing = Sheet(outline, inner, head + side.direction(-200.0, -100.0, 0.0), (2.6, 5.0))
    opening = side.direction(0.74, -0.26, -0.62)
    socket = Superellipsoid(head - 5.0 * opening / np.linalg.norm(opening), (35.0, 36.0, 36.0))
    crest = spline_tube(outline[:9], (6, 6.5, 7, 7.5, 7.5, 7.5, 9, 10, 8))
    column = side.points((72, 70, 72), (72, 48, 48), (78, 26, 22))
    brim = side.points((62, 60, 66), (70, 22, 42), (76, -14, 18), (56, -38, 10), (36, -48, 2), (20, -52, -8))
    ischium = side.points((84, 24, -4), (78, 36, -34), (63, 42, -66), (58, 36, -80))
    ramus = side.points((58, 34, -80), (42, 8, -74), (26, -20, -56), (14, -40, -36))
    joint = Superellipsoid(head, (head_radius_mm + 3.0,) * 3)
    parts = (
        Part(socket),
        Part(HalfSpace(head + 5.0 * opening, opening), INTERSECT, 6.0),
        Part(wing, blend_mm=8.0),
        Part(crest, blend_mm=5.0),
        Part(spline_tube(column, (9, 12, 16)), blend_mm=8.0),
        Part(spline_tube(brim, (7, 8, 13, 9.5, 8.5, 9)), blend_mm=8.0),
        Part(spline_tube(ischium, (17, 16, 15, 11)), blend_mm=8.0),
        Part(spline_tube(ramus, (9, 6.5, 7, 8)), blend_mm=6.0),
        Part(Superellipsoid(side.point(12.5, -48, -22), (9.0, 10.0, 19.0), exponents=(2.4, 2.4)), blend_mm=6.0),
        Part(joint, SUBTRACT, 1.0),
    )
    return Organ(f"HIP_BONE_{side.letter}", parts, HIP_BONE)


def femur(side: Side, head: Float64Array, head_radius_mm: float) -> tuple[Organ, Organ]:
    """Shaft with its thick wall, and upper end of one femur, to be laid over the shaft."""
    shaft = side.points((121, 14, -48), (119, 10, -75), (116, 4, -120), (110, -6, -300))
    neck = np.vstack([head, side.points((110, 6, -18), (122, 12, -36))])
    trochanter = side.points((124, 14, -40), (134, 22, -20), (136, 24, -2))
    lesser = side.points((118, 14, -56), (106, 24, -62))
    upper = (
        Part(Superellipsoid(head, (head_radius_mm,) * 3)),
        Part(spline_tube(neck, (15, 14.5, 19)), blend_mm=5.0),
        Part(spline_tube(trochanter, (18, 14, 9)), blend_mm=8.0),
        Part(spline_tube(lesser, (12, 7)), blend_mm=8.0),
        Part(spline_tube(shaft[:2], (19, 15.5)), blend_mm=10.0),
    )
    return (
        Organ(f"FEMUR_SHAFT_{side.letter}", (Part(spline_tube(shaft, (18, 16, 15, 14))),), SHAFT),
        Organ(f"FEMUR_{side.letter}", upper, FEMUR),
    )


def femoral_head(side: Side, head: Float64Array, head_radius_mm: float) -> Organ:
    """Head and upper neck as they are contoured: in front of the femur, and made of the same."""
    neck = head + np.outer((0.0, 0.5, 1.0), side.direction(28.0, 6.0, -24.0))
    parts = (
        Part(Superellipsoid(head, (head_radius_mm,) * 3)),
        Part(spline_tube(neck, (15, 14.7, 15)), blend_mm=5.0),
    )
    return Organ(f"FEMORAL_HEAD_{side.letter}", parts, FEMUR)


def bones(rng: np.random.Generator) -> tuple[tuple[Organ, ...], dict[str, Float64Array]]:
    """All bones, back to front, and the centres of the femoral heads by side letter."""
    organs = [disk(a, b) for a, b in (("S1", "L5"), ("L5", "L4"), ("L4", "L3"), ("L3", "L2"))]
    organs += [sacrum(rng), *(vertebra(name, rng) for name in ("L5", "L4", "L3", "L2"))]
    heads = {}
    organs.append(Organ("SYMPHYSIS", (Part(Superellipsoid((0, -48, -22), (6.0, 9.0, 18.0))),), SYMPHYSIS))
    for side in (Side(1.0, rng), Side(-1.0, rng)):
        head, radius_mm = side.point(88, 0, 0), side.size(24.0)
        organs += [hip_bone(side, head, radius_mm), *femur(side, head, radius_mm), femoral_head(side, head, radius_mm)]
        heads[side.letter] = head
    return tuple(organs), heads
