"""Scans of machines and of other programs: pixels, geometry, what is noticed and what is refused."""

import shutil
import zlib
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813 - the name that its users know

from openigrt.errors import (
    AmbiguousInput,
    InconsistentInput,
    InputError,
    MissingInput,
    UnreadableFile,
    UnsupportedInput,
)
from openigrt.files import ScanDefaults, builtin_machine, read_scan, write_rtk_geometry
from openigrt.geometry import DetectorPlacement, circular_trajectory
from openigrt.images import Quantity
from openigrt.machine import FrameAngle, Imager
from tests.files import vendor_files as files

ANGLES = (170.0, 171.0, 172.0, 173.0)
ELEKTA = builtin_machine("elekta_iec").imager


def images(count=4, rows=6, columns=8, **values):
    return [files.image(rows, columns, seed, **values) for seed in range(count)]


def write_xim(folder, pixels=None, name="Proj_{n:05d}.xim", **values):
    folder.mkdir(parents=True, exist_ok=True)
    for n, each in enumerate(images() if pixels is None else pixels):
        rtn = 180.0 - ANGLES[n % 4]
        (folder / name.format(n=n)).write_bytes(files.xim(each, **({"KVSourceRtn": rtn} | values)))


def write_hnd(folder, write=files.hnd, pixels=None, info=None):
    for n, each in enumerate(images() if pixels is None else pixels):
        (folder / f"Proj_{n + 1}.hnd").write_bytes(write(each, ANGLES[n]))
    (folder / "ProjectionInfo.xml").write_text(files.projection_info() if info is None else info)


def write_his(folder, frames=None, count=4):
    for n, each in enumerate(images(count, 8, 8)):
        (folder / f"{n + 1:05d}.1.3.46.his").write_bytes(files.his(each))
    (folder / "_Frames.xml").write_text(files.xvi_frames(ANGLES) if frames is None else frames)


def expected_trajectory(angles, offset_mm, distances_mm, size, spacing_mm):
    return circular_trajectory(angles, DetectorPlacement(*distances_mm, size, (spacing_mm,) * 2, offset_mm))


def same(found, expected):
    vectors = ("sources_mm", "first_pixels_mm", "row_directions", "column_directions")
    return found.size == expected.size and all(
        np.allclose(getattr(found, name), getattr(expected, name), atol=1e-9) for name in vectors
    )


# -------------------------------------------------------------------------------- Varian TrueBeam


def test_xim(tmp_path):
    write_xim(tmp_path)
    (tmp_path / "Scan.xml").write_text(files.truebeam_scan())
    scan, messages = read_scan(tmp_path)
    assert messages == ()
    assert np.array_equal(scan.pixels[:], np.array(images()))
    assert scan.pixels[:].dtype == np.float32
    assert np.array_equal(scan.pixels[1:3], np.array(images())[1:3])
    assert same(scan.trajectory, expected_trajectory(ANGLES, (-160.0, 0.5), (1000.0, 1540.0), (8, 6), 0.388))
    assert np.allclose(scan.trajectory.source_angles_deg(), ANGLES)
    assert scan.quantity is Quantity.INTENSITY
    assert np.allclose(scan.times_s, np.arange(4) / 15)
    assert np.array_equal(scan.beam_monitor, [1234.0] * 4)
    assert (scan.exposure.tube_voltage_kv, scan.exposure.tube_current_ma) == (125.0, 60.0)
    assert np.array_equal(scan.projection(2).pixels, images()[2])


@pytest.mark.parametrize("bytes_per_pixel", [1, 2, 4])
def test_xim_that_is_not_compressed(tmp_path, bytes_per_pixel):
    pixels = [each % 256 for each in images()] if bytes_per_pixel == 1 else images()
    write_xim(tmp_path, pixels, compressed=False, bytes_per_pixel=bytes_per_pixel)
    assert np.array_equal(read_scan(tmp_path)[0].pixels[:], np.array(pixels))


