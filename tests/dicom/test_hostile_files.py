"""Files made to do harm: deflated bombs, deep sequences, lengths that lie, alphabets that nobody knows."""

import struct
import tracemalloc
import zlib
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.data import get_testdata_file
from pydicom.uid import DeflatedExplicitVRLittleEndian

from openigrt.dicom import (
    IMAGE_CLASSES,
    find_problems,
    links_of,
    read_dose,
    read_image_series,
    read_object,
    read_structure_set,
    scan_folder,
)
from openigrt.dicom.dataset.inflating import FREELY_INFLATED_BYTES, MOST_INFLATION, limit_bytes
from openigrt.errors import OpenIgrtError, UnreadableFile
from tests.dicom.dicom_cases import CT, SliceSeries, dicom_object, dose, structure_set, volume, write
from tests.fuzz.judging import refuses_or_reads

pytestmark = pytest.mark.filterwarnings("ignore")


def read(folder):
    return [read_image_series(series) for series in scan_folder(folder).of_classes(IMAGE_CLASSES)]


def deflated(dataset):
    dataset.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    return dataset


def write_deflated(series, folder):
    for k in range(len(series.stored)):
        write(deflated(series.dataset(k)), folder / f"{k}.dcm")
    return folder


def data_set_start(content):
    """Where the data set of a Part 10 file begins (PS3.10, 7.1)."""
    (length,) = struct.unpack("<I", content[140:144])
    return 144 + length


# -------------------------------------------------------------------------------- deflated


def test_deflated_slices_are_their_twins_and_scanned_by_their_headers(tmp_path):
    stored = volume(rows=40, columns=40)
    write_deflated(SliceSeries(stored), tmp_path)
    (series,) = scan_folder(tmp_path).series
    assert (series.description, series.instances[0].frame_uid != "") == ("", True)
    (reading,) = read(tmp_path)
    assert np.array_equal(reading.image.voxels, stored)


def test_deflated_objects_are_read_as_others_are(tmp_path):
    plain = read_structure_set(read_object(write(structure_set(), tmp_path / "a.dcm"))[0])[0]
    packed = read_structure_set(read_object(write(deflated(structure_set()), tmp_path / "b.dcm"))[0])[0]
    assert packed.structures[0].name == plain.structures[0].name
    assert np.array_equal(packed.structures[0].contours[0].points_mm, plain.structures[0].contours[0].points_mm)
    doses = [read_dose(read_object(write(make(dose()), tmp_path / "d.dcm"))[0]) for make in (deflated, lambda d: d)]
    assert np.array_equal(doses[0].dose_gy, doses[1].dose_gy)


def test_a_deflated_file_of_others():
    path = Path(get_testdata_file("image_dfl.dcm"))
    oracle = pydicom.dcmread(path)
    dataset, _ = read_object(path)
    assert dataset.PixelData == oracle.PixelData
    assert dataset.SOPInstanceUID == oracle.SOPInstanceUID
    (instance,) = scan_folder(path).instances()
    assert instance.pixels.length == len(oracle.PixelData)


def bomb(folder, megabytes, where):
    """A slice whose private element, pixel data or fragment of pixels inflates to so many megabytes of zeros."""
    dataset = SliceSeries(volume()).dataset(0)
    content = write(deflated(dataset), folder / "bomb.dcm").read_bytes()
    start = data_set_start(content)
    plain = bytearray(zlib.decompress(content[start:], -zlib.MAX_WBITS))
    length = plain.index(b"\xe0\x7f\x10\x00") + 8
    announced = struct.pack("<I", megabytes * 2**20)
    if where == "pixels":
        before, after = bytes(plain[:length]) + announced, b""
    elif where == "fragment":
        item = b"\xfe\xff\x00\xe0"
        before = bytes(plain[:length]) + b"\xff\xff\xff\xff" + item + bytes(4) + item + announced
        after = b"\xfe\xff\xdd\xe0" + bytes(4)
    else:
        element = plain.index(b"\x10\x00\x10\x00")  # before Patient's Name
        before = bytes(plain[:element]) + b"\x09\x00\x01\x10OB\x00\x00" + announced
        after = bytes(plain[element:])
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    packed = [packer.compress(before), *(packer.compress(bytes(2**20)) for _ in range(megabytes))]
    (folder / "bomb.dcm").write_bytes(content[:start] + b"".join([*packed, packer.compress(after), packer.flush()]))
    return folder / "bomb.dcm"


