"""From counts of a panel to line integrals, and what is refused."""

import numpy as np
import pytest

from openigrt.errors import InconsistentInput, InvalidGeometry
from openigrt.virtual import DetectorModel, detected
from openigrt.xray import FrameFlaws, Panel, levels_of_histogram, levels_of_margin, logarithm

ROWS, COLUMNS = 40, 60
AIR = np.tile(np.exp(-(((np.arange(COLUMNS) - 12.0) / 40.0) ** 2)).astype(np.float32), (ROWS, 1))


def shadow(frames: int = 4) -> np.ndarray:
    """A smooth transmission that differs from frame to frame."""
    x, y = np.arange(COLUMNS) / COLUMNS, np.arange(ROWS)[:, None] / ROWS
    return np.stack([np.exp(-3.0 * np.sin(np.pi * x) * (1.0 + 0.2 * y) * (1.0 + 0.1 * n)) for n in range(frames)])


def panel_and_raw(model: DetectorModel, signal: np.ndarray) -> tuple[Panel, np.ndarray]:
    frames = detected((signal * AIR).astype(np.float32), AIR, model, np.random.default_rng(1))
    return Panel(frames.dark, frames.flat), frames.raw


def test_dark_and_flat_field_leave_the_transmission():
    truth = shadow()
    panel, raw = panel_and_raw(DetectorModel(photons=1e10, electronic_counts=0.0), truth)
    found, flaws = panel.transmissions(raw)
    assert np.abs(found - truth).max() < 2e-3
    assert not panel.bad.any()
    assert panel.warnings == () == flaws.warnings()
    assert np.abs(panel.air / AIR - 1.0)[:, 12:-12].max() < 0.05, "the smoothed flat field is the bow-tie"


def test_noise_is_that_of_photons():
    """Variance of a transmission T behind air a: T / (a N)."""
    truth = np.full((200, ROWS, COLUMNS), 0.25)
    panel, raw = panel_and_raw(DetectorModel(photons=1e4, electronic_counts=0.0), truth)
    variance = panel.transmissions(raw)[0].var(axis=0)
    assert np.median(variance / (0.25 / (AIR * 1e4))) == pytest.approx(1.0, rel=0.03)


def test_dead_lines_are_found_named_and_interpolated():
    truth = shadow()
    model = DetectorModel(photons=1e10, electronic_counts=0.0, dead_columns=(0, 17, 18, 41))
    panel, raw = panel_and_raw(model, truth)
    assert np.flatnonzero(panel.bad.all(axis=0)).tolist() == [0, 17, 18, 41]
    assert panel.warnings == ("Detector columns that do not follow the beam were interpolated: 0, 17, 18, 41.",)
    found = panel.transmissions(raw)[0]
    assert np.abs(found - truth)[:, :, [17, 18, 41]].max() < 0.01
    assert np.isfinite(found).all()


def test_dead_rows_and_single_pixels_are_found():
    panel, raw = panel_and_raw(DetectorModel(photons=1e10, electronic_counts=0.0), shadow())
    flat = panel.flat.copy()
    flat[7], flat[20, 30], flat[21, 50] = panel.dark[7], np.nan, 10.0 * flat[21, 50]
    broken = Panel(panel.dark, flat)
    assert broken.bad.sum() == COLUMNS + 2
    assert broken.warnings == (
        "Detector rows that do not follow the beam were interpolated: 7.",
        "2 single pixels of the detector do not follow the beam; they were interpolated.",
    )
    assert np.abs(broken.transmissions(raw)[0] - shadow())[:, 7].max() < 0.02


def test_pixels_that_are_no_numbers_are_counted_and_interpolated():
    panel, raw = panel_and_raw(DetectorModel(photons=1e10, electronic_counts=0.0), shadow())
    raw[2, 10, 10:13] = np.nan
    raw[3, 5, 5] = np.inf
    found, flaws = panel.transmissions(raw)
    assert np.abs(found - shadow()).max() < 0.02
    assert flaws.not_numbers == 4
    assert flaws.warnings() == ("4 pixels of projections are no numbers (NaN or infinite); they were interpolated.",)
    assert (flaws + flaws).not_numbers == 8


def test_a_projection_of_too_few_numbers_is_refused():
    panel, raw = panel_and_raw(DetectorModel(), shadow())
    raw[1, :20] = np.nan
    with pytest.raises(InconsistentInput, match=r"In projection 1 50 % of the pixels are no numbers"):
        panel.transmissions(raw)


def test_saturated_pixels_are_said_and_too_many_refused():
    panel, raw = panel_and_raw(DetectorModel(), shadow())
    full = Panel(panel.dark, panel.flat, saturation_counts=1e6)
    raw[0, 0, :5] = 1e6
    assert full.transmissions(raw)[1].warnings()[0].startswith("5 pixels (0.052 %) are saturated")
    with pytest.raises(InconsistentInput, match="30 % of the pixels are saturated"):
        FrameFlaws(100, 30, 0).warnings()