@pytest.mark.parametrize("shape", [(2, 2), (3, 5), (7, 4), (2, 9), (33, 65)])
def test_differences_of_every_size_and_shape(tmp_path, shape):
    """Also negative values, and jumps from end to end of 31 bits."""
    pixels = np.random.default_rng(2).choice([0, 5, -5, 300, -300, 40_000, 2**30, -(2**30)], shape)
    write_xim(tmp_path, [pixels] * 4)
    assert np.array_equal(read_scan(tmp_path)[0].pixels[:], np.float32([pixels] * 4))


def test_a_whole_truebeam_folder(tmp_path):
    """Projections under Acquisitions, calibrations elsewhere, and Scan.xml at the top."""
    write_xim(tmp_path / "Acquisitions" / "123")
    write_xim(tmp_path / "Calibrations" / "AIR", images(1), name="FilterBowtie.xim")
    (tmp_path / "Scan.xml").write_text(files.truebeam_scan())
    assert len(read_scan(tmp_path)[0]) == 4
    assert len(read_scan(tmp_path / "Acquisitions" / "123" / "Proj_00002.xim")[0]) == 4
    write_xim(tmp_path / "Acquisitions" / "124")
    with pytest.raises(AmbiguousInput, match=r"2 scans \(123, 124\)"):
        read_scan(tmp_path)


def test_frames_without_pixels_are_left_aside_and_time_goes_on(tmp_path):
    empty = np.zeros((0, 0), np.int64)
    write_xim(tmp_path, [empty, *images(2), empty])
    (tmp_path / "Scan.xml").write_text(files.truebeam_scan())
    scan, messages = read_scan(tmp_path)
    assert len(scan) == 2
    assert np.allclose(scan.times_s, [0.0, 1 / 15])
    assert messages[0] == "2 files hold no pixels and are left aside."
    write_xim(tmp_path, [empty] * 4)
    with pytest.raises(MissingInput, match="None of the 4 files"):
        read_scan(tmp_path)


def test_distances_without_scan_xml(tmp_path):
    write_xim(tmp_path)
    scan, messages = read_scan(tmp_path)
    assert messages == ("There is no Scan.xml; distances are those of projections or machine file.",)
    assert np.allclose(scan.trajectory[0].source_detector_distance_mm, 1540.0)
    write_xim(tmp_path, KVSourceVrt=None)
    with pytest.raises(MissingInput, match="states the distances"):
        read_scan(tmp_path)
    scan, _ = read_scan(tmp_path, ScanDefaults(imager=Imager(90.0, 1000.0, 1530.0)))
    assert np.allclose(scan.trajectory[0].source_detector_distance_mm, 1530.0)


def test_a_detector_that_moves_along_the_beam_is_told(tmp_path):
    write_xim(tmp_path)
    (tmp_path / "Proj_00002.xim").write_bytes(files.xim(images()[2], KVDetectorVrt=-50.0))
    assert "differ by 40 mm in a distance" in read_scan(tmp_path)[1][1]


def test_contradictions_of_a_truebeam_scan_are_told(tmp_path):
    write_xim(tmp_path)
    (tmp_path / "Scan.xml").write_text(files.truebeam_scan(SID=1500, ImagerLat=0, Fan="Full"))
    _, messages = read_scan(tmp_path)
    assert "differ by 40 mm in a distance" in messages[0]
    assert "flagged as full fan, and its detector stands 160 mm aside of the beam axis, which is half" in messages[1]
    assert "0 mm aside, the projections 160 mm" in messages[2]


# -------------------------------------------------------------------------------- Varian On-Board Imager


@pytest.mark.parametrize("write", [files.hnd, files.hnc], ids=["hnd", "hnc"])
def test_hnd_and_hnc(tmp_path, write):
    write_hnd(tmp_path, write)
    scan, _ = read_scan(tmp_path)
    assert np.array_equal(scan.pixels[:], np.array(images()))
    assert same(scan.trajectory, expected_trajectory(ANGLES, (-147.7, -0.2), (1000.3, 1500.2), (8, 6), 0.388))
    assert np.array_equal(scan.beam_monitor, [77.0] * 4)
    assert scan.exposure.tube_voltage_kv == 125.0


