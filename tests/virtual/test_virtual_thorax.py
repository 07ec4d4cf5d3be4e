"""The virtual thorax: HU, truth, bones that differ and stay, a tumour that breathes by its lobe and shrinks."""

import numpy as np
import pytest

from openigrt.patient import StructureRole
from openigrt.virtual import Day, Lobe, ThoraxState, VirtualPatient, render, thorax_day, thorax_in, thorax_patient
from tests.virtual.trunk_checks import (
    FRAME,
    SAME,
    breathed,
    grid_about,
    hu_inside,
    least_jacobian,
    points_of,
    points_of_the_trunk,
    round_trip_mm,
    volume_ml,
)

AMPLITUDES_MM = {Lobe.UPPER: (2.0, 5.0), Lobe.MIDDLE: (5.0, 8.0), Lobe.LOWER: (10.0, 20.0)}


@pytest.fixture(scope="module")
def patient() -> VirtualPatient:
    return thorax_patient(FRAME, 5, lobe=Lobe.LOWER)


def usual_inhale_mm(patient: VirtualPatient) -> np.ndarray:
    return (breathed(patient, 1.0).moved_mm(patient.target_points_mm) - patient.target_points_mm).mean(axis=0)


@pytest.mark.parametrize(
    ("organ", "depth_mm", "lowest_hu", "highest_hu"),
    [
        ("LUNG_R", 8.0, -850.0, -700.0),
        ("LUNG_L", 8.0, -850.0, -700.0),
        ("HEART", 8.0, 35.0, 55.0),
        ("AORTA", 5.0, 35.0, 55.0),
        ("LIVER", 12.0, 50.0, 65.0),
        ("ERECTOR_SPINAE_L", 5.0, 45.0, 65.0),
        ("VERTEBRA_T9", 6.0, 130.0, 250.0),
        ("TRACHEA", 4.0, -1000.0, -950.0),
        ("TUMOUR", 3.0, 20.0, 50.0),
        ("SPINAL_CORD", 2.0, 25.0, 45.0),
    ],
)
def test_hu_inside_organs(patient, organ, depth_mm, lowest_hu, highest_hu):
    hu = hu_inside(patient.anatomy, organ, depth_mm)
    assert hu.size > 20
    assert lowest_hu < np.median(hu) < highest_hu


def test_ribs_have_a_hard_shell_and_lungs_have_vessels(patient):
    rib = patient.anatomy.bounds_mm("RIB_6_L").mean(axis=0)
    assert render(patient.anatomy, grid_about(rib, (70.0, 90.0, 40.0), 1.5), SAME).max() > 600.0
    assert np.mean(hu_inside(patient.anatomy, "LUNG_R", 8.0) > -300.0) > 0.01


def test_displacement_and_inverse_agree(patient):
    points = points_of_the_trunk(20_000)
    day = thorax_day(patient, 4)
    assert np.linalg.norm(patient.displaced_mm(points, day, 3.0) - points, axis=1).max() > 2.0
    assert round_trip_mm(patient, day, 3.0, points) < 1e-4


@pytest.mark.parametrize("depth", [1.0, 1.5])
def test_no_breath_folds_and_every_breath_can_be_taken_back(patient, depth):
    points = points_of_the_trunk(20_000)
    anatomy = breathed(patient, depth, 1.0)
    assert least_jacobian(anatomy, points) > 0.02
    assert np.abs(anatomy.rest_mm(anatomy.moved_mm(points)) - points).max() < 1e-4


