"""How a cone-beam scan is taken: beam, detector, arc, exposure; clinical presets, and quick ones for the demo."""

from dataclasses import dataclass, field, replace

import numpy as np

from openigrt.errors import InputError
from openigrt.geometry import DetectorPlacement, Float64Array, Trajectory, circular_trajectory
from openigrt.images import Exposure
from openigrt.machine import BowTieFilter, FilterMaterial, Imager, PanelLag, ScatterFit
from openigrt.virtual.imaging.projections import Beam, BowTie, DetectorModel
from openigrt.virtual.imaging.scatter import ScatterModel
from openigrt.xray import Spectrum, Tube, tube_spectrum

SOURCE_AXIS_MM, SOURCE_DETECTOR_MM = 1000.0, 1500.0
PANEL_MM = (397.0, 298.0)
NATIVE_PIXEL_MM = 0.388
ELECTRONIC_COUNTS_OF_A_NATIVE_PIXEL = 6.0
HALF_FAN_ASIDE_MM = 148.0
GRID_SHARE = 0.3
LAG = PanelLag((0.02, 0.01), (2.0, 40.0))
BOW_TIE_SAMPLES = 41
DEMO_PROJECTIONS = 240


@dataclass(frozen=True, slots=True)
class ConeBeamProtocol:
    """One way to take a scan.

    `pixels` (columns, rows) share the panel of about 40 x 30 cm, whose centre stands `aside_mm` off the central ray
    (half fan). `projections` lie evenly on an arc of `arc_deg` from `first_source_deg`, the angle of the source.
    `photons_per_mm2`: of the unattenuated beam at the detector, in each projection. Tissue is rendered in voxels of
    `voxel_mm`, at `most_states` moments of the scan at most, `motion_step_mm` apart; the spectrum is that of the tube
    in `energies` groups. `kernel`: what a fit on a water phantom of the size of the site gives for these pixels.
    """

    name: str
    tube: Tube
    bow_tie: BowTie
    pixels: tuple[int, int]
    projections: int
    photons_per_mm2: float
    aside_mm: float = 0.0
    arc_deg: float = 360.0
    first_source_deg: float = -90.0
    scatter: ScatterModel = field(default_factory=lambda: ScatterModel(accepted_share=GRID_SHARE))
    voxel_mm: float = 2.0
    motion_step_mm: float = 1.0
    most_states: int = 12
    energies: int = 24
    dead_columns: tuple[int, ...] = ()
    lag: PanelLag | None = LAG
    kernel: ScatterFit | None = None

    def __post_init__(self) -> None:
        """Raise InputError for a scan that nobody can take."""
        if not (min(self.pixels) >= 2 and self.projections >= 1 and 0.0 < self.arc_deg <= 360.0):
            raise InputError(
                f"A scan has projections of 2 x 2 pixels at least on an arc of up to 360 degrees; found "
                f"{self.projections} of {self.pixels} on {self.arc_deg:g} degrees."
            )
        if not (self.voxel_mm > 0.0 and self.motion_step_mm > 0.0 and self.most_states >= 1 and self.energies >= 1):
            raise InputError("A scan is made of voxels, states, steps between them and energies, all above zero.")

    @property
    def placement(self) -> DetectorPlacement:
        """How the detector is held."""
        return DetectorPlacement(
            SOURCE_AXIS_MM, SOURCE_DETECTOR_MM, self.pixels, self.pixel_mm, offset_mm=(self.aside_mm, 0.0)
        )

    @property
    def pixel_mm(self) -> tuple[float, float]:
        """Spacing of columns and rows."""
        return PANEL_MM[0] / self.pixels[0], PANEL_MM[1] / self.pixels[1]

    def trajectory(self) -> Trajectory:
        """The nominal trajectory that the imager is to be driven on."""
        step_deg = self.arc_deg / (self.projections if self.arc_deg == 360.0 else max(self.projections - 1, 1))
        return circular_trajectory(self.first_source_deg + step_deg * np.arange(self.projections), self.placement)

    @property
    def beam(self) -> Beam:
        """The beam that comes out of the tube, in groups of energies."""
        return Beam(in_groups(tube_spectrum(self.tube), self.energies), self.bow_tie)

    @property
    def exposure(self) -> Exposure:
        """What a scan says about its beam."""
        return Exposure(tube_voltage_kv=self.tube.tube_voltage_kv)

    @property
    def detector(self) -> DetectorModel:
        """The panel, with its native pixels averaged into these: less noise of the electronics."""
        area_mm2 = self.pixel_mm[0] * self.pixel_mm[1]
        lag = self.lag or PanelLag((), ())
        return DetectorModel(
            photons=self.photons_per_mm2 * area_mm2,
            electronic_counts=ELECTRONIC_COUNTS_OF_A_NATIVE_PIXEL * NATIVE_PIXEL_MM / float(np.sqrt(area_mm2)),
            dead_columns=self.dead_columns,
            lag_shares=lag.shares,
            lag_frames=lag.frames,
        )

    def imager(self, kv_source_angle_offset_deg: float = 90.0) -> Imager:
        """What a machine file would say of this imager: distances, filters, bow-tie and lag."""
        edge_deg = 1.2 * self.bow_tie.edge_deg
        angles = np.linspace(-edge_deg, edge_deg, BOW_TIE_SAMPLES)
        return Imager(
            kv_source_angle_offset_deg,
            SOURCE_AXIS_MM,
            SOURCE_DETECTOR_MM,
            lag=self.lag,
            scatter=self.kernel,
            bow_tie=BowTieFilter(FilterMaterial.ALUMINUM, _plain(angles), _plain(self.bow_tie.thicknesses_mm(angles))),
            filters_mm={FilterMaterial(material): thickness for material, thickness in self.tube.filters_mm.items()},
        )


