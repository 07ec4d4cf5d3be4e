"""From voxels back to contours: what was filled is filled again, whatever the shape, and volumes of real structures."""

import tracemalloc
from dataclasses import replace

import numpy as np
import pydicom
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from openigrt.errors import InvalidGeometry
from openigrt.geometry import Grid, rotation_x, rotation_z
from openigrt.images import Mask
from openigrt.patient import (
    Contour,
    ContourKind,
    Structure,
    StructureRole,
    contours_from_mask,
    contours_from_occupancy,
    dice,
    occupancy_from_structure,
    simplified,
    with_keyholes,
)
from tests.patient.contour_cases import PLAN, grid_of, overlap, ring, sphere, structure_of

OBLIQUE = rotation_z(25.0) @ rotation_x(40.0)
masks = arrays.arrays(np.bool_, st.tuples(st.integers(1, 4), st.integers(1, 7), st.integers(1, 7)))


def rings_of(mask):
    return Structure(1, "M", StructureRole.ORGAN, contours_from_mask(mask))


@settings(max_examples=150)
@given(masks, st.sampled_from([np.eye(3), np.diag([1.0, -1.0, -1.0]), OBLIQUE]))
def test_any_mask_comes_back_voxel_by_voxel(voxels, direction):
    """Single voxels, holes of one voxel, corners that touch, rows of one voxel, all of the grid and none of it."""
    mask = Mask(voxels, grid_of((0.9, 1.3, 3.0), voxels.shape[::-1], direction=direction))
    if not voxels.any():
        assert contours_from_mask(mask) == ()
        return
    again = occupancy_from_structure(rings_of(mask), PLAN, mask.grid).whole_mask()
    empty = ~voxels.any(axis=(1, 2))  # a slice between others may be bridged: half-way to the next one
    assert np.array_equal(again.voxels[~empty], voxels[~empty])


def test_rings_are_closed_lie_on_slices_and_tell_holes_by_their_sense_of_nothing_but_even_odd():
    grid = grid_of((1.0, 1.0, 2.0), (61, 61, 5))
    shape = structure_of([ring(r, 0.0) for r in (25.0, 15.0, 5.0)])
    contours = contours_from_occupancy(occupancy_from_structure(shape, PLAN, grid))
    assert len(contours) == 3
    for contour in contours:
        assert contour.kind is ContourKind.CLOSED_PLANAR
        assert np.ptp(contour.points_mm[:, 2]) == 0.0
        assert not np.array_equal(contour.points_mm[0], contour.points_mm[-1])
    radii = sorted(float(np.linalg.norm(c.points_mm[:, :2], axis=1).mean()) for c in contours)
    assert np.allclose(radii, (5.0, 15.0, 25.0), atol=0.1)


@pytest.mark.parametrize("tolerance_mm", [0.0, 0.05, 0.5])
def test_points_are_left_out_within_the_tolerance_that_is_stated(tolerance_mm):
    grid = grid_of((1.0, 1.0, 2.0), (61, 61, 1))
    occupancy = occupancy_from_structure(structure_of([ring(25.0, 0.0)]), PLAN, grid)
    full, few = (contours_from_occupancy(occupancy, t)[0].points_mm for t in (0.0, tolerance_mm))
    assert len(few) <= len(full)
    assert len(few) < 40 or tolerance_mm < 0.5
    ends = np.roll(few, -1, axis=0)
    share = np.clip(((full[:, None] - few) * (ends - few)).sum(2) / ((ends - few) ** 2).sum(1), 0.0, 1.0)
    away = np.linalg.norm(full[:, None] - (few + share[..., None] * (ends - few)), axis=2).min(axis=1)
    assert away.max() <= tolerance_mm + 1e-9


@pytest.mark.parametrize("tolerance_mm", [-0.1, np.nan, np.inf])
def test_a_tolerance_that_is_no_length_is_refused(tolerance_mm):
    mask = Mask(np.ones((1, 2, 2), dtype=bool), grid_of((1.0, 1.0, 2.0), (2, 2, 1)))
    with pytest.raises(InvalidGeometry, match="cannot be simplified within"):
        contours_from_mask(mask, tolerance_mm)


def test_simplified_keeps_the_ends_and_what_bends():
    line = np.array([[0.0, 0.0], [1.0, 0.01], [2.0, 0.0], [3.0, 1.0], [4.0, 0.0]])
    assert simplified(line, 0.05).tolist() == [[0.0, 0.0], [2.0, 0.0], [3.0, 1.0], [4.0, 0.0]]


