"""The choice of the target, and the organs beside it."""

from dataclasses import replace

import numpy as np
import pytest

from openigrt.errors import AmbiguousInput, MissingInput
from openigrt.guidance import choose_target, find_structure, organ_points_mm
from openigrt.patient import Contour, ContourKind, Structure, StructureRole, StructureSet
from tests.guidance.guidance_cases import PLAN

ISOCENTER = (0.0, 0.0, 0.0)


def tube(name, role, center, number=1, planes=5):
    angle = 2.0 * np.pi * np.arange(40) / 40
    ring = np.column_stack([10.0 * np.cos(angle), 10.0 * np.sin(angle), np.zeros(40)])
    offsets = 3.0 * (np.arange(planes) - (planes - 1) / 2)
    contours = (Contour(ring + np.asarray(center) + (0.0, 0.0, z)) for z in offsets)
    return Structure(number, name, role, tuple(contours))


def point(name, role=StructureRole.CTV):
    return Structure(9, name, role, (Contour(np.zeros((1, 3)), ContourKind.POINT),))


def plan_of(*structures):
    return StructureSet("1.3", "test", PLAN, structures)


CTV_NEAR = tube("CTV near", StructureRole.CTV, (4.0, 0.0, 3.0))
CTV_FAR = tube("CTV far", StructureRole.CTV, (60.0, 0.0, 0.0))
PTV = tube("PTV", StructureRole.PTV, (0.0, 0.0, 0.0))
GTV = tube("GTV", StructureRole.GTV, (0.0, 0.0, 0.0))
RECTUM = tube("Rectum", StructureRole.ORGAN, (0.0, 50.0, 0.0))
BODY = tube("BODY", StructureRole.EXTERNAL, (0.0, 0.0, 0.0))


@pytest.mark.parametrize(
    ("structures", "name", "rule"),
    [
        ((RECTUM, PTV, CTV_FAR, CTV_NEAR, GTV), "CTV near", "the CTV nearest the isocenter (its centroid lies 5.0 mm"),
        ((RECTUM, GTV, PTV), "PTV", "the PTV nearest the isocenter"),
        ((RECTUM, GTV), "GTV", "the GTV nearest the isocenter"),
        ((point("CTV mark"), GTV), "GTV", "the GTV nearest the isocenter"),
    ],
)
def test_without_a_name_the_role_comes_first_and_then_the_distance(structures, name, rule):
    target = choose_target(plan_of(*structures), ISOCENTER)
    assert target.name == name
    assert rule in target.rule
    assert len(target.points_mm) > 500


@pytest.mark.parametrize("structures", [None, plan_of(), plan_of(RECTUM, BODY)])
def test_without_a_target_it_is_the_sphere(structures):
    target = choose_target(structures, (5.0, 70.0, 305.0))
    assert "50 mm round the isocenter" in target.rule
    assert np.linalg.norm(target.points_mm - (5.0, 70.0, 305.0), axis=1) == pytest.approx(50.0)


@pytest.mark.parametrize("name", ["Rectum", "rectum", " RECTUM "])
def test_a_named_structure_is_taken_whatever_its_role(name):
    target = choose_target(plan_of(CTV_NEAR, RECTUM), ISOCENTER, name)
    assert (target.name, target.rule) == ("Rectum", "the structure that was named")


def test_an_unknown_name_lists_the_names():
    with pytest.raises(MissingInput, match="no structure 'Prostate' in the plan; there are: CTV near, Rectum"):
        choose_target(plan_of(CTV_NEAR, RECTUM), ISOCENTER, "Prostate")
    with pytest.raises(MissingInput, match="there are: none"):
        choose_target(None, ISOCENTER, "Prostate")


def test_a_name_that_several_bear_is_not_guessed():
    twice = (tube("ctv", StructureRole.CTV, ISOCENTER, 4), tube("CTV", StructureRole.CTV, ISOCENTER, 7))
    assert find_structure(twice, "CTV").number == 7
    with pytest.raises(AmbiguousInput, match="choose one: 'ctv', 'CTV'"):
        find_structure(twice, "Ctv")


def test_structures_of_one_name_are_told_apart_by_their_number():
    twice = (tube("CTV", StructureRole.CTV, ISOCENTER, 4), tube("CTV", StructureRole.CTV, ISOCENTER, 7))
    told_apart = StructureSet("1.2", "Set", PLAN, (*twice, tube("Lung", StructureRole.ORGAN, ISOCENTER, 9)))
    assert told_apart.repeated_names() == ("CTV",)
    distinct = told_apart.with_distinct_names().structures
    assert [s.name for s in distinct] == ["CTV (ROI 4)", "CTV (ROI 7)", "Lung"]
    assert find_structure(distinct, "ctv (roi 7)").number == 7
    with pytest.raises(AmbiguousInput, match=r"choose one: 'CTV \(ROI 4\)', 'CTV \(ROI 7\)'"):
        find_structure(distinct, "CTV")


def test_a_named_structure_that_encloses_nothing_is_refused():
    with pytest.raises(MissingInput, match="'CTV mark' has no closed planar contour"):
        choose_target(plan_of(point("CTV mark")), ISOCENTER, "CTV mark")


def test_a_target_on_one_plane_takes_its_thickness_from_the_others():
    flat = tube("CTV", StructureRole.CTV, ISOCENTER, planes=1)
    assert np.ptp(choose_target(plan_of(flat, RECTUM), ISOCENTER).points_mm[:, 2]) == pytest.approx(3.0)
    assert np.ptp(choose_target(plan_of(flat), ISOCENTER, slice_mm=2.0).points_mm[:, 2]) == pytest.approx(2.0)


def test_a_target_with_its_motion_is_as_good_as_one_without():
    moving = tube("ITV", StructureRole.ITV, (1.0, 0.0, 0.0))
    target = choose_target(plan_of(CTV_NEAR, moving, PTV), ISOCENTER)
    assert (target.name, target.rule.split(" (")[0]) == ("ITV", "the ITV nearest the isocenter")


def test_a_structure_is_found_by_the_name_that_an_alias_gives_it():
    known = replace(RECTUM, canonical_name="Rectum_Wall")
    assert find_structure((CTV_NEAR, known), "rectum_wall") is known
    assert find_structure((CTV_NEAR, known), "Rectum") is known


def test_organs_at_risk_are_organs_regions_to_avoid_and_organs_with_a_margin():
    roles = (StructureRole.ORGAN, StructureRole.AVOIDANCE, StructureRole.PRV, StructureRole.CAVITY, StructureRole.OTHER)
    structures = [tube(role.value, role, (0.0, 50.0, 0.0), n) for n, role in enumerate(roles, start=1)]
    assert list(organ_points_mm(plan_of(*structures))) == ["ORGAN", "AVOIDANCE", "PRV"]


def test_organs_are_those_with_the_role_and_a_contour():
    found = organ_points_mm(plan_of(CTV_NEAR, RECTUM, BODY, point("Lens", StructureRole.ORGAN)))
    assert list(found) == ["Rectum"]
    assert found["Rectum"].mean(axis=0) == pytest.approx((0.0, 50.0, 0.0), abs=0.5)
    assert organ_points_mm(None) == {}
