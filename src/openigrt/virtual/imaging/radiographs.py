"""Radiographs of a virtual patient: kV on the gantry or from floor to ceiling, and MV on the portal imager.

What reaches a pixel: photons that come straight through (kV: of all energies of the tube; MV: at the attenuation of a
6 MV beam), scatter, the blur of the focal spot, quantum noise, the blur of the panel, electronic noise. What a system
hands over is corrected for gain and dark signal, and counts whole numbers that rise with the beam.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage
from skimage.draw import polygon2mask

from openigrt.geometry import (
    CouchPose,
    Float64Array,
    Frame,
    PlanarRegion,
    ProjectionGeometry,
    RigidTransform,
    Trajectory,
)
from openigrt.images import (
    Exposure,
    Intensity,
    IntensityRelationship,
    Projection,
    ProjectionKind,
    Provenance,
)
from openigrt.virtual.imaging.beam_tissue import Lengths, Section, TissueInBeam
from openigrt.virtual.imaging.gold import GOLD_MEGAVOLT_PER_MM, gold_per_mm
from openigrt.virtual.imaging.phantoms import Body, Phantom
from openigrt.virtual.imaging.projections import Beam
from openigrt.virtual.imaging.scatter import ScatterModel, scatter
from openigrt.virtual.imaging.xray_views import XrayView
from openigrt.virtual.linac.patient_on_couch import PatientOnCouch
from openigrt.xray import Material, Tube, tube_spectrum

Float32Array = NDArray[np.float32]

LARGEST_COUNTS = 65535.0
# Water at 2 MeV, the mean energy of a 6 MV beam: NIST SRD 126. Cortical bone by its electrons (ICRU 44).
WATER_MEGAVOLT_PER_MM = 0.00494
BONE_ELECTRONS = 1.92 * 0.51478 / 0.55508
MEAN_MEGAVOLT_REST_ENERGIES = 2.0 / 0.511
MM_PER_CM = 10.0
SECTION_HALF_LENGTH_MM = 150.0


@dataclass(frozen=True, slots=True)
class PanelModel:
    """How a flat panel blurs and how noisy it is: one standard deviation of its blur, and of its electronic noise.

    `open_quanta_per_mm2`: absorbed photons that make the `open_counts` of the open beam, which may be more than the
    65535 that are handed over: beside the patient a kV panel is saturated.
    """

    open_quanta_per_mm2: float
    blur_mm: float
    open_counts: float = 40000.0
    electronic_counts: float = 6.0


class XrayBeam(Protocol):
    """What makes a radiograph: kV or MV."""

    @property
    def kind(self) -> ProjectionKind: ...
    @property
    def exposure(self) -> Exposure: ...
    @property
    def focal_spot_mm(self) -> float: ...
    @property
    def panel(self) -> PanelModel: ...

    def signal(self, lengths: Lengths, section: Section, view: "SeenFrom") -> Float64Array:
        """Signal (rows, columns) before any blur, 1 in the open beam: what comes through, and scatter."""
        ...


@dataclass(frozen=True, eq=False, slots=True)
class SeenFrom:
    """True source and panel in the room, the turn from beam-limiting device to room, and the patient's place."""

    geometry: ProjectionGeometry
    fixed_from_plan: RigidTransform
    fixed_from_beam_axes: Float64Array
    source_axis_distance_mm: float


@dataclass(frozen=True, eq=False)
class KilovoltBeam:
    """A tube without bow-tie; `scatter` as in cone-beam projections, of a water cylinder that stands for the patient.

    The focal spot is one standard deviation (0.3 mm: nominal 0.8).
    """

    tube: Tube = field(default_factory=lambda: Tube(100.0))
    scatter_model: ScatterModel = field(default_factory=ScatterModel)
    focal_spot_mm: float = 0.3
    panel: PanelModel = PanelModel(8e6, 0.18, 4e5)
    exposure_time_ms: float = 60.0
    tube_current_ma: float = 80.0

    @property
    def kind(self) -> ProjectionKind:
        """A radiograph."""
        return ProjectionKind.RADIOGRAPH

    @property
    def exposure(self) -> Exposure:
        """What is stated of it."""
        return Exposure(self.tube.tube_voltage_kv, self.tube_current_ma, self.exposure_time_ms)

    def signal(self, lengths: Lengths, section: Section, view: SeenFrom) -> Float64Array:
        """Polyenergetic primary (Lambert and Beer, weighted by energy), and scatter."""
        spectrum = tube_spectrum(self.tube)
        water, bone = (spectrum.attenuation_per_mm(m) for m in (Material.WATER, Material.BONE))
        gold = gold_per_mm(spectrum.energies_kev)
        primary = np.zeros(lengths.soft_mm.shape)
        for n, weight in enumerate(spectrum.weights):
            primary += weight * np.exp(
                -water[n] * lengths.soft_mm - bone[n] * lengths.bone_mm - gold[n] * lengths.gold_mm, dtype=np.float64
            )
        phantom, trajectory = _stand_in(section, view)
        scattered = scatter(phantom, trajectory, Beam(spectrum, None), self.scatter_model)[0]
        return np.asarray(primary + scattered, dtype=np.float64)


