"""Breathing: traces, breaths and their phases, bins of phase and amplitude."""

from openigrt.motion.bins import ASIDE, Bins, SortingQuantity, amplitude_bins, bins_between, phase_bins
from openigrt.motion.cycles import Breaths, breaths_of
from openigrt.motion.trace import AmplitudeUnit, BreathingTrace

__all__ = [
    "ASIDE",
    "AmplitudeUnit",
    "Bins",
    "BreathingTrace",
    "Breaths",
    "SortingQuantity",
    "amplitude_bins",
    "bins_between",
    "breaths_of",
    "phase_bins",
]
