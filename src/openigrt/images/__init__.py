"""What a device makes, with its geometry."""

from openigrt.images.image import Image, Mask, Modality, Provenance

__all__ = ["Image", "Mask", "Modality", "Provenance"]
