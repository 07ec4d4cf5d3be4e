"""What we write: valid by dciodvfy, read back the same, whole or not at all."""

from dataclasses import replace

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813 - the name that its users know
from pydicom import dcmread
from scipy.spatial.transform import Rotation

from openigrt.dicom import (
    instance_uids,
    read_dose,
    read_object,
    read_plan,
    read_plan_folder,
    read_structure_set,
    save,
    write_dose,
    write_image_series,
    write_plan,
    write_structure_set,
)
from openigrt.errors import UnsupportedInput
from openigrt.geometry import CouchPose, Frame, Grid, PatientPosition
from openigrt.images import Image, Modality, Provenance
from openigrt.patient import (
    AperturePositions,
    Beam,
    BeamLimitingDevice,
    BeamShare,
    Contour,
    ContourKind,
    ControlPoint,
    DoseGrid,
    FractionGroup,
    Plan,
    PlannedSetup,
    Rotations,
    Structure,
    StructureRole,
    StructureSet,
    jaws,
)
from tests.dicom.dicom_cases import CT, ROOT
from tests.dicom.writing_cases import requires_dciodvfy, series_header, validated

FRAME = Frame.plan(f"{ROOT}.9")
OBLIQUE = Rotation.from_euler("zyx", [20.0, 10.0, -15.0], degrees=True).as_matrix()
SERIES_NUMBERS = {"rs": "61", "rp": "62", "rd": "63"}


def grid(direction=OBLIQUE):
    return Grid(FRAME, [-10.0, -20.0, 30.0], [1.25, 2.5, 3.0], direction, (6, 5, 4))


def image(direction=OBLIQUE, modality=Modality.CT, voxels=None):
    series = series_header("60")
    provenance = Provenance(
        patient_id="P1",
        study_uid=series.study.uid,
        series_uid=series.uid,
        instance_uids=instance_uids(series.uid, 4),
        sop_class_uid=CT,
        acquired_at=series.created_at,
        patient_position=PatientPosition.HFS,
    )
    values = np.arange(120, dtype=np.float32).reshape(4, 5, 6) - 50 if voxels is None else voxels
    return Image(values, grid(direction), modality, provenance)


def structures():
    square = Contour([[0.0, 0, 33], [4, 0, 33], [4, 4, 33], [0, 4.123456789, 33]])
    return StructureSet(
        f"{ROOT}.40",
        "Structures",
        FRAME,
        (
            Structure(1, "PTV", StructureRole.PTV, (square,), (255, 0, 0)),
            Structure(4, "Seed", StructureRole.MARKER, (Contour([[1.0, 2, 33]], ContourKind.POINT),)),
            Structure(7, "Empty", StructureRole.OTHER, ()),
        ),
        patient_id="P1",
        image_series_uid=f"{ROOT}.60",
        image_instance_uids=instance_uids(f"{ROOT}.60", 4),
        approval="UNAPPROVED",
    )


def control_point(weight, gantry, rotations):
    couch = CouchPose(1.0, 2.0, -3.0, 350.0, 1.0, 359.5)
    leaves = AperturePositions("MLCX", (-1.0, -2.0, 1.0, 2.0))
    return ControlPoint(weight, gantry, 15.0, couch, (*jaws((-50.0, 50.0), (-40.0, 40.0)), leaves), rotations=rotations)


def plan():
    turns = ((0.0, 181.0, "CW"), (0.5, 270.0, "CW"), (1.0, 179.0, "NONE"))
    arc = tuple(control_point(weight, gantry, Rotations(turn)) for weight, gantry, turn in turns)
    still = (control_point(0.0, 0.0, Rotations()), control_point(1.0, 0.0, Rotations()))
    devices = (
        BeamLimitingDevice("ASYMX", 1),
        BeamLimitingDevice("ASYMY", 1),
        BeamLimitingDevice("MLCX", 2, (-10.0, 0.0, 10.0)),
    )
    shared = {"radiation_type": "PHOTON", "machine_name": "M", "isocenter_mm": (0.1, 1.0, 2.0)}
    shared |= {"source_axis_distance_mm": 1000.0, "devices": devices, "final_meterset_weight": 1.0}
    shared |= {"patient_setup_number": 1}
    beams = (
        Beam(number=1, name="Arc", delivery_type="TREATMENT", meterset_mu=210.5, control_points=arc, **shared),
        Beam(number=2, name="Setup", delivery_type="SETUP", meterset_mu=None, control_points=still, **shared),
    )
    return Plan(
        uid=f"{ROOT}.41",
        label="Plan",
        frame=FRAME,
        patient_id="P1",
        patient_position=PatientPosition.HFS,
        approval="APPROVED",
        beams=beams,
        structure_set_uid=f"{ROOT}.40",
        fractions_planned=20,
        created_at=series_header("62").created_at,
        manufacturer="OpenIGRT",
        reviewed_at=series_header("62").created_at,
        fraction_groups=(FractionGroup(1, 20, (BeamShare(1, 210.5), BeamShare(2))),),
        setups=(PlannedSetup(1, "HFS"),),
    )


def dose(direction=OBLIQUE):
    values = np.linspace(0, 61.7, 120, dtype=np.float32).reshape(4, 5, 6)
    return DoseGrid(values, grid(direction), f"{ROOT}.42", "PLAN", f"{ROOT}.41")


