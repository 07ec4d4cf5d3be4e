"""DICOM that nobody in this project made: read right, or refused with one sentence."""

import json

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813 - the name that its users know

from openigrt.dicom import (
    PlanDefaults,
    check_same_patient,
    dose_grid,
    read_daily_folder,
    read_dose,
    read_object,
    read_plan,
    read_plan_folder,
    read_structure_set,
)
from openigrt.errors import AmbiguousInput, InconsistentInput, MissingInput
from openigrt.geometry import Frame, PatientPosition
from openigrt.images import Modality
from openigrt.patient import DoseKind, DoseSummation, StructureRole

pytestmark = pytest.mark.real


def with_itk(folder):
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(folder)))
    return reader.Execute()


def test_pancreas(real_data):
    plan = read_plan_folder(real_data / "pancreas" / "planning_ct")
    daily = read_daily_folder(real_data / "pancreas" / "daily_cbct", plan.planning_image.frame.uid)
    check_same_patient(plan, daily)
    assert (plan.planning_image.modality, daily.daily_image.modality) == (Modality.CT, Modality.CBCT)
    assert plan.planning_image.frame.uid == daily.daily_image.frame.uid
    assert plan.planning_image.frame != daily.daily_image.frame
    assert daily.daily_image.provenance.is_derived
    assert "Contours of Bowel_sm_planCT reach 18.0 mm beyond the first slice of the image." in plan.messages
    assert any("share the frame of reference" in message for message in daily.messages)
    for image, folder in ((plan.planning_image, "planning_ct"), (daily.daily_image, "daily_cbct")):
        oracle = with_itk(real_data / "pancreas" / folder)
        assert np.array_equal(image.voxels, sitk.GetArrayFromImage(oracle))
        assert np.allclose(image.grid.origin_mm, oracle.GetOrigin(), atol=1e-3)
        assert np.allclose(image.grid.spacing_mm, oracle.GetSpacing(), atol=1e-6)


@pytest.mark.parametrize("patient", ["STS_001", "STS_002", "STS_003"])
@pytest.mark.parametrize(("folder", "modality"), [("CT", "CT"), ("MR_T1", "MR"), ("PET", "PET")])
def test_sarcoma(real_data, patient, folder, modality):
    read = read_plan_folder(real_data / "sarcoma_ct_pet_mr" / patient / folder)
    oracle = with_itk(real_data / "sarcoma_ct_pet_mr" / patient / folder / "image")
    assert read.planning_image.modality is Modality(modality)
    assert np.allclose(read.planning_image.voxels, sitk.GetArrayFromImage(oracle), rtol=1e-5, atol=1e-4)
    assert np.allclose(read.planning_image.grid.origin_mm, oracle.GetOrigin(), atol=1e-3)
    (target,) = read.structure_set.structures
    assert target.role is StructureRole.GTV
    assert all(read.planning_image.grid.contains(contour.points_mm.mean(axis=0)) for contour in target.contours)


def test_several_series_or_patients_are_refused(real_data):
    with pytest.raises(AmbiguousInput, match="3 image series"):
        read_daily_folder(real_data / "sarcoma_ct_pet_mr" / "STS_001", "")
    with pytest.raises(InconsistentInput, match="Two patients"):
        read_plan_folder(real_data / "sarcoma_ct_pet_mr")
    with pytest.raises(MissingInput, match="holds no CT"):
        read_plan_folder(real_data / "prostate_eclipse")
    with pytest.raises(InconsistentInput, match="one slice position only"):
        read_plan_folder(real_data / "breast_rt")


def test_catphan_scanned_slightly_turned(real_data):
    folder = real_data / "linac_qa" / "cbct"
    daily = read_daily_folder(folder, "")
    oracle = with_itk(next(path for path in folder.rglob("*.dcm")).parent)
    assert daily.daily_image.modality is Modality.CBCT
    assert np.allclose(daily.daily_image.grid.direction.ravel(), oracle.GetDirection(), atol=1e-6)
    assert np.array_equal(daily.daily_image.voxels, sitk.GetArrayFromImage(oracle))
    assert {structure.role for structure in daily.structure_set.structures} == {StructureRole.ISOCENTER}