@dataclass(frozen=True, eq=False)
class MegavoltBeam:
    """A 6 MV treatment beam that opens as far as `opening` (axes of the beam-limiting device; None: the whole panel).

    `leakage_share` comes through leaves and jaws. Scatter on the axis to primary by the area of the field and the
    thickness of the patient: Swindell and Evans, Med Phys 23 (1996) 63, taken as even behind him. The focal spot is one
    standard deviation; noise follows the monitor units.
    """

    opening: PlanarRegion | None = None
    meterset_mu: float = 2.0
    leakage_share: float = 0.015
    focal_spot_mm: float = 0.6
    blur_mm: float = 0.45
    absorbed_per_mm2_and_mu: float = 5e4

    @property
    def kind(self) -> ProjectionKind:
        """A portal image."""
        return ProjectionKind.PORTAL

    @property
    def exposure(self) -> Exposure:
        """What is stated of it."""
        return Exposure(tube_voltage_kv=6000.0, meterset_mu=self.meterset_mu)

    @property
    def panel(self) -> PanelModel:
        """The portal imager: about 1 % of the photons are absorbed."""
        return PanelModel(self.absorbed_per_mm2_and_mu * self.meterset_mu, self.blur_mm)

    def signal(self, lengths: Lengths, section: Section, view: SeenFrom) -> Float64Array:
        """Primary through the opening, and scatter."""
        water_mm = lengths.soft_mm + BONE_ELECTRONS * lengths.bone_mm
        primary = np.exp(-WATER_MEGAVOLT_PER_MM * water_mm - GOLD_MEGAVOLT_PER_MM * lengths.gold_mm, dtype=np.float64)
        lit = aperture_mask(self.opening, view)
        magnified = view.geometry.source_detector_distance_mm / view.source_axis_distance_mm
        area_cm2 = float(lit.sum() * np.prod(view.geometry.spacing_mm)) / magnified**2 / MM_PER_CM**2
        middle = water_mm[lit > 0.5]
        ratio = portal_scatter_to_primary(area_cm2, float(np.median(middle)) / MM_PER_CM if middle.size else 0.0, view)
        scattered = ratio * float((primary * lit).sum() / max(lit.sum(), 1.0))
        return np.asarray(primary * (lit + self.leakage_share * (1.0 - lit)) + scattered)


def portal_scatter_to_primary(area_cm2: float, thickness_cm: float, view: SeenFrom) -> float:
    """Ratio on the axis of scatter to primary of a 6 MV field of this area at the isocenter (Swindell, Evans 1996)."""
    to_isocenter_cm = view.source_axis_distance_mm / MM_PER_CM
    to_panel_cm = view.geometry.source_detector_distance_mm / MM_PER_CM - to_isocenter_cm
    k0 = 0.0266 * (to_isocenter_cm + to_panel_cm) ** 2 / (to_isocenter_cm * to_panel_cm) ** 2
    k1 = 2e-3
    spread = 2.0 / 3.0 + 1.5 * MEAN_MEGAVOLT_REST_ENERGIES
    k2 = -((1.0 / to_isocenter_cm + 1.0 / to_panel_cm) ** 2) * spread / (2.0 * np.pi)
    return float(k0 * area_cm2 * thickness_cm * (1.0 + k1 * thickness_cm) * max(1.0 + k2 * area_cm2, 0.0))


def aperture_mask(opening: PlanarRegion | None, view: SeenFrom) -> Float64Array:
    """1 on pixels (rows, columns) that the source lights through an opening at the isocenter plane, 0 on others."""
    geometry = view.geometry
    if opening is None:
        return np.ones(geometry.shape)
    lit = np.zeros(geometry.shape)
    for part in opening.parts:
        lit += _mask(part.outline_mm, view)
        for hole in part.holes_mm:
            lit -= _mask(hole, view)
    return np.clip(lit, 0.0, 1.0)


def _mask(outline_mm: ArrayLike, view: SeenFrom) -> NDArray[np.bool_]:
    """Pixels (rows, columns) whose centres lie in the shadow of a polygon at the isocenter plane."""
    outline = np.atleast_2d(np.asarray(outline_mm, dtype=np.float64))
    at_isocenter = view.fixed_from_beam_axes @ np.column_stack([outline, np.zeros(len(outline))]).T
    origin = view.geometry.source_mm - view.fixed_from_beam_axes[:, 2] * view.source_axis_distance_mm
    corners = view.geometry.pixels(at_isocenter.T + origin)
    return np.asarray(polygon2mask(view.geometry.shape, corners[:, ::-1]), dtype=np.bool_)


