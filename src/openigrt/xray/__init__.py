"""X-ray image formation and its inverse: projection, back-projection, cone-beam reconstruction, corrections."""

from openigrt.xray.arc import (
    Arc,
    ArcKind,
    arc_of,
)
from openigrt.xray.attenuation import (
    Material,
    attenuation_per_mm,
)
from openigrt.xray.beam_hardening import (
    BeamHardening,
    bow_tie_thicknesses_mm,
    water_hardening,
)
from openigrt.xray.cgls import (
    CglsSettings,
    reconstruct_cgls,
)
from openigrt.xray.coarse_detector import (
    CoarseDetector,
)
from openigrt.xray.drr import (
    BONE,
    SOFT_TISSUE,
    WHOLE,
    Drr,
    DrrDetector,
    HuWindow,
)
from openigrt.xray.fdk import (
    Fdk,
    FdkSettings,
    blocks,
    reconstruct_fdk,
    reconstruction_bytes,
)
from openigrt.xray.field_of_view import (
    AXIAL_DIRECTION,
    FieldOfView,
    covering_grid,
    field_of_view,
)
from openigrt.xray.four_d import (
    BinImage,
    blank_bins,
    reconstruct_bins,
)
from openigrt.xray.hounsfield import (
    HuScale,
    cupping_remark,
    linear_scale,
    piecewise_scale,
    scale_of_plan,
    shading_of_plan,
    soft_tissue_remark,
    water_remark,
)
from openigrt.xray.intensities import (
    FrameFlaws,
    Panel,
    levels_of_histogram,
    levels_of_margin,
    logarithm,
)
from openigrt.xray.lag import (
    Lag,
    LagCorrection,
)
from openigrt.xray.metal import (
    MetalSearch,
    metal_mask,
    metal_prior,
    trace_of,
    with_metal,
    without_trace,
)
from openigrt.xray.motion_compensated import (
    reconstruct_motion_compensated,
)
from openigrt.xray.os_sart import (
    OsSartSettings,
    reconstruct_os_sart,
)
from openigrt.xray.prior_scatter import (
    CONTAINS_PRIOR,
    PriorScatter,
    adapted_prior,
)
from openigrt.xray.projector import (
    Projector,
)
from openigrt.xray.ramp import (
    RampFilter,
    RampWindow,
)
from openigrt.xray.redundancy import (
    Fan,
    fan_of,
)
from openigrt.xray.rings import (
    ring_pattern,
)
from openigrt.xray.scatter import (
    KernelScatter,
    UniformScatter,
)
from openigrt.xray.shroud import (
    Shroud,
    amsterdam_shroud,
    breathing_in,
)
from openigrt.xray.spectrum import (
    HIGHEST_VOLTAGE_KV,
    LOWEST_VOLTAGE_KV,
    Spectrum,
    Tube,
    tube_spectrum,
)
from openigrt.xray.strays import (
    WithoutStrays,
)
from openigrt.xray.surroundings import (
    Surroundings,
    cut_off,
    surroundings,
)
from openigrt.xray.total_variation import (
    TotalVariationSettings,
    reconstruct_total_variation,
)

__all__ = [
    "AXIAL_DIRECTION",
    "BONE",
    "CONTAINS_PRIOR",
    "HIGHEST_VOLTAGE_KV",
    "LOWEST_VOLTAGE_KV",
    "SOFT_TISSUE",
    "WHOLE",
    "Arc",
    "ArcKind",
    "BeamHardening",
    "BinImage",
    "CglsSettings",
    "CoarseDetector",
    "Drr",
    "DrrDetector",
    "Fan",
    "Fdk",
    "FdkSettings",
    "FieldOfView",
    "FrameFlaws",
    "HuScale",
    "HuWindow",
    "KernelScatter",
    "Lag",
    "LagCorrection",
    "Material",
    "MetalSearch",
    "OsSartSettings",
    "Panel",
    "PriorScatter",
    "Projector",
    "RampFilter",
    "RampWindow",
    "Shroud",
    "Spectrum",
    "Surroundings",
    "TotalVariationSettings",
    "Tube",
    "UniformScatter",
    "WithoutStrays",
    "adapted_prior",
    "amsterdam_shroud",
    "arc_of",
    "attenuation_per_mm",
    "blank_bins",
    "blocks",
    "bow_tie_thicknesses_mm",
    "breathing_in",
    "covering_grid",
    "cupping_remark",
    "cut_off",
    "fan_of",
    "field_of_view",
    "levels_of_histogram",
    "levels_of_margin",
    "linear_scale",
    "logarithm",
    "metal_mask",
    "metal_prior",
    "piecewise_scale",
    "reconstruct_bins",
    "reconstruct_cgls",
    "reconstruct_fdk",
    "reconstruct_motion_compensated",
    "reconstruct_os_sart",
    "reconstruct_total_variation",
    "reconstruction_bytes",
    "ring_pattern",
    "scale_of_plan",
    "shading_of_plan",
    "soft_tissue_remark",
    "surroundings",
    "trace_of",
    "tube_spectrum",
    "water_hardening",
    "water_remark",
    "with_metal",
    "without_trace",
]
