"""The breathing of a scan, by a trace or by its projections: sorted, and an image of each bin."""

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from openigrt.errors import InconsistentInput, MissingInput
from openigrt.files import read_trace
from openigrt.geometry import Float64Array, PatientPosition
from openigrt.images import Image, Phase, Scan
from openigrt.motion import Bins, BreathingTrace, SortingQuantity, amplitude_bins, breaths_of, phase_bins
from openigrt.report import ShownBreathing
from openigrt.tasks.clock import Clock
from openigrt.tasks.reconstruction.projection_corrections import LineIntegrals
from openigrt.tasks.reconstruction.reconstruction import BreathingBin, BreathingSettings, Method
from openigrt.tasks.reconstruction.volume_making import Bench
from openigrt.xray import amsterdam_shroud, blank_bins, breathing_in, reconstruct_bins

Float32Array = NDArray[np.float32]

PHASES, AMPLITUDES = "phase_", "amplitude_"
LEAST_SEEN_SHARE = 0.5


def sorted_breathing(bench: Bench, integrals: LineIntegrals, asked: BreathingSettings, clock: Clock) -> ShownBreathing:
    """Breathing by the trace that is named, else as the projections show it, and the bin of each of them.

    Raises MissingInput without times, InconsistentInput where no bin would have an image.
    """
    scan = bench.scan
    if scan.times_s is None:
        raise MissingInput(
            "The times of the projections are not stated, so their breathing cannot be found; give --frame-rate."
        )
    times_s = scan.times_s + asked.trace_start_s
    if asked.trace is None:
        clock.step("breathing", "looking for the breathing in the projections")
        trace = _found(scan, integrals)
    else:
        trace = read_trace(asked.trace)
        _require_cover(trace, times_s)
    by_phase = asked.by is SortingQuantity.PHASE
    bins = (
        phase_bins(breaths_of(trace), times_s, asked.bins) if by_phase else amplitude_bins(trace, times_s, asked.bins)
    )
    if len(blank_bins(scan.trajectory, bins)) == len(bins.names):
        raise InconsistentInput(
            f"Not one of {asked.bins} bins of breathing has projections enough for an image; choose fewer with "
            "--four-d, look at the trace, or reconstruct without."
        )
    if asked.trace is None:
        return ShownBreathing(trace, times_s, bins)
    return ShownBreathing(trace, times_s, bins, asked.trace.name)


def _found(scan: Scan, integrals: LineIntegrals) -> BreathingTrace:
    """The trace that the projections themselves show."""
    position = scan.provenance.patient_position or PatientPosition.HFS
    shroud = amsterdam_shroud(integrals, scan.trajectory)
    return breathing_in(shroud, np.asarray(scan.times_s, dtype=np.float64), position)


def _require_cover(trace: BreathingTrace, times_s: Float64Array) -> None:
    """Raise InconsistentInput for a trace that was taken at another time than half of the projections."""
    if np.isfinite(trace.at(times_s)).mean() < LEAST_SEEN_SHARE:
        raise InconsistentInput(
            f"The trace lasts from {trace.times_s[0]:.1f} to {trace.times_s[-1]:.1f} s, and the scan, on its clock, "
            f"from {times_s[0]:.1f} to {times_s[-1]:.1f} s; say with --trace-start when the first projection was taken."
        )


def images_of(
    bins: Bins, bench: Bench, integrals: LineIntegrals, shown: Callable[[Float32Array, Phase], Image], clock: Clock
) -> tuple[BreathingBin, ...]:
    """The image of each bin, as `shown` makes one of attenuations per mm [k, j, i]."""
    clock.step("bins", "reconstructing the bins of breathing")
    made = []
    by_phase = bins.quantity is SortingQuantity.PHASE
    for number, volume in enumerate(_volumes(bins, bench, integrals, clock)):
        name = bins.names[number]
        phase = Phase.of_breathing(float(name.rstrip("%"))) if by_phase else Phase(f"amplitude {name}")
        folder = f"{PHASES}{name.rstrip('%')}" if by_phase else f"{AMPLITUDES}{number + 1}"
        image = None if volume is None else shown(volume, phase)
        made.append(BreathingBin(name, folder, image, len(bins.members(number))))
    return tuple(made)


def _volumes(bins: Bins, bench: Bench, integrals: LineIntegrals, clock: Clock) -> Iterator[Float32Array | None]:
    """Attenuation per mm [k, j, i] of each bin, None where it is blank."""
    trajectory = bench.scan.trajectory
    if bench.settings.method is Method.FDK:
        made = reconstruct_bins(integrals, trajectory, bench.grid, bins, bench.fdk_settings)
        for number, each in enumerate(made, start=1):
            clock.tell(f"bin {each.name}, {number} of {len(bins.names)}")
            yield each.volume
        return
    blank = blank_bins(trajectory, bins)
    for number, name in enumerate(bins.names):
        if name in blank:
            yield None
            continue
        clock.tell(f"bin {name}, {number + 1} of {len(bins.names)}")
        members = bins.members(number)
        runs = np.split(members, np.flatnonzero(np.diff(members) != 1) + 1)
        taken = np.concatenate([integrals[int(run[0]) : int(run[-1]) + 1] for run in runs])
        yield bench.iterated(taken, trajectory.chosen(members), clock.tell)


def blank_remark(made: tuple[BreathingBin, ...]) -> tuple[str, ...]:
    """The bins without an image, where there are such."""
    blank = [each.name for each in made if each.image is None]
    return (f"Bins of breathing without enough projections for an image: {', '.join(blank)}.",) if blank else ()


def aside_remark(bins: Bins) -> tuple[str, ...]:
    """How many projections are in no bin, where there are such."""
    if not bins.aside:
        return ()
    return (f"{bins.aside} of {len(bins.of_each)} projections lie in no usual breath, and in no bin.",)
