"""What lies under the diaphragm: liver, stomach, spleen, kidneys, pancreas, bowel; axes as in `trunk_shape`."""

from collections.abc import Iterator, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike
from scipy.interpolate import CubicSpline

from openigrt.geometry import Float64Array, rotation_from_vector
from openigrt.virtual.sites.pelvis_bones import Side
from openigrt.virtual.sites.pelvis_soft import BOWEL, GAS, STOOL, VESSEL
from openigrt.virtual.tissue.anatomy import Layer, Organ, Part
from openigrt.virtual.tissue.primitive_table import Operation
from openigrt.virtual.tissue.solids import HalfSpace, Superellipsoid, Tube, spline_tube

Factor: TypeAlias = float  # without dimension

SUBTRACT, INTERSECT = Operation.SUBTRACT, Operation.INTERSECT
DIAPHRAGM = (Layer(0.0, 48.0, 5.0, 6.0), Layer(3.0, -98.0, 8.0, 8.0, 40.0))
LIVER = (Layer(0.0, 58.0, 3.0, 6.0),)
LIVER_VESSEL = (Layer(0.0, 38.0, 2.0, 3.0),)
SPLEEN = (Layer(0.0, 48.0, 2.0, 4.0),)
GALLBLADDER = (Layer(0.0, 30.0), Layer(2.0, 8.0, 1.0, 2.0))
STOMACH = (Layer(0.0, 44.0, 3.0, 5.0), Layer(4.0, 24.0, 22.0, 16.0, -50.0))
PANCREAS = (Layer(0.0, 38.0, 6.0, 8.0, -75.0),)
KIDNEY = (Layer(0.0, 34.0, 2.0, 4.0),)
SINUS = (Layer(0.0, -60.0, 35.0, 15.0),)
ADRENAL = (Layer(0.0, 22.0, 3.0, 4.0),)

# Right, left; drawn at exhale.
DOMES = (
    Superellipsoid((-64.0, -14.0, -84.0), (70.0, 77.0, 94.0), exponents=(2.3, 2.2)),
    Superellipsoid((63.0, -10.0, -92.0), (70.0, 75.0, 88.0), exponents=(2.3, 2.2)),
)
STOMACH_PATH = np.array(
    [(50, 30, -30), (60, 12, -48), (64, -14, -80), (48, -42, -112), (14, -52, -126), (-14, -42, -124)]
)
STOMACH_RADII_MM = np.array([20.0, 31.0, 28.0, 24.0, 18.0, 11.0])
PLANNED_GAS = 0.35
STOMACH_CENTER_MM = np.array([52.0, -16.0, -78.0])
STOMACH_SEMI_AXES_MM = (40.0, 44.0, 56.0)
GALLBLADDER_CENTER_MM = np.array([-58.0, -46.0, -112.0])
PANCREAS_HEAD_MM = np.array([-28.0, -22.0, -142.0])
JEJUNUM_SPACE = np.array([[-6.0, -34.0, -200.0], [94.0, 12.0, -112.0]])
BOWEL_SPACE = np.array([[-80.0, -66.0, -290.0], [96.0, -8.0, -140.0]])


def diaphragm() -> Organ:
    """Both domes and what hangs from them along the wall: a thin muscle, and the fat under it."""
    below = Superellipsoid((0.0, -6.0, -230.0), (127.0, 74.0, 175.0), exponents=(2.3, 3.0))
    parts = (*(Part(dome, blend_mm=20.0) for dome in DOMES), Part(below, blend_mm=25.0))
    return Organ("DIAPHRAGM", parts, DIAPHRAGM)


def liver(rng: np.random.Generator) -> tuple[Organ, ...]:
    """The liver fills the right dome and reaches over to the left; with veins and branches of the portal vein."""
    center, semi = np.array(DOMES[0].center_mm), np.array(DOMES[0].semi_axes_mm) - 2.5
    tip = float(rng.uniform(-8.0, 8.0))
    parts = (
        Part(Superellipsoid(center, semi, exponents=(2.3, 2.2))),
        Part(Superellipsoid((12.0 + tip, -46.0, -48.0), (58.0, 34.0, 32.0)), blend_mm=22.0),
        Part(HalfSpace((-60.0, -10.0, -118.0 + tip), (0.46, -0.1, -0.88)), INTERSECT, 16.0),
        Part(Superellipsoid((-20.0, 2.0, -84.0), (20.0, 26.0, 80.0)), SUBTRACT, 14.0),
        Part(Superellipsoid((-64.0, 48.0, -146.0), (32.0, 31.0, 60.0)), SUBTRACT, 10.0),
    )
    return (Organ("LIVER", parts, LIVER), Organ("LIVER_VESSELS", tuple(_liver_vessels(rng)), LIVER_VESSEL))


