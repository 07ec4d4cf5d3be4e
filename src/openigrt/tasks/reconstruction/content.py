"""What the report of a reconstruction shows of it."""

from importlib.metadata import version

from openigrt.report import ManifestSummary, ReconstructionReportContent, ShownPhase
from openigrt.tasks.reconstruction.reconstruction import Reconstruction

UNITS = {"_per_mm": " per mm", "_mm": " mm", "_kv": " kV", "_share": ""}


def reconstruction_content(done: Reconstruction) -> ReconstructionReportContent:
    """The nouns of a reconstruction, in the words of the page."""
    return ReconstructionReportContent(
        image=done.image,
        source_angles_deg=done.scan.trajectory.source_angles_deg(),
        scan=_scan(done),
        method=str(done.settings.method),
        messages=done.messages,
        settings=_settings(done),
        manifest=ManifestSummary(version("openigrt"), None, {}, {"pixels (SHA-256)": done.fingerprint}),
        created_at=done.reconstructed_at,
        timings_s={name.replace("_", " "): seconds for name, seconds in done.timing_s.items()},
        with_prior=None if done.prior is None else done.prior.image,
        match=None if done.prior is None else done.prior.match,
        phases=tuple(ShownPhase(made.name, made.projections, made.image) for made in done.bins),
        breathing=done.breathing,
    )


def _scan(done: Reconstruction) -> dict[str, str]:
    """What was taken, in words."""
    trajectory, scan, view = done.scan.trajectory, done.scan, done.field_of_view
    first = trajectory[0]
    columns, rows = trajectory.size
    spacing_mm = " × ".join(f"{x:.4g}" for x in trajectory.spacing_mm)
    axis_mm = float((first.source_mm @ first.source_mm) ** 0.5)
    voltage_kv, couch = scan.exposure.tube_voltage_kv, scan.couch
    return {
        "projections": f"{len(scan)}, {scan.quantity}",
        "arc": f"{done.arc.kind}, {done.arc.range_deg:.1f}° from {done.arc.start_deg:.1f}°",
        "fan": str(done.fan),
        "detector": f"{columns} × {rows} pixels of {spacing_mm} mm",
        "source to axis": f"{axis_mm:.1f} mm",
        "source to detector": f"{first.source_detector_distance_mm:.1f} mm",
        "seen whole": f"radius {view.radius_mm:.0f} mm, {view.last_mm - view.first_mm:.0f} mm along the axis",
        "tube": "not stated" if voltage_kv is None else f"{voltage_kv:g} kV",
        "couch": "not stated"
        if couch is None
        else f"{couch.table_top_lateral_position_mm:g}, {couch.table_top_longitudinal_position_mm:g}, "
        f"{couch.table_top_vertical_position_mm:g} mm, {couch.patient_support_angle_deg:g}°",
    }


def _settings(done: Reconstruction) -> dict[str, str]:
    """What was asked for: names without their units, values with them."""
    shown = {}
    for name, value in done.settings.record().items():
        suffix = next((suffix for suffix in UNITS if name.endswith(suffix)), "")
        if value is not None:
            shown[name.removesuffix(suffix).replace("_", " ")] = _in_words(value) + UNITS.get(suffix, "")
    return shown


def _in_words(value: object) -> str:
    """A setting on one line."""
    if isinstance(value, dict):
        return ", ".join(
            f"{name.replace('_', ' ')} {_in_words(part)}" for name, part in value.items() if part is not None
        )
    if isinstance(value, tuple | list):
        return " × ".join(map(str, value))
    return f"{value:g}" if isinstance(value, float) else str(value)
