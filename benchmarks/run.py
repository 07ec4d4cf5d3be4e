"""`python -m benchmarks.run [--name rigid]`: us and the peers, side by side; tables as text and JSON under results."""

import argparse
import json
import os
import sys
from pathlib import Path
from typing import Any

from benchmarks import rigid

ROOT = Path(__file__).resolve().parent
BENCHMARKS = {"rigid": rigid}
COLUMNS = ("work", "engine", "wall_s", "cpu_s", "peak_mb", "error", "error_p95", "error_max", "found", "trials")
MORE_COLUMNS = ("inconsistency_max_mm", "inconsistency_max_deg", "from_start_s", "ratio")


def main(arguments: list[str] | None = None) -> int:
    """Run the benchmarks that are asked for, print their tables as they grow, and keep them."""
    options = _options(arguments)
    for name in [options.name] if options.name else BENCHMARKS:
        rows: list[dict[str, Any]] = []
        for work in BENCHMARKS[name].works(options.data, options.cache, options.trials):
            if options.work in work.name:
                rows += BENCHMARKS[name].run(work, options.engine)
                _keep(name, rows)
                _say(table([row for row in rows if row["work"] == work.name]))
    return 0


def table(rows: list[dict[str, Any]]) -> str:
    """The rows as aligned text."""
    columns = [c for c in COLUMNS + MORE_COLUMNS if any(row.get(c) is not None for row in rows)]
    cells = [columns] + [[_cell(row.get(c)) for c in columns] for row in rows]
    widths = [max(len(line[n]) for line in cells) for n in range(len(columns))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in cells)


def _options(arguments: list[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, epilog="example: python -m benchmarks.run --work pancreas")
    parser.add_argument("--name", choices=list(BENCHMARKS), help="one benchmark (default: all)")
    parser.add_argument("--work", default="", help="only works whose name holds this")
    parser.add_argument("--engine", default="", help="only engines whose name holds this")
    parser.add_argument("--trials", type=int, default=20, help="trials of each work (default 20)")
    parser.add_argument("--data", type=Path, default=os.environ.get("OPENIGRT_DATA"), help="real data (OPENIGRT_DATA)")
    parser.add_argument(
        "--cache", type=Path, default=os.environ.get("OPENIGRT_BENCHMARK_CACHE", ROOT / "results" / "cases")
    )
    options = parser.parse_args(arguments)
    if options.data is None:
        parser.error("the real data are needed: unpack them and name their folder by --data or OPENIGRT_DATA")
    return options


def _keep(name: str, rows: list[dict[str, Any]]) -> None:
    """Tables of one benchmark as text and JSON; works that were not run again keep their rows."""
    results = ROOT / "results"
    results.mkdir(exist_ok=True)
    kept = json.loads(file.read_text()) if (file := results / f"{name}.json").exists() else []
    again = {row["work"] for row in rows}
    rows = [row for row in kept if row["work"] not in again] + rows
    file.write_text(json.dumps(rows, indent=1) + "\n")
    (results / f"{name}.txt").write_text(table(rows) + "\n")


def _cell(value: object) -> str:
    """A number in three digits, a word as it is."""
    return (
        ""
        if value is None
        else f"{value:.3g}"
        if isinstance(value, float) and abs(value) < 1000
        else f"{value:.0f}"
        if isinstance(value, float)
        else str(value)
    )


def _say(text: str) -> None:
    """Print at once."""
    sys.stdout.write(text + "\n\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
