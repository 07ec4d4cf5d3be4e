"""What a device makes, with its geometry."""

from openigrt.images.image import Image, Mask, Modality, Provenance
from openigrt.images.markers import Code, Marker, Markers, MarkerShape
from openigrt.images.projection import (
    Exposure,
    Intensity,
    IntensityRelationship,
    MachinePose,
    PlannedBeam,
    Projection,
    ProjectionKind,
)
from openigrt.images.segment import Segment
from openigrt.images.surfaces import Mesh, PointCloud

__all__ = [
    "Code",
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
    "PlannedBeam",
    "PointCloud",
    "Projection",
    "ProjectionKind",
    "Provenance",
    "Segment",
]
