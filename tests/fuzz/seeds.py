"""Small whole files that hostile ones are made from, one or more for each reader."""

from io import BytesIO

import numpy as np
from pydicom import Dataset
from pydicom.uid import DeflatedExplicitVRLittleEndian, RLELossless

from openigrt.dicom import (
    write_delivery_instruction,
    write_plan,
    write_treatment_record,
)
from tests.dicom import dicom_cases as cases
from tests.dicom.enhanced_cases import Frames
from tests.dicom.record_cases import ion_record, photon_record, treatment_record
from tests.dicom.test_delivery_instruction import instruction_dataset, whole_instruction
from tests.dicom.whole_plans import ion_plan, photon_plan
from tests.dicom.writing_cases import series_header


def content_of(seed: Dataset | bytes) -> bytes:
    """The bytes of a whole file, DICOM or not."""
    if isinstance(seed, bytes):
        return seed
    buffer = BytesIO()
    seed.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


def volume() -> cases.SliceSeries:
    """Five slices of CT."""
    return cases.SliceSeries(cases.volume())


def ct_slice() -> Dataset:
    """One of them."""
    return volume().dataset(1)


def run_length_slice() -> Dataset:
    """The same, compressed."""
    dataset = ct_slice()
    dataset.compress(RLELossless)
    return dataset


def deflated_slice() -> Dataset:
    """The same, the whole data set deflated."""
    dataset = ct_slice()
    dataset.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    return dataset


def deflated_structure_set() -> Dataset:
    """A structure set, deflated."""
    dataset = cases.structure_set()
    dataset.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    return dataset


def pet_slice() -> Dataset:
    """A slice of PET with what SUV needs."""
    tracer = cases.sequence_item(
        RadionuclideTotalDose=4e8, RadionuclideHalfLife=6586.2, RadiopharmaceuticalStartTime="080000"
    )
    header = {
        "Units": "BQML",
        "DecayCorrection": "START",
        "CorrectedImage": ["ATTN", "DECY"],
        "PatientWeight": 70,
        "SeriesDate": "20240102",
        "SeriesTime": "090000",
        "AcquisitionDate": "20240102",
        "AcquisitionTime": "090000",
        "RadiopharmaceuticalInformationSequence": [tracer],
    }
    return cases.SliceSeries(cases.volume(), sop_class=cases.PET, header=header).dataset(1)


def enhanced_ct() -> Dataset:
    """A multi-frame CT."""
    return Frames(cases.volume()).dataset()


def plan_with_leaves() -> Dataset:
    """A plan whose leaves know their boundaries."""
    leaves = cases.sequence_item(
        RTBeamLimitingDeviceType="MLCX", LeafPositionBoundaries=[-10, 0, 10], NumberOfLeafJawPairs=2
    )
    shape = cases.sequence_item(RTBeamLimitingDeviceType="MLCX", LeafJawPositions=[-5, -4, 6, 7])
    first = cases.full_control_point(BeamLimitingDevicePositionSequence=[shape])
    return cases.plan(beams=[cases.beam(points=[first, cases.control_point(1)], BeamLimitingDeviceSequence=[leaves])])


def whole_photon_plan() -> Dataset:
    """A plan with one of everything."""
    return write_plan(photon_plan(), series_header("95"))


def whole_ion_plan() -> Dataset:
    """The same of ions."""
    return write_plan(ion_plan(), series_header("96"))


def registration(to_uid: str = cases.FRAME, from_uid: str = "1.2.3") -> Dataset:
    """A Spatial Registration of one frame to another."""
    matrix = cases.sequence_item(
        FrameOfReferenceTransformationMatrixType="RIGID",
        FrameOfReferenceTransformationMatrix=np.eye(4).ravel().tolist(),
    )
    item = cases.sequence_item(
        FrameOfReferenceUID=from_uid,
        MatrixRegistrationSequence=[cases.sequence_item(MatrixSequence=[matrix])],
    )
    return cases.dicom_object(cases.REGISTRATION, cases.DOSE, FrameOfReferenceUID=to_uid, RegistrationSequence=[item])


def deformation() -> Dataset:
    """A Deformable Spatial Registration with a small grid."""
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


def uneven_dose() -> Dataset:
    """A dose of planes at mixed distances."""
    return cases.dose(offsets=[0, 3, 6, 9, 15])


def dose_with_histogram() -> Dataset:
    """A dose and the histogram of one structure."""
    histogram = cases.sequence_item(
        DVHType="CUMULATIVE",
        DoseUnits="GY",
        DoseType="PHYSICAL",
        DVHDoseScaling="1",
        DVHVolumeUnits="CM3",
        DVHNumberOfBins=3,
        DVHData=[0.5, 30, 0.5, 20, 0.5, 0],
        DVHReferencedROISequence=[cases.sequence_item(ReferencedROINumber=1, DVHROIContributionType="INCLUDED")],
    )
    structures = [cases.sequence_item(ReferencedSOPClassUID=cases.RTSTRUCT, ReferencedSOPInstanceUID=cases.SET)]
    return cases.dose(DVHSequence=[histogram], ReferencedStructureSetSequence=structures)


def whole_photon_record() -> Dataset:
    """A treatment record with one of everything."""
    return write_treatment_record(photon_record(), series_header("97"))


def whole_ion_record() -> Dataset:
    """The same of ions."""
    return write_treatment_record(ion_record(), series_header("98"))


def written_instruction() -> Dataset:
    """A delivery instruction with one of everything."""
    return write_delivery_instruction(whole_instruction(), series_header("99"))


RECORDS = (treatment_record, whole_photon_record, whole_ion_record)
INSTRUCTIONS = (instruction_dataset, written_instruction)
