"""Setup errors in table axes, how far matches lie apart, and registrations that are written the wrong way round."""

import numpy as np
import pytest

from openigrt.errors import FrameMismatch
from openigrt.geometry import (
    Frame,
    ImageAxes,
    PatientPosition,
    RigidTransform,
    TableAngles,
    rotation_from_vector,
    rotation_y,
    rotation_z,
)
from openigrt.guidance import (
    Agreement,
    Alignment,
    apart,
    judge_other_match,
    off_target_mm,
    setup_error_of,
    with_exchanged_ends,
)

PLAN, DAILY = Frame.plan("1.2"), Frame.daily("1.3")
PLAN_MM, DAILY_MM = np.array([12.0, -30.0, 400.0]), np.array([1.0, 2.0, 3.0])
SIX = 25.0 * np.vstack([np.eye(3), -np.eye(3)]) + PLAN_MM


def alignment(position=PatientPosition.HFS):
    return Alignment(PLAN_MM, DAILY_MM, "as given", ImageAxes.TABLE, position)


def about_isocenters(shift_mm, rotation=None):
    turn = np.eye(3) if rotation is None else rotation
    return RigidTransform.about_points((PLAN, PLAN_MM), (DAILY, DAILY_MM), turn, shift_mm)


def test_the_setup_error_is_opposite_to_the_motion_of_the_couch():
    """clinical.md 1.4, head first supine: lat = x, lng = z, vrt = -y; 4 mm too far left is moved 4 mm to the right."""
    error = setup_error_of(about_isocenters((-4.0, 3.0, -2.0)), alignment())
    assert np.allclose(error.values, (4.0, 2.0, 3.0, 0.0, 0.0, 0.0), atol=1e-12)
    assert error.length_mm == pytest.approx(np.sqrt(29.0))


def test_rotation_first_then_translation():
    """e = -R^T t: a turn of 90 degrees about the head-feet axis takes x to y (LPS)."""
    error = setup_error_of(about_isocenters((5.0, 0.0, 0.0), rotation_z(90.0)), alignment())
    assert np.allclose(error.values[:3], (0.0, 0.0, -5.0), atol=1e-12)


def test_angles_are_those_of_the_patient_in_table_axes():
    """A turn of the patient of +2 degrees about the table's y (head first supine: LPS z) is roll."""
    axes = PatientPosition.HFS.table_top_from_lps()
    patient_turned = axes.T @ rotation_y(2.0) @ axes
    error = setup_error_of(about_isocenters((0.0, 0.0, 0.0), patient_turned.T), alignment())
    assert np.allclose(error.values[3:], (0.0, 0.0, 2.0), atol=1e-9)


@pytest.mark.parametrize("position", PatientPosition, ids=str)
def test_every_position_has_its_axes(position):
    """M_O (clinical.md 1.2) and R^T, from the definition."""
    rotation = rotation_from_vector(np.deg2rad((1.0, -2.0, 3.0)))
    transform = about_isocenters((1.5, -2.5, 3.5), rotation)
    axes = position.table_top_from_lps()
    found = setup_error_of(transform, alignment(position))
    assert np.allclose(found.values[:3], axes @ (-rotation.T @ (1.5, -2.5, 3.5)), atol=1e-12)
    angles = TableAngles(*found.values[3:])
    assert np.allclose(angles.matrix(), axes @ rotation.T @ axes.T, atol=1e-12)


def test_two_matches_are_apart_by_the_shift_and_the_arc():
    """A turn of 2 degrees about the centre moves points 25 mm away by 2 x 25 sin(1 degree)."""
    ours = about_isocenters((1.0, 2.0, 3.0))
    shifted = RigidTransform(PLAN, DAILY, ours.rotation, ours.translation_mm + np.array([0.0, 5.0, 0.0]))
    found = apart(ours, shifted, SIX, PatientPosition.HFS)
    assert np.allclose(found.center_mm, (0.0, 0.0, -5.0), atol=1e-9)
    assert found.largest_mm == pytest.approx(5.0)
    assert found.rotation_deg == pytest.approx(0.0, abs=1e-6)
    turned = RigidTransform.about_points((PLAN, PLAN_MM), (PLAN, PLAN_MM), rotation_z(2.0), np.zeros(3)) @ ours
    found = apart(ours, turned, SIX, PatientPosition.HFS)
    assert np.allclose(found.center_mm, 0.0, atol=1e-9)
    assert found.largest_mm == pytest.approx(2.0 * 25.0 * np.sin(np.deg2rad(1.0)))
    assert found.rotation_deg == pytest.approx(2.0)


def test_matches_of_other_images_are_never_compared():
    with pytest.raises(FrameMismatch):
        apart(
            RigidTransform.identity(PLAN, DAILY),
            RigidTransform.identity(PLAN, Frame.daily("9")),
            SIX,
            PatientPosition.HFS,
        )


def test_how_far_the_target_is_off():
    assert off_target_mm(about_isocenters((3.0, 0.0, -4.0)), alignment(), SIX) == pytest.approx(5.0)
    assert off_target_mm(about_isocenters((0.0, 0.0, 0.0)), alignment(), SIX) == pytest.approx(0.0, abs=1e-9)


@pytest.mark.parametrize(
    ("off_mm", "expected"), [(2.9, Agreement.AGREES), (3.1, Agreement.DIFFERS), (500.0, Agreement.DIFFERS)]
)
def test_another_match_agrees_within_the_tolerance(off_mm, expected):
    ours = about_isocenters((1.0, 2.0, 3.0), rotation_z(1.0))
    other = RigidTransform(PLAN, DAILY, ours.rotation, ours.translation_mm + np.array([off_mm, 0.0, 0.0]))
    assert judge_other_match(ours, other, SIX, PatientPosition.HFS, 3.0).agreement is expected


def test_a_match_that_is_written_the_wrong_way_round_is_noticed():
    ours = about_isocenters((1.0, 2.0, 3.0), rotation_z(1.0))
    inverse = np.linalg.inv(ours.matrix4())
    other = RigidTransform.from_matrix4(PLAN, DAILY, inverse)
    found = judge_other_match(ours, other, SIX, PatientPosition.HFS, 3.0)
    assert found.agreement is Agreement.EXCHANGED
    assert found.apart_exchanged.largest_mm == pytest.approx(0.0, abs=1e-9)
    assert np.allclose(with_exchanged_ends(other).matrix4(), ours.matrix4(), atol=1e-9)


def test_a_match_whose_inverse_is_as_near_is_no_exchange():
    """Frames that almost coincide: both directions are within the tolerance, and nothing is wrong."""
    ours = RigidTransform(PLAN, DAILY, np.eye(3), np.array([0.5, 0.0, 0.0]))
    other = RigidTransform(PLAN, DAILY, np.eye(3), np.array([-0.5, 0.0, 0.0]))
    assert judge_other_match(ours, other, SIX, PatientPosition.HFS, 3.0).agreement is Agreement.AGREES
