"""RT Images: pixels and rays as PS3.3 C.8.8.2 has them, by an independent computation; nothing silent is guessed."""

from dataclasses import replace

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813 - the name that its users know
from hypothesis import given
from hypothesis import strategies as st
from pydicom import dcmread
from scipy.spatial.transform import Rotation

from openigrt.dicom import ProjectionDefaults, read_object, read_projections, save, write_projection
from openigrt.errors import InconsistentInput, MissingInput, UnreadableFile, UnsupportedInput
from openigrt.geometry import Frame, PatientPosition
from openigrt.images import Exposure, IntensityRelationship, PlannedBeam, ProjectionKind, Provenance
from tests.dicom.dicom_cases import FRAME, PLAN, ROOT, RTPLAN, dicom_object, sequence_item
from tests.dicom.writing_cases import requires_dciodvfy, series_header, validated
from tests.fuzz.judging import refuses_or_reads

VECTORS = ("C-40",)
RTIMAGE = "1.2.840.10008.5.1.4.1.1.481.1"

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:pydicom")


def rt_image(stored=None, **values):
    """A portal image made with pydicom alone; None takes an element away."""
    stored = np.arange(12, dtype=np.uint16).reshape(1, 3, 4) if stored is None else stored
    dataset = dicom_object(RTIMAGE, f"{ROOT}.80", Modality="RTIMAGE", SeriesInstanceUID=f"{ROOT}.81")
    bits = 8 * stored.dtype.itemsize
    shown = {
        "ImageType": ["ORIGINAL", "PRIMARY", "PORTAL"],
        "AcquisitionDate": "20240102",
        "AcquisitionTime": "030405.5",
        "TimezoneOffsetFromUTC": "+0000",
        "FrameOfReferenceUID": FRAME,
        "RTImageLabel": "AP",
        "RTImagePlane": "NORMAL",
        "XRayImageReceptorTranslation": [0, 0, -500],
        "XRayImageReceptorAngle": 0,
        "ImagePlanePixelSpacing": [0.5, 0.25],
        "RTImagePosition": [-200, 150],
        "RadiationMachineName": "LINAC",
        "RadiationMachineSAD": 1000,
        "RTImageSID": 1500,
        "GantryAngle": 0,
        "BeamLimitingDeviceAngle": 0,
        "PatientSupportAngle": 0,
        "TableTopVerticalPosition": 0,
        "TableTopLongitudinalPosition": 0,
        "TableTopLateralPosition": 0,
        "PrimaryDosimeterUnit": "MU",
        "SamplesPerPixel": 1,
        "PhotometricInterpretation": "MONOCHROME2",
        "Rows": stored.shape[1],
        "Columns": stored.shape[2],
        "NumberOfFrames": len(stored) if len(stored) > 1 else None,
        "BitsAllocated": bits,
        "BitsStored": bits,
        "HighBit": bits - 1,
        "PixelRepresentation": int(stored.dtype.kind == "i"),
    }
    for keyword, value in (shown | values).items():
        if value is not None:
            setattr(dataset, keyword, value)
    dataset.PixelData = stored.tobytes() + b"\0" * (stored.nbytes % 2)
    return dataset


def only(dataset, defaults=None):
    (projection,), _ = read_projections(dataset, defaults)
    return projection


# -------------------------------------------------------------------------------- where pixels lie


def pixel_by_the_text(point, case):
    """(column, row) by PS3.3 C.8.8.2, step by step in the receptor system, with scipy's rotations."""
    fixed_from_gantry = Rotation.from_euler("xy", [case["pitch"], 0.0], degrees=True) * Rotation.from_euler(
        "y", case["gantry"], degrees=True
    )
    in_gantry = fixed_from_gantry.inv().apply(point)
    gantry_from_receptor = Rotation.from_euler("z", case["angle"], degrees=True)
    source = np.array([0.0, 0.0, case["sad"]])
    origin = np.array([*case["shift"], case["sad"] - case["sid"]])
    a, b = (gantry_from_receptor.inv().apply(p - origin) for p in (source, in_gantry))
    turn = case["turn"].as_matrix()  # rotates the receptor plane about the origin of its system
    a, b = turn.T @ a, turn.T @ b
    x, y, _ = a + (b - a) * a[2] / (a[2] - b[2])
    first_x, first_y = case["first"]
    between_rows, between_columns = case["spacing"]
    return (x - first_x) / between_columns, (first_y - y) / between_rows


