"""The quick image of a day: its truth in closed form, the breath in it, and the couch under whoever lies there."""

from dataclasses import replace

import numpy as np
import pytest

from openigrt.geometry import Frame, PatientPosition
from openigrt.images import Modality
from openigrt.virtual import (
    BreathingPattern,
    ConeBeamLook,
    Day,
    ExampleCase,
    ImagingField,
    SetupError,
    VirtualPatient,
    quick_daily_image,
    render,
    thorax_patient,
    true_plan_from_daily,
)

PLAN, DAILY = Frame.plan("1.2.3"), Frame.daily("1.2.4")
NO_FLAWS = ConeBeamLook(contrast=1.0, cupping_hu=0.0, haze_hu=0.0, streak_hu=0.0, noise_hu=0.0)
SMALL = ImagingField((24, 20, 12), (4.0, 4.0, 5.0), 80.0, 55.0)


@pytest.fixture(scope="module")
def patient() -> VirtualPatient:
    return thorax_patient(PLAN, 5)


@pytest.mark.parametrize("position", [PatientPosition.HFS, PatientPosition.HFP, PatientPosition.FFS])
def test_the_truth_is_setup_error_and_imager_offset(case: ExampleCase, position):
    """Where the plan's isocenter shows: at the setup error less the imager's offset, on the axes of the room."""
    patient = replace(case.patient, position=position)
    shift, offset = np.array((3.0, -2.0, 5.0)), np.array((0.3, -0.2, 0.1))
    lying = patient.fixed_from_plan(Day(1, setup=SetupError((3.0, -2.0, 5.0))))
    truth = true_plan_from_daily(patient, DAILY, lying, offset)
    seen = truth.inverse().points(patient.isocenter_mm)
    assert position.table_top_from_lps() @ seen == pytest.approx(shift - offset, abs=1e-9)
    assert truth.rotation == pytest.approx(np.eye(3), abs=1e-12)
    assert (truth.to_frame, truth.from_frame) == (patient.anatomy.frame, DAILY)


def test_a_breathing_patient_is_the_mean_of_a_breath(patient):
    """Without flaws the image is the mean of renders at five moments all through one breath."""
    day = Day(1, breathing=BreathingPattern(3, period_s=5.0))
    place = patient.fixed_from_plan(day)
    image = quick_daily_image(
        patient, day, place, 10.0, np.random.default_rng(1), daily=DAILY, field=SMALL, look=NO_FLAWS
    )
    truth = true_plan_from_daily(patient, DAILY, place)
    moments = [render(patient.at(day, t), image.grid, truth, 0.8) for t in (10.5, 11.5, 12.5, 13.5, 14.5)]
    index = np.stack(np.meshgrid(*map(np.arange, image.grid.shape), indexing="ij")[::-1], axis=-1)
    inside = np.hypot(*np.moveaxis(image.grid.points(index), -1, 0)[:2]) < 39.0
    inside &= image.voxels > -999.0
    difference = image.voxels - np.mean(moments, axis=0)
    assert np.abs(difference[inside]).max() < 0.01
    assert np.abs(moments[0] - moments[2])[inside].max() > 100.0
    assert image.modality is Modality.CBCT
    assert image.provenance.patient_position is PatientPosition.HFS


def test_the_same_generator_gives_the_same_image_and_what_is_out_of_the_field_is_empty(case: ExampleCase):
    place = case.patient.fixed_from_plan(case.day)
    images = [
        quick_daily_image(case.patient, case.day, place, 0.0, np.random.default_rng(5), daily=DAILY, field=SMALL)
        for _ in range(2)
    ]
    assert np.array_equal(images[0].voxels, images[1].voxels)
    assert (images[0].voxels[:, 0, 0] == -1000.0).all()


def test_a_prone_patient_has_the_couch_before_the_belly(case: ExampleCase):
    """In the image of the day too: the linac's couch lies at the side where the room is down, outside the body."""
    tall = ImagingField((12, 100, 4), (4.0, 4.0, 4.0), 390.0, 16.0)
    for position, sign in ((PatientPosition.HFS, 1.0), (PatientPosition.HFP, -1.0)):
        patient = replace(case.patient, position=position)
        place = patient.fixed_from_plan(Day(1))
        image = quick_daily_image(
            patient, Day(1), place, 0.0, np.random.default_rng(5), daily=DAILY, field=tall, look=NO_FLAWS
        )
        column = image.grid.points([(6, j, 2) for j in range(100)])
        in_plan = true_plan_from_daily(patient, DAILY, place).points(column)
        outside = patient.anatomy.signed_distance_mm("BODY", in_plan) > 6.0
        couch_mm = sign * column[outside & (image.voxels[2, :, 6] > -985.0), 1]
        assert len(couch_mm) > 5
        assert couch_mm.min() > 60.0
