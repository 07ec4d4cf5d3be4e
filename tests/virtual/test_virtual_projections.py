"""Simulated projections against closed forms and hand calculation."""

import numpy as np
import pytest

from openigrt.errors import InvalidGeometry
from openigrt.geometry import DetectorPlacement, Frame, Grid, circular_trajectory
from openigrt.virtual import (
    Beam,
    Body,
    BowTie,
    DetectorModel,
    Phantom,
    ScatterModel,
    detected,
    line_integrals,
    pixels_mm,
    primary,
    rendered,
    scatter,
)
from openigrt.virtual.imaging.projections import fan_angles_deg
from openigrt.xray import Material, Spectrum, attenuation_per_mm, tube_spectrum

WATER, BONE, AIR = Material.WATER, Material.BONE, Material.AIR
PLACEMENT = DetectorPlacement(1000.0, 1500.0, (20, 6), (20.0, 20.0), (30.0, 0.0))
SCANNER = circular_trajectory(np.arange(0.0, 360.0, 15.0), PLACEMENT)
BODIES = (
    Body((5.0, 0.0, -10.0), (90.0, 60.0, 70.0), {WATER: 1.0}, is_cylinder=True, turn_deg=20.0),
    Body((20.0, 10.0, -5.0), (20.0, 30.0, 15.0), {BONE: 0.5, WATER: 0.5}, within=0, turn_deg=-35.0),
    Body((-30.0, 0.0, 0.0), (10.0, 12.0, 14.0), {AIR: 1.0}, within=0),
)
PHANTOM = Phantom(BODIES)


def test_lengths_are_those_of_many_small_steps():
    """Every ray sampled at 4000 points, in which body each lies by its own inequality."""
    steps = (np.arange(4000) + 0.5) / 4000.0
    for n in (0, 5, 13):
        source, pixels = SCANNER.sources_mm[n], pixels_mm(SCANNER, n)
        lengths = PHANTOM.lengths_mm(source, pixels)
        for ray in range(0, len(pixels), 17):
            points = source + steps[:, None] * (pixels[ray] - source)
            step_mm = np.linalg.norm(pixels[ray] - source) / 4000.0
            inside = [body.holds(points) for body in BODIES]
            water = inside[0] & ~inside[2]
            expected = {
                WATER: (water.sum() - 0.5 * inside[1].sum()) * step_mm,
                BONE: 0.5 * inside[1].sum() * step_mm,
                AIR: inside[2].sum() * step_mm,
            }
            for material, length in zip(PHANTOM.materials, lengths[ray], strict=True):
                assert length == pytest.approx(expected[material], abs=2.0)


def test_the_middle_ray_of_a_sphere_is_its_diameter():
    sphere = Phantom((Body((0.0, 0.0, 0.0), (50.0, 50.0, 50.0), {WATER: 1.0}),))
    scanner = circular_trajectory([0.0, 77.0], DetectorPlacement(1000.0, 1500.0, (3, 3), (1.0, 1.0)))
    middle = line_integrals(sphere, scanner, 60.0)[:, 1, 1]
    assert np.allclose(middle, 100.0 * 0.02059, rtol=1e-4)


def test_one_energy_gives_the_exponential_of_the_line_integral():
    beam = Beam(Spectrum(np.array([60.0]), np.ones(1)), bow_tie=None)
    straight = primary(PHANTOM, SCANNER, beam)
    assert np.allclose(straight, np.exp(-line_integrals(PHANTOM, SCANNER, 60.0)), rtol=1e-4)
    assert np.all(beam.air(SCANNER) == 1.0)


def test_a_spectrum_is_the_sum_of_its_energies_behind_the_bow_tie():
    beam = Beam()
    straight = primary(PHANTOM, SCANNER, beam)
    energies, weights = beam.spectrum.energies_kev, beam.spectrum.weights
    thicknesses = BowTie().thicknesses_mm(fan_angles_deg(SCANNER))
    column, row, view = 12, 3, 7
    lengths = PHANTOM.lengths_mm(SCANNER.sources_mm[view], pixels_mm(SCANNER, view))[row * 20 + column]
    aluminum = attenuation_per_mm(Material.ALUMINUM, energies)
    integral = sum(
        attenuation_per_mm(material, energies) * length
        for material, length in zip(PHANTOM.materials, lengths, strict=True)
    )
    behind = weights @ np.exp(-integral - aluminum * thicknesses[column]) / (weights @ np.exp(-1.5 * aluminum))
    assert straight[view, row, column] == pytest.approx(behind, rel=1e-5)
    assert beam.air(SCANNER).max() <= 1.0


def test_rendered_voxels_are_what_lies_there():
    grid = Grid(Frame.FIXED, [-100.0, -6.0, -80.0], [4.0] * 3, [[1.0, 0, 0], [0, 0, 1.0], [0, 1.0, 0]], (51, 41, 4))
    volume = rendered(PHANTOM, grid, 60.0)
    water = float(attenuation_per_mm(WATER, 60.0))
    assert volume[2, 20, 2] == 0.0
    assert volume[2, 20, 40] == pytest.approx(water, rel=1e-4)
    area_mm2 = (volume[1].sum() / water) * 16.0
    whole = np.pi * 90.0 * 70.0
    assert 0.95 * whole < area_mm2 < 1.2 * whole


