"""What a run does not need, it does not load: each of these costs a tenth of a second or more."""

import subprocess
import sys
from pathlib import Path

HEAVY = ("SimpleITK", "matplotlib", "pandas", "scipy.optimize", "scipy.signal", "scipy.stats", "openigrt.virtual")
ROOT = Path(__file__).resolve().parents[2]
REPORTED = """
import sys
import openigrt.tasks
from openigrt.report import render_guidance_report
from tests.report.report_cases import content_of
assert "</html>" in render_guidance_report(content_of())
print(*sys.modules)
"""


def test_a_report_is_made_without_packages_that_it_does_not_need() -> None:
    done = subprocess.run([sys.executable, "-c", REPORTED], capture_output=True, text=True, check=True, cwd=ROOT)
    assert set(HEAVY) & set(done.stdout.split()) == set()
