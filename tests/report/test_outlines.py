import re

import numpy as np
import pytest
from skimage.measure import approximate_polygon

from openigrt.patient import Contour, ContourKind, Structure, StructureRole
from openigrt.report.outlines import SIMPLIFY_MM, checkerboard_path, field_path, path, structure_path
from openigrt.report.slices import Plane, PlaneView, plane_views
from tests.report.report_cases import ISOCENTER_MM, PLAN, box_contours, structure_set

BOX_MM = (np.array([-80.0, -60.0, -60.0]), np.array([80.0, 60.0, 90.0]))
VIEWS = {view.plane: view for view in plane_views(PLAN, ISOCENTER_MM, BOX_MM)}


def polygons(svg_path: str) -> list[np.ndarray]:
    return [
        np.array([[float(n) for n in point.split()] for point in part.split("L")])
        for part in re.findall("M([^MZ]*)Z", svg_path)
    ]


def area_mm2(svg_path: str) -> float:
    u_v = [p.T for p in polygons(svg_path)]
    return abs(sum(0.5 * float(u @ np.roll(v, 1) - v @ np.roll(u, 1)) for u, v in u_v))


def box_structure(low: tuple[float, ...], high: tuple[float, ...], step_mm: float = 4.0) -> Structure:
    return Structure(1, "box", StructureRole.ORGAN, tuple(box_contours(low, high, step_mm)))


def expected_corner(view: PlaneView, point: tuple[float, float, float]) -> np.ndarray:
    return view.picture_points(np.array([point]))[0, :2]


@pytest.mark.parametrize(
    ("plane", "size_mm"), [(Plane.AXIAL, (40, 40)), (Plane.CORONAL, (40, 44)), (Plane.SAGITTAL, (40, 44))]
)
def test_a_box_is_cut_to_its_rectangle_and_half_a_slice(plane: Plane, size_mm: tuple[float, float]) -> None:
    target = structure_set().structures[0]
    outline = structure_path(target, VIEWS[plane])
    assert area_mm2(outline) == pytest.approx(size_mm[0] * size_mm[1], rel=0.03)
    points = np.vstack(polygons(outline))
    corners = VIEWS[plane].picture_points(np.array([[-16.0, -14.0, -2.0], [24.0, 26.0, 42.0]]))[:, :2]
    assert points.min(axis=0) == pytest.approx(corners.min(axis=0), abs=2.5 if plane is Plane.AXIAL else 1.0)
    assert points.max(axis=0) == pytest.approx(corners.max(axis=0), abs=2.5 if plane is Plane.AXIAL else 1.0)


def test_a_sphere_is_cut_to_discs_across_its_slices() -> None:
    angles = np.linspace(0.0, 2.0 * np.pi, 120, endpoint=False)
    contours = []
    for z in np.arange(-27.0, 28.0, 3.0):
        radius = np.sqrt(30.0**2 - z**2)
        ring = np.column_stack([radius * np.cos(angles), radius * np.sin(angles), np.full(120, z)])
        contours.append(Contour(ring + ISOCENTER_MM))
    sphere = Structure(1, "ball", StructureRole.ORGAN, tuple(contours))
    for view in VIEWS.values():
        points = np.vstack(polygons(structure_path(sphere, view)))
        center = expected_corner(view, tuple(ISOCENTER_MM))
        distances = np.linalg.norm(points - center, axis=1)
        assert distances.max() < np.hypot(13.1, 28.6)
        assert np.percentile(distances, 10) > 28.0