@settings(max_examples=80)
@given(masks)
def test_keyholes_fill_what_rings_fill(voxels):
    mask = Mask(voxels, grid_of((1.0, 1.0, 3.0), voxels.shape[::-1]))
    if voxels.any():
        rings = rings_of(mask)
        joined = with_keyholes(rings)
        one, other = (occupancy_from_structure(s, PLAN, mask.grid) for s in (rings, joined))
        assert dice(one, other) == pytest.approx(1.0, abs=1e-6)
        assert len(joined.contours) <= len(rings.contours)


def test_keyholes_leave_one_contour_for_each_part_and_every_other_contour():
    outer = [ring(25.0, 0.0), ring(8.0, 0.0, (-10.0, 0.0)), ring(6.0, 0.0, (10.0, 0.0)), ring(3.0, 0.0, (10.0, 0.0))]
    mark = Contour([[1.0, 2.0, 3.0]], ContourKind.POINT)
    shape = structure_of([*outer, ring(5.0, 0.0, (60.0, 0.0))])
    joined = with_keyholes(replace(shape, contours=(*shape.contours, mark)))
    sizes = sorted(len(contour.points_mm) for contour in joined.contours)
    assert sizes == [1, 720, 720, 3 * 720 + 2 * 3]
    assert joined.contours[-1] is mark


def test_a_sphere_on_an_oblique_grid_comes_back():
    grid = grid_of((1.0, 1.0, 2.0), (61, 61, 41), direction=OBLIQUE)
    occupancy = occupancy_from_structure(sphere(20.0, 2.0), PLAN, grid)
    again = occupancy_from_structure(
        structure_of([c.points_mm for c in contours_from_occupancy(occupancy)]), PLAN, grid
    )
    assert overlap(occupancy.whole_mask().voxels, again.whole_mask().voxels) > 0.995


def real_structures(folder):
    """Name and structure of everything that is closed in all real sets, and the names of all else, by pydicom alone."""
    closed, others = [], []
    for file in sorted([*folder.rglob("RS*.dcm"), *folder.rglob("rtss.dcm")]):
        dataset = pydicom.dcmread(file)
        names = {roi.ROINumber: str(roi.ROIName) for roi in dataset.StructureSetROISequence}
        for item in dataset.ROIContourSequence:
            name = f"{file.relative_to(folder).parent}: {names[item.ReferencedROINumber]}"
            parts = [c for c in item.get("ContourSequence", []) if c.ContourGeometricType == "CLOSED_PLANAR"]
            contours = tuple(Contour(np.array(c.ContourData, float).reshape(-1, 3)) for c in parts)
            if contours:
                closed.append(Structure(item.ReferencedROINumber, name, StructureRole.ORGAN, contours))
            else:
                others.append(name.rpartition(": ")[2])
    return closed, others


def grid_round(structure):
    """Voxels of 1 mm in the plane, slices on the planes of a structure."""
    points = np.concatenate([contour.points_mm for contour in structure.contours])
    rows = np.unique(np.round(points[:, 2], 2))
    spacing = np.array([1.0, 1.0, np.median(np.diff(rows))])
    low = points.min(axis=0) - (3.0, 3.0, 0.0)
    size = tuple(int(n) for n in np.ceil((points.max(axis=0) - low) / spacing) + 4)
    return Grid(PLAN, low, spacing, np.eye(3), size)


def test_contours_of_many_points_take_little_memory():
    """A table of all points of one ring against all of the other would take 800 MB."""
    drawn = structure_of([ring(50.0, 0.0, count=10_000), ring(20.0, 0.0, count=10_000)])
    tracemalloc.start()
    joined = with_keyholes(drawn)
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert [len(contour.points_mm) for contour in joined.contours] == [20_003]
    assert peak_bytes < 50e6


# Strips a few voxels wide: a marching square cuts the corners of what is no larger than itself.
NARROW = {"Nodes", "Scar", "Borders", "Tumor Bed"}


@pytest.mark.real
def test_every_real_structure_survives_the_way_to_a_mask_and_back(real_data):
    closed, others = real_structures(real_data)
    assert len(closed) == 33
    assert {"AcqIsocenter", "InitLaserIso", "InitMatchIso"} <= set(others)  # points
    for structure in closed:
        grid = grid_round(structure)
        occupancy = occupancy_from_structure(structure, PLAN, grid)
        mask = occupancy.whole_mask()
        from_mask = replace(structure, contours=contours_from_mask(mask))
        again = occupancy_from_structure(from_mask, PLAN, grid)
        assert overlap(mask.voxels, again.whole_mask().voxels) >= 0.9999, structure.name
        redrawn = replace(structure, contours=contours_from_occupancy(occupancy))
        smooth = occupancy_from_structure(redrawn, PLAN, grid)
        if structure.name.rpartition(": ")[2] in NARROW:
            assert dice(occupancy, smooth) > 0.97, structure.name
        else:
            assert dice(occupancy, smooth) >= 0.995, structure.name
