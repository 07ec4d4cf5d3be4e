"""Simulated half-fan scans of a pelvis and of a phantom with inserts, and what the corrections make of them."""

from functools import cache

import numpy as np

from openigrt.geometry import DetectorPlacement, Frame, Grid, Trajectory, circular_trajectory
from openigrt.virtual import (
    Beam,
    Body,
    BowTie,
    Phantom,
    ScatterModel,
    primary,
    rendered,
    scatter,
)
from openigrt.xray import (
    BeamHardening,
    KernelScatter,
    Material,
    PriorScatter,
    Projector,
    Tube,
    adapted_prior,
    attenuation_per_mm,
    bow_tie_thicknesses_mm,
    logarithm,
    reconstruct_fdk,
    tube_spectrum,
    water_hardening,
)

REFERENCE_KEV = 75.0
WATER_PER_MM = float(attenuation_per_mm(Material.WATER, REFERENCE_KEV))
TRUE_BEAM = Beam(tube_spectrum(Tube(125.0, {Material.ALUMINUM: 3.2, Material.TITANIUM: 0.8})))
NOMINAL_SPECTRUM = tube_spectrum()
SCANNER = circular_trajectory(
    np.arange(0.0, 360.0, 2.0), DetectorPlacement(1000.0, 1500.0, (128, 32), (3.1, 9.3), (160.0, 0.0))
)
GRID_SHARE = 0.3  # a grid of ratio 10: scatter 21 % through, primary 70.6 % (Altunbas et al., Med Phys 44 (2017) 3952)
VOXEL_MM = 4.0
MUSCLE, BONE = Material.MUSCLE, Material.BONE


def room_grid(size: tuple[int, int, int], voxel_mm: float = VOXEL_MM) -> Grid:
    """Slices across the axis of rotation, centred on the isocenter: columns along x, rows along z, slices along y."""
    half = (np.array([size[0], size[2], size[1]]) - 1) / 2.0 * voxel_mm
    return Grid(Frame.FIXED, -half, [voxel_mm] * 3, [[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, 1.0, 0.0]], size)


GRID = room_grid((128, 96, 40))
MIDDLE = 20
PELVIS_INSERTS_MM = {
    "fat in muscle": (-150.0, -40.0, 9.0),
    "water": (0.0, 45.0, 20.0),
    "left femur": (-95.0, 10.0, 15.0),
    "right femur": (95.0, 10.0, 15.0),
    "muscle": (150.0, -30.0, 12.0),
    "sacrum": (0.0, -85.0, 10.0),
}


def cylinder(
    center_mm: tuple[float, float], half_axes_mm: tuple[float, float, float], within: int | None, **made_of: float
) -> Body:
    made = {Material[name.upper()]: share for name, share in made_of.items()}
    return Body((center_mm[0], 0.0, center_mm[1]), half_axes_mm, made, is_cylinder=True, within=within)


def pelvis(fat_mm: float = 0.0, gas: bool = False) -> Phantom:
    """45 x 30 cm of fat and muscle with femoral heads, sacrum and bladder; `fat_mm` more all round."""
    bodies = [
        cylinder((0.0, 0.0), (225.0 + fat_mm, 150.0, 150.0 + fat_mm), None, adipose=1.0),
        cylinder((0.0, 0.0), (195.0, 149.0, 120.0), 0, muscle=1.0),
        *(Body((x, 0.0, 10.0), (27.0, 40.0, 27.0), {MUSCLE: 0.9, BONE: 0.18}, within=1) for x in (-95.0, 95.0)),
        Body((0.0, 0.0, -85.0), (45.0, 60.0, 18.0), {MUSCLE: 0.95, BONE: 0.1}, within=1),
        Body((0.0, 0.0, 45.0), (40.0, 45.0, 30.0), {Material.WATER: 1.0}, within=1),
        cylinder((-150.0, -40.0), (18.0, 100.0, 18.0), 1, adipose=1.0),
    ]
    if gas:
        bodies.append(cylinder((30.0, -35.0), (14.0, 40.0, 12.0), 1, air=1.0))
    return Phantom(tuple(bodies))


INSERTS_MM = tuple((90.0 * np.sin(n * np.pi / 3.0), 90.0 * np.cos(n * np.pi / 3.0)) for n in range(6))


def calibration_phantom() -> Phantom:
    """30 cm of water with six inserts: air, fat, water of density 1.1, PMMA, two densities of bone."""
    made = (
        {"air": 1.0},
        {"adipose": 1.0},
        {"water": 1.1},
        {"pmma": 1.0},
        {"water": 0.97, "bone": 0.1},
        {"water": 0.9, "bone": 0.25},
    )
    body = cylinder((0.0, 0.0), (150.0, 150.0, 150.0), None, water=1.0)
    inserts = (cylinder(at, (15.0, 100.0, 15.0), 0, **of) for at, of in zip(INSERTS_MM, made, strict=True))
    return Phantom((body, *inserts))