def image_of(case):
    turn = case["turn"].as_matrix()
    plane = {"RTImagePlane": "NORMAL"}
    if case["turn"].magnitude() > 0.0:
        plane = {"RTImagePlane": "NON_NORMAL", "RTImageOrientation": [f"{v:.12f}" for v in [*turn[:, 0], *-turn[:, 1]]]}
    return rt_image(
        XRayImageReceptorTranslation=[*case["shift"], case["sad"] - case["sid"]],
        XRayImageReceptorAngle=case["angle"],
        ImagePlanePixelSpacing=list(case["spacing"]),
        RTImagePosition=list(case["first"]),
        RadiationMachineSAD=case["sad"],
        RTImageSID=case["sid"],
        GantryAngle=case["gantry"],
        GantryPitchAngle=case["pitch"],
        **plane,
    )


def random_case(generator, turned):
    turn = Rotation.from_euler("xyz", generator.uniform(-25.0, 25.0, 3), degrees=True)
    return {
        "gantry": round(generator.uniform(0.0, 360.0), 3),
        "pitch": float(np.float32(generator.uniform(-10.0, 10.0))),
        "angle": round(generator.uniform(-180.0, 180.0), 3),
        "sad": 1000.0,
        "sid": round(generator.uniform(1100.0, 1800.0), 2),
        "shift": tuple(generator.uniform(-60.0, 60.0, 2).round(3)),
        "first": tuple(generator.uniform(-250.0, 250.0, 2).round(3)),
        "spacing": tuple(generator.uniform(0.2, 1.0, 2).round(4)),
        "turn": turn if turned else Rotation.identity(),
    }


@pytest.mark.parametrize("turned", [False, True], ids=["normal", "non-normal"])
@pytest.mark.parametrize("seed", range(10))
def test_points_fall_where_the_standard_puts_them(seed, turned):
    generator = np.random.default_rng(seed)
    case = random_case(generator, turned)
    geometry = only(image_of(case)).geometry
    for point in generator.uniform(-150.0, 150.0, (5, 3)):
        assert geometry.pixels(point) == pytest.approx(pixel_by_the_text(point, case), abs=1e-6)


def test_the_clinical_vector_of_an_rt_image():
    """C-40, through the object: first pixel (-200, 150), 0.4 mm at 1500 mm; row 100, column 300 at SAD/SID."""
    geometry = only(rt_image(ImagePlanePixelSpacing=[0.4, 0.4])).geometry
    assert geometry.points((300, 100)) == pytest.approx([-80.0, 110.0, -500.0], abs=1e-6)
    assert geometry.pixels((-53.33333333, 73.33333333, 0.0)) == pytest.approx([300.0, 100.0], abs=1e-6)
    assert "C-40" in VECTORS


def test_rows_run_to_the_right_and_columns_down_seen_from_the_source():
    """Gantry 0: +x is the patient's left (HFS), +y toward the gantry, so the first row is nearest to the gantry."""
    geometry = only(rt_image()).geometry
    assert geometry.row_direction == pytest.approx([1.0, 0.0, 0.0])
    assert geometry.column_direction == pytest.approx([0.0, -1.0, 0.0])
    assert geometry.spacing_mm == pytest.approx([0.25, 0.5])
    assert only(rt_image(GantryAngle=90)).geometry.source_mm == pytest.approx([1000.0, 0.0, 0.0])


