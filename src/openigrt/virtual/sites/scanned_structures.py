"""What the structures of a real plan are, by their names and roles: which organ moves how, and what is treated."""

import re
from collections.abc import Iterable
from enum import StrEnum

import numpy as np

from openigrt.errors import InputError, MissingInput
from openigrt.geometry import Float64Array
from openigrt.guidance import find_structure
from openigrt.patient import DoseGrid, Structure, StructureRole, StructureSet, centroid_mm, volume_mm3
from openigrt.virtual.tissue.scanned import encloses

SAME_DOSE_FACTOR = 0.99


class Site(StrEnum):
    """The part of the body, which says what moves; OTHER holds still but for setup."""

    PELVIS = "pelvis"
    THORAX = "thorax"
    ABDOMEN = "abdomen"
    HEAD_NECK = "head_neck"
    BRAIN = "brain"
    OTHER = "other"


class Kind(StrEnum):
    """Organs that tell the site or move."""

    BLADDER = "bladder"
    RECTUM = "rectum"
    PROSTATE = "prostate"
    LUNG = "lung"
    LIVER = "liver"
    HEART = "heart"
    BELLY = "stomach, bowel, kidneys, spleen or pancreas"
    NECK = "parotids, mandible, larynx or oral cavity"
    BRAIN = "brain, brainstem, chiasm or eyes"


# Words that begin a name (TG-263 and what else is common, also in German, French, Italian and Spanish).
WORDS = {
    Kind.BLADDER: ("bladder", "blase", "harnblase", "vessie", "vescica", "vejiga"),
    Kind.RECTUM: ("rectum", "rektum", "retto", "recto"),
    Kind.PROSTATE: ("prostate", "prostata", "uterus", "cervix", "femoralhead", "femurhead", "hueftkopf"),
    Kind.LUNG: ("lung", "lungs", "lunge", "lungen", "poumon", "poumons", "polmone", "polmoni", "pulmon", "pulmones"),
    Kind.LIVER: ("liver", "leber", "foie", "fegato", "higado"),
    Kind.HEART: ("heart", "herz", "coeur", "cuore", "corazon"),
    Kind.BELLY: (
        *("stomach", "magen", "bowel", "darm", "duodenum", "kidney", "kidneys", "niere", "nieren", "rein", "spleen"),
        *("milz", "pancreas", "pankreas", "colon"),
    ),
    Kind.NECK: ("parotid", "parotids", "parotis", "mandible", "mandibel", "larynx", "oralcavity", "cavityoral"),
    Kind.BRAIN: ("brain", "brainstem", "hirn", "gehirn", "hirnstamm", "chiasm", "opticchiasm", "eye", "auge", "lens"),
}
SIDES = {
    "l",
    "r",
    "lt",
    "rt",
    "left",
    "right",
    "li",
    "re",
    "links",
    "rechts",
    "gauche",
    "droite",
    "g",
    "d",
    "sin",
    "dx",
}
HELPING_PREFIX = re.compile("^(z|opt)[A-Z_ ]")
HELPING_PARTS = ("ptv", "ctv", "gtv", "itv", "prv", "wall", "minus")
HELPING_WORDS = {"sub", "ring", "opt", "avoid", "dose", "in", "not", "ex", "no", "overlap"}

TARGET_ROLES = ((StructureRole.CTV, StructureRole.ITV), (StructureRole.GTV,), (StructureRole.PTV,))


def kind_of(structure: Structure) -> Kind | None:
    """Which organ a structure is, by its name (or the one of an alias file); None for one made for optimization."""
    name = structure.canonical_name or structure.drawn_name
    if structure.role in (StructureRole.EXTERNAL, StructureRole.CTV, StructureRole.GTV, StructureRole.PTV):
        return None
    words = [word for word in re.split(r"[^a-zäöüéèà]+", name.casefold()) if word and word not in SIDES]
    if not words or _is_helping(name, set(words)):
        return None
    forms = {words[0], "".join(words[:2])}
    return next((kind for kind, known in WORDS.items() if forms & set(known)), None)


def _is_helping(name: str, words: set[str]) -> bool:
    """Whether a name is that of a structure made for optimization: a part of an organ, or what is round it."""
    has_part = any(part in name.casefold() for part in HELPING_PARTS)
    return has_part or bool(HELPING_PREFIX.match(name) or words & HELPING_WORDS)


def organs_of(structures: Iterable[Structure]) -> dict[Kind, tuple[Structure, ...]]:
    """Structures that enclose something, by the organ that they are."""
    found: dict[Kind, tuple[Structure, ...]] = {}
    for structure in structures:
        kind = kind_of(structure) if encloses(structure) else None
        if kind is not None:
            found[kind] = (*found.get(kind, ()), structure)
    return found


