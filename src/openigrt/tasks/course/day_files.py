"""The DICOM files of one fraction: images of the day and the treatment record, all of one study."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np

from openigrt.dicom import SeriesHeader, save, write_image_series, write_treatment_record
from openigrt.images import Image
from openigrt.machine import ClockPort
from openigrt.patient import Plan
from openigrt.tasks.course.delivering import DeliveredOrder, record_of
from openigrt.virtual import Identity, daily_series, described

RECORD = "RT.dcm"
SMALLEST_HU, LARGEST_HU = -1024.0, 3071.0


@dataclass(frozen=True, slots=True)
class DayFiles:
    """What writes the files of a fraction of a patient, on a day that began at a moment."""

    identity: Identity
    number: int
    begun_at: datetime

    def write_image(self, image: Image, folder: Path, after: timedelta) -> None:
        """The slices of an image that was taken so long after the day began."""
        series = self._series("CBCT", after)
        couch = image.provenance.couch
        shown = described(image, series)
        shown = replace(shown, provenance=replace(shown.provenance, couch=couch))
        shown = replace(shown, voxels=np.clip(image.voxels, SMALLEST_HU, LARGEST_HU))
        for number, dataset in enumerate(write_image_series(shown, series), start=1):
            save(dataset, folder / f"CBCT_{number:03d}.dcm")

    def write_record(self, plan: Plan, beams: Sequence[DeliveredOrder], clock: ClockPort, folder: Path) -> None:
        """The treatment record."""
        series = self._series("RTRECORD", timedelta(seconds=beams[-1].ended_s))
        uid = self.identity.uid(f"fraction {self.number} record")
        save(write_treatment_record(record_of(plan, beams, self.number, uid, clock), series), folder / RECORD)

    def _series(self, role: str, after: timedelta) -> SeriesHeader:
        """A series of the study of the day."""
        day = f"fraction {self.number}"
        series = daily_series(self.identity, self.begun_at + after, day, f"{role} {after.total_seconds():.1f}")
        study = replace(series.study, started_at=self.begun_at, description=f"Fraction {self.number}")
        return replace(series, study=study, description=f"{role} fraction {self.number}")
