"""Small DICOM objects made with pydicom alone, so that they judge our readers without our writers."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from pydicom import Dataset
from pydicom.dataset import FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian

ROOT = "1.2.826.0.1.3680043.8.498"
CT = "1.2.840.10008.5.1.4.1.1.2"
MR = "1.2.840.10008.5.1.4.1.1.4"
PET = "1.2.840.10008.5.1.4.1.1.128"
RTSTRUCT = "1.2.840.10008.5.1.4.1.1.481.3"
RTPLAN = "1.2.840.10008.5.1.4.1.1.481.5"
RTDOSE = "1.2.840.10008.5.1.4.1.1.481.2"
REGISTRATION = "1.2.840.10008.5.1.4.1.1.66.1"
DEFORMABLE = "1.2.840.10008.5.1.4.1.1.66.3"
STUDY, SERIES, FRAME, SET, PLAN, DOSE = (f"{ROOT}.{n}" for n in (1, 2, 3, 4, 5, 6))
AXIAL = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)


def sequence_item(**values):
    item = Dataset()
    for keyword, value in values.items():
        setattr(item, keyword, value)
    return item


def dicom_object(sop_class, uid, **values):
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.file_meta.MediaStorageSOPClassUID = sop_class
    dataset.file_meta.MediaStorageSOPInstanceUID = uid
    dataset.SOPClassUID, dataset.SOPInstanceUID = sop_class, uid
    dataset.PatientID, dataset.PatientName = "P1", "Doe^Jane"
    dataset.StudyInstanceUID = STUDY
    for keyword, value in values.items():
        setattr(dataset, keyword, value)
    return dataset


def write(dataset, path):
    path.parent.mkdir(parents=True, exist_ok=True)
    dataset.save_as(path, enforce_file_format=True)
    return path


@dataclass
class SliceSeries:
    """Slices of one volume `stored` [k, j, i]; geometry as the header holds it, values before rescale."""

    stored: np.ndarray
    origin: tuple = (-10.0, -20.0, 30.0)
    orientation: tuple = AXIAL
    pixel_spacing: tuple = (2.0, 1.0)
    step: float = 3.0
    sop_class: str = CT
    series_uid: str = SERIES
    frame_uid: str = FRAME
    header: dict = field(default_factory=dict)

    def position(self, k):
        row, column = np.array(self.orientation[:3]), np.array(self.orientation[3:])
        return np.array(self.origin) + k * self.step * np.cross(row, column)

    def dataset(self, k):
        plane = np.ascontiguousarray(self.stored[k])
        dataset = dicom_object(self.sop_class, f"{self.series_uid}.{k + 1}")
        dataset.SeriesInstanceUID, dataset.FrameOfReferenceUID = self.series_uid, self.frame_uid
        dataset.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
        dataset.Modality = {CT: "CT", MR: "MR", PET: "PT"}[self.sop_class]
        dataset.PatientPosition = "HFS"
        dataset.InstanceNumber = k + 1
        dataset.ImagePositionPatient = [f"{x:.10g}" for x in self.position(k)]
        dataset.ImageOrientationPatient = [f"{x:.10g}" for x in self.orientation]
        dataset.PixelSpacing = list(self.pixel_spacing)
        dataset.Rows, dataset.Columns = plane.shape
        dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
        bits = 8 * plane.dtype.itemsize
        dataset.BitsAllocated = dataset.BitsStored = bits
        dataset.HighBit = bits - 1
        dataset.PixelRepresentation = int(plane.dtype.kind == "i")
        if self.sop_class != MR:
            dataset.RescaleSlope, dataset.RescaleIntercept = 1, 0
        for keyword, value in self.header.items():
            setattr(dataset, keyword, value)
        dataset.PixelData = plane.tobytes()
        return dataset

    def write(self, folder, change=None):
        """Write all slices; `change(k, dataset)` may alter one, or return False to leave it out."""
        for k in range(len(self.stored)):
            dataset = self.dataset(k)
            if change is None or change(k, dataset) is not False:
                write(dataset, Path(folder) / f"{self.series_uid}_{k:03d}.dcm")
        return Path(folder)


def volume(slices=5, rows=6, columns=7, dtype=np.int16):
    """Voxels that are all different, so that any swapped axis shows."""
    return np.arange(slices * rows * columns, dtype=dtype).reshape(slices, rows, columns)


def square_mm(z, half=3.0):
    return [-half, -half, z, half, -half, z, half, half, z, -half, half, z]


def contour_item(data, kind="CLOSED_PLANAR"):
    return sequence_item(ContourGeometricType=kind, NumberOfContourPoints=len(data) // 3, ContourData=data)


ONE_PTV = (("PTV", "PTV", (square_mm(33.0),)),)


def structure_set(uid=SET, frame_uid=FRAME, series=SERIES, slices=5, rois=ONE_PTV, **values):
    """An RT Structure Set; `rois` are (name, interpreted type, contours)."""
    dataset = dicom_object(RTSTRUCT, uid, Modality="RTSTRUCT", SeriesInstanceUID=f"{uid}.1", StructureSetLabel="Set")
    images = [
        sequence_item(ReferencedSOPClassUID=CT, ReferencedSOPInstanceUID=f"{series}.{k + 1}") for k in range(slices)
    ]
    series_item = sequence_item(SeriesInstanceUID=series, ContourImageSequence=images)
    study_item = sequence_item(RTReferencedSeriesSequence=[series_item])
    dataset.ReferencedFrameOfReferenceSequence = [
        sequence_item(FrameOfReferenceUID=frame_uid, RTReferencedStudySequence=[study_item])
    ]
    numbered = list(enumerate(rois, start=1))
    dataset.StructureSetROISequence = [
        sequence_item(ROINumber=n, ROIName=name, ReferencedFrameOfReferenceUID=frame_uid)
        for n, (name, _, _) in numbered
    ]
    dataset.ROIContourSequence = [
        sequence_item(ReferencedROINumber=n, ContourSequence=[contour_item(data) for data in contours])
        for n, (_, _, contours) in numbered
    ]
    dataset.RTROIObservationsSequence = [
        sequence_item(ReferencedROINumber=n, RTROIInterpretedType=kind) for n, (_, kind, _) in numbered
    ]
    for keyword, value in values.items():
        setattr(dataset, keyword, value)
    return dataset


def control_point(index, **values):
    return sequence_item(ControlPointIndex=index, CumulativeMetersetWeight=float(index), **values)


def full_control_point(isocenter=(-7.0, -15.0, 33.0), **values):
    jaws = [
        sequence_item(RTBeamLimitingDeviceType="ASYMX", LeafJawPositions=[-50, 40]),
        sequence_item(RTBeamLimitingDeviceType="ASYMY", LeafJawPositions=[-30, 20]),
    ]
    shown = {
        "GantryAngle": 90,
        "BeamLimitingDeviceAngle": 10,
        "PatientSupportAngle": 5,
        "BeamLimitingDevicePositionSequence": jaws,
        "IsocenterPosition": list(isocenter),
    }
    return control_point(0, **{**shown, **values})


def beam(number=1, points=None, delivery="TREATMENT", **values):
    return sequence_item(
        BeamNumber=number,
        BeamName=f"B{number}",
        RadiationType="PHOTON",
        TreatmentDeliveryType=delivery,
        TreatmentMachineName="LINAC",
        SourceAxisDistance=1000,
        ControlPointSequence=points or [full_control_point(), control_point(1)],
        **values,
    )


def plan(uid=PLAN, beams=None, position="HFS", set_uid=SET, metersets=None, **values):
    beams = beams or [beam()]
    metersets = {b.BeamNumber: 100.0 for b in beams} if metersets is None else metersets
    dataset = dicom_object(RTPLAN, uid, Modality="RTPLAN", SeriesInstanceUID=f"{uid}.1", FrameOfReferenceUID=FRAME)
    dataset.RTPlanLabel = "Plan A"
    dataset.BeamSequence = beams
    dataset.PatientSetupSequence = [sequence_item(PatientSetupNumber=1, PatientPosition=position)]
    referenced = []
    for b in beams:
        item = sequence_item(ReferencedBeamNumber=b.BeamNumber)
        if b.BeamNumber in metersets:
            item.BeamMeterset = metersets[b.BeamNumber]
        referenced.append(item)
    dataset.FractionGroupSequence = [sequence_item(NumberOfFractionsPlanned=20, ReferencedBeamSequence=referenced)]
    dataset.ReferencedStructureSetSequence = [
        sequence_item(ReferencedSOPClassUID=RTSTRUCT, ReferencedSOPInstanceUID=set_uid)
    ]
    for keyword, value in values.items():
        setattr(dataset, keyword, value)
    return dataset


def dose(stored=None, offsets=None, uid=DOSE, plan_uid=PLAN, **values):
    stored = volume(dtype=np.uint16) if stored is None else stored
    dataset = dicom_object(RTDOSE, uid, Modality="RTDOSE", SeriesInstanceUID=f"{uid}.1", FrameOfReferenceUID=FRAME)
    dataset.ImagePositionPatient, dataset.ImageOrientationPatient = [-10, -20, 30], list(AXIAL)
    dataset.PixelSpacing = [2, 1]
    dataset.Rows, dataset.Columns, dataset.NumberOfFrames = *stored.shape[1:], stored.shape[0]
    dataset.GridFrameOffsetVector = [3.0 * k for k in range(len(stored))] if offsets is None else offsets
    bits = 8 * stored.dtype.itemsize
    dataset.BitsAllocated = dataset.BitsStored = bits
    dataset.HighBit, dataset.PixelRepresentation = bits - 1, 0
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.DoseUnits, dataset.DoseType, dataset.DoseSummationType = "GY", "PHYSICAL", "PLAN"
    dataset.DoseGridScaling = "0.01"
    dataset.ReferencedRTPlanSequence = [sequence_item(ReferencedSOPClassUID=RTPLAN, ReferencedSOPInstanceUID=plan_uid)]
    for keyword, value in values.items():
        setattr(dataset, keyword, value)
    dataset.PixelData = stored.tobytes()
    return dataset


def write_plan_folder(folder, series=None, **plan_values):
    """A whole, consistent plan folder: CT, structure set, plan and dose."""
    (series or SliceSeries(volume())).write(folder / "ct")
    write(structure_set(), folder / "rs.dcm")
    write(plan(**plan_values), folder / "rp.dcm")
    write(dose(), folder / "rd.dcm")
    return folder
