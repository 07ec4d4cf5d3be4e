"""Deflated data sets (PS3.5 A.5), inflated as far as they are asked for and never beyond a limit."""

import zlib
from collections.abc import Iterator
from typing import BinaryIO

from openigrt.errors import UnreadableFile

FREELY_INFLATED_BYTES = 2**25
MOST_INFLATION = 20
MAX_INFLATED_BYTES = 2**31
CHUNK_BYTES = 2**16


class Truncated(Exception):
    """A file ends in the middle of an element; carried through pydicom, which swallows EOFError."""


class InflatedFile:
    """A file whose bytes from its current position on are deflated, read as if they were not.

    Positions count the plain bytes before, then inflated ones. Only what was asked for is inflated, and kept.
    """

    def __init__(self, name: str, file: BinaryIO, size: int) -> None:
        """Read from `file`, which holds `size` bytes and is called `name` in errors."""
        self.start = self._position = file.tell()
        self._file, self._inflated, self._ended = file, bytearray(), False
        self._decompressor = _decompressor()
        self._limit = limit_bytes(size - self.start)
        self._name = name

    def read(self, count: int) -> bytes:
        """Exactly `count` bytes; nothing at all once, at the very end."""
        begin = self._position - self.start
        self._inflate(begin + count)
        content = bytes(self._inflated[begin : begin + count])
        if len(content) < count and (content or self._ended):
            raise Truncated
        self._ended = self._ended or len(content) < count
        self._position += len(content)
        return content

    def seek(self, offset: int, whence: int = 0) -> int:
        """Move to a position in the data set, from its start or from here."""
        position = offset if whence == 0 else self._position + offset
        self._inflate(position - self.start)
        if position > self.start + len(self._inflated):
            raise Truncated
        self._position = position
        return position

    def tell(self) -> int:
        """Where the next read begins."""
        return self._position

    def whole(self) -> bytes:
        """Everything that is left, inflated; counted first, so that a bomb takes no memory."""
        begin = self._file.tell()
        counted, decompressor = 0, _decompressor()
        for piece in _pieces(self._file, decompressor):
            counted += len(piece)
            self._require_bounded(counted)
        if not decompressor.eof:
            raise Truncated
        self._file.seek(begin)
        return b"".join(_pieces(self._file, _decompressor()))

    def _inflate(self, count: int) -> None:
        """Have `count` bytes inflated, or all that there are."""
        if count <= len(self._inflated):
            return
        for piece in _pieces(self._file, self._decompressor):
            self._inflated += piece
            self._require_bounded(len(self._inflated))
            if len(self._inflated) >= count:
                return
        if not self._decompressor.eof:
            raise Truncated

    def _require_bounded(self, count: int) -> None:
        """Raise UnreadableFile where more comes out than any honest file holds."""
        if count > self._limit:
            raise UnreadableFile(
                f"{self._name} is deflated DICOM that inflates to more than {self._limit} bytes, which no honest file "
                "of its size does; export it again without compression.",
                limit_bytes=self._limit,
            )


def limit_bytes(deflated_bytes: int) -> int:
    """How many bytes may come out of so many deflated ones."""
    return min(max(FREELY_INFLATED_BYTES, MOST_INFLATION * deflated_bytes), MAX_INFLATED_BYTES)


def _decompressor() -> "zlib._Decompress":
    """A decompressor of raw deflate streams (RFC 1951)."""
    return zlib.decompressobj(wbits=-zlib.MAX_WBITS)


def _pieces(file: BinaryIO, decompressor: "zlib._Decompress") -> Iterator[bytes]:
    """Inflated bytes in pieces of bounded size, until the stream or the file ends."""
    while not decompressor.eof:
        deflated = decompressor.unconsumed_tail or file.read(CHUNK_BYTES)
        piece = decompressor.decompress(deflated, CHUNK_BYTES)
        if not deflated and not piece:
            return
        yield piece
