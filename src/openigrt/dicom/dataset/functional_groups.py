"""Frames of enhanced multi-frame images: Shared and Per-frame Functional Groups (PS3.3 C.7.6.16)."""

from dataclasses import dataclass

from pydicom import Dataset

from openigrt.dicom.dataset.elements import items, lenient, naming, whole_number
from openigrt.dicom.dataset.inventory import Instance
from openigrt.dicom.dataset.load import read_header
from openigrt.errors import InconsistentInput, UnreadableFile

SHARED, PER_FRAME = "SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence"
MAX_FRAMES = 2**16

_FRAME_TYPES = (
    "CTImageFrameTypeSequence",
    "MRImageFrameTypeSequence",
    "PETFrameTypeSequence",
)
_MACROS = {
    "ImagePositionPatient": ("PlanePositionSequence",),
    "ImageOrientationPatient": ("PlaneOrientationSequence",),
    "PixelSpacing": ("PixelMeasuresSequence",),
    "RescaleSlope": ("PixelValueTransformationSequence",),
    "RescaleIntercept": ("PixelValueTransformationSequence",),
    "RescaleType": ("PixelValueTransformationSequence",),
    "FrameType": _FRAME_TYPES,
    "VolumetricProperties": _FRAME_TYPES,
    "StackID": ("FrameContentSequence",),
    "TemporalPositionIndex": ("FrameContentSequence",),
    "FrameAcquisitionNumber": ("FrameContentSequence",),
    "FrameAcquisitionDateTime": ("FrameContentSequence",),
    "DimensionIndexValues": ("FrameContentSequence",),
    "NominalPercentageOfRespiratoryPhase": ("RespiratorySynchronizationSequence",),
    "NominalPercentageOfCardiacPhase": ("CardiacSynchronizationSequence",),
    "NominalCardiacTriggerDelayTime": ("CardiacSynchronizationSequence",),
    "EffectiveEchoTime": ("MREchoSequence",),
    "DiffusionBValue": ("MRDiffusionSequence",),
}


@dataclass(frozen=True, eq=False, slots=True)
class FrameGroups:
    """The functional groups of one frame: its own item, then that of all frames."""

    own: Dataset
    shared: Dataset
    dimensions: tuple[Dataset, ...]

    def holder(self, keyword: str) -> Dataset:
        """The macro item that holds an attribute for this frame: its own, else the shared one; empty without any."""
        for group in (self.own, self.shared):
            for macro in _MACROS[keyword]:
                found = items(group, macro)
                if found and keyword in found[0]:
                    return found[0]
        return Dataset()

    def macro(self, sequence: str) -> Dataset | None:
        """The item of a macro for this frame: its own, else the shared one; None where it has neither."""
        found = (items(group, sequence) for group in (self.own, self.shared))
        return next((macro[0] for macro in found if macro), None)


def read_frames(instance: Instance) -> tuple[FrameGroups, ...]:
    """The functional groups of each frame of a multi-frame image, in the order of its pixels, from its file.

    Raises UnreadableFile where the file is damaged or announces more frames than any image has, InconsistentInput
    where groups and Number of Frames contradict each other.
    """
    with naming(instance.header):
        count = whole_number(instance.header, "NumberOfFrames") or 0
        if not 1 <= count <= MAX_FRAMES:
            raise UnreadableFile(f"{instance.path} announces {count} frames; expected 1 to {MAX_FRAMES}.", frames=count)
    with lenient():
        header, _ = read_header(instance.path, [SHARED, PER_FRAME, "DimensionIndexSequence"])
    with naming(instance.header):
        return frame_groups(header, count, str(instance.path))


def frame_groups(dataset: Dataset, count: int, name: str) -> tuple[FrameGroups, ...]:
    """The functional groups of each of `count` frames of an object, called `name` in errors.

    Raises InconsistentInput where it describes more or fewer.
    """
    own, shared = items(dataset, PER_FRAME), items(dataset, SHARED)
    dimensions = items(dataset, "DimensionIndexSequence")
    if len(own) != count:
        raise InconsistentInput(f"{name} announces {count} frames and describes {len(own)}; export it again.")
    return tuple(FrameGroups(frame, shared[0] if shared else Dataset(), dimensions) for frame in own)
