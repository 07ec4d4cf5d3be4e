"""RT Structure Sets: roles, frames, kinds of contours, and what cannot be read."""

import numpy as np
import pytest

from openigrt.dicom import read_structure_set, role_of
from openigrt.errors import InconsistentInput, UnreadableFile, UnsupportedInput
from openigrt.geometry import Frame
from openigrt.patient import ContourKind, StructureRole
from tests.dicom.dicom_cases import FRAME, ROOT, SERIES, SET, contour_item, square_mm, structure_set

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:pydicom")


def test_structures_with_their_contours():
    rois = (("CTV 60", "CTV", (square_mm(33.0), square_mm(36.0, 2.5))), ("Cord", "", ()))
    dataset = structure_set(rois=rois, ApprovalStatus="APPROVED")
    dataset.ROIContourSequence[0].ROIDisplayColor = [255, 128, 0]
    structures, messages = read_structure_set(dataset)
    ctv, cord = structures.structures
    assert (ctv.name, ctv.role, ctv.color) == ("CTV 60", StructureRole.CTV, (255, 128, 0))
    assert np.array_equal(ctv.contours[1].points_mm, np.reshape(square_mm(36.0, 2.5), (-1, 3)))
    assert (cord.role, cord.contours, cord.color) == (StructureRole.ORGAN, (), None)
    assert (structures.uid, structures.label, structures.approval) == (SET, "Set", "APPROVED")
    assert structures.frame == Frame.plan(FRAME)
    assert structures.image_series_uid == SERIES
    assert structures.image_instance_uids == tuple(f"{SERIES}.{k + 1}" for k in range(5))
    assert messages == ()


def test_frame_of_role_daily():
    assert read_structure_set(structure_set(), Frame.daily)[0].frame == Frame.daily(FRAME)


def test_structures_of_a_second_frame_are_left_out_by_name():
    dataset = structure_set(rois=(("PTV", "PTV", ()), ("On PET", "GTV", ())))
    dataset.StructureSetROISequence[1].ReferencedFrameOfReferenceUID = f"{ROOT}.77"
    structures, messages = read_structure_set(dataset)
    assert [structure.name for structure in structures.structures] == ["PTV"]
    assert messages == (f"Left out structure 'On PET': it lies in another frame, {ROOT}.77.",)


def test_frame_from_the_rois_alone():
    dataset = structure_set()
    del dataset.ReferencedFrameOfReferenceSequence
    assert read_structure_set(dataset)[0].frame == Frame.plan(FRAME)
    del dataset.StructureSetROISequence[0].ReferencedFrameOfReferenceUID
    with pytest.raises(InconsistentInput, match="no frame of reference"):
        read_structure_set(dataset)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("POINT", ContourKind.POINT),
        ("OPEN_NONPLANAR", ContourKind.OPEN),
        ("CLOSEDPLANAR_XOR", ContourKind.CLOSED_PLANAR),
    ],
)
def test_kinds_of_contours(kind, expected):
    dataset = structure_set()
    dataset.ROIContourSequence[0].ContourSequence = [contour_item([1, 2, 3], kind)]
    assert read_structure_set(dataset)[0].structures[0].contours[0].kind is expected


@pytest.mark.parametrize(
    ("interpreted", "name", "role"),
    [
        ("ORGAN", "PTV fake", StructureRole.ORGAN),
        ("AVOIDANCE", "Rectum", StructureRole.AVOIDANCE),
        ("OAR", "x", StructureRole.ORGAN),
        ("CTV", "ITV_lung", StructureRole.ITV),
        ("ORGAN", "Cord_PRV05", StructureRole.PRV),
        ("PTV", "ITV_lung", StructureRole.PTV),
        ("BOLUS", "x", StructureRole.BOLUS),
        ("CAVITY", "x", StructureRole.CAVITY),
        ("DOSE_REGION", "x", StructureRole.DOSE_REGION),
        ("IRRAD_VOLUME", "x", StructureRole.DOSE_REGION),
        ("BRACHY_CHANNEL", "x", StructureRole.OTHER),
        ("EXTERNAL", "x", StructureRole.EXTERNAL),
        ("ACQ_ISOCENTER", "x", StructureRole.ISOCENTER),
        ("CONTRAST_AGENT", "x", StructureRole.CONTRAST_AGENT),
        ("", "gtv_mass", StructureRole.GTV),
        ("", "ITV 1", StructureRole.ITV),
        ("", "PRV Cord", StructureRole.PRV),
        ("", "PTV54", StructureRole.PTV),
        ("", "BODY", StructureRole.EXTERNAL),
        ("", "Skin", StructureRole.EXTERNAL),
        ("", "CouchSurface", StructureRole.SUPPORT),
        ("", "Fiducial 2", StructureRole.MARKER),
        ("", "Isocentre", StructureRole.ISOCENTER),
        ("", "Bowel_sm", StructureRole.ORGAN),
        ("", "Stomach_duo", StructureRole.ORGAN),
        ("", "ROI", StructureRole.OTHER),
        ("", "Bodyguard", StructureRole.OTHER),
    ],
)
def test_roles(interpreted, name, role):
    assert role_of(interpreted, name) is role


@pytest.mark.parametrize("data", [[1, 2], [1, 2, 3, 4]])
def test_contours_of_broken_triples_are_unreadable(data):
    dataset = structure_set()
    dataset.ROIContourSequence[0].ContourSequence = [contour_item(data)]
    with pytest.raises(UnreadableFile, match=f"RT Structure Set {SET} cannot be read: ContourData is malformed"):
        read_structure_set(dataset)


def test_unknown_contour_type_is_refused_by_name():
    dataset = structure_set()
    dataset.ROIContourSequence[0].ContourSequence = [contour_item([1, 2, 3], "SPIRAL")]
    with pytest.raises(UnsupportedInput, match="'PTV' has a contour of type 'SPIRAL'"):
        read_structure_set(dataset)
