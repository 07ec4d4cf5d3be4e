"""UIDs and moments of a course, all from its settings and seed."""

from datetime import UTC, datetime, time, timedelta

from openigrt.tasks.identifiers import derived_uid

FIRST_HOUR = 8
UNTIL_FIRST_FRACTION = timedelta(days=14)
WORKING_DAYS = 5


def course_uid(anatomy: str, seed: int, role: str) -> str:
    """A UID for one role in the course of an anatomy and seed."""
    return derived_uid(f"OpenIGRT virtual course|{anatomy}|{seed}", role)


def day_of(planned_at: datetime, number: int) -> datetime:
    """When the linac's clock of a fraction begins, UTC: five days a week, from two weeks after the planning on."""
    first = (planned_at + UNTIL_FIRST_FRACTION).date()
    first += timedelta(days=(7 - first.weekday()) % 7)  # a Monday
    weeks, day = divmod(number - 1, WORKING_DAYS)
    return datetime.combine(first + timedelta(weeks=weeks, days=day), time(FIRST_HOUR), UTC)
