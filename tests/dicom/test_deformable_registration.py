"""Deformable registrations: direction against SimpleITK's pull-back, every hand of grid, what is refused."""

from dataclasses import replace

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813 - the name that its users know
from pydicom.uid import ExplicitVRBigEndian
from scipy.spatial.transform import Rotation

from openigrt.dicom import (
    DeformableRegistration,
    RegistrationMethod,
    read_deformable_registration,
    read_object,
    save,
    write_deformable_registration,
)
from openigrt.errors import (
    AmbiguousInput,
    InconsistentInput,
    InvalidGeometry,
    MissingInput,
    UnreadableFile,
    UnsupportedInput,
)
from openigrt.geometry import AffineTransform, DisplacementField, Frame, Grid
from tests.dicom.dicom_cases import AXIAL, CT, DEFORMABLE, ROOT, dicom_object, sequence_item, write
from tests.dicom.test_spatial_registration import DAILY_UID, PLAN_UID, images, matrix4, shifted
from tests.dicom.writing_cases import requires_dciodvfy, series_header, validated

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:pydicom")

PLAN, DAILY = Frame.plan(PLAN_UID), Frame.daily(DAILY_UID)
OBLIQUE = Rotation.from_euler("zyx", [20.0, 10.0, -15.0], degrees=True).as_matrix()
BEFORE = matrix4(Rotation.from_euler("z", 4.0, degrees=True).as_matrix(), (1.0, -2.0, 0.5))
AFTER = matrix4(Rotation.from_euler("x", -3.0, degrees=True).as_matrix() @ np.diag([1.02, 1.0, 0.99]), (-1.0, 0.0, 2.0))


def field(direction=None, size=(12, 11, 10), spacing=(3.0, 3.5, 4.0)):
    """A smooth field, all nodes and components different."""
    direction = np.eye(3) if direction is None else direction
    grid = Grid(PLAN, [-15.0, -16.0, -17.0], spacing, direction, size)
    k, j, i = np.indices(grid.shape, dtype=float)
    vectors = [np.sin(i / 4.0 + j / 9.0), 1.5 * np.cos(j / 5.0 - k / 8.0), 0.1 * k - 0.05 * i]
    return DisplacementField(DAILY, grid, np.stack(vectors, axis=-1))


def registration(made=None, before=None, after=None):
    made = made or field()
    before = np.eye(4) if before is None else before
    after = np.eye(4) if after is None else after
    return DeformableRegistration(made, AffineTransform(PLAN, PLAN, before), AffineTransform(DAILY, DAILY, after))


def written(path, made, pair=None):
    save(write_deformable_registration(made, pair or images(), series_header("31"), f"{ROOT}.32"), path)
    return path


HANDS = {
    "axial": np.eye(3),
    "oblique": OBLIQUE,
    "left-handed": np.diag([1.0, 1.0, -1.0]),
    "oblique left-handed": OBLIQUE * np.array([1.0, 1.0, -1.0]),
}


@requires_dciodvfy
@pytest.mark.parametrize("hand", HANDS)
def test_written_registration_is_valid_and_maps_the_same(tmp_path, hand):
    made = registration(field(HANDS[hand]), BEFORE, AFTER)
    path = written(tmp_path / "reg.dcm", made)
    assert validated(path) == []
    dataset, _ = read_object(path)
    read = read_deformable_registration(dataset)
    points = made.field.grid.points(np.random.default_rng(1).uniform(0.5, 8.5, (200, 3)))
    assert np.allclose(read.source_points(points), made.source_points(points), atol=1e-4)
    assert len(read.image_uids) == 4
    assert "research only" in dataset.ContentDescription
    step = dataset.DeformableRegistrationSequence[0]
    types = [
        step[f"{when}DeformationMatrixRegistrationSequence"][0].FrameOfReferenceTransformationMatrixType
        for when in ("Pre", "Post")
    ]
    assert types == ["RIGID", "AFFINE"]


def itk_affine(matrix):
    transform = sitk.AffineTransform(3)
    transform.SetMatrix(np.asarray(matrix, float)[:3, :3].ravel())
    transform.SetTranslation(np.asarray(matrix, float)[:3, 3])
    return transform


