"""The embedded example: what is written is complete, consistent, true, and the same for the same seed."""

import hashlib
from collections import Counter
from pathlib import Path

import numpy as np
import pydicom
import pytest

from openigrt.dicom import PlanFolder, read_daily_folder, read_plan_folder
from openigrt.errors import InputError
from openigrt.geometry import rotation_angle_deg
from openigrt.patient import mask_from_structure
from openigrt.tasks import write_example
from openigrt.virtual import EmbeddedExample, ExampleCase, example_case, write_embedded_example


@pytest.fixture(scope="module")
def planned(example: EmbeddedExample) -> list[pydicom.Dataset]:
    return [pydicom.dcmread(path) for path in sorted(example.plan_folder.iterdir())]


@pytest.fixture(scope="module")
def daily(example: EmbeddedExample) -> list[pydicom.Dataset]:
    return [pydicom.dcmread(path) for path in sorted(example.daily_folder.iterdir())]


@pytest.fixture(scope="module")
def folder(example: EmbeddedExample) -> PlanFolder:
    return read_plan_folder(example.plan_folder)


def only(datasets: list[pydicom.Dataset], modality: str) -> pydicom.Dataset:
    (found,) = [d for d in datasets if d.Modality == modality]
    return found


def digests(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.rglob("*.dcm")
    }


def test_same_seed_same_bytes(example, example_folder, tmp_path, seed):
    write_embedded_example(tmp_path, seed)
    assert digests(tmp_path) == digests(example_folder)


def test_everything_is_there_and_says_that_it_is_simulated(planned, daily, seed):
    assert Counter(d.Modality for d in planned) == {"CT": 102, "RTSTRUCT": 1, "RTPLAN": 1, "RTDOSE": 1}
    assert Counter(d.Modality for d in daily) == {"CT": 80}
    assert {d.PatientID for d in planned + daily} == {f"SIM-PELVIS-{seed:04d}"}
    assert all("research only" in d.SeriesDescription for d in planned + daily)
    assert len({d.SOPInstanceUID for d in planned + daily}) == len(planned) + len(daily)


def test_references_lead_to_what_was_written(planned):
    structures, plan, dose = only(planned, "RTSTRUCT"), only(planned, "RTPLAN"), only(planned, "RTDOSE")
    slices = {d.SOPInstanceUID for d in planned if d.Modality == "CT"}
    (frame,) = structures.ReferencedFrameOfReferenceSequence
    series = frame.RTReferencedStudySequence[0].RTReferencedSeriesSequence[0]
    assert {i.ReferencedSOPInstanceUID for i in series.ContourImageSequence} == slices
    assert plan.ReferencedStructureSetSequence[0].ReferencedSOPInstanceUID == structures.SOPInstanceUID
    assert dose.ReferencedRTPlanSequence[0].ReferencedSOPInstanceUID == plan.SOPInstanceUID
    assert len({d.FrameOfReferenceUID for d in planned}) == 1
    assert len({d.StudyInstanceUID for d in planned}) == 1


def test_the_day_has_its_own_frame_about_the_machine_isocenter(planned, daily):
    (frame,) = {d.FrameOfReferenceUID for d in daily}
    assert frame != planned[0].FrameOfReferenceUID
    first, last = (np.array(d.ImagePositionPatient, dtype=float) for d in (daily[0], daily[-1]))
    assert first[:2] == pytest.approx(last[:2])
    assert np.all(np.sort([first[2], last[2]]) == [-79.0, 79.0])
    assert first[0] < 0.0
    assert {d.Manufacturer for d in daily} == {"OpenIGRT"}
    assert all(d.AcquisitionTime and d.PatientPosition == "HFS" for d in daily)


def test_our_readers_take_both_folders(example, case: ExampleCase, folder):
    plan = folder.plan
    assert (plan.approval, len(plan.beams), plan.patient_id) == ("APPROVED", 7, example.patient_id)
    assert {beam.machine_name for beam in plan.beams} == {"VIRTUAL LINAC"}
    for beam in plan.beams:
        assert beam.isocenter_mm == pytest.approx(example.plan_isocenter_mm)
    image = read_daily_folder(example.daily_folder, case.patient.anatomy.frame.uid).daily_image
    assert image.frame == example.plan_from_daily.from_frame
    assert image.grid.contains(example.daily_isocenter_mm)
    assert np.mean(image.voxels <= -1000.0) > 0.2


