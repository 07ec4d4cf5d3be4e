"""X-ray image formation and its inverse: projection, back-projection, cone-beam reconstruction."""

from openigrt.xray.arc import Arc, ArcKind, arc_of
from openigrt.xray.fdk import PROJECTIONS_AT_ONCE, Fdk, FdkSettings, blocks, reconstruct_fdk, reconstruction_bytes
from openigrt.xray.field_of_view import FieldOfView, covering_grid, field_of_view
from openigrt.xray.projector import Projector
from openigrt.xray.ramp import RampFilter, RampWindow
from openigrt.xray.redundancy import Fan, fan_of

__all__ = [
    "PROJECTIONS_AT_ONCE",
    "Arc",
    "ArcKind",
    "Fan",
    "Fdk",
    "FdkSettings",
    "FieldOfView",
    "Projector",
    "RampFilter",
    "RampWindow",
    "arc_of",
    "blocks",
    "covering_grid",
    "fan_of",
    "field_of_view",
    "reconstruct_fdk",
    "reconstruction_bytes",
]
