"""The dose of a plan, good enough to show: fluence, radiological depth, tissue factor, inverse square.

It is no dose calculation for a patient. Nothing scatters sideways beyond the penumbra, electrons stop where they are
made (in lung a real target gets several percent less, and its rim more), skin gets none, the depth dose is that of one
field size, and one collimator scatter serves all fields. One MU gives 1 cGy at the depth of the maximum, 1 m from the
source.
"""

from dataclasses import dataclass
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from openigrt.errors import MissingInput
from openigrt.geometry import Float64Array, Grid, RigidTransform, fixed_from_lps, require_same_frame
from openigrt.images import Image
from openigrt.patient import Beam, ControlPoint, Plan, Structure, fixed_from_beam, mask_from_structure
from openigrt.virtual.planning._kernels_dose_cpu import add_dose, fan_depths
from openigrt.virtual.planning.depth_dose import TABLE_STEP_MM, tissue_factor_table
from openigrt.virtual.planning.fluence import STEP_MM, Fluence, fluence_of

GY_PER_MU = 0.01
RAY_STEP_MM = 3.0
# Relative electron density, piecewise linear between anchors, capped: clinical.md 7.2 and `hu_to_red`.
HU_TO_DENSITY = ((-1000, 0.001), (-700, 0.29), (-90, 0.95), (0, 1.0), (40, 1.04), (200, 1.1), (800, 1.46), (1300, 1.7))


@dataclass(frozen=True, eq=False)
class Density:
    """Electron density relative to water, float32 [k, j, i], on the grid of an image; zero outside the body."""

    relative: NDArray[np.float32]
    grid: Grid


def density_of(image: Image, body: Structure) -> Density:
    """The density of the body in a CT in the frame of its contours; table and air around it count nothing."""
    hu, relative = np.array(HU_TO_DENSITY, dtype=np.float64).T
    inside = mask_from_structure(body, image.frame, image.grid).voxels
    values = np.zeros(image.grid.shape, dtype=np.float32)
    values[inside] = np.interp(image.voxels[inside], hu, relative)
    return Density(values, image.grid)


def dose_per_mu(plan: Plan, beam: Beam, density: Density, grid: Grid) -> NDArray[np.float32]:
    """Gy per MU of one beam, float32 [k, j, i] on a grid of the plan's frame.

    Raises FrameMismatch, MissingInput for a beam without isocenter or jaws, UnsupportedInput for one with modifiers.
    """
    require_same_frame(density.grid.frame, plan.frame, "Density of a plan")
    require_same_frame(grid.frame, plan.frame, "Dose grid of a plan")
    dose = np.zeros(grid.shape, dtype=np.float32)
    factors = tissue_factor_table()
    for point, share in _weighted(beam):
        beam_from_plan = _beam_from_plan(plan, beam, point)
        fluence = fluence_of(beam, point)
        fan = _fan(density, grid, beam_from_plan, beam.source_axis_distance_mm, fluence)
        add_dose(
            _affine(beam_from_plan, grid),
            fluence.shares,
            fluence.corner_mm,
            STEP_MM,
            fan.depths_mm,
            fan.corner_mm,
            RAY_STEP_MM,
            beam.source_axis_distance_mm,
            fan.top_mm,
            factors,
            TABLE_STEP_MM,
            GY_PER_MU * share,
            _reached(fluence, grid, beam_from_plan, beam.source_axis_distance_mm),
            dose,
        )
    return dose


def _weighted(beam: Beam) -> list[tuple[ControlPoint, float]]:
    """Control points with their shares of the beam's MU: half of what lies before and half of what follows each.

    Neighbours that stand alike are counted once.
    """
    points = beam.control_points
    weights = np.array([point.cumulative_meterset_weight for point in points])
    total = beam.final_meterset_weight or float(weights[-1])
    steps = np.concatenate([[0.0], np.diff(weights) / total, [0.0]])
    shares = 0.5 * (steps[:-1] + steps[1:])
    found = []
    for _, alike in groupby(zip(points, shares, strict=True), key=lambda pair: _stand(pair[0])):
        group = list(alike)
        found.append((group[0][0], float(sum(share for _, share in group))))
    return [(point, share) for point, share in found if share > 0.0]


