"""The history of a course: what its records say was delivered of each planned beam, fraction by fraction.

A pure function of records, a plan and tolerances; what the records leave open is told, never assumed. Each fraction
group counts its fractions from one (PS3.3 C.8.8.13), so that a fraction is known by its group and its number.
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
LAST_FRACTION, LAST_GROUP = 1_000, 2**31

Fraction = tuple[int | None, int]  # group, and number in it
Deliveries = Mapping[int, Sequence[DeliveredBeam]]  # of one fraction, by beam


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

    `group` is its fraction group, whose beams these are; None where the course has one alone, or no record says which.
    """

    group: int | None
    number: int
    treated_at: tuple[datetime, ...]
    beams: tuple[BeamOfFraction, ...]

    @property
    def is_whole(self) -> bool:
        """Whether each beam was delivered once and whole."""
        return all(beam.state is BeamState.WHOLE for beam in self.beams)


@dataclass(frozen=True, slots=True)
class CourseHistory:
    """All fractions of one plan, in order of groups and numbers.

    `absent_fractions` are (group, number) below the last one of the group of which nothing is known; `doubts` are
    sentences about what the records leave open.
    """

    plan_uid: str
    dosimeter_unit: str
    fractions: tuple[FractionHistory, ...]
    absent_fractions: tuple[Fraction, ...]
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
    groups = _groups(known.values(), plan)
    by_fraction: dict[Fraction, dict[int, list[DeliveredBeam]]] = defaultdict(lambda: defaultdict(list))
    times: dict[Fraction, list[datetime]] = defaultdict(list)
    for record in sorted(known.values(), key=_when):
        for beam in record.treated():
            if beam.number is None or beam.fraction_number is None or not _can_be(beam.fraction_number):
                continue
            fraction = (record.fraction_group if len(groups) > 1 else None, beam.fraction_number)
            by_fraction[fraction][beam.number].append(beam)
            if record.treated_at is not None and record.treated_at not in times[fraction]:
                times[fraction].append(record.treated_at)
    treated = {group: [by_fraction[f] for f in by_fraction if f[0] == group] for group, _ in by_fraction}
    planned = {group: _planned(plan, group, found) for group, found in treated.items()}
    doubts = (
        *_copies(records, known),
        *_unplaced(known.values()),
        *_unplanned(plan, treated, planned),
        *_groupless(known.values(), groups),
    )
    aims = planned_positions or {}
    fractions = tuple(
        FractionHistory(
            group,
            number,
            tuple(times[group, number]),
            tuple(
                _beam_of_fraction(n, planned[group].get(n), beams.get(n, ()), aims.get(n), tolerances)
                for n in sorted(planned[group].keys() | beams.keys())
            ),
        )
        for (group, number), beams in sorted(by_fraction.items(), key=lambda item: _place(item[0]))
    )
    return CourseHistory(plan_uid, unit, fractions, tuple(_absent(by_fraction, groups)), doubts)


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


def _unplanned(
    plan: Plan | None, treated: Mapping[int | None, Sequence[Deliveries]], planned: Mapping[int | None, Iterable[int]]
) -> Iterator[str]:
    """Groups and beams that were treated and that the plan does not have."""
    if plan is None:
        return
    for group in sorted(treated, key=lambda group: _place((group, 0))):
        if group is not None and group not in _shares(plan):
            yield f"Fraction group {group} was treated, and the plan does not have it."
            continue
        whose = "the plan" if group is None else f"fraction group {group}"
        for number in sorted({number for beams in treated[group] for number in beams} - set(planned[group])):
            yield f"Beam {number} was treated and is no treatment beam of {whose}."


def _groups(records: Iterable[TreatmentRecord], plan: Plan | None) -> list[int]:
    """The fraction groups that the plan has or a record names."""
    named = {record.fraction_group for record in records} | set(_shares(plan))
    return sorted(group for group in named if group is not None)


