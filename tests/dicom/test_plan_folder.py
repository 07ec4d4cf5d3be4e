"""Plan folders: what belongs together is chosen by UID and said; what contradicts is refused in one sentence."""

import os

import numpy as np
import pytest

from openigrt.dicom import read_plan_folder
from openigrt.errors import AmbiguousInput, InconsistentInput, MissingInput, UnreadableFile, UnsupportedInput
from openigrt.geometry import Frame
from openigrt.patient import StructureRole
from tests.dicom.dicom_cases import (
    DOSE,
    FRAME,
    MR,
    PLAN,
    ROOT,
    SERIES,
    SET,
    SliceSeries,
    beam,
    control_point,
    dose,
    full_control_point,
    plan,
    square_mm,
    structure_set,
    volume,
    write,
    write_plan_folder,
)
from tests.dicom.enhanced_cases import Frames

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:pydicom")


def one_sentence(error):
    sentence = str(error.value)
    assert "\n" not in sentence
    return sentence


def test_everything_that_belongs_together(tmp_path):
    read = read_plan_folder(write_plan_folder(tmp_path))
    assert read.planning_image.grid.size == (7, 6, 5)
    assert read.planning_image.frame == Frame.plan(FRAME)
    assert read.structure_set.structures[0].role is StructureRole.PTV
    assert (read.plan.uid, read.dose.uid) == (PLAN, DOSE)
    assert len(read.inputs) == 8
    assert {file.sop_instance_uid for file in read.inputs} >= {PLAN, DOSE, SET, f"{SERIES}.1"}
    assert any("Chose CT Image of 5" in message for message in read.choices)


def test_the_series_that_the_structures_were_drawn_on_is_chosen(tmp_path):
    write_plan_folder(tmp_path)
    SliceSeries(volume(slices=9), series_uid=f"{ROOT}.70").write(tmp_path / "other phase")
    SliceSeries(volume(slices=4), series_uid=f"{ROOT}.71", sop_class=MR).write(tmp_path / "mr")
    (tmp_path / "thumbs.db").write_bytes(b"junk")
    read = read_plan_folder(tmp_path)
    assert read.planning_image.provenance.series_uid == SERIES
    assert "Skipped 1 file (thumbs.db): not DICOM." in read.choices


def test_without_plan_and_without_structures(tmp_path):
    write_plan_folder(tmp_path)
    (tmp_path / "rp.dcm").unlink()
    (tmp_path / "rd.dcm").unlink()
    read = read_plan_folder(tmp_path)
    assert (read.plan, read.dose) == (None, None)
    assert "The folder holds no plan." in read.messages
    (tmp_path / "rs.dcm").unlink()
    assert read_plan_folder(tmp_path).structure_set is None


def test_several_plans_must_be_chosen(tmp_path):
    write_plan_folder(tmp_path)
    write(plan(uid=f"{ROOT}.44", RTPlanLabel="Boost"), tmp_path / "rp2.dcm")
    with pytest.raises(AmbiguousInput, match=r"2 plans: 'Plan A' \[.*'Boost' \[") as error:
        read_plan_folder(tmp_path)
    assert "--plan" in one_sentence(error)
    chosen = read_plan_folder(tmp_path, plan_uid=f"{ROOT}.44")
    assert chosen.plan.label == "Boost"
    assert chosen.dose is None
    with pytest.raises(MissingInput, match=r"No plan has the UID '1\.2\.3'"):
        read_plan_folder(tmp_path, plan_uid="1.2.3")


def test_two_patients(tmp_path):
    write_plan_folder(tmp_path)
    write(structure_set(uid=f"{ROOT}.45", PatientID="P2", PatientName="Roe^Richard"), tmp_path / "rs2.dcm")
    with pytest.raises(InconsistentInput, match="Two patients") as error:
        read_plan_folder(tmp_path)
    assert "Doe^Jane (ID P1)" in one_sentence(error)
    assert "Roe^Richard (ID P2)" in one_sentence(error)


def test_plan_of_another_patient(tmp_path):
    write_plan_folder(tmp_path, PatientID="P9")
    with pytest.raises(InconsistentInput, match="P9"):
        read_plan_folder(tmp_path)


def test_capitals_and_separators_of_a_name_make_no_other_patient(tmp_path):
    write_plan_folder(tmp_path, PatientName="DOE^JANE^")
    assert read_plan_folder(tmp_path).plan is not None


def test_structures_of_another_ct(tmp_path):
    SliceSeries(volume(), series_uid=f"{ROOT}.70", frame_uid=f"{ROOT}.71").write(tmp_path)
    write(structure_set(), tmp_path / "rs.dcm")
    with pytest.raises(InconsistentInput, match=f"drawn on series {SERIES} in frame {FRAME}") as error:
        read_plan_folder(tmp_path)
    assert f"{ROOT}.71" in one_sentence(error)


