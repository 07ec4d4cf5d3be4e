"""Whether a body, as it was contoured, lies on the patient whom the planning CT shows."""

import numpy as np
from scipy import ndimage

from openigrt.images import Image, Mask
from openigrt.registration.regions import Flags, body_outline

SAMPLED_EVERY_MM = 4.0
NEAR_STEPS = 2
ACROSS_SLICES = ndimage.generate_binary_structure(2, 1)[None]


def share_on_outline(planning_ct: Image, body: Mask) -> float:
    """Share, 0 to 1, of the edge of a body mask that runs along the patient's outline in the planning CT.

    Both on one grid, in HU; along is within two voxels of 4 mm, in the slices where the body is drawn. 1 where the mask
    has no edge: nothing is drawn, or the body fills the image. Raises MatchImpossible where the CT shows no patient.
    """
    image, drawn = planning_ct.axial(), body.axial().voxels
    every = [max(round(SAMPLED_EVERY_MM / spacing), 1) for spacing in image.grid.spacing_mm[::-1]]
    sampled = tuple(slice(step // 2, None, step) for step in every)
    inside = drawn[sampled]
    slices = inside.any(axis=(1, 2))
    edge = inside[slices] & ~_shrunk(inside[slices], 1)
    if not edge.any():
        return 1.0
    outline = body_outline(image.voxels[sampled][slices], SAMPLED_EVERY_MM)
    near = ndimage.binary_dilation(outline, structure=ACROSS_SLICES, iterations=NEAR_STEPS)
    near &= ~_shrunk(outline, 1 + NEAR_STEPS)
    return float((edge & near).sum() / edge.sum())


def _shrunk(flags: Flags, steps: int) -> Flags:
    """Flags less their edge, slice by slice; the edge of the image is none."""
    return np.asarray(ndimage.binary_erosion(flags, structure=ACROSS_SLICES, iterations=steps, border_value=1))
