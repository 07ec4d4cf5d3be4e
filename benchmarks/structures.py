"""`python -m benchmarks.structures`: a large structure set to masks, beside scikit-image and plastimatch.

60 structures, 8,000 contours of 120 points, on 512 x 512 x 200 voxels. Ours and scikit-image start from contours in
memory and end with a mask of each structure's bounding box; plastimatch (where it is installed) starts from the DICOM
files, its reading included, and writes its masks. Each in a process of its own, compiled kernels in place.
"""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

import numpy as np
from skimage.draw import polygon

from benchmarks.worker import peak_mb
from openigrt.dicom import (
    PatientHeader,
    SeriesHeader,
    StudyHeader,
    instance_uids,
    save,
    write_image_series,
    write_structure_set,
)
from openigrt.geometry import Frame, Grid, PatientPosition
from openigrt.images import Image, Modality, Provenance
from openigrt.patient import Contour, Structure, StructureRole, StructureSet, occupancy_from_structure

ROOT = "1.2.826.0.1.3680043.8.498"
CT = "1.2.840.10008.5.1.4.1.1.2"
FRAME = Frame.plan(f"{ROOT}.3")
GRID = Grid(FRAME, [-250.0, -250.0, 0.0], [500.0 / 512.0, 500.0 / 512.0, 2.0], np.eye(3), (512, 512, 200))
STRUCTURES, CONTOURS, POINTS = 60, 8000, 120