def _groupless(records: Iterable[TreatmentRecord], groups: Sequence[int]) -> Iterator[str]:
    """Records that do not say which of several groups they are of."""
    if len(groups) > 1:
        listed = " and ".join(map(str, groups))
        yield from (
            f"Record {record.uid} names no fraction group, and there are {listed}: its fractions stand apart."
            for record in records
            if record.fraction_group is None
        )


def _absent(fractions: Iterable[Fraction], groups: Sequence[int]) -> Iterator[Fraction]:
    """Fractions below the last one of their group that are not there; of a group that no record names none is told."""
    numbers: dict[int | None, set[int]] = defaultdict(set)
    for group, number in fractions:
        numbers[group].add(number)
    for group in sorted(numbers, key=lambda group: _place((group, 0))):
        if group is not None or len(groups) < 2:
            yield from ((group, n) for n in range(1, max(numbers[group])) if n not in numbers[group])


def _place(fraction: Fraction) -> tuple[int, int]:
    """Order of fractions: by group, those without one last, then by number."""
    group, number = fraction
    return LAST_GROUP if group is None else group, number


def _when(record: TreatmentRecord) -> tuple[bool, float, str]:
    """Order of records: by time, those without one last."""
    at = record.treated_at
    return at is None, at.timestamp() if at else 0.0, record.uid


@dataclass(frozen=True, slots=True)
class _PlannedBeam:
    """What was planned for each fraction."""

    name: str
    meterset: float | None


def _planned(plan: Plan | None, group: int | None, treated: Iterable[Deliveries]) -> dict[int, _PlannedBeam]:
    """What each fraction of a group should have, by beam: of the plan, or without one of what the records specify."""
    if plan is None:
        return _specified(treated)
    shares = _shares(plan)
    own = shares.get(group) if len(shares) > 1 else None
    return {
        beam.number: _PlannedBeam(beam.name, _meterset(beam, [own] if own is not None else list(shares.values())))
        for beam in _treatment_beams(plan)
        if own is None or beam.number in own
    }


def _specified(treated: Iterable[Deliveries]) -> dict[int, _PlannedBeam]:
    """The metersets that records specify for beams, of the first fraction where they agree on one."""
    planned: dict[int, _PlannedBeam] = {}
    for beams in treated:
        for number, deliveries in beams.items():
            specified = {delivery.specified_meterset for delivery in deliveries} - {None}
            if number not in planned or planned[number].meterset is None:
                planned[number] = _PlannedBeam(deliveries[0].name, specified.pop() if len(specified) == 1 else None)
    return planned


def _shares(plan: Plan | None) -> dict[int | None, dict[int, float | None]]:
    """The metersets of each fraction group of a plan, by beam."""
    groups = plan.fraction_groups if plan else ()
    return {group.number: {share.beam_number: share.meterset_mu for share in group.beams} for group in groups}


def _meterset(beam: Beam, groups: Sequence[Mapping[int, float | None]]) -> float | None:
    """The meterset of a beam in these groups, None where they differ; that of the beam itself where none names it."""
    stated = {group[beam.number] for group in groups if beam.number in group} or {beam.meterset_mu}
    return stated.pop() if len(stated) == 1 else None


def _treatment_beams(plan: Plan | None) -> list[Beam]:
    """Beams of a plan that treat."""
    return [beam for beam in plan.beams if not beam.is_setup] if plan else []


def _beam_of_fraction(
    number: int,
    planned: _PlannedBeam | None,
    deliveries: Sequence[DeliveredBeam],
    aim: StatedPosition | None,
    tolerances: PositionTolerances | None,
) -> BeamOfFraction:
    """What became of one beam in one fraction; `planned` is None where it was not to be there."""
    name, meterset = (planned.name, planned.meterset) if planned else (deliveries[0].name, None)
    delivered = _sum(delivery.delivered_meterset for delivery in deliveries) if deliveries else 0.0
    checked = PositionTolerances() if tolerances is None or not deliveries else tolerances
    start = deliveries[0].start if deliveries else StatedPosition()
    found, unchecked = deviations(aim or StatedPosition(), start, checked)
    return BeamOfFraction(
        number=number,
        name=name,
        state=_state(meterset, delivered, deliveries),
        planned_meterset=meterset,
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
