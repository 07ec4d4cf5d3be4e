"""Slices to a volume: sorted by position, every irregularity an error or a named warning."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np

from openigrt.dicom.dataset.plane import plane_axes
from openigrt.dicom.images.slices import MAX_VOXELS, Slice
from openigrt.errors import InconsistentInput, UnsupportedInput
from openigrt.geometry import Float64Array, Frame, Grid, ParallelPlanes

SAME_POSITION_MM = 0.01
ORIENTATION_TOLERANCE = 1e-4
LATERAL_TOLERANCE_MM = 0.1
SPACING_TOLERANCE = 0.02
SPACING_TOLERANCE_MM = 0.1
SAME_SPACING_MM = 1e-4
LARGEST_BRIDGED_MM = 10.0
LARGEST_BRIDGED_STEPS = 1.5
LARGEST_TILT_DEG = 45.0
MOST_SLICES_PER_SLICE = 10


class Straightening(StrEnum):
    """What becomes of slices that are unevenly spaced or tilted: refused, or resampled to straight even slices."""

    REFUSED = "refused"
    RESAMPLED = "resampled"


@dataclass(frozen=True, eq=False, slots=True)
class Stack:
    """Slices in the order of their position along row x column, which is the third axis of the grid.

    `planes` is where they lie where they must be resampled to become the grid, None where they are its slices.
    """

    slices: tuple[Slice, ...]
    grid: Grid
    messages: tuple[str, ...]
    planes: ParallelPlanes | None = None


def stacked(
    slices: list[Slice],
    frame: Frame,
    same_pixels: Callable[[Slice, Slice], bool],
    straightening: Straightening = Straightening.REFUSED,
) -> Stack:
    """The volume that slices form; never sorted by Instance Number or Slice Location.

    `same_pixels` tells whether two slices at one position are copies. Raises InconsistentInput, with the slice in the
    sentence, for mixed sizes, spacings or orientations, different slices at one position and, unless they shall be
    resampled, missing or unevenly spaced slices and gantry tilt; UnsupportedInput when there are too many voxels.
    """
    _require_uniform(slices)
    direction = plane_axes(slices[0].orientation)
    normal = direction[:, 2]
    ordered = sorted(slices, key=lambda s: float(s.position_mm @ normal))
    kept, messages = _without_copies(ordered, normal, same_pixels)
    if len(kept) < 2:
        raise InconsistentInput(
            f"Series {slices[0].instance.series_uid} has one slice position only ({kept[0]}); give the whole series.",
            series_uid=slices[0].instance.series_uid,
        )
    _require_bearable(kept[0].rows, kept[0].columns, len(kept))
    planes = ParallelPlanes(
        frame=frame,
        positions_mm=np.array([slice_.position_mm for slice_ in kept]),
        spacing_mm=np.array(kept[0].spacing_mm[::-1]),
        direction=direction,
        size=(kept[0].columns, kept[0].rows),
    )
    if straightening is Straightening.RESAMPLED:
        return _resampled(kept, planes, messages)
    step_mm = _even_step_mm(kept, normal)
    _require_no_tilt(kept, planes)
    return _straight(kept, planes, step_mm, messages)


def _straight(kept: list[Slice], planes: ParallelPlanes, step_mm: float, messages: list[str]) -> Stack:
    """The volume whose slices these are."""
    grid = Grid(
        frame=planes.frame,
        origin_mm=planes.positions_mm[0],
        spacing_mm=np.array([*planes.spacing_mm, step_mm]),
        direction=planes.direction,
        size=(*planes.size, len(kept)),
    )
    return Stack(tuple(kept), grid, tuple(messages))


def _resampled(kept: list[Slice], planes: ParallelPlanes, messages: list[str]) -> Stack:
    """The volume that slices become where they are not straight; those that are stay as they are, which is said."""
    gaps_mm, tilt_deg = planes.gaps_mm, _tilt_deg(planes)
    uid = kept[0].instance.series_uid
    even_mm = even_step_mm(planes.offsets_mm[:, 2])
    if even_mm is not None and tilt_deg == 0.0:
        return _straight(kept, planes, even_mm, [*messages, f"Series {uid} is straight and even: nothing resampled."])
    if tilt_deg == 0.0:
        planes = replace(planes, positions_mm=_upon_each_other(planes))
    alike_mm = gaps_mm[gaps_mm <= gaps_mm.min() + _spacing_tolerance_mm(float(gaps_mm.min()))]
    step_mm = float(alike_mm.mean()) if even_mm is None else even_mm
    _require_bridgeable(kept, planes, step_mm, tilt_deg)
    grid = planes.straight_grid(step_mm)
    _require_bearable(*grid.shape)
    tilt = f", gantry tilt of about {tilt_deg:.1f} degrees" if tilt_deg else ""
    message = (
        f"Series {uid} was resampled to {grid.size[2]} straight slices, {step_mm:.2f} mm apart, since that was asked "
        f"for: it has {len(kept)} slices at distances of {gaps_mm.min():.2f} to {gaps_mm.max():.2f} mm{tilt}."
    )
    return Stack(tuple(kept), grid, (*messages, message), planes)


def _require_bridgeable(kept: list[Slice], planes: ParallelPlanes, step_mm: float, tilt_deg: float) -> None:
    """Raise InconsistentInput where too much would be made of too little: gaps, steps and tilts that no scan has."""
    gaps_mm, reason = planes.gaps_mm, ""
    widest = int(np.argmax(gaps_mm))
    if gaps_mm[widest] > max(LARGEST_BRIDGED_MM, LARGEST_BRIDGED_STEPS * step_mm):
        between = f"nothing between {kept[widest]} and {kept[widest + 1]}, {gaps_mm[widest]:.2f} mm"
        reason = f"has {between}: at most {LARGEST_BRIDGED_MM:g} mm are interpolated"
    elif gaps_mm.sum() > MOST_SLICES_PER_SLICE * len(kept) * step_mm:
        reason = f"has slices from {gaps_mm.min():.2f} to {gaps_mm.max():.2f} mm apart: too unlike to be one scan"
    elif tilt_deg > LARGEST_TILT_DEG:
        reason = f"would be tilted by {tilt_deg:.1f} degrees: no gantry is"
    if reason:
        uid = kept[0].instance.series_uid
        raise InconsistentInput(f"Series {uid} {reason}; export the series again.", series_uid=uid)


def _upon_each_other(planes: ParallelPlanes) -> Float64Array:
    """The positions of planes without what little they lie aside of the first."""
    positions_mm: Float64Array = planes.positions_mm[0] + planes.offsets_mm[:, 2:] * planes.direction[:, 2]
    return positions_mm


def _require_bearable(*shape: int) -> None:
    """Raise UnsupportedInput for more voxels than are read."""
    if np.prod(shape, dtype=np.float64) > MAX_VOXELS:
        raise UnsupportedInput(f"{' x '.join(map(str, shape))} voxels are more than the {MAX_VOXELS} that are read.")


def _require_uniform(slices: list[Slice]) -> None:
    """Raise InconsistentInput unless all slices have one orientation, size, pixel spacing and frame of reference."""
    first = slices[0]
    for other in slices[1:]:
        differing = _difference(first, other)
        if differing:
            what, expected, found = differing
            raise InconsistentInput(
                f"Series {first.instance.series_uid} mixes slices of different {what}: {first} has {expected}, {other} "
                f"has {found}; split the series.",
                series_uid=first.instance.series_uid,
                uid=other.instance.uid,
            )


def _difference(first: Slice, other: Slice) -> tuple[str, object, object] | None:
    """What keeps two slices from one volume: its name, and what either has."""
    if np.abs(other.orientation - first.orientation).max() > ORIENTATION_TOLERANCE:
        return "orientation", first.orientation.ravel().tolist(), other.orientation.ravel().tolist()
    if (other.rows, other.columns) != (first.rows, first.columns):
        return "size", (first.rows, first.columns), (other.rows, other.columns)
    if np.abs(np.subtract(other.spacing_mm, first.spacing_mm)).max() > SAME_SPACING_MM:
        return "pixel spacing", first.spacing_mm, other.spacing_mm
    if other.instance.frame_uid != first.instance.frame_uid:
        return "frame of reference", first.instance.frame_uid, other.instance.frame_uid
    return None


def _without_copies(
    ordered: list[Slice], normal: Float64Array, same_pixels: Callable[[Slice, Slice], bool]
) -> tuple[list[Slice], list[str]]:
    """One slice per position; copies are named in a message, different slices at one position are an error."""
    kept: list[Slice] = []
    messages: list[str] = []
    for slice_ in ordered:
        if not kept or (slice_.position_mm - kept[-1].position_mm) @ normal > SAME_POSITION_MM:
            kept.append(slice_)
        elif same_pixels(kept[-1], slice_):
            original = kept[-1].instance.path.name
            messages.append(f"Ignored {slice_.instance.path.name}: {slice_} is a copy of {original}.")
        else:
            raise InconsistentInput(
                f"Two different slices lie at one position: {kept[-1]} ({kept[-1].instance.path.name}) and {slice_} "
                f"({slice_.instance.path.name}); several phases or acquisitions in one series must be separated.",
                series_uid=slice_.instance.series_uid,
                uids=(kept[-1].instance.uid, slice_.instance.uid),
            )
    return kept, messages


def even_step_mm(along_mm: Float64Array) -> float | None:
    """The distance between ascending positions along a line, None where they are not even.

    Judged by how far each position is from an even lattice, so that rounded positions pass and a slow drift does not.
    """
    if len(along_mm) < 2:
        return None
    step_mm = float((along_mm[-1] - along_mm[0]) / (len(along_mm) - 1))
    defect_mm = float(np.abs(along_mm - along_mm[0] - step_mm * np.arange(len(along_mm))).max())
    return step_mm if defect_mm <= _spacing_tolerance_mm(step_mm) else None


def _even_step_mm(kept: list[Slice], normal: Float64Array) -> float:
    """The distance between slices; raises InconsistentInput where one is missing or the distances differ."""
    along_mm = np.array([slice_.position_mm @ normal for slice_ in kept])
    step_mm = even_step_mm(along_mm)
    if step_mm is not None:
        return step_mm
    gaps_mm = np.diff(along_mm)
    usual_mm = float(np.median(gaps_mm))
    worst = int(np.argmax(np.abs(gaps_mm - usual_mm)))
    raise _uneven(kept[worst], kept[worst + 1], float(gaps_mm[worst]), usual_mm)


def _spacing_tolerance_mm(step_mm: float) -> float:
    """How far a slice may lie from an even lattice."""
    return max(SPACING_TOLERANCE * step_mm, SPACING_TOLERANCE_MM)


def _uneven(below: Slice, above: Slice, gap_mm: float, step_mm: float) -> InconsistentInput:
    """The error for a gap: missing slices where it is a multiple of the usual distance, uneven spacing elsewhere."""
    multiple = round(gap_mm / step_mm)
    is_multiple = multiple >= 2 and abs(gap_mm - multiple * step_mm) <= multiple * _spacing_tolerance_mm(step_mm)
    lost = "1 slice is missing" if multiple == 2 else f"{multiple - 1} slices are missing"
    what = lost if is_multiple else "the slices are unevenly spaced"
    remedy = ", or have it resampled with --straighten" if gap_mm <= LARGEST_BRIDGED_MM else ""
    return InconsistentInput(
        f"In series {above.instance.series_uid} {what}: between {below} and {above} lie {gap_mm:.2f} mm, elsewhere "
        f"{step_mm:.2f} mm; export the series again{remedy}.",
        series_uid=above.instance.series_uid,
        uids=(below.instance.uid, above.instance.uid),
        gap_mm=gap_mm,
        step_mm=step_mm,
    )


def _tilt_deg(planes: ParallelPlanes) -> float:
    """The angle of the gantry, 0 where the planes lie upon each other."""
    lateral_mm = np.linalg.norm(planes.offsets_mm[:, :2], axis=1)
    worst = int(np.argmax(lateral_mm))
    if lateral_mm[worst] <= LATERAL_TOLERANCE_MM:
        return 0.0
    return float(np.rad2deg(np.arctan2(lateral_mm[worst], planes.offsets_mm[worst, 2])))


def _require_no_tilt(kept: list[Slice], planes: ParallelPlanes) -> None:
    """Raise InconsistentInput where slices are not stacked along their normal (gantry tilt)."""
    tilt_deg = _tilt_deg(planes)
    if tilt_deg:
        lateral_mm = np.linalg.norm(planes.offsets_mm[:, :2], axis=1)
        worst = int(np.argmax(lateral_mm))
        raise InconsistentInput(
            f"Series {kept[0].instance.series_uid} is not stacked along its slice normal: {kept[worst]} is "
            f"{lateral_mm[worst]:.2f} mm aside of {kept[0]} (gantry tilt of about {tilt_deg:.1f} degrees); have it "
            "resampled to straight slices with --straighten.",
            series_uid=kept[0].instance.series_uid,
            uid=kept[worst].instance.uid,
            tilt_deg=tilt_deg,
        )
