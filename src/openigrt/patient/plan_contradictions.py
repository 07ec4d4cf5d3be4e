"""What in a plan contradicts itself: metersets, positions and numbers that cannot all be meant."""

from collections import Counter
from collections.abc import Callable, Iterator
from itertools import pairwise

from openigrt.geometry import signed_angle_difference_deg
from openigrt.patient.beam import Beam, BeamLimitingDevice, ControlPoint
from openigrt.patient.plan import Plan

OVERLAP_MM = 0.01
SAME_WEIGHT = 1e-3
SAME_ANGLE_DEG = 0.01


def contradictions(plan: Plan) -> tuple[str, ...]:
    """Sentences about all that contradicts itself in a plan; none where all is well."""
    found = [*_numbers(plan), *_references(plan)]
    for beam in plan.beams:
        found += [f"Beam {beam.number} {beam.name!r}: {sentence}" for rule in RULES for sentence in rule(beam)]
    return tuple(found)


def _numbers(plan: Plan) -> Iterator[str]:
    """Beams, tolerance tables and setups that share a number."""
    numbered: dict[str, list[int | None]] = {
        "beam": [beam.number for beam in plan.beams],
        "tolerance table": [table.number for table in plan.tolerance_tables],
        "patient setup": [setup.number for setup in plan.setups],
        "fraction group": [group.number for group in plan.fraction_groups],
    }
    for what, numbers in numbered.items():
        for number, count in Counter(numbers).items():
            if count > 1 and number is not None:
                yield f"{count} {what}s have the number {number}."


def _references(plan: Plan) -> Iterator[str]:
    """Numbers that nothing has: of beams in fraction groups, of tables, setups and dose references in beams."""
    beams = {beam.number for beam in plan.beams}
    tables = {table.number for table in plan.tolerance_tables}
    setups = {setup.number for setup in plan.setups}
    references = {reference.number for reference in plan.dose_references}
    for group in plan.fraction_groups:
        for share in group.beams:
            if share.beam_number not in beams:
                yield f"Fraction group {group.number} names beam {share.beam_number}, which is not there."
    for beam in plan.beams:
        name = f"Beam {beam.number} {beam.name!r}"
        if beam.tolerance_table_number is not None and beam.tolerance_table_number not in tables:
            yield f"{name} names tolerance table {beam.tolerance_table_number}, which is not there."
        if beam.patient_setup_number is not None and beam.patient_setup_number not in setups:
            yield f"{name} names patient setup {beam.patient_setup_number}, which is not there."
        named = {c.dose_reference_number for point in beam.control_points for c in point.dose_coefficients}
        for number in sorted(named - references):
            yield f"{name} names dose reference {number}, which is not there."


def _meterset_weights(beam: Beam) -> Iterator[str]:
    """Weights must not fall, begin at zero, and end at the final one (PS3.3 C.8.8.14.1)."""
    weights = [point.cumulative_meterset_weight for point in beam.control_points]
    falls = [index for index, (a, b) in enumerate(pairwise(weights), start=1) if b < a]
    if falls:
        index = falls[0]
        yield f"The meterset weight falls from {weights[index - 1]:g} to {weights[index]:g} at control point {index}."
    if not weights:
        yield "It has no control points."
        return
    if weights[0] != 0.0:
        yield f"The first meterset weight is {weights[0]:g}; expected 0."
    final = beam.final_meterset_weight
    if final is not None and abs(weights[-1] - final) > SAME_WEIGHT * max(abs(final), 1e-9):
        yield f"The last meterset weight is {weights[-1]:g}, the final one that the beam states {final:g}."
    if beam.meterset_mu and not beam.is_setup and max(weights) <= 0.0:
        yield f"It has a meterset of {beam.meterset_mu:g} and no meterset weights."


def _openings(beam: Beam) -> Iterator[str]:
    """Sides that have passed each other, and numbers of positions that do not fit the device."""
    devices = {device.kind: device for device in beam.devices}
    told: set[tuple[str, str]] = set()
    for index, point in enumerate(beam.control_points):
        for kind, fault, sentence in _faults_of_positions(point, devices):
            if (kind, fault) not in told:
                told.add((kind, fault))
                yield f"{sentence} at control point {index}."


