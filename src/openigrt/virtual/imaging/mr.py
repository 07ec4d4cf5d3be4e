"""Magnetic resonance images of a virtual patient: relaxation, bias field, noise, distortion and chemical shift.

Relaxation times at 3 T: abdomen and pelvis by de Bazelaire et al., Radiology 230, 2004; brain, cord, blood, heart and
cartilage by Stanisz et al., Magn Reson Med 54, 2005. Those that neither has are chosen between them and marked.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage

from openigrt.errors import InputError
from openigrt.geometry import Float64Array, Grid, RigidTransform
from openigrt.images import DistortionCorrection, Echo, Image, Modality, MrSequence, Provenance
from openigrt.virtual.imaging.tissues import Tissue, rendered_property
from openigrt.virtual.patients.patient import Day, VirtualPatient

Float32Array: TypeAlias = NDArray[np.float32]
Place: TypeAlias = Callable[[Float64Array], Float64Array]
T = Tissue

FULL_SIGNAL = 4000.0  # of water with nothing lost, in the unit of the image
PROTON_MHZ_PER_TESLA = 42.577
FAT_SHIFT_PPM = -3.5  # of the methylene protons, against water
REFERENCE_RADIUS_MM = 200.0
FLOW_VOID_FACTOR = 0.1
TURNS_OF_NEWTON = 8


@dataclass(frozen=True, slots=True)
class Relaxation:
    """Times in ms, and mobile protons as a share of those of water; `t2_star_ms` where it is not nearly T2."""

    t1_ms: float
    t2_ms: float
    proton_share: float
    t2_star_ms: float | None = None


NO_SIGNAL = Relaxation(1000.0, 1.0, 0.0)
RELAXATION_3T: dict[Tissue, Relaxation] = {
    T.AIR: NO_SIGNAL,
    T.LUNG: Relaxation(1300.0, 40.0, 0.2, 0.7),  # chosen
    T.FAT: Relaxation(382.0, 68.0, 0.9),
    T.SKIN: Relaxation(900.0, 25.0, 0.6),  # chosen
    T.MUSCLE: Relaxation(898.0, 29.0, 0.8),
    T.WALL: Relaxation(1100.0, 45.0, 0.8),  # chosen
    T.GUT_CONTENT: Relaxation(1200.0, 80.0, 0.7),  # chosen
    T.BLOOD: Relaxation(1932.0, 275.0, 0.85),
    T.FLUID: Relaxation(4000.0, 2000.0, 1.0),  # chosen
    T.URINE: Relaxation(4000.0, 1000.0, 1.0),  # chosen
    T.BONE: Relaxation(1000.0, 0.4, 0.15),  # chosen
    T.MARROW: Relaxation(586.0, 49.0, 0.75),
    T.CARTILAGE: Relaxation(1168.0, 27.0, 0.7),
    T.DISK: Relaxation(1000.0, 80.0, 0.75),  # chosen
    T.GRAY_MATTER: Relaxation(1820.0, 99.0, 0.82),
    T.WHITE_MATTER: Relaxation(1084.0, 69.0, 0.7),
    T.CORD: Relaxation(993.0, 78.0, 0.72),
    T.GLAND: Relaxation(700.0, 60.0, 0.8),  # chosen
    T.HEART: Relaxation(1471.0, 47.0, 0.8),
    T.LIVER: Relaxation(809.0, 34.0, 0.75),
    T.SPLEEN: Relaxation(1328.0, 61.0, 0.8),
    T.PANCREAS: Relaxation(725.0, 43.0, 0.78),
    T.KIDNEY: Relaxation(1142.0, 76.0, 0.82),
    T.PROSTATE: Relaxation(1597.0, 74.0, 0.82),
    T.TESTIS: Relaxation(1600.0, 120.0, 0.85),  # chosen
    T.NODE: Relaxation(1200.0, 80.0, 0.8),  # chosen
    T.TUMOR: Relaxation(1500.0, 90.0, 0.85),  # chosen
    T.EDEMA: Relaxation(1700.0, 150.0, 0.85),  # chosen
    T.METAL: NO_SIGNAL,
    T.PLASTIC: NO_SIGNAL,
}
FAT_SHARE = {T.FAT: 1.0, T.MARROW: 0.5, T.GLAND: 0.4}

T1_WEIGHTED = MrSequence(Echo.GRADIENT, 6.0, 2.4, 12.0)
T2_WEIGHTED = MrSequence(Echo.SPIN, 4500.0, 100.0, echo_train=18)


def signal(relaxation: Relaxation, sequence: MrSequence) -> float:
    """Signal of a tissue, 0 to 1, without flow.

    A spoiled gradient echo in its steady state (Haase et al., J Magn Reson 67, 1986), or a spin echo with its 180
    degree pulse after half the echo time.
    """
    r, tr, te = relaxation, sequence.repetition_time_ms, sequence.echo_time_ms
    if sequence.echo is Echo.SPIN:
        recovered = 1.0 - 2.0 * np.exp(-(tr - te / 2.0) / r.t1_ms) + np.exp(-tr / r.t1_ms)
        return float(r.proton_share * recovered * np.exp(-te / r.t2_ms))
    left, angle = np.exp(-tr / r.t1_ms), np.deg2rad(sequence.flip_angle_deg)
    steady = np.sin(angle) * (1.0 - left) / (1.0 - np.cos(angle) * left)
    return float(r.proton_share * steady * np.exp(-te / (r.t2_star_ms or r.t2_ms)))


@dataclass(frozen=True, slots=True)
class MrFlaws:
    """What is wrong with an MR image.

    `bias_share` is one standard deviation of the receiver's sensitivity, `signal_to_noise` that of muscle.
    Gradients that are not linear shift tissue by `gradient_shift_mm` on the axis at 200 mm from the middle of the
    magnet; what a maker's correction leaves of that is `residual_share`. The field is off by `field_off_ppm` at 200 mm,
    which shifts along the readout and is never corrected.
    """

    bias_share: float = 0.12
    signal_to_noise: float = 25.0
    gradient_shift_mm: float = 8.0
    residual_share: float = 0.12
    field_off_ppm: float = 1.5
    correction: DistortionCorrection = DistortionCorrection.VOLUME

    def __post_init__(self) -> None:
        """Raise InputError for a scanner that shows nothing, or does not say how far it corrects."""
        if self.signal_to_noise <= 0.0 or self.correction is DistortionCorrection.UNKNOWN:
            raise InputError(f"An MR scanner has a signal to noise ratio above zero and a known correction: {self}.")


TYPICAL_FLAWS = MrFlaws()
NO_FLAWS = MrFlaws(0.0, np.inf, 0.0, 0.0, 0.0)


@dataclass(frozen=True, eq=False)
class MrScan:
    """An image, and where it shows what.

    `true_mm` maps points (..., 3) of the image's frame to the place of the water that they show; `fat_true_mm` of fat,
    which the chemical shift moves along the readout.
    """

    image: Image
    sequence: MrSequence
    true_mm: Place = field(repr=False)
    fat_true_mm: Place = field(repr=False)

    def shown_mm(self, points_mm: ArrayLike) -> Float64Array:
        """Where the image shows the water that truly lies at points (..., 3): `true_mm` taken back."""
        wanted = np.asarray(points_mm, dtype=np.float64)
        shown = wanted.copy()
        for _ in range(TURNS_OF_NEWTON):
            shown = shown + (wanted - self.true_mm(shown))
        return shown


def mr_image(
    patient: VirtualPatient,
    day: Day,
    grid: Grid,
    plan_from_grid: RigidTransform,
    sequence: MrSequence = T2_WEIGHTED,
    *,
    flaws: MrFlaws = TYPICAL_FLAWS,
    seed: int = 0,
    time_s: float = 0.0,
) -> MrScan:
    """A patient at a moment of a day, breath held, in the magnet whose middle is that of `grid`.

    `plan_from_grid` says where he lies. Values are in the unit of the scanner, at most some thousands. The same seed
    gives the same bits.
    """
    anatomy, rng = patient.at(day, time_s), np.random.default_rng((seed, 41))
    water_at, fat_at = _places(grid, sequence, flaws)
    seen = np.zeros(grid.shape, np.float32)
    for is_fat, place in ((False, water_at), (True, fat_at)):
        whole = rendered_property(anatomy, _signals(sequence, is_fat), grid, plan_from_grid)
        seen += _distorted(whole, grid, place)
    seen *= FULL_SIGNAL * _bias(grid, flaws.bias_share, rng)
    noise = FULL_SIGNAL * signal(RELAXATION_3T[T.MUSCLE], sequence) / flaws.signal_to_noise
    in_phase, off_phase = (rng.standard_normal(grid.shape, dtype=np.float32) for _ in range(2))
    seen = np.hypot(seen + np.float32(noise) * in_phase, np.float32(noise) * off_phase)
    provenance = Provenance(distortion_correction=flaws.correction)
    return MrScan(Image(seen, grid, Modality.MR, provenance), sequence, water_at, fat_at)


def _signals(sequence: MrSequence, is_fat: bool) -> Callable[[str, Tissue], float]:
    """Signal of the water or of the fat of a tissue; blood that flows has left before its spin echo."""
    is_spin_echo = sequence.echo is Echo.SPIN

    def of(organ: str, tissue: Tissue) -> float:
        share = FAT_SHARE.get(tissue, 0.0)
        flow = FLOW_VOID_FACTOR if is_spin_echo and tissue is T.BLOOD else 1.0
        return (share if is_fat else 1.0 - share) * flow * signal(RELAXATION_3T[tissue], sequence)

    return of


def _places(grid: Grid, sequence: MrSequence, flaws: MrFlaws) -> tuple[Place, Place]:
    """Where the image shows water, and fat: maps of points (..., 3) of the image to true ones."""
    middle_mm = grid.center_mm
    left = _left_of(grid, flaws)
    axis = 1 if sequence.reads_columns else 0
    mm_per_ppm = (
        PROTON_MHZ_PER_TESLA * sequence.field_strength_tesla / sequence.bandwidth_hz * float(grid.spacing_mm[axis])
    )
    along_readout = grid.direction[:, axis]

    def water(points_mm: Float64Array) -> Float64Array:
        apart = (np.asarray(points_mm, dtype=np.float64) - middle_mm) / REFERENCE_RADIUS_MM
        by_gradients = flaws.gradient_shift_mm * _harmonics(apart) @ left.T
        off_mm = mm_per_ppm * flaws.field_off_ppm * _field(apart)
        return np.asarray(points_mm + by_gradients + off_mm[..., None] * along_readout)

    def fat(points_mm: Float64Array) -> Float64Array:
        return water(points_mm) - FAT_SHIFT_PPM * mm_per_ppm * along_readout

    return water, fat


def _left_of(grid: Grid, flaws: MrFlaws) -> Float64Array:
    """What is left (3, 3) of a shift by gradients after the correction, in the frame of the grid."""
    corrected = {
        DistortionCorrection.VOLUME: np.ones(3),
        DistortionCorrection.IN_PLANE: np.array([1.0, 1.0, 0.0]),
        DistortionCorrection.NONE: np.zeros(3),
    }[flaws.correction]
    remaining = 1.0 - corrected * (1.0 - flaws.residual_share)
    return np.asarray(grid.direction * remaining @ grid.direction.T)


def _harmonics(at: Float64Array) -> Float64Array:
    """Third order of the fields of the three gradient coils (..., 3), solutions of Laplace's equation: 1 on z at 1.

    The field of the z coil goes with z (z² - 3/2 (x² + y²)), that of the x coil with x (4 z² - x² - y²).
    """
    x, y, z = at[..., 0], at[..., 1], at[..., 2]
    across = 0.25 * (4.0 * z * z - x * x - y * y)
    return np.stack([x * across, y * across, z * (z * z - 1.5 * (x * x + y * y))], axis=-1)


def _field(at: Float64Array) -> Float64Array:
    """A field (...,) that is off by second order, harmonic too: what shims leave; 1 on z at 1."""
    x, y, z = at[..., 0], at[..., 1], at[..., 2]
    return np.asarray(z * z - 0.5 * (x * x + y * y))


def _distorted(whole: Float32Array, grid: Grid, place: Place) -> Float32Array:
    """Voxels where the image shows them: from the undistorted image by cubic splines, brighter where it is squeezed."""
    k, j, i = np.meshgrid(*(np.arange(n, dtype=np.float64) for n in grid.shape), indexing="ij", sparse=True)
    out = np.empty_like(whole)
    filtered = ndimage.spline_filter(whole, order=3, output=np.float32, mode="nearest")
    for n in range(grid.shape[0]):
        index = np.stack(np.broadcast_arrays(i[0], j[0], k[n]), axis=-1)
        points = grid.points(index)
        at = grid.indices(place(points))
        out[n] = ndimage.map_coordinates(
            filtered, np.moveaxis(at[..., ::-1], -1, 0), order=3, mode="nearest", prefilter=False
        )
        out[n] *= _squeeze(points, place)
    return np.maximum(out, 0.0)


def _squeeze(points_mm: Float64Array, place: Place) -> Float32Array:
    """How much tissue is shown on a volume, against what lies there (rows, columns): the determinant of the map."""
    steps = [place(points_mm + step) - place(points_mm - step) for step in 0.5 * np.eye(3)]
    return np.asarray(np.abs(np.linalg.det(np.stack(steps, axis=-1))), dtype=np.float32)


def _bias(grid: Grid, deviation: float, rng: np.random.Generator) -> Float32Array:
    """Sensitivity of the receiver: smooth, mean about 1."""
    weights = rng.standard_normal(9)
    z, y, x = np.meshgrid(*(np.linspace(-1.0, 1.0, max(n, 2))[:n] for n in grid.shape), indexing="ij", sparse=True)
    terms = (x, y, z, x * y, y * z, x * z, x * x - 1 / 3, y * y - 1 / 3, z * z - 1 / 3)
    shape = sum(w * term for w, term in zip(weights, terms, strict=True)) + np.zeros(grid.shape)
    return np.asarray(np.exp(deviation * shape / max(float(shape.std()), 1e-9)), dtype=np.float32)
