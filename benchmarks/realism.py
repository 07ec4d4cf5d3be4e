"""`python -m benchmarks.realism breathing`: how virtual patients breathe beside people who were recorded.

Recorded: markers on chest and belly of healthy people (`respiratory_markers`, height z) and trajectories of the liver
of patients (`kv_tracking`, robot traces, up and down), without those of breath-hold. Simulated: the skin of virtual
patients at the same places, and their targets. Needs the real data (OPENIGRT_DATA).
"""

import argparse
import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

from openigrt.errors import InconsistentInput
from openigrt.geometry import Float64Array, Frame
from openigrt.motion import AmplitudeUnit, BreathingTrace, breaths_of
from openigrt.virtual import (
    MarkerSignal,
    VirtualLinac,
    VirtualPatient,
    abdomen_day,
    abdomen_patient,
    marker_trace,
    thorax_day,
    thorax_patient,
)

FRAME = Frame.plan("1.2.3")
PLACES = {"LAC": "belly below", "UAC": "belly above", "UCC": "chest"}
UP_FROM_T9_MM = {"LAC": -190.0, "UAC": -110.0, "UCC": 60.0}
FRAMES_PER_S = 60.0
HELD = ("BreathHold",)
FEWEST_BREATHS = 5
Trace = tuple[str, BreathingTrace]


@dataclass(frozen=True, slots=True)
class Breathing:
    """Of all breaths of a group of traces: quantiles of period and amplitude; medians over traces of the SD in each."""

    group: str
    traces: int
    breaths: int
    period_s: tuple[float, float, float]
    period_sd_s: float
    period_sd_share: float
    amplitude_mm: tuple[float, float, float]
    amplitude_sd_mm: float
    amplitude_sd_share: float


def of_traces(group: str, traces: list[BreathingTrace]) -> Breathing:
    """The statistics of a group."""
    periods, amplitudes = zip(*(_breaths(trace) for trace in traces), strict=True)
    period, amplitude = np.concatenate(periods), np.concatenate(amplitudes)
    return Breathing(
        group,
        len(traces),
        len(period),
        _quantiles(period),
        float(np.median([p.std(ddof=1) for p in periods])),
        float(np.median([p.std(ddof=1) / np.median(p) for p in periods])),
        _quantiles(amplitude),
        float(np.median([a.std(ddof=1) for a in amplitudes])),
        float(np.median([a.std(ddof=1) / np.median(a) for a in amplitudes])),
    )


def _quantiles(values: Float64Array) -> tuple[float, float, float]:
    """10th percentile, median, 90th percentile."""
    low, middle, high = np.percentile(values, [10.0, 50.0, 90.0])
    return float(low), float(middle), float(high)


def _breaths(trace: BreathingTrace) -> tuple[Float64Array, Float64Array]:
    """Period and amplitude, mean of both peaks above the lowest point between them, of each breath (n,)."""
    peaks_s = breaths_of(trace).peaks_s
    peaks = trace.at(np.clip(peaks_s, trace.times_s[0], trace.times_s[-1]))
    lowest = [trace.amplitude[(trace.times_s > a) & (trace.times_s < b)].min() for a, b in pairwise(peaks_s)]
    return np.diff(peaks_s), 0.5 * (peaks[:-1] + peaks[1:]) - np.array(lowest)


def recorded_markers(folder: Path) -> Iterator[Trace]:
    """Place and height of each recorded marker."""
    for path in sorted(folder.glob("*.csv")):
        lines = path.read_text(encoding="utf-8").splitlines()[1:]
        rows = np.array([[float(w.replace(",", ".")) for w in line.split(";")] for line in lines if line.strip()])
        rows = rows[(rows[:, 2:] != 0.0).any(axis=1)]
        frames, height_mm = rows[:, 0], rows[:, 4]  # the times of samples that were filled in are not in ms
        yield path.name.split("-")[1], BreathingTrace(frames / FRAMES_PER_S, height_mm, AmplitudeUnit.MM)


def recorded_livers(folder: Path) -> Iterator[Trace]:
    """Name and way down of each recorded liver that breathes freely."""
    for path in sorted(folder.glob("LiverTraj*.txt")):
        if any(word in path.name for word in HELD):
            continue
        rows = np.loadtxt(path)
        times_s, up_mm = rows[:, 0], rows[:, 2]
        inhaled = -up_mm if np.median(up_mm) > 0.5 * (up_mm.min() + up_mm.max()) else up_mm
        yield path.stem, BreathingTrace(times_s, inhaled, AmplitudeUnit.MM)


