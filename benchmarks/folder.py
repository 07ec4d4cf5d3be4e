"""`python -m benchmarks.folder`: `openigrt check` on many files beside plain pydicom, which only reads every header.

The files are all DICOM of the real data (OPENIGRT_DATA), again and again under new UIDs, images with 8 x 8 pixels: what
is measured is headers, not a disk.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path
from time import perf_counter

import pydicom
from pydicom import Dataset
from pydicom.uid import UID

from openigrt.dicom import scan_folder

ROOT = "1.2.826.0.1.3680043.8.498"
IMAGES = ("CT", "MR", "PT")
PEER = """
import sys, pydicom
from pathlib import Path
headers = [pydicom.dcmread(p, stop_before_pixels=True, force=True) for p in sorted(Path(sys.argv[1]).iterdir())]
print(len({h.get("SeriesInstanceUID") for h in headers}))
"""


def main() -> None:
    """Make the files, read them with both, print seconds and the ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=10_000, help="how many files")
    parser.add_argument("--data", default=os.environ.get("OPENIGRT_DATA"), help="real data (OPENIGRT_DATA)")
    words = parser.parse_args()
    if not words.data:
        parser.error("the real data are needed: name their folder by --data or OPENIGRT_DATA")
    warnings.simplefilter("ignore", UserWarning)
    with tempfile.TemporaryDirectory() as folder:
        _write(Path(folder), _templates(Path(words.data)), words.files)
        commands = {"openigrt check": ["-m", "openigrt", "check", folder], "pydicom": ["-c", PEER, folder]}
        seconds = {name: _seconds(command) for name, command in commands.items()}
    for name, wall_s in seconds.items():
        sys.stdout.write(f"{name:16}{wall_s:7.1f} s {wall_s / seconds['openigrt check']:6.2f}\n")


def _templates(data: Path) -> list[Dataset]:
    """Every image slice, small, and every object without pixels."""
    datasets = (pydicom.dcmread(instance.path, force=True) for instance in scan_folder(data).instances())
    return [dataset for dataset in map(_small, datasets) if "PixelData" not in dataset or dataset.Modality in IMAGES]


def _small(dataset: Dataset) -> Dataset:
    """An image cut to 8 x 8 pixels; anything else as it is."""
    if "PixelData" in dataset and dataset.Modality in IMAGES:
        dataset.Rows = dataset.Columns = 8
        dataset.PixelData = bytes(8 * dataset.BitsAllocated)
    return dataset


def _write(folder: Path, templates: list[Dataset], count: int) -> None:
    """So many files from templates, each round in series of its own."""
    series = list(dict.fromkeys(str(dataset.SeriesInstanceUID) for dataset in templates))
    numbers = [series.index(str(dataset.SeriesInstanceUID)) + 1 for dataset in templates]
    for n in range(count):
        turn, k = divmod(n, len(templates))
        dataset = templates[k]
        dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = UID(f"{ROOT}.{n + 1}")
        dataset.SeriesInstanceUID = f"{ROOT}.{numbers[k]}.{turn + 1}"
        dataset.save_as(folder / f"{n:06d}")


def _seconds(command: list[str]) -> float:
    """Wall seconds of a Python process, from its start."""
    start = perf_counter()
    subprocess.run([sys.executable, *command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    return perf_counter() - start


if __name__ == "__main__":
    main()
