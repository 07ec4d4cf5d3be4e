"""Spatial Fiducials: read from objects made with pydicom alone, written, valid, and the same again."""

import numpy as np
import pytest
from pydicom import dcmread

from openigrt.dicom import read_fiducials, read_object, save, write_fiducials
from openigrt.errors import InconsistentInput, InvalidGeometry, MissingInput, UnreadableFile, UnsupportedInput
from openigrt.geometry import Frame
from openigrt.images import Code, Marker, Markers, MarkerShape, Provenance
from tests.dicom.dicom_cases import CT, FRAME, ROOT, RTPLAN, SERIES, STUDY, dicom_object, sequence_item
from tests.dicom.writing_cases import requires_dciodvfy, series_header, validated

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:pydicom")

FIDUCIALS = "1.2.840.10008.5.1.4.1.1.66.2"
TRANSPONDER = Code("129306", "DCM", "Transponder Marker")


def fiducial(identifier="A", points=(1.0, 2.0, 3.0), **values):
    shown = {"ShapeType": "POINT", "FiducialIdentifier": identifier, "ContourData": list(points)}
    shown["NumberOfContourPoints"] = len(points) // 3
    return sequence_item(**{k: v for k, v in (shown | values).items() if v is not None})


def fiducials(*items, frame_uid=FRAME, **values):
    dataset = dicom_object(FIDUCIALS, f"{ROOT}.90", Modality="FID", SeriesInstanceUID=f"{ROOT}.91")
    dataset.ContentDate, dataset.ContentTime, dataset.ContentLabel = "20240102", "030405", "SEEDS"
    one = sequence_item(FiducialSequence=list(items), **values)
    if frame_uid:
        one.FrameOfReferenceUID = frame_uid
    dataset.FiducialSetSequence = [one]
    return dataset


def only(dataset):
    (found,), messages = read_fiducials(dataset)
    return found, messages


def test_points_lines_codes_and_uncertainty():
    code = sequence_item(CodeValue="129306", CodingSchemeDesignator="DCM", CodeMeaning="Transponder Marker")
    seed = fiducial(FiducialIdentifierCodeSequence=[code], ContourUncertaintyRadius=0.7, FiducialUID="1.2.9")
    line = fiducial("L", (0, 0, 0, 1, 1, 1), ShapeType="LINE", FiducialDescription="Wire")
    images = [sequence_item(ReferencedSOPClassUID=CT, ReferencedSOPInstanceUID=f"{SERIES}.{k}") for k in (1, 2)]
    found, messages = only(fiducials(seed, line, ReferencedImageSequence=images))
    assert found.frame == Frame.plan(FRAME)
    assert (found.label, found.source.patient_id, found.source.sop_class_uid) == ("SEEDS", "P1", CT)
    assert found.source.instance_uids == (f"{SERIES}.1", f"{SERIES}.2")
    first, second = found.markers
    assert (first.kind, first.uncertainty_radius_mm, first.uid) == (TRANSPONDER, 0.7, "1.2.9")
    assert (second.shape, second.description) == (MarkerShape.LINE, "Wire")
    assert second.center_mm == pytest.approx([0.5, 0.5, 0.5])
    assert messages == ()


def test_the_room_is_its_own_frame():
    assert only(fiducials(fiducial(), frame_uid="1.2.840.10008.1.4.3.1"))[0].frame == Frame.FIXED
    assert only(fiducials(fiducial(), frame_uid="1.2.840.10008.1.4.3.2"))[0].frame == Frame.equipment(
        "1.2.840.10008.1.4.3.2"
    )
    (found,), _ = read_fiducials(fiducials(fiducial()), Frame.daily)
    assert found.frame == Frame.daily(FRAME)


def test_what_lies_on_an_image_only_is_left_aside_by_name():
    flat = fiducial("FLAT", ContourData=None, NumberOfContourPoints=None)
    found, messages = only(fiducials(flat, fiducial("B")))
    assert [marker.identifier for marker in found.markers] == ["B"]
    assert "FLAT has no points in space" in messages[0]
    with pytest.raises(UnsupportedInput, match=r"no fiducial in space. Fiducial FLAT"):
        read_fiducials(fiducials(flat))


