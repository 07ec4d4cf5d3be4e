"""Which image of a folder is meant, which of its phases, and whether it may be resampled."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from openigrt.dicom.dataset.elements import lenient
from openigrt.dicom.dataset.inventory import Series
from openigrt.dicom.images.stack import Straightening
from openigrt.dicom.images.volumes import SliceVolume, sorted_series
from openigrt.errors import AmbiguousInput, MissingInput, OpenIgrtError
from openigrt.images import Phase

PHASE_SIGN = "@"


@dataclass(frozen=True, slots=True)
class ImageChoice:
    """The series of this UID (the only one where it is empty) and the phase of this name; `option` of `guide` says so.

    `drawn_on` are the UIDs of the slices that structures were drawn on: they choose a phase where nobody names one.
    """

    series_uid: str = ""
    phase: str = ""
    straightening: Straightening = Straightening.REFUSED
    option: str = "--series"
    drawn_on: frozenset[str] = frozenset()

    @classmethod
    def parse(cls, words: str | None, option: str = "--series") -> "ImageChoice":
        """`UID`, `UID@PHASE` or `@PHASE`, such as `1.2.3@50%`; nothing is chosen by None."""
        uid, _, phase = (words or "").partition(PHASE_SIGN)
        return cls(uid.strip(), phase.strip(), option=option)

    def within(self, series: Series) -> "ImageChoice":
        """What is left to choose in a series of which the whole is one phase, by its own words."""
        own = phase_of(series)
        return replace(self, phase="") if self.phase and own is not None and own.is_called(self.phase) else self


def phase_of(series: Series) -> Phase | None:
    """The phase that the description of a series names, if any."""
    return Phase.named_in(series.description)


def phases_in(series: Series) -> tuple[Phase, ...]:
    """The phases that an image series holds, or the one that it is; none where it cannot be read."""
    own = phase_of(series)
    try:
        with lenient():
            return sorted_series(series).phases or ((own,) if own else ())
    except OpenIgrtError:
        return ()


def chosen_volume(series: Series, volumes: Sequence[SliceVolume], choice: ImageChoice) -> SliceVolume:
    """The volume of a series that is meant.

    Raises AmbiguousInput, naming all that can be chosen, where there are several and none is named, MissingInput where
    the named one is not there.
    """
    names = ", ".join(str(volume.phase) for volume in volumes)
    called = [v for v in volumes if choice.phase and v.phase and v.phase.is_called(choice.phase)]
    if len(called) == 1:
        return called[0]
    if choice.within(series).phase:
        there = f"it holds {names}" if len(volumes) > 1 else f"it is one volume, phase {phase_of(series) or 'unknown'}"
        raise MissingInput(f"{series} has no phase {choice.phase!r}: {there}.", phase=choice.phase)
    if len(volumes) == 1:
        return volumes[0]
    drawn_on = [v for v in volumes if choice.drawn_on & {slice_.instance.uid for slice_ in v.slices}]
    if len(drawn_on) == 1:
        return drawn_on[0]
    raise AmbiguousInput(
        f"{series} holds {len(volumes)} volumes: {names}. Choose one, such as {choice.option} "
        f"{series.uid}{PHASE_SIGN}{volumes[0].phase}.",
        phases=[str(volume.phase) for volume in volumes],
    )