def main() -> int:
    """Run each engine in a process of its own and print its row."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--engine", choices=list(ENGINES), help="one engine, in this process")
    engine = parser.parse_args().engine
    if engine is not None:
        sys.stdout.write(json.dumps(ENGINES[engine]()))
        return 0
    command = [sys.executable, "-m", "benchmarks.structures", "--engine"]
    rows = {}
    for name in ENGINES:
        done = subprocess.run([*command, name], capture_output=True, text=True, check=True)
        rows[name] = json.loads(done.stdout)
    for name, row in rows.items():
        ratio = row["wall_s"] / rows["openigrt"]["wall_s"] if row["wall_s"] else float("nan")
        sys.stdout.write(
            f"{name:14}{row['wall_s']:7.2f} s wall {row['cpu_s']:7.2f} s cpu {row['peak_mb']:7.0f} MB "
            f"{row['volume_cc']:9.1f} cc  ratio {ratio:.2f}\n"
        )
    return 0


def structure_set() -> StructureSet:
    """Lobed tubes of many sizes, each with the same share of the contours."""
    rng = np.random.default_rng(3)
    counts = np.full(STRUCTURES, CONTOURS // STRUCTURES) + (np.arange(STRUCTURES) < CONTOURS % STRUCTURES)
    angle = 2.0 * np.pi * np.arange(POINTS) / POINTS
    structures = []
    for number, count in enumerate(counts, start=1):
        center, radius_mm = rng.uniform(-110.0, 110.0, 2), rng.uniform(15.0, 110.0)
        first = int(rng.integers(0, 200 - count))
        contours = []
        for k in range(count):
            r = radius_mm * (1.0 + 0.2 * np.sin(k / 10.0)) * (1.0 + 0.1 * np.cos(5.0 * angle + k / 7.0))
            x, y = center[0] + r * np.cos(angle), center[1] + r * np.sin(angle)
            contours.append(Contour(np.column_stack([x, y, np.full(POINTS, 2.0 * (first + k))])))
        structures.append(Structure(number, f"S{number}", StructureRole.ORGAN, tuple(contours)))
    return StructureSet(f"{ROOT}.4", "Structures", FRAME, tuple(structures), patient_id="P1")


def timed(work: Callable[[], float]) -> dict[str, Any]:
    """Wall and processor seconds of some work, the peak memory after it, and the volume that it answers."""
    wall_s, cpu_s = perf_counter(), process_time()
    volume_mm3 = work()
    wall_s, cpu_s = perf_counter() - wall_s, process_time() - cpu_s
    return {"wall_s": wall_s, "cpu_s": cpu_s, "peak_mb": peak_mb(), "volume_cc": volume_mm3 / 1000.0}


def run_openigrt() -> dict[str, Any]:
    """Masks by parts of voxels; once on one structure before, so that its kernels are there."""
    structures = structure_set().structures
    occupancy_from_structure(structures[0], FRAME, GRID)

    def work() -> float:
        masks = [occupancy_from_structure(structure, FRAME, GRID).mask() for structure in structures]
        return float(sum(mask.voxels.sum() for mask in masks) * np.prod(GRID.spacing_mm))

    return timed(work)


def run_skimage() -> dict[str, Any]:
    """Masks by voxel centres: `skimage.draw.polygon` of each contour into the bounding box of its structure."""
    structures = structure_set().structures

    def mask_of(structure: Structure) -> np.ndarray:
        indices = [GRID.indices(contour.points_mm) for contour in structure.contours]
        low = np.floor(np.min([i.min(axis=0) for i in indices], axis=0)).astype(int)
        high = np.ceil(np.max([i.max(axis=0) for i in indices], axis=0)).astype(int)
        low, high = np.maximum(low, 0), np.minimum(high, np.array(GRID.size) - 1)
        voxels = np.zeros((high - low + 1)[::-1], dtype=np.bool_)
        for points in indices:
            shown = voxels[round(points[0, 2]) - low[2]]
            rows, columns = polygon(points[:, 1] - low[1], points[:, 0] - low[0], shown.shape)
            shown[rows, columns] ^= True
        return voxels

    def work() -> float:
        return float(sum(m.sum() for m in [mask_of(s) for s in structures]) * np.prod(GRID.spacing_mm))

    return timed(work)


def run_plastimatch() -> dict[str, Any]:
    """`plastimatch convert` from the DICOM files to one file of all masks; nothing where it is not installed."""
    program = shutil.which("plastimatch")
    if program is None:
        return {"wall_s": float("nan"), "cpu_s": float("nan"), "peak_mb": float("nan"), "volume_cc": float("nan")}
    with tempfile.TemporaryDirectory() as folder:
        _write(Path(folder))
        words = "--input rs.dcm --referenced-ct ct --output-ss-img masks.mha"
        start = perf_counter()
        command = ["/usr/bin/env", "time", "-f", "%U %S %M", program, "convert", *words.split()]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
        user_s, system_s, peak_kb = map(float, done.stderr.splitlines()[-1].split())
        wall_s = perf_counter() - start
    return {"wall_s": wall_s, "cpu_s": user_s + system_s, "peak_mb": peak_kb / 1024.0, "volume_cc": float("nan")}


def _write(folder: Path) -> None:
    """The structure set and an empty CT under it as DICOM."""
    made = datetime(2024, 1, 2, tzinfo=UTC)
    study = StudyHeader(f"{ROOT}.1", made)
    image_series = SeriesHeader(PatientHeader("P1", "Doe^Jane"), study, f"{ROOT}.2", made)
    provenance = Provenance(
        patient_id="P1",
        study_uid=study.uid,
        series_uid=image_series.uid,
        instance_uids=instance_uids(image_series.uid, GRID.size[2]),
        sop_class_uid=CT,
        acquired_at=made,
        patient_position=PatientPosition.HFS,
    )
    image = Image(np.zeros(GRID.shape, dtype=np.float32), GRID, Modality.CT, provenance)
    for k, dataset in enumerate(write_image_series(image, image_series)):
        save(dataset, folder / "ct" / f"{k}.dcm")
    own_series = SeriesHeader(image_series.patient, study, f"{ROOT}.5", made)
    save(write_structure_set(structure_set(), image, own_series), folder / "rs.dcm")


ENGINES: dict[str, Callable[[], dict[str, Any]]] = {
    "openigrt": run_openigrt,
    "scikit-image": run_skimage,
    "plastimatch": run_plastimatch,
}


if __name__ == "__main__":
    sys.exit(main())
