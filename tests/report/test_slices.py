import numpy as np
import pytest

from openigrt.errors import InconsistentInput
from openigrt.geometry import Frame, Grid, RigidTransform, TableAngles
from openigrt.images import Image, Mask, Modality
from openigrt.report.slices import (
    Plane,
    PlaneView,
    direction_letter,
    field_corners_mm,
    plane_views,
    sample_image,
    seen_image,
)
from tests.report.report_cases import BALL_MM, DAILY, GRID, ISOCENTER_MM, PLAN, anatomy, content_of, points_of

BOX_MM = (np.array([-80.0, -60.0, -30.0]), np.array([80.0, 60.0, 70.0]))
STILL = RigidTransform.identity(PLAN, PLAN)


def view_of(plane: Plane, center_mm: np.ndarray = ISOCENTER_MM) -> PlaneView:
    return next(view for view in plane_views(PLAN, center_mm, BOX_MM) if view.plane is plane)


@pytest.mark.parametrize(
    ("plane", "letters"),
    [
        (Plane.AXIAL, {"left": "R", "right": "L", "top": "A", "bottom": "P"}),
        (Plane.CORONAL, {"left": "R", "right": "L", "top": "S", "bottom": "I"}),
        (Plane.SAGITTAL, {"left": "A", "right": "P", "top": "S", "bottom": "I"}),
    ],
)
def test_letters_stand_at_the_edges_that_radiology_expects(plane: Plane, letters: dict[str, str]) -> None:
    assert view_of(plane).letters == letters


def test_a_letter_is_the_nearest_patient_direction() -> None:
    assert direction_letter(np.array([0.2, -0.9, 0.3])) == "A"
    assert direction_letter(np.array([0.1, 0.2, -0.9])) == "I"


@pytest.mark.parametrize("plane", list(Plane))
def test_a_ball_at_the_left_front_and_head_appears_beside_those_letters(plane: Plane) -> None:
    view = view_of(plane, BALL_MM)
    values = sample_image(content_of().planning_image, view.grid, STILL)
    rows, columns = np.nonzero(values > 700.0)
    right_of_middle = columns.mean() > (values.shape[1] - 1) / 2
    below_middle = rows.mean() > (values.shape[0] - 1) / 2
    letters = view.letters
    assert letters["right" if right_of_middle else "left"] in "LAS"
    assert letters["bottom" if below_middle else "top"] in "LAS"
    ball = view.picture_points(BALL_MM[None])[0]
    assert ball[:2] == pytest.approx((np.array([columns.mean(), rows.mean()]) + 0.5) * view.pixel_mm, abs=1.0)
    assert ball[2] == pytest.approx(0.0, abs=1e-9)


def test_planes_cross_at_the_center_and_cover_the_box() -> None:
    for view in plane_views(PLAN, ISOCENTER_MM, BOX_MM):
        right, down, away = view.picture_points(ISOCENTER_MM[None])[0]
        assert abs(away) < 1e-9
        assert 0.0 < right < view.width_mm
        assert 0.0 < down < view.height_mm
        corners = view.picture_points(np.array(BOX_MM))
        assert np.ptp(corners[:, 0]) == pytest.approx(view.width_mm, abs=view.pixel_mm)
        assert np.ptp(corners[:, 1]) == pytest.approx(view.height_mm, abs=view.pixel_mm)


def test_an_oblique_daily_image_is_sampled_where_it_lies() -> None:
    plan_from_daily = RigidTransform(PLAN, DAILY, TableAngles(7.0, -4.0, 3.0).matrix(), np.array([5.0, -8.0, 11.0]))
    grid = Grid(PLAN, np.array([-60.0, -50.0, -30.0]), np.array([2.0, 2.5, 3.0]), np.eye(3), (60, 44, 32))
    oblique = grid.moved(plan_from_daily.inverse())
    slope = np.array([1.0, -2.0, 0.5])
    image = Image(plan_from_daily.points(points_of(oblique)) @ slope, oblique, Modality.CBCT)
    for view in plane_views(PLAN, ISOCENTER_MM, BOX_MM):
        values = sample_image(image, view.grid, plan_from_daily.inverse())
        expected = points_of(view.grid)[0] @ slope
        seen = np.isfinite(values)
        assert seen.mean() > 0.3
        assert np.abs(values - expected)[seen].max() < 1e-2


def test_what_the_field_leaves_out_is_not_shown() -> None:
    image = content_of().planning_image
    field = points_of(GRID)[..., 0] > 0.0
    view = view_of(Plane.AXIAL)
    values = sample_image(seen_image(image, Mask(field, GRID)), view.grid, STILL)
    x = points_of(view.grid)[0, ..., 0]
    assert not np.isfinite(values[x < 0.0]).any()
    assert np.isfinite(values[(x > 3.0) & (np.abs(x) < 80.0)]).all()


def test_a_field_on_another_grid_is_refused() -> None:
    other = Grid(PLAN, GRID.origin_mm + 1.0, GRID.spacing_mm, np.eye(3), GRID.size)
    with pytest.raises(InconsistentInput, match="grid of its image"):
        seen_image(content_of().planning_image, Mask(np.ones(GRID.shape, bool), other))


def test_corners_enclose_the_voxels_with_data() -> None:
    inside = (np.abs(points_of(GRID) - ISOCENTER_MM) < [30.0, 20.0, 12.0]).all(axis=-1)
    image = Image(np.where(inside, 1.0, np.nan), GRID, Modality.CBCT)
    corners = field_corners_mm(image)
    points = points_of(GRID)[inside]
    assert (corners.min(axis=0) <= points.min(axis=0)).all()
    assert (corners.max(axis=0) >= points.max(axis=0)).all()
    assert np.ptp(corners, axis=0) == pytest.approx(np.ptp(points, axis=0), abs=2 * GRID.spacing_mm.max())


def test_an_image_without_data_has_the_corners_of_its_grid() -> None:
    image = Image(np.full(GRID.shape, np.nan), GRID, Modality.CBCT)
    assert np.array_equal(field_corners_mm(image), GRID.corners_mm())


def test_the_made_up_patient_has_its_ball_at_the_left_front_and_head() -> None:
    assert (BALL_MM - ISOCENTER_MM > [0.0, -np.inf, 0.0]).all()
    assert BALL_MM[1] < ISOCENTER_MM[1]
    assert anatomy(BALL_MM) == 900.0
    assert Frame.plan("1.2.3") == PLAN
