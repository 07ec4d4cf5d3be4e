"""Trials on real images: each daily image as it is stored, and carried by known rigid motions in its header alone.

`pancreas` has a truth for bone (2 mm on the spine); `sarcoma` and `thorax` are judged by consistency: the match of the
moved image, composed with the motion, against the match of the image where it was.
"""

from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import SimpleITK as sitk  # noqa: N813 - its users' name for it
from numpy.typing import NDArray

from benchmarks.simulated import in_ball, sphere_points_mm
from benchmarks.trial import Trial, matrix4_about
from benchmarks.worker import Volume
from openigrt.geometry import Float64Array, rotation_from_vector

PANCREAS_ISOCENTER_MM = np.array([5.0, 70.0, 305.0])
PANCREAS_BONE_SHIFT_MM = np.array([1.8, 1.5, -16.5])
PANCREAS_SPINE_MM = np.array([6.0, 140.0, 311.0])


def pancreas(data: Path, cache: Path, count: int) -> list[Trial]:
    """The cone-beam CT as it is and under `count` motions of up to 30 mm and 5 degrees about the isocenter."""
    folder = data / "pancreas"
    plan, daily = read_series(folder / "planning_ct"), read_series(folder / "daily_cbct")
    file = _kept(cache / "pancreas.npz", plan, daily)
    bone = matrix4_about(np.zeros(3), np.eye(3), PANCREAS_BONE_SHIFT_MM)
    motions = known_motions(PANCREAS_ISOCENTER_MM, count, (30.0, 5.0), seed=1)
    options = {"modality": "CBCT", "region": "bone"}
    return _trials(file, motions, PANCREAS_ISOCENTER_MM, bone, options)


def sarcoma(data: Path, cache: Path, modality: str, count: int) -> list[list[Trial]]:
    """For each patient CT from `modality` (MR_T1 or PET), as it is and under motions of up to 15 mm and 3 degrees."""
    trials = []
    for patient in sorted((data / "sarcoma_ct_pet_mr").glob("STS_*")):
        plan, daily = read_series(patient / "CT" / "image"), read_series(patient / modality / "image")
        file = _kept(cache / f"{patient.name}-{modality}.npz", plan, daily)
        center = _center_mm(plan)
        options = {"modality": modality.removesuffix("_T1"), "region": "patient"}
        trials.append(_trials(file, known_motions(center, count, (15.0, 3.0), seed=2), center, None, options))
    return trials


def thorax(data: Path, cache: Path, count: int) -> list[Trial]:
    """End-inhale from end-exhale, as it is and under motions of up to 15 mm and 3 degrees."""
    plan, daily = (read_volume(data / "thorax_4dct" / name) for name in ("t0.mha", "t5.mha"))
    file = _kept(cache / "thorax.npz", plan, daily)
    center = _center_mm(plan)
    motions = known_motions(center, count, (15.0, 3.0), seed=3)
    return _trials(file, motions, center, None, {"modality": "CT", "region": "bone"})


def known_motions(center_mm: Float64Array, count: int, most: tuple[float, float], seed: int) -> list[Float64Array]:
    """No motion first, then `count` random ones (4, 4) about a point; `most` is mm and degrees."""
    rng = np.random.default_rng(seed)
    motions = [np.eye(4)]
    for _ in range(count):
        rotation = rotation_from_vector(np.deg2rad(in_ball(rng, most[1])))
        motions.append(matrix4_about(center_mm, rotation, in_ball(rng, most[0])))
    return motions


def read_series(folder: Path) -> Volume:
    """The slices of a folder of single-frame images, whatever else lies there, by position; float32 after rescaling."""
    slices = [pydicom.dcmread(file) for file in sorted(folder.glob("*.dcm"))]
    slices = [s for s in slices if "ImagePositionPatient" in s and "PixelData" in s]
    along_i, along_j = np.reshape(slices[0].ImageOrientationPatient, (2, 3)).astype(float)
    normal = np.cross(along_i, along_j)
    slices.sort(key=lambda s: float(normal @ np.array(s.ImagePositionPatient, float)))
    positions = np.array([s.ImagePositionPatient for s in slices], float)
    spacing_k = float(normal @ (positions[-1] - positions[0])) / (len(slices) - 1)
    spacing = np.array([slices[0].PixelSpacing[1], slices[0].PixelSpacing[0], spacing_k], float)
    return Volume(
        np.stack([_rescaled(s) for s in slices]), positions[0], spacing, np.column_stack([along_i, along_j, normal])
    )


def read_volume(file: Path) -> Volume:
    """A volume file."""
    image = sitk.ReadImage(str(file))
    geometry = (np.array(image.GetOrigin()), np.array(image.GetSpacing()), np.reshape(image.GetDirection(), (3, 3)))
    return Volume(sitk.GetArrayFromImage(image).astype(np.float32), *geometry)


def _rescaled(dataset: pydicom.Dataset) -> NDArray[np.float32]:
    """Pixels in the units of the rescale."""
    slope, intercept = float(dataset.get("RescaleSlope", 1.0)), float(dataset.get("RescaleIntercept", 0.0))
    return (dataset.pixel_array * slope + intercept).astype(np.float32)


def _center_mm(volume: Volume) -> Float64Array:
    """Centre of a volume, mm."""
    half = (np.array(volume.voxels.shape[::-1]) - 1) / 2.0
    return volume.origin_mm + volume.direction @ (volume.spacing_mm * half)


def _kept(file: Path, plan: Volume, daily: Volume) -> Path:
    """The pair as a case file."""
    file.parent.mkdir(parents=True, exist_ok=True)
    parts = {
        f"{name}_{part}": getattr(volume, part)
        for name, volume in (("plan", plan), ("daily", daily))
        for part in ("origin_mm", "spacing_mm", "direction")
    }
    np.savez(file, plan=plan.voxels, daily=daily.voxels, allow_pickle=False, **parts)
    return file


def _trials(
    file: Path,
    motions: list[Float64Array],
    center_mm: Float64Array,
    truth: Float64Array | None,
    options: dict[str, Any],
) -> list[Trial]:
    """One trial for each motion, from the start that the files suggest: the identity."""
    points = PANCREAS_SPINE_MM[None] if truth is not None else sphere_points_mm(center_mm)
    return [
        Trial(
            file=file,
            moved=moved,
            start=np.eye(4),
            isocenter_mm=center_mm,
            points_mm=points,
            plan_from_daily=None if truth is None else truth @ np.linalg.inv(moved),
            options=options,
        )
        for moved in motions
    ]