def test_a_point_of_the_patient_on_a_turned_couch():
    """Isocenter, position and couch of the image, against the chain of frames of clinical.md 1.1 by scipy."""
    dataset = rt_image(
        GantryAngle=130,
        IsocenterPosition=[5, 70, 305],
        PatientPosition="FFP",
        PatientSupportAngle=25,
        TableTopPitchAngle=2,
        TableTopRollAngle=-1.5,
    )
    projection = only(dataset)
    turn = Rotation.from_euler("ZXY", [25.0, 2.0, -1.5], degrees=True)
    lps_to_table = np.array([[1, 0, 0], [0, 0, -1], [0, 1, 0]])  # clinical.md 1.2: FFP
    point = np.array([25.0, 60.0, 290.0])
    in_room = turn.apply(lps_to_table @ (point - (5.0, 70.0, 305.0)))
    case = {"gantry": 130.0, "pitch": 0.0, "angle": 0.0, "sad": 1000.0, "sid": 1500.0, "shift": (0.0, 0.0)}
    case |= {"first": (-200.0, 150.0), "spacing": (0.5, 0.25), "turn": Rotation.identity()}
    seen = projection.patient_geometry(Frame.plan(FRAME)).pixels(point)
    assert seen == pytest.approx(pixel_by_the_text(in_room, case), abs=1e-9)
    assert projection.pose.couch.table_top_roll_angle_deg == -1.5


# -------------------------------------------------------------------------------- pixels


@pytest.mark.parametrize("dtype", ["u1", "<u2", "<u4", "<i2"])
def test_pixels_of_every_depth(dtype):
    stored = (np.arange(12) * 7 - (40 if dtype == "<i2" else 0)).astype(dtype).reshape(1, 3, 4)
    assert np.array_equal(only(rt_image(stored)).pixels, stored[0].astype(np.float32))


def test_rescale_and_bright_lows_leave_the_numbers_as_they_mean_them():
    dataset = rt_image(
        RescaleSlope=2,
        RescaleIntercept=-3,
        PhotometricInterpretation="MONOCHROME1",
        PixelIntensityRelationship="LOG",
        PixelIntensityRelationshipSign=-1,
    )
    projection = only(dataset)
    assert np.array_equal(projection.pixels.ravel(), 2.0 * np.arange(12) - 3.0)
    assert projection.intensity.relationship is IntensityRelationship.LOG
    assert projection.intensity.rises_with_beam is False
    assert projection.intensity.is_bright_low


def test_a_modality_table_holds_its_ends_beyond_them():
    table = sequence_item(LUTDescriptor=[4, 3, 16], LUTData=[10, 20, 40, 80], ModalityLUTType="US")
    pixels = only(rt_image(ModalityLUTSequence=[table])).pixels.ravel()
    assert pixels.tolist() == [10, 10, 10, 10, 20, 40, 80, 80, 80, 80, 80, 80]
    short = sequence_item(LUTDescriptor=[9, 3, 16], LUTData=[10, 20, 40, 80], ModalityLUTType="US")
    with pytest.raises(UnreadableFile, match="4 entries, 9 announced"):
        read_projections(rt_image(ModalityLUTSequence=[short]))


def test_a_modality_table_in_bytes_is_of_the_width_that_it_announces():
    entries = np.arange(10, 26, dtype=np.uint8)
    narrow = sequence_item(LUTDescriptor=[16, 0, 8], LUTData=entries.tobytes())
    assert only(rt_image(ModalityLUTSequence=[narrow])).pixels.ravel().tolist() == entries[:12].tolist()
    cut = sequence_item(LUTDescriptor=[16, 0, 16], LUTData=entries.tobytes())
    with pytest.raises(UnreadableFile, match="8 entries, 16 announced"):
        read_projections(rt_image(ModalityLUTSequence=[cut]))


def test_a_long_exposure_of_many_megavolts():
    exposure = only(rt_image(ExposureSequence=[sequence_item(KVP=25_000, ExposureTime=60_000)])).exposure
    assert (exposure.tube_voltage_kv, exposure.exposure_time_ms) == (25_000.0, 60_000.0)


