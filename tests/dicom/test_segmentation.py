"""Segmentations: read from objects of others and of highdicom, written, valid, laid on the grid of their image."""

from copy import deepcopy

import highdicom
import numpy as np
import pytest
from pydicom import dcmread
from pydicom.data import get_testdata_file
from scipy.spatial.transform import Rotation

from openigrt.dicom import instance_uids, read_object, read_segmentation, save, write_segmentation
from openigrt.errors import (
    FrameMismatch,
    InconsistentInput,
    InvalidGeometry,
    MissingInput,
    UnreadableFile,
    UnsupportedInput,
)
from openigrt.geometry import Frame, Grid
from openigrt.images import Code, Image, Mask, Modality, Provenance, Segment
from tests.dicom.dicom_cases import CT, ROOT, RTPLAN, SliceSeries, dicom_object, volume
from tests.dicom.writing_cases import requires_dciodvfy, series_header, validated

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")

FRAME = Frame.plan(f"{ROOT}.110")
TISSUE = Code("85756007", "SCT", "Tissue")
LIVER = Code("10200004", "SCT", "Liver")
OBLIQUE = Rotation.from_euler("zyx", [20.0, 10.0, -15.0], degrees=True).as_matrix()


def grid(direction=OBLIQUE, slices=6):
    return Grid(FRAME, [-10.0, -20.0, 30.0], [1.25, 2.5, 3.0], direction, (7, 5, slices))


def image(direction=OBLIQUE):
    provenance = Provenance(
        study_uid=series_header("111").study.uid,
        series_uid=f"{ROOT}.112",
        instance_uids=instance_uids(f"{ROOT}.112", 6),
        sop_class_uid=CT,
    )
    return Image(np.zeros((6, 5, 7), np.float32), grid(direction), Modality.CT, provenance)


def segments(direction=OBLIQUE):
    """Two that overlap; no slice is full and the outer ones are empty."""
    one, two = np.zeros((2, 6, 5, 7), bool)
    one[1:4, 1:3, 2:6] = True
    two[3:5, 2, 0] = two[4, 4, 6] = True
    return tuple(
        Segment(n, label, Mask(voxels, grid(direction)), TISSUE, LIVER, algorithm)
        for n, label, voxels, algorithm in ((1, "Liver", one, ""), (2, "Rest", two, "Threshold"))
    )


def written(path, direction=OBLIQUE):
    save(write_segmentation(segments(direction), image(direction), series_header("111"), f"{ROOT}.113"), path)
    return path


# -------------------------------------------------------------------------------- written and read again


@pytest.mark.parametrize("mirror", [1.0, -1.0], ids=["right-handed", "left-handed"])
def test_masks_come_back_on_the_grid_of_their_image(tmp_path, mirror):
    direction = OBLIQUE * np.array([1.0, 1.0, mirror])
    read, messages = read_segmentation(read_object(written(tmp_path / "seg.dcm", direction))[0])
    assert messages == ()
    for found, original in zip(read, segments(direction), strict=True):
        assert (found.label, found.algorithm) == (original.label, original.algorithm)
        assert (found.category, found.kind, found.fractions) == (TISSUE, LIVER, None)
        assert found.mask.grid.size == (7, 5, 4)  # empty planes are not stored
        laid = found.mask.laid_on(grid(direction))
        assert np.array_equal(laid.voxels, original.mask.voxels)
        assert laid.grid == grid(direction)


@requires_dciodvfy
def test_dciodvfy_finds_no_errors(tmp_path):
    path = written(tmp_path / "seg.dcm")
    assert validated(path) == []
    dataset = dcmread(path)
    assert "research only" in dataset.SeriesDescription
    assert dataset.PatientID == "P1"


def test_pydicom_alone_finds_each_plane_where_it_was(tmp_path):
    dataset = dcmread(written(tmp_path / "seg.dcm"))
    frames = dataset.pixel_array
    expected = {segment.number: segment.mask.voxels for segment in segments()}
    for frame, group in zip(frames, dataset.PerFrameFunctionalGroupsSequence, strict=True):
        number = group.SegmentIdentificationSequence[0].ReferencedSegmentNumber
        position = np.array(group.PlanePositionSequence[0].ImagePositionPatient, dtype=float)
        i, j, k = np.rint(grid().indices(position)).astype(int)
        assert (i, j) == (0, 0)
        assert np.array_equal(frame.astype(bool), expected[number][k])