def test_structures_that_name_another_series_of_the_same_frame_are_taken_with_a_warning(tmp_path):
    SliceSeries(volume(), series_uid=f"{ROOT}.70").write(tmp_path)
    write(structure_set(), tmp_path / "rs.dcm")
    read = read_plan_folder(tmp_path)
    assert any(f"names another series, {SERIES}" in message for message in read.messages)
    SliceSeries(volume(), series_uid=f"{ROOT}.71").write(tmp_path / "second")
    with pytest.raises(AmbiguousInput, match="2 image series"):
        read_plan_folder(tmp_path)


def test_plan_in_another_frame(tmp_path):
    write_plan_folder(tmp_path, FrameOfReferenceUID=f"{ROOT}.77")
    with pytest.raises(InconsistentInput, match=f"lies in frame {ROOT}.77"):
        read_plan_folder(tmp_path)


def test_plan_for_another_position_than_the_image(tmp_path):
    prone = SliceSeries(volume(), header={"PatientPosition": "HFP"})
    write_plan_folder(tmp_path, prone)
    with pytest.raises(InconsistentInput, match="position HFS, the planning image was acquired in HFP"):
        read_plan_folder(tmp_path)


def test_contours_beyond_the_ct_and_absent_slices_are_said(tmp_path):
    SliceSeries(volume()).write(tmp_path)
    rois = (("Bowel", "ORGAN", (square_mm(30.0), square_mm(21.0))), ("In", "ORGAN", (square_mm(42.0),)))
    write(structure_set(rois=rois, slices=12), tmp_path / "rs.dcm")
    messages = read_plan_folder(tmp_path).messages
    assert "Contours of Bowel reach 9.0 mm beyond the first slice of the image." in messages
    assert not any("Contours of In" in message for message in messages)
    assert any("names 12 slices, of which 7 are not in the folder" in message for message in messages)


def test_no_image(tmp_path):
    write(plan(), tmp_path / "rp.dcm")
    with pytest.raises(MissingInput, match="holds no CT, MR or PET image; found: RT Plan of 1"):
        read_plan_folder(tmp_path)


def test_a_plan_on_an_enhanced_ct_is_the_plan_on_its_slices(tmp_path):
    single = read_plan_folder(write_plan_folder(tmp_path / "slices"))
    Frames(volume()).write(tmp_path / "frames")
    for dataset in (structure_set(slices=1), plan(), dose()):
        write(dataset, tmp_path / "frames" / f"{dataset.Modality}.dcm")
    folder = read_plan_folder(tmp_path / "frames")
    assert folder.planning_image.grid == single.planning_image.grid
    assert np.array_equal(folder.planning_image.voxels, single.planning_image.voxels)
    assert folder.dose is not None
    assert folder.messages == single.messages


def four_dimensional(folder):
    """A plan on the second of three phases of one series."""
    for n, percent in enumerate((0, 50, 100)):
        series = SliceSeries(volume() + 100 * n, header={"NominalPercentageOfRespiratoryPhase": percent})

        def named(k, dataset, n=n):
            dataset.SOPInstanceUID = f"{SERIES}.{5 * ((n + 2) % 3) + k + 1}"
            dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID

        series.write(folder / f"phase {n}", named)
    write(structure_set(), folder / "rs.dcm")
    write(plan(), folder / "rp.dcm")
    return folder


def test_the_phase_that_structures_were_drawn_on_is_chosen_and_another_one_may_be_named(tmp_path):
    folder = four_dimensional(tmp_path)
    drawn = read_plan_folder(folder)
    assert drawn.planning_image.provenance.phase.name == "50%"
    assert np.array_equal(drawn.planning_image.voxels, volume() + 100)
    for words in ("@100%", f"{SERIES}@100"):
        named = read_plan_folder(folder, series=words)
        assert np.array_equal(named.planning_image.voxels, volume() + 200)
    with pytest.raises(MissingInput, match="no phase '30%': it holds 0%, 50%, 100%"):
        read_plan_folder(folder, series="@30%")


def test_phases_of_a_plan_without_structures_are_named(tmp_path):
    folder = four_dimensional(tmp_path)
    (folder / "rs.dcm").unlink()
    with pytest.raises(AmbiguousInput, match=r"3 volumes: 0%, 50%, 100%\. Choose one, such as --plan-series .*@0%"):
        read_plan_folder(folder)


def test_another_series_may_be_named_as_planning_image(tmp_path):
    folder = write_plan_folder(tmp_path)
    SliceSeries(volume() + 7, series_uid=f"{SERIES}.9").write(folder / "other")
    named = read_plan_folder(folder, series=f"{SERIES}.9")
    assert np.array_equal(named.planning_image.voxels, volume() + 7)
    assert any("was not drawn on" in message for message in named.messages)
    with pytest.raises(MissingInput, match=r"No image series has the UID '1\.2'"):
        read_plan_folder(folder, series="1.2")


