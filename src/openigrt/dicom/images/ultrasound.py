"""Enhanced US Volume to images (PS3.3 A.59, C.8.24.2): in a patient's frame where it states one, else in its own.

A volume in its own frame lies somewhere in room and patient that nobody knows: its frame is one of equipment, so that
nothing of a plan can be joined with it by mistake.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset
from pydicom.uid import EnhancedUSVolumeStorage

from openigrt.dicom.dataset.elements import name_of, naming, numbers, required_numbers, required_whole_number, text
from openigrt.dicom.dataset.frame_of_reference import frame_of
from openigrt.dicom.dataset.functional_groups import FrameGroups, frame_groups
from openigrt.dicom.dataset.plane import is_plane, plane_axes
from openigrt.dicom.dataset.provenance import provenance_of
from openigrt.dicom.pixels.gray_frames import gray_frames
from openigrt.dicom.pixels.modality_lut import rescaled
from openigrt.errors import InconsistentInput, UnreadableFile, UnsupportedInput
from openigrt.geometry import LONGEST_MM, Float64Array, Frame, FrameRole, Grid, RigidTransform
from openigrt.images import Image, Modality

POSITION_TOLERANCE_MM = 0.05
TISSUE = "TISSUE_INTENSITY"

Messages = tuple[str, ...]


@dataclass(frozen=True, eq=False, slots=True)
class UltrasoundVolume:
    """An ultrasound image, and where its volume lay to the transducer and, where that is stated, to the table."""

    image: Image
    transducer_from_volume: RigidTransform | None
    table_from_volume: RigidTransform | None

    @property
    def is_in_patient(self) -> bool:
        """Whether the image lies in the frame of a patient, as guidance needs it."""
        return self.image.frame.role in (FrameRole.PLAN, FrameRole.DAILY)


def read_ultrasound(
    dataset: Dataset, patient: Callable[[str], Frame] = Frame.daily
) -> tuple[UltrasoundVolume, Messages]:
    """The tissue intensity of an Enhanced US Volume as an image of stored values after rescale, and what was noticed.

    `patient` makes the frame from the Frame of Reference UID where the volume is relative to the patient. Raises
    UnsupportedInput for several volumes over time, color and other classes, InconsistentInput for planes that are no
    even stack.
    """
    with naming(dataset):
        if text(dataset, "SOPClassUID") != EnhancedUSVolumeStorage:
            raise UnsupportedInput(f"{name_of(dataset)} is no Enhanced US Volume.")
        values = rescaled(dataset, gray_frames(dataset))
        groups = frame_groups(dataset, len(values), name_of(dataset))
        kept, messages = _tissue(dataset, groups)
        in_patient = text(dataset, "UltrasoundAcquisitionGeometry") == "PATIENT"
        volume_frame = Frame.equipment(text(dataset, "VolumeFrameOfReferenceUID"))
        frame = frame_of(dataset, patient) if in_patient else _named(dataset, volume_frame)
        if not in_patient:
            messages += ("The volume is in its own frame: where it lay in the patient is not stated.",)
        order, grid = _grid(dataset, [groups[k] for k in kept], frame)
        image = Image(np.ascontiguousarray(values[np.array(kept)[order]]), grid, Modality.US, provenance_of(dataset))
        transducer = Frame(FrameRole.TRANSDUCER, volume_frame.uid)
        table = Frame.equipment(text(dataset, "TableFrameOfReferenceUID"))
        return UltrasoundVolume(
            image,
            _mapping(dataset, "VolumeToTransducerMappingMatrix", transducer, volume_frame),
            _mapping(dataset, "VolumeToTableMappingMatrix", table, volume_frame),
        ), messages


def _named(dataset: Dataset, frame: Frame) -> Frame:
    """A frame with a UID; raises InconsistentInput without one: any two such would be taken for the same."""
    if not frame.uid:
        raise InconsistentInput(f"{name_of(dataset)} has {frame.role} axes without a Frame of Reference UID.")
    return frame


def _required_macro(dataset: Dataset, group: FrameGroups, sequence: str) -> Dataset:
    """The item of a functional group macro that every frame needs."""
    macro = group.macro(sequence)
    if macro is None:
        raise InconsistentInput(f"{name_of(dataset)} has a frame without {sequence}.")
    return macro


def _tissue(dataset: Dataset, groups: tuple[FrameGroups, ...]) -> tuple[list[int], Messages]:
    """The frames that show tissue (all of them where nothing else is said), at one time."""
    kinds, times = [], set()
    for group in groups:
        kind, time = group.macro("ImageDataTypeSequence"), group.macro("TemporalPositionSequence")
        kinds.append(TISSUE if kind is None else text(kind, "DataType") or TISSUE)
        times.add(None if time is None else numbers(time, "TemporalPositionTimeOffset"))
    kept = [k for k, kind in enumerate(kinds) if kind == TISSUE]
    if len(times) > 1:
        raise UnsupportedInput(f"{name_of(dataset)} holds {len(times)} volumes over time; export one of them.")
    if not kept:
        raise UnsupportedInput(f"{name_of(dataset)} holds {', '.join(sorted(set(kinds)))} and no {TISSUE}.")
    others = sorted(set(kinds) - {TISSUE})
    return kept, tuple(f"Frames of {kind} are left aside." for kind in others)


def _grid(dataset: Dataset, groups: list[FrameGroups], frame: Frame) -> tuple[NDArray[np.int64], Grid]:
    """The order of the frames along row x column, and the grid that they fill."""
    space = "Patient" if frame.role is not FrameRole.EQUIPMENT else "Volume"
    suffix = "" if space == "Patient" else "Volume"
    planes = [
        (
            required_numbers(_required_macro(dataset, g, f"PlanePosition{suffix}Sequence"), f"ImagePosition{space}", 3),
            required_numbers(
                _required_macro(dataset, g, f"PlaneOrientation{suffix}Sequence"), f"ImageOrientation{space}", 6
            ),
            required_numbers(_required_macro(dataset, g, "PixelMeasuresSequence"), "PixelSpacing", 2),
        )
        for g in groups
    ]
    positions = np.array([position for position, _, _ in planes])
    if len({plane[1:] for plane in planes}) > 1 or len(planes) < 2:
        raise InconsistentInput(f"{name_of(dataset)} is no stack of two or more parallel planes of one pixel spacing.")
    orientation, spacing_mm = np.array(planes[0][1]).reshape(2, 3), planes[0][2]
    _require_near(dataset, [*positions.ravel().tolist(), *spacing_mm])
    if not is_plane(orientation, spacing_mm):
        raise InconsistentInput(f"{name_of(dataset)} has an impossible orientation or pixel spacing.")
    axes = plane_axes(orientation)
    order, step_mm = _even_order(dataset, positions, axes[:, 2])
    rows, columns = (required_whole_number(dataset, keyword) for keyword in ("Rows", "Columns"))
    spacing = np.array([spacing_mm[1], spacing_mm[0], step_mm])
    return order, Grid(frame, positions[order[0]], spacing, axes, (columns, rows, len(order)))


def _even_order(dataset: Dataset, positions_mm: Float64Array, normal: Float64Array) -> tuple[NDArray[np.int64], float]:
    """The order along the normal, and the step between planes that stand right above each other."""
    order = np.argsort(positions_mm @ normal, kind="stable")
    stacked = positions_mm[order]
    step = (stacked[-1] - stacked[0]) / (len(stacked) - 1)
    step_mm = float(step @ normal)
    off_mm = np.abs(stacked - stacked[0] - np.outer(np.arange(len(stacked)), step_mm * normal)).max()
    if step_mm <= POSITION_TOLERANCE_MM or off_mm > POSITION_TOLERANCE_MM:
        raise InconsistentInput(
            f"{name_of(dataset)} has planes that are doubled, uneven or sheared (by {off_mm:.3g} mm); expected an even "
            "stack."
        )
    return np.asarray(order, dtype=np.int64), step_mm


def _require_near(dataset: Dataset, lengths_mm: Sequence[float]) -> None:
    """Raise UnreadableFile for lengths beyond any room."""
    longest_mm = max(map(abs, lengths_mm))
    if longest_mm > LONGEST_MM:
        raise UnreadableFile(f"{name_of(dataset)} has a length of {longest_mm:g} mm; expected at most {LONGEST_MM:g}.")


def _mapping(dataset: Dataset, keyword: str, to_frame: Frame, from_frame: Frame) -> RigidTransform | None:
    """A 4x4 mapping of points of the volume (PS3.3 C.8.24.2.2), None where it is not stated."""
    if not numbers(dataset, keyword):
        return None
    for frame in (to_frame, from_frame):
        _named(dataset, frame)
    values = required_numbers(dataset, keyword, 16)
    _require_near(dataset, values)
    return RigidTransform.from_matrix4(to_frame, from_frame, np.array(values).reshape(4, 4))
