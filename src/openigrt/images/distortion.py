"""Whether the distortion of an MR image was corrected."""

from enum import StrEnum


class DistortionCorrection(StrEnum):
    """How far the distortion by gradients that are not linear was corrected in an MR image."""

    VOLUME = "3D"
    IN_PLANE = "2D"
    NONE = "none"
    UNKNOWN = "unknown"
