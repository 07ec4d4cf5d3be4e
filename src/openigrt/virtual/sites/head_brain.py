"""The brain in its skull: hemispheres with grey and white matter, ventricles, falx, cerebellum, brainstem, cord.

Axes as in `head_skull`.
"""

from collections.abc import Iterator

import numpy as np

from openigrt.virtual.sites.head_skull import BONE_MM, VAULT_AXES, VAULT_CENTER, VAULT_MM, VAULT_SHAPE, cranial_cavity
from openigrt.virtual.sites.head_spine import SPINE, canal_mm
from openigrt.virtual.tissue.anatomy import Layer, Organ, Part
from openigrt.virtual.tissue.primitive_table import Operation
from openigrt.virtual.tissue.solids import HalfSpace, Superellipsoid, spline_tube

SUBTRACT, INTERSECT = Operation.SUBTRACT, Operation.INTERSECT

CSF = (Layer(0.0, 8.0, 1.0, 2.0),)
CEREBRUM = (Layer(0.0, 38.0, 1.5, 2.0, -24.0), Layer(7.0, 28.0, 1.5, 1.5))
CEREBELLUM = (Layer(0.0, 36.0, 1.5, 2.5, -8.0), Layer(14.0, 31.0, 1.5, 1.5))
WHITE = (Layer(0.0, 28.0, 1.5, 1.5),)
NUCLEI = (Layer(0.0, 36.5, 1.0, 1.5),)
STEM = (Layer(0.0, 31.0, 1.5, 2.0),)
CORD = (Layer(0.0, 36.0, 1.5, 2.0),)
DURA = (Layer(0.0, 56.0, 3.0, 4.0),)
CALCIFIED = (Layer(0.0, 190.0, 60.0),)
GAP_MM = 2.4


def brain() -> Iterator[Organ]:
    """All that the cranial cavity and the spinal canal hold, back to front."""
    yield Organ("CRANIAL_CAVITY", tuple(Part(solid) for solid in cranial_cavity(0.8)), CSF)
    for s, letter in ((1.0, "L"), (-1.0, "R")):
        yield Organ(f"HEMISPHERE_{letter}", tuple(_hemisphere(s)), CEREBRUM)
    lobes = [Part(Superellipsoid((s * 22, 40, -1), (28, 34, 23), exponents=(2.2, 2.0)), blend_mm=5.0) for s in (1, -1)]
    yield Organ("CEREBELLUM", (*lobes, Part(Superellipsoid((0, 42, 5), (11, 27, 19)), blend_mm=6.0)), CEREBELLUM)
    yield Organ("NUCLEI", tuple(_nuclei()), NUCLEI)
    callosum = ((0, -32, 46), (0, -41, 54), (0, -30, 64), (0, 0, 70), (0, 26, 64), (0, 30, 55))
    yield Organ("CALLOSUM", (Part(spline_tube(callosum, (3, 5, 4, 3.5, 5, 4), (1, 0, 0), 2.2)),), WHITE)
    yield Organ("FALX", tuple(_falx()), DURA)
    stem = ((0, -1, 30), (0, -6, 14), (0, -3, 2), (0, 7, -16), (0, 14, -32))
    yield Organ("SPINAL_SPACE", (Part(_canal(9.0, 8.0)),), CSF)
    yield Organ("SPINAL_CORD", (Part(_canal(6.4, 5.6)),), CORD)
    yield Organ("BRAINSTEM", (Part(spline_tube(stem, (13, 15.5, 13, 8.5, 6.5), (0, 1, 0), 0.86)),), STEM)
    yield Organ("VENTRICLES", tuple(_ventricles()), CSF)
    yield Organ("PLEXUS", tuple(_calcified()), CALCIFIED)


