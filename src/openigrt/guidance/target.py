"""What a correction is judged on: the target and the organs of a plan."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike

from openigrt.errors import AmbiguousInput, MissingInput
from openigrt.geometry import Float64Array
from openigrt.patient import (
    ContourKind,
    Structure,
    StructureRole,
    StructureSet,
    Target,
    centroid_mm,
    plane_spacing_mm,
    sphere_points_mm,
    surface_points_mm,
)

TARGET_ROLES = ((StructureRole.CTV, StructureRole.ITV), (StructureRole.PTV,), (StructureRole.GTV,))
SPHERE_RADIUS_MM = 50.0


def choose_target(
    structures: StructureSet | None,
    isocenter_mm: ArrayLike,
    name: str | None = None,
    *,
    slice_mm: float | None = None,
) -> Target:
    """The named structure; else the CTV or ITV, PTV, or GTV (in this order) nearest the isocenter; else a sphere.

    `isocenter_mm` (3,) and the points of the target are LPS of the plan; nearest is by centroid. `slice_mm` is the
    slice spacing, needed where every structure is drawn on one plane. Raises MissingInput that lists the names when
    there is no such structure, AmbiguousInput when several have the name.
    """
    everything = structures.structures if structures else ()
    spacing_mm = plane_spacing_mm(everything) or slice_mm
    isocenter = np.asarray(isocenter_mm, dtype=np.float64)
    if name is not None:
        named = find_structure(everything, name)
        return Target(named.name, "the structure that was named", surface_points_mm(named, slice_mm=spacing_mm))
    for roles in TARGET_ROLES:
        candidates = [s for s in everything if s.role in roles and _encloses(s)]
        if candidates:
            distances_mm = [float(np.linalg.norm(centroid_mm(s, spacing_mm) - isocenter)) for s in candidates]
            nearest_mm, found = min(zip(distances_mm, candidates, strict=True), key=lambda pair: pair[0])
            rule = f"the {found.role} nearest the isocenter (its centroid lies {nearest_mm:.1f} mm away)"
            return Target(found.name, rule, surface_points_mm(found, slice_mm=spacing_mm))
    rule = f"a sphere of {SPHERE_RADIUS_MM:g} mm round the isocenter, since there is no CTV, PTV or GTV"
    return Target("sphere round the isocenter", rule, sphere_points_mm(isocenter, SPHERE_RADIUS_MM))


def find_structure(structures: tuple[Structure, ...], name: str) -> Structure:
    """The structure of exactly this name, or of this name in other case; the number after it may be left out.

    The name that an alias file gives to a structure will do, too. Raises MissingInput that lists the names,
    AmbiguousInput when several fit.
    """
    exact = [s for s in structures if s.name == name]
    plain = name.strip().casefold()
    found = exact or [s for s in structures if plain in _plain_names(s)]
    if not found:
        names = ", ".join(s.name for s in structures) or "none"
        raise MissingInput(f"There is no structure {name!r} in the plan; there are: {names}.", found=name, known=names)
    if len(found) > 1:
        names = ", ".join(repr(s.name) for s in found)
        raise AmbiguousInput(f"Several structures of the plan are named {name!r}; choose one: {names}.", found=name)
    return found[0]


def _plain_names(structure: Structure) -> set[str]:
    """The names in lower case: with and without the number that tells structures of one name apart, and by alias."""
    names = (structure.name, structure.drawn_name, structure.canonical_name or structure.name)
    return {name.strip().casefold() for name in names}


def organ_points_mm(structures: StructureSet | None, *, slice_mm: float | None = None) -> Mapping[str, Float64Array]:
    """Surface points (n, 3), LPS mm, of each organ at risk that encloses something, by name.

    `slice_mm` as for the target.
    """
    everything = structures.structures if structures else ()
    spacing_mm = plane_spacing_mm(everything) or slice_mm
    organs = [s for s in everything if s.role.is_organ_at_risk and _encloses(s)]
    return {organ.name: surface_points_mm(organ, slice_mm=spacing_mm) for organ in organs}


def _encloses(structure: Structure) -> bool:
    """Whether a structure has a closed contour of at least three points."""
    return any(c.kind is ContourKind.CLOSED_PLANAR and len(c.points_mm) >= 3 for c in structure.contours)
