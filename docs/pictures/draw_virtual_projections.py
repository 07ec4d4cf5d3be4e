"""Draws virtual_projections.png and prints the table of docs/explanation/virtual_imaging.md.

Run from the root of the repository: python -m docs.pictures.draw_virtual_projections
"""

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw
from scipy import ndimage

from openigrt.geometry import Frame, Grid, RigidTransform
from openigrt.images import Scan
from openigrt.virtual import PELVIS_DEMO_CBCT, PatientProjections, VirtualLinac, pelvis_day, pelvis_patient
from openigrt.virtual.imaging.projections import fan_angles_deg
from openigrt.xray import (
    FdkSettings,
    KernelScatter,
    Lag,
    LagCorrection,
    Material,
    Panel,
    RampFilter,
    RampWindow,
    logarithm,
    reconstruct_fdk,
    tube_spectrum,
    water_hardening,
)

SEED = 5
WINDOW_HU = (-300.0, 400.0)
VOXEL_MM, SIZE = 1.5, (240, 160, 80)
TISSUES_HU = {"fat": (-140, -60), "soft tissue": (0, 80), "spongy bone": (150, 400)}
SMOOTH = FdkSettings(ramp=RampFilter(RampWindow.HANN))


def taken() -> tuple[VirtualLinac, PatientProjections, Scan, float]:
    """A scan of the pelvis, and the time in its middle."""
    patient = pelvis_patient(Frame.plan("1.2.3"), SEED)
    linac = VirtualLinac(seed=SEED)
    source = PatientProjections(linac.lay_down(patient, pelvis_day(patient, 2)), PELVIS_DEMO_CBCT, SEED)
    linac.show(source)
    devices = linac.devices
    devices.imager.extend_arms()
    devices.clock.sleep_until(devices.clock.now_s + 15.0)
    start_s = devices.clock.now_s
    scan = devices.imager.scan(PELVIS_DEMO_CBCT.trajectory())
    return linac, source, scan, 0.5 * (start_s + devices.clock.now_s)


def room_grid() -> Grid:
    """Slices across the axis of rotation about the imaging isocenter."""
    half = (np.array([SIZE[0], SIZE[2], SIZE[1]]) - 1) / 2.0 * VOXEL_MM
    return Grid(Frame.FIXED, -half, [VOXEL_MM] * 3, [[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, 1.0, 0.0]], SIZE)


def image_hu(source: PatientProjections, scan: Scan, scatter: np.ndarray | None) -> np.ndarray:
    """HU of a scan; `scatter` is what is taken off (None: by the kernel of the protocol)."""
    protocol = source.protocol
    panel = Panel(*source.fields(scan.trajectory))
    transmissions, _ = panel.transmissions(scan.pixels[0 : len(scan)])
    lag = Lag(protocol.lag.shares, protocol.lag.frames)
    signal = LagCorrection(lag, transmissions.shape[1:]).corrected(transmissions) * panel.air
    if scatter is None:
        fit = protocol.kernel
        kernel = KernelScatter(fit.amplitude, fit.narrow_mm, fit.wide_mm, fit.wide_share)
        scatter = kernel.estimate(signal, panel.air, scan.trajectory)
    integrals, _ = logarithm((signal - scatter) / panel.air)
    thicknesses = protocol.bow_tie.thicknesses_mm(fan_angles_deg(scan.trajectory))
    hardening = water_hardening(tube_spectrum(protocol.tube), thicknesses, Material.ALUMINUM, 75.0)
    attenuation = reconstruct_fdk(hardening.corrected(integrals), scan.trajectory, room_grid(), SMOOTH)
    return (1000.0 * (attenuation / hardening.water_per_mm - 1.0)).astype(np.float32)


def row_of(name: str, image: np.ndarray, truth: np.ndarray) -> str:
    """A row of the table: mean and standard deviation of the difference from the truth, within 10 cm of the axis."""
    axes = [(np.arange(n) - (n - 1) / 2.0) * VOXEL_MM for n in SIZE[:2]]
    middle = np.zeros(image.shape, bool)
    middle[20:60] = np.hypot(*np.meshgrid(*axes)) < 100.0
    cells = []
    for low, high in TISSUES_HU.values():
        inside = ndimage.binary_erosion((truth > low) & (truth < high) & middle)
        off = (image - truth)[inside]
        cells.append(f"{off.mean():.0f} ± {off.std():.0f}")
    return f"| {name} | {' | '.join(cells)} |"


def tile(name: str, volume: np.ndarray) -> Image.Image:
    """An axial slice above a coronal one, its name over both."""
    axial, coronal = volume[volume.shape[0] // 2][::-1], volume[::-1, volume.shape[1] // 2]
    gray = np.clip((np.vstack([axial, coronal]) - WINDOW_HU[0]) / (WINDOW_HU[1] - WINDOW_HU[0]), 0.0, 1.0)
    return named(name, gray)


def named(name: str, gray: np.ndarray) -> Image.Image:
    """A picture in gray (rows, columns) of 0 to 1 with its name over it."""
    out = Image.new("L", (gray.shape[1], gray.shape[0] + 16))
    out.paste(Image.fromarray(np.uint8(255.0 * gray)), (0, 16))
    ImageDraw.Draw(out).text((4, 2), name, fill=255)
    return out


def shadows(source: PatientProjections, scan: Scan) -> Image.Image:
    """Two projections as line integrals, from above and from the side."""
    transmissions, _ = Panel(*source.fields(scan.trajectory)).transmissions(scan.pixels[0 : len(scan)])
    integrals, _ = logarithm(transmissions)
    angles = scan.trajectory.source_angles_deg()
    chosen = [integrals[int(np.argmin(np.abs(angles - angle)))][::-1] for angle in (0.0, 90.0)]
    gray = np.clip(np.vstack([ndimage.zoom(each, (1.2, 0.8), order=1) for each in chosen]) / 8.0, 0.0, 1.0)
    return named("projections", gray)


def main() -> None:
    """Draw and print."""
    linac, source, scan, middle_s = taken()
    offset_mm = np.array(linac.truth.imaging_isocenter_mm)
    seen = room_grid().moved(RigidTransform(Frame.FIXED, Frame.FIXED, np.eye(3), offset_mm))
    truth = source.hu(seen, middle_s, 0.6)
    images = {
        "as measured": image_hu(source, scan, np.zeros(1, np.float32)),
        "scatter by a kernel": image_hu(source, scan, None),
    }
    print("\n".join(row_of(name, image, truth) for name, image in images.items()))  # noqa: T201 - a script for people
    tiles = [shadows(source, scan), tile("truth", truth), *(tile(name, image) for name, image in images.items())]
    height = max(each.size[1] for each in tiles)
    sheet = Image.new("L", (sum(each.size[0] for each in tiles), height))
    at = 0
    for each in tiles:
        sheet.paste(each, (at, 0))
        at += each.size[0]
    sheet.quantize(64).save(Path(__file__).with_name("virtual_projections.png"), optimize=True)


if __name__ == "__main__":
    main()