@pytest.mark.parametrize("write", [files.hnd, files.hnc], ids=["hnd", "hnc"])
def test_hnd_and_hnc_are_told_apart_by_length_where_the_mark_does_not(tmp_path, write):
    write_hnd(tmp_path, lambda pixels, angle: write(pixels, angle, mark=b"VARIAN_VA_INTERNAL_1.0"))
    assert np.array_equal(read_scan(tmp_path)[0].pixels[:], np.array(images()))


def test_the_detector_of_a_full_fan_stands_at_its_calibrated_offset(tmp_path):
    write_hnd(tmp_path, info=files.projection_info(fan="FullFan"))
    scan, messages = read_scan(tmp_path)
    assert same(scan.trajectory, expected_trajectory(ANGLES, (0.3, -0.2), (1000.3, 1500.2), (8, 6), 0.388))
    assert messages == ()


@pytest.mark.parametrize("name", ["CalibratedSAD", "CalibratedSID", "FanType", "DetectorPosLat"])
def test_projection_info_that_lacks_something(tmp_path, name):
    write_hnd(tmp_path, info=files.projection_info(**{name: None}))
    with pytest.raises(MissingInput, match=f"does not state {name}"):
        read_scan(tmp_path)


def test_projections_of_the_imager_without_their_file(tmp_path):
    write_hnd(tmp_path)
    (tmp_path / "ProjectionInfo.xml").unlink()
    with pytest.raises(MissingInput, match=r"without ProjectionInfo\.xml"):
        read_scan(tmp_path)
    (tmp_path / "ProjectionInfo.xml").write_text(files.projection_info(fan="Wide"))
    with pytest.raises(UnreadableFile, match="fan 'Wide'"):
        read_scan(tmp_path)


# -------------------------------------------------------------------------------- Elekta XVI


def test_his(tmp_path):
    write_his(tmp_path)
    scan, messages = read_scan(tmp_path, ScanDefaults(imager=ELEKTA))
    assert messages == ()
    assert np.array_equal(scan.pixels[:], 65536.0 - np.array(images(4, 8, 8)))
    assert same(scan.trajectory, expected_trajectory(ANGLES, (-115.0, 2.0), (1000.0, 1536.0), (8, 8), 51.2))
    assert np.allclose(scan.times_s, [0.0, 0.182, 0.364, 0.546])
    assert scan.quantity is Quantity.INTENSITY


def test_angles_of_the_gantry_where_the_machine_file_says_so(tmp_path):
    write_his(tmp_path)
    imager = Imager(90.0, 1000.0, 1536.0, FrameAngle.GANTRY)
    scan, _ = read_scan(tmp_path, ScanDefaults(imager=imager))
    assert np.allclose(scan.trajectory.source_angles_deg(), np.array(ANGLES) + 90.0)


def test_what_is_assumed_of_elekta_is_told(tmp_path):
    write_his(tmp_path)
    assert "the angles of the frames as those of the kV source" in read_scan(tmp_path)[1][0]


def test_frames_that_were_set_aside_are_left_out(tmp_path):
    write_his(tmp_path, files.xvi_frames(ANGLES, inactive=(1,), unexposed=(3,)))
    scan, messages = read_scan(tmp_path, ScanDefaults(imager=ELEKTA))
    assert np.array_equal(scan.pixels[:], 65536.0 - np.array(images(4, 8, 8))[[0, 2]])
    assert np.allclose(scan.trajectory.source_angles_deg(), [170.0, 172.0])
    assert np.allclose(scan.times_s, [0.0, 0.364])
    assert messages[:2] == (
        "1 frames are set aside by XVI (Inactive) and left out.",
        "1 frames were not exposed and are left out.",
    )


