"""Where compiled kernels are kept between runs.

numba keeps machine code per function and looks only at the file that holds the function: it does not notice a changed
callee in another file. The folder is therefore named after the source of all kernels, of this package, and of the
versions that compile them.
"""

import contextlib
import functools
import getpass
import hashlib
import os
import platform
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

FORGET_AFTER_DAYS = 30.0
SECONDS_PER_DAY = 86400.0


@functools.cache
def kernel_folder() -> Path:
    """Folder that holds the compiled kernels of exactly this source; created when it is not there.

    Under NUMBA_CACHE_DIR if that is set, else in the user's cache folder, else (where neither can be written) in a
    temporary one. Folders of other sources that nobody wrote to for a month are removed.
    """
    name = f"kernels-{_source_key()}"
    for parent in _parents():
        if _is_ours(parent / name):
            _forget_old_folders(parent, name)
            return parent / name
    return Path(tempfile.mkdtemp(prefix="openigrt-"))


def kernels_are_cached(package: str = "*") -> bool:
    """Whether an earlier run on this machine has compiled kernels (of a package); if not, the first one waits."""
    return any(kernel_folder().glob(f"{package}_*/*.nbc"))  # numba names its folders so


def _source_key() -> str:
    """Sixteen hex digits that change with any kernel, with `arrays`, with numba and with Python."""
    package = Path(__file__).resolve().parents[1]
    digest = hashlib.sha256(f"numba {version('numba')} python {platform.python_version()}".encode())
    for file in sorted({*package.rglob("_kernels_*.py"), *(package / "arrays").glob("*.py")}):
        digest.update(file.relative_to(package).as_posix().encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()[:16]


def _parents() -> Iterator[Path]:
    """Folders to try, best first."""
    if wanted := os.environ.get("NUMBA_CACHE_DIR"):
        yield Path(wanted)
    if cache := os.environ.get("XDG_CACHE_HOME") or os.environ.get("LOCALAPPDATA"):
        yield Path(cache) / "openigrt"
    with contextlib.suppress(RuntimeError):  # a user without a home
        yield Path.home() / ".cache" / "openigrt"
    shared = Path(tempfile.gettempdir()) / f"openigrt-{getpass.getuser()}"
    if _is_ours(shared):
        yield shared


def _is_ours(folder: Path) -> bool:
    """Make the folder; whether it can be written and nobody else owns it (numba unpickles what it finds there)."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        mine = sys.platform == "win32" or folder.stat().st_uid == os.getuid()
    except OSError:
        return False
    return mine and os.access(folder, os.W_OK)


def _forget_old_folders(parent: Path, keep: str) -> None:
    """Remove the kernels of other sources that were last written more than a month ago."""
    oldest = time.time() - FORGET_AFTER_DAYS * SECONDS_PER_DAY
    for folder in parent.glob("kernels-*"):
        if folder.name != keep and folder.is_dir() and folder.stat().st_mtime < oldest:
            shutil.rmtree(folder, ignore_errors=True)