def _liver_vessels(rng: np.random.Generator) -> Iterator[Part]:
    """Three hepatic veins to the cava and the portal vein with its branches, each a little different."""
    confluence, gate = np.array([-22.0, -4.0, -26.0]), np.array([-30.0, -16.0, -88.0])
    veins = (((-58, 10, -34), (-96, 26, -62)), ((-46, -34, -36), (-78, -58, -66)), ((-4, -36, -34), (16, -56, -50)))
    portal = (
        ((-52, -14, -76), (-84, -24, -66)), ((-56, 6, -84), (-96, 20, -96)), ((-60, -4, -62), (-86, 34, -46)),
        ((-8, -34, -64), (24, -52, -58)), ((-60, -34, -72), (-82, -52, -94)), ((-54, -16, -60), (-64, -20, -28)),
    )  # fmt: skip
    for root, widest, branches in ((confluence, 5.5, veins), (gate, 6.0, portal)):
        for branch in branches:
            path = np.vstack([root, branch]) + 2.0 * rng.standard_normal((3, 3))
            path[0] = root
            yield Part(spline_tube(path, (widest, 0.65 * widest, 0.3 * widest)))
            for _ in range(2):
                ends = path[1] + np.array([(0.0, 0.0, 0.0), 18.0 * rng.standard_normal(3) / 1.4])
                yield Part(Tube(ends, np.array([2.6, 1.2])))


def upper_organs(rng: np.random.Generator) -> tuple[Organ, ...]:
    """Spleen, kidneys, adrenals, pancreas, gallbladder, stomach and its gas, duodenum; back to front."""
    spleen_axes = rotation_from_vector((0.25, 0.35, -0.45))
    spleen = Superellipsoid(np.array([99.0, 36.0, -66.0]) + rng.standard_normal(3), (26.0, 48.0, 55.0), spleen_axes)
    hollow = Superellipsoid((64.0, 16.0, -58.0), (26.0, 40.0, 44.0))
    duodenum = spline_tube(
        ((-14, -42, -124), (-38, -38, -120), (-50, -24, -142), (-50, -10, -176), (-26, -8, -192), (6, -12, -190),
         (26, -20, -164)), (11, 12, 12.5, 12, 11.5, 11, 10),
    )  # fmt: skip
    pancreas = ((-28, -22, -142), (-16, -30, -128), (8, -31, -118), (32, -16, -106), (60, 6, -94), (74, 20, -84))
    return (
        Organ("SPLEEN", (Part(spleen), Part(hollow, SUBTRACT, 8.0), Part(DOMES[1], INTERSECT, 4.0)), SPLEEN),
        *_kidney(Side(1.0, rng), (60.0, 40.0, -124.0)),
        *_kidney(Side(-1.0, rng), (62.0, 42.0, -140.0)),
        Organ("DUODENUM", (Part(duodenum),), BOWEL),
        Organ("STOMACH", (Part(spline_tube(STOMACH_PATH, list(STOMACH_RADII_MM))),), STOMACH),
        stomach_gas(PLANNED_GAS),
        Organ(
            "PORTAL_VEIN",
            (Part(spline_tube(((2, -22, -124), (-14, -20, -108), (-30, -16, -88)), (7, 7, 6.5))),),
            VESSEL,
        ),
        Organ(
            "PANCREAS",
            (
                Part(spline_tube(pancreas, (17, 12, 9.5, 10, 9.5, 6))),
                Part(Superellipsoid(PANCREAS_HEAD_MM, (19.0, 15.0, 23.0)), blend_mm=6.0),
            ),
            PANCREAS,
        ),
        Organ(
            "MESENTERIC",
            (Part(spline_tube(((7, -14, -118), (6, -26, -150), (2, -30, -220)), (4.5, 4.2, 3.5))),),
            VESSEL,
        ),
        Organ(
            "GALLBLADDER",
            (Part(Superellipsoid(GALLBLADDER_CENTER_MM, (15, 16, 30), rotation_from_vector((-0.5, 0, 0.2)))),),
            GALLBLADDER,
        ),
    )


def stomach_gas(share: float) -> Organ:
    """Gas in the front of the stomach of a patient who lies on his back, down to a level: the share of its depth."""
    level = -72.0 + 100.0 * share
    tube = spline_tube(STOMACH_PATH, list(STOMACH_RADII_MM - 4.5))
    return Organ("STOMACH_GAS", (Part(tube), Part(HalfSpace((0.0, level, 0.0), (0.0, 1.0, 0.0)), INTERSECT, 1.0)), GAS)