def test_times_that_do_not_rise_are_not_used(tmp_path):
    write_his(tmp_path, files.xvi_frames(ANGLES, step_ms=0))
    scan, messages = read_scan(tmp_path, ScanDefaults(imager=ELEKTA))
    assert scan.times_s is None
    assert "DeltaMs" in messages[0]


@pytest.mark.parametrize(
    ("frames", "error", "says"),
    [
        (files.xvi_frames(ANGLES[:3]), InconsistentInput, "lists 3 frames, and there are 4 projections"),
        (files.xvi_frames(ANGLES).replace("<GantryAngle>172.0</GantryAngle>", ""), MissingInput, "frame 3 lacks"),
        (files.xvi_frames(ANGLES).replace("172.0", "north"), UnreadableFile, "GantryAngle is 'north'"),
        (files.xvi_frames(ANGLES).replace("<Inactive>False", "<Inactive>maybe"), UnreadableFile, "True or False"),
        (files.xvi_frames(ANGLES, inactive=range(4)), MissingInput, "None of the 4 frames"),
        ("<ProjectionSet/>", UnreadableFile, "lists 0 frames"),
    ],
)
def test_lists_of_frames_that_are_refused(tmp_path, frames, error, says):
    write_his(tmp_path, frames)
    with pytest.raises(error, match=says):
        read_scan(tmp_path)


def test_the_list_of_frames_may_have_another_name_but_must_be_one(tmp_path):
    write_his(tmp_path)
    (tmp_path / "_Frames.xml").rename(tmp_path / "1.2.3.xml")
    (tmp_path / "other.xml").write_text("<a/>")
    assert len(read_scan(tmp_path)[0]) == 4
    (tmp_path / "again.xml").write_text(files.xvi_frames(ANGLES))
    with pytest.raises(AmbiguousInput, match="2 files of frames of XVI"):
        read_scan(tmp_path)
    for path in tmp_path.glob("*.xml"):
        path.unlink()
    with pytest.raises(MissingInput, match=r"FRAME\.DBF of XVI 4 is not read"):
        read_scan(tmp_path)


@pytest.mark.parametrize("values", [{"frames": 2}, {"kind": 8}, {"corner": (8, 4)}], ids=str)
def test_his_of_other_kinds(tmp_path, values):
    write_his(tmp_path)
    (tmp_path / "00002.1.3.46.his").write_bytes(files.his(**values))
    with pytest.raises(UnsupportedInput, match="expected one square frame"):
        read_scan(tmp_path)


# -------------------------------------------------------------------------------- stacks


def trajectory(size=(8, 6), angles=ANGLES):
    return circular_trajectory(angles, DetectorPlacement(1000.0, 1500.0, size, (0.8, 0.8), (30.0, 0.0), 1.0, 2.0))


def write_stack(folder, suffix, pixels, compressed=False, direction=None):
    lattice = write_rtk_geometry(trajectory(), folder / "geometry.xml")
    stack = sitk.GetImageFromArray(pixels)
    stack.SetOrigin([*lattice.origin_mm.tolist(), 0.0])
    stack.SetSpacing([*lattice.spacing_mm.tolist(), 1.0])
    if direction is not None:
        stack.SetDirection(direction)
    sitk.WriteImage(stack, str(folder / f"stack{suffix}"), useCompression=compressed)
    return folder / f"stack{suffix}"


@pytest.mark.parametrize("compressed", [False, True], ids=["plain", "compressed"])
@pytest.mark.parametrize("suffix", [".mha", ".mhd", ".nrrd"])
def test_stacks(tmp_path, suffix, compressed):
    pixels = np.random.default_rng(3).normal(size=(4, 6, 8)).astype(np.float32)
    path = write_stack(tmp_path, suffix, pixels, compressed)
    scan, messages = read_scan(path.parent)
    assert same(scan.trajectory, trajectory())
    for which in (slice(None), slice(1, 3), slice(3, 0, -2), slice(2, 2), slice(-1, None)):
        assert np.array_equal(scan.pixels[which], pixels[which])
    assert scan.quantity is Quantity.LINE_INTEGRAL
    assert messages == (
        "What the pixels are is not stated; as floating-point numbers they are taken as line integral.",
    )


