"""Volume files: round trips against SimpleITK, and files that are damaged, foreign or absurd."""

import os

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


@pytest.mark.parametrize("suffix", [".mha", ".mhd", ".nrrd"])
def test_integers_written_by_others(tmp_path, suffix):
    values = np.arange(24, dtype=np.int16).reshape(2, 3, 4) - 7
    sitk.WriteImage(sitk.GetImageFromArray(values), str(tmp_path / f"v{suffix}"))
    read = read_volume(tmp_path / f"v{suffix}", FRAME, Modality.CT)
    assert read.voxels.dtype == np.float32
    assert np.array_equal(read.voxels, values)
    assert (read.frame, read.modality) == (FRAME, Modality.CT)


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
    with pytest.raises(UnreadableFile, match="damaged or truncated") as error:
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


@pytest.mark.parametrize("value", [3e38, -1e10])
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
    with pytest.raises(UnsupportedInput, match="3 components"):
        read_volume(tmp_path / "vector.mha", FRAME, Modality.CT)


def test_header_bomb(tmp_path):
    header = "ObjectType = Image\nNDims = 3\nDimSize = 60000 60000 60000\nElementType = MET_FLOAT\n"
    (tmp_path / "bomb.mha").write_text(header + "ElementDataFile = LOCAL\n")
    with pytest.raises((UnsupportedInput, UnreadableFile)):
        read_volume(tmp_path / "bomb.mha", FRAME, Modality.CT)


def test_names_and_checksums(tmp_path):
    assert [is_volume(tmp_path / name) for name in ("a.MHA", "b.nrrd", "c.dcm")] == [True, True, False]
    (tmp_path / "a").write_bytes(b"abc")
    assert sha256_of(tmp_path / "a") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    with pytest.raises(UnsupportedInput, match="cannot be written"):
        write_volume(image(), tmp_path / "a.mhd")


@pytest.mark.real
def test_real_volumes(real_data):
    head = read_volume(real_data / "head_phantom" / "headphantom.mha", FRAME, Modality.CT)
    assert head.grid.size == (512, 512, 108)
    dose = read_volume(real_data / "prostate_eclipse" / "EclipseProstate_Dose.nrrd", FRAME, Modality.CT)
    assert float(dose.voxels.max()) > 0.0
