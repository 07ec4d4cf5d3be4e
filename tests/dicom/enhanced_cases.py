"""Enhanced multi-frame CT, MR and PET made with pydicom alone: frames in any order, in stacks and times."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from pydicom.datadict import tag_for_keyword

from tests.dicom.dicom_cases import AXIAL, FRAME, SERIES, dicom_object, sequence_item, write

ENHANCED_CT = "1.2.840.10008.5.1.4.1.1.2.1"
ENHANCED_MR = "1.2.840.10008.5.1.4.1.1.4.1"
ENHANCED_PET = "1.2.840.10008.5.1.4.1.1.130"
MODALITIES = {ENHANCED_CT: "CT", ENHANCED_MR: "MR", ENHANCED_PET: "PT"}
FRAME_TYPE_SEQUENCES = {
    ENHANCED_CT: "CTImageFrameTypeSequence",
    ENHANCED_MR: "MRImageFrameTypeSequence",
    ENHANCED_PET: "PETFrameTypeSequence",
}


@dataclass
class Frames:
    """One multi-frame object of frames `stored` [frame, row, column]; `positions` are those of the frames, LPS mm.

    `content` makes the Frame Content item of a frame, `groups` its further groups, `shared` is what all share.
    """

    stored: np.ndarray
    positions: list | None = None
    origin: tuple = (-10.0, -20.0, 30.0)
    orientation: tuple = AXIAL
    pixel_spacing: tuple = (2.0, 1.0)
    step: float = 3.0
    sop_class: str = ENHANCED_CT
    series_uid: str = SERIES
    frame_uid: str = FRAME
    instance: int = 1
    frame_type: tuple = ("ORIGINAL", "PRIMARY", "AXIAL", "NONE")
    rescale: tuple = (1, 0)
    dimensions: tuple = ("StackID", "InStackPositionNumber")
    content: object = None
    groups: object = None
    shared: dict = field(default_factory=dict)
    header: dict = field(default_factory=dict)

    def place(self, n):
        """Where frame `n` lies."""
        if self.positions is not None:
            return np.asarray(self.positions[n], dtype=float)
        row, column = np.array(self.orientation[:3]), np.array(self.orientation[3:])
        return np.array(self.origin) + n * self.step * np.cross(row, column)

    def group(self, n):
        """The Per-frame Functional Groups item of frame `n`."""
        content = {"StackID": "1", "InStackPositionNumber": n + 1, "DimensionIndexValues": [1, n + 1]}
        content |= self.content(n) if self.content else {}
        item = sequence_item(
            FrameContentSequence=[sequence_item(**content)],
            PlanePositionSequence=[sequence_item(ImagePositionPatient=[f"{x:.10g}" for x in self.place(n)])],
        )
        for keyword, value in (self.groups(n) if self.groups else {}).items():
            setattr(item, keyword, value)
        return item

    def dataset(self):
        dataset = dicom_object(self.sop_class, f"{self.series_uid}.{self.instance}")
        dataset.SeriesInstanceUID, dataset.FrameOfReferenceUID = self.series_uid, self.frame_uid
        dataset.Modality = MODALITIES[self.sop_class]
        dataset.ImageType = list(self.frame_type)
        dataset.InstanceNumber, dataset.PatientPosition = self.instance, "HFS"
        content = tag_for_keyword("FrameContentSequence")
        dataset.DimensionIndexSequence = [
            sequence_item(DimensionIndexPointer=tag_for_keyword(keyword), FunctionalGroupPointer=content)
            for keyword in self.dimensions
        ]
        slope, intercept = self.rescale
        shared = {
            "PixelMeasuresSequence": [sequence_item(PixelSpacing=list(self.pixel_spacing), SliceThickness=self.step)],
            "PlaneOrientationSequence": [
                sequence_item(ImageOrientationPatient=[f"{x:.10g}" for x in self.orientation])
            ],
            "PixelValueTransformationSequence": [
                sequence_item(RescaleSlope=slope, RescaleIntercept=intercept, RescaleType="HU")
            ],
            FRAME_TYPE_SEQUENCES[self.sop_class]: [sequence_item(FrameType=list(self.frame_type))],
        } | self.shared
        dataset.SharedFunctionalGroupsSequence = [sequence_item(**{k: v for k, v in shared.items() if v})]
        dataset.PerFrameFunctionalGroupsSequence = [self.group(n) for n in range(len(self.stored))]
        dataset.NumberOfFrames = len(self.stored)
        dataset.Rows, dataset.Columns = self.stored.shape[1:]
        dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
        bits = 8 * self.stored.dtype.itemsize
        dataset.BitsAllocated = dataset.BitsStored = bits
        dataset.HighBit, dataset.PixelRepresentation = bits - 1, int(self.stored.dtype.kind == "i")
        for keyword, value in self.header.items():
            setattr(dataset, keyword, value)
        dataset.PixelData = np.ascontiguousarray(self.stored).tobytes()
        return dataset

    def write(self, folder):
        """One file in a folder; its path."""
        return write(self.dataset(), Path(folder) / f"{self.series_uid}_{self.instance}.dcm")


def breathing(percent):
    """The Respiratory Synchronization group of a frame."""
    return {"RespiratorySynchronizationSequence": [sequence_item(NominalPercentageOfRespiratoryPhase=percent)]}