def test_a_stack_is_known_by_its_content_and_whole_numbers_are_intensities(tmp_path):
    pixels = np.arange(4 * 6 * 8, dtype=np.uint16).reshape(4, 6, 8)
    write_stack(tmp_path, ".mha", pixels).rename(tmp_path / "stack.bin")
    scan, messages = read_scan(tmp_path)
    assert np.array_equal(scan.pixels[:], pixels)
    assert scan.quantity is Quantity.INTENSITY
    assert "as whole numbers" in messages[0]
    known = ScanDefaults(quantity=Quantity.LINE_INTEGRAL)
    assert read_scan(tmp_path, known)[0].quantity is Quantity.LINE_INTEGRAL


def test_a_stack_with_its_rows_the_other_way(tmp_path):
    pixels = np.zeros((4, 6, 8), np.float32)
    path = write_stack(tmp_path, ".mha", pixels, direction=(1, 0, 0, 0, -1, 0, 0, 0, 1))
    scan, _ = read_scan(path)
    assert np.allclose(scan.trajectory.column_directions, -trajectory().column_directions)
    assert np.allclose(scan.trajectory.first_pixels_mm, trajectory().first_pixels_mm)
    path = write_stack(tmp_path, ".mha", pixels, direction=(0, 0, 1, 0, 1, 0, -1, 0, 0))
    with pytest.raises(UnsupportedInput, match="do not lie in the plane"):
        read_scan(path)


def test_tiff(tmp_path):
    write_rtk_geometry(trajectory(), tmp_path / "geometry.xml")
    for n, each in enumerate(images()):
        sitk.WriteImage(sitk.GetImageFromArray(each.astype(np.uint16)), str(tmp_path / f"p{n * 5}.tif"))
    scan, _ = read_scan(tmp_path, ScanDefaults(spacing_mm=(0.8, 0.8)))
    assert np.array_equal(scan.pixels[:], np.array(images()))
    assert same(scan.trajectory, trajectory())
    with pytest.raises(MissingInput, match="do not state the spacing"):
        read_scan(tmp_path)
    sitk.WriteImage(sitk.GetImageFromArray(np.zeros((5, 8), np.uint16)), str(tmp_path / "p5.tif"))
    with pytest.raises(InconsistentInput, match=r"p5\.tif has 8 x 5 pixels"):
        read_scan(tmp_path, ScanDefaults(spacing_mm=(0.8, 0.8)))


def test_stacks_and_geometries_that_do_not_belong_together(tmp_path):
    path = write_stack(tmp_path, ".mha", np.zeros((3, 6, 8), np.float32))
    with pytest.raises(InconsistentInput, match="has 4 projections, and there are 3"):
        read_scan(path)
    shutil.copy(tmp_path / "geometry.xml", tmp_path / "again.xml")
    with pytest.raises(AmbiguousInput, match=r"2 files of RTK's geometry \(again\.xml, geometry\.xml\)"):
        read_scan(path)
    (tmp_path / "again.xml").write_text((tmp_path / "geometry.xml").read_text()[:-40])
    with pytest.raises(InconsistentInput, match=r"geometry\.xml has 4 projections"):
        read_scan(path)
    (tmp_path / "geometry.xml").rename(tmp_path / "elsewhere")
    with pytest.raises(UnreadableFile, match=r"none is RTK's geometry, and one is not read: .*again\.xml is damaged"):
        read_scan(path)
    (tmp_path / "again.xml").unlink()
    with pytest.raises(MissingInput, match="without a geometry"):
        read_scan(path)
    with pytest.raises(InconsistentInput, match="elsewhere has 4"):
        read_scan(path, ScanDefaults(geometry=tmp_path / "elsewhere"))


