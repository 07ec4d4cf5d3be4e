"""RT Structure Sets: roles, frames, kinds of contours, and what cannot be read."""

import numpy as np
import pytest
from pydicom.dataelem import RawDataElement
from pydicom.tag import Tag

from openigrt.dicom import read_structure_set, role_of
from openigrt.errors import InconsistentInput, UnreadableFile, UnsupportedInput
from openigrt.geometry import Frame
from openigrt.patient import ContourKind, StructureRole
from tests.dicom.dicom_cases import FRAME, ROOT, SERIES, SET, contour_item, sequence_item, square_mm, structure_set

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


def test_contours_drawn_twice_count_once_and_what_is_odd_is_told_by_name():
    dataset = structure_set(rois=(("PTV", "PTV", (square_mm(33.0), square_mm(33.0), square_mm(36.0), [1, 2, 33])),))
    parts = dataset.ROIContourSequence[0].ContourSequence
    parts[2].NumberOfContourPoints = 7
    parts.append(contour_item([]))
    structures, messages = read_structure_set(dataset)
    assert len(structures.structures[0].contours) == 3
    assert set(messages) == {
        "Contours of 'PTV': 1 announce another number of points than they hold.",
        "Contours of 'PTV': 1 are drawn twice and count once.",
        "Contours of 'PTV': 1 are closed and have fewer than three points: they enclose nothing.",
        "Contours of 'PTV': 1 hold no point and are left out.",
    }


def test_contours_that_shall_cancel_do():
    dataset = structure_set()
    twice = [contour_item(square_mm(33.0), "CLOSEDPLANAR_XOR") for _ in range(2)]
    dataset.ROIContourSequence[0].ContourSequence = twice
    structures, messages = read_structure_set(dataset)
    assert (len(structures.structures[0].contours), messages) == (2, ())


def test_only_the_first_of_several_series_is_taken_and_that_is_told():
    dataset = structure_set()
    frame_item = dataset.ReferencedFrameOfReferenceSequence[0]
    other = sequence_item(SeriesInstanceUID=f"{ROOT}.88", ContourImageSequence=[])
    frame_item.RTReferencedStudySequence[0].RTReferencedSeriesSequence.append(other)
    structures, messages = read_structure_set(dataset)
    assert structures.image_series_uid == SERIES
    assert messages == (
        f"RT Structure Set {SET} names 2 image series; taken as drawn on the first, {SERIES}, and not on {ROOT}.88 in "
        f"frame {FRAME}.",
    )


def test_a_multi_frame_image_is_one_instance_however_often_it_is_named():
    dataset = structure_set()
    series = dataset.ReferencedFrameOfReferenceSequence[0].RTReferencedStudySequence[0].RTReferencedSeriesSequence[0]
    series.ContourImageSequence = [
        sequence_item(ReferencedSOPInstanceUID=f"{SERIES}.1", ReferencedFrameNumber=n) for n in (1, 2, 3)
    ]
    assert read_structure_set(dataset)[0].image_instance_uids == (f"{SERIES}.1",)


def test_structures_that_share_a_number_are_refused():
    dataset = structure_set(rois=(("PTV", "PTV", ()), ("Cord", "ORGAN", ())))
    dataset.StructureSetROISequence[1].ROINumber = 1
    with pytest.raises(InconsistentInput, match="several structures of ROI Number 1"):
        read_structure_set(dataset)


def test_contours_in_several_items_are_joined_and_those_of_nobody_are_told():
    dataset = structure_set()
    dataset.ROIContourSequence.append(
        sequence_item(ReferencedROINumber=1, ContourSequence=[contour_item(square_mm(36.0))])
    )
    dataset.ROIContourSequence.append(sequence_item(ReferencedROINumber=9))
    structures, messages = read_structure_set(dataset)
    assert len(structures.structures[0].contours) == 2
    assert messages == ("Left out contours of ROI Number 9: no structure has it.",)


def test_of_several_observations_the_first_that_states_a_type_counts():
    dataset = structure_set(rois=(("Thing", "", ()),))
    for kind in ("CTV", "ORGAN"):
        dataset.RTROIObservationsSequence.append(sequence_item(ReferencedROINumber=1, RTROIInterpretedType=kind))
    assert read_structure_set(dataset)[0].structures[0].role is StructureRole.CTV


@pytest.mark.parametrize(("vector", "is_read"), [([0, 0, 0], True), ([0, 0, 1.5], False)])
def test_contours_that_are_to_be_moved_are_refused(vector, is_read):
    dataset = structure_set()
    dataset.ROIContourSequence[0].ContourSequence[0].ContourOffsetVector = vector
    if is_read:
        assert read_structure_set(dataset)[1] == ()
    else:
        with pytest.raises(UnsupportedInput, match=r"'PTV' has a contour with Contour Offset Vector"):
            read_structure_set(dataset)


@pytest.mark.parametrize("data", [["nan", 0, 33], ["inf", 0, 33], ["1e999", 0, 33], ["1" * 80, 0, 33], ["x", 0, 33]])
def test_points_that_are_no_numbers_are_unreadable(data, tmp_path):
    dataset = structure_set()
    item = dataset.ROIContourSequence[0].ContourSequence[0]
    text = "\\".join(map(str, data)).encode()
    item["ContourData"] = RawDataElement(Tag("ContourData"), "DS", len(text), text, 0, False, True)
    with pytest.raises(UnreadableFile, match="ContourData is"):
        read_structure_set(dataset)


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
