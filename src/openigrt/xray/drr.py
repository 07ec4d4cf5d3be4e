"""Digitally reconstructed radiographs: what a CT would look like on a detector."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from openigrt.errors import InvalidGeometry, UnsupportedInput
from openigrt.geometry import (
    Frame,
    ProjectionGeometry,
    Trajectory,
    fixed_from_gantry,
    gantry_from_beam_limiting_device,
)
from openigrt.images import (
    Exposure,
    Image,
    Intensity,
    IntensityRelationship,
    MachinePose,
    Modality,
    PlannedBeam,
    Projection,
    ProjectionKind,
    Provenance,
)
from openigrt.xray._kernels_cpu import looked_up
from openigrt.xray.projector import Projector

Float32Array = NDArray[np.float32]

WATER_PER_MM = 0.02
FIRST_HU, LAST_HU = -1000, 4000
HU_PER_WATER = 1000.0


@dataclass(frozen=True, slots=True)
class HuWindow:
    """How much the attenuation of a voxel counts: (HU, weight) points, linear between and constant beyond them."""

    points: tuple[tuple[float, float], ...]

    def __post_init__(self) -> None:
        """Raise InvalidGeometry for no points, HU that do not rise, and weights below zero."""
        levels, weights = np.array(self.points, dtype=np.float64).reshape(-1, 2).T
        if (
            not len(levels)
            or not np.isfinite(levels).all()
            or (np.diff(levels) <= 0.0).any()
            or not (weights >= 0.0).all()
        ):
            raise InvalidGeometry(
                f"A window needs points of rising HU and weights of zero or more, found {list(self.points)}."
            )

    def attenuation_per_mm(self) -> Float32Array:
        """What voxels of each whole HU from `FIRST_HU` to `LAST_HU` count, per mm.

        Water is `WATER_PER_MM`, about that of 65 keV (NIST XCOM: 0.0206 at 60 keV, 0.0184 at 80 keV).
        """
        levels = np.arange(FIRST_HU, LAST_HU + 1, dtype=np.float64)
        points, weights = np.array(self.points, dtype=np.float64).T
        return np.asarray(
            WATER_PER_MM * (1.0 + levels / HU_PER_WATER) * np.interp(levels, points, weights), dtype=np.float32
        )


WHOLE = HuWindow(((0.0, 1.0),))
BONE = HuWindow(((100.0, 0.1), (300.0, 1.0)))
SOFT_TISSUE = HuWindow(((150.0, 1.0), (350.0, 0.25)))


@dataclass(frozen=True, slots=True)
class DrrDetector:
    """A detector across the beam, its centre on the axis: `size` and `spacing_mm` in the order (columns, rows)."""

    source_detector_distance_mm: float = 1500.0
    size: tuple[int, int] = (512, 512)
    spacing_mm: tuple[float, float] = (0.8, 0.8)

    def geometry(self, pose: MachinePose) -> ProjectionGeometry:
        """Source and detector in the room, as seen from the source: rows along +x of the beam-limiting device.

        Row indices rise along its -y (PS3.3 C.8.8.2). The detector turns with gantry, its pitch, and collimator.
        """
        collimator_deg = pose.beam_limiting_device_angle_deg or 0.0
        gantry = fixed_from_gantry(pose.gantry_angle_deg, pose.gantry_pitch_angle_deg)
        axes = (gantry @ gantry_from_beam_limiting_device(collimator_deg)).rotation
        half = (np.array(self.size) - 1) / 2.0 * np.array(self.spacing_mm)
        depth_mm = pose.source_axis_distance_mm - self.source_detector_distance_mm
        return ProjectionGeometry(
            frame=Frame.FIXED,
            source_mm=axes[:, 2] * pose.source_axis_distance_mm,
            first_pixel_mm=axes @ np.array([-half[0], half[1], depth_mm]),
            row_direction=axes[:, 0],
            column_direction=-axes[:, 1],
            spacing_mm=np.array(self.spacing_mm),
            size=self.size,
        )


class Drr:
    """A CT from which radiographs are made under one window: what takes long is done once.

    Voxels without data, and all below -1000 HU, count as vacuum; above 4000 HU as 4000. Pixels are line integrals of
    the weighted attenuation, without unit.
    """

    def __init__(self, image: Image, window: HuWindow = WHOLE) -> None:
        """Keep the image; raises UnsupportedInput where its voxels are no HU."""
        if image.modality not in (Modality.CT, Modality.CBCT):
            raise UnsupportedInput(f"A radiograph is made from a CT in HU, and this image is {image.modality}.")
        self.image = image
        self.window = window
        self._laid_out: tuple[tuple[int, int, int], Float32Array] | None = None

    def line_integrals(self, geometry: ProjectionGeometry) -> Float32Array:
        """Line integrals [row, column] on a detector in the frame of the image (`ProjectionGeometry.moved`)."""
        projector = Projector(self.image.grid, Trajectory.of([geometry]))
        if self._laid_out is None or self._laid_out[0] != projector.layout:
            self._laid_out = projector.layout, projector.laid_out(self._attenuation())
        found: Float32Array = projector.through(self._laid_out[1])[0]
        return found

    def like(self, projection: Projection) -> Projection:
        """What the image would look like on the detector of a projection, for the patient where it says they lay.

        Raises MissingInput and FrameMismatch as `Projection.fixed_from_patient` does.
        """
        pixels = self.line_integrals(projection.patient_geometry(self.image.frame))
        source = self.image.provenance
        return replace(
            projection,
            pixels=pixels,
            kind=ProjectionKind.DRR,
            intensity=Intensity(IntensityRelationship.LOG, rises_with_beam=False),
            exposure=Exposure(),
            patient_frame_uid=self.image.frame.uid,
            provenance=Provenance(
                patient_id=source.patient_id,
                patient_name=source.patient_name,
                study_uid=source.study_uid,
                patient_position=projection.provenance.patient_position,
                is_derived=True,
            ),
        )

    def at(
        self,
        pose: MachinePose,
        isocenter_mm: tuple[float, float, float],
        detector: DrrDetector = DrrDetector(),
        beam: PlannedBeam | None = None,
    ) -> Projection:
        """The radiograph of a beam: the patient lies as in the image, `isocenter_mm` (LPS) at that of the machine.

        Angles of the couch count, and its position does not. Raises MissingInput where the pose has no couch or the
        image no patient position.
        """
        geometry = detector.geometry(pose)
        empty = Projection(
            pixels=np.zeros(geometry.shape, np.float32),
            geometry=geometry,
            pose=pose,
            kind=ProjectionKind.DRR,
            beam=beam or PlannedBeam(),
            isocenter_mm=isocenter_mm,
            patient_frame_uid=self.image.frame.uid,
            provenance=self.image.provenance,
        )
        return self.like(empty)

    def _attenuation(self) -> Float32Array:
        """Weighted attenuation per mm [k, j, i]."""
        out = np.empty(self.image.grid.shape, np.float32)
        looked_up(self.image.voxels, float(FIRST_HU), self.window.attenuation_per_mm(), out)
        return out