def test_frames_have_their_own_angles_times_and_exposures():
    stored = np.arange(36, dtype=np.uint16).reshape(3, 3, 4)
    exposures = [
        sequence_item(ReferencedFrameNumber=n, GantryAngle=10 * n, KVP=100 + n, ExposureTime=20, MetersetExposure=n)
        for n in (3, 1, 2)
    ]
    frames, _ = read_projections(rt_image(stored, ExposureSequence=exposures, FrameTime=250, GantryAngle=None))
    assert [frame.pose.gantry_angle_deg for frame in frames] == [10.0, 20.0, 30.0]
    assert [frame.exposure.tube_voltage_kv for frame in frames] == [101.0, 102.0, 103.0]
    assert [frame.exposure.meterset_mu for frame in frames] == [1.0, 2.0, 3.0]
    assert [(f.acquired_at - frames[0].acquired_at).total_seconds() for f in frames] == [0.0, 0.25, 0.5]
    assert np.array_equal(frames[2].pixels, stored[2])
    assert frames[1].geometry.source_mm == pytest.approx([1000.0 * np.sin(np.deg2rad(20)), 0, 939.692620786])


def test_what_the_image_says_is_kept():
    plan = sequence_item(ReferencedSOPClassUID=RTPLAN, ReferencedSOPInstanceUID=PLAN)
    exposure = sequence_item(KVP=6000, MetersetExposure=2.5, ExposureTime=100, XRayTubeCurrent="")
    dataset = rt_image(ReferencedRTPlanSequence=[plan], ReferencedBeamNumber=3, ExposureSequence=[exposure])
    projection = only(dataset)
    assert (projection.beam.plan_uid, projection.beam.beam_number) == (PLAN, 3)
    assert projection.exposure == Exposure(6000.0, None, 100.0, 2.5)
    assert projection.exposure.is_megavoltage
    assert projection.acquired_at.isoformat() == "2024-01-02T03:04:05.500000+00:00"
    assert (projection.label, projection.provenance.station_name) == ("AP", "LINAC")


# -------------------------------------------------------------------------------- what is silent or cannot be


@pytest.mark.parametrize(
    "keyword",
    [
        "GantryAngle",
        "RadiationMachineSAD",
        "RTImageSID",
        "XRayImageReceptorAngle",
        "RTImagePosition",
        "ImagePlanePixelSpacing",
    ],
)
@pytest.mark.parametrize("left", [None, ""], ids=["absent", "empty"])
def test_what_is_silent_is_refused_or_taken_as_given(keyword, left):
    given_ = ProjectionDefaults(
        gantry_angle_deg=0.0,
        source_axis_distance_mm=1000.0,
        source_detector_distance_mm=1500.0,
        image_receptor_angle_deg=0.0,
        image_position_mm=(-200.0, 150.0),
        pixel_spacing_mm=(0.5, 0.25),
    )
    dataset = rt_image(**{keyword: left})
    with pytest.raises(MissingInput, match=keyword):
        read_projections(dataset)
    (projection,), messages = read_projections(dataset, given_)
    assert any(message.startswith(f"{keyword} is not stated; taken as given") for message in messages)
    assert np.allclose(projection.geometry.points((3, 2)), only(rt_image()).geometry.points((3, 2)))


def test_what_is_stated_wins_over_what_is_given():
    projection = only(rt_image(), ProjectionDefaults(gantry_angle_deg=77.0, source_axis_distance_mm=1.0))
    assert projection.pose.gantry_angle_deg == 0.0
    assert projection.pose.source_axis_distance_mm == 1000.0


def test_messages_name_what_was_assumed_or_is_doubtful():
    _, messages = read_projections(rt_image())
    assert messages == ()
    _, messages = read_projections(rt_image(XRayImageReceptorTranslation=None, PatientSupportAngle=None))
    assert len(messages) == 2
    assert "centred on the beam axis" in messages[0]
    assert "patient support angle is not stated" in messages[1]
    _, messages = read_projections(rt_image(TableTopLateralPosition=None))
    assert messages == ("The position of the table top is not stated.",)
    _, messages = read_projections(rt_image(RTImagePosition=[-0.5, 0.75]))
    assert "corner of a centred image" in messages[0]
    assert "0.125 mm off the axis" in messages[0]
    _, messages = read_projections(rt_image(XRayImageReceptorTranslation=[1, 2, -495]))
    assert "-500 mm; the latter was used" in messages[0]
    _, messages = read_projections(rt_image(MetersetExposure=2, PrimaryDosimeterUnit="MINUTE"))
    assert messages == ("The meterset is in MINUTE, not in MU; it is left aside.",)
    _, messages = read_projections(rt_image(ImageType=["ORIGINAL", "PRIMARY", "", "ACQUIRED_DOSE"]))
    assert "not known" in messages[0]
    assert "ACQUIRED_DOSE" in messages[1]


