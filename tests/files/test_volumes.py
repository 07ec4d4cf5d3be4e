"""Volume files: what SimpleITK writes and reads, and files that are damaged, foreign or absurd."""

import gzip
import hashlib
import os
import zlib

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813 - the name that its users know
from scipy.spatial.transform import Rotation

from openigrt.errors import MissingInput, OpenIgrtError, UnreadableFile, UnsupportedInput
from openigrt.files import is_volume, read_volume, sha256_of, write_volume
from openigrt.geometry import Frame, Grid
from openigrt.images import Image, Modality

FRAME = Frame.daily("1.2.3")
OBLIQUE = Rotation.from_euler("zyx", [20.0, 10.0, -15.0], degrees=True).as_matrix()


def image():
    voxels = np.arange(120, dtype=np.float32).reshape(4, 5, 6) - 50.5
    return Image(voxels, Grid(FRAME, [-10.0, 20.0, 30.0], [1.0, 2.0, 3.0], OBLIQUE, (6, 5, 4)), Modality.CBCT)


@pytest.mark.parametrize("suffix", [".mha", ".nrrd"])
def test_round_trip_and_simpleitk_agrees(tmp_path, suffix):
    path = tmp_path / f"volume{suffix}"
    write_volume(image(), path)
    read = read_volume(path, FRAME, Modality.CBCT)
    assert np.array_equal(read.voxels, image().voxels)
    assert np.allclose(read.grid.points((5, 4, 3)), image().grid.points((5, 4, 3)))
    oracle = sitk.ReadImage(str(path))
    assert np.allclose(oracle.TransformIndexToPhysicalPoint((5, 4, 3)), image().grid.points((5, 4, 3)))
    assert list(tmp_path.iterdir()) == [path]


KINDS = (np.int8, np.uint8, np.int16, np.uint16, np.int32, np.uint32, np.int64, np.uint64, np.float32, np.float64)


def values_of(kind):
    """Voxels over all that a kind of number holds, as far as an image may: numbers that float32 rounds among them."""
    if np.issubdtype(kind, np.floating):
        values = np.random.default_rng(5).normal(scale=1e4, size=(4, 5, 6)).astype(kind)
        values[1, 2, 3] = np.nan
        return values
    limits = np.iinfo(kind)
    low, high = max(limits.min, -(10**9)), min(limits.max, 10**9)
    return np.random.default_rng(5).integers(low, high, (4, 5, 6), endpoint=True).astype(kind)


def same_as_simpleitk(path):
    """Read a volume by our reader and by SimpleITK; every voxel to the bit, and the same grid."""
    read, oracle = read_volume(path, FRAME, Modality.CT), sitk.ReadImage(str(path), sitk.sitkFloat32)
    assert read.voxels.dtype == np.float32
    assert np.array_equal(read.voxels, sitk.GetArrayFromImage(oracle), equal_nan=True)
    assert read.grid.size == oracle.GetSize()
    assert np.allclose(read.grid.origin_mm, oracle.GetOrigin(), rtol=1e-15, atol=0.0)
    assert np.allclose(read.grid.spacing_mm, oracle.GetSpacing(), rtol=1e-15, atol=0.0)
    assert np.allclose(read.grid.direction.ravel(), oracle.GetDirection(), rtol=0.0, atol=1e-15)
    return read


@pytest.mark.parametrize("suffix", [".mha", ".mhd", ".nrrd", ".nhdr"])
@pytest.mark.parametrize("compressed", [False, True], ids=["raw", "compressed"])
@pytest.mark.parametrize("kind", KINDS)
def test_volumes_that_simpleitk_writes(tmp_path, suffix, compressed, kind):
    volume = sitk.GetImageFromArray(values_of(kind))
    volume.SetSpacing((0.976562, 0.7, 2.5))
    volume.SetOrigin((-250.1, 12.3, 1.0 / 3.0))
    volume.SetDirection(OBLIQUE.ravel().tolist())
    sitk.WriteImage(volume, str(tmp_path / f"v{suffix}"), useCompression=compressed)
    read = same_as_simpleitk(tmp_path / f"v{suffix}")
    assert np.array_equal(read.voxels, values_of(kind).astype(np.float32), equal_nan=True)
    assert (read.frame, read.modality) == (FRAME, Modality.CT)


