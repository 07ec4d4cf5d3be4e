"""What stands in a beam beside its collimator: wedges, blocks, compensators, boluses, applicator, other accessories.

All distances in mm. What is hung in a tray says how far it is from the source (photons, electrons) or from the
isocenter (ions); a value that the plan leaves open is None.
"""

from dataclasses import dataclass
from enum import StrEnum

APERTURE, SHIELDING = "APERTURE", "SHIELDING"


@dataclass(frozen=True, slots=True)
class Wedge:
    """A wedge: `kind` as DICOM has it, STANDARD, DYNAMIC, MOTORIZED, PARTIAL_STANDARD or PARTIAL_MOTORIZED.

    `orientation_deg` turns the wedge in the beam-limiting device frame: at 0 the thin edge lies toward +y.
    """

    number: int
    kind: str = ""
    identifier: str = ""
    angle_deg: float | None = None
    factor: float | None = None
    orientation_deg: float | None = None
    accessory_code: str = ""
    source_tray_distance_mm: float | None = None
    isocenter_tray_distance_mm: float | None = None
    thin_edge_position_mm: float | None = None


@dataclass(frozen=True, slots=True)
class Block:
    """A block: the opening of an APERTURE or the shadow of a SHIELDING.

    `outline_mm` is a closed polygon at the isocenter plane in axes of the beam-limiting device; `divergence` is
    PRESENT when its sides follow the rays.
    """

    number: int
    kind: str
    outline_mm: tuple[tuple[float, float], ...]
    name: str = ""
    tray_id: str = ""
    accessory_code: str = ""
    material: str = ""
    divergence: str = ""
    mounting_position: str = ""
    thickness_mm: float | None = None
    transmission: float | None = None
    source_tray_distance_mm: float | None = None
    isocenter_tray_distance_mm: float | None = None


@dataclass(frozen=True, slots=True)
class Compensator:
    """A compensator: `transmissions` or `thicknesses_mm` row by row, from the `first_pixel_mm` (x, y) on.

    `pixel_spacing_mm` is (between rows, between columns), at the isocenter plane as everything in the beam's eye.
    """

    number: int | None
    identifier: str = ""
    description: str = ""
    kind: str = ""
    accessory_code: str = ""
    material: str = ""
    divergence: str = ""
    mounting_position: str = ""
    rows: int | None = None
    columns: int | None = None
    pixel_spacing_mm: tuple[float, ...] = ()
    first_pixel_mm: tuple[float, ...] = ()
    transmissions: tuple[float, ...] = ()
    thicknesses_mm: tuple[float, ...] = ()
    source_tray_distance_mm: float | None = None
    isocenter_tray_distance_mm: float | None = None
    isocenter_distances_mm: tuple[float, ...] = ()
    milling_tool_diameter_mm: float | None = None
    relative_stopping_power_ratio: float | None = None


@dataclass(frozen=True, slots=True)
class Bolus:
    """A bolus: the structure of this number in the plan's structure set."""

    roi_number: int
    identifier: str = ""
    description: str = ""
    accessory_code: str = ""


class ApertureShape(StrEnum):
    """The shapes that an applicator may have."""

    SQUARE = "SYM_SQUARE"
    RECTANGLE = "SYM_RECTANGLE"
    CIRCLE = "SYM_CIRCULAR"


@dataclass(frozen=True, slots=True)
class ApplicatorGeometry:
    """The opening of an applicator about the beam axis, in axes of the beam-limiting device.

    `opening_mm` is the side of a square or the diameter of a circle.
    """

    shape: str
    opening_mm: float | None = None
    opening_x_mm: float | None = None
    opening_y_mm: float | None = None


@dataclass(frozen=True, slots=True)
class Applicator:
    """An applicator, such as an electron cone: ELECTRON_SQUARE, ELECTRON_CIRC, STEREOTACTIC and others."""

    identifier: str
    kind: str
    description: str = ""
    accessory_code: str = ""
    source_mounting_distance_mm: float | None = None
    geometry: ApplicatorGeometry | None = None


@dataclass(frozen=True, slots=True)
class Accessory:
    """Any other accessory: GRATICULE, IMAGE_DETECTOR, RETICLE or none of them."""

    number: int
    identifier: str
    kind: str = ""
    description: str = ""
    accessory_code: str = ""
    source_distance_mm: float | None = None


@dataclass(frozen=True, slots=True)
class BeamModifiers:
    """All that stands in one beam."""

    wedges: tuple[Wedge, ...] = ()
    blocks: tuple[Block, ...] = ()
    compensators: tuple[Compensator, ...] = ()
    boluses: tuple[Bolus, ...] = ()
    applicator: Applicator | None = None
    accessories: tuple[Accessory, ...] = ()
    block_tray_factor: float | None = None
    compensator_tray_factor: float | None = None
    wedge_tray_water_equivalent_mm: float | None = None
    block_tray_water_equivalent_mm: float | None = None
    compensator_tray_water_equivalent_mm: float | None = None