def test_the_truth_is_a_setup_error_of_the_stated_size():
    for seed in range(6):
        case = example_case(seed)
        shift = case.plan_from_daily.shift_about_points_mm(case.patient.isocenter_mm, np.zeros(3))
        assert 6.0 <= np.linalg.norm(shift) <= 8.0
        assert 1.0 <= rotation_angle_deg(case.plan_from_daily.rotation) <= 2.0
        assert np.linalg.norm(case.prostate_shift_mm) <= 2.0


@pytest.mark.parametrize("name", ["PROSTATE", "BLADDER", "RECTUM", "FEMORAL_HEAD_L", "FEMORAL_HEAD_R", "BODY"])
def test_contours_hold_the_volume_of_the_organ(folder, case, name):
    structure = next(s for s in folder.structure_set.structures if s.name == name)
    grid = folder.planning_image.grid
    mask = mask_from_structure(structure, grid.frame, grid).voxels
    low, high = np.sort(grid.indices(case.patient.anatomy.bounds_mm(name)), axis=0)
    steps = (4, 4, 4) if name == "BODY" else (1, 1, 1)
    ranges = [
        np.arange(max(int(a), 0), min(int(b) + 2, n), step)
        for a, b, n, step in zip(low, high, grid.size, steps, strict=True)
    ]
    indices = np.stack(np.meshgrid(*ranges, indexing="ij"), axis=-1)
    inside = case.patient.anatomy.signed_distance_mm(name, grid.points(indices)) < 0.0
    drawn = mask[indices[..., 2], indices[..., 1], indices[..., 0]]
    assert drawn.sum() == pytest.approx(inside.sum(), rel=0.02)
    assert np.mean(drawn[inside]) > 0.97


def test_the_ptv_is_seven_millimetres_wider(folder):
    structures = folder.structure_set.structures
    extents = {
        s.name: np.ptp(np.vstack([c.points_mm for c in s.contours]), axis=0)
        for s in structures
        if s.name in ("PROSTATE", "PTV")
    }
    assert (extents["PTV"] - extents["PROSTATE"])[:2] == pytest.approx([14.0, 14.0], abs=0.5)
    assert (extents["PTV"] - extents["PROSTATE"])[2] == pytest.approx(14.0, abs=3.1)


def test_the_dose_covers_the_target_and_spares_the_rest(folder):
    dose = folder.dose
    masks = {
        s.name: mask_from_structure(s, dose.grid.frame, dose.grid).voxels
        for s in folder.structure_set.structures
        if s.name in ("PTV", "PROSTATE", "FEMORAL_HEAD_L", "BODY")
    }
    assert np.percentile(dose.dose_gy[masks["PROSTATE"]], 2) > 57.0
    assert np.percentile(dose.dose_gy[masks["PTV"]], 5) > 52.0
    assert dose.dose_gy[masks["FEMORAL_HEAD_L"]].mean() < 30.0
    assert dose.dose_gy.max() < 66.0


def test_a_folder_with_something_else_is_refused_and_left_alone(tmp_path, seed):
    (tmp_path / "plan").mkdir()
    (tmp_path / "plan" / "thesis.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(InputError, match=r"thesis\.txt"):
        write_embedded_example(tmp_path, seed)
    assert [path.name for path in tmp_path.rglob("*")] == ["plan", "thesis.txt"]


def test_a_seed_below_zero_is_refused():
    with pytest.raises(InputError, match="zero or more"):
        example_case(-1)


def test_a_full_disk_leaves_no_half_of_an_example(tmp_path, monkeypatch):
    written = []

    def full(path, content):
        written.append(path)
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(InputError, match=r"cannot be written to .*: No space left on device. Name another folder."):
        write_example(tmp_path)
    assert written
    assert list(tmp_path.iterdir()) == []