def _stand_in(section: Section, view: SeenFrom) -> tuple[Phantom, Trajectory]:
    """An elliptic cylinder of water along the patient, and the view in his axes (IEC patient: y along him)."""
    middle = (section.center_mm[0], 0.0, -section.center_mm[1])
    half_axes = (section.half_axes_mm[0], SECTION_HALF_LENGTH_MM, section.half_axes_mm[1])
    body = Body(middle, half_axes, {Material.WATER: section.density}, is_cylinder=True)
    plan = view.fixed_from_plan.from_frame
    upright = RigidTransform(Frame.PATIENT, plan, np.array([[1, 0, 0], [0, 0, 1], [0, -1, 0]], float), np.zeros(3))
    at_isocenter = upright @ view.fixed_from_plan.inverse()
    along_mm = np.array([0.0, at_isocenter.points(np.zeros(3))[1], 0.0])
    centered = RigidTransform(Frame.PATIENT, Frame.PATIENT, np.eye(3), -along_mm) @ at_isocenter
    return Phantom((body,)), Trajectory.of([view.geometry.moved(centered)])


@dataclass(frozen=True, slots=True)
class Taking:
    """When X-ray images are taken, and what the system states of it.

    `time_s` is on the linac's clock, `acquired_at` the same in UTC; `couch` is where the table reads to be (None: as at
    setup). Tissue is rendered with voxels of `voxel_mm`.
    """

    time_s: float
    couch: CouchPose | None = None
    acquired_at: datetime | None = None
    voxel_mm: float = 2.0


def radiographs(
    lying: PatientOnCouch, views: Sequence[XrayView], beam: XrayBeam, taking: Taking, rng: np.random.Generator
) -> tuple[Projection, ...]:
    """What a system hands over of a patient at a time: an image for each view, with the geometry that it believes in.

    Isocenter and position of the patient are those of the plan, so that `patient_geometry` is where he should lie.
    """
    tissue = TissueInBeam(lying, taking.time_s, taking.voxel_mm)
    return tuple(_taken(lying, tissue, view, (beam, taking), rng) for view in views)


def _taken(
    lying: PatientOnCouch,
    tissue: TissueInBeam,
    view: XrayView,
    how: tuple[XrayBeam, Taking],
    rng: np.random.Generator,
) -> Projection:
    """One image."""
    beam, taking = how
    patient, couch = lying.patient, taking.couch or lying.setup_couch
    seen = SeenFrom(
        view.true_geometry, tissue.fixed_from_plan, view.fixed_from_beam_axes, view.pose.source_axis_distance_mm
    )
    signal = beam.signal(tissue.lengths(seen.geometry), tissue.section(), seen)
    x, y, z = (float(v) for v in patient.isocenter_mm)
    return Projection(
        pixels=counts(signal, seen, beam, rng),
        geometry=view.geometry,
        pose=replace(view.pose, couch=couch, has_couch_position=True),
        kind=beam.kind,
        label=view.label,
        intensity=Intensity(IntensityRelationship.LIN, rises_with_beam=True),
        exposure=beam.exposure,
        isocenter_mm=(x, y, z),
        patient_frame_uid=patient.anatomy.frame.uid,
        provenance=Provenance(
            manufacturer="OpenIGRT",
            device_model="virtual linac",
            acquired_at=taking.acquired_at,
            patient_position=patient.position,
        ),
    )


def counts(signal: Float64Array, view: SeenFrom, beam: XrayBeam, rng: np.random.Generator) -> Float32Array:
    """Whole counts (rows, columns) of a panel: blurred by the focal spot, noisy, blurred by the panel."""
    geometry = view.geometry
    magnification = geometry.source_detector_distance_mm / view.source_axis_distance_mm
    spot = beam.focal_spot_mm * (magnification - 1.0) / geometry.spacing_mm[::-1]
    quanta = beam.panel.open_quanta_per_mm2 * float(np.prod(geometry.spacing_mm))
    arriving = np.maximum(ndimage.gaussian_filter(signal, spot, mode="nearest"), 0.0)
    absorbed = rng.poisson(quanta * arriving) / quanta
    seen = ndimage.gaussian_filter(absorbed, beam.panel.blur_mm / geometry.spacing_mm[::-1], mode="nearest")
    read = beam.panel.open_counts * seen + beam.panel.electronic_counts * rng.standard_normal(seen.shape)
    return np.clip(np.rint(read), 0.0, LARGEST_COUNTS).astype(np.float32)
