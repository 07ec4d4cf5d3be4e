"""Which regions are matched: the one that was asked for, and those that say whether it may stand for the target."""

from collections.abc import Sequence

import numpy as np

from openigrt.dicom import PlanFolder
from openigrt.errors import InputError, InvalidGeometry, MissingInput
from openigrt.guidance import (
    Protocol,
    find_structure,
    judge_markers,
    judge_surrogate,
    stands_for_itself,
    with_turn_of,
)
from openigrt.images import Mask
from openigrt.patient import Match, Structure, StructureRole, Surrogate, Target, Verdict, mask_from_structure
from openigrt.registration import PlannedMarkers, Region, RegionKind

CONTOUR_MARGIN_MM = 5.0
MARKER_MARGIN_MM = 5.0
MARKER_REACH_MM = 60.0  # farther off, a point is a mark on the skin, not of the target
SOFT_TISSUE_REACH_MM = 25.0
KINDS = {kind.value: kind for kind in RegionKind if kind is not RegionKind.CONTOURS}


def regions_to_match(names: tuple[str, ...], target: Target, folder: PlanFolder) -> tuple[Region, ...]:
    """The region of these names first, then bone, soft tissue near the target, and the target itself, each once."""
    asked = _asked(names, target, folder)
    others = [_named("bone", target), _named("soft", target)]
    structures = folder.structure_set.structures if folder.structure_set else ()
    drawn = [s for s in structures if s.name == target.name]
    if drawn:
        others.append(_contours(drawn[0].name, drawn, folder))
    return (asked, *(region for region in others if region.name != asked.name))


def surrogate_of(matches: tuple[Match, ...], region: Region, target: Target, protocol: Protocol) -> Surrogate:
    """Whether the region of the first match may stand for the target: markers in it do, others as they agree."""
    match, others = matches[0], matches[1:]
    if region.markers is not None and stands_for_itself(region.markers.points_mm, target):
        return judge_markers(match, others, target, protocol.max_shift_mm)
    return judge_surrogate(match, others, target, protocol.region_disagreement_limit_mm)


def body_mask(folder: PlanFolder) -> tuple[Mask | None, str]:
    """The body as it was contoured (role EXTERNAL), on the grid of the planning image, and where its outline is from.

    Without exactly one usable contour the outline is left to the match, which finds it in the image.
    """
    structures = folder.structure_set.structures if folder.structure_set else ()
    external = [s for s in structures if s.role is StructureRole.EXTERNAL and s.contours]
    if len(external) != 1:
        count = "several structures outline" if external else "no structure outlines"
        return None, f"Body outline: found in the planning image, since {count} the body."
    name = external[0].name
    try:
        mask = mask_from_structure(external[0], folder.planning_image.frame, folder.planning_image.grid)
    except (MissingInput, InvalidGeometry) as error:
        return None, f"Body outline: found in the planning image, since {name!r} cannot be used. {error.sentence}"
    return mask, f"Body outline: structure {name!r}."


def _asked(names: tuple[str, ...], target: Target, folder: PlanFolder) -> Region:
    """The region of one known word, in any case unless a structure is called so, or of one or several structures."""
    structures = folder.structure_set.structures if folder.structure_set else ()
    drawn = {structure.name for structure in structures}
    words = [name for name in names if name in KINDS or (name.lower() in KINDS and name not in drawn)]
    if words and len(names) > 1:
        raise InputError(f"The region {words[0]!r} cannot be joined with other regions; name one or the other.")
    if words and words[0].lower() == RegionKind.MARKERS:
        return _markers(target, structures)
    if words:
        return _named(words[0].lower(), target)
    found = [find_structure(structures, name) for name in names]
    return _contours(" + ".join(s.name for s in found), found, folder)


def _named(word: str, target: Target) -> Region:
    """Bone, soft tissue or patient; soft tissue within 25 mm of the target, since elsewhere it moves otherwise."""
    if word != "soft":
        return Region(word, KINDS[word])
    center = target.points_mm.mean(axis=0)
    radius = float(np.linalg.norm(target.points_mm - center, axis=1).max())
    return Region("soft", RegionKind.SOFT, focus_mm=center, reach_mm=radius + SOFT_TISSUE_REACH_MM)


def _markers(target: Target, structures: Sequence[Structure]) -> Region:
    """The markers near the target, each the middle of what was drawn; raises MissingInput where there are none."""
    drawn = [s for s in structures if s.role is StructureRole.MARKER and s.contours]
    points = [np.vstack([contour.points_mm for contour in s.contours]) for s in drawn]
    middles = np.array([0.5 * (p.min(axis=0) + p.max(axis=0)) for p in points]).reshape(-1, 3)
    center = target.points_mm.mean(axis=0)
    near = np.linalg.norm(middles - center, axis=1) <= MARKER_REACH_MM
    if not near.any():
        found = f"{len(drawn)} lie farther away" if drawn else "the structure set has none"
        raise MissingInput(
            f"No marker (a structure of type MARKER) is drawn within {MARKER_REACH_MM:g} mm of the middle of the "
            f"target {target.name}: {found}. Draw the markers in the plan, or name another --region."
        )
    names = tuple(s.name for s, is_near in zip(drawn, near, strict=True) if is_near)
    markers = PlannedMarkers(names, middles[near])
    return Region(RegionKind.MARKERS, RegionKind.MARKERS, margin_mm=MARKER_MARGIN_MM, markers=markers)


def _contours(name: str, structures: list[Structure], folder: PlanFolder) -> Region:
    """The union of structures with a margin of 5 mm; raises MissingInput for one that encloses nothing."""
    image = folder.planning_image
    masks = [mask_from_structure(s, image.frame, image.grid).voxels for s in structures]
    return Region(name, RegionKind.CONTOURS, Mask(np.logical_or.reduce(masks), image.grid), CONTOUR_MARGIN_MM)


def turned(
    matches: tuple[Match, ...], turn_by: str | None, target: Target
) -> tuple[tuple[Match, ...], tuple[str, ...]]:
    """The matches, the first with the turn of the one on the region `turn_by`, and what to know about that.

    A match that is not trusted gives no turn. Raises InputError for a region that was not matched.
    """
    if turn_by is None:
        return matches, ()
    found = next((match for match in matches if match.region.lower() == turn_by.lower()), None)
    if found is None or found is matches[0]:
        others = ", ".join(match.region for match in matches[1:])
        raise InputError(f"--turn-by is {turn_by!r}; expected another region that is matched: {others}.", found=turn_by)
    if found.trust.verdict is not Verdict.TRUSTED:
        kept = f"The turn is that of {matches[0].region}, for the match on {found.region} is not trusted."
        return matches, (" ".join((kept, *found.trust.reasons)),)
    first = with_turn_of(matches[0], found, target)
    apart_deg = first.trust.evidence["turn_apart_deg"]
    said = f"The shift is that of {first.region}, the turn that of {found.region}: {apart_deg:.1f}° from its own."
    return (first, *matches[1:]), (said,)