def target_of(
    structure_set: StructureSet, isocenter_mm: Float64Array | None, dose: DoseGrid | None, name: str | None
) -> Structure:
    """What is treated: the named structure; else the CTV or ITV, GTV, or PTV (in this order) that gets the most dose.

    Within 1 % of the most, and without a dose, it is the one nearest the isocenter, and without that the largest.
    Raises MissingInput, that lists the names, where there is none.
    """
    if name is not None:
        return find_structure(structure_set.structures, name)
    for roles in TARGET_ROLES:
        candidates = [s for s in structure_set.structures if encloses(s) and _has_role(s, roles)]
        if candidates:
            return _chosen(candidates, isocenter_mm, dose)
    names = ", ".join(s.name for s in structure_set.structures) or "none"
    raise MissingInput(
        f"No structure of the plan is a CTV, ITV, GTV or PTV, so nothing says what is treated; name one of: {names}.",
        known=names,
    )


def _has_role(structure: Structure, roles: tuple[StructureRole, ...]) -> bool:
    """Whether a structure has one of these roles; where it has none, whether its name begins with one."""
    is_silent = structure.role is StructureRole.OTHER
    return structure.role in roles or (is_silent and structure.drawn_name.upper().startswith(tuple(roles)))


def _chosen(candidates: list[Structure], isocenter_mm: Float64Array | None, dose: DoseGrid | None) -> Structure:
    """The one of several that was meant."""
    if dose is not None:
        doses = [_mean_dose_gy(dose, s) for s in candidates]
        candidates = [s for s, d in zip(candidates, doses, strict=True) if d >= SAME_DOSE_FACTOR * max(doses)]
    if isocenter_mm is None:
        return max(candidates, key=volume_mm3)
    return min(candidates, key=lambda s: float(np.linalg.norm(centroid_mm(s) - isocenter_mm)))


def _mean_dose_gy(dose: DoseGrid, structure: Structure) -> float:
    """Mean of the dose at the points of the contours; nothing outside the grid."""
    points = np.vstack([c.points_mm for c in structure.contours])
    index = np.rint(dose.grid.indices(points)).astype(int)
    inside = ((index >= 0) & (index < dose.grid.size)).all(axis=1)
    values = np.zeros(len(points))
    i, j, k = index[inside].T
    values[inside] = dose.dose_gy[k, j, i]
    return float(values.mean())


def site_of(organs: dict[Kind, tuple[Structure, ...]], target: Structure, asked: str | None) -> Site:
    """The site that was asked for, or that the structures tell; raises InputError for an unknown one."""
    if asked is not None:
        if asked not in list(Site):
            raise InputError(f"There is no site {asked!r}; choose one of {', '.join(Site)}.", site=asked)
        return Site(asked)
    if organs.keys() & {Kind.BLADDER, Kind.RECTUM, Kind.PROSTATE}:
        return Site.PELVIS
    if Kind.LUNG in organs:
        lowest_mm = min(float(c.points_mm[:, 2].min()) for s in organs[Kind.LUNG] for c in s.contours)
        return Site.THORAX if _is_beside(target, organs, lowest_mm) else Site.ABDOMEN
    by_organ = (
        *((Kind.NECK, Site.HEAD_NECK), (Kind.BRAIN, Site.BRAIN)),
        *((Kind.LIVER, Site.ABDOMEN), (Kind.BELLY, Site.ABDOMEN)),
    )
    return next((site for kind, site in by_organ if kind in organs), Site.OTHER)


def _is_beside(target: Structure, organs: dict[Kind, tuple[Structure, ...]], lowest_mm: float) -> bool:
    """Whether a target lies at the height of the lungs; in their lower third only where no belly is drawn."""
    level_mm = float(centroid_mm(target)[2])
    highest_mm = max(float(c.points_mm[:, 2].max()) for s in organs[Kind.LUNG] for c in s.contours)
    has_belly = bool(organs.keys() & {Kind.LIVER, Kind.BELLY})
    return level_mm > (lowest_mm + 0.3 * (highest_mm - lowest_mm) if has_belly else lowest_mm)


def require_organs(organs: dict[Kind, tuple[Structure, ...]], site: Site) -> None:
    """Raise MissingInput where an organ is missing that the motion of a site is taken from."""
    needs = {Site.PELVIS: (Kind.BLADDER, Kind.RECTUM), Site.THORAX: (Kind.LUNG,), Site.ABDOMEN: (Kind.LUNG, Kind.LIVER)}
    wanted = needs.get(site, ())
    if wanted and not organs.keys() & set(wanted):
        raise MissingInput(
            f"What moves in the {site} is taken from the structure {' or '.join(wanted)}, and there is none of that "
            f"name; draw it, or ask for the site {Site.OTHER}, where nothing moves but the whole patient.",
            site=str(site),
        )
