"""Images to Enhanced US Volumes (PS3.3 A.59, C.8.24.2): in a patient's frame, or in one of the volume's own."""

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import UID, EnhancedUSVolumeStorage, generate_uid

from openigrt.dicom.dataset.headers import SeriesHeader, decimals, new_dataset, software
from openigrt.dicom.images.ultrasound import TISSUE, UltrasoundVolume
from openigrt.errors import MissingInput, UnsupportedInput
from openigrt.geometry import Frame, Grid, RigidTransform
from openigrt.images import Modality

BRIGHTEST = 255


def write_ultrasound(volume: UltrasoundVolume, series: SeriesHeader, instance_uid: str, volume_uid: str) -> Dataset:
    """An Enhanced US Volume of 8 bits from an image of 0 to 255, rounded; what is no number becomes 0.

    In the frame of a patient its planes are placed in that; in one of equipment they are placed in the volume's own,
    which then is that one, else `volume_uid`. `transducer_from_volume` must be known. Raises UnsupportedInput for other
    modalities, frames and values, MissingInput without the place of the transducer.
    """
    image = volume.image
    if image.modality is not Modality.US:
        raise UnsupportedInput(f"Only ultrasound can be written as an Enhanced US Volume, not {image.modality}.")
    if volume.transducer_from_volume is None:
        raise MissingInput("An Enhanced US Volume says where its transducer was (PS3.3 C.8.24.2); state it.")
    dataset = new_dataset(series, "US", EnhancedUSVolumeStorage, instance_uid)
    _set_frames_of_reference(dataset, volume, volume_uid)
    _set_image(dataset, volume, series)
    stored = _stored(image.voxels)
    dataset.NumberOfFrames, dataset.Rows, dataset.Columns = stored.shape
    space = "Patient" if volume.is_in_patient else "Volume"
    dataset.SharedFunctionalGroupsSequence = [_shared(image.grid, space)]
    dataset.PerFrameFunctionalGroupsSequence = [_of_frame(image.grid, k, space) for k in range(len(stored))]
    dataset.PixelData = stored.tobytes() + b"\0" * (stored.size % 2)
    return dataset


def _set_frames_of_reference(dataset: Dataset, volume: UltrasoundVolume, volume_uid: str) -> None:
    """Frame of Reference and Ultrasound Frame of Reference modules."""
    frame = volume.image.frame
    if not frame.uid:
        raise UnsupportedInput(f"Frame {frame} has no UID; give the image one of a patient, or of equipment.")
    dataset.FrameOfReferenceUID = UID(frame.uid)
    dataset.PositionReferenceIndicator = ""
    if volume.is_in_patient:
        dataset.UltrasoundAcquisitionGeometry = "PATIENT"
        dataset.PatientFrameOfReferenceSource = "TABLE"
        dataset.VolumeFrameOfReferenceUID = UID(volume_uid)
    else:
        dataset.UltrasoundAcquisitionGeometry = "APEX"
        dataset.VolumeFrameOfReferenceUID = UID(frame.uid)
        apex = volume.transducer_from_volume.inverse().translation_mm if volume.transducer_from_volume else np.zeros(3)
        dataset.ApexPosition = [float(v) for v in apex]
    dataset.VolumeToTransducerRelationship = "FIXED"
    dataset.VolumeToTransducerMappingMatrix = _matrix(volume.transducer_from_volume)
    if volume.table_from_volume is not None:
        dataset.VolumeToTableMappingMatrix = _matrix(volume.table_from_volume)
        dataset.TableFrameOfReferenceUID = UID(_required_uid(volume.table_from_volume.to_frame))


def _required_uid(frame: Frame) -> str:
    """The UID of a frame; raises UnsupportedInput without one."""
    if not frame.uid:
        raise UnsupportedInput(f"Frame {frame} has no UID; name the table by one (Frame.equipment).")
    return frame.uid


def _matrix(transform: RigidTransform | None) -> list[float]:
    """The sixteen numbers of a mapping, row by row."""
    matrix = np.eye(4) if transform is None else transform.matrix4()
    return [float(v) for v in matrix.ravel()]


