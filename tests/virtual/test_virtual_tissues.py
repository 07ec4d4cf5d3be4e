"""Properties of tissue behind all organs: of a scan by HU, and by the names of what was outlined on it."""

from dataclasses import dataclass

import numpy as np
import pytest

from openigrt.errors import InvalidGeometry
from openigrt.virtual import Anatomy, Layer, LocalMotion, Organ, Part, Region, Superellipsoid, Tissue, rendered_property
from openigrt.virtual.tissue.deformation import Deformation
from tests.virtual.trunk_checks import FRAME, SAME, grid_about, points_of

VALUES = {Tissue.AIR: 0.0, Tissue.FAT: 5.0, Tissue.MUSCLE: 2.0, Tissue.URINE: 40.0, Tissue.METAL: -7.0}


def value_of(_: str, tissue: Tissue) -> float:
    return VALUES.get(tissue, 1.0)


@dataclass(frozen=True)
class Ball:
    """A ball of 15 mm about the origin."""

    bounds_mm = np.array([[-15.0] * 3, [15.0] * 3])

    def signed_distance_mm(self, points_mm):
        return np.linalg.norm(points_mm, axis=-1) - 15.0


@dataclass(frozen=True)
class Scan:
    """Soft tissue of 50 HU everywhere, in which a ball is called a name."""

    name: str

    @property
    def outlines(self):
        return {self.name: Ball()}

    def painted(self, view, moves):
        return np.full(view.shape, 50.0, np.float32)


def seen(name, deformation, at_mm):
    marker = Organ("MARKER_1", (Part(Superellipsoid((30, 0, 0), (5, 5, 5))),), (Layer(0.0, 3000.0),))
    anatomy = Anatomy(FRAME, (marker,), deformation=deformation, backdrop=Scan(name))
    grid = grid_about((0.0, 0.0, 0.0), (40.0, 40.0, 40.0), 2.0)
    voxels = rendered_property(anatomy, value_of, grid, SAME)
    return voxels[np.linalg.norm(points_of(grid) - at_mm, axis=-1) < 3.0]


def test_a_scan_is_muscle_by_hu_and_what_its_outlines_are_called():
    still = Deformation()
    assert seen("Bladder", still, (0.0, 0.0, 0.0)) == pytest.approx(40.0, abs=0.1)
    assert seen("Bladder", still, (0.0, 25.0, 0.0)) == pytest.approx(2.0, abs=0.1)
    assert seen("whatever", still, (0.0, 0.0, 0.0)) == pytest.approx(2.0, abs=0.1)
    assert seen("Bladder", still, (30.0, 0.0, 0.0)) == pytest.approx(-7.0, abs=0.1)


def test_outlines_go_with_the_tissue():
    away = Deformation((LocalMotion(Region((0.0, 0.0, 0.0), (16.0, 16.0, 16.0), 3.0), np.array([0.0, 0.0, 14.0])),))
    assert seen("Bladder", away, (0.0, 0.0, 20.0)) == pytest.approx(40.0, abs=0.5)
    assert seen("Bladder", away, (0.0, 0.0, -12.0)) == pytest.approx(2.0, abs=0.5)


def test_layers_keep_their_depths():
    marker = Organ("MARKER_1", (Part(Superellipsoid((0, 0, 0), (5, 5, 5))),), (Layer(0.0, 3000.0),))
    anatomy = Anatomy(FRAME, (marker,))
    with pytest.raises(InvalidGeometry, match="other depths"):
        anatomy.relayered(lambda organ: (Layer(1.0, 5.0),), anatomy.backdrop)
