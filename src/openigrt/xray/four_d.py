"""One volume for each bin of breathing: filtered back-projection of the projections of that bin.

Sonke et al., Med Phys 32 (2005) 1176. Bins keep the streaks of few projections; `motion_compensated.py` has none.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from openigrt.errors import InconsistentInput
from openigrt.geometry import Grid, Trajectory
from openigrt.images import ProjectionPixels
from openigrt.motion import Bins
from openigrt.xray.arc import FEWEST_PROJECTIONS, Arc, arc_of
from openigrt.xray.fdk import Fdk, FdkSettings
from openigrt.xray.part_of_arc import part_of_arc, widest_gap_deg
from openigrt.xray.projector import require_projections_of
from openigrt.xray.redundancy import fan_of

Float32Array = NDArray[np.float32]

WIDEST_GAP_DEG = 60.0
USUAL_SETTINGS = FdkSettings()


@dataclass(frozen=True, eq=False)
class BinImage:
    """A bin of breathing: attenuation per mm [k, j, i], or None where the bin is blank; and what it was made from."""

    name: str
    volume: Float32Array | None
    projections: int
    widest_gap_deg: float


def reconstruct_bins(
    line_integrals: ProjectionPixels,
    trajectory: Trajectory,
    grid: Grid,
    bins: Bins,
    settings: FdkSettings = USUAL_SETTINGS,
) -> Iterator[BinImage]:
    """The bins of a scan of line integrals [projection, row, column], one at a time, blank ones included.

    Angles are weighted by those of the bin itself. Raises InconsistentInput where the bins are of other projections,
    InvalidGeometry where the line integrals are.
    """
    require_projections_of(trajectory, line_integrals)
    require_bins_of(bins, trajectory)
    whole = arc_of(trajectory)
    settings = replace(settings, fan=settings.fan or fan_of(trajectory))
    for number, name in enumerate(bins.names):
        members = bins.members(number)
        gap_deg = widest_gap_deg(whole, members)
        volume = None
        if not is_blank(whole, members):
            parts = replace(settings, arc=part_of_arc(whole, members))
            volume = back_projected(line_integrals, members, Fdk(grid, trajectory.chosen(members), parts))
        yield BinImage(name, volume, len(members), gap_deg)


def blank_bins(trajectory: Trajectory, bins: Bins) -> tuple[str, ...]:
    """Names of the bins that no image can be made of: fewer than 4 projections, or a gap of over 60 degrees."""
    require_bins_of(bins, trajectory)
    whole = arc_of(trajectory)
    return tuple(name for number, name in enumerate(bins.names) if is_blank(whole, bins.members(number)))


def is_blank(whole: Arc, members: NDArray[np.intp]) -> bool:
    """Whether these projections are too few for an image."""
    return len(members) < FEWEST_PROJECTIONS or widest_gap_deg(whole, members) > WIDEST_GAP_DEG


def require_bins_of(bins: Bins, trajectory: Trajectory) -> None:
    """Raise InconsistentInput unless there is a bin, or none, for each projection."""
    if len(bins.of_each) != len(trajectory):
        raise InconsistentInput(
            f"The scan has {len(trajectory)} projections and {len(bins.of_each)} were sorted; sort all of this scan."
        )


def back_projected(line_integrals: ProjectionPixels, members: NDArray[np.intp], fdk: Fdk) -> Float32Array:
    """The volume of an `fdk` of these projections alone, read in runs that follow one another."""
    done = 0
    for run in np.split(members, np.flatnonzero(np.diff(members) != 1) + 1):
        fdk.add(line_integrals[int(run[0]) : int(run[-1]) + 1], done)
        done += len(run)
    return fdk.volume()