@pytest.mark.parametrize("value", [np.inf, 3e38])
def test_pixels_that_cannot_be(tmp_path, value):
    pixels = np.full((4, 6, 8), np.nan, np.float32)
    pixels[2, 1, 1] = value
    scan, _ = read_scan(write_stack(tmp_path, ".mha", pixels))
    assert np.isnan(scan.pixels[:2]).all()
    with pytest.raises(UnsupportedInput, match=r"stack\.mha holds"):
        scan.pixels[2:]


# -------------------------------------------------------------------------------- folders, damage, arcs


@pytest.mark.parametrize(
    ("write", "said", "option"),
    [
        (
            lambda folder: write_stack(folder, ".mha", np.zeros((4, 6, 8), np.float32)),
            {"spacing_mm": (1.0, 1.0)},
            "--spacing",
        ),
        (lambda folder: write_stack(folder, ".mha", np.zeros((4, 6, 8), np.float32)), {"imager": ELEKTA}, "--machine"),
        (lambda folder: write_his(folder), {"quantity": Quantity.INTENSITY}, "--quantity"),
        (lambda folder: write_his(folder), {"geometry": Path("geometry.xml")}, "--geometry"),
    ],
)
def test_what_files_state_themselves_is_not_said_again(tmp_path, write, said, option):
    write(tmp_path)
    with pytest.raises(InputError, match=f"state themselves what {option} says; leave {option} out"):
        read_scan(tmp_path, ScanDefaults(**said))


def test_what_is_no_scan(tmp_path):
    with pytest.raises(MissingInput, match=r"is not there; expected a folder or file of projections: Varian \.xim"):
        read_scan(tmp_path / "absent")
    for setup in (lambda: None, lambda: (tmp_path / "a.txt").write_text("x")):
        setup()
        with pytest.raises(
            UnsupportedInput, match=r"known format; expected Varian \.xim, \.hnd or \.hnc, Elekta \.his"
        ):
            read_scan(tmp_path)
    with pytest.raises(UnsupportedInput, match="known format"):
        read_scan(tmp_path / "a.txt")
    (tmp_path / "b").write_bytes(b"\0" * 128 + b"DICM")
    with pytest.raises(UnsupportedInput, match="read_rt_image_scan"):
        read_scan(tmp_path)


def test_two_kinds_and_strangers_in_one_folder(tmp_path):
    write_xim(tmp_path)
    (tmp_path / "notes.txt").write_text("x")
    assert "'notes.txt' is no projection and is left aside." in read_scan(tmp_path)[1]
    (tmp_path / "a.his").write_bytes(files.his())
    with pytest.raises(AmbiguousInput, match=r"1 of Elekta \.his, 4 of Varian \.xim"):
        read_scan(tmp_path)


def test_numbers_in_names_are_counted(tmp_path):
    for n in (2, 10, 1):
        (tmp_path / f"Proj_{n}.xim").write_bytes(files.xim(KVSourceRtn=float(n)))
    assert np.allclose(read_scan(tmp_path)[0].trajectory.source_angles_deg(), [179.0, 178.0, 170.0])


@pytest.mark.parametrize("write", [write_xim, write_hnd, write_his])
def test_mixed_sizes(tmp_path, write):
    write(tmp_path)
    path = sorted(each for each in tmp_path.iterdir() if each.suffix != ".xml")[2]
    big = {".xim": files.xim, ".hnd": files.hnd, ".his": files.his}[path.suffix](files.image(10, 10))
    path.write_bytes(big)
    with pytest.raises(InconsistentInput, match=f"{path.name} has 10 x 10 pixels"):
        read_scan(tmp_path)


