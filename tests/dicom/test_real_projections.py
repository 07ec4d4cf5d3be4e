"""RT Images that nobody in this project made: what they show lies where their geometry says."""

from dataclasses import replace

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813 - the name that its users know
from scipy import ndimage

from openigrt.dicom import PlanDefaults, read_object, read_plan, read_projections, read_structure_set
from openigrt.geometry import CouchPose, Rays, triangulate
from openigrt.images import ProjectionKind
from tests.dicom.test_rt_image import only

pytestmark = pytest.mark.real

MM_AT_THE_ISOCENTER = 0.784 / 1.5


def winston_lutz(real_data):
    for path in sorted((real_data / "linac_qa" / "winston_lutz" / "wl").glob("*.dcm")):
        (projection,), messages = read_projections(read_object(path)[0])
        yield path.stem, projection, messages


def field_and_ball(pixels):
    """Centres (column, row) of the field (dark: low values) and of the ball in it, by thresholds."""
    field = ndimage.binary_fill_holes(pixels < (pixels.min() + pixels.max()) / 2.0)
    inside = ndimage.binary_erosion(field, iterations=6)
    low, high = np.percentile(pixels[inside], [5, 99])
    labels, count = ndimage.label(inside & (pixels > (low + high) / 2.0))
    ball = labels == 1 + int(np.argmax(ndimage.sum_labels(labels > 0, labels, range(1, count + 1))))
    return ndimage.center_of_mass(field)[::-1], ndimage.center_of_mass(ball)[::-1]


def test_winston_lutz_images_show_the_field_at_the_isocenter(real_data):
    """17 portal images: field centres within 2 mm of the projected isocenter, by more than the sag of a panel."""
    found = list(winston_lutz(real_data))
    assert len(found) == 17
    for name, projection, messages in found:
        assert projection.kind is ProjectionKind.PORTAL
        field, _ = field_and_ball(projection.pixels)
        off_mm = np.linalg.norm(projection.geometry.pixels((0, 0, 0)) - field) * MM_AT_THE_ISOCENTER
        assert off_mm < 2.0, name
        assert any("corner of a centred image" in message for message in messages)


def test_the_ball_of_winston_lutz_images_is_one_point_in_space(real_data):
    """Rays through the ball meet in one point near the isocenter; its place counts from the field, since panels sag.

    1.5 mm between rays: three pixels at the isocenter, for a threshold on a ball of ten pixels in a noisy field.
    """
    sources, directions = [], []
    for name, projection, _ in winston_lutz(real_data):
        if name.startswith("gantry"):
            geometry = projection.geometry
            field, ball = (np.array(found) for found in field_and_ball(projection.pixels))
            directions.append(geometry.rays(geometry.pixels((0, 0, 0)) + ball - field).directions[0])
            sources.append(geometry.source_mm)
    found = triangulate(Rays(np.array(sources), np.array(directions)))
    assert len(sources) == 7
    assert found.miss_distance_mm < 1.5
    assert np.linalg.norm(found.point_mm) < 2.0


def test_a_drr_of_eclipse(real_data):
    (path,) = (real_data / "prostate_eclipse" / "prostate_dicom").glob("RI*.dcm")
    (projection,), messages = read_projections(read_object(path)[0])
    assert projection.kind is ProjectionKind.DRR
    assert projection.acquired_at is None
    assert projection.geometry.pixels((0, 0, 0)) == pytest.approx([255.5, 255.5], abs=1e-6)
    assert projection.geometry.source_detector_distance_mm == pytest.approx(1000.0)
    assert projection.beam.beam_number == 1
    assert projection.pose.couch == CouchPose()
    assert messages == ("The position of the table top is not stated.",)
    oracle = sitk.GetArrayFromImage(sitk.ReadImage(str(path)))[0]
    assert np.array_equal(projection.pixels, oracle)


def test_a_drr_shows_the_femoral_heads_where_the_contours_are(real_data):
    """Contoured by another system: through isocenter, couch and detector they fall on bone, which is bright.

    Turned upside down they fall beside it. (A pelvis is too much the same on both sides to tell left from right.)
    """
    folder = real_data / "prostate_eclipse" / "prostate_dicom"
    structures, _ = read_structure_set(read_object(next(folder.glob("RS*")))[0])
    plan, _ = read_plan(read_object(next(folder.glob("RP*")))[0], PlanDefaults(structures.frame.uid))
    projection = only(read_object(next(folder.glob("RI*")))[0])
    stated = {"isocenter_mm": plan.beams[0].isocenter_mm, "patient_frame_uid": structures.frame.uid}
    lying = replace(projection.provenance, patient_position=plan.patient_position)
    geometry = replace(projection, provenance=lying, **stated).patient_geometry(structures.frame)
    heads = [structure for structure in structures.structures if "Femoral" in structure.name]
    assert len(heads) == 2
    for head in heads:
        seen = geometry.pixels(np.concatenate([contour.points_mm for contour in head.contours]))
        assert contrast(projection.pixels, seen) > 2500.0
        assert contrast(projection.pixels[::-1], seen) < 500.0


def contrast(pixels, seen):
    """How much brighter the pixels in the outline of points (column, row) are than those in a ring around it."""
    column, row = np.rint(seen).astype(int).T
    marked = np.zeros(pixels.shape, bool)
    marked[row, column] = True
    inside = ndimage.binary_fill_holes(ndimage.binary_closing(marked, iterations=3))
    near, far = (ndimage.binary_dilation(inside, iterations=n) for n in (3, 15))
    return float(pixels[inside].mean() - pixels[far & ~near].mean())
