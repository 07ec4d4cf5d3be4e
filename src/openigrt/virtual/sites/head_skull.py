"""Skull, teeth and mandible of the virtual head.

Axes: x to the patient's left, y back, z up, mm, from the middle between the ear canals; the Frankfurt plane lies flat.
Landmarks follow textbook proportions of an adult man; most are moved at random, so that no two sides are alike.
"""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import ArrayLike

from openigrt.geometry import Float64Array
from openigrt.virtual.sites.pelvis_bones import Side, tilted_axes
from openigrt.virtual.tissue.anatomy import Layer, Organ, Part
from openigrt.virtual.tissue.primitive_table import Operation
from openigrt.virtual.tissue.solids import Solid, Superellipsoid, Tube, spline_tube

SUBTRACT, INTERSECT = Operation.SUBTRACT, Operation.INTERSECT

SKULL = (Layer(0.0, 1180.0, 60.0, 70.0), Layer(1.7, 560.0, 60.0, 120.0), Layer(5.0, 330.0, 60.0, 90.0))
PETROUS = (Layer(0.0, 1250.0, 80.0, 120.0), Layer(2.0, 1500.0, 100.0, 200.0))
MASTOID_CELLS = (Layer(0.0, 120.0, 150.0, 260.0), Layer(1.0, -420.0, 120.0, 260.0, 700.0))
MANDIBLE = (Layer(0.0, 1480.0, 50.0, 60.0), Layer(2.6, 420.0, 60.0, 110.0))
CONDYLE_GAP_MM = 2.8
ENAMEL = (Layer(0.0, 2550.0, 40.0), Layer(1.4, 1650.0, 40.0))
FILLING = (Layer(0.0, 3000.0),)
AIR = (Layer(0.0, -990.0),)
MUCOSA = (Layer(0.0, 38.0, 6.0, 10.0),)
CARTILAGE = (Layer(0.0, 95.0, 20.0, 20.0),)

# The vault: a long ellipsoid whose front is raised; the brain fills it but for the thickness of the bone.
VAULT_CENTER = np.array([0.0, -3.0, 47.0])
VAULT_AXES = tilted_axes((0.0, np.sin(np.deg2rad(12.0)), np.cos(np.deg2rad(12.0))))
VAULT_MM = np.array([72.0, 92.0, 63.0])
VAULT_SHAPE = (2.25, 2.2)
BONE_MM = 6.0
ORBIT_CENTER = (33.0, -70.0, 16.0)
CONDYLE = (51.0, -11.0, -5.0)
UPPER_ARCH_MM, LOWER_ARCH_MM = -22.0, -58.0  # z of the roots' ends
BITE_MM = (-37.0, -42.0)  # z where upper and lower crowns end
TEETH = 14

# Half width and depth of the dental arches: x = width sin(angle), y from the back end to the front.
UPPER_ARCH = (29.0, -48.0, -89.0)
LOWER_ARCH = (27.0, -46.0, -85.0)


def rod(
    points: ArrayLike, radii: Sequence[float], thin_axis: ArrayLike = (0.0, 0.0, 1.0), thinness: float = 1.0
) -> Tube:
    """A tube that goes straight from point to point."""
    return Tube(np.asarray(points, dtype=np.float64), np.asarray(radii, dtype=np.float64), thin_axis, thinness)


def vault(inset_mm: float, scale: float = 1.0) -> Superellipsoid:
    """The outer surface of the vault, or one inside (or, negative, outside) of it."""
    return Superellipsoid(VAULT_CENTER, scale * VAULT_MM - inset_mm, VAULT_AXES, VAULT_SHAPE)


def cranial_cavity(grown_mm: float = 0.0) -> tuple[Superellipsoid, ...]:
    """What holds the brain: vault, posterior fossa, and the two middle fossae."""
    return (
        vault(BONE_MM - grown_mm),
        Superellipsoid((0, 42, 0), np.array([50.5, 37.0, 23.5]) + grown_mm, exponents=(2.3, 2.0)),
        *(Superellipsoid((s * 37, -20, 12), np.array([25.0, 31.0, 21.0]) + grown_mm) for s in (1, -1)),
    )


def air_cells(side: Side) -> Iterator[Solid]:
    """The sinuses of one side: maxillary, ethmoid, frontal, sphenoid."""
    tilt = tilted_axes((0.0, 0.12, 1.0))
    yield Superellipsoid(side.point(30, -62, -5), (side.size(14.5), 16.5, 17.0), tilt, (2.6, 2.4))
    for y, half in ((-82.0, 4.0), (-73.0, 4.4), (-63.0, 5.0), (-52.0, 5.4)):
        yield Superellipsoid(side.point(7.0, y, 17), (side.size(5.4), half, 10.5), exponents=(4.0, 4.0))
    yield Superellipsoid(side.point(11, -89.5, 39), (side.size(10.0), 4.2, 9.0))
    yield Superellipsoid(side.point(9.5, -34, 12), (side.size(8.2), 11.5, 10.0), exponents=(2.4, 2.6))