PLANE = "RT Image Plane"


@pytest.mark.parametrize(
    ("values", "error", "said"),
    [
        ({"ImageType": ["DERIVED", "SECONDARY", "FLUENCE"]}, UnsupportedInput, "no projection image"),
        ({"ImageType": ["DERIVED", "SECONDARY", "BLANK"]}, UnsupportedInput, "no projection image"),
        ({"PhotometricInterpretation": "RGB", "SamplesPerPixel": 3}, UnsupportedInput, "one gray value"),
        ({"BitsAllocated": 1}, UnsupportedInput, "8, 16 or 32 bits"),
        ({"RTImagePlane": None}, UnsupportedInput, PLANE),
        ({"RTImagePlane": "NON_NORMAL"}, UnsupportedInput, PLANE),
        ({"RTImageOrientation": [0, 1, 0, 1, 0, 0]}, UnsupportedInput, PLANE),
        ({"RTImagePlane": "NON_NORMAL", "RTImageOrientation": [1, 0, 0, 1, 0, 0]}, UnsupportedInput, PLANE),
        ({"XRayImageReceptorTranslation": [0, 0, -600]}, InconsistentInput, "which of them holds"),
        ({"XRayImageReceptorTranslation": [0, 0]}, UnreadableFile, "should hold 3"),
        ({"RadiationMachineSAD": -1000}, UnreadableFile, "which cannot be"),
        ({"RTImageSID": 0}, UnreadableFile, "which cannot be"),
        ({"RTImageSID": 1e9}, UnreadableFile, "which cannot be"),
        ({"RTImageSID": [1500, 1400]}, UnreadableFile, "1 numbers and holds 2"),
        ({"RTImagePosition": [1.0]}, UnreadableFile, "2 numbers and holds 1"),
        ({"ImagePlanePixelSpacing": [0, 0.4]}, UnreadableFile, "above 0"),
        ({"GantryAngle": 720.5}, UnreadableFile, "which cannot be"),
        ({"IsocenterPosition": [1, 2]}, UnreadableFile, "IsocenterPosition"),
        ({"Rows": 60000, "Columns": 60000}, UnsupportedInput, "at most 536870912 pixels"),
        ({"Rows": 0}, UnsupportedInput, "at least one of each"),
        ({"NumberOfFrames": 2_000_000_000}, UnsupportedInput, "announces 2000000000 frames"),
        ({"NumberOfFrames": 10_001}, UnsupportedInput, "at most 10000 frames"),
        ({"NumberOfFrames": -1}, UnsupportedInput, "announces -1 frames"),
        ({"NumberOfFrames": 100}, UnreadableFile, "holds 24"),
        ({"RescaleSlope": 0}, UnreadableFile, "slope of 0"),
        ({"IsocenterPosition": ["1e300", 0, 0]}, UnreadableFile, "IsocenterPosition 1e\\+300, 0, 0, which cannot be"),
        ({"FrameTime": -5}, InconsistentInput, "frame times"),
        ({"FrameTimeVector": [0, 1, 2]}, InconsistentInput, "frame times"),
    ],
)
def test_what_cannot_be_is_refused_by_name(values, error, said):
    with pytest.raises(error, match=said):
        read_projections(rt_image(**values))


def test_an_orientation_that_says_what_normal_means_is_allowed():
    assert only(rt_image(RTImageOrientation=[1, 0, 0, 0, -1, 0])).geometry.row_direction == pytest.approx([1, 0, 0])


