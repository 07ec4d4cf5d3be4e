"""The folder of the day: one image in its own frame, never guessed among several."""

import pytest

from openigrt.dicom import check_same_patient, check_same_position, read_daily_folder, read_plan_folder
from openigrt.errors import AmbiguousInput, InconsistentInput, MissingInput
from openigrt.geometry import Frame
from tests.dicom.dicom_cases import FRAME, ROOT, SERIES, SliceSeries, structure_set, volume, write, write_plan_folder

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:pydicom")

DAILY_SERIES, DAILY_FRAME = f"{ROOT}.80", f"{ROOT}.81"


def daily_series(**values):
    return SliceSeries(volume(), series_uid=DAILY_SERIES, frame_uid=DAILY_FRAME, **values)


def test_image_and_structures_of_the_day(tmp_path):
    daily_series().write(tmp_path)
    write(structure_set(series=DAILY_SERIES, frame_uid=DAILY_FRAME), tmp_path / "rs.dcm")
    write(structure_set(uid=f"{ROOT}.82"), tmp_path / "of the plan.dcm")
    daily = read_daily_folder(tmp_path, FRAME)
    assert daily.daily_image.frame == Frame.daily(DAILY_FRAME)
    assert daily.structure_set.frame == Frame.daily(DAILY_FRAME)
    assert len(daily.inputs) == 6
    assert daily.messages == ()


def test_a_shared_frame_is_said(tmp_path):
    daily_series().write(tmp_path)
    (message,) = read_daily_folder(tmp_path, DAILY_FRAME).messages
    assert "share the frame of reference" in message


def test_several_series_must_be_chosen(tmp_path):
    daily_series().write(tmp_path / "a")
    SliceSeries(volume(), header={"SeriesDescription": "second"}).write(tmp_path / "b")
    with pytest.raises(AmbiguousInput, match=r"2 image series: CT Image of 5 .*CT Image 'second' of 5"):
        read_daily_folder(tmp_path, FRAME)
    assert read_daily_folder(tmp_path, FRAME, SERIES).daily_image.frame == Frame.daily(FRAME)
    with pytest.raises(MissingInput, match=r"No image series has the UID '1\.2\.3'"):
        read_daily_folder(tmp_path, FRAME, "1.2.3")


def test_two_structure_sets_of_the_day_are_left_with_a_message(tmp_path):
    daily_series().write(tmp_path)
    for name in ("82", "83"):
        drawn = structure_set(uid=f"{ROOT}.{name}", series=DAILY_SERIES, frame_uid=DAILY_FRAME)
        write(drawn, tmp_path / f"{name}.dcm")
    daily = read_daily_folder(tmp_path, FRAME)
    assert daily.structure_set is None
    assert "No daily structures read" in daily.messages[0]


def test_cbct_with_a_missing_slice(tmp_path):
    daily_series().write(tmp_path, lambda k, dataset: k != 2)
    with pytest.raises(InconsistentInput, match="missing"):
        read_daily_folder(tmp_path, FRAME)


def test_another_patient_is_refused_by_both_names(tmp_path):
    plan = read_plan_folder(write_plan_folder(tmp_path / "plan"))
    other = daily_series(header={"PatientID": "P2", "PatientName": "Roe^Richard"}).write(tmp_path / "other")
    with pytest.raises(InconsistentInput, match=r"Doe\^Jane \(ID P1\).*Roe\^Richard \(ID P2\)"):
        check_same_patient(plan, read_daily_folder(other, FRAME))
    misspelt = daily_series(header={"PatientName": "Doe^Joan"}).write(tmp_path / "misspelt")
    with pytest.raises(InconsistentInput, match="Joan"):
        check_same_patient(plan, read_daily_folder(misspelt, FRAME))
    check_same_patient(plan, read_daily_folder(daily_series().write(tmp_path / "same"), FRAME))


def test_another_position_is_refused(tmp_path):
    plan = read_plan_folder(write_plan_folder(tmp_path / "plan"))
    prone = daily_series(header={"PatientPosition": "HFP"}).write(tmp_path / "prone")
    with pytest.raises(InconsistentInput, match="position HFS, the daily image was acquired in HFP"):
        check_same_position(plan, read_daily_folder(prone, FRAME))
    check_same_position(plan, read_daily_folder(daily_series().write(tmp_path / "same"), FRAME))
