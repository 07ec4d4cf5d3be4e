"""What lies in the chest: lungs and their vessels, airways, heart, great vessels, gullet; axes as in `trunk_shape`."""

from collections.abc import Iterator

import numpy as np

from openigrt.geometry import Float64Array, Frame
from openigrt.virtual.sites.pelvis_bones import Side
from openigrt.virtual.sites.pelvis_soft import PLAQUE, VESSEL
from openigrt.virtual.sites.trunk_belly import DOMES
from openigrt.virtual.sites.trunk_shape import CAVITY, Spine
from openigrt.virtual.sites.trunk_wall import TOP
from openigrt.virtual.tissue.anatomy import Anatomy, Layer, Organ, Part
from openigrt.virtual.tissue.primitive_table import Operation
from openigrt.virtual.tissue.solids import HalfSpace, Loft, Solid, Superellipsoid, Tube, spline_tube

SUBTRACT, INTERSECT = Operation.SUBTRACT, Operation.INTERSECT
LUNG = (Layer(0.0, -800.0, 34.0, 30.0, 110.0),)
LUNG_VESSEL = (Layer(0.0, 40.0),)
HEART = (Layer(0.0, 10.0, 30.0, 10.0, -60.0), Layer(3.0, 44.0, 5.0, 6.0))
HEART_MUSCLE = (Layer(0.0, 54.0, 4.0, 5.0),)
BLOOD = (Layer(0.0, 40.0, 2.0, 4.0),)
GROOVE = (Layer(0.0, -75.0, 15.0, 10.0),)
AIRWAY = (Layer(-1.6, 0.0, 10.0, 10.0), Layer(0.0, -990.0))
BRONCHUS = (Layer(-1.0, -150.0), Layer(0.0, -985.0))
GULLET = (Layer(0.0, 38.0, 4.0, 6.0),)
THYROID = (Layer(0.0, 105.0, 6.0, 6.0),)

HEART_CENTER_MM = np.array([20.0, -30.0, 28.0])
CARINA_MM = (-5.0, 7.0, 98.0)
HILUM_MM = (34.0, 2.0, 72.0)  # left; the right one lies opposite
MEDIASTINUM = np.array(
    [
        (-120.0, 0.0, 0.0, 34.0, 34.0, 60.0, 60.0, 2.0, 2.0),
        (-20.0, 4.0, -4.0, 42.0, 34.0, 78.0, 56.0, 2.0, 2.0),
        (30.0, 4.0, -6.0, 38.0, 32.0, 74.0, 52.0, 2.0, 2.0),
        (70.0, 2.0, -6.0, 36.0, 34.0, 68.0, 50.0, 2.0, 2.0),
        (100.0, 2.0, -4.0, 36.0, 31.0, 62.0, 44.0, 2.0, 2.0),
        (130.0, 0.0, -2.0, 30.0, 29.0, 52.0, 36.0, 2.0, 2.0),
        (175.0, 0.0, 2.0, 26.0, 26.0, 44.0, 26.0, 2.0, 2.0),
    ]
)
DEEPEST_LUNG = HalfSpace((0.0, 80.0, -86.0), (0.0, -0.38, -0.925))


def heart_axes() -> Float64Array:
    """Axes (3, 3) of the heart: the third points to its apex, to the left, forward and down."""
    apex = np.array([0.74, -0.48, -0.47])
    apex /= np.linalg.norm(apex)
    side = np.cross(apex, (0.0, 0.0, 1.0))
    side /= np.linalg.norm(side)
    return np.column_stack([side, np.cross(apex, side), apex])


def lung(sign: float, spine: Spine) -> Organ:
    """One lung: what the wall of the chest, mediastinum, spine, heart and diaphragm leave."""
    column = Tube(spine.behind_mm(np.full(20, 3.0))[3:16], np.linspace(15.0, 27.0, 13))
    dome = DOMES[0 if sign < 0.0 else 1]
    other = DOMES[1 if sign < 0.0 else 0]
    parts = (
        Part(Loft(CAVITY, inset_mm=2.0)),
        Part(TOP, INTERSECT, 10.0),
        Part(HalfSpace((sign * 3.0, 0.0, 0.0), (-sign, 0.0, 0.0)), INTERSECT, 3.0),
        Part(DEEPEST_LUNG, INTERSECT, 6.0),
        Part(Loft(MEDIASTINUM), SUBTRACT, 6.0),
        Part(column, SUBTRACT, 5.0),
        Part(_pericardium(2.0), SUBTRACT, 6.0),
        Part(dome, SUBTRACT, 3.0),
        Part(other, SUBTRACT, 3.0),
    )
    return Organ(f"LUNG_{'L' if sign > 0.0 else 'R'}", parts, LUNG)


