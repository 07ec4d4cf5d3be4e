"""From where an X-ray image is taken: kV and MV imagers on the gantry, and two tubes in the floor of the room."""

from dataclasses import dataclass, replace

import numpy as np

from openigrt.geometry import (
    Float64Array,
    Frame,
    ProjectionGeometry,
    RigidTransform,
    fixed_from_gantry,
    gantry_from_beam_limiting_device,
)
from openigrt.images import MachinePose
from openigrt.machine import Imager
from openigrt.xray import DrrDetector

# Tube to isocenter and to panel: ExacTrac clinical user guide. Angles: Jin et al., Med Phys 33 (2006) 4557: the central
# rays enclose 62 degrees in a plane that rises from the floor at 53 degrees.
FLOOR_TUBE_AXIS_MM, FLOOR_TUBE_PANEL_MM = 2300.0, 3600.0
BETWEEN_FLOOR_TUBES_DEG, FLOOR_TUBES_RISE_DEG = 62.0, 53.0
CEILING_PANEL = DrrDetector(FLOOR_TUBE_PANEL_MM, (512, 512), (0.4, 0.4))
KV_PANEL = DrrDetector(1500.0, (1024, 768), (0.388, 0.388))
PORTAL_PANEL = DrrDetector(1500.0, (1024, 768), (0.392, 0.392))
TREATMENT_AXIS_MM = 1000.0

Triple = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class XrayView:
    """One look as its system believes it to be; its source and panel truly stand by `true_offset_mm` (room) elsewhere.

    `pose` is that of a gantry which carries the source: for a tube in the floor the angle and pitch of one that would.
    """

    label: str
    pose: MachinePose
    detector: DrrDetector
    true_offset_mm: Triple = (0.0, 0.0, 0.0)

    @property
    def geometry(self) -> ProjectionGeometry:
        """Source and panel in the room as the system has them; no panel turns with the collimator."""
        return self.detector.geometry(replace(self.pose, beam_limiting_device_angle_deg=None))

    @property
    def true_geometry(self) -> ProjectionGeometry:
        """Where source and panel truly are."""
        return self.geometry.moved(
            RigidTransform(Frame.FIXED, Frame.FIXED, np.eye(3), np.asarray(self.true_offset_mm, dtype=np.float64))
        )

    @property
    def fixed_from_beam_axes(self) -> Float64Array:
        """The turn (3, 3) from axes of the beam-limiting device to the room."""
        gantry = fixed_from_gantry(self.pose.gantry_angle_deg, self.pose.gantry_pitch_angle_deg)
        turned = gantry_from_beam_limiting_device(self.pose.beam_limiting_device_angle_deg or 0.0)
        return (gantry @ turned).rotation


def gantry_kv_view(
    imager: Imager, gantry_angle_deg: float, detector: DrrDetector = KV_PANEL, true_offset_mm: Triple = (0.0, 0.0, 0.0)
) -> XrayView:
    """What the kV imager of a gantry sees from this angle of the gantry."""
    source_deg = imager.kv_source_angle_deg(gantry_angle_deg)
    pose = MachinePose(source_deg, imager.source_axis_distance_mm)
    return XrayView(f"kV {source_deg:g}", pose, detector, true_offset_mm)


def portal_view(
    gantry_angle_deg: float,
    collimator_angle_deg: float = 0.0,
    detector: DrrDetector = PORTAL_PANEL,
    true_offset_mm: Triple = (0.0, 0.0, 0.0),
) -> XrayView:
    """What the portal imager sees of the treatment beam; its panel turns with the gantry, not with the collimator."""
    pose = MachinePose(gantry_angle_deg % 360.0, TREATMENT_AXIS_MM, 0.0, collimator_angle_deg % 360.0)
    return XrayView(f"MV {gantry_angle_deg % 360.0:g}", pose, detector, true_offset_mm)


def stereoscopic_views(
    detector: DrrDetector = CEILING_PANEL, true_offset_mm: Triple = (0.0, 0.0, 0.0)
) -> tuple[XrayView, XrayView]:
    """Two tubes in the floor on either side of the gantry's foot, the first at +x; panels face them from the ceiling.

    Source, isocenter and panel as stated for ExacTrac (see above); what the gantry hides at some angles is left out.
    """
    aside, rise = np.deg2rad(0.5 * BETWEEN_FLOOR_TUBES_DEG), np.deg2rad(FLOOR_TUBES_RISE_DEG)
    toward_gantry, down = np.cos(aside) * np.cos(rise), np.cos(aside) * np.sin(rise)
    pitch_deg = float(np.rad2deg(np.arctan2(toward_gantry, down)))
    first, second = (
        XrayView(name, MachinePose(angle_deg, FLOOR_TUBE_AXIS_MM, pitch_deg), detector, true_offset_mm)
        for name, angle_deg in (
            ("floor tube +x", 180.0 - 0.5 * BETWEEN_FLOOR_TUBES_DEG),
            ("floor tube -x", 180.0 + 0.5 * BETWEEN_FLOOR_TUBES_DEG),
        )
    )
    return first, second
