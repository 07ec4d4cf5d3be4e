"""Series that are not one straight even stack: refused by default, straightened when asked, scouts set aside."""

import numpy as np
import pytest

from openigrt.dicom import (
    IMAGE_CLASSES,
    ImageChoice,
    Straightening,
    find_problems,
    links_of,
    read_daily_folder,
    read_image_series,
    scan_folder,
    write_image_series,
)
from openigrt.errors import AmbiguousInput, InconsistentInput, MissingInput
from openigrt.images import DistortionCorrection
from tests.dicom.dicom_cases import MR, ROOT, SERIES, SliceSeries, volume, write
from tests.dicom.enhanced_cases import ENHANCED_MR, Frames, sequence_item
from tests.dicom.writing_cases import series_header

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:pydicom")

SAGITTAL = [0, 1, 0, 0, 0, -1]


def read(folder, words=None, straightening=Straightening.REFUSED):
    (series,) = scan_folder(folder).of_classes(IMAGE_CLASSES)
    chosen = ImageChoice.parse(words)
    return read_image_series(series, choice=ImageChoice(chosen.series_uid, chosen.phase, straightening))


def straightened(folder):
    return read(folder, straightening=Straightening.RESAMPLED)


def ramp_at(heights_mm, rows=6, columns=7):
    """Slices whose values are 10 a row and 100 a millimetre of height, as integers."""
    j = np.arange(rows)[:, None]
    return np.array([np.broadcast_to(10 * j + 100 * h, (rows, columns)) for h in heights_mm]).astype(np.int16)


def write_at(heights_mm, folder, aside_mm=0.0, **values):
    """The ramp in slices at these heights, each moved along y by `aside_mm` for each mm of height."""
    series = SliceSeries(ramp_at(heights_mm), **values)

    def moved(k, dataset):
        dataset.ImagePositionPatient[1] = f"{-20.0 + aside_mm * heights_mm[k]:.10g}"
        dataset.ImagePositionPatient[2] = f"{30.0 + heights_mm[k]:.10g}"

    return series.write(folder, moved)


# -------------------------------------------------------------------------------- straightening


@pytest.mark.parametrize(
    ("heights_mm", "refusal", "slices"),
    [
        ([0, 3, 6, 12, 15, 18], "1 slice.* missing", 7),
        ([0, 3, 6, 9, 14, 19, 24], "unevenly spaced", 9),
        ([0, 1, 3, 4, 6, 7], "unevenly spaced|missing", 8),
    ],
    ids=["a gap", "two thicknesses", "a regular pattern"],
)
def test_mixed_spacing_is_refused_and_resampled_when_asked(tmp_path, heights_mm, refusal, slices):
    write_at(heights_mm, tmp_path)
    with pytest.raises(InconsistentInput, match=f"({refusal}).*--straighten"):
        read(tmp_path)
    reading = straightened(tmp_path)
    step_mm = min(np.diff(heights_mm))
    assert reading.image.grid.size == (7, 6, slices)
    assert np.array_equal(reading.image.voxels, ramp_at(np.arange(slices) * step_mm))
    assert any(f"resampled to {slices} straight slices, {step_mm:.2f} mm apart" in m for m in reading.messages)


def test_tilt_is_straightened_by_the_exact_shear(tmp_path):
    """A ramp in height alone: where it is, it must be the height of the voxel, however far its slice lies aside."""
    heights_mm = [3 * k for k in range(8)]
    series = SliceSeries(np.array([np.full((30, 7), 100 * h) for h in heights_mm], dtype=np.int16))

    def tilted(k, dataset):
        dataset.ImagePositionPatient[1] = str(-20.0 + heights_mm[k] * np.tan(np.deg2rad(12.0)))

    series.write(tmp_path, tilted)
    reading = straightened(tmp_path)
    k = np.arange(8)[:, None, None]
    there = np.isfinite(reading.image.voxels)
    assert reading.image.grid.size == (7, 30 + 3, 8)  # 21 mm of height and 12 degrees are 4.5 mm, rows are 2 mm apart
    assert np.array_equal(reading.image.voxels[there], np.broadcast_to(300.0 * k, there.shape)[there])
    assert reading.image.grid.points((0, 0, 0)) == pytest.approx((-10.0, -20.0, 30.0))
    assert any("gantry tilt of about 12.0 degrees" in message for message in reading.messages)
    written = write_image_series(reading.image, series_header(9))
    assert next(written).SOPInstanceUID not in reading.image.provenance.instance_uids


def test_a_straight_series_is_left_as_it_is_and_that_is_said(tmp_path):
    plain = SliceSeries(volume()).write(tmp_path)
    reading = straightened(plain)
    assert np.array_equal(reading.image.voxels, volume())
    assert any("straight and even: nothing resampled" in message for message in reading.messages)


