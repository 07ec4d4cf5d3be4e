"""What the report of a reconstruction shows of it."""

from importlib.metadata import version

from openigrt.report import ManifestSummary, ReconstructionReportContent, ShownPhase
from openigrt.tasks.reconstruction.projection_corrections import Scatter
from openigrt.tasks.reconstruction.reconstruction import BreathingSettings, Method, Reconstruction

METHODS = {
    Method.FDK: "filtered back-projection (fdk)",
    Method.OS_SART: "algebraic, in ordered subsets (os-sart)",
    Method.CGLS: "least squares (cgls)",
    Method.TOTAL_VARIATION: "total variation (tv)",
}
SCATTERS = {
    Scatter.NONE: "not taken off before the logarithm",
    Scatter.UNIFORM: "a constant in each projection taken off",
    Scatter.KERNEL: "taken off by a kernel",
}


def reconstruction_content(done: Reconstruction) -> ReconstructionReportContent:
    """The nouns of a reconstruction, in the words of the page."""
    return ReconstructionReportContent(
        image=done.image,
        source_angles_deg=done.scan.trajectory.source_angles_deg(),
        scan=_scan(done),
        method=str(done.settings.method),
        messages=done.messages,
        pressing=done.pressing,
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
    """What was asked for, in plain words."""
    asked, shown = done.settings, {"method": METHODS[done.settings.method]}
    voxels = "all that every projection sees" if asked.size is None else " × ".join(map(str, asked.size))
    shown |= {"voxel": f"{asked.voxel_mm:g} mm", "volume": voxels}
    if asked.method is Method.FDK:
        shown["filter"] = f"{asked.window}, up to {100.0 * asked.cut_off_share:g} % of the highest frequency"
    elif asked.iterations is not None:
        shown["iterations"] = str(asked.iterations)
    fields = [f"{name} {path.name}" for name, path in (("flat", asked.flat), ("dark", asked.dark)) if path]
    shown["fields of the detector"] = ", ".join(fields) or "none given"
    shown["scatter"] = SCATTERS[asked.scatter]
    shown["rings"] = "taken off" if asked.removes_rings else "left as they are"
    shown["metal"] = "cut out, filled and put back" if asked.removes_metal else "left as it is"
    if asked.tube_voltage_kv is not None:
        shown["tube, as given"] = f"{asked.tube_voltage_kv:g} kV"
    if asked.water_per_mm is not None:
        shown["water"] = f"{asked.water_per_mm:g} per mm"
    if done.prior is not None:
        shown["match of the prior"] = "seen by a person" if asked.is_match_seen else "by its own verdict"
    return shown if asked.breathing is None else shown | {"breathing": _breathing(asked.breathing)}


def _breathing(asked: BreathingSettings) -> str:
    """How breathing was sorted."""
    source = "as the projections show it"
    if asked.trace is not None:
        source = f"by {asked.trace.name}, whose clock shows {asked.trace_start_s:g} s at the first projection"
    return f"{asked.bins} bins by {asked.by}, {source}"
