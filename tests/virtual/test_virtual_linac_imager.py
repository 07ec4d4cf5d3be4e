"""The imager of a virtual linac: what it believes, what is true, when it takes what, and what it loses."""

from dataclasses import replace

import numpy as np
import pytest

from openigrt.errors import DeviceFailure
from openigrt.geometry import FlexMap, Float64Array, Trajectory, circular_trajectory, flexed, rotation_y
from openigrt.images import Scan
from openigrt.virtual import Drive, FramesDropped, ImagerModel, LinacModel, RotationModel, VirtualLinac
from tests.virtual.linac_cases import ANGLES, EXACT_COUCH, KV_IMAGER, PLACEMENT, SMALL, ball_at, found_ball_mm, imaging

NOMINAL = circular_trajectory(ANGLES, PLACEMENT)
PLACE_MM = np.array([12.0, -7.0, 5.0])
FLEX = FlexMap(
    np.array([0.0, 90.0, 180.0, 270.0]),
    np.array([[1.0, -0.5], [0.4, 0.2], [-0.8, 0.5], [0.1, 0.3]]),
    np.array([[0.2, 0.1], [0.0, -0.3], [-0.2, 0.1], [0.3, 0.2]]),
)


def linac_imaging(model: ImagerModel) -> VirtualLinac:
    return VirtualLinac(LinacModel(EXACT_COUCH, imager=model), seed=2)


def scanned(linac: VirtualLinac, place_mm: np.ndarray = PLACE_MM) -> Scan:
    linac.show(ball_at(lambda _: place_mm))
    return imaging(linac).imager.scan(NOMINAL)


def test_an_exact_imager_finds_a_ball_where_it_is():
    scan = scanned(linac_imaging(ImagerModel(KV_IMAGER)))
    np.testing.assert_allclose(found_ball_mm(scan), PLACE_MM, atol=2e-4)


def test_an_imager_off_the_isocenter_finds_a_ball_by_as_much_the_other_way():
    offset_mm = (0.8, -0.5, 0.3)
    linac = linac_imaging(ImagerModel(KV_IMAGER, offset_mm))
    np.testing.assert_allclose(found_ball_mm(scanned(linac)), PLACE_MM - offset_mm, atol=2e-4)
    assert linac.truth.imaging_isocenter_mm == offset_mm


def test_a_sag_that_was_measured_costs_nothing():
    linac = linac_imaging(ImagerModel(replace(KV_IMAGER, flex=FLEX), true_flex=FLEX))
    scan = scanned(linac)
    np.testing.assert_allclose(found_ball_mm(scan), PLACE_MM, atol=2e-4)
    np.testing.assert_allclose(scan.trajectory.sources_mm, linac.truth.trajectory(NOMINAL).sources_mm)


def test_a_sag_that_nobody_measured_is_in_the_truth_alone():
    linac = linac_imaging(ImagerModel(KV_IMAGER, true_flex=FLEX))
    scan = scanned(linac)
    np.testing.assert_array_equal(scan.trajectory.sources_mm, NOMINAL.sources_mm)
    np.testing.assert_allclose(linac.truth.trajectory(NOMINAL).first_pixels_mm, flexed(NOMINAL, FLEX).first_pixels_mm)
    assert np.linalg.norm(found_ball_mm(scan) - PLACE_MM) > 0.1


def test_a_gantry_that_misreads_its_angle_turns_what_is_seen():
    gantry = RotationModel(Drive(6.0, 3.0), error_deg=0.5)
    linac = VirtualLinac(LinacModel(EXACT_COUCH, gantry, imager=ImagerModel(KV_IMAGER)))
    place = np.array([40.0, 0.0, 0.0])
    scan = scanned(linac, place)
    np.testing.assert_allclose(found_ball_mm(scan), rotation_y(-0.5) @ place, atol=2e-4)
    assert linac.truth.gantry_angle_deg(linac.devices.clock.now_s) == pytest.approx(
        linac.devices.gantry.reading().angle_deg + 0.5
    )


def test_projections_are_taken_while_the_gantry_is_there():
    """6 degrees per second for 360 degrees in steps of 2: a frame every third of a second; 11 a second at most."""
    linac, seen = linac_imaging(ImagerModel(KV_IMAGER)), []

    def pixels(trajectory: Trajectory, times_s: Float64Array) -> np.ndarray:
        seen.extend(times_s)
        return np.zeros(trajectory.shape, np.float32)

    linac.show(pixels)
    devices = imaging(linac)
    gantry = np.arange(-180.0, 180.0, 2.0)
    scan = devices.imager.scan(circular_trajectory(gantry + 90.0, PLACEMENT))
    np.testing.assert_allclose(scan.times_s, np.arange(180) / 3.0, atol=1e-9)
    np.testing.assert_allclose([linac.truth.gantry_angle_deg(t) for t in seen], gantry % 360.0, atol=1e-6)
    assert seen[0] == pytest.approx(60.0 + 180.0 / 6.0 + 6.0 / 3.0)
    fine = devices.imager.scan(circular_trajectory(np.linspace(90.0, 91.0, 12), PLACEMENT))
    np.testing.assert_allclose(np.diff(fine.times_s), 1.0 / 11.0)


def angles_as_pixels(trajectory: Trajectory) -> np.ndarray:
    return np.tile(trajectory.source_angles_deg()[:, None, None], trajectory.shape[1:]).astype(np.float32)


def test_frames_that_were_lost_are_missing_and_the_others_are_where_they_belong():
    linac = linac_imaging(ImagerModel(KV_IMAGER))
    linac.show(lambda trajectory, _: angles_as_pixels(trajectory))
    linac.faults.switch_on(FramesDropped(0.25), 0.0)
    gantry = np.arange(-180.0, 179.0, 1.0)
    scan = imaging(linac).imager.scan(circular_trajectory(gantry + 90.0, SMALL))
    lost = 1.0 - len(scan) / len(gantry)
    assert lost == pytest.approx(0.25, abs=3.0 * np.sqrt(0.25 * 0.75 / len(gantry)))
    np.testing.assert_allclose(scan.pixels[0 : len(scan)][:, 0, 0], scan.trajectory.source_angles_deg(), atol=1e-3)
    again = linac.devices.imager.scan(circular_trajectory(gantry + 90.0, SMALL))
    assert len(again) != len(scan) or not np.array_equal(again.trajectory.sources_mm, scan.trajectory.sources_mm)


def test_a_detector_that_loses_all_fails():
    linac = linac_imaging(ImagerModel(KV_IMAGER))
    linac.faults.switch_on(FramesDropped(1.0), 0.0)
    with pytest.raises(DeviceFailure, match="None of 12"):
        imaging(linac).imager.scan(circular_trajectory(ANGLES, PLACEMENT))
