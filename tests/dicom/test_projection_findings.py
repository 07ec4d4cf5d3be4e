"""What `check` finds about RT Images and Spatial Fiducials of a folder."""

import pytest

from openigrt.dicom import Severity
from tests.dicom.dicom_cases import FRAME, PLAN, ROOT, RTPLAN, sequence_item, write, write_plan_folder
from tests.dicom.test_findings import found_in, one
from tests.dicom.test_rt_image import rt_image
from tests.dicom.test_spatial_fiducials import fiducial, fiducials

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:pydicom")


@pytest.fixture
def folder(tmp_path):
    """A plan folder with an RT Image of its beam and fiducials on its image, in which nothing is wrong."""
    write_plan_folder(tmp_path, ApprovalStatus="APPROVED")
    write(rt_image(**named(PLAN)), tmp_path / "ri.dcm")
    write(fiducials(fiducial()), tmp_path / "fid.dcm")
    return tmp_path


def named(plan_uid):
    return {
        "ReferencedRTPlanSequence": [sequence_item(ReferencedSOPClassUID=RTPLAN, ReferencedSOPInstanceUID=plan_uid)]
    }


def add_image(folder, number, **values):
    dataset = rt_image(**values)
    dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = f"{ROOT}.{number}"
    write(dataset, folder / f"ri_{number}.dcm")


def test_nothing_is_found_where_nothing_is_wrong(folder):
    assert found_in(folder) == ()


def test_images_that_do_not_say_where_their_pixels_lie_are_told_once(folder):
    for number in (140, 141):
        add_image(folder, number, RadiationMachineSAD="", RTImageSID=None, RTImagePosition=None, GantryAngle=None)
    finding = one(folder, Severity.WARNING, "2 files (ri_140.dcm, ri_141.dcm)")
    for keyword in ("RadiationMachineSAD", "RTImageSID", "RTImagePosition", "GantryAngle"):
        assert keyword in finding.sentence
    assert finding.about == (f"{ROOT}.140", f"{ROOT}.141")


def test_an_angle_that_only_the_exposures_state_is_stated(folder):
    add_image(folder, 140, GantryAngle=None, ExposureSequence=[sequence_item(GantryAngle=30, KVP=120)])
    assert found_in(folder) == ()


def test_doubts_about_the_geometry_are_notes(folder):
    add_image(folder, 140, XRayImageReceptorTranslation=None)
    one(folder, Severity.NOTE, "centred on the beam axis")


def test_values_that_cannot_be_are_told(folder):
    add_image(folder, 140, GantryAngle=900)
    one(folder, Severity.NOTE, "GantryAngle 900, which cannot be")


def test_a_plan_that_is_not_there(folder):
    add_image(folder, 140, **named(f"{ROOT}.999"))
    one(folder, Severity.NOTE, f"plan {ROOT}.999 is not in the folder")


def test_fiducials_that_cannot_be_read_or_lie_elsewhere(folder):
    write(fiducials(fiducial(ShapeType="STAR")), folder / "fid.dcm")
    one(folder, Severity.ERROR, "shape STAR")
    write(fiducials(fiducial(), frame_uid=f"{ROOT}.150"), folder / "fid.dcm")
    one(folder, Severity.NOTE, f"lies in frame {ROOT}.150, of which no image is in the folder")
    write(fiducials(fiducial(), frame_uid="1.2.840.10008.1.4.3.1"), folder / "fid.dcm")
    assert found_in(folder) == ()
    flat = fiducial("FLAT", ContourData=None, NumberOfContourPoints=None)
    write(fiducials(flat, fiducial(), frame_uid=FRAME), folder / "fid.dcm")
    one(folder, Severity.NOTE, "FLAT has no points in space")
