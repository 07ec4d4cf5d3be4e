"""A virtual patient on the couch of a virtual linac: where he truly lies, and who sees it."""

import numpy as np
import pytest

from openigrt.errors import InputError
from openigrt.geometry import (
    CouchPose,
    Frame,
    PatientPosition,
    TableAngles,
    circular_trajectory,
    pose_after_motion,
    rotation_angle_deg,
)
from openigrt.virtual import (
    AT_REST,
    Anatomy,
    BreathingOrgan,
    BreathingPattern,
    Day,
    Drift,
    ImagerModel,
    Layer,
    LinacModel,
    Organ,
    Part,
    PatientOnCouch,
    Region,
    SetupError,
    Superellipsoid,
    VirtualLinac,
    VirtualPatient,
    couch_model,
)
from tests.virtual.linac_cases import ANGLES, EXACT_COUCH, KV_IMAGER, PLACEMENT, ball_at, found_ball_mm, imaging, sent

FRAME = Frame.plan("1.2.3")
WATER = (Layer(0.0, 0.0),)
ERROR = SetupError((4.0, -3.0, 6.0), (1.0, -0.6, 0.8))


@pytest.fixture(scope="module")
def patient() -> VirtualPatient:
    """A ball of a target in a large body, far from its only bone; the target breathes by 10 mm along z."""
    bone = Organ("BONE", (Part(Superellipsoid((-100.0, 0.0, -150.0), (8, 8, 8))),), WATER)
    body = Organ("BODY", (Part(Superellipsoid((0, 0, 0), (150, 100, 300))),), WATER)
    target = Organ("TARGET", (Part(Superellipsoid((20.0, -10.0, 30.0), (12, 12, 12))),), WATER)
    region = Region((20.0, -10.0, 30.0), (20, 20, 20), 30.0)
    breathing = BreathingOrgan(region, (0.0, 0.0, -10.0))
    anatomy = Anatomy(FRAME, (body, bone, target), np.zeros(3), deformation=AT_REST)
    return VirtualPatient("ball", 1, anatomy, ("BONE",), "TARGET", region, (), breathing_organs=(breathing,))


def laid(linac: VirtualLinac, patient: VirtualPatient, day: Day, couch: CouchPose | None = None) -> PatientOnCouch:
    return linac.lay_down(patient, day, couch or CouchPose())


def test_at_setup_a_patient_lies_off_by_his_setup_error(patient: VirtualPatient):
    linac, day = VirtualLinac(LinacModel(EXACT_COUCH)), Day(1, setup=ERROR)
    lying = laid(linac, patient, day)
    np.testing.assert_allclose(lying.fixed_from_plan(0.0).matrix4(), patient.fixed_from_plan(day).matrix4(), atol=1e-12)
    np.testing.assert_allclose(lying.body_motion(0.0).matrix4(), ERROR.motion().matrix4(), atol=1e-12)
    np.testing.assert_allclose(lying.target_motion(0.0).matrix4(), ERROR.motion().matrix4(), atol=1e-9)


@pytest.mark.parametrize("setup", [CouchPose(), CouchPose(12.0, 100.0, -80.0), CouchPose(5.0, 50.0, -20.0, 30.0)])
def test_the_couch_takes_a_setup_error_back(patient: VirtualPatient, setup: CouchPose):
    linac = VirtualLinac(LinacModel(EXACT_COUCH))
    lying = laid(linac, patient, Day(1, setup=ERROR), setup)
    before_s = sent(linac.devices, setup)
    np.testing.assert_allclose(lying.body_motion(before_s).matrix4(), ERROR.motion().matrix4(), atol=1e-9)
    after_s = sent(linac.devices, pose_after_motion(ERROR.motion().inverse(), setup))
    np.testing.assert_allclose(lying.body_motion(after_s).matrix4(), np.eye(4), atol=1e-9)
    np.testing.assert_allclose(lying.body_motion(before_s).matrix4(), ERROR.motion().matrix4(), atol=1e-9)


def test_what_an_inaccurate_couch_leaves_is_its_true_error(patient: VirtualPatient):
    linac = VirtualLinac(LinacModel(couch_model(inaccuracy_mm=1.0, inaccuracy_deg=0.0)), seed=9)
    lying = laid(linac, patient, Day(1, setup=ERROR))
    target = pose_after_motion(ERROR.motion().inverse(), CouchPose())
    now_s = sent(linac.devices, target)
    left = lying.body_motion(now_s)
    true = linac.truth.couch_pose(now_s)
    missed = np.array(
        [
            true.table_top_lateral_position_mm - target.table_top_lateral_position_mm,
            true.table_top_longitudinal_position_mm - target.table_top_longitudinal_position_mm,
            true.table_top_vertical_position_mm - target.table_top_vertical_position_mm,
        ]
    )
    assert np.linalg.norm(missed) > 0.5
    turned = TableAngles(true.patient_support_angle_deg, 0.0, 0.0).matrix() @ missed
    np.testing.assert_allclose(left.translation_mm, turned, atol=1e-9)


