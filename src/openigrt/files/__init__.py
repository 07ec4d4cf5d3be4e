"""Every format but DICOM, to and from our nouns."""

from openigrt.files.volumes import SUFFIXES, is_volume, read_volume, sha256_of, write_volume

__all__ = ["SUFFIXES", "is_volume", "read_volume", "sha256_of", "write_volume"]
