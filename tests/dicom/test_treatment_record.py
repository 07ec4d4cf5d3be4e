"""Treatment records: read from what vendors leave of them, written whole, and the same to every reader."""

import subprocess
from dataclasses import replace
from datetime import UTC, datetime
from xml.etree import ElementTree

import pytest
from pydicom import dcmread
from pydicom.dataelem import DataElement
from pydicom.tag import Tag

from openigrt.dicom import read_object, read_treatment_record, save, write_treatment_record
from openigrt.errors import InconsistentInput, MissingInput, UnreadableFile, UnsupportedInput
from openigrt.patient import (
    AperturePositions,
    DeliveryType,
    RotationDirection,
    StatedPosition,
    TerminationStatus,
    VerificationStatus,
)
from tests.dicom.dicom_cases import PLAN, sequence_item, write
from tests.dicom.record_cases import (
    AT,
    delivered_point,
    first_point,
    ion_record,
    photon_record,
    position,
    session_beam,
    treatment_record,
)
from tests.dicom.required_attributes import lacking
from tests.dicom.writing_cases import requires_dciodvfy, series_header, validated

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:pydicom")


def read(dataset):
    return read_treatment_record(dataset)


def only_beam(dataset):
    record, _ = read(dataset)
    (beam,) = record.beams
    return beam


# -------------------------------------------------------------------------------- reading


def test_a_session():
    record, messages = read(treatment_record())
    assert messages == ()
    assert (record.patient_id, record.plan_uid, record.dosimeter_unit) == ("P1", PLAN, "MU")
    assert record.treated_at == datetime(2024, 3, 4, 9, 30, tzinfo=UTC)
    assert (record.machine.name, record.fractions_planned, record.fraction_group) == ("LINAC 1", 20, None)
    (beam,) = record.beams
    assert (beam.number, beam.fraction_number, beam.delivery_type) == (1, 3, DeliveryType.TREATMENT)
    assert (beam.termination, beam.verification) == (TerminationStatus.NORMAL, VerificationStatus.VERIFIED)
    assert (beam.specified_meterset, beam.delivered_meterset) == (100.0, 100.0)
    assert (beam.specified_secondary_meterset, beam.delivered_time_s, beam.wedges) == (None, None, None)


def test_the_time_of_a_control_point_has_the_zone_of_the_whole_record():
    assert only_beam(treatment_record()).control_points[0].at == AT


def test_what_a_control_point_omits_stays_as_it_was():
    first, last = only_beam(treatment_record()).control_points
    assert first.position == last.position
    assert first.position == StatedPosition(
        gantry_angle_deg=10.0,
        beam_limiting_device_angle_deg=350.0,
        patient_support_angle_deg=0.0,
        table_top_lateral_position_mm=-12.0,
        table_top_longitudinal_position_mm=890.5,
        table_top_vertical_position_mm=-123.4,
        table_top_pitch_angle_deg=1.5,
        table_top_roll_angle_deg=359.0,
    )
    assert last.aperture[1] == AperturePositions("MLCX", (-10.0, -20.0, 10.0, 20.0))


def test_what_is_never_stated_is_none_and_never_zero():
    beam = only_beam(treatment_record(beams=[session_beam(points=[delivered_point(DeliveredMeterset="")])]))
    (point,) = beam.control_points
    assert point.position == StatedPosition()
    assert (point.delivered_meterset, point.specified_meterset, point.rate_set, point.index) == (None,) * 4
    assert point.aperture == ()


def test_an_empty_value_is_not_known_though_it_was_before():
    points = [first_point(), delivered_point(TableTopLateralPosition=""), delivered_point(TableTopLateralPosition="-9")]
    lateral = [
        p.position.table_top_lateral_position_mm
        for p in only_beam(treatment_record(beams=[session_beam(points=points)])).control_points
    ]
    assert lateral == [-12.0, None, -9.0]


def test_couch_positions_without_a_first_one_are_relative_and_not_taken():
    """PS3.3 C.8.8.14.6: with a zero-length first value, later ones count from an unknown place."""
    points = [first_point(TableTopVerticalPosition=""), delivered_point(TableTopVerticalPosition="3")]
    record, messages = read(treatment_record(beams=[session_beam(points=points)]))
    assert [p.position.table_top_vertical_position_mm for p in record.beams[0].control_points] == [None, None]
    assert [p.position.table_top_lateral_position_mm for p in record.beams[0].control_points] == [-12.0, -12.0]
    assert len(messages) == 1
    assert "TableTopVerticalPosition is not stated at the first control point" in messages[0]


