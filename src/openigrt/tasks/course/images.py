"""Images of the day in a virtual room: rendered at once, or from projections that its imager takes."""

from dataclasses import dataclass, replace

import numpy as np

from openigrt.errors import DeviceFailure
from openigrt.geometry import Frame
from openigrt.images import Image
from openigrt.tasks.course.settings import CourseSettings, Imaging
from openigrt.tasks.identifiers import derived_uid
from openigrt.tasks.reconstruction.projection_corrections import (
    LineIntegrals,
    Scatter,
    Signals,
    hardening_of,
    scatter_of,
    without_lag,
)
from openigrt.tasks.reconstruction.reconstruction import ReconstructionSettings
from openigrt.tasks.reconstruction.volume_making import bench_of
from openigrt.virtual import (
    HEAD_CBCT,
    HEAD_DEMO_CBCT,
    PELVIS_CBCT,
    PELVIS_DEMO_CBCT,
    TRUNK_CBCT,
    TRUNK_DEMO_CBCT,
    ConeBeamProtocol,
    PatientOnCouch,
    PatientProjections,
    VirtualLinac,
    quick_daily_image,
    quick_moments_s,
)
from openigrt.xray import HuScale, Panel

SCAN_S = 60.0
SAMPLES_OF_A_SCAN = 16
Shown = tuple[Image, tuple[float, ...]]
FULL_VOXEL_MM, DEMO_VOXEL_MM = 1.0, 1.25
DEMO_SIZE = (240, 240, 96)
SCANS = {
    "pelvis": (PELVIS_CBCT, PELVIS_DEMO_CBCT),
    "head_neck": (HEAD_CBCT, HEAD_DEMO_CBCT),
    "brain": (HEAD_CBCT, HEAD_DEMO_CBCT),
}
IMAGE_SEED, PANEL_SEED = 419, 421


@dataclass(frozen=True, eq=False)
class DayImager:
    """Takes the images of one fraction."""

    settings: CourseSettings
    number: int

    def __call__(self, linac: VirtualLinac, lying: PatientOnCouch) -> tuple[Image, tuple[float, ...]]:
        """An image of whoever lies there, and the moments that it is a mean of."""
        taken = self._quick if self.settings.imaging is Imaging.QUICK else self._reconstructed
        image, moments_s = taken(linac, lying)
        couch = linac.devices.couch.reading().pose
        image = replace(image, provenance=replace(image.provenance, couch=couch))
        return image, moments_s

    def _frame(self, at_s: float) -> Frame:
        """The frame of an image, its own."""
        settings = self.settings
        seed = f"OpenIGRT virtual course|{settings.anatomy}|{settings.seed}|{self.number}|{at_s:.3f}"
        return Frame.daily(derived_uid(seed, "frame"))

    def _protocol(self, site: str) -> ConeBeamProtocol:
        """How a site is scanned."""
        clinical, demo = SCANS.get(site, (TRUNK_CBCT, TRUNK_DEMO_CBCT))
        return clinical if self.settings.imaging is Imaging.FULL else demo

    @property
    def _volume(self) -> ReconstructionSettings:
        """How large a reconstruction is: all that the scan sees, or 30 x 30 x 12 cm for the demo."""
        if self.settings.imaging is Imaging.FULL:
            return ReconstructionSettings(voxel_mm=FULL_VOXEL_MM)
        return ReconstructionSettings(voxel_mm=DEMO_VOXEL_MM, size=DEMO_SIZE)

    def _quick(self, linac: VirtualLinac, lying: PatientOnCouch) -> Shown:
        """The moment in the middle of a scan, rendered with the look of a cone-beam CT."""
        clock = linac.devices.clock
        middle_s = clock.now_s + 0.5 * SCAN_S
        clock.sleep_until(clock.now_s + SCAN_S)
        rng = np.random.default_rng((self.settings.seed, self.number, round(1000.0 * middle_s), IMAGE_SEED))
        image = quick_daily_image(
            lying.patient,
            lying.day,
            lying.fixed_from_plan(middle_s),
            middle_s - lying.lain_down_s,
            rng,
            daily=self._frame(middle_s),
            imager_offset_mm=linac.truth.imaging_isocenter_mm,
        )
        shown_s = quick_moments_s(lying.patient, lying.day, middle_s - lying.lain_down_s)
        return image, tuple(float(lying.lain_down_s + moment_s) for moment_s in shown_s)

    def _reconstructed(self, linac: VirtualLinac, lying: PatientOnCouch) -> Shown:
        """A scan with the patient breathing and drifting while the gantry turns, corrected and reconstructed."""
        protocol = self._protocol(lying.patient.site)
        projections = PatientProjections(lying, protocol, self.settings.seed + PANEL_SEED)
        linac.show(projections)
        scan = linac.devices.imager.scan(protocol.trajectory())
        if len(scan) < protocol.projections:
            raise DeviceFailure(f"Only {len(scan)} of {protocol.projections} projections arrived; scan again.")
        position = lying.patient.position
        scan = replace(scan, exposure=protocol.exposure, provenance=replace(scan.provenance, patient_position=position))
        dark, flat = projections.fields(protocol.trajectory())
        imager = protocol.imager()
        signals, _ = without_lag(Signals(scan, Panel(dark, flat), np.ones(len(scan))), imager)
        hardening, _ = hardening_of(scan, None, imager)
        scatter, _ = scatter_of(Scatter.KERNEL, imager)
        bench = bench_of(scan, self._volume)
        integrals = LineIntegrals(signals, scatter, hardening)
        attenuation = bench.volume(integrals, lambda words: None)
        if hardening is None:
            raise DeviceFailure("The scan does not say its tube voltage, so HU are not known.")
        until_s, taken_s = linac.devices.clock.now_s, scan.times_s
        if taken_s is None:
            raise DeviceFailure("The scan does not say when its projections were taken.")
        moments_s = until_s - taken_s[-1] + taken_s[:: max(1, len(taken_s) // SAMPLES_OF_A_SCAN)]
        image = bench.image(attenuation, HuScale.of_water(hardening.water_per_mm), self._frame(until_s))
        return image, tuple(moments_s.tolist())
