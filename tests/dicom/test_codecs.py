"""Compressed pixels against their uncompressed twin; bombs, cuts and damage give one sentence; missing codecs."""

import random
import shutil
import struct
import subprocess
import sys
import tracemalloc
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.data import get_testdata_file
from pydicom.encaps import encapsulate
from pydicom.uid import (
    JPEG2000,
    JPEG2000Lossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    JPEGLSNearLossless,
    RLELossless,
)

from openigrt.dicom import (
    IMAGE_CLASSES,
    find_problems,
    links_of,
    read_dose,
    read_image_series,
    read_object,
    scan_folder,
)
from openigrt.dicom.pixels.run_length import unpacked_frame
from openigrt.errors import UnreadableFile, UnsupportedInput
from tests.dicom.dicom_cases import SliceSeries, write
from tests.fuzz.judging import refuses_or_reads

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning", "ignore::DeprecationWarning")

LOSSLESS = [RLELossless, JPEGLSLossless, JPEG2000Lossless]
requires_dcmtk = pytest.mark.skipif(shutil.which("dcmcjpeg") is None, reason="dcmcjpeg (Debian dcmtk) is not installed")


def read(folder):
    (series,) = scan_folder(folder).of_classes(IMAGE_CLASSES)
    return read_image_series(series)


def smooth(dtype=np.int16, slices=2, size=48):
    """Slices that compress as anatomy does."""
    k, j, i = np.mgrid[:slices, :size, :size]
    return (900.0 * np.sin(i / 7.0) * np.cos(j / 5.0) + 50.0 * k + 950.0).astype(dtype)


def write_compressed(series, folder, syntax, change=None, **options):
    for k in range(len(series.stored)):
        dataset = series.dataset(k)
        if change:
            change(dataset)
        dataset.compress(syntax, generate_instance_uid=False, **options)
        write(dataset, folder / f"{k}.dcm")
    return folder


def convert(folder, *words):
    """The files of a folder, each through a program of DCMTK."""
    for path in sorted(folder.iterdir()):
        subprocess.run([words[0], *words[1:], path, path], check=True, capture_output=True)
    return folder


# -------------------------------------------------------------------------------- twins


