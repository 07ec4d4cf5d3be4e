"""How fast files are de-identified, beside pydicom that reads and writes the same files and does nothing else."""

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from pydicom import dcmread, dcmwrite

from openigrt.dicom import Pseudonyms, deidentified_file, profile_with, save_deidentified

ROUNDS = 3
KEY = bytes(32)


def main() -> None:
    """Print files by CPU second of both, the best of some rounds, and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="a folder of DICOM files (.dcm)")
    files = sorted(parser.parse_args().folder.rglob("*.dcm"))
    profile, pseudonyms = profile_with(), Pseudonyms(KEY)
    plain, ours = [], []
    for _ in range(ROUNDS):
        plain.append(_cpu_s(files, lambda source, target: dcmwrite(target, dcmread(source))))
        ours.append(
            _cpu_s(
                files, lambda source, target: save_deidentified(deidentified_file(source, profile, pseudonyms), target)
            )
        )
    rates = f"OpenIGRT {len(files) / min(ours):.0f}, pydicom alone {len(files) / min(plain):.0f} files a CPU second"
    sys.stdout.write(f"{len(files)} files: {rates}; ratio {min(ours) / min(plain):.1f}\n")


def _cpu_s(files: list[Path], treat: Callable[[Path, Path], object]) -> float:
    """CPU seconds for all files, into a folder that goes again."""
    with TemporaryDirectory() as folder:
        start_s = time.process_time()
        for number, source in enumerate(files):
            treat(source, Path(folder) / f"{number}.dcm")
        return time.process_time() - start_s


if __name__ == "__main__":
    main()
