"""The beam's eye view: known shapes by closed forms, any shape by rasterising its rules, structures by the room."""

import json
import pathlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.path import Path

from openigrt.errors import MissingInput, UnsupportedInput
from openigrt.geometry import CouchPose, PatientPosition, fixed_from_lps
from openigrt.patient import (
    AperturePositions,
    Applicator,
    ApplicatorGeometry,
    BeamModifiers,
    Block,
    IonBeamLine,
    beams_eye_view,
    fixed_from_beam,
    jaws,
    outline_in_room_mm,
    seen_by_beam_mm,
)
from tests.patient.plan_cases import FRAME, ISOCENTER_MM, WIDE, beam, control_point, device, leaves, plan

VECTORS = pathlib.Path(__file__).resolve().parents[1] / "vectors" / "test_vectors.json"
FIVE = device("MLCX", -10.0, -5.0, 0.0, 5.0, 10.0)
SQUARE = ((-20.0, -20.0), (20.0, -20.0), (20.0, 20.0), (-20.0, 20.0))


@pytest.fixture(scope="module")
def vectors():
    return {vector["id"]: vector for vector in json.loads(VECTORS.read_text(encoding="utf-8"))}


def view(*positions, devices=(), **values):
    return beams_eye_view(beam(control_point(*positions), devices=devices, **values), control_point(*positions))


def area(*positions, devices=(), **values):
    return view(*positions, devices=devices, **values).opening.area_mm2


def test_jaws_alone():
    seen = view(*jaws((-50.0, 40.0), (-30.0, 20.0)))
    assert seen.opening.area_mm2 == pytest.approx(90.0 * 50.0)
    assert seen.opening.centroid_mm == pytest.approx([-5.0, -5.0])
    assert seen.left_out == ()


def test_leaves_along_x_within_jaws():
    pairs = leaves((-10, 10), (-20, 0), (5, 5), (-100, 100))
    opening = view(*jaws((-50.0, 40.0), (-8.0, 100.0)), pairs, devices=(FIVE,)).opening
    assert opening.area_mm2 == pytest.approx(3 * 20 + 5 * 20 + 0 + 5 * 90)
    assert len(opening.parts) == 2


def test_leaves_along_y():
    pairs = leaves((-10, 10), (-20, 0), (0, 30), (3, 4), kind="MLCY")
    opening = view(*WIDE, pairs, devices=(device("MLCY", -10.0, -5.0, 0.0, 5.0, 10.0),)).opening
    assert opening.area_mm2 == pytest.approx(5 * (20 + 20 + 30 + 1))
    part = next(part for part in opening.parts if part.outline_mm[:, 0].min() == -10.0)
    assert part.outline_mm[:, 1].min() == -20.0


def test_leaf_boundaries_in_either_order():
    """Pair i lies between boundaries i and i + 1, whichever is the higher."""
    turned = device("MLCX", 10.0, 5.0, 0.0, -5.0, -10.0)
    opening = view(*WIDE, leaves((0, 10), (0, 0), (0, 0), (0, 0)), devices=(turned,)).opening
    assert opening.centroid_mm == pytest.approx([5.0, 7.5])


def test_two_layers_of_leaves():
    layers = (device("MLCX1", -10.0, 0.0, 10.0), device("MLCX2", -15.0, -5.0, 5.0, 15.0))
    one = leaves((-10, 10), (-20, 20), kind="MLCX1")
    two = leaves((-5, 5), (0, 30), (-30, 0), kind="MLCX2")
    assert area(one, two, devices=layers) == pytest.approx(5 * 10 + 5 * 10 + 5 * 20 + 5 * 20)


def test_leaves_that_have_passed_each_other_are_closed():
    assert area(*WIDE, leaves((10, -10), (0, 7), (0, 0), (0, 0)), devices=(FIVE,)) == pytest.approx(35.0)


def test_everything_closed():
    seen = view(*jaws((0.0, 0.0), (-10.0, 10.0)))
    assert (seen.opening.area_mm2, seen.opening.centroid_mm) == (0.0, None)


def test_leaves_without_boundaries_are_named():
    pairs = leaves((-10, 10), (-20, 0))
    seen = view(*jaws((-50.0, 40.0), (-30.0, 20.0)), pairs, devices=(device("MLCX"),))
    assert seen.left_out == ("MLCX, of 4 positions and 0 edges",)
    assert seen.opening.area_mm2 == pytest.approx(4500.0)
    with pytest.raises(MissingInput, match="'B1' states no jaw"):
        view(pairs)


def test_jaws_that_are_no_pair_are_named():
    seen = view(*jaws((-50.0, 40.0), (-30.0, 20.0)), AperturePositions("X", (-9.0, -8.0, 8.0, 9.0)))
    assert seen.left_out == ("X, of 4 positions and 2 edges",)