def _stand(point: ControlPoint) -> tuple[object, ...]:
    """All that makes the dose of a control point."""
    return (point.gantry_angle_deg, point.beam_limiting_device_angle_deg, point.couch, point.positions)


def _beam_from_plan(plan: Plan, beam: Beam, point: ControlPoint) -> RigidTransform:
    """Patient axes to those of the beam-limiting device."""
    isocenter_mm = beam.isocenter_at(point)
    if isocenter_mm is None:
        raise MissingInput(f"Beam {beam.number} {beam.name!r} has no isocenter, so its dose is not known.")
    fixed_from_plan = fixed_from_lps(plan.patient_position, plan.frame, isocenter_mm, point.couch)
    return fixed_from_beam(point).inverse() @ fixed_from_plan


@dataclass(frozen=True, eq=False)
class _Fan:
    """Radiological depths, mm [v, u, level], along rays from the source."""

    depths_mm: NDArray[np.float32]
    corner_mm: Float64Array
    top_mm: float


def _fan(density: Density, grid: Grid, beam_from_plan: RigidTransform, source_mm: float, fluence: Fluence) -> _Fan:
    """Rays through all that the fluence covers, from where the density begins down to the end of the dose grid."""
    of_density = beam_from_plan.points(density.grid.corners_mm())[:, 2]
    of_dose = beam_from_plan.points(grid.corners_mm())[:, 2]
    top_mm = float(max(of_density.max(), of_dose.max())) + RAY_STEP_MM
    levels = int(np.ceil((top_mm - float(of_dose.min())) / RAY_STEP_MM)) + 2
    columns, rows = (int(n) for n in np.ceil((fluence.end_mm - fluence.corner_mm) / RAY_STEP_MM) + 1)
    depths_mm = np.empty((rows, columns, levels), dtype=np.float32)
    index, offset = density.grid.index_from_point()
    plan_from_beam = beam_from_plan.inverse()
    index_from_beam = np.column_stack([index @ plan_from_beam.rotation, index @ plan_from_beam.translation_mm + offset])
    fan_depths(density.relative, index_from_beam, fluence.corner_mm, RAY_STEP_MM, source_mm, top_mm, depths_mm)
    return _Fan(depths_mm, fluence.corner_mm, top_mm)


def _affine(beam_from_plan: RigidTransform, grid: Grid) -> Float64Array:
    """(3, 4) from indices (i, j, k) of a grid to axes of the beam."""
    point, origin = grid.point_from_index()
    return np.column_stack([beam_from_plan.rotation @ point, beam_from_plan.points(origin)])


def _reached(fluence: Fluence, grid: Grid, beam_from_plan: RigidTransform, source_mm: float) -> NDArray[np.int64]:
    """Box (first, stop; each i, j, k) of a grid round the pyramid of rays that a fluence covers."""
    in_beam = beam_from_plan.points(grid.corners_mm())[:, 2]
    ends = [fluence.corner_mm, fluence.end_mm]
    rim = np.array([(u[0], v[1], 0.0) for u in ends for v in ends])
    source = np.array([0.0, 0.0, source_mm])
    rays = [source + (rim - source) * (source_mm - z) / source_mm for z in (in_beam.min(), in_beam.max())]
    index = grid.indices(beam_from_plan.inverse().points(np.concatenate(rays)))
    first, stop = np.floor(index.min(axis=0)), np.ceil(index.max(axis=0)) + 1.0
    box: NDArray[np.int64] = np.clip([first, stop], 0, grid.size).astype(np.int64)
    return box