def _pericardium(margin_mm: float) -> Solid:
    """The outside of the heart."""
    return Superellipsoid(HEART_CENTER_MM, np.array([50.0, 47.0, 64.0]) + margin_mm, heart_axes(), (2.1, 2.2))


def heart() -> tuple[Organ, ...]:
    """The heart with its fat, the muscle of both ventricles, and the blood of its four chambers."""
    axes = heart_axes()

    def at(*local: float) -> Float64Array:
        point: Float64Array = HEART_CENTER_MM + axes @ np.array(local)
        return point

    right = np.array([-12.0, -26.0, 6.0])
    ring = [HEART_CENTER_MM + axes @ (44.0 * np.cos(a), 42.0 * np.sin(a), -16.0) for a in np.linspace(0.0, 6.3, 13)]
    left_ventricle, left_blood = at(8.0, 4.0, 16.0), at(8.0, 4.0, 12.0)
    return (
        Organ("HEART", (Part(_pericardium(0.0)),), HEART),
        Organ("VENTRICLE_R", (Part(Superellipsoid(left_ventricle + right, (30, 26, 34), axes)),), BLOOD),
        Organ("GROOVE", (Part(Tube(np.array(ring), np.full(13, 4.0))),), GROOVE),
        Organ("HEART_MUSCLE", (Part(Superellipsoid(left_ventricle, (30, 30, 42), axes)),), HEART_MUSCLE),
        Organ("VENTRICLE_L", (Part(Superellipsoid(left_blood, (20, 20, 33), axes)),), BLOOD),
        Organ("ATRIUM_R", (Part(Superellipsoid((-14, -24, 34), (20, 24, 28))),), BLOOD),
        Organ("ATRIUM_L", (Part(Superellipsoid((8, 4, 46), (30, 18, 20))),), BLOOD),
    )


def great_vessels(spine: Spine) -> tuple[Organ, ...]:
    """Aorta with its arch and branches, venae cavae, pulmonary trunk and its arteries, plaque on the left."""
    down = [spine.center_mm(level) for level in ("T5", "T7", "T9", "T11", "T12", "L2", "L4")]
    beside = ((20, -4, 0), (21, -10, 0), (19, -16, 0), (13, -22, 0), (9, -24, 0), (6, -26, 0), (5, -26, 0))
    descending = [center + off for center, off in zip(down, np.array(beside, dtype=np.float64), strict=True)]
    arch = [(-4, -24, 44), (-13, -34, 66), (-12, -36, 92), (4, -28, 112), (22, 2, 109)]
    aorta = spline_tube(np.vstack([arch, descending]), (15, 16, 15.5, 14.5, 13.5, 12.5, 12, 11.5, 11, 10, 9.5, 8.5))
    branches = (
        ((-4, -26, 114), (-16, -22, 138), (-30, -14, 168), (-30, -8, 230)),
        ((8, -22, 118), (16, -10, 144), (26, -10, 180), (30, -6, 240)),
        ((20, -4, 116), (26, 4, 142), (44, 0, 164), (84, -8, 158)),
        ((-26, -14, 160), (-48, -6, 166), (-86, -8, 158)),
    )
    veins = (
        ((34, -40, 148), (6, -38, 128), (-24, -26, 112)),
        ((-34, -36, 148), (-28, -30, 128), (-24, -26, 112)),
        ((36, -30, 150), (40, -16, 200), (42, -10, 280)),
        ((-36, -30, 150), (-40, -16, 200), (-42, -10, 280)),
    )
    superior = spline_tube(((-24, -27, 116), (-25, -25, 84), (-20, -22, 46)), (10, 11, 12))
    inferior = [(-18, -14, 20), (-20, -6, -14), (-22, 0, -50), (-22, 0, -110), (-20, -8, -180), (-18, -8, -300)]
    trunk = spline_tube(((12, -42, 50), (16, -36, 72), (20, -16, 84)), (15, 14.5, 13))
    arteries = (
        spline_tube(((18, -22, 82), (28, -4, 86), (42, 8, 82)), (12, 11.5, 10)),
        spline_tube(((16, -22, 80), (-6, -14, 78), (-26, -8, 76), (-42, -2, 72)), (12, 11, 10.5, 10)),
    )
    spots = (((20, 24, 92), (2, 3, 5)), ((8, -28, 112), (4, 2, 2.5)), ((19, 14, -40), (2, 2.5, 7)))
    return (
        Organ("CAVA", (Part(superior), Part(spline_tube(inferior, (13, 13, 12.5, 12, 11, 10)))), VESSEL),
        Organ("VEINS", tuple(Part(spline_tube(v, (6.0,) * len(v))) for v in veins), VESSEL),
        Organ("AORTA", (Part(aorta),), VESSEL),
        Organ("ARTERIES", tuple(Part(spline_tube(b, (5.0,) * len(b))) for b in branches), VESSEL),
        Organ("PULMONARY_ARTERIES", (Part(trunk), *(Part(a, blend_mm=4.0) for a in arteries)), VESSEL),
        *(Organ(f"PLAQUE_{n}", (Part(Superellipsoid(c, semi)),), PLAQUE) for n, (c, semi) in enumerate(spots, 1)),
    )


