"""De-identification of one file: pixels byte for byte, no object less valid, damage refused, nothing half written."""

import struct
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.data import get_testdata_file

from openigrt.dicom import Doubt, Option, Pseudonyms, Remark, deidentified_file, doubts_about, profile_with
from openigrt.dicom.deidentification.deidentified_elements import deidentify
from openigrt.errors import OpenIgrtError, UnreadableFile
from tests.dicom import dicom_cases as cases
from tests.dicom.deidentification_cases import PSEUDONYMS, element, file_of, item, treated
from tests.dicom.writing_cases import requires_dciodvfy, validated

pytestmark = pytest.mark.filterwarnings("ignore")


PIXEL_FILES = [
    *("CT_small.dcm", "MR_small_implicit.dcm", "MR_small_bigendian.dcm", "MR_small_RLE.dcm", "JPEG2000.dcm"),
    *(
        "JPEGLSNearLossless_16.dcm",
        "SC_rgb_rle_2frame.dcm",
        "rtdose_rle.dcm",
        "rtdose_expb.dcm",
        "SC_rgb_small_odd.dcm",
    ),
    *("SC_rgb_jpeg_dcmtk.dcm", "JPEG2000-embedded-sequence-delimiter.dcm", "examples_palette.dcm"),
    "liver_expb_1frame.dcm",
]


@pytest.mark.parametrize("test_file", PIXEL_FILES)
def test_pixels_are_carried_over_byte_for_byte(tmp_path, test_file):
    source = get_testdata_file(test_file)
    treated(source, tmp_path / "out.dcm")
    original, new = pydicom.dcmread(source), pydicom.dcmread(tmp_path / "out.dcm")
    assert new.file_meta.TransferSyntaxUID == original.file_meta.TransferSyntaxUID
    if "JPEG2000" in test_file:  # the comment of the coder is made zero, in its place
        assert b"Kakadu" in original.PixelData
        assert b"Kakadu" not in new.PixelData
        assert len(new.PixelData) == len(original.PixelData)
        if test_file == "JPEG2000.dcm":  # the other one is made so that no decoder reads it
            assert np.array_equal(new.pixel_array, original.pixel_array)
    else:
        assert new.PixelData == original.PixelData
    assert new.file_meta.MediaStorageSOPInstanceUID == new.SOPInstanceUID == PSEUDONYMS.uid(original.SOPInstanceUID)
    assert new.PatientID.startswith("OPENIGRT-")


def test_pixels_in_real_numbers_are_carried_over(tmp_path):
    source = tmp_path / "in.dcm"
    source.write_bytes(file_of(element(0x7FE00008, "OF", struct.pack("<2f", 1.5, -2.5))))
    treated(source, tmp_path / "out.dcm")
    assert pydicom.dcmread(tmp_path / "out.dcm").FloatPixelData == struct.pack("<2f", 1.5, -2.5)


def test_bytes_behind_the_picture_are_cut_off(tmp_path):
    made = cases.SliceSeries(cases.volume()).dataset(0)
    whole = made.PixelData
    made.PixelData = whole + b"SECRET^NAME "
    content, remarks = treated(cases.write(made, tmp_path / "in.dcm"), tmp_path / "out.dcm")
    assert b"SECRET" not in content
    assert pydicom.dcmread(tmp_path / "out.dcm").PixelData == whole
    assert remarks[Remark.BEHIND_PIXELS, ""] == 1


def with_frame(test_file, change, target):
    """A compressed test file of one frame whose stream is changed."""
    dataset = pydicom.dcmread(get_testdata_file(test_file))
    (frame,) = pydicom.encaps.generate_frames(dataset.PixelData, number_of_frames=1)
    dataset.PixelData = pydicom.encaps.encapsulate([change(frame)])
    dataset.save_as(target)
    return dataset


JPEG_SEGMENT = b"\x00\x10" + b"SECRET^NAME...".ljust(14)
HIDDEN = {
    "JPEG comment": ("SC_rgb_jpeg_dcmtk.dcm", lambda f: f[:2] + b"\xff\xfe" + JPEG_SEGMENT + f[2:]),
    "JPEG application": ("SC_rgb_jpeg_dcmtk.dcm", lambda f: f[:2] + b"\xff\xe1" + JPEG_SEGMENT + f[2:]),
    "no JFIF": ("SC_rgb_jpeg_dcmtk.dcm", lambda f: f[:2] + b"\xff\xe0" + JPEG_SEGMENT + f[2:]),
    "behind JPEG": ("SC_rgb_jpeg_dcmtk.dcm", lambda f: f + b"SECRET"),
    "JPEG-LS comment": ("JPEGLSNearLossless_16.dcm", lambda f: f[:2] + b"\xff\xfe" + JPEG_SEGMENT + f[2:]),
    "behind JPEG 2000": ("JPEG2000.dcm", lambda f: f + b"SECRET"),
    "behind RLE": ("MR_small_RLE.dcm", lambda f: f + b"SECRET"),
    "RLE offsets": ("MR_small_RLE.dcm", lambda f: f[:50] + b"SECRET" + f[56:]),
}


