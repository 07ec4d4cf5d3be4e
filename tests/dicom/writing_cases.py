"""What tests of our writers share: headers, and the IOD validator."""

import shutil
import subprocess
from datetime import UTC, date, datetime

import pytest

from openigrt.dicom import PatientHeader, SeriesHeader, StudyHeader
from tests.dicom.dicom_cases import ROOT

DCIODVFY = shutil.which("dciodvfy")

requires_dciodvfy = pytest.mark.skipif(DCIODVFY is None, reason="dciodvfy (Debian dicom3tools) is not installed")


def series_header(number, study=f"{ROOT}.7"):
    """A series of a made-up patient, made at a fixed time."""
    patient = PatientHeader("P1", "Doe^Jane", date(1960, 2, 3), "F")
    made = datetime(2024, 1, 2, 3, 4, 5, 678000, tzinfo=UTC)
    return SeriesHeader(patient, StudyHeader(study, made, "1", "Study"), f"{ROOT}.{number}", made, 1, "Series")


def validated(path):
    """The errors that dciodvfy finds in a file."""
    found = subprocess.run([DCIODVFY, str(path)], capture_output=True, text=True, check=False)
    return [line for line in (found.stderr + found.stdout).splitlines() if line.startswith("Error")]
