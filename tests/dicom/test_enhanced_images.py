"""Enhanced multi-frame images: SimpleITK (GDCM) and highdicom as oracles; any order, stacks and times apart."""

from datetime import UTC, datetime

import highdicom
import numpy as np
import pydicom
import pytest
import SimpleITK as sitk  # noqa: N813 - the name that its users know
from highdicom.legacy import LegacyConvertedEnhancedCTImage, LegacyConvertedEnhancedMRImage
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydicom.uid import DeflatedExplicitVRLittleEndian, JPEG2000Lossless, JPEGLSLossless, RLELossless
from scipy.spatial.transform import Rotation

from openigrt.dicom import IMAGE_CLASSES, ImageChoice, links_of, read_image_series, scan_folder
from openigrt.errors import (
    AmbiguousInput,
    InconsistentInput,
    MissingInput,
    OpenIgrtError,
    UnreadableFile,
    UnsupportedInput,
)
from openigrt.images import Modality
from tests.dicom.dicom_cases import (
    AXIAL,
    MR,
    ROOT,
    SERIES,
    SliceSeries,
    plan,
    sequence_item,
    structure_set,
    volume,
    write,
)
from tests.dicom.enhanced_cases import ENHANCED_CT, ENHANCED_MR, ENHANCED_PET, Frames, breathing

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning", "ignore::DeprecationWarning")

OBLIQUE = tuple(Rotation.from_euler("zyx", [12.0, -7.0, 25.0], degrees=True).as_matrix().T[:2].ravel())
TEN_PERCENT_STEPS = [0, 10, 20, 30, 40, 50]


def read(folder, words=None):
    (series,) = scan_folder(folder).of_classes(IMAGE_CLASSES)
    return read_image_series(series, choice=ImageChoice.parse(words))


@pytest.mark.parametrize("sop_class", [ENHANCED_CT, ENHANCED_MR, ENHANCED_PET])
@pytest.mark.parametrize("orientation", [AXIAL, (0.0, 1.0, 0.0, 0.0, 0.0, -1.0), OBLIQUE])
def test_geometry_and_voxels_agree_with_itk(tmp_path, sop_class, orientation):
    path = Frames(volume(), orientation=orientation, sop_class=sop_class, rescale=(2, -100)).write(tmp_path)
    image, oracle = read(tmp_path).image, sitk.ReadImage(str(path))
    corners = [(0, 0, 0), (6, 0, 0), (0, 5, 0), (0, 0, 4), (6, 5, 4)]
    expected = [oracle.TransformIndexToPhysicalPoint(corner) for corner in corners]
    assert np.allclose(image.grid.points(corners), expected, atol=1e-4)
    assert np.array_equal(image.voxels, sitk.GetArrayFromImage(oracle).astype(np.float32))
    assert image.modality is {ENHANCED_CT: Modality.CT, ENHANCED_MR: Modality.MR}.get(sop_class, Modality.PET)


def test_geometry_agrees_with_highdicom(tmp_path):
    order = [3, 0, 4, 1, 2]
    places = [Frames(volume(), orientation=OBLIQUE).place(k) for k in order]
    path = Frames(volume()[order], places, orientation=OBLIQUE).write(tmp_path)
    oracle = highdicom.Image.from_dataset(pydicom.dcmread(path)).get_volume()
    image = read(tmp_path).image
    assert image.grid.size == (7, 6, 5)
    expected = oracle.map_indices_to_reference(np.array([[k, j, i] for k in (0, 4) for j in (0, 5) for i in (0, 6)]))
    found = image.grid.points([(i, j, k) for k in (0, 4) for j in (0, 5) for i in (0, 6)])
    flipped = image.grid.points([(i, j, 4 - k) for k in (0, 4) for j in (0, 5) for i in (0, 6)])
    assert np.allclose(found, expected, atol=1e-6) or np.allclose(flipped, expected, atol=1e-6)
    assert np.array_equal(image.voxels, volume())


