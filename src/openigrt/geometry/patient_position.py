"""The eight patient positions and what they mean for axes (DICOM (0018,5100), PS3.3 C.7.3.1.1.2)."""

from enum import StrEnum

import numpy as np

from openigrt.errors import UnsupportedPatientPosition
from openigrt.geometry.rigid import Float64Array


class PatientPosition(StrEnum):
    """How the patient lies on the table; the only eight that OpenIGRT handles."""

    HFS = "HFS"
    HFP = "HFP"
    FFS = "FFS"
    FFP = "FFP"
    HFDL = "HFDL"
    HFDR = "HFDR"
    FFDL = "FFDL"
    FFDR = "FFDR"

    @classmethod
    def parse(cls, name: str) -> "PatientPosition":
        """The position of this DICOM name; any other is refused by name (sitting, LFP and the like included)."""
        try:
            return cls(name.strip().upper())
        except ValueError:
            raise UnsupportedPatientPosition(
                f"Patient position {name!r} is not supported; expected one of {', '.join(cls)}. "
                "Where a file says it, check (0018,5100) of the plan's Patient Setup and of the images.",
                found=name,
            ) from None

    def table_top_from_lps(self) -> Float64Array:
        """Rotation M_O (3, 3): rows are IEC table-top x, y, z in LPS components (arXiv:1406.0014, table 1)."""
        return np.array(_TABLE_TOP_AXES[self], dtype=np.float64)


_TABLE_TOP_AXES = {
    PatientPosition.HFS: ((1, 0, 0), (0, 0, 1), (0, -1, 0)),
    PatientPosition.HFP: ((-1, 0, 0), (0, 0, 1), (0, 1, 0)),
    PatientPosition.FFS: ((-1, 0, 0), (0, 0, -1), (0, -1, 0)),
    PatientPosition.FFP: ((1, 0, 0), (0, 0, -1), (0, 1, 0)),
    PatientPosition.HFDL: ((0, -1, 0), (0, 0, 1), (-1, 0, 0)),
    PatientPosition.HFDR: ((0, 1, 0), (0, 0, 1), (1, 0, 0)),
    PatientPosition.FFDL: ((0, 1, 0), (0, 0, -1), (-1, 0, 0)),
    PatientPosition.FFDR: ((0, -1, 0), (0, 0, -1), (1, 0, 0)),
}
