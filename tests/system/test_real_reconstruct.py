"""Real CTs, projected by RTK, reconstructed and guided from: the shift that was put in comes back."""

import subprocess
from pathlib import Path

import numpy as np
import pytest
import SimpleITK

import openigrt

WATER_PER_MM = 0.0206
SHIFT_MM = np.array([5.0, -4.0, 6.5])  # of the patient, room axes
SCANS = {
    "head_phantom/headphantom.mha": {"aside_mm": 0.0, "voxel": 1.0},
    "thorax_4dct/t0.mha": {"aside_mm": -115.0, "voxel": 1.5},
}
WORKER = Path(__file__).with_name("rtk_scans.py")

pytestmark = [pytest.mark.real, pytest.mark.long]


@pytest.mark.parametrize("name", SCANS)
def test_a_real_ct_projected_by_rtk_is_guided_from(real_data, rtk_python, tmp_path, name):
    settings = SCANS[name]
    planned = SimpleITK.ReadImage(str(real_data / name), SimpleITK.sitkFloat32)
    hounsfield = SimpleITK.GetArrayFromImage(planned)
    spacing, origin = np.array(planned.GetSpacing()), np.array(planned.GetOrigin())
    isocenter_mm = origin + spacing * (np.array(planned.GetSize()) - 1) / 2.0
    # Supine, head first: room x is left, y superior, z anterior.
    in_room = np.clip(1.0 + hounsfield / 1000.0, 0.0, None)[:, ::-1].transpose(1, 0, 2) * WATER_PER_MM
    last_posterior = origin[1] + spacing[1] * (hounsfield.shape[1] - 1)
    first = np.array([origin[0] - isocenter_mm[0], origin[2] - isocenter_mm[2], isocenter_mm[1] - last_posterior])
    np.savez(
        tmp_path / "in.npz",
        volume=in_room,
        spacing_mm=spacing[[0, 2, 1]],
        origin_mm=first + SHIFT_MM,
        angles=np.arange(0.0, 360.0, 1.5),
        size=(320, 240),
        pixel_mm=1.28,
        aside_mm=settings["aside_mm"],
    )
    (tmp_path / "scan").mkdir()
    subprocess.run([rtk_python, str(WORKER), str(tmp_path / "in.npz"), str(tmp_path / "scan")], check=True, timeout=900)
    made = openigrt.reconstruct(
        tmp_path / "scan",
        quantity="line integral",
        voxel=settings["voxel"],
        position="HFS",
        water=WATER_PER_MM,
        out=tmp_path / "cbct",
    )
    assert str(made.fan) == ("half" if settings["aside_mm"] else "full")
    plan = tmp_path / "plan.mha"
    SimpleITK.WriteImage(SimpleITK.Cast(planned, SimpleITK.sitkInt16), str(plan))
    found = openigrt.guide(plan, tmp_path / "cbct" / "ct", isocenter=isocenter_mm, region="bone", position="HFS")
    moved = found.match.plan_from_daily.points(np.zeros(3)) - isocenter_mm
    expected = -SHIFT_MM[[0, 2, 1]] * (1.0, -1.0, 1.0)
    assert np.linalg.norm(moved - expected) < 0.5
    turned = np.rad2deg(np.arccos(min(1.0, (np.trace(found.match.plan_from_daily.rotation) - 1.0) / 2.0)))
    assert turned < 0.3