def test_the_breath_is_large_at_the_diaphragm_and_gone_at_apex_and_bones(patient):
    anatomy = breathed(patient, 1.0)
    shift_mm = -sum(organ.with_depth_mm[2] for organ in patient.breathing_organs if organ.ramp is not None)
    dome, heart, apex, belly = (
        (anatomy.moved_mm(p) - p)
        for p in np.array([(-60.0, -10.0, 5.0), (20.0, -30.0, 60.0), (-30.0, 14.0, 160.0), (0.0, -106.0, -130.0)])
    )
    assert 10.0 <= -dome[2] <= 30.0
    assert -dome[2] > 0.8 * shift_mm
    assert -dome[2] > -heart[2] > -apex[2]
    assert np.linalg.norm(apex) < 0.5
    assert 1.5 < -belly[1] < 8.0
    points = points_of_the_trunk(40_000)
    for bone in ("VERTEBRA_T5", "VERTEBRA_T10", "RIB_5_L", "RIB_8_R", "SCAPULA_L"):
        low, high = patient.anatomy.bounds_mm(bone)
        of_bone = low + (high - low) * (points - points.min(axis=0)) / np.ptp(points, axis=0)
        inside = of_bone[patient.anatomy.signed_distance_mm(bone, of_bone) < 0.0]
        assert len(inside) > 100
        assert np.linalg.norm(anatomy.moved_mm(inside) - inside, axis=1).max() < 0.01


@pytest.mark.parametrize("lobe", list(Lobe))
def test_a_tumour_goes_as_far_as_its_lobe_lets_it(lobe):
    lowest_mm, highest_mm = AMPLITUDES_MM[lobe]
    amplitudes = []
    for seed in (1, 2):
        patient = thorax_patient(FRAME, seed, lobe=lobe)
        left_mm, back_mm, up_mm = usual_inhale_mm(patient)
        assert lowest_mm - 0.5 < -up_mm < highest_mm + 0.5
        assert 0.8 < abs(left_mm) < 3.2
        assert 1.8 < -back_mm < 5.2
        diameter_mm = (6000.0 / np.pi * volume_ml(patient.anatomy, "TUMOUR")) ** (1.0 / 3.0)  # of a ball as large
        assert 8.0 < diameter_mm < 36.0
        middle = patient.anatomy.landmark_mm("TUMOUR")
        assert min(patient.anatomy.signed_distance_mm(lung, middle) for lung in ("LUNG_L", "LUNG_R")) < -5.0
        amplitudes.append(-up_mm)
    assert np.ptp(amplitudes) > 0.2


def test_the_tumour_goes_as_one_and_comes_back_another_way(patient):
    points = patient.target_points_mm
    way_in, way_out = (breathed(patient, 0.5, flow).moved_mm(points) - points for flow in (1.0, -1.0))
    assert np.ptp(way_in, axis=0).max() < 0.2
    assert 0.5 < np.linalg.norm((way_in - way_out).mean(axis=0)) < 10.0


def test_regression_takes_volume_away_and_leaves_the_place(patient):
    whole_ml = volume_ml(patient.anatomy, "TUMOUR")
    shrunk = patient.at(thorax_in(patient, ThoraxState(tumour_volume=0.6)))
    assert volume_ml(shrunk, "TUMOUR") == pytest.approx(0.6 * whole_ml, rel=0.05)
    moved = shrunk.moved_mm(patient.target_points_mm).mean(axis=0) - patient.target_points_mm.mean(axis=0)
    assert np.linalg.norm(moved) < 0.7


def test_a_course_shrinks_the_tumour_as_series_say(patient):
    shares = [_share_of_volume(thorax_day(patient, n)) for n in (1, 11, 30)]
    assert shares[0] == 1.0
    per_day = -np.log(shares[1]) / 14.0
    assert 0.006 <= per_day <= 0.024
    assert 0.4 <= shares[2] < shares[1]


def _share_of_volume(day: Day) -> float:
    return next((m.volume_factor for m in day.moves[1:] if hasattr(m, "volume_factor")), 1.0)


def test_the_baseline_shifts_the_tumour_and_no_bone(patient):
    state = ThoraxState(baseline_mm=(1.0, -2.0, 4.0))
    day = thorax_in(patient, state)
    shift = patient.target_motion(day).shift_about_points_mm(patient.isocenter_mm, patient.isocenter_mm)
    np.testing.assert_allclose(shift, state.baseline_mm, atol=0.3)
    vertebra = patient.anatomy.landmark_mm("T5")
    assert np.linalg.norm(patient.displaced_mm(vertebra, day) - vertebra) < 1e-6