def in_groups(spectrum: Spectrum, count: int) -> Spectrum:
    """A spectrum of `count` energies at most, each the mean of a group of neighbours with about as much signal.

    24 groups let through what the whole spectrum does behind up to 45 cm of water, within 0.1 %.
    """
    middle = np.cumsum(spectrum.weights) - 0.5 * spectrum.weights
    group = np.unique(np.minimum((middle * count).astype(int), count - 1), return_inverse=True)[1]
    weights = np.bincount(group, spectrum.weights).astype(np.float64)
    return Spectrum(np.bincount(group, spectrum.weights * spectrum.energies_kev) / weights, weights)


def _plain(values: Float64Array) -> tuple[float, ...]:
    """Plain numbers."""
    return tuple(round(float(value), 4) for value in values)


BODY_TUBE, HEAD_TUBE = Tube(125.0), Tube(100.0)
HALF_FAN_BOW_TIE, FULL_FAN_BOW_TIE = BowTie(1.5, 25.0, 14.0), BowTie(1.5, 20.0, 7.6)
BODY_KERNEL = ScatterFit(0.15, 20.0, 240.0, 0.86)  # fitted on 38 x 24 cm of water with the pixels of the demo
CLINICAL_PIXELS, DEMO_PIXELS = (512, 384), (200, 100)
DEMO_SCATTER = ScatterModel(accepted_share=GRID_SHARE, views=12, voxel_mm=30.0)

PELVIS_CBCT = ConeBeamProtocol(
    "pelvis",
    BODY_TUBE,
    HALF_FAN_BOW_TIE,
    CLINICAL_PIXELS,
    900,
    photons_per_mm2=8.0e5,
    aside_mm=HALF_FAN_ASIDE_MM,
    kernel=BODY_KERNEL,
)
TRUNK_CBCT = replace(PELVIS_CBCT, name="trunk", photons_per_mm2=2.5e5)
HEAD_CBCT = ConeBeamProtocol(
    "head",
    HEAD_TUBE,
    FULL_FAN_BOW_TIE,
    CLINICAL_PIXELS,
    500,
    photons_per_mm2=1.5e5,
    arc_deg=200.0,
    first_source_deg=-10.0,
)


def demo_of(clinical: ConeBeamProtocol) -> ConeBeamProtocol:
    """The same scan, quick: 240 projections of 200 x 100 pixels, voxels of 3 mm, 12 views of scatter from 3 cm.

    The exposure of the whole scan is the same; fewer projections share it. A short arc has as many degrees between.
    """
    projections = round(DEMO_PROJECTIONS * clinical.arc_deg / 360.0)
    return replace(
        clinical,
        name=f"{clinical.name}, demo",
        pixels=DEMO_PIXELS,
        projections=projections,
        photons_per_mm2=clinical.photons_per_mm2 * clinical.projections / projections,
        scatter=DEMO_SCATTER,
        voxel_mm=3.0,
        motion_step_mm=2.0,
        most_states=8,
        dead_columns=(),
    )


PELVIS_DEMO_CBCT, TRUNK_DEMO_CBCT, HEAD_DEMO_CBCT = (demo_of(each) for each in (PELVIS_CBCT, TRUNK_CBCT, HEAD_CBCT))
