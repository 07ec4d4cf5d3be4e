"""The history of a course: what its records say was delivered of each planned beam, fraction by fraction.

A pure function of records, a plan and tolerances; what the records leave open is told, never assumed.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from openigrt.errors import InconsistentInput
from openigrt.patient.beam import Beam
from openigrt.patient.plan import Plan
from openigrt.patient.stated_position import Deviation, PositionTolerances, StatedPosition, deviations
from openigrt.patient.treatment_record import DeliveredBeam, DeliveryType, Override, TreatmentRecord

# A delivery is whole within the larger of these: older linacs record whole monitor units.
WHOLE_WITHIN, WHOLE_WITHIN_SHARE = 1.0, 0.01
LAST_FRACTION = 1_000


class BeamState(StrEnum):
    """What was delivered of a beam in one fraction, against its planned meterset."""

    WHOLE = "whole"
    PARTIAL = "partial"
    MISSED = "missed"
    REPEATED = "repeated"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class BeamOfFraction:
    """One beam in one fraction; metersets in the dosimeter unit of the records.

    `delivered_meterset` is the sum of all its deliveries, continuations included, None where one of them does not say.
    `couch` and `deviations` are of the first delivery; `unchecked_axes` have a tolerance and no value to hold against
    it.
    """

    number: int
    name: str
    state: BeamState
    planned_meterset: float | None
    delivered_meterset: float | None
    deliveries: tuple[DeliveredBeam, ...]
    deviations: tuple[Deviation, ...] = ()
    unchecked_axes: tuple[str, ...] = ()

    @property
    def couch(self) -> StatedPosition:
        """Where the machine stood when the beam first began; nothing stated where it was missed."""
        return self.deliveries[0].start if self.deliveries else StatedPosition()

    @property
    def continuations(self) -> int:
        """How many times an interrupted beam was taken up again."""
        return sum(delivery.delivery_type is DeliveryType.CONTINUATION for delivery in self.deliveries)

    @property
    def overrides(self) -> tuple[Override, ...]:
        """All that was overridden."""
        return tuple(override for delivery in self.deliveries for override in delivery.overrides)


@dataclass(frozen=True, slots=True)
class FractionHistory:
    """One fraction: when its sessions were, and every beam that was planned or delivered, by number.

    Of a plan with several fraction groups, the beams of those that the records of this fraction name.
    """

    number: int
    treated_at: tuple[datetime, ...]
    beams: tuple[BeamOfFraction, ...]

    @property
    def is_whole(self) -> bool:
        """Whether each beam was delivered once and whole."""
        return all(beam.state is BeamState.WHOLE for beam in self.beams)


@dataclass(frozen=True, slots=True)
class CourseHistory:
    """All fractions of one plan, in order; `absent_fractions` are numbers below the last one of which nothing is known.

    `doubts` are sentences about what the records leave open.
    """

    plan_uid: str
    dosimeter_unit: str
    fractions: tuple[FractionHistory, ...]
    absent_fractions: tuple[int, ...]
    doubts: tuple[str, ...]

    def total_meterset(self, beam_number: int) -> tuple[float | None, float | None]:
        """What was delivered of a beam in all recorded fractions and what was planned for these; None if not known."""
        found = [beam for fraction in self.fractions for beam in fraction.beams if beam.number == beam_number]
        return _sum(beam.delivered_meterset for beam in found), _sum(beam.planned_meterset for beam in found)


def course_history(
    records: Sequence[TreatmentRecord],
    plan: Plan | None = None,
    *,
    planned_positions: Mapping[int, StatedPosition] | None = None,
    tolerances: PositionTolerances | None = None,
) -> CourseHistory:
    """The history that `records` of one plan tell, against the metersets of `plan` (in the unit of the records).

    Without a plan the specified metersets of the records stand for it. `planned_positions` by beam number, with
    `tolerances`, say where each beam should have begun. Raises InconsistentInput for records of several plans or
    dosimeter units, and for a plan that the records do not name.
    """
    known = {record.uid: record for record in records}
    plan_uid, unit = _only(known.values(), plan)
    by_fraction: dict[int, dict[int, list[DeliveredBeam]]] = defaultdict(lambda: defaultdict(list))
    times: dict[int, list[datetime]] = defaultdict(list)
    groups: dict[int, set[int | None]] = defaultdict(set)
    for record in sorted(known.values(), key=_when):
        for beam in record.treated():
            if beam.number is None or beam.fraction_number is None or not _can_be(beam.fraction_number):
                continue
            by_fraction[beam.fraction_number][beam.number].append(beam)
            groups[beam.fraction_number].add(record.fraction_group)
            if record.treated_at is not None and record.treated_at not in times[beam.fraction_number]:
                times[beam.fraction_number].append(record.treated_at)
    planned = _planned(plan, by_fraction)
    doubts = (
        *_copies(records, known),
        *_unplaced(known.values()),
        *_unplanned(plan, planned),
        *_grouped(known.values()),
    )
    aims = planned_positions or {}
    fractions = tuple(
        FractionHistory(
            number,
            tuple(times[number]),
            tuple(
                _beam_of_fraction(n, planned[n], by_fraction[number].get(n, ()), aims.get(n), tolerances)
                for n in sorted(_due(plan, planned, groups[number]) | by_fraction[number].keys())
            ),
        )
        for number in sorted(by_fraction)
    )
    last = max(by_fraction, default=0)
    absent = tuple(number for number in range(1, last) if number not in by_fraction)
    return CourseHistory(plan_uid, unit, fractions, absent, doubts)


def planned_angles(plan: Plan) -> dict[int, StatedPosition]:
    """Gantry, collimator and table angle at the start of each beam of a plan, by its number; lengths are left open."""
    return {
        beam.number: StatedPosition(
            gantry_angle_deg=beam.control_points[0].gantry_angle_deg,
            beam_limiting_device_angle_deg=beam.control_points[0].beam_limiting_device_angle_deg,
            patient_support_angle_deg=beam.control_points[0].couch.patient_support_angle_deg,
        )
        for beam in plan.beams
        if beam.control_points
    }


def _only(records: Iterable[TreatmentRecord], plan: Plan | None) -> tuple[str, str]:
    """The one plan and the one dosimeter unit of all records; raises InconsistentInput where there are several."""
    records = list(records)
    plans = {record.plan_uid for record in records} - {""} | ({plan.uid} if plan else set())
    units = {record.dosimeter_unit for record in records} - {""}
    for what, found in (("plans", plans), ("dosimeter units", units)):
        if len(found) > 1:
            raise InconsistentInput(
                f"The treatment records are of several {what}: {', '.join(sorted(found))}; give those of one.",
                found=sorted(found),
            )
    return (plans or {""}).pop(), (units or {""}).pop()


def _copies(records: Sequence[TreatmentRecord], known: Mapping[str, TreatmentRecord]) -> Iterator[str]:
    """Records that are there twice."""
    if len(records) > len(known):
        yield f"{len(records) - len(known)} records are copies of others by their UID; each was counted once."


def _unplaced(records: Iterable[TreatmentRecord]) -> Iterator[str]:
    """Beams that were treated and cannot be told which, or in which fraction."""
    for record in records:
        for beam in record.treated():
            lacks = ""
            if beam.number is None:
                lacks = "no beam number"
            elif beam.fraction_number is None:
                lacks = "no fraction number"
            elif not _can_be(beam.fraction_number):
                lacks = f"fraction number {beam.fraction_number}"
            if lacks:
                yield f"Record {record.uid}: beam {beam.name!r} has {lacks}; its meterset is not counted."


def _can_be(fraction_number: int) -> bool:
    """Whether a course can have a fraction of this number."""
    return 1 <= fraction_number <= LAST_FRACTION


def _unplanned(plan: Plan | None, planned: Iterable[int]) -> Iterator[str]:
    """Beams that were treated and that the plan does not have."""
    if plan is not None:
        others = sorted(set(planned) - {beam.number for beam in _treatment_beams(plan)})
        yield from (f"Beam {number} was treated and is no treatment beam of the plan." for number in others)


def _grouped(records: Iterable[TreatmentRecord]) -> Iterator[str]:
    """Records of several fraction groups, of which each counts its fractions from one (PS3.3 C.8.8.13)."""
    groups = sorted({record.fraction_group for record in records if record.fraction_group is not None})
    if len(groups) > 1:
        named = ", ".join(map(str, groups))
        yield f"The records are of fraction groups {named}: fractions of one number in several groups stand together."


def _when(record: TreatmentRecord) -> tuple[bool, float, str]:
    """Order of records: by time, those without one last."""
    at = record.treated_at
    return at is None, at.timestamp() if at else 0.0, record.uid


@dataclass(frozen=True, slots=True)
class _PlannedBeam:
    """What was planned for each fraction."""

    name: str
    meterset: float | None


def _planned(
    plan: Plan | None, by_fraction: Mapping[int, Mapping[int, Sequence[DeliveredBeam]]]
) -> dict[int, _PlannedBeam]:
    """The treatment beams of the plan by number, and those that were delivered besides."""
    planned = {beam.number: _PlannedBeam(beam.name, beam.meterset_mu) for beam in _treatment_beams(plan)}
    for beams in by_fraction.values():
        for number, deliveries in beams.items():
            specified = {d.specified_meterset for d in deliveries} - {None}
            meterset = specified.pop() if len(specified) == 1 and plan is None else None
            known = planned.get(number)
            if known is None or (plan is None and known.meterset is None):
                planned[number] = _PlannedBeam(deliveries[0].name, meterset)
    return planned


def _due(plan: Plan | None, planned: Mapping[int, _PlannedBeam], groups: set[int | None]) -> set[int]:
    """The beams that a fraction of these fraction groups should have: all, where it is not known which are theirs."""
    beams = (
        {group.number: {share.beam_number for share in group.beams} for group in plan.fraction_groups} if plan else {}
    )
    if len(beams) < 2 or None in groups or not groups <= beams.keys():
        return set(planned)
    return {number for group in groups for number in beams[group] if number in planned}


def _treatment_beams(plan: Plan | None) -> list[Beam]:
    """Beams of a plan that treat."""
    return [beam for beam in plan.beams if not beam.is_setup] if plan else []


def _beam_of_fraction(
    number: int,
    planned: _PlannedBeam,
    deliveries: Sequence[DeliveredBeam],
    aim: StatedPosition | None,
    tolerances: PositionTolerances | None,
) -> BeamOfFraction:
    """What became of one beam in one fraction."""
    delivered = _sum(delivery.delivered_meterset for delivery in deliveries) if deliveries else 0.0
    checked = PositionTolerances() if tolerances is None or not deliveries else tolerances
    start = deliveries[0].start if deliveries else StatedPosition()
    found, unchecked = deviations(aim or StatedPosition(), start, checked)
    return BeamOfFraction(
        number=number,
        name=planned.name,
        state=_state(planned.meterset, delivered, deliveries),
        planned_meterset=planned.meterset,
        delivered_meterset=delivered,
        deliveries=tuple(deliveries),
        deviations=found,
        unchecked_axes=unchecked,
    )


def _state(planned: float | None, delivered: float | None, deliveries: Sequence[DeliveredBeam]) -> BeamState:
    """The state of a beam by its metersets, UNKNOWN where these are not."""
    if not deliveries or delivered == 0.0:
        return BeamState.MISSED
    if planned is None or delivered is None:
        return BeamState.UNKNOWN
    slack = max(WHOLE_WITHIN, WHOLE_WITHIN_SHARE * planned)
    if abs(delivered - planned) <= slack:
        return BeamState.WHOLE
    return BeamState.PARTIAL if delivered < planned else BeamState.REPEATED


def _sum(values: Iterable[float | None]) -> float | None:
    """The sum, None where one of them is not known."""
    found = list(values)
    return None if None in found else float(sum(value for value in found if value is not None))