META = "ObjectType = Image\nNDims = 3\nBinaryData = True\nElementSpacing = 1 2 3\nDimSize = 6 5 4\n"
NRRD = "NRRD0005\ndimension: 3\nsizes: 6 5 4\nencoding: raw\n"
TURNED = "space directions: (0,0.6,-0.8) (0,1.6,1.2) (-3,0,0)\nspace origin: (10.5,-20,30)\n"
META_NAMES = {np.int16: "MET_SHORT", np.uint32: "MET_UINT", np.int64: "MET_LONG_LONG", np.float64: "MET_DOUBLE"}
NRRD_NAMES = {np.int16: "int16_t", np.uint32: "unsigned int", np.int64: "longlong", np.float64: "double"}


@pytest.mark.parametrize("order", ["<", ">"], ids=["little", "big"])
@pytest.mark.parametrize("kind", META_NAMES)
def test_both_orders_of_bytes(tmp_path, order, kind):
    stored = values_of(kind).astype(np.dtype(kind).newbyteorder(order)).tobytes()
    is_big = order == ">"
    header = f"{META}ElementType = {META_NAMES[kind]}\nElementByteOrderMSB = {is_big}\nElementDataFile = LOCAL\n"
    (tmp_path / "v.mha").write_bytes(header.encode() + stored)
    header = f"{NRRD}type: {NRRD_NAMES[kind]}\nendian: {'big' if is_big else 'little'}\nspace: LPS\n{TURNED}\n"
    (tmp_path / "v.nrrd").write_bytes(header.encode() + stored)
    for name in ("v.mha", "v.nrrd"):
        read = same_as_simpleitk(tmp_path / name)
        assert np.array_equal(read.voxels, values_of(kind).astype(np.float32), equal_nan=True)


@pytest.mark.parametrize(
    ("space", "signs"),
    [
        ("left-posterior-superior", (1, 1, 1)),
        ("LPS", (1, 1, 1)),
        ("right-anterior-superior", (-1, -1, 1)),
        ("RAS", (-1, -1, 1)),
        ("left-anterior-superior", (1, -1, 1)),
        ("LAS", (1, -1, 1)),
    ],
)
def test_spaces_of_nrrd(tmp_path, space, signs):
    header = f"{NRRD}type: short\nendian: little\nspace: {space}\n{TURNED}\n"
    (tmp_path / "v.nrrd").write_bytes(header.encode() + values_of(np.int16).tobytes())
    grid = same_as_simpleitk(tmp_path / "v.nrrd").grid
    assert np.allclose(grid.points((1, 0, 0)), np.array(signs) * (10.5, -19.4, 29.2))
    assert np.allclose(grid.points((0, 0, 2)), np.array(signs) * (4.5, -20.0, 30.0))


def test_old_names_of_the_geometry_in_metaimage(tmp_path):
    header = META.replace("ElementSpacing", "ElementSize") + "ElementType = MET_SHORT\nPosition = 1 2 3\n"
    header += "Orientation = 0 1 0 1 0 0 0 0 -1\nElementDataFile = LOCAL\n"
    (tmp_path / "v.mha").write_bytes(header.encode() + values_of(np.int16).tobytes())
    assert same_as_simpleitk(tmp_path / "v.mha").grid.origin_mm.tolist() == [1.0, 2.0, 3.0]


@pytest.mark.parametrize("word", ["True", "T", "t", "1", "False", "F", "0"])
def test_words_for_yes_and_no_in_metaimage(tmp_path, word):
    header = f"{META}ElementType = MET_SHORT\nBinaryDataByteOrderMSB = {word}\nElementDataFile = LOCAL\n"
    (tmp_path / "v.mha").write_bytes(header.encode() + np.full(120, 1, "<i2").tobytes())
    assert same_as_simpleitk(tmp_path / "v.mha").voxels.max() == (256.0 if word[0] in "Tt1" else 1.0)


def test_a_header_in_the_lines_of_windows(tmp_path):
    header = f"{NRRD}type: short\nendian: little\nspace: LPS\n{TURNED}\n".replace("\n", "\r\n")
    (tmp_path / "v.nrrd").write_bytes(header.encode() + values_of(np.int16).tobytes())
    read = read_volume(tmp_path / "v.nrrd", FRAME, Modality.CT)
    assert np.array_equal(read.voxels, values_of(np.int16))


