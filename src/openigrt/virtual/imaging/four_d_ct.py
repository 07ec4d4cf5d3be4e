"""4D-CT for planning, as a cine scan makes it: slab after slab, each for a breath, its images sorted by phase.

Every slab is rendered at the moment that its image was truly taken, so breaths that differ leave steps between slabs,
as they do in the clinic (Vedam et al., Phys Med Biol 48, 2003; Yamamoto et al., Int J Radiat Oncol 72, 2008).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from openigrt.errors import InputError, MissingInput
from openigrt.geometry import Float64Array, Grid, RigidTransform
from openigrt.images import Image, Modality, Phase, Provenance
from openigrt.virtual.patients.breathing import BreathingPattern
from openigrt.virtual.patients.patient import Day, VirtualPatient
from openigrt.virtual.tissue.rendering import render

LOWEST_HU, HIGHEST_HU = -1024.0, 3071.0
NOISE_CORRELATION_PX = 0.6
INHALE_SHARE = 0.5  # of a breath that begins at exhale


@dataclass(frozen=True, slots=True)
class FourDCtProtocol:
    """Phases from 0 % at the end of inhale on, even in time; slabs as long as the detector, each scanned for a breath.

    A slab begins `pause_s` after the breath of the one before it has ended. With `wrongly_sorted_share` an image is
    taken from the phase before or after; `noise_hu` is one standard deviation.
    """

    phases: int = 10
    slab_mm: float = 20.0
    pause_s: float = 1.5
    wrongly_sorted_share: float = 0.0
    noise_hu: float = 18.0

    def __post_init__(self) -> None:
        """Raise InputError for a scan without phases or slabs."""
        if self.phases < 2 or self.slab_mm <= 0.0 or not 0.0 <= self.wrongly_sorted_share <= 1.0:
            raise InputError(f"A 4D-CT has two phases or more, slabs, and a share of 0 to 1 sorted wrongly: {self}.")


CINE = FourDCtProtocol()


@dataclass(frozen=True, eq=False)
class FourDCt:
    """Phases in order of their percentage, their mean and their maximum, and the truth.

    `times_s` (phases, slices) is when each slice of each phase was truly taken, since the patient lay down.
    """

    phases: tuple[Image, ...]
    average: Image
    maximum: Image
    times_s: Float64Array

    @property
    def images(self) -> tuple[Image, ...]:
        """All of them."""
        return *self.phases, self.average, self.maximum


def four_d_ct(
    patient: VirtualPatient,
    day: Day,
    grid: Grid,
    plan_from_grid: RigidTransform,
    protocol: FourDCtProtocol = CINE,
    *,
    seed: int = 0,
    time_s: float = 0.0,
) -> FourDCt:
    """The 4D-CT of a patient who breathes, from a moment of a day on; slabs are runs of slices of `grid`.

    Steps between slabs are as large as his breathing is irregular: `day.breathing.steady()` leaves none. The same seed
    gives the same bits. Raises MissingInput for a day without breathing.
    """
    if not isinstance(day.breathing, BreathingPattern):
        raise MissingInput("A 4D-CT needs a patient who breathes: give a day with a BreathingPattern.")
    rng = np.random.default_rng((seed, 47))
    slabs = _slabs(grid, protocol.slab_mm)
    times_s = _times(day.breathing, protocol, len(slabs), time_s, rng)
    volumes, taken_s = [], np.empty((protocol.phases, grid.size[2]))
    for n in range(protocol.phases):
        voxels = np.empty(grid.shape, np.float32)
        for slab, moment_s in zip(slabs, times_s[n], strict=True):
            part = grid.part((0, 0, slab.start), (grid.size[0], grid.size[1], slab.stop - slab.start))
            voxels[slab] = render(patient.at(day, float(moment_s)), part, plan_from_grid)
            taken_s[n, slab] = moment_s
        volumes.append(_with_noise(voxels, protocol.noise_hu, rng))
    percents = 100.0 * np.arange(protocol.phases) / protocol.phases
    named = [_image(v, grid, Phase.of_breathing(float(p))) for v, p in zip(volumes, percents, strict=True)]
    return FourDCt(
        phases=tuple(named),
        average=_image(np.mean(volumes, axis=0, dtype=np.float32), grid, Phase("average")),
        maximum=_image(np.max(volumes, axis=0), grid, Phase("maximum")),
        times_s=taken_s,
    )


def described(phase: Phase) -> str:
    """A description of a series by which readers know its phase."""
    return f"4D-CT {phase.name.replace('maximum', 'MIP').replace('average', 'AVERAGE')}"


def _slabs(grid: Grid, slab_mm: float) -> list[slice]:
    """Runs of slices that are scanned at one place of the table."""
    each = max(1, round(slab_mm / float(grid.spacing_mm[2])))
    return [slice(first, min(first + each, grid.size[2])) for first in range(0, grid.size[2], each)]


def _times(
    breathing: BreathingPattern, protocol: FourDCtProtocol, slabs: int, time_s: float, rng: np.random.Generator
) -> Float64Array:
    """When each phase of each slab is taken (phases, slabs): in the breath whose inhale follows its start."""
    starts_s = breathing.breath_starts_s()
    inhales_s = starts_s[:-1] + INHALE_SHARE * np.diff(starts_s)
    times_s = np.empty((protocol.phases, slabs))
    ready_s = time_s
    for slab in range(slabs):
        first = int(np.searchsorted(inhales_s, ready_s))
        shares = np.arange(protocol.phases) / protocol.phases + _sorting_errors(protocol, rng)
        times_s[:, slab] = np.interp(first + shares, np.arange(len(inhales_s)), inhales_s)
        ready_s = float(inhales_s[first + 1]) + protocol.pause_s
    return np.maximum(times_s, 0.0)


def _sorting_errors(protocol: FourDCtProtocol, rng: np.random.Generator) -> Float64Array:
    """By how much of a breath each phase (n,) of one slab is taken too early or too late."""
    is_wrong = rng.random(protocol.phases) < protocol.wrongly_sorted_share
    return np.asarray(is_wrong * rng.choice((-1.0, 1.0), protocol.phases) / protocol.phases)


def _with_noise(voxels: NDArray[np.float32], deviation_hu: float, rng: np.random.Generator) -> NDArray[np.float32]:
    """HU with smooth noise in each slice, within what a scanner stores."""
    noise = rng.standard_normal(voxels.shape, dtype=np.float32)
    for k in range(len(voxels)):
        smooth = ndimage.gaussian_filter(noise[k], NOISE_CORRELATION_PX, mode="wrap")
        voxels[k] += np.float32(deviation_hu / max(float(smooth.std()), 1e-6)) * smooth
    return np.clip(voxels, LOWEST_HU, HIGHEST_HU)


def _image(voxels: NDArray[np.float32], grid: Grid, phase: Phase) -> Image:
    """A volume that says which phase it is."""
    is_derived = phase.respiratory_percent is None
    provenance = Provenance(series_description=described(phase), phase=phase, is_derived=is_derived)
    return Image(voxels, grid, Modality.CT, provenance)
