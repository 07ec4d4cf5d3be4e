"""X-ray image formation and its inverse: projection, back-projection, cone-beam reconstruction, corrections."""

from openigrt.xray.arc import Arc, ArcKind, arc_of
from openigrt.xray.attenuation import Material, attenuation_per_mm
from openigrt.xray.beam_hardening import BeamHardening, bow_tie_thicknesses_mm, water_hardening
from openigrt.xray.fdk import Fdk, FdkSettings, reconstruct_fdk
from openigrt.xray.projector import Projector
from openigrt.xray.ramp import RampFilter, RampWindow
from openigrt.xray.redundancy import Fan, fan_of
from openigrt.xray.spectrum import Spectrum, Tube, tube_spectrum

__all__ = [
    "Arc",
    "ArcKind",
    "BeamHardening",
    "Fan",
    "Fdk",
    "FdkSettings",
    "Material",
    "Projector",
    "RampFilter",
    "RampWindow",
    "Spectrum",
    "Tube",
    "arc_of",
    "attenuation_per_mm",
    "bow_tie_thicknesses_mm",
    "fan_of",
    "reconstruct_fdk",
    "tube_spectrum",
    "water_hardening",
]
