"""Planning CTs in closed form, with contours of what is in them: nobody's, but read as those of a real patient."""

import numpy as np

from openigrt.geometry import Frame, Grid, PatientPosition
from openigrt.images import Image, Modality, Provenance
from openigrt.patient import Contour, Structure, StructureRole, StructureSet

FRAME = Frame.plan("1.2.3.4")
CORNER_MM = np.array([12.0, -230.0, 640.0])  # of the first voxel: far from the origin, as in a clinic
MIDDLE_MM = CORNER_MM + np.array([177.0, 120.0, 78.0])


def ellipsoid(points, center, semi):
    """Value of an ellipsoid (...), below 1 inside, of points relative to the middle of the CT."""
    return (((points - np.array(center)) / np.array(semi)) ** 2).sum(axis=-1)


def ring(center, semi, level):
    """The ellipse (60, 3) of an ellipsoid at a level, relative to the middle; None where there is none."""
    height = 1.0 - ((level - center[2]) / semi[2]) ** 2
    if height <= 0.01:
        return None
    angle = np.linspace(0.0, 2.0 * np.pi, 60, endpoint=False)
    x = center[0] + semi[0] * np.sqrt(height) * np.cos(angle)
    y = center[1] + semi[1] * np.sqrt(height) * np.sin(angle)
    return np.column_stack([x, y, np.full(60, level)])


def planning_ct(solids, size=(119, 81, 53), spacing=(3.0, 3.0, 3.0), noise_hu=12.0, couch=True):
    """A CT of a round body with solids (center, semi, hu) relative to the middle, and a couch under it."""
    grid = Grid(FRAME, CORNER_MM, spacing, np.eye(3), size)
    points = grid.points(np.stack(np.meshgrid(*(np.arange(n) for n in size[::-1]), indexing="ij")[::-1], axis=-1))
    points = points - MIDDLE_MM
    voxels = np.full(grid.shape, -1000.0)
    if couch:
        voxels[(points[..., 1] > 98.0) & (points[..., 1] < 107.0)] = 150.0
    voxels[np.hypot(points[..., 0] / 160.0, points[..., 1] / 97.0) < 1.0] = -90.0
    for center, semi, hu in solids:
        voxels[ellipsoid(points, center, semi) < 1.0] = hu
    noise = np.random.default_rng(8).standard_normal(grid.shape)
    voxels[voxels > -950.0] += noise_hu * noise[voxels > -950.0]
    return Image(voxels.astype(np.float32), grid, Modality.CT, Provenance(patient_position=PatientPosition.HFS))


def drawn(number, name, role, center, semi, grid):
    """A structure of ellipses on every slice of a grid."""
    levels = grid.points([(0, 0, k) for k in range(grid.size[2])])[:, 2] - MIDDLE_MM[2]
    rings = [ring(center, semi, level) for level in levels]
    return Structure(number, name, role, tuple(Contour(r + MIDDLE_MM) for r in rings if r is not None))


PROSTATE, BLADDER, RECTUM = ((0, 5, -25), (22, 18, 20)), ((0, -5, 20), (38, 30, 26)), ((0, 42, -5), (13, 13, 60))
HEADS = ((-95, 5, -20), (24, 24, 24)), ((95, 5, -20), (24, 24, 24))
SACRUM = ((0, 80, 40), (40, 12, 60))


def pelvis(**kwargs):
    """CT and structures of a pelvis: prostate, bladder, rectum, two femoral heads, sacrum; no outline of the body."""
    solids = [
        (*BLADDER, 8.0),
        (*RECTUM, 15.0),
        (*PROSTATE, 40.0),
        (*HEADS[0], 600.0),
        (*HEADS[1], 600.0),
        (*SACRUM, 500.0),
    ]
    image = planning_ct(solids, **kwargs)
    organ = StructureRole.ORGAN
    structures = (
        drawn(1, "CTV_Prostate", StructureRole.CTV, *PROSTATE, image.grid),
        drawn(2, "PTV", StructureRole.PTV, PROSTATE[0], (29, 25, 27), image.grid),
        drawn(3, "Bladder", organ, *BLADDER, image.grid),
        drawn(4, "Rectum", organ, *RECTUM, image.grid),
        drawn(5, "optBladder", organ, BLADDER[0], (20, 20, 20), image.grid),
    )
    return image, StructureSet("1.2.3.5", "Plan", FRAME, structures)


LUNGS = ((-70, -5, 25), (50, 62, 75)), ((70, -5, 25), (50, 62, 75))
TUMOUR = ((-75, 0, 20), (14, 14, 14))


def thorax():
    """CT and structures of a chest: two lungs, a tumour in one, spine and sternum."""
    solids = [
        (*LUNGS[0], -780.0),
        (*LUNGS[1], -780.0),
        (*TUMOUR, 20.0),
        ((0, 70, 0), (18, 18, 400), 600.0),
        ((0, -84, 30), (20, 6, 50), 500.0),
    ]
    image = planning_ct(solids, size=(119, 81, 84))
    structures = (
        drawn(1, "GTV", StructureRole.GTV, *TUMOUR, image.grid),
        drawn(2, "Lung_R", StructureRole.ORGAN, *LUNGS[0], image.grid),
        drawn(3, "Lung_L", StructureRole.ORGAN, *LUNGS[1], image.grid),
    )
    return image, StructureSet("1.2.3.6", "Plan", FRAME, structures)
