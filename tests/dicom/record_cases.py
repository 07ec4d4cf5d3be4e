"""Treatment records: data sets made with pydicom alone, and nouns that are whole enough to be written."""

from datetime import UTC, datetime, timedelta

import numpy as np

from openigrt.patient import (
    AperturePositions,
    CalculatedDose,
    CorrectedParameter,
    DeliveredBeam,
    DeliveredControlPoint,
    DeliveredSpots,
    DeliveryType,
    IonDelivery,
    Override,
    Parameter,
    RangeShifterSetting,
    RotationDirection,
    StatedPosition,
    TerminationStatus,
    TreatmentMachine,
    TreatmentRecord,
    VerificationImage,
    VerificationStatus,
)
from tests.dicom.dicom_cases import PLAN, ROOT, RTPLAN, dicom_object, sequence_item

RTRECORD = "1.2.840.10008.5.1.4.1.1.481.4"
RTIONRECORD = "1.2.840.10008.5.1.4.1.1.481.9"
RTIMAGE = "1.2.840.10008.5.1.4.1.1.481.1"
RECORD = f"{ROOT}.80"
AT = datetime(2024, 3, 4, 9, 30, 15, 250000, tzinfo=UTC)


def delivered_point(**values):
    shown = {
        "TreatmentControlPointDate": "20240304",
        "TreatmentControlPointTime": "103015.25",
        "SpecifiedMeterset": "",
        "DeliveredMeterset": "0",
    }
    return sequence_item(**{**shown, **values})


def first_point(**values):
    jaws = [
        sequence_item(RTBeamLimitingDeviceType="ASYMX", LeafJawPositions=[-50, 40]),
        sequence_item(RTBeamLimitingDeviceType="MLCX", LeafJawPositions=[-10, -20, 10, 20]),
    ]
    shown = {
        "GantryAngle": "10",
        "BeamLimitingDeviceAngle": "350",
        "PatientSupportAngle": "0",
        "TableTopVerticalPosition": "-123.4",
        "TableTopLongitudinalPosition": "890.5",
        "TableTopLateralPosition": "-12",
        "TableTopPitchAngle": 1.5,
        "TableTopRollAngle": 359.0,
        "BeamLimitingDevicePositionSequence": jaws,
    }
    return delivered_point(**{**shown, **values})


def session_beam(number=1, points=None, **values):
    shown = {
        "ReferencedBeamNumber": number,
        "BeamName": f"B{number}",
        "BeamType": "STATIC",
        "RadiationType": "PHOTON",
        "TreatmentDeliveryType": "TREATMENT",
        "CurrentFractionNumber": 3,
        "TreatmentTerminationStatus": "NORMAL",
        "TreatmentVerificationStatus": "VERIFIED",
        "SpecifiedPrimaryMeterset": "100",
        "DeliveredPrimaryMeterset": "100",
    }
    points = [first_point(), delivered_point(DeliveredMeterset="100")] if points is None else points
    return sequence_item(ControlPointDeliverySequence=points, **{**shown, **values})


def treatment_record(uid=RECORD, beams=None, plan_uid=PLAN, **values):
    """An RT Beams Treatment Record of a session at 09:30:15.25 UTC, told in a zone one hour east."""
    dataset = dicom_object(RTRECORD, uid, Modality="RTRECORD", SeriesInstanceUID=f"{ROOT}.81")
    dataset.TimezoneOffsetFromUTC = "+0100"
    dataset.TreatmentDate, dataset.TreatmentTime = "20240304", "103000"
    dataset.TreatmentMachineSequence = [sequence_item(TreatmentMachineName="LINAC 1", Manufacturer="Maker")]
    dataset.ReferencedRTPlanSequence = [sequence_item(ReferencedSOPClassUID=RTPLAN, ReferencedSOPInstanceUID=plan_uid)]
    dataset.NumberOfFractionsPlanned, dataset.PrimaryDosimeterUnit = 20, "MU"
    dataset.TreatmentSessionBeamSequence = [session_beam()] if beams is None else beams
    for keyword, value in values.items():
        setattr(dataset, keyword, value)
    return dataset


def position(**changed):
    values = {
        "gantry_angle_deg": 350.0,
        "beam_limiting_device_angle_deg": 30.0,
        "patient_support_angle_deg": 0.0,
        "table_top_lateral_position_mm": -12.3,
        "table_top_longitudinal_position_mm": 890.5,
        "table_top_vertical_position_mm": -150.0,
        "table_top_pitch_angle_deg": 1.5,
        "table_top_roll_angle_deg": 359.0,
        "table_top_eccentric_angle_deg": 0.0,
        "table_top_eccentric_axis_distance_mm": 0.0,
    }
    return StatedPosition(**{**values, **changed})