def test_a_record_that_says_next_to_nothing():
    """A salvage record: a beam and how much of it."""
    record, messages = read(treatment_record(beams=[sequence_item(DeliveredPrimaryMeterset="12.5")], plan_uid=""))
    (beam,) = record.beams
    assert (beam.number, beam.fraction_number, beam.delivered_meterset) == (None, None, 12.5)
    assert (beam.termination, beam.verification, beam.delivery_type) == (TerminationStatus.UNKNOWN, None, "UNKNOWN")
    assert beam.control_points == ()
    assert beam.start == StatedPosition()
    assert messages == ()


def test_words_that_nobody_knows_are_told():
    beam = session_beam(TreatmentTerminationStatus="EXPLODED", TreatmentDeliveryType="WARMUP")
    record, messages = read(treatment_record(beams=[beam]))
    assert record.beams[0].termination is TerminationStatus.UNKNOWN
    assert record.beams[0].delivery_type is DeliveryType.UNKNOWN
    assert sorted(messages) == [
        "TreatmentDeliveryType 'WARMUP' is not known; taken as not stated.",
        "TreatmentTerminationStatus 'EXPLODED' is not known; taken as not stated.",
    ]


def test_overrides_and_corrections():
    override = sequence_item(OverrideParameterPointer=0x300A0128, OperatorsName="A^B", OverrideReason="swollen")
    correction = sequence_item(
        ParameterSequencePointer=0x30080040, ParameterItemIndex=1, ParameterPointer=0x300A011E, CorrectionValue=0.5
    )
    point = first_point(OverrideSequence=[override], CorrectedParameterSequence=[correction])
    beam = only_beam(treatment_record(beams=[session_beam(points=[point])]))
    (found,) = beam.overrides
    assert (str(found.parameter), found.operators, found.reason, found.at) == (
        "TableTopVerticalPosition",
        "A^B",
        "swollen",
        AT,
    )
    (corrected,) = beam.control_points[0].corrections
    assert (corrected.parameter.name, corrected.parameter.item, corrected.correction) == ("GantryAngle", 1, 0.5)


def test_an_override_of_a_private_or_unnamed_parameter():
    items = [sequence_item(OverrideParameterPointer=0x30091001, OperatorsName=""), sequence_item(OperatorsName="")]
    beam = only_beam(treatment_record(beams=[session_beam(points=[first_point(OverrideSequence=items)])]))
    assert [str(o.parameter) for o in beam.overrides] == ["(3009,1001)", "an unnamed parameter"]


@pytest.mark.parametrize(
    ("keyword", "value", "said"),
    [
        ("DeliveredPrimaryMeterset", "-5", "DeliveredPrimaryMeterset is -5; expected 0 to"),
        ("DeliveredPrimaryMeterset", "NaN", "not finite"),
        ("DeliveredPrimaryMeterset", "1e400", "not finite"),
        ("DeliveredTreatmentTime", "1e9", "expected 0 to 86400"),
        ("ReferencedBeamNumber", "1\\2", "should be one number"),
    ],
)
def test_numbers_that_no_machine_gives_are_refused(keyword, value, said, tmp_path):
    dataset = treatment_record(beams=[session_beam(**{keyword: "1"})])
    beam = dataset.TreatmentSessionBeamSequence[0]
    beam[keyword] = DataElement(Tag(keyword), "LO", value)
    beam[keyword].VR = "DS"
    with pytest.raises(UnreadableFile, match=r"RT Beams Treatment Record .* cannot be read") as error:
        read(dataset)
    assert said in error.value.sentence


@pytest.mark.parametrize("value", ["1e7", "-1e7", "inf"])
def test_a_couch_that_stands_nowhere_is_refused(value):
    point = first_point()
    point.TableTopLateralPosition = "0"
    point["TableTopLateralPosition"]._value = value
    with pytest.raises(UnreadableFile, match="TableTopLateralPosition"):
        read(treatment_record(beams=[session_beam(points=[point])]))


def test_what_is_no_record():
    with pytest.raises(MissingInput, match="holds no beams; records of brachytherapy are not read"):
        read(treatment_record(beams=[]))
    with pytest.raises(UnsupportedInput, match="holds 1001 beams"):
        read(treatment_record(beams=[sequence_item()] * 1001))
    with pytest.raises(UnsupportedInput, match="100001 control points"):
        read(treatment_record(beams=[session_beam(points=[sequence_item()] * 100_001)]))


