"""The virtual upper abdomen: HU, truth, organs that breathe by their depth, fillings, gas and markers."""

import numpy as np
import pytest

from openigrt.patient import StructureRole
from openigrt.virtual import (
    AbdomenState,
    AbdomenTarget,
    VirtualPatient,
    abdomen_day,
    abdomen_in,
    abdomen_patient,
    render,
)
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

# Clinical ranges, peak to peak: Keall et al., Med Phys 33, 2006 (AAPM TG-76).
RANGES_MM = {"LIVER": (10.0, 25.0), "PANCREAS": (8.0, 25.0), "KIDNEY_L": (5.0, 20.0), "KIDNEY_R": (5.0, 20.0)}


@pytest.fixture(scope="module")
def patient() -> VirtualPatient:
    return abdomen_patient(FRAME, 5, treated=AbdomenTarget.PANCREAS)


@pytest.fixture(scope="module")
def liver_patient() -> VirtualPatient:
    return abdomen_patient(FRAME, 6, treated=AbdomenTarget.LIVER)


@pytest.mark.parametrize(
    ("organ", "depth_mm", "lowest_hu", "highest_hu"),
    [
        ("LIVER", 12.0, 50.0, 65.0),
        ("SPLEEN", 6.0, 40.0, 56.0),
        ("KIDNEY_L", 6.0, 25.0, 40.0),
        ("PANCREAS", 4.0, 20.0, 45.0),
        ("GALLBLADDER", 5.0, 0.0, 16.0),
        ("STOMACH_GAS", 4.0, -1000.0, -950.0),
        ("PSOAS_L", 4.0, 40.0, 65.0),
        ("VERTEBRA_L2", 7.0, 140.0, 260.0),
        ("TUMOUR", 3.0, 25.0, 45.0),
    ],
)
def test_hu_inside_organs(patient, organ, depth_mm, lowest_hu, highest_hu):
    hu = hu_inside(patient.anatomy, organ, depth_mm)
    assert hu.size > 20
    assert lowest_hu < np.median(hu) < highest_hu


def test_the_fat_between_organs(patient):
    hu = render(patient.anatomy, grid_about((0.0, -98.0, -200.0), (10.0, 2.0, 20.0), 2.0), SAME)
    assert np.median(hu) == pytest.approx(-103.0, abs=10.0)


def test_displacement_and_inverse_agree(patient):
    points = points_of_the_trunk(20_000)
    day = abdomen_day(patient, 4)
    assert np.linalg.norm(patient.displaced_mm(points, day, 3.0) - points, axis=1).max() > 2.0
    assert round_trip_mm(patient, day, 3.0, points) < 1e-4


@pytest.mark.parametrize("depth", [1.0, 1.5])
def test_no_breath_folds_and_every_breath_can_be_taken_back(patient, liver_patient, depth):
    points = points_of_the_trunk(20_000)
    for whose in (patient, liver_patient):
        anatomy = breathed(whose, depth, 1.0)
        assert least_jacobian(anatomy, points) > 0.02
        assert np.abs(anatomy.rest_mm(anatomy.moved_mm(points)) - points).max() < 1e-4


def test_organs_go_as_far_as_series_say(patient, liver_patient):
    for whose in (patient, liver_patient):
        anatomy = breathed(whose, 1.0)
        for organ, (lowest_mm, highest_mm) in RANGES_MM.items():
            low, high = whose.anatomy.bounds_mm(organ)
            points = low + (high - low) * np.random.default_rng(2).random((4000, 3))
            inside = points[whose.anatomy.signed_distance_mm(organ, points) < 0.0]
            down_mm = -np.median((anatomy.moved_mm(inside) - inside)[:, 2])
            assert lowest_mm <= down_mm <= highest_mm
        dome = np.array([-60.0, -10.0, 5.0])
        assert 10.0 <= -(anatomy.moved_mm(dome) - dome)[2] <= 30.0
        belly = np.array([0.0, -106.0, -130.0])
        assert 2.0 < -(anatomy.moved_mm(belly) - belly)[1] < 9.0


def test_bones_stay_where_they_are(patient):
    anatomy = breathed(patient, 1.0, 0.5)
    for bone in ("VERTEBRA_T12", "VERTEBRA_L2", "RIB_9_L", "RIB_11_R"):
        low, high = patient.anatomy.bounds_mm(bone)
        points = low + (high - low) * np.random.default_rng(0).random((30_000, 3))
        inside = points[patient.anatomy.signed_distance_mm(bone, points) < 0.0]
        assert len(inside) > 50
        assert np.linalg.norm(anatomy.moved_mm(inside) - inside, axis=1).max() < 0.01