def _hemisphere(s: float) -> Iterator[Part]:
    """One half of the cerebrum: it leaves room for the falx, and for the tentorium below."""
    semi = VAULT_MM - BONE_MM - GAP_MM
    yield Part(Superellipsoid(VAULT_CENTER, semi, VAULT_AXES, VAULT_SHAPE))
    yield Part(HalfSpace((0, 40, 20), (0, 0.12, -0.99)), INTERSECT, 6.0)
    yield Part(HalfSpace((0, -60, 33), (0, -0.35, -0.94)), INTERSECT, 8.0)
    yield Part(Superellipsoid((s * 38, -18, 12), (22, 29, 19)), blend_mm=6.0)
    yield Part(HalfSpace((s * 0.7, 0, 0), (-s, 0, 0)), INTERSECT, 3.0)
    fissure = spline_tube(
        ((s * 70, -34, 22), (s * 48, -22, 24), (s * 46, 6, 32), (s * 66, 26, 42)), (3.2, 2.8, 2.2, 1.4)
    )
    yield Part(fissure, SUBTRACT, 1.5)


def _nuclei() -> Iterator[Part]:
    """Thalamus, lentiform and caudate of both sides."""
    for s in (1, -1):
        yield Part(Superellipsoid((s * 10, 2, 38), (8, 13, 8.5)))
        yield Part(Superellipsoid((s * 25, -14, 36), (6, 16, 8.5)))
        yield Part(spline_tube(((s * 12, -34, 40), (s * 17, -14, 52), (s * 21, 6, 54)), (6.5, 5, 3)))


def _falx() -> Iterator[Part]:
    """The falx and tentorium: thin sheets; the great vein's channel along the vault."""
    semi = VAULT_MM - BONE_MM
    yield Part(Superellipsoid(VAULT_CENTER, (0.75, semi[1] - 0.5, semi[2] - 0.5), VAULT_AXES, (2.0, 2.0)))
    yield Part(HalfSpace((0, 0, 74), (0, 0.22, -0.97)), INTERSECT)
    turn = np.linspace(-0.35, 1.9, 9)
    edge = np.column_stack([0.0 * turn, (VAULT_MM[1] - 8.5) * np.cos(turn), (VAULT_MM[2] - 8.5) * np.sin(turn)])
    sinus = VAULT_CENTER + edge @ VAULT_AXES.T
    yield Part(spline_tube(sinus, (4.5, 4.5, 4.2, 4, 4, 3.6, 3, 2.5, 2)))
    for s in (1, -1):
        yield Part(spline_tube(((0, 76, 14), (s * 30, 67, 10), (s * 55, 30, 8)), (4, 4, 4)))


def _ventricles() -> Iterator[Part]:
    """Lateral, third and fourth ventricles, and the cisterns round the stem."""
    for s in (1, -1):
        front = ((s * 6, -34, 48), (s * 9, -16, 58), (s * 12, 8, 60), (s * 20, 30, 52), (s * 23, 36, 42))
        yield Part(spline_tube(front, (4.5, 6.5, 6.0, 7.5, 7), (1, 0, 0), 0.72))
        yield Part(spline_tube(((s * 23, 36, 44), (s * 22, 54, 42)), (5.5, 2)))
        yield Part(spline_tube(((s * 23, 36, 42), (s * 33, 10, 22), (s * 32, -10, 16)), (6, 3, 2.5)))
    yield Part(spline_tube(((0, -16, 32), (0, 4, 38), (0, 10, 34)), (8, 9, 3), (1, 0, 0), 0.26))
    yield Part(Superellipsoid((0, 15, 2), (7, 4.5, 10)))


def _calcified() -> Iterator[Part]:
    """The pineal gland and the plexus of either side, calcified as they are in most adults."""
    yield Part(Superellipsoid((0.5, 18, 38), (2.2, 2.6, 2.0)))
    yield Part(Superellipsoid((23, 36, 43), (2.0, 3.4, 3.0)))
    yield Part(Superellipsoid((-22, 35, 44), (1.6, 2.6, 2.2)))


def _canal(high_mm: float, low_mm: float):  # type: ignore[no-untyped-def]
    """A tube down the spinal canal."""
    names = list(SPINE)[::-1]
    points = np.vstack([(0, 13, -27), *(canal_mm(name) for name in names), np.add(canal_mm("T4"), (0, 14, -70))])
    radii = np.linspace(high_mm, low_mm, len(points))
    return spline_tube(points, list(radii), (0, 1, 0), 0.8)
