"""Slices to volumes: SimpleITK (GDCM) as the oracle of geometry, and every irregularity that is refused or named."""

from datetime import UTC, datetime

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813 - the name that its users know
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydicom.uid import ExplicitVRBigEndian, ImplicitVRLittleEndian, RLELossless
from scipy.spatial.transform import Rotation

from openigrt.dicom import IMAGE_CLASSES, read_image_series, scan_folder
from openigrt.errors import (
    InconsistentInput,
    MissingInput,
    UnreadableFile,
    UnsupportedInput,
    UnsupportedPatientPosition,
)
from openigrt.geometry import Frame, PatientPosition
from openigrt.images import Modality
from tests.dicom.dicom_cases import AXIAL, CT, FRAME, MR, PET, ROOT, SERIES, SliceSeries, volume, write

VECTORS = ("C-41",)

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:pydicom")


def read(folder):
    (series,) = scan_folder(folder).of_classes(IMAGE_CLASSES)
    return read_image_series(series)


def read_with_itk(folder):
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(folder)))
    return reader.Execute()


def test_voxel_to_patient_as_the_clinical_vector_says(tmp_path, vectors):
    stored = np.zeros((21, 101, 257), dtype=np.int16)
    series = SliceSeries(stored, (-250.0, -250.0, -100.0), AXIAL, (0.9765625, 0.9765625), 3.0)
    grid = read(series.write(tmp_path)).image.grid
    vector = vectors["C-41"]
    assert grid.points((256, 100, 20)) == pytest.approx(vector["expected"], abs=vector["abs_tol"])


@pytest.mark.parametrize(
    "orientation",
    [
        AXIAL,
        (0.0, 1.0, 0.0, 0.0, 0.0, -1.0),
        (-1.0, 0.0, 0.0, 0.0, 1.0, 0.0),
        tuple(Rotation.from_euler("zyx", [12.0, -7.0, 25.0], degrees=True).as_matrix().T[:2].ravel()),
    ],
    ids=["axial", "sagittal", "feet-first", "oblique"],
)
def test_geometry_and_voxels_agree_with_itk(tmp_path, orientation):
    stored = volume()
    SliceSeries(stored, orientation=orientation, pixel_spacing=(2.5, 1.25)).write(tmp_path)
    image, oracle = read(tmp_path).image, read_with_itk(tmp_path)
    corners = [(0, 0, 0), (6, 0, 0), (0, 5, 0), (0, 0, 4), (6, 5, 4)]
    expected = [oracle.TransformIndexToPhysicalPoint(corner) for corner in corners]
    assert np.allclose(image.grid.points(corners), expected, atol=1e-4)
    assert np.array_equal(image.voxels, sitk.GetArrayFromImage(oracle).astype(np.float32))


def test_sorted_by_position_not_by_instance_number(tmp_path):
    stored = volume()

    def renumbered(k, dataset):
        dataset.InstanceNumber = 100 - k

    image = read(SliceSeries(stored).write(tmp_path, renumbered)).image
    assert np.array_equal(image.voxels, stored)
    assert image.provenance.instance_uids == tuple(f"{SERIES}.{k + 1}" for k in range(5))


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    angles=st.tuples(*[st.floats(-80.0, 80.0)] * 3),
    spacing=st.tuples(st.floats(0.3, 5.0), st.floats(0.3, 5.0)),
    step=st.floats(0.5, 8.0),
    data=st.data(),
)
def test_any_orthogonal_volume_in_any_file_order_comes_back(tmp_path_factory, angles, spacing, step, data):
    rotation = Rotation.from_euler("zyx", angles, degrees=True).as_matrix()
    stored = volume(slices=4, rows=2, columns=3)
    order = data.draw(st.permutations(range(4)))
    series = SliceSeries(stored, (5.0, -7.0, 11.0), tuple(rotation.T[:2].ravel()), spacing, step)
    folder = tmp_path_factory.mktemp("series")
    for name, k in enumerate(order):
        write(series.dataset(k), folder / f"{name}.dcm")
    image = read(folder).image
    assert np.array_equal(image.voxels, stored)
    expected = np.array([5.0, -7.0, 11.0]) + rotation @ (np.array([spacing[1], spacing[0], step]) * [2, 1, 3])
    assert np.allclose(image.grid.points((2, 1, 3)), expected, atol=1e-6)


