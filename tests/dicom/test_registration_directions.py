"""Registrations of several images and by other programs: which way a matrix maps is judged by software of others."""

import shutil
import subprocess

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813 - the name that its users know
from scipy.spatial.transform import Rotation

from openigrt.dicom import (
    RegistrationMethod,
    SourceToWrite,
    UsedFeature,
    affine_plan_from_daily,
    plan_from_daily,
    read_object,
    read_spatial_registration,
    save,
    write_registrations,
)
from openigrt.errors import InconsistentInput, MissingInput, UnreadableFile, UnsupportedInput
from openigrt.geometry import Frame, Grid, RigidTransform, resample
from openigrt.images import Image, Modality, Provenance
from tests.dicom.dicom_cases import ROOT, sequence_item
from tests.dicom.test_spatial_registration import DAILY_UID, image, images, item, matrix4, registration, shifted
from tests.dicom.writing_cases import requires_dciodvfy, series_header, validated

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:pydicom")

PLASTIMATCH = shutil.which("plastimatch")
OTHER = Frame.daily(f"{ROOT}.23")
TURN = Rotation.from_euler("zyx", [6.0, -4.0, 5.0], degrees=True).as_matrix()
METHODS = {
    "125021": "Frame of Reference Identity",
    "125022": "Fiducial Alignment",
    "125023": "Acquisition Equipment Alignment",
    "125024": "Image Content-based Alignment",
    "125025": "Visual Alignment",
    "125026": "Image Content and Fiducial Based Alignment",
}


def blob(points):
    """Anatomy: a lopsided hill of HU."""
    return 1000.0 * np.exp(-0.5 * ((points - [2.0, -3.0, 4.0]) / [6.0, 5.0, 7.0]) ** 2).prod(axis=-1)


def volume_of(frame, where, direction=None):
    """Anatomy as an image sees it; `where` brings its points to the plan."""
    direction = np.eye(3) if direction is None else direction
    grid = Grid(frame, np.array([-24.0, -24.0, -24.0]) @ direction.T, [1.5, 1.5, 2.0], direction, (33, 33, 25))
    k, j, i = np.indices(grid.shape, dtype=float)
    return Image(blob(where(grid.points(np.stack([i, j, k], axis=-1)))), grid, Modality.CT, Provenance())


def itk_image(made):
    found = sitk.GetImageFromArray(made.voxels)
    found.SetOrigin(made.grid.origin_mm.tolist())
    found.SetSpacing(made.grid.spacing_mm.tolist())
    found.SetDirection(made.grid.direction.ravel().tolist())
    return found


def test_our_resampling_and_simpleitk_agree_through_a_stored_matrix(tmp_path):
    """The image of the day, brought onto the plan by the file: in SimpleITK, by us, and as the anatomy truly lies."""
    plan_image, daily_image = images()
    true = RigidTransform(plan_image.frame, daily_image.frame, TURN, np.array([4.0, -5.0, 6.0]))
    path = tmp_path / "reg.dcm"
    save(write_registrations(plan_image, [SourceToWrite(true, daily_image)], series_header("30"), f"{ROOT}.31"), path)
    dataset, _ = read_object(path)
    plan = volume_of(plan_image.frame, lambda points: points)
    daily = volume_of(daily_image.frame, true.points, Rotation.from_euler("x", 10, degrees=True).as_matrix())
    read = plan_from_daily(read_spatial_registration(dataset), plan, daily)
    ours = resample(daily.voxels, daily.grid, plan.grid, read.inverse())
    step = dataset.RegistrationSequence[1].MatrixRegistrationSequence[0].MatrixSequence[0]
    matrix = np.array(step.FrameOfReferenceTransformationMatrix, float).reshape(4, 4)
    source_to_registered = sitk.AffineTransform(matrix[:3, :3].ravel().tolist(), matrix[:3, 3].tolist())
    pulled = sitk.Resample(itk_image(daily), itk_image(plan), source_to_registered.GetInverse(), sitk.sitkLinear)
    theirs = sitk.GetArrayFromImage(pulled)
    inner = np.isfinite(ours)
    assert inner.mean() > 0.4
    assert np.abs(ours - theirs)[inner].max() < 0.5  # HU of 1000: positions are rounded to 2^-20 of a voxel
    assert np.abs(ours - plan.voxels)[inner].max() < 40.0  # linear interpolation of a hill 5 mm wide
    assert np.abs(daily.voxels - plan.voxels)[inner].max() > 400.0


@pytest.mark.skipif(PLASTIMATCH is None, reason="plastimatch is not installed")
def test_plastimatch_writes_the_same_direction(tmp_path):
    """From an ITK transform, which maps the fixed (registered) to the moving image, it writes source to registered."""
    transform = sitk.VersorRigid3DTransform()
    transform.SetMatrix(TURN.ravel())
    transform.SetTranslation((4.0, -5.0, 6.0))
    transform.SetCenter((10.0, 20.0, 30.0))
    sitk.WriteTransform(transform, str(tmp_path / "fixed_to_moving.tfm"))
    sitk.WriteImage(itk_image(volume_of(OTHER, lambda points: points)), str(tmp_path / "image.mha"))
    made = ["--input", "fixed_to_moving.tfm", "--fixed-image", "image.mha", "--moving-image", "image.mha"]
    command = [PLASTIMATCH, "xf-convert", *made, "--output-dicom", "out"]
    subprocess.run(command, cwd=tmp_path, capture_output=True, check=True)
    (path,) = (tmp_path / "out").glob("sro_*.dcm")
    read = read_spatial_registration(read_object(path)[0])
    fixed_source, moving_source = read.sources
    assert fixed_source.frame_uid == read.registered_frame_uid
    assert fixed_source.method is RegistrationMethod.VISUAL
    pair = image(Frame.plan(read.registered_frame_uid), "1.2.5"), image(Frame.daily(moving_source.frame_uid), "1.2.6")
    found = plan_from_daily(read, *pair)
    for point in ([0.0, 0.0, 0.0], [50.0, -40.0, 30.0]):
        assert np.allclose(found.points(transform.TransformPoint(point)), point, atol=1e-3)  # six decimals are written


