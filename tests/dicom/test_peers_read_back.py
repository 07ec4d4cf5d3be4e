"""Everything that we write, read by programs of others: one table of objects and peers, each cell of it tested.

That a peer has no reader is tested too: the day it has one, a test says so.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813 - the name that its users know
from pydicom import dcmread
from scipy.spatial.transform import Rotation

import openigrt.dicom
from openigrt.dicom import save, write_segmentation
from openigrt.geometry import Grid, RigidTransform
from tests.dicom.deidentification_cases import treated
from tests.dicom.dicom_cases import ROOT
from tests.dicom.peer_programs import (
    PROGRAMS,
    dataset_of,
    dcmtk_json,
    dcmtk_pictures,
    differences,
    itk_series,
    plastimatch_contours,
    plastimatch_image,
    pydicom_json,
    real_pixels,
    run,
    skip_without,
    stored_pixels,
    values,
)
from tests.dicom.test_deformable_registration import itk_affine, itk_field
from tests.dicom.test_registration_directions import itk_image, volume_of
from tests.dicom.test_rt_image import validated_rt_image
from tests.dicom.writing_cases import series_header, validated
from tests.dicom.written_objects import (
    CT,
    DEFORMATION,
    DOSE,
    FIELD,
    IONS,
    LONG,
    MOTION,
    OBJECTS,
    ONE_SEGMENT,
    OTHER_MOTION,
    PROJECTIONS,
    SPOTS,
    STRUCTURES,
    points_of,
)

# Pixel data, where an image lies and how large its pixels are, and what its values mean.
PIXELS_AND_PLACES = {"7FE00010", "00200032", "00200037", "00280030", "00281052", "00281053", "3004000C", "3004000E"}

pytestmark = pytest.mark.filterwarnings("ignore")


@dataclass(frozen=True)
class Cell:
    """What a peer makes of an object, in the words of the documentation, and its test of (name, folder, tmp_path)."""

    says: str
    check: Callable[..., None]


@pytest.fixture(scope="module")
def folder_of(tmp_path_factory):
    """The folder of an object, written once."""
    made = {}

    def written(name):
        if name not in made:
            made[name] = tmp_path_factory.mktemp("object")
            OBJECTS[name].put_into(made[name])
        return made[name]

    return written


def only(folder):
    (path,) = folder.iterdir()
    return path


# -------------------------------------------------------------------------------- elements: dciodvfy, pydicom, DCMTK


def clean(name, folder, tmp_path):
    assert [error for path in folder.iterdir() for error in validated(path)] == []


def clean_but(*known):
    """Errors that are the tool's own, each explained where the object has its tests."""

    def check(name, folder, tmp_path):
        errors = validated(only(folder))
        assert [error for error in errors if not any(words in error for words in known)] == []
        assert all(any(words in error for error in errors) for words in known)

    return check


def clean_once_image_type_is_in_the_exposure(name, folder, tmp_path):
    path = tmp_path / "ri.dcm"
    path.write_bytes(only(folder).read_bytes())
    assert validated_rt_image(path) == []
    clean_but("Module=<RTImage>")(name, folder, tmp_path)


def holds_the_values(name, datasets):
    """Elements are the numbers and words of the nouns."""
    for path, expected in OBJECTS[name].holds.items():
        found = [value for dataset in datasets for value in values(dataset, path)]
        wanted = np.ravel(expected).tolist()
        if isinstance(wanted[0], str):
            assert [str(value) for value in found] == wanted, path
        else:  # a float32, or the sixteen characters of a decimal string
            assert np.array(found, dtype=float) == pytest.approx(np.array(wanted), rel=1e-6, abs=1e-6), path


def holds_the_pixels(name, datasets):
    expected = OBJECTS[name].pixels
    if expected is not None:
        found = np.concatenate([real_pixels(dataset) for dataset in datasets])
        assert np.abs(found - expected).max() <= OBJECTS[name].pixel_tolerance


def same_in_pydicom(name, folder, tmp_path):
    datasets = [dcmread(path) for path in sorted(folder.iterdir())]
    holds_the_values(name, datasets)
    holds_the_pixels(name, datasets)


