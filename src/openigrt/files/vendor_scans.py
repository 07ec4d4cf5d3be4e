"""Scans of Varian and Elekta: their projections and what stands beside these, in the room.

Every angle ends as that of the kV source, IEC 61217. Columns of a projection run along x and rows along y of the gantry
at that angle, as RTK reads these formats.
"""

from collections.abc import Sequence
from functools import cache
from itertools import pairwise
from pathlib import Path

import numpy as np

from openigrt.errors import InconsistentInput, MissingInput
from openigrt.files.builtin import builtin_machine
from openigrt.files.file_pixels import FilePixels
from openigrt.files.his import read_his_header, read_his_pixels
from openigrt.files.hnd import HndHeader, read_hnd_header, read_hnd_pixels
from openigrt.files.rtk_geometry import ProjectionLattice, RtkGeometry, trajectory_of
from openigrt.files.scan_sources import ScanDefaults, file_above, xml_beside
from openigrt.files.varian_scan import (
    OBI_NAME,
    TRUEBEAM_NAME,
    VarianScan,
    read_projection_info,
    read_truebeam_scan,
)
from openigrt.files.xim import MM_PER_CM, XimHeader, read_xim_header, read_xim_pixels
from openigrt.files.xvi_frames import XviFrame, is_xvi_frames, read_xvi_frames
from openigrt.geometry import Float64Array, Trajectory
from openigrt.images import Exposure, Provenance, Quantity, Scan
from openigrt.machine import FrameAngle, Imager

XVI_NAME = "_Frames.xml"
SAME_DISTANCE_MM = 5.0
HALF_FAN_SHARE = 0.1
VARIAN, ELEKTA = "Varian Medical Systems", "ELEKTA"

Messages = tuple[str, ...]


# -------------------------------------------------------------------------------- Varian TrueBeam


def xim_scan(paths: Sequence[Path], defaults: ScanDefaults) -> tuple[Scan, Messages]:
    """The scan of .xim files in this order, with Scan.xml where it stands in their folder or above.

    Raises InconsistentInput for mixed detectors, MissingInput where distances are neither stated nor given.
    """
    every = [read_xim_header(path) for path in paths]
    kept = [n for n, header in enumerate(every) if header.has_pixels]
    headers = [every[n] for n in kept]
    if not headers:
        raise MissingInput(f"None of the {len(every)} files beside {paths[0]} holds pixels; copy the scan again.")
    size, spacing_mm = (headers[0].columns, headers[0].rows), _xim_spacing_mm(headers[0])
    for header in headers:
        _require_same_detector(header.path, (header.columns, header.rows), size, (_xim_spacing_mm(header), spacing_mm))
    stated, messages = _truebeam_scan(paths[0].parent)
    distances_mm, said = _xim_distances_mm(headers, stated, defaults.imager)
    offsets_mm = np.array([_xim_offset_mm(header) for header in headers])
    angles = np.array([header.kv_source_angle_deg for header in headers])
    trajectory = _circular(angles, offsets_mm, distances_mm, ProjectionLattice.centred(spacing_mm, size))
    left = len(every) - len(headers)
    messages += said + ((f"{left} files hold no pixels and are left aside.",) if left else ())
    messages += _doubts_about_fan(offsets_mm[:, 0], size[0] * spacing_mm[0], stated.is_half_fan)
    messages += _doubt_about_lateral(offsets_mm[:, 0], stated.lateral_mm)
    scan = Scan(
        pixels=FilePixels(tuple(header.path for header in headers), size, read_xim_pixels),
        trajectory=trajectory,
        quantity=Quantity.INTENSITY,
        times_s=None if stated.frames_per_s is None else (np.array(kept) - kept[0]) / stated.frames_per_s,
        exposure=Exposure(headers[0].stated("KVKiloVolts"), headers[0].stated("KVMilliAmperes")),
        provenance=Provenance(manufacturer=VARIAN),
        beam_monitor=_monitor([header.stated("KVNormChamber") for header in headers]),
    )
    return scan, messages


