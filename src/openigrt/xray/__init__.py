"""X-ray image formation and its inverse: projection, back-projection, cone-beam reconstruction, corrections."""

from openigrt.xray.arc import Arc, ArcKind, arc_of
from openigrt.xray.attenuation import Material, attenuation_per_mm
from openigrt.xray.beam_hardening import BeamHardening, bow_tie_thicknesses_mm, water_hardening
from openigrt.xray.fdk import Fdk, FdkSettings, reconstruct_fdk
from openigrt.xray.hounsfield import HuScale, linear_scale, piecewise_scale, scale_of_plan, water_remark
from openigrt.xray.intensities import FrameFlaws, Panel, levels_of_histogram, levels_of_margin, logarithm
from openigrt.xray.lag import Lag, LagCorrection
from openigrt.xray.metal import MetalSearch, metal_mask, metal_prior, trace_of, with_metal, without_trace
from openigrt.xray.prior_scatter import CONTAINS_PRIOR, PriorScatter, adapted_prior
from openigrt.xray.projector import Projector
from openigrt.xray.ramp import RampFilter, RampWindow
from openigrt.xray.redundancy import Fan, fan_of
from openigrt.xray.rings import ring_pattern
from openigrt.xray.scatter import KernelScatter, UniformScatter
from openigrt.xray.spectrum import Spectrum, Tube, tube_spectrum

__all__ = [
    "CONTAINS_PRIOR",
    "Arc",
    "ArcKind",
    "BeamHardening",
    "Fan",
    "Fdk",
    "FdkSettings",
    "FrameFlaws",
    "HuScale",
    "KernelScatter",
    "Lag",
    "LagCorrection",
    "Material",
    "MetalSearch",
    "Panel",
    "PriorScatter",
    "Projector",
    "RampFilter",
    "RampWindow",
    "Spectrum",
    "Tube",
    "UniformScatter",
    "adapted_prior",
    "arc_of",
    "attenuation_per_mm",
    "bow_tie_thicknesses_mm",
    "fan_of",
    "levels_of_histogram",
    "levels_of_margin",
    "linear_scale",
    "logarithm",
    "metal_mask",
    "metal_prior",
    "piecewise_scale",
    "reconstruct_fdk",
    "ring_pattern",
    "scale_of_plan",
    "trace_of",
    "tube_spectrum",
    "water_hardening",
    "water_remark",
    "with_metal",
    "without_trace",
]
