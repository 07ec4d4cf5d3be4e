"""PET headers to uptake: units, times across midnight, makers' private factors, enhanced and converted images."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from pydicom.dataelem import DataElement

from openigrt.dicom import IMAGE_CLASSES, read_image_series, scan_folder
from openigrt.errors import InputError
from openigrt.images import DecayCorrection, Sex, SuvReference, suv_image
from tests.dicom.dicom_cases import PET, SliceSeries, sequence_item, volume
from tests.dicom.enhanced_cases import ENHANCED_PET, Frames

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:pydicom")

F18_S = 6586.2
HEADER = {
    "TimezoneOffsetFromUTC": "+0000",
    "Units": "BQML",
    "DecayCorrection": "START",
    "CorrectedImage": ["DECY", "ATTN", "SCAT"],
    "SeriesDate": "20240301",
    "SeriesTime": "100000",
    "AcquisitionDate": "20240301",
    "AcquisitionTime": "100000",
    "PatientWeight": 80,
    "PatientSize": "1.75",
    "PatientSex": "M",
}
TRACER = {
    "RadionuclideTotalDose": 370e6,
    "RadionuclideHalfLife": F18_S,
    "RadiopharmaceuticalStartTime": "090000.000000",
}


def read(folder, header=None, tracer=None, change=None):
    """A PET series of one value, whose headers are those above with these changes."""
    stored = np.full((5, 4, 4), 5000, dtype=np.int16)
    tracers = [sequence_item(**(TRACER | (tracer or {})))]
    values = HEADER | {"RadiopharmaceuticalInformationSequence": tracers} | (header or {})
    series = SliceSeries(stored, sop_class=PET, header={k: v for k, v in values.items() if v is not None})
    series.write(folder, change)
    (found,) = scan_folder(folder).of_classes(IMAGE_CLASSES)
    return read_image_series(found)


def value_of(reading, reference=SuvReference.BODY_WEIGHT):
    return float(suv_image(reading.image, reading.uptake, reference).voxels[0, 0, 0])


def expected(delay_s, value=5000.0):
    return value * 80_000.0 / (370e6 * 2.0 ** (-delay_s / F18_S))


def test_all_that_the_headers_say(tmp_path):
    reading = read(tmp_path)
    uptake = reading.uptake
    assert (uptake.unit, uptake.decay_correction) == ("BQML", DecayCorrection.START)
    assert uptake.injected_at == datetime(2024, 3, 1, 9, tzinfo=UTC)
    assert (uptake.decay_reference_at, uptake.decay_reference_from) == (
        datetime(2024, 3, 1, 10, tzinfo=UTC),
        "series time",
    )
    assert (uptake.weight_kg, uptake.height_cm, uptake.sex) == (80.0, 175.0, Sex.MALE)
    assert value_of(reading) == pytest.approx(expected(3600.0), rel=1e-6)
    assert reading.messages == ()


def test_other_images_have_no_uptake(tmp_path):
    (series,) = scan_folder(SliceSeries(volume()).write(tmp_path)).of_classes(IMAGE_CLASSES)
    assert read_image_series(series).uptake is None


@pytest.mark.parametrize("stated", [True, False])
def test_injection_before_midnight(tmp_path, stated):
    times = {"SeriesTime": "003000", "AcquisitionTime": "003000"}
    moment = {"RadiopharmaceuticalStartDateTime": "20240229233000"} if stated else {}
    reading = read(tmp_path, times, {"RadiopharmaceuticalStartTime": "233000"} | moment)
    assert reading.uptake.injected_at == datetime(2024, 2, 29, 23, 30, tzinfo=UTC)
    assert value_of(reading) == pytest.approx(expected(3600.0), rel=1e-6)


def test_a_zone_counts_for_every_time(tmp_path):
    reading = read(tmp_path, {"TimezoneOffsetFromUTC": "+0930"}, {"RadiopharmaceuticalStartDateTime": "20240301090000"})
    assert reading.uptake.decay_reference_at == datetime(2024, 3, 1, 0, 30, tzinfo=UTC)
    assert value_of(reading) == pytest.approx(expected(3600.0), rel=1e-6)


def test_the_earliest_acquisition_judges_the_series_time(tmp_path):
    """Beds scanned one after the other: the first begins with the series, wherever its slices lie."""

    def beds(k, dataset):
        dataset.AcquisitionTime = f"10{(7 - 3 * k) % 15:02d}00" if k != 2 else "100000"

    reading = read(tmp_path, change=beds)
    assert reading.uptake.decay_reference_from == "series time"


def test_a_series_made_anew_goes_by_the_time_of_its_first_frame(tmp_path):
    """Frame reference time counts from the start of the scan to where the frame has its average count rate."""
    decay = np.log(2.0) / F18_S
    average_s = np.log(decay * 180.0 / (1.0 - np.exp(-decay * 180.0))) / decay
    header = {"SeriesTime": "150000", "AcquisitionTime": "100500", "ActualFrameDuration": 180_000}
    reading = read(tmp_path, header | {"FrameReferenceTime": 1000.0 * (300.0 + average_s)})
    assert reading.uptake.decay_reference_from == "frame reference time"
    start = datetime(2024, 3, 1, 10, tzinfo=UTC)
    assert abs(reading.uptake.decay_reference_at - start) < timedelta(milliseconds=1)
    assert value_of(reading) == pytest.approx(expected(3600.0), rel=1e-5)


def test_a_series_made_anew_without_frame_times_goes_by_its_first_acquisition(tmp_path):
    reading = read(tmp_path, {"SeriesTime": "150000"})
    assert reading.uptake.decay_reference_from == "first acquisition"
    assert value_of(reading) == pytest.approx(expected(3600.0), rel=1e-6)


@pytest.mark.parametrize(
    ("day", "header", "half_life"),
    [
        ("00010101", {"FrameReferenceTime": 80_000_000, "ActualFrameDuration": 1000}, F18_S),
        ("99991231", {"FrameReferenceTime": 0, "ActualFrameDuration": 80_000_000}, F18_S),
        ("20240301", {"FrameReferenceTime": 0, "ActualFrameDuration": 1000}, "1e-320"),
    ],
)
def test_frame_times_beyond_the_calendar_and_half_lives_of_nothing_count_for_nothing(tmp_path, day, header, half_life):
    times = {"SeriesTime": None, "AcquisitionDate": day, "AcquisitionTime": "000000" if day < "2" else "235959"}
    reading = read(tmp_path, times | header, {"RadionuclideHalfLife": half_life})
    assert reading.uptake.decay_reference_from == "first acquisition"


def test_a_series_time_that_frames_contradict_is_a_doubt(tmp_path):
    header = {"AcquisitionTime": "103000", "FrameReferenceTime": 90_000, "ActualFrameDuration": 180_000}
    (message,) = read(tmp_path, header).messages
    assert "start" in message or "begin the scan" in message
    assert "s apart" in message


def private(group, creator, element, vr, value):
    def change(k, dataset):
        block = dataset.private_block(group, creator, create=True)
        block.add_new(element, vr, value)

    return change


def test_ge_keeps_its_scan_time_in_private(tmp_path):
    change = private(0x0009, "GEMS_PETD_01", 0x0D, "DT", "20240301100000")
    reading = read(tmp_path, {"SeriesTime": "150000", "AcquisitionTime": "101500"}, change=change)
    assert reading.uptake.decay_reference_from == "GE scan time"
    assert value_of(reading) == pytest.approx(expected(3600.0), rel=1e-6)


@pytest.mark.parametrize("vr", ["DS", "UN"])
def test_philips_keeps_factors_in_private(tmp_path, vr):
    value = b"0.0004" if vr == "UN" else "0.0004"
    reading = read(tmp_path, {"Units": "CNTS"}, change=private(0x7053, "Philips PET Private Group", 0x00, vr, value))
    assert value_of(reading) == pytest.approx(2.0, rel=1e-6)
    block = private(0x7053, "Philips PET Private Group", 0x09, "DS", "2.5")
    other = read(tmp_path / "activity", {"Units": "CNTS"}, change=block)
    assert value_of(other) == pytest.approx(expected(3600.0, 2.5 * 5000.0), rel=1e-6)


def test_factors_of_another_creator_are_not_philips(tmp_path):
    reading = read(tmp_path, {"Units": "CNTS"}, change=private(0x7053, "Somebody else", 0x00, "DS", "0.0004"))
    assert reading.uptake.suv_per_count is None


@pytest.mark.parametrize(
    ("units", "suv_type", "stated", "words"),
    [("GML", None, "BW", "SUV by BW"), ("GML", "LBM", "LBM", "SUV by LBM"), ("CM2ML", None, "BSA", "SUV by BSA")],
)
def test_values_that_are_uptake_already_are_said(tmp_path, units, suv_type, stated, words):
    reading = read(tmp_path, {"Units": units, "SUVType": suv_type})
    assert reading.uptake.stated_suv == SuvReference(stated)
    assert any("holds uptake values already" in m and words in m for m in reading.messages)
    assert value_of(reading, SuvReference(stated)) == 5000.0


def test_two_tracers_give_no_suv(tmp_path):
    reading = read(tmp_path, {"RadiopharmaceuticalInformationSequence": [sequence_item(**TRACER)] * 2})
    assert any("names 2 tracers" in message for message in reading.messages)
    with pytest.raises(InputError, match="Radionuclide Total Dose"):
        value_of(reading)


def test_malformed_values_are_one_sentence(tmp_path):
    def broken(k, dataset):
        dataset["PatientWeight"] = DataElement(0x00101030, "LO", "eighty")

    with pytest.raises(InputError, match="PatientWeight"):
        read(tmp_path, change=broken)


def test_enhanced_pet_states_its_own_moment_and_unit(tmp_path):
    tracer = TRACER | {"RadiopharmaceuticalStartDateTime": "20240301090000"}
    header = {"DecayCorrected": "YES", "AttenuationCorrected": "YES", "DecayCorrectionDateTime": "20240301100000"}
    header |= {"RadiopharmaceuticalInformationSequence": [sequence_item(**tracer)], "TimezoneOffsetFromUTC": "+0000"}
    code = sequence_item(CodeValue="Bq/ml", CodingSchemeDesignator="UCUM", CodeMeaning="Bq/ml")
    shared = {"RealWorldValueMappingSequence": [sequence_item(MeasurementUnitsCodeSequence=[code])]}
    stored = np.full((5, 4, 4), 5000, dtype=np.int16)
    Frames(stored, sop_class=ENHANCED_PET, header=header | {"PatientWeight": 80}, shared=shared).write(tmp_path)
    (series,) = scan_folder(tmp_path).of_classes(IMAGE_CLASSES)
    reading = read_image_series(series)
    assert value_of(reading) == pytest.approx(expected(3600.0), rel=1e-6)


def test_a_legacy_conversion_keeps_its_tracer_elsewhere(tmp_path):
    values = {k: v for k, v in HEADER.items() if k not in ("PatientWeight", "PatientSize", "PatientSex")}
    converted = sequence_item(**values, RadiopharmaceuticalInformationSequence=[sequence_item(**TRACER)])
    shared = {"UnassignedSharedConvertedAttributesSequence": [converted]}
    stored = np.full((5, 4, 4), 5000, dtype=np.int16)
    frames = Frames(stored, sop_class=ENHANCED_PET, header={"PatientWeight": 80}, shared=shared)
    frames.write(tmp_path)
    (series,) = scan_folder(tmp_path).of_classes(IMAGE_CLASSES)
    assert value_of(read_image_series(series)) == pytest.approx(expected(3600.0), rel=1e-6)


@pytest.mark.real
@pytest.mark.parametrize("patient", ["STS_001", "STS_002", "STS_003"])
def test_real_pet_says_what_it_is(real_data, patient):
    (series,) = scan_folder(real_data / "sarcoma_ct_pet_mr" / patient / "PET" / "image").of_classes(IMAGE_CLASSES)
    reading = read_image_series(series)
    assert reading.uptake.unit in ("GML", "BQML", "")
