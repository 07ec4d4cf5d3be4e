"""OpenIGRT: the complete loop of image-guided radiotherapy as one open Python system.

Research software. Not a medical device. Not for clinical use. Not connected to treatment machines.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from openigrt.tasks import (
        accept,
        acceptance_record,
        check,
        check_record,
        check_whole,
        correction_schema,
        course_record,
        deidentification_record,
        deidentify,
        drr,
        fit_scatter,
        guidance_record,
        guide,
        radiographs_record,
        reconstruct,
        reconstruction_record,
        review,
        review_record,
        review_schema,
        simulate_course,
        sort,
        sorted_record,
        write_example,
        write_guidance,
        write_review,
    )

__all__ = [
    "accept",
    "acceptance_record",
    "check",
    "check_record",
    "check_whole",
    "correction_schema",
    "course_record",
    "deidentification_record",
    "deidentify",
    "drr",
    "fit_scatter",
    "guidance_record",
    "guide",
    "radiographs_record",
    "reconstruct",
    "reconstruction_record",
    "review",
    "review_record",
    "review_schema",
    "simulate_course",
    "sort",
    "sorted_record",
    "write_example",
    "write_guidance",
    "write_review",
]


def __getattr__(name: str) -> object:
    """Load the jobs when they are first asked for: `import openigrt` stays light."""
    if name in __all__:
        return getattr(import_module("openigrt.tasks"), name)
    raise AttributeError(f"module 'openigrt' has no attribute {name!r}")


def __dir__() -> list[str]:
    """The public names."""
    return sorted(__all__)
