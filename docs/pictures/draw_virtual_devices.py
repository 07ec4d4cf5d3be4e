"""`python -m docs.pictures.draw_virtual_devices`: what the devices of a room hand over of one virtual patient."""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes

from openigrt.geometry import Frame, planar_region
from openigrt.images import Projection
from openigrt.machine import Imager
from openigrt.virtual import (
    BeltSignal,
    KilovoltBeam,
    MarkerSignal,
    MegavoltBeam,
    PatientOnCouch,
    Taking,
    TransponderArray,
    Transponders,
    TreatmentHead,
    VirtualLinac,
    abdomen_day,
    abdomen_patient,
    belt_trace,
    gantry_kv_view,
    marker_places_mm,
    marker_trace,
    portal_view,
    radiographs,
    seen_surface,
    stereoscopic_views,
)

SEED, TIME_S, UNTIL_S = 5, 2.0, 24.0
KV = Imager(90.0, 1000.0, 1500.0)
OPENING = planar_region([[[(-60.0, -50.0), (60.0, -50.0), (60.0, 50.0), (-60.0, 50.0)]]])


def main() -> None:
    """Draw all of them."""
    patient = abdomen_patient(Frame.plan("1.2.3"), SEED)
    lying = VirtualLinac(seed=SEED).lay_down(patient, abdomen_day(patient, 1))
    rng, taking = np.random.default_rng(SEED), Taking(TIME_S)
    kilovolts = radiographs(lying, (*stereoscopic_views(), gantry_kv_view(KV, 270.0)), KilovoltBeam(), taking, rng)
    megavolts = radiographs(lying, (portal_view(0.0, 20.0),), MegavoltBeam(OPENING), taking, rng)
    figure, rows = plt.subplots(2, 4, figsize=(13.0, 6.2), layout="constrained")
    for axes, image in zip(rows[0], (*kilovolts, *megavolts), strict=True):
        draw_image(axes, image, lying)
    rows[1, 0].remove()
    draw_surface(figure.add_subplot(2, 4, 5, projection="3d"), lying, rng)
    draw_transponders(rows[1, 1], lying)
    draw_signals(rows[1, 2], rows[1, 3], lying, rng)
    figure.savefig(Path(__file__).with_name("virtual_devices.png"), dpi=80)


def draw_image(axes: Axes, image: Projection, lying: PatientOnCouch) -> None:
    """A radiograph, logarithmic, with a cross where each marker truly projects."""
    logs = np.log(image.pixels + 1.0)
    middle = logs[logs.shape[0] // 6 : -logs.shape[0] // 6, logs.shape[1] // 5 : -logs.shape[1] // 5]
    if image.exposure.is_megavoltage:
        middle = logs[logs > 0.5 * (logs.min() + logs.max())]
    low, high = np.percentile(middle, (1.0, 99.0))
    axes.imshow(logs, cmap="gray", vmin=low, vmax=high)
    for place in marker_places_mm(lying, TIME_S).values():
        axes.plot(*(image.geometry.pixels(place) + 14.0), marker="$\\nwarrow$", color="#ffb000", ms=8, ls="")
    axes.set_title(image.label, fontsize=10)
    axes.set_axis_off()


def draw_surface(axes: Axes, lying: PatientOnCouch, rng: np.random.Generator) -> None:
    """Points of the skin, all pods, the treatment head at 60 degrees."""
    points = seen_surface(lying, TIME_S, rng, head=TreatmentHead(60.0)).points_mm[::9]
    axes.scatter(*points.T, s=0.6, c=points[:, 2], cmap="viridis")
    axes.set_box_aspect(np.ptp(points, axis=0))
    axes.view_init(40.0, -60.0)
    axes.set_title("skin, gantry at 60°", fontsize=10)
    for axis in (axes.xaxis, axes.yaxis, axes.zaxis):
        axis.set_ticklabels([])


def draw_transponders(axes: Axes, lying: PatientOnCouch) -> None:
    """Way of each transponder along the room's y, as heard."""
    there = Transponders(lying, TransponderArray(center_mm=(0.0, 0.0, 190.0), lost_share=0.03), seed=SEED)
    times_s = np.arange(0.0, UNTIL_S, 0.1)
    readings = [there.reading(float(t)).places_mm for t in times_s]
    for name in lying.patient.markers:
        first = there.planned_mm[name][1]
        axes.plot(times_s, [r[name][1] - first if name in r else np.nan for r in readings], lw=1.0, label=name.lower())
    axes.set_title("transponders, 10 Hz, mm toward the gantry", fontsize=10)
    axes.set_xlabel("s")
    axes.legend(fontsize=7)


def draw_signals(first: Axes, second: Axes, lying: PatientOnCouch, rng: np.random.Generator) -> None:
    """Marker block and belt beside the target's way down."""
    marker = marker_trace(lying, 1.0, UNTIL_S, rng, MarkerSignal(up_mm=-60.0, lag_s=0.4))
    first.plot(marker.times_s, marker.amplitude - marker.amplitude.min(), lw=1.0, label="marker block, 0.4 s late")
    times_s = np.arange(1.0, UNTIL_S, 0.2)
    down = np.array([-lying.target_motion(float(t)).points(np.zeros(3))[1] for t in times_s])
    first.plot(times_s, down - down.min(), lw=1.0, ls="--", color="0.4", label="target, down")
    first.set_title("marker on the belly, mm", fontsize=10)
    first.legend(fontsize=7)
    belt = belt_trace(lying, 1.0, UNTIL_S, rng, BeltSignal(up_mm=-60.0))
    second.plot(belt.times_s, belt.amplitude, lw=1.0)
    second.set_title("belt, own scale", fontsize=10)
    for axes in (first, second):
        axes.set_xlabel("s")


if __name__ == "__main__":
    main()
