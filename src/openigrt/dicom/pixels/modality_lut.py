"""The Modality LUT module (PS3.3 C.11.1): stored values to what they stand for, by slope and intercept or by table."""

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset
from pydicom.uid import ExplicitVRBigEndian

from openigrt.dicom.dataset.elements import items, name_of, number, numbers, raw_value
from openigrt.dicom.dataset.load import transfer_syntax
from openigrt.errors import UnreadableFile

FULL_TABLE = 65536
BYTE_BITS = 8
LARGEST_RESCALE = 1e6


def rescaled(dataset: Dataset, stored: NDArray[np.integer]) -> NDArray[np.float32]:
    """float32 values of stored ones; the same numbers where the image has neither rescale nor table.

    Raises UnreadableFile for a slope of zero, an absurd rescale, and a table that is not whole.
    """
    tables = items(dataset, "ModalityLUTSequence")
    if tables:
        return _looked_up(dataset, tables[0], stored)
    slope, intercept = number(dataset, "RescaleSlope"), number(dataset, "RescaleIntercept")
    if slope == 0.0:
        raise UnreadableFile(f"{name_of(dataset)} has a rescale slope of 0: all its values would be one.")
    if max(abs(slope or 0.0), abs(intercept or 0.0)) > LARGEST_RESCALE:
        raise UnreadableFile(
            f"{name_of(dataset)} has a rescale of {slope} and {intercept}; at most {LARGEST_RESCALE:g} is believed."
        )
    values = stored.astype(np.float32)
    values *= np.float32(1.0 if slope is None else slope)
    values += np.float32(0.0 if intercept is None else intercept)
    return values


def _looked_up(dataset: Dataset, item: Dataset, stored: NDArray[np.integer]) -> NDArray[np.float32]:
    """Values by a table, whose ends stand for all that lies beyond them (PS3.3 C.11.1.1)."""
    descriptor = numbers(item, "LUTDescriptor")
    if len(descriptor) != 3:
        raise UnreadableFile(f"{name_of(dataset)} has a modality LUT without a descriptor of three numbers.")
    count, first, bits = int(descriptor[0]) or FULL_TABLE, int(descriptor[1]), int(descriptor[2])
    content = raw_value(item, "LUTData")
    if isinstance(content, bytes):
        order = ">" if transfer_syntax(dataset) == ExplicitVRBigEndian else "<"
        width = np.dtype("u1" if bits == BYTE_BITS and len(content) < 2 * count else f"{order}u2")
        table = np.frombuffer(content, width, len(content) // width.itemsize)
    else:
        table = np.array(numbers(item, "LUTData"))
    if not 0 < count <= len(table):
        raise UnreadableFile(f"{name_of(dataset)} has a modality LUT of {len(table)} entries, {count} announced.")
    return table[:count].astype(np.float32)[np.clip(stored.astype(np.int64) - first, 0, count - 1)]