def _faults_of_positions(point: ControlPoint, devices: dict[str, BeamLimitingDevice]) -> Iterator[tuple[str, str, str]]:
    """The device, the kind of fault, and a sentence without its end."""
    for found in point.positions:
        count, device = len(found.positions_mm), devices.get(found.device)
        if count % 2 or not count:
            yield found.device, "count", f"{found.device} has {count} positions, which are no pairs,"
            continue
        if device is not None and device.pair_count is not None and count != 2 * device.pair_count:
            yield found.device, "count", f"{found.device} has {device.pair_count} pairs and {count} positions"
        minus, plus = found.positions_mm[: count // 2], found.positions_mm[count // 2 :]
        overlapping = [i for i, (a, b) in enumerate(zip(minus, plus, strict=True), start=1) if a - b > OVERLAP_MM]
        if overlapping:
            by_mm = max(minus[i - 1] - plus[i - 1] for i in overlapping)
            pairs = f"{len(overlapping)} pair{'s' if len(overlapping) != 1 else ''} of {found.device}"
            yield found.device, "overlap", f"{pairs} overlap, by up to {by_mm:g} mm,"


def _boundaries(beam: Beam) -> Iterator[str]:
    """Edges of leaves that are not one more than the leaves, or not in order."""
    for device in beam.leaves:
        edges, pairs = device.boundaries_mm, device.pair_count
        if not edges:
            yield f"{device.kind} has no leaf boundaries."
        elif pairs is not None and len(edges) != pairs + 1:
            yield f"{device.kind} has {pairs} pairs and {len(edges)} leaf boundaries; expected {pairs + 1}."
        steps = {b > a for a, b in pairwise(edges)}
        if len(steps) > 1:
            yield f"The leaf boundaries of {device.kind} are not in order."


def _modifiers(beam: Beam) -> Iterator[str]:
    """Wedges that a control point names and the beam has not, and blocks without an outline."""
    wedges = {wedge.number for wedge in beam.modifiers.wedges}
    named = {position.wedge_number for point in beam.control_points for position in point.wedge_positions}
    for number in sorted(named - wedges):
        yield f"Its control points name wedge {number}, which is not there."
    for block in beam.modifiers.blocks:
        if len(block.outline_mm) < 3:
            yield f"Block {block.number} has an outline of {len(block.outline_mm)} points."


def _spots(beam: Beam) -> Iterator[str]:
    """Spots without weight or place, and weights that do not add up (PS3.3 C.8.8.25.7)."""
    weights = [point.cumulative_meterset_weight for point in beam.control_points]
    for index, point in enumerate(beam.control_points):
        spots = point.ion.spots if point.ion else None
        if spots is None:
            continue
        if len(spots.positions_mm) != len(spots.meterset_weights):
            count = len(spots.positions_mm)
            yield f"Control point {index} has {count} spots and {len(spots.meterset_weights)} weights of spots."
            return
        until_next = weights[index + 1] - weights[index] if index + 1 < len(weights) else 0.0
        total = sum(spots.meterset_weights)
        if abs(total - until_next) > SAME_WEIGHT * max(abs(weights[-1]), 1e-9):
            yield f"The spots of control point {index} add up to {total:g}, its meterset weight to {until_next:g}."
            return


def _gantry(beam: Beam) -> Iterator[str]:
    """A gantry that turns and states no direction."""
    for index, (before, after) in enumerate(pairwise(beam.control_points)):
        turned_deg = signed_angle_difference_deg(after.gantry_angle_deg, before.gantry_angle_deg)
        if abs(turned_deg) > SAME_ANGLE_DEG and before.rotations.gantry == "NONE":
            yield f"The gantry turns after control point {index}, and its direction is NONE."
            return


RULES: tuple[Callable[[Beam], Iterator[str]], ...] = (
    _meterset_weights,
    _openings,
    _boundaries,
    _modifiers,
    _spots,
    _gantry,
)
