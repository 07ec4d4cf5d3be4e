"""Chains of registrations: closed forms, ways that disagree, circles, and frames that join nothing."""

import numpy as np
import pytest

from openigrt.dicom import chained_plan_from_daily, read_spatial_registration
from openigrt.dicom.registrations.chain import ChainLink, disagreements
from openigrt.errors import AmbiguousInput, InconsistentInput, MissingInput, UnsupportedInput
from tests.dicom.dicom_cases import REGISTRATION, ROOT, dicom_object, sequence_item
from tests.dicom.test_spatial_registration import DAILY_UID, MOTION, PLAN_UID, images, item, matrix4, shifted

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:pydicom")

MR_UID, PET_UID, ROOM = f"{ROOT}.81", f"{ROOT}.82", "1.2.840.10008.1.4.3.1"
TURN = matrix4(MOTION, (4.0, -5.0, 6.0))


def registration(number, registered, *items):
    values = {"FrameOfReferenceUID": registered, "RegistrationSequence": list(items)}
    return read_spatial_registration(dicom_object(REGISTRATION, f"{ROOT}.9{number}", **values))


PLAN_FROM_MR = registration(0, PLAN_UID, item(np.eye(4), PLAN_UID), item(shifted(1, 2, 3), MR_UID))
MR_FROM_DAILY = registration(1, MR_UID, item(TURN, DAILY_UID))


def test_two_registrations_in_a_row():
    chain = chained_plan_from_daily([PLAN_FROM_MR, MR_FROM_DAILY], *images())
    expected = shifted(1, 2, 3) @ TURN
    assert np.allclose(chain.plan_from_daily.matrix4(), expected, atol=1e-9)
    assert [link.registration_uid for link in chain.links] == [f"{ROOT}.91", f"{ROOT}.90"]
    assert chain.path == (
        f"frame {DAILY_UID} to frame {MR_UID} by Spatial Registration {ROOT}.91; "
        f"frame {MR_UID} to frame {PLAN_UID} by Spatial Registration {ROOT}.90"
    )
    assert chain.messages == ()


def test_the_other_direction_is_inverted_and_said():
    backwards = registration(2, DAILY_UID, item(np.linalg.inv(TURN), MR_UID))
    chain = chained_plan_from_daily([PLAN_FROM_MR, backwards], *images())
    assert np.allclose(chain.plan_from_daily.matrix4(), shifted(1, 2, 3) @ TURN, atol=1e-9)
    assert ", inverted; " in chain.path


def test_two_sources_of_one_object_join_over_its_registered_frame():
    both = registration(3, MR_UID, item(np.linalg.inv(shifted(1, 2, 3)), PLAN_UID), item(TURN, DAILY_UID))
    chain = chained_plan_from_daily([both], *images())
    assert np.allclose(chain.plan_from_daily.matrix4(), shifted(1, 2, 3) @ TURN, atol=1e-9)


def test_ways_that_agree_take_the_shortest():
    direct = registration(4, PLAN_UID, item(shifted(1.00001, 2, 3) @ TURN, DAILY_UID))
    chain = chained_plan_from_daily([PLAN_FROM_MR, MR_FROM_DAILY, direct], *images())
    assert [link.registration_uid for link in chain.links] == [f"{ROOT}.94"]


def test_ways_that_disagree_are_refused_with_both_named():
    direct = registration(4, PLAN_UID, item(shifted(1.5, 2, 3) @ TURN, DAILY_UID))
    with pytest.raises(AmbiguousInput, match=r"by up to 0\.5 mm") as raised:
        chained_plan_from_daily([PLAN_FROM_MR, MR_FROM_DAILY, direct], *images())
    for number in (0, 1, 4):
        assert f"{ROOT}.9{number}" in raised.value.sentence


def test_one_pair_of_frames_registered_twice_differently():
    again = registration(5, MR_UID, item(shifted(0, 0, 1) @ TURN, DAILY_UID))
    with pytest.raises(AmbiguousInput, match="contradicts"):
        chained_plan_from_daily([PLAN_FROM_MR, MR_FROM_DAILY, again], *images())
    same = chained_plan_from_daily([PLAN_FROM_MR, MR_FROM_DAILY, MR_FROM_DAILY], *images())
    assert len(same.links) == 2


