"""What a device makes, with its geometry."""

from openigrt.images.arc import GAP_IN_STEPS, LEAST_GAP_DEG, SAME_ANGLE_DEG, doubts_about_arc
from openigrt.images.distortion import DistortionCorrection
from openigrt.images.image import Image, Mask, Modality, Provenance
from openigrt.images.markers import Code, Marker, Markers, MarkerShape
from openigrt.images.motion_sample import MotionSample
from openigrt.images.mr_sequence import Echo, MrSequence
from openigrt.images.phase import Phase
from openigrt.images.projection import (
    Exposure,
    Intensity,
    IntensityRelationship,
    MachinePose,
    PlannedBeam,
    Projection,
    ProjectionKind,
)
from openigrt.images.scan import ProjectionPixels, Quantity, Scan
from openigrt.images.segment import Segment
from openigrt.images.surfaces import Mesh, PointCloud
from openigrt.images.uptake import DecayCorrection, Sex, SuvReference, Uptake, suv_image

__all__ = [
    "GAP_IN_STEPS",
    "LEAST_GAP_DEG",
    "SAME_ANGLE_DEG",
    "Code",
    "DecayCorrection",
    "DistortionCorrection",
    "Echo",
    "Exposure",
    "Image",
    "Intensity",
    "IntensityRelationship",
    "MachinePose",
    "Marker",
    "MarkerShape",
    "Markers",
    "Mask",
    "Mesh",
    "Modality",
    "MotionSample",
    "MrSequence",
    "Phase",
    "PlannedBeam",
    "PointCloud",
    "Projection",
    "ProjectionKind",
    "ProjectionPixels",
    "Provenance",
    "Quantity",
    "Scan",
    "Segment",
    "Sex",
    "SuvReference",
    "Uptake",
    "doubts_about_arc",
    "suv_image",
]
