"""`python -m benchmarks.virtual_patient`: what virtual patients cost, how exact their truth is, and HU of their tissue.

CPU seconds of a planning CT and of the anatomy of a new day at 256 x 256 x 120 (a patient that is there already, with
its kernels compiled; asked: 10 and 6), the largest way between a point and where displacement and its inverse bring it
(asked: 0.1 mm), and medians of HU beside published ranges. Tables go to `results/virtual_patient.txt` and `.json`.
"""

import json
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.run import table
from openigrt.geometry import Float64Array, Frame, Grid, RigidTransform
from openigrt.virtual import (
    Day,
    VirtualPatient,
    abdomen_day,
    abdomen_patient,
    brain_day,
    brain_patient,
    head_neck_day,
    head_neck_patient,
    pelvis_day,
    pelvis_patient,
    render,
    thorax_day,
    thorax_patient,
)

FRAME = Frame.plan("1.2.3")
SAME = RigidTransform.identity(FRAME, FRAME)
SIZE, SMALL = (256, 256, 120), (24, 24, 12)
BODY_MM, HEAD_MM = (1.9, 1.9, 2.5), (1.2, 1.2, 1.5)
SEED, DAY, TIME_S = 5, 3, 1.3
POINTS = 50_000
DEPTH_MM = 1.5


@dataclass(frozen=True, eq=False)
class Site:
    """A site, where its image lies and how large its voxels are, mm; organs with the HU that are published for them."""

    name: str
    patient: Callable[..., VirtualPatient]
    day: Callable[[VirtualPatient, int], Day]
    center_mm: tuple[float, float, float]
    spacing_mm: tuple[float, float, float]
    organs: tuple[tuple[str, float, float, float], ...]

    def grid(self, size: tuple[int, int, int]) -> Grid:
        """The planning CT, or one of fewer voxels about the same middle."""
        spacing_mm = np.array(self.spacing_mm) * SIZE / np.array(size)
        return Grid(
            FRAME, np.array(self.center_mm) - 0.5 * (np.array(size) - 1) * spacing_mm, spacing_mm, np.eye(3), size
        )


# Organ, depth below its surface in mm, and the range of its HU without contrast at about 120 kV (Prokop and Galanski,
# Spiral and Multislice Computed Tomography of the Body, 2003; Buzug, Computed Tomography, 2008; compact bone: 700 to
# 3000).
SITES = (
    Site("pelvis", pelvis_patient, pelvis_day, (0, 0, 40), BODY_MM, (
        ("PROSTATE", 6.0, 30, 50), ("BLADDER", 8.0, -5, 20), ("GLUTEUS_MAXIMUS_L", 6.0, 35, 65), ("AORTA", 4.0, 30, 65),
        ("SACRUM", 6.0, 50, 300), ("FEMUR_SHAFT_L", 2.5, 700, 3000),
    )),
    Site("thorax", thorax_patient, thorax_day, (0, 0, 20), BODY_MM, (
        ("LUNG_R", 8.0, -910, -700), ("VENTRICLE_L", 6.0, 30, 65), ("ERECTOR_SPINAE_L", 6.0, 35, 65),
        ("VERTEBRA_T9", 6.0, 50, 300), ("TRACHEA", 4.0, -1000, -950), ("SPINAL_CORD", 2.0, 20, 45),
    )),
    Site("abdomen", abdomen_patient, abdomen_day, (0, 0, -80), BODY_MM, (
        ("LIVER", 12.0, 45, 70), ("SPLEEN", 8.0, 35, 55), ("KIDNEY_L", 8.0, 20, 45), ("PANCREAS", 5.0, 20, 50),
        ("GALLBLADDER", 6.0, 0, 20),
    )),
    Site("head_neck", head_neck_patient, head_neck_day, (0, 0, -50), BODY_MM, (
        ("PAROTID_L", 4.0, -50, 40), ("SUBMANDIBULAR_L", 4.0, 10, 60), ("THYROID_L", 3.0, 80, 130),
        ("SCM_L", 4.0, 35, 65), ("TEETH_UPPER", 1.6, 700, 3000), ("MANDIBLE", 1.2, 700, 3000),
        ("AIRWAY", 4.0, -1000, -950),
    )),
    Site("brain", brain_patient, brain_day, (0, 0, 20), HEAD_MM, (
        ("BRAINSTEM", 4.0, 20, 45), ("VENTRICLES", 2.0, 0, 18), ("EYE_L", 5.0, 0, 25), ("LENS_L", 1.0, 60, 120),
        ("PETROUS_L", 3.0, 700, 3000),
    )),
)  # fmt: skip


