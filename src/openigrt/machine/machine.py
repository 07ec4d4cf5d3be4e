"""A treatment machine: its couch, its scales, the conventions of its images, and whether all that was tested."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from types import MappingProxyType

from openigrt.errors import ConfigurationRequired
from openigrt.geometry import ImageAxes
from openigrt.machine.couch import Couch
from openigrt.machine.imager import Imager
from openigrt.machine.scales import AngleScale, LengthScale, Scale


class ApertureAxis(StrEnum):
    """What shapes the beam, IEC 61217 positions at the isocenter: jaws, and banks of leaves (1: lower coordinate)."""

    X1 = "x1"
    X2 = "x2"
    Y1 = "y1"
    Y2 = "y2"
    LEAVES_1 = "leaves_1"
    LEAVES_2 = "leaves_2"


@dataclass(frozen=True, slots=True)
class CbctConvention:
    """How a maker writes the cone-beam CT of this machine.

    Told by Manufacturer (0008,0070). `origin_is_isocenter` says whether the origin of its Frame of Reference is the
    machine isocenter, `axes` what the axes of its images turn with.
    """

    manufacturer: str
    origin_is_isocenter: bool
    axes: ImageAxes


OWN_CBCT = CbctConvention("OpenIGRT", origin_is_isocenter=True, axes=ImageAxes.ROOM)


@dataclass(frozen=True, slots=True)
class Acceptance:
    """That a machine file went through the acceptance test: on which day, by whom, for which version of the machine.

    `fingerprint` is that of the file which was tested.
    """

    day: date
    by: str
    version: str
    fingerprint: str


@dataclass(frozen=True, slots=True)
class Machine:
    """A treatment machine as its file describes it.

    `gantry` and `beam_limiting_device` are scales of angles; `aperture` has those of the jaws and leaves that the file
    states. `imager` is None where it says nothing of one. `fingerprint` is the same for files that say the same,
    whatever their comments and their [acceptance].
    """

    name: str
    couch: Couch
    gantry: AngleScale
    beam_limiting_device: AngleScale
    cbct_conventions: tuple[CbctConvention, ...]
    aperture: Mapping[ApertureAxis, LengthScale] = field(default_factory=lambda: MappingProxyType({}))
    acceptance: Acceptance | None = None
    fingerprint: str = ""
    imager: Imager | None = None

    def cbct_convention(self, manufacturer: str) -> CbctConvention | None:
        """The convention for images of exactly this maker (case and outer blanks aside); None when it is not listed.

        A name with additions is another maker: another system has touched the image since. What OpenIGRT itself
        reconstructs has its own, whatever the machine.
        """
        wanted = manufacturer.strip().casefold()
        return next((c for c in (*self.cbct_conventions, OWN_CBCT) if c.manufacturer.casefold() == wanted), None)

    @property
    def scales(self) -> Mapping[str, Scale]:
        """The scales of all axes that have one, by the name of the axis in the machine file."""
        angles = {"gantry": self.gantry, "beam_limiting_device": self.beam_limiting_device}
        return {**angles, **{str(k): v for k, v in self.couch.scales.items()}, **self._aperture_scales()}

    def _aperture_scales(self) -> dict[str, Scale]:
        """Scales of jaws and leaves by name."""
        return {str(axis): scale for axis, scale in self.aperture.items()}

    def scale_of(self, axis: str) -> Scale:
        """The scale of an axis; raises ConfigurationRequired where the machine file states none."""
        found = self.scales.get(axis)
        if found is None:
            raise ConfigurationRequired(
                f"The machine file {self.name!r} states no scale for {axis!r}, so its read-out cannot be converted. "
                f"Find out how that display counts, then add [scales.{axis}] to the file.",
                axis=axis,
            )
        return found

    @property
    def is_accepted(self) -> bool:
        """Whether the file is the one that went through the acceptance test."""
        return self.acceptance is not None and self.acceptance.fingerprint == self.fingerprint

    @property
    def acceptance_in_words(self) -> str:
        """Whether and when the file went through the acceptance test, and whether it was changed since."""
        if self.acceptance is None:
            return "the machine file has not been through the acceptance test"
        accepted = self.acceptance
        said = f"accepted on {accepted.day.isoformat()} by {accepted.by} for version {accepted.version}"
        return said if self.is_accepted else f"{said}, and CHANGED SINCE: the acceptance test must be done again"
