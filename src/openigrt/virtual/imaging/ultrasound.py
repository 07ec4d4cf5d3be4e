"""3D ultrasound of a virtual patient: speckle, attenuation, echoes at edges, shadows behind bone and gas, in a sector.

The sound goes out in rays from behind a curved face. Echoes are amplitudes: of scatterers, at random, by how much a
tissue scatters, and of edges, by the impedance that changes along the ray; both are blurred by the pulse along the ray
and by the beam across it, detected, and shown on a logarithmic scale. Attenuation by Goss et al., J Acoust Soc Am 64,
1978, and impedance of fat, blood, kidney, liver, muscle and bone as ultrasound textbooks give it; how much tissues
scatter is chosen in the order in which they look bright (pancreas, spleen, liver, kidney, muscle, fluid).
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage

from openigrt.errors import InputError, MissingInput
from openigrt.geometry import Float64Array, Frame, FrameRole, Grid, RigidTransform
from openigrt.images import Image, Modality
from openigrt.virtual.imaging.tissues import Tissue, rendered_property
from openigrt.virtual.patients.patient import Day, VirtualPatient
from openigrt.virtual.tissue.anatomy import Anatomy

Float32Array: TypeAlias = NDArray[np.float32]
T = Tissue

BRIGHTEST = 255.0
IMPEDANCE_SAMPLE_MM, LOSS_SAMPLE_MM, SCATTER_SAMPLE_MM = 1.25, 2.5, 1.5  # of the tissue that the rays go through
STEP_MM = 0.4  # along a ray
EDGE_MM = 2.8  # along a ray: an edge, as sharp as samples make it, is wholly in it
SKIN_REACH_MM, SKIN_STEP_MM = 400.0, 0.5
GEL_MRAYL, GEL_DB, SKIN_FROM_MRAYL = 1.6, 0.05, 1.3
LEAST_MRAYL = 0.0004
THICKEST_AIR_MM = 8.0  # between face and skin: filled with gel
DB_PER_AMPLITUDE = 20.0
WIDEST_DEG = 80.0


@dataclass(frozen=True, slots=True)
class Acoustics:
    """Impedance (MRayl), attenuation (dB per cm and MHz), and how much is scattered (dB against liver)."""

    impedance_mrayl: float
    attenuation_db: float
    scatter_db: float


ACOUSTICS: dict[Tissue, Acoustics] = {
    T.AIR: Acoustics(LEAST_MRAYL, 40.0, -80.0),
    T.LUNG: Acoustics(0.26, 40.0, 0.0),
    T.FAT: Acoustics(1.38, 0.63, -8.0),
    T.SKIN: Acoustics(1.7, 0.35, 2.0),
    T.MUSCLE: Acoustics(1.70, 0.96, -8.0),
    T.WALL: Acoustics(1.68, 0.8, -5.0),
    T.GUT_CONTENT: Acoustics(1.6, 1.2, 2.0),
    T.BLOOD: Acoustics(1.61, 0.15, -32.0),
    T.FLUID: Acoustics(1.52, 0.01, -60.0),
    T.URINE: Acoustics(1.54, 0.01, -60.0),
    T.BONE: Acoustics(7.8, 15.0, 0.0),
    T.MARROW: Acoustics(2.0, 8.0, -10.0),
    T.CARTILAGE: Acoustics(1.8, 3.0, -14.0),
    T.DISK: Acoustics(1.75, 3.0, -10.0),
    T.GRAY_MATTER: Acoustics(1.6, 0.6, -8.0),
    T.WHITE_MATTER: Acoustics(1.6, 0.7, -6.0),
    T.CORD: Acoustics(1.62, 0.8, -14.0),
    T.GLAND: Acoustics(1.58, 0.7, 0.0),
    T.HEART: Acoustics(1.67, 0.52, -8.0),
    T.LIVER: Acoustics(1.65, 0.5, 0.0),
    T.SPLEEN: Acoustics(1.65, 0.4, 1.0),
    T.PANCREAS: Acoustics(1.63, 0.7, 4.0),
    T.KIDNEY: Acoustics(1.62, 1.0, -6.0),
    T.PROSTATE: Acoustics(1.64, 0.6, -3.0),
    T.TESTIS: Acoustics(1.62, 0.4, -3.0),
    T.NODE: Acoustics(1.63, 0.5, -10.0),
    T.TUMOR: Acoustics(1.66, 0.7, -9.0),
    T.EDEMA: Acoustics(1.6, 0.5, -8.0),
    T.METAL: Acoustics(30.0, 15.0, 20.0),
    T.PLASTIC: Acoustics(2.0, 3.0, -20.0),
}


@dataclass(frozen=True, slots=True)
class Transducer:
    """A mechanically swept curved array: `face_radius_mm`, half angles of the sector across and along, and its depth.

    The pulse is `pulse_mm` long and the beam `beam_deg` wide (full width at half maximum). Echoes from the depth are
    raised as if tissue took `gain_db` per cm and MHz, there and back, and `range_db` are shown.
    """

    frequency_mhz: float = 3.5
    face_radius_mm: float = 40.0
    half_angle_deg: float = 36.0
    half_sweep_deg: float = 30.0
    depth_mm: float = 150.0
    pulse_mm: float = 1.0
    beam_deg: float = 1.5
    gain_db: float = 0.6
    range_db: float = 60.0

    def __post_init__(self) -> None:
        """Raise InputError for what sees nothing."""
        least = min(self.frequency_mhz, self.depth_mm, self.pulse_mm, self.beam_deg, self.range_db)
        is_possible = least > 0.0 and self.face_radius_mm >= 0.0
        angles = self.half_angle_deg, self.half_sweep_deg
        if not is_possible or min(angles) <= 0.0 or max(angles) >= WIDEST_DEG:
            raise InputError(f"A transducer has a frequency, a depth and half angles of 0 to 80 degrees; found {self}.")


CURVED_ARRAY = Transducer()
# Where the speckle of liver, and an edge that reflects all, lie on the scale.
LIVER_SHOWN_DB, EDGE_OVER_LIVER_DB = -26.0, 46.0


@dataclass(frozen=True, eq=False)
class UltrasoundScan:
    """An image in the room, 0 to 255, and where its probe truly was and was believed to be.

    The frame of the probe has its origin in the middle of the face, z into the patient and x across the sector. The
    image lies where the tracked probe was believed to be: what is at `p` in the image is at
    `fixed_from_probe @ believed_fixed_from_probe.inverse()` of it. `is_seen` [k, j, i] is the sector.
    """

    image: Image
    fixed_from_probe: RigidTransform
    believed_fixed_from_probe: RigidTransform
    is_seen: NDArray[np.bool_] = field(repr=False)


def probe_frame(uid: str) -> Frame:
    """The frame of the probe of an ultrasound volume."""
    return Frame(FrameRole.TRANSDUCER, uid)


def probe_on_skin(
    anatomy: Anatomy, fixed_from_plan: RigidTransform, toward_mm: ArrayLike, along: ArrayLike, uid: str = "1"
) -> RigidTransform:
    """The pose (fixed from probe) of a probe on the skin that looks along `along` (3,) of the room at a point.

    `toward_mm` (3,) is in the plan. The sector lies across the axis of the patient as far as it can. Raises
    MissingInput where no skin is.
    """
    z = np.asarray(along, dtype=np.float64) / np.linalg.norm(along)
    target = fixed_from_plan.points(toward_mm)
    back_mm = np.arange(0.0, SKIN_REACH_MM, SKIN_STEP_MM)
    path = fixed_from_plan.inverse().points(target - back_mm[:, None] * z)
    outside = anatomy.signed_distance_mm("BODY", path) > 0.0
    if outside[0] or not outside.any():
        raise MissingInput(
            f"There is no skin within {SKIN_REACH_MM:g} mm before the point that the probe looks at, or it lies "
            "outside the patient; give a point inside him."
        )
    face = target - back_mm[int(outside.argmax())] * z
    sideways = fixed_from_plan.rotation @ np.array([1.0, 0.0, 0.0])
    x = sideways - (sideways @ z) * z
    if np.linalg.norm(x) < 0.1:
        x = np.array([0.0, 1.0, 0.0]) - z[1] * z
    x = x / np.linalg.norm(x)
    return RigidTransform(Frame.FIXED, probe_frame(uid), np.column_stack([x, np.cross(z, x), z]), face)


def ultrasound_image(
    patient: VirtualPatient,
    day: Day,
    grid: Grid,
    fixed_from_plan: RigidTransform,
    fixed_from_probe: RigidTransform,
    *,
    believed_fixed_from_probe: RigidTransform | None = None,
    transducer: Transducer = CURVED_ARRAY,
    seed: int = 0,
    time_s: float = 0.0,
) -> UltrasoundScan:
    """The volume of a probe on a patient at a moment of a day, on a grid in the room (IEC fixed).

    `fixed_from_plan` is where he lies, `fixed_from_probe` where the probe truly is; the image is laid where it is
    believed to be (None: there). Outside the sector the image is 0. The same seed gives the same bits.
    """
    believed = believed_fixed_from_probe or fixed_from_probe
    anatomy, rng = patient.at(day, time_s), np.random.default_rng((seed, 53))
    rays = _Rays.of(transducer)
    along = _tissue_along(rays, anatomy, fixed_from_plan.inverse() @ fixed_from_probe, transducer)
    shown = _shown(rays, along, transducer, rng)
    voxels, is_seen = _scan_converted(rays, shown, grid, believed.inverse(), transducer)
    return UltrasoundScan(Image(voxels, grid, Modality.US), fixed_from_probe, believed, is_seen)


@dataclass(frozen=True, eq=False)
class _Rays:
    """Angles across and along the sweep in radians, and depths from the face, of all rays [sweep, across, depth]."""

    sweep: Float64Array
    across: Float64Array
    depths_mm: Float64Array
    face_mm: float

    @classmethod
    def of(cls, transducer: Transducer) -> "_Rays":
        """Two rays in the width of a beam."""
        step = np.deg2rad(transducer.beam_deg) / 2.0
        wide, long = np.deg2rad(transducer.half_angle_deg), np.deg2rad(transducer.half_sweep_deg)
        return cls(
            sweep=np.linspace(-long, long, max(3, round(2.0 * long / step))),
            across=np.linspace(-wide, wide, max(3, round(2.0 * wide / step))),
            depths_mm=np.asarray(STEP_MM * (np.arange(round(transducer.depth_mm / STEP_MM)) + 0.5), dtype=np.float64),
            face_mm=transducer.face_radius_mm,
        )

    def points_mm(self, n: int) -> Float64Array:
        """Points (across, depth, 3) of one plane of the sweep in the frame of the probe.

        The plane turns about the x axis through the centre of the face, and the rays in it come from there.
        """
        radius = self.face_mm + self.depths_mm
        x = np.sin(self.across)[:, None] * radius
        out = np.cos(self.across)[:, None] * radius
        s = self.sweep[n]
        return np.stack([x, out * np.sin(s), out * np.cos(s) - self.face_mm], axis=-1)

    def indices(self, points_mm: Float64Array) -> Float64Array:
        """Continuous indices (..., 3) in the order [sweep, across, depth] of points of the frame of the probe."""
        x, y, z = points_mm[..., 0], points_mm[..., 1], points_mm[..., 2] + self.face_mm
        out = np.hypot(y, z)
        sweep, across = np.arctan2(y, z), np.arctan2(x, out)
        depth_mm = np.hypot(x, out) - self.face_mm

        def at(values: Float64Array, samples: Float64Array) -> Float64Array:
            return np.asarray((values - samples[0]) / (samples[1] - samples[0]))

        return np.stack([at(sweep, self.sweep), at(across, self.across), at(depth_mm, self.depths_mm)], axis=-1)


class _Along(NamedTuple):
    """Impedance (MRayl), attenuation (dB/cm/MHz) and scattered amplitude (of liver: 1) [sweep, across, depth]."""

    impedance_mrayl: Float32Array
    loss_db: Float32Array
    scatter: Float32Array


def _tissue_along(rays: _Rays, anatomy: Anatomy, plan_from_probe: RigidTransform, transducer: Transducer) -> _Along:
    """What the rays go through."""
    far = transducer.depth_mm + transducer.face_radius_mm
    half = far * np.sin(np.deg2rad([transducer.half_angle_deg, transducer.half_sweep_deg])) + 4.0
    low = np.array([-half[0], -half[1], -transducer.face_radius_mm * 0.6 - 2.0])
    high = np.array([half[0], half[1], transducer.depth_mm + 4.0])
    samples: tuple[tuple[float, float, Callable[[str, Tissue], float]], ...] = (
        (IMPEDANCE_SAMPLE_MM, 0.0, lambda _, tissue: ACOUSTICS[tissue].impedance_mrayl),
        (LOSS_SAMPLE_MM, 0.0, lambda _, tissue: ACOUSTICS[tissue].attenuation_db),
        (SCATTER_SAMPLE_MM, 1.0, lambda _, tissue: 10.0 ** (ACOUSTICS[tissue].scatter_db / DB_PER_AMPLITUDE)),
    )
    out = []
    for sample_mm, grain, value_of in samples:
        i, j, k = (int(n) for n in np.ceil((high - low) / sample_mm) + 1)
        box = Grid(plan_from_probe.from_frame, low, np.full(3, sample_mm), np.eye(3), (i, j, k))
        voxels = rendered_property(anatomy, value_of, box, plan_from_probe, blur_mm=0.3, grain_factor=grain)
        along = np.empty((len(rays.sweep), len(rays.across), len(rays.depths_mm)), np.float32)
        for n in range(len(rays.sweep)):
            at = box.indices(rays.points_mm(n))[..., ::-1]
            along[n] = ndimage.map_coordinates(voxels, np.moveaxis(at, -1, 0), order=1, mode="nearest")
        out.append(along)
    return _with_gel(_Along(*out))


def _with_gel(along: _Along) -> _Along:
    """The same with gel between face and skin, as far as that is thick."""
    first = int(THICKEST_AIR_MM / STEP_MM)
    is_gel = ~np.maximum.accumulate(along.impedance_mrayl > SKIN_FROM_MRAYL, axis=-1)
    is_gel[..., first:] = False
    return _Along(
        np.where(is_gel, np.float32(GEL_MRAYL), np.maximum(along.impedance_mrayl, np.float32(LEAST_MRAYL))),
        np.where(is_gel, np.float32(GEL_DB), along.loss_db),
        np.where(is_gel, np.float32(0.0), along.scatter),
    )


def _shown(rays: _Rays, along: _Along, transducer: Transducer, rng: np.random.Generator) -> Float32Array:
    """Gray values [sweep, across, depth]."""
    logarithm = np.log(along.impedance_mrayl)
    window = round(EDGE_MM / STEP_MM)
    change = np.zeros_like(logarithm)
    change[..., window:] = logarithm[..., window:] - logarithm[..., :-window]
    # Of an edge with the impedances Z1 and Z2, tanh² (ln (Z2/Z1) / 2) is reflected, so ln cosh twice over goes through.
    edge_db = DB_PER_AMPLITUDE / np.log(10.0) * np.log(np.cosh(change / 2.0)) / window
    one_way_db = np.cumsum(edge_db + along.loss_db * (transducer.frequency_mhz * STEP_MM / 10.0), axis=-1)
    gained_db = transducer.gain_db * transducer.frequency_mhz * rays.depths_mm / 10.0
    reached = 10.0 ** (2.0 * (gained_db - one_way_db) / DB_PER_AMPLITUDE)
    reflected = np.tanh(np.gradient(logarithm, axis=-1) / 2.0) * 10.0 ** (EDGE_OVER_LIVER_DB / DB_PER_AMPLITUDE)
    deviations = (
        0.5 * transducer.beam_deg / np.rad2deg(rays.sweep[1] - rays.sweep[0]) / 1.18,
        0.5 * transducer.beam_deg / np.rad2deg(rays.across[1] - rays.across[0]) / 1.18,
        0.5 * transducer.pulse_mm / STEP_MM / 1.18,
    )
    echo = np.zeros(logarithm.shape)
    unit = _speckle_deviation(deviations)
    for edges in (reflected, 0.0):  # the parts in phase and out of phase
        speckle = rng.standard_normal(logarithm.shape, dtype=np.float32) * along.scatter / np.float32(unit)
        part = ndimage.gaussian_filter(((speckle + edges) * reached).astype(np.float32), deviations, mode="nearest")
        echo += part.astype(np.float64) ** 2
    shown_db = 0.5 * DB_PER_AMPLITUDE * np.log10(echo / 2.0 + 1e-12) + LIVER_SHOWN_DB
    return np.asarray(BRIGHTEST * np.clip(1.0 + shown_db / transducer.range_db, 0.0, 1.0), dtype=np.float32)


def _speckle_deviation(deviations: tuple[float, ...]) -> float:
    """What a Gaussian filter leaves of the standard deviation of white noise."""
    return float(np.prod([1.0 / np.sqrt(2.0 * np.sqrt(np.pi) * d) for d in deviations]))


def _scan_converted(
    rays: _Rays, shown: Float32Array, grid: Grid, probe_from_grid: RigidTransform, transducer: Transducer
) -> tuple[Float32Array, NDArray[np.bool_]]:
    """Voxels of a grid from the rays by linear interpolation, 0 outside the sector, and what lies in it."""
    voxels, is_seen = np.zeros(grid.shape, np.float32), np.zeros(grid.shape, np.bool_)
    last = np.array(shown.shape) - 1.0
    j, i = np.meshgrid(np.arange(grid.shape[1]), np.arange(grid.shape[2]), indexing="ij")
    for k in range(grid.shape[0]):
        points = probe_from_grid.points(grid.points(np.stack([i, j, np.full_like(i, k)], axis=-1)))
        at = rays.indices(points)
        is_seen[k] = ((at >= 0.0) & (at <= last)).all(axis=-1) & (points[..., 2] > -transducer.face_radius_mm)
        if is_seen[k].any():
            voxels[k][is_seen[k]] = ndimage.map_coordinates(shown, at[is_seen[k]].T, order=1, mode="nearest")
    return voxels, is_seen
