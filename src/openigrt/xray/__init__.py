"""X-ray image formation and its inverse: projection, back-projection, cone-beam reconstruction, corrections."""

from openigrt.xray.arc import (
    Arc,
    ArcKind,
    arc_of,
)
from openigrt.xray.cgls import (
    CglsSettings,
    reconstruct_cgls,
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
    PROJECTIONS_AT_ONCE,
    Fdk,
    FdkSettings,
    blocks,
    reconstruct_fdk,
    reconstruction_bytes,
)
from openigrt.xray.field_of_view import (
    FieldOfView,
    covering_grid,
    field_of_view,
)
from openigrt.xray.four_d import (
    BinImage,
    blank_bins,
    reconstruct_bins,
)
from openigrt.xray.motion_compensated import (
    reconstruct_motion_compensated,
)
from openigrt.xray.os_sart import (
    OsSartSettings,
    reconstruct_os_sart,
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
from openigrt.xray.shroud import (
    Shroud,
    amsterdam_shroud,
    breathing_in,
)
from openigrt.xray.total_variation import (
    TotalVariationSettings,
    reconstruct_total_variation,
)

__all__ = [
    "BONE",
    "PROJECTIONS_AT_ONCE",
    "SOFT_TISSUE",
    "WHOLE",
    "Arc",
    "ArcKind",
    "BinImage",
    "CglsSettings",
    "Drr",
    "DrrDetector",
    "Fan",
    "Fdk",
    "FdkSettings",
    "FieldOfView",
    "HuWindow",
    "OsSartSettings",
    "Projector",
    "RampFilter",
    "RampWindow",
    "Shroud",
    "TotalVariationSettings",
    "amsterdam_shroud",
    "arc_of",
    "blank_bins",
    "blocks",
    "breathing_in",
    "covering_grid",
    "fan_of",
    "field_of_view",
    "reconstruct_bins",
    "reconstruct_cgls",
    "reconstruct_fdk",
    "reconstruct_motion_compensated",
    "reconstruct_os_sart",
    "reconstruct_total_variation",
    "reconstruction_bytes",
]