@pytest.mark.parametrize("dtype", [np.int16, np.uint16, np.int8, np.uint8, np.int32, np.uint32])
def test_rescale_of_every_stored_type(tmp_path, dtype):
    stored = (volume() - 100).astype(dtype) if np.dtype(dtype).kind == "i" else volume(dtype=dtype)
    series = SliceSeries(stored, header={"RescaleSlope": "0.5", "RescaleIntercept": "-1000"})
    assert np.array_equal(read(series.write(tmp_path)).image.voxels, stored.astype(np.float32) * 0.5 - 1000)


def test_rescale_of_pet_is_per_slice(tmp_path):
    stored = volume()

    def scaled(k, dataset):
        dataset.RescaleSlope = str(0.5 + k)

    image = read(SliceSeries(stored, sop_class=PET).write(tmp_path, scaled)).image
    assert image.modality is Modality.PET
    assert np.array_equal(image.voxels, stored * (0.5 + np.arange(5))[:, None, None].astype(np.float32))


def test_mr_without_rescale(tmp_path):
    image = read(SliceSeries(volume(), sop_class=MR).write(tmp_path)).image
    assert image.modality is Modality.MR
    assert np.array_equal(image.voxels, volume())


def test_padding_becomes_nan_before_rescale(tmp_path):
    stored = volume()
    stored[:, 0, 0] = -2000
    series = SliceSeries(stored, header={"RescaleIntercept": "-1000"})

    def padded(k, dataset):
        dataset.PixelPaddingValue = -2000

    voxels = read(series.write(tmp_path, padded)).image.voxels
    assert np.isnan(voxels[:, 0, 0]).all()
    assert np.isfinite(voxels).sum() == voxels.size - 5
    assert voxels[0, 0, 1] == -999.0


def test_padding_range_and_a_padding_value_written_with_the_wrong_sign(tmp_path):
    stored = volume().astype(np.uint16) + 100
    stored[:, 1, 1], stored[:, 1, 2] = 63536, 63540

    def padded(k, dataset):
        dataset.add_new("PixelPaddingValue", "SS", -2000)
        dataset.add_new("PixelPaddingRangeLimit", "US", 63540)

    voxels = read(SliceSeries(stored).write(tmp_path, padded)).image.voxels
    assert np.isnan(voxels[:, 1, 1:3]).all()
    assert np.isfinite(voxels).sum() == voxels.size - 10


def test_bits_above_bits_stored_are_no_data(tmp_path):
    stored = volume(dtype=np.uint16)
    with_overlay = stored | 0xA000

    def twelve_bits(k, dataset):
        dataset.BitsStored, dataset.HighBit = 12, 11

    assert np.array_equal(read(SliceSeries(with_overlay).write(tmp_path, twelve_bits)).image.voxels, stored)


def test_twelve_signed_bits_extend_their_sign(tmp_path):
    stored = volume() - 100

    def twelve_bits(k, dataset):
        dataset.BitsStored, dataset.HighBit = 12, 11

    masked = (stored & 0x0FFF).astype(np.int16)
    assert np.array_equal(read(SliceSeries(masked).write(tmp_path, twelve_bits)).image.voxels, stored)


@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, ExplicitVRBigEndian, RLELossless])
def test_transfer_syntaxes(tmp_path, syntax):
    stored = volume()
    series = SliceSeries(stored)
    for k in range(len(stored)):
        dataset = series.dataset(k)
        if syntax == RLELossless:
            dataset.compress(RLELossless, generate_instance_uid=False)
        else:
            dataset.file_meta.TransferSyntaxUID = syntax
            if syntax == ExplicitVRBigEndian:
                dataset.PixelData = stored[k].astype(">i2").tobytes()
        write(dataset, tmp_path / f"{k}.dcm")
    assert np.array_equal(read(tmp_path).image.voxels, stored)


