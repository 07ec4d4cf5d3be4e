"""Where the daily isocenter is, and by which rule."""

from dataclasses import replace

import numpy as np
import pytest

from openigrt.errors import InconsistentInput, MissingInput
from openigrt.files.builtin import builtin_machine
from openigrt.geometry import CouchPose, Frame, Grid, ImageAxes, PatientPosition
from openigrt.guidance import find_alignment, stated_isocenter
from openigrt.images import Image, Modality, Provenance
from tests.guidance.guidance_cases import PLAN, PLAN_ISOCENTER

VARIAN = Provenance(manufacturer="Varian Medical Systems")


def image_of(provenance=VARIAN, modality=Modality.CBCT, uid="2.2", origin=(-10.0, -10.0, -10.0)):
    grid = Grid(Frame.daily(uid), origin, (5.0, 5.0, 5.0), np.eye(3), (5, 5, 5))
    return Image(np.zeros(grid.shape, dtype=np.float32), grid, modality, provenance)


def alignment_of(image, **more):
    position = more.pop("position", PatientPosition.HFS)
    machine = more.pop("machine", builtin_machine())
    return find_alignment(image, PLAN, PLAN_ISOCENTER, position, machine=machine, **more)


def test_a_cone_beam_ct_straight_from_a_listed_maker_has_its_origin_at_the_isocenter():
    found = alignment_of(image_of())
    assert found.daily_isocenter_mm.tolist() == [0.0, 0.0, 0.0]
    assert found.plan_isocenter_mm.tolist() == PLAN_ISOCENTER.tolist()
    assert "origin of the cone-beam CT's own frame" in found.rule
    assert (found.gives_couch_move, found.image_axes, found.start) == (True, ImageAxes.ROOM, None)


def test_what_is_given_goes_before_every_rule():
    start = CouchPose(patient_support_angle_deg=10.0)
    found = alignment_of(
        image_of(uid=PLAN.uid), daily_isocenter_mm=(1.0, 2.0, 3.0), start=start, image_axes=ImageAxes.ROOM
    )
    assert found.daily_isocenter_mm.tolist() == [1.0, 2.0, 3.0]
    assert (found.rule, found.gives_couch_move, found.start) == ("as given", True, start)
    assert found.image_axes is ImageAxes.ROOM


@pytest.mark.parametrize("provenance", [VARIAN, Provenance(is_derived=True)])
def test_in_the_plans_own_frame_the_files_alone_are_aligned(provenance):
    found = alignment_of(image_of(provenance, uid=PLAN.uid))
    assert found.daily_isocenter_mm.tolist() == PLAN_ISOCENTER.tolist()
    assert "relative to the alignment in the files" in found.rule
    assert (found.gives_couch_move, found.image_axes) == (False, ImageAxes.TABLE)


@pytest.mark.parametrize(
    ("image", "why"),
    [
        (
            image_of(Provenance(manufacturer="Nobody")),
            "of the maker 'Nobody', whom the machine file 'IEC 61217' does not list",
        ),
        (image_of(replace(VARIAN, is_derived=True)), "derived or resampled"),
        (image_of(modality=Modality.MR), "no cone-beam CT but MR"),
        (image_of(origin=(100.0, 0.0, 0.0)), "lies outside the volume"),
    ],
)
def test_otherwise_it_is_refused_and_the_option_is_named(image, why):
    with pytest.raises(MissingInput, match=why) as refused:
        alignment_of(image)
    found, expected, todo = (
        refused.value.sentence.index(w) for w in (why, "expected a cone-beam", "--daily-isocenter")
    )
    assert found < expected < todo


@pytest.mark.parametrize(
    ("image", "is_stated"),
    [
        (image_of(), True),
        (image_of(uid=PLAN.uid), False),
        (image_of(Provenance(manufacturer="Nobody")), False),
        (image_of(replace(VARIAN, is_derived=True)), False),
        (image_of(modality=Modality.CT), False),
        (image_of(origin=(100.0, 0.0, 0.0)), False),
    ],
)
def test_which_images_state_the_isocenter_by_themselves(image, is_stated):
    stated = stated_isocenter(image, PLAN, builtin_machine())
    assert (stated is not None) == is_stated
    assert stated is None or stated[0].tolist() == [0.0, 0.0, 0.0]


def test_a_patient_who_lay_otherwise_is_refused():
    with pytest.raises(InconsistentInput, match="taken of a patient lying HFP, the plan expects HFS"):
        alignment_of(image_of(replace(VARIAN, patient_position=PatientPosition.HFP)))
    same = image_of(replace(VARIAN, patient_position=PatientPosition.HFS))
    assert alignment_of(same).patient_position is PatientPosition.HFS