def _xim_spacing_mm(header: XimHeader) -> tuple[float, float]:
    """Between columns, between rows."""
    return header.number("PixelWidth") * MM_PER_CM, header.number("PixelHeight") * MM_PER_CM


def _xim_offset_mm(header: XimHeader) -> tuple[float, float]:
    """Where the centre of the detector stands, x and y of the gantry at the angle of the source."""
    return header.number("KVDetectorLat") * MM_PER_CM, header.number("KVDetectorLng") * MM_PER_CM


def _truebeam_scan(folder: Path) -> tuple[VarianScan, Messages]:
    """What Scan.xml says, nothing where there is none."""
    path = file_above(folder, TRUEBEAM_NAME)
    if path is None:
        return VarianScan(None, None), (
            f"There is no {TRUEBEAM_NAME}; distances are those of projections or machine file.",
        )
    return read_truebeam_scan(path), ()


def _xim_distances_mm(
    headers: Sequence[XimHeader], stated: VarianScan, imager: Imager | None
) -> tuple[tuple[float, float], Messages]:
    """Source to axis and to detector: from Scan.xml, else the first projection, else the machine file."""
    pairs = [(stated.source_axis_distance_mm, stated.source_detector_distance_mm)]
    pairs += [_xim_own_distances_mm(header) for header in headers]
    pairs += [(imager.source_axis_distance_mm, imager.source_detector_distance_mm)] if imager else []
    whole = [(axis, beyond) for axis, beyond in pairs if axis is not None and beyond is not None]
    if not whole:
        raise MissingInput(
            f"Neither {TRUEBEAM_NAME} (SAD, SID) nor {headers[0].path} (KVSourceVrt, KVDetectorVrt) states the "
            "distances of source and detector; give the imager of the machine file."
        )
    off_mm = float(np.abs(np.array(whole) - whole[0]).max())
    said = f"{TRUEBEAM_NAME}, projections or machine file differ by {off_mm:.0f} mm in a distance; the first one holds."
    return whole[0], (said,) if off_mm > SAME_DISTANCE_MM else ()


def _xim_own_distances_mm(header: XimHeader) -> tuple[float | None, float | None]:
    """Source to axis and to detector as a projection states them: heights of both above the axis, one below it."""
    source_cm, detector_cm = header.stated("KVSourceVrt"), header.stated("KVDetectorVrt")
    if source_cm is None or detector_cm is None:
        return None, None
    return source_cm * MM_PER_CM, (source_cm + abs(detector_cm)) * MM_PER_CM


def _doubt_about_lateral(offsets_mm: Float64Array, lateral_mm: float | None) -> Messages:
    """A message where projections and Scan.xml place the detector elsewhere; the sign of the latter is not known."""
    mean_mm = float(np.mean(offsets_mm))
    if lateral_mm is None or abs(abs(lateral_mm) - abs(mean_mm)) <= SAME_DISTANCE_MM:
        return ()
    return (
        f"{TRUEBEAM_NAME} has the detector {abs(lateral_mm):.0f} mm aside, the projections {abs(mean_mm):.0f} mm; "
        "the projections hold.",
    )


# -------------------------------------------------------------------------------- Varian On-Board Imager


def hnd_scan(paths: Sequence[Path], defaults: ScanDefaults) -> tuple[Scan, Messages]:
    """The scan of .hnd or .hnc files in this order, with ProjectionInfo.xml in their folder or above.

    Raises MissingInput without that file, InconsistentInput for mixed detectors.
    """
    headers = [read_hnd_header(path) for path in paths]
    size, spacing_mm = (headers[0].columns, headers[0].rows), _hnd_spacing_mm(headers[0])
    for header in headers:
        _require_same_detector(header.path, (header.columns, header.rows), size, (_hnd_spacing_mm(header), spacing_mm))
    info = file_above(paths[0].parent, OBI_NAME)
    if info is None:
        raise MissingInput(
            f"{paths[0].parent} holds projections of Varian's On-Board Imager without {OBI_NAME}, which says where the "
            "detector stood; put it beside them."
        )
    stated = read_projection_info(info)
    offsets_mm = np.tile(stated.detector_offset_mm or (0.0, 0.0), (len(headers), 1))
    distances_mm = stated.source_axis_distance_mm or 0.0, stated.source_detector_distance_mm or 0.0
    angles = np.array([header.source_angle_deg for header in headers])
    scan = Scan(
        pixels=FilePixels(tuple(paths), size, read_hnd_pixels),
        trajectory=_circular(angles, offsets_mm, distances_mm, ProjectionLattice.centred(spacing_mm, size)),
        quantity=Quantity.INTENSITY,
        exposure=Exposure(headers[0].tube_voltage_kv or None, headers[0].tube_current_ma or None),
        provenance=Provenance(manufacturer=VARIAN),
        beam_monitor=_monitor([header.norm_chamber for header in headers]),
    )
    return scan, _doubts_about_fan(offsets_mm[:, 0], size[0] * spacing_mm[0], stated.is_half_fan)