def test_devices_without_end_are_refused():
    """Each control point carries the devices of all before it: their number must not grow with the file."""
    points = [
        delivered_point(
            BeamLimitingDevicePositionSequence=[
                sequence_item(RTBeamLimitingDeviceType=f"D{n}", LeafJawPositions=[-1, 1])
            ]
        )
        for n in range(21)
    ]
    with pytest.raises(UnsupportedInput, match="more than 20 devices"):
        read(treatment_record(beams=[session_beam(points=points)]))


def test_spots_that_do_not_fit_each_other_are_refused():
    dataset = write_treatment_record(ion_record(), series_header("84"))
    point = dataset.TreatmentSessionIonBeamSequence[0].IonControlPointDeliverySequence[0]
    point.ScanSpotMetersetsDelivered = [1.0, 2.0]
    with pytest.raises(InconsistentInput, match="6 coordinates, 2 metersets and 3 indices"):
        read(dataset)
    point.ScanSpotMetersetsDelivered = [1.0, 2.0, float("nan")]
    with pytest.raises(UnreadableFile, match="ScanSpotMetersetsDelivered is not finite"):
        read(dataset)


# -------------------------------------------------------------------------------- writing


def written(record, tmp_path):
    path = tmp_path / "record.dcm"
    save(write_treatment_record(record, series_header("84")), path)
    return path


@requires_dciodvfy
def test_a_photon_record_is_valid(tmp_path):
    assert validated(written(photon_record(), tmp_path)) == []


@requires_dciodvfy
def test_an_ion_record_is_valid(tmp_path):
    """But for two rules of dciodvfy that are not those of PS3.3 C.8.8.26.

    Of the three words for the verification it knows one, VERIFIED_OVR; and it asks for the modulated scan mode though
    the scan mode is MODULATED, not MODULATED_SPEC.
    """
    wrongly_told = {
        "Error - Unrecognized enumerated value <VERIFIED> for value 1 of attribute <Treatment Verification Status>",
        "Error - Missing attribute Type 1C Conditional Element=<ModulatedScanModeType> "
        "Module=<RTIonBeamsSessionRecord>",
    }
    assert set(validated(written(ion_record(), tmp_path))) == wrongly_told


@pytest.mark.parametrize(
    ("record", "iod"),
    [(photon_record(), "rt-beams-treatment-record"), (ion_record(), "rt-ion-beams-treatment-record")],
    ids=["photon", "ion"],
)
def test_records_have_what_the_standard_asks_for(record, iod, tmp_path):
    assert lacking(dcmread(written(record, tmp_path)), iod) == []


def test_a_photon_record_is_read_back_the_same(tmp_path):
    found, messages = read(read_object(written(photon_record(), tmp_path))[0])
    assert found == photon_record()
    assert messages == ()


def test_an_ion_record_is_read_back_the_same(tmp_path):
    found, _ = read(read_object(written(ion_record(), tmp_path))[0])
    expected = ion_record()
    for beam, wanted in zip(found.beams, expected.beams, strict=True):
        for point, other in zip(beam.control_points, wanted.control_points, strict=True):
            assert point.spots.positions_mm == pytest.approx(other.spots.positions_mm, rel=1e-6)  # single precision
            assert point.spots.metersets == pytest.approx(other.spots.metersets, rel=1e-6)
            assert (point.spots.prescribed, point.spots.sizes_mm) == (other.spots.prescribed, other.spots.sizes_mm)
            assert replace(point, spots=None) == replace(other, spots=None)
    bare = [replace(r, beams=tuple(replace(b, control_points=()) for b in r.beams)) for r in (found, expected)]
    assert bare[0] == bare[1]


def test_pydicom_alone_reads_what_was_delivered(tmp_path):
    dataset = dcmread(written(photon_record(), tmp_path))
    (beam,) = dataset.TreatmentSessionBeamSequence
    first, second, third = beam.ControlPointDeliverySequence
    assert (dataset.TreatmentDate, dataset.TreatmentTime, dataset.TimezoneOffsetFromUTC) == (
        "20240304",
        "093015.250",
        "+0000",
    )
    assert (float(first.GantryAngle), float(second.GantryAngle), float(third.GantryAngle)) == (350.0, 5.0, 3.0)
    assert [p.GantryRotationDirection for p in (first, second, third)] == ["CW", "CC", "NONE"]
    assert "BeamLimitingDeviceAngle" not in second
    assert float(second.TableTopVerticalPosition) == -149.5
    assert third.TableTopVerticalPosition is None
    assert "TableTopLateralPosition" not in second
    assert int(first.OverrideSequence[0].OverrideParameterPointer) == 0x300A012A
    assert len(second.BeamLimitingDevicePositionSequence) == 1
    assert "BeamLimitingDevicePositionSequence" not in third


