"""Whole jobs: what the command line and the Python interface call.

Virtual courses load when they are first asked for: they need the virtual patients, which no other job should wait for.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from openigrt.tasks.accepting import (
    MachineAcceptance,
    accept,
    acceptance_record,
    acceptance_summary,
)
from openigrt.tasks.checking import (
    FolderCheck,
    check,
    check_record,
    check_summary,
    check_whole,
)
from openigrt.tasks.deidentification.deidentifying import (
    deidentify,
)
from openigrt.tasks.deidentification.record import (
    Deidentification,
    deidentification_record,
    deidentification_summary,
)
from openigrt.tasks.examples import (
    write_example,
)
from openigrt.tasks.guidance.files import (
    write_guidance,
)
from openigrt.tasks.guidance.guidance import (
    Guidance,
)
from openigrt.tasks.guidance.guiding import (
    guide,
)
from openigrt.tasks.guidance.record import (
    guidance_record,
)
from openigrt.tasks.guidance.summary import (
    guidance_summary,
)
from openigrt.tasks.radiographs.drawing import (
    drr,
)
from openigrt.tasks.radiographs.files import (
    radiographs_record,
    radiographs_summary,
)
from openigrt.tasks.radiographs.radiographs import (
    Radiographs,
)
from openigrt.tasks.reconstruction.files import (
    reconstruction_record,
    reconstruction_summary,
)
from openigrt.tasks.reconstruction.reconstructing import (
    reconstruct,
)
from openigrt.tasks.reconstruction.reconstruction import (
    Reconstruction,
)
from openigrt.tasks.reconstruction.scatter_fitting import (
    fit_scatter,
)
from openigrt.tasks.results.schema import (
    correction_schema,
    review_schema,
)
from openigrt.tasks.review.course import (
    CourseReview,
)
from openigrt.tasks.review.files import (
    write_review,
)
from openigrt.tasks.review.record import (
    review_record,
)
from openigrt.tasks.review.reviewing import (
    review,
)
from openigrt.tasks.review.summary import (
    review_summary,
)
from openigrt.tasks.sorting import (
    SortedFolder,
    sort,
    sorted_record,
    sorted_summary,
)

if TYPE_CHECKING:
    from openigrt.tasks.course import Course, course_record, course_summary, simulate_course

__all__ = [
    "Course",
    "CourseReview",
    "Deidentification",
    "FolderCheck",
    "Guidance",
    "MachineAcceptance",
    "Radiographs",
    "Reconstruction",
    "SortedFolder",
    "accept",
    "acceptance_record",
    "acceptance_summary",
    "check",
    "check_record",
    "check_summary",
    "check_whole",
    "correction_schema",
    "course_record",
    "course_summary",
    "deidentification_record",
    "deidentification_summary",
    "deidentify",
    "drr",
    "fit_scatter",
    "guidance_record",
    "guidance_summary",
    "guide",
    "radiographs_record",
    "radiographs_summary",
    "reconstruct",
    "reconstruction_record",
    "reconstruction_summary",
    "review",
    "review_record",
    "review_schema",
    "review_summary",
    "simulate_course",
    "sort",
    "sorted_record",
    "sorted_summary",
    "write_example",
    "write_guidance",
    "write_review",
]

_OF_COURSES = ("Course", "course_record", "course_summary", "simulate_course")


def __getattr__(name: str) -> object:
    """What concerns virtual courses."""
    if name in _OF_COURSES:
        return getattr(import_module("openigrt.tasks.course"), name)
    raise AttributeError(f"module 'openigrt.tasks' has no attribute {name!r}")
