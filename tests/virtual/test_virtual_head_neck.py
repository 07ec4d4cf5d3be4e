"""The virtual head and neck, and the virtual brain: HU, truth, bones in one piece, glands that shrink, weight lost."""

import numpy as np
import pytest

from openigrt.errors import InputError
from openigrt.geometry import Frame, Grid, RigidTransform, fit_rigid
from openigrt.virtual import (
    HeadNeckState,
    VirtualPatient,
    brain_day,
    brain_patient,
    head_neck_day,
    head_neck_in,
    head_neck_patient,
    organ_contours,
    render,
)

FRAME = Frame.plan("1.2.3")
SAME = RigidTransform.identity(FRAME, FRAME)
ORIGIN_MM = np.array([12.0, -40.0, 155.0])
VERTEBRAE = ("C1", "C2", "C3", "C4", "C5", "C6", "C7", "T1")
BENT = HeadNeckState(jaw_deg=2.0, neck_deg=np.tile((-0.9, 0.4, -0.3), (8, 1)), shoulders_up_deg=(2.0, -1.0))


@pytest.fixture(scope="module")
def patient() -> VirtualPatient:
    return head_neck_patient(FRAME, 7, ORIGIN_MM)


@pytest.fixture(scope="module")
def brain() -> VirtualPatient:
    return brain_patient(FRAME, 7)


def grid_about(center_mm, half_mm, spacing_mm) -> Grid:
    count = (2 * np.ceil(np.asarray(half_mm) / spacing_mm) + 1).astype(int)
    corner = np.asarray(center_mm) - 0.5 * (count - 1) * spacing_mm
    return Grid(FRAME, corner, np.full(3, spacing_mm), np.eye(3), tuple(count))


def points_of(grid: Grid) -> np.ndarray:
    return grid.points(np.stack(np.meshgrid(*map(np.arange, grid.shape), indexing="ij")[::-1], axis=-1))


def points_in(anatomy, organ: str, count: int = 600) -> np.ndarray:
    """Points at random inside an organ."""
    low, high = np.clip(anatomy.bounds_mm(organ), anatomy.origin_mm - 260.0, anatomy.origin_mm + 260.0)
    points = np.random.default_rng(3).uniform(low, high, (40000, 3))
    inside = points[anatomy.signed_distance_mm(organ, points) < 0.0][:count]
    assert len(inside) > 50
    return inside


def volume_ml(anatomy, organ: str) -> float:
    low, high = anatomy.bounds_mm(organ)
    grid = grid_about(0.5 * (low + high), 0.5 * (high - low), 1.0)
    return float((anatomy.signed_distance_mm(organ, points_of(grid)) < 0.0).sum() / 1000.0)


@pytest.mark.parametrize(
    ("organ", "depth_mm", "lowest_hu", "highest_hu"),
    [
        ("MANDIBLE", 3.5, 300.0, 700.0),
        ("TEETH_UPPER", 1.6, 1400.0, 2600.0),
        ("VERTEBRA_C4", 3.0, 230.0, 420.0),
        ("PETROUS_L", 3.0, 1200.0, 1800.0),
        ("PAROTID_R", 4.0, -40.0, 30.0),
        ("SCM_L", 3.5, 40.0, 65.0),
        ("SPINAL_CORD", 2.0, 28.0, 45.0),
        ("BRAINSTEM", 4.0, 24.0, 40.0),
        ("THYROID_L", 2.5, 85.0, 130.0),
        ("EYE_R", 4.0, 0.0, 25.0),
        ("AIRWAY", 3.0, -1000.0, -960.0),
        ("SINUSES_L", 3.0, -1000.0, -960.0),
    ],
)
def test_hu_inside_organs(patient, organ, depth_mm, lowest_hu, highest_hu):
    low, high = patient.anatomy.bounds_mm(organ)
    grid = grid_about(0.5 * (low + high), np.minimum(0.5 * (high - low), 60.0), 1.2)
    inside = patient.anatomy.signed_distance_mm(organ, points_of(grid)) < -depth_mm
    hu = render(patient.anatomy, grid, SAME)[inside]
    assert hu.size > 30
    assert lowest_hu < np.median(hu) < highest_hu