def test_dcmtk_reads_what_was_delivered(tmp_path):
    done = subprocess.run(["dcm2xml", str(written(photon_record(), tmp_path))], capture_output=True, check=True)
    tree = ElementTree.fromstring(done.stdout)
    metersets = [e.text for e in tree.iter("element") if e.get("name") == "DeliveredMeterset"]
    assert [float(text) for text in metersets] == [0.0, 50.1, 80.25]
    (termination,) = [e.text for e in tree.iter("element") if e.get("name") == "TreatmentTerminationStatus"]
    assert termination == "OPERATOR"
    pitch = [float(e.text) for e in tree.iter("element") if e.get("name") == "TableTopPitchAngle"]
    assert pitch == [1.5]


def without(record, **values):
    """The record with its beam changed."""
    return replace(record, beams=(replace(record.beams[0], **values),))


def with_first_point(record, **values):
    points = record.beams[0].control_points
    return without(record, control_points=(replace(points[0], **values), *points[1:]))


@pytest.mark.parametrize(
    ("record", "error", "said"),
    [
        (replace(photon_record(), dosimeter_unit=""), MissingInput, "the unit of the dosimeter is not known"),
        (without(photon_record(), radiation_type=""), MissingInput, "the radiation type of a beam"),
        (without(photon_record(), wedges=None), MissingInput, "the number of wedges"),
        (without(photon_record(), wedges=1), UnsupportedInput, "with 1 wedges"),
        (without(photon_record(), control_points=()), MissingInput, "no control points"),
        (with_first_point(photon_record(), at=None), MissingInput, "the date and time of a control point"),
        (with_first_point(photon_record(), delivered_meterset=None), MissingInput, "the meterset of a control point"),
        (
            with_first_point(photon_record(), position=StatedPosition()),
            MissingInput,
            "BeamLimitingDeviceAngle is not known",
        ),
        (with_first_point(photon_record(), position=position(gantry_angle_deg=None)), MissingInput, "GantryAngle is"),
        (without(ion_record(), number=None), MissingInput, "the number of a beam"),
        (without(ion_record(), ion=None), MissingInput, "how a beam of ions was delivered"),
        (without(ion_record(), boli=None), MissingInput, "the number of boli"),
    ],
)
def test_what_the_standard_asks_for_is_never_made_up(record, error, said):
    with pytest.raises(error, match=said):
        write_treatment_record(record, series_header("84"))


def test_the_way_that_the_gantry_turned_is_never_guessed(tmp_path):
    """From 350 to 5 degrees the long way round: only the direction tells, and nobody but the record knows it."""
    points = photon_record().beams[0].control_points
    long_way = (replace(points[0], gantry_rotation=RotationDirection.COUNTER_CLOCKWISE), *points[1:])
    dataset = dcmread(written(without(photon_record(), control_points=long_way), tmp_path))
    point = dataset.TreatmentSessionBeamSequence[0].ControlPointDeliverySequence[0]
    assert (float(point.GantryAngle), point.GantryRotationDirection) == (350.0, "CC")
    with pytest.raises(MissingInput, match="the direction in which the gantry turned"):
        write_treatment_record(with_first_point(photon_record(), gantry_rotation=None), series_header("84"))
    whole_turn = tuple(
        replace(p, position=points[0].position, gantry_rotation=points[0].gantry_rotation) for p in points
    )
    dataset = dcmread(written(without(photon_record(), control_points=whole_turn), tmp_path))
    assert dataset.TreatmentSessionBeamSequence[0].ControlPointDeliverySequence[1].GantryRotationDirection == "CW"


def test_a_couch_that_turns_during_a_beam_is_not_written():
    turned = replace(photon_record().beams[0].control_points[0].position, patient_support_angle_deg=10.0)
    with pytest.raises(UnsupportedInput, match="PatientSupportAngle moves"):
        write_treatment_record(with_first_point(photon_record(), position=turned), series_header("84"))


def test_a_record_of_two_plans_is_of_the_first_which_is_told():
    dataset = treatment_record()
    dataset.ReferencedRTPlanSequence.append(sequence_item(ReferencedSOPInstanceUID="1.2.3"))
    record, messages = read(dataset)
    assert record.plan_uid == PLAN
    assert messages == (f"It names 2 plans; taken as of the first, {PLAN}.",)


def test_a_record_from_a_file(tmp_path):
    path = write(treatment_record(), tmp_path / "record.dcm")
    assert read(read_object(path)[0])[0] == read(treatment_record())[0]
