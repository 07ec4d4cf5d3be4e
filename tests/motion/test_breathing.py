"""Traces, breaths and bins: clinical vectors B-05, B-10, B-11, breathing with a known period, and what is refused."""

import json
from pathlib import Path

import numpy as np
import pytest

from openigrt.errors import InconsistentInput
from openigrt.motion import (
    ASIDE,
    AmplitudeUnit,
    Bins,
    BreathingTrace,
    Breaths,
    SortingQuantity,
    amplitude_bins,
    bins_between,
    breaths_of,
    phase_bins,
)

VECTOR_FILE = Path(__file__).resolve().parents[1] / "vectors" / "test_vectors.json"
VECTORS = {vector["id"]: vector for vector in json.loads(VECTOR_FILE.read_text(encoding="utf-8"))}


def lujan(times_s, period_s=4.0, height_mm=12.0, power=4, delay_s=0.0):
    """Breathing as Lujan et al. (1999) model it, its end of inhalation at whole periods after the delay."""
    return height_mm * np.cos(np.pi * (times_s - delay_s) / period_s) ** power


def sampled(seconds=60.0, rate_hz=10.0, **breathing):
    times = np.arange(0.0, seconds, 1.0 / rate_hz)
    return BreathingTrace(times, lujan(times, **breathing), AmplitudeUnit.MM)


def test_phase_between_two_peaks_is_the_share_of_time():
    vector = VECTORS["B-10"]
    breaths = Breaths(np.array([2.0, 6.4]), np.array([True]))
    assert breaths.phase_percent([3.1, 4.2, 6.0]) == pytest.approx(vector["expected"], abs=vector["abs_tol"])


def test_amplitude_bins_of_equal_height():
    vector = VECTORS["B-11"]
    bins = bins_between(vector["input"]["amp"], 0.0, 12.0, 5)
    assert bins.of_each.tolist() == vector["expected"]
    assert bins.quantity is SortingQuantity.AMPLITUDE
    assert bins.names[0] == "1 of 5"


@pytest.mark.parametrize(("power", "expected"), [*zip((2, 4, 6), VECTORS["B-05"]["expected"], strict=True)])
def test_a_trace_spends_its_time_where_the_model_says(power, expected):
    trace = sampled(seconds=400.0, rate_hz=25.0, power=power, height_mm=1.0)
    moments = trace.at(np.linspace(0.0, 399.0, 40001)[:-1])
    assert (np.mean(moments), np.std(moments)) == pytest.approx(expected, abs=1e-2)


@pytest.mark.parametrize("rate_hz", [4.0, 5.5, 25.0])
def test_peaks_are_found_between_samples(rate_hz):
    breaths = breaths_of(sampled(rate_hz=rate_hz, delay_s=0.37))
    expected = 0.37 + 4.0 * np.arange(len(breaths.peaks_s)) + 4.0 * (breaths.peaks_s[0] > 2.0)
    assert breaths.peaks_s == pytest.approx(expected, abs=0.04)
    assert breaths.period_s == pytest.approx(4.0, abs=0.02)
    assert breaths.usual.all()


def test_a_sigh_and_a_held_breath_are_not_sorted():
    times = np.arange(0.0, 80.0, 0.1)
    phase = np.where(times < 40.0, times / 4.0, np.where(times < 47.0, 10.0 + (times - 40.0) / 7.0, times / 4.0 - 0.75))
    height = np.where(np.abs(phase - 15.5) < 0.5, 30.0, 12.0)
    breaths = breaths_of(BreathingTrace(times, height * np.cos(np.pi * phase) ** 4, AmplitudeUnit.MM))
    starts = breaths.peaks_s[:-1][~breaths.usual]
    assert np.any(np.abs(starts - 40.0) < 0.5)
    bins = phase_bins(breaths, [41.0, 44.0, 20.0], 10)
    assert bins.of_each.tolist()[:2] == [ASIDE, ASIDE]
    assert bins.of_each[2] == 0
    assert bins.aside == 2


def test_phase_bins_are_centred_on_their_phase():
    breaths = Breaths(np.array([0.0, 10.0, 20.0]), np.array([True, True]))
    bins = phase_bins(breaths, [0.4, 0.6, 9.4, 9.6, 5.0], 10)
    assert bins.of_each.tolist() == [0, 1, 9, 0, 5]
    assert bins.names[5] == "50%"
    assert bins.members(0).tolist() == [0, 3]


def test_phases_reach_one_breath_beyond_the_peaks_and_no_further():
    breaths = Breaths(np.array([10.0, 14.0, 19.0]), np.array([True, True]))
    found = breaths.phase_percent([5.9, 8.0, 21.5, 24.1])
    assert np.isnan(found[[0, 3]]).all()
    assert found[1:3] == pytest.approx([50.0, 50.0])


def test_amplitude_bins_leave_moments_outside_the_trace_aside():
    bins = amplitude_bins(sampled(seconds=10.0), [-1.0, 0.0, 2.0, 4.0, 30.0], 4)
    assert bins.of_each.tolist() == [ASIDE, 3, 0, 3, ASIDE]


@pytest.mark.parametrize(
    ("times", "amplitude", "says"),
    [
        ([0.0, 1.0], [1.0], "as many times as amplitudes"),
        ([0.0], [1.0], "2 at least"),
        ([0.0, 1.0], [np.nan, 1.0], "no numbers"),
        ([0.0, 2.0, 1.0], [0.0, 1.0, 2.0], "set back"),
    ],
)
def test_traces_that_are_refused(times, amplitude, says):
    with pytest.raises(InconsistentInput, match=says):
        BreathingTrace(np.array(times), np.array(amplitude), AmplitudeUnit.OWN)


@pytest.mark.parametrize("amplitude", [np.zeros(100), np.linspace(0.0, 5.0, 100), np.eye(1, 100, 50)[0]])
def test_a_trace_without_breaths_is_refused(amplitude):
    with pytest.raises(InconsistentInput, match="sorting needs two"):
        breaths_of(BreathingTrace(np.arange(100) * 0.1, amplitude, AmplitudeUnit.OWN))


def test_bins_that_are_refused():
    with pytest.raises(InconsistentInput, match="one bin"):
        bins_between([1.0, 2.0], 0.0, 3.0, 0)
    with pytest.raises(InconsistentInput, match="range"):
        bins_between([1.0, 1.0], 1.0, 1.0, 5)
    with pytest.raises(InconsistentInput, match="one clock"):
        amplitude_bins(sampled(seconds=10.0), [100.0, 101.0])
    with pytest.raises(InconsistentInput, match="2 bins"):
        Bins(SortingQuantity.PHASE, np.array([0, 2]), np.array([0.0, 50.0, 100.0]), ("0%", "50%"))
    with pytest.raises(InconsistentInput, match="order of time"):
        Breaths(np.array([3.0, 2.0]), np.array([True]))
    with pytest.raises(InconsistentInput, match="bound 1 breaths"):
        Breaths(np.array([2.0, 3.0]), np.array([True, True]))
