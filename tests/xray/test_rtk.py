"""RTK beside us: its projections are ours, it reconstructs ours, and we reconstruct its.

RTK lives in an environment of its own (`benchmarks/peers/requirements.lock`), whose Python OPENIGRT_PEERS_PYTHON names.
"""

import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from openigrt.xray import Fan, Fdk, Projector, reconstruct_fdk
from tests.xray.phantoms import WATER_PER_MM, head, placement, points_of, room_grid, sampled, scan

WORKER = Path(__file__).with_name("rtk_worker.py")
GRID = room_grid((60, 48, 56), (2.0, 2.2, 2.4))
PLAIN = placement((96, 84), (2.0, 2.5))
ASIDE = placement((66, 84), (2.0, 2.5), offset_mm=(40.0, 4.0))
TURN = np.arange(0.0, 360.0, 5.0)
CASES = {
    "full": (PLAIN, TURN),
    "short": (PLAIN, np.arange(20.0, 222.0, 3.0)),
    "half fan": (ASIDE, TURN),
    "tilted": (replace(PLAIN, in_plane_angle_deg=4.0, out_of_plane_angle_deg=2.0, offset_mm=(3.0, -5.0)), TURN),
}


def by_rtk(python, folder, case, projections):
    """RTK's projections of the head and its reconstruction of ours, volumes in our order of axes."""
    held, angles = CASES[case]
    distances = held.source_axis_distance_mm, held.source_detector_distance_mm
    np.savez(
        folder / "in.npz",
        held=[*distances, *held.offset_mm, held.out_of_plane_angle_deg, held.in_plane_angle_deg],
        angles=angles,
        projections=projections,
        pixel_mm=held.spacing_mm,
        volume=sampled(head(), GRID).transpose(1, 0, 2),
        voxel_mm=GRID.spacing_mm[[0, 2, 1]],
        aside=case.startswith("half"),
    )
    command = [python, str(WORKER), str(folder / "in.npz"), str(folder / "out.npz")]
    subprocess.run(command, check=True, capture_output=True, timeout=300)
    found = np.load(folder / "out.npz")
    return found["projections"], found["volume"].transpose(1, 0, 2)


@pytest.mark.parametrize("case", CASES)
def test_projections_and_volumes_are_those_of_rtk(rtk_python, tmp_path, case):
    """Joseph beside Joseph: 0.3 % of the largest integral, the edges of whose voxels differ most.

    FDK beside FDK, and each of the other's projections: 0.2 % of water inside, 2 % where pixels were interpolated once
    more.
    """
    held, angles = CASES[case]
    trajectory = scan(angles, held)
    ours = Projector(GRID, trajectory).forward(sampled(head(), GRID))
    theirs, their_volume = by_rtk(rtk_python, tmp_path, case, ours)
    tilted = case == "tilted"
    assert np.sqrt(np.mean((ours - theirs) ** 2)) < (0.006 if tilted else 0.003) * theirs.max()
    inside = (head()[0].at(points_of(GRID)) > 0.0) & (np.abs(points_of(GRID)[..., 1]) < 20.0)
    mine, of_theirs = (reconstruct_fdk(seen, trajectory, GRID) for seen in (ours, theirs))
    assert (Fdk(GRID, trajectory).fan is Fan.HALF) == case.startswith("half")
    for volume in (mine, of_theirs):
        difference = (volume - their_volume)[inside] / WATER_PER_MM
        assert abs(difference.mean()) < 0.004
        assert np.sqrt((difference**2).mean()) < (0.02 if tilted else 0.002)
