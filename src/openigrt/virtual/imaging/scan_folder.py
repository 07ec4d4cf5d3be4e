"""A simulated scan as files, which `openigrt reconstruct` takes: projections, fields, and the file of the machine."""

from dataclasses import dataclass
from pathlib import Path

from openigrt.files import write_field, write_scan
from openigrt.images import Scan
from openigrt.machine import Imager
from openigrt.virtual.imaging.patient_projections import PatientProjections

MACHINE_LINES = (
    'name = "virtual linac"',
    "",
    "[couch]",
    "degrees_of_freedom = 6",
    'pivot = "isocenter"',
    "resolution_mm = 0.1",
    "resolution_deg = 0.1",
    "",
    "[[cbct]]",
    'manufacturer = "OpenIGRT"',
    "origin_is_isocenter = true",
    'axes = "room"',
    "",
)


@dataclass(frozen=True, slots=True)
class ScanFolder:
    """Where a scan lies: `projections` is a folder, the others are files."""

    projections: Path
    flat: Path
    dark: Path
    machine: Path


def write_scan_folder(scan: Scan, source: PatientProjections, folder: Path) -> ScanFolder:
    """Write counts, geometry, dark and flat field, and a machine file with what a physicist would have measured.

    Give `scan.exposure.tube_voltage_kv` and `scan.couch` to `openigrt reconstruct`: this format does not hold them.
    """
    written = ScanFolder(folder / "projections", folder / "flat.mha", folder / "dark.mha", folder / "machine.toml")
    write_scan(scan, written.projections)
    dark, flat = source.fields(scan.trajectory)
    write_field(dark, written.dark)
    write_field(flat, written.flat)
    written.machine.write_text("\n".join([*MACHINE_LINES, *_imager_lines(source.protocol.imager())]), encoding="ascii")
    return written


def _imager_lines(imager: Imager) -> list[str]:
    """The [imager] table of a machine file."""
    lines = [
        "[imager]",
        f"kv_source_angle_offset_deg = {imager.kv_source_angle_offset_deg!r}",
        f"source_axis_distance_mm = {imager.source_axis_distance_mm!r}",
        f"source_detector_distance_mm = {imager.source_detector_distance_mm!r}",
        "",
        "[imager.filters_mm]",
        *(f'"{material}" = {thickness_mm!r}' for material, thickness_mm in imager.filters_mm.items()),
        "",
    ]
    if imager.bow_tie is not None:
        lines += [
            "[imager.bow_tie]",
            f'material = "{imager.bow_tie.material}"',
            f"fan_angles_deg = {list(imager.bow_tie.fan_angles_deg)}",
            f"thicknesses_mm = {list(imager.bow_tie.thicknesses_mm)}",
            "",
        ]
    if imager.lag is not None:
        lines += ["[imager.lag]", f"shares = {list(imager.lag.shares)}", f"frames = {list(imager.lag.frames)}", ""]
    if imager.scatter is not None:
        fit = imager.scatter
        lines += ["[imager.scatter]", f"amplitude = {fit.amplitude!r}", f"narrow_mm = {fit.narrow_mm!r}"]
        lines += [f"wide_mm = {fit.wide_mm!r}", f"wide_share = {fit.wide_share!r}", ""]
    return lines
