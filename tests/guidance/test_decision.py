"""Every rule of the decision, one row each."""

import re
from dataclasses import astuple

import numpy as np
import pytest

from openigrt.files.builtin import builtin_machine
from openigrt.geometry import CouchPose, DegreesOfFreedom, ImageAxes, Pivot, rotation_x, rotation_y, rotation_z
from openigrt.machine import parse_machine
from openigrt.patient import Action, Verdict
from tests.guidance.guidance_cases import EXACT_MACHINE, alignment_of, correction_of, match_of, surrogate_of, target_of

STAY = np.eye(3)


def correct_all(rotation=STAY, shift=(4.0, 0.0, 0.0), **more):
    verdict = more.pop("verdict", Verdict.TRUSTED)
    return correction_of(match_of(rotation, shift, verdict=verdict), **more)


LEAVE, CORRECT, CALL = Action.LEAVE, Action.CORRECT, Action.CALL
REGIONS_DISAGREE = {"surrogate": surrogate_of(Verdict.REFUSED)}
REGIONS_UNKNOWN = {"surrogate": surrogate_of(Verdict.LOOK)}
NOWHERE = {"alignment": alignment_of(gives_couch_move=False)}
THREE = {"dof": DegreesOfFreedom.TRANSLATION}
LARGE = {"site": "palliative", "shift": (6.0, 0.0, 0.0)}

CASES = [
    # what, arguments, action, is the move recommended, what the first reason says
    ("in place", {"shift": (0, 0, 0)}, LEAVE, False, "not above the action level of 3 mm"),
    ("at the action level", {"shift": (3, -3, 3)}, LEAVE, False, "is 3.0 mm, not above"),
    ("above it on one axis", {"shift": (0, 3.1, 0)}, CORRECT, True, "is 3.1 mm, above the action level"),
    ("below it for this site", {"site": "pelvis"}, LEAVE, False, r"of 5 mm \(protocol pelvis\)"),
    ("action level zero", {"site": "prostate", "shift": (0.4, 0, 0)}, CORRECT, True, "action level of 0 mm"),
    (
        "rounds to nothing",
        {"site": "prostate", "shift": (0.04, 0, 0)},
        LEAVE,
        False,
        "but rounds to no move of the couch.$",
    ),
    ("at the call level", {"shift": (10, 0, 0)}, CORRECT, True, "above the action level"),
    ("above the call level", {"shift": (6, 6, 6)}, CALL, True, "10.4 mm long, above the call level of 10 mm"),
    ("call level of SRS", {"shift": (3.1, 0, 0), "site": "srs"}, CALL, True, "call level of 3 mm"),
    ("turned within the limit", {"rotation": rotation_x(2.9)}, CORRECT, True, "above the action level"),
    ("only turned", {"rotation": rotation_x(2.9), "shift": (0, 0, 0)}, LEAVE, False, "not above"),
    ("yaw too far", {"rotation": rotation_y(-3.1)}, CALL, True, "turned by 3.1° about one axis"),
    ("roll too far", {"rotation": rotation_z(3.1), **THREE}, CALL, True, "rotation limit of 3°"),
    ("no rotation limit", {"rotation": rotation_y(3.1), **LARGE}, CORRECT, True, "above the action level of 5 mm"),
    ("guard of length", {"shift": (0, 20.1, 0)}, CALL, False, "setup that failed, not a correction"),
    (
        "guard of angle",
        {"rotation": rotation_y(5.1), **LARGE},
        CALL,
        False,
        "off, beyond the guard of 20 mm or 5°: this is",
    ),
    ("match needs a look", {"verdict": Verdict.LOOK}, CALL, False, "match on bone needs a look. The spread"),
    ("match refused", {"verdict": Verdict.REFUSED}, CALL, False, "match on bone is refused"),
    ("unsure, in place", {"verdict": Verdict.LOOK, "shift": (0, 0, 0)}, CALL, False, "needs a look"),
    ("regions disagree", REGIONS_DISAGREE, CALL, False, "no couch move is recommended. What soft"),
    ("surrogate unknown", REGIONS_UNKNOWN, CALL, False, "may stand for the target needs a look"),
    ("machine limit", {"rotation": rotation_x(4.0), **LARGE}, CALL, False, "outside the machine's -3 to 3"),
    ("isocenter unknown", NOWHERE, CALL, False, r"as given\. Give the machine isocenter with --daily-isocenter"),
    ("isocenter unknown, aligned", NOWHERE | {"shift": (1, 0, 0)}, CALL, False, "with --daily-isocenter"),
]


