"""The ramp filter of filtered back-projection, its windows, and what stands beyond the edges of the detector."""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from openigrt.arrays import thread_count
from openigrt.errors import InvalidGeometry
from openigrt.geometry import Float64Array

Float32Array = NDArray[np.float32]


class RampWindow(StrEnum):
    """What the ramp is multiplied by toward its cut-off."""

    RAM_LAK = "ram-lak"
    SHEPP_LOGAN = "shepp-logan"
    COSINE = "cosine"
    HAMMING = "hamming"
    HANN = "hann"


@dataclass(frozen=True, slots=True)
class RampFilter:
    """A ramp to a share of the highest frequency of the detector, under a window."""

    window: RampWindow = RampWindow.RAM_LAK
    cut_off_share: float = 1.0

    def __post_init__(self) -> None:
        """Check the cut-off; raises InvalidGeometry."""
        if not 0.0 < self.cut_off_share <= 1.0:
            raise InvalidGeometry(f"The cut-off of a filter is a share in (0, 1], found {self.cut_off_share}.")


def ramp_response(columns: int, ramp: RampFilter) -> Float64Array:
    """Frequency response (m // 2 + 1,) for rows padded to an even m of at least twice `columns`, of unit spacing.

    The transform of the band-limited ramp in space (Kak and Slaney 1988, eq. 61): a ramp sampled in frequency would
    lose the mean.
    """
    length = fft.next_fast_len(2 * columns, real=True)
    length += length % 2
    kernel = np.zeros(length)
    kernel[0] = 0.25
    odd = np.arange(1, length // 2 + 1, 2)
    kernel[odd] = -1.0 / (np.pi * odd) ** 2
    kernel[-odd] = kernel[odd]
    response = fft.rfft(kernel).real
    share = np.arange(len(response)) / (len(response) - 1) / ramp.cut_off_share
    return np.where(share <= 1.0, response * _window(ramp.window, share), 0.0)


def _window(window: RampWindow, share: Float64Array) -> Float64Array:
    """The window (m,) at shares of the cut-off frequency."""
    match window:
        case RampWindow.RAM_LAK:
            return np.ones_like(share)
        case RampWindow.SHEPP_LOGAN:
            return np.sinc(share / 2.0)
        case RampWindow.COSINE:
            return np.cos(np.pi / 2.0 * share)
        case RampWindow.HAMMING:
            return np.asarray(0.54 + 0.46 * np.cos(np.pi * share))
        case RampWindow.HANN:
            return np.asarray(0.5 + 0.5 * np.cos(np.pi * share))


def ramp_filtered(rows: Float32Array, response: Float64Array, extension: int = 0) -> Float32Array:
    """Rows (..., columns) under a response of `ramp_response(columns + 2 * extension, ...)`.

    With an `extension`, both edges are first continued over so many columns (`extended`).
    """
    columns = rows.shape[-1]
    given = extended(rows, extension) if extension else rows
    length = 2 * (len(response) - 1)
    spectrum = fft.rfft(given, length, axis=-1, workers=thread_count())
    spectrum *= response.astype(np.float32)
    filtered = fft.irfft(spectrum, length, axis=-1, workers=thread_count(), overwrite_x=True)
    return np.ascontiguousarray(filtered[..., extension : extension + columns], dtype=np.float32)


def extended(rows: Float32Array, extension: int) -> Float32Array:
    """Rows (..., columns + 2 * extension): both edges continued by their mirrored rise, fading to zero, never negative.

    Ohnesorge et al., Med Phys 27 (2000) 39.
    """
    columns = rows.shape[-1]
    steps = np.minimum(np.arange(1, extension + 1), columns - 1)
    fades = fading(extension)
    out = np.empty((*rows.shape[:-1], columns + 2 * extension), np.float32)
    out[..., extension : extension + columns] = rows
    right = np.maximum(2.0 * rows[..., -1:] - rows[..., columns - 1 - steps], 0.0) * fades
    left = np.maximum(2.0 * rows[..., :1] - rows[..., steps], 0.0) * fades
    out[..., extension + columns :] = right
    out[..., :extension] = left[..., ::-1]
    return out


def fading(extension: int) -> Float32Array:
    """How much is left of a continued row (extension,) with each column away from its edge."""
    return np.asarray(np.cos(np.pi / 2.0 * np.arange(1, extension + 1) / max(extension, 1)), dtype=np.float32)
