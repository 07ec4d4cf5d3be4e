"""Registrations: direction, composition, shared frames, refusals; SimpleITK applies what we write."""

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813 - the name that its users know
from scipy.spatial.transform import Rotation

from openigrt.dicom import (
    plan_from_daily,
    read_deformable_registration,
    read_object,
    read_spatial_registration,
    save,
    write_spatial_registration,
)
from openigrt.errors import FrameMismatch, InconsistentInput, MissingInput, UnreadableFile, UnsupportedInput
from openigrt.geometry import Frame, Grid, RigidTransform
from openigrt.images import Image, Modality, Provenance
from tests.dicom.dicom_cases import AXIAL, CT, DEFORMABLE, REGISTRATION, ROOT, dicom_object, sequence_item
from tests.dicom.writing_cases import requires_dciodvfy, series_header, validated

VECTORS = ("C-37", "C-38")

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:pydicom")

PLAN_UID, DAILY_UID = f"{ROOT}.10", f"{ROOT}.20"
MOTION = Rotation.from_euler("zyx", [3.0, -2.0, 1.5], degrees=True).as_matrix()


def image(frame, series, study=f"{ROOT}.1", shape=(4, 5, 6)):
    grid = Grid(frame, [-10.0, -20.0, 30.0], [1.0, 2.0, 3.0], np.eye(3), shape[::-1])
    uids = tuple(f"{series}.{k + 1}" for k in range(shape[0]))
    source = Provenance(study_uid=study, series_uid=series, instance_uids=uids, sop_class_uid=CT)
    return Image(np.zeros(shape, np.float32), grid, Modality.CT, source)


def images(plan_uid=PLAN_UID, daily_uid=DAILY_UID):
    daily = image(Frame.daily(daily_uid), f"{ROOT}.21", study=f"{ROOT}.2")
    return image(Frame.plan(plan_uid), f"{ROOT}.11"), daily


def transform(pair, rotation=MOTION, shift=(4.0, -5.0, 6.0)):
    return RigidTransform(pair[0].frame, pair[1].frame, rotation, np.array(shift))


def item(matrix, frame_uid="", image_uids=(), kind="RIGID"):
    matrices = [matrix] if np.ndim(matrix) == 2 else matrix
    steps = [
        sequence_item(
            FrameOfReferenceTransformationMatrixType=kind,
            FrameOfReferenceTransformationMatrix=[f"{x:.12g}"[:16] for x in np.ravel(m)],
        )
        for m in matrices
    ]
    made = sequence_item(MatrixRegistrationSequence=[sequence_item(MatrixSequence=steps)])
    if frame_uid:
        made.FrameOfReferenceUID = frame_uid
    if image_uids:
        made.ReferencedImageSequence = [
            sequence_item(ReferencedSOPClassUID=CT, ReferencedSOPInstanceUID=uid) for uid in image_uids
        ]
    return made


def registration(*items_, registered=PLAN_UID):
    return read_spatial_registration(
        dicom_object(REGISTRATION, f"{ROOT}.50", FrameOfReferenceUID=registered, RegistrationSequence=list(items_))
    )


def matrix4(rotation=MOTION, shift=(4.0, -5.0, 6.0)):
    matrix = np.eye(4)
    matrix[:3, :3], matrix[:3, 3] = rotation, shift
    return matrix


def shifted(*shift):
    return matrix4(np.eye(3), shift)


def test_source_to_registered_as_the_clinical_vector_says(vectors):
    pair = images()
    found = plan_from_daily(registration(item(shifted(1, 2, 3), DAILY_UID)), *pair)
    assert found.points([10, 10, 10]) == pytest.approx(vectors["C-37"]["expected"], abs=1e-12)
    assert (found.to_frame, found.from_frame) == (pair[0].frame, pair[1].frame)


def test_matrices_of_one_item_multiply_in_their_order():
    found = plan_from_daily(registration(item([matrix4(), shifted(10, 0, 0)], DAILY_UID)), *images())
    assert np.allclose(found.points([1, 2, 3]), MOTION @ [11, 2, 3] + [4, -5, 6], atol=1e-9)


def test_two_registrations_to_one_third_frame_combine():
    items_ = item(matrix4(), DAILY_UID), item(shifted(1, 1, 1), PLAN_UID)
    found = plan_from_daily(registration(*items_, registered=f"{ROOT}.99"), *images())
    assert np.allclose(found.points([1, 2, 3]), MOTION @ [1, 2, 3] + [3, -6, 5], atol=1e-9)


def test_registration_in_the_other_direction_is_inverted():
    found = plan_from_daily(registration(item(matrix4(), PLAN_UID), registered=DAILY_UID), *images())
    assert np.allclose(found.points(MOTION @ [1, 2, 3] + [4, -5, 6]), [1, 2, 3], atol=1e-9)