def test_the_spine_bends_at_its_hinge(patient):
    day = thorax_in(patient, ThoraxState(bend_deg=(1.0, 0.0)))
    below, above = (patient.anatomy.landmark_mm(level) for level in ("T12", "T5"))
    assert np.linalg.norm(patient.displaced_mm(below, day) - below) < 1e-6
    pivot = patient.anatomy.landmark_mm("T9")
    expected_mm = np.deg2rad(1.0) * np.linalg.norm((above - pivot)[1:])
    assert np.linalg.norm(patient.displaced_mm(above, day) - above) == pytest.approx(expected_mm, rel=0.02)


def test_left_and_right_front_and_back_up_and_down_differ(patient):
    voxels = render(patient.anatomy, grid_about((0.0, 0.0, 20.0), (170.0, 115.0, 110.0), 5.0), SAME)
    for mirrored in (voxels[:, :, ::-1], voxels[:, ::-1], voxels[::-1]):
        assert np.mean(np.abs(voxels - mirrored) > 100.0) > 0.05


def test_levels_are_alike_but_not_the_same(patient):
    for levels in (("T4", "T5", "T6", "T7", "T8"), ("T9", "T10", "T11", "T12")):
        volumes = [volume_ml(patient.anatomy, f"VERTEBRA_{level}", 1.5) for level in levels]
        assert np.ptp(volumes) > 0.5
        assert max(volumes) < 2.2 * min(volumes)
    ribs = [volume_ml(patient.anatomy, f"RIB_{n}_R", 1.5) for n in range(1, 13)]
    assert max(ribs) == pytest.approx(max(ribs[4:8]))
    assert min(ribs) == ribs[11]


def test_days_differ_and_are_always_the_same(patient):
    one, other = thorax_day(patient, 1), thorax_day(patient, 2)
    assert one.setup != other.setup
    assert one.breathing != other.breathing
    again = thorax_day(patient, 1)
    assert (again.setup, again.breathing) == (one.setup, one.breathing)
    points = points_of_the_trunk(500)
    assert np.array_equal(patient.displaced_mm(points, again, 2.0), patient.displaced_mm(points, one, 2.0))
    assert np.linalg.norm(patient.displaced_mm(points, one) - patient.displaced_mm(points, other), axis=1).max() > 0.5
    grid = grid_about((50.0, -20.0, -80.0), (40.0, 40.0, 30.0), 5.0)
    same = thorax_patient(FRAME, 5, lobe=Lobe.LOWER)
    assert np.array_equal(render(same.at(thorax_day(same, 1)), grid, SAME), render(patient.at(one), grid, SAME))
    assert np.abs(render(patient.at(one), grid, SAME) - render(patient.at(other), grid, SAME)).max() > 200.0


@pytest.mark.parametrize("days", [10, pytest.param(200, marks=pytest.mark.long)])
def test_days_fold_nowhere(patient, days):
    points = points_of_the_trunk(300, seed=3)
    points[:150] = patient.isocenter_mm + 0.3 * (points[:150] - points[:150].mean(axis=0))
    for number in range(1, days + 1):
        day = thorax_day(patient, number)
        assert least_jacobian(patient.at(day, 0.37 * number), points) > 0.02
        assert 3.0 <= day.breathing.period_s <= 6.0


def test_structures_have_roles_and_come_from_organs(patient):
    roles = {s.name: s.role for s in patient.structures}
    assert roles["GTV"] is StructureRole.GTV
    assert roles["PTV"] is StructureRole.PTV
    assert roles["BODY"] is StructureRole.EXTERNAL
    organs = {"LUNG_L", "LUNG_R", "HEART", "SPINAL_CORD", "OESOPHAGUS"}
    assert {name for name, role in roles.items() if role is StructureRole.ORGAN} == organs
    assert {s.organ for s in patient.structures} <= {organ.name for organ in patient.anatomy.organs}