@pytest.mark.parametrize("place", HIDDEN)
def test_text_in_compressed_pixels_is_made_zero_and_no_pixel_changes(tmp_path, place):
    test_file, change = HIDDEN[place]
    original = with_frame(test_file, change, tmp_path / "in.dcm")
    assert b"SECRET" in original.PixelData
    content, remarks = treated(tmp_path / "in.dcm", tmp_path / "out.dcm")
    assert b"SECRET" not in content
    assert remarks[Remark.BLANKED, ""] == 1
    new = pydicom.dcmread(tmp_path / "out.dcm")
    assert np.array_equal(new.pixel_array, pydicom.dcmread(get_testdata_file(test_file)).pixel_array)


def with_a_segment_more(frame):
    """An RLE frame with text in a segment that no plane of the picture asks for."""
    count, *offsets = struct.unpack("<16I", frame[:64])
    offsets[count] = len(frame)
    return struct.pack("<16I", count + 1, *offsets) + frame[64:] + b"\x05SECRET" + b"\x81\0" * 64


STRANGE = {
    "before JPEG": ("SC_rgb_jpeg_dcmtk.dcm", lambda f: b"SECRET" + f),
    "JPEG segment of nobody": ("SC_rgb_jpeg_dcmtk.dcm", lambda f: f[:2] + b"\xff\xf0" + JPEG_SEGMENT + f[2:]),
    "JPEG number of lines": ("SC_rgb_jpeg_dcmtk.dcm", lambda f: f[:2] + b"\xff\xdc" + JPEG_SEGMENT + f[2:]),
    "JPEG-LS parameters": ("JPEGLSNearLossless_16.dcm", lambda f: f[:2] + b"\xff\xf8" + JPEG_SEGMENT + f[2:]),
    "JPEG 2000 segment of nobody": ("JPEG2000.dcm", lambda f: f[:2] + b"\xff\x30" + JPEG_SEGMENT + f[2:]),
    "RLE segment": ("MR_small_RLE.dcm", with_a_segment_more),
}


@pytest.mark.parametrize("place", STRANGE)
def test_streams_that_cannot_be_looked_into_call_a_person(tmp_path, place):
    test_file, change = STRANGE[place]
    with_frame(test_file, change, tmp_path / "in.dcm")
    _, remarks = treated(tmp_path / "in.dcm", tmp_path / "out.dcm")
    assert remarks[Remark.UNSEEN_PIXELS, ""] == 1


@pytest.mark.parametrize("fragments", [(b"NAME", 1), (b"", 2)], ids=["table of offsets", "a frame more than announced"])
def test_other_fragments_than_announced_call_a_person(tmp_path, fragments):
    table, count = fragments
    dataset = pydicom.dcmread(get_testdata_file("MR_small_RLE.dcm"))
    (frame,) = pydicom.encaps.generate_frames(dataset.PixelData, number_of_frames=1)
    dataset.PixelData = b"".join(map(item, (table, *[frame] * count)))
    dataset.save_as(tmp_path / "in.dcm")
    _, remarks = treated(tmp_path / "in.dcm", tmp_path / "out.dcm")
    assert remarks[Remark.UNSEEN_PIXELS, ""] == 1


def test_a_deflated_object_is_written_inflated(tmp_path):
    source = get_testdata_file("image_dfl.dcm")
    treated(source, tmp_path / "out.dcm")
    original, new = pydicom.dcmread(source), pydicom.dcmread(tmp_path / "out.dcm")
    assert new.file_meta.TransferSyntaxUID == pydicom.uid.ExplicitVRLittleEndian
    assert new.PixelData == original.PixelData


def test_pixels_that_are_not_whole_are_refused_and_nothing_is_left(tmp_path):
    whole = Path(get_testdata_file("MR_small_RLE.dcm")).read_bytes()
    start = whole.index(b"\xe0\x7f\x10\x00")
    for end in (start + 16, start + 200, len(whole) - 600):
        (tmp_path / "in.dcm").write_bytes(whole[:end])
        with pytest.raises(UnreadableFile, match="truncated"):
            treated(tmp_path / "in.dcm", tmp_path / "out.dcm")
    (tmp_path / "in.dcm").write_bytes(whole[: start + 12] + b"no fragments at all")
    with pytest.raises(UnreadableFile, match="fragments"):
        treated(tmp_path / "in.dcm", tmp_path / "out.dcm")
    assert [path.name for path in tmp_path.iterdir()] == ["in.dcm"]


def test_the_same_key_gives_the_same_bytes(tmp_path):
    source = get_testdata_file("CT_small.dcm")
    once, _ = treated(source, tmp_path / "once.dcm")
    again, _ = treated(source, tmp_path / "again.dcm")
    other, _ = treated(source, tmp_path / "other.dcm", pseudonyms=Pseudonyms(bytes(32)))
    assert once == again != other


