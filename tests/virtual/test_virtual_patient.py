"""A virtual patient from day to day and from moment to moment: what is known of him is true."""

from dataclasses import replace

import numpy as np
import pytest

from openigrt.errors import InputError, MissingInput
from openigrt.geometry import Frame, Grid, RigidTransform, TableAngles
from openigrt.virtual import (
    BODY_SETUP,
    BreathingOrgan,
    BreathingPattern,
    Day,
    Drift,
    Organ,
    Part,
    Region,
    SetupError,
    Superellipsoid,
    VirtualPatient,
    pelvis_day,
    pelvis_in,
    pelvis_patient,
    render,
)
from openigrt.virtual.sites.pelvis import PelvisState

FRAME = Frame.plan("1.2.3")


@pytest.fixture(scope="module")
def patient() -> VirtualPatient:
    return pelvis_patient(FRAME, 7, (5.0, -20.0, -500.0))


@pytest.fixture(scope="module")
def day(patient: VirtualPatient) -> Day:
    return pelvis_day(patient, 1)


def points_about(center_mm: np.ndarray, count: int = 20_000) -> np.ndarray:
    return center_mm + np.random.default_rng(1).uniform((-150, -90, -100), (150, 100, 200), (count, 3))


def test_displacement_and_inverse_agree(patient: VirtualPatient, day: Day):
    points = points_about(patient.isocenter_mm)
    there = patient.displaced_mm(points, day, 120.0)
    assert np.linalg.norm(there - points, axis=1).max() > 2.0
    assert np.linalg.norm(patient.planned_mm(there, day, 120.0) - points, axis=1).max() < 1e-4


def test_the_image_of_a_day_is_the_planned_tissue_where_it_has_gone(patient: VirtualPatient, day: Day):
    """Voxel by voxel, HU of the day are HU of the plan at the place that the truth says (edges and gas aside)."""
    still = RigidTransform.identity(FRAME, FRAME)
    grid = Grid(FRAME, patient.isocenter_mm - 40.0, np.full(3, 2.0), np.eye(3), (41, 41, 41))
    index = np.stack(np.meshgrid(*(np.arange(41),) * 3, indexing="ij")[::-1], axis=-1)
    points = grid.points(index)
    of_the_day = render(patient.at(day), grid, still, blur_mm=0.3)
    at_home = patient.planned_mm(points, day).reshape(-1, 3)
    expected = np.empty(of_the_day.size, np.float32)
    anatomy = patient.anatomy
    for n in range(0, len(at_home), 977):  # each by itself: one voxel of the plan about that point
        one = Grid(FRAME, at_home[n], np.full(3, 2.0), np.eye(3), (1, 1, 1))
        expected[n] = render(anatomy, one, still, blur_mm=0.3)[0, 0, 0]
    found = of_the_day.reshape(-1)[::977]
    differences = np.abs(found - expected[::977])
    assert np.median(differences) < 1.0
    assert np.mean(differences > 20.0) < 0.05


def test_the_target_goes_where_the_state_says(patient: VirtualPatient):
    state = PelvisState(bladder_ml=260.0, rectum_width=1.1, prostate_shift_mm=(1.0, -2.0, 1.5))
    motion = patient.target_motion(pelvis_in(patient, state))
    shift = motion.shift_about_points_mm(patient.isocenter_mm, patient.isocenter_mm)
    np.testing.assert_allclose(shift, (1.0, -2.0, 1.5), atol=0.5)  # of the middle; what is left deforms it


def test_the_target_drifts_and_the_bones_do_not(patient: VirtualPatient):
    drifting = Day(1, drift=Drift((0.0, 0.6, -0.3)))
    motion = patient.target_motion(drifting, 300.0)
    shift = motion.shift_about_points_mm(patient.isocenter_mm, patient.isocenter_mm)
    np.testing.assert_allclose(shift, (0.0, 3.0, -1.5), atol=0.05)
    bone = patient.anatomy.landmark_mm("FEMORAL_HEAD_L")
    assert np.linalg.norm(patient.displaced_mm(bone, drifting, 300.0) - bone) < 1e-6


def test_a_spike_comes_and_goes():
    drift = Drift(spike_mm=(0.0, -4.0, 2.0), spikes_s=(60.0,), spike_s=10.0)
    assert np.array_equal(drift.at_mm(59.0), (0, 0, 0))
    np.testing.assert_allclose(drift.at_mm(65.0), (0, -4, 2))
    assert np.array_equal(drift.at_mm(71.0), (0, 0, 0))


