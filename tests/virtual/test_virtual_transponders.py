"""Markers as devices follow them: noise by distance, losses, and the truth behind them."""

import numpy as np
import pytest

from openigrt.errors import InputError
from openigrt.geometry import rotation_angle_deg
from openigrt.virtual import (
    TRANSPONDER_MONITOR,
    Day,
    LinacModel,
    MarkerReading,
    ShadowFinding,
    TransponderArray,
    Transponders,
    VirtualLinac,
    found_shadows,
    marker_places_mm,
    stereoscopic_views,
)
from tests.virtual.linac_cases import EXACT_COUCH
from tests.virtual.lying_cases import ERROR, EVEN, MARKERS_MM, lying, patient

EXACT = TransponderArray(floor_mm=0.0, noise_mm=0.0, lost_share=0.0)


def test_noise_grows_with_the_distance_to_the_array():
    """Closed form: 0.25 mm at 200 mm by the seventh power, and 0.05 mm in squares."""
    array = TransponderArray(center_mm=(0.0, 0.0, 180.0))
    points = np.array([[0.0, 0.0, 180.0 - d] for d in (100.0, 200.0, 260.0)])
    expected = np.hypot(0.05, 0.25 * np.array([0.5, 1.0, 1.3]) ** 7)
    np.testing.assert_allclose(array.deviation_mm(points), expected)
    np.testing.assert_allclose(array.depth_mm(points), [100.0, 200.0, 260.0])


def test_readings_scatter_about_the_truth_as_stated():
    there = Transponders(lying(), TransponderArray(lost_share=0.1), seed=7)
    true = marker_places_mm(there.lying, 0.0)
    readings = [there.reading(n / 25.0) for n in range(400)]
    for name, place in true.items():
        heard = np.array([r.places_mm[name] for r in readings if name in r.places_mm])
        assert len(heard) / 400.0 == pytest.approx(0.9, abs=4.0 * np.sqrt(0.09 / 400.0))
        deviation = float(there.array.deviation_mm(place))
        assert (heard - place).std() == pytest.approx(deviation, rel=0.1)
        np.testing.assert_allclose(heard.mean(axis=0), place, atol=4.0 * deviation / np.sqrt(len(heard)))
    again = there.reading(3.0).places_mm
    for name, place in there.reading(3.0).places_mm.items():
        np.testing.assert_array_equal(again[name], place)


def test_their_motion_is_that_of_the_markers():
    there = Transponders(lying(), EXACT)
    expected = there.lying.motion_of(MARKERS_MM, 0.0)
    found = there.motion(0.0)
    assert found is not None
    planned = np.array(list(there.planned_mm.values()))
    np.testing.assert_allclose(
        planned, there.lying.planned_place(there.lying.setup_couch).points(MARKERS_MM), atol=1e-6
    )
    np.testing.assert_allclose(found.points(planned), expected.points(planned), atol=1e-6)
    assert rotation_angle_deg(found.rotation) == pytest.approx(rotation_angle_deg(ERROR.motion().rotation), abs=1e-6)


def test_fewer_than_three_say_nothing_of_a_turn_and_none_says_nothing():
    planned = {"A": np.zeros(3), "B": np.array([10.0, 0.0, 0.0])}
    found = MarkerReading(0.0, {"B": np.array([12.0, 1.0, 0.0])}).motion(planned)
    assert found is not None
    np.testing.assert_array_equal(found.rotation, np.eye(3))
    np.testing.assert_allclose(found.translation_mm, (2.0, 1.0, 0.0))
    assert MarkerReading(0.0, {}).motion(planned) is None


def test_out_of_reach_a_monitor_says_that_it_cannot_tell():
    linac = VirtualLinac(LinacModel(EXACT_COUCH), seed=2)
    on_couch = linac.lay_down(patient(), Day(1, breathing=EVEN))
    near, far = (TransponderArray(center_mm=(0.0, 0.0, z), lost_share=0.0) for z in (150.0, 320.0))
    for array in (near, far):
        linac.watch(TRANSPONDER_MONITOR, Transponders(on_couch, array).motion)
    linac.devices.clock.sleep_until(2.1)
    heard, unheard = (monitor.samples_since(0.0) for monitor in linac.devices.monitors)
    assert len(heard) == len(unheard) == 51
    assert all(sample.motion is None for sample in unheard)
    for sample in heard:
        assert sample.motion is not None
        expected = on_couch.motion_of(MARKERS_MM, sample.at_s)
        middle = on_couch.planned_place(on_couch.setup_couch).points(MARKERS_MM).mean(axis=0)
        np.testing.assert_allclose(sample.motion.points(middle), expected.points(middle), atol=0.5)


def test_shadows_are_found_where_markers_project():
    there, view = lying(), stereoscopic_views()[0]
    rng, finding = np.random.default_rng(4), ShadowFinding(0.3, 0.05)
    found = [found_shadows(there, view.true_geometry, 0.0, rng, finding) for _ in range(150)]
    for name, place in marker_places_mm(there, 0.0).items():
        pixels = np.array([one.pixels[name] for one in found if name in one.pixels])
        assert 125 <= len(pixels) < 150
        assert (pixels - view.true_geometry.pixels(place)).std() == pytest.approx(0.3, rel=0.15)
        np.testing.assert_allclose(pixels.mean(axis=0), view.true_geometry.pixels(place), atol=0.1)


def test_a_patient_without_such_markers_is_refused():
    with pytest.raises(InputError, match="MARKER_1, MARKER_2, MARKER_3; asked for SEED"):
        Transponders(lying(), names=("SEED",))
    with pytest.raises(InputError, match="direction"):
        TransponderArray(normal=(0.0, 0.0, 0.0))
