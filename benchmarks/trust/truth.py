"""`python -m benchmarks.trust truth`: where bone lies in the real cone-beam CT, by itk-elastix alone.

The data's README has a translation, good to 2 mm on one point of the spine. Elastix starts there, on locally normalised
images under a mask of planned bone, with several scales of normalisation and seeds. Their mean is `cases.CBCT_BONE_MM`
and `CBCT_BONE_TURN_DEG`; how far they lie apart is how well elastix repeats itself, along the spine and in the belly.
"""

import argparse
import os
import sys
from pathlib import Path

import numpy as np
from scipy.spatial.transform import Rotation

from benchmarks.engine import Engine, peers_python
from benchmarks.real import PANCREAS_BONE_SHIFT_MM, PANCREAS_SPINE_MM, pancreas
from openigrt.geometry import Float64Array, renormalised_rotation

SIGMAS_MM = (6.0, 8.0, 12.0)
SEEDS = (1, 2, 3)
POINTS_MM = {"at the spine": (0.0, 0.0, 0.0), "toward the head": (0.0, 0.0, 100.0), "in the belly": (0.0, -120.0, 0.0)}


def main(arguments: list[str]) -> None:
    """Print the mean transform, and how far each answer lies from it along the spine."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.trust truth", description=__doc__)
    parser.add_argument("cache", type=Path, help="where the pair is kept")
    parser.add_argument("--data", type=Path, default=os.environ.get("OPENIGRT_DATA"), help="real data (OPENIGRT_DATA)")
    options = parser.parse_args(arguments)
    if options.data is None:
        parser.error("the real data are needed: unpack them and name their folder by --data or OPENIGRT_DATA")
    found = np.array(_answers(options.data, options.cache))
    rotation = renormalised_rotation(found[:, :3, :3].mean(axis=0))
    daily_mm = PANCREAS_SPINE_MM - PANCREAS_BONE_SHIFT_MM
    planned_mm = (found[:, :3, :3] @ daily_mm + found[:, :3, 3]).mean(axis=0)
    sys.stdout.write(f"turn, degrees: {Rotation.from_matrix(rotation).as_rotvec(degrees=True).round(2).tolist()}\n")
    sys.stdout.write(f"daily point {daily_mm.tolist()} lies at {planned_mm.round(2).tolist()} of the plan, mm\n")
    for name, offset in POINTS_MM.items():
        point = daily_mm + np.array(offset)
        mean = rotation @ (point - daily_mm) + planned_mm
        apart = np.linalg.norm(found[:, :3, :3] @ point + found[:, :3, 3] - mean, axis=1)
        sys.stdout.write(f"{name}: answers lie {apart.mean():.2f}, at most {apart.max():.2f} mm from it\n")


def _answers(data: Path, cache: Path) -> list[Float64Array]:
    """plan_from_daily (4, 4) of each scale and seed."""
    trial = pancreas(data, cache, 0)[0]
    start = np.eye(4)
    start[:3, 3] = PANCREAS_BONE_SHIFT_MM
    answers = []
    with Engine("elastix-bone", "benchmarks.peers.elastix", peers_python()) as engine:
        for sigma_mm in SIGMAS_MM:
            for seed in SEEDS:
                options = {"sigma_mm": sigma_mm, "seed": seed}
                spine = PANCREAS_SPINE_MM.tolist()
                reply = engine.match(trial.file, trial.moved, start, isocenter_mm=spine, options=options)
                if reply.plan_from_daily is None:
                    raise RuntimeError(f"elastix did not match: {reply.problem}")
                answers.append(reply.plan_from_daily)
    return answers