@pytest.mark.parametrize("suffix", [".mha", ".nrrd"])
@pytest.mark.parametrize("kept", [0.1, 0.6, 0.98])
@pytest.mark.parametrize("compressed", [True, False], ids=["compressed", "raw"])
def test_truncated_files_are_unreadable_and_the_library_says_nothing_of_its_own(
    tmp_path, capfd, suffix, kept, compressed
):
    path = tmp_path / f"v{suffix}"
    noise = np.random.default_rng(3).normal(size=(20, 20, 20)).astype(np.float32)
    sitk.WriteImage(sitk.GetImageFromArray(noise), str(path), useCompression=compressed)
    os.truncate(path, int(path.stat().st_size * kept))
    with pytest.raises(UnreadableFile, match="truncated or damaged") as error:
        read_volume(path, FRAME, Modality.CT)
    assert "\n" not in error.value.sentence
    assert capfd.readouterr() == ("", "")
    os.write(2, b"and others are heard again")
    assert capfd.readouterr().err == "and others are heard again"


@pytest.mark.parametrize(
    "field",
    [
        "ElementSpacing = 0 1 1",
        "ElementSpacing = nan 1 1",
        "TransformMatrix = 0 0 0 0 0 0 0 0 0",
        "Offset = inf 0 0",
        "TransformMatrix = 1 0 0 1 0 0 0 0 1",
        "Offset = 1 nan 0",
        "Offset = left 0 0",
    ],
)
def test_geometry_that_cannot_be(tmp_path, field, capfd):
    header = "ObjectType = Image\nNDims = 3\nDimSize = 2 2 2\nElementType = MET_UCHAR\n"
    (tmp_path / "v.mha").write_bytes(f"{header}{field}\nElementDataFile = LOCAL\n".encode() + bytes(range(8)))
    with pytest.raises(OpenIgrtError) as error:
        read_volume(tmp_path / "v.mha", FRAME, Modality.CT)
    assert "v.mha" in error.value.sentence
    assert "\n" not in error.value.sentence
    assert capfd.readouterr().err == ""


WHOLE_META = f"{META}ElementType = MET_UCHAR\nElementDataFile = LOCAL\n"
WHOLE_NRRD = f"{NRRD}type: uchar\nspace: LPS\n{TURNED}\n"


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("ElementSpacing = 1 2 3\n", "", "lacks ElementSpacing"),
        ("ElementSpacing = 1 2 3", "ElementSpacing = 1 2", "3 finite numbers"),
        ("ElementSpacing = 1 2 3", "ElementSpacing = 1 2 3\nElementSpacing = 1 2 4", "two things of 'ElementSpacing'"),
        ("ElementSpacing = 1 2 3", "ElementSpacing = 1 2 3\nDistanceUnits = cm", "DistanceUnits = 'cm'"),
        ("MET_UCHAR", "MET_UCHAR\nElementToIntensityFunctionSlope = 2", "FunctionSlope = '2'"),
        ("MET_UCHAR", "MET_LONG", "'MET_LONG'"),
        ("MET_UCHAR", "MET_UCHAR\nElementByteOrderMSB = maybe", "ByteOrderMSB = 'maybe'"),
        ("MET_UCHAR", "MET_UCHAR\nElementByteOrderMSB = True\nBinaryDataByteOrderMSB = False", "says several things"),
        ("MET_UCHAR", "MET_UCHAR\nOffset = 1 2 3\nPosition = 1 2 4", "several things of Offset and Origin"),
        ("MET_UCHAR", "MET_UCHAR\nCompressedData = zlib", "CompressedData = 'zlib'"),
        ("MET_UCHAR", "MET_UCHAR\nHeaderSize = -1", "HeaderSize = '-1'"),
        ("BinaryData = True", "BinaryData = False", "BinaryData = 'False'"),
        ("DimSize = 6 5 4", "DimSize = 6 5 3", "its pixels take 90 bytes, and 120 are there"),
        ("DimSize = 6 5 4", "DimSize = 6 5 5", "its pixels take 150 bytes, and 120 are there"),
        ("DimSize = 6 5 4", "DimSize = 1024 1024 1025", "at most 1073741824 are read"),
        ("= LOCAL", "= ../v.raw", "in the same folder"),
        ("= LOCAL", "= /etc/passwd", "in the same folder"),
        ("= LOCAL", "= LIST", "in the same folder"),
        ("= LOCAL", "= absent.raw", r"absent\.raw cannot be read"),
        ("= LOCAL", "= folder", "folder cannot be read"),
        ("space: LPS\n", "", "space is 'not stated'"),
        ("space: LPS", "space: scanner-xyz", "'scanner-xyz'"),
        ("space: LPS", 'space: LPS\nspace units: "cm" "cm" "cm"', "in mm"),
        (TURNED, "spacings: 1 1 1\n", "does not say along which axes"),
        ("(0,1.6,1.2)", "none", "9 finite numbers"),
        ("(0,1.6,1.2)", "(0,1.6,1.1)", "orthonormal"),
        ("(0,1.6,1.2)", "(0,0,0)", "numbers above zero"),
        ("type: uchar", "type: short", "its endian is ''"),
        ("type: uchar", "type: short\nendian: middle", "its endian is 'middle'"),
        ("type: uchar", "type: block", "'block'"),
        ("encoding: raw", "encoding: ascii", "'ascii'"),
        ("encoding: raw", "encoding: raw\nline skip: 1", "lineskip"),
        ("type: uchar", "type: uchar\nkinds: RGB-color domain domain", "'rgb-color' components"),
        ("type: uchar", "type: uchar\ndata file: img%03d.raw 1 4 1", "cannot be read"),
        ("type: uchar", "type: uchar\ntype: short", "two things of 'type'"),
    ],
)
def test_headers_that_are_refused(tmp_path, old, new, says):
    header = WHOLE_META if old in WHOLE_META else WHOLE_NRRD
    path = tmp_path / ("v.mha" if header is WHOLE_META else "v.nrrd")
    (tmp_path / "folder").mkdir()
    path.write_bytes(header.encode() + bytes(120))
    assert not read_volume(path, FRAME, Modality.CT).voxels.any()
    path.write_bytes(header.replace(old, new, 1).encode() + bytes(120))
    with pytest.raises(OpenIgrtError, match=says) as error:
        read_volume(path, FRAME, Modality.CT)
    assert "\n" not in error.value.sentence