@pytest.mark.parametrize("name", ["ct", "rs.dcm", "rp.dcm"])
def test_a_truncated_file_is_named(tmp_path, name):
    write_plan_folder(tmp_path)
    path = tmp_path / name if name != "ct" else sorted((tmp_path / "ct").iterdir())[2]
    os.truncate(path, path.stat().st_size - 30)
    with pytest.raises(UnreadableFile, match="truncated") as error:
        read_plan_folder(tmp_path)
    assert path.name in one_sentence(error)


def test_plan_that_names_an_absent_structure_set(tmp_path):
    write_plan_folder(tmp_path, set_uid="1.2.3.4")
    read = read_plan_folder(tmp_path)
    assert read.structure_set.uid == SET
    assert any("names structure set 1.2.3.4, which is not in the folder. Using the only" in m for m in read.messages)


def test_several_structure_sets_without_a_plan(tmp_path):
    SliceSeries(volume()).write(tmp_path)
    write(structure_set(), tmp_path / "a.dcm")
    write(structure_set(uid=f"{ROOT}.46"), tmp_path / "b.dcm")
    with pytest.raises(AmbiguousInput, match="2 structure sets"):
        read_plan_folder(tmp_path)


def test_plan_without_structure_set_takes_the_ct_of_its_frame(tmp_path):
    SliceSeries(volume()).write(tmp_path / "a")
    SliceSeries(volume(), series_uid=f"{ROOT}.70", frame_uid=f"{ROOT}.71").write(tmp_path / "b")
    write(plan(), tmp_path / "rp.dcm")
    read = read_plan_folder(tmp_path)
    assert read.planning_image.provenance.series_uid == SERIES
    assert any("as planning image" in message for message in read.choices)
    write(plan(FrameOfReferenceUID="1.2.3"), tmp_path / "rp.dcm")
    with pytest.raises(InconsistentInput, match=r"The plan lies in frame 1\.2\.3"):
        read_plan_folder(tmp_path)


def test_two_cts_and_nothing_to_choose_by(tmp_path):
    SliceSeries(volume()).write(tmp_path / "a")
    SliceSeries(volume(), series_uid=f"{ROOT}.70").write(tmp_path / "b")
    with pytest.raises(AmbiguousInput, match="2 image series"):
        read_plan_folder(tmp_path)


def test_doses_that_are_not_the_plans_are_left_with_a_message(tmp_path):
    write_plan_folder(tmp_path)
    write(dose(uid=f"{ROOT}.47", DoseSummationType="BEAM"), tmp_path / "beam.dcm")
    assert read_plan_folder(tmp_path).dose.uid == DOSE
    write(dose(uid=f"{ROOT}.48"), tmp_path / "second.dcm")
    read = read_plan_folder(tmp_path)
    assert read.dose is None
    assert "No dose read: of 3 in the folder 2 are the whole dose of the plan." in read.messages


def test_a_dose_that_cannot_be_read_does_not_stop_the_plan(tmp_path):
    write_plan_folder(tmp_path)
    write(dose(DoseUnits="RELATIVE"), tmp_path / "rd.dcm")
    read = read_plan_folder(tmp_path)
    assert read.dose is None
    assert any(message.startswith("No dose read: RT Dose") for message in read.messages)


def test_geometry_of_dose_and_image_agree(tmp_path):
    read = read_plan_folder(write_plan_folder(tmp_path))
    assert np.allclose(read.dose.grid.points((3, 2, 1)), read.planning_image.grid.points((3, 2, 1)))


def test_an_isocenter_that_moves_cannot_be_guided_to(tmp_path):
    points = [full_control_point(), control_point(1, IsocenterPosition=[-7, -15, 34])]
    write_plan_folder(tmp_path, beams=[beam(points=points)])
    with pytest.raises(
        UnsupportedInput, match=r"isocenter of beam 'B1' moves from .*33\.0\) to .*34\.0\); not handled"
    ):
        read_plan_folder(tmp_path)


def test_setup_beams_without_isocenter_are_left_out(tmp_path):
    without_isocenter = full_control_point()
    del without_isocenter.IsocenterPosition
    beams = [beam(1), beam(2, [without_isocenter], "SETUP"), beam(3, delivery="SETUP"), beam(4)]
    read = read_plan_folder(write_plan_folder(tmp_path, beams=beams, metersets={1: 50.0}))
    assert [(b.number, b.is_setup) for b in read.plan.beams] == [(1, False), (3, True), (4, True)]
    assert {
        "Left out setup beam 'B2': it has no isocenter.",
        "Beam 4 'B4' has no meterset: taken as a setup beam.",
    } <= set(read.messages)


@pytest.mark.parametrize(("delivery", "said"), [("TREATMENT", "'B1' has no isocenter"), ("SETUP", "no beam with")])
def test_a_plan_that_aims_nowhere_is_refused(tmp_path, delivery, said):
    point = full_control_point()
    del point.IsocenterPosition
    write_plan_folder(tmp_path, beams=[beam(points=[point], delivery=delivery)])
    with pytest.raises(MissingInput, match=said):
        read_plan_folder(tmp_path)
