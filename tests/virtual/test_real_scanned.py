"""Patients of one's own made of real plans: no fold, taken back, HU kept, and what is said of them."""

from pathlib import Path

import numpy as np
import pytest
from pydicom import dcmread

from openigrt.dicom import read_plan_folder, read_structure_set
from openigrt.errors import MissingInput
from openigrt.geometry import Grid, PatientPosition, RigidTransform
from openigrt.images import Image, Modality, Provenance
from openigrt.patient import occupancy_from_structure
from openigrt.virtual import Day, HeldBreath, render, scanned_day, scanned_patient

pytestmark = [pytest.mark.real, pytest.mark.filterwarnings("ignore")]


def check(patient, image, reach_mm=120.0):
    """Five days of a patient: no fold, back to 0.1 mm (far less), and the same HU in the target."""
    frame, center = patient.anatomy.frame, patient.target_points_mm.mean(axis=0)
    points = center + np.random.default_rng(0).uniform(-reach_mm, reach_mm, (4000, 3))
    for number in range(1, 6):
        day = scanned_day(patient, number)
        now = patient.at(day, 2.0)
        assert np.abs(now.rest_mm(now.moved_mm(points)) - points).max() < 1e-3
        steps = 1e-3 * np.eye(3)
        columns = [(now.moved_mm(points + s) - now.moved_mm(points - s)) / 2e-3 for s in steps]
        assert np.linalg.det(np.stack(columns, axis=-1)).min() > 0.05
    same = RigidTransform.identity(frame, frame)
    here = Grid(frame, center - 4.0, (2.0, 2.0, 2.0), np.eye(3), (5, 5, 5))
    gone = patient.displaced_mm(center, day, 2.0) - center
    there = Grid(frame, center + gone - 4.0, (2.0, 2.0, 2.0), np.eye(3), (5, 5, 5))
    planned, moved = render(patient.anatomy, here, same).mean(), render(now, there, same).mean()
    assert moved == pytest.approx(planned, abs=25.0)
    at_rest = render(patient.anatomy, image.grid, same)
    index = np.rint(image.grid.indices(patient.target_points_mm)).astype(int)
    inside = index[((index >= 0) & (index < image.grid.size)).all(axis=1)]
    i, j, k = inside.T
    assert np.abs(at_rest[k, j, i] - image.voxels[k, j, i]).max() < 0.01


def test_a_pancreas(real_data):
    """No outline, no plan, and lungs, stomach and bowel: he breathes, and his target goes with the diaphragm."""
    folder = read_plan_folder(real_data / "pancreas" / "planning_ct")
    with pytest.raises(MissingInput, match="name one of: Bowel_sm_planCT"):
        scanned_patient(folder.planning_image, folder.structure_set)
    patient = scanned_patient(folder.planning_image, folder.structure_set, target="ROI", seed=3)
    assert patient.site == "abdomen"
    assert len(patient.breathing_organs) == 3
    check(patient, folder.planning_image)
    inhale = Day(1, breathing=HeldBreath(1.0))
    down = -(patient.displaced_mm(patient.isocenter_mm, inhale) - patient.isocenter_mm)[2]
    assert 5.0 < down < 25.0
    outside = patient.anatomy.signed_distance_mm("BODY", patient.isocenter_mm + np.array([0.0, 180.0, 0.0]))
    assert outside > 20.0  # the couch lies there


@pytest.mark.parametrize("name", ["STS_001", "STS_002", "STS_003"])
def test_a_sarcoma(real_data, tmp_path, name):
    """A CT that was cropped round the tumour, with a GTV and nothing else."""
    for file in (real_data / "sarcoma_ct_pet_mr" / name / "CT").rglob("*.dcm"):
        (tmp_path / f"{file.parent.name}_{file.name}").symlink_to(file)
    folder = read_plan_folder(tmp_path)
    patient = scanned_patient(folder.planning_image, folder.structure_set)
    assert (patient.site, patient.target) == ("other", "GTV_Mass_CT")
    check(patient, folder.planning_image, 60.0)


def test_a_prostate_of_a_clinic(real_data):
    """Real contours of which no CT is there; so one is painted from them."""
    file = next((real_data / "prostate_eclipse" / "prostate_dicom").glob("RS*"))
    structures, _ = read_structure_set(dcmread(Path(file)))
    by_name = {s.name: s for s in structures.structures}
    points = np.vstack([c.points_mm for c in by_name["BODY"].contours])
    low, spacing = points.min(axis=0) - np.array([15.0, 15.0, 0.0]), np.array([2.5, 2.5, 3.0])
    high = points.max(axis=0) + np.array([15.0, 15.0, 0.0])
    size = tuple(int(n) for n in np.ceil((high - low) / spacing) + 1)
    grid = Grid(structures.frame, low, spacing, np.eye(3), size)
    voxels = np.full(grid.shape, -1000.0, np.float32)
    painted = {"BODY": -60, "Bladder": 5, "Rectum": -10, "PTV": 45, "Femoral Head Lt": 600, "Femoral Head RT": 600}
    for name, hu in painted.items():
        filled = occupancy_from_structure(by_name[name], structures.frame, grid)
        voxels[filled.window] += filled.fractions * (hu - voxels[filled.window])
    image = Image(voxels, grid, Modality.CT, Provenance())
    with pytest.raises(MissingInput, match="state the patient position"):
        scanned_patient(image, structures)
    from_image = Image(voxels, grid, Modality.CT, Provenance(patient_position=PatientPosition.HFS))
    patient = scanned_patient(from_image, structures, seed=5)
    assert (patient.site, patient.target) == ("pelvis", "PTV")  # its CTV has no contour
    check(patient, from_image)