def test_numbers_keep_their_text(tmp_path):
    """Positions and matrices are the same characters as before, so no geometry moves by a rounding."""
    made = cases.SliceSeries(cases.volume(), origin=(-1.23456789012, 2.0, 3.3333333333)).dataset(0)
    treated(cases.write(made, tmp_path / "in.dcm"), tmp_path / "out.dcm")
    before, after = (pydicom.dcmread(tmp_path / file, stop_before_pixels=True) for file in ("in.dcm", "out.dcm"))
    for keyword in ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "RescaleSlope"):
        assert before.get_item(keyword).value == after.get_item(keyword).value
    assert np.array_equal(before.ImagePositionPatient, after.ImagePositionPatient)


IOD_FILES = [
    *("CT_small.dcm", "MR_small.dcm", "rtplan.dcm", "rtstruct.dcm", "rtdose.dcm", "liver_1frame.dcm", "SC_rgb_rle.dcm"),
]


@requires_dciodvfy
@pytest.mark.parametrize("options", [(), tuple(Option)], ids=["plain", "everything kept"])
@pytest.mark.parametrize("test_file", IOD_FILES)
def test_no_object_becomes_less_valid(tmp_path, test_file, options):
    source = get_testdata_file(test_file)
    treated(source, tmp_path / "out.dcm", options)
    assert set(validated(tmp_path / "out.dcm")) <= set(validated(source))


# -------------------------------------------------------------------------------- who may be recognized


def doubts(dataset):
    remarks = deidentify(dataset, profile_with(), PSEUDONYMS)
    return doubts_about(dataset, remarks, profile_with())


SC, US, SURFACE, REPORT = (f"1.2.840.10008.5.1.4.1.1.{n}" for n in ("7", "6.1", "68.1", "88.11"))


@pytest.mark.parametrize(
    ("sop_class", "values", "expected"),
    [
        (cases.CT, {"BodyPartExamined": "HEAD"}, {Doubt.FACE}),
        (cases.CT, {"BodyPartExamined": "HEADNECK"}, {Doubt.FACE}),
        (cases.CT, {"BodyPartExamined": "PELVIS"}, set()),
        (cases.CT, {"SeriesDescription": "CBCT brain"}, {Doubt.FACE}),
        (cases.MR, {"BodyPartExamined": "DOE"}, {Doubt.MAYBE_FACE}),
        (cases.PET, {}, {Doubt.MAYBE_FACE}),
        (cases.CT, {"RecognizableVisualFeatures": "NO"}, set()),
        (cases.CT, {"BodyPartExamined": "CHEST", "BurnedInAnnotation": "YES"}, {Doubt.BURNED_IN}),
        (SC, {}, {Doubt.MAYBE_BURNED_IN}),
        (SC, {"BurnedInAnnotation": "NO"}, set()),
        (US, {"BurnedInAnnotation": "YES", "RecognizableVisualFeatures": "YES"}, {Doubt.BURNED_IN, Doubt.FEATURES}),
        (SURFACE, {}, {Doubt.SKIN}),
        (cases.RTDOSE, {}, set()),
        (REPORT, {}, {Doubt.UNKNOWN_CLASS}),
    ],
)
def test_who_must_be_looked_at(sop_class, values, expected):
    assert doubts(cases.dicom_object(sop_class, "1.2.3", **values)) == expected


def test_an_overlay_in_the_pixels_is_told():
    made = cases.dicom_object(cases.CT, "1.2.3", BodyPartExamined="PELVIS")
    made.add_new(0x60000102, "US", 0)
    assert doubts(made) == set()
    made.add_new(0x60000102, "US", 12)
    assert doubts(made) == {Doubt.OVERLAY_BITS}


# -------------------------------------------------------------------------------- damage


OBJECTS = {
    "structure set": cases.structure_set,
    "plan": cases.plan,
    "dose": cases.dose,
    "slice": lambda: cases.SliceSeries(cases.volume()).dataset(1),
}


@pytest.mark.parametrize("length", [0, 3, 132, 140, 300])
def test_a_cut_file(tmp_path, length):
    whole = cases.write(cases.plan(), tmp_path / "whole.dcm").read_bytes()
    (tmp_path / "in.dcm").write_bytes(whole[:length])
    with pytest.raises(OpenIgrtError):
        treated(tmp_path / "in.dcm", tmp_path / "out.dcm")


def test_a_place_is_made_of_new_names_alone(tmp_path):
    evil = "../../../etc/Doe"
    made = cases.dicom_object(cases.CT, "1.2.3", PatientID=evil, Modality="DOE", SeriesInstanceUID="../Doe")
    file = deidentified_file(cases.write(made, tmp_path / "in.dcm"), profile_with(), PSEUDONYMS)
    patient, series, instance = file.place.parts
    assert patient == PSEUDONYMS.patient_id(evil)
    assert series == f"OT_{PSEUDONYMS.uid('../Doe')}"
    assert instance == f"{PSEUDONYMS.uid('1.2.3')}.dcm"


def test_an_object_without_uids_has_a_place(tmp_path):
    made = cases.dicom_object(cases.CT, "1.2.3", Modality="CT")
    made.PatientID = made.PatientName = ""
    file = deidentified_file(cases.write(made, tmp_path / "in.dcm"), profile_with(), PSEUDONYMS)
    assert file.place.parts[1] == "CT_without-uid"
    assert file.place.parts[0].startswith("OPENIGRT-")