def itk_field(step):
    """The grid item of an object as a displacement transform, from its elements alone."""
    x, y, z = (int(n) for n in step.GridDimensions)
    image = sitk.GetImageFromArray(np.frombuffer(step.VectorGridData, "<f4").reshape(z, y, x, 3), isVector=True)
    image.SetOrigin([float(v) for v in step.ImagePositionPatient])
    image.SetSpacing([float(v) for v in step.GridResolution])
    row, column = np.array(step.ImageOrientationPatient, float).reshape(2, 3)
    image.SetDirection(np.column_stack([row, column, np.cross(row, column)]).ravel())
    return sitk.DisplacementFieldTransform(sitk.Cast(image, sitk.sitkVectorFloat64))


@pytest.mark.parametrize("hand", HANDS)
def test_simpleitk_pulls_the_source_back_with_the_stored_elements(tmp_path, hand):
    """p_source = M_post (M_pre p + d(p)): the same image of the registered frame from the file and from our mapping."""
    made = registration(field(HANDS[hand]), BEFORE, AFTER)
    dataset, _ = read_object(written(tmp_path / "reg.dcm", made))
    step = dataset.DeformableRegistrationSequence[0]
    stored = {
        when: np.array(
            step[f"{when}DeformationMatrixRegistrationSequence"][0].FrameOfReferenceTransformationMatrix, float
        ).reshape(4, 4)
        for when in ("Pre", "Post")
    }
    deform = itk_field(step.DeformableRegistrationGridSequence[0])
    points = made.field.grid.points(np.random.default_rng(2).uniform(1.0, 8.0, (100, 3)))
    displaced = np.array([deform.TransformPoint(p) for p in points]) - points
    after, before = itk_affine(stored["Post"]), itk_affine(stored["Pre"])
    expected = [
        after.TransformPoint(np.add(before.TransformPoint(p), d).tolist())
        for p, d in zip(points, displaced, strict=True)
    ]
    assert np.allclose(read_deformable_registration(dataset).source_points(points), expected, atol=1e-4)


def test_a_source_deformed_by_a_known_motion_is_brought_back(tmp_path):
    """Anatomy at g(p) in the source lies at p in the registered frame; pulled back by the object it is there again."""
    fixed = sitk.GaussianSource(sitk.sitkFloat32, (40, 40, 40), (6.0, 5.0, 7.0), (19.0, 21.0, 18.0), 1.0)
    fixed.SetOrigin((-20.0, -20.0, -20.0))
    nodes = Grid(PLAN, [-25.0, -25.0, -25.0], [2.5, 2.5, 2.5], np.eye(3), (21, 21, 21))
    k, j, i = np.indices(nodes.shape, dtype=float)
    z = nodes.points(np.stack([i, j, k], axis=-1))[..., 2]
    made = registration(
        DisplacementField(DAILY, nodes, np.stack([2.0 * np.sin(z / 12.0), 0.0 * z, 0.0 * z], axis=-1)),
        after=shifted(0.0, 3.0, 0.0),
    )
    dataset, _ = read_object(written(tmp_path / "reg.dcm", made))
    read = read_deformable_registration(dataset)
    grid = Grid(DAILY, [-20.0] * 3, [1.0] * 3, np.eye(3), (40, 40, 40))
    k, j, i = np.indices(grid.shape, dtype=float)
    at = grid.points(np.stack([i, j, k], axis=-1))
    center = np.array([-1.0, 1.0, -2.0])
    in_source = at - [0.0, 3.0, 0.0]
    in_source[..., 0] -= 2.0 * np.sin(in_source[..., 2] / 12.0)
    source = sitk.GetImageFromArray(np.exp(-0.5 * (((in_source - center) / [6.0, 5.0, 7.0]) ** 2).sum(-1)))
    source.SetOrigin((-20.0, -20.0, -20.0))
    whole = read.whole_field()
    vectors = sitk.GetImageFromArray(whole.vectors_mm.astype(float), isVector=True)
    vectors.SetOrigin(whole.grid.origin_mm.tolist())
    vectors.SetSpacing(whole.grid.spacing_mm.tolist())
    back = sitk.Resample(source, fixed, sitk.DisplacementFieldTransform(vectors), sitk.sitkBSpline)
    inner = (slice(8, 32),) * 3
    found, wanted = sitk.GetArrayFromImage(back)[inner], sitk.GetArrayFromImage(fixed)[inner]
    assert np.abs(found - wanted).max() < 5e-3
    assert np.abs(sitk.GetArrayFromImage(source)[inner] - wanted).max() > 0.2