def test_blocks_shade_and_apertures_open():
    hole = Block(1, "SHIELDING", ((-5.0, -5.0), (5.0, -5.0), (5.0, 5.0), (-5.0, 5.0)))
    seen = view(*jaws((-50.0, 50.0), (-50.0, 50.0)), modifiers=BeamModifiers(blocks=(hole,)))
    assert seen.opening.area_mm2 == pytest.approx(10_000 - 100)
    assert len(seen.opening.parts[0].holes_mm) == 1
    apertures = (Block(1, "APERTURE", SQUARE), Block(2, "APERTURE", tuple((x + 30.0, y) for x, y in SQUARE)), hole)
    seen = view(*jaws((-50.0, 45.0), (-50.0, 50.0)), modifiers=BeamModifiers(blocks=apertures))
    assert seen.opening.area_mm2 == pytest.approx(65.0 * 40.0 - 100.0)


def test_a_slanting_block_cuts_a_corner():
    corner = Block(1, "SHIELDING", ((20.0, 50.0), (60.0, 10.0), (60.0, 60.0)))
    assert area(*jaws((-50.0, 50.0), (-50.0, 50.0)), modifiers=BeamModifiers(blocks=(corner,))) == pytest.approx(
        10_000 - 0.5 * 30.0 * 30.0
    )


@pytest.mark.parametrize(
    ("geometry", "expected"),
    [
        (ApplicatorGeometry("SYM_SQUARE", 100.0), 1e4),
        (ApplicatorGeometry("SYM_RECTANGLE", None, 60.0, 100.0), 6e3),
        (ApplicatorGeometry("SYM_CIRCULAR", 60.0), np.pi * 900.0),
    ],
)
def test_applicators(geometry, expected):
    applicator = Applicator("A", "ELECTRON_SQUARE", geometry=geometry)
    modifiers = BeamModifiers(applicator=applicator)
    assert area(*jaws((-100.0, 100.0), (-100.0, 100.0)), modifiers=modifiers) == pytest.approx(expected)


def test_an_electron_insert_in_a_cone_of_unknown_size():
    insert = Block(1, "APERTURE", SQUARE)
    modifiers = BeamModifiers(blocks=(insert,), applicator=Applicator("A10", "ELECTRON_SQUARE"))
    seen = view(*jaws((-100.0, 100.0), (-100.0, 100.0)), modifiers=modifiers)
    assert seen.opening.area_mm2 == pytest.approx(1600.0)
    assert seen.left_out == ("applicator 'A10', whose size is not stated",)


@pytest.mark.parametrize(
    "positions",
    [
        (AperturePositions("ASYMX", (-50.0, 50.0)),),
        (AperturePositions("ASYMX", (-50.0, 1e300)), AperturePositions("ASYMY", (-50.0, 50.0))),
        jaws((-50.0, 1e4), (-50.0, 50.0)),
    ],
)
def test_fields_without_an_end_are_refused(positions):
    with pytest.raises(UnsupportedInput, match="beyond 1000 mm"):
        view(*positions)


position = st.integers(-40, 40).map(lambda n: 0.5 * n)
pair = st.tuples(position, position)


@st.composite
def random_beams(draw):
    count = draw(st.integers(1, 8))
    edges = sorted(draw(st.lists(st.integers(-30, 30), min_size=count + 1, max_size=count + 1, unique=True)))
    edges = edges[:: draw(st.sampled_from([1, -1]))]
    kind = draw(st.sampled_from(["MLCX", "MLCY", "MLCX2"]))
    pairs = leaves(*(draw(pair) for _ in range(count)), kind=kind)
    block = draw(st.lists(st.tuples(position, position), min_size=3, max_size=6))
    blocks = (Block(1, draw(st.sampled_from(["APERTURE", "SHIELDING"])), tuple(block)),)
    x, y = draw(pair), draw(pair)
    point = control_point(*jaws(x, y), pairs)
    return beam(point, devices=(device(kind, *edges),), modifiers=BeamModifiers(blocks=blocks)), edges, x, y


@settings(max_examples=150, deadline=None)
@given(random_beams())
def test_any_opening_is_that_of_a_raster(case):
    """Points of a raster, judged one by one by the rules alone; none lies on an edge, since edges lie at halves."""
    treated, edges, x, y = case
    (point,) = treated.control_points
    grid = np.arange(-25.0, 25.0, 0.5) + 0.237
    u, v = (values.ravel() for values in np.meshgrid(grid, grid + 0.011))
    expected = (u > x[0]) & (u < x[1]) & (v > y[0]) & (v < y[1])
    found = point.positions[2]
    along, across = (v, u) if found.device == "MLCY" else (u, v)
    open_by_leaves = np.zeros(len(u), dtype=bool)
    count = len(edges) - 1
    for i in range(count):
        low, high = sorted((edges[i], edges[i + 1]))
        between = (along > found.positions_mm[i]) & (along < found.positions_mm[count + i])
        open_by_leaves |= (across > low) & (across < high) & between
    block = treated.modifiers.blocks[0]
    points = np.column_stack([u, v])
    covered = Path(block.outline_mm).contains_points(points)
    expected &= open_by_leaves & (covered if block.kind == "APERTURE" else ~covered)
    opening = beams_eye_view(treated, point).opening
    seen = np.zeros(len(u), dtype=bool)
    for part in opening.parts:
        inside = Path(part.outline_mm).contains_points(points)
        for hole in part.holes_mm:
            inside &= ~Path(hole).contains_points(points)
        seen |= inside
    near_slanting_edge = Path(block.outline_mm).contains_points(points, radius=0.05) != Path(
        block.outline_mm
    ).contains_points(points, radius=-0.05)
    assert (seen == expected)[~near_slanting_edge].all()
    assert opening.area_mm2 == pytest.approx(0.25 * expected.sum(), abs=0.25 * 160)