@pytest.mark.parametrize(
    ("flat", "sentence"),
    [
        (np.zeros((ROWS, COLUMNS)), "The flat field is empty"),
        (np.full((ROWS, COLUMNS), np.nan), "The flat field is empty"),
        (np.full((ROWS, COLUMNS), 100.0), "The flat field is empty"),
        (np.ones((ROWS, COLUMNS + 1)), "The dark field has"),
        (
            np.where(np.arange(COLUMNS) % 5 == 0, 100.0, 5000.0) * np.ones((ROWS, 1)),
            "% of the detector's pixels are dead",
        ),
    ],
    ids=["zero", "nan", "as dark", "other size", "every fifth column dead"],
)
def test_flat_fields_that_show_no_beam_are_refused(flat, sentence):
    with pytest.raises(InconsistentInput, match=sentence):
        Panel(np.full((ROWS, COLUMNS), 100.0, np.float32), flat.astype(np.float32))


def test_a_wide_dead_patch_is_refused():
    flat = np.full((100, 200), 5000.0, np.float32)
    flat[40:60, 60:80] = 0.0
    with pytest.raises(InconsistentInput, match="A patch of the detector of"):
        Panel(np.zeros((100, 200), np.float32), flat)


def test_frames_of_another_panel_are_refused():
    panel, raw = panel_and_raw(DetectorModel(), shadow())
    with pytest.raises(InvalidGeometry, match="do not fit a panel"):
        panel.transmissions(raw[:, :, 1:])


# -------------------------------------------------------------------------------- level of the beam


def drifting(levels: np.ndarray) -> np.ndarray:
    frames = np.ones((len(levels), ROWS, COLUMNS), np.float32)
    frames[:, :, 15:50] = shadow(len(levels))[:, :, 15:50]
    noise = np.random.default_rng(2).normal(1.0, 0.004, frames.shape)
    return (frames * levels[:, None, None] * noise).astype(np.float32)


def test_the_level_follows_the_tube():
    levels = np.array([1.0, 0.97, 1.04, 1.01])
    frames = drifting(levels)
    margin = np.zeros((ROWS, COLUMNS), bool)
    margin[:, :10] = True
    assert np.allclose(levels_of_margin(frames, margin), levels, rtol=2e-3)
    found, warnings = levels_of_histogram(5000.0 * frames)
    assert np.allclose(found / 5000.0, levels, rtol=5e-3)
    assert warnings == ()


def test_projections_without_free_beam_take_the_level_of_the_others():
    frames = drifting(np.array([1.0, 1.0, 1.02, 1.02]))
    frames[1] *= 0.2
    found, warnings = levels_of_histogram(frames)
    assert np.allclose(found, [1.0, 1.01, 1.02, 1.02], rtol=5e-3)
    assert warnings == ("1 projections show no free beam; its level is that of the others.",)


@pytest.mark.parametrize("photons", [400.0, 1e4, 1e9])
def test_a_patient_who_covers_the_detector_shows_no_free_beam(photons):
    """A cylinder and a slab have bright edges, alike in every projection; neither is the beam."""
    draw = np.random.default_rng(5)
    x = np.linspace(-1.0, 1.0, 120)
    for through in (4.0 * np.sqrt(1.0 - 0.95 * x**2), 2.0 + 0.0 * x + 0.4 * x**2):
        for tilt in (0.0, 0.1):
            line_integrals = through + tilt * np.linspace(-1.0, 1.0, 90)[:, None]
            frames = draw.poisson(photons * np.exp(-np.tile(line_integrals, (8, 1, 1)))) / photons
            with pytest.raises(InconsistentInput, match="0 of 8 projections show the free beam: the patient covers"):
                levels_of_histogram(frames.astype(np.float32))


@pytest.mark.parametrize("photons", [400.0, 1e4])
def test_a_narrow_strip_of_free_beam_is_found_through_noise(photons):
    draw = np.random.default_rng(6)
    line_integrals = np.tile(4.0 * np.sqrt(np.clip(1.0 - np.linspace(-1.0, 1.06, 200) ** 2, 0.0, None)), (6, 150, 1))
    frames = 3e4 * draw.poisson(photons * np.exp(-line_integrals)) / photons
    found, warnings = levels_of_histogram(frames.astype(np.float32))
    assert np.allclose(found, 3e4, rtol=0.02)
    assert warnings == ()


def test_a_margin_in_shadow_is_refused():
    frames = drifting(np.ones(4))
    margin = np.zeros((ROWS, COLUMNS), bool)
    with pytest.raises(InconsistentInput, match="holds no pixel"):
        levels_of_margin(frames, margin)
    margin[:, :10] = True
    frames[2] *= 0.5
    with pytest.raises(InconsistentInput, match=r"The margin of projection 2 shows 0\.5"):
        levels_of_margin(frames, margin)


def test_empty_projections_have_no_level():
    with pytest.raises(InconsistentInput, match="there is no beam to find"):
        levels_of_histogram(np.zeros((2, ROWS, COLUMNS), np.float32))


# -------------------------------------------------------------------------------- logarithm


def test_the_logarithm_has_a_floor_and_a_level():
    integrals, floored = logarithm(np.array([[[0.5, 1.0, 0.0, -0.1]]], np.float32), np.array([0.5]))
    assert np.allclose(integrals, [[[0.0, -np.log(2.0), 11.513, 11.513]]], atol=1e-3)
    assert floored == 2


def test_the_logarithm_refuses_what_is_no_number_and_no_level():
    some = np.full((1, 2, 2), np.nan, np.float32)
    with pytest.raises(InvalidGeometry, match="no numbers"):
        logarithm(some)
    with pytest.raises(InvalidGeometry, match="positive in every projection"):
        logarithm(np.ones((1, 2, 2), np.float32), np.array([0.0]))