def test_a_turned_table_is_judged_by_its_own_planned_place(patient: VirtualPatient):
    linac = VirtualLinac(LinacModel(EXACT_COUCH))
    lying = laid(linac, patient, Day(1))
    turned = CouchPose(patient_support_angle_deg=40.0)
    now_s = sent(linac.devices, turned)
    np.testing.assert_allclose(lying.body_motion(now_s, turned).matrix4(), np.eye(4), atol=1e-9)
    assert rotation_angle_deg(lying.body_motion(now_s).rotation) == pytest.approx(40.0)


def test_the_target_breathes_and_drifts_on_the_clock_of_the_linac(patient: VirtualPatient):
    linac = VirtualLinac(LinacModel(EXACT_COUCH))
    linac.devices.clock.sleep_until(200.0)
    pattern = BreathingPattern(3, depth_spread_share=0.0, drift_per_min=0.0)
    lying = laid(linac, patient, Day(1, breathing=pattern, drift=Drift((0.0, 0.0, 3.0))))
    for time_s in (200.0, 201.3, 260.0, 323.0):
        depth, _ = pattern.depth_and_flow(time_s - 200.0)
        along_y = -10.0 * float(depth) + 3.0 * (time_s - 200.0) / 60.0  # plan z is the room's y, head first
        np.testing.assert_allclose(lying.target_motion(time_s).points((20.0, 30.0, 10.0))[1] - 30.0, along_y, atol=0.05)
        np.testing.assert_allclose(lying.body_motion(time_s).matrix4(), np.eye(4), atol=1e-9)
    with pytest.raises(InputError, match="from 0"):
        lying.anatomy(199.0)


def test_markers_go_with_the_tissue_round_them(patient: VirtualPatient):
    """Three in the target go with it, with its turn; one alone says where it went, turned as the body is."""
    linac = VirtualLinac(LinacModel(EXACT_COUCH))
    lying = laid(linac, patient, Day(1, setup=ERROR, drift=Drift((0.0, 0.0, 3.0))))
    markers = patient.isocenter_mm + np.array([[8.0, 0.0, 0.0], [-4.0, 6.0, 0.0], [0.0, 0.0, 7.0]])
    expected = lying.target_motion(60.0)
    planned = lying.planned_place(CouchPose()).points(markers)
    np.testing.assert_allclose(lying.motion_of(markers, 60.0).points(planned), expected.points(planned), atol=0.02)
    alone = lying.motion_of(markers[:1], 60.0)
    np.testing.assert_allclose(alone.points(planned[0]), expected.points(planned[0]), atol=0.02)
    np.testing.assert_allclose(alone.rotation, lying.body_motion(60.0).rotation, atol=1e-12)


@pytest.mark.parametrize("position", [PatientPosition.HFP, PatientPosition.FFS])
def test_other_positions_lie_on_the_same_couch(patient: VirtualPatient, position: PatientPosition):
    other = VirtualPatient(
        "ball", 1, patient.anatomy, ("BONE",), "TARGET", patient.target_region, (), position=position
    )
    linac, day = VirtualLinac(LinacModel(EXACT_COUCH)), Day(1, setup=ERROR)
    lying = laid(linac, other, day)
    np.testing.assert_allclose(lying.fixed_from_plan(0.0).matrix4(), other.fixed_from_plan(day).matrix4(), atol=1e-12)


def test_the_imager_sees_the_patient_where_he_truly_lies(patient: VirtualPatient):
    """A ball at the target's middle, on a couch that was truly moved: found where the truth has it."""
    linac = VirtualLinac(LinacModel(couch_model(inaccuracy_mm=1.5), imager=ImagerModel(KV_IMAGER)), seed=3)
    lying = laid(linac, patient, Day(1, setup=ERROR))
    linac.show(ball_at(lambda t: lying.fixed_from_plan(t).points(patient.isocenter_mm)))
    devices = imaging(linac)
    now_s = sent(devices, CouchPose(5.0, 5.0, 5.0))
    scan = devices.imager.scan(circular_trajectory(ANGLES, PLACEMENT))
    true_mm = lying.fixed_from_plan(now_s).points(patient.isocenter_mm)
    assert np.linalg.norm(true_mm - np.array(ERROR.shift_mm) - 5.0) > 0.5
    np.testing.assert_allclose(found_ball_mm(scan), true_mm, atol=5e-4)
    assert scan.couch == CouchPose(5.0, 5.0, 5.0)
