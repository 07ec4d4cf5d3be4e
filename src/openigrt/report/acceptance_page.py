"""The acceptance test of a machine file as a page to take to the machine: HTML to print, Markdown to keep."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from openigrt.geometry import ImageAxes
from openigrt.machine import (
    PHANTOM_OFFSET_MM,
    TOLERANCE_DEG,
    TOLERANCE_MM,
    Judgement,
    Machine,
    acceptance_steps,
    expected_phantom_mm,
    phantom_setups,
)
from openigrt.report.guidance_report import RESEARCH_STATEMENT, page_environment

Row = tuple[str, ...]

INSTRUCTIONS = (
    "Bring each axis to the position in the second column, measured with a ruler, a digital level or the lasers, never "
    "with the display that is tested. Write what the display shows. Where the position cannot be reached, take another "
    "one and write it down: two readings of an axis, 50 mm or 2° apart, are the least. Positive is as in IEC 61217: "
    "lateral to the right of a viewer who faces the gantry, longitudinal toward the gantry, vertical up; yaw "
    "counter-clockwise seen from above, pitch with the end at the gantry up, roll with the right side down; gantry "
    "clockwise for that viewer, collimator counter-clockwise seen from the source."
)
PHANTOM_INSTRUCTIONS = (
    "Put the middle of a phantom {lateral:g} mm lateral, {longitudinal:g} mm longitudinal and {vertical:g} mm vertical "
    "from the isocenter with the couch straight, and leave it there. Take a cone-beam CT for each patient position "
    "that can be registered at the console, with the couch straight and turned about the isocenter. Write the DICOM "
    "(LPS) coordinates of the middle of the phantom in each image."
)
AXIS_NAMES: Mapping[str, str] = {
    "lateral": "Couch lateral",
    "longitudinal": "Couch longitudinal",
    "vertical": "Couch vertical",
    "yaw": "Couch yaw",
    "pitch": "Couch pitch",
    "roll": "Couch roll",
    "gantry": "Gantry",
    "beam_limiting_device": "Collimator",
    "x1": "Jaw X1",
    "x2": "Jaw X2",
    "y1": "Jaw Y1",
    "y2": "Jaw Y2",
    "leaves_1": "Leaf bank 1",
    "leaves_2": "Leaf bank 2",
}
STEP_HEADINGS = ("Axis", "Bring it to (IEC 61217)", "The display should show", "It shows", "Initials")
PHANTOM_HEADINGS = ("Position", "Couch", "Expected, LPS mm", "Seen, LPS mm", "Initials")


def acceptance_markdown(machine: Machine, judgements: Sequence[Judgement] = ()) -> str:
    """The page in Markdown."""
    blocks = [
        f"# Acceptance test of the machine file {_plain(machine.name)}",
        f"**{RESEARCH_STATEMENT}**",
        *(_plain(fact) for fact in _facts(machine)),
        f"## Scales\n\n{INSTRUCTIONS}",
        f"Tolerance: {_tolerance()}.",
        _markdown_table(STEP_HEADINGS, step_rows(machine)),
    ]
    for convention, rows in phantom_tables(machine):
        blocks += [f"## Images of {convention}", phantom_instructions(), _markdown_table(PHANTOM_HEADINGS, rows)]
    if judgements:
        blocks.append(
            "## What the readings say\n\n" + "\n".join(f"* **{j.outcome}** {_plain(_in_words(j))}" for j in judgements)
        )
    blocks.append("Date: ____________  Version of the machine: ____________  By: ____________")
    return "\n\n".join(blocks) + "\n"


def acceptance_html(machine: Machine, judgements: Sequence[Judgement] = ()) -> str:
    """The page in HTML: no script, no outside resource."""
    return (
        page_environment()
        .get_template("acceptance.html.j2")
        .render(
            machine=machine,
            statement=RESEARCH_STATEMENT,
            facts=_facts(machine),
            instructions=INSTRUCTIONS,
            tolerance=_tolerance(),
            step_headings=STEP_HEADINGS,
            steps=step_rows(machine),
            phantom_instructions=phantom_instructions(),
            phantom_headings=PHANTOM_HEADINGS,
            phantoms=phantom_tables(machine),
            judgements=[(judgement.outcome, _in_words(judgement)) for judgement in judgements],
        )
    )


def _facts(machine: Machine) -> tuple[str, ...]:
    """What is known of the file before the test."""
    return (f"Fingerprint of the file: {machine.fingerprint}.", f"So far: {machine.acceptance_in_words}.")


def _tolerance() -> str:
    """The tolerance in words."""
    return f"{TOLERANCE_MM:g} mm, {TOLERANCE_DEG:g}°"


def phantom_instructions() -> str:
    """How the phantom is set up."""
    lateral, longitudinal, vertical = PHANTOM_OFFSET_MM
    return PHANTOM_INSTRUCTIONS.format(lateral=lateral, longitudinal=longitudinal, vertical=vertical)


def step_rows(machine: Machine) -> tuple[Row, ...]:
    """A row for each position of each axis, with room to write."""
    return tuple(
        (
            _axis_in_words(step.axis, step.label),
            f"{step.iec:+g} {step.iec_unit}" if step.iec else f"0 {step.iec_unit}",
            "the file must say" if step.shown is None else f"{step.shown:z.{step.shown_decimals}f} {step.shown_unit}",
            "",
            "",
        )
        for step in acceptance_steps(machine)
    )


def _axis_in_words(axis: str, label: str) -> str:
    """The name of an axis, with what the machine calls it where that says something else."""
    name, known = AXIS_NAMES[axis], label.casefold()
    return name if known in name.casefold().split() or known == axis.replace("_", " ") else f"{name} ({label})"


def _in_words(judgement: Judgement) -> str:
    """The sentence of a judgement, that begins with the name of its axis instead of the key in the machine file."""
    name, key = AXIS_NAMES.get(judgement.what), judgement.what
    starts_with_key = name is not None and judgement.sentence.startswith((f"{key} ", f"{key}:"))
    return f"{name}{judgement.sentence.removeprefix(key)}" if starts_with_key else judgement.sentence


def phantom_tables(machine: Machine) -> tuple[tuple[str, tuple[Row, ...]], ...]:
    """Makers whose images have their origin at the isocenter, by their axes, and where the phantom should be seen."""
    makers: dict[ImageAxes, list[str]] = {}
    for convention in machine.cbct_conventions:
        if convention.origin_is_isocenter:
            makers.setdefault(convention.axes, []).append(convention.manufacturer)
    return tuple((", ".join(names), tuple(_phantom_rows(axes))) for axes, names in makers.items())


def _phantom_rows(axes: ImageAxes) -> Iterator[Row]:
    """A row for each image, with room to write."""
    for position, angle_deg in phantom_setups():
        expected_mm = expected_phantom_mm(PHANTOM_OFFSET_MM, position, angle_deg, axes).round(1) + 0.0
        yield str(position), f"{angle_deg:g}°", ", ".join(f"{x:.1f}" for x in expected_mm), "", ""


def _markdown_table(headings: Row, rows: Iterable[Row]) -> str:
    """A table whose cells cannot break it."""
    lines = [headings, tuple("---" for _ in headings), *rows]
    return "\n".join("| " + " | ".join(_plain(cell) for cell in line) + " |" for line in lines)


def _plain(text: str) -> str:
    """Text that Markdown shows as it is: names in a machine file may hold anything."""
    return "".join(f"\\{c}" if c in "\\`*_{}[]<>#|!" else c for c in " ".join(text.split()))
