"""The GPU beside the CPU, on numba's simulator: `NUMBA_ENABLE_CUDASIM=1 python -m tests.xray.gpu_cases`.

Prints one JSON object: by name, the largest difference in parts of the largest value; ends with 1 where one is larger
than rounding. The CPU reads at depths so close
together that what they cost disappears. On a machine with a card, the same without the variable.
"""

import json
import sys
from dataclasses import replace
from itertools import pairwise

import numpy as np

from openigrt.arrays import Engine
from openigrt.errors import InputError, InvalidGeometry
from openigrt.xray import (
    CglsSettings,
    Fdk,
    FdkSettings,
    OsSartSettings,
    Projector,
    RampFilter,
    RampWindow,
    fdk_chain,
    gpu,
    projector,
    reconstruct_cgls,
    reconstruct_os_sart,
)
from tests.xray.phantoms import ROOM_AXES, Blob, placement, room_grid, sampled, scan, seen

DEPTHS_OF_A_PIXEL = 1e-4
LARGEST_ROUNDING = 1e-5
BODY = [Blob(np.array([4.0, -3.0, 5.0]), 14.0), Blob(np.array([-16.0, 8.0, -9.0]), 12.0)]
GRID = room_grid((8, 7, 9), (10.0, 11.0, 8.0))
LYING = room_grid((7, 9, 6), (10.0, 8.0, 11.0), direction=ROOM_AXES[:, [1, 2, 0]])
PLAIN = placement((12, 9), (14.0, 15.0))
ASIDE = replace(PLAIN, size=(9, 11), offset_mm=(45.0, 0.0), in_plane_angle_deg=8.0)


def apart(one, other):
    """The largest difference in parts of the largest value."""
    return float(np.abs(one - other).max() / np.abs(other).max())


def single_entries():
    """Largest difference between entries of the matrix and of its transpose, in parts of the largest."""
    grid, trajectory = room_grid((3, 2, 3), (6.0, 5.0, 7.0)), scan([25.0, 70.0], placement((4, 3), (9.0, 10.0)))
    both = Projector(grid, trajectory, Engine.GPU)
    columns = [both.forward(one).ravel() for one in np.eye(18, dtype=np.float32).reshape(18, *grid.shape)]
    rows = [both.adjoint(one).ravel() for one in np.eye(24, dtype=np.float32).reshape(24, *trajectory.shape)]
    return apart(np.array(rows).T, np.array(columns))


def operators(name, grid, held):
    """(case, difference) of a grid and a detector."""
    trajectory = scan(np.array([0.0, 40.0, 135.0, 290.0]), held)
    cpu, card = (Projector(grid, trajectory, engine) for engine in Engine)
    generator = np.random.default_rng(1)
    volume, pixels = generator.random(grid.shape, np.float32), generator.random(trajectory.shape, np.float32)
    there, back = card.forward(volume), card.adjoint(pixels)
    yield f"{name}, forward", apart(there, cpu.forward(volume))
    yield f"{name}, adjoint", apart(back, cpu.adjoint(pixels))
    one, other = np.vdot(there.astype(np.float64), pixels), np.vdot(volume.astype(np.float64), back)
    yield f"{name}, dot product", abs(one - other) / abs(one)


def filtered(name, held, settings, parts):
    """(case, difference) of FDK, the projections added in parts that begin so."""
    turn = scan(np.arange(0.0, 360.0, 360.0 / parts[-1]), held)
    volumes = []
    for engine in Engine:
        fdk = Fdk(GRID, turn, replace(settings, engine=engine))
        for first, end in pairwise(parts):
            fdk.add(seen(BODY, turn)[first:end], first)
        volumes.append(fdk.volume())
    yield f"{name}, FDK", apart(volumes[1], volumes[0])


def iterated():
    """(case, difference) of the iterative methods."""
    trajectory = scan([0.0, 60.0, 150.0, 230.0], PLAIN)
    data = Projector(GRID, trajectory).forward(sampled(BODY, GRID))
    for name, reconstruct, settings in (
        ("OS-SART", reconstruct_os_sart, OsSartSettings(iterations=1, subset_size=2)),
        ("CGLS", reconstruct_cgls, CglsSettings(iterations=2)),
    ):
        cpu, card = (reconstruct(data, trajectory, GRID, replace(settings, engine=engine)) for engine in Engine)
        yield name, apart(card, cpu)


def refused():
    """(case, 0 where it was refused in a sentence): NaN, and more than a card holds."""
    trajectory, grid = scan([0.0, 90.0, 180.0, 270.0], PLAIN), room_grid((2, 2, 2))
    pixels = np.zeros(trajectory.shape, np.float32)
    pixels[2, 3, 4] = np.nan
    card, fdk = Projector(grid, trajectory, Engine.GPU), Fdk(grid, trajectory, FdkSettings(engine=Engine.GPU))
    fdk.add(pixels, 0)
    for name, work, error in (
        ("NaN in a projection for FDK", fdk.volume, InvalidGeometry),
        ("NaN in a projection", lambda: card.adjoint(pixels), InvalidGeometry),
        ("infinity in a volume", lambda: card.forward(np.full(grid.shape, np.inf, np.float32)), InvalidGeometry),
        ("a terabyte", lambda: gpu.require_room(2**40, "A reconstruction"), InputError),
    ):
        try:
            work()
        except error:
            yield name, 0.0
        else:
            yield name, 1.0


def main():
    """All cases."""
    projector.RUNG_STEP_VOXELS = fdk_chain.RUNG_STEP_PIXELS = DEPTHS_OF_A_PIXEL
    wide = FdkSettings(RampFilter(RampWindow.HANN, 0.9), extension_share=0.25)
    cut = replace(PLAIN, size=(10, 5), spacing_mm=(7.0, 22.0))
    cases = [
        ("every entry of the transpose", single_entries()),
        *operators("plain", GRID, PLAIN),
        *operators("aside and tilted", GRID, ASIDE),
        *operators("slices along the rays", LYING, PLAIN),
        *filtered("cut off, more than are taken at once, one by itself", cut, wide, (0, 1, 19, 20)),
        *filtered("aside, tilted, extended", ASIDE, wide, (0, 5, 8)),
        *iterated(),
        *refused(),
    ]
    sys.stdout.write(json.dumps(dict(cases)) + "\n")
    return int(max(case[1] for case in cases) > LARGEST_ROUNDING)


if __name__ == "__main__":
    sys.exit(main())