def test_items_that_name_images_win_over_their_frame():
    daily_slices = [f"{ROOT}.21.1"]
    items_ = item(shifted(9, 9, 9), DAILY_UID), item(shifted(1, 2, 3), DAILY_UID, daily_slices)
    assert np.allclose(plan_from_daily(registration(*items_), *images()).translation_mm, [1, 2, 3])


def test_shared_frame_is_told_apart_by_images():
    pair = images(daily_uid=PLAN_UID)
    daily_item = item(shifted(1, 2, 3), "", [f"{ROOT}.21.2"])
    assert np.allclose(plan_from_daily(registration(daily_item), *pair).translation_mm, [1, 2, 3])
    with_identity = registration(item(np.eye(4), PLAN_UID), daily_item)
    assert np.allclose(plan_from_daily(with_identity, *pair).translation_mm, [1, 2, 3])
    plan_item = item(shifted(1, 2, 3), "", [f"{ROOT}.11.1"])
    assert np.allclose(plan_from_daily(registration(plan_item), *pair).translation_mm, [-1, -2, -3])


@pytest.mark.parametrize(
    "items_",
    [
        (item(shifted(1, 2, 3), PLAN_UID),),
        (item(np.eye(4), PLAN_UID), item(shifted(1, 2, 3), PLAN_UID)),
        (item(shifted(1, 2, 3), PLAN_UID, ["1.2.3"]),),
    ],
    ids=["one bare", "two bare", "other images"],
)
def test_shared_frame_without_images_is_refused(items_):
    with pytest.raises(InconsistentInput):
        plan_from_daily(registration(*items_), *images(daily_uid=PLAN_UID))


def test_registration_of_other_images_is_refused():
    with pytest.raises(InconsistentInput, match="joins other images"):
        plan_from_daily(registration(item(np.eye(4), "1.2.3")), *images())


@pytest.mark.parametrize("kind", ["RIGID_SCALE", "AFFINE", ""])
def test_only_rigid_matrices_may_move_a_couch(kind):
    with pytest.raises(UnsupportedInput, match="only RIGID"):
        plan_from_daily(registration(item(matrix4(), DAILY_UID, kind=kind)), *images())


@pytest.mark.parametrize("linear", [1.001 * np.eye(3), np.diag([1.0, 1.0, -1.0]), np.zeros((3, 3))])
def test_rigid_matrices_that_are_not(linear):
    with pytest.raises(UnreadableFile, match="RIGID, but its matrix is not"):
        plan_from_daily(registration(item(matrix4(linear), DAILY_UID)), *images())


def test_matrix_rounded_by_another_system_is_renormalised():
    rounded = matrix4(np.round(MOTION, 5))
    found = plan_from_daily(registration(item(rounded, DAILY_UID)), *images())
    assert np.abs(found.rotation @ found.rotation.T - np.eye(3)).max() < 1e-14
    assert np.allclose(found.rotation, MOTION, atol=1e-5)


def test_objects_that_are_no_registration():
    with pytest.raises(UnsupportedInput, match="no Spatial Registration"):
        read_spatial_registration(dicom_object(CT, "1.2.3"))
    with pytest.raises(MissingInput, match="holds no registration"):
        registration()
    with pytest.raises(MissingInput, match="no matrix"):
        registration(sequence_item(FrameOfReferenceUID=DAILY_UID))


@pytest.mark.parametrize("daily_uid", [DAILY_UID, PLAN_UID], ids=["own frame", "shared frame"])
@requires_dciodvfy
def test_written_registration_is_valid_and_comes_back(tmp_path, daily_uid):
    pair = images(daily_uid=daily_uid)
    written = write_spatial_registration(transform(pair), pair, series_header("30"), f"{ROOT}.31")
    path = tmp_path / "reg.dcm"
    save(written, path)
    assert validated(path) == []
    dataset, _ = read_object(path)
    found = plan_from_daily(read_spatial_registration(dataset), *pair)
    assert np.allclose(found.matrix4(), transform(pair).matrix4(), atol=1e-9)
    assert "research only" in dataset.ContentDescription
    assert dataset.Manufacturer == "OpenIGRT"
    assert dataset.FrameOfReferenceUID == PLAN_UID
    frames = [i.get("FrameOfReferenceUID") for i in dataset.RegistrationSequence]
    assert frames == ([PLAN_UID, DAILY_UID] if daily_uid == DAILY_UID else [None])
    assert len(dataset.RegistrationSequence[-1].ReferencedImageSequence) == 4


