"""`python -m benchmarks.series`: a CT of 200 slices of 512 x 512, uncompressed, beside SimpleITK and plain pydicom.

Each reader runs in a process of its own, several times in turn with the others; the first round warms the cache of the
system and is left out. Seconds are those of reading alone, imports aside, as wall and as CPU time. OpenIGRT also checks
every header and position, rescales, and takes the SHA-256 of every file.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

import numpy as np
from pydicom import Dataset
from pydicom.dataset import FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian

ROOT = "1.2.826.0.1.3680043.8.498"
READERS = {
    "openigrt": """
from openigrt.dicom import IMAGE_CLASSES, read_image_series, scan_folder
def read(folder):
    return read_image_series(scan_folder(folder).of_classes(IMAGE_CLASSES)[0]).image.voxels
""",
    "SimpleITK": """
import SimpleITK as sitk
def read(folder):
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(folder)))
    read.image = reader.Execute()  # a view alone does not keep it
    return sitk.GetArrayViewFromImage(read.image)
""",
    "pydicom": """
import numpy as np, pydicom
def read(folder):
    slices = sorted(map(pydicom.dcmread, folder.iterdir()), key=lambda s: float(s.ImagePositionPatient[2]))
    scaled = [s.pixel_array * np.float32(s.RescaleSlope) + np.float32(s.RescaleIntercept) for s in slices]
    return np.stack(scaled)
""",
}
TIMED = """
import json, sys, time
from pathlib import Path
wall, cpu = time.perf_counter(), time.process_time()
voxels = read(Path(sys.argv[1]))
print(json.dumps([time.perf_counter() - wall, time.process_time() - cpu, float(voxels.astype("f8").sum())]))
"""


def main() -> None:
    """Make the slices, read them with each in turn, print medians and the ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--slices", type=int, default=200, help="how many slices")
    parser.add_argument("--rounds", type=int, default=5, help="how often each reader runs, after one round to warm up")
    words = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        _write(Path(folder), words.slices)
        rounds = [{name: _seconds(code, folder) for name, code in READERS.items()} for _ in range(words.rounds + 1)]
    if len({round(total) for turn in rounds for _, _, total in turn.values()}) > 1:
        raise SystemExit("the readers do not agree about the voxels")
    wall_s, cpu_s = ({name: median(turn[name][n] for turn in rounds[1:]) for name in READERS} for n in (0, 1))
    for name in READERS:
        ratio = wall_s[name] / wall_s["openigrt"]
        sys.stdout.write(f"{name:12}{wall_s[name]:7.2f} s wall {cpu_s[name]:7.2f} s CPU {ratio:6.2f}\n")


def _write(folder: Path, count: int) -> None:
    """So many axial slices of noise, 1.5 mm apart."""
    generator = np.random.default_rng(0)
    for k in range(count):
        dataset = Dataset()
        dataset.file_meta = FileMetaDataset()
        dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID = CTImageStorage
        dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID = f"{ROOT}.{k + 1}"
        dataset.StudyInstanceUID, dataset.SeriesInstanceUID = f"{ROOT}.1000", f"{ROOT}.2000"
        dataset.FrameOfReferenceUID, dataset.Modality, dataset.PatientPosition = f"{ROOT}.3000", "CT", "HFS"
        dataset.ImageType, dataset.InstanceNumber = ["ORIGINAL", "PRIMARY", "AXIAL"], k + 1
        dataset.ImagePositionPatient, dataset.ImageOrientationPatient = [-250, -250, 1.5 * k], [1, 0, 0, 0, 1, 0]
        dataset.PixelSpacing, dataset.SliceThickness = [0.98, 0.98], 1.5
        dataset.Rows = dataset.Columns = 512
        dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
        dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 16, 16, 15, 1
        dataset.RescaleSlope, dataset.RescaleIntercept = 1, -1024
        dataset.PixelData = generator.integers(0, 3000, (512, 512)).astype("<i2").tobytes()
        dataset.save_as(folder / f"{k:04d}.dcm", enforce_file_format=True)


def _seconds(code: str, folder: str) -> tuple[float, float, float]:
    """Wall and CPU seconds of reading in a Python process, and the sum of all voxels."""
    done = subprocess.run([sys.executable, "-c", code + TIMED, folder], capture_output=True, text=True, check=True)
    wall_s, cpu_s, total = json.loads(done.stdout)
    return wall_s, cpu_s, total


if __name__ == "__main__":
    main()
