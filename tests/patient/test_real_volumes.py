"""Volumes of real contours against those that a planning system reports for the same structures."""

import re

import numpy as np
import pydicom
import pytest

from openigrt.geometry import Frame, Grid
from openigrt.patient import (
    Contour,
    Structure,
    StructureRole,
    mask_from_structure,
    occupancy_from_structure,
    surface_points_mm,
    volume_mm3,
)

PLAN = Frame.plan("1.2")
STEPS = np.array(list(np.ndindex(3, 3, 3))) - 1
NAMES = {"FemoralHeadLt": "Femoral Head Lt", "FemoralHeadRT": "Femoral Head RT"}


@pytest.fixture(scope="module")
def structures(real_data):
    """Structures by name, read here with pydicom alone."""
    file = next((real_data / "prostate_eclipse" / "prostate_dicom").glob("RS.*.dcm"))
    dataset = pydicom.dcmread(file)
    names = {roi.ROINumber: str(roi.ROIName) for roi in dataset.StructureSetROISequence}
    return {
        names[roi.ReferencedROINumber]: Structure(
            roi.ReferencedROINumber,
            names[roi.ReferencedROINumber],
            StructureRole.ORGAN,
            tuple(Contour(np.array(c.ContourData, float).reshape(-1, 3)) for c in roi.ContourSequence),
        )
        for roi in dataset.ROIContourSequence
        if "ContourSequence" in roi and roi.ContourSequence[0].ContourGeometricType == "CLOSED_PLANAR"
    }


def volumes_in(file):
    """Volumes in cc by structure name, from the head of a planning system's table of histograms."""
    head = file.read_text(encoding="utf-8").splitlines()[0].split(",")
    found = (re.fullmatch(r"(\w+)_DvhArray Value \(% of ([\d.]+) cc\)", column) for column in head)
    return {NAMES.get(hit[1], hit[1]): float(hit[2]) for hit in found if hit}


@pytest.fixture(scope="module")
def reported_cc(real_data):
    """Volumes by Eclipse."""
    return volumes_in(real_data / "prostate_eclipse" / "EclipseProstate_DvhTable_Eclipse.csv")


@pytest.fixture(scope="module")
def cerr_cc(real_data):
    """Volumes by CERR."""
    return volumes_in(real_data / "prostate_eclipse" / "EclipseProstate_DvhTable_CERR.csv")


@pytest.mark.real
def test_volumes_are_those_of_the_planning_system(structures, reported_cc):
    assert len(reported_cc) == 6
    for name, expected in reported_cc.items():
        assert volume_mm3(structures[name]) / 1000.0 == pytest.approx(expected, rel=0.02), name


@pytest.mark.real
def test_filled_parts_of_dose_voxels_have_the_volumes_of_two_planning_systems(structures, reported_cc, cerr_cc):
    """On voxels as coarse as those of the dose, 2.5 mm. CERR too ends structures half a slice on, Eclipse less."""
    assert cerr_cc.keys() == reported_cc.keys()
    for name, structure in structures.items():
        points = np.concatenate([contour.points_mm for contour in structure.contours])
        low, spacing = points.min(axis=0) - 4.0, np.full(3, 2.5)
        size = tuple(int(n) for n in (points.max(axis=0) + 8.0 - low) / spacing)
        found = occupancy_from_structure(structure, PLAN, Grid(PLAN, low, spacing, np.eye(3), size)).volume_mm3 / 1000.0
        assert found == pytest.approx(volume_mm3(structure, 2.5) / 1000.0, rel=1e-4), name
        assert found == pytest.approx(reported_cc[name], rel=0.015), name
        assert found == pytest.approx(cerr_cc[name], rel=0.002), name


@pytest.mark.real
def test_masks_hold_the_volume_and_surface_points_lie_on_their_border(structures):
    for name, structure in structures.items():
        points = np.concatenate([contour.points_mm for contour in structure.contours])
        low, spacing = points.min(axis=0) - 4.0, np.array([1.0, 1.0, 1.0])
        size = tuple(int(n) for n in (points.max(axis=0) + 8.0 - low) / spacing)
        mask = mask_from_structure(structure, PLAN, Grid(PLAN, low, spacing, np.eye(3), size))
        volume = volume_mm3(structure, 2.5)
        assert mask.voxels.sum() == pytest.approx(volume, rel=0.02, abs=300.0), name
        indices = np.round(mask.grid.indices(surface_points_mm(structure, slice_mm=2.5))).astype(int)
        near = np.stack([mask.voxels[tuple((indices + step)[:, ::-1].T)] for step in STEPS])
        assert (near.any(axis=0) & ~near.all(axis=0)).mean() > 0.98, name