@pytest.mark.parametrize(
    ("arguments", "action", "is_recommended", "says"), [c[1:] for c in CASES], ids=[c[0] for c in CASES]
)
def test_a_rule(arguments, action, is_recommended, says):
    found = correct_all(**arguments)
    assert (found.action, found.is_recommended) == (action, is_recommended), found.reasons
    assert re.search(says, found.reasons[0]), found.reasons


@pytest.mark.parametrize("others", [{}, REGIONS_DISAGREE], ids=["alone", "regions disagree"])
def test_a_refused_match_is_the_only_cause_and_nothing_is_remarked(others):
    """It says nothing about the patient, so no size, limit, residual or other region measured from it does."""
    found = correct_all(rotation_z(6.0), (0.0, 0.0, 30.0), verdict=Verdict.REFUSED, **others)
    assert len(found.reasons) == 1
    assert "is refused" in found.reasons[0]
    assert (found.action, found.is_recommended, found.remarks) == (Action.CALL, False, ())


def test_all_causes_are_told():
    found = correct_all(
        rotation_z(6.0), (0.0, 0.0, 30.0), verdict=Verdict.LOOK, surrogate=surrogate_of(Verdict.REFUSED)
    )
    told = " ".join(found.reasons)
    for words in (
        "needs a look",
        "regions disagree",
        "setup that failed",
        "call level",
        "rotation limit",
    ):
        assert words in told
    assert len(found.reasons) == 6, "each cause alone, and nothing that caused nothing"


def test_what_caused_a_call_is_told_apart_from_what_did_not():
    found = correct_all(shift=(6.0, 6.0, 6.0))
    assert found.action is CALL
    (cause,) = found.reasons
    assert "above the call level" in cause
    level, pose = found.remarks
    assert "above the action level of 3 mm" in level
    assert "couch pose is not known" in pose


def test_a_turned_patient_who_is_left_is_told_why():
    """A sphere of 30 mm turned by 2.9 degrees about its own centre: 2 r sin(angle / 2) = 1.52 mm."""
    found = correct_all(rotation_x(2.9), (1.0, 0.0, 0.0))
    assert found.action is LEAVE
    _, why = found.reasons
    assert "turned by 2.9° about one axis, which alone moves the surface of the target by up to 1.5 mm" in why
    assert (
        "the turn is left as well: only a shift above the action level starts a correction, and the rotation limit"
        in why
    )
    assert "there is no rotation limit" in correct_all(rotation_x(2.9), (1.0, 0.0, 0.0), site="palliative").reasons[1]
    assert len(correct_all(STAY, (1.0, 0.0, 0.0)).reasons) == 1


def test_a_target_far_from_the_isocenter_is_corrected_though_the_isocenter_is_not_off():
    far = target_of(target_of().points_mm - target_of().points_mm.mean(axis=0) + (0.0, 0.0, 120.0))
    assert correct_all(rotation_x(2.0), (0.0, 0.0, 0.0)).action is Action.LEAVE
    assert correct_all(rotation_x(2.0), (0.0, 0.0, 0.0), target=far).action is Action.CORRECT


def test_what_three_degrees_leave_may_be_too_much():
    long = target_of(np.array([[0.0, 0.0, z] for z in (-100.0, 0.0, 100.0)]))
    found = correct_all(rotation_x(2.5), target=long, dof=DegreesOfFreedom.TRANSLATION)
    assert (found.action, found.is_recommended) == (Action.CALL, True)
    assert "up to 4.4 mm off, more than the 3 mm of verification" in found.reasons[0]
    assert correct_all(rotation_x(2.5), target=long).action is Action.CORRECT