def airways() -> tuple[Organ, ...]:
    """Gullet, thyroid, windpipe and main bronchi; the left one is longer and flatter."""
    gullet = ((0, 2, 280), (2, 0, 210), (5, 4, 170), (5, 15, 130), (5, 23, 98), (4, 23, 60), (8, 12, 20), (16, 4, -14))
    windpipe = spline_tube(((0, -26, 300), (0, -20, 220), (-2, -14, 170), (-5, -2, 130), CARINA_MM), (9, 9, 9, 9, 8.6))
    left = spline_tube((CARINA_MM, (12, 8, 87), (34, 8, 76), (46, 14, 58)), (7.5, 6.5, 6, 4.5))
    right = spline_tube((CARINA_MM, (-15, 7, 86), (-26, 6, 74), (-34, 12, 50)), (8, 7.5, 6.5, 4.5))
    lobes = [
        Part(spline_tube(((s * 12, -24, 190), (s * 18, -20, 208), (s * 17, -16, 228)), (8, 10, 6))) for s in (1, -1)
    ]
    return (
        Organ("OESOPHAGUS", (Part(spline_tube(gullet, (8,) * 8, (0.2, 1.0, 0.0), 0.7)),), GULLET),
        Organ("THYROID", tuple(lobes), THYROID),
        Organ("TRACHEA", (Part(windpipe), Part(left, blend_mm=3.0), Part(right, blend_mm=3.0)), AIRWAY),
    )


def lung_vessels(rng: np.random.Generator, organ: Organ, sign: float, forks: int) -> Iterator[Organ]:
    """Arteries, veins and bronchi of one lung: trees that fork from the hilum outward, and end inside the lung."""
    side = Side(sign, rng)
    inside = Anatomy(Frame.plan("1"), (organ,))
    letter = side.letter
    hilum = side.point(*HILUM_MM)
    segments: list[Tube] = []
    for aim in _aims(side):
        twig = hilum + np.array([0.0, 6.0, 0.0]) * rng.standard_normal(3)
        segments += _tree(rng, inside, twig, aim - twig, forks)
    parts = tuple(Part(tube) for tube in segments)
    yield Organ(f"LUNG_VESSELS_{letter}", parts, LUNG_VESSEL)
    tubes = [hilum + np.outer((0.15, 0.45, 0.85), 0.55 * (aim - hilum)) for aim in _aims(side)[::2]]
    yield Organ(f"BRONCHI_{letter}", tuple(Part(Tube(t, np.array([3.4, 2.6, 1.6]))) for t in tubes), BRONCHUS)


def _aims(side: Side) -> list[Float64Array]:
    """Where the great branches of one lung lead."""
    return [
        side.point(x, y, z)
        for x, y, z in (
            (60, 10, 150), (62, -40, 118), (82, 36, 112), (92, -20, 92), (70, -62, 60), (104, 20, 60), (88, 56, 60),
            (96, -34, 34), (80, 62, 8), (104, 26, 10), (52, 66, -14), (62, 20, 26),
        )
    ]  # fmt: skip


def _tree(
    rng: np.random.Generator, inside: Anatomy, start: Float64Array, way: Float64Array, forks: int
) -> Iterator[Tube]:
    """Segments of one tree that forks again and again; twigs that would leave the lung are not grown."""
    growing = [(start, way / np.linalg.norm(way), 0.3 * float(np.linalg.norm(way)), 4.6, 0)]
    while growing:
        root, direction, length_mm, radius_mm, depth = growing.pop()
        middle = root + 0.5 * length_mm * direction + 0.06 * length_mm * rng.standard_normal(3)
        tip = root + length_mm * direction + 0.05 * length_mm * rng.standard_normal(3)
        if depth and inside.signed_distance_mm(inside.organs[0].name, tip) > -2.0:
            continue
        thin = 0.74 * radius_mm
        yield Tube(np.array([root, middle, tip]), np.array([radius_mm, 0.9 * radius_mm, 1.1 * thin]))
        if depth == forks:
            continue
        across = np.cross(direction, rng.standard_normal(3))
        across /= np.linalg.norm(across)
        for lean, share in ((0.4, 0.8), (-0.7, 0.66)):
            ahead = direction + lean * across
            step_mm = 0.83 * length_mm * (share + 0.2)
            growing.append((tip, ahead / np.linalg.norm(ahead), step_mm, share * radius_mm, depth + 1))
