"""New versions of data sets: what is asked changes, what no longer holds goes, every other byte stays."""

import copy
from datetime import UTC, datetime

import numpy as np
import pydicom
import pytest
from pydicom import Dataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_data_element

from openigrt.dicom import new_plan_version, read_object, read_plan, save, write_plan
from openigrt.errors import MissingInput, UnreadableFile
from openigrt.patient import (
    AperturePositions,
    BeamChange,
    NewOpening,
    PlanChange,
    PlanVersion,
    changed,
    seen_by_beam_mm,
)
from tests.dicom.dicom_cases import PLAN, ROOT, beam, control_point, full_control_point, plan, write
from tests.dicom.whole_plans import ion_plan, photon_plan
from tests.dicom.writing_cases import requires_dciodvfy, series_header, validated

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:pydicom")

VERSION = PlanVersion(f"{ROOT}.99", "Plan v2", datetime(2025, 1, 2, 3, 4, 5, tzinfo=UTC), "Adapted")
SERIES = f"{ROOT}.98"
NO_CHANGE = PlanChange()
SHIFT_MM = (3.0, -7.0, 11.0)
IDENTITY = {
    *("SOPInstanceUID", "SeriesInstanceUID", "SeriesDescription", "RTPlanLabel", "RTPlanName", "RTPlanDate"),
    *("RTPlanTime", "SeriesDate", "SeriesTime", "InstanceCreationDate", "InstanceCreationTime", "ApprovalStatus"),
    *("ReviewDate", "ReviewTime", "ReviewerName", "ReferencedDoseSequence", "ContributingEquipmentSequence"),
    *("ReferencedRTPlanSequence/ReferencedSOPInstanceUID", "ReferencedRTPlanSequence/RTPlanRelationship"),
}


def new_version(dataset, change=NO_CHANGE):
    return new_plan_version(dataset, change, VERSION, SERIES)


def encoded(element):
    """The bytes of one element, as they would be written."""
    buffer = DicomBytesIO()
    buffer.is_little_endian, buffer.is_implicit_VR = True, False
    write_data_element(buffer, element)
    return buffer.getvalue()


def differing(one, other, path=""):
    """Paths of all elements, private ones too, that are not the same bytes in two data sets."""
    found = set()
    for tag in {element.tag for element in (*one, *other)}:
        a, b = (dataset[tag] if tag in dataset else None for dataset in (one, other))
        name = f"{path}{(a or b).keyword or tag}"
        if a is not None and b is not None and a.VR == "SQ" and len(a.value) == len(b.value):
            for x, y in zip(a.value, b.value, strict=True):
                found |= differing(x, y, f"{name}/")
        elif a is None or b is None or encoded(a) != encoded(b):
            found.add(name)
    return found


def with_private(dataset):
    """A plan with private elements at every level."""
    for item in (dataset, dataset.BeamSequence[0], dataset.BeamSequence[0].ControlPointSequence[0]):
        block = item.private_block(0x3253, "Some Maker", create=True)
        block.add_new(0x10, "UN", b"\x01\x02secret")
    return dataset


def test_the_old_data_set_is_never_changed():
    dataset = with_private(write_plan(photon_plan(), series_header("62")))
    before = copy.deepcopy(dataset)
    new_version(dataset, PlanChange(SHIFT_MM, (BeamChange(1, 5.0),)))
    assert dataset == before
    assert dataset.file_meta == before.file_meta


def test_a_version_without_a_change_touches_nothing_but_what_it_must():
    dataset = with_private(write_plan(photon_plan(), series_header("62")))
    written, _ = new_version(dataset)
    beams, shares = "BeamSequence/ControlPointSequence/", "FractionGroupSequence/ReferencedBeamSequence/"
    assert differing(dataset, written) == {
        *IDENTITY,
        *(shares + k for k in ("BeamDose", "BeamDosePointDepth", "BeamDosePointEquivalentDepth", "BeamDosePointSSD")),
        *(beams + k for k in ("SourceToSurfaceDistance", "SurfaceEntryPoint")),
        f"{beams}ReferencedDoseReferenceSequence/CumulativeDoseReferenceCoefficient",
    }
    assert written.BeamSequence[0].ControlPointSequence[0].private_block(0x3253, "Some Maker")[0x10].value


