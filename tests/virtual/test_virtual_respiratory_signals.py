"""Respiratory signals: the skin's own way, its lag and drift as put in, and a belt on its own scale."""

import numpy as np
import pytest

from openigrt.errors import InputError
from openigrt.geometry import CouchPose, pose_after_motion
from openigrt.motion import AmplitudeUnit, breaths_of
from openigrt.virtual import (
    BeltSignal,
    Day,
    LinacModel,
    MarkerSignal,
    PatientOnCouch,
    SetupError,
    VirtualLinac,
    belt_trace,
    front_skin_mm,
    marker_trace,
)
from tests.virtual.linac_cases import EXACT_COUCH, sent
from tests.virtual.lying_cases import EVEN, FORWARD_MM, HALF_AXES_MM, TARGET_MM, lying, patient

EXACT = MarkerSignal(25.0, lag_s=0.0, noise_mm=0.0)


@pytest.fixture(scope="module")
def there() -> PatientOnCouch:
    return lying(Day(1, breathing=EVEN))


def rng() -> np.random.Generator:
    return np.random.default_rng(1)


def test_the_skin_over_a_place_is_where_the_ellipsoid_ends():
    skin = front_skin_mm(patient(), np.array([[0.0, 0.0], [30.0, -40.0]]))
    x, z = (TARGET_MM + 0.0)[[0, 2]][:, None] + np.array([[0.0, 30.0], [0.0, -40.0]])
    y = -HALF_AXES_MM[1] * np.sqrt(1.0 - (x / HALF_AXES_MM[0]) ** 2 - (z / HALF_AXES_MM[2]) ** 2)
    np.testing.assert_allclose(skin, np.column_stack([x, y, z]), atol=0.11)  # the isocenter is rounded to 0.1 mm
    with pytest.raises(InputError, match="no skin 400 mm aside"):
        front_skin_mm(patient(), np.array([[400.0, 0.0]]))


def test_a_marker_rises_as_the_breath_does(there: PatientOnCouch):
    trace = marker_trace(there, 0.0, 9.0, rng(), EXACT)
    depth, _ = EVEN.depth_and_flow(trace.times_s)
    assert trace.unit is AmplitudeUnit.MM
    assert len(trace.times_s) == 226
    np.testing.assert_allclose(trace.amplitude, FORWARD_MM * depth, atol=0.02)


@pytest.mark.parametrize("lag_s", [0.4, -0.3])
def test_it_lags_and_drifts_as_put_in(there: PatientOnCouch, lag_s: float):
    """The ends of inhalation come later by the lag; baselines one breath apart differ by the drift."""
    signal = MarkerSignal(25.0, lag_s=lag_s, noise_mm=0.05, drift_mm_per_min=3.0)
    late = marker_trace(there, 0.5, 13.0, rng(), signal)
    exact = marker_trace(there, 0.5, 13.0, rng(), EXACT)
    shifts = breaths_of(late).peaks_s[:3] - breaths_of(exact).peaks_s[:3]
    np.testing.assert_allclose(shifts, lag_s, atol=0.08)
    depth, _ = EVEN.depth_and_flow(late.times_s - lag_s)
    drift = late.amplitude - FORWARD_MM * depth
    assert np.polyfit(late.times_s, drift, 1)[0] == pytest.approx(3.0 / 60.0, abs=0.005)
    assert (drift - 0.05 * (late.times_s - 0.5)).std() == pytest.approx(0.05, rel=0.2)


def test_it_goes_with_the_couch():
    linac = VirtualLinac(LinacModel(EXACT_COUCH))
    there = linac.lay_down(patient(), Day(1, setup=SetupError((0.0, 0.0, 2.0))))
    after_s = sent(linac.devices, pose_after_motion(SetupError((0.0, 0.0, -5.0)).motion(), CouchPose()))
    linac.devices.clock.sleep_until(after_s + 2.0)
    trace = marker_trace(there, 0.0, after_s + 1.0, rng(), EXACT)
    assert trace.amplitude[0] == pytest.approx(2.0, abs=1e-6)
    assert trace.amplitude[-1] == pytest.approx(-3.0, abs=1e-6)


def test_a_belt_reads_steps_of_its_own_scale():
    there = lying(Day(1, breathing=EVEN, setup=SetupError((0.0, 0.0, 2.0))))
    signal = BeltSignal(half_width_mm=25.0, lag_s=0.0)
    trace = belt_trace(there, 0.0, 9.0, rng(), signal)
    depth, _ = EVEN.depth_and_flow(trace.times_s)
    assert trace.unit is AmplitudeUnit.OWN
    np.testing.assert_array_equal(trace.amplitude, np.rint(trace.amplitude))
    assert np.corrcoef(trace.amplitude, depth)[0, 1] > 0.999
    middle = trace.amplitude[np.abs(depth - 0.5) < 0.1].mean()
    assert middle == pytest.approx(800.0 + 150.0 * 0.5 * FORWARD_MM, rel=0.1)  # he lies 2 mm too high, which it ignores
    clipped = belt_trace(there, 0.0, 5.0, rng(), BeltSignal(half_width_mm=25.0, lag_s=0.0, largest=1000.0))
    assert clipped.amplitude.max() == 1000.0


def test_signals_that_cannot_be_are_refused(there: PatientOnCouch):
    with pytest.raises(InputError, match="fewer than 2 samples"):
        marker_trace(there, 3.0, 3.01, rng(), EXACT)
    with pytest.raises(InputError, match="from 0"):
        marker_trace(there, 0.0, 3.0, rng(), MarkerSignal(lag_s=0.5))
    with pytest.raises(InputError, match="rate above zero"):
        MarkerSignal(rate_hz=0.0)
