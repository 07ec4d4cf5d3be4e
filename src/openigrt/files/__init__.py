"""Every format but DICOM, to and from our nouns."""

from openigrt.files.builtin import builtin_machine, builtin_machine_names, builtin_protocols, read_aliases, read_machine
from openigrt.files.volumes import SUFFIXES, is_volume, read_volume, sha256_of, write_volume

__all__ = [
    "SUFFIXES",
    "builtin_machine",
    "builtin_machine_names",
    "builtin_protocols",
    "is_volume",
    "read_aliases",
    "read_machine",
    "read_volume",
    "sha256_of",
    "write_volume",
]