@cache
def signals(phantom: Phantom, accepted_share: float = GRID_SHARE) -> tuple[np.ndarray, np.ndarray]:
    """Primary and scattered signal, behind a grid where no other share of the scatter is accepted."""
    model = ScatterModel(accepted_share=accepted_share)
    return primary(phantom, SCANNER, TRUE_BEAM), scatter(phantom, SCANNER, TRUE_BEAM, model)


AIR = TRUE_BEAM.air(SCANNER)


@cache
def hardening() -> BeamHardening:
    """As a user would get it: from the air scan and the nominal spectrum, not from the simulated one."""
    thicknesses = bow_tie_thicknesses_mm(AIR.mean(axis=0), NOMINAL_SPECTRUM, Material.ALUMINUM, BowTie().thinnest_mm)
    return water_hardening(NOMINAL_SPECTRUM, thicknesses, Material.ALUMINUM, REFERENCE_KEV)


def water_oval(half_width_mm: float, half_height_mm: float) -> Phantom:
    """A cylinder of water with nothing in it."""
    return Phantom((cylinder((0.0, 0.0), (half_width_mm, 150.0, half_height_mm), None, water=1.0),))


@cache
def fitted_kernel(accepted_share: float = GRID_SHARE) -> KernelScatter:
    """The kernel, fitted on every sixth projection of a cylinder of 30 cm of water."""
    straight, scattered = (each[::6] for each in signals(water_oval(150.0, 150.0), accepted_share))
    some = SCANNER.chosen(np.arange(0, len(SCANNER), 6))
    return KernelScatter().fitted_to(straight + scattered, straight, AIR, some)


def hu(attenuation: np.ndarray) -> np.ndarray:
    return (1000.0 * (attenuation / WATER_PER_MM - 1.0)).astype(np.float32)


def truth_hu(phantom: Phantom, grid: Grid = GRID) -> np.ndarray:
    return hu(rendered(phantom, grid, REFERENCE_KEV))


def image_hu(signal: np.ndarray, grid: Grid = GRID, trajectory: Trajectory = SCANNER) -> np.ndarray:
    """HU of a signal without scatter, corrected for beam hardening."""
    return hu(reconstruct_fdk(hardening().corrected(logarithm(signal / AIR)[0]), trajectory, grid))


def uncorrected_hu(signal: np.ndarray, grid: Grid = GRID) -> np.ndarray:
    return hu(reconstruct_fdk(logarithm(signal / AIR)[0], SCANNER, grid))


def seen() -> np.ndarray:
    """Where the scan sees the day whole: inside the field of view, away from its ends."""
    k, j, i = np.indices(GRID.shape, dtype=np.float64)
    x, y, z = np.moveaxis(GRID.points(np.stack([i, j, k], axis=-1)), -1, 0)
    return (np.hypot(x, z) < 232.0) & (np.abs(y) < 45.0)


def prior_scatter(signal: np.ndarray, plan: Phantom | np.ndarray, accepted_share: float = GRID_SHARE) -> np.ndarray:
    """Scatter by a registered planning CT that is adapted to a first image by the kernel."""
    planned = truth_hu(plan) if isinstance(plan, Phantom) else plan
    first = image_hu(signal - fitted_kernel(accepted_share).estimate(signal, AIR, SCANNER))
    adapted = adapted_prior(planned, first, seen())
    through = Projector(GRID, SCANNER).forward(np.maximum((adapted / 1000.0 + 1.0) * WATER_PER_MM, 0.0))
    return PriorScatter().estimate(signal, AIR, through, hardening(), SCANNER)


def slice_mean(image: np.ndarray, x_mm: float, z_mm: float, radius_mm: float, grid: Grid = GRID) -> float:
    """Mean over a disc in the middle slice."""
    x = grid.origin_mm[0] + grid.spacing_mm[0] * np.arange(grid.size[0])
    z = grid.origin_mm[2] + grid.spacing_mm[1] * np.arange(grid.size[1])
    return float(image[grid.size[2] // 2][np.hypot(x - x_mm, z[:, None] - z_mm) < radius_mm].mean())


def center_against_rings(image: np.ndarray, grid: Grid = GRID) -> list[float]:
    """Mean of the central 2 cm minus that of the rings round it, out to 10 cm."""
    x = grid.origin_mm[0] + grid.spacing_mm[0] * np.arange(grid.size[0])
    z = grid.origin_mm[2] + grid.spacing_mm[1] * np.arange(grid.size[1])
    radius, middle = np.hypot(x, z[:, None]), image[grid.size[2] // 2]
    center = middle[radius < 10.0].mean()
    rings = ((12.0, 30.0), (30.0, 60.0), (60.0, 100.0))
    return [float(center - middle[(radius > near) & (radius < far)].mean()) for near, far in rings]
