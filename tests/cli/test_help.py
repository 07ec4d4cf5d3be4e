"""Help and versions: light, with an example, and the exit codes of wrong usage."""

import json
import os
import re
import subprocess
import sys
from importlib.metadata import version

import pytest

from openigrt.cli.exit_codes import ExitCode
from tests.system.command import run

HEAVY = {"numpy", "scipy", "numba", "pydicom", "SimpleITK", "skimage", "jinja2", "PIL", "rich"}
LOADED = """
import atexit, json, sys
atexit.register(lambda: print(json.dumps(sorted({name.split(".")[0] for name in sys.modules})), file=sys.stderr))
from openigrt.cli import main
main()
"""


COMMANDS = ("guide", "review", "reconstruct", "drr", "check", "sort", "deidentify", "accept", "example")


@pytest.mark.parametrize("words", [["--version"], ["--help"], *([name, "--help"] for name in COMMANDS)], ids=" ".join)
def test_help_loads_nothing_heavy(words):
    done = subprocess.run([sys.executable, "-c", LOADED, *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert set(json.loads(done.stderr)) & HEAVY == set()


@pytest.mark.parametrize("words", [[], *([name] for name in COMMANDS)], ids=" ".join)
def test_help_shows_an_example_and_that_this_is_research_software(words):
    said = " ".join(run(*words, "--help").out.split())
    assert "Example: openigrt " in said
    assert "Not for clinical use" in run("--help").out.replace("\n  ", " ")


def test_wrong_usage_loads_nothing_heavy():
    words = ["guide", "a", "b", "--isocenter", "1,2"]
    done = subprocess.run([sys.executable, "-c", LOADED, *words], capture_output=True, text=True, check=False)
    assert done.returncode == ExitCode.USAGE
    assert set(json.loads(done.stderr.splitlines()[-1])) & HEAVY == set()


@pytest.mark.parametrize("words", [[], ["guide"], ["guide", "plan"], ["drive"], ["guide", "a", "b", "c"]], ids=" ".join)
def test_wrong_usage(words):
    assert run(*words).code == ExitCode.USAGE


def test_version():
    assert run("--version").out == f"openigrt {version('openigrt')}\n"


def test_the_module_is_the_command():
    words = [sys.executable, "-m", "openigrt", "guide", "--help"]
    done = subprocess.run(words, capture_output=True, text=True, env=os.environ | {"COLUMNS": "100"}, check=False)
    assert done.returncode == 0
    assert re.search(r"--couch-pose\s+LAT,LNG,VRT", done.stdout)