def test_the_patient_lies_where_he_is_put(patient):
    there, here = thorax_patient(FRAME, 5, (10.0, -200.0, 400.0), Lobe.LOWER), patient
    np.testing.assert_allclose(there.isocenter_mm - here.isocenter_mm, (10.0, -200.0, 400.0), atol=0.11)
    day = thorax_day(there, 3)
    np.testing.assert_allclose(
        there.target_motion(day, 2.0).shift_about_points_mm(there.isocenter_mm, there.isocenter_mm),
        here.target_motion(thorax_day(here, 3), 2.0).shift_about_points_mm(here.isocenter_mm, here.isocenter_mm),
        atol=0.02,
    )


@pytest.mark.parametrize("seed", [5, 6, 8])
def test_the_heart_follows_the_diaphragm_in_part(seed):
    """3 to 10 mm where the dome goes 10 to 28: slopes of 0.17 to 0.93 (Danias 1999), 6 mm at shallow breath (Jagsi)."""
    patient = thorax_patient(FRAME, seed, lobe=Lobe.LOWER)
    low, high = patient.anatomy.bounds_mm("HEART")
    points = np.random.default_rng(0).uniform(low, high, (4000, 3))
    points = points[patient.anatomy.signed_distance_mm("HEART", points) < 0.0]
    anatomy, dome_mm = breathed(patient, 1.0), np.array([-64.0, -14.0, 6.0])
    heart_down_mm = -(anatomy.moved_mm(points) - points)[:, 2].mean()
    dome_down_mm = -(anatomy.moved_mm(dome_mm) - dome_mm)[2]
    middle_mm = patient.anatomy.landmark_mm("TUMOUR")
    if patient.anatomy.signed_distance_mm("HEART", middle_mm) > 40.0:  # one next to the heart takes it along
        assert 2.5 < heart_down_mm < 11.0
        assert 0.17 < heart_down_mm / dome_down_mm < 0.93
    assert heart_down_mm < dome_down_mm


@pytest.mark.parametrize("lobe", list(Lobe))
def test_the_itv_holds_the_tumour_over_a_breath_and_the_ptv_over_a_fraction(lobe):
    """Motion-aware: the way of a usual breath is in the ITV; drift and uneven breaths of five minutes in the PTV."""
    patient = thorax_patient(FRAME, 3, lobe=lobe)
    of_ptv = next(s for s in patient.structures if s.role is StructureRole.PTV)
    assert of_ptv.margin_mm == pytest.approx(2.5 * np.sqrt(1.0 + 1.44) + 0.7 * np.sqrt(1.44 + 1.0))
    inside = patient.target_points_mm
    for depth, flow in ((0.0, 0.0), (0.5, 1.0), (0.5, -1.0), (1.0, 0.0)):
        places = breathed(patient, depth, flow).moved_mm(inside)
        assert patient.anatomy.signed_distance_mm("ITV", places).max() < 0.5
    day = Day(1, breathing=thorax_day(patient, 2).breathing)
    outside = [
        patient.anatomy.signed_distance_mm("ITV", patient.at(day, t).moved_mm(inside)).max() > of_ptv.margin_mm
        for t in np.arange(0.0, 300.0, 7.3)
    ]
    assert np.mean(outside) < 0.05


def test_the_heart_has_its_size_and_lies_on_the_left(patient):
    low, high = patient.anatomy.bounds_mm("HEART")
    grid = grid_about(0.5 * (low + high), 0.5 * (high - low), 4.0)
    inside = patient.anatomy.signed_distance_mm("HEART", points_of(grid)) < 0.0
    assert points_of(grid)[inside].mean(axis=0)[0] > 10.0
    assert 400.0 < inside.sum() * 4.0**3 / 1000.0 < 900.0
