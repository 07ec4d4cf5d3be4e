"""The virtual pelvis: HU, truth, handedness, resolution, and organs that fill."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from openigrt.errors import FrameMismatch
from openigrt.geometry import Frame, Grid, RigidTransform, rotation_angle_deg, rotation_from_vector
from openigrt.virtual import (
    Anatomy,
    ExampleCase,
    PelvisState,
    example_planning_image,
    pelvis_day,
    pelvis_in,
    pelvis_patient,
    render,
    virtual_pelvis,
)

FRAME = Frame.plan("1.2.3")
DAILY = Frame.daily("1.2.4")
SAME = RigidTransform.identity(FRAME, FRAME)


@pytest.fixture(scope="module")
def pelvis() -> Anatomy:
    return virtual_pelvis(FRAME, 7)


def grid_about(center_mm, half_mm, spacing_mm, frame: Frame = FRAME) -> Grid:
    count = (2 * np.ceil(np.asarray(half_mm) / spacing_mm) + 1).astype(int)
    corner = np.asarray(center_mm) - 0.5 * (count - 1) * spacing_mm
    return Grid(frame, corner, np.full(3, spacing_mm), np.eye(3), tuple(count))


def points_of(grid: Grid) -> np.ndarray:
    return grid.points(np.stack(np.meshgrid(*map(np.arange, grid.shape), indexing="ij")[::-1], axis=-1))


@pytest.mark.parametrize(
    ("organ", "depth_mm", "lowest_hu", "highest_hu"),
    [
        ("BLADDER", 6.0, 0.0, 10.0),
        ("PROSTATE", 4.0, 34.0, 60.0),
        ("PSOAS_L", 6.0, 45.0, 65.0),
        ("GLUTEUS_MAXIMUS_R", 6.0, 45.0, 65.0),
        ("VERTEBRA_L4", 6.0, 150.0, 250.0),
        ("FEMUR_R", 8.0, 220.0, 300.0),
        ("RECTUM_GAS", 4.0, -1000.0, -960.0),
    ],
)
def test_hu_inside_organs(pelvis, organ, depth_mm, lowest_hu, highest_hu):
    low, high = pelvis.bounds_mm(organ)
    grid = grid_about(0.5 * (low + high), np.minimum(0.5 * (high - low), 60.0), 1.5)
    inside = pelvis.signed_distance_mm(organ, points_of(grid)) < -depth_mm
    hu = render(pelvis, grid, SAME)[inside]
    assert hu.size > 50
    assert lowest_hu < np.median(hu) < highest_hu


def test_hu_of_fat_cortex_and_air(pelvis):
    fat = grid_about((0.0, -98.0, 40.0), (20.0, 2.0, 20.0), 1.5)
    assert np.median(render(pelvis, fat, SAME)) == pytest.approx(-103.0, abs=8.0)
    shaft = grid_about((118.0, 8.0, -85.0), (20.0, 20.0, 4.0), 1.0)
    assert render(pelvis, shaft, SAME).max() > 1300.0
    assert render(pelvis, grid_about((0.0, -160.0, 0.0), (9.0, 9.0, 9.0), 3.0), SAME).max() == -1000.0


def test_the_daily_image_shows_markers_where_the_truth_says(case: ExampleCase):
    """Centroid of each rendered marker in the moved, oblique image, mapped back, against its planned place."""
    frame = case.plan_from_daily.from_frame
    for n in (1, 2, 3):
        planned = case.patient.at(case.day).landmark_mm(f"MARKER_{n}")
        expected = case.plan_from_daily.inverse().points(planned)
        grid = grid_about(expected + np.array([0.31, -0.22, 0.13]), (5.0, 5.0, 5.0), 0.5, frame)
        voxels = render(case.patient.at(case.day), grid, case.plan_from_daily)
        weight = np.maximum(voxels - 500.0, 0.0)[..., None]
        centroid = (weight * points_of(grid)).sum(axis=(0, 1, 2)) / weight.sum()
        assert np.linalg.norm(case.plan_from_daily.points(centroid) - planned) < 0.2


def test_a_moved_image_shows_the_same_anatomy(pelvis):
    """The voxels of any pose are the description at the moved points: no resampling, texture and all."""
    moved = RigidTransform(FRAME, DAILY, rotation_from_vector((0.05, -0.1, 0.2)), np.array([12.0, -30.0, 7.0]))
    plan_grid = grid_about((80.0, 5.0, 20.0), (40.0, 40.0, 20.0), 2.0)
    daily_grid = plan_grid.moved(moved.inverse())
    difference = render(pelvis, plan_grid, SAME) - render(pelvis, daily_grid, moved)
    assert np.abs(difference).max() < 0.1


def test_two_resolutions_agree(pelvis):
    """Coarse voxels are the means of the fine ones in them, but for edges finer than the coarse blur."""
    fine = grid_about((60.0, 10.0, 20.0), (59.0, 59.0, 29.0), 1.0)
    fine = Grid(FRAME, fine.origin_mm, fine.spacing_mm, fine.direction, (118, 118, 58))
    coarse = Grid(FRAME, fine.origin_mm + 0.5, 2.0 * fine.spacing_mm, fine.direction, (59, 59, 29))
    means = render(pelvis, fine, SAME).reshape(29, 2, 59, 2, 59, 2).mean(axis=(1, 3, 5))
    difference = render(pelvis, coarse, SAME) - means
    assert abs(difference.mean()) < 2.0
    assert np.percentile(np.abs(difference), 50) < 10.0
    assert np.percentile(np.abs(difference), 95) < 80.0


def test_left_and_right_front_and_back_differ(pelvis):
    grid = grid_about((0.0, 0.0, 100.0), (180.0, 130.0, 90.0), 5.0)
    voxels = render(pelvis, grid, SAME)
    for mirrored in (voxels[:, :, ::-1], voxels[:, ::-1], voxels[::-1]):
        assert np.mean(np.abs(voxels - mirrored) > 100.0) > 0.05
    stool = pelvis.signed_distance_mm("ASCENDING_COLON", np.array([[-102.0, -18.0, 165.0], [102.0, -18.0, 165.0]]))
    assert stool[0] < 0.0 < stool[1]


def test_vertebrae_are_alike_but_not_the_same(pelvis):
    volumes = []
    for level in ("L3", "L4", "L5"):
        low, high = pelvis.bounds_mm(f"VERTEBRA_{level}")
        grid = grid_about(0.5 * (low + high), 0.5 * (high - low), 1.5)
        volumes.append(
            np.mean(pelvis.signed_distance_mm(f"VERTEBRA_{level}", points_of(grid)) < 0.0) * np.prod(high - low)
        )
    assert np.ptp(volumes) > 200.0
    assert max(volumes) < 1.4 * min(volumes)


@pytest.mark.parametrize("volume_ml", [120.0, 210.0, 320.0])
def test_the_bladder_holds_about_what_it_is_told(volume_ml):
    pelvis = virtual_pelvis(FRAME, 7, PelvisState(bladder_ml=volume_ml))
    low, high = pelvis.bounds_mm("BLADDER")
    grid = grid_about(0.5 * (low + high), 0.5 * (high - low), 1.5)
    inside = pelvis.signed_distance_mm("BLADDER", points_of(grid)) < 0.0
    assert inside.sum() * 1.5**3 / 1000.0 == pytest.approx(volume_ml, rel=0.05)


def test_a_day_changes_organs_and_no_bone():
    state = PelvisState(bladder_ml=150.0, rectum_width=1.1, prostate_shift_mm=(1.0, -1.0, 0.5), bowel_seed=4)
    planned, of_the_day = virtual_pelvis(FRAME, 7), virtual_pelvis(FRAME, 7, state)
    points = np.random.default_rng(0).uniform((-120, -60, -80), (120, 110, 200), (4000, 3))
    for organ in ("SACRUM", "HIP_BONE_L", "FEMUR_R", "VERTEBRA_L5"):
        inside = points[planned.signed_distance_mm(organ, points) < 0.0]
        assert len(inside) > 10
        assert np.linalg.norm(of_the_day.moved_mm(inside) - inside, axis=1).max() < 1e-3
    moved = of_the_day.landmark_mm("PROSTATE") - planned.landmark_mm("PROSTATE")
    assert moved == pytest.approx(state.prostate_shift_mm, abs=1e-6)


def test_another_seed_is_another_patient():
    one, other = virtual_pelvis(FRAME, 1), virtual_pelvis(FRAME, 2)
    assert one.landmarks_mm["FEMORAL_HEAD_L"] != other.landmarks_mm["FEMORAL_HEAD_L"]
    assert virtual_pelvis(FRAME, 1).landmarks_mm == one.landmarks_mm


def test_a_grid_of_another_frame_is_refused(pelvis):
    with pytest.raises(FrameMismatch):
        render(pelvis, grid_about((0, 0, 0), (5, 5, 5), 2.0, DAILY), SAME)


def test_the_couch_lies_under_the_patient_and_never_in_him(case: ExampleCase):
    """Scanner and linac have different couch tops, and neither changes a voxel deep inside the body."""
    image = example_planning_image(case)
    couch_rows = image.voxels[50, image.grid.size[1] // 2 :, image.grid.size[0] // 2] > -800.0
    below = image.grid.points((0, image.grid.size[1] // 2 + np.flatnonzero(couch_rows).max(), 0))[1]
    back = case.patient.isocenter_mm[1] + 90.0
    assert below > back + 40.0
    grid = image.grid
    part = np.stack(np.meshgrid(np.arange(50, 200, 3), np.arange(60, 190, 3), [20, 50], indexing="ij"), axis=-1)
    deep = case.patient.anatomy.signed_distance_mm("BODY", grid.points(part)) < -4.0
    plain = render(case.patient.anatomy, grid, RigidTransform.identity(grid.frame, grid.frame))
    found = (image.voxels - plain)[part[..., 2], part[..., 1], part[..., 0]][deep]
    assert np.median(np.abs(found)) == pytest.approx(0.674 * 11.0, rel=0.1)
    assert np.percentile(found, 99.9) < 45.0


@pytest.mark.parametrize(
    "state",
    [
        PelvisState(330.0, 1.2, 1.1, prostate_shift_mm=(1.0, -4.0, 3.0), prostate_turn_deg=(2.0, -0.7, 0.5)),
        PelvisState(100.0, 0.86, 0.6, prostate_shift_mm=(0.0, 4.0, -3.0), prostate_turn_deg=(-2.5, 0.0, 1.0)),
    ],
)
def test_the_prostate_is_firm_and_turns_as_it_is_told(state):
    """Whatever bladder and rectum do; it deforms by less than 1 mm (Deurloo 2005), and no tissue folds."""
    patient = pelvis_patient(FRAME, 7)
    day = pelvis_in(patient, state)
    motion = patient.target_motion(day)
    turn = rotation_angle_deg(motion.rotation @ rotation_from_vector(np.deg2rad(state.prostate_turn_deg)).T)
    assert turn < 0.1
    of_the_day, points = patient.at(day), patient.target_points_mm
    now = of_the_day.moved_mm(points)
    assert np.sqrt(((now - motion.points(points)) ** 2).sum(axis=1).mean()) < 0.6
    center = patient.anatomy.landmark_mm("PROSTATE")
    assert of_the_day.moved_mm(center) - center == pytest.approx(state.prostate_shift_mm, abs=1e-6)
    near = center + np.random.default_rng(0).uniform(-60.0, 60.0, (3000, 3))
    assert np.linalg.norm(of_the_day.rest_mm(of_the_day.moved_mm(near)) - near, axis=1).max() < 1e-3
    steps = 1e-3 * np.eye(3)
    columns = [(of_the_day.moved_mm(near + h) - of_the_day.moved_mm(near - h)) / 2e-3 for h in steps]
    assert np.linalg.det(np.stack(columns, axis=-1)).min() > 0.0


def test_days_turn_the_prostate_within_a_couch():
    """Spread over days about LR as published for prepared patients; never more than 2.5 degrees about an axis."""
    patient = pelvis_patient(FRAME, 7)
    turns = [Rotation.from_matrix(patient.target_motion(pelvis_day(patient, n)).rotation) for n in range(1, 7)]
    turns_deg = np.array([turn.as_rotvec(degrees=True) for turn in turns])
    assert np.abs(turns_deg).max() < 2.6
    assert np.abs(turns_deg[:, 0]).max() > 0.3
