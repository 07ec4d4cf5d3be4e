"""Lag and rings: simulated by the panel, taken off again."""

from dataclasses import replace

import numpy as np
import pytest

from openigrt.errors import InvalidGeometry
from openigrt.virtual import DetectorModel, detected
from openigrt.xray import Lag, LagCorrection, logarithm, reconstruct_fdk, ring_pattern
from tests.xray.correction_cases import SCANNER, hu, room_grid

SHARES, FRAMES = (0.03, 0.01), (2.0, 60.0)
MODEL = DetectorModel(
    photons=1e12, electronic_counts=0.0, gain_spread=0.0, dark_spread_counts=0.0, lag_shares=SHARES, lag_frames=FRAMES
)


def lagging(signal: np.ndarray) -> np.ndarray:
    frames = detected(signal, np.ones(signal.shape[1:], np.float32), MODEL, np.random.default_rng(0))
    return ((frames.raw - frames.dark) / (frames.flat - frames.dark)).astype(np.float32)


def test_a_step_leaves_a_tail_and_none_after_correction():
    """After 300 frames of beam, the first dark one shows the sum of what leaves the traps, by hand."""
    step = np.zeros((340, 2, 3), np.float32)
    step[:300] = 1.0
    seen = lagging(step)
    kept = np.exp(-1.0 / np.array(FRAMES))
    filled = np.array(SHARES) * (1.0 - kept**300) / (1.0 - kept)
    assert np.allclose(seen[300], ((1.0 - kept) * filled).sum(), rtol=1e-3)
    corrected = LagCorrection(Lag(SHARES, FRAMES), (2, 3)).corrected(seen)
    assert np.abs(corrected - step).max() < 1e-4


def test_lag_comes_off_block_by_block_as_at_once():
    seen = lagging(np.random.default_rng(1).random((30, 4, 5), dtype=np.float32))
    at_once = LagCorrection(Lag(SHARES, FRAMES), (4, 5)).corrected(seen)
    stepwise = LagCorrection(Lag(SHARES, FRAMES), (4, 5))
    assert np.array_equal(at_once, np.concatenate([stepwise.corrected(part) for part in np.split(seen, 3)]))


def test_a_lag_known_to_a_fifth_still_loses_most_of_its_tail():
    step = np.zeros((320, 1, 1), np.float32)
    step[:300] = 1.0
    seen = lagging(step)
    known = Lag(tuple(0.8 * share for share in SHARES), FRAMES)
    corrected = LagCorrection(known, (1, 1)).corrected(seen)
    assert np.abs(corrected[300:]).max() < 0.3 * seen[300:].max()


@pytest.mark.parametrize(
    "lag",
    [
        ((), ()),
        ((0.1,), (1.0, 2.0)),
        ((0.6,), (1.0,)),
        ((0.1,), (0.0,)),
        ((-0.1,), (1.0,)),
        ((np.nan,), (1.0,)),
        ((0.1,), (np.nan,)),
    ],
)
def test_lag_that_cannot_be_is_refused(lag):
    with pytest.raises(InvalidGeometry, match="Lag"):
        Lag(*lag)


# -------------------------------------------------------------------------------- rings


def cylinder_scan() -> np.ndarray:
    """Line integrals of 20 cm of water in the middle: a chord at each column, the same in all rows and views."""
    columns_mm = (np.arange(128) - 63.5) * 3.1 + 160.0
    nearest = 1000.0 * columns_mm / np.hypot(columns_mm, 1500.0)
    chord = 2.0 * np.sqrt(np.maximum(100.0**2 - nearest**2, 0.0))
    return np.tile((0.0187 * chord).astype(np.float32), (180, 32, 1))


def middle_hu(line_integrals: np.ndarray) -> np.ndarray:
    """HU of the inside of the cylinder, in its middle slice."""
    grid = room_grid((48, 48, 1))
    x = np.arange(48) * 4.0 - 94.0
    return hu(reconstruct_fdk(line_integrals, SCANNER, grid))[0][np.hypot(x, x[:, None]) < 85.0]


RNG = np.random.default_rng(6)
COLUMNS_OFF = np.isin(np.arange(128), RNG.choice(128, 10, replace=False)) * np.full((32, 1), 0.03)


@pytest.mark.parametrize("gain", [RNG.normal(0.0, 0.01, (32, 128)), COLUMNS_OFF], ids=["every pixel", "ten columns"])
def test_rings_of_uneven_gain_go(gain):
    clean = cylinder_scan()
    ringed = (clean - np.log1p(gain)).astype(np.float32)
    truth = middle_hu(clean)
    rings = middle_hu(ringed) - truth
    left = middle_hu(ringed - ring_pattern(ringed)) - truth
    assert np.std(rings) > 5.0
    assert np.std(left) < 0.5 * np.std(rings)


def test_where_there_are_no_rings_nothing_happens():
    clean = cylinder_scan()
    unharmed = middle_hu(clean - ring_pattern(clean))
    assert np.abs(unharmed - middle_hu(clean)).max() < 3.0


def test_a_ring_pattern_of_no_numbers_is_refused():
    with pytest.raises(InvalidGeometry, match="hold numbers"):
        ring_pattern(np.full((2, 3, 30), np.nan, np.float32))
    with pytest.raises(InvalidGeometry, match="11 columns or more"):
        ring_pattern(np.zeros((2, 3, 5), np.float32))


def test_the_panel_of_the_tests_has_lag_alone():
    still = replace(MODEL, lag_shares=(), lag_frames=())
    frames = detected(np.full((2, 3, 4), 0.5, np.float32), np.ones((3, 4), np.float32), still, np.random.default_rng(0))
    assert np.allclose(logarithm((frames.raw - frames.dark) / (frames.flat - frames.dark))[0], np.log(2.0), atol=1e-4)
