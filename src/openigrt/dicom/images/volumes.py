"""The volumes that one image series holds: scouts set aside, phases, times, echoes and stacks told apart."""

import re
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from pydicom.datadict import keyword_for_tag

from openigrt.dicom.dataset.elements import naming, number, numbers, raw_value, text
from openigrt.dicom.dataset.inventory import MULTI_FRAME_CLASSES, Instance, Series
from openigrt.dicom.dataset.load import read_content
from openigrt.dicom.images.slices import LOCALIZER, Slice, is_localizer, read_slices
from openigrt.dicom.images.stack import even_step_mm
from openigrt.errors import InconsistentInput, UnsupportedInput
from openigrt.geometry import Float64Array
from openigrt.images import Phase

SAME_POSITION_MM = 0.01
SAME_ORIENTATION = 1e-4
SCOUT_TURN_DEG = 10.0
MOST_SCOUTS = 3
SLICES_PER_SCOUT = 5
MOST_VOLUMES = 100
MOST_DIMENSIONS = 16
PLACE_POINTERS = ("InStackPositionNumber", "ImagePositionPatient", "ImagePositionVolume", "SliceLocation", "StackID")
LARGEST_PERCENT = 100.0

_NUMBER = re.compile(r"(\d+(?:\.\d+)?)")
_PERCENT = re.compile(r"\d+(?:\.\d+)?%")

Mark = Callable[[Slice], str]


@dataclass(frozen=True, eq=False, slots=True)
class SliceVolume:
    """The slices of one volume, in no order; its phase where others lie at the same place, else None."""

    phase: Phase | None
    slices: tuple[Slice, ...]


@dataclass(frozen=True, eq=False, slots=True)
class SortedSeries:
    """The volumes of a series, in the order of their phase, and what was set aside."""

    volumes: tuple[SliceVolume, ...]
    messages: tuple[str, ...]

    @property
    def phases(self) -> tuple[Phase, ...]:
        """What can be chosen; nothing where there is one volume only."""
        return tuple(volume.phase for volume in self.volumes if volume.phase is not None)


def sorted_series(series: Series) -> SortedSeries:
    """Read the headers of a series and tell its volumes apart.

    Localizers are set aside by what they say, else where they are unlike all others (see `_without_scouts`). A series
    is divided where slices lie at one position, or in several stacks, and something in their headers tells which is
    which. Raises as `read_slices`, InconsistentInput where nothing but localizers is left.
    """
    instances, messages = _without_copied_files(series)
    named = [instance for instance in instances if is_localizer(instance)]
    messages += [f"Set aside {instance.path.name}: a localizer." for instance in named]
    slices = [s for instance in instances if not is_localizer(instance) for s in read_slices(instance)]
    with naming(series.instances[0].header):
        frames = dict.fromkeys(s for s in slices if s.groups and LOCALIZER in s.image_type)
        messages += [f"Set aside {slice_}: a localizer." for slice_ in frames]
        slices, scouts = _without_scouts([s for s in slices if s not in frames])
        if not slices:
            raise InconsistentInput(f"{series} holds nothing but localizers; a volume needs axial slices.")
        volumes = _divided(slices)
    return SortedSeries(volumes, (*messages, *scouts))


def _without_copied_files(series: Series) -> tuple[list[Instance], list[str]]:
    """The objects of a series, each multi-frame file once: its hundreds of frames are not compared one by one."""
    kept, messages = [], []
    originals: dict[str, Instance] = {}
    for instance in series.instances:
        original = originals.setdefault(instance.uid, instance)
        is_multi_frame = original is not instance and series.sop_class_uid in MULTI_FRAME_CLASSES
        if is_multi_frame and read_content(original.path) == read_content(instance.path):
            messages.append(f"Ignored {instance.path.name}: a copy of {original.path.name}.")
        else:
            kept.append(instance)
    return kept, messages


