"""Whole jobs, one file each: what the command line and the Python interface call."""

from openigrt.tasks.checking import FolderCheck, check, check_record, check_summary
from openigrt.tasks.deidentification_record import Deidentification, deidentification_record, deidentification_summary
from openigrt.tasks.deidentifying import deidentify
from openigrt.tasks.examples import write_example
from openigrt.tasks.guidance import Guidance
from openigrt.tasks.guidance_files import write_guidance
from openigrt.tasks.guidance_record import guidance_record
from openigrt.tasks.guidance_summary import guidance_summary
from openigrt.tasks.guiding import guide
from openigrt.tasks.schema import correction_schema

__all__ = [
    "Deidentification",
    "FolderCheck",
    "Guidance",
    "check",
    "check_record",
    "check_summary",
    "correction_schema",
    "deidentification_record",
    "deidentification_summary",
    "deidentify",
    "guidance_record",
    "guidance_summary",
    "guide",
    "write_example",
    "write_guidance",
]