def test_the_target_and_its_markers_go_as_one(liver_patient):
    points = liver_patient.target_points_mm
    markers = np.array([liver_patient.anatomy.landmark_mm(name) for name in liver_patient.markers])
    anatomy = breathed(liver_patient, 1.0, 0.5)
    of_target = anatomy.moved_mm(points) - points
    assert np.ptp(of_target, axis=0).max() < 0.3
    np.testing.assert_allclose(anatomy.moved_mm(markers) - markers, of_target.mean(axis=0) * np.ones((3, 1)), atol=0.6)


def test_markers_are_seen_where_the_truth_says(patient, liver_patient):
    for whose in (patient, liver_patient):
        moved = whose.at(abdomen_day(whose, 3), 2.0)
        for name in whose.markers:
            place = moved.landmark_mm(name)
            grid = grid_about(place + np.array([0.3, -0.2, 0.1]), (5.0, 5.0, 5.0), 0.5)
            weight = np.maximum(render(moved, grid, SAME) - 700.0, 0.0)[..., None]
            centroid = (weight * points_of(grid)).sum(axis=(0, 1, 2)) / weight.sum()
            assert np.linalg.norm(centroid - place) < 0.3


def test_markers_lie_apart_and_close_to_the_target(patient, liver_patient):
    for whose in (patient, liver_patient):
        places = np.array([whose.anatomy.landmark_mm(name) for name in whose.markers])
        apart = np.linalg.norm(places[:, None] - places[None], axis=-1)[np.triu_indices(3, 1)]
        assert apart.min() > 8.0
        assert np.linalg.norm(places - whose.isocenter_mm, axis=1).max() < 30.0


def test_the_stomach_holds_what_it_is_told_and_its_gas_too(patient):
    whole_ml = volume_ml(patient.anatomy, "STOMACH", 2.0)
    filled = patient.at(abdomen_in(patient, AbdomenState(stomach_volume=1.3)))
    assert 1.1 < volume_ml(filled, "STOMACH", 2.0) / whole_ml < 1.3  # its middle alone widens
    gas_ml = [
        volume_ml(patient.at(abdomen_in(patient, AbdomenState(stomach_gas=share))), "STOMACH_GAS", 2.0)
        for share in (0.2, 0.5)
    ]
    assert gas_ml[1] > 1.5 * gas_ml[0]


def test_left_and_right_front_and_back_differ(patient):
    voxels = render(patient.anatomy, grid_about((0.0, 0.0, -110.0), (170.0, 115.0, 90.0), 5.0), SAME)
    for mirrored in (voxels[:, :, ::-1], voxels[:, ::-1], voxels[::-1]):
        assert np.mean(np.abs(voxels - mirrored) > 100.0) > 0.05


def test_lumbar_levels_are_alike_but_not_the_same(patient):
    volumes = [volume_ml(patient.anatomy, f"VERTEBRA_{level}", 1.5) for level in ("T12", "L1", "L2", "L3")]
    assert np.ptp(volumes) > 1.0
    assert max(volumes) < 1.8 * min(volumes)


def test_days_differ_and_are_always_the_same(patient):
    one, other, again = abdomen_day(patient, 1), abdomen_day(patient, 2), abdomen_day(patient, 1)
    assert one.setup != other.setup
    assert (again.setup, again.breathing) == (one.setup, one.breathing)
    grid = grid_about((20.0, -30.0, -120.0), (60.0, 40.0, 40.0), 5.0)
    assert np.array_equal(render(patient.at(one, 1.0), grid, SAME), render(patient.at(again, 1.0), grid, SAME))
    assert np.abs(render(patient.at(one), grid, SAME) - render(patient.at(other), grid, SAME)).max() > 200.0


@pytest.mark.parametrize("days", [10, pytest.param(200, marks=pytest.mark.long)])
def test_days_fold_nowhere(patient, days):
    points = points_of_the_trunk(300, seed=3)
    points[:150] = patient.isocenter_mm + 0.3 * (points[:150] - points[:150].mean(axis=0))
    for number in range(1, days + 1):
        day = abdomen_day(patient, number)
        assert least_jacobian(patient.at(day, 0.37 * number), points) > 0.02


def test_what_is_treated_is_chosen_by_the_seed():
    places = np.array([abdomen_patient(FRAME, seed).anatomy.landmark_mm("TUMOUR") for seed in range(8)])
    head = np.linalg.norm(places - (-28.0, -22.0, -142.0), axis=1) < 8.0
    assert 0 < head.sum() < 8


def test_structures_have_roles_and_come_from_organs(patient):
    roles = {s.name: s.role for s in patient.structures}
    assert roles["GTV"] is StructureRole.GTV
    assert roles["PTV"] is StructureRole.PTV
    assert {s.organ for s in patient.structures} <= {organ.name for organ in patient.anatomy.organs}
    assert set(patient.markers) <= patient.anatomy.landmarks_mm.keys()
