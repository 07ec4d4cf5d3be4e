"""Series of RT Images as scans: order, pixels, geometry, and what does not belong together."""

import numpy as np
import pytest
from pydicom import dcmread

from openigrt.dicom import read_object, read_projections, read_rt_image_scan
from openigrt.errors import InconsistentInput, MissingInput, UnreadableFile, UnsupportedInput
from openigrt.images import Quantity
from tests.dicom.dicom_cases import ROOT, sequence_item, write
from tests.dicom.test_rt_image import rt_image

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:pydicom")

ANGLES = (350.0, 355.0, 0.0, 5.0)
LINEAR = {"PixelIntensityRelationship": "LIN", "PixelIntensityRelationshipSign": 1}


def stored(seed, count=1, shape=(3, 4)):
    return np.random.default_rng(seed).integers(0, 60_000, (count, *shape)).astype(np.uint16)


def write_series(folder, order=(2, 0, 3, 1), **values):
    """Files whose names are not in the order of their times; the angle follows the time."""
    for name, n in enumerate(order):
        shown = {"GantryAngle": ANGLES[n], "AcquisitionTime": f"0304{10 + n:02d}.5"} | LINEAR | values
        dataset = rt_image(stored(n), **shown)
        dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = f"{ROOT}.9{n}"
        write(dataset, folder / f"{name}.dcm")
    return sorted(folder.iterdir())


def test_projections_in_the_order_of_their_times(tmp_path):
    paths = write_series(tmp_path)
    scan, messages = read_rt_image_scan(paths)
    assert np.allclose(scan.trajectory.source_angles_deg(), ANGLES)
    assert np.array_equal(scan.times_s, [0.0, 1.0, 2.0, 3.0])
    assert np.array_equal(scan.pixels[:], np.float32([stored(n)[0] for n in range(4)]))
    assert np.array_equal(scan.pixels[3:0:-2], np.float32([stored(n)[0] for n in (3, 1)]))
    assert scan.quantity is Quantity.INTENSITY
    assert scan.couch is not None
    assert messages == ()


def test_each_projection_is_where_its_own_image_says(tmp_path):
    paths = write_series(tmp_path)
    scan, _ = read_rt_image_scan(paths)
    for path, n in zip(paths, (2, 0, 3, 1), strict=True):
        (alone,), _ = read_projections(read_object(path)[0])
        assert np.allclose(scan.projection(n).geometry.points((3, 2)), alone.geometry.points((3, 2)))
        assert np.array_equal(scan.projection(n).pixels, alone.pixels)


def test_without_times_by_angle_from_behind_the_widest_gap(tmp_path):
    scan, messages = read_rt_image_scan(write_series(tmp_path, AcquisitionTime=None, AcquisitionDate=None))
    assert np.allclose(scan.trajectory.source_angles_deg(), ANGLES)
    assert np.array_equal(scan.pixels[:], np.float32([stored(n)[0] for n in range(4)]))
    assert scan.times_s is None
    assert messages == ("The times of the projections are not stated; they are put in order by their angle.",)


def test_one_file_of_many_frames(tmp_path):
    exposures = [
        sequence_item(ReferencedFrameNumber=n + 1, GantryAngle=angle, KVP=120) for n, angle in enumerate(ANGLES)
    ]
    dataset = rt_image(stored(7, 4), GantryAngle=None, ExposureSequence=exposures, FrameTime=100.0, **LINEAR)
    write(dataset, tmp_path / "many.dcm")
    scan, _ = read_rt_image_scan([tmp_path / "many.dcm"])
    assert np.array_equal(scan.pixels[:], np.float32(stored(7, 4)))
    assert np.array_equal(scan.pixels[2:], np.float32(stored(7, 4)[2:]))
    assert np.allclose(scan.times_s, [0.0, 0.1, 0.2, 0.3])
    assert np.allclose(scan.trajectory.source_angles_deg(), ANGLES)
    assert scan.exposure.tube_voltage_kv == 120.0


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"PixelIntensityRelationship": "LOG"}, "pixels that are LOG to the beam"),
        ({"PixelIntensityRelationshipSign": -1}, "fall with it"),
    ],
)
def test_pixels_that_are_no_intensity(tmp_path, values, says):
    paths = write_series(tmp_path, **values)
    with pytest.raises(UnsupportedInput, match=says):
        read_rt_image_scan(paths)
    assert read_rt_image_scan(paths, quantity=Quantity.LINE_INTEGRAL)[0].quantity is Quantity.LINE_INTEGRAL


def test_what_is_not_stated_is_told(tmp_path):
    paths = write_series(tmp_path, PixelIntensityRelationship=None, PixelIntensityRelationshipSign=None)
    scan, messages = read_rt_image_scan(paths)
    assert scan.quantity is Quantity.INTENSITY
    assert messages == ("How pixels follow the beam is not stated; they are taken as its intensity.",)


def change(path, **values):
    dataset = dcmread(path)
    for keyword, value in values.items():
        setattr(dataset, keyword, value)
    write(dataset, path)


@pytest.mark.parametrize(
    ("values", "error", "says"),
    [
        ({"SeriesInstanceUID": f"{ROOT}.7"}, InconsistentInput, "2 series"),
        ({"ImagePlanePixelSpacing": [0.5, 0.5]}, InconsistentInput, "detector of a scan changes"),
        ({"GantryAngle": None}, MissingInput, "GantryAngle"),
        ({"SOPInstanceUID": f"{ROOT}.92"}, InconsistentInput, "the same RT Image"),
    ],
)
def test_what_does_not_belong_together(tmp_path, values, error, says):
    paths = write_series(tmp_path)
    change(paths[1], **values)
    with pytest.raises(error, match=says):
        read_rt_image_scan(paths)


def test_a_couch_that_moved(tmp_path):
    paths = write_series(tmp_path)
    change(paths[1], TableTopVerticalPosition=20)
    scan, messages = read_rt_image_scan(paths)
    assert scan.couch is None
    assert "couch moved" in messages[0]


def test_no_image_and_files_that_change(tmp_path):
    with pytest.raises(MissingInput, match="no RT Image"):
        read_rt_image_scan([])
    paths = write_series(tmp_path)
    scan, _ = read_rt_image_scan(paths)
    write(rt_image(stored(1, 1, (5, 6))), paths[2])
    with pytest.raises(InconsistentInput, match="has changed"):
        scan.pixels[:]
    paths[2].unlink()
    with pytest.raises(UnreadableFile, match="cannot be read"):
        scan.pixels[:]