def test_a_length_that_looks_like_a_value_representation(tmp_path):
    stored = volume(2, 33, 257)  # 0x4242 bytes a slice: the letters BB where an explicit element has OW

    def change(k, dataset):
        dataset.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian

    assert (read(SliceSeries(stored).write(tmp_path, change)).image.voxels == stored).all()


def test_missing_slice_is_named(tmp_path):
    folder = SliceSeries(volume(slices=8)).write(tmp_path, lambda k, dataset: k != 3)
    with pytest.raises(InconsistentInput, match=r"1 slice is missing: between slice 3 at .*slice 5 at") as error:
        read(folder)
    assert error.value.facts["gap_mm"] == pytest.approx(6.0)


def test_uneven_spacing_is_named(tmp_path):
    def displaced(k, dataset):
        if k == 4:
            dataset.ImagePositionPatient[2] = "43.0"

    with pytest.raises(InconsistentInput, match=r"unevenly spaced.*slice 5 at"):
        read(SliceSeries(volume()).write(tmp_path, displaced))


def test_positions_rounded_to_a_tenth_of_a_millimetre_are_even(tmp_path):
    def rounded(k, dataset):
        dataset.ImagePositionPatient = [f"{float(x):.1f}" for x in dataset.ImagePositionPatient]

    image = read(SliceSeries(volume(slices=20), step=2.34).write(tmp_path, rounded)).image
    assert image.grid.spacing_mm[2] == pytest.approx(2.34, abs=0.01)


def test_drift_of_the_spacing_is_uneven(tmp_path):
    def drifting(k, dataset):
        dataset.ImagePositionPatient[2] = str(30.0 + 3.0 * k + 0.0015 * k * k)

    with pytest.raises(InconsistentInput, match="unevenly spaced"):
        read(SliceSeries(volume(slices=40)).write(tmp_path, drifting))


def test_copies_are_ignored_with_a_message(tmp_path):
    series = SliceSeries(volume())
    series.write(tmp_path)
    write(series.dataset(2), tmp_path / "copy.dcm")
    reading = read(tmp_path)
    assert np.array_equal(reading.image.voxels, volume())
    assert any("copy" in message and "slice 3" in message for message in reading.messages)


def test_different_slices_at_one_position_are_refused(tmp_path):
    series = SliceSeries(volume())
    series.write(tmp_path)
    other = series.dataset(2)
    other.SOPInstanceUID, other.PixelData = f"{ROOT}.99", bytes(len(other.PixelData))
    write(other, tmp_path / "phase.dcm")
    with pytest.raises(InconsistentInput, match=r"Two different slices lie at one position.*phase\.dcm"):
        read(tmp_path)


def test_gantry_tilt_is_refused_with_its_angle(tmp_path):
    def tilted(k, dataset):
        dataset.ImagePositionPatient[1] = str(-20.0 + 3.0 * k * np.tan(np.deg2rad(12.0)))

    with pytest.raises(InconsistentInput, match=r"gantry tilt of about 12\.0 degrees") as error:
        read(SliceSeries(volume()).write(tmp_path, tilted))
    assert error.value.facts["tilt_deg"] == pytest.approx(12.0, abs=0.01)


@pytest.mark.parametrize(
    ("keyword", "value", "named"),
    [
        ("ImageOrientationPatient", [0, 1, 0, 0, 0, -1], "orientation"),
        ("PixelSpacing", [2.0, 1.1], "pixel spacing"),
        ("FrameOfReferenceUID", f"{ROOT}.77", "frame of reference"),
    ],
)
def test_mixed_geometry_is_refused(tmp_path, keyword, value, named):
    def mixed(k, dataset):
        if k == 3:
            setattr(dataset, keyword, value)

    with pytest.raises(InconsistentInput, match=f"different {named}.*slice 4 at"):
        read(SliceSeries(volume()).write(tmp_path, mixed))


def test_mixed_size_is_refused(tmp_path):
    def mixed(k, dataset):
        if k == 3:
            dataset.Rows, dataset.Columns = dataset.Columns, dataset.Rows

    with pytest.raises(InconsistentInput, match="different size"):
        read(SliceSeries(volume()).write(tmp_path, mixed))