def test_single_scatter_of_a_small_ball_is_klein_and_nishina():
    """A ball of 1 cm at the isocenter: what a pixel sees by hand, from one point behind and before 5 mm of water.

    Half of the 4 x 4 x 4 points of its coarse voxel lie in the ball, whose volume is 0.52 of that of its cube.
    """
    ball = Phantom((Body((0.0, 0.0, 0.0), (5.0, 5.0, 5.0), {WATER: 1.0}),))
    scanner = circular_trajectory(np.arange(0.0, 360.0, 15.0), DetectorPlacement(1000.0, 1500.0, (16, 6), (40.0, 40.0)))
    beam = Beam(tube_spectrum(), bow_tie=None)
    seen = scatter(ball, scanner, beam, ScatterModel(energy_kev=60.0, repeated_share=0.0))
    x, y = (15 - 7.5) * 40.0, (3 - 2.5) * 40.0
    reach = np.sqrt(500.0**2 + x**2 + y**2)
    cosine = 500.0 / reach
    left = 1.0 / (1.0 + 60.0 / 511.0 * (1.0 - cosine))
    per_electron = 0.5 * 7.94e-24 * left**2 * (left + 1.0 / left - 1.0 + cosine**2) * left
    electrons = 3.343e20 * 0.5 * 10.0**3
    through = np.exp(-10.0 * float(attenuation_per_mm(WATER, 60.0)))
    by_hand = electrons * per_electron * cosine / reach**2 * (1500.0 / 1000.0) ** 2 * through
    assert seen[0, 3, 15] == pytest.approx(by_hand, rel=1e-3)
    assert np.allclose(seen[:, 3, 15], seen[0, 3, 15], rtol=0.02)


def test_what_scatters_behind_the_bow_tie_is_what_comes_through_it():
    """A small ball at 9 degrees of the fan: its glow is that without a bow-tie, behind the aluminum of its angle."""
    ball = Phantom((Body((160.0, 0.0, 0.0), (4.0, 4.0, 4.0), {WATER: 1.0}),))
    scanner = circular_trajectory([0.0], DetectorPlacement(1000.0, 1500.0, (16, 6), (40.0, 40.0)))
    plain, behind = (scatter(ball, scanner, Beam(bow_tie=bow_tie)) for bow_tie in (None, BowTie()))
    angle_deg = np.rad2deg(np.arctan2(160.0, 1000.0))
    excess_mm = float(BowTie().thicknesses_mm(np.array([angle_deg]))[0]) - BowTie().thinnest_mm
    through = np.exp(-excess_mm * float(attenuation_per_mm(Material.ALUMINUM, ScatterModel().energy_kev)))
    assert behind == pytest.approx(through * plain, rel=1e-3)


@pytest.mark.parametrize("count", [1, 2, 3, 24, 30])
def test_scatter_of_a_ball_aside_is_that_of_each_angle(count):
    """However few or many the projections are: at computed angles, what a scan of that angle alone has."""
    ball = Phantom((Body((30.0, 0.0, 0.0), (20.0, 20.0, 20.0), {WATER: 1.0}),))
    held = DetectorPlacement(1000.0, 1500.0, (16, 6), (40.0, 40.0))
    angles = np.arange(count) * 360.0 / count
    seen = scatter(ball, circular_trajectory(angles, held), Beam(bow_tie=None))
    for n in {0, count // 2}:
        alone = scatter(ball, circular_trajectory([angles[n]], held), Beam(bow_tie=None))[0]
        assert seen[n] == pytest.approx(alone, rel=1e-4)


def test_counts_have_gain_dark_noise_and_dead_columns():
    signal = np.full((400, 8, 9), 0.5, np.float32)
    model = DetectorModel(dead_columns=(4,), photons=1e4, electronic_counts=20.0)
    frames = detected(signal, np.ones((8, 9), np.float32), model, np.random.default_rng(7))
    alive = np.arange(9) != 4
    mean, spread = frames.raw.mean(axis=0), frames.raw.std(axis=0)
    assert np.allclose(mean[:, ~alive], frames.dark[:, ~alive], atol=5.0)
    assert np.allclose(mean[:, alive], ((frames.dark + frames.flat) / 2.0)[:, alive], rtol=0.01)
    gain = (frames.flat - frames.dark)[:, alive]
    assert np.allclose(spread[:, alive], np.hypot(gain * np.sqrt(0.5 / 1e4), 20.0), rtol=0.2)


def test_lag_leaves_in_all_what_was_trapped():
    signal = np.zeros((400, 1, 1), np.float32)
    signal[0] = 1.0
    model = DetectorModel(
        photons=1e12, electronic_counts=0.0, gain_spread=0.0, lag_shares=(0.05, 0.02), lag_frames=(3.0, 20.0)
    )
    frames = detected(signal, np.ones((1, 1), np.float32), model, np.random.default_rng(0))
    seen = ((frames.raw - frames.dark) / (frames.flat - frames.dark))[:, 0, 0]
    assert seen[0] == pytest.approx(0.93, abs=1e-3)
    assert seen.sum() == pytest.approx(1.0, abs=2e-3)


def test_a_body_within_a_later_one_is_refused():
    with pytest.raises(InvalidGeometry, match="does not precede it"):
        Phantom((Body((0.0, 0.0, 0.0), (1.0, 1.0, 1.0), {WATER: 1.0}, within=0),))