def _without_scouts(slices: list[Slice]) -> tuple[list[Slice], list[str]]:
    """The slices without scouts that do not say what they are.

    A scout is turned by 10 degrees or more from the others; there are at most three, one for each five others at least,
    and the others have one orientation. Anything else is left in, and refused later where it does not fit.
    """
    groups: list[list[Slice]] = []
    for slice_ in slices:
        for group in groups:
            if np.abs(group[0].orientation - slice_.orientation).max() <= SAME_ORIENTATION:
                group.append(slice_)
                break
        else:
            groups.append([slice_])
        if len(groups) > MOST_SCOUTS + 1:
            return slices, []
    main = max(groups, key=len, default=[])
    odd = [slice_ for group in groups if group is not main for slice_ in group]
    is_clear = odd and len(odd) <= MOST_SCOUTS and len(main) >= SLICES_PER_SCOUT * len(odd)
    if not is_clear or min(_turn_deg(main[0], scout) for scout in odd) < SCOUT_TURN_DEG:
        return slices, []
    return main, [
        f"Set aside {scout} ({scout.instance.path.name}): turned by {_turn_deg(main[0], scout):.0f}° from the other "
        f"{len(main)} slices, so taken as a localizer."
        for scout in odd
    ]


def _turn_deg(one: Slice, other: Slice) -> float:
    """The angle of the rotation between the orientations of two slices."""
    axes = [np.vstack([s.orientation, np.cross(*s.orientation)]) for s in (one, other)]
    return float(np.rad2deg(np.arccos(np.clip((np.trace(axes[0] @ axes[1].T) - 1.0) / 2.0, -1.0, 1.0))))


def _divided(slices: list[Slice]) -> tuple[SliceVolume, ...]:
    """The volumes among slices: by their stacks, then by one mark after the other until each may be one volume."""
    parts: dict[tuple[str, ...], list[Slice]] = {(): slices}
    for mark in (_stack, *_MARKS, *_dimensions(slices), _instance):
        finer: dict[tuple[str, ...], list[Slice]] = {}
        for names, part in parts.items():
            for name, members in _told_apart(part, mark).items():
                finer[(*names, name) if name else names] = members
        parts = finer
    if len(parts) == 1 or len(parts) > MOST_VOLUMES:
        return (SliceVolume(None, tuple(slices)),)
    volumes = [SliceVolume(_phase(names), tuple(members)) for names, members in parts.items()]
    return tuple(sorted(volumes, key=_order))


def _told_apart(part: list[Slice], mark: Mark) -> dict[str, list[Slice]]:
    """The slices by the words of a mark, where it tells apart what cannot be one volume; all under "" elsewhere."""
    if mark is not _stack and _may_be_one(part):
        return {"": part}
    groups: dict[str, list[Slice]] = defaultdict(list)
    for slice_ in part:
        groups[mark(slice_)].append(slice_)
    is_whole = len(groups) > 1 and "" not in groups and min(map(len, groups.values())) > 1
    if is_whole and (mark is _stack or _separates(part, mark) or _overlap([*groups.values()])):
        return dict(groups)
    return {"": part}


def _may_be_one(part: list[Slice]) -> bool:
    """Whether slices lie at different, even positions."""
    along_mm = np.sort(_along_mm(part))
    return bool((np.diff(along_mm) > SAME_POSITION_MM).all()) and even_step_mm(along_mm) is not None


def _along_mm(part: list[Slice]) -> Float64Array:
    """Positions along the normal of the first slice."""
    along_mm: Float64Array = np.array([slice_.position_mm for slice_ in part]) @ np.cross(*part[0].orientation)
    return along_mm


def _separates(part: list[Slice], mark: Mark) -> bool:
    """Whether a mark has other words for slices that share a position."""
    along_mm = _along_mm(part)
    order = np.argsort(along_mm, kind="stable")
    return any(
        along_mm[after] - along_mm[before] <= SAME_POSITION_MM and mark(part[before]) != mark(part[after])
        for before, after in pairwise(order.tolist())
    )


def _overlap(groups: list[list[Slice]]) -> bool:
    """Whether groups that are even each, though not together, reach into one another: two scans of one place."""
    lines = [np.sort(_along_mm(group)) for group in groups]
    is_even = all(even_step_mm(line) is not None for line in lines)
    ends = sorted((float(line[0]), float(line[-1])) for line in lines)
    return is_even and any(one[1] > other[0] for one, other in pairwise(ends))


def _stack(slice_: Slice) -> str:
    """The stack of a frame (PS3.3 C.7.6.16.2.2.4)."""
    return _named("stack", text(slice_.holder("StackID"), "StackID")) if slice_.groups else ""


