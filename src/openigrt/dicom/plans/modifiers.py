"""What stands in a beam, to and from its items: PS3.3 C.8.8.14 for photons and electrons, C.8.8.25 for ions."""

from openigrt.dicom.dataset.mapping import (
    NUMBER,
    NUMBERS,
    PAIRS,
    REQUIRED_WHOLE,
    WHOLE,
    Attribute,
    Many,
    One,
    Table,
    exactly,
    known,
    optional,
    required,
)
from openigrt.patient import (
    Accessory,
    Applicator,
    ApplicatorGeometry,
    BeamModifiers,
    Block,
    Bolus,
    Compensator,
    Wedge,
)

_WEDGE = (
    required("number", "WedgeNumber", REQUIRED_WHOLE),
    known("kind", "WedgeType"),
    optional("identifier", "WedgeID"),
    optional("accessory_code", "AccessoryCode"),
    known("angle_deg", "WedgeAngle", NUMBER),
    known("orientation_deg", "WedgeOrientation", NUMBER),
)
WEDGE = Table(
    Wedge,
    (
        *_WEDGE,
        known("factor", "WedgeFactor", NUMBER),
        optional("source_tray_distance_mm", "SourceToWedgeTrayDistance", NUMBER),
        optional("thin_edge_position_mm", "WedgeThinEdgePosition", NUMBER),
    ),
)
ION_WEDGE = Table(
    Wedge,
    (
        *_WEDGE,
        known("isocenter_tray_distance_mm", "IsocenterToWedgeTrayDistance", NUMBER),
    ),
)

_BLOCK = (
    required("number", "BlockNumber", REQUIRED_WHOLE),
    required("kind", "BlockType"),
    optional("name", "BlockName"),
    optional("tray_id", "BlockTrayID"),
    optional("accessory_code", "AccessoryCode"),
    known("divergence", "BlockDivergence"),
    optional("mounting_position", "BlockMountingPosition"),
    known("material", "MaterialID"),
    known("thickness_mm", "BlockThickness", NUMBER),
    known("outline_mm", "BlockData", PAIRS),
)
_BLOCK_COUNTS = (("BlockNumberOfPoints", "outline_mm"),)
BLOCK = Table(
    Block,
    (
        *_BLOCK,
        known("transmission", "BlockTransmission", NUMBER),
        known("source_tray_distance_mm", "SourceToBlockTrayDistance", NUMBER),
    ),
    _BLOCK_COUNTS,
)
ION_BLOCK = Table(
    Block,
    (
        *_BLOCK,
        required("isocenter_tray_distance_mm", "IsocenterToBlockTrayDistance", NUMBER),
    ),
    _BLOCK_COUNTS,
)

_COMPENSATOR = (
    optional("number", "CompensatorNumber", WHOLE),
    optional("identifier", "CompensatorID"),
    optional("description", "CompensatorDescription"),
    optional("accessory_code", "AccessoryCode"),
    known("material", "MaterialID"),
    optional("divergence", "CompensatorDivergence"),
    optional("mounting_position", "CompensatorMountingPosition"),
    required("rows", "CompensatorRows", WHOLE),
    required("columns", "CompensatorColumns", WHOLE),
    required("pixel_spacing_mm", "CompensatorPixelSpacing", exactly(2)),
    required("first_pixel_mm", "CompensatorPosition", exactly(2)),
    optional("thicknesses_mm", "CompensatorThicknessData", NUMBERS),
)
COMPENSATOR = Table(
    Compensator,
    (
        *_COMPENSATOR,
        optional("kind", "CompensatorType"),
        optional("transmissions", "CompensatorTransmissionData", NUMBERS),
        known("source_tray_distance_mm", "SourceToCompensatorTrayDistance", NUMBER),
    ),
)
ION_COMPENSATOR = Table(
    Compensator,
    (
        *_COMPENSATOR,
        optional("isocenter_tray_distance_mm", "IsocenterToCompensatorTrayDistance", NUMBER),
        optional("isocenter_distances_mm", "IsocenterToCompensatorDistances", NUMBERS),
        optional("milling_tool_diameter_mm", "CompensatorMillingToolDiameter", NUMBER),
        optional("relative_stopping_power_ratio", "CompensatorRelativeStoppingPowerRatio", NUMBER),
    ),
)