@pytest.mark.parametrize("vector_id", ["C-11", "C-13"])
def test_clinical_vectors_of_projection(vectors, vector_id):
    """Points of the room as a patient who lies supine, head first, brings them there."""
    stated = vectors[vector_id]["input"]
    point = control_point(gantry=stated["g"], collimator=stated["b"])
    treated = plan(beam(point))
    anatomy = ISOCENTER_MM + PatientPosition.HFS.table_top_from_lps().T @ np.array(stated["x_F"], dtype=float)
    seen = seen_by_beam_mm(anatomy, treated, treated.beams[0], point)
    assert seen == pytest.approx(vectors[vector_id]["expected"], abs=vectors[vector_id]["abs_tol"])


def test_clinical_vector_of_a_displaced_target(vectors):
    """The aperture follows a target that is displaced: its shift, magnified."""
    stated, expected = vectors["C-35"]["input"], vectors["C-35"]["expected"]
    point = control_point(gantry=stated["g"], collimator=stated["b"])
    treated = plan(beam(point))
    anatomy = ISOCENTER_MM + PatientPosition.HFS.table_top_from_lps().T @ np.array(stated["d_F"], dtype=float)
    seen = seen_by_beam_mm(anatomy, treated, treated.beams[0], point)
    shift = np.array(expected["shift_xy"]) * expected["magnification"]
    assert seen == pytest.approx(shift, abs=1e-5)


def test_an_outline_in_the_room():
    """Gantry 90 looks from +x: device x points down, device y to the gantry; collimator 90 turns x to device y."""
    corners = [(30.0, 0.0), (0.0, 20.0)]
    assert outline_in_room_mm(corners, control_point(gantry=90.0)) == pytest.approx(
        np.array([[0.0, 0.0, -30.0], [0.0, 20.0, 0.0]])
    )
    turned = outline_in_room_mm(corners, control_point(gantry=90.0, collimator=90.0))
    assert turned == pytest.approx(np.array([[0.0, 30.0, 0.0], [0.0, 0.0, 20.0]]))


def test_outlines_and_structures_meet_in_the_room():
    """A point of the isocenter plane is seen where the outline puts it, for any angles and any patient position."""
    point = control_point(gantry=123.0, collimator=37.0, couch=CouchPose(patient_support_angle_deg=20.0))
    for position in PatientPosition:
        treated = plan(beam(point), position=position)
        room_from_plan = fixed_from_lps(position, FRAME, ISOCENTER_MM, point.couch)
        outline = np.array([[30.0, -7.0], [-2.0, 55.0]])
        in_patient = room_from_plan.inverse().points(outline_in_room_mm(outline, point))
        assert seen_by_beam_mm(in_patient, treated, treated.beams[0], point) == pytest.approx(outline)


def test_the_isocenter_of_the_control_point_counts():
    moved = control_point(isocenter_mm=(0.0, 0.0, 0.0))
    treated = plan(beam(control_point(), moved))
    assert seen_by_beam_mm(
        ISOCENTER_MM, treated, treated.beams[0], treated.beams[0].control_points[0]
    ) == pytest.approx(np.zeros(2))
    (u, v) = seen_by_beam_mm((10.0, 0.0, 30.0), treated, treated.beams[0], moved)
    assert (u, v) == pytest.approx((10.0, 30.0))


def test_beams_of_ions_come_from_two_virtual_sources():
    line = IonBeamLine("MODULATED", (2000.0, 2500.0))
    treated = plan(beam(control_point(collimator=90.0), ion_line=line, source_axis_distance_mm=2250.0))
    anatomy = np.add(ISOCENTER_MM, (10.0, -100.0, 20.0))
    seen = seen_by_beam_mm(anatomy, treated, treated.beams[0], control_point())
    assert seen == pytest.approx([10.0 * 2000.0 / 1900.0, 20.0 * 2500.0 / 2400.0])
    turned = treated.beams[0].control_points[0]
    seen = seen_by_beam_mm(anatomy, treated, treated.beams[0], turned)
    assert seen == pytest.approx([20.0 * 2500.0 / 2400.0, -10.0 * 2000.0 / 1900.0])


def test_a_beam_without_isocenter_sees_nothing():
    treated = plan(beam(control_point(), isocenter_mm=None))
    with pytest.raises(MissingInput, match="no isocenter"):
        seen_by_beam_mm((0.0, 0.0, 0.0), treated, treated.beams[0], control_point())


def test_fixed_from_beam_counts_the_pitch_of_the_gantry():
    source = fixed_from_beam(control_point(gantry_pitch_angle_deg=90.0)).points((0.0, 0.0, 1000.0))
    assert source == pytest.approx([0.0, -1000.0, 0.0], abs=1e-9)