def _hnd_spacing_mm(header: HndHeader) -> tuple[float, float]:
    """Between columns, between rows."""
    return header.column_spacing_mm, header.row_spacing_mm


# -------------------------------------------------------------------------------- Elekta XVI


def his_scan(paths: Sequence[Path], defaults: ScanDefaults) -> tuple[Scan, Messages]:
    """The scan of .his files in this order, with the list of frames of XVI 5 beside them.

    Raises MissingInput without a list, InconsistentInput where it lists another number of frames or detectors are
    mixed. Frames that were not exposed, or that XVI set aside, are left out with a message.
    """
    headers = [read_his_header(path) for path in paths]
    size = headers[0].columns, headers[0].rows
    for header in headers:
        _require_same_detector(header.path, (header.columns, header.rows), size, (header.spacing_mm,) * 2)
    frames = _frames_beside(paths)
    used = [n for n, frame in enumerate(frames) if frame.is_used]
    if not used:
        raise MissingInput(f"None of the {len(frames)} frames beside {paths[0]} is exposed and active.")
    imager, messages = _elekta_imager(defaults.imager)
    turn_deg = imager.kv_source_angle_offset_deg if imager.frame_angle is FrameAngle.GANTRY else 0.0
    angles = np.array([frames[n].angle_deg + turn_deg for n in used])
    offsets_mm = -np.array([frames[n].axis_mm for n in used])
    distances_mm = imager.source_axis_distance_mm, imager.source_detector_distance_mm
    times_s, said = _times_s([frames[n].elapsed_ms for n in used])
    lattice = ProjectionLattice.centred(headers[0].spacing_mm, size)
    scan = Scan(
        pixels=FilePixels(tuple(paths[n] for n in used), size, read_his_pixels),
        trajectory=_circular(angles, offsets_mm, distances_mm, lattice),
        quantity=Quantity.INTENSITY,
        times_s=times_s,
        provenance=Provenance(manufacturer=ELEKTA),
    )
    return scan, messages + said + _left_out(frames)


def _frames_beside(paths: Sequence[Path]) -> tuple[XviFrame, ...]:
    """The list of frames, as long as the list of files."""
    folder = paths[0].parent
    named = folder / XVI_NAME
    path = named if named.is_file() else xml_beside(folder, is_xvi_frames, "frames of XVI")
    if path is None:
        raise MissingInput(
            f"{folder} holds projections of Elekta XVI without the list of its frames ({XVI_NAME}), which says at "
            "which angles they were taken; put it beside them. FRAME.DBF of XVI 4 is not read.",
        )
    frames = read_xvi_frames(path)
    if len(frames) != len(paths):
        raise InconsistentInput(
            f"{path} lists {len(frames)} frames, and there are {len(paths)} projections; which belongs to which is not "
            "known. Copy the scan again.",
            listed=len(frames),
            found=len(paths),
        )
    return frames


def _elekta_imager(given: Imager | None) -> tuple[Imager, Messages]:
    """The imager of the caller's machine file, else of the one that comes with OpenIGRT, with a message."""
    if given is not None:
        return given, ()
    imager = _builtin_elekta()
    return imager, (
        f"No machine file is given: source-axis distance {imager.source_axis_distance_mm:g} mm, source-detector "
        f"distance {imager.source_detector_distance_mm:g} mm, and the angles of the frames as those of the kV source.",
    )


