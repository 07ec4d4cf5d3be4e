"""All corrections in their order, on the counts of a panel with uneven gain, dead columns, lag and noise."""

import numpy as np
import pytest

from openigrt.virtual import DetectorModel, detected
from openigrt.xray import (
    Lag,
    LagCorrection,
    Panel,
    PriorScatter,
    Projector,
    adapted_prior,
    logarithm,
    reconstruct_fdk,
    ring_pattern,
    scale_of_plan,
    water_remark,
)
from tests.xray.correction_cases import (
    AIR,
    GRID,
    PELVIS_INSERTS_MM,
    SCANNER,
    WATER_PER_MM,
    center_against_rings,
    fitted_kernel,
    hardening,
    hu,
    pelvis,
    seen,
    signals,
    slice_mean,
    truth_hu,
)

DAY = pelvis(gas=True)
LAG = Lag((0.02, 0.005), (2.0, 40.0))
PIXELS_IN_ONE = 640.0  # a pixel here stands for 128 of a real panel, a projection for five of 900
MODEL = DetectorModel(
    photons=1e5 * PIXELS_IN_ONE,
    gain_spread=0.02,
    electronic_counts=6.0 / np.sqrt(PIXELS_IN_ONE),
    dead_columns=(33, 90, 91),
    lag_shares=LAG.shares,
    lag_frames=LAG.frames,
)


@pytest.fixture(scope="module")
def frames():
    straight, scattered = signals(DAY)
    return detected(straight + scattered, AIR, MODEL, np.random.default_rng(11))


@pytest.fixture(scope="module")
def signal_and_air(frames):
    """What a reconstruction knows: the panel, the raw counts, the lag of the panel."""
    panel = Panel(frames.dark, frames.flat)
    assert panel.warnings == ("Detector columns that do not follow the beam were interpolated: 33, 90, 91.",)
    transmissions, flaws = panel.transmissions(frames.raw)
    assert flaws.warnings() == ()
    transmissions = LagCorrection(LAG, panel.dark.shape).corrected(transmissions)
    return (transmissions * panel.air).astype(np.float32), panel.air


@pytest.fixture(scope="module")
def attenuation(signal_and_air):
    """First image by the kernel, planning CT cut to it, scatter by the planning CT, rings, second image."""
    signal, air = signal_and_air
    kernel = fitted_kernel().estimate(signal, air, SCANNER)
    first = hu(reconstruct_fdk(line_integrals(signal - kernel, air), SCANNER, GRID))
    plan = adapted_prior(truth_hu(pelvis(fat_mm=10.0)), first, seen())
    through = Projector(GRID, SCANNER).forward(np.maximum((plan / 1000.0 + 1.0) * WATER_PER_MM, 0.0))
    scatter = PriorScatter().estimate(signal, air, through, hardening(), SCANNER)
    integrals = line_integrals(signal - scatter, air)
    return reconstruct_fdk(integrals - ring_pattern(integrals), SCANNER, GRID)


def line_integrals(signal: np.ndarray, air: np.ndarray) -> np.ndarray:
    return hardening().corrected(logarithm(signal / air)[0])


def test_the_whole_chain_reaches_the_figures_of_the_pelvis(attenuation):
    truth = truth_hu(DAY)
    image = hu(attenuation)
    assert max(abs(offset) for offset in center_against_rings(image - truth)) < 30.0
    for place in PELVIS_INSERTS_MM.values():
        assert abs(slice_mean(image - truth, *place)) < 50.0


def test_the_planning_ct_calibrates_its_hu(attenuation):
    plan = truth_hu(pelvis(fat_mm=10.0))
    scale = scale_of_plan(attenuation, plan, seen())
    image = scale.to_hu(attenuation)
    assert water_remark(slice_mean(image, 150.0, -30.0, 12.0), slice_mean(plan, 150.0, -30.0, 12.0)) is None
    assert abs(1000.0 * (scale.water_per_mm / WATER_PER_MM - 1.0)) < 30.0
