"""Enhanced US Volumes made with pydicom alone: planes in order, frames in the type, what is no stack refused."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from openigrt.dicom import read_ultrasound
from openigrt.errors import (
    FrameMismatch,
    InconsistentInput,
    InvalidGeometry,
    MissingInput,
    UnreadableFile,
    UnsupportedInput,
)
from openigrt.geometry import Frame, FrameRole, RigidTransform
from openigrt.images import Modality
from tests.dicom.dicom_cases import FRAME, ROOT, RTPLAN, dicom_object, sequence_item

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:pydicom")

US = "1.2.840.10008.5.1.4.1.1.6.2"
VOLUME, TABLE = f"{ROOT}.130", f"{ROOT}.131"
TURN = Rotation.from_euler("xyz", [15.0, -20.0, 40.0], degrees=True).as_matrix()
STORED = np.arange(4 * 3 * 5, dtype=np.uint8).reshape(4, 3, 5)


def position(k):
    return np.array([5.0, -6.0, 7.0]) + 0.5 * k * TURN[:, 2]


def frame_item(k, space="Volume", **macros):
    suffix = "" if space == "Patient" else "Volume"
    where = sequence_item(**{f"ImagePosition{space}": [float(f"{v:.9f}") for v in position(k)]})
    how = sequence_item(**{f"ImageOrientation{space}": [float(f"{v:.9f}") for v in TURN[:, :2].T.ravel()]})
    shown = {f"PlanePosition{suffix}Sequence": [where], f"PlaneOrientation{suffix}Sequence": [how]}
    return sequence_item(**{name: value for name, value in (shown | macros).items() if value is not None})


def ultrasound(stored=STORED, frames=None, order=None, **values):
    order = list(range(len(stored))) if order is None else order
    dataset = dicom_object(US, f"{ROOT}.132", Modality="US", SeriesInstanceUID=f"{ROOT}.133")
    measures = sequence_item(PixelSpacing=[0.3, 0.2], SliceThickness=0.5)
    shown = {
        "FrameOfReferenceUID": FRAME,
        "UltrasoundAcquisitionGeometry": "APEX",
        "VolumeFrameOfReferenceUID": VOLUME,
        "VolumeToTransducerMappingMatrix": np.eye(4).ravel().tolist(),
        "AcquisitionDateTime": "20240102030405",
        "SamplesPerPixel": 1,
        "PhotometricInterpretation": "MONOCHROME2",
        "Rows": stored.shape[1],
        "Columns": stored.shape[2],
        "NumberOfFrames": len(stored),
        "BitsAllocated": 8,
        "BitsStored": 8,
        "HighBit": 7,
        "PixelRepresentation": 0,
        "RescaleSlope": 1,
        "RescaleIntercept": 0,
        "SharedFunctionalGroupsSequence": [sequence_item(PixelMeasuresSequence=[measures])],
        "PerFrameFunctionalGroupsSequence": [frame_item(k) for k in order] if frames is None else frames,
    }
    for keyword, value in (shown | values).items():
        if value is not None:
            setattr(dataset, keyword, value)
    dataset.PixelData = np.ascontiguousarray(stored[order] if frames is None else stored).tobytes()
    return dataset


def test_planes_lie_where_they_say_whatever_their_order():
    for order in ([0, 1, 2, 3], [2, 0, 3, 1]):
        found, messages = read_ultrasound(ultrasound(order=order))
        assert found.image.modality is Modality.US
        assert np.array_equal(found.image.voxels, STORED)
        assert found.image.grid.spacing_mm == pytest.approx([0.2, 0.3, 0.5])
        for i, j, k in ((0, 0, 0), (4, 2, 3), (1, 2, 0)):
            expected = position(k) + 0.2 * i * TURN[:, 0] + 0.3 * j * TURN[:, 1]
            assert found.image.grid.points((i, j, k)) == pytest.approx(expected, abs=1e-6)
        assert messages == ("The volume is in its own frame: where it lay in the patient is not stated.",)


def test_a_volume_in_its_own_frame_joins_with_nothing_of_a_plan():
    found, _ = read_ultrasound(ultrasound())
    assert not found.is_in_patient
    assert found.image.frame == Frame.equipment(VOLUME)
    plan_from_daily = RigidTransform.identity(Frame.plan(FRAME), Frame.daily(FRAME))
    with pytest.raises(FrameMismatch):
        found.image.grid.moved(plan_from_daily)


def test_a_volume_in_the_patient_is_in_the_frame_of_the_patient():
    frames = [frame_item(k, "Patient") for k in range(4)]
    dataset = ultrasound(frames=frames, UltrasoundAcquisitionGeometry="PATIENT")
    found, messages = read_ultrasound(dataset)
    assert found.is_in_patient
    assert found.image.frame == Frame.daily(FRAME)
    assert found.image.grid.points((0, 0, 3)) == pytest.approx(position(3), abs=1e-6)
    assert messages == ()
    assert read_ultrasound(dataset, Frame.plan)[0].image.frame == Frame.plan(FRAME)


def test_transducer_and_table_are_where_the_matrices_say():
    matrix = np.eye(4)
    matrix[:3, :3], matrix[:3, 3] = TURN, [10.0, 20.0, 30.0]
    dataset = ultrasound(VolumeToTableMappingMatrix=matrix.ravel().tolist(), TableFrameOfReferenceUID=TABLE)
    found, _ = read_ultrasound(dataset)
    assert found.table_from_volume.to_frame == Frame.equipment(TABLE)
    assert found.table_from_volume.points(position(2)) == pytest.approx(TURN @ position(2) + [10.0, 20.0, 30.0])
    assert found.transducer_from_volume.to_frame == Frame(FrameRole.TRANSDUCER, VOLUME)
    assert read_ultrasound(ultrasound(VolumeToTransducerMappingMatrix=None))[0].transducer_from_volume is None


def test_flow_is_left_aside_by_name():
    kinds = ["TISSUE_INTENSITY", "FLOW_VELOCITY"] * 2
    frames = [frame_item(k // 2, ImageDataTypeSequence=[sequence_item(DataType=kind)]) for k, kind in enumerate(kinds)]
    found, messages = read_ultrasound(ultrasound(frames=frames))
    assert np.array_equal(found.image.voxels, STORED[::2])
    assert messages[0] == "Frames of FLOW_VELOCITY are left aside."
    only_flow = [frame_item(k, ImageDataTypeSequence=[sequence_item(DataType="POWER")]) for k in range(4)]
    with pytest.raises(UnsupportedInput, match="POWER and no TISSUE_INTENSITY"):
        read_ultrasound(ultrasound(frames=only_flow))


def frames_at(*ks):
    return {"frames": [frame_item(k) for k in ks]}


def over_time():
    offsets = (0.0, 0.0, 0.1, 0.1)
    return {
        "frames": [
            frame_item(k % 2, TemporalPositionSequence=[sequence_item(TemporalPositionTimeOffset=offset)])
            for k, offset in enumerate(offsets)
        ]
    }


@pytest.mark.parametrize(
    ("values", "error", "said"),
    [
        (frames_at(0, 1, 2), InconsistentInput, "announces 4 frames and describes 3"),
        (frames_at(0, 1, 2, 2), InconsistentInput, "doubled, uneven"),
        (frames_at(0, 1, 2, 5), InconsistentInput, "doubled, uneven"),
        (frames_at(0, 0, 0, 0), InconsistentInput, "doubled, uneven"),
        (over_time(), UnsupportedInput, "2 volumes over time"),
        ({"frames": [frame_item(k, PlanePositionVolumeSequence=None) for k in range(4)]}, InconsistentInput, "without"),
        ({"SharedFunctionalGroupsSequence": []}, InconsistentInput, "without PixelMeasuresSequence"),
        ({"UltrasoundAcquisitionGeometry": "PATIENT"}, InconsistentInput, "without PlanePositionSequence"),
        (
            {"UltrasoundAcquisitionGeometry": "PATIENT", "FrameOfReferenceUID": ""},
            InconsistentInput,
            "no Frame of Reference UID",
        ),
        ({"VolumeFrameOfReferenceUID": None}, InconsistentInput, "equipment axes without a Frame of Reference UID"),
        ({"VolumeToTableMappingMatrix": np.eye(4).ravel().tolist()}, InconsistentInput, "equipment axes without"),
        ({"VolumeToTransducerMappingMatrix": [1.0] * 16}, InvalidGeometry, "0 0 0 1"),
        ({"VolumeToTransducerMappingMatrix": [1.0, 2.0]}, UnreadableFile, "16 numbers"),
        ({"PhotometricInterpretation": "RGB", "SamplesPerPixel": 3}, UnsupportedInput, "one gray value"),
        ({"NumberOfFrames": 400}, UnreadableFile, "holds 60"),
    ],
)
def test_what_is_no_stack_is_refused_by_name(values, error, said):
    with pytest.raises(error, match=said):
        read_ultrasound(ultrasound(**values))


def test_other_objects_and_missing_pixels_are_refused():
    with pytest.raises(UnsupportedInput, match="no Enhanced US Volume"):
        read_ultrasound(dicom_object(RTPLAN, "1.2.3"))
    dataset = ultrasound()
    del dataset.PixelData
    with pytest.raises(MissingInput, match="no pixel data"):
        read_ultrasound(dataset)