def simulated(seconds: float, patients: int) -> Iterator[Trace]:
    """Skin at the three places, and the target's way down, of virtual patients on a day each."""
    makers = ((thorax_patient, thorax_day), (abdomen_patient, abdomen_day))
    for n in range(patients):
        make, day_of = makers[n % 2]
        patient = make(FRAME, 100 + n)
        day = day_of(patient, 1)
        lying = VirtualLinac(seed=n).lay_down(patient, day)
        t9_mm = patient.anatomy.landmarks_mm["T9"][2] if "T9" in patient.anatomy.landmarks_mm else 0.0
        for name, up_mm in UP_FROM_T9_MM.items():
            signal = MarkerSignal(10.0, 0.0, up_mm + t9_mm - float(patient.isocenter_mm[2]))
            yield name, marker_trace(lying, 1.0, seconds, np.random.default_rng(n), signal)
        times_s = np.arange(0.0, seconds, 0.2)
        yield patient.site, BreathingTrace(times_s, _way_down_mm(patient, day.breathing, times_s), AmplitudeUnit.MM)


def _way_down_mm(patient: VirtualPatient, pattern: object, times_s: Float64Array) -> Float64Array:
    """How far (n,) a target goes down: it goes as one, with all that moves at its middle."""
    depth, flow = pattern.depth_and_flow(times_s)  # type: ignore[attr-defined]
    exhaled = patient.at(patient.planned)
    middle = patient.target_points_mm.mean(axis=0)
    inhaled = exhaled.deformed(exhaled.deformation.then(*(o.motion(1.0, 0.0) for o in patient.breathing_organs)))
    way_mm = float(exhaled.moved_mm(middle)[2] - inhaled.moved_mm(middle)[2])
    with_flow_mm = sum(float(np.asarray(o.with_flow_mm)[2]) for o in patient.breathing_organs)
    return np.asarray(way_mm * depth - with_flow_mm * flow)


def breathing(data: Path, seconds: float, patients: int) -> list[tuple[Breathing, Breathing]]:
    """Recorded and simulated, group by group."""
    markers, livers = list(recorded_markers(data / "respiratory_markers")), _livers(data)
    virtual = list(simulated(seconds, patients))
    rows = []
    for place, words in PLACES.items():
        rows.append((_group(words, markers, place), _group(words, virtual, place)))
    inside = [trace for name, trace in virtual if name in ("thorax", "abdomen")]
    rows.append((of_traces("liver / target", [trace for _, trace in livers]), of_traces("liver / target", inside)))
    return rows


def _livers(data: Path) -> list[Trace]:
    return list(recorded_livers(data / "kv_tracking" / "Robot traces"))


def _group(words: str, traces: list[Trace], name: str) -> Breathing:
    """The traces of one place that hold some breaths."""
    chosen = []
    for found, trace in traces:
        try:
            enough = found == name and len(breaths_of(trace).peaks_s) > FEWEST_BREATHS
        except InconsistentInput:
            enough = False
        if enough:
            chosen.append(trace)
    return of_traces(words, chosen)


def table(rows: list[tuple[Breathing, Breathing]]) -> str:
    """Markdown: 10th percentile, median, 90th, and the SD from breath to breath with its share of the median."""
    lines = [
        "| | traces, breaths | period, s | its SD | amplitude, mm | its SD |",
        "|---|---|---|---|---|---|",
    ]
    for pair in rows:
        for kind, b in zip(("recorded", "simulated"), pair, strict=True):
            period, amplitude = ("{:.1f} – **{:.1f}** – {:.1f}".format(*q) for q in (b.period_s, b.amplitude_mm))
            lines.append(
                f"| {b.group}, {kind} | {b.traces}, {b.breaths} | {period} | {b.period_sd_s:.2f} "
                f"({100.0 * b.period_sd_share:.0f} %) | {amplitude} | {b.amplitude_sd_mm:.2f} "
                f"({100.0 * b.amplitude_sd_share:.0f} %) |"
            )
    return "\n".join(lines)


def main() -> None:
    """Print the table; with --json also the numbers."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("part", choices=["breathing"])
    parser.add_argument("--data", default=os.environ.get("OPENIGRT_DATA"), help="real data (OPENIGRT_DATA)")
    parser.add_argument("--seconds", type=float, default=90.0, help="how long each virtual patient is watched")
    parser.add_argument("--patients", type=int, default=6, help="how many virtual patients")
    parser.add_argument("--json", type=Path, help="a file for the numbers")
    words = parser.parse_args()
    if not words.data:
        parser.error("the real data are needed: name their folder by --data or OPENIGRT_DATA")
    rows = breathing(Path(words.data), words.seconds, words.patients)
    print(table(rows))  # noqa: T201 - what it is for
    if words.json:
        found = [{"recorded": asdict(a), "simulated": asdict(b)} for a, b in rows]
        words.json.write_text(json.dumps(found, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