def test_frames_whose_gantry_is_not_known_are_refused():
    stored = np.zeros((3, 3, 4), np.uint16)
    two = [sequence_item(ReferencedFrameNumber=n, GantryAngle=n) for n in (1, 3)]
    with pytest.raises(MissingInput, match="frame 2 is not known"):
        read_projections(rt_image(stored, ExposureSequence=two))
    same = [sequence_item(ReferencedFrameNumber=1, GantryAngle=n) for n in (1, 3)]
    with pytest.raises(InconsistentInput, match="of which frame they are"):
        read_projections(rt_image(stored, ExposureSequence=same))


def test_a_frame_time_beyond_the_calendar_is_refused():
    with pytest.raises(InconsistentInput, match="beyond the calendar"):
        read_projections(rt_image(np.zeros((2, 3, 4), np.uint16), FrameTime=1e300))


def test_another_object_is_refused():
    with pytest.raises(UnsupportedInput, match="no RT Image"):
        read_projections(dicom_object(RTPLAN, "1.2.3"))


@given(st.sampled_from(["GantryAngle", "RTImageSID", "RTImagePosition", "FrameTime"]), st.text(max_size=20))
def test_no_text_whatever_in_a_number_is_a_traceback(keyword, words):
    dataset = rt_image()
    dataset._dict.pop(dataset.data_element(keyword).tag, None) if keyword in dataset else None
    dataset.add_new(keyword, "LO", words.replace("\\", ""))
    refuses_or_reads(lambda: read_projections(dataset))


# -------------------------------------------------------------------------------- written and read again


def full_case(turned=True, seed=3):
    case = random_case(np.random.default_rng(seed), turned)
    dataset = image_of(case)
    dataset.PatientPosition, dataset.IsocenterPosition = "HFS", [1, 2, 3]
    dataset.TableTopLateralPosition, dataset.PatientSupportAngle = -12.5, 350
    dataset.PixelIntensityRelationship, dataset.PixelIntensityRelationshipSign = "LIN", 1
    plan = sequence_item(ReferencedSOPClassUID=RTPLAN, ReferencedSOPInstanceUID=PLAN)
    dataset.ReferencedRTPlanSequence, dataset.ReferencedBeamNumber = [plan], 2
    dataset.ExposureSequence = [sequence_item(KVP=120, XRayTubeCurrent=80, ExposureTime=10, MetersetExposure="")]
    return only(dataset)


def written(projection, path):
    save(write_projection(projection, series_header("82"), f"{ROOT}.83"), path)
    return path


@pytest.mark.parametrize("is_ion", [False, True])
def test_the_planned_beam_comes_back(tmp_path, is_ion):
    """PS3.3 C.8.8.2: plan, beam, fraction group and fraction; the plan under its own SOP class."""
    beam = PlannedBeam(PLAN, 2, fraction_number=7, fraction_group_number=3, is_ion=is_ion)
    path = written(replace(full_case(), beam=beam), tmp_path / "ri.dcm")
    found = dcmread(path)
    plan = found.ReferencedRTPlanSequence[0].ReferencedSOPClassUID
    assert plan.name == ("RT Ion Plan Storage" if is_ion else "RT Plan Storage")
    assert (found.ReferencedFractionGroupNumber, found.FractionNumber) == (3, 7)
    assert only(read_object(path)[0]).beam == beam


@pytest.mark.parametrize("turned", [False, True], ids=["normal", "non-normal"])
@pytest.mark.parametrize("seed", range(5))
def test_it_comes_back_the_same(tmp_path, turned, seed):
    projection = full_case(turned, seed)
    (read,), messages = read_projections(read_object(written(projection, tmp_path / "ri.dcm"))[0])
    corners = [(0, 0), (3, 0), (0, 2), (3, 2)]
    assert messages == ()
    assert np.allclose(read.geometry.points(corners), projection.geometry.points(corners), rtol=0.0, atol=1e-5)
    assert np.allclose(read.geometry.source_mm, projection.geometry.source_mm, rtol=0.0, atol=1e-6)
    assert np.array_equal(read.pixels, projection.pixels)
    assert (read.pose, read.exposure, read.intensity, read.beam) == (
        projection.pose,
        projection.exposure,
        projection.intensity,
        projection.beam,
    )
    assert (read.isocenter_mm, read.patient_frame_uid, read.kind, read.label) == (
        projection.isocenter_mm,
        projection.patient_frame_uid,
        projection.kind,
        projection.label,
    )
    assert read.acquired_at == projection.acquired_at
    assert read.provenance.patient_position is PatientPosition.HFS


