"""What to do about a mismatch: targets, surrogates, isocenters, the correction, its decision and its verification."""

from openigrt.guidance.alignment import Alignment, find_alignment, stated_isocenter
from openigrt.guidance.correction import decide_correction
from openigrt.guidance.course import AxisStatistics, CourseImage, Found, ImageReview, OtherView, Role
from openigrt.guidance.course_order import (
    AXES,
    beyond_level,
    course_images,
    is_counted,
    order_notes,
    setup_errors,
    setup_errors_of_others,
    statistics_of,
)
from openigrt.guidance.dual_match import with_turn_of
from openigrt.guidance.other_match import Agreement, OtherMatch, judge_other_match, with_exchanged_ends
from openigrt.guidance.protocol import DEFAULT_PROTOCOL, Protocol, find_protocol, parse_protocols
from openigrt.guidance.required_motion import RequiredMotion, required_motion
from openigrt.guidance.setup_error import Apart, SetupError, apart, off_target_mm, setup_error_of
from openigrt.guidance.surrogate import judge_markers, judge_surrogate, stands_for_itself
from openigrt.guidance.table_turn import likely_turns
from openigrt.guidance.target import choose_target, find_structure, organ_points_mm
from openigrt.guidance.verification import Verification, judge_verification
from openigrt.guidance.words import setup_error_in_words, setup_in_words

__all__ = [
    "AXES",
    "DEFAULT_PROTOCOL",
    "Agreement",
    "Alignment",
    "Apart",
    "AxisStatistics",
    "CourseImage",
    "Found",
    "ImageReview",
    "OtherMatch",
    "OtherView",
    "Protocol",
    "RequiredMotion",
    "Role",
    "SetupError",
    "Verification",
    "apart",
    "beyond_level",
    "choose_target",
    "course_images",
    "decide_correction",
    "find_alignment",
    "find_protocol",
    "find_structure",
    "is_counted",
    "judge_markers",
    "judge_other_match",
    "judge_surrogate",
    "judge_verification",
    "likely_turns",
    "off_target_mm",
    "order_notes",
    "organ_points_mm",
    "parse_protocols",
    "required_motion",
    "setup_error_in_words",
    "setup_error_of",
    "setup_errors",
    "setup_errors_of_others",
    "setup_in_words",
    "stands_for_itself",
    "stated_isocenter",
    "statistics_of",
    "with_exchanged_ends",
    "with_turn_of",
]