def write_all(folder, direction=OBLIQUE):
    for k, dataset in enumerate(write_image_series(image(direction), series_header("60"))):
        save(dataset, folder / "ct" / f"{k}.dcm")
    save(write_structure_set(structures(), image(direction), series_header("61")), folder / "rs.dcm")
    save(write_plan(plan(), series_header("62")), folder / "rp.dcm")
    save(write_dose(dose(direction), series_header("63")), folder / "rd.dcm")
    return folder


@requires_dciodvfy
@pytest.mark.parametrize("name", ["ct/0", "rs", "rp", "rd"])
def test_dciodvfy_finds_no_errors(tmp_path, name):
    assert validated(write_all(tmp_path) / f"{name}.dcm") == []


def test_all_comes_back_as_one_plan_folder(tmp_path):
    read = read_plan_folder(write_all(tmp_path))
    assert np.array_equal(read.planning_image.voxels, image().voxels)
    assert np.allclose(read.planning_image.grid.points((5, 4, 3)), grid().points((5, 4, 3)), atol=1e-6)
    assert read.planning_image.provenance.acquired_at == series_header("60").created_at
    assert read.plan.beams == plan().beams
    assert read.plan == plan()
    assert np.abs(read.dose.dose_gy - dose().dose_gy).max() <= 61.7 / 131070 * 1.001
    assert len(read.inputs) == 7


def test_structures_come_back(tmp_path):
    read, messages = read_structure_set(read_object(write_all(tmp_path) / "rs.dcm")[0])
    for found, expected in zip(read.structures, structures().structures, strict=True):
        assert (found.number, found.name, found.role, found.color) == (
            expected.number,
            expected.name,
            expected.role,
            expected.color,
        )
        for contour, original in zip(found.contours, expected.contours, strict=True):
            assert contour.kind is original.kind
            assert np.allclose(contour.points_mm, original.points_mm, atol=1e-9)
    assert (read.frame, read.image_instance_uids) == (FRAME, structures().image_instance_uids)
    assert messages == ()


@pytest.mark.parametrize("mirror", [1.0, -1.0], ids=["right-handed", "left-handed"])
def test_grids_of_either_hand_keep_voxels_in_place(tmp_path, mirror):
    direction = OBLIQUE * np.array([1.0, 1.0, mirror])
    write_all(tmp_path, direction)
    read = read_plan_folder(tmp_path)
    point = grid(direction).points((2, 3, 1))
    i, j, k = np.rint(read.planning_image.grid.indices(point)).astype(int)
    assert read.planning_image.voxels[k, j, i] == image(direction).voxels[1, 3, 2]
    i, j, k = np.rint(read.dose.grid.indices(point)).astype(int)
    assert read.dose.dose_gy[k, j, i] == pytest.approx(dose(direction).dose_gy[1, 3, 2], abs=1e-3)


def test_itk_reads_the_slices_where_they_are(tmp_path):
    folder = write_all(tmp_path) / "ct"
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(folder)))
    oracle = reader.Execute()
    assert np.array_equal(sitk.GetArrayFromImage(oracle), image().voxels)
    assert np.allclose(oracle.TransformIndexToPhysicalPoint((5, 4, 3)), grid().points((5, 4, 3)), atol=1e-4)


def test_nan_is_written_as_padding_and_comes_back(tmp_path):
    voxels = np.array(image().voxels)
    voxels[:, 0, :2] = np.nan
    for k, dataset in enumerate(write_image_series(image(voxels=voxels, modality=Modality.CBCT), series_header("60"))):
        save(dataset, tmp_path / f"{k}.dcm")
    read = read_plan_folder(tmp_path).planning_image
    assert read.modality is Modality.CBCT
    assert np.array_equal(read.voxels, voxels, equal_nan=True)


def test_values_that_do_not_fit_are_refused():
    with pytest.raises(UnsupportedInput, match="do not fit 16 bits"):
        list(write_image_series(image(voxels=np.full((4, 5, 6), 40_000.0, np.float32)), series_header("60")))
    with pytest.raises(UnsupportedInput, match="not MR"):
        list(write_image_series(image(modality=Modality.MR), series_header("60")))


def test_every_object_says_that_it_is_for_research_only(tmp_path):
    for path in write_all(tmp_path).rglob("*.dcm"):
        dataset = dcmread(path)
        assert "research only" in dataset.SeriesDescription
        assert "OpenIGRT" in dataset.Manufacturer
        assert "research only" in dataset.ManufacturerModelName


def test_same_input_gives_the_same_bytes(tmp_path):
    one, two = write_all(tmp_path / "one"), write_all(tmp_path / "two")
    for path in one.rglob("*.dcm"):
        assert path.read_bytes() == (two / path.relative_to(one)).read_bytes()


def test_saving_leaves_nothing_half_written(tmp_path):
    dataset = write_dose(dose(), series_header("63"))
    dataset.PixelData = "no bytes"
    with pytest.raises(TypeError):
        save(dataset, tmp_path / "rd.dcm")
    assert list(tmp_path.iterdir()) == []


@requires_dciodvfy
def test_a_plan_approved_nobody_knows_when_is_valid_and_no_date_is_made_up(tmp_path):
    save(write_plan(replace(plan(), reviewed_at=None), series_header("62")), tmp_path / "rp.dcm")
    assert validated(tmp_path / "rp.dcm") == []
    assert read_plan(read_object(tmp_path / "rp.dcm")[0])[0] == replace(plan(), reviewed_at=None)


def test_plan_and_dose_alone(tmp_path):
    read, messages = read_plan(write_plan(plan(), series_header("62")))
    assert read == plan()
    assert messages == ()
    assert read_dose(write_dose(dose(), series_header("63"))).plan_uid == plan().uid