@pytest.mark.parametrize("syntax", LOSSLESS)
@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.uint16])
def test_lossless_is_the_uncompressed_twin(tmp_path, syntax, dtype):
    stored = (smooth() // 8).astype(dtype) if dtype is np.uint8 else smooth(dtype)
    assert np.array_equal(read(write_compressed(SliceSeries(stored), tmp_path, syntax)).image.voxels, stored)


@pytest.mark.parametrize("syntax", LOSSLESS)
def test_negative_values_of_twelve_bits(tmp_path, syntax):
    stored = smooth() - 1000

    def twelve_bits(dataset):
        dataset.BitsStored, dataset.HighBit = 12, 11

    folder = write_compressed(SliceSeries(stored), tmp_path, syntax, twelve_bits)
    assert np.array_equal(read(folder).image.voxels, stored)


@requires_dcmtk
@pytest.mark.parametrize("selection", range(1, 8))
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int16])
def test_lossless_jpeg_of_dcmtk(tmp_path, selection, dtype):
    stored = (smooth() // 8).astype(dtype) if dtype is np.uint8 else smooth(dtype) - (1000 if dtype is np.int16 else 0)
    folder = convert(SliceSeries(stored).write(tmp_path), "dcmcjpeg", "+el", "+sv", str(selection))
    assert np.array_equal(read(folder).image.voxels, stored)


@pytest.mark.parametrize("rows_between_restarts", [0, 1, 5])
def test_lossless_jpeg_with_restarts_is_what_gdcm_decodes(tmp_path, rows_between_restarts):
    stored = np.random.default_rng(1).integers(0, 2**16, (2, 17, 9)).astype(np.uint16)
    for k, plane in enumerate(stored):
        dataset = SliceSeries(stored).dataset(k)
        dataset.PixelData = encapsulate([lossless_jpeg(plane, rows_between_restarts)])
        dataset["PixelData"].VR = "OB"
        dataset.file_meta.TransferSyntaxUID = JPEGLosslessSV1
        path = write(dataset, tmp_path / f"{k}.dcm")
        assert np.array_equal(pydicom.pixels.pixel_array(path, decoding_plugin="gdcm"), plane)
    assert np.array_equal(read(tmp_path).image.voxels, stored)


def lossless_jpeg(plane, rows_between_restarts):
    """A frame by the book (ISO/IEC 10918-1, H): first-order prediction, codes of five bits for the 17 categories."""
    rows, columns = plane.shape
    lengths = bytes([0, 0, 0, 0, 17, *[0] * 11])
    head = b"\xff\xd8\xff\xc3" + struct.pack(">HBHHB3B", 11, 16, rows, columns, 1, 1, 0x11, 0)
    head += b"\xff\xc4" + struct.pack(">HB", 36, 0) + lengths + bytes(range(17))
    head += b"\xff\xdd" + struct.pack(">HH", 4, rows_between_restarts * columns)
    head += b"\xff\xda" + struct.pack(">HB2B3B", 8, 1, 1, 0, 1, 0, 0)
    step = rows_between_restarts or rows
    pieces = [coded(plane[begin : begin + step].astype(int)) for begin in range(0, rows, step)]
    marked = [piece + bytes([0xFF, 0xD0 + n % 8]) for n, piece in enumerate(pieces[:-1])]
    return head + b"".join([*marked, pieces[-1]]) + b"\xff\xd9"


def coded(block):
    """The coded differences of some rows, filled up with ones and stuffed."""
    predicted = np.empty_like(block)
    predicted[0, 0], predicted[1:, 0], predicted[:, 1:] = 32768, block[:-1, 0], block[:, :-1]
    bits = ""
    for difference in (((block - predicted + 32767) % 65536) - 32767).ravel().tolist():
        category = abs(difference).bit_length()
        low = difference if difference > 0 else difference + (1 << category) - 1
        bits += f"{category:05b}" + (f"{low:0{category}b}" if 0 < category < 16 else "")
    bits += "1" * (-len(bits) % 8)
    return int(bits, 2).to_bytes(len(bits) // 8, "big").replace(b"\xff", b"\xff\x00")


@requires_dcmtk
def test_lossy_jpeg_is_what_dcmtk_decodes_and_is_named(tmp_path):
    stored = (smooth() // 8).astype(np.uint8)
    folder = convert(SliceSeries(stored).write(tmp_path / "a"), "dcmcjpeg", "+eb")
    shutil.copytree(folder, tmp_path / "b")
    plain = read(convert(tmp_path / "b", "dcmdjpeg")).image.voxels
    reading = read(folder)
    assert np.abs(reading.image.voxels - plain).max() <= 1.0  # two inverse cosine transforms round differently
    assert np.abs(reading.image.voxels - stored).max() < 12.0
    assert any("compressed with loss" in message for message in reading.messages)


@requires_dcmtk
def test_lossy_jpeg_of_twelve_bits_is_refused_by_name(tmp_path):
    folder = convert(SliceSeries(smooth(np.uint16)).write(tmp_path), "dcmcjpeg", "+ee")
    with pytest.raises(UnsupportedInput, match="lossy JPEG of 12 bits"):
        read(folder)


def test_near_lossless_stays_within_its_error_and_is_named(tmp_path):
    stored = smooth(np.uint16)

    def lossy(dataset):
        dataset.LossyImageCompression, dataset.LossyImageCompressionRatio = "01", 7.5

    reading = read(write_compressed(SliceSeries(stored), tmp_path, JPEGLSNearLossless, lossy, jls_error=3))
    assert np.abs(reading.image.voxels - stored).max() <= 3
    assert any("compressed with loss, 7.5 to 1 (2 of 2 objects)" in message for message in reading.messages)


def test_lossy_jpeg_2000(tmp_path):
    stored = smooth(np.uint16)
    folder = write_compressed(SliceSeries(stored), tmp_path, JPEG2000, j2k_psnr=[80])
    assert np.abs(read(folder).image.voxels - stored).max() <= 65535 * 10 ** (-80 / 20) * 10  # ten times the mean error


def test_a_codestream_of_the_wrong_sign(tmp_path):
    """A CT of which the codestream calls signed what the header calls unsigned, or the other way round."""
    original = pydicom.dcmread(get_testdata_file("J2K_pixelrep_mismatch.dcm"))
    axes = np.array(original.ImageOrientationPatient, dtype=float).reshape(2, 3)
    for k in range(2):
        original.ImagePositionPatient = [f"{x:.8g}" for x in k * np.cross(*axes)]
        original.SOPInstanceUID = original.file_meta.MediaStorageSOPInstanceUID = f"1.2.{k + 1}"
        write(original, tmp_path / f"{k}.dcm")
    voxels = read(tmp_path).image.voxels
    assert float(np.nanmin(voxels)) >= -3100.0
    assert np.array_equal(
        voxels[0], original.pixel_array * float(original.RescaleSlope) + float(original.RescaleIntercept)
    )


@pytest.mark.parametrize("name", ["MR_small_RLE.dcm", "MR_small_jp2klossless.dcm", "MR_small_jpeg_ls_lossless.dcm"])
def test_pairs_of_pydicom(tmp_path, name):
    for number, source in enumerate((name, "MR_small.dcm")):
        dataset = pydicom.dcmread(get_testdata_file(source))
        for k in range(2):
            dataset.ImagePositionPatient[2] = 10.0 * k
            dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = f"1.2.{k + 1}"
            write(dataset, tmp_path / str(number) / f"{k}.dcm")
    assert np.array_equal(read(tmp_path / "0").image.voxels, read(tmp_path / "1").image.voxels)


def test_a_run_length_dose_is_its_twin():
    compressed, plain = (read_object(Path(get_testdata_file(f"rtdose{name}.dcm")))[0] for name in ("_rle", ""))
    compressed.DoseUnits = plain.DoseUnits = "GY"
    assert compressed.BitsAllocated == 32
    assert np.array_equal(read_dose(compressed).dose_gy, read_dose(plain).dose_gy)


def test_run_length_segments_may_be_any_that_the_standard_allows():
    """PS3.5 G.3: literal runs, replicate runs and the byte that does nothing."""
    segment = bytes([2, 1, 2, 3, 128, 257 - 4, 9])
    frame = struct.pack("<16I", 1, 64, *[0] * 14) + segment
    assert unpacked_frame(frame, np.dtype("<u1"), 7).tolist() == [1, 2, 3, 9, 9, 9, 9]
    with pytest.raises(ValueError, match="holds 7 bytes of 8"):
        unpacked_frame(frame, np.dtype("<u1"), 8)


# -------------------------------------------------------------------------------- codecs that are not there

HIDDEN = """
import sys
for name in sys.argv[2].split(","):
    sys.modules[name] = None
from pathlib import Path
from openigrt.dicom import IMAGE_CLASSES, read_image_series, scan_folder
from openigrt.errors import OpenIgrtError
try:
    (series,) = scan_folder(Path(sys.argv[1])).of_classes(IMAGE_CLASSES)
    print(read_image_series(series).image.grid.size)
except OpenIgrtError as error:
    print(error.sentence)
"""


def read_without(modules, folder):
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", HIDDEN, folder, modules], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize("syntax", [JPEGLSLossless, JPEG2000Lossless])
def test_a_missing_codec_names_the_extra(tmp_path, syntax):
    folder = write_compressed(SliceSeries(smooth()), tmp_path, syntax)
    said = read_without("gdcm,pylibjpeg,openjpeg,jpeg_ls,PIL", folder)
    assert f"is compressed ({syntax.name}) and its codec is not installed; install openigrt[codecs]." in said


def test_run_length_needs_no_codec_and_the_others_stand_in_for_each_other(tmp_path):
    all_codecs = "gdcm,pylibjpeg,openjpeg,jpeg_ls,PIL"
    assert (
        read_without(all_codecs, write_compressed(SliceSeries(smooth()), tmp_path / "a", RLELossless)) == "(48, 48, 2)"
    )
    folder = write_compressed(SliceSeries(smooth()), tmp_path / "b", JPEG2000Lossless)
    assert read_without("gdcm,PIL", folder) == read_without("pylibjpeg,openjpeg,gdcm", folder) == "(48, 48, 2)"


# -------------------------------------------------------------------------------- bombs, cuts and damage


def announced_larger(encoded, syntax):
    """The same frame with 60000 x 60000 pixels in its own header."""
    if syntax == JPEG2000Lossless:
        return encoded[:8] + struct.pack(">2I", 60_000, 60_000) + encoded[16:]
    start = encoded.index(b"\xff\xf7") + 5
    return encoded[:start] + struct.pack(">2H", 60_000, 60_000) + encoded[start + 4 :]


@pytest.mark.parametrize("syntax", [JPEGLSLossless, JPEG2000Lossless])
def test_a_codestream_that_announces_more_than_its_header_is_not_decoded(tmp_path, syntax):
    write_compressed(SliceSeries(smooth()), tmp_path, syntax)
    path = tmp_path / "0.dcm"
    dataset = pydicom.dcmread(path)
    encoded = next(pydicom.encaps.generate_frames(dataset.PixelData, number_of_frames=1))
    dataset.PixelData = encapsulate([announced_larger(encoded, syntax)])
    write(dataset, path)
    tracemalloc.start()
    with pytest.raises(UnreadableFile, match="announce 60000 x 60000 x 1, the header 48 x 48 x 1"):
        read(tmp_path)
    assert tracemalloc.get_traced_memory()[1] < 2**24
    tracemalloc.stop()


def test_run_lengths_that_unpack_to_gigabytes_are_unpacked_no_further_than_the_slice(tmp_path):
    dataset = SliceSeries(smooth(np.uint8)).dataset(0)
    segment = bytes([129, 7]) * 2**20  # 128 bytes out of two, 128 MiB in all
    frame = struct.pack("<16I", 1, 64, *[0] * 14) + segment
    tracemalloc.start()
    assert unpacked_frame(frame, np.dtype("<u1"), dataset.Rows * dataset.Columns).tolist() == [7] * 48 * 48
    assert tracemalloc.get_traced_memory()[1] < 2**23
    tracemalloc.stop()


@pytest.mark.parametrize("syntax", LOSSLESS)
@pytest.mark.parametrize("kept", [0.5, 0.8, 0.99])
def test_cut_off_compressed_pixels_are_named_by_reading_and_by_check(tmp_path, syntax, kept):
    write_compressed(SliceSeries(smooth(slices=3)), tmp_path, syntax)
    path = tmp_path / "1.dcm"
    content = path.read_bytes()
    start = content.index(b"\xe0\x7f\x10\x00")
    path.write_bytes(content[: start + 12 + int(kept * (len(content) - start - 12))])
    with pytest.raises(UnreadableFile, match=r"1\.dcm.* is truncated"):
        read(tmp_path)
    inventory = scan_folder(tmp_path)
    found = find_problems(inventory, links_of(inventory))
    assert any(
        "is truncated or damaged: its compressed pixels have no proper end" in finding.sentence for finding in found
    )


@pytest.mark.parametrize("syntax", [*LOSSLESS, JPEGLosslessSV1])
def test_random_damage_of_compressed_pixels(tmp_path, syntax):
    if syntax == JPEGLosslessSV1:
        dataset = SliceSeries(smooth()).dataset(0)
        dataset.PixelData = encapsulate([lossless_jpeg(smooth()[0], 0)])
        dataset["PixelData"].VR, dataset.file_meta.TransferSyntaxUID = "OB", syntax
        write(SliceSeries(smooth()).dataset(1), tmp_path / "1.dcm")
        write(dataset, tmp_path / "0.dcm")
    else:
        write_compressed(SliceSeries(smooth()), tmp_path, syntax)
    generator = random.Random(20240229)
    path = tmp_path / "0.dcm"
    content = path.read_bytes()
    start = content.index(b"\xe0\x7f\x10\x00")
    for _ in range(60):
        damaged = bytearray(content)
        for _ in range(generator.randint(1, 8)):
            damaged[generator.randrange(start, len(content))] = generator.randrange(256)
        path.write_bytes(damaged)
        refuses_or_reads(lambda: read(tmp_path))


def test_a_second_frame_header_does_not_change_the_size(tmp_path):
    write(SliceSeries(smooth()).dataset(1), tmp_path / "1.dcm")
    dataset = SliceSeries(smooth()).dataset(0)
    encoded = lossless_jpeg(smooth()[0], 0)
    second = b"\xff\xc3" + struct.pack(">HBHHB3B", 11, 16, 60_000, 60_000, 1, 1, 0x11, 0)
    scan = encoded.index(b"\xff\xda")
    dataset.PixelData = encapsulate([encoded[:scan] + second + encoded[scan:]])
    dataset["PixelData"].VR, dataset.file_meta.TransferSyntaxUID = "OB", JPEGLosslessSV1
    write(dataset, tmp_path / "0.dcm")
    with pytest.raises(UnreadableFile, match="60000 x 60000 values"):
        read(tmp_path)


def test_no_fragment_at_all(tmp_path):
    write_compressed(SliceSeries(smooth()), tmp_path, RLELossless)
    path = tmp_path / "0.dcm"
    content = path.read_bytes()
    table = content.index(b"\xe0\x7f\x10\x00") + 12
    path.write_bytes(content[: table + 12] + b"\xfe\xff\xdd\xe0\x00\x00\x00\x00")
    with pytest.raises(UnreadableFile, match=r"announces 1 frame\(s\) and holds 0 piece"):
        read(tmp_path)