def orbit(side: Side, grown_mm: float = 0.0) -> tuple[Solid, ...]:
    """The hollow of an orbit, a cone from its rim back to the optic canal."""
    points = np.array([(35, -98, 15), (32, -78, 16), (26, -58, 16), (14, -38, 19)]) * (side.sign, 1, 1)
    return (rod(points, [r + grown_mm for r in (19.0, 18.5, 13.5, 4.0)]),)


def nasal_cavity(grown_mm: float = 0.0) -> tuple[Solid, ...]:
    """The two nasal passages, undivided."""
    low = Superellipsoid((0, -68, -3), np.array([15.0, 34.0, 11.5]) + grown_mm, exponents=(2.5, 2.5))
    return (low, Superellipsoid((0, -70, 9), np.array([4.0, 24.0, 14.0]) + grown_mm))


def skull(rng: np.random.Generator) -> Organ:
    """Vault and base, orbits, and the bones of the face, in one piece; its hollows are lined with cortex."""
    parts = [Part(vault(0.0)), Part(Superellipsoid((0, 41, 0), (57, 44, 29), exponents=(2.3, 2.0)), blend_mm=6.0)]
    parts += [Part(solid, SUBTRACT, 2.0) for solid in cranial_cavity()]
    parts += list(_base())
    sides = (Side(1.0, rng), Side(-1.0, rng))
    for side in sides:
        parts += _face(side)
    parts += list(_middle_face())
    for side in sides:
        parts += [Part(solid, SUBTRACT, 1.0) for solid in (*orbit(side), *air_cells(side))]
        parts.append(Part(_joint_space(side), SUBTRACT, 1.0))
    parts += [Part(solid, SUBTRACT, 1.0) for solid in nasal_cavity()]
    parts.append(Part(rod(((0, 17, -5), (0, 18, -50)), (16.5, 17.0), (1, 0, 0), 0.9), SUBTRACT, 3.0))
    for side in sides:
        parts += _thin_bones(side)
    return Organ("SKULL", tuple(parts), SKULL)


def _base() -> Iterator[Part]:
    """Floor of the front fossa, sphenoid with its saddle, clivus, crests inside and outside of the occiput."""
    yield Part(Superellipsoid((0, -62, 14), (45, 29, 15), VAULT_AXES, (2.4, 3.0)), blend_mm=4.0)
    yield Part(Superellipsoid((0, -32, 10), (21, 17, 15), exponents=(2.4, 2.4)), blend_mm=6.0)
    for s in (1, -1):
        ridge = ((s * 10, -30, 28), (s * 28, -37, 33), (s * 50, -40, 36))
        yield Part(rod(ridge, (3.0, 2.4, 3.0)), blend_mm=5.0)
        yield Part(rod(((s * 8, -14, 20), (s * 9, -10, 27)), (3.0, 2.0)), blend_mm=3.0)
    yield Part(rod(((0, -16, 22), (0, -12, 6), (0, -3, -21)), (8.0, 8.0, 5.0), (0, 1, 0), 0.8), blend_mm=5.0)
    yield Part(Superellipsoid((0, -25, 27), (8, 6.5, 6)), SUBTRACT, 2.0)
    yield Part(rod(((0, 82, 12), (0, 72, -12), (0, 48, -29)), (5.0, 5.0, 4.0)), blend_mm=6.0)
    yield Part(Superellipsoid((1.0, 85.5, 6.0), (7.0, 4.5, 6.0)), blend_mm=7.0)
    yield Part(rod(((0, -84, 44), (0, -82, 34), (0, -78, 30)), (3.5, 4.0, 2.5)), blend_mm=4.0)