def _set_image(dataset: Dataset, volume: UltrasoundVolume, series: SeriesHeader) -> None:
    """Enhanced US Image, Synchronization, Multi-frame Dimension and pixel description, as far as they must be."""
    moment = volume.image.provenance.acquired_at or series.created_at
    dataset.AcquisitionDateTime = moment.strftime("%Y%m%d%H%M%S.%f")[:18] + "+0000"
    dataset.AcquisitionDuration = 0.0
    dataset.ContentDate, dataset.ContentTime = dataset.SeriesDate, dataset.SeriesTime
    dataset.ImageType = ["ORIGINAL", "PRIMARY"]
    dataset.InstanceNumber = 1
    dataset.BurnedInAnnotation, dataset.LossyImageCompression = "NO", "00"
    dataset.PresentationLUTShape = "IDENTITY"
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.BitsAllocated = dataset.BitsStored = 8
    dataset.HighBit, dataset.PixelRepresentation = 7, 0
    dataset.RescaleSlope, dataset.RescaleIntercept = 1, 0
    dataset.PositionMeasuringDeviceUsed = "TRACKED"
    dataset.SynchronizationTrigger, dataset.AcquisitionTimeSynchronized = "NO TRIGGER", "N"
    dataset.SynchronizationFrameOfReferenceUID = generate_uid(entropy_srcs=[series.uid, "synchronization"])
    dataset.DimensionOrganizationType = "3D"
    organization, index = Dataset(), Dataset()
    organization.DimensionOrganizationUID = generate_uid(entropy_srcs=[series.uid, "dimension"])
    index.DimensionOrganizationUID = organization.DimensionOrganizationUID
    in_patient = volume.is_in_patient
    index.DimensionIndexPointer = 0x00200032 if in_patient else 0x00209301
    index.FunctionalGroupPointer = 0x00209113 if in_patient else 0x0020930E
    dataset.DimensionOrganizationSequence, dataset.DimensionIndexSequence = [organization], [index]
    dataset.AcquisitionProtocolName = f"OpenIGRT {software()}"


def _shared(grid: Grid, space: str) -> Dataset:
    """What all frames have in common: their pixels, what they show, how they lie."""
    group, measures, kind, orientation = Dataset(), Dataset(), Dataset(), Dataset()
    measures.PixelSpacing = decimals([grid.spacing_mm[1], grid.spacing_mm[0]])
    measures.SliceThickness = decimals([grid.spacing_mm[2]])[0]
    kind.DataType, kind.AliasedDataType = TISSUE, "NO"
    axes = [*grid.direction[:, 0], *grid.direction[:, 1]]
    group.PixelMeasuresSequence, group.ImageDataTypeSequence = [measures], [kind]
    if space == "Patient":
        orientation.ImageOrientationPatient = decimals(axes)
        group.PlaneOrientationSequence = [orientation]
    else:
        orientation.ImageOrientationVolume = [float(v) for v in axes]
        group.PlaneOrientationVolumeSequence = [orientation]
    return group


def _of_frame(grid: Grid, k: int, space: str) -> Dataset:
    """Where one frame lies."""
    group, place, content, temporal = Dataset(), Dataset(), Dataset(), Dataset()
    point = grid.points((0, 0, k))
    content.DimensionIndexValues = [k + 1]
    temporal.TemporalPositionTimeOffset = 0.0
    if space == "Patient":
        place.ImagePositionPatient = decimals(point)
        group.PlanePositionSequence = [place]
    else:
        place.ImagePositionVolume = [float(v) for v in point]
        group.PlanePositionVolumeSequence = [place]
    group.FrameContentSequence, group.TemporalPositionSequence = Sequence([content]), Sequence([temporal])
    return group


def _stored(voxels: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Rounded bytes; raises UnsupportedInput where they do not fit."""
    values = np.rint(np.nan_to_num(voxels))
    if values.min() < 0 or values.max() > BRIGHTEST:
        raise UnsupportedInput(f"Ultrasound of {values.min():.0f} to {values.max():.0f} does not fit 0 to {BRIGHTEST}.")
    return values.astype(np.uint8)