@pytest.mark.parametrize(("sop_class", "convert"), [("CT", LegacyConvertedEnhancedCTImage), ("MR", None)])
def test_legacy_converted_by_highdicom_is_the_same_volume(tmp_path, sop_class, convert):
    convert = convert or LegacyConvertedEnhancedMRImage
    header = {
        "StudyDate": "20240101",
        "StudyTime": "120000",
        "StudyID": "1",
        "AccessionNumber": "",
        "BodyPartExamined": "",
    }
    header |= {
        "SeriesNumber": 1,
        "Manufacturer": "M",
        "PatientBirthDate": "",
        "PatientSex": "",
        "SeriesDate": "20240101",
    }
    header |= {"ReferringPhysicianName": "", "PositionReferenceIndicator": "", "SliceThickness": 3}
    series = SliceSeries(volume(), header=header, **({"sop_class": MR} if sop_class == "MR" else {}))
    series.write(tmp_path / "slices")
    slices = [pydicom.dcmread(path) for path in sorted((tmp_path / "slices").iterdir())]
    converted = convert(slices, f"{ROOT}.50", 2, f"{ROOT}.51", 1)
    write(converted, tmp_path / "frames" / "one.dcm")
    single, multiple = read(tmp_path / "slices").image, read(tmp_path / "frames").image
    assert single.grid == multiple.grid
    assert np.array_equal(single.voxels, multiple.voxels)
    assert multiple.modality is single.modality


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    angles=st.tuples(*[st.floats(-80.0, 80.0)] * 3),
    order=st.permutations(range(5)),
    parts=st.sampled_from([(5,), (2, 3), (1, 1, 3)]),
)
def test_frames_in_any_order_and_any_number_of_instances_come_back(tmp_path_factory, angles, order, parts):
    rotation = Rotation.from_euler("zyx", angles, degrees=True).as_matrix()
    whole = Frames(volume(), orientation=tuple(rotation.T[:2].ravel()))
    folder, begin = tmp_path_factory.mktemp("frames"), 0
    for n, count in enumerate(parts):
        chosen = order[begin : begin + count]
        places = [whole.place(k) for k in chosen]
        Frames(volume()[chosen], places, orientation=whole.orientation, instance=n + 1).write(folder)
        begin += count
    image = read(folder).image
    assert np.array_equal(image.voxels, volume())
    assert np.allclose(image.grid.points((0, 0, 4)), whole.place(4), atol=1e-6)
    assert set(image.provenance.instance_uids) == {f"{SERIES}.{n + 1}" for n in range(len(parts))}


def test_rescale_of_each_frame(tmp_path):
    def scaled(n):
        return {"PixelValueTransformationSequence": [sequence_item(RescaleSlope=n + 1, RescaleIntercept=-n)]}

    series = Frames(volume(), groups=scaled, shared={"PixelValueTransformationSequence": None})
    series.write(tmp_path)
    factors = np.arange(5, dtype=np.float32)[:, None, None]
    assert np.array_equal(read(tmp_path).image.voxels, volume() * (factors + 1) - factors)


def test_the_file_is_recorded_once_and_the_time_is_that_of_the_first_frame(tmp_path):
    def taken(n):
        return {"FrameAcquisitionDateTime": f"202403010800{50 - n:02d}"}

    path = Frames(volume(), content=taken, header={"TimezoneOffsetFromUTC": "+0100"}).write(tmp_path)
    reading = read(tmp_path)
    assert [file.path for file in reading.inputs] == [path]
    assert reading.image.provenance.acquired_at == datetime(2024, 3, 1, 7, 0, 46, tzinfo=UTC)
    assert reading.image.provenance.instance_uids == (f"{SERIES}.1",)


# -------------------------------------------------------------------------------- several volumes in one object


def phases(folder, **values):
    """Six phases of four slices, the slices of one position beside each other."""
    positions = [Frames(volume()).place(k) for k in range(4) for _ in TEN_PERCENT_STEPS]
    stored = volume(slices=24)
    frames = Frames(stored, positions, groups=lambda n: breathing(TEN_PERCENT_STEPS[n % 6]), **values)
    frames.write(folder)
    return stored.reshape(4, 6, 6, 7)


def test_phases_are_named_and_chosen(tmp_path):
    stored = phases(tmp_path)
    with pytest.raises(
        AmbiguousInput, match=r"6 volumes: 0%, 10%, 20%, 30%, 40%, 50%\. Choose .*--series .*@0%"
    ) as error:
        read(tmp_path)
    assert error.value.facts["phases"] == ["0%", "10%", "20%", "30%", "40%", "50%"]
    for n, percent in enumerate(TEN_PERCENT_STEPS):
        image = read(tmp_path, f"{SERIES}@{percent} %").image
        assert np.array_equal(image.voxels, stored[:, n])
        assert image.provenance.phase.respiratory_percent == percent
    with pytest.raises(MissingInput, match="no phase '60%': it holds 0%, 10%"):
        read(tmp_path, f"{SERIES}@60%")


