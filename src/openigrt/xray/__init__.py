"""X-ray image formation and its inverse: projection, back-projection, cone-beam reconstruction."""

from openigrt.xray.arc import Arc, ArcKind, arc_of
from openigrt.xray.drr import BONE, SOFT_TISSUE, WHOLE, Drr, DrrDetector, HuWindow
from openigrt.xray.fdk import Fdk, FdkSettings, reconstruct_fdk, reconstruction_bytes
from openigrt.xray.projector import Projector
from openigrt.xray.ramp import RampFilter, RampWindow
from openigrt.xray.redundancy import Fan, fan_of

__all__ = [
    "BONE",
    "SOFT_TISSUE",
    "WHOLE",
    "Arc",
    "ArcKind",
    "Drr",
    "DrrDetector",
    "Fan",
    "Fdk",
    "FdkSettings",
    "HuWindow",
    "Projector",
    "RampFilter",
    "RampWindow",
    "arc_of",
    "fan_of",
    "reconstruct_fdk",
    "reconstruction_bytes",
]