def test_the_whole_field_is_the_mapping_at_its_nodes():
    made = registration(field(OBLIQUE), BEFORE, AFTER)
    whole = made.whole_field()
    nodes = whole.grid.points([[0, 0, 0], [11, 10, 9], [3, 7, 2]])
    u = whole.vectors_mm[[0, 9, 2], [0, 10, 7], [0, 11, 3]]
    assert np.allclose(nodes + u, made.source_points(nodes), atol=1e-4)


def test_undefined_vectors_stay_undefined(tmp_path):
    vectors = np.array(field().vectors_mm)
    vectors[4, 5, 6] = np.nan
    vectors[2, 2, 2, 1] = np.nan
    made = registration(replace(field(), vectors_mm=vectors))
    read = read_deformable_registration(read_object(written(tmp_path / "reg.dcm", made))[0])
    assert np.isnan(read.field.vectors_mm[4, 5, 6]).all()
    assert np.isnan(read.field.vectors_mm[2, 2, 2]).all()
    assert np.isnan(read.field.vectors_mm).sum() == 6
    point = made.field.grid.points([[6, 5, 4]])
    assert np.isnan(read.source_points(point)).all()


def grid_item(**values):
    stated = {
        "ImagePositionPatient": [98, 48, 18],
        "ImageOrientationPatient": list(AXIAL),
        "GridDimensions": [3, 2, 2],
        "GridResolution": [2.0, 3.0, 4.0],
        "VectorGridData": np.arange(36, dtype="<f4").tobytes(),
    }
    return sequence_item(**(stated | values))


def deformable(*grids, **values):
    sources = [
        sequence_item(SourceFrameOfReferenceUID=f"{DAILY_UID}{n or ''}", DeformableRegistrationGridSequence=[grid])
        for n, grid in enumerate(grids or (grid_item(),))
    ]
    for keyword, value in values.items():
        setattr(sources[0], keyword, value)
    return dicom_object(DEFORMABLE, f"{ROOT}.51", FrameOfReferenceUID=PLAN_UID, DeformableRegistrationSequence=sources)


def test_order_of_vectors_and_spacing_in_an_object_of_others():
    read = read_deformable_registration(deformable())
    assert np.allclose(read.field.vectors_mm[0, 0], [[0, 1, 2], [3, 4, 5], [6, 7, 8]])
    assert np.allclose(read.field.vectors_mm[0, 1, 0], [9, 10, 11])
    assert np.allclose(read.field.vectors_mm[1, 0, 0], [18, 19, 20])
    assert np.allclose(read.field.grid.points((1, 1, 1)), [100, 51, 22])


def test_big_endian_vectors(tmp_path):
    grid = grid_item(VectorGridData=np.arange(36, dtype=">f4").tobytes())
    dataset = deformable(grid)
    dataset.file_meta.TransferSyntaxUID = ExplicitVRBigEndian
    read = read_deformable_registration(read_object(write(dataset, tmp_path / "big.dcm"))[0])
    assert np.allclose(read.field.vectors_mm.ravel(), np.arange(36))


def test_several_fields_are_chosen_by_their_source():
    both = deformable(grid_item(), grid_item(GridResolution=[1.0, 1.0, 1.0]))
    with pytest.raises(AmbiguousInput, match=r"2 deformation grids"):
        read_deformable_registration(both)
    chosen = read_deformable_registration(both, f"{DAILY_UID}1")
    assert chosen.field.grid.spacing_mm.tolist() == [1.0, 1.0, 1.0]
    with pytest.raises(MissingInput, match=r"not 1\.2\.3"):
        read_deformable_registration(both, "1.2.3")


