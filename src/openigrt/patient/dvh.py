"""Dose-volume histograms: how much of a structure receives at least which dose."""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from openigrt.errors import InvalidGeometry, MissingInput, UnsupportedInput
from openigrt.geometry import Float64Array, frozen_array
from openigrt.patient.dose import DoseKind


class VolumeUnit(StrEnum):
    """What volumes are given in; of PERCENT the whole is not known in cubic centimetres."""

    CM3 = "CM3"
    PERCENT = "PERCENT"


@dataclass(frozen=True, eq=False)
class Dvh:
    """A cumulative histogram: `volume[n]` receives `dose_gy[n]` or more, straight lines between; read-only.

    `dose_gy` (n,) rises from 0, `volume` (n,) falls from the whole structure, in `unit`. The structure is the ROIs
    `included` less those `excluded`. Minimum, maximum and mean are those that the planning system stated, in Gy.
    """

    dose_gy: Float64Array
    volume: Float64Array
    unit: VolumeUnit = VolumeUnit.CM3
    included: tuple[int, ...] = ()
    excluded: tuple[int, ...] = ()
    structure_set_uid: str = ""
    kind: DoseKind = DoseKind.PHYSICAL
    stated_minimum_gy: float | None = None
    stated_maximum_gy: float | None = None
    stated_mean_gy: float | None = None
    warnings: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Copy, check that this is a falling curve from dose 0, and freeze."""
        count = np.size(self.dose_gy)
        object.__setattr__(self, "dose_gy", frozen_array(self.dose_gy, (count,)))
        object.__setattr__(self, "volume", frozen_array(self.volume, (count,)))
        rises = bool((np.diff(self.dose_gy) > 0.0).all())
        falls = bool((np.diff(self.volume) <= 0.0).all())
        if count < 2 or self.dose_gy[0] != 0.0 or not rises or not falls or not 0.0 <= self.volume[-1] < self.volume[0]:
            raise InvalidGeometry(
                "A cumulative histogram needs doses that rise from 0 and volumes that fall from above zero."
            )

    @property
    def whole(self) -> float:
        """The whole structure, in `unit`."""
        return float(self.volume[0])

    @property
    def mean_gy(self) -> float:
        """The mean dose of the curve: the area under it over the whole."""
        return float(np.trapezoid(self.volume, self.dose_gy)) / self.whole

    def percent_receiving(self, dose_gy: float) -> float:
        """V_dose: how much of the structure receives this dose or more, in percent."""
        return 100.0 * self._volume_receiving(dose_gy) / self.whole

    def cm3_receiving(self, dose_gy: float) -> float:
        """V_dose in cubic centimetres; raises MissingInput where the whole is not known."""
        self._require_cm3()
        return self._volume_receiving(dose_gy)

    def dose_of_hottest_percent_gy(self, percent: float) -> float:
        """D_percent: the dose that the hottest part of this size receives at least."""
        return self._dose_of_hottest_gy(percent / 100.0 * self.whole)

    def dose_of_hottest_cm3_gy(self, volume_cm3: float) -> float:
        """D_cc: the dose that the hottest part of this size receives at least; 0 where the structure is smaller.

        Raises MissingInput where the whole is not known in cubic centimetres.
        """
        self._require_cm3()
        return self._dose_of_hottest_gy(volume_cm3)

    def _require_cm3(self) -> None:
        """Raise MissingInput where volumes are percentages."""
        if self.unit is not VolumeUnit.CM3:
            raise MissingInput("The histogram is in percent of a volume that is not stated; ask in percent.")

    def _volume_receiving(self, dose_gy: float) -> float:
        """The curve at a dose, in `unit`; nothing beyond its end."""
        return float(np.interp(dose_gy, self.dose_gy, self.volume, right=0.0))

    def _dose_of_hottest_gy(self, volume: float) -> float:
        """The highest dose at which the curve still holds `volume`."""
        if not volume >= 0.0:
            raise UnsupportedInput(f"A part of size {volume} is asked for; expected zero or more.")
        last = int(np.searchsorted(-self.volume, -volume, side="right")) - 1
        if last < 0:
            return 0.0
        if last == len(self.volume) - 1:
            return float(self.dose_gy[last])
        share = (self.volume[last] - volume) / (self.volume[last] - self.volume[last + 1])
        return float(self.dose_gy[last] + share * (self.dose_gy[last + 1] - self.dose_gy[last]))
