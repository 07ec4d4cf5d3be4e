"""Whole jobs, one file each: what the command line and the Python interface call."""

from openigrt.tasks.examples import write_example
from openigrt.tasks.guidance import Guidance
from openigrt.tasks.guidance_files import write_guidance
from openigrt.tasks.guidance_record import guidance_record
from openigrt.tasks.guidance_summary import guidance_summary
from openigrt.tasks.guiding import guide

__all__ = ["Guidance", "guidance_record", "guidance_summary", "guide", "write_example", "write_guidance"]
