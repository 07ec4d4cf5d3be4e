"""Beams and plans that tests of plans share."""

from openigrt.geometry import CouchPose, Frame, PatientPosition
from openigrt.patient import AperturePositions, Beam, BeamLimitingDevice, ControlPoint, Plan, Rotations, jaws

FRAME = Frame.plan("1.2.3")
ISOCENTER_MM = (10.0, -20.0, 30.0)
WIDE = jaws((-200.0, 200.0), (-200.0, 200.0))


def leaves(*pairs, kind="MLCX"):
    """Positions of leaf pairs, given as (minus, plus) from one edge to the other."""
    return AperturePositions(kind, (*(pair[0] for pair in pairs), *(pair[1] for pair in pairs)))


def device(kind, *boundaries):
    return BeamLimitingDevice(kind, max(len(boundaries) - 1, 1), boundaries)


def control_point(*positions, weight=0.0, gantry=0.0, collimator=0.0, couch=None, **values):
    return ControlPoint(weight, gantry, collimator, couch or CouchPose(), positions, **values)


def beam(*points, number=1, devices=(), isocenter_mm=ISOCENTER_MM, **values):
    radiation = values.pop("radiation_type", "PHOTON")
    delivery = values.pop("delivery_type", "TREATMENT")
    meterset = values.pop("meterset_mu", 100.0)
    distance = values.pop("source_axis_distance_mm", 1000.0)
    name = values.pop("name", f"B{number}")
    first = (number, name, delivery, radiation, "LINAC", isocenter_mm, distance, meterset, points)
    return Beam(*first, devices=devices, **values)


def arc(*angles, number=1, positions=WIDE, devices=(), **values):
    """Control points at angles, clockwise, the weights even."""
    last = len(angles) - 1
    points = [
        control_point(
            *positions, weight=i / last, gantry=angle, rotations=Rotations("CW" if i < last else "NONE"), **values
        )
        for i, angle in enumerate(angles)
    ]
    return beam(*points, number=number, devices=devices)


def plan(*beams, position=PatientPosition.HFS, **values):
    return Plan("1.2.3.4", "Plan", FRAME, "P1", position, values.pop("approval", "APPROVED"), beams, **values)
