"""Which regions are matched, and whose outline counts as the body."""

import numpy as np
import pytest

from openigrt.dicom import PlanFolder
from openigrt.errors import InputError, MissingInput
from openigrt.files import builtin_protocols
from openigrt.geometry import Frame, Grid, RigidTransform
from openigrt.guidance import find_protocol
from openigrt.images import Image, Modality
from openigrt.patient import (
    Contour,
    ContourKind,
    Match,
    Structure,
    StructureRole,
    StructureSet,
    Target,
    Trust,
    Verdict,
)
from openigrt.registration import Region, RegionKind
from openigrt.tasks.guidance.regions import body_mask, regions_to_match, surrogate_of

FRAME = Frame.plan("1.2")
GRID = Grid(FRAME, (-20.0, -20.0, 0.0), (2.0, 2.0, 4.0), np.eye(3), (21, 21, 6))
SQUARE = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]])
TARGET = Target("PTV", "named", 5.0 * np.array([[1, 0, 0], [-1, 0, 0], [0, 1, 0], [0, -1, 0], [0, 0, 1], [0, 0, -1]]))


def box(name, half_mm, role=StructureRole.ORGAN, kind=ContourKind.CLOSED_PLANAR):
    planes = [np.column_stack([half_mm * SQUARE, np.full(4, z)]) for z in (4.0, 8.0, 12.0)]
    return Structure(1, name, role, tuple(Contour(plane, kind) for plane in planes))


def folder(*structures):
    image = Image(np.zeros(GRID.shape, np.float32), GRID, Modality.CT)
    drawn = StructureSet("1.3", "Set", FRAME, structures) if structures else None
    return PlanFolder(image, drawn, None, None, (), (), ())


def names(*asked, structures=()):
    return [region.name for region in regions_to_match(asked, TARGET, folder(*structures))]


def test_bone_soft_and_target_beside_what_was_asked():
    ptv = box("PTV", 5.0, StructureRole.PTV)
    assert names("patient", structures=(ptv,)) == ["patient", "bone", "soft", "PTV"]
    assert names("soft", structures=(ptv,)) == ["soft", "bone", "PTV"]
    assert names("PTV", structures=(ptv,)) == ["PTV", "bone", "soft"]
    assert names("bone") == ["bone", "soft"]


def test_words_in_any_case_unless_a_structure_is_called_so():
    assert names("Bone") == ["bone", "soft"]
    (region, *_) = regions_to_match(("Bone",), TARGET, folder(box("Bone", 5.0)))
    assert (region.name, region.kind) == ("Bone", RegionKind.CONTOURS)


def test_structures_are_joined():
    (region, *_) = regions_to_match(("A", "b"), TARGET, folder(box("A", 5.0), box("B", 9.0)))
    assert region.name == "A + B"
    assert region.mask.voxels[2, 10, 14]


def test_what_is_no_region():
    with pytest.raises(MissingInput, match="no structure 'Lung' in the plan; there are: none"):
        names("Lung")
    with pytest.raises(InputError, match="'soft' cannot be joined"):
        names("A", "soft", structures=(box("A", 5.0),))
    with pytest.raises(MissingInput, match="encloses nothing"):
        names("Point", structures=(box("Point", 1.0, kind=ContourKind.POINT),))


def test_the_body_is_what_was_contoured_and_otherwise_left_to_the_image():
    body = box("Skin", 15.0, StructureRole.EXTERNAL)
    mask, said = body_mask(folder(body))
    assert mask.voxels[2, 10, 10]
    assert said == "Body outline: structure 'Skin'."
    point = box("Skin", 15.0, StructureRole.EXTERNAL, ContourKind.POINT)
    for structures, why in (((), "no structure outlines"), ((body, body), "several"), ((point,), "cannot be used")):
        mask, said = body_mask(folder(*structures))
        assert mask is None
        assert why in said


def marker(name, point_mm, role=StructureRole.MARKER):
    return Structure(1, name, role, (Contour(np.array([point_mm]), ContourKind.POINT),))


MARKERS = (marker("A", (1.0, 0.0, 2.0)), marker("B", (-3.0, 1.0, 0.0)), marker("SKIN", (0.0, -90.0, 0.0)))


def test_markers_are_those_drawn_near_the_target():
    ptv = box("PTV", 5.0, StructureRole.PTV)
    assert names("Markers", structures=(ptv, *MARKERS)) == ["markers", "bone", "soft", "PTV"]
    (region, *_) = regions_to_match(("markers",), TARGET, folder(*MARKERS))
    assert region.kind is RegionKind.MARKERS
    assert region.markers.names == ("A", "B")
    assert region.markers.points_mm == pytest.approx(np.array([(1.0, 0.0, 2.0), (-3.0, 1.0, 0.0)]))
    with pytest.raises(MissingInput, match=r"No marker .* of the target PTV: the structure set has none"):
        names("markers", structures=(ptv,))
    with pytest.raises(MissingInput, match="1 lie farther away"):
        names("markers", structures=MARKERS[2:])


def found(region, shift_mm, verdict=Verdict.TRUSTED):
    motion = RigidTransform(FRAME, Frame.daily("1.4"), np.eye(3), np.array(shift_mm))
    return Match(region, "any", motion, 1.0, 1.0, Trust(verdict, 0.5, (), {}))


def test_markers_in_the_target_stand_for_it_though_bone_lies_elsewhere():
    (region, *_) = regions_to_match(("markers",), TARGET, folder(*MARKERS))
    protocol = find_protocol(builtin_protocols(), None)
    markers, bone = found("markers", (0.0, 8.0, 0.0)), found("bone", (0.0, 0.0, 0.0))
    surrogate = surrogate_of((markers, bone), region, TARGET, protocol)
    assert surrogate.verdict is Verdict.TRUSTED
    assert surrogate.differences_mm == {"bone": pytest.approx(8.0)}
    assert "8.0 mm from there" in surrogate.reasons[1]
    assert surrogate_of((bone, markers), Region("bone", RegionKind.BONE), TARGET, protocol).verdict is Verdict.REFUSED
    for verdict, others in ((Verdict.LOOK, (bone,)), (Verdict.REFUSED, (bone,)), (Verdict.TRUSTED, ())):
        judged = surrogate_of((found("markers", (0, 8, 0), verdict), *others), region, TARGET, protocol)
        assert judged.verdict is verdict
    too_far = found("markers", (0.0, 0.0, protocol.max_shift_mm + 1.0))
    assert surrogate_of((too_far, bone), region, TARGET, protocol).verdict is Verdict.REFUSED


def test_markers_beside_the_target_are_a_surrogate_like_any_other():
    beside = (marker("A", (30.0, 0.0, 2.0)), marker("B", (30.0, 10.0, 0.0)))
    (region, *_) = regions_to_match(("markers",), TARGET, folder(*beside))
    protocol = find_protocol(builtin_protocols(), None)
    matches = found("markers", (0.0, 8.0, 0.0)), found("bone", (0.0, 0.0, 0.0))
    assert surrogate_of(matches, region, TARGET, protocol).verdict is Verdict.REFUSED