@requires_dciodvfy
@pytest.mark.parametrize("method", list(RegistrationMethod))
def test_several_sources_each_by_its_method(tmp_path, method):
    plan_image, daily_image = images()
    other_image = image(OTHER, f"{ROOT}.24", study=f"{ROOT}.3")
    roi = UsedFeature(f"{ROOT}.40", "", 7)
    sources = [
        SourceToWrite(
            RigidTransform(plan_image.frame, daily_image.frame, TURN, np.array([4.0, -5.0, 6.0])), daily_image
        ),
        SourceToWrite(RigidTransform(plan_image.frame, OTHER, TURN.T, np.ones(3)), other_image, method, (roi,)),
    ]
    path = tmp_path / "reg.dcm"
    save(write_registrations(plan_image, sources, series_header("30"), f"{ROOT}.31"), path)
    # Used RT Structure Set ROI Sequence is younger than the dictionary of dciodvfy in Debian 12.
    assert [line for line in validated(path) if "(0x0070,0x0315)" not in line] == []
    dataset, _ = read_object(path)
    read = read_spatial_registration(dataset)
    assert [source.method for source in read.sources] == [
        RegistrationMethod.FRAME_IDENTITY,
        RegistrationMethod.IMAGE_CONTENT,
        method,
    ]
    (code,) = dataset.RegistrationSequence[2].MatrixRegistrationSequence[0].RegistrationTypeCodeSequence
    assert (code.CodeMeaning, code.CodingSchemeDesignator) == (METHODS[method], "DCM")
    assert read.sources[2].used == (roi,)
    for source in sources:
        found = plan_from_daily(read, plan_image, source.image)
        assert np.allclose(found.matrix4(), source.registered_from_source.matrix4(), atol=1e-9)
    assert len(dataset.StudiesContainingOtherReferencedInstancesSequence) == 3


def test_sources_that_cannot_be_written():
    plan_image, daily_image = images()
    true = RigidTransform(plan_image.frame, daily_image.frame, TURN, np.zeros(3))
    header = series_header("30"), f"{ROOT}.31"
    with pytest.raises(MissingInput, match="nothing to register"):
        write_registrations(plan_image, [], *header)
    with pytest.raises(InconsistentInput, match="share a frame"):
        write_registrations(plan_image, [SourceToWrite(true, daily_image)] * 2, *header)
    nameless = SourceToWrite(true, daily_image, used_rois=(UsedFeature("1.2.3"),))
    with pytest.raises(MissingInput, match="ROI without a number"):
        write_registrations(plan_image, [nameless], *header)


def test_what_was_matched_on_is_read():
    made = item(matrix4(), DAILY_UID)
    made.UsedFiducialsSequence = [sequence_item(ReferencedSOPInstanceUID="1.2.3", FiducialUID="1.2.4")]
    made.UsedRTStructureSetROISequence = [sequence_item(ReferencedSOPInstanceUID="1.2.5", ReferencedROINumber=7)]
    assert registration(made).sources[0].used == (UsedFeature("1.2.3", "1.2.4"), UsedFeature("1.2.5", "", 7))


@pytest.mark.parametrize("kind", ["RIGID_SCALE", "AFFINE"])
def test_what_may_not_move_a_couch_may_be_shown(kind):
    stretched = matrix4(TURN @ np.diag([1.1, 0.9, 1.0]), (1.0, 2.0, 3.0))
    both = item(stretched, DAILY_UID, kind=kind), item(shifted(1, 0, 0), images()[0].frame.uid)
    read = registration(*both, registered=f"{ROOT}.99")
    with pytest.raises(UnsupportedInput, match="only RIGID"):
        plan_from_daily(read, *images())
    found = affine_plan_from_daily(read, *images())
    assert np.allclose(found.points([5.0, 6.0, 7.0]), (stretched @ [5, 6, 7, 1])[:3] - [1, 0, 0])
    assert (found.to_frame, found.from_frame) == (images()[0].frame, images()[1].frame)


def test_matrices_that_are_no_maps_are_not_shown():
    for matrix in (np.zeros((4, 4)), np.diag([1.0, 1.0, 1.0, 2.0]), np.diag([1.0, 1.0, 0.0, 1.0])):
        with pytest.raises(UnreadableFile, match="no affine map"):
            affine_plan_from_daily(registration(item(matrix, DAILY_UID, kind="AFFINE")), *images())


def test_matrices_beyond_all_bounds():
    with pytest.raises(UnreadableFile, match="beyond all bounds"):
        registration(item([1e200 * np.eye(4)] * 2, DAILY_UID))
    with pytest.raises(UnsupportedInput, match="1001 matrices"):
        registration(item([np.eye(4)] * 1001, DAILY_UID))