def test_what_cannot_be_written_is_refused():
    (one, two), header = segments(), series_header("111")
    with pytest.raises(MissingInput, match="one segment at least"):
        write_segmentation((), image(), header, "1.2.3")
    empty = Segment(1, "Empty", Mask(np.zeros((6, 5, 7), bool), grid()), TISSUE, LIVER)
    with pytest.raises(MissingInput, match="none of them empty"):
        write_segmentation((one, empty), image(), header, "1.2.3")
    with pytest.raises(UnsupportedInput, match="'Liver' needs the codes"):
        write_segmentation((Segment(1, "Liver", one.mask),), image(), header, "1.2.3")
    elsewhere = Segment(1, "Off", Mask(one.mask.voxels, grid(np.eye(3))), TISSUE, LIVER)
    with pytest.raises(InconsistentInput, match="'Off' does not lie on the grid"):
        write_segmentation((elsewhere,), image(), header, "1.2.3")
    with pytest.raises(MissingInput, match="refers to slices by UID"):
        write_segmentation((two,), Image(image().voxels, grid(), Modality.CT), header, "1.2.3")


# -------------------------------------------------------------------------------- masks on grids


def test_a_mask_is_laid_on_its_lattice_and_nowhere_else():
    mask = segments()[0].mask
    part = Grid(FRAME, grid().points((0, 0, 1)), grid().spacing_mm, grid().direction, (7, 5, 3))
    smaller = Mask(mask.voxels[1:4], part)
    assert np.array_equal(smaller.laid_on(grid()).voxels, mask.voxels)
    backward = Grid(FRAME, grid().points((0, 0, 3)), part.spacing_mm, part.direction * [1.0, 1.0, -1.0], (7, 5, 3))
    assert np.array_equal(Mask(mask.voxels[3:0:-1], backward).laid_on(grid()).voxels, mask.voxels)
    half = Grid(FRAME, grid().points((0.5, 0, 1)), grid().spacing_mm, grid().direction, (7, 5, 3))
    with pytest.raises(InvalidGeometry, match=r"0\.5 of a voxel"):
        Mask(mask.voxels[1:4], half).laid_on(grid())
    coarse = Grid(FRAME, part.origin_mm, part.spacing_mm * [2.0, 1.0, 1.0], part.direction, part.size)
    with pytest.raises(InvalidGeometry, match="does not lie on another"):
        Mask(mask.voxels[1:4], coarse).laid_on(grid())
    with pytest.raises(InvalidGeometry, match="beyond its edge"):
        mask.laid_on(Grid(FRAME, part.origin_mm, part.spacing_mm, part.direction, (7, 5, 2)))
    with pytest.raises(FrameMismatch):
        mask.laid_on(Grid(Frame.daily("1.2"), [0.0] * 3, [1.0] * 3, np.eye(3), (7, 5, 6)))


# -------------------------------------------------------------------------------- objects of others


def made_by_highdicom(pixels, kind, **values):
    """A Segmentation of axial slices by highdicom alone."""
    series = SliceSeries(volume(slices=len(pixels), rows=pixels.shape[1], columns=pixels.shape[2]))
    sources = [series.dataset(k) for k in range(len(pixels))]
    for source in sources:
        source.StudyDate = source.StudyTime = source.StudyID = source.AccessionNumber = source.PatientBirthDate = ""
        source.ReferringPhysicianName = source.PatientSex = source.PositionReferenceIndicator = ""
        source.SliceThickness = 3.0
    concepts = [highdicom.sr.CodedConcept(code.value, code.scheme, code.meaning) for code in (TISSUE, LIVER)]
    described = [
        highdicom.seg.SegmentDescription(n, f"S{n}", *concepts, algorithm_type="MANUAL")
        for n in values.pop("numbers", (1,))
    ]
    return highdicom.seg.Segmentation(
        source_images=sources,
        pixel_array=pixels,
        segmentation_type=kind,
        segment_descriptions=described,
        series_instance_uid=f"{ROOT}.120",
        series_number=1,
        sop_instance_uid=f"{ROOT}.121",
        instance_number=1,
        manufacturer="Somebody",
        manufacturer_model_name="Else",
        software_versions="1",
        device_serial_number="1",
        **values,
    )


def test_fractions_are_kept_and_their_half_is_the_mask():
    pixels = np.linspace(0.0, 1.0, 4 * 5 * 6).reshape(4, 5, 6)
    dataset = made_by_highdicom(pixels, "FRACTIONAL", fractional_type="OCCUPANCY", max_fractional_value=200)
    (found,), messages = read_segmentation(dataset)
    assert found.fractions == pytest.approx(pixels, abs=0.5 / 200)
    assert np.array_equal(found.mask.voxels, np.rint(pixels * 200) >= 100)
    assert messages == ("The segments hold occupancy; their masks are what is at least half.",)


