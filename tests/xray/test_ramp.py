"""The ramp filter and its windows against their kernels in space, which are closed forms."""

import numpy as np
import pytest

from openigrt.xray import RampFilter, RampWindow
from openigrt.xray.ramp import extended, ramp_filtered, ramp_response

COLUMNS = 256
PLACES = np.arange(COLUMNS) - COLUMNS // 2


def band_limited(places):
    """The ramp up to half a cycle per pixel (Kak and Slaney 1988, eq. 60)."""
    return 0.5 * np.sinc(places) - 0.25 * np.sinc(places / 2.0) ** 2


def beside(places, weight, apart):
    """A share of the ramp at its place, and the rest half to either side: a cosine in frequency."""
    sides = band_limited(places - apart) + band_limited(places + apart)
    return weight * band_limited(places) + (1.0 - weight) / 2.0 * sides


KERNELS = {
    RampWindow.RAM_LAK: band_limited,
    RampWindow.SHEPP_LOGAN: lambda n: -2.0 / (np.pi**2 * (4.0 * n**2 - 1.0)),  # IEEE Trans Nucl Sci 21 (1974) 21
    RampWindow.COSINE: lambda n: beside(n, 0.0, 0.5),
    RampWindow.HAMMING: lambda n: beside(n, 0.54, 1.0),
    RampWindow.HANN: lambda n: beside(n, 0.5, 1.0),
}


def impulse_response(ramp):
    impulse = np.zeros((1, COLUMNS), np.float32)
    impulse[0, COLUMNS // 2] = 1.0
    return ramp_filtered(impulse, ramp_response(COLUMNS, ramp))[0]


@pytest.mark.parametrize("window", RampWindow)
def test_an_impulse_becomes_the_kernel(window):
    """Within 3e-5 of the middle of the ramp, a quarter: what padding to a finite length leaves."""
    assert impulse_response(RampFilter(window)) == pytest.approx(KERNELS[window](PLACES), abs=3e-5)


@pytest.mark.parametrize("share", [0.5, 0.8])
def test_a_cut_off_makes_the_kernel_wider_and_lower(share):
    """A ramp to a share of the highest frequency is the whole one, stretched: share^2 h(share n)."""
    expected = share**2 * band_limited(share * PLACES)
    assert impulse_response(RampFilter(cut_off_share=share)) == pytest.approx(expected, abs=1e-3)


def test_an_edge_is_continued_by_its_mirrored_rise():
    """Ohnesorge 2000: twice the last value less what lies as far inside, fading as a cosine, and never below zero."""
    rows = np.array([[3.0, 4.0, 5.0, 5.0, 4.0, 2.0]], np.float32)
    fading = np.cos(np.pi / 2.0 * np.array([1.0, 2.0, 3.0]) / 3.0)
    left, right = np.array([2.0, 1.0, 1.0]) * fading, np.array([0.0, 0.0, 0.0])
    assert extended(rows, 3)[0] == pytest.approx(np.concatenate([left[::-1], rows[0], right]), abs=1e-6)
    assert extended(rows[:, ::-1], 3)[0] == pytest.approx(extended(rows, 3)[0, ::-1])
    assert extended(rows[:, :1], 2)[0] == pytest.approx(
        [0.0, 3.0 * np.cos(np.pi / 4.0), 3.0, 3.0 * np.cos(np.pi / 4.0), 0.0], abs=1e-6
    )