def test_a_circle_that_does_not_close_is_refused():
    circle = [registration(6, PET_UID, item(shifted(9, 0, 0), MR_UID)), registration(7, MR_UID, item(TURN, PET_UID))]
    with pytest.raises(AmbiguousInput, match="contradicts"):
        chained_plan_from_daily([PLAN_FROM_MR, MR_FROM_DAILY, *circle], *images())


def test_equipment_frames_never_chain():
    """Both images were once in the same room; the patient was not in the same place."""
    room = [registration(6, ROOM, item(np.eye(4), DAILY_UID)), registration(7, ROOM, item(np.eye(4), PLAN_UID))]
    with pytest.raises(InconsistentInput, match="equipment is not fixed to a patient"):
        chained_plan_from_daily(room, *images())


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        (item(TURN, DAILY_UID, kind="AFFINE"), "only RIGID"),
        (item(1.01 * TURN, DAILY_UID), "says RIGID"),
        (item(TURN, "", ["1.2.3"]), "without their frame"),
    ],
)
def test_what_no_chain_may_use_is_left_aside_and_said(bad, why):
    with pytest.raises(InconsistentInput, match=why):
        chained_plan_from_daily([PLAN_FROM_MR, registration(1, MR_UID, bad)], *images())
    chain = chained_plan_from_daily([PLAN_FROM_MR, MR_FROM_DAILY, registration(2, MR_UID, bad)], *images())
    assert why in chain.messages[0]


def test_a_frame_moved_against_itself():
    with pytest.raises(InconsistentInput, match="against itself"):
        chained_plan_from_daily([registration(1, MR_UID, item(TURN, MR_UID))], *images())
    aligned = registration(1, MR_UID, item(TURN, MR_UID, ["1.2.3"]))
    assert chained_plan_from_daily([aligned, PLAN_FROM_MR, MR_FROM_DAILY], *images()).links


def test_nothing_to_chain_shared_frames_and_too_many():
    with pytest.raises(MissingInput):
        chained_plan_from_daily([], *images())
    with pytest.raises(InconsistentInput, match="cannot tell them apart"):
        chained_plan_from_daily([PLAN_FROM_MR], *images(daily_uid=PLAN_UID))
    with pytest.raises(InconsistentInput, match="No chain"):
        chained_plan_from_daily([PLAN_FROM_MR], *images())
    many = [registration(1, f"{ROOT}.5.{n}", item(TURN, f"{ROOT}.5.{n + 1}")) for n in range(1001)]
    with pytest.raises(UnsupportedInput, match="more than 1000"):
        chained_plan_from_daily(many, *images())


def test_long_chains_and_many_ways_are_quick():
    """A complete graph of 40 frames has more ways than could ever be counted; only the shortest are looked at."""
    frames = [PLAN_UID, DAILY_UID, *(f"{ROOT}.5.{n}" for n in range(38))]
    pairs = [(a, b) for a in frames for b in frames if a < b]
    every = [
        read_spatial_registration(
            dicom_object(
                REGISTRATION, f"{ROOT}.6.{n}", FrameOfReferenceUID=a, RegistrationSequence=[item(np.eye(4), b)]
            )
        )
        for n, (a, b) in enumerate(pairs)
    ]
    assert len(chained_plan_from_daily(every, *images()).links) == 1


def test_a_circle_of_many_steps_is_one_short_sentence():
    """One contradiction for a circle, however many registrations it is made of."""
    frames = [DAILY_UID, PLAN_UID, *(f"{ROOT}.5.{n}" for n in range(38))]
    ring = [
        ChainLink(to, at, shifted(3.0 * (n == 20), 0, 0), f"{ROOT}.6.{n}")
        for n, (at, to) in enumerate(zip(frames, [*frames[1:], DAILY_UID], strict=True))
    ]
    (found,) = disagreements(ring, {DAILY_UID: np.zeros((1, 3))}, 0.1)
    assert (found.worst_mm, len(found.chain)) == (3.0, 39)
    assert str(found).count("by Spatial Registration") == 1 + 10
    assert "and 29 more) by up to 3.0 mm" in str(found)


def test_several_matrix_registrations_in_one_item_are_refused():
    twice = item(TURN, DAILY_UID)
    twice.MatrixRegistrationSequence = [*twice.MatrixRegistrationSequence, sequence_item(MatrixSequence=[])]
    with pytest.raises(InconsistentInput, match="states 2 registrations"):
        registration(1, MR_UID, twice)