def step(matrix, kind="RIGID"):
    return sequence_item(
        FrameOfReferenceTransformationMatrixType=kind,
        FrameOfReferenceTransformationMatrix=[f"{x:.12g}"[:16] for x in np.ravel(matrix)],
    )


@pytest.mark.parametrize(
    ("dataset", "error", "sentence"),
    [
        (dicom_object(CT, "1.2.3"), UnsupportedInput, "no Deformable"),
        (dicom_object(DEFORMABLE, "1.2.3"), MissingInput, "no deformation grid"),
        (deformable(grid_item(VectorGridData=b"1234")), UnreadableFile, "4 bytes of them are there"),
        (deformable(grid_item(VectorGridData=np.zeros(39, "<f4").tobytes())), UnreadableFile, "156 bytes"),
        (deformable(grid_item(VectorGridData=np.full(36, np.inf, "<f4").tobytes())), UnreadableFile, "inf mm"),
        (deformable(grid_item(VectorGridData=np.full(36, -1e9, "<f4").tobytes())), UnreadableFile, "displacements"),
        (deformable(grid_item(GridDimensions=[4_000_000_000] * 3)), UnreadableFile, "announces"),
        (deformable(grid_item(GridResolution=[2.0, 0.0, 2.0])), InconsistentInput, "impossible"),
        (deformable(grid_item(GridResolution=[2.0, float("nan"), 2.0])), UnreadableFile, "not finite"),
        (deformable(grid_item(ImageOrientationPatient=[1, 0, 0, 1, 0, 0])), InconsistentInput, "impossible"),
        (deformable(PreDeformationMatrixRegistrationSequence=[step(1.1 * np.eye(4))]), UnreadableFile, "last row"),
        (
            deformable(PreDeformationMatrixRegistrationSequence=[step(np.diag([1.1, 1, 1, 1]))]),
            UnreadableFile,
            "says RIGID",
        ),
        (
            deformable(PostDeformationMatrixRegistrationSequence=[step(np.diag([1, 1, 0, 1]), "AFFINE")]),
            UnreadableFile,
            "no affine map",
        ),
        (
            deformable(PostDeformationMatrixRegistrationSequence=[step(np.eye(4), "GUESSED")]),
            InconsistentInput,
            "GUESSED",
        ),
        (
            deformable(PostDeformationMatrixRegistrationSequence=[step(np.eye(4)), step(np.eye(4))]),
            InconsistentInput,
            "2 matrices",
        ),
        (
            deformable(DeformableRegistrationGridSequence=[grid_item(), grid_item()]),
            InconsistentInput,
            "2 grids for one source",
        ),
    ],
)
def test_what_cannot_be_is_refused_by_name(dataset, error, sentence):
    with pytest.raises(error, match=sentence):
        read_deformable_registration(dataset)


def test_writing_refuses_other_frames_and_sources_without_names():
    with pytest.raises(InconsistentInput, match="the images lie in"):
        write_deformable_registration(registration(), images()[::-1], series_header("31"), f"{ROOT}.32")
    plan_image, daily_image = images(daily_uid=PLAN_UID)
    shared = DeformableRegistration.of_field(replace(field(), to_frame=Frame.daily(PLAN_UID)))
    pair = plan_image, replace(daily_image, provenance=replace(daily_image.provenance, instance_uids=()))
    with pytest.raises(MissingInput, match="no slices to name"):
        write_deformable_registration(shared, pair, series_header("31"), f"{ROOT}.32")


def test_matrices_and_field_must_follow_each_other():
    with pytest.raises(InvalidGeometry, match="cannot stand between"):
        DeformableRegistration(field(), AffineTransform.identity(DAILY), AffineTransform.identity(DAILY))


def test_the_method_is_stated():
    made = write_deformable_registration(
        registration(), images(), series_header("31"), f"{ROOT}.32", RegistrationMethod.FIDUCIALS
    )
    (code,) = made.DeformableRegistrationSequence[0].RegistrationTypeCodeSequence
    assert (code.CodeValue, code.CodeMeaning) == ("125022", "Fiducial Alignment")
