"""Isocenters that a person gives by hand: what is no point, and what contradicts the files."""

from dataclasses import replace

import numpy as np
import pytest

from openigrt.errors import InputError, MissingInput
from openigrt.files import builtin_machine
from openigrt.geometry import Frame, Grid, ImageAxes, PatientPosition
from openigrt.guidance import Alignment
from openigrt.images import Image, Modality, Provenance
from openigrt.patient import Beam, Plan
from openigrt.tasks.guidance.isocenters import contradictions, plan_isocenter, point_mm

PLAN_FRAME, DAILY_FRAME = Frame.plan("1.2"), Frame.daily("1.3")
HEAD_MM, SPINE_MM = (12.0, -30.0, 40.0), (12.0, -30.0, -60.0)


def beam(number, name, isocenter_mm):
    return Beam(number, name, "TREATMENT", "PHOTON", "L", isocenter_mm, 1000.0, None, ())


PLAN = Plan(
    "1.4",
    "A",
    PLAN_FRAME,
    "P",
    PatientPosition.HFS,
    "APPROVED",
    (beam(1, "Head", HEAD_MM), beam(2, "Spine", SPINE_MM)),
)
GRID = Grid(DAILY_FRAME, (-100.0, -100.0, -100.0), (5.0, 5.0, 5.0), np.eye(3), (41, 41, 41))
CBCT = Image(np.zeros(GRID.shape, np.float32), GRID, Modality.CBCT, Provenance(manufacturer="ELEKTA"))


def found(plan_mm=HEAD_MM, daily_mm=(0.0, 0.0, 0.0), number=None, image=CBCT, plan=PLAN):
    alignment = Alignment(plan_mm, daily_mm, "as given", ImageAxes.ROOM, PatientPosition.HFS)
    return contradictions(plan, number, image, alignment, machine=builtin_machine(), plan_frame=PLAN_FRAME)


def test_a_point_is_three_numbers():
    assert point_mm((1, -2.5, 3), "--isocenter") == pytest.approx([1.0, -2.5, 3.0])


@pytest.mark.parametrize(
    "values", ["a", (1, 2), (1, 2, np.nan), (1, 2, 1e30), None, ["x", "y", "z"], 5, [[1], [2, 3]], (10**400, 0, 0)]
)
def test_what_is_no_point_gets_a_sentence(values):
    with pytest.raises(InputError, match=r"^--isocenter is .*; expected three coordinates X,Y,Z in LPS mm.*\.$"):
        point_mm(values, "--isocenter")


def test_a_beam_that_is_not_there_is_said_though_an_isocenter_is_given():
    with pytest.raises(MissingInput, match=r"no beam 9; it has 1 \(Head\), 2 \(Spine\)"):
        plan_isocenter(PLAN, HEAD_MM, 9)


@pytest.mark.parametrize("off_mm", [0.0, 0.9])
def test_what_agrees_within_a_millimetre_is_no_contradiction(off_mm):
    assert found(np.add(HEAD_MM, (off_mm, 0.0, 0.0)), (0.0, off_mm, 0.0)) == ()


def test_both_points_their_source_and_their_distance_are_said():
    (of_plan, of_day) = found((12.0, -33.0, 44.0), (-2.0, 0.0, 0.0))
    assert of_plan.sentence == (
        "--isocenter gives (12.0, -33.0, 44.0) mm, 5.0 mm away from (12.0, -30.0, 40.0) mm, which is the isocenter of "
        "beam 1 (Head)."
    )
    assert of_day.sentence == (
        "--daily-isocenter gives (-2.0, 0.0, 0.0) mm, 2.0 mm away from (0.0, 0.0, 0.0) mm, which is the origin of the "
        "cone-beam CT's own frame, as the machine file says for ELEKTA."
    )


def test_of_several_isocenters_of_the_plan_the_nearest_or_that_of_the_named_beam_counts():
    (nearest,) = found((12.0, -30.0, -57.0))
    assert (nearest.stated_by, nearest.distance_mm) == ("the isocenter of beam 2 (Spine)", pytest.approx(3.0))
    (named,) = found((12.0, -30.0, -57.0), number=1)
    assert (named.stated_by, named.distance_mm) == ("the isocenter of beam 1 (Head)", pytest.approx(97.0))


@pytest.mark.parametrize(
    "words",
    [
        {"plan": None, "plan_mm": (500.0, 0.0, 0.0)},
        {"image": replace(CBCT, modality=Modality.CT), "daily_mm": (50.0, 0.0, 0.0)},
        {"image": replace(CBCT, provenance=Provenance(is_derived=True)), "daily_mm": (50.0, 0.0, 0.0)},
        {"image": replace(CBCT, grid=replace(GRID, frame=PLAN_FRAME)), "daily_mm": (50.0, 0.0, 0.0)},
    ],
    ids=["no plan", "CT", "derived", "in the plan's frame"],
)
def test_where_the_files_state_nothing_nothing_contradicts(words):
    assert found(**words) == ()
