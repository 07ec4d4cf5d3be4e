"""X-ray image formation and its inverse: projection, back-projection, cone-beam reconstruction."""

from openigrt.xray.arc import Arc, ArcKind, arc_of
from openigrt.xray.cgls import CglsSettings, reconstruct_cgls
from openigrt.xray.fdk import Fdk, FdkSettings, reconstruct_fdk
from openigrt.xray.four_d import BinImage, blank_bins, reconstruct_bins
from openigrt.xray.motion_compensated import reconstruct_motion_compensated
from openigrt.xray.os_sart import OsSartSettings, reconstruct_os_sart
from openigrt.xray.projector import Projector
from openigrt.xray.ramp import RampFilter, RampWindow
from openigrt.xray.redundancy import Fan, fan_of
from openigrt.xray.shroud import Shroud, amsterdam_shroud, breathing_in
from openigrt.xray.total_variation import TotalVariationSettings, reconstruct_total_variation

__all__ = [
    "Arc",
    "ArcKind",
    "BinImage",
    "CglsSettings",
    "Fan",
    "Fdk",
    "FdkSettings",
    "OsSartSettings",
    "Projector",
    "RampFilter",
    "RampWindow",
    "Shroud",
    "TotalVariationSettings",
    "amsterdam_shroud",
    "arc_of",
    "blank_bins",
    "breathing_in",
    "fan_of",
    "reconstruct_bins",
    "reconstruct_cgls",
    "reconstruct_fdk",
    "reconstruct_motion_compensated",
    "reconstruct_os_sart",
    "reconstruct_total_variation",
]
