"""RTK itself as the oracle: the same files through its readers and ours. Needs the peers' Python with itk-rtk."""

import json
import subprocess
from pathlib import Path

import numpy as np
import pytest

from openigrt.files import (
    ProjectionLattice,
    RtkGeometry,
    ScanDefaults,
    read_rtk_geometry,
    read_scan,
    rtk_geometry_of,
    trajectory_of,
    write_rtk_geometry,
)
from tests.files import vendor_files as files
from tests.files.test_rtk_geometry import NAMES, random_geometry
from tests.files.test_scans import ELEKTA, write_his, write_hnd, write_xim

SCRIPT = Path(__file__).with_name("rtk_reads.py")
WITHIN = 1e-9


@pytest.fixture(scope="module")
def folder(tmp_path_factory, rtk_python):
    """Files of every kind, and what RTK makes of them."""
    made = tmp_path_factory.mktemp("rtk")
    for kind, write in (("xim", write_xim), ("his", write_his)):
        (made / kind).mkdir()
        write(made / kind)
    (made / "xim" / "Scan.xml").write_text(files.truebeam_scan())
    for kind in ("hnd", "hnc"):
        (made / kind).mkdir()
        write_hnd(made / kind, getattr(files, kind))
    for path in (made / "hnc").glob("*.hnd"):
        path.rename(path.with_suffix(".hnc"))
    geometry = random_geometry()
    lattice = ProjectionLattice.centred((0.4, 0.8), (40, 30))
    write_rtk_geometry(trajectory_of(geometry, lattice), made / "ours.xml")
    rows = [[float(getattr(geometry, name)[n]) for name in NAMES] for n in range(len(geometry))]
    (made / "parameters.json").write_text(json.dumps(rows))
    done = subprocess.run([rtk_python, str(SCRIPT), str(made)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    (made / "found.json").write_text(done.stdout)
    return made


@pytest.fixture(scope="module")
def found(folder):
    """What RTK said."""
    return json.loads((folder / "found.json").read_text())


def test_matrices_of_random_parameters(found):
    assert np.allclose(random_geometry().matrices(), found["parameters"], rtol=0.0, atol=WITHIN)


def test_rtk_reads_what_is_written_here(found):
    assert np.allclose(random_geometry().matrices(), found["ours"], rtol=0.0, atol=WITHIN)


def test_what_rtk_writes_is_read_here(folder):
    geometry, messages = read_rtk_geometry(folder / "theirs.xml")
    assert messages == ()
    assert np.allclose(geometry.matrices(), random_geometry().matrices(), rtol=1e-12, atol=1e-8)  # 15 digits


@pytest.mark.parametrize(("kind", "name"), [("xim", "truebeam"), ("hnd", "hnd"), ("hnc", "hnc"), ("his", "xvi")])
def test_projections_and_geometry_of_machines(folder, found, kind, name):
    scan, _ = read_scan(folder / kind, ScanDefaults(imager=ELEKTA if kind == "his" else None))
    theirs = found[f".{kind}"]
    pixels = np.array([each["pixels"] for each in theirs])
    assert np.array_equal(scan.pixels[:], 65536.0 - pixels if kind == "his" else pixels)
    geometry, lattice = rtk_geometry_of(scan.trajectory)
    assert np.allclose(geometry.matrices(), found[name], rtol=0.0, atol=1e-6)  # RTK keeps some angles in 32 bits
    assert np.allclose(lattice.origin_mm, theirs[0]["origin"])
    assert np.allclose(lattice.spacing_mm, theirs[0]["spacing"])


def test_the_parameters_are_all_there():
    assert set(NAMES) == set(RtkGeometry.__dataclass_fields__)