@pytest.mark.parametrize("keyword", ["ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing"])
def test_missing_geometry_names_slice_and_attribute(tmp_path, keyword):
    def without(k, dataset):
        if k == 1:
            delattr(dataset, keyword)

    with pytest.raises(InconsistentInput, match=f"{SERIES}.2 .* no usable {keyword}"):
        read(SliceSeries(volume()).write(tmp_path, without))


def test_impossible_orientation_is_refused(tmp_path):
    series = SliceSeries(volume(), orientation=(1.0, 0.0, 0.0, 0.5, 0.5, 0.0))
    with pytest.raises(InconsistentInput, match="impossible geometry"):
        read(series.write(tmp_path))


@pytest.mark.parametrize("far", ["1.7e308", "1e30"])
def test_slices_beyond_any_room_are_refused(tmp_path, far):
    def change(k, dataset):
        dataset.ImagePositionPatient = [0, 0, ("-" if k else "") + far]

    with pytest.raises(UnreadableFile, match="expected at most 100000"):
        read(SliceSeries(volume(slices=2)).write(tmp_path, change))


def test_localizers_are_set_aside_with_a_message(tmp_path):
    series = SliceSeries(volume())
    series.write(tmp_path)
    localizer = series.dataset(0)
    localizer.SOPInstanceUID = f"{ROOT}.88"
    localizer.ImageType = ["ORIGINAL", "PRIMARY", "LOCALIZER"]
    localizer.ImageOrientationPatient = [1, 0, 0, 0, 0, -1]
    write(localizer, tmp_path / "scout.dcm")
    reading = read(tmp_path)
    assert reading.image.grid.size == (7, 6, 5)
    assert "Set aside scout.dcm: a localizer." in reading.messages


def test_one_slice_is_no_volume(tmp_path):
    with pytest.raises(InconsistentInput, match="one slice position only"):
        read(SliceSeries(volume(slices=1)).write(tmp_path))


@pytest.mark.parametrize(
    ("values", "error", "sentence"),
    [
        ({"Rows": 65535, "Columns": 65535}, UnreadableFile, "announces 65535 Rows"),
        ({"Rows": 8000, "Columns": 8000}, UnreadableFile, "announces 128000000 bytes"),
        ({"Rows": 0}, UnreadableFile, "announces 0 Rows"),
        ({"SamplesPerPixel": 3}, UnsupportedInput, "colour"),
        ({"NumberOfFrames": 7}, UnsupportedInput, "several frames"),
        ({"NumberOfFrames": -1}, UnreadableFile, "announces -1 frames"),
        (
            {"BitsStored": 12, "HighBit": 15},
            UnsupportedInput,
            "stores 12 bits below bit 15 of 16; expected High Bit 11",
        ),
        ({"BitsAllocated": 1}, UnsupportedInput, "1 bits"),
        ({"PhotometricInterpretation": "PALETTE COLOR"}, UnsupportedInput, "PALETTE COLOR"),
        ({"RescaleSlope": "0"}, UnreadableFile, "slope of zero"),
        ({"RescaleSlope": "1e30"}, UnreadableFile, "no image has such values"),
        ({"PixelSpacing": [1, "1e30"]}, UnreadableFile, "a length of 1e\\+30 mm; expected at most 100000"),
        ({"RescaleIntercept": "-1e9"}, UnreadableFile, "no image has such values"),
    ],
)
def test_headers_that_cannot_be_believed(tmp_path, values, error, sentence):
    with pytest.raises(error, match=sentence):
        read(SliceSeries(volume(), header=values).write(tmp_path))


@pytest.mark.parametrize("syntax", ["1.2.840.10008.1.2.4.100", "1.2.3.4", "1.2.840.10008.1.1"])
def test_transfer_syntaxes_that_nobody_decodes(tmp_path, syntax):
    series = SliceSeries(volume())
    for k in range(2):
        dataset = series.dataset(k)
        dataset.compress(RLELossless, generate_instance_uid=False)
        path = write(dataset, tmp_path / f"{k}.dcm")
        path.write_bytes(path.read_bytes().replace(b"1.2.840.10008.1.2.5\0", syntax.encode().ljust(20, b"\0")[:20]))
    with pytest.raises((UnsupportedInput, UnreadableFile)):
        read(tmp_path)


