"""PLAN and TODAY, or PLAN and DAYS, given the wrong way round."""

import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from openigrt.dicom import DailyFolder, PlanFolder, holds_plan
from openigrt.errors import InconsistentInput, InputError


@contextmanager
def naming_an_exchange(plan: Path, today: Path, command: str = "guide", name: str = "TODAY") -> Iterator[None]:
    """Turn what goes wrong with exchanged folders into the one sentence that says so; `name` is the second one's."""
    try:
        yield
    except InputError:
        if plan.is_dir() and today.is_dir() and holds_plan(today) and not holds_plan(plan):
            raise _exchanged(plan, today, command, name) from None
        raise


def require_not_exchanged(plan: Path, today: Path, folder: PlanFolder, daily: DailyFolder) -> None:
    """Raise InconsistentInput where the only plan lies with the image of the day, and no structures in the plan folder.

    A plan folder that has structures but no plan, with an isocenter that was given, is taken as it is.
    """
    if daily.holds_plan and folder.plan is None and folder.structure_set is None:
        raise _exchanged(plan, today, "guide", "TODAY")


def _exchanged(plan: Path, today: Path, command: str, name: str) -> InconsistentInput:
    """The error, with the call that is right."""
    call = shlex.join(["openigrt", command, str(today), str(plan)])
    return InconsistentInput(
        f"PLAN and {name} look exchanged: {plan}, given as PLAN, holds no RT Plan, and {today}, given as {name}, holds "
        f"one; call it the other way round: {call}",
        plan=str(plan),
        today=str(today),
    )