def same_in_dcmtk(name, folder, tmp_path, complaints=frozenset()):
    """DCMTK finds every element that pydicom finds, those that the nouns say, and shows the pixels.

    Where DCMTK has a class for the object, that reads it with the known complaints and no others.
    """
    datasets = []
    for path in sorted(folder.iterdir()):
        assert run("dcmftest", path).stdout.startswith("yes:")
        assert differences(dcmtk_json(path), pydicom_json(path)) == []
        datasets.append(dataset_of(dcmtk_json(path)))
        told = run("drtdump", path).stderr.splitlines()
        assert {line for line in told if not line.startswith("E: unsupported SOPClassUID")} == complaints
    holds_the_values(name, datasets)
    if OBJECTS[name].pixels is None:
        return
    holds_the_pixels(name, datasets)
    for n, (path, dataset) in enumerate(zip(sorted(folder.iterdir()), datasets, strict=True)):
        (tmp_path / str(n)).mkdir()
        shown = dcmtk_pictures(path, tmp_path / str(n))
        stored = stored_pixels(dataset).astype(float)
        expected = 65535.0 * (stored - stored.min()) / np.ptp(stored)
        assert np.abs(shown - expected).max() <= 1.0  # it cuts to whole numbers


def same_but_for_dose_references(name, folder, tmp_path):
    """DCMTK 3.6 asks the dose references of a control point for what PS3.3 C.8.8.14 asks of those of the beam."""
    asked = "BeamDoseVerificationControlPointSequence (300a,008c) absent in ReferencedDoseReferenceSequence (type 1)"
    same_in_dcmtk(name, folder, tmp_path, {f"W: {asked}"})


def first_pixel_lies_where_it_lay(name, folder, tmp_path):
    """The first pixel in the room, from DCMTK's elements by PS3.3 C.8.8.2 and without our reader."""
    same_in_dcmtk(name, folder, tmp_path)
    dataset = dataset_of(dcmtk_json(only(folder)))
    if dataset.RTImagePlane == "NORMAL":
        row, up, _ = Rotation.from_euler("z", dataset.XRayImageReceptorAngle, degrees=True).as_matrix().T
        column = -up
    else:
        row, column = np.reshape(dataset.RTImageOrientation, (2, 3))
    x, y = dataset.RTImagePosition
    in_gantry = np.array(dataset.XRayImageReceptorTranslation) + x * row - y * column
    angles_deg = (dataset.GantryAngle, dataset.GantryPitchAngle)
    fixed_from_gantry = Rotation.from_euler("yx", angles_deg, degrees=True)  # extrinsic: the gantry turns, then pitches
    (expected,) = PROJECTIONS[name].geometry.points([(0, 0)])
    assert fixed_from_gantry.apply(in_gantry) == pytest.approx(expected, abs=1e-5)  # the pitch is a float32


# -------------------------------------------------------------------------------- images: SimpleITK and plastimatch


def assert_same_volume(image, grid, voxels, tolerance=0.0):
    """Every voxel of ours is the one that an ITK image has at that point, and it has no others."""
    assert np.prod(image.GetSize()) == voxels.size
    for k, j, i in np.ndindex(voxels.shape):
        point = grid.points((i, j, k)).tolist()
        index = image.TransformPhysicalPointToIndex(point)
        assert image.TransformIndexToPhysicalPoint(index) == pytest.approx(point, abs=1e-4)
        assert image[index] == pytest.approx(voxels[k, j, i], abs=tolerance)


def series_in_itk(name, folder, tmp_path):
    assert_same_volume(itk_series(folder), CT.grid, CT.voxels)


def series_in_plastimatch(name, folder, tmp_path):
    assert_same_volume(plastimatch_image(folder, tmp_path), CT.grid, CT.voxels)


def assert_same_projection(image, name):
    assert image.GetSpacing()[:2] == pytest.approx(PROJECTIONS[name].geometry.spacing_mm)
    assert np.abs(sitk.GetArrayFromImage(image) - OBJECTS[name].pixels).max() <= OBJECTS[name].pixel_tolerance


def projection_in_itk(name, folder, tmp_path):
    assert_same_projection(sitk.ReadImage(str(only(folder))), name)


