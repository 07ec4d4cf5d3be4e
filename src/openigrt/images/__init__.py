"""What a device makes, with its geometry."""

from openigrt.images.distortion import DistortionCorrection
from openigrt.images.image import Image, Mask, Modality, Provenance
from openigrt.images.phase import Phase
from openigrt.images.uptake import DecayCorrection, Sex, SuvReference, Uptake, suv_image

__all__ = [
    "DecayCorrection",
    "DistortionCorrection",
    "Image",
    "Mask",
    "Modality",
    "Phase",
    "Provenance",
    "Sex",
    "SuvReference",
    "Uptake",
    "suv_image",
]