def test_a_file_of_pixels_that_never_ends_is_not_opened(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "zero").symlink_to("/dev/zero")
    for name in ("pipe", "zero"):
        (tmp_path / "v.mhd").write_text(WHOLE_META.replace("LOCAL", name))
        for use in (lambda path: read_volume(path, FRAME, Modality.CT), sha256_of):
            with pytest.raises(UnreadableFile, match=f"{name} cannot be read"):
                use(tmp_path / "v.mhd")


DEFLATED_META = WHOLE_META.replace("BinaryData = True", "BinaryData = True\nCompressedData = True").encode()
DEFLATED_NRRD = WHOLE_NRRD.replace("encoding: raw", "encoding: gzip").encode()


@pytest.mark.parametrize(("header", "deflate"), [(DEFLATED_META, zlib.compress), (DEFLATED_NRRD, gzip.compress)])
def test_deflated_pixels_are_those_announced_and_their_checksum_is_right(tmp_path, header, deflate):
    path = tmp_path / ("v.mha" if header is DEFLATED_META else "v.nrrd")
    whole = deflate(bytes(range(120)))
    path.write_bytes(header + whole)
    assert np.array_equal(read_volume(path, FRAME, Modality.CT).voxels.ravel(), np.arange(120))
    other = bytearray(whole)
    other[-1 if deflate is zlib.compress else -6] ^= 1
    for damaged in (deflate(bytes(121)), deflate(bytes(119)), whole[:-1], bytes(other), b"", b"no deflated bytes"):
        path.write_bytes(header + damaged)
        with pytest.raises(UnreadableFile, match="truncated or damaged"):
            read_volume(path, FRAME, Modality.CT)


def test_a_bomb_is_not_inflated(tmp_path):
    """2 GB of zeros in 2 MB where 120 bytes are announced: reading stops there, in memory and in time."""
    deflater = zlib.compressobj()
    bomb = b"".join(deflater.compress(bytes(2**20)) for _ in range(2000)) + deflater.flush()
    (tmp_path / "v.mha").write_bytes(DEFLATED_META + bomb)
    with pytest.raises(UnreadableFile, match="other pixels than its header says"):
        read_volume(tmp_path / "v.mha", FRAME, Modality.CT)
    (tmp_path / "v.mha").write_bytes(DEFLATED_META.replace(b"6 5 4", b"1000 1000 1000") + bomb[:100_000])
    with pytest.raises(UnreadableFile, match="its pixels take 1000000000 bytes"):
        read_volume(tmp_path / "v.mha", FRAME, Modality.CT)