@cache
def _builtin_elekta() -> Imager:
    """The imager of the built-in machine."""
    imager = builtin_machine("elekta_iec").imager
    if imager is None:
        raise MissingInput("The built-in machine elekta_iec says nothing of its imager; give a machine file.")
    return imager


def _left_out(frames: Sequence[XviFrame]) -> Messages:
    """What was left out, and what was taken while the treatment beam was on."""
    counts = {
        "frames are set aside by XVI (Inactive) and left out": sum(frame.is_inactive for frame in frames),
        "frames were not exposed and are left out": sum(not frame.is_exposed for frame in frames),
        "projections were taken with the treatment beam on": sum(
            frame.is_with_treatment_beam and frame.is_used for frame in frames
        ),
    }
    return tuple(f"{count} {words}." for words, count in counts.items() if count)


def _times_s(elapsed_ms: Sequence[float | None]) -> tuple[Float64Array | None, Messages]:
    """Seconds since the first projection, where the times are all stated and rise."""
    times = [time for time in elapsed_ms if time is not None]
    if not times:
        return None, ()
    rises = len(times) == len(elapsed_ms) and all(later > earlier for earlier, later in pairwise(times))
    if not rises:
        return None, ("DeltaMs of the frames does not rise from each to the next; their times are not used.",)
    return (np.array(times) - times[0]) / 1000.0, ()


# -------------------------------------------------------------------------------- all of them


def _circular(
    angles_deg: Float64Array,
    offsets_mm: Float64Array,
    distances_mm: tuple[float, float],
    lattice: ProjectionLattice,
) -> Trajectory:
    """A source that turns at one distance, and a detector whose centre stands aside by (n, 2)."""
    still = np.zeros(len(angles_deg))
    geometry = RtkGeometry(
        gantry_angles_deg=angles_deg,
        out_of_plane_angles_deg=still,
        in_plane_angles_deg=still,
        source_offsets_x_mm=still,
        source_offsets_y_mm=still,
        projection_offsets_x_mm=offsets_mm[:, 0],
        projection_offsets_y_mm=offsets_mm[:, 1],
        source_isocenter_distances_mm=still + distances_mm[0],
        source_detector_distances_mm=still + distances_mm[1],
    )
    return trajectory_of(geometry, lattice)


def _require_same_detector(
    path: Path,
    size: tuple[int, int],
    first: tuple[int, int],
    spacings_mm: tuple[tuple[float, float], tuple[float, float]],
) -> None:
    """Raise InconsistentInput for a projection of another size or pixel spacing than the first one."""
    if size != first or not np.allclose(*spacings_mm, rtol=1e-6):
        raise InconsistentInput(
            f"{path} has {size[0]} x {size[1]} pixels of {spacings_mm[0][0]:.4g} mm, and the first projection "
            f"{first[0]} x {first[1]} of {spacings_mm[1][0]:.4g} mm; keep one scan in a folder.",
            path=str(path),
        )


def _doubts_about_fan(offsets_mm: Float64Array, width_mm: float, is_half_fan: bool | None) -> Messages:
    """A message where the flag of half or full fan is not what the place of the detector says, which holds."""
    aside_mm = abs(float(np.mean(offsets_mm)))
    stands_aside = aside_mm > HALF_FAN_SHARE * width_mm
    if is_half_fan is None or is_half_fan == stands_aside:
        return ()
    flag, found = ("half", "full") if is_half_fan else ("full", "half")
    return (
        f"The scan is flagged as {flag} fan, and its detector stands {aside_mm:.0f} mm aside of the beam axis, which "
        f"is {found} fan; where the detector stands holds.",
    )


def _monitor(readings: Sequence[float | None]) -> Float64Array | None:
    """Readings of the chamber in the beam, None unless each projection has one above zero."""
    found = [reading for reading in readings if reading is not None and reading > 0.0]
    return np.array(found) if len(found) == len(readings) else None