def validated_rt_image(path):
    """dciodvfy looks for Image Type in the exposure, where conditions ask for that of the image: it is put there."""
    dataset = dcmread(path)
    for item in dataset.get("ExposureSequence", ()):
        item.ImageType = dataset.ImageType
    copy = path.with_name("to_validate.dcm")
    dataset.save_as(copy)
    return validated(copy)


@requires_dciodvfy
@pytest.mark.parametrize("turned", [False, True], ids=["normal", "non-normal"])
def test_dciodvfy_finds_no_errors(tmp_path, turned):
    assert validated_rt_image(written(full_case(turned), tmp_path / "ri.dcm")) == []


@requires_dciodvfy
@pytest.mark.parametrize("kind", [ProjectionKind.RADIOGRAPH, ProjectionKind.SIMULATOR])
def test_exposures_of_kilovolt_images_are_valid(tmp_path, kind):
    projection = replace(full_case(), kind=kind, exposure=Exposure(120.0, 80.4, 10.6))
    path = written(projection, tmp_path / "ri.dcm")
    assert validated_rt_image(path) == []
    assert only(read_object(path)[0]).exposure == projection.exposure


@requires_dciodvfy
@pytest.mark.parametrize("kind", [kind for kind in ProjectionKind if kind is not ProjectionKind.OTHER])
def test_every_kind_is_valid_with_as_little_as_there_is(tmp_path, kind):
    dataset = rt_image(PatientSupportAngle=None, FrameOfReferenceUID=None, AcquisitionDate=None)
    dataset.ImageType = ["ORIGINAL", "PRIMARY", str(kind)]
    path = written(only(dataset), tmp_path / "ri.dcm")
    assert validated_rt_image(path) == []
    assert "research only" in dcmread(path).SeriesDescription


def test_others_read_the_pixels_that_were_written(tmp_path):
    values = np.linspace(-0.3, 4.1, 12, dtype=np.float32).reshape(3, 4)
    path = written(replace(only(rt_image()), pixels=values), tmp_path / "ri.dcm")
    oracle = sitk.GetArrayFromImage(sitk.ReadImage(str(path)))[0]
    assert np.abs(oracle - values).max() <= 4.4 / 131070 * 1.01
    stored = dcmread(path)
    by_hand = stored.pixel_array * float(stored.RescaleSlope) + float(stored.RescaleIntercept)
    assert np.abs(by_hand - values).max() <= 4.4 / 131070 * 1.01


def test_pixels_that_are_all_one_fraction_come_back(tmp_path):
    values = np.full((3, 4), 0.5, np.float32)
    path = written(replace(only(rt_image()), pixels=values), tmp_path / "ri.dcm")
    assert np.array_equal(only(read_object(path)[0]).pixels, values)


def test_what_an_rt_image_cannot_say_is_not_written():
    full = full_case(turned=False)
    sagging = replace(full.geometry, source_mm=full.geometry.source_mm + np.array([0.0, 0.0, 5.0]))
    mirrored = replace(full.geometry, row_direction=-full.geometry.row_direction)
    wrong = {
        "The source lies at": {"geometry": sagging},
        "from behind": {"geometry": mirrored},
        "not finite": {"pixels": np.full((3, 4), np.nan, np.float32)},
        "beyond 1e\\+06": {"pixels": np.full((3, 4), 1e7, np.float32)},
        "neither portal image": {"kind": ProjectionKind.OTHER},
        "position is not stated": {"provenance": Provenance()},
        "a DRR has no exposure": {"kind": ProjectionKind.DRR},
        "only a portal image": {"kind": ProjectionKind.SIMULATOR, "exposure": Exposure(meterset_mu=1.0)},
    }
    for said, values in wrong.items():
        with pytest.raises(UnsupportedInput, match=said):
            write_projection(replace(full, **values), series_header("82"), "1.2.3")