@pytest.mark.parametrize("write", [write_xim, write_hnd, write_his])
@pytest.mark.parametrize("kept", [0.1, 0.5, 0.97])
def test_truncated_projections(tmp_path, write, kept):
    write(tmp_path)
    path = sorted(each for each in tmp_path.iterdir() if each.suffix != ".xml")[1]
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * kept)])
    with pytest.raises(UnreadableFile, match=r"truncated|damaged") as caught:
        read_scan(tmp_path)[0].pixels[:]
    assert path.name in caught.value.sentence
    assert "\n" not in caught.value.sentence


def test_a_file_that_changes_after_the_scan_was_opened(tmp_path):
    write_xim(tmp_path)
    scan, _ = read_scan(tmp_path)
    (tmp_path / "Proj_00001.xim").write_bytes(files.xim(files.image(9, 9)))
    with pytest.raises(InconsistentInput, match="has changed"):
        scan.pixels[:]
    (tmp_path / "Proj_00001.xim").unlink()
    with pytest.raises(UnreadableFile, match="cannot be read"):
        scan.pixels[:]


@pytest.mark.parametrize(
    ("values", "error", "says"),
    [
        ({"KVSourceRtn": None}, MissingInput, "does not state KVSourceRtn"),
        ({"KVSourceRtn": "north"}, UnreadableFile, "KVSourceRtn 'north'"),
        ({"KVSourceRtn": float("nan")}, UnreadableFile, "KVSourceRtn 'nan'"),
        ({"PixelWidth": 0.0}, UnreadableFile, "geometry that cannot be"),
        ({"KVSourceVrt": -1.0, "KVDetectorVrt": 1.0}, UnreadableFile, "geometry that cannot be"),
        ({"bytes_per_pixel": 3}, UnsupportedInput, "pixels of 3 bytes"),
        ({"mark": b"VMS.XI\0\0"[:6] + b"\1\1", "KVDetectorLat": None}, MissingInput, "KVDetectorLat"),
    ],
)
def test_xim_that_is_refused(tmp_path, values, error, says):
    write_xim(tmp_path, **values)
    with pytest.raises(error, match=says):
        read_scan(tmp_path)


def test_repeated_angles_gaps_and_turns_are_told(tmp_path):
    angles = [10.0, 11.0, 12.0, 12.0, 13.0, 20.0, 19.0, 18.0]
    for n, angle in enumerate(angles):
        (tmp_path / f"Proj_{n}.xim").write_bytes(files.xim(KVSourceRtn=180.0 - angle))
    _, messages = read_scan(tmp_path)
    assert "1 projections repeat the angle of the one before." in messages
    assert any("1 gaps in the arc, where projections are 1 degrees apart; the largest is 7.0" in m for m in messages)
    assert "The direction of rotation changes 1 times." in messages


@pytest.mark.parametrize("suffix", [".mha", ".nrrd"])
@pytest.mark.parametrize("kept", [0.3, 0.9])
@pytest.mark.parametrize("compressed", [False, True], ids=["plain", "compressed"])
def test_truncated_stacks(tmp_path, suffix, kept, compressed):
    noise = np.random.default_rng(3).normal(size=(4, 30, 40)).astype(np.float32)
    path = write_stack(tmp_path, suffix, noise, compressed)
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * kept)])
    with pytest.raises(UnreadableFile, match=r"truncated|damaged"):
        read_scan(path)[0].pixels[:]


@pytest.mark.parametrize("suffix", [".mha", ".nrrd"])
@pytest.mark.parametrize("turn", [(0, 1, 0, -1, 0, 0, 0, 0, 1), (0.6, -0.8, 0, 0.8, 0.6, 0, 0, 0, 1)], ids=str)
def test_pixels_lie_where_itk_puts_them(tmp_path, suffix, turn):
    """A stack that is turned in its plane: the place of a pixel by SimpleITK is that on the detector."""
    path = write_stack(tmp_path, suffix, np.zeros((4, 6, 8), np.float32), direction=turn)
    stack, still = sitk.ReadImage(str(path)), trajectory()
    x_mm, y_mm, _ = stack.TransformIndexToPhysicalPoint((5, 2, 0))
    found, _ = read_scan(path)
    from_origin = (np.array([x_mm, y_mm]) - (-2.8, -2.0)) / 0.8
    assert np.allclose(found.trajectory[3].points((5, 2)), still[3].points(from_origin), atol=1e-6)


