"""Positron emission images of a virtual patient after FDG: uptake of organs, resolution, counts, breathing.

Uptake about an hour after the injection. Measured means: cerebellum and testes of 98 patients (Wang et al., Mol Imaging
Biol 9, 2007), liver of 343 (Liu et al., Iran J Radiol 16, 2019); fat, muscle, marrow and cortical bone lie within what
three patients with sarcoma show (TCIA Soft-tissue-Sarcoma). The others are chosen.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from openigrt.errors import InputError
from openigrt.geometry import Grid, RigidTransform
from openigrt.images import DecayCorrection, Image, Modality, Provenance, Sex, Uptake
from openigrt.virtual.imaging.tissues import Tissue, rendered_property
from openigrt.virtual.patients.breathing import BreathingPattern
from openigrt.virtual.patients.patient import Day, VirtualPatient
from openigrt.virtual.tissue.anatomy import Anatomy

Float32Array: TypeAlias = NDArray[np.float32]
Suv: TypeAlias = float  # g/ml, by body weight
T = Tissue

FLUORINE_HALF_LIFE_S = 6586.2
GRAMS_PER_KG = 1000.0
DEVIATION_PER_WIDTH = 1.0 / (2.0 * np.sqrt(2.0 * np.log(2.0)))  # standard deviation of a Gaussian over its FWHM
MM3_PER_ML = 1000.0
FINE_MM = 2.5
CORRECTIONS = frozenset({"DECY", "ATTN", "SCAT", "DTIM", "RAN", "NORM"})

SUV_OF: dict[Tissue, Suv] = {
    T.AIR: 0.0,
    T.LUNG: 0.5,
    T.FAT: 0.38,
    T.SKIN: 0.5,
    T.MUSCLE: 0.65,
    T.WALL: 1.4,
    T.GUT_CONTENT: 0.8,
    T.BLOOD: 1.6,
    T.FLUID: 0.4,
    T.URINE: 15.0,
    T.BONE: 0.5,
    T.MARROW: 1.2,
    T.CARTILAGE: 0.5,
    T.DISK: 0.5,
    T.GRAY_MATTER: 8.0,
    T.WHITE_MATTER: 2.8,
    T.CORD: 1.6,
    T.GLAND: 1.6,
    T.HEART: 3.0,
    T.LIVER: 1.88,
    T.SPLEEN: 1.6,
    T.PANCREAS: 1.3,
    T.KIDNEY: 2.4,
    T.PROSTATE: 1.5,
    T.TESTIS: 2.57,
    T.NODE: 1.0,
    T.TUMOR: 8.0,
    T.EDEMA: 2.0,
    T.METAL: 0.0,
    T.PLASTIC: 0.0,
}


@dataclass(frozen=True, slots=True)
class PetProtocol:
    """Tracer, patient and scanner.

    The scan begins `uptake_s` after the injection and takes `bed_s`. Its resolution is `resolution_mm` (full width at
    half maximum), then a Gaussian of `filter_mm` smooths the counts. Of a decay, `sensitivity_share` is counted and
    survives attenuation; the decays of `moments` in a breathing patient are added up.
    """

    injected_bq: float = 350e6
    injected_at: datetime = datetime(2025, 1, 6, 8, 30, tzinfo=UTC)
    uptake_s: float = 3600.0
    bed_s: float = 120.0
    weight_kg: float = 75.0
    height_cm: float = 176.0
    sex: Sex = Sex.MALE
    resolution_mm: float = 4.0
    filter_mm: float = 4.5
    sensitivity_share: float = 8.0e-4
    moments: int = 8

    def __post_init__(self) -> None:
        """Raise InputError for a scan that counts nothing."""
        least = min(self.injected_bq, self.weight_kg, self.bed_s, self.sensitivity_share, self.moments)
        if least <= 0 or min(self.uptake_s, self.resolution_mm, self.filter_mm) < 0.0:
            raise InputError(f"A PET scan needs activity, weight, time, sensitivity and moments above zero: {self}.")

    @property
    def started_at(self) -> datetime:
        """When the scan begins; the voxels are corrected to that."""
        return self.injected_at + timedelta(seconds=self.uptake_s)

    @property
    def bq_per_ml_per_suv(self) -> float:
        """Activity concentration at the start of the scan where uptake is the mean of the body."""
        left = 2.0 ** (-self.uptake_s / FLUORINE_HALF_LIFE_S)
        return float(self.injected_bq * left / (GRAMS_PER_KG * self.weight_kg))

    def uptake(self) -> Uptake:
        """What headers say of it."""
        return Uptake(
            unit="BQML",
            decay_correction=DecayCorrection.START,
            corrections=CORRECTIONS,
            injected_activity_bq=self.injected_bq,
            injected_at=self.injected_at,
            half_life_s=FLUORINE_HALF_LIFE_S,
            decay_reference_at=self.started_at,
            decay_reference_from="series time",
            weight_kg=self.weight_kg,
            height_cm=self.height_cm,
            sex=self.sex,
        )


FDG = PetProtocol()


@dataclass(frozen=True, eq=False)
class PetScan:
    """An image in Bq/ml, what its headers say of it, and the uptake that it is an image of (SUV, without flaws)."""

    image: Image
    uptake: Uptake
    true_suv: Float32Array = field(repr=False)


def pet_image(
    patient: VirtualPatient,
    day: Day,
    grid: Grid,
    plan_from_grid: RigidTransform,
    protocol: PetProtocol = FDG,
    *,
    seed: int = 0,
    time_s: float = 0.0,
    target_suv: Suv | None = None,
) -> PetScan:
    """A patient from a moment of a day on, breathing freely for as long as the scan takes.

    `plan_from_grid` says where he lies. `target_suv` is what his target takes up; None: what its tissue does. The same
    seed gives the same bits.
    """
    rng = np.random.default_rng((seed, 43))
    value_of = _uptake_of(patient.target, target_suv)
    true_suv = np.zeros(grid.shape, np.float32)
    moments_s = _moments_s(day, protocol, time_s)
    for moment_s in moments_s:
        true_suv += _voxel_means(patient.at(day, moment_s), value_of, grid, plan_from_grid) / np.float32(len(moments_s))
    spacing = grid.spacing_mm[::-1]
    blurred = ndimage.gaussian_filter(true_suv, DEVIATION_PER_WIDTH * protocol.resolution_mm / spacing, mode="nearest")
    voxel_ml = float(np.prod(grid.spacing_mm)) / MM3_PER_ML
    counts_per_suv = protocol.bq_per_ml_per_suv * voxel_ml * protocol.bed_s * protocol.sensitivity_share
    counted = rng.poisson(np.maximum(blurred, 0.0) * counts_per_suv).astype(np.float32) / np.float32(counts_per_suv)
    smooth = ndimage.gaussian_filter(counted, DEVIATION_PER_WIDTH * protocol.filter_mm / spacing, mode="nearest")
    voxels = smooth * np.float32(protocol.bq_per_ml_per_suv)
    image = Image(voxels, grid, Modality.PET, Provenance(acquired_at=protocol.started_at))
    return PetScan(image, protocol.uptake(), true_suv)


def _moments_s(day: Day, protocol: PetProtocol, time_s: float) -> tuple[float, ...]:
    """Moments that stand for the scan: one of a patient who holds still."""
    if not isinstance(day.breathing, BreathingPattern):
        return (time_s,)
    return tuple(time_s + protocol.bed_s * (n + 0.5) / protocol.moments for n in range(protocol.moments))


def _voxel_means(
    anatomy: Anatomy, value_of: Callable[[str, Tissue], float], grid: Grid, plan_from_grid: RigidTransform
) -> Float32Array:
    """Voxels as means of finer ones, which edges of solids are sharp enough for."""
    finer = np.maximum(np.ceil(grid.spacing_mm / FINE_MM), 1).astype(int)
    spacing_mm = grid.spacing_mm / finer
    corner_mm = grid.points(-0.5 + 0.5 / finer)
    size = tuple(int(n) for n in np.array(grid.size) * finer)
    fine = Grid(grid.frame, corner_mm, spacing_mm, grid.direction, (size[0], size[1], size[2]))
    voxels = rendered_property(anatomy, value_of, fine, plan_from_grid, blur_mm=0.0)
    (k, j, i), (c, b, a) = grid.shape, finer[::-1]
    return np.asarray(voxels.reshape(k, c, j, b, i, a).mean(axis=(1, 3, 5)), dtype=np.float32)


def _uptake_of(target: str, target_suv: Suv | None) -> Callable[[str, Tissue], float]:
    """Uptake by organ and tissue."""

    def of(organ: str, tissue: Tissue) -> float:
        return target_suv if target_suv is not None and organ == target else SUV_OF[tissue]

    return of