def _face(side: Side) -> list[Part]:
    """Rims of the orbit, cheek bone and arch, upper jaw, mastoid, condyle, plates of the pterygoid of one side."""
    points = side.points
    arch = points((49, -74, -8), (60, -60, -6), (67, -42, -4), (69, -24, -3), (64, -4, 2))
    return [
        Part(rod(points((49, -72, 34), (35, -88, 37), (18, -93, 33), (3, -93, 31)), (5, 5, 5, 5)), blend_mm=6),
        Part(rod(points((49, -72, 34), (51, -70, 16), (49, -74, -6)), (5, 4, 7), (0.7, -0.7, 0), 0.8), blend_mm=4),
        Part(spline_tube(arch, (9, 6.5, 4, 3.6, 5), side.direction(1.0, -0.2, 0.0), 0.62), blend_mm=4),
        Part(Superellipsoid(side.point(29, -63, -5), (18, 20, 20.5), exponents=(2.5, 2.6)), blend_mm=5),
        Part(rod(points((17, -92, 26), (14, -92, 8), (16, -90, -8)), (5, 5, 6)), blend_mm=4),
        Part(rod(points((57, 8, -2), (58, 15, -14), (55, 15, -28)), (12, 11.5, 6)), blend_mm=6),
        Part(Superellipsoid(side.point(17, 4, -26), (7.0, 12.0, 6.5)), blend_mm=4),
        Part(rod(points((55, 2, -2), (36, -6, 3), (16, -18, 5)), (11, 10, 7)), blend_mm=4),
        Part(rod(points((44, 4, -10), (38, -2, -24), (35, -7, -36)), (2.6, 2.0, 1.4)), blend_mm=3),
    ]


def _middle_face() -> Iterator[Part]:
    """Alveolar arch, hard palate, bridge of the nose."""
    yield Part(arch_tube(UPPER_ARCH, UPPER_ARCH_MM - 1.0, 6.0), blend_mm=5.0)
    yield Part(Superellipsoid((0, -67, -17), (28, 25, 3.2), exponents=(2.4, 3.0)), blend_mm=4.0)
    yield Part(rod(((0, -91, 30), (0, -97, 22), (0, -103, 12)), (4, 3, 2.4), (1, 0, 0), 1.3), blend_mm=4.0)


def _joint_space(side: Side) -> Superellipsoid:
    """The hollow in which the condyle of the jaw turns."""
    return Superellipsoid(np.array(CONDYLE) * (side.sign, 1, 1), np.array([10.5, 5.5, 6.0]) + CONDYLE_GAP_MM)


def _thin_bones(side: Side) -> list[Part]:
    """What stands in hollows: plates of the pterygoid, wall between nose and sinus is left by these."""
    return [
        Part(rod(side.points((13, -42, 2), (14, -40, -20)), (5, 4), (1, 0, 0), 0.34), blend_mm=2),
        Part(rod(side.points((15, -40, 2), (20, -35, -19)), (6, 5), (1, -0.4, 0), 0.3), blend_mm=2),
    ]


def septum() -> Organ:
    """The septum of the nose: bone above and behind, cartilage in front are alike on CT."""
    plate = Superellipsoid((0.8, -72, 0), (1.1, 33, 18), exponents=(2.0, 2.5))
    return Organ("SEPTUM", (Part(plate),), (Layer(0.0, 330.0, 60.0, 60.0),))


def petrous(side: Side) -> tuple[Organ, ...]:
    """The dense bone round the inner ear, cells of the mastoid, middle ear and ear canal of one side."""
    canal = side.points((82, 2, -3), (68, 0, 0), (54, -1, 0))
    cells = rod(side.points((57, 9, -1), (58, 15, -12), (55, 15, -24)), (8.5, 8.5, 3.5))
    dense = rod(side.points((50, 2, 4), (38, -5, 5), (20, -15, 6)), (7.0, 8.0, 3.5))
    inner_canal = spline_tube(side.points((16, -2, 6), (30, -3, 5)), (3.0, 2.5))
    ear = Superellipsoid(side.point(48, -2, 1), (4.0, 5.5, 7.0))
    return (
        Organ(f"MASTOID_CELLS_{side.letter}", (Part(cells),), MASTOID_CELLS),
        Organ(f"PETROUS_{side.letter}", (Part(dense), Part(inner_canal, SUBTRACT, 1.0)), PETROUS),
        Organ(f"MIDDLE_EAR_{side.letter}", (Part(ear),), AIR),
        Organ(f"EAR_CANAL_{side.letter}", (Part(rod(canal, (4.0, 3.2, 3.2))),), AIR),
    )


def arch_points(arch: tuple[float, float, float], z: float, count: int) -> Float64Array:
    """Points (count, 3) along a dental arch, from the last tooth on the right to that on the left, evenly spaced."""
    width, back, front = arch
    angle = np.linspace(-np.pi / 2, np.pi / 2, 401)
    x, y = width * np.sign(angle) * np.abs(np.sin(angle)) ** 0.8, back + (front - back) * np.cos(angle) ** 0.9
    along = np.concatenate([[0.0], np.cumsum(np.hypot(np.diff(x), np.diff(y)))])
    at = (np.arange(count) + 0.5) / count * along[-1]
    return np.column_stack([np.interp(at, along, x), np.interp(at, along, y), np.full(count, z)])


