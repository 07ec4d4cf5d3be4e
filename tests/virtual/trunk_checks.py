"""What the tests of chest and abdomen share: grids, voxels inside organs, and how tissue is stretched."""

import numpy as np

from openigrt.geometry import Float64Array, Frame, Grid, RigidTransform
from openigrt.virtual import Anatomy, Day, Deformation, VirtualPatient, render

FRAME = Frame.plan("1.2.3")
SAME = RigidTransform.identity(FRAME, FRAME)


def grid_about(center_mm, half_mm, spacing_mm: float) -> Grid:
    count = (2 * np.ceil(np.asarray(half_mm) / spacing_mm) + 1).astype(int)
    corner = np.asarray(center_mm) - 0.5 * (count - 1) * spacing_mm
    return Grid(FRAME, corner, np.full(3, spacing_mm), np.eye(3), tuple(count))


def points_of(grid: Grid) -> Float64Array:
    return grid.points(np.stack(np.meshgrid(*map(np.arange, grid.shape), indexing="ij")[::-1], axis=-1))


def hu_inside(anatomy: Anatomy, organ: str, depth_mm: float, spacing_mm: float = 2.0) -> np.ndarray:
    low, high = anatomy.bounds_mm(organ)
    grid = grid_about(0.5 * (low + high), np.minimum(0.5 * (high - low), 60.0), spacing_mm)
    return render(anatomy, grid, SAME)[anatomy.signed_distance_mm(organ, points_of(grid)) < -depth_mm]


def volume_ml(anatomy: Anatomy, organ: str, spacing_mm: float = 1.0) -> float:
    low, high = anatomy.bounds_mm(organ)
    grid = grid_about(0.5 * (low + high), 0.5 * (high - low), spacing_mm)
    return float(np.sum(anatomy.signed_distance_mm(organ, points_of(grid)) < 0.0) * spacing_mm**3 / 1000.0)


def breathed(patient: VirtualPatient, depth: float, flow: float = 0.0) -> Anatomy:
    """The patient as planned, at a depth and flow of the breath."""
    moves = tuple(organ.motion(depth, flow) for organ in patient.breathing_organs)
    return patient.anatomy.deformed(Deformation(moves, patient.stiffness))


def least_jacobian(anatomy: Anatomy, points: Float64Array) -> float:
    """The smallest volume that a small piece of tissue is pressed to, as a share of what it was."""
    steps = 1e-3 * np.eye(3)
    columns = [(anatomy.moved_mm(points + s) - anatomy.moved_mm(points - s)) / 2e-3 for s in steps]
    return float(np.linalg.det(np.stack(columns, axis=-1)).min())


def points_of_the_trunk(count: int, seed: int = 1) -> Float64Array:
    return np.random.default_rng(seed).uniform((-160.0, -110.0, -220.0), (160.0, 110.0, 190.0), (count, 3))


def round_trip_mm(patient: VirtualPatient, day: Day, time_s: float, points: Float64Array) -> float:
    """The largest distance between points and what comes of them by way of a moment of a day and back."""
    there = patient.displaced_mm(points, day, time_s)
    return float(np.linalg.norm(patient.planned_mm(there, day, time_s) - points, axis=-1).max())
