"""Folders as they come: mixed, nested, with junk, damaged files and no DICOM at all."""

import os
import zlib

import numpy as np
import pytest
from pydicom.uid import DeflatedExplicitVRLittleEndian

from openigrt.dicom import read_object, scan_folder
from openigrt.errors import MissingInput, UnreadableFile, UnsupportedInput
from tests.dicom.dicom_cases import CT, SERIES, SliceSeries, dicom_object, structure_set, volume, write

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:pydicom")


def test_mixed_series_and_junk_in_nested_folders(tmp_path):
    SliceSeries(volume()).write(tmp_path / "a" / "b")
    SliceSeries(volume(slices=3), series_uid=f"{SERIES}.9").write(tmp_path / "a")
    write(structure_set(), tmp_path / "rs")
    (tmp_path / "notes.txt").write_text("DICM is not at byte 128 here")
    (tmp_path / "empty").write_bytes(b"")
    inventory = scan_folder(tmp_path)
    assert sorted(len(series.instances) for series in inventory.series) == [1, 3, 5]
    assert inventory.messages() == ("Skipped 2 files (empty, notes.txt): not DICOM.",)


def test_many_junk_files_are_counted_and_a_few_named(tmp_path):
    SliceSeries(volume(slices=2)).write(tmp_path)
    for n in range(8):
        (tmp_path / f"junk{n}").write_text("junk")
    assert scan_folder(tmp_path).messages() == (
        "Skipped 8 files (junk0, junk1, junk2, junk3, junk4 and 3 more): not DICOM.",
    )


def test_a_single_file(tmp_path):
    path = write(structure_set(), tmp_path / "rs.dcm")
    (series,) = scan_folder(path).series
    assert series.instances[0].path == path


def test_file_without_preamble(tmp_path):
    dataset = SliceSeries(volume()).dataset(0)
    path = write(dataset, tmp_path / "whole.dcm")
    content = path.read_bytes()
    start = content.index(b"\x08\x00\x08\x00CS")  # Image Type, the first element
    path.write_bytes(content[start:])
    (series,) = scan_folder(tmp_path).series
    assert series.uid == SERIES


def test_dicomdir_is_skipped(tmp_path):
    SliceSeries(volume(slices=2)).write(tmp_path)
    directory = dicom_object("1.2.840.10008.1.3.10", "1.2.3")
    del directory.SOPClassUID
    write(directory, tmp_path / "DICOMDIR")
    inventory = scan_folder(tmp_path)
    assert [skipped.reason for skipped in inventory.skipped] == ["a DICOMDIR"]


def test_no_folder_empty_folder_and_folder_of_text(tmp_path):
    with pytest.raises(MissingInput, match="does not exist"):
        scan_folder(tmp_path / "absent")
    with pytest.raises(MissingInput, match="is empty"):
        scan_folder(tmp_path)
    (tmp_path / "readme.txt").write_text("no DICOM")
    with pytest.raises(MissingInput, match=r"holds no DICOM: 1 file \(readme.txt\)"):
        scan_folder(tmp_path)
    with pytest.raises(MissingInput, match="holds no DICOM"):
        scan_folder(tmp_path / "readme.txt")


@pytest.mark.parametrize("kept", [0.3, 0.6, 0.97])
def test_truncated_slice_is_named(tmp_path, kept):
    folder = SliceSeries(volume(rows=40, columns=40)).write(tmp_path)
    path = folder / f"{SERIES}_002.dcm"
    os.truncate(path, int(path.stat().st_size * kept))
    (damaged,) = [skipped for skipped in scan_folder(folder).skipped if skipped.is_damaged]
    assert damaged.path == path
    assert "truncated" in damaged.reason


def test_truncated_object_without_pixels_is_unreadable_wherever_it_is_cut(tmp_path):
    path = write(structure_set(), tmp_path / "rs.dcm")
    content = path.read_bytes()
    boundaries = 0
    for cut in range(140, len(content) - 1):
        path.write_bytes(content[:cut])
        try:
            read_object(path)
            boundaries += 1
        except UnreadableFile:
            pass
    assert boundaries < 40  # cuts between two elements at the top level cannot be told from an end


def test_pixel_data_announced_as_huge_allocates_nothing(tmp_path):
    dataset = SliceSeries(volume()).dataset(0)
    path = write(dataset, tmp_path / "bomb.dcm")
    content = bytearray(path.read_bytes())
    length = content.index(b"\xe0\x7f\x10\x00OW") + 8
    content[length : length + 4] = (2**32 - 2).to_bytes(4, "little")
    path.write_bytes(content)
    with pytest.raises(UnreadableFile, match="4294967294 bytes of pixel data are announced"):
        scan_folder(path)


def test_deflated_data_sets_are_refused_before_they_inflate(tmp_path):
    dataset = SliceSeries(volume(), header={"SeriesDescription": "x"}).dataset(0)
    path = write(dataset, tmp_path / "small.dcm")
    content = path.read_bytes()
    start = content.index(b"\x08\x00\x08\x00CS")
    header = content[:start].replace(b"1.2.840.10008.1.2.1\x00", b"1.2.840.10008.1.2.1.99")
    header = header.replace(b"UI\x14\x001.2.840.10008.1.2.1.99", b"UI\x16\x001.2.840.10008.1.2.1.99")
    compressor = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    bomb = compressor.compress(bytes(50_000_000)) + compressor.flush()
    path.write_bytes(header + bomb)
    assert DeflatedExplicitVRLittleEndian.encode() in header
    with pytest.raises((UnreadableFile, UnsupportedInput), match="deflated"):
        read_object(path)


def test_deep_nesting_is_refused(tmp_path):
    item = b"\xfe\xff\x00\xe0\xff\xff\xff\xff" + b"\x08\x00\x40\x11SQ\x00\x00\xff\xff\xff\xff"
    path = write(dicom_object(CT, "1.2.3"), tmp_path / "deep.dcm")
    path.write_bytes(path.read_bytes() + b"\x20\x00\x40\x11SQ\x00\x00\xff\xff\xff\xff" + item * 20_000)
    with pytest.raises(UnreadableFile):
        read_object(path)


def test_links_to_nowhere_and_special_files_are_left_alone(tmp_path):
    SliceSeries(volume(slices=2)).write(tmp_path)
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    os.mkfifo(tmp_path / "pipe")
    assert len(scan_folder(tmp_path).series) == 1


def test_series_are_listed_readably(tmp_path):
    SliceSeries(np.zeros((2, 3, 4), np.int16), header={"SeriesDescription": "Thorax"}).write(tmp_path)
    assert str(scan_folder(tmp_path).series[0]) == f"CT Image 'Thorax' of 2 [{SERIES}]"
