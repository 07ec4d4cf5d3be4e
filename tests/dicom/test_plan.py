"""RT Plans: values carried from control point to control point, setup beams, isocenters, what is missing."""

import pytest

from openigrt.dicom import PlanDefaults, read_plan
from openigrt.errors import (
    InconsistentInput,
    MissingInput,
    UnreadableFile,
    UnsupportedPatientPosition,
)
from openigrt.geometry import Frame, PatientPosition
from openigrt.patient import BeamLimitingDevice
from tests.dicom.dicom_cases import FRAME, PLAN, SET, beam, control_point, full_control_point, plan, sequence_item

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:pydicom")


def test_general_values():
    read, messages = read_plan(plan(ApprovalStatus="APPROVED"))
    assert (read.uid, read.label, read.approval) == (PLAN, "Plan A", "APPROVED")
    assert (read.patient_id, read.structure_set_uid, read.fractions_planned) == ("P1", SET, 20)
    assert read.frame == Frame.plan(FRAME)
    assert read.patient_position is PatientPosition.HFS
    assert messages == ()
    assert (read.beams[0].meterset_mu, read.beams[0].source_axis_distance_mm) == (100.0, 1000.0)


def test_omitted_values_stay_as_they_were():
    leaves = [sequence_item(RTBeamLimitingDeviceType="MLCX", LeafJawPositions=[-1, -2, 1, 2])]
    points = [
        full_control_point(GantryAngle=170, TableTopPitchAngle=1.5),
        control_point(1, GantryAngle=180, BeamLimitingDevicePositionSequence=leaves),
        control_point(2, GantryAngle=190, PatientSupportAngle=7),
        control_point(3),
    ]
    devices = [
        sequence_item(RTBeamLimitingDeviceType="MLCX", NumberOfLeafJawPairs=2, LeafPositionBoundaries=[-5, 0, 5])
    ]
    read = read_plan(plan(beams=[beam(points=points, BeamLimitingDeviceSequence=devices)]))[0].beams[0]
    assert [p.gantry_angle_deg for p in read.control_points] == [170, 180, 190, 190]
    assert [p.couch.patient_support_angle_deg for p in read.control_points] == [5, 5, 7, 7]
    assert [p.couch.table_top_pitch_angle_deg for p in read.control_points] == [1.5] * 4
    assert [p.jaw_x_mm for p in read.control_points] == [(-50, 40)] * 4
    assert [p.positions_mm_of("MLCX") for p in read.control_points] == [()] + [(-1, -2, 1, 2)] * 3
    assert read.leaves == (BeamLimitingDevice("MLCX", 2, (-5, 0, 5)),)


def test_several_isocenters_are_kept_apart():
    second = beam(2, [full_control_point(isocenter=(10.0, 20.0, 30.0)), control_point(1)])
    read = read_plan(plan(beams=[beam(1), second]))[0]
    assert [b.isocenter_mm for b in read.beams] == [(-7.0, -15.0, 33.0), (10.0, 20.0, 30.0)]


def test_an_isocenter_that_moves_is_read():
    points = [
        full_control_point(),
        control_point(1, IsocenterPosition=[-7, -15, 33.0005]),
        control_point(2, IsocenterPosition=[-7, -15, 34]),
        control_point(3),
        control_point(4, IsocenterPosition=[-7, -15, 33]),
    ]
    read = read_plan(plan(beams=[beam(points=points)]))[0].beams[0]
    assert read.isocenter_mm == (-7.0, -15.0, 33.0)
    assert [p.isocenter_mm for p in read.control_points] == [None, None, (-7.0, -15.0, 34.0), (-7.0, -15.0, 34.0), None]
    assert read.isocenter_at(read.control_points[0]) == (-7.0, -15.0, 33.0)


def test_setup_beams():
    without_isocenter = full_control_point()
    del without_isocenter.IsocenterPosition
    beams = [beam(1), beam(2, [without_isocenter], "SETUP"), beam(3, delivery="SETUP"), beam(4)]
    read, messages = read_plan(plan(beams=beams, metersets={1: 50.0}))
    assert [(b.number, b.is_setup) for b in read.beams] == [(1, False), (2, True), (3, True), (4, True)]
    assert [b.isocenter_mm is None for b in read.beams] == [False, True, False, False]
    assert messages == ("Beam 4 'B4' has no meterset: taken as a setup beam.",)


def test_frame_and_position_from_elsewhere_are_said():
    dataset = plan(position="")
    del dataset.FrameOfReferenceUID
    read, messages = read_plan(dataset, PlanDefaults("9.9", PatientPosition.FFP))
    assert (read.frame, read.patient_position) == (Frame.plan("9.9"), PatientPosition.FFP)
    assert len(messages) == 2
    with pytest.raises(MissingInput, match="no frame of reference"):
        read_plan(dataset)
    with pytest.raises(MissingInput, match="patient position"):
        read_plan(dataset, PlanDefaults("9.9"))


def test_different_and_unknown_patient_positions():
    dataset = plan()
    dataset.PatientSetupSequence = [sequence_item(PatientPosition="HFS"), sequence_item(PatientPosition="HFP")]
    with pytest.raises(InconsistentInput, match="different patient positions"):
        read_plan(dataset)
    with pytest.raises(UnsupportedPatientPosition, match="LFP"):
        read_plan(plan(position="LFP"))


def test_brachytherapy_has_no_beams():
    with pytest.raises(MissingInput, match="no beams"):
        read_plan(plan(BeamSequence=[]))


def test_ion_plan():
    dataset = plan()
    del dataset.BeamSequence
    points = [full_control_point(), control_point(1)]
    ion = beam()
    del ion.ControlPointSequence, ion.SourceAxisDistance
    ion.VirtualSourceAxisDistances, ion.IonControlPointSequence, ion.RadiationType = [2000, 2400], points, "PROTON"
    dataset.IonBeamSequence = [ion]
    read = read_plan(dataset)[0].beams[0]
    assert (read.radiation_type, read.source_axis_distance_mm, read.isocenter_mm) == ("PROTON", 2200.0, (-7, -15, 33))


def test_malformed_numbers_are_unreadable():
    dataset = plan()
    del dataset.BeamSequence[0].BeamNumber
    with pytest.raises(UnreadableFile, match="BeamNumber is missing"):
        read_plan(dataset)