def projection_in_plastimatch(name, folder, tmp_path):
    assert_same_projection(plastimatch_image(only(folder), tmp_path), name)


def dose_in_itk(name, folder, tmp_path):
    """ITK reads what is stored; the scaling is the reader's part."""
    stored = sitk.ReadImage(str(only(folder)))
    image = sitk.Cast(stored, sitk.sitkFloat64) * float(dcmread(only(folder)).DoseGridScaling)
    assert_same_volume(image, DOSE.grid, DOSE.dose_gy, OBJECTS[name].pixel_tolerance)


def dose_with_transposed_axes(name, folder, tmp_path):
    """Version 1.9 hands on the axes of an RT Dose as rows of its direction where ITK has columns."""
    image = plastimatch_image(only(folder), tmp_path, "dose-img")
    direction = np.reshape(image.GetDirection(), (3, 3))
    assert direction == pytest.approx(DOSE.grid.direction.T, abs=1e-6)
    image.SetDirection(direction.T.ravel())
    assert_same_volume(image, DOSE.grid, DOSE.dose_gy, OBJECTS[name].pixel_tolerance)


def segments_in(read):
    """GDCM stacks frames: one segment lies where it lay; of several, each frame is right but not where it lies.

    Of bits that fill no whole byte at the end of the object, which no slice of a scanner leaves, it makes anything.
    """

    def check(name, folder, tmp_path):
        path = tmp_path / "one.dcm"
        segment, image = ONE_SEGMENT
        save(write_segmentation((segment,), image, series_header("111"), f"{ROOT}.113"), path)
        grid = image.grid
        planes = Grid(grid.frame, grid.points((0, 0, 1)), grid.spacing_mm, grid.direction, (*grid.size[:2], 3))
        assert_same_volume(read(path, tmp_path), planes, 255.0 * segment.mask.voxels[1:4])
        found = sitk.GetArrayFromImage(read(only(folder), tmp_path)) > 0
        expected = OBJECTS[name].pixels
        whole = expected.size // 8 * 8
        assert found.shape == expected.shape
        assert np.array_equal(found.ravel()[:whole], expected.ravel()[:whole])

    return check


# -------------------------------------------------------------------------------- structures, plans, registrations


def contours_in_plastimatch(*structures):
    """Closed ones alone, the others are dropped; its numbers are single floats in six decimals."""

    def check(name, folder, tmp_path):
        rois, contours = plastimatch_contours(only(folder), tmp_path)
        assert [(int(number), label) for number, _, label in rois] == [(one.number, one.name) for one in structures]
        for (_, color, _), structure in zip(rois, structures, strict=True):
            if structure.color is not None:
                assert [int(c) for c in color.split()] == np.clip(structure.color, 0, 255).tolist()
        closed = [points for points in points_of(structures) if len(points) > 4]
        assert len(contours) == len(closed)
        for (_, found), expected in zip(contours, closed, strict=True):
            assert np.abs(found - expected).max() < 1e-5

    return check


def scanned_beam_in_plastimatch(name, folder, tmp_path):
    """It tells what it reads, and stops at a beam without spots."""
    told = run("plastimatch", "convert", "--input", only(folder), "--output-img", tmp_path / "none.mha").stdout
    _, scanned, passive = told.split(">> Adding beam")
    (isocenter,) = re.findall(r"Isocenter: (.*)", scanned)
    assert [float(x) for x in isocenter.split()] == [*IONS.beams[0].isocenter_mm]
    energies = [point.nominal_energy_mev for point in IONS.beams[0].control_points]
    assert [float(energy) for energy in re.findall(r"Energy: (\S+)", scanned)] == energies
    assert [int(count) for count in re.findall(r">> (\d+) spots", scanned)] == [len(s.positions_mm) for s in SPOTS]
    assert "Energy: 290" in passive


def resampled_by_itk(*motions):
    """Images of the day, brought onto the plan by SimpleITK with the matrices that DCMTK reads.

    The anatomy is a closed form; the interpolation of a hill 5 mm wide is good to 4 % of its height.
    """

    def check(name, folder, tmp_path):
        skip_without("DCMTK")
        dataset = dataset_of(dcmtk_json(only(folder)))
        for item, motion in zip(dataset.RegistrationSequence[1:], motions, strict=True):
            stored = item.MatrixRegistrationSequence[0].MatrixSequence[0].FrameOfReferenceTransformationMatrix
            source_to_registered = itk_affine(np.reshape(stored, (4, 4)))
            assert_brings_the_day_onto_the_plan(source_to_registered, motion)

    return check


