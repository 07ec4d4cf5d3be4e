"""Slices to a volume: sorted by position, every irregularity an error or a named warning."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from openigrt.dicom.plane import plane_axes
from openigrt.dicom.slices import Slice
from openigrt.errors import InconsistentInput, UnsupportedInput
from openigrt.geometry import Float64Array, Frame, Grid

MAX_VOXELS = 2**30
SAME_POSITION_MM = 0.01
ORIENTATION_TOLERANCE = 1e-4
LATERAL_TOLERANCE_MM = 0.1
SPACING_TOLERANCE = 0.02
SPACING_TOLERANCE_MM = 0.1
SAME_SPACING_MM = 1e-4


@dataclass(frozen=True, eq=False, slots=True)
class Stack:
    """Slices in the order of their position along row x column, which is the third axis of the grid."""

    slices: tuple[Slice, ...]
    grid: Grid
    messages: tuple[str, ...]


def stacked(slices: list[Slice], frame: Frame, same_pixels: Callable[[Slice, Slice], bool]) -> Stack:
    """The volume that slices form; never sorted by Instance Number or Slice Location.

    `same_pixels` tells whether two slices at one position are copies. Raises InconsistentInput, with the slice in the
    sentence, for mixed sizes, spacings or orientations, different slices at one position, missing or unevenly spaced
    slices and gantry tilt; UnsupportedInput when there are too many voxels.
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
    if kept[0].rows * kept[0].columns * len(kept) > MAX_VOXELS:
        raise UnsupportedInput(f"{len(kept)} slices of {kept[0].rows} x {kept[0].columns} exceed {MAX_VOXELS} voxels.")
    step_mm = _even_step_mm(kept, normal)
    _require_no_tilt(kept, normal)
    grid = Grid(
        frame=frame,
        origin_mm=kept[0].position_mm,
        spacing_mm=np.array([kept[0].spacing_mm[1], kept[0].spacing_mm[0], step_mm]),
        direction=direction,
        size=(kept[0].columns, kept[0].rows, len(kept)),
    )
    return Stack(tuple(kept), grid, tuple(messages))


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


def _even_step_mm(kept: list[Slice], normal: Float64Array) -> float:
    """The distance between slices; raises InconsistentInput where one is missing or the distances differ.

    Judged by how far each position is from an even lattice, so that rounded positions pass and a slow drift does not.
    """
    along_mm = np.array([slice_.position_mm @ normal for slice_ in kept])
    step_mm = float((along_mm[-1] - along_mm[0]) / (len(kept) - 1))
    defect_mm = float(np.abs(along_mm - along_mm[0] - step_mm * np.arange(len(kept))).max())
    if defect_mm <= _spacing_tolerance_mm(step_mm):
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
    what = f"{multiple - 1} slice(s) are missing" if is_multiple else "the slices are unevenly spaced"
    return InconsistentInput(
        f"In series {above.instance.series_uid} {what}: between {below} and {above} lie {gap_mm:.2f} mm, elsewhere "
        f"{step_mm:.2f} mm; export the series again.",
        series_uid=above.instance.series_uid,
        uids=(below.instance.uid, above.instance.uid),
        gap_mm=gap_mm,
        step_mm=step_mm,
    )


def _require_no_tilt(kept: list[Slice], normal: Float64Array) -> None:
    """Raise InconsistentInput where slices are not stacked along their normal (gantry tilt)."""
    offsets_mm = np.array([slice_.position_mm - kept[0].position_mm for slice_ in kept])
    along_mm = offsets_mm @ normal
    lateral_mm = np.linalg.norm(offsets_mm - along_mm[:, None] * normal, axis=1)
    worst = int(np.argmax(lateral_mm))
    if lateral_mm[worst] > LATERAL_TOLERANCE_MM:
        tilt_deg = float(np.rad2deg(np.arctan2(lateral_mm[worst], along_mm[worst])))
        raise InconsistentInput(
            f"Series {kept[0].instance.series_uid} is not stacked along its slice normal: {kept[worst]} is "
            f"{lateral_mm[worst]:.2f} mm aside of {kept[0]} (gantry tilt of about {tilt_deg:.1f} degrees); resample it "
            "to straight slices first.",
            series_uid=kept[0].instance.series_uid,
            uid=kept[worst].instance.uid,
            tilt_deg=tilt_deg,
        )
