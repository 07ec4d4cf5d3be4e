"""Draws gallery_pelvis.png and its like, of docs/explanation/virtual_gallery.md: a sheet per site, a row per modality.

Run from the root of the repository: python -m docs.pictures.draw_gallery [site ...]
"""

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from openigrt.geometry import Frame, Grid, RigidTransform
from openigrt.virtual import (
    FDG,
    T1_WEIGHTED,
    T2_WEIGHTED,
    BreathingPattern,
    Day,
    MrFlaws,
    Transducer,
    VirtualPatient,
    abdomen_patient,
    brain_patient,
    cone_beam_look,
    head_neck_patient,
    mr_image,
    pelvis_patient,
    pet_image,
    probe_on_skin,
    render,
    thorax_patient,
    ultrasound_image,
)

Pixels = NDArray[np.float32]
FRAME = Frame.plan("1.2.3")
SAME = RigidTransform.identity(FRAME, FRAME)
PATIENTS: dict[str, Callable[[], VirtualPatient]] = {
    "pelvis": lambda: pelvis_patient(FRAME, 3),
    "thorax": lambda: thorax_patient(FRAME, 11),
    "abdomen": lambda: abdomen_patient(FRAME, 9),
    "head_neck": lambda: head_neck_patient(FRAME, 2),
    "brain": lambda: brain_patient(FRAME, 2),
}
SMALL_SITES, BREATHING_SITES = ("head_neck", "brain"), ("thorax", "abdomen")
PROBES = {"pelvis": (0.0, -0.25, -1.0), "abdomen": (0.6, 0.2, -1.0)}  # where it looks, in the room
UP_MM = np.array([0.0, 0.0, 15.0])  # toward the bladder
SHORT_PROBE = Transducer(depth_mm=140.0, beam_deg=2.0)
HEIGHT, GAP = 170, 4


def planes(voxels: Pixels, window: tuple[float, float]) -> list[Pixels]:
    """Axial, coronal and sagittal plane through the middle, 0 to 1, the head and the front above."""
    k, j, i = (n // 2 for n in voxels.shape)
    three = voxels[k], voxels[::-1, j], voxels[::-1, :, i]
    return [np.clip((plane - window[0]) / (window[1] - window[0]), 0.0, 1.0) for plane in three]


def row(name: str, three: list[Pixels]) -> Image.Image:
    """Three planes side by side with the name of the modality."""
    shown = [Image.fromarray(np.uint8(255.0 * plane)) for plane in three]
    scaled = [image.resize((round(image.width * HEIGHT / image.height), HEIGHT)) for image in shown]
    out = Image.new("L", (sum(image.width + GAP for image in scaled), HEIGHT + GAP))
    x = 0
    for image in scaled:
        out.paste(image, (x, 0))
        x += image.width + GAP
    ImageDraw.Draw(out).text((6, 5), name, fill=255, stroke_width=2, stroke_fill=0)
    return out


def grid_of(patient: VirtualPatient, spacing_mm: float) -> Grid:
    """A box round the isocenter."""
    half_mm = np.array([112.0, 126.0, 112.0] if patient.site in SMALL_SITES else [204.0, 144.0, 132.0])
    size = (2 * np.ceil(half_mm / spacing_mm) + 1).astype(int)
    corner = patient.isocenter_mm - 0.5 * (size - 1) * spacing_mm
    return Grid(FRAME, corner, np.full(3, spacing_mm), np.eye(3), (size[0], size[1], size[2]))


def cone_beam_row(patient: VirtualPatient, grid: Grid) -> Image.Image:
    """The quick look of a cone-beam CT."""
    room = Grid(FRAME, grid.origin_mm - patient.isocenter_mm, grid.spacing_mm, grid.direction, grid.size)
    hu = render(patient.at(patient.planned), grid, SAME, 0.8)
    return row("CBCT, quick look", planes(cone_beam_look(hu, room, np.random.default_rng(1)), (-200.0, 250.0)))


def ultrasound_row(patient: VirtualPatient) -> Image.Image:
    """A probe on the skin above the target."""
    fixed_from_plan = patient.fixed_from_plan(patient.planned)
    anatomy = patient.at(patient.planned)
    probe = probe_on_skin(anatomy, fixed_from_plan, patient.isocenter_mm + UP_MM, PROBES[patient.site])
    half_mm, spacing_mm = np.array([90.0, 75.0, 75.0]), 1.2
    size = (2 * half_mm / spacing_mm + 1).astype(int)
    corner = probe.points((0.0, 0.0, 70.0)) - half_mm
    grid = Grid(Frame.FIXED, corner, np.full(3, spacing_mm), np.eye(3), (size[0], size[1], size[2]))
    scan = ultrasound_image(patient, patient.planned, grid, fixed_from_plan, probe, transducer=SHORT_PROBE)
    upright = np.ascontiguousarray(scan.image.voxels[::-1].transpose(1, 0, 2))  # the room has its z up
    return row("Ultrasound", planes(upright, (0.0, 255.0)))


def sheet(patient: VirtualPatient) -> Image.Image:
    """All modalities of a patient as planned."""
    fine = grid_of(patient, 1.5 if patient.site in SMALL_SITES else 2.2)
    window = (-1000.0, 400.0) if patient.site == "thorax" else (-160.0, 240.0)
    noise = 11.0 * np.random.default_rng(1).standard_normal(fine.shape, dtype=np.float32)
    rows = [row("CT", planes(render(patient.at(patient.planned), fine, SAME) + noise, window))]
    rows.append(cone_beam_row(patient, fine))
    for name, sequence in (("MR, T1", T1_WEIGHTED), ("MR, T2", T2_WEIGHTED)):
        voxels = mr_image(patient, patient.planned, fine, SAME, sequence, flaws=MrFlaws()).image.voxels
        rows.append(row(name, planes(voxels, (0.0, float(np.percentile(voxels, 99.0))))))
    breathes = patient.site in BREATHING_SITES
    day = Day(1, breathing=BreathingPattern(1)) if breathes else patient.planned
    suv = pet_image(patient, day, grid_of(patient, 5.0), SAME).image.voxels / np.float32(FDG.bq_per_ml_per_suv)
    rows.append(row("PET", planes(suv, (8.0, 0.0) if patient.site in SMALL_SITES else (5.0, 0.0))))
    if patient.site in PROBES:
        rows.append(ultrasound_row(patient))
    out = Image.new("L", (max(image.width for image in rows), sum(image.height for image in rows)))
    y = 0
    for image in rows:
        out.paste(image, (0, y))
        y += image.height
    return out


def main() -> None:
    """Draw the sheets of the sites that are named, or of all."""
    for site in sys.argv[1:] or PATIENTS:
        picture = sheet(PATIENTS[site]()).quantize(64)
        picture.save(Path(__file__).with_name(f"gallery_{site}.png"), optimize=True)


if __name__ == "__main__":
    main()
