"""`python -m benchmarks.trust run PACK OUT.jsonl`: match every case, one JSON line each; a second call goes on."""

import argparse
import json
import os
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.trust.cases import Case, is_reported, make_case
from openigrt.errors import OpenIgrtError
from openigrt.patient import Match
from openigrt.registration import match_rigid
from openigrt.registration.trust import SETTINGS

THREADS = ("NUMBA_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
SAY_EVERY = 100


def main(arguments: list[str]) -> None:
    """Run the cases that the output does not hold yet."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.trust run", description=__doc__)
    parser.add_argument("pack", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--cases", type=int, default=3200)
    parser.add_argument("--first", type=int, default=0, help="number of the first case (default 0)")
    parser.add_argument("--workers", type=int, default=os.cpu_count())
    options = parser.parse_args(arguments)
    done = {row["number"] for row in read_rows(options.out)} if options.out.exists() else set()
    numbers = [n for n in range(options.first, options.first + options.cases) if n not in done]
    os.environ.update(dict.fromkeys(THREADS, "1"))
    began = time.perf_counter()
    with options.out.open("a") as out:
        for count, row in enumerate(_rows(options.pack, numbers, options.workers), 1):
            out.write(json.dumps(row) + "\n")
            out.flush()
            if count % SAY_EVERY == 0 or count == len(numbers):
                sys.stdout.write(f"{count} of {len(numbers)} in {time.perf_counter() - began:.0f} s\n")
                sys.stdout.flush()


def read_rows(file: Path) -> list[dict[str, Any]]:
    """The rows of an output in the order of their numbers; a line that was cut off is left out."""
    rows = []
    for line in file.read_text().splitlines():
        if line.endswith("}"):
            rows.append(json.loads(line))
    return sorted(rows, key=lambda row: row["number"])


def _rows(pack: Path, numbers: list[int], workers: int) -> Iterator[dict[str, Any]]:
    """One row for each case, as they come; the first case alone, so that kernels are compiled once."""
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        for part in (numbers[:1], numbers[1:]):
            yield from pool.map(partial(row_of, pack), part)


def row_of(pack: Path, number: int) -> dict[str, Any]:
    """What a case is, what was found, and everything that speaks for or against it."""
    case = make_case(pack, number)
    began = time.perf_counter()
    try:
        match = match_rigid(case.question, case.regions)[0]
    except OpenIgrtError as error:
        return _described(case) | {"match_s": _since(began), "verdict": "impossible", "reasons": [str(error)]}
    except Exception as error:  # noqa: BLE001 - one crash is a finding, and must not cost the cases after it
        return _described(case) | {"match_s": _since(began), "verdict": "crashed", "reasons": [repr(error)]}
    return _described(case) | {"match_s": _since(began)} | _found(case, match)


def _since(began: float) -> float:
    """Seconds since a time."""
    return round(time.perf_counter() - began, 3)


def _described(case: Case) -> dict[str, Any]:
    """The case in words and numbers."""
    return {
        "number": case.number,
        "kind": case.kind,
        "planned": case.planned,
        "daily": case.daily,
        "modality": str(case.question.daily_image.modality),
        "half": "reported" if is_reported(case.planned, case.daily) else "calibrated",
        "region": case.region.name,
        "in_protocol": case.in_protocol,
        "allowed_mm": case.question.allowed_error_mm,
        "wrong_above_mm": case.wrong_above_mm,
        "setup_mm": round(case.setup_mm, 2),
        "setup_deg": round(case.setup_deg, 2),
    }


def _found(case: Case, match: Match) -> dict[str, Any]:
    """The match, its true error, and its trust with raw figures."""
    trust, factors = match.trust, asdict(SETTINGS)
    parts = trust.error_parts_mm
    return {
        "error_mm": case.error_mm(match.plan_from_daily),
        "plan_from_daily": np.round(match.plan_from_daily.matrix4()[:3], 6).tolist(),
        "predicted_mm": trust.predicted_error_mm,
        "parts_left_out_mm": parts["parts left out"] / factors["parts_factor"],
        "halves_mm": parts["halves"] / factors["halves_factor"],
        "second_metric_mm": parts["second metric"] / factors["metrics_factor"],
        "nearest_part_mm": parts["nearest part"] / factors["nearest_factor"],
        "figures": dict(trust.evidence),
        "rivals": [[r.offset_mm, r.score, r.score_gap] for r in trust.rivals],
        "verdict": str(trust.verdict),
        "reasons": list(trust.reasons),
    }