def test_breast_plan_structures_and_dose(real_data):
    folder = real_data / "breast_rt"
    plan, _ = read_plan(read_object(folder / "rtplan.dcm")[0])
    structures, _ = read_structure_set(read_object(folder / "rtss.dcm")[0])
    dose = read_dose(read_object(folder / "rtdose.dcm")[0])
    assert [len(beam.control_points) for beam in plan.beams] == [92, 94, 103, 95]
    assert {len(point.positions_mm_of("MLCX")) for beam in plan.beams for point in beam.control_points} == {120}
    assert {len(beam.leaves[0].boundaries_mm) for beam in plan.beams} == {61}
    assert plan.structure_set_uid == structures.uid
    assert len(structures.structures) == 10
    assert structures.approval == "APPROVED"
    oracle = sitk.ReadImage(str(folder / "rtdose.dcm"))
    assert np.allclose(dose.dose_gy, sitk.GetArrayFromImage(oracle) * 1.4e-5, rtol=1e-5)
    assert dose.grid.contains(plan.beams[0].isocenter_mm)
    assert dose.plan_uid == plan.uid


def test_prostate_plan_takes_its_frame_from_its_structures(real_data):
    folder = real_data / "prostate_eclipse" / "prostate_dicom"
    structures, _ = read_structure_set(read_object(next(folder.glob("RS*")))[0])
    plan, messages = read_plan(read_object(next(folder.glob("RP*")))[0], PlanDefaults(structures.frame.uid))
    assert plan.frame == structures.frame
    assert [beam.is_setup for beam in plan.beams] == [False] * 4 + [True]
    assert plan.patient_position is PatientPosition.HFS
    assert "Beam 5 'CBCT' has no meterset: taken as a setup beam." in messages


def test_ion_plan(real_data):
    (path,) = (real_data / "proton_plans" / "plan06_sobp_4d").glob("RP*.dcm")
    plan, _ = read_plan(read_object(path)[0])
    assert plan.beams[0].isocenter_mm == pytest.approx((0.0, -55.0, -0.446302))
    assert plan.beams[0].radiation_type == "PROTON"


@pytest.mark.parametrize("position", [str(position) for position in PatientPosition])
def test_dose_grids_of_all_eight_positions(real_data, position):
    """Every plane of every axis lies where others computed it in the room; their values are sorted."""
    folder = real_data / "patient_orientations"
    grid = dose_grid(read_object(folder / f"RD.DICOMORIENT.Dose_{position}.dcm")[0])
    expected = json.loads((folder / "expected_iec_fixed_xyz.json").read_text())
    fixed_from_lps = PatientPosition(position).table_top_from_lps()
    for axis in range(3):
        along = np.zeros((grid.size[axis], 3))
        along[:, axis] = np.arange(grid.size[axis])
        fixed_mm = grid.points(along) @ fixed_from_lps.T
        moving = int(np.ptp(fixed_mm, axis=0).argmax())
        assert np.allclose(np.sort(fixed_mm[:, moving]), expected[position][moving], atol=1e-3)


def test_dose_grid_of_a_supine_patient_in_patient_axes(real_data):
    """The file of patient coordinates is LPS for head first supine; the other positions are turned to that in it."""
    folder = real_data / "patient_orientations"
    grid = dose_grid(read_object(folder / "RD.DICOMORIENT.Dose_HFS.dcm")[0])
    expected = json.loads((folder / "expected_dicom_patient_xyz.json").read_text())["HFS"]
    last = np.array(grid.size) - 1
    assert np.allclose(grid.points([0, 0, 0]), [axis[0] for axis in expected], atol=1e-3)
    assert np.allclose(grid.points(last), [axis[-1] for axis in expected], atol=1e-3)


def test_ion_dose_of_one_beam(real_data):
    (path,) = (real_data / "proton_plans" / "plan06_sobp_4d").glob("RD*.dcm")
    dose = read_dose(read_object(path)[0])
    oracle = sitk.ReadImage(str(path))
    assert np.allclose(dose.dose_gy, sitk.GetArrayFromImage(oracle) * 3.461332e-05, rtol=1e-5)
    assert np.allclose(dose.grid.origin_mm, oracle.GetOrigin(), atol=1e-3)
    assert (dose.kind, dose.summation) == (DoseKind.EFFECTIVE, DoseSummation.BEAM)
    assert dose.beam_numbers == (1,)
    assert "Dose type EFFECTIVE." in dose.warnings


def test_wedge_dose(real_data):
    dose = read_dose(read_object(real_data / "patient_orientations" / "RD.wedge.dcm")[0])
    assert dose.grid.frame.role is Frame.plan("").role
    assert float(dose.dose_gy.max()) == pytest.approx(65535 * 2.990142e-5, rel=1e-4)
