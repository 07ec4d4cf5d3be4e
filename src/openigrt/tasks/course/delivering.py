"""Delivering a plan through the ports of a room, and the record of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise

import numpy as np

from openigrt.errors import DeviceFailure, MissingInput
from openigrt.machine import BeamOrder, BeamPoint, BeamState, ClockPort, Devices, wait_until_still
from openigrt.patient import (
    Beam,
    ControlPoint,
    DeliveredBeam,
    DeliveredControlPoint,
    DeliveryType,
    Plan,
    RotationDirection,
    StatedPosition,
    TerminationStatus,
    TreatmentMachine,
    TreatmentRecord,
)

LONGEST_TURN_S = 180.0
LONGEST_BEAM_S = 1800.0
POLL_S = 0.2
FULL_TURN_DEG = 360.0
NO_TURN_DEG = 1.0e-6


@dataclass(frozen=True, slots=True)
class DeliveredOrder:
    """One beam of the plan as it was delivered, from when to when on the clock of the room."""

    beam: Beam
    order: BeamOrder
    started_s: float
    ended_s: float
    delivered_mu: float
    couch: StatedPosition


def deliver(devices: Devices, plan: Plan) -> tuple[DeliveredOrder, ...]:
    """Every treatment beam of the plan in turn; raises DeviceFailure where a beam does not complete."""
    return tuple(_delivered(devices, beam) for beam in plan.beams if not beam.is_setup)


def order_of(beam: Beam) -> BeamOrder:
    """A beam as a machine is told it; raises MissingInput without a meterset."""
    points = beam.control_points
    if not beam.meterset_mu:
        raise MissingInput(f"Beam {beam.name} has no monitor units; plan them, then treat.")
    whole = beam.final_meterset_weight or points[-1].cumulative_meterset_weight
    gantry, collimator = (_continuous(points, axis) for axis in ("gantry", "beam_limiting_device"))
    rates = [point.dose_rate_mu_per_min for point in points if point.dose_rate_mu_per_min]
    return BeamOrder(
        tuple(
            BeamPoint(beam.meterset_mu * point.cumulative_meterset_weight / whole, *angles)
            for point, *angles in zip(points, gantry, collimator, strict=True)
        ),
        max(rates) if rates else None,
    )


def record_of(
    plan: Plan, orders: Sequence[DeliveredOrder], fraction: int, uid: str, clock: ClockPort
) -> TreatmentRecord:
    """The treatment record of a fraction."""
    return TreatmentRecord(
        uid=uid,
        beams=tuple(_beam_record(order, fraction, clock) for order in orders),
        patient_id=plan.patient_id,
        treated_at=clock.zero_at + timedelta(seconds=orders[0].started_s),
        machine=TreatmentMachine(orders[0].beam.machine_name, "OpenIGRT", "virtual linac", "0"),
        plan_uid=plan.uid,
        fraction_group=1,
        fractions_planned=plan.fractions_planned,
        dosimeter_unit="MU",
    )


def _delivered(devices: Devices, beam: Beam) -> DeliveredOrder:
    """One beam: axes to their places, then radiation until the last monitor unit."""
    order, clock = order_of(beam), devices.clock
    first = order.points[0]
    devices.gantry.turn_to(first.gantry_angle_deg)
    devices.collimator.turn_to(first.beam_limiting_device_angle_deg)
    for axis in (devices.gantry, devices.collimator):
        wait_until_still(axis, clock, LONGEST_TURN_S)
    devices.beam.arm(order)
    started_s = clock.now_s
    devices.beam.on()
    while (reading := devices.beam.reading()).state is not BeamState.COMPLETE or reading.is_radiating:
        if clock.now_s - started_s > LONGEST_BEAM_S:
            raise DeviceFailure(
                f"Beam {beam.name} has not completed after {LONGEST_BEAM_S:g} s; it is {reading.state}. Look at it."
            )
        clock.sleep_until(clock.now_s + POLL_S)
    couch = StatedPosition.of_couch(devices.couch.reading().pose)
    return DeliveredOrder(beam, order, started_s, clock.now_s, reading.delivered_mu, couch)


def _continuous(points: Sequence[ControlPoint], axis: str) -> list[float]:
    """Continuous angles of an axis in (-180, 180] at its first point, on from there the way that it turns."""
    angles = [_signed(float(getattr(points[0], f"{axis}_angle_deg")))]
    for before, point in pairwise(points):
        turn_deg = (float(getattr(point, f"{axis}_angle_deg")) - angles[-1]) % FULL_TURN_DEG
        if not NO_TURN_DEG < turn_deg < FULL_TURN_DEG - NO_TURN_DEG:
            turn_deg = 0.0
        elif getattr(before.rotations, axis) == "CC":
            turn_deg -= FULL_TURN_DEG
        angles.append(angles[-1] + turn_deg)
    return angles


def _signed(angle_deg: float) -> float:
    """The same direction in (-180, 180]."""
    return -((180.0 - angle_deg) % FULL_TURN_DEG - 180.0)


def _beam_record(order: DeliveredOrder, fraction: int, clock: ClockPort) -> DeliveredBeam:
    """What the machine recorded of one beam."""
    beam = order.beam
    share = order.delivered_mu / order.order.total_mu
    span_s = order.ended_s - order.started_s
    points = tuple(
        DeliveredControlPoint(
            position=_at(order.couch, point),
            gantry_rotation=RotationDirection(planned.rotations.gantry),
            index=index,
            at=clock.zero_at + timedelta(seconds=order.started_s + span_s * point.cumulative_mu / order.order.total_mu),
            specified_meterset=point.cumulative_mu,
            delivered_meterset=point.cumulative_mu * share,
            rate_set=order.order.dose_rate_mu_per_min,
            rate_delivered=None,
            nominal_energy=planned.nominal_energy_mev,
            nominal_energy_unit="MV",
            aperture=planned.positions,
        )
        for index, (point, planned) in enumerate(zip(order.order.points, beam.control_points, strict=True))
    )
    angles = {round(point.gantry_angle_deg, 3) for point in order.order.points}
    return DeliveredBeam(
        number=beam.number,
        name=beam.name,
        radiation_type=beam.radiation_type,
        beam_type="DYNAMIC" if len(angles) > 1 else "STATIC",
        delivery_type=DeliveryType.TREATMENT,
        fraction_number=fraction,
        termination=TerminationStatus.NORMAL,
        specified_meterset=beam.meterset_mu,
        delivered_meterset=float(np.round(order.delivered_mu, 3)),
        wedges=0,
        compensators=0,
        boli=0,
        blocks=0,
        control_points=points,
    )


def _at(couch: StatedPosition, point: BeamPoint) -> StatedPosition:
    """Where the machine stood: the couch throughout, gantry and collimator at this point, in [0, 360)."""
    known = {name: getattr(couch, name) for name in StatedPosition.__dataclass_fields__}
    known["gantry_angle_deg"] = point.gantry_angle_deg % FULL_TURN_DEG
    known["beam_limiting_device_angle_deg"] = point.beam_limiting_device_angle_deg % FULL_TURN_DEG
    return StatedPosition(**known)
