"""Scans and fields that are written, read again."""

import numpy as np
import pytest
import SimpleITK

from openigrt.errors import UnsupportedInput
from openigrt.files import read_field, read_scan, write_field, write_scan
from openigrt.geometry import DetectorPlacement, circular_trajectory
from openigrt.images import Quantity, Scan

TRAJECTORY = circular_trajectory(
    np.arange(0.0, 360.0, 5.0), DetectorPlacement(1000.0, 1500.0, (9, 7), (2.0, 3.0), (40.0, -5.0))
)


def scan_of(quantity: Quantity, largest: float) -> Scan:
    pixels = np.random.default_rng(1).uniform(0.0, largest, TRAJECTORY.shape).astype(np.float32)
    return Scan(pixels, TRAJECTORY, quantity)


@pytest.mark.parametrize(
    ("quantity", "largest", "off"), [(Quantity.INTENSITY, 65535.0, 0.5), (Quantity.LINE_INTEGRAL, 8.0, 0.0)]
)
def test_a_scan_is_what_was_written(tmp_path, quantity, largest, off):
    scan = scan_of(quantity, largest)
    stack = write_scan(scan, tmp_path / "scan")
    read, _ = read_scan(tmp_path / "scan")
    assert read.quantity is quantity
    assert np.abs(read.pixels[0 : len(scan)] - scan.pixels).max() <= off
    for name in ("sources_mm", "first_pixels_mm", "row_directions", "column_directions", "spacing_mm"):
        assert np.allclose(getattr(read.trajectory, name), getattr(TRAJECTORY, name), atol=1e-9)
    by_itk = SimpleITK.ReadImage(str(stack))
    assert by_itk.GetSize() == (9, 7, 72)
    assert np.abs(SimpleITK.GetArrayFromImage(by_itk) - scan.pixels).max() <= off
    assert by_itk.GetOrigin()[:2] == pytest.approx((-8.0, -9.0))  # the rest stands in the geometry


def test_counts_beyond_16_bits_are_refused_and_nothing_is_left(tmp_path):
    with pytest.raises(UnsupportedInput, match="do not fit 16 bits"):
        write_scan(scan_of(Quantity.INTENSITY, 1e6), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_field_is_what_was_written(tmp_path):
    field = np.random.default_rng(2).normal(800.0, 40.0, (7, 9)).astype(np.float32)
    write_field(field, tmp_path / "dark.mha")
    assert np.array_equal(read_field(tmp_path / "dark.mha"), field)
