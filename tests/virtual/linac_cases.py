"""What tests of the virtual linac share: a ball that is imaged and found again, and a couch that is sent."""

from collections.abc import Callable

import numpy as np

from openigrt.geometry import CouchPose, DetectorPlacement, Float64Array, Trajectory
from openigrt.images import Scan
from openigrt.machine import Devices, Imager, wait_until_still
from openigrt.virtual import PixelSource, VirtualLinac, couch_model

PLACEMENT = DetectorPlacement(1000.0, 1500.0, (401, 301), (1.0, 1.0))
SMALL = DetectorPlacement(1000.0, 1500.0, (4, 4), (50.0, 50.0))
ANGLES = 90.0 + np.arange(-180.0, 180.0, 30.0)
EXACT_COUCH = couch_model(inaccuracy_mm=0.0, inaccuracy_deg=0.0)
KV_IMAGER = Imager(90.0, 1000.0, 1500.0)


def sent(devices: Devices, pose: CouchPose) -> float:
    devices.couch.move_to(pose)
    wait_until_still(devices.couch, devices.clock, 300.0)
    return devices.clock.now_s


def imaging(linac: VirtualLinac) -> Devices:
    linac.devices.imager.extend_arms()
    linac.devices.clock.sleep_until(linac.devices.clock.now_s + 60.0)
    return linac.devices


def ball_at(point_mm: Callable[[float], Float64Array]) -> PixelSource:
    """Pixels of a small dark ball: half of the beam comes through, in the four pixels round where it projects."""

    def pixels(trajectory: Trajectory, times_s: Float64Array) -> np.ndarray:
        out = np.ones(trajectory.shape, np.float32)
        for n, time_s in enumerate(times_s):
            column, row = trajectory[n].pixels(point_mm(float(time_s)))
            i, j = int(column), int(row)
            u, v = column - i, row - j
            out[n, j : j + 2, i : i + 2] -= 0.5 * np.outer([1 - v, v], [1 - u, u])
        return out

    return pixels


def found_ball_mm(scan: Scan) -> Float64Array:
    """Where a scan shows the ball: the point nearest to all rays from the sources to its middle."""
    pixels = scan.pixels[0 : len(scan)]
    dark = 1.0 - pixels.astype(np.float64)
    rows, columns = np.indices(pixels.shape[1:])
    middles = [(np.sum(columns * d) / d.sum(), np.sum(rows * d) / d.sum()) for d in dark]
    ends = [scan.trajectory[n].points(middle) for n, middle in enumerate(middles)]
    normal, right = np.zeros((3, 3)), np.zeros(3)
    for end, source in zip(ends, scan.trajectory.sources_mm, strict=True):
        along = (end - source) / np.linalg.norm(end - source)
        across = np.eye(3) - np.outer(along, along)
        normal, right = normal + across, right + across @ source
    return np.asarray(np.linalg.solve(normal, right))