@pytest.mark.parametrize("seed", range(5))
def test_outlines_are_simplified_as_douglas_and_peucker_do(seed: int) -> None:
    rng = np.random.default_rng(seed)
    angles = np.linspace(0.0, 2.0 * np.pi, 400)
    radii_mm = 25.0 + 5.0 * np.cos(rng.integers(2, 7) * angles) + 0.2 * rng.standard_normal(400)
    radii_mm[-1] = radii_mm[0]
    ring = np.column_stack([radii_mm * np.cos(angles), radii_mm * np.sin(angles), np.zeros(400)]) + ISOCENTER_MM
    view = VIEWS[Plane.AXIAL]
    drawn = structure_path(Structure(1, "ring", StructureRole.ORGAN, (Contour(ring),)), view)
    assert drawn == path([approximate_polygon(view.picture_points(ring)[:, :2], SIMPLIFY_MM)])


def test_a_structure_beside_the_plane_is_not_drawn() -> None:
    aside = box_structure((50.0, 40.0, 40.0), (60.0, 50.0, 60.0))
    assert all(structure_path(aside, view) == "" for view in VIEWS.values())


def test_a_gap_between_slices_is_not_bridged() -> None:
    lower, upper = box_contours((-6, -6, -40), (10, 16, -20), 4.0), box_contours((-6, -6, 40), (10, 16, 60), 4.0)
    apart = Structure(1, "two parts", StructureRole.ORGAN, tuple(lower + upper))
    assert structure_path(apart, VIEWS[Plane.AXIAL]) == ""
    assert len(polygons(structure_path(apart, VIEWS[Plane.CORONAL]))) == 2


def test_a_hole_in_a_slice_stays_open() -> None:
    outer, inner = box_contours((-26, -24, 0), (34, 36, 40), 4.0), box_contours((-6, -4, 0), (14, 16, 40), 4.0)
    ring = Structure(1, "ring", StructureRole.ORGAN, tuple(outer + inner))
    assert len(polygons(structure_path(ring, VIEWS[Plane.CORONAL]))) == 2


def test_points_and_open_lines_are_no_outlines() -> None:
    point = Contour(ISOCENTER_MM[None], ContourKind.POINT)
    line = Contour(np.array([[0.0, 0.0, 20.0], [5.0, 0.0, 20.0], [9.0, 9.0, 20.0]]), ContourKind.OPEN)
    marker = Structure(1, "marker", StructureRole.MARKER, (point, line))
    assert structure_path(marker, VIEWS[Plane.AXIAL]) == ""


def test_the_edge_of_the_field_is_a_circle_without_holes_or_specks() -> None:
    view = VIEWS[Plane.AXIAL]
    columns, rows = np.meshgrid(np.arange(view.grid.size[0]), np.arange(view.grid.size[1]))
    center = np.array([80.0, 60.0])
    distance = np.hypot((columns + 0.5) * view.pixel_mm - center[0], (rows + 0.5) * view.pixel_mm - center[1])
    seen = distance < 45.0
    seen[95:105, 128:140] = False
    seen[2:8, 2:8] = True
    edge = polygons(field_path(seen, view))
    assert len(edge) == 1
    assert np.linalg.norm(edge[0] - center, axis=1) == pytest.approx(45.0, abs=1.0)


def test_nothing_seen_has_no_edge() -> None:
    view = VIEWS[Plane.AXIAL]
    assert field_path(np.zeros(view.grid.shape[1:], bool), view) == ""


def test_squares_of_the_checkerboard_meet_at_the_center() -> None:
    view = VIEWS[Plane.AXIAL]
    squares = re.findall(r"M(\S+) (\S+)h30v30h-30Z", checkerboard_path(view, ISOCENTER_MM, 30.0))
    corners = np.array(squares, dtype=float)
    steps = (corners - expected_corner(view, tuple(ISOCENTER_MM))) / 30.0
    assert steps == pytest.approx(np.round(steps), abs=0.01)
    assert (np.round(steps).sum(axis=1) % 2 == 0).all()
    assert corners.min() <= 0.0


def test_a_path_is_closed_and_told_to_a_tenth() -> None:
    assert path([np.array([[0.0, 1.25], [2.0, 3.0]])]) == "M0.0 1.2L2.0 3.0Z"