def _kidney(side: Side, place: Sequence[float]) -> Iterator[Organ]:
    """Kidney, the fat of its sinus, and the adrenal above it."""
    center = side.point(*place)
    axes = rotation_from_vector((0.22, side.sign * 0.2, side.sign * 0.5))
    length = side.size(53.0)
    inward = center + side.direction(-15.0, -7.0, 0.0)
    yield Organ(
        f"KIDNEY_{side.letter}",
        (
            Part(Superellipsoid(center, (27.0, 23.0, length), axes)),
            Part(Superellipsoid(inward + side.direction(-9.0, -4.0, 0.0), (11.0, 12.0, 15.0), axes), SUBTRACT, 6.0),
        ),
        KIDNEY,
    )
    yield Organ(f"KIDNEY_SINUS_{side.letter}", (Part(Superellipsoid(inward, (11.0, 8.0, 24.0), axes)),), SINUS)
    root = center + side.direction(-26.0, -14.0, 44.0)
    limbs = [np.array([root, root + side.direction(x, 14.0, -12.0)]) for x in (-2.0, 10.0)]
    parts = tuple(
        Part(Tube(limb, np.array([5.0, 3.4]), side.direction(1.0, -0.4, 0.0), 0.6), blend_mm=1.0) for limb in limbs
    )
    yield Organ(f"ADRENAL_{side.letter}", parts, ADRENAL)


# Path, radius and share of the radius that gas fills.
COLON = {
    "ASCENDING_COLON": (
        ((-100, -8, -300), (-102, -6, -240), (-98, -14, -190), (-90, -34, -160), (-66, -60, -162)), 23.0, 0.5
    ),
    "TRANSVERSE_COLON": (
        ((-66, -60, -162), (-24, -70, -176), (28, -72, -170), (74, -62, -142), (98, -34, -122), (108, 2, -124)),
        18.0, 0.72,
    ),
    "DESCENDING_COLON": (((108, 2, -124), (112, 22, -152), (110, 20, -205), (106, 14, -300)), 14.0, 0.4),
}  # fmt: skip


def colon(width: Factor) -> Iterator[Organ]:
    """Ascending, transverse and descending colon, with stool and gas."""
    for name in COLON:
        points, radii = _of_colon(name)
        yield Organ(name, (Part(spline_tube(points, list(radii))),), STOOL)
    yield from colon_gas(width)


def colon_gas(width: Factor) -> Iterator[Organ]:
    """Gas in the front of the colon; a factor on its usual width."""
    for name, (_, radius_mm, share) in COLON.items():
        points, radii = _of_colon(name)
        inner = points[1:-1] - np.array([0.0, 0.3 * radius_mm, 0.0])
        yield Organ(f"{name}_GAS", (Part(spline_tube(inner, list(width * share * radii[1:-1]))),), GAS)


def _of_colon(name: str) -> tuple[Float64Array, Float64Array]:
    """Points (n, 3) and radii (n,) of a part of the colon, with its pouches."""
    path, radius_mm, _ = COLON[name]
    points = np.array(path, dtype=np.float64)
    fine = np.linspace(0.0, len(points) - 1.0, 3 * len(points) - 2)
    at = np.asarray(CubicSpline(np.arange(len(points)), points, bc_type="natural")(fine))
    return at, radius_mm * (1.0 + 0.12 * np.cos(np.pi * np.arange(len(at))))


def small_bowel(rng: np.random.Generator) -> Iterator[Organ]:
    """Loops of small bowel, the upper ones on the left, each a smooth random path; some hold gas."""
    for n in range(46):
        low, high = BOWEL_SPACE if n < 36 else JEJUNUM_SPACE
        start = low + (high - low) * rng.random(3)
        steps = rng.standard_normal((5, 3)) * (28.0, 14.0, 17.0)
        share = (start + np.cumsum(steps, axis=0) - low) / (high - low)
        path = low + (high - low) * (1.0 - np.abs(1.0 - share % 2.0))  # mirrored at the walls
        radii = np.clip(11.5 + 1.6 * rng.standard_normal(5), 9.0, 15.0)
        yield Organ(f"BOWEL_{n}", (Part(spline_tube(path, list(radii))),), BOWEL)
        if n % 5 == 1:
            yield Organ(f"BOWEL_{n}_GAS", (Part(_gas_of(path, radii)),), GAS)


def _gas_of(path: Float64Array, radii: ArrayLike) -> Tube:
    """Gas in the front of the middle of a loop."""
    inner = path[1:-1] - np.array([0.0, 4.0, 0.0])
    return spline_tube(inner, list(0.55 * np.asarray(radii)[1:-1]))