def arch_tube(arch: tuple[float, float, float], z: float, radius_mm: float) -> Tube:
    """The ridge of bone in which teeth stand."""
    points = arch_points(arch, z, 9)
    return Tube(points, np.full(len(points), radius_mm), (0.0, 0.0, 1.0), 1.25)


def teeth(name: str, rng: np.random.Generator) -> Organ:
    """Crowns and roots of one arch (`UPPER` or `LOWER`)."""
    arch, root, edge = (
        (UPPER_ARCH, UPPER_ARCH_MM + 2.0, BITE_MM[0])
        if name == "UPPER"
        else (LOWER_ARCH, LOWER_ARCH_MM - 2.0, BITE_MM[1])
    )
    up = np.sign(root - edge)
    parts = []
    for n, place in enumerate(arch_points(arch, edge, TEETH)):
        from_front = abs(n - (TEETH - 1) / 2)
        radius = float(np.interp(from_front, [0, 3, 6.5], [3.0, 3.6, 4.7])) + 0.15 * rng.standard_normal()
        low = np.add(place, (0.0, 0.0, up * (2.6 + 0.4 * rng.standard_normal())))
        middle, end = np.add(low, (0.0, 0.0, up * 5.0)), np.array([place[0], place[1] + 2.0, root])
        parts.append(Part(Tube(np.array([low, middle, end]), np.array([0.86 * radius, radius, 0.4 * radius]))))
    return Organ(f"TEETH_{name}", tuple(parts), ENAMEL)


def fillings(count: int, rng: np.random.Generator) -> tuple[Organ, ...]:
    """Metal in crowns: molars first, upper and lower in turn."""
    order = [0, 13, 1, 12, 2, 11, 3, 10]
    organs = []
    for n in range(min(count, 2 * len(order))):
        arch, edge, up = (UPPER_ARCH, BITE_MM[0], 1.0) if n % 2 else (LOWER_ARCH, BITE_MM[1], -1.0)
        place = (
            arch_points(arch, edge, TEETH)[order[n // 2]] + 0.4 * rng.standard_normal(3) + np.array((0, 0, up * 2.8))
        )
        organs.append(Organ(f"FILLING_{n + 1}", (Part(Superellipsoid(place, (3.2, 3.2, 2.4))),), FILLING))
    return tuple(organs)


def mandible(rng: np.random.Generator) -> Organ:
    """Body, chin, rami, coronoid processes and condyles."""
    chin = spline_tube(((22, -72, -74), (0, -85, -77), (-22, -72, -74)), (12.5, 13.5, 12.5), (0, 1, 0), 0.45)
    parts = [Part(chin), Part(Superellipsoid((0, -86, -85), (11, 6, 6)), blend_mm=5.0)]
    for side in (Side(1.0, rng), Side(-1.0, rng)):
        body = side.points((22, -72, -74), (34, -55, -69), (44, -33, -60), (48, -19, -50))
        ramus = side.points((48, -18, -50), (50, -19, -34), (51, -20, -22))
        outward = side.direction(1.0, -0.62, 0.0)
        condyle = np.array(CONDYLE) * (side.sign, 1, 1) + 0.5 * rng.standard_normal(3)
        neck = np.vstack([side.points((51, -16, -26), (51, -13, -14)), condyle])
        coronoid = side.points((50, -28, -26), (50, -33, -12), (50, -32, -4))
        parts += [
            Part(spline_tube(body, (12.5, 13.0, 12.5, 13.0), outward, 0.44), blend_mm=4.0),
            Part(rod(ramus, (15.0, 14.0, 12.0), side.direction(1, 0, 0), 0.33), blend_mm=5.0),
            Part(rod(neck, (6.5, 4.5, 4.6), side.direction(1, 0, 0), 0.8), blend_mm=4.0),
            Part(Superellipsoid(condyle, (9.5, 4.6, 5.0)), blend_mm=3.0),
            Part(rod(coronoid, (7.5, 5.5, 2.5), side.direction(1, 0, 0), 0.45), blend_mm=4.0),
        ]
    parts.append(Part(arch_tube(LOWER_ARCH, LOWER_ARCH_MM + 1.0, 5.5), blend_mm=5.0))
    return Organ("MANDIBLE", tuple(parts), MANDIBLE)


def hyoid(rng: np.random.Generator) -> Organ:
    """The hyoid: body and greater horns."""
    horns = [
        Part(rod(Side(s, rng).points((0, -46, -88), (12, -42, -87), (20, -22, -83)), (4.0, 3.2, 2.0)), blend_mm=2.0)
        for s in (1.0, -1.0)
    ]
    return Organ("HYOID", tuple(horns), (Layer(0.0, 780.0, 40.0, 60.0), Layer(1.4, 320.0, 30.0, 50.0)))
