"""Scans of cone-beam CT from the files of machines and of other programs, known by what is in them."""

import re
from collections.abc import Callable, Sequence
from pathlib import Path

from openigrt.errors import AmbiguousInput, InvalidGeometry, MissingInput, UnreadableFile, UnsupportedInput
from openigrt.files.his import is_his
from openigrt.files.hnd import is_hnd
from openigrt.files.scan_sources import ScanDefaults
from openigrt.files.stack_headers import is_meta, is_nrrd
from openigrt.files.stack_scans import stack_scan, tiff_scan
from openigrt.files.stacks import is_tiff
from openigrt.files.vendor_scans import his_scan, hnd_scan, xim_scan
from openigrt.files.xim import is_xim
from openigrt.images import Scan, doubts_about_arc

START_BYTES = 1024
MOST_FILES = 20_000
BESIDE = (".xml", ".raw", ".zraw")  # what projections come with
DICOM_AT, DICOM_MARK = 128, b"DICM"
EXPECTED = (
    "Varian .xim, .hnd or .hnc, Elekta .his with _Frames.xml, or a stack (.mha, .mhd, .nrrd, TIFF series) with RTK's "
    "geometry"
)

Messages = tuple[str, ...]
Series = Callable[[Sequence[Path], ScanDefaults], tuple[Scan, Messages]]

_SERIES: dict[str, tuple[Callable[[bytes], bool], Series]] = {
    "Varian .xim": (is_xim, xim_scan),
    "Varian .hnd or .hnc": (is_hnd, hnd_scan),
    "Elekta .his": (is_his, his_scan),
    "TIFF": (is_tiff, tiff_scan),
}
_STACK = "stack (.mha, .mhd, .nrrd)"
_DICOM = "DICOM"
_LEFT_OPEN: dict[str, tuple[str, ...]] = {
    "Varian .xim": ("imager",),
    "Elekta .his": ("imager",),
    "TIFF": ("geometry", "quantity", "spacing_mm"),
    _STACK: ("geometry", "quantity"),
}


def read_scan(path: Path, defaults: ScanDefaults | None = None) -> tuple[Scan, Messages]:
    """The scan of a folder of projections, or of the file of a stack, and what was noticed.

    Formats are known by their content. Files are taken in the order of their names, numbers counted as numbers. Headers
    are read now, pixels when they are asked for. Raises MissingInput, UnreadableFile, UnsupportedInput,
    InconsistentInput or AmbiguousInput with a sentence that says what was found and expected.
    """
    known = defaults or ScanDefaults()
    kind, paths, aside = _projections_at(path)
    known.require_open(_LEFT_OPEN.get(kind, ()), kind)
    try:
        scan, messages = stack_scan(paths[0], known) if kind == _STACK else _SERIES[kind][1](paths, known)
    except InvalidGeometry as error:
        raise UnreadableFile(f"{path} states a geometry that cannot be: {error.sentence}", path=str(path)) from None
    return scan, aside + messages + doubts_about_arc(scan.trajectory)


def _projections_at(path: Path) -> tuple[str, list[Path], Messages]:
    """The format, the files of projections, and what was left aside; raises where there are none, or of two kinds."""
    if path.is_file():
        kind = _kind_of(path)
        if kind in (None, _DICOM):
            raise _unknown(path, kind)
        return str(kind), [path] if kind == _STACK else _like(path, str(kind)), ()
    if not path.is_dir():
        raise MissingInput(f"{path} is not there; expected a folder or file of projections: {EXPECTED}.")
    by_kind = _sorted_out(path)
    folder = path
    if not by_kind.keys() - {None}:
        folder = _acquisition(path)
        by_kind = _sorted_out(folder)
    kinds = sorted(kind for kind in by_kind if kind is not None)
    if kinds in ([], [_DICOM]):
        raise _unknown(path, kinds[0] if kinds else None)
    if len(kinds) > 1 or (kinds[0] == _STACK and len(by_kind[kinds[0]]) > 1):
        found = ", ".join(f"{len(by_kind[kind])} of {kind}" for kind in kinds)
        raise AmbiguousInput(f"{folder} holds several kinds or stacks of projections ({found}); give one of them.")
    others = [name for name in by_kind.get(None, []) if name.suffix.lower() not in BESIDE]
    return kinds[0], by_kind[kinds[0]], _left_aside(others)


def _left_aside(others: list[Path]) -> Messages:
    """A message about files that are no projections."""
    if not others:
        return ()
    if len(others) == 1:
        return (f"{others[0].name!r} is no projection and is left aside.",)
    return (f"{len(others)} files are no projections and are left aside, {others[0].name!r} first.",)


def _like(path: Path, kind: str) -> list[Path]:
    """All projections of the kind of one of them, beside it."""
    return _sorted_out(path.parent)[kind]


def _acquisition(path: Path) -> Path:
    """The one folder of projections under Acquisitions, where TrueBeam keeps them; else the folder itself."""
    under = path / "Acquisitions"
    inner = sorted(each for each in under.iterdir() if each.is_dir()) if under.is_dir() else []
    found = [each for each in inner if _sorted_out(each).keys() - {None}]
    if len(found) > 1:
        raise AmbiguousInput(
            f"{under} holds {len(found)} scans ({', '.join(each.name for each in found[:3])}); give the folder of one."
        )
    return found[0] if found else path


def _sorted_out(folder: Path) -> dict[str | None, list[Path]]:
    """Files of a folder by their kind, in the order of their names."""
    try:
        files = [each for each in folder.iterdir() if each.is_file() and not each.name.startswith(".")]
    except OSError as error:
        raise UnreadableFile(f"{folder} cannot be read: {error.strerror}.", path=str(folder)) from None
    if len(files) > MOST_FILES:
        raise UnsupportedInput(f"{folder} holds {len(files)} files; at most {MOST_FILES} are read.")
    found: dict[str | None, list[Path]] = {}
    for each in sorted(files, key=_by_numbers):
        found.setdefault(_kind_of(each), []).append(each)
    return found


def _by_numbers(path: Path) -> tuple[tuple[int, int, str], ...]:
    """Names in order: 2 before 10."""
    parts = re.split(r"([0-9]+)", path.name)
    return tuple((1, int(part), "") if part.isdigit() and part.isascii() else (0, 0, part) for part in parts)


def _kind_of(path: Path) -> str | None:
    """The format of a file by its first bytes, None for what is no projection."""
    try:
        with path.open("rb") as file:
            start = file.read(START_BYTES)
    except OSError as error:
        raise UnreadableFile(f"{path} cannot be read: {error.strerror}.", path=str(path)) from None
    if start[DICOM_AT:].startswith(DICOM_MARK):
        return _DICOM
    for kind, (is_kind, _) in _SERIES.items():
        if is_kind(start):
            return kind
    return _STACK if is_meta(start) or is_nrrd(start) else None


def _unknown(path: Path, kind: str | None) -> UnsupportedInput:
    """The sentence for what holds no projections that are read here."""
    if kind == _DICOM:
        return UnsupportedInput(f"{path} is DICOM; RT Images are read by openigrt.dicom.read_rt_image_scan.")
    return UnsupportedInput(f"{path} holds no projections of a known format; expected {EXPECTED}.", path=str(path))