def test_no_pixels(tmp_path):
    def without(k, dataset):
        del dataset.PixelData

    with pytest.raises(MissingInput, match="no pixel data"):
        read(SliceSeries(volume()).write(tmp_path, without))


@pytest.mark.parametrize(
    ("header", "modality"),
    [
        ({"Manufacturer": "Varian Medical Systems", "ManufacturerModelName": "On-Board Imager"}, Modality.CBCT),
        ({"Manufacturer": "Varian Medical Systems", "ManufacturerModelName": "TrueBeam"}, Modality.CBCT),
        ({"Manufacturer": "ELEKTA", "ManufacturerModelName": "XVI"}, Modality.CBCT),
        ({"SeriesDescription": "Aligned resampled CB02"}, Modality.CBCT),
        ({"SeriesDescription": "CBCT Fx 3"}, Modality.CBCT),
        ({"ImageType": ["ORIGINAL", "PRIMARY", "AXIAL", "CBCT"]}, Modality.CBCT),
        ({"Manufacturer": "SIEMENS", "ManufacturerModelName": "SOMATOM Edge Plus"}, Modality.CT),
        ({"Manufacturer": "Philips", "SeriesDescription": "PANCREAS, iDose (3)"}, Modality.CT),
        ({"Manufacturer": "Varian Medical Systems", "ManufacturerModelName": "ARIA RadOnc"}, Modality.CT),
    ],
)
def test_what_is_a_cone_beam_ct(tmp_path, header, modality):
    assert read(SliceSeries(volume(slices=2), header=header).write(tmp_path)).image.modality is modality


def test_provenance(tmp_path):
    header = {
        "Manufacturer": "Maker",
        "ManufacturerModelName": "Model",
        "StationName": "CT1",
        "SeriesDescription": "Planning",
        "PatientPosition": "FFS",
        "AcquisitionDateTime": "20240229235959.500-0130",
    }
    reading = read(SliceSeries(volume(), header=header).write(tmp_path))
    provenance = reading.image.provenance
    assert (provenance.patient_id, provenance.patient_name) == ("P1", "Doe^Jane")
    assert (provenance.manufacturer, provenance.device_model, provenance.station_name) == ("Maker", "Model", "CT1")
    assert (provenance.series_uid, provenance.sop_class_uid) == (SERIES, CT)
    assert provenance.patient_position is PatientPosition.FFS
    assert provenance.acquired_at == datetime(2024, 3, 1, 1, 29, 59, 500000, tzinfo=UTC)
    assert not provenance.is_derived
    assert reading.image.frame == Frame.plan(FRAME)
    assert [len(file.sha256) for file in reading.inputs] == [64] * 5


def test_acquisition_time_takes_the_offset_of_the_object(tmp_path):
    header = {"AcquisitionDate": "20240110", "AcquisitionTime": "080000", "TimezoneOffsetFromUTC": "+0200"}
    provenance = read(SliceSeries(volume(slices=2), header=header).write(tmp_path)).image.provenance
    assert provenance.acquired_at == datetime(2024, 1, 10, 6, tzinfo=UTC)


def test_a_date_without_time_is_no_moment(tmp_path):
    header = {"AcquisitionDate": "20240110", "ContentDate": "20250110", "ContentTime": "080000"}
    derived = header | {"ImageType": ["DERIVED", "SECONDARY"]}
    provenance = read(SliceSeries(volume(slices=2), header=derived).write(tmp_path)).image.provenance
    assert provenance.acquired_at is None
    assert provenance.is_derived


def test_unknown_patient_position_is_refused_and_an_absent_one_is_said(tmp_path):
    with pytest.raises(UnsupportedPatientPosition, match="SITTING"):
        read(SliceSeries(volume(slices=2), header={"PatientPosition": "SITTING"}).write(tmp_path / "sitting"))
    reading = read(SliceSeries(volume(slices=2), header={"PatientPosition": ""}).write(tmp_path / "absent"))
    assert reading.image.provenance.patient_position is None
    assert any("does not say its patient position" in message for message in reading.messages)