def photon_record():
    """An arc that an operator stopped, with everything that a record can hold here."""
    aperture = (AperturePositions("ASYMX", (-50.0, 40.0)), AperturePositions("MLCX", (-10.0, -20.0, 10.0, 20.0)))
    moved = (aperture[0], AperturePositions("MLCX", (-11.0, -20.0, 11.5, 20.0)))
    lateral = Parameter(0x300A012A, "TableTopLateralPosition", 0x30080040, 1)
    points = (
        DeliveredControlPoint(
            position(), RotationDirection.CLOCKWISE, 0, AT, 0.0, 0.0, 600.0, 598.5, 6.0, "MV", aperture,
            (Override(lateral, "Doe^Therapist", "patient moved", AT),),
        ),
        DeliveredControlPoint(
            position(gantry_angle_deg=5.0, table_top_vertical_position_mm=-149.5),
            RotationDirection.COUNTER_CLOCKWISE, 1, AT + timedelta(seconds=4),
            50.0, 50.1, 600.0, 600.0, aperture=moved,
            corrections=(CorrectedParameter(Parameter(0x300A011E, "GantryAngle", 0x30080040, 2), 0.25),),
        ),
        DeliveredControlPoint(
            position(gantry_angle_deg=3.0, table_top_vertical_position_mm=None),
            RotationDirection.NONE, 2, AT + timedelta(seconds=9),
            100.0, 80.25, aperture=moved,
        ),
    )  # fmt: skip
    arc = DeliveredBeam(
        number=1,
        name="Arc 1",
        radiation_type="PHOTON",
        beam_type="DYNAMIC",
        delivery_type=DeliveryType.TREATMENT,
        fraction_number=3,
        termination=TerminationStatus.OPERATOR,
        termination_description="cough",
        verification=VerificationStatus.OVERRIDDEN,
        specified_meterset=100.0,
        delivered_meterset=80.25,
        specified_secondary_meterset=101.0,
        delivered_secondary_meterset=80.5,
        specified_time_s=60.0,
        delivered_time_s=48.2,
        wedges=0,
        control_points=points,
        verification_images=(VerificationImage(RTIMAGE, f"{ROOT}.90", 0.0, 2.0),),
        calculated_doses=(CalculatedDose(1.6, plan_reference=1),),
    )
    machine = TreatmentMachine("LINAC 1", "Maker", "Model", "123", "Clinic")
    return TreatmentRecord(
        f"{ROOT}.82", (arc,), "P1", AT, machine, PLAN, 1, 20, "MU", (CalculatedDose(1.6, plan_reference=1),)
    )


def ion_record():
    """Two layers of a scanned proton beam through a range shifter."""
    stands = position(table_top_eccentric_angle_deg=None, table_top_eccentric_axis_distance_mm=None)
    places_mm = np.array([[0.0, 1.5], [-2.5, 3.0], [10.0, -20.0]])
    spots = DeliveredSpots("4.0", 1, places_mm, np.array([1e6, 2.5e6, 3e6]), (1, 0, 2), ((4.0, 4.5),))
    points = tuple(
        DeliveredControlPoint(
            stands, RotationDirection.NONE, index, AT + timedelta(seconds=index), meterset, meterset,
            nominal_energy=energy, spots=spots, range_shifters=(RangeShifterSetting(1, "IN"),), snout_position_mm=300.0,
        )
        for index, (meterset, energy) in enumerate([(0.0, 150.0), (6.5e6, 145.5)])
    )  # fmt: skip
    ion = IonDelivery(
        scan_mode="MODULATED",
        patient_support="TABLE",
        range_shifters=((1, "RS 4 cm"),),
        lateral_spreading_devices=0,
        range_modulators=0,
    )
    beam = DeliveredBeam(
        number=2,
        name="Proton 1",
        radiation_type="PROTON",
        beam_type="DYNAMIC",
        delivery_type=DeliveryType.TREATMENT,
        fraction_number=1,
        termination=TerminationStatus.NORMAL,
        verification=VerificationStatus.VERIFIED,
        specified_meterset=6.5e6,
        delivered_meterset=6.5e6,
        wedges=0,
        compensators=0,
        boli=0,
        blocks=0,
        control_points=points,
        ion=ion,
    )
    machine = TreatmentMachine("GANTRY 2", "Maker", "Model", "9", "Clinic")
    return TreatmentRecord(f"{ROOT}.83", (beam,), "P1", AT, machine, PLAN, 1, 30, "NP", is_ion=True)