def test_the_vault_has_two_tables_and_diploe(patient):
    """Along a line through the top of the skull: cortex, sponge, cortex."""
    grid = Grid(FRAME, np.add(ORIGIN_MM, (0, 0, 95.0)), np.array([1, 1, 0.25]), np.eye(3), (1, 1, 100))
    hu = render(patient.anatomy, grid, SAME)[:, 0, 0]
    bone = np.flatnonzero(hu > 300.0)
    middle = hu[bone.mean().astype(int)]
    assert 4.0 < 0.25 * np.ptp(bone) < 10.0
    assert middle < 750.0 < 1000.0 < min(hu[bone[: len(bone) // 2]].max(), hu[bone[len(bone) // 2 :]].max())


def test_left_and_right_front_and_back_differ(patient):
    grid = grid_about(np.add(ORIGIN_MM, (0.0, 0.0, -60.0)), (110.0, 110.0, 150.0), 5.0)
    voxels = render(patient.anatomy, grid, SAME)
    for mirrored in (voxels[:, :, ::-1], voxels[:, ::-1], voxels[::-1]):
        assert np.mean(np.abs(voxels - mirrored) > 100.0) > 0.03
    sick = ORIGIN_MM + np.array([[40.0, -8.0, -72.0], [-40.0, -8.0, -72.0]])
    left, right = patient.anatomy.signed_distance_mm("SICK_NODE", sick)
    assert left < 0.0 < right


def test_vertebrae_differ_one_from_the_other(patient):
    volumes = [volume_ml(patient.anatomy, f"VERTEBRA_{name}") for name in ("C1", "C3", "C5", "C7", "T2")]
    assert np.min(np.abs(np.subtract.outer(volumes, volumes)[~np.eye(5, dtype=bool)])) > 0.2
    tips = [points_in(patient.anatomy, f"VERTEBRA_{name}")[:, 1].max() for name in ("C3", "C5", "C7")]
    assert tips[0] < tips[1] < tips[2]


def test_bones_move_as_rigid_pieces(patient):
    """Each vertebra, the jaw and the skull keep their shape to 0.2 mm, and each goes its own way."""
    anatomy = patient.at(head_neck_in(patient, BENT))
    turns = {}
    for name in (*(f"VERTEBRA_{v}" for v in VERTEBRAE), "MANDIBLE", "SKULL", "SHOULDER_L"):
        inside = points_in(patient.anatomy, name)
        moved = anatomy.moved_mm(inside)
        rotation, translation_mm = fit_rigid(moved, inside)
        residual = np.linalg.norm(inside @ rotation.T + translation_mm - moved, axis=1)
        assert np.sqrt(np.mean(residual**2)) < 0.05, name
        assert np.percentile(residual, 99.0) < 0.2, name
        turns[name] = rotation
    still = points_in(patient.anatomy, "VERTEBRA_C4")
    assert np.linalg.norm(anatomy.moved_mm(still) - still, axis=1).mean() < 0.05
    angle = {name: np.rad2deg(np.arccos(np.clip((np.trace(r) - 1.0) / 2.0, -1.0, 1.0))) for name, r in turns.items()}
    assert angle["VERTEBRA_C4"] < 0.1 < 0.5 < angle["VERTEBRA_C3"] < angle["VERTEBRA_C2"] < angle["SKULL"]
    assert angle["VERTEBRA_C5"] < angle["VERTEBRA_C6"] < angle["VERTEBRA_C7"] < angle["VERTEBRA_T1"]
    jaw = turns["SKULL"].T @ turns["MANDIBLE"]
    assert np.rad2deg(np.arccos((np.trace(jaw) - 1.0) / 2.0)) == pytest.approx(2.0, abs=0.02)


def test_the_jaw_opens_and_the_upper_teeth_stay(patient):
    anatomy = patient.at(head_neck_in(patient, HeadNeckState(jaw_deg=2.0)))
    upper, lower = points_in(patient.anatomy, "TEETH_UPPER"), points_in(patient.anatomy, "TEETH_LOWER")
    assert np.linalg.norm(anatomy.moved_mm(upper) - upper, axis=1).max() < 0.1
    front = lower[lower[:, 1] < ORIGIN_MM[1] - 78.0]
    down = (anatomy.moved_mm(front) - front)[:, 2]
    assert -3.3 < down.min() < down.max() < -2.0


def test_truth_and_inverse_agree_everywhere_over_random_days(patient):
    """Two hundred days: no fold anywhere near the patient, and every place has its tissue."""
    rng = np.random.default_rng(0)
    steps = 1.0e-3 * np.eye(3)
    least = np.inf
    for number in range(200):
        day = head_neck_day(patient, number % 40 if number < 80 else number)
        anatomy = patient.at(day)
        points = rng.uniform((-230, -130, -230), (230, 130, 110), (500, 3)) + ORIGIN_MM
        assert np.abs(anatomy.rest_mm(anatomy.moved_mm(points)) - points).max() < 1e-4
        slopes = [(anatomy.moved_mm(points + s) - anatomy.moved_mm(points - s)) / 2.0e-3 for s in steps]
        least = min(least, float(np.linalg.det(np.stack(slopes, axis=-1)).min()))
    assert least > 0.0


@pytest.mark.parametrize("center_mm", [(105.0, 45.0, -150.0), (2.0, -95.0, -26.0), (12.0, 20.0, -95.0)])
def test_voxels_that_are_culled_together_are_what_each_is_alone(patient, center_mm):
    """Shoulder, lips and spine of a day: 1e-3 HU, though bricks of voxels share what is near and how they moved."""
    anatomy = patient.at(head_neck_in(patient, BENT))
    grid = grid_about(ORIGIN_MM + center_mm, (7.0, 7.0, 5.0), 1.7)
    together = render(anatomy, grid, SAME)
    assert np.ptp(together) > 20.0
    for k, j, i in np.random.default_rng(4).integers(0, grid.shape, (60, 3)):
        one = Grid(FRAME, grid.points((i, j, k)), grid.spacing_mm, np.eye(3), (1, 1, 1))
        assert together[k, j, i] == pytest.approx(render(anatomy, one, SAME)[0, 0, 0], abs=1e-3)


@pytest.mark.parametrize("factor", [0.9, 0.75])
def test_parotids_shrink_by_what_is_asked(patient, factor):
    shrunk = patient.at(head_neck_in(patient, HeadNeckState(parotid_factor=factor)))
    for organ in ("PAROTID_L", "PAROTID_R"):
        assert volume_ml(shrunk, organ) / volume_ml(patient.anatomy, organ) == pytest.approx(factor, abs=0.03)


def test_parotids_go_inward_by_what_is_asked_and_shrink_as_well(patient):
    """Clinical 7.1: 2 to 3 mm medial by the end of a course, and 24 +- 11 % of the volume; the jaw stays."""
    anatomy = patient.at(head_neck_in(patient, HeadNeckState(migration_mm=2.5, parotid_factor=0.75)))
    for organ, sign in (("PAROTID_L", -1.0), ("PAROTID_R", 1.0)):
        inside = points_in(patient.anatomy, organ, 2000)
        inward_mm = sign * (anatomy.moved_mm(inside) - inside)[:, 0]
        assert inward_mm.mean() == pytest.approx(2.5, abs=0.2)
        outer = np.abs(inside[:, 0] - ORIGIN_MM[0])
        assert (
            inward_mm[outer > np.percentile(outer, 80.0)].mean() > inward_mm[outer < np.percentile(outer, 20.0)].mean()
        )
        assert volume_ml(anatomy, organ) / volume_ml(patient.anatomy, organ) == pytest.approx(0.75, abs=0.04)
    jaw = points_in(patient.anatomy, "MANDIBLE")
    assert np.abs(anatomy.moved_mm(jaw) - jaw).max() < 1e-6


def test_sick_nodes_shrink(patient):
    anatomy = patient.at(head_neck_in(patient, HeadNeckState(node_factor=0.6)))
    assert volume_ml(anatomy, "SICK_NODE") / volume_ml(patient.anatomy, "SICK_NODE") == pytest.approx(0.6, abs=0.06)


def test_the_larynx_goes_as_one_piece(patient):
    """Cartilages and hyoid keep their shape, whatever jaw and neck do."""
    anatomy = patient.at(head_neck_in(patient, BENT))
    for name in ("THYROID_CARTILAGE", "CRICOID", "HYOID"):
        inside = points_in(patient.anatomy, name)
        moved = anatomy.moved_mm(inside)
        rotation, translation_mm = fit_rigid(moved, inside)
        assert np.percentile(np.linalg.norm(inside @ rotation.T + translation_mm - moved, axis=1), 95.0) < 0.3, name


@pytest.mark.parametrize("loss_mm", [3.0, 7.0])
def test_weight_loss_narrows_the_neck_by_what_is_asked(patient, loss_mm):
    """Mean radius of the neck at the level of the larynx, and bones that stay."""
    anatomy = patient.at(head_neck_in(patient, HeadNeckState(contour_loss_mm=loss_mm)))
    plane = [ORIGIN_MM[2] - 112.0]
    areas = []
    for of_a_day in (patient.anatomy, anatomy):
        (contour,) = organ_contours(of_a_day, "BODY", plane, step_mm=2.0)
        x, y = contour.points_mm[:, :2].T
        areas.append(0.5 * abs(x @ np.roll(y, -1) - y @ np.roll(x, -1)))
    assert np.sqrt(areas[0] / np.pi) - np.sqrt(areas[1] / np.pi) == pytest.approx(loss_mm, rel=0.2)
    inside = points_in(patient.anatomy, "VERTEBRA_C5")
    assert np.linalg.norm(anatomy.moved_mm(inside) - inside, axis=1).max() < 0.05


def test_a_course_loses_volume_day_by_day(patient):
    first, last = (patient.at(head_neck_day(patient, number)) for number in (1, 30))
    assert volume_ml(first, "PAROTID_L") > 0.97 * volume_ml(patient.anatomy, "PAROTID_L")
    assert 0.65 < volume_ml(last, "PAROTID_L") / volume_ml(patient.anatomy, "PAROTID_L") < 0.92


def test_the_same_seed_is_the_same_patient_and_the_same_day(patient):
    again = head_neck_patient(FRAME, 7, ORIGIN_MM)
    grid = grid_about(np.add(ORIGIN_MM, (20.0, -20.0, -60.0)), (40.0, 40.0, 20.0), 4.0)
    one, other = (render(p.at(head_neck_day(p, 5)), grid, SAME) for p in (patient, again))
    assert np.array_equal(one, other)
    assert head_neck_day(patient, 5).setup == head_neck_day(again, 5).setup != head_neck_day(patient, 6).setup
    assert not np.array_equal(one, render(patient.at(head_neck_day(patient, 6)), grid, SAME))


def test_the_target_is_known_but_not_seen(patient):
    """The organ that is treated lies behind the body: it has contours, and no voxel of its own."""
    assert patient.anatomy.organs[0].name == "CTV"
    inside = points_in(patient.anatomy, "CTV")
    assert patient.anatomy.signed_distance_mm("BODY", inside).max() < -2.0
    assert organ_contours(patient.anatomy, "CTV", [ORIGIN_MM[2] - 75.0])
    names = [structure.organ for structure in patient.structures]
    assert set(names) <= {organ.name for organ in patient.anatomy.organs}


def test_metal_mask_and_contrast_are_there_when_asked_for(patient):
    other = head_neck_patient(FRAME, 7, ORIGIN_MM, fillings=3, with_mask=True, with_contrast=True)
    low, high = other.anatomy.bounds_mm("FILLING_1")
    tooth = grid_about(0.5 * (low + high), (4.0, 4.0, 4.0), 1.0)
    assert render(other.anatomy, tooth, SAME).max() > 2900.0
    inside = points_in(other.anatomy, "JUGULAR_L")
    core = inside[other.anatomy.signed_distance_mm("JUGULAR_L", inside) < -2.0][:1]
    vein = grid_about(core[0], (1.0, 1.0, 1.0), 1.0)
    planned, of_a_day = (render(other.at(day), vein, SAME).mean() for day in (other.planned, head_neck_in(other, BENT)))
    assert planned > 120.0
    assert of_a_day < 80.0
    forehead = grid_about(np.add(ORIGIN_MM, (0.0, -104.0, 50.0)), (0.0, 8.0, 0.0), 0.5)
    assert render(other.anatomy, forehead, SAME)[0, :, 0].max() > render(patient.anatomy, forehead, SAME)[0, 0, 0]


def test_targets_of_the_brain(brain):
    """Four of 5 to 20 mm, each in the brain, with a bright rim; contours and truth are each its own."""
    for n in range(1, 5):
        low, high = brain.anatomy.bounds_mm(f"GTV_{n}")
        center = 0.5 * (low + high)
        assert brain.anatomy.signed_distance_mm("SKULL", center) > 5.0
        volume = volume_ml(brain.anatomy, f"GTV_{n}")
        assert 0.05 < volume < 4.6
        grid = grid_about(center, (12.0, 12.0, 12.0), 1.0)
        at = brain.anatomy.signed_distance_mm(f"GTV_{n}", points_of(grid))
        hu = render(brain.anatomy, grid, SAME)
        assert hu[(at < -0.8) & (at > -1.6)].mean() > 55.0
    one = brain_patient(FRAME, 7, treated=2)
    assert one.target == "GTV_2"
    assert np.linalg.norm(one.isocenter_mm - one.anatomy.bounds_mm("GTV_2").mean(axis=0)) < 1.0
    assert np.linalg.norm(one.isocenter_mm - brain.isocenter_mm) > 3.0


def test_a_day_of_the_brain_hardly_deforms_it(brain):
    day = brain_day(brain, 3)
    points = points_in(brain.anatomy, "VENTRICLES")
    moved = brain.at(day).moved_mm(points)
    assert 0.0 < np.linalg.norm(moved - points, axis=1).max() < 0.5
    motion = brain.target_motion(day)
    assert np.linalg.norm(motion.points(brain.isocenter_mm) - brain.isocenter_mm) < 0.3
    framed = [brain_day(brain_patient(FRAME, seed, in_frame=True), 1).setup for seed in (1, 2, 3)]
    assert max(np.abs(setup.shift_mm).max() for setup in framed) < 2.0


@pytest.mark.parametrize("asked", [{"targets": 0}, {"targets": 9}, {"treated": 5}])
def test_targets_that_are_not_there_are_refused(asked):
    with pytest.raises(InputError):
        brain_patient(FRAME, 7, **asked)