def test_axes_far_apart_in_their_pieces_are_read_whole(tmp_path):
    """More voxels than are read at once, plain and deflated."""
    values = np.random.default_rng(9).integers(-1000, 3000, (31, 101, 103)).astype(np.int16)
    for name, compressed in (("v.mha", True), ("w.mha", False), ("v.nrrd", True), ("w.nrrd", False)):
        sitk.WriteImage(sitk.GetImageFromArray(values), str(tmp_path / name), useCompression=compressed)
        assert np.array_equal(read_volume(tmp_path / name, FRAME, Modality.CT).voxels, values)


@pytest.mark.parametrize("value", [3e38, -1e10, np.inf, -np.inf])
def test_values_that_no_image_has(tmp_path, value):
    voxels = np.full((4, 5, 6), np.nan, np.float32)
    voxels[1, 2, 3] = value
    sitk.WriteImage(sitk.GetImageFromArray(voxels), str(tmp_path / "v.nrrd"))
    with pytest.raises(UnsupportedInput, match=r"v\.nrrd holds values up to"):
        read_volume(tmp_path / "v.nrrd", FRAME, Modality.CT)


def test_what_is_no_volume(tmp_path):
    with pytest.raises(MissingInput, match="no file"):
        read_volume(tmp_path / "absent.mha", FRAME, Modality.CT)
    (tmp_path / "text.mha").write_text("no header")
    with pytest.raises(UnreadableFile):
        read_volume(tmp_path / "text.mha", FRAME, Modality.CT)
    (tmp_path / "a.txt").write_text("x")
    with pytest.raises(UnsupportedInput, match=r"ends in \.mha"):
        read_volume(tmp_path / "a.txt", FRAME, Modality.CT)
    sitk.WriteImage(sitk.GetImageFromArray(np.zeros((4, 5), np.float32)), str(tmp_path / "flat.mha"))
    with pytest.raises(UnsupportedInput, match="3D scalar"):
        read_volume(tmp_path / "flat.mha", FRAME, Modality.CT)
    vectors = sitk.GetImageFromArray(np.zeros((4, 5, 6, 3), np.float32), isVector=True)
    sitk.WriteImage(vectors, str(tmp_path / "vector.mha"))
    with pytest.raises(UnsupportedInput, match="'3' components"):
        read_volume(tmp_path / "vector.mha", FRAME, Modality.CT)


def test_header_bomb(tmp_path):
    header = "ObjectType = Image\nNDims = 3\nDimSize = 60000 60000 60000\nElementType = MET_FLOAT\n"
    (tmp_path / "bomb.mha").write_text(header + "ElementDataFile = LOCAL\n")
    with pytest.raises((UnsupportedInput, UnreadableFile)):
        read_volume(tmp_path / "bomb.mha", FRAME, Modality.CT)


def test_names_and_checksums(tmp_path):
    names = ("a.MHA", "b.nrrd", "c.nhdr", "d.dcm")
    assert [is_volume(tmp_path / name) for name in names] == [True, True, True, False]
    (tmp_path / "a.mha").write_bytes(WHOLE_META.encode() + bytes(120))
    assert sha256_of(tmp_path / "a.mha") == hashlib.sha256(WHOLE_META.encode() + bytes(120)).hexdigest()
    with pytest.raises(UnsupportedInput, match="cannot be written"):
        write_volume(image(), tmp_path / "a.mhd")


def test_the_checksum_of_a_volume_in_two_files_is_that_of_both(tmp_path):
    header = WHOLE_META.replace("LOCAL", "v.raw")
    (tmp_path / "v.mhd").write_text(header)
    found = set()
    for stored in (bytes(120), bytes(119) + b"\1"):
        (tmp_path / "v.raw").write_bytes(stored)
        found.add(sha256_of(tmp_path / "v.mhd"))
        assert hashlib.sha256(header.encode() + stored).hexdigest() in found
    assert len(found) == 2


@pytest.mark.real
@pytest.mark.parametrize(
    ("name", "size"),
    [
        ("head_phantom/headphantom.mha", (512, 512, 108)),
        ("thorax_4dct/t0.mha", (256, 256, 128)),
        ("prostate_eclipse/EclipseProstate_Dose.nrrd", (136, 86, 92)),
    ],
)
def test_real_volumes(real_data, name, size):
    assert same_as_simpleitk(real_data / name).grid.size == size