def test_residuals_come_for_the_target_first_and_for_every_organ():
    organs = {"Rectum": target_of().points_mm + np.array([0.0, 40.0, 0.0]), "CTV": target_of().points_mm}
    found = correct_all(rotation_x(2.0), organs=organs, dof=DegreesOfFreedom.TRANSLATION)
    assert [r.structure for r in found.residuals] == ["CTV", "Rectum"]
    assert found.residuals[1].max_mm > found.residuals[0].max_mm > found.residuals[0].rms_mm > 0.5


def test_without_a_couch_pose_the_move_is_about_the_isocenter_and_says_so():
    text = EXACT_MACHINE.format(pivot="table_top_origin")
    machine = parse_machine(text + "[couch.limits]\nvertical_mm = [-500.0, -100.0]\n")
    unknown = correct_all(rotation_x(1.0), machine=machine)
    assert (unknown.about, unknown.start, unknown.target_pose, unknown.native_couch) == (
        Pivot.ISOCENTER,
        None,
        None,
        {},
    )
    assert any("couch at zero angles" in remark for remark in unknown.remarks)
    assert any("were not checked" in remark for remark in unknown.remarks)
    start = CouchPose(0.0, 800.0, -102.0)
    known = correct_all(rotation_x(1.0), (0.0, -4.0, 0.0), machine=machine, alignment=alignment_of(start=start))
    assert (known.about, known.start) == (Pivot.TABLE_TOP_ORIGIN, start)
    assert astuple(known.target_pose)[:3] == pytest.approx(np.add(astuple(known.couch)[:3], (0.0, 800.0, -102.0)))
    assert len(known.reasons) == 1
    assert known.limits_exceeded == ("vertical would stand at -84.0 mm, outside the machine's -500 to -100",)


@pytest.mark.parametrize(
    ("limits", "dof", "said"),
    [
        ("", 6, "lateral, longitudinal, vertical, yaw, pitch, roll: the machine file 'Exact' has no limits there."),
        ("", 3, "for lateral, longitudinal, vertical: the machine file"),
        ("lateral_mm = [-9.0, 9.0]\nlongitudinal_mm = [0.0, 9.0]", 3, "for vertical: the machine file 'Exact' has no"),
    ],
)
def test_axes_without_limits_are_named_where_the_couch_pose_is_known(limits, dof, said):
    machine = parse_machine(EXACT_MACHINE.format(pivot="isocenter") + f"[couch.limits]\n{limits}\n")
    alignment = alignment_of(start=CouchPose(0.0, 1.0, 2.0))
    found = correct_all(machine=machine, alignment=alignment, dof=DegreesOfFreedom(dof), shift=(4.0, 0.0, 0.0))
    assert found.action is CORRECT
    assert "was not checked for" in found.remarks[-1]
    assert said in found.remarks[-1]


def test_the_machine_shows_where_the_couch_shall_stand():
    start = CouchPose(0.0, 900.0, -150.0)
    found = correct_all(machine=builtin_machine("varian_iec"), alignment=alignment_of(start=start))
    assert (found.native_couch["Lat"], found.native_couch["Vrt"]) == ("0.40 cm", "15.00 cm")


def test_at_a_turned_couch_room_and_table_axes_differ_as_much_as_they_should():
    """clinical.md 1.4: t = (10, 3, -5) mm, 1.5, -1, 2 degrees: 1.9 mm at 10 degrees, 5.8 mm at 30, 15.8 mm at 90."""
    for angle_deg, difference_mm in ((10.0, 1.9), (30.0, 5.8), (90.0, 15.8)):
        start = CouchPose(patient_support_angle_deg=angle_deg)
        room, table = (
            correct_all(STAY, (10.0, 3.0, -5.0), alignment=alignment_of(axes=axes, start=start)).couch_exact
            for axes in (ImageAxes.ROOM, ImageAxes.TABLE)
        )
        assert np.linalg.norm(np.subtract(astuple(room), astuple(table))) == pytest.approx(difference_mm, abs=0.06)


def test_the_same_input_gives_the_same_correction():
    first, second = (correct_all(rotation_x(1.2), (1.0, 5.0, -2.0)) for _ in range(2))
    assert (first.couch, first.residuals, first.reasons) == (second.couch, second.residuals, second.reasons)
