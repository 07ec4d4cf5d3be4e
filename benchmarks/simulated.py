"""Planning CT and cone-beam CT rendered independently from a finer anatomy, with a known rigid motion between them."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from benchmarks.anatomy import ANATOMY_FRAME, Anatomy
from openigrt.geometry import Float64Array, Frame, Grid, RigidTransform, rotation_from_vector
from openigrt.images import Image, Modality

PLAN_FRAME = Frame.plan("simulated")
DAILY_FRAME = Frame.daily("simulated")
PLAN_SIZE = (512, 512, 108)
DAILY_SIZE = (264, 264, 160)
DAILY_SPACING_MM = 1.0
FIELD_RADIUS_MM = 130.0
TARGET_RADIUS_MM = 50.0
AIR_HU = -1000.0


class Motion(StrEnum):
    """How far the patient lies from the plan."""

    PROTOCOL = "protocol"
    FAR_SHIFT = "far_shift"
    FAR_TURN = "far_turn"


@dataclass(frozen=True)
class Degradation:
    """What a cone-beam scanner does to HU."""

    noise_hu: float = 30.0
    cupping_hu: float = 150.0
    slope: float = 0.9
    offset_hu: float = 40.0


@dataclass(frozen=True)
class Slab:
    """A table top: a foam core between two skins, from `top_mm` (LPS y) downwards, `tilt_deg` about z."""

    top_mm: float
    thickness_mm: float
    skin_mm: float
    half_width_mm: float
    tilt_deg: float


@dataclass(frozen=True, eq=False)
class Case:
    """Two images and what is true of them; isocenter and points (n, 3) in plan LPS mm, the daily isocenter is 0."""

    name: str
    planning_image: Image
    daily_image: Image
    plan_from_daily: RigidTransform
    isocenter_mm: Float64Array
    target_points_mm: Float64Array


def sphere_points_mm(center_mm: Float64Array, radius_mm: float = TARGET_RADIUS_MM, count: int = 200) -> Float64Array:
    """Points (count, 3) spread evenly over a sphere (Fibonacci lattice), mm."""
    n = np.arange(count) + 0.5
    polar, azimuth = np.arccos(1.0 - 2.0 * n / count), np.pi * (1.0 + np.sqrt(5.0)) * n
    unit = np.column_stack([np.cos(azimuth) * np.sin(polar), np.sin(azimuth) * np.sin(polar), np.cos(polar)])
    return np.asarray(center_mm + radius_mm * unit)


def render_case(anatomy: Anatomy, seed: int, motion: Motion = Motion.PROTOCOL, plan_seed: int | None = None) -> Case:
    """The case of this anatomy, motion and seed; cases of one `plan_seed` share their planning image."""
    plan_rng = np.random.default_rng([seed if plan_seed is None else plan_seed, 1])
    rng = np.random.default_rng([seed, 2])
    planning_image, anatomy_from_plan, isocenter = _planning_image(anatomy, plan_rng)
    rotation, shift = _motion(motion, rng)
    truth = RigidTransform.about_points((PLAN_FRAME, isocenter), (DAILY_FRAME, np.zeros(3)), rotation, shift)
    daily_image = _daily_image(anatomy, anatomy_from_plan @ truth, rng)
    name = f"{anatomy.name}-{motion}-{seed}"
    return Case(name, planning_image, daily_image, truth, isocenter, sphere_points_mm(isocenter))


def case_file(anatomy: Anatomy, seed: int, motion: Motion, cache: Path) -> Path:
    """The case as a file under `cache`, rendered where it is not there yet; four planning images are shared by all."""
    file = cache / f"{anatomy.name}-{motion}-{seed}.npz"
    if not file.exists():
        cache.mkdir(parents=True, exist_ok=True)
        write_case(render_case(anatomy, seed, motion, plan_seed=seed % 4), file)
    return file


def write_case(case: Case, file: Path) -> None:
    """Keep a case as whole HU (that is how scanners send them) and numbers in LPS mm."""
    geometry = {
        f"{name}_{part}": getattr(image.grid, part)
        for name, image in (("plan", case.planning_image), ("daily", case.daily_image))
        for part in ("origin_mm", "spacing_mm", "direction")
    }
    np.savez(
        file,
        plan=case.planning_image.voxels.astype(np.int16),
        daily=case.daily_image.voxels.astype(np.int16),
        plan_from_daily=case.plan_from_daily.matrix4(),
        isocenter_mm=case.isocenter_mm,
        target_points_mm=case.target_points_mm,
        allow_pickle=False,
        **geometry,
    )


def in_ball(rng: np.random.Generator, radius: float) -> Float64Array:
    """A vector (3,) uniform in a ball."""
    return on_sphere(rng, radius * rng.uniform() ** (1.0 / 3.0))


def on_sphere(rng: np.random.Generator, radius: float) -> Float64Array:
    """A vector (3,) of this length in a random direction."""
    vector = rng.standard_normal(3)
    return np.asarray(radius * vector / np.linalg.norm(vector))


def _motion(motion: Motion, rng: np.random.Generator) -> tuple[Float64Array, Float64Array]:
    """Rotation (3, 3) and shift (3,) in mm about the isocenter."""
    shift = on_sphere(rng, 50.0) if motion is Motion.FAR_SHIFT else in_ball(rng, 15.0)
    turn_deg = on_sphere(rng, 15.0) if motion is Motion.FAR_TURN else in_ball(rng, 3.0)
    return rotation_from_vector(np.deg2rad(turn_deg)), shift


def _planning_image(anatomy: Anatomy, rng: np.random.Generator) -> tuple[Image, RigidTransform, Float64Array]:
    """The planning CT on its own slightly turned lattice, anatomy_from_plan, and the isocenter in plan LPS mm."""
    spacing, half = anatomy.spacing_mm, (np.array(PLAN_SIZE) - 1) / 2.0
    isocenter = rng.uniform(-30.0, 30.0, 3).round(1)
    grid = Grid(PLAN_FRAME, isocenter - half * spacing, spacing, np.eye(3), PLAN_SIZE)
    anatomy_from_plan = RigidTransform.about_points(
        (ANATOMY_FRAME, anatomy.center_mm),
        (PLAN_FRAME, isocenter),
        rotation_from_vector(np.deg2rad(in_ball(rng, 1.5))),
        rng.uniform(-0.5, 0.5, 3) * spacing,
    )
    voxels = anatomy.planning_voxels(grid, anatomy_from_plan)
    slab = Slab(isocenter[1] + anatomy.table_depth_mm + rng.uniform(-3.0, 3.0), 12.0, 1.5, 105.0, 0.0)
    voxels = np.maximum(voxels, _slab_voxels(slab, grid, isocenter[0]))
    return Image(_stored(voxels), grid, Modality.CT), anatomy_from_plan, isocenter


def _daily_image(anatomy: Anatomy, anatomy_from_daily: RigidTransform, rng: np.random.Generator) -> Image:
    """The cone-beam CT about the origin of the daily frame."""
    half = (np.array(DAILY_SIZE) - 1) / 2.0
    grid = Grid(DAILY_FRAME, -half * DAILY_SPACING_MM, np.full(3, DAILY_SPACING_MM), np.eye(3), DAILY_SIZE)
    voxels = anatomy.daily_voxels(grid, anatomy_from_daily)
    slab = Slab(anatomy.table_depth_mm + rng.uniform(-1.0, 15.0), 20.0, 2.5, 200.0, rng.uniform(-0.5, 0.5))
    voxels = np.maximum(voxels, _slab_voxels(slab, grid, 0.0))
    return Image(_stored(degraded(voxels, Degradation(), rng)), grid, Modality.CBCT)


def _stored(voxels: NDArray[np.float32]) -> NDArray[np.float32]:
    """Whole HU within the range of a scanner."""
    return np.asarray(np.rint(np.clip(voxels, -1024.0, 3071.0)), np.float32)


def _slab_voxels(slab: Slab, grid: Grid, center_x_mm: float) -> NDArray[np.float32]:
    """HU (1, rows, columns) of a table top on a grid with straight axes, air elsewhere."""
    _, rows, columns = grid.shape
    x = (grid.origin_mm[0] + grid.spacing_mm[0] * np.arange(columns) - center_x_mm)[None, :]
    y = (grid.origin_mm[1] + grid.spacing_mm[1] * np.arange(rows))[:, None]
    depth = y - slab.top_mm - np.tan(np.deg2rad(slab.tilt_deg)) * x
    inside = (depth >= 0.0) & (depth <= slab.thickness_mm) & (np.abs(x) <= slab.half_width_mm)
    skin = inside & ((depth < slab.skin_mm) | (depth > slab.thickness_mm - slab.skin_mm))
    return np.where(skin, -150.0, np.where(inside, -900.0, AIR_HU)).astype(np.float32)[None]


def degraded(voxels: NDArray[np.float32], how: Degradation, rng: np.random.Generator) -> NDArray[np.float32]:
    """Voxels [k, j, i] at 1 mm as a cone-beam scanner shows them: rescaled, cupped, noisy, cut to its field of view."""
    radius = np.hypot(*(_centered(voxels.shape[axis]).reshape(shape) for axis, shape in ((1, (-1, 1)), (2, (1, -1)))))
    shown = how.slope * voxels + np.float32(how.offset_hu)
    shown += np.float32(how.cupping_hu) * _shading(voxels.shape, radius, rng)
    shown += np.float32(how.noise_hu) * _reconstruction_noise(voxels.shape, rng)
    np.maximum(shown, AIR_HU, out=shown)
    shown[:, radius > FIELD_RADIUS_MM] = AIR_HU
    return shown


def _centered(count: int) -> Float64Array:
    """Distances (count,) of voxels from the middle, mm."""
    return np.asarray((np.arange(count) - (count - 1) / 2.0) * DAILY_SPACING_MM, np.float64)


def _shading(shape: tuple[int, ...], radius: Float64Array, rng: np.random.Generator) -> NDArray[np.float32]:
    """A cup of radial cosines and a tilted ridge [k, j, i], from 0 at the highest to -1 at the lowest."""
    r = radius / FIELD_RADIUS_MM
    orders = np.arange(1, 4)
    cup = sum(a * np.cos(np.pi * n * r) for n, a in zip(orders, [-1.0, *rng.uniform(-0.25, 0.25, 2)], strict=True))
    angle, slope, place = rng.uniform(0.0, np.pi), rng.uniform(-0.5, 0.5), rng.uniform(-40.0, 40.0)
    y, x, z = _centered(shape[1])[:, None], _centered(shape[2])[None, :], _centered(shape[0])[:, None, None]
    across = x * np.cos(angle) + y * np.sin(angle) + slope * z - place
    shading = cup - 0.4 / np.cosh(across / rng.uniform(20.0, 40.0))
    inside = shading[:, r <= 1.0]
    return np.asarray((shading - inside.max()) / np.ptp(inside), np.float32)


def _reconstruction_noise(shape: tuple[int, ...], rng: np.random.Generator) -> NDArray[np.float32]:
    """Noise of unit variance [k, j, i], its spectrum in a slice a ramp under a Hann window, as filtering leaves it."""
    spectrum = fft.rfftn(rng.standard_normal(shape, dtype=np.float32), workers=-1)
    fy, fx = fft.fftfreq(shape[1])[:, None], fft.rfftfreq(shape[2])[None, :]
    f = np.hypot(fx, fy)
    in_slice = np.sqrt(f) * np.cos(np.pi * np.clip(f, 0.0, 0.5)) ** 2
    along = np.exp(-0.5 * (2.0 * np.pi * 0.4 * fft.fftfreq(shape[0])) ** 2)[:, None, None]
    noise = fft.irfftn(spectrum * (in_slice * along).astype(np.float32), shape, workers=-1)
    return np.asarray(noise / noise.std(), np.float32)
