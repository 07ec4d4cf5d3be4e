"""Scales: what the display of a machine shows for an IEC 61217 value, and back (clinical.md 1.6)."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from openigrt.errors import ConfigurationRequired

FULL_TURN_DEG = 360.0


class NegativeReadout(StrEnum):
    """What a display that has no minus sign shows for a length below zero."""

    REFUSE = "refuse"
    BELOW_MODULUS = "below_modulus"
    ABOVE_MODULUS = "above_modulus"


@dataclass(frozen=True, slots=True)
class LengthScale:
    """One linear axis: iec = sign * (native * unit_mm - offset_mm), mm.

    A display with a `modulus` (in its own unit) has no minus sign: `negative` says what it shows instead, modulus less
    the magnitude (-12 mm as 998.8 cm) or modulus plus the magnitude (as 1001.2 cm). Makers and models differ, so a
    scale may refuse until the site has looked.
    """

    label: str
    unit: str
    unit_mm: float
    sign: Literal[-1, 1] = 1
    offset_mm: float = 0.0
    modulus: float | None = None
    negative: NegativeReadout = NegativeReadout.REFUSE

    def native_from_iec(self, iec_mm: float) -> float:
        """What the display shows, in its unit; raises ConfigurationRequired where the scale refuses to guess."""
        native = (self.sign * iec_mm + self.offset_mm) / self.unit_mm
        if native >= 0.0 or self.modulus is None:
            return native + 0.0
        self._require_configured(f"{iec_mm:g} mm (IEC 61217)")
        if self.negative is NegativeReadout.BELOW_MODULUS:
            return native % self.modulus
        return self.modulus - native

    def iec_from_native(self, native: float) -> float:
        """The IEC 61217 value in mm; raises ConfigurationRequired where the scale refuses to guess."""
        return self.sign * (self._signed(native) * self.unit_mm - self.offset_mm) + 0.0

    def _signed(self, native: float) -> float:
        """The native value with its minus sign given back."""
        if self.modulus is None or native < self.modulus / 2.0:
            return native
        self._require_configured(f"a display of {native:g} {self.unit}")
        if self.negative is NegativeReadout.BELOW_MODULUS:
            return native - self.modulus
        return self.modulus - native if native >= self.modulus else native

    def _require_configured(self, what: str) -> None:
        """Raise ConfigurationRequired unless the machine file says how this display shows values below zero."""
        if self.negative is NegativeReadout.REFUSE:
            raise ConfigurationRequired(
                f"The scale {self.label!r} cannot convert {what}: displays differ in what they show below zero. Look "
                f"at the machine, then set negative = '{NegativeReadout.BELOW_MODULUS}' or "
                f"'{NegativeReadout.ABOVE_MODULUS}' for this scale in the machine file.",
                scale=self.label,
            )


@dataclass(frozen=True, slots=True)
class AngleScale:
    """One turning axis: iec = sign * (native - offset_deg), degrees.

    With `is_signed` the display shows negative angles; otherwise both sides run from 0 to just below 360.
    """

    label: str
    sign: Literal[-1, 1] = 1
    offset_deg: float = 0.0
    is_signed: bool = False

    @property
    def unit(self) -> str:
        """Unit of what the display shows."""
        return "deg"

    def native_from_iec(self, iec_deg: float) -> float:
        """What the display shows, degrees."""
        native = self.sign * iec_deg + self.offset_deg
        return native + 0.0 if self.is_signed else _within_full_turn_deg(native)

    def iec_from_native(self, native_deg: float) -> float:
        """The IEC 61217 angle, degrees."""
        iec = self.sign * (native_deg - self.offset_deg)
        return iec + 0.0 if self.is_signed else _within_full_turn_deg(iec)


Scale = LengthScale | AngleScale


def _within_full_turn_deg(angle_deg: float) -> float:
    """The angle from 0 to just below 360; the remainder of a tiny negative angle rounds to 360, which is 0."""
    remainder = angle_deg % FULL_TURN_DEG
    return 0.0 if remainder == FULL_TURN_DEG else remainder