def test_a_moved_isocenter_touches_isocenters_and_the_table_alone():
    dataset = with_private(write_plan(photon_plan(), series_header("62")))
    unmoved, moved = new_version(dataset)[0], new_version(dataset, PlanChange(SHIFT_MM))[0]
    points = "BeamSequence/ControlPointSequence/"
    assert differing(unmoved, moved) == {
        f"{points}IsocenterPosition",
        *(f"{points}TableTop{axis}Position" for axis in ("Lateral", "Longitudinal", "Vertical")),
        *(f"PatientSetupSequence/TableTop{axis}SetupDisplacement" for axis in ("Lateral", "Longitudinal", "Vertical")),
    }


def test_identity_and_provenance():
    dataset = write_plan(photon_plan(), series_header("62"))
    written, messages = new_version(dataset)
    assert (written.SOPInstanceUID, written.file_meta.MediaStorageSOPInstanceUID) == (VERSION.uid, VERSION.uid)
    assert (written.RTPlanLabel, written.RTPlanName) == ("Plan v2", "Adapted")
    assert (written.RTPlanDate, written.RTPlanTime) == ("20250102", "030405.000")
    assert written.ApprovalStatus == "UNAPPROVED"
    assert "ReviewerName" not in written
    assert "(research only)" in written.SeriesDescription
    assert "research only" in written.ContributingEquipmentSequence[0].ManufacturerModelName
    relations = [(i.ReferencedSOPInstanceUID, i.RTPlanRelationship) for i in written.ReferencedRTPlanSequence]
    assert relations == [(f"{ROOT}.45", "CONCURRENT"), (f"{ROOT}.41", "PREDECESSOR")]
    assert written.ReferencedRTPlanSequence[1].ReferencedSOPClassUID == dataset.SOPClassUID
    assert "ReferencedDoseSequence" not in written
    assert f"Dose {ROOT}.43 was computed for the predecessor" in messages[0]
    assert any("The predecessor is APPROVED; the new version is not" in m for m in messages)
    assert any("Reference images" in m for m in messages)


@pytest.mark.parametrize("whole", [photon_plan(), ion_plan()], ids=["photons", "ions"])
@pytest.mark.parametrize(
    "change",
    [
        PlanChange(),
        PlanChange(SHIFT_MM),
        PlanChange((0.0, 0.0, -0.25), (BeamChange(1, 10.0, 350.0, -15.0), BeamChange(2, patient_support_turn_deg=5.0))),
    ],
)
def test_the_data_set_says_what_the_noun_says(whole, change):
    """The mapping on the data set and the pure function on the plan are two ways to one plan."""
    dataset = write_plan(whole, series_header("62"))
    read, messages = read_plan(new_version(dataset, change)[0])
    expected = changed(read_plan(dataset)[0], change, VERSION)
    for found, wanted in zip(read.beams, expected.beams, strict=True):
        assert np.allclose(found.isocenter_mm or 0.0, wanted.isocenter_mm or 0.0, atol=1e-9)
        for point, other in zip(found.control_points, wanted.control_points, strict=True):
            assert point.gantry_angle_deg == pytest.approx(other.gantry_angle_deg)
            assert point.beam_limiting_device_angle_deg == pytest.approx(other.beam_limiting_device_angle_deg)
            for name in type(point.couch).__slots__:
                assert getattr(point.couch, name) == pytest.approx(getattr(other.couch, name), abs=1e-9)
            assert (point.positions, point.ion) == (other.positions, other.ion)
            assert (point.source_surface_distance_mm, point.dose_coefficients) == (None, other.dose_coefficients)
    assert read.setups == expected.setups
    assert read.fraction_groups == expected.fraction_groups
    assert (read.predecessor_uids, read.dose_uids, read.approval) == ((whole.uid,), (), "UNAPPROVED")
    assert messages == ()


def test_a_moved_isocenter_sees_the_moved_structure_as_before():
    dataset = write_plan(photon_plan(), series_header("62"))
    before, after = read_plan(dataset)[0], read_plan(new_version(dataset, PlanChange(SHIFT_MM))[0])[0]
    structure = np.random.default_rng(2).normal(0.0, 60.0, (40, 3))
    for old, new in zip(before.beams, after.beams, strict=True):
        for was, now in zip(old.control_points, new.control_points, strict=True):
            if old.isocenter_mm is not None:
                seen = seen_by_beam_mm(structure + SHIFT_MM, after, new, now)
                assert seen == pytest.approx(seen_by_beam_mm(structure, before, old, was), abs=1e-9)


