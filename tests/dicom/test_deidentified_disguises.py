"""Text that only passes as a number, a time, a code or the word of a device, and names that are written otherwise."""

import pydicom
import pytest

from openigrt.dicom import Option, Remark, profile_with
from openigrt.dicom.deidentification.deidentified_elements import deidentify
from tests.dicom import dicom_cases as cases
from tests.dicom.deidentification_cases import PSEUDONYMS, element, file_of, item, name, treated

pytestmark = pytest.mark.filterwarnings("ignore")

SENTENCE = b"SECRET^NAME born 7 July 1977 in her town"


@pytest.mark.parametrize(
    ("tag", "vr", "value"),
    [
        (0x00281053, "DS", b"1960-02-03"),
        (0x00281053, "DS", b"03.02.1960"),
        (0x00281053, "DS", b"1.5\\089 4140 4500 "),
        (0x00281053, "DS", b"e"),
        (0x00200013, "IS", b"12345678901234567890"),
        (0x00200013, "IS", b"089 4140"),
        (0x00080030, "TM", b"19600203"),
        (0x00080030, "TM", b"12:34:5678"),
        (0x0008002A, "DT", b"1960020312345678901 "),
        (0x00080060, "CS", b"ST MARYS HOSPITAL CHELSEA"),
        (0x00080060, "CS", b"0891234567"),
    ],
)
def test_phones_dates_and_records_in_place_of_numbers_times_and_codes_go(tmp_path, tag, vr, value):
    source = tmp_path / "in.dcm"
    source.write_bytes(file_of(element(tag, vr, value)))
    _, remarks = treated(source, tmp_path / "out.dcm")
    left = pydicom.dcmread(tmp_path / "out.dcm")[tag].value
    assert left in ("", None, "REMOVED")
    assert set(remarks) <= {(what, pydicom.datadict.keyword_for_tag(tag)) for what in Remark}
    assert remarks


@pytest.mark.parametrize(
    ("tag", "vr", "value"),
    [
        (0x00281053, "DS", b"-1.5\\+.5e-3 \\\\ 12."),
        (0x00281053, "DS", b"0.12345678901234567890 \0"),
        (0x00200013, "IS", b" -7 "),
        (0x00080030, "TM", b"235960.123456 "),
        (0x00080030, "TM", b"09:30\\08"),
        (0x00080008, "CS", b"ORIGINAL\\PRIMARY\\CT_SOM5 SPI "),
    ],
)
def test_numbers_times_and_codes_stay_to_the_byte(tmp_path, tag, vr, value):
    source = tmp_path / "in.dcm"
    source.write_bytes(file_of(element(tag, vr, value)))
    content, remarks = treated(source, tmp_path / "out.dcm")
    assert value in content
    assert not remarks


@pytest.mark.parametrize("value", [b"M" + name() + b"x", b"Maker\r\nDr Secret SECRET", b"by Dr SECRET " + b"x" * 60])
def test_a_kept_text_that_no_device_writes_is_cleaned(tmp_path, value):
    """A wrong length swallows the elements that follow, with the name in them."""
    source = tmp_path / "in.dcm"
    code = element(0x00080100, "SH", value) + element(0x00080102, "SH", b"DCM ") + element(0x00080104, "LO", value)
    source.write_bytes(file_of(element(0x00081090, "LO", value) + element(0x00082218, "SQ", item(code))))
    assert b"SECRET" not in treated(source, tmp_path / "out.dcm")[0]


@pytest.mark.parametrize("value", [b"SECRET", b"CT1 SECRET", b"M" + name() + b"x"])
def test_names_of_stations_that_are_kept_name_no_patient(tmp_path, value):
    source = tmp_path / "in.dcm"
    source.write_bytes(file_of(element(0x00080055, "AE", value) + name()))
    content, _ = treated(source, tmp_path / "out.dcm", {Option.DEVICE})
    assert b"SECRET" not in content


@pytest.mark.parametrize(
    ("patient", "text", "left"),
    [
        ("Wang^XiaoDong=王^小东", "王小东医院", "医院"),
        ("Yamada^Tarou=山田^太郎", "Yamadatarou 山田様", "様"),
        ("Hong^Gildong=홍^길동", "홍길동병원 홍", "병원"),
        ("Straßer^Jö", "STRASSER JOSTRASSER V2", "V2"),
        ("Müller".encode().decode("latin-1"), "MUELLER V2", "V2"),
        ("Phil^Ann", "Philips annphil", "Philips"),
    ],
)
def test_the_own_name_is_found_without_gaps_and_in_other_spellings(patient, text, left):
    made = cases.dicom_object(cases.CT, "1.2.3", SpecificCharacterSet="ISO_IR 192", PatientName=patient)
    made.SoftwareVersions = text
    deidentify(made, profile_with(), PSEUDONYMS)
    assert made.SoftwareVersions == left


def test_sentences_in_tables_go_and_ramps_stay(tmp_path):
    ramps = bytes(range(256)), b"".join(n.to_bytes(2, "little") for n in range(0x1F00, 0x8000))
    for n, table in enumerate((*ramps, b"\1\0" + SENTENCE)):
        source = tmp_path / f"in{n}.dcm"
        source.write_bytes(file_of(element(0x00281201, "OW", table)))
        content, remarks = treated(source, tmp_path / "out.dcm")
        assert (table in content) is (n < len(ramps)) is not bool(remarks)
