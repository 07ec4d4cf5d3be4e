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
from openigrt.files.volumes import SUFFIXES, is_volume, read_volume, sha256_of, write_volume

__all__ = [
    "SUFFIXES",
    "LogAxisScale",
    "builtin_machine",
    "builtin_machine_names",
    "builtin_protocols",
    "is_volume",
    "log_machine",
    "read_aliases",
    "read_machine",
    "read_readings",
    "read_volume",
    "sha256_of",
    "write_volume",
]
