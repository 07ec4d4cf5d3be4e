"""The readers that are fed hostile files, each with small whole files to begin from."""

from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
from pydicom import Dataset

import openigrt
from openigrt.dicom import (
    read_daily_folder,
    read_deformable_registration,
    read_dose,
    read_object,
    read_plan,
    read_plan_folder,
    read_spatial_registration,
    read_structure_set,
)
from openigrt.tasks import check_record, check_summary
from tests.dicom import dicom_cases as cases


@dataclass(frozen=True)
class Target:
    """A reader of one file; `beside` writes the files that lie in the folder with it."""

    seeds: tuple[Callable[[], Dataset], ...]
    read: Callable[[Path], object]
    beside: Callable[[Path], object] = lambda folder: None


def content_of(dataset: Dataset) -> bytes:
    """The bytes of a whole file."""
    buffer = BytesIO()
    dataset.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


def _volume() -> cases.SliceSeries:
    return cases.SliceSeries(cases.volume())


def _slice() -> Dataset:
    return _volume().dataset(1)


def _other_slices(folder: Path) -> None:
    _volume().write(folder, lambda k, dataset: k != 1)


def _plan_with_leaves() -> Dataset:
    leaves = cases.sequence_item(
        RTBeamLimitingDeviceType="MLCX", LeafPositionBoundaries=[-10, 0, 10], NumberOfLeafJawPairs=2
    )
    shape = cases.sequence_item(RTBeamLimitingDeviceType="MLCX", LeafJawPositions=[-5, -4, 6, 7])
    first = cases.full_control_point(BeamLimitingDevicePositionSequence=[shape])
    return cases.plan(beams=[cases.beam(points=[first, cases.control_point(1)], BeamLimitingDeviceSequence=[leaves])])


def _registration() -> Dataset:
    matrix = cases.sequence_item(
        FrameOfReferenceTransformationMatrixType="RIGID",
        FrameOfReferenceTransformationMatrix=np.eye(4).ravel().tolist(),
    )
    item = cases.sequence_item(
        FrameOfReferenceUID="1.2.3",
        MatrixRegistrationSequence=[cases.sequence_item(MatrixSequence=[matrix])],
    )
    return cases.dicom_object(
        cases.REGISTRATION, cases.DOSE, FrameOfReferenceUID=cases.FRAME, RegistrationSequence=[item]
    )


def _deformation() -> Dataset:
    grid = cases.sequence_item(
        ImagePositionPatient=[0, 0, 0],
        ImageOrientationPatient=list(cases.AXIAL),
        GridDimensions=[2, 3, 4],
        GridResolution=[2.0, 2.0, 3.0],
        VectorGridData=np.zeros(72, "<f4").tobytes(),
    )
    item = cases.sequence_item(SourceFrameOfReferenceUID="1.2.3", DeformableRegistrationGridSequence=[grid])
    return cases.dicom_object(
        cases.DEFORMABLE, cases.DOSE, FrameOfReferenceUID=cases.FRAME, DeformableRegistrationSequence=[item]
    )


def _checked(path: Path) -> object:
    found = openigrt.check(path.parent)
    return check_record(found), check_summary(found)


TARGETS = {
    "slices": Target((_slice,), lambda path: read_daily_folder(path.parent, cases.FRAME), _other_slices),
    "structure_set": Target((cases.structure_set,), lambda path: read_structure_set(read_object(path)[0])),
    "plan": Target((cases.plan, _plan_with_leaves), lambda path: read_plan(read_object(path)[0])),
    "dose": Target((cases.dose,), lambda path: read_dose(read_object(path)[0])),
    "registration": Target((_registration,), lambda path: read_spatial_registration(read_object(path)[0])),
    "deformation": Target((_deformation,), lambda path: read_deformable_registration(read_object(path)[0])),
    "plan_folder": Target(
        (_slice, cases.structure_set, cases.plan, cases.dose),
        lambda path: read_plan_folder(path.parent),
        cases.write_plan_folder,
    ),
    "check": Target(
        (_slice, cases.structure_set, cases.plan, cases.dose, _registration), _checked, cases.write_plan_folder
    ),
}