def test_a_fiducial_without_identifier_is_called_by_its_place():
    found, messages = only(fiducials(fiducial(""), fiducial("B")))
    assert found.markers[0].identifier == "#1"
    assert "called #1" in messages[0]


@pytest.mark.parametrize(
    ("dataset", "error", "said"),
    [
        (dicom_object(RTPLAN, "1.2.3"), UnsupportedInput, "no Spatial Fiducials"),
        (dicom_object(FIDUCIALS, "1.2.3"), MissingInput, "should hold 1 to"),
        (fiducials(fiducial(), frame_uid=""), InconsistentInput, "no Frame of Reference UID"),
        (fiducials(fiducial(ShapeType="STAR")), UnsupportedInput, "shape STAR"),
        (fiducials(fiducial(NumberOfContourPoints=2)), UnreadableFile, "1 points, 2 announced"),
        (fiducials(fiducial(points=(1, 2))), UnreadableFile, "no triples"),
        (fiducials(fiducial(points=(1, 2, 1e7))), UnreadableFile, "1e\\+07 mm"),
        (fiducials(fiducial(points=(1, 2, 3, 4, 5, 6))), InvalidGeometry, "cannot have 2 points"),
        (fiducials(fiducial(), fiducial()), InvalidGeometry, "called 'A'"),
        (fiducials(fiducial(ContourUncertaintyRadius=-1.0)), InvalidGeometry, "uncertainty radius"),
    ],
)
def test_what_cannot_be_is_refused_by_name(dataset, error, said):
    with pytest.raises(error, match=said):
        read_fiducials(dataset)


def markers(frame):
    return Markers(
        frame=frame,
        markers=(
            Marker("A", [1.25, -2.5, 1 / 3], uncertainty_radius_mm=0.5, kind=TRANSPONDER, uid="1.2.9"),
            Marker("RULER", np.arange(12.0).reshape(4, 3), MarkerShape.RULER, description="In the field"),
        ),
        label="SEEDS",
        source=Provenance(study_uid=STUDY, series_uid=SERIES, instance_uids=(f"{SERIES}.1",), sop_class_uid=CT),
    )


def written(sets, path):
    save(write_fiducials(sets, series_header("92"), f"{ROOT}.93"), path)
    return path


def test_they_come_back_the_same(tmp_path):
    sets = (markers(Frame.plan(FRAME)), markers(Frame.FIXED))
    read, messages = read_fiducials(read_object(written(sets, tmp_path / "fid.dcm"))[0])
    assert messages == ()
    for found, original in zip(read, sets, strict=True):
        assert (found.frame, found.label) == (original.frame, original.label)
        for name in ("study_uid", "series_uid", "instance_uids", "sop_class_uid"):
            assert getattr(found.source, name) == getattr(original.source, name)
        for marker, expected in zip(found.markers, original.markers, strict=True):
            assert np.allclose(marker.points_mm, expected.points_mm, rtol=0.0, atol=1e-9)
            assert (marker.identifier, marker.shape, marker.kind, marker.uncertainty_radius_mm) == (
                expected.identifier,
                expected.shape,
                expected.kind,
                expected.uncertainty_radius_mm,
            )
            assert (marker.description, marker.uid) == (expected.description, expected.uid)


@requires_dciodvfy
def test_dciodvfy_finds_no_errors(tmp_path):
    path = written((markers(Frame.plan(FRAME)), markers(Frame.FIXED)), tmp_path / "fid.dcm")
    assert validated(path) == []
    assert "research only" in dcmread(path).SeriesDescription


def test_what_cannot_be_written_is_refused():
    with pytest.raises(MissingInput, match="one marker at least"):
        write_fiducials((), series_header("92"), "1.2.3")
    with pytest.raises(MissingInput, match="one marker at least"):
        write_fiducials((Markers(Frame.FIXED, ()),), series_header("92"), "1.2.3")
    with pytest.raises(UnsupportedInput, match="no Frame of Reference UID"):
        write_fiducials((markers(Frame.GANTRY),), series_header("92"), "1.2.3")
    long = Markers(Frame.FIXED, (Marker("A" * 17, [1.0, 2, 3]),))
    with pytest.raises(UnsupportedInput, match="1 to 16 characters"):
        write_fiducials((long,), series_header("92"), "1.2.3")
