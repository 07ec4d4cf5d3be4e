"""The [imager] of a machine file: what it may say, what is refused, and where the arms then stand."""

import numpy as np
import pytest

from openigrt.errors import InputError, InvalidGeometry
from openigrt.files import builtin_machine
from openigrt.geometry import DetectorPlacement, FlexMap, circular_trajectory, flexed
from openigrt.machine import FrameAngle, parse_machine

SMALLEST = """
name = "Test"
[couch]
degrees_of_freedom = 4
pivot = "table_top_origin"
resolution_mm = 1
resolution_deg = 0.5
[imager]
kv_source_angle_offset_deg = 90
source_axis_distance_mm = 1000
source_detector_distance_mm = 1536
"""
FLEX = """
[[imager.flex]]
gantry_angle_deg = 270
detector_x_mm = 1.0
[[imager.flex]]
gantry_angle_deg = 90
detector_x_mm = -1.0
detector_y_mm = 0.5
source_y_mm = 2.0
"""


def test_an_imager():
    imager = parse_machine(SMALLEST).imager
    assert imager.kv_source_angle_deg(270.0) == 0.0
    assert imager.kv_source_angle_deg(300.0) == 30.0
    assert (imager.source_axis_distance_mm, imager.source_detector_distance_mm) == (1000.0, 1536.0)
    assert imager.frame_angle is FrameAngle.KV_SOURCE
    assert imager.flex is None


def test_a_file_may_say_nothing_of_it():
    assert parse_machine(SMALLEST[: SMALLEST.index("[imager]")]).imager is None
    assert builtin_machine("iec61217").imager is None


@pytest.mark.parametrize(("name", "beyond_mm"), [("varian_iec", 1500.0), ("elekta_iec", 1536.0)])
def test_the_built_in_machines_have_one(name, beyond_mm):
    imager = builtin_machine(name).imager
    assert imager.kv_source_angle_deg(270.0) == 0.0
    assert imager.source_detector_distance_mm == beyond_mm


def test_a_flex_map_may_be_given_in_any_order():
    """Each shift stays with its angle, -90 is 270, and between the last and the first it goes on round the turn."""
    flex = FlexMap(np.array([180.0, -90.0, 0.0]), np.arange(6.0).reshape(3, 2), np.arange(6.0, 0.0, -1.0).reshape(3, 2))
    detector, source = flex.at([0.0, 90.0, 180.0, 270.0, 315.0, -45.0])
    assert detector == pytest.approx(np.array([[4, 5], [2, 3], [0, 1], [2, 3], [3, 4], [3, 4]]))
    assert source == pytest.approx(np.array([[2, 1], [4, 3], [6, 5], [4, 3], [3, 2], [3, 2]]))


def test_a_flex_map_by_gantry_angle_is_kept_by_source_angle():
    flex = parse_machine(SMALLEST + FLEX).imager.flex
    assert np.allclose(flex.source_angles_deg, [0.0, 180.0])
    detector, source = flex.at([0.0, 90.0, 180.0, 270.0, 315.0, 360.0])
    assert np.allclose(detector[:, 0], [1.0, 0.0, -1.0, 0.0, 0.5, 1.0])
    assert np.allclose(detector[:, 1], [0.0, 0.25, 0.5, 0.25, 0.125, 0.0])
    assert np.allclose(source, np.outer([0.0, 1.0, 2.0, 1.0, 0.5, 0.0], [0.0, 1.0]))


def test_flexed_arms_stand_where_the_map_says():
    """At a source angle of 90 degrees the source is at the room's +x: its x axis points down, its y to the gantry."""
    flex = FlexMap(np.array([0.0, 90.0]), np.array([[3.0, 4.0], [1.0, 2.0]]), np.array([[0.5, 0.0], [0.0, -0.5]]))
    still = circular_trajectory([0.0, 90.0], DetectorPlacement(1000.0, 1500.0, (4, 4), (1.0, 1.0)))
    moved = flexed(still, flex)
    assert np.allclose(moved.first_pixels_mm - still.first_pixels_mm, [[3.0, 4.0, 0.0], [0.0, 2.0, -1.0]])
    assert np.allclose(moved.sources_mm, [[0.5, 0.0, 1000.0], [1000.0, -0.5, 0.0]])
    assert np.array_equal(moved.row_directions, still.row_directions)


def test_the_shift_of_an_isocenter_on_a_flexed_detector():
    flex = FlexMap(np.array([0.0]), np.array([[2.0, -1.0]]), np.zeros((1, 2)))
    still = circular_trajectory([30.0, 200.0], DetectorPlacement(1000.0, 1500.0, (5, 5), (1.0, 1.0)))
    for geometry in (flexed(still, flex)[n] for n in range(2)):
        assert np.allclose(geometry.pixels([0.0, 0.0, 0.0]), [0.0, 3.0])


def test_a_flex_map_needs_different_angles():
    for angles in ([], [0.0, 360.0]):
        with pytest.raises(InvalidGeometry, match="different angles"):
            FlexMap(np.array(angles), np.zeros((len(angles), 2)), np.zeros((len(angles), 2)))


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("kv_source_angle_offset_deg = 90\n", "", "lacks 'kv_source_angle_offset_deg'"),
        ("= 90\n", "= nan\n", "is not finite"),
        ("source_axis_distance_mm = 1000", "source_axis_distance_mm = 0", "must be above zero"),
        ("source_axis_distance_mm = 1000", "source_axis_distance_mm = 1600", "must be above source_axis"),
        ("= 1536", '= 1536\nframe_angle = "table"', "not one of kv_source, gantry"),
        ("= 1536", "= 1536\nsad = 3", "'sad', which OpenIGRT does not know"),
        ("= 1536", "= 1536\nflex = []", "needs different angles"),
        ("= 1536", "= 1536\n[[imager.flex]]\ngantry_angle_deg = 0\ndetector_x_mm = 900", "within 100 mm"),
        ("= 1536", "= 1536\n[[imager.flex]]\ndetector_x_mm = 1", "lacks 'gantry_angle_deg'"),
        ("= 1536", "= 1536\n[[imager.flex]]\ngantry_angle_deg = 0\nroll_deg = 1", "'roll_deg', which"),
        ("= 1536", "= 1536\n" + 2 * "[[imager.flex]]\ngantry_angle_deg = 0\n", "needs different angles"),
    ],
)
def test_what_is_refused(old, new, says):
    assert old in SMALLEST
    with pytest.raises(InputError, match=says):
        parse_machine(SMALLEST.replace(old, new, 1))