def assert_brings_the_day_onto_the_plan(source_to_registered, motion: RigidTransform):
    plan = volume_of(motion.to_frame, lambda points: points)
    daily = volume_of(motion.from_frame, motion.points)
    pull = source_to_registered.GetInverse()
    pulled = sitk.Resample(itk_image(daily), itk_image(plan), pull, sitk.sitkLinear, float("nan"))
    found = sitk.GetArrayFromImage(pulled)
    inside = np.isfinite(found)
    assert inside.mean() > 0.4
    assert np.abs(found - plan.voxels)[inside].max() < 40.0
    assert np.abs(daily.voxels - plan.voxels)[inside].max() > 300.0
    wrong_way = sitk.Resample(itk_image(daily), itk_image(plan), source_to_registered, sitk.sitkLinear, 0.0)
    assert np.abs(sitk.GetArrayFromImage(wrong_way) - plan.voxels)[inside].max() > 300.0


def field_in_itk(name, folder, tmp_path):
    """p_source = M_post (M_pre p + d(p)), PS3.3 C.20.3, by SimpleITK with the elements that DCMTK reads."""
    skip_without("DCMTK")
    (step,) = dataset_of(dcmtk_json(only(folder))).DeformableRegistrationSequence
    deform = itk_field(step.DeformableRegistrationGridSequence[0])
    before, after = (
        itk_affine(np.reshape(sequence[0].FrameOfReferenceTransformationMatrix, (4, 4)))
        for sequence in (step.PreDeformationMatrixRegistrationSequence, step.PostDeformationMatrixRegistrationSequence)
    )
    points = FIELD.grid.points(np.random.default_rng(3).uniform(1.0, 8.0, (100, 3)))
    found = [
        after.TransformPoint(np.add(before.TransformPoint(p), np.subtract(deform.TransformPoint(p), p)).tolist())
        for p in points.tolist()
    ]
    assert DEFORMATION.source_points(points) == pytest.approx(np.array(found), abs=1e-4)  # vectors are float32


# -------------------------------------------------------------------------------- no reader


def no_reader_in_itk(name, folder, tmp_path):
    with pytest.raises(RuntimeError, match="Unable to determine ImageIO reader"):
        sitk.ReadImage(str(only(folder)))


def no_reader_in_plastimatch(name, folder, tmp_path):
    done = run("plastimatch", "convert", "--input", only(folder), "--output-img", tmp_path / "none.mha")
    assert done.returncode != 0
    assert "could not load input as any known type" in done.stdout + done.stderr
    assert run("plastimatch", "xf-convert", "--input", only(folder), "--output", tmp_path / "none.tfm").returncode != 0


# -------------------------------------------------------------------------------- the table

CLEAN = Cell("clean", clean)
NO_TABLE = Cell("no table", clean_but("Information Object Not found"))
NEW_WORDS = Cell("clean, but for newer words", clean_but("enumerated value <MLCX", "(0x300a,0x0054)"))
PYDICOM, DCMTK = Cell("same", same_in_pydicom), Cell("same", same_in_dcmtk)
NO_ITK, NO_PLASTIMATCH = Cell("no reader", no_reader_in_itk), Cell("no reader", no_reader_in_plastimatch)
SERIES = (CLEAN, PYDICOM, DCMTK, Cell("same", series_in_itk), Cell("same", series_in_plastimatch))
DOSES = (CLEAN, PYDICOM, DCMTK, Cell("same", dose_in_itk), Cell("same, axes transposed", dose_with_transposed_axes))
PLANS = (NEW_WORDS, PYDICOM, Cell("same", same_but_for_dose_references), NO_ITK, NO_PLASTIMATCH)
PROJECTED = (
    Cell("clean, but for exposures", clean_once_image_type_is_in_the_exposure),
    PYDICOM,
    Cell("same", first_pixel_lies_where_it_lay),
    Cell("same", projection_in_itk),
    Cell("same", projection_in_plastimatch),
)
ELEMENTS = (CLEAN, PYDICOM, DCMTK, NO_ITK, NO_PLASTIMATCH)
UNKNOWN = (NO_TABLE, *ELEMENTS[1:])