@pytest.mark.parametrize("kind", [np.uint8, np.int16, np.uint16, np.int32, np.uint32, np.float64])
@pytest.mark.parametrize("suffix", [".mha", ".nrrd"])
def test_stacks_of_every_kind_of_number(tmp_path, suffix, kind):
    pixels = np.random.default_rng(5).integers(0, 200, (4, 6, 8)).astype(kind)
    assert np.array_equal(read_scan(write_stack(tmp_path, suffix, pixels))[0].pixels[:], pixels)


META = "ObjectType = Image\nNDims = 3\nDimSize = 2 2 2\nElementType = MET_UCHAR\nElementDataFile = LOCAL\n"
NRRD = "NRRD0004\ntype: uchar\ndimension: 3\nsizes: 2 2 2\nencoding: raw\n\n"


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("DimSize = 2 2 2", "DimSize = 60000 60000 60000", "its size is"),
        ("DimSize = 2 2 2", "DimSize = 2000 2000 200", "truncated or damaged: its pixels take 800000000 bytes"),
        ("DimSize = 2 2 2", "DimSize = 2 2", "expected 3 numbers"),
        ("NDims = 3", "NDims = 2", "expected 2 numbers"),
        ("MET_UCHAR", "MET_LONG_DOUBLE", "'MET_LONG_DOUBLE'"),
        ("NDims = 3", "NDims = 3\nElementNumberOfChannels = 3", "'3' components"),
        ("NDims = 3", "NDims = 3\nElementSpacing = 0 1 1", "numbers above zero"),
        ("NDims = 3", "NDims = 3\nOffset = left 0 0", "Offset 'left 0 0'"),
        ("NDims = 3", "NDims = 3\nTransformMatrix = 1 0 0 1 0 0 0 0 1", "plane of a projection"),
        ("LOCAL", "../secret", "a file in the same folder"),
        ("LOCAL", "absent.raw", "absent.raw cannot be read"),
        ("ElementDataFile = LOCAL", "", "does not end with ElementDataFile"),
        ("uchar", "block", "'block'"),
        ("raw", "bzip2", "'bzip2'"),
        ("dimension: 3", "dimension: 3\ndata file: other", "data file"),
        ("dimension: 3", "dimension: 4", "'4' dimensions"),
        ("dimension: 3", "dimension: 3\nspace directions: (1,0,0) (0,1,0) (0,0,1)", "space is 'not stated'"),
        ("sizes: 2 2 2", "sizes: 2 2 -2", "its size is"),
        ("\n\n", "\n", "does not end with an empty line"),
    ],
)
def test_stacks_that_are_refused(tmp_path, old, new, says):
    header = META if old in META else NRRD
    write_rtk_geometry(trajectory(), tmp_path / "g.xml")
    (tmp_path / "stack").write_bytes(header.replace(old, new, 1).encode() + bytes(range(8)))
    with pytest.raises(InputError, match=says) as caught:
        read_scan(tmp_path / "stack")
    assert "\n" not in caught.value.sentence


def test_a_stack_that_inflates_beyond_belief(tmp_path):
    size = "DimSize = 8000 8000 4\nCompressedData = True"
    write_rtk_geometry(trajectory(), tmp_path / "g.xml")
    content = META.replace("DimSize = 2 2 2", size).encode() + zlib.compress(bytes(10_000_000))
    (tmp_path / "bomb.mha").write_bytes(content)
    with pytest.raises(UnreadableFile, match="its pixels take 256000000 bytes"):
        read_scan(tmp_path / "bomb.mha")