def test_setup_is_a_motion_of_the_room_about_the_isocenter(patient: VirtualPatient):
    error = SetupError((3.0, -2.0, 5.0), (1.0, -0.5, 2.0))
    in_room = patient.fixed_from_plan(Day(1, setup=error))
    np.testing.assert_allclose(in_room.points(patient.isocenter_mm), (3.0, -2.0, 5.0), atol=1e-9)
    left = in_room.points(patient.isocenter_mm + np.array([100.0, 0.0, 0.0])) - (3.0, -2.0, 5.0)
    np.testing.assert_allclose(left, TableAngles(1.0, -0.5, 2.0).matrix() @ (100.0, 0.0, 0.0), atol=1e-9)


def test_setup_errors_have_the_spread_of_their_population():
    """Between patients and from day to day, within three standard errors of 400 patients with 20 days."""
    rng = np.random.default_rng(3)
    days = []
    for _ in range(400):
        mean = BODY_SETUP.of_patient(rng)
        days.append([BODY_SETUP.of_day(rng, mean).shift_mm for _ in range(20)])
    shifts = np.array(days)
    within = shifts.std(axis=1, ddof=1)
    assert np.sqrt((within**2).mean(axis=0)) == pytest.approx(BODY_SETUP.random_mm, rel=3.0 / np.sqrt(2 * 400 * 19))
    between = np.sqrt(shifts.mean(axis=1).var(axis=0, ddof=1) - (within**2).mean(axis=0) / 20)
    assert between == pytest.approx(BODY_SETUP.systematic_mm, rel=3.0 / np.sqrt(2 * 399) * 1.1)


@pytest.mark.parametrize("power", [1, 2, 3])
def test_breaths_have_the_mean_depth_of_their_form(power: int):
    """Mean of sin^2n: 1/2, 3/8, 5/16; the flow is the slope of the depth, 1 where that is steepest."""
    pattern = BreathingPattern(5, 4.0, 0.0, 0.0, 0.0, power)
    times = np.arange(0.0, 400.0, 0.01)
    depth, flow = pattern.depth_and_flow(times)
    assert depth.mean() == pytest.approx({1: 0.5, 2: 0.375, 3: 0.3125}[power], abs=0.005)
    slope = np.gradient(depth, times)
    np.testing.assert_allclose(flow, slope / slope.max(), atol=0.01)
    assert flow.max() == pytest.approx(1.0, abs=1e-3)


def test_breaths_are_irregular_and_drift_and_always_the_same_for_a_seed():
    pattern = BreathingPattern(11, depth_spread_share=0.15, drift_per_min=0.1)
    times = np.arange(0.0, 600.0, 0.05)
    depth, again, other = (p.depth_and_flow(times)[0] for p in (pattern, replace(pattern), replace(pattern, seed=12)))
    assert np.array_equal(depth, again)
    assert not np.array_equal(depth, other)
    assert np.abs(np.diff(depth)).max() < 0.15
    valleys = depth[1:-1][(depth[1:-1] < depth[:-2]) & (depth[1:-1] < depth[2:])]
    assert valleys[-1] - valleys[0] == pytest.approx(1.0, abs=0.1)


def test_an_organ_comes_back_another_way_than_it_went():
    organ = BreathingOrgan(Region((0, 0, 0), (20, 20, 20), 3.0), (0.0, -3.0, -12.0), (0.0, 1.5, 0.0))
    on_the_way_in, on_the_way_out = (organ.motion(0.5, flow).translation_mm for flow in (1.0, -1.0))
    np.testing.assert_allclose(on_the_way_in, (0, 0, -6))
    np.testing.assert_allclose(on_the_way_out, (0, -3, -6))


def test_what_makes_no_sense_is_refused(patient: VirtualPatient):
    with pytest.raises(InputError, match="Breaths last"):
        BreathingPattern(1, period_s=0.0)
    with pytest.raises(InputError, match="from 0 to 3600 s"):
        BreathingPattern(1).depth_and_flow(-1.0)
    stranger = Organ("WINGS", (Part(Superellipsoid((0, 0, 0), (1, 1, 1))),), ())
    with pytest.raises(MissingInput, match="no organ 'WINGS'"):
        patient.at(Day(1, organs=(stranger,)))
