"""Numbers and moments as records and tables have them."""

import math
from datetime import datetime


def rounded(value: float | None, digits: int) -> float | None:
    """A Python float without trailing noise and without minus zero; None where it is not finite, hence not known."""
    return None if value is None or not math.isfinite(value) else round(float(value), digits) + 0.0


def moment(value: datetime | None) -> str | None:
    """ISO 8601 to the millisecond."""
    return None if value is None else value.isoformat(timespec="milliseconds")
