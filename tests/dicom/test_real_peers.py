"""Objects of clinics, read and written again, as programs of others read them: clean, every element, every voxel."""

from dataclasses import replace

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813 - the name that its users know
from pydicom import dcmread

from openigrt.dicom import (
    instance_uids,
    read_dose,
    read_dvhs,
    read_object,
    read_plan_folder,
    read_projections,
    save,
    write_dose,
    write_image_series,
    write_projection,
    write_structure_set,
)
from openigrt.patient import with_keyholes
from tests.dicom.dicom_cases import CT, ROOT
from tests.dicom.peer_programs import (
    dcmtk_json,
    differences,
    itk_series,
    plastimatch_contours,
    plastimatch_image,
    pydicom_json,
    skip_without,
)
from tests.dicom.test_rt_image import validated_rt_image
from tests.dicom.writing_cases import series_header, validated

pytestmark = [pytest.mark.real, pytest.mark.filterwarnings("ignore")]

PROJECTIONS = ["linac_qa/winston_lutz/wl/coll0.dcm", "prostate_eclipse/prostate_dicom/RI*.dcm"]


@pytest.fixture(autouse=True)
def all_peers():
    for peer in ("dciodvfy", "DCMTK", "plastimatch"):
        skip_without(peer)


@pytest.fixture(scope="module")
def pancreas(real_data):
    return read_plan_folder(real_data / "pancreas" / "planning_ct")


def assert_others_find_the_same_elements(path):
    assert differences(dcmtk_json(path), pydicom_json(path)) == []


def test_a_planning_ct(pancreas, tmp_path):
    image = pancreas.planning_image
    for k, dataset in enumerate(write_image_series(image, series_header("60"))):
        save(dataset, tmp_path / "ct" / f"{k:03d}.dcm")
    for k in (0, len(image.voxels) - 1):
        path = tmp_path / "ct" / f"{k:03d}.dcm"
        assert validated(path) == []
        assert_others_find_the_same_elements(path)
    for read in (itk_series(tmp_path / "ct"), plastimatch_image(tmp_path / "ct", tmp_path)):
        assert np.array_equal(sitk.GetArrayFromImage(read), image.voxels)
        assert read.GetOrigin() == pytest.approx(image.grid.origin_mm, abs=1e-4)
        assert read.GetSpacing() == pytest.approx(image.grid.spacing_mm, abs=1e-5)
        assert read.GetDirection() == pytest.approx(image.grid.direction.ravel(), abs=1e-9)


def test_its_structures(pancreas, tmp_path):
    """plastimatch takes closed contours, as single floats in six decimals."""
    image, uids = pancreas.planning_image, instance_uids(f"{ROOT}.60", len(pancreas.planning_image.voxels))
    source = replace(image.provenance, instance_uids=uids, sop_class_uid=CT)
    path = tmp_path / "rs.dcm"
    save(write_structure_set(pancreas.structure_set, replace(image, provenance=source), series_header("61")), path)
    assert validated(path) == []
    assert_others_find_the_same_elements(path)
    structures = pancreas.structure_set.structures
    rois, contours = plastimatch_contours(path, tmp_path)
    assert [name for _, _, name in rois] == [structure.name for structure in structures]
    written = [contour.points_mm for structure in structures for contour in with_keyholes(structure).contours]
    closed = [points for points in written if len(points) > 2]
    assert len(contours) == len(closed) > 100
    assert max(np.abs(found - points).max() for (_, found), points in zip(contours, closed, strict=True)) < 5e-5


@pytest.mark.parametrize("bits", [16, 32])
def test_a_dose_with_its_histograms(real_data, tmp_path, bits):
    dataset, _ = read_object(real_data / "breast_rt" / "rtdose.dcm")
    dose, path = read_dose(dataset), tmp_path / "rd.dcm"
    save(write_dose(dose, series_header("63"), bits, read_dvhs(dataset)), path)
    assert validated(path) == []
    assert_others_find_the_same_elements(path)
    in_itk = sitk.Cast(sitk.ReadImage(str(path)), sitk.sitkFloat64) * float(dcmread(path).DoseGridScaling)
    step_gy = float(dose.dose_gy.max()) * (0.5 / (2**bits - 1) + 2e-7)  # half a step, and what float32 rounds
    for read in (in_itk, plastimatch_image(path, tmp_path, "dose-img")):
        assert np.abs(sitk.GetArrayFromImage(read) - dose.dose_gy).max() <= step_gy
        assert read.GetOrigin() == pytest.approx(dose.grid.origin_mm, abs=1e-4)
        assert read.GetSpacing() == pytest.approx(dose.grid.spacing_mm, abs=1e-5)


@pytest.mark.parametrize("pattern", PROJECTIONS)
def test_projections(real_data, tmp_path, pattern):
    (source,) = real_data.glob(pattern)
    (projection,), _ = read_projections(read_object(source)[0])
    path = tmp_path / "ri.dcm"
    save(write_projection(projection, series_header("82"), f"{ROOT}.83"), path)
    assert validated_rt_image(path) == []
    assert_others_find_the_same_elements(path)
    step = 1.01 * np.ptp(projection.pixels) / 131070
    for read in (sitk.ReadImage(str(path)), plastimatch_image(path, tmp_path)):
        assert np.abs(sitk.GetArrayFromImage(read)[0] - projection.pixels).max() <= step
        assert read.GetSpacing()[:2] == pytest.approx(projection.geometry.spacing_mm)
