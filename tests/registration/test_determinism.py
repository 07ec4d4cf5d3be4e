"""The same images give the same bits: on one thread and on two, in one process and in another."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.registration.phantom import Patient, cone_beam_ct, motion, planning_ct

ROOT = Path(__file__).resolve().parents[2]
MATCH_TWICE = """
import sys
import numba
import numpy as np
from openigrt.images import Image, Modality
from openigrt.registration import Region, RegionKind
from tests.registration.phantom import BONE, DAILY_GRID, PLAN_GRID, matched
images = np.load(sys.argv[1])
plan, daily = Image(images["plan"], PLAN_GRID, Modality.CT), Image(images["daily"], DAILY_GRID, Modality.CBCT)
for _ in range(2):
    for match in matched(plan, daily, BONE, Region("soft", RegionKind.SOFT)):
        numbers = (*match.plan_from_daily.matrix4().ravel(), match.score, match.trust.predicted_error_mm)
        print(match.region, *(float(number).hex() for number in numbers))
print(numba.get_num_threads())
"""


def words_of_a_match(images, threads):
    environment = os.environ | {"NUMBA_NUM_THREADS": str(threads), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", MATCH_TWICE, str(images)]
    finished = subprocess.run(command, env=environment, capture_output=True, text=True, check=True, timeout=300)
    *matches, used = finished.stdout.split("\n")[:-1]
    assert used == str(threads)
    return matches


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    patient = Patient(1)
    daily = cone_beam_ct(patient, motion((5.0, -7.0, 6.0), (1.0, 2.0, -1.0)))
    file = tmp_path_factory.mktemp("images") / "images.npz"
    np.savez(file, plan=planning_ct(patient).voxels, daily=daily.voxels)
    return file


def test_threads_and_repeats_change_no_bit(images):
    one, two = (words_of_a_match(images, threads) for threads in (1, 2))
    assert len(one) == 4
    assert one[:2] == one[2:]
    assert one == two