def test_new_openings_are_said_where_they_change():
    """A static beam: the second control point omits what the first one said, and must say it once they differ."""
    dataset = plan(beams=[beam(points=[full_control_point(), control_point(1)], BeamType="STATIC")])
    wider = AperturePositions("ASYMX", (-60.0, 60.0))
    for index, expected in ((0, [(-60, 60), (-50, 40)]), (1, [(-50, 40), (-60, 60)])):
        change = PlanChange(beams=(BeamChange(1, openings=(NewOpening(index, wider),)),))
        written, _ = new_version(dataset, change)
        read = read_plan(written)[0].beams[0]
        assert [p.jaw_x_mm for p in read.control_points] == expected
        assert [p.jaw_y_mm for p in read.control_points] == [(-30, 20)] * 2
        assert written.BeamSequence[0].BeamType == "DYNAMIC"
    both = PlanChange(beams=(BeamChange(1, openings=(NewOpening(0, wider), NewOpening(1, wider))),))
    written, _ = new_version(dataset, both)
    assert "BeamLimitingDevicePositionSequence" not in written.BeamSequence[0].ControlPointSequence[1]
    assert [p.jaw_x_mm for p in read_plan(written)[0].beams[0].control_points] == [(-60, 60)] * 2
    assert written.BeamSequence[0].BeamType == "STATIC"


def test_positions_that_the_plan_leaves_open_stay_open():
    first = full_control_point(TableTopLateralPosition=5, TableTopVerticalPosition=None)
    later = control_point(1, TableTopLongitudinalPosition=100)
    written, _ = new_version(plan(beams=[beam(points=[first, later])]), PlanChange(SHIFT_MM))
    first, later = written.BeamSequence[0].ControlPointSequence
    assert (first.TableTopLateralPosition, first.TableTopVerticalPosition) == (2.0, None)
    assert "TableTopLongitudinalPosition" not in first
    assert [float(x) for x in first.IsocenterPosition] == [-4.0, -22.0, 44.0]
    assert (later.TableTopLongitudinalPosition, "TableTopLateralPosition" in later) == (89.0, False)


def test_without_a_dose_and_for_a_beam_that_is_not_there():
    _, messages = new_version(plan())
    assert messages == (f"The plan names no dose; every dose that names plan {PLAN} belongs to the predecessor alone.",)
    with pytest.raises(MissingInput, match="no beam 7"):
        new_version(plan(), PlanChange(beams=(BeamChange(7),)))


def test_a_version_of_a_version_names_the_nearer_one():
    first, _ = new_version(plan())
    later = PlanVersion(f"{ROOT}.100", "Plan v3", VERSION.created_at)
    second, _ = new_plan_version(first, PlanChange(), later, SERIES)
    assert read_plan(second)[0].predecessor_uids == (VERSION.uid,)


@pytest.mark.parametrize("offset", ["+0130", "-0500", "", "nonsense"])
def test_times_are_in_the_time_zone_of_the_data_set(offset):
    dataset = plan(TimezoneOffsetFromUTC=offset) if offset else plan()
    written, _ = new_version(dataset)
    assert read_plan(written)[0].created_at == VERSION.created_at


@requires_dciodvfy
@pytest.mark.parametrize("whole", [photon_plan(), ion_plan()], ids=["photons", "ions"])
def test_dciodvfy_finds_no_more_than_in_the_old_one(whole, tmp_path):
    dataset = write_plan(whole, series_header("62"))
    save(dataset, tmp_path / "old.dcm")
    written, _ = new_version(dataset, PlanChange(SHIFT_MM, (BeamChange(1, 10.0),)))
    save(written, tmp_path / "new.dcm")
    assert set(validated(tmp_path / "new.dcm")) <= set(validated(tmp_path / "old.dcm"))


def test_from_a_file(tmp_path):
    dataset, _ = read_object(write(with_private(plan()), tmp_path / "rp.dcm"))
    written, _ = new_version(dataset, PlanChange(SHIFT_MM))
    save(written, tmp_path / "new.dcm")
    again = pydicom.dcmread(tmp_path / "new.dcm")
    assert isinstance(again, Dataset)
    assert again.private_block(0x3253, "Some Maker")[0x10].value == b"\x01\x02secret"
    assert read_plan(again)[0].beams[0].isocenter_mm == (-4.0, -22.0, 44.0)


def test_what_cannot_be_copied_whole_is_refused(tmp_path):
    path = write(plan(), tmp_path / "rp.dcm")
    content = path.read_bytes().replace(b"LO\x02\x00P1", b"FL\x02\x00P1")
    path.write_bytes(content)
    with pytest.raises(UnreadableFile, match="cannot be"):
        new_version(read_object(path)[0])
