"""Draws cone_beam_scatter.png and prints the table of docs/reference/cone_beam_corrections.md.

Run from the root of the repository: python -m docs.pictures.draw_cone_beam_scatter
"""

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from openigrt.xray import FdkSettings, KernelScatter, RampFilter, RampWindow, UniformScatter, logarithm, reconstruct_fdk
from tests.xray.correction_cases import (
    AIR,
    GRID_SHARE,
    PELVIS_INSERTS_MM,
    SCANNER,
    center_against_rings,
    fitted_kernel,
    hardening,
    hu,
    image_hu,
    pelvis,
    prior_scatter,
    room_grid,
    signals,
    slice_mean,
    truth_hu,
    uncorrected_hu,
)

PHOTONS = 6.4e7
GRID = room_grid((240, 164, 1), 2.0)
WINDOW_HU = (-250.0, 350.0)
SMOOTH = FdkSettings(ramp=RampFilter(RampWindow.HANN, 0.8))
PLACES = {**PELVIS_INSERTS_MM, "gas": (30.0, -35.0, 7.0)}


def picture(name: str, image: np.ndarray) -> Image.Image:
    """A slice in gray, anterior above, its name over it."""
    gray = np.clip((np.flipud(image[0]) - WINDOW_HU[0]) / (WINDOW_HU[1] - WINDOW_HU[0]), 0.0, 1.0)
    out = Image.new("L", (gray.shape[1], gray.shape[0] + 16))
    out.paste(Image.fromarray(np.uint8(255.0 * gray)), (0, 16))
    ImageDraw.Draw(out).text((4, 2), name, fill=255)
    return out


def corrections(share: float) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """The signal of the day behind a grid that lets this share of scatter through, and what corrections make of it."""
    straight, scattered = signals(pelvis(gas=True), share)
    measured = (np.random.default_rng(5).poisson((straight + scattered) * PHOTONS) / PHOTONS).astype(np.float32)
    return measured, {
        "constant": measured - UniformScatter().estimate(measured, AIR, SCANNER),
        "usual kernel": measured - KernelScatter().estimate(measured, AIR, SCANNER),
        "kernel": measured - fitted_kernel(share).estimate(measured, AIR, SCANNER),
        "planning CT": measured - prior_scatter(measured, pelvis(fat_mm=10.0), share),
        "no scatter": straight,
    }


def main() -> None:
    """Draw and print."""
    truth = truth_hu(pelvis(gas=True), GRID)
    lines = [f"| {'':20s} | center against rings | {' | '.join(PLACES)} |"]
    for share in (1.0, GRID_SHARE):
        measured, corrected = corrections(share)
        images = {"none": uncorrected_hu(measured, GRID)} | {name: image_hu(s, GRID) for name, s in corrected.items()}
        for name, image in images.items():
            off = image - truth
            worst = max(center_against_rings(off, GRID), key=abs)
            values = (slice_mean(off, *place, GRID) for place in PLACES.values())
            row = " | ".join(f"{value:.0f}" for value in values)
            lines.append(f"| {name:12s} ({share:g}) | {worst:.0f} | {row} |")
    print("\n".join(lines))  # noqa: T201 - a script for people
    shown = {"truth": truth, "none": hu(reconstruct_fdk(logarithm(measured / AIR)[0], SCANNER, GRID, SMOOTH))}
    for name in ("constant", "kernel", "planning CT", "no scatter"):
        integrals = hardening().corrected(logarithm(corrected[name] / AIR)[0])
        shown[name] = hu(reconstruct_fdk(integrals, SCANNER, GRID, SMOOTH))
    tiles = [picture(name, image) for name, image in shown.items()]
    width, height = tiles[0].size
    sheet = Image.new("L", (3 * width, 2 * height))
    for n, tile in enumerate(tiles):
        sheet.paste(tile, (n % 3 * width, n // 3 * height))
    sheet.quantize(64).save(Path(__file__).with_name("cone_beam_scatter.png"), optimize=True)


if __name__ == "__main__":
    main()