def test_nothing_is_invented_across_a_wide_gap(tmp_path):
    write_at([0, 3, 6, 21, 24], tmp_path)
    with pytest.raises(InconsistentInput, match=r"nothing between .*15\.00 mm: at most 10 mm"):
        straightened(tmp_path)


@pytest.mark.parametrize(
    ("heights_mm", "aside_mm", "sentence"),
    [
        ([0, 0.02, *range(9, 180, 9)], 0.0, "0.02 to 9.00 mm apart: too unlike"),
        ([0, 3, 6], 1e4, "tilted by 90.0 degrees"),
    ],
)
def test_positions_that_would_make_far_more_voxels_than_there_are(tmp_path, heights_mm, aside_mm, sentence):
    write_at(heights_mm, tmp_path, aside_mm)
    with pytest.raises(InconsistentInput, match=sentence):
        straightened(tmp_path)


# -------------------------------------------------------------------------------- scouts


def with_scouts(folder, count, slices=16, orientation=SAGITTAL, **header):
    series = SliceSeries(volume(slices=slices), sop_class=MR)
    series.write(folder)
    for n in range(count):
        scout = series.dataset(0)
        scout.SOPInstanceUID = scout.file_meta.MediaStorageSOPInstanceUID = f"{ROOT}.88.{n}"
        scout.ImageOrientationPatient, scout.ImagePositionPatient = orientation, [n, 0, 0]
        for keyword, value in header.items():
            setattr(scout, keyword, value)
        write(scout, folder / f"scout{n}.dcm")
    return folder


@pytest.mark.parametrize("count", [1, 3])
def test_scouts_that_do_not_say_so_are_set_aside(tmp_path, count):
    reading = read(with_scouts(tmp_path, count))
    assert np.array_equal(reading.image.voxels, volume(slices=16))
    assert sum("taken as a localizer" in m and "turned by 120°" in m for m in reading.messages) == count


def test_a_scout_of_another_size(tmp_path):
    reading = read(with_scouts(tmp_path, 1, Rows=3, Columns=14))
    assert reading.image.grid.size == (7, 6, 16)


@pytest.mark.parametrize(("count", "slices"), [(4, 30), (2, 9), (1, 4)])
def test_too_many_to_be_scouts(tmp_path, count, slices):
    with pytest.raises(InconsistentInput, match="different orientation"):
        read(with_scouts(tmp_path, count, slices))


def test_a_slice_that_is_slightly_turned_is_no_scout(tmp_path):
    turned = [np.cos(0.1), np.sin(0.1), 0.0, -np.sin(0.1), np.cos(0.1), 0.0]
    with pytest.raises(InconsistentInput, match="different orientation"):
        read(with_scouts(tmp_path, 1, orientation=[f"{x:.10g}" for x in turned]))


# -------------------------------------------------------------------------------- phases and overlapping scans


@pytest.mark.parametrize(
    ("keyword", "values", "names"),
    [
        ("NominalPercentageOfRespiratoryPhase", (0, 50), ["0%", "50%"]),
        ("TemporalPositionIdentifier", (1, 2), ["time 1", "time 2"]),
        ("AcquisitionNumber", (3, 4), ["acquisition 3", "acquisition 4"]),
        ("EchoNumbers", (1, 2), ["echo 1", "echo 2"]),
        ("TriggerTime", (0, 400), ["trigger 0 ms", "trigger 400 ms"]),
        ("DiffusionBValue", (0, 800), ["b 0", "b 800"]),
        ("ImageComments", ("Gated, 0.0%", "Gated, 30.0%"), ["0%", "30%"]),
        ("SeriesDescription", ("T=0", "T=90"), ["0%", "90%"]),
        ("SeriesDescription", ("AVE-IP", "MIP"), ["average", "maximum"]),
        ("ImageType", (["DERIVED", "PRIMARY", "W"], ["DERIVED", "PRIMARY", "F"]), ["type DERIVED/PRIMARY/F"]),
    ],
)
def test_phases_of_one_series(tmp_path, keyword, values, names):
    for n, value in enumerate(values):
        series = SliceSeries(volume() + 100 * n, header={keyword: value})

        def renamed(k, dataset, n=n):
            dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = f"{SERIES}.{n}.{k + 1}"

        series.write(tmp_path / str(n), renamed)
    with pytest.raises(AmbiguousInput, match=f"holds 2 volumes: {names[0]}, .*--series {SERIES}@"):
        read(tmp_path)
    for n, name in enumerate(names):
        offset = 100 * n if len(names) == 2 else 100  # fat comes before water
        assert np.array_equal(read(tmp_path, f"@{name}").image.voxels, volume() + offset)
    inventory = scan_folder(tmp_path)
    (note,) = [f for f in find_problems(inventory, links_of(inventory)) if "2 volumes" in f.sentence]
    assert note.severity == "note"
    assert not [f for f in find_problems(inventory, links_of(inventory)) if f.severity == "error"]