def _breathing(slice_: Slice) -> str:
    """The nominal percentage of the respiratory phase, else what comment or description say."""
    percent = number(slice_.holder("NominalPercentageOfRespiratoryPhase"), "NominalPercentageOfRespiratoryPhase")
    if percent is not None:
        return f"{percent:g}%"
    words = [text(slice_.instance.header, keyword) for keyword in ("ImageComments", "SeriesDescription")]
    return str(next(filter(None, map(Phase.named_in, words)), ""))


def _by_number(name: str, keyword: str, of_frame: str = "", unit: str = "") -> Mark:
    """The mark of a number in the header, or in the functional groups of a frame."""

    def mark(slice_: Slice) -> str:
        found = of_frame if slice_.groups and of_frame else keyword
        holder = slice_.holder(found) if of_frame else slice_.instance.header
        values = numbers(holder, found)
        return f"{name} {' '.join(f'{value:g}' for value in values)}{unit}" if values else ""

    return mark


def _kind(slice_: Slice) -> str:
    """What the values are: magnitude, water, one of several energies."""
    return _named("type", "/".join(slice_.image_type))


def _instance(slice_: Slice) -> str:
    """The multi-frame object that a frame is of."""
    return f"instance {slice_.instance.uid if slice_.number is None else slice_.number}" if slice_.groups else ""


def _dimensions(slices: list[Slice]) -> list[Mark]:
    """A mark for each dimension of multi-frame images that is neither place nor stack (PS3.3 C.7.6.17).

    Raises UnsupportedInput for more dimensions than any image has: each is looked for in every frame.
    """
    first = slices[0].groups
    dimensions = first.dimensions if first else ()
    if len(dimensions) > MOST_DIMENSIONS:
        raise UnsupportedInput(
            f"{slices[0].instance.path.name} sorts its frames by {len(dimensions)} dimensions; at most "
            f"{MOST_DIMENSIONS} are read."
        )
    pointers = [raw_value(item, "DimensionIndexPointer") for item in dimensions]
    names = [keyword_for_tag(pointer) if isinstance(pointer, int) else "" for pointer in pointers]
    return [_dimension(n, name) for n, name in enumerate(names) if name not in (*PLACE_POINTERS, "")]


def _dimension(n: int, name: str) -> Mark:
    """The index of a frame in one dimension."""

    def mark(slice_: Slice) -> str:
        values = numbers(slice_.holder("DimensionIndexValues"), "DimensionIndexValues") if slice_.groups else ()
        return f"{name} {values[n]:g}" if n < len(values) else ""

    return mark


def _named(name: str, value: str) -> str:
    """A value with its name before it, nothing without a value."""
    return f"{name} {value}" if value else ""


_MARKS: tuple[Mark, ...] = (
    _breathing,
    _by_number("time", "TemporalPositionIdentifier", "TemporalPositionIndex"),
    _by_number("cardiac", "NominalPercentageOfCardiacPhase", "NominalPercentageOfCardiacPhase", "%"),
    _by_number("acquisition", "AcquisitionNumber", "FrameAcquisitionNumber"),
    _by_number("echo", "EchoNumbers", "EffectiveEchoTime"),
    _by_number("b", "DiffusionBValue", "DiffusionBValue"),
    _by_number("trigger", "TriggerTime", "NominalCardiacTriggerDelayTime", " ms"),
    _by_number("frame time", "FrameReferenceTime", unit=" ms"),
    _kind,
)


def _phase(names: tuple[str, ...]) -> Phase:
    """What a volume is called by the words of all marks that tell it apart."""
    name = ", ".join(names)
    is_breathing = _PERCENT.fullmatch(name) is not None and float(name[:-1]) <= LARGEST_PERCENT
    return Phase.of_breathing(float(name[:-1])) if is_breathing else Phase(name)


def _order(volume: SliceVolume) -> list[tuple[float, str]]:
    """Volumes by the numbers in their names, words after them."""
    pieces = _NUMBER.split(volume.phase.name if volume.phase else "")
    return [(float(piece), "") if _NUMBER.fullmatch(piece) else (np.inf, piece) for piece in pieces if piece]