@pytest.mark.parametrize("where", ["element", "pixels", "fragment"])
def test_bombs_are_refused_without_their_memory(tmp_path, where):
    path = bomb(tmp_path, 400, where)
    assert path.stat().st_size < 2**20
    tracemalloc.start()
    with pytest.raises(
        OpenIgrtError, match=r"inflates to more than 33554432 bytes|announces|holds no compressed pixels"
    ):
        read_object(path)
    with pytest.raises(OpenIgrtError):
        read(tmp_path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    # What is counted takes none; a header that is asked for is held, up to the limit, while it grows.
    assert peak < 3 * FREELY_INFLATED_BYTES


def test_how_much_may_come_out():
    assert limit_bytes(1000) == FREELY_INFLATED_BYTES
    assert limit_bytes(10_000_000) == MOST_INFLATION * 10_000_000
    assert limit_bytes(10**9) == 2**31


@pytest.mark.parametrize("kept", [0.2, 0.5, 0.9, 0.99])
def test_cut_deflated_files_are_named(tmp_path, kept):
    path = write(deflated(SliceSeries(volume(rows=60, columns=60)).dataset(0)), tmp_path / "cut.dcm")
    content = path.read_bytes()
    start = data_set_start(content)
    path.write_bytes(content[: start + int(kept * (len(content) - start))])
    with pytest.raises(UnreadableFile, match="is truncated"):
        read_object(path)


TEST_FILES = sorted(p for p in Path(get_testdata_file("CT_small.dcm")).parent.iterdir() if p.is_file())


@pytest.mark.parametrize("path", TEST_FILES, ids=lambda path: path.name)
def test_every_file_of_pydicom_is_read_or_refused(path):
    refuses_or_reads(lambda: read_object(path))
    refuses_or_reads(lambda: read(path))
    refuses_or_reads(lambda: find_problems(scan_folder(path), links_of(scan_folder(path))))


# -------------------------------------------------------------------------------- depth and lengths


def nested(levels, is_defined):
    """A sequence in an item in a sequence..., each of a length that is said or not."""
    if not is_defined:
        item = b"\xfe\xff\x00\xe0\xff\xff\xff\xff" + b"\x08\x00\x40\x11SQ\x00\x00\xff\xff\xff\xff"
        return b"\x08\x00\x40\x11SQ\x00\x00\xff\xff\xff\xff" + item * levels
    content = b""
    for _ in range(levels):
        item = b"\xfe\xff\x00\xe0" + struct.pack("<I", len(content)) + content
        content = b"\x08\x00\x40\x11SQ\x00\x00" + struct.pack("<I", len(item)) + item
    return content


@pytest.mark.parametrize("is_defined", [True, False])
@pytest.mark.parametrize("levels", [1000, 10_000])
def test_deep_sequences_give_a_sentence(tmp_path, levels, is_defined):
    path = write(dicom_object(CT, "1.2.3", SeriesInstanceUID="1.2"), tmp_path / "deep.dcm")
    content = path.read_bytes()
    place = content.index(b"\x10\x00\x10\x00")
    path.write_bytes(content[:place] + nested(levels, is_defined) + content[place:])
    if is_defined:  # nobody looks into it
        assert read_object(path)[0].SOPInstanceUID == "1.2.3"
        (tmp_path / "copy.dcm").write_bytes(path.read_bytes() + b"\x00" * 8)
        inventory = scan_folder(tmp_path)
        assert find_problems(inventory, links_of(inventory))
    else:
        for action in (read_object, scan_folder):
            with pytest.raises(UnreadableFile, match="nests sequences deeper than any DICOM object needs"):
                action(path)


@pytest.mark.parametrize("length", [0xFFFFFFFE, 0x7FFFFFFF, 1])
def test_lengths_that_lie(tmp_path, length):
    path = write(structure_set(), tmp_path / "liar.dcm")
    content = bytearray(path.read_bytes())
    place = content.index(b"\x06\x30\x20\x00SQ") + 8  # Structure Set ROI Sequence
    content[place : place + 4] = struct.pack("<I", length)
    path.write_bytes(content)
    with pytest.raises(OpenIgrtError):
        read_structure_set(read_object(path)[0])


# -------------------------------------------------------------------------------- alphabets


@pytest.mark.parametrize(
    ("character_set", "name", "shown"),
    [
        ("ISO_IR 100", "Müller^Jörg".encode("latin-1"), "Müller^Jörg"),
        ("ISO_IR 192", "Müller^Jörg".encode("latin-1"), None),
        ("ISO_IR 192", "Иванов^Иван".encode(), "Иванов^Иван"),
        ("", "Müller^Jörg".encode("latin-1"), None),
        ("KLINGON", b"Mueller^Joerg", "Mueller^Joerg"),
        ("ISO 2022 IR 87\\KLINGON", b"\x1b$B\xff\xff^Joerg", None),
        ("ISO 2022 IR 13\\ISO 2022 IR 87", b"\x1b$)C\xfb\xf3^\x1b$B;3", None),
        ("\\ISO 2022 IR 149", b"Hong^Gildong=\x1b$)C\xfb\xf3^\x1b$)C\xd1", None),
        ("ISO_IR 192\\ISO_IR 100", "Müller".encode(), None),
        ("GB18030", b"Wang\x81", None),
    ],
)
def test_text_in_any_alphabet_is_read_or_replaced(tmp_path, character_set, name, shown):
    def spelled(k, dataset):
        dataset.PatientName = "NAME" + "x" * (len(name) + len(name) % 2 - 4)
        dataset.SpecificCharacterSet = character_set

    SliceSeries(volume()).write(tmp_path, spelled)
    for path in tmp_path.iterdir():
        content = path.read_bytes()
        placed = content.index(b"NAMEx")
        path.write_bytes(
            content[:placed] + name.ljust(len(name) + len(name) % 2) + content[placed + len(name) + len(name) % 2 :]
        )
    (reading,) = read(tmp_path)
    assert shown is None or reading.image.provenance.patient_name == shown
    assert reading.image.provenance.patient_name.isprintable()
    assert ("KLINGON" in character_set) == any("unknown character set 'KLINGON'" in m for m in reading.messages)
