"""RT Dose to and from dose grids."""

import numpy as np
from pydicom import Dataset
from pydicom.tag import Tag
from pydicom.uid import UID, RTDoseStorage, RTPlanStorage

from openigrt.dicom.headers import SeriesHeader, decimal, decimals, new_dataset, reference
from openigrt.patient import DoseGrid

FRAME_OFFSETS = Tag("GridFrameOffsetVector")


def write_dose(dose: DoseGrid, series: SeriesHeader) -> Dataset:
    """The RT Dose of a dose grid in 16 bits: exact to 1/131070 of the maximum; offsets relative to the first frame."""
    dataset = new_dataset(series, "RTDOSE", RTDoseStorage, dose.uid)
    dataset.InstanceNumber = 1
    dataset.FrameOfReferenceUID = UID(dose.grid.frame.uid)
    dataset.PositionReferenceIndicator = ""
    _set_planes(dataset, dose)
    _set_dose(dataset, dose)
    if dose.plan_uid:
        dataset.ReferencedRTPlanSequence = [reference(RTPlanStorage, dose.plan_uid)]
    return dataset


def _set_planes(dataset: Dataset, dose: DoseGrid) -> None:
    """Image Plane and Multi-frame modules; frames follow row x column, so a left-handed grid starts at its last one."""
    grid = dose.grid
    normal = np.cross(grid.direction[:, 0], grid.direction[:, 1])
    along = float(np.sign(normal @ grid.direction[:, 2]))
    first = 0 if along > 0.0 else grid.size[2] - 1
    dataset.ImagePositionPatient = decimals(grid.points((0, 0, first)))
    dataset.ImageOrientationPatient = decimals([*grid.direction[:, 0], *grid.direction[:, 1]])
    dataset.PixelSpacing = decimals([grid.spacing_mm[1], grid.spacing_mm[0]])
    dataset.SliceThickness = ""
    dataset.NumberOfFrames = grid.size[2]
    dataset.FrameIncrementPointer = FRAME_OFFSETS
    dataset.GridFrameOffsetVector = decimals(np.arange(grid.size[2]) * grid.spacing_mm[2])


def _set_dose(dataset: Dataset, dose: DoseGrid) -> None:
    """RT Dose and Image Pixel modules (PS3.3 C.8.8.3, C.7.6.3)."""
    scaling = float(decimal(max(float(dose.dose_gy.max()), 1e-6) / 65535.0 * (1.0 + 1e-9)))
    direction = dose.grid.direction
    right_handed = float(np.linalg.det(direction)) > 0.0
    frames = dose.dose_gy if right_handed else dose.dose_gy[::-1]
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.Rows, dataset.Columns = frames.shape[1:]
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 16, 16, 15, 0
    dataset.DoseUnits, dataset.DoseType = "GY", "PHYSICAL"
    dataset.DoseSummationType = dose.summation or "PLAN"
    dataset.DoseGridScaling = decimal(scaling)
    dataset.PixelData = np.clip(np.rint(frames / scaling), 0, 65535).astype("<u2").tobytes()
