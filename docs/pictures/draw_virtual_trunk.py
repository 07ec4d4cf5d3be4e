"""Draws virtual_trunk.png of docs/explanation/virtual_trunk.md.

Run from the root of the repository: python -m docs.pictures.draw_virtual_trunk
"""

from pathlib import Path

import numpy as np
from PIL import Image

from openigrt.geometry import Frame, Grid, RigidTransform
from openigrt.virtual import AbdomenTarget, Anatomy, abdomen_patient, render, thorax_patient

FRAME = Frame.plan("1.2.3")
SPACING_MM = 1.5
NOISE_HU = 11.0
LUNG_HU, SOFT_HU = (-1000.0, 400.0), (-160.0, 240.0)
CHEST_MM, BELLY_MM = (
    ((-195.0, 195.0), (-125.0, 130.0), (-130.0, 150.0)),
    ((-195.0, 195.0), (-125.0, 130.0), (-250.0, 30.0)),
)
HEIGHT = 190


def plane(
    anatomy: Anatomy, axis: int, at_mm: float, box_mm: tuple[tuple[float, float], ...], window_hu: tuple[float, float]
) -> Image.Image:
    """One plane of an anatomy in gray: anterior above, or the head."""
    low = np.array([a for a, _ in box_mm])
    size = [int((b - a) / SPACING_MM) + 1 for a, b in box_mm]
    low[axis], size[axis] = at_mm, 1
    grid = Grid(FRAME, low, np.full(3, SPACING_MM), np.eye(3), (size[0], size[1], size[2]))
    voxels = np.squeeze(render(anatomy, grid, RigidTransform.identity(FRAME, FRAME)))
    voxels = voxels + NOISE_HU * np.random.default_rng(1).standard_normal(voxels.shape)
    gray = np.clip((voxels - window_hu[0]) / (window_hu[1] - window_hu[0]), 0.0, 1.0)
    image = Image.fromarray(np.uint8(255.0 * (gray if axis == 2 else gray[::-1])))
    return image.resize((round(image.width * HEIGHT / image.height), HEIGHT))


def row(images: list[Image.Image], width: int) -> Image.Image:
    """Pictures side by side."""
    out = Image.new("L", (width, HEIGHT))
    x = 0
    for image in images:
        out.paste(image, (x, 0))
        x += image.width + 4
    return out


def main() -> None:
    """Draw."""
    chest = thorax_patient(FRAME, 11)
    belly = abdomen_patient(FRAME, 9, treated=AbdomenTarget.LIVER)
    lung, lesion = chest.isocenter_mm, belly.isocenter_mm
    rows = [
        [plane(chest.anatomy, n, lung[n], CHEST_MM, LUNG_HU) for n in (2, 1, 0)],
        [plane(chest.anatomy, *at, CHEST_MM, SOFT_HU) for at in ((2, 100.0), (1, 10.0), (0, 0.0))],
        [plane(belly.anatomy, n, lesion[n], BELLY_MM, SOFT_HU) for n in (2, 1, 0)],
        [plane(belly.anatomy, *at, BELLY_MM, SOFT_HU) for at in ((2, -130.0), (1, -30.0), (0, 0.0))],
    ]
    width = max(sum(image.width + 4 for image in images) for images in rows)
    out = Image.new("L", (width, len(rows) * (HEIGHT + 4)))
    for n, images in enumerate(rows):
        out.paste(row(images, width), (0, n * (HEIGHT + 4)))
    out.save(Path(__file__).with_name("virtual_trunk.png"), optimize=True)


if __name__ == "__main__":
    main()