BOLUS = Table(
    Bolus,
    (
        required("roi_number", "ReferencedROINumber", REQUIRED_WHOLE),
        optional("identifier", "BolusID"),
        optional("description", "BolusDescription"),
        optional("accessory_code", "AccessoryCode"),
    ),
)

APPLICATOR_GEOMETRY = Table(
    ApplicatorGeometry,
    (
        required("shape", "ApplicatorApertureShape"),
        optional("opening_mm", "ApplicatorOpening", NUMBER),
        optional("opening_x_mm", "ApplicatorOpeningX", NUMBER),
        optional("opening_y_mm", "ApplicatorOpeningY", NUMBER),
    ),
)
APPLICATOR = Table(
    Applicator,
    (
        required("identifier", "ApplicatorID"),
        required("kind", "ApplicatorType"),
        optional("description", "ApplicatorDescription"),
        optional("accessory_code", "AccessoryCode"),
        optional("source_mounting_distance_mm", "SourceToApplicatorMountingPositionDistance", NUMBER),
        One("geometry", "ApplicatorGeometrySequence", APPLICATOR_GEOMETRY),
    ),
)

ACCESSORY = Table(
    Accessory,
    (
        required("number", "GeneralAccessoryNumber", REQUIRED_WHOLE),
        required("identifier", "GeneralAccessoryID"),
        optional("kind", "GeneralAccessoryType"),
        optional("description", "GeneralAccessoryDescription"),
        optional("accessory_code", "AccessoryCode"),
        optional("source_distance_mm", "SourceToGeneralAccessoryDistance", NUMBER),
    ),
)


def _modifiers(
    prefix: str, wedge: Table[Wedge], block: Table[Block], compensator: Many, trays: tuple[Attribute, ...]
) -> Table[BeamModifiers]:
    """The table of what stands in a beam: sequences of ion beams have names of their own."""
    return Table(
        BeamModifiers,
        (
            Many("wedges", f"{prefix}WedgeSequence", wedge),
            Many("blocks", f"{prefix}BlockSequence", block),
            compensator,
            Many("boluses", "ReferencedBolusSequence", BOLUS),
            One("applicator", "ApplicatorSequence", APPLICATOR),
            Many("accessories", "GeneralAccessorySequence", ACCESSORY),
            *trays,
        ),
        (
            ("NumberOfWedges", "wedges"),
            ("NumberOfBlocks", "blocks"),
            ("NumberOfCompensators", "compensators"),
            ("NumberOfBoli", "boluses"),
        ),
    )


MODIFIERS = _modifiers(
    "",
    WEDGE,
    BLOCK,
    Many("compensators", "CompensatorSequence", COMPENSATOR),
    (
        optional("block_tray_factor", "TotalBlockTrayFactor", NUMBER),
        optional("compensator_tray_factor", "TotalCompensatorTrayFactor", NUMBER),
    ),
)
ION_MODIFIERS = _modifiers(
    "Ion",
    ION_WEDGE,
    ION_BLOCK,
    Many("compensators", "IonRangeCompensatorSequence", ION_COMPENSATOR),
    (
        optional("wedge_tray_water_equivalent_mm", "TotalWedgeTrayWaterEquivalentThickness", NUMBER),
        optional("block_tray_water_equivalent_mm", "TotalBlockTrayWaterEquivalentThickness", NUMBER),
        optional("compensator_tray_water_equivalent_mm", "TotalCompensatorTrayWaterEquivalentThickness", NUMBER),
    ),
)
