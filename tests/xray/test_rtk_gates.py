"""The gates of RTK's own tests, on its phantoms and sizes; line integrals are closed forms, not our projector's.

Error per pixel and PSNR over the whole volume, as CheckImageQuality in RTK's rtkTest.h defines them; the limits are
those of rtkfdktest, rtkshortscantest, rtkdisplaceddetectortest and rtksarttest.
"""

from dataclasses import replace

import numpy as np
import pytest

from openigrt.xray import Fan, OsSartSettings, arc_of, fan_of, reconstruct_fdk, reconstruct_os_sart
from tests.xray.ellipsoid_scans import (
    Ellipsoid,
    drawn,
    error_per_pixel,
    projected,
    psnr_db,
    room_grid,
    seen_by_all,
    shepp_logan,
    turn,
)

GRID = room_grid((128, 128, 128), 2.0)
BALL = [Ellipsoid((90.0, 90.0, 90.0), (0.0, 0.0, 0.0), 1.0)]


def with_source_aside(trajectory, across_mm, along_mm):
    """The source beside its circle, as RTK's source offsets have it; the detector stays."""
    aside = across_mm * trajectory.row_directions + along_mm * trajectory.column_directions
    return replace(trajectory, sources_mm=trajectory.sources_mm + aside)


def passes(image, truth, error, psnr):
    assert error_per_pixel(image, truth) < error
    assert psnr_db(image, truth) > psnr


def test_fdk():
    trajectory = turn(180, (128, 128), 4.0)
    head = shepp_logan(116.0)
    image = reconstruct_fdk(projected(head, trajectory), trajectory, GRID)
    image[~seen_by_all(GRID, trajectory.chosen(np.arange(0, 180, 15)))] = 0.0
    passes(image, drawn(head, GRID), 0.03, 26.0)


def test_fdk_with_a_source_beside_its_circle():
    trajectory = with_source_aside(turn(180, (128, 128), 4.0), 20.0, 15.0)
    head = shepp_logan(116.0)
    image = reconstruct_fdk(projected(head, trajectory), trajectory, GRID)
    image[~seen_by_all(GRID, trajectory.chosen(np.arange(0, 180, 15)))] = 0.0
    passes(image, drawn(head, GRID), 0.03, 26.0)


def test_fdk_of_a_short_scan():
    trajectory = turn(110, (128, 128), 4.0, arc_deg=240.0)
    head = shepp_logan(116.0)
    assert arc_of(trajectory).range_deg == pytest.approx(240.0 * 109 / 110, abs=0.01)
    passes(reconstruct_fdk(projected(head, trajectory), trajectory, GRID), drawn(head, GRID), 0.09, 22.0)


@pytest.mark.parametrize("offset_mm", [120.0, -146.0, 0.0])
def test_fdk_with_a_displaced_detector(offset_mm):
    trajectory = turn(180, (128, 128), 4.0, offset_mm=(offset_mm, 0.0))
    head = shepp_logan(128.0)
    assert fan_of(trajectory) is (Fan.HALF if offset_mm else Fan.FULL)
    passes(reconstruct_fdk(projected(head, trajectory), trajectory, GRID), drawn(head, GRID), 0.061, 24.0)


@pytest.mark.parametrize("subset_size", [1, 2])
def test_os_sart_in_one_iteration_with_half_steps(subset_size):
    trajectory, grid = turn(180, (64, 64), 8.0), room_grid((64, 64, 64), 4.0)
    settings = OsSartSettings(iterations=1, subset_size=subset_size, relaxation=0.5)
    image = reconstruct_os_sart(projected(BALL, trajectory), trajectory, grid, settings)
    passes(image, drawn(BALL, grid), 0.032, 28.6)


def test_os_sart_of_every_third_projection():
    trajectory, grid = turn(60, (64, 64), 8.0), room_grid((64, 64, 64), 4.0)
    settings = OsSartSettings(iterations=1, subset_size=1, relaxation=0.5)
    image = reconstruct_os_sart(projected(BALL, trajectory), trajectory, grid, settings)
    passes(image, drawn(BALL, grid), 0.05, 23.0)
