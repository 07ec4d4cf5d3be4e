"""What Varian writes beside the projections of a scan: ProjectionInfo.xml (On-Board Imager), Scan.xml (TrueBeam).

Names as RTK (rtkVarianObiXMLFileReader, rtkVarianProBeamXMLFileReader) and other public readers use them; mm, degrees.
"""

from dataclasses import dataclass
from pathlib import Path

from openigrt.errors import MissingInput, UnreadableFile
from openigrt.files.xml_reading import read_xml

OBI_NAME, TRUEBEAM_NAME = "ProjectionInfo.xml", "Scan.xml"
HALF_FAN_WORDS = ("halffan", "half", "half fan", "half-fan")
FULL_FAN_WORDS = ("fullfan", "full", "full fan", "full-fan")


@dataclass(frozen=True, slots=True)
class VarianScan:
    """Parameters of a scan, None where they are not stated.

    `detector_offset_mm` is where the centre of the detector stands in x and y of the gantry at the angle of the source;
    `lateral_mm` what Scan.xml says about it, whose sign public sources do not give. `is_half_fan` is the flag.
    """

    source_axis_distance_mm: float | None
    source_detector_distance_mm: float | None
    detector_offset_mm: tuple[float, float] | None = None
    lateral_mm: float | None = None
    is_half_fan: bool | None = None
    frames_per_s: float | None = None


def read_projection_info(path: Path) -> VarianScan:
    """ProjectionInfo.xml; raises MissingInput that names what it lacks, UnreadableFile, UnsupportedInput.

    The detector of a half-fan scan stands at its calibrated offset and its lateral position, of any other one at its
    calibrated offset (rtkVarianObiGeometryReader).
    """
    root = read_xml(path)
    names = ("CalibratedSAD", "CalibratedSID", "CalibratedDetectorOffsetX", "CalibratedDetectorOffsetY")
    found = {name: root.number(name) for name in names}
    is_half_fan, lateral_mm = _is_half_fan(path, root.word("FanType")), root.number("DetectorPosLat")
    lacking = [name for name, value in found.items() if value is None]
    lacking += [name for name, lacks in (("FanType", is_half_fan is None),) if lacks]
    lacking += ["DetectorPosLat"] if is_half_fan and lateral_mm is None else []
    if lacking:
        raise MissingInput(f"{path} does not state {', '.join(lacking)}: where pixels lie is not known.")
    aside_mm = (lateral_mm or 0.0) if is_half_fan else 0.0
    return VarianScan(
        source_axis_distance_mm=found["CalibratedSAD"],
        source_detector_distance_mm=found["CalibratedSID"],
        detector_offset_mm=(
            (found["CalibratedDetectorOffsetX"] or 0.0) + aside_mm,
            found["CalibratedDetectorOffsetY"] or 0.0,
        ),
        is_half_fan=is_half_fan,
    )


def read_truebeam_scan(path: Path) -> VarianScan:
    """Scan.xml; raises UnreadableFile or UnsupportedInput."""
    root = read_xml(path)
    rate = root.number("FrameRate")
    return VarianScan(
        source_axis_distance_mm=root.number("SAD"),
        source_detector_distance_mm=root.number("SID"),
        lateral_mm=root.number("ImagerLat"),
        is_half_fan=_is_half_fan(path, root.word("Fan")),
        frames_per_s=rate if rate is not None and rate > 0.0 else None,
    )


def _is_half_fan(path: Path, word: str | None) -> bool | None:
    """What the flag says, None where it is absent; raises UnreadableFile for a word that is neither."""
    if word is None:
        return None
    said = word.strip().lower()
    if said not in HALF_FAN_WORDS + FULL_FAN_WORDS:
        raise UnreadableFile(f"{path} has a fan {word[:40]!r}; expected one of HalfFan, FullFan.", path=str(path))
    return said in HALF_FAN_WORDS
