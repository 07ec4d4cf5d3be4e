"""How near the target is to its place at beam-on: virtual courses of all anatomies, and where the residual comes from.

`python -m benchmarks.virtual_course --images full --fractions 20` (hours), or with quick images (minutes). Every shift
is corrected, whatever the action level of the protocol; the truth is the rigid best fit of the target at beam-on.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from openigrt import simulate_course
from openigrt.patient import Verdict
from openigrt.tasks.course.course import Course

ANATOMIES = ("pelvis", "thorax", "head_neck", "abdomen", "brain")
FIRM, BREATHING = (1.0, 0.5), (2.0, 1.0)  # mm and degrees
ASKED = {"pelvis": FIRM, "brain": FIRM, "head_neck": FIRM, "thorax": BREATHING, "abdomen": BREATHING}
VECTORS = ("match_mm", "imager_mm", "couch_mm", "motion_mm")


def main() -> int:
    """Treat, and print a table; one row for each anatomy and linac."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.virtual_course", description=__doc__)
    parser.add_argument("anatomies", nargs="*", default=ANATOMIES, help="all where none is named")
    parser.add_argument("--images", default="quick", choices=("quick", "demo", "full"))
    parser.add_argument("--fractions", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--linac", default="nominal", choices=("nominal", "coarse"))
    parser.add_argument("--out", type=Path, help="where the courses go, to be looked at; else they are thrown away")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as aside:
        rows = [_row(anatomy, chosen, chosen.out or Path(aside)) for anatomy in chosen.anatomies]
    for row in rows:
        sys.stdout.write(json.dumps(row) + "\n")
    sys.stdout.write("\n".join(table(rows)) + "\n")
    return 0


def _row(anatomy: str, chosen: argparse.Namespace, out: Path) -> dict[str, object]:
    """One course in numbers."""
    course = simulate_course(
        out / f"{anatomy}-{chosen.linac}",
        anatomy=anatomy,
        fractions=chosen.fractions,
        seed=chosen.seed,
        images=chosen.images,
        linac=chosen.linac,
        correct_above=0.0,
        progress=lambda words: sys.stderr.write(f"{anatomy}: {words}\n"),
    )
    return {"anatomy": anatomy, "images": chosen.images, "linac": chosen.linac} | figures_of(course, *ASKED[anatomy])


def figures_of(course: Course, asked_mm: float, asked_deg: float) -> dict[str, float | int]:
    """What a course came to: how many fractions are within what is asked, and what became of trust."""
    deliveries = [fraction.delivery for fraction in course.treated if fraction.delivery]
    lengths = np.array([d.residual.length_mm for d in deliveries])
    angles = np.array([np.linalg.norm(d.residual.values[3:]) for d in deliveries])
    trusted = [image for image in course.images if image.verdict is Verdict.TRUSTED]
    vectors = {name: np.array([getattr(d.budget, name) for d in deliveries]).reshape(-1, 3) for name in VECTORS}
    return {
        "fractions": len(course.fractions),
        "treated": len(deliveries),
        "within_mm": int((lengths <= asked_mm).sum()),
        "within_deg": int((angles <= asked_deg).sum()),
        "median_mm": _rounded(np.median(lengths)) if len(lengths) else float("nan"),
        "percentile_95_mm": _rounded(np.percentile(lengths, 95)) if len(lengths) else float("nan"),
        "percentile_95_deg": _rounded(np.percentile(angles, 95)) if len(angles) else float("nan"),
        "images": len(course.images),
        "trusted": len(trusted),
        "trusted_beyond_bound": len(course.beyond_their_bound),
        **{name: _rounded(np.sqrt((v**2).sum(axis=1).mean())) for name, v in vectors.items() if len(v)},
        "deformation_mm": _rounded(np.mean([d.budget.deformation_mm for d in deliveries])) if deliveries else 0.0,
        "seconds": _rounded(course.timing_s["total"]),
    }


def table(rows: list[dict[str, object]]) -> Iterator[str]:
    """The rows for the documentation."""
    head = "anatomy", "linac", "treated", "within", "95th percentile", "trusted, beyond bound", "parts, mm"
    yield f"| {' | '.join(head)} |"
    yield "|---|---|---|---|---|---|---|"
    for row in rows:
        limit_mm, limit_deg = ASKED[str(row["anatomy"])]
        parts = ", ".join(f"{row.get(name, 0.0):.2f}" for name in VECTORS)
        yield (
            f"| {row['anatomy']} | {row['linac']} | {row['treated']} of {row['fractions']} | {row['within_mm']} in "
            f"{limit_mm:g} mm, {row['within_deg']} in {limit_deg:g}° | {row['percentile_95_mm']:.2f} mm, "
            f"{row['percentile_95_deg']:.2f}° | {row['trusted']} of {row['images']}, {row['trusted_beyond_bound']} | "
            f"{parts} |"
        )


def _rounded(value: float) -> float:
    """Three digits."""
    return round(float(value), 3)


if __name__ == "__main__":
    sys.exit(main())
