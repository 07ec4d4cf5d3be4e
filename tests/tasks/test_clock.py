"""Seconds of steps, and who hears of them."""

import time

import pytest

from openigrt.tasks.clock import Clock, Pace


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


def test_a_long_step_says_how_far_it_is_but_not_all_the_time():
    heard, every, rarely = [], [], []
    Pace(heard.append, every_s=0.0).tell("projection 16 of 360")
    for number in range(100):
        Pace(every.append, every_s=0.0).tell(str(number))
    rare = Pace(rarely.append, every_s=3600.0)
    for number in range(100):
        rare.tell(str(number))
    assert (heard, len(every), rarely) == (["projection 16 of 360"], 100, [])