def speed(site: Site) -> Iterator[dict[str, Any]]:
    """CPU seconds of the planning CT and of a new day, and how far displacement and inverse are apart."""
    patient = site.patient(FRAME, SEED)
    render(patient.at(site.day(patient, 1)), site.grid(SMALL), SAME)
    began_s = time.process_time()
    render(patient.at(patient.planned), site.grid(SIZE), SAME)
    yield {"work": f"{site.name} planning CT", "engine": "openigrt", "cpu_s": time.process_time() - began_s}
    began_s = time.process_time()
    day = site.day(patient, DAY)
    render(patient.at(day, TIME_S), site.grid(SIZE), SAME)
    cpu_s = time.process_time() - began_s
    points_mm = site.grid(SIZE).points(np.random.default_rng(0).uniform(0.0, np.array(SIZE) - 1.0, (POINTS, 3)))
    back_mm = patient.planned_mm(patient.displaced_mm(points_mm, day, TIME_S), day, TIME_S)
    error_mm = float(np.abs(back_mm - points_mm).max())
    yield {"work": f"{site.name} new day", "engine": "openigrt", "cpu_s": cpu_s, "error": error_mm}


def tissue(site: Site) -> Iterator[dict[str, Any]]:
    """Median HU of voxels deep in an organ, rendered as a planning CT does, beside the range that is published."""
    patient = site.patient(FRAME, SEED)
    for organ, depth_mm, lowest_hu, highest_hu in site.organs:
        hu = _hu_inside(patient, organ, depth_mm, np.array(site.spacing_mm))
        median = float(np.median(hu))
        found = "inside" if lowest_hu <= median <= highest_hu else "OUTSIDE"
        yield {
            "site": site.name, "tissue": organ, "median_hu": round(median), "sd_hu": round(float(hu.std())),
            "published_hu": f"{lowest_hu:g} to {highest_hu:g}", "found": found,
        }  # fmt: skip


def _hu_inside(patient: VirtualPatient, organ: str, depth_mm: float, spacing_mm: Float64Array) -> Float64Array:
    """HU of all voxels whose middles lie deeper than `depth_mm` in an organ."""
    low, high = patient.anatomy.bounds_mm(organ)
    middle, half = 0.5 * (low + high), np.minimum(0.5 * (high - low), 60.0)
    count = np.maximum(2 * np.ceil(half / spacing_mm).astype(int) + 1, 3)
    grid = Grid(FRAME, middle - 0.5 * (count - 1) * spacing_mm, spacing_mm, np.eye(3), tuple(int(n) for n in count))
    points = grid.points(np.stack(np.meshgrid(*map(np.arange, grid.shape), indexing="ij")[::-1], axis=-1))
    deep = patient.anatomy.signed_distance_mm(organ, points) < -depth_mm
    return np.asarray(render(patient.anatomy, grid, SAME)[deep], dtype=np.float64)


def main() -> int:
    """Print and keep both tables; 1 where a tissue is outside what is published."""
    results = Path(__file__).resolve().parent / "results"
    results.mkdir(exist_ok=True)
    costs = [row for site in SITES for row in speed(site)]
    tissues = [row for site in SITES for row in tissue(site)]
    columns = list(tissues[0])
    lines = ["  ".join(columns), *("  ".join(str(row[c]) for c in columns) for row in tissues)]
    text = table(costs) + "\n\n" + "\n".join(lines) + "\n"
    (results / "virtual_patient.json").write_text(json.dumps({"costs": costs, "tissues": tissues}, indent=1) + "\n")
    (results / "virtual_patient.txt").write_text(text)
    sys.stdout.write(text)
    return int(any(row["found"] == "OUTSIDE" for row in tissues))


if __name__ == "__main__":
    sys.exit(main())
