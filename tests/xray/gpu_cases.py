"""The GPU beside the CPU, on numba's simulator: `NUMBA_ENABLE_CUDASIM=1 python -m tests.xray.gpu_cases`.

Prints one JSON object: by name, the largest difference in parts of the largest value. On a machine with a card, the
same without the variable.
"""

import json
import sys
from dataclasses import replace

import numpy as np

from openigrt.arrays import Engine
from openigrt.xray import Fdk, FdkSettings, Projector, RampFilter, RampWindow
from tests.xray.phantoms import Blob, placement, room_grid, sampled, scan, seen

BODY = [Blob(np.array([4.0, -3.0, 5.0]), 14.0), Blob(np.array([-16.0, 8.0, -9.0]), 12.0)]
GRID = room_grid((12, 10, 9), (8.0, 9.0, 8.0))
PLAIN = placement((14, 11), (13.0, 13.0))
HELD = {
    "plain": PLAIN,
    "aside and tilted": replace(PLAIN, size=(12, 13), offset_mm=(50.0, 0.0), in_plane_angle_deg=8.0),
}
ANGLES = np.array([0.0, 40.0, 135.0, 290.0])


def apart(one, other):
    """The largest difference in parts of the largest value."""
    return float(np.abs(one - other).max() / np.abs(other).max())


def single_entries():
    """Largest difference between entries of the matrix and of its transpose, in parts of the largest."""
    grid, trajectory = room_grid((3, 4, 3), (6.0, 5.0, 7.0)), scan([25.0, 70.0], placement((4, 3), (9.0, 10.0)))
    projector = Projector(grid, trajectory, Engine.GPU)
    columns = [projector.forward(one).ravel() for one in np.eye(36, dtype=np.float32).reshape(36, *grid.shape)]
    rows = [projector.adjoint(one).ravel() for one in np.eye(24, dtype=np.float32).reshape(24, *trajectory.shape)]
    return apart(np.array(rows).T, np.array(columns))


def main():
    """All cases."""
    found = {"transpose": single_entries()}
    for name, held in HELD.items():
        trajectory = scan(ANGLES, held)
        cpu, gpu = (Projector(GRID, trajectory, engine) for engine in Engine)
        integrals = cpu.forward(sampled(BODY, GRID))
        found[f"{name}, forward"] = apart(gpu.forward(sampled(BODY, GRID)), integrals)
        found[f"{name}, adjoint"] = apart(gpu.adjoint(integrals), cpu.adjoint(integrals))
        turn = scan(np.arange(0.0, 360.0, 45.0), held)
        settings = FdkSettings(RampFilter(RampWindow.HANN, 0.9), extension_share=0.25)
        volumes = []
        for engine in Engine:
            fdk = Fdk(GRID, turn, replace(settings, engine=engine))
            for first in (0, 5):
                fdk.add(seen(BODY, turn)[first : (5, 8)[first // 5]], first)
            volumes.append(fdk.volume())
        found[f"{name}, FDK"] = apart(volumes[1], volumes[0])
    sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    main()
