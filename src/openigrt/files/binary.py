"""Binary files from outside, read in pieces whose lengths are checked against the file before they are believed."""

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from openigrt.errors import UnreadableFile

LARGEST_FILE_BYTES = 2**30


class BinaryFile:
    """A little-endian file, read from its start on."""

    def __init__(self, path: Path, file: BinaryIO, size: int) -> None:
        self.path, self.size = path, size
        self._file = file

    @property
    def left(self) -> int:
        """How many bytes follow."""
        return self.size - self._file.tell()

    def bytes(self, count: int, what: str) -> bytes:
        """The next bytes; raises UnreadableFile where the file ends before."""
        self._require(count, what)
        return self._file.read(count)

    def skip(self, count: int, what: str) -> None:
        """Pass over the next bytes; raises UnreadableFile where the file ends before."""
        self._require(count, what)
        self._file.seek(count, 1)

    def whole_number(self, what: str) -> int:
        """The next 32 bits, signed."""
        return int(struct.unpack("<i", self.bytes(4, what))[0])

    def _require(self, count: int, what: str) -> None:
        """Raise UnreadableFile for a length that the file does not have."""
        if not 0 <= count <= self.left:
            raise UnreadableFile(
                f"{self.path} is truncated or damaged: its {what} would take {count} bytes, and {self.left} are left; "
                "copy it again.",
                path=str(self.path),
            )


@contextmanager
def binary_file(path: Path) -> Iterator[BinaryFile]:
    """The file opened; raises UnreadableFile where it is not there, cannot be read, or is far too large."""
    try:
        size = path.stat().st_size
        file = path.open("rb")
    except OSError as error:
        raise UnreadableFile(f"{path} cannot be read: {error.strerror}.", path=str(path)) from None
    with file:
        if size > LARGEST_FILE_BYTES:
            raise UnreadableFile(f"{path} has {size} bytes, more than one projection has.", path=str(path))
        yield BinaryFile(path, file, size)