ROWS = {
    "CT Image": SERIES,
    "CT Image, de-identified": SERIES,
    "RT Image": PROJECTED,
    "RT Image, plane not normal to the beam": PROJECTED,
    "Segmentation": (
        CLEAN,
        PYDICOM,
        DCMTK,
        Cell("same, one segment", segments_in(lambda path, _: sitk.ReadImage(str(path)))),
        Cell("same, one segment", segments_in(plastimatch_image)),
    ),
    "Surface Scan Mesh": UNKNOWN,
    "Surface Scan Point Cloud": UNKNOWN,
    "RT Structure Set": (*ELEMENTS[:4], Cell("same, closed contours", contours_in_plastimatch(*STRUCTURES))),
    "RT Structure Set, implicit for a long contour": (*ELEMENTS[:4], Cell("same", contours_in_plastimatch(*LONG))),
    "RT Plan": PLANS,
    "RT Plan, new version": PLANS,
    "RT Ion Plan": (*ELEMENTS[:4], Cell("same, scanned beams", scanned_beam_in_plastimatch)),
    "RT Dose with DVH, 16 bits": DOSES,
    "RT Dose with DVH, 32 bits": DOSES,
    "Spatial Registration": (*ELEMENTS[:3], Cell("same, resampled", resampled_by_itk(MOTION)), NO_PLASTIMATCH),
    "Spatial Registration, several images": (
        *ELEMENTS[:3],
        Cell("same, resampled", resampled_by_itk(MOTION, OTHER_MOTION)),
        NO_PLASTIMATCH,
    ),
    "Deformable Spatial Registration": (*ELEMENTS[:3], Cell("same, as a transform", field_in_itk), NO_PLASTIMATCH),
    "Spatial Fiducials": ELEMENTS,
    "RT Beams Treatment Record": ELEMENTS,
    "RT Ion Beams Treatment Record": (
        Cell("clean, but for two words", clean_but("enumerated value <VERIFIED>", "<ModulatedScanModeType>")),
        *ELEMENTS[1:],
    ),
    "RT Beams Delivery Instruction": UNKNOWN,
}
TABLE = {name: dict(zip(PROGRAMS, cells, strict=True)) for name, cells in ROWS.items()}


@pytest.mark.parametrize("peer", PROGRAMS)
@pytest.mark.parametrize("name", TABLE)
def test_what_we_write_is_read_by_others(folder_of, tmp_path, name, peer):
    skip_without(peer)
    TABLE[name][peer].check(name, folder_of(name), tmp_path)


@pytest.mark.parametrize("name", OBJECTS)
def test_deidentified_objects_are_read_the_same_and_no_less_valid(folder_of, tmp_path, name):
    """DCMTK and pydicom agree on every element of the copy; pixels are those of the original."""
    skip_without("DCMTK")
    skip_without("dciodvfy")
    path = next(folder_of(name).iterdir())
    treated(path, tmp_path / "out.dcm")
    assert differences(dcmtk_json(tmp_path / "out.dcm"), pydicom_json(tmp_path / "out.dcm")) == []
    assert set(validated(tmp_path / "out.dcm")) <= set(validated(path))
    original, copy = dcmtk_json(path), dcmtk_json(tmp_path / "out.dcm")
    for tag in PIXELS_AND_PLACES & original.keys():
        assert copy[tag] == original[tag], tag


READ_BACK_BY_US_ALONE = {"write_mr_series", "write_pet_series", "write_ultrasound"}  # of virtual patients


def test_every_writer_and_every_object_has_its_row():
    face = openigrt.dicom
    writers = {name for name in face.__all__ if name.startswith("write_")} | {"new_plan_version", "save_deidentified"}
    assert {written.writer.__name__ for written in OBJECTS.values()} == writers - READ_BACK_BY_US_ALONE
    assert OBJECTS.keys() == TABLE.keys()
