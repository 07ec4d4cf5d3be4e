"""Seconds of steps, and who hears of them."""

import time

import pytest

from openigrt.tasks.clock import Clock


def test_steps_are_heard_as_they_begin_and_add_up():
    heard = []
    clock = Clock(heard.append)
    for name in ("read", "match"):
        clock.step(name, f"{name}ing")
        time.sleep(0.02)
    clock.stop()
    assert heard == ["reading", "matching"]
    assert set(clock.seconds) == {"read", "match", "total"}
    assert clock.seconds["read"] >= 0.02
    assert clock.seconds["total"] == pytest.approx(clock.seconds["read"] + clock.seconds["match"], abs=0.005)
