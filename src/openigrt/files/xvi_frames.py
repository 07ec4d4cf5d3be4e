"""The list of frames that Elekta XVI 5 writes beside its projections: _Frames.xml.

As RTK (rtkElektaXVI5GeometryXMLFileReader) and public examples describe it: in <Frames>, for each projection, <Seq>,
<DeltaMs>, <GantryAngle>, <UCentre>, <VCentre> (mm, where the beam axis meets the detector), <Exposed>, <MVOn>,
<Inactive>.
"""

from dataclasses import dataclass
from pathlib import Path

from openigrt.errors import MissingInput, UnreadableFile
from openigrt.files.xml_reading import XmlElement, read_xml

MOST_FRAMES = 20_000
WORDS = {"true": True, "1": True, "false": False, "0": False}


@dataclass(frozen=True, slots=True)
class XviFrame:
    """One line of the list; `axis_mm` is where the beam axis meets the detector, from its centre."""

    angle_deg: float
    axis_mm: tuple[float, float]
    elapsed_ms: float | None
    is_exposed: bool
    is_inactive: bool
    is_with_treatment_beam: bool

    @property
    def is_used(self) -> bool:
        """Whether it is a projection to reconstruct from: exposed, and not set aside by XVI."""
        return self.is_exposed and not self.is_inactive


def is_xvi_frames(root: XmlElement) -> bool:
    """Whether this is the root of such a list."""
    return any(True for frames in root.all("Frames") for _ in frames.all("Frame"))


def read_xvi_frames(path: Path) -> tuple[XviFrame, ...]:
    """Every frame, in the order of the list; raises UnreadableFile, UnsupportedInput or MissingInput."""
    root = read_xml(path)
    listed = [frame for frames in root.all("Frames") for frame in frames.all("Frame")]
    if not 1 <= len(listed) <= MOST_FRAMES:
        raise UnreadableFile(f"{path} lists {len(listed)} frames; expected 1 to {MOST_FRAMES}.", path=str(path))
    try:
        return tuple(_frame(element, number) for number, element in enumerate(listed, start=1))
    except (UnreadableFile, MissingInput) as error:
        raise type(error)(f"{path}: {error.sentence}", **error.facts) from None


def _frame(element: XmlElement, number: int) -> XviFrame:
    """One frame."""
    angle, u_mm, v_mm = (element.number(name) for name in ("GantryAngle", "UCentre", "VCentre"))
    if angle is None or u_mm is None or v_mm is None:
        raise MissingInput(f"frame {number} lacks GantryAngle, UCentre or VCentre: where its pixels lie is not known.")
    return XviFrame(
        angle_deg=angle,
        axis_mm=(u_mm, v_mm),
        elapsed_ms=element.number("DeltaMs"),
        is_exposed=_is(element, "Exposed", True),
        is_inactive=_is(element, "Inactive", False),
        is_with_treatment_beam=_is(element, "MVOn", False),
    )


def _is(element: XmlElement, name: str, otherwise: bool) -> bool:
    """A truth value."""
    said = element.word(name)
    if said is None:
        return otherwise
    if said.lower() not in WORDS:
        raise UnreadableFile(f"{name} is {said[:40]!r}; expected True or False.")
    return WORDS[said.lower()]
