"""Lattices of shifts and turns that a search goes through."""

import numpy as np

from openigrt.geometry import Float64Array, rotation_from_vector


def ball_of_shifts(radius_mm: float, step_mm: float) -> Float64Array:
    """Shifts (n, 3) on a cubic lattice within a ball, mm."""
    ticks = step_mm * np.arange(-int(radius_mm / step_mm), int(radius_mm / step_mm) + 1)
    lattice = np.stack(np.meshgrid(ticks, ticks, ticks, indexing="ij"), axis=-1).reshape(-1, 3)
    return np.asarray(lattice[np.linalg.norm(lattice, axis=1) <= radius_mm + 1e-9])


def lattice_of_turns(step_deg: float) -> list[Float64Array]:
    """27 rotation matrices: every combination of -step, 0 and +step about three axes, as rotation vectors."""
    ticks = np.deg2rad([-step_deg, 0.0, step_deg])
    return [rotation_from_vector([x, y, z]) for x in ticks for y in ticks for z in ticks]