def test_common_instance_reference_splits_studies():
    pair = images()
    header = series_header("30", study=f"{ROOT}.1")
    written = write_spatial_registration(transform(pair), pair, header, f"{ROOT}.31")
    assert written.ReferencedSeriesSequence[0].SeriesInstanceUID == f"{ROOT}.11"
    (other,) = written.StudiesContainingOtherReferencedInstancesSequence
    assert other.StudyInstanceUID == f"{ROOT}.2"
    assert len(other.ReferencedSeriesSequence[0].ReferencedInstanceSequence) == 4


def test_writing_refuses_other_frames_and_a_shared_frame_without_slices():
    pair = images()
    with pytest.raises(FrameMismatch):
        write_spatial_registration(transform(pair), pair[::-1], series_header("30"), f"{ROOT}.31")
    shared = images(daily_uid=PLAN_UID)
    volume_file = Image(shared[1].voxels, shared[1].grid, Modality.CBCT)
    with pytest.raises(MissingInput, match="cannot tell them apart"):
        write_spatial_registration(transform(shared), (shared[0], volume_file), series_header("30"), f"{ROOT}.31")


def test_simpleitk_resamples_the_moved_image_back_with_the_stored_matrix():
    """Anatomy at p in the daily image lies at q = M p in the plan: resampling on plan points needs M^-1."""
    pair = images()
    k, j, i = np.mgrid[:40, :40, :40].astype(float)
    blob = np.exp(-((i - 20) ** 2 + (j - 17) ** 2 / 2 + (k - 23) ** 2 / 3) / 30.0)
    plan_image = sitk.GetImageFromArray(blob)
    plan_image.SetOrigin((-20.0, -20.0, -20.0))
    written = write_spatial_registration(transform(pair), pair, series_header("30"), f"{ROOT}.31")
    stored = written.RegistrationSequence[1].MatrixRegistrationSequence[0].MatrixSequence[0]
    matrix = np.array(stored.FrameOfReferenceTransformationMatrix, float).reshape(4, 4)
    registered_from_source = sitk.AffineTransform(3)
    registered_from_source.SetMatrix(matrix[:3, :3].ravel())
    registered_from_source.SetTranslation(matrix[:3, 3])
    true = transform(pair)
    true_motion = sitk.AffineTransform(3)
    true_motion.SetMatrix(true.rotation.ravel())
    true_motion.SetTranslation(true.translation_mm)
    daily_image = sitk.Resample(plan_image, plan_image, true_motion, sitk.sitkBSpline)
    back = sitk.Resample(daily_image, plan_image, registered_from_source.GetInverse(), sitk.sitkBSpline)
    inner = (slice(10, 30),) * 3
    assert np.abs(sitk.GetArrayFromImage(back)[inner] - blob[inner]).max() < 2e-3
    wrong = sitk.Resample(daily_image, plan_image, registered_from_source, sitk.sitkBSpline)
    assert np.abs(sitk.GetArrayFromImage(wrong)[inner] - blob[inner]).max() > 0.2


def deformable(vector, post=None):
    grid = sequence_item(
        ImagePositionPatient=[98, 48, 18],
        ImageOrientationPatient=list(AXIAL),
        GridDimensions=[3, 3, 3],
        GridResolution=[2.0, 2.0, 2.0],
        VectorGridData=np.tile(np.array(vector, "<f4"), 27).tobytes(),
    )
    source = sequence_item(SourceFrameOfReferenceUID=DAILY_UID, DeformableRegistrationGridSequence=[grid])
    if post is not None:
        step = item(post).MatrixRegistrationSequence[0].MatrixSequence[0]
        source.PostDeformationMatrixRegistrationSequence = [step]
    return dicom_object(DEFORMABLE, f"{ROOT}.51", FrameOfReferenceUID=PLAN_UID, DeformableRegistrationSequence=[source])


def test_deformable_registration_maps_registered_to_source_as_the_clinical_vector_says(vectors):
    vector = vectors["C-38"]
    read = read_deformable_registration(deformable(vector["input"]["vec"], shifted(*vector["input"]["post"])))
    assert read.source_points([vector["input"]["p"]])[0] == pytest.approx(vector["expected"], abs=1e-6)
    assert (read.field.grid.frame, read.field.to_frame) == (Frame.plan(PLAN_UID), Frame.daily(DAILY_UID))
    assert np.isnan(read.source_points([[0.0, 0.0, 0.0]])).all()


def test_deformable_grid_bomb_is_refused():
    dataset = deformable((0, 0, 0))
    dataset.DeformableRegistrationSequence[0].DeformableRegistrationGridSequence[0].GridDimensions = [60000] * 3
    with pytest.raises(UnreadableFile, match="324 bytes of them are there"):
        read_deformable_registration(dataset)
