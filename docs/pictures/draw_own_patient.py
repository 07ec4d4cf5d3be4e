"""Draw virtual_patient_of_your_own.png: the embedded example's plan as a patient of one's own.

Run as `python -m docs.pictures.draw_own_patient`.
"""

import tempfile
from pathlib import Path

import matplotlib as mpl
import numpy as np

from openigrt.dicom import read_plan_folder
from openigrt.geometry import Grid, RigidTransform
from openigrt.virtual import ScannedState, render, scanned_in, scanned_patient, write_embedded_example

mpl.use("Agg")
from matplotlib import pyplot as plt

OUT = Path(__file__).with_name("virtual_patient_of_your_own.png")
SIZE, SPACING_MM = (180, 125, 72), 2.4
STATE = ScannedState(bladder_volume=1.5, rectum_width=1.15, target_shift_mm=(0.0, -4.0, 3.0))


def pictures():
    """HU planned and on the day, and where the target is."""
    with tempfile.TemporaryDirectory() as place:
        folder = read_plan_folder(write_embedded_example(Path(place), 0).plan_folder)
    patient = scanned_patient(folder.planning_image, folder.structure_set, folder.plan, folder.dose)
    frame = patient.anatomy.frame
    grid = Grid(frame, patient.isocenter_mm - 0.5 * SPACING_MM * np.array(SIZE), [SPACING_MM] * 3, np.eye(3), SIZE)
    same = RigidTransform.identity(frame, frame)
    return [render(a, grid, same) for a in (patient.anatomy, patient.at(scanned_in(patient, STATE)))]


def main():
    """Three rows of three sections."""
    planned, moved = pictures()
    rows = ((planned, -180, 220, "planned"), (moved, -180, 220, "on a day"), (moved - planned, -250, 250, "difference"))
    figure, axes = plt.subplots(3, 3, figsize=(9.0, 6.4), width_ratios=(180, 180, 125))
    k, j, i = (n // 2 for n in planned.shape)
    for line, (voxels, low, high, name) in zip(axes, rows, strict=True):
        sections = voxels[k], voxels[::-1, j], voxels[::-1, :, i]
        for place, section in zip(line, sections, strict=True):
            place.imshow(section, cmap="gray", vmin=low, vmax=high)
            place.set_xticks([])
            place.set_yticks([])
        line[0].set_ylabel(name, fontsize=11)
    figure.tight_layout(pad=0.4)
    figure.savefig(OUT, dpi=75)


if __name__ == "__main__":
    main()
