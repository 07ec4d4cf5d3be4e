"""Draws cone_beam_metal_rings.png: hips of metal, and rings of columns with another gain, before and after.

Run from the root of the repository: python -m docs.pictures.draw_cone_beam_metal_rings
"""

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from openigrt.geometry import DetectorPlacement, circular_trajectory
from openigrt.virtual import Beam, primary
from openigrt.xray import (
    HuScale,
    Projector,
    logarithm,
    metal_mask,
    metal_prior,
    reconstruct_fdk,
    ring_pattern,
    trace_of,
    with_metal,
    without_trace,
)
from tests.xray.correction_cases import WATER_PER_MM, hu, room_grid
from tests.xray.ellipsoid_scans import Ellipsoid, projected
from tests.xray.test_metal import HARDENING, IMPLANTED, SCANNER

HIPS = room_grid((190, 150, 3), 2.0)
METAL_WINDOW_HU, RING_WINDOW_HU = (-400.0, 500.0), (-250.0, 250.0)
FINE = circular_trajectory(np.arange(0.0, 360.0, 1.0), DetectorPlacement(1000.0, 1500.0, (320, 4), (1.55, 6.2)))
HEAD = room_grid((190, 150, 1), 1.2)
BODIES = [
    Ellipsoid((95.0, 400.0, 75.0), (3.0, 0.0, -2.0), WATER_PER_MM),
    Ellipsoid((20.0, 300.0, 14.0), (-35.0, 0.0, 20.0), 0.06 * WATER_PER_MM),
    Ellipsoid((14.0, 300.0, 24.0), (40.0, 0.0, -12.0), -0.08 * WATER_PER_MM),
    Ellipsoid((8.0, 300.0, 8.0), (0.0, 0.0, -45.0), 0.8 * WATER_PER_MM),
]
WRONG_GAIN = (100, 111, 122, 134, 141, 149, 171, 187, 196, 222)


def picture(name: str, image: np.ndarray, window_hu: tuple[float, float]) -> Image.Image:
    """The middle slice in gray, anterior above, its name over it."""
    middle = np.flipud(image[image.shape[0] // 2])
    gray = np.clip((middle - window_hu[0]) / (window_hu[1] - window_hu[0]), 0.0, 1.0)
    out = Image.new("L", (2 * gray.shape[1], 2 * gray.shape[0] + 20))
    shown = Image.fromarray(np.uint8(255.0 * gray))
    out.paste(shown.resize((2 * gray.shape[1], 2 * gray.shape[0]), Image.Resampling.BICUBIC), (0, 20))
    ImageDraw.Draw(out).text((6, 3), name, fill=255, font_size=14)
    return out


def hips() -> dict[str, np.ndarray]:
    """The first image, straight lines through the trace, and lines of ratios to a prior; HU."""
    integrals = HARDENING.corrected(logarithm(primary(IMPLANTED, SCANNER, Beam(bow_tie=None)))[0])
    projector = Projector(HIPS, SCANNER)
    attenuation = reconstruct_fdk(integrals, SCANNER, HIPS)
    first = hu(attenuation)
    metal = metal_mask(first, HIPS)
    trace = trace_of(projector.forward(metal.astype(np.float32)))
    straight = reconstruct_fdk(without_trace(integrals, trace), SCANNER, HIPS)
    prior = HuScale.of_water(WATER_PER_MM).to_attenuation(metal_prior(hu(straight), metal))
    ratios = reconstruct_fdk(without_trace(integrals, trace, projector.forward(prior)), SCANNER, HIPS)
    put_back = {"metal: straight lines": straight, "metal: with a prior": ratios}
    return {"metal: first image": first} | {n: hu(with_metal(v, attenuation, metal)) for n, v in put_back.items()}


def rings() -> dict[str, np.ndarray]:
    """Ten columns with a gain 3 % too high: as they are, with the pattern taken off, and without; HU."""
    clean = projected(BODIES, FINE)
    ringed = clean - np.where(np.isin(np.arange(FINE.size[0]), WRONG_GAIN), np.float32(np.log(1.03)), np.float32(0.0))
    scans = {"rings: before": ringed, "rings: after": ringed - ring_pattern(ringed), "rings: never any": clean}
    return {name: hu(reconstruct_fdk(scan, FINE, HEAD)) for name, scan in scans.items()}


def main() -> None:
    """Draw."""
    tiles = [picture(name, image, METAL_WINDOW_HU) for name, image in hips().items()]
    tiles += [picture(name, image, RING_WINDOW_HU) for name, image in rings().items()]
    width, height = tiles[0].size
    sheet = Image.new("L", (3 * width, 2 * height))
    for n, tile in enumerate(tiles):
        sheet.paste(tile, (n % 3 * width, n // 3 * height))
    sheet.quantize(48).save(Path(__file__).with_name("cone_beam_metal_rings.png"), optimize=True)


if __name__ == "__main__":
    main()
