"""Which regions are matched, and whose outline counts as the body."""

import numpy as np
import pytest

from openigrt.dicom import PlanFolder
from openigrt.errors import InputError, MissingInput
from openigrt.geometry import Frame, Grid
from openigrt.images import Image, Modality
from openigrt.patient import Contour, ContourKind, Structure, StructureRole, StructureSet, Target
from openigrt.registration import RegionKind
from openigrt.tasks.guidance.regions import body_mask, regions_to_match

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
