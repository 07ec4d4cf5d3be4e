"""Whole jobs, one file each: what the command line and the Python interface call."""

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
)
from openigrt.tasks.examples import (
    write_example,
)
from openigrt.tasks.guidance import (
    Guidance,
)
from openigrt.tasks.guidance_files import (
    write_guidance,
)
from openigrt.tasks.guidance_record import (
    guidance_record,
)
from openigrt.tasks.guidance_summary import (
    guidance_summary,
)
from openigrt.tasks.guiding import (
    guide,
)
from openigrt.tasks.schema import (
    correction_schema,
)
from openigrt.tasks.sorting import (
    SortedFolder,
    sort,
    sorted_record,
    sorted_summary,
)

__all__ = [
    "FolderCheck",
    "Guidance",
    "MachineAcceptance",
    "SortedFolder",
    "accept",
    "acceptance_record",
    "acceptance_summary",
    "check",
    "check_record",
    "check_summary",
    "correction_schema",
    "guidance_record",
    "guidance_summary",
    "guide",
    "sort",
    "sorted_record",
    "sorted_summary",
    "write_example",
    "write_guidance",
]
