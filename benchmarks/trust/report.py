"""`python -m benchmarks.trust report OUT.jsonl`: calibrate on one half of the patients, report on the other."""

import argparse
import json
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from scipy import stats

from benchmarks.trust.calibration import calibrated, coverage
from benchmarks.trust.cases import Kind, patient_of
from benchmarks.trust.picture import draw
from benchmarks.trust.records import (
    Row,
    Table,
    has_match,
    is_by_information,
    is_exact,
    is_in_right_basin,
    is_wrong,
    table_of,
    trust_of,
)
from benchmarks.trust.run import read_rows
from benchmarks.trust.volumes import is_stored
from openigrt.patient import Verdict
from openigrt.registration.trust import SETTINGS, TrustSettings

RESULTS = Path(__file__).resolve().parents[1] / "results"
OUTCOMES = ("trusted, right", "trusted, WRONG", "look", "refused", "no match")


def main(arguments: list[str]) -> None:
    """Write the table, the figures as JSON, and the picture."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.trust report", description=__doc__)
    parser.add_argument("rows", type=Path)
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder of trust.txt and trust.json")
    parser.add_argument("--picture", type=Path, help="where to draw the reliability as SVG")
    parser.add_argument("--as-is", action="store_true", help="judge by the settings in the code, calibrate nothing")
    options = parser.parse_args(arguments)
    rows = read_rows(options.rows)
    halves = {name: [row for row in rows if row["half"] == name] for name in ("calibrated", "reported")}
    matched = [row for row in halves["calibrated"] if has_match(row) and not is_by_information(row)]
    settings = SETTINGS if options.as_is else calibrated(table_of(matched), SETTINGS)
    figures = {
        "settings": asdict(settings),
        **{name: _figures(half, settings) for name, half in halves.items()},
        "reported with the settings in the code": _figures(halves["reported"], SETTINGS),
    }
    options.results.mkdir(parents=True, exist_ok=True)
    (options.results / "trust.json").write_text(json.dumps(figures, indent=1) + "\n")
    text = _text(figures)
    (options.results / "trust.txt").write_text(text)
    sys.stdout.write(text)
    if options.picture is not None:
        drawn = [row for row in halves["reported"] if not is_by_information(row)]
        options.picture.write_text(draw(drawn, settings))


def upper_bound(count: int, of: int) -> float:
    """The one-sided 95 % upper bound of a share, count of so many (Clopper and Pearson 1934)."""
    return 1.0 if count >= of else float(stats.beta.ppf(0.95, count + 1, of - count))


def lower_bound(count: int, of: int) -> float:
    """The one-sided 95 % lower bound of a share."""
    return 0.0 if count == 0 else float(stats.beta.ppf(0.05, count, of - count + 1))


def _figures(all_rows: list[Row], settings: TrustSettings) -> dict[str, Any]:
    """All figures of one half: of X-ray images, and by themselves of those that are matched by mutual information."""
    rows = [row for row in all_rows if not is_by_information(row)]
    matched = [row for row in rows if has_match(row)]
    table = table_of(matched)
    trusted = table.trusted(settings)
    verdicts = [trust_of(row, settings).verdict for row in matched]
    if [verdict is Verdict.TRUSTED for verdict in verdicts] != trusted.tolist():
        raise AssertionError("The columns and the matcher's own logic give different verdicts.")
    outcomes = {id(row): _outcome(row, verdict) for row, verdict in zip(matched, verdicts, strict=True)}
    labels = [outcomes.get(id(row), "no match") for row in rows]
    right = table.correct_in_protocol
    return {
        "cases": len(rows),
        "bad cases": sum(not row["in_protocol"] for row in rows),
        "crashed": sum(row["verdict"] == "crashed" for row in rows),
        "trusted and wrong": _share(int((trusted & table.wrong).sum()), int(trusted.sum())),
        "trusted and wrong, of matches that are wrong": _share(
            int((trusted & table.wrong).sum()), int(table.wrong.sum())
        ),
        "ordinary matches that are right": _share(int(right.sum()), sum(row["in_protocol"] for row in rows)),
        "trusted of those": _share(int((trusted & right).sum()), int(right.sum())),
        "covered, ordinary matches": _covered(table, settings, table.measurable & table.in_protocol),
        "covered, bad ones in the right basin": _covered(table, settings, table.measurable & ~table.in_protocol),
        "covered, trusted matches": _covered(table, settings, table.exact & trusted),
        "median predicted error of ordinary matches, mm": _median(table.predicted_mm(settings)[right]),
        "median true error of ordinary matches, mm": _median(table.error_mm[right]),
        "by kind": _counted(rows, labels, lambda row: row["kind"], [str(kind) for kind in Kind]),
        "by images": _counted(rows, labels, _images_of, sorted({_images_of(row) for row in rows})),
        "by region": _counted(rows, labels, lambda row: row["region"], ["bone", "patient", "soft", "contours"]),
        "by allowed error": _counted(rows, labels, lambda row: str(row["allowed_mm"]), ["1.0", "1.5", "2.0"]),
        "wrong though trusted": [_brief(row) for row in matched if outcomes[id(row)] == "trusted, WRONG"],
        "why ordinary right matches were not trusted": _why_not(matched, verdicts, settings),
        **_by_information([row for row in all_rows if is_by_information(row)], settings),
    }


def _by_information(rows: list[Row], settings: TrustSettings) -> dict[str, Any]:
    """What became of MR and PET: whether any is trusted, and of simulated ones how good they are."""
    matched = [row for row in rows if has_match(row)]
    known = [row for row in matched if is_exact(row) and row["in_protocol"]]
    near = [row for row in matched if is_in_right_basin(row)]
    predicted = [trust_of(row, settings).predicted_error_mm for row in near]
    trusted = sum(trust_of(row, settings).verdict is Verdict.TRUSTED for row in matched)
    return {
        "MR and PET: cases": len(rows),
        "MR and PET: of the patient, stored": sum(is_stored(row["daily"]) and not is_wrong(row) for row in matched),
        "MR and PET: trusted": _share(trusted, len(matched)),
        "simulated MR, ordinary, right": _share(sum(not is_wrong(row) for row in known), len(known)),
        "simulated MR, in the right basin, covered": _share(
            sum(bound >= row["error_mm"] for bound, row in zip(predicted, near, strict=True)), len(near)
        ),
        "simulated MR, in the right basin, median error, mm": _median(np.array([row["error_mm"] for row in near])),
    }


def _images_of(row: Row) -> str:
    """The pair of images; other patients by the planned one alone."""
    return f"{row['planned']} / {'other' if patient_of(row['planned']) != patient_of(row['daily']) else row['daily']}"


def _outcome(row: Row, verdict: Verdict) -> str:
    """What became of a match."""
    if verdict is Verdict.TRUSTED:
        return "trusted, WRONG" if is_wrong(row) else "trusted, right"
    return str(verdict)


def _share(count: int, of: int) -> dict[str, float]:
    """A count with its share and one-sided bounds."""
    bounds = {"at least": lower_bound(count, of), "at most": upper_bound(count, of)} if of else {}
    return {"count": count, "of": of, "share": count / of if of else 0.0} | bounds


def _covered(table: Table, settings: TrustSettings, among: np.ndarray) -> dict[str, float]:
    """Share of predicted errors that cover the true ones."""
    return _share(round(coverage(table, settings, among) * int(among.sum())), int(among.sum()))


def _median(values: np.ndarray) -> float:
    """Median, NaN of nothing."""
    return float(np.median(values)) if len(values) else float("nan")


def _counted(
    rows: list[Row], labels: list[str], key: Callable[[Row], str], keys: list[str]
) -> dict[str, dict[str, int]]:
    """Outcomes counted by a property of the case."""
    counts = {name: dict.fromkeys(OUTCOMES, 0) for name in keys}
    for row, label in zip(rows, labels, strict=True):
        counts[key(row)][label] += 1
    return counts


def _brief(row: Row) -> dict[str, Any]:
    """What one needs to look at a case again."""
    keys = (
        "number",
        "kind",
        "planned",
        "daily",
        "region",
        "allowed_mm",
        "error_mm",
        "setup_mm",
        "setup_deg",
        "figures",
    )
    return {key: row[key] for key in keys}


def _why_not(matched: list[Row], verdicts: list[Verdict], settings: TrustSettings) -> dict[str, int]:
    """How often each reason stood against an ordinary match that was right, by the first words of the reason."""
    counts: dict[str, int] = {}
    for row, verdict in zip(matched, verdicts, strict=True):
        if row["in_protocol"] and not is_wrong(row) and verdict is not Verdict.TRUSTED:
            for reason in trust_of(row, settings).reasons:
                words = " ".join(word for word in reason.split()[:8] if not any(c.isdigit() for c in word))
                counts[words] = counts.get(words, 0) + 1
    return dict(sorted(counts.items(), key=lambda item: -item[1]))


def _text(figures: dict[str, Any]) -> str:
    """All figures as aligned text."""
    lines = ["settings", *(f"  {name:32s} {value:g}" for name, value in figures["settings"].items())]
    for half in ("calibrated", "reported", "reported with the settings in the code"):
        lines += ["", half, "-" * len(half)]
        for name, value in figures[half].items():
            lines += _lines(name, value)
    return "\n".join(lines) + "\n"


def _lines(name: str, value: Any) -> list[str]:
    """One figure as text."""
    if isinstance(value, dict) and "of" in value:
        bounds = f" (95 % bounds {value['at least']:.4f}, {value['at most']:.4f})" if value["of"] else ""
        return [f"  {name:48s} {value['count']} of {value['of']} = {value['share']:.4f}{bounds}"]
    if isinstance(value, dict) and value and isinstance(next(iter(value.values())), dict):
        head = f"  {name:30s}" + "".join(f"{outcome:>16s}" for outcome in OUTCOMES)
        return [
            head,
            *(f"    {key:28s}" + "".join(f"{n:16d}" for n in counts.values()) for key, counts in value.items()),
        ]
    if isinstance(value, dict):
        return [f"  {name}", *(f"    {count:5d}  {key}" for key, count in value.items())]
    if isinstance(value, list):
        return [f"  {name}: {len(value)}", *(f"    {json.dumps(item)}" for item in value)]
    return [f"  {name:48s} {value:g}"]
