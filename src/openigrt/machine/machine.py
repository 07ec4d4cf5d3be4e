"""A treatment machine: its couch, its scales and the conventions of its images."""

from dataclasses import dataclass

from openigrt.geometry import ImageAxes
from openigrt.machine.couch import Couch
from openigrt.machine.scales import AngleScale


@dataclass(frozen=True, slots=True)
class CbctConvention:
    """How a maker writes the cone-beam CT of this machine.

    Told by Manufacturer (0008,0070). `origin_is_isocenter` says whether the origin of its Frame of Reference is the
    machine isocenter, `axes` what the axes of its images turn with.
    """

    manufacturer: str
    origin_is_isocenter: bool
    axes: ImageAxes


@dataclass(frozen=True, slots=True)
class Machine:
    """A treatment machine as its file describes it; `gantry` and `beam_limiting_device` are scales of angles."""

    name: str
    couch: Couch
    gantry: AngleScale
    beam_limiting_device: AngleScale
    cbct_conventions: tuple[CbctConvention, ...]

    def cbct_convention(self, manufacturer: str) -> CbctConvention | None:
        """The convention for images of exactly this maker (case and outer blanks aside); None when it is not listed.

        A name with additions is another maker: another system has touched the image since.
        """
        wanted = manufacturer.strip().casefold()
        return next((c for c in self.cbct_conventions if c.manufacturer.casefold() == wanted), None)
