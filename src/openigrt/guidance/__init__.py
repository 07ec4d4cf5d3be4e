"""What to do about a mismatch: protocols, targets, surrogates, the daily isocenter, the correction and its decision."""

from openigrt.guidance.alignment import Alignment, find_alignment, stated_isocenter
from openigrt.guidance.correction import decide_correction
from openigrt.guidance.protocol import DEFAULT_PROTOCOL, Protocol, find_protocol, parse_protocols
from openigrt.guidance.surrogate import judge_surrogate
from openigrt.guidance.table_turn import likely_turns
from openigrt.guidance.target import choose_target, find_structure, organ_points_mm
from openigrt.guidance.words import setup_error_in_words, setup_in_words

__all__ = [
    "DEFAULT_PROTOCOL",
    "Alignment",
    "Protocol",
    "choose_target",
    "decide_correction",
    "find_alignment",
    "find_protocol",
    "find_structure",
    "judge_surrogate",
    "likely_turns",
    "organ_points_mm",
    "parse_protocols",
    "setup_error_in_words",
    "setup_in_words",
    "stated_isocenter",
]