def test_phases_in_several_series_of_a_study(tmp_path):
    for n, description in enumerate(("CT 0% Ex", "CT 50% In", "AVE-IP")):
        header = {"SeriesDescription": description}
        SliceSeries(volume() + 100 * n, series_uid=f"{SERIES}.{n}", header=header).write(tmp_path)
    with pytest.raises(AmbiguousInput, match=r"phase 0%; CT Image 'CT 50% In' .*, phase 50%; .*, phase average"):
        read_daily_folder(tmp_path, "")
    for words in ("@50%", f"{SERIES}.1@50%", f"{SERIES}.1"):
        daily = read_daily_folder(tmp_path, "", words).daily_image
        assert np.array_equal(daily.voxels, volume() + 100)
        assert daily.provenance.phase.respiratory_percent == 50.0
    with pytest.raises(MissingInput, match="no phase '50%': it is one volume, phase 0%"):
        read_daily_folder(tmp_path, "", f"{SERIES}.0@50%")


def test_overlapping_scans_of_one_series_are_told_apart_by_their_acquisition(tmp_path):
    """Two scans that overlap, half a slice apart: together they are uneven, each of them is not."""
    for number, begin in ((1, 30.0), (2, 37.5)):
        series = SliceSeries(volume() + number, origin=(-10.0, -20.0, begin), header={"AcquisitionNumber": number})

        def renamed(k, dataset, number=number):
            dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = f"{SERIES}.{number}.{k + 1}"

        series.write(tmp_path / str(number), renamed)
    with pytest.raises(AmbiguousInput, match="acquisition 1, acquisition 2"):
        read(tmp_path)
    assert np.array_equal(read(tmp_path, "@acquisition 2").image.voxels, volume() + 2)


def test_interleaved_acquisitions_are_one_volume(tmp_path):
    def interleaved(k, dataset):
        dataset.AcquisitionNumber = k % 2 + 1

    assert np.array_equal(
        read(SliceSeries(volume(slices=8)).write(tmp_path, interleaved)).image.voxels, volume(slices=8)
    )


def test_reversed_slices_are_one_volume(tmp_path):
    stored = volume()
    reading = read(SliceSeries(stored, origin=(-10.0, -20.0, 42.0), step=-3.0).write(tmp_path))
    assert np.array_equal(reading.image.voxels, stored[::-1])
    assert reading.image.grid.points((0, 0, 0)) == pytest.approx((-10.0, -20.0, 30.0))


# -------------------------------------------------------------------------------- distortion of MR


@pytest.mark.parametrize(
    ("values", "correction", "said"),
    [
        (["ORIGINAL", "PRIMARY", "M", "ND", "NORM"], DistortionCorrection.NONE, "is not corrected"),
        (["ORIGINAL", "PRIMARY", "M", "NORM", "DIS2D"], DistortionCorrection.IN_PLANE, "in its slices only"),
        (["ORIGINAL", "PRIMARY", "M", "NORM", "DIS3D"], DistortionCorrection.VOLUME, None),
        (["ORIGINAL", "PRIMARY", "M"], DistortionCorrection.UNKNOWN, "does not say whether"),
    ],
)
@pytest.mark.parametrize("is_enhanced", [False, True])
def test_distortion_correction_of_mr(tmp_path, values, correction, said, is_enhanced):
    if is_enhanced:
        Frames(volume(), sop_class=ENHANCED_MR, frame_type=tuple(values)).write(tmp_path)
    else:
        SliceSeries(volume(), sop_class=MR, header={"ImageType": values}).write(tmp_path)
    reading = read(tmp_path)
    assert reading.image.provenance.distortion_correction is correction
    assert [m for m in reading.messages if "distortion" in m] == [m for m in reading.messages if said and said in m]


def test_one_slice_that_is_not_corrected_counts(tmp_path):
    def mixed(k, dataset):
        dataset.ImageType = ["ORIGINAL", "PRIMARY", "M", "ND" if k == 2 else "DIS3D"]

    reading = read(SliceSeries(volume(), sop_class=MR).write(tmp_path, mixed))
    assert reading.image.provenance.distortion_correction is DistortionCorrection.NONE


def test_volumetric_properties_may_say_distorted(tmp_path):
    kind = [sequence_item(FrameType=["ORIGINAL", "PRIMARY", "VOLUME", "NONE"], VolumetricProperties="DISTORTED")]
    Frames(volume(), sop_class=ENHANCED_MR, shared={"MRImageFrameTypeSequence": kind}).write(tmp_path)
    assert read(tmp_path).image.provenance.distortion_correction is DistortionCorrection.NONE


def test_a_ct_has_no_distortion(tmp_path):
    reading = read(SliceSeries(volume()).write(tmp_path))
    assert reading.image.provenance.distortion_correction is None
    assert reading.messages == ()
