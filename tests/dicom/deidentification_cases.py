"""What tests of the de-identification share: a key, and files made byte by byte, which no library would write."""

import struct
from pathlib import Path

from openigrt.dicom import Pseudonyms, deidentified_file, profile_with, save_deidentified

KEY = bytes(range(32))
PSEUDONYMS = Pseudonyms(KEY)
EXPLICIT, IMPLICIT = "1.2.840.10008.1.2.1", "1.2.840.10008.1.2"
LONG_LENGTHS = ("OB", "OW", "OF", "SQ", "UN", "UT", "UC", "UR")
UNDEFINED = 0xFFFFFFFF
SECRET = b"SECRET^N"


def element(tag, vr, value, syntax=EXPLICIT):
    """One element of defined length."""
    start = struct.pack("<HH", tag >> 16, tag & 0xFFFF)
    if syntax == IMPLICIT:
        return start + struct.pack("<I", len(value)) + value
    if vr in LONG_LENGTHS:
        return start + vr.encode() + struct.pack("<HI", 0, len(value)) + value
    return start + vr.encode() + struct.pack("<H", len(value)) + value


def undefined(tag, vr, value, syntax=EXPLICIT):
    """A sequence of undefined length."""
    start = struct.pack("<HH", tag >> 16, tag & 0xFFFF)
    length = struct.pack("<I", UNDEFINED) if syntax == IMPLICIT else vr.encode() + struct.pack("<HI", 0, UNDEFINED)
    return start + length + value + struct.pack("<HHI", 0xFFFE, 0xE0DD, 0)


def item(value):
    return struct.pack("<HHI", 0xFFFE, 0xE000, len(value)) + value


def open_item(value):
    return struct.pack("<HHI", 0xFFFE, 0xE000, UNDEFINED) + value + struct.pack("<HHI", 0xFFFE, 0xE00D, 0)


def name(syntax=EXPLICIT):
    """A patient's name, as it stands in an object or an item."""
    return element(0x00100010, "PN", SECRET, syntax)


def file_of(body, syntax=EXPLICIT, sop_class=b"1.2.840.10008.5.1.4.1.1.2\0"):
    """A Part 10 file; the preamble and the sending station hold a secret, too."""
    start = element(0x00080016, "UI", sop_class, syntax) + element(0x00080018, "UI", b"1.2.3.41", syntax)
    padded = syntax.encode() + b"\0" * (len(syntax) % 2)
    meta = element(0x00020002, "UI", sop_class) + element(0x00020003, "UI", b"1.2.3.41")
    meta += element(0x00020010, "UI", padded) + element(0x00020016, "AE", SECRET)
    meta = element(0x00020000, "UL", struct.pack("<I", len(meta))) + meta
    return SECRET.ljust(128, b"x") + b"DICM" + meta + start + body


def treated(source, target, options=frozenset(), pseudonyms=PSEUDONYMS):
    """De-identify one file; the bytes of the result and the remarks."""
    file = deidentified_file(Path(source), profile_with(frozenset(options)), pseudonyms)
    save_deidentified(file, Path(target))
    return Path(target).read_bytes(), file.remarks
