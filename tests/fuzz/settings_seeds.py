"""Whole files that people write: machine files, alias files, readings, tables; and what OpenIGRT itself keeps."""

from functools import partial
from importlib.resources import files
from pathlib import Path
from tempfile import TemporaryDirectory

from openigrt.files import builtin_machine, builtin_machine_names
from openigrt.machine import readings_form
from openigrt.tasks.review.course_store import keep
from tests.machine.test_imager import FLEX, SMALLEST
from tests.patient.test_aliases import CLINIC
from tests.tasks.test_course_store import KEY, RESULT

ACCEPTED = "varian_iec"


def machine(name: str) -> bytes:
    """A machine file that comes with OpenIGRT."""
    return (files("openigrt.machine") / "data" / f"{name}.toml").read_bytes()


def readings() -> bytes:
    """A form of which everything is filled in."""
    form = readings_form(builtin_machine(ACCEPTED))
    return (
        form.replace("# shown =", "shown = 10.0")
        .replace('# manufacturer = ""', 'manufacturer = "Varian"')
        .replace("# seen_mm = [ , , ]", "seen_mm = [1, 2.5, -3]")
        .encode()
    )


def kept_result() -> bytes:
    """The result of one image of a course."""
    with TemporaryDirectory() as folder:
        keep(Path(folder), RESULT)
        return (Path(folder) / f"{KEY}.json").read_bytes()


MACHINES = (*(partial(machine, name) for name in builtin_machine_names()), f"{SMALLEST}{FLEX}".encode)
ALIASES = (CLINIC.encode,)
READINGS = (readings,)
GIVEN_IDS = (lambda: b'old,new\nA-1,trial-001\n"B, 2",trial-002\n',)
KEYS = (lambda: b"0123456789abcdef" * 4 + b"\n",)
LINKS = (lambda: b"old patient ID,new patient ID,days added to dates\nA-1,trial-001,-12\n",)
KEPT = (kept_result,)
RECORDS = (lambda: b'{"input": "sha", "key": "mark", "keep": ["device"], "is_finished": true, "files": 12}',)
