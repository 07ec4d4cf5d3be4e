"""Breathing from projections alone: the chest's own breathing is the truth, its projections are closed forms."""

from dataclasses import replace

import numpy as np
import pytest

from openigrt.errors import FrameMismatch, InconsistentInput, InvalidGeometry
from openigrt.geometry import Frame, PatientPosition, RigidTransform
from openigrt.motion import AmplitudeUnit, breaths_of, phase_bins
from openigrt.xray import amsterdam_shroud, breathing_in
from tests.xray.breathing_scans import Chest, breathing_mm, minute, moved_in, with_noise
from tests.xray.ellipsoid_scans import Ellipsoid, projected, turn

FULL_FAN_MM, HALF_FAN_MM = 0.0, 120.0


def scan(offset_mm=FULL_FAN_MM, cranial=1.0, seed=3):
    """(line integrals, trajectory, times, true amplitudes, true peaks) of a minute."""
    trajectory, times = minute(offset_mm=offset_mm)
    amplitudes, peaks = breathing_mm(times, seed)
    return Chest(cranial).scanned(trajectory, amplitudes), trajectory, times, amplitudes, peaks


def true_phases(times, peaks):
    breath = np.searchsorted(peaks, times, side="right") - 1
    return 100.0 * (times - peaks[breath]) / np.diff(peaks)[breath]


@pytest.mark.parametrize("offset_mm", [FULL_FAN_MM, HALF_FAN_MM, -HALF_FAN_MM])
@pytest.mark.parametrize("seed", [3, 11])
def test_the_signal_is_the_breathing_that_was(offset_mm, seed):
    data, trajectory, times, amplitudes, peaks = scan(offset_mm, seed=seed)
    trace = breathing_in(amsterdam_shroud(with_noise(data), trajectory), times, PatientPosition.HFS)
    assert np.corrcoef(trace.amplitude, amplitudes)[0, 1] > 0.97
    assert trace.unit is AmplitudeUnit.OWN
    breaths = breaths_of(trace)
    between = (times > breaths.peaks_s[0]) & (times < breaths.peaks_s[-1])
    off = np.mod(breaths.phase_percent(times) - true_phases(times, peaks) + 50.0, 100.0) - 50.0
    assert np.sqrt(np.nanmean(off[between] ** 2)) < 4.0
    assert np.isnan(off[between]).mean() < 0.1
    bins = phase_bins(breaths, times, 10)
    truly = np.floor(true_phases(times, peaks) / 10.0 + 0.5).astype(int) % 10
    apart = np.abs(np.mod(bins.of_each - truly + 5, 10) - 5)[between & (bins.of_each >= 0)]
    assert (apart <= 1).all()


@pytest.mark.parametrize(
    ("position", "cranial"),
    [(PatientPosition.HFS, 1.0), (PatientPosition.HFDL, 1.0), (PatientPosition.FFS, -1.0), (PatientPosition.FFP, -1.0)],
)
def test_inhalation_rises_however_the_patient_lies(position, cranial):
    data, trajectory, times, amplitudes, _ = scan(cranial=cranial)
    trace = breathing_in(amsterdam_shroud(data, trajectory), times, position)
    assert np.corrcoef(trace.amplitude, amplitudes)[0, 1] > 0.97


def test_a_detector_that_sags_or_lies_the_other_way_shows_the_same():
    data, trajectory, times, amplitudes, _ = scan()
    sagging = moved_in(trajectory, 3.0)
    trace = breathing_in(amsterdam_shroud(Chest().scanned(sagging, amplitudes), sagging), times, PatientPosition.HFS)
    assert np.corrcoef(trace.amplitude, amplitudes)[0, 1] > 0.97
    last_row = trajectory.first_pixels_mm + trajectory.column_directions * trajectory.spacing_mm[1] * 95
    upside_down = replace(trajectory, first_pixels_mm=last_row, column_directions=-trajectory.column_directions)
    one, other = (amsterdam_shroud(d, t) for d, t in ((data, trajectory), (data[:, ::-1], upside_down)))
    assert other.changes == pytest.approx(one.changes, abs=1e-3)


def test_a_ball_on_the_axis_is_seen_to_move_as_far_as_it_does():
    """Where all edges move alike, their mean displacement is that of the ball."""
    trajectory = turn(200, (32, 96), 4.0)
    times = np.arange(200) * 0.2
    moved = 3.0 * np.cos(2.0 * np.pi * times / 4.0)
    ball = Ellipsoid((30.0, 30.0, 30.0), (0.0, 0.0, 0.0), 0.02)
    data = np.concatenate([projected([ball.at((0.0, y, 0.0))], trajectory.chosen([n])) for n, y in enumerate(moved)])
    trace = breathing_in(amsterdam_shroud(data, trajectory), times, PatientPosition.FFS)
    assert np.polyfit(moved, trace.amplitude, 1)[0] == pytest.approx(1.0, abs=0.15)


def test_what_is_refused():
    trajectory = turn(40, (16, 16), 16.0)
    data = projected([Ellipsoid((30.0, 30.0, 30.0), (0.0, 0.0, 0.0), 0.02)], trajectory)
    shroud = amsterdam_shroud(data, trajectory)
    with pytest.raises(InvalidGeometry, match="do not fit a trajectory"):
        amsterdam_shroud(data[1:], trajectory)
    dead = data.copy()
    dead[3, 4, 5] = np.nan
    with pytest.raises(InconsistentInput, match="no numbers"):
        amsterdam_shroud(dead, trajectory)
    with pytest.raises(InconsistentInput, match="rising times"):
        breathing_in(shroud, np.zeros(40), PatientPosition.HFS)
    with pytest.raises(InconsistentInput, match="rising times"):
        breathing_in(shroud, np.arange(39.0), PatientPosition.HFS)
    with pytest.raises(InconsistentInput, match=r"lasts 3\.9 s"):
        breathing_in(shroud, np.arange(40) * 0.1, PatientPosition.HFS)
    elsewhere = trajectory.moved(RigidTransform(Frame.daily("1.2"), Frame.FIXED, np.eye(3), np.zeros(3)))
    with pytest.raises(FrameMismatch):
        amsterdam_shroud(data, elsewhere)


@pytest.mark.parametrize(("rows", "apart_mm"), [(1, 0.0), (2, 0.0), (16, 300.0)])
def test_detectors_that_see_too_little_of_the_patient_in_common_are_refused(rows, apart_mm):
    trajectory = turn(40, (16, rows), 16.0)
    aside = np.where(np.arange(40) % 2, apart_mm, 0.0)[:, None] * np.array([0.0, 1.0, 0.0])
    apart = replace(trajectory, first_pixels_mm=trajectory.first_pixels_mm + aside)
    with pytest.raises(InconsistentInput, match="rows along the patient in common"):
        amsterdam_shroud(np.zeros(apart.shape, np.float32), apart)


@pytest.mark.parametrize("photons", [1e6, 5e3])
def test_a_scan_in_which_nothing_moves_is_refused(photons):
    trajectory, times = minute()
    data = with_noise(Chest().scanned(trajectory, np.zeros(len(times))), photons)
    with pytest.raises(InconsistentInput, match="Nothing is seen to breathe"):
        breathing_in(amsterdam_shroud(data, trajectory), times, PatientPosition.HFS)