@pytest.mark.parametrize(
    ("content", "groups", "dimensions", "names"),
    [
        (lambda n: {"StackID": str(n % 2 + 1)}, None, (), ["stack 1", "stack 2"]),
        (lambda n: {"TemporalPositionIndex": n % 2 + 1}, None, (), ["time 1", "time 2"]),
        (lambda n: {"FrameAcquisitionNumber": n % 2 + 1}, None, (), ["acquisition 1", "acquisition 2"]),
        (None, lambda n: {"MREchoSequence": [sequence_item(EffectiveEchoTime=5.0 + n % 2)]}, (), ["echo 5", "echo 6"]),
        (
            lambda n: {"DimensionIndexValues": [1, n + 1, n % 2 + 1]},
            None,
            ("StackID", "InStackPositionNumber", "ContrastBolusAgentNumber"),
            ["ContrastBolusAgentNumber 1", "ContrastBolusAgentNumber 2"],
        ),
    ],
    ids=["stack", "time", "acquisition", "echo", "dimension"],
)
def test_what_tells_volumes_apart(tmp_path, content, groups, dimensions, names):
    positions = [Frames(volume()).place(n // 2) for n in range(8)]
    stored = volume(slices=8)
    Frames(stored, positions, content=content, groups=groups, dimensions=dimensions, sop_class=ENHANCED_MR).write(
        tmp_path
    )
    with pytest.raises(AmbiguousInput, match=f"2 volumes: {names[0]}, {names[1]}"):
        read(tmp_path)
    for n, name in enumerate(names):
        assert np.array_equal(read(tmp_path, f"@{name}").image.voxels, stored[n::2])


def test_an_instance_for_each_phase(tmp_path):
    for n in (1, 2, 3):
        Frames(volume() + 1000 * n, instance=n).write(tmp_path)
    with pytest.raises(AmbiguousInput, match="instance 1, instance 2, instance 3"):
        read(tmp_path)
    assert np.array_equal(read(tmp_path, "@instance 2").image.voxels, volume() + 2000)


def test_two_frames_at_one_place_that_nothing_tells_apart(tmp_path):
    positions = [Frames(volume()).place(max(n - 1, 0)) for n in range(5)]
    Frames(volume(), positions).write(tmp_path)
    with pytest.raises(InconsistentInput, match="Two different slices lie at one position: frame 1 of instance 1"):
        read(tmp_path)


def test_a_copied_file_is_ignored(tmp_path):
    path = Frames(volume()).write(tmp_path)
    (tmp_path / "copy.dcm").write_bytes(path.read_bytes())
    reading = read(tmp_path)
    assert np.array_equal(reading.image.voxels, volume())
    assert any("is a copy of" in m or "a copy of" in m for m in reading.messages)


def test_localizer_frames_are_set_aside(tmp_path):
    def kind(n):
        return {
            "CTImageFrameTypeSequence": [
                sequence_item(FrameType=["ORIGINAL", "PRIMARY", "LOCALIZER" if n == 2 else "AXIAL"])
            ]
        }

    positions = [Frames(volume()).place(k) for k in (0, 1, 1, 2, 3)]
    Frames(volume(), positions, groups=kind, shared={"CTImageFrameTypeSequence": None}).write(tmp_path)
    reading = read(tmp_path)
    assert np.array_equal(reading.image.voxels, volume()[[0, 1, 3, 4]])
    assert any("frame 3 of instance 1" in m and "localizer" in m for m in reading.messages)


# -------------------------------------------------------------------------------- compressed


@pytest.mark.parametrize("syntax", [RLELossless, JPEGLSLossless, JPEG2000Lossless, DeflatedExplicitVRLittleEndian])
@pytest.mark.parametrize("dtype", [np.int16, np.uint16])
def test_compressed_frames_are_those_of_the_uncompressed_twin(tmp_path, syntax, dtype):
    dataset = Frames(volume(rows=40, columns=40).astype(dtype)).dataset()
    if syntax == DeflatedExplicitVRLittleEndian:
        dataset.file_meta.TransferSyntaxUID = syntax
    else:
        dataset.compress(syntax, generate_instance_uid=False)
    write(dataset, tmp_path / "one.dcm")
    assert np.array_equal(read(tmp_path).image.voxels, volume(rows=40, columns=40))


@pytest.mark.parametrize("has_table", [True, False])
def test_frames_in_several_fragments_need_their_table(tmp_path, has_table):
    dataset = Frames(volume(rows=40, columns=40)).dataset()
    dataset.compress(RLELossless, generate_instance_uid=False)
    frames = list(pydicom.encaps.generate_frames(dataset.PixelData, number_of_frames=5))
    dataset.PixelData = pydicom.encaps.encapsulate(frames, fragments_per_frame=2, has_bot=has_table)
    write(dataset, tmp_path / "one.dcm")
    if has_table:
        assert np.array_equal(read(tmp_path).image.voxels, volume(rows=40, columns=40))
    else:
        with pytest.raises(UnreadableFile, match="nothing tells which of its 10 compressed pieces"):
            read(tmp_path)


# -------------------------------------------------------------------------------- what cannot be believed


@pytest.mark.parametrize(
    ("header", "error", "sentence"),
    [
        ({"NumberOfFrames": 1_000_000_000}, OpenIgrtError, "1000000000 frames"),
        (
            {"NumberOfFrames": 1_000_000_000, "Rows": 1, "Columns": 1},
            OpenIgrtError,
            "1000000000 frames|bytes of pixels",
        ),
        ({"NumberOfFrames": -3}, UnreadableFile, "-3 frames"),
        ({"Rows": 65535, "Columns": 65535}, UnreadableFile, "announces 65535 Rows"),
        ({"NumberOfFrames": 4}, InconsistentInput, "announces 4 frames and describes 5"),
        ({"NumberOfFrames": 6}, UnreadableFile, "bytes of pixels and holds"),
        ({"SamplesPerPixel": 3}, UnsupportedInput, "colour"),
    ],
)
def test_bombs_and_contradictions(tmp_path, header, error, sentence):
    Frames(volume(), header=header).write(tmp_path)
    with pytest.raises(error, match=sentence):
        read(tmp_path)


def test_missing_geometry_names_the_frame(tmp_path):
    Frames(volume(), shared={"PlaneOrientationSequence": None}).write(tmp_path)
    with pytest.raises(InconsistentInput, match=r"Frame 1 of .* no usable ImageOrientationPatient"):
        read(tmp_path)
    dataset = Frames(volume()).dataset()
    del dataset.PerFrameFunctionalGroupsSequence[3].PlanePositionSequence
    write(dataset, tmp_path / f"{SERIES}_1.dcm")
    with pytest.raises(InconsistentInput, match=r"Frame 4 of .* no usable ImagePositionPatient"):
        read(tmp_path)


def test_a_missing_frame_is_a_missing_slice(tmp_path):
    Frames(volume()[[0, 1, 3, 4]], [Frames(volume()).place(k) for k in (0, 1, 3, 4)]).write(tmp_path)
    with pytest.raises(InconsistentInput, match=r"1 slice is missing"):
        read(tmp_path)


def test_headers_are_scanned_without_functional_groups(tmp_path):
    Frames(volume()).write(tmp_path)
    (instance,) = scan_folder(tmp_path).instances()
    assert "PerFrameFunctionalGroupsSequence" not in instance.header


def test_a_plan_on_an_enhanced_ct_is_linked(tmp_path):
    Frames(volume()).write(tmp_path)
    write(structure_set(slices=1), tmp_path / "rs.dcm")
    write(plan(), tmp_path / "rp.dcm")
    (planning,) = links_of(scan_folder(tmp_path)).plannings
    assert planning.image.uid == SERIES


@pytest.mark.parametrize("count", [16, 17, 5000])
def test_dimensions_beyond_what_any_image_has(tmp_path, count):
    """Each dimension is looked for in every frame, so that their number is bounded."""
    Frames(np.zeros((4, 3, 4), np.int16), dimensions=("StackID",) * count).write(tmp_path)
    (series,) = scan_folder(tmp_path).series
    if count == 16:
        assert read_image_series(series).image.grid.size == (4, 3, 4)
    else:
        with pytest.raises(UnsupportedInput, match=f"by {count} dimensions; at most 16"):
            read_image_series(series)