def test_a_label_map():
    pixels = np.random.default_rng(3).integers(0, 4, (4, 5, 6)).astype(np.uint8)
    dataset = made_by_highdicom(pixels, "LABELMAP", numbers=(1, 2, 3))
    found, _ = read_segmentation(dataset)
    expected = SliceSeries(volume(slices=4))
    for segment in found:
        assert np.array_equal(segment.mask.voxels, pixels == segment.number)
        assert segment.mask.grid.origin_mm == pytest.approx(expected.position(0))
        assert segment.mask.grid.spacing_mm == pytest.approx([1.0, 2.0, 3.0])


def test_the_liver_of_pydicom():
    """One axial plane by another maker, cut from a stack of three whose positions are still there: refused as it is."""
    dataset = dcmread(get_testdata_file("liver_1frame.dcm", download=False))
    with pytest.raises(InconsistentInput, match="of each of its 1 frames"):
        read_segmentation(dataset)
    dataset.PerFrameFunctionalGroupsSequence = dataset.PerFrameFunctionalGroupsSequence[:1]
    (found,), _ = read_segmentation(dataset)
    assert (found.label, found.kind) == ("Liver", Code("T-62000", "SRT", "Liver"))
    assert np.array_equal(found.mask.voxels[0], dataset.pixel_array.astype(bool))
    assert found.mask.grid.points((0, 0, 0)) == pytest.approx([-235.2, -226.8, -128.69], abs=0.01)


# -------------------------------------------------------------------------------- what cannot be


def small(**values):
    """A valid Segmentation with elements changed; None takes one away."""
    dataset = made_by_highdicom(np.ones((3, 4, 5), np.uint8), "BINARY")
    for keyword, value in values.items():
        if value is None:
            delattr(dataset, keyword)
        else:
            setattr(dataset, keyword, value)
    return dataset


@pytest.mark.parametrize(
    ("values", "error", "said"),
    [
        ({"SegmentSequence": []}, UnsupportedInput, "0 segments"),
        ({"NumberOfFrames": 2_000_000_000}, UnsupportedInput, "on 2000000000 frames"),
        ({"Rows": 65535, "Columns": 65535}, UnsupportedInput, "at most 1073741824 pixels"),
        ({"Rows": 0}, UnsupportedInput, "0 rows"),
        ({"NumberOfFrames": 2}, InconsistentInput, "of each of its 2 frames"),
        ({"TotalPixelMatrixColumns": 100}, UnsupportedInput, "is tiled"),
        ({"FrameOfReferenceUID": ""}, InconsistentInput, "no Frame of Reference UID"),
        ({"PixelData": b"\1"}, UnreadableFile, "cannot be read"),
        ({"SegmentationType": "SURPRISE"}, UnreadableFile, "cannot be read"),
        ({"DimensionIndexSequence": None}, UnreadableFile, "cannot be read"),
    ],
)
def test_what_cannot_be_is_refused_by_name(values, error, said):
    with pytest.raises(error, match=said):
        read_segmentation(small(**values))


def test_planes_far_apart_allocate_nothing():
    """Two planes 1 mm apart and one 100 km away announce a volume of a hundred million planes."""
    dataset = small()
    for group, z in zip(dataset.PerFrameFunctionalGroupsSequence, (0, 1, 100_000_000), strict=True):
        group.PlanePositionSequence[0].ImagePositionPatient = [0, 0, z]
    for group in dataset.SharedFunctionalGroupsSequence:
        group.PixelMeasuresSequence[0].SpacingBetweenSlices = 1
    with pytest.raises((UnsupportedInput, InconsistentInput)):
        read_segmentation(dataset)


def test_uneven_planes_are_refused():
    dataset = small()
    for group, z in zip(dataset.PerFrameFunctionalGroupsSequence, (0, 3, 7.3), strict=True):
        group.PlanePositionSequence[0].ImagePositionPatient = [0, 0, z]
    with pytest.raises(InconsistentInput, match="no stack of evenly spaced"):
        read_segmentation(dataset)


def test_other_objects_are_refused():
    with pytest.raises(UnsupportedInput, match="no Segmentation"):
        read_segmentation(dicom_object(RTPLAN, "1.2.3"))
    with pytest.raises(UnsupportedInput, match="0 segments"):
        read_segmentation(dicom_object("1.2.840.10008.5.1.4.1.1.66.4", "1.2.3", NumberOfFrames=1, Rows=1, Columns=1))


def test_segments_that_share_a_number_are_refused():
    """Frames name a segment by its number alone (PS3.3 C.8.20.2): of two with one number neither is known."""
    dataset = small()
    dataset.SegmentSequence.append(deepcopy(dataset.SegmentSequence[0]))
    dataset.SegmentSequence[1].SegmentLabel = "another"
    with pytest.raises(InconsistentInput, match=r"several segments under one number \(1\)"):
        read_segmentation(dataset)
