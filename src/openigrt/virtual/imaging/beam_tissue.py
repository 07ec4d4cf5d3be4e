"""What a beam meets on its way through a virtual patient: lengths of soft tissue, bone and gold on every ray."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from openigrt.errors import MissingInput
from openigrt.geometry import Float64Array, Grid, ProjectionGeometry, RigidTransform, Trajectory
from openigrt.virtual.linac.patient_on_couch import PatientOnCouch
from openigrt.virtual.patients.patient import VirtualPatient
from openigrt.virtual.tissue.anatomy import Anatomy
from openigrt.virtual.tissue.deformation import AT_REST
from openigrt.virtual.tissue.rendering import render
from openigrt.xray import Material, Projector, attenuation_per_mm

Float32Array = NDArray[np.float32]

CT_KEV = 70.0  # at which HU are those of the virtual scanner
LARGEST_SOFT_HU = 100.0
MARKER_STEP_MM, MARKER_BORDER_MM = 0.25, 1.0
HU_PER_WATER = 1000.0
BODY = "BODY"


@dataclass(frozen=True, eq=False)
class Lengths:
    """On the ray to each pixel (rows, columns), mm: water as heavy as the soft tissue, cortical bone, gold."""

    soft_mm: Float32Array
    bone_mm: Float32Array
    gold_mm: Float32Array


@dataclass(frozen=True, slots=True)
class Section:
    """The trunk or head as an ellipse across its length, where the beam is: middle and half axes, and its density.

    LPS along x and y of the plan; `density` is that of water of the same electrons, 1 being water.
    """

    center_mm: tuple[float, float]
    half_axes_mm: tuple[float, float]
    density: float


class TissueInBeam:
    """A virtual patient at one moment, ready to be looked at from anywhere; his markers are solid gold.

    Soft tissue and bone are rendered with voxels of `voxel_mm`, as far as `half_length_mm` up and down from the
    isocenter; markers apart from them, so finely that their shadows are where they are. What is beyond is left out.
    """

    def __init__(
        self, lying: PatientOnCouch, time_s: float, voxel_mm: float = 2.0, half_length_mm: float = 180.0
    ) -> None:
        """Render; raises MissingInput for a patient without an organ BODY."""
        anatomy, patient = lying.anatomy(time_s), lying.patient
        if BODY not in {organ.name for organ in anatomy.organs}:
            raise MissingInput(
                f"The virtual patient {patient.site} has no organ {BODY}, so where to look is not known."
            )
        self.fixed_from_plan = lying.fixed_from_plan(time_s)
        self._grid = _grid_round(anatomy, patient.isocenter_mm, voxel_mm, half_length_mm)
        bare = _without_markers(patient).at(lying.day, time_s - lying.lain_down_s)
        hu = render(bare, self._grid, RigidTransform.identity(anatomy.frame, anatomy.frame))
        self._soft, self._bone = soft_and_bone(hu)
        self._markers = tuple(_gold(anatomy, name) for name in patient.markers)

    def lengths(self, true_geometry: ProjectionGeometry) -> Lengths:
        """Lengths on the rays to the pixels of a panel in the room."""
        trajectory = Trajectory.of([true_geometry.moved(self.fixed_from_plan.inverse())])
        projector = Projector(self._grid, trajectory)
        soft_mm, bone_mm = projector.forward(self._soft)[0], projector.forward(self._bone)[0]
        gold_mm = np.zeros_like(soft_mm)
        for grid, share in self._markers:
            gold_mm += Projector(grid, trajectory).forward(share)[0]
        return Lengths(np.maximum(soft_mm - gold_mm, np.float32(0.0)), bone_mm, gold_mm)

    def section(self, half_length_mm: float = 60.0) -> Section:
        """The ellipse with the second moments of the body near the middle of what was rendered."""
        density = self._soft + np.float32(1.8) * self._bone
        middle, half = density.shape[0] // 2, max(1, round(half_length_mm / self._grid.spacing_mm[2]))
        slab = density[middle - half : middle + half + 1]
        is_body = slab > 0.1
        steps = self._grid.spacing_mm[:2]
        area_mm2 = float(is_body.sum() / len(slab) * np.prod(steps))
        _, rows, columns = np.nonzero(is_body)
        centers = [float(self._grid.origin_mm[n] + steps[n] * at.mean()) for n, at in enumerate((columns, rows))]
        ratio = float(columns.std() * steps[0] / (rows.std() * steps[1]))
        half_x_mm = float(np.sqrt(area_mm2 / np.pi * ratio))
        return Section((centers[0], centers[1]), (half_x_mm, half_x_mm / ratio), float(slab[is_body].mean()))


def soft_and_bone(hu: Float32Array) -> tuple[Float32Array, Float32Array]:
    """Densities of soft tissue (1 is water) and cortical bone (1 is ICRU 44's) that together have these HU at 70 keV.

    Up to 100 HU all is soft tissue, between that and cortical bone a mixture, and beyond denser bone.
    """
    water, bone = (float(attenuation_per_mm(material, CT_KEV)) for material in (Material.WATER, Material.BONE))
    bone_hu = HU_PER_WATER * (bone / water - 1.0)
    share = np.maximum(hu - np.float32(LARGEST_SOFT_HU), 0.0) / np.float32(bone_hu - LARGEST_SOFT_HU)
    soft = np.maximum(1.0 + np.minimum(hu, np.float32(LARGEST_SOFT_HU)) / np.float32(HU_PER_WATER), 0.0)
    denser = (1.0 + hu / np.float32(HU_PER_WATER)) * np.float32(water / bone)
    return (
        np.asarray(soft * np.maximum(1.0 - share, 0.0), np.float32),
        np.asarray(np.where(share > 1.0, denser, share), np.float32),
    )


def marker_places_mm(lying: PatientOnCouch, time_s: float, names: Sequence[str] = ()) -> dict[str, Float64Array]:
    """Where the markers (by name, all of them where none is named) truly are in the room at a time: middles (3,)."""
    anatomy, now, patient = lying.anatomy(time_s), lying.fixed_from_plan(time_s), lying.patient
    return {name: now.points(anatomy.moved_mm(patient.marker_at_rest_mm(name))) for name in names or patient.markers}


def _box_at_rest(anatomy: Anatomy, name: str) -> Float64Array:
    """The box (2, 3) round a marker at rest."""
    return anatomy.deformed(AT_REST).bounds_mm(name)


def _grid_round(anatomy: Anatomy, isocenter_mm: Float64Array, voxel_mm: float, half_length_mm: float) -> Grid:
    """Voxels round the body, in the axes of the plan."""
    low, high = anatomy.bounds_mm(BODY)
    along = isocenter_mm[2] + np.array([-1.0, 1.0]) * half_length_mm
    low = np.array([low[0], low[1], max(low[2], along[0])])
    high = np.array([high[0], high[1], min(high[2], along[1])])
    size = np.ceil((high - low) / voxel_mm).astype(int) + 1
    return Grid(anatomy.frame, low, np.full(3, voxel_mm), np.eye(3), (int(size[0]), int(size[1]), int(size[2])))


@lru_cache(maxsize=4)
def _without_markers(patient: VirtualPatient) -> VirtualPatient:
    """The patient without his markers, kept: his tissue is made once."""
    organs = tuple(organ for organ in patient.anatomy.organs if organ.name not in patient.markers)
    bare = replace(patient, anatomy=replace(patient.anatomy, organs=organs), markers=())
    bare.__dict__["stiffness"] = patient.stiffness  # that of his bones, and not cheap
    return bare


def _gold(anatomy: Anatomy, name: str) -> tuple[Grid, Float32Array]:
    """A small grid round a marker where it is now, and the share of gold in each of its voxels."""
    at_rest = _box_at_rest(anatomy, name)
    half_mm = 0.5 * float(np.linalg.norm(at_rest[1] - at_rest[0])) + MARKER_BORDER_MM
    count = 2 * int(np.ceil(half_mm / MARKER_STEP_MM)) + 1
    low = anatomy.moved_mm(at_rest.mean(axis=0)) - 0.5 * (count - 1) * MARKER_STEP_MM
    grid = Grid(anatomy.frame, low, np.full(3, MARKER_STEP_MM), np.eye(3), (count, count, count))
    k, j, i = np.indices(grid.shape, dtype=np.float64)
    distance_mm = anatomy.signed_distance_mm(name, grid.points(np.stack([i, j, k], axis=-1)))
    return grid, np.clip(0.5 - distance_mm / MARKER_STEP_MM, 0.0, 1.0).astype(np.float32)
