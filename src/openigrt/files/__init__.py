"""Every format but DICOM, to and from our nouns."""

from openigrt.files.builtin import (
    LogAxisScale,
    builtin_machine,
    builtin_machine_names,
    builtin_protocols,
    log_machine,
    read_aliases,
    read_machine,
    read_readings,
)
from openigrt.files.fields import read_field
from openigrt.files.rtk_geometry import (
    ProjectionLattice,
    RtkGeometry,
    read_rtk_geometry,
    rtk_geometry_of,
    trajectory_of,
    write_rtk_geometry,
)
from openigrt.files.scan_sources import ScanDefaults
from openigrt.files.scan_writing import write_field, write_scan
from openigrt.files.scans import read_scan
from openigrt.files.traces import read_trace
from openigrt.files.volumes import SUFFIXES, is_volume, read_volume, sha256_of, write_volume

__all__ = [
    "SUFFIXES",
    "LogAxisScale",
    "ProjectionLattice",
    "RtkGeometry",
    "ScanDefaults",
    "builtin_machine",
    "builtin_machine_names",
    "builtin_protocols",
    "is_volume",
    "log_machine",
    "read_aliases",
    "read_field",
    "read_machine",
    "read_readings",
    "read_rtk_geometry",
    "read_scan",
    "read_trace",
    "read_volume",
    "rtk_geometry_of",
    "sha256_of",
    "trajectory_of",
    "write_field",
    "write_rtk_geometry",
    "write_scan",
    "write_volume",
]
