"""Matches, surrogates, targets and machines that the tests of guidance are made of."""

import json
from pathlib import Path

import numpy as np

from openigrt.files.builtin import builtin_machine, builtin_protocols
from openigrt.geometry import Frame, ImageAxes, PatientPosition, RigidTransform
from openigrt.guidance import Alignment, decide_correction
from openigrt.machine import parse_machine
from openigrt.patient import Match, Surrogate, Target, Trust, Verdict, sphere_points_mm

PLAN, DAILY = Frame.plan("1.1"), Frame.daily("1.2")
PLAN_ISOCENTER = np.array([5.0, 70.0, 305.0])
DAILY_ISOCENTER = np.array([-3.0, 2.0, 1.0])
VECTOR_FILE = Path(__file__).parents[1] / "vectors" / "test_vectors.json"

EXACT_MACHINE = """
name = "Exact"
[couch]
degrees_of_freedom = 6
pivot = "{pivot}"
resolution_mm = 1e-6
resolution_deg = 1e-6
"""


def vector(name):
    return next(v for v in json.loads(VECTOR_FILE.read_text(encoding="utf-8")) if v["id"] == name)


def exact_machine(pivot="isocenter"):
    return parse_machine(EXACT_MACHINE.format(pivot=pivot))


def match_of(rotation, shift_mm, region="bone", verdict=Verdict.TRUSTED, predicted_error_mm=0.6):
    """A match that is q = R p + t about the isocenters, in LPS."""
    transform = RigidTransform.about_points((PLAN, PLAN_ISOCENTER), (DAILY, DAILY_ISOCENTER), rotation, shift_mm)
    trust = Trust(verdict, predicted_error_mm, ("The spread of its parts is 0.3 mm.",), {"floor": 0.3})
    return Match(region, "local correlation", transform, 0.8, 0.9, trust)


def match_in_room(rotation, translation_mm, position=PatientPosition.HFS):
    """A match whose motion of the fixed frame is x -> R x + t for a couch at zero angles."""
    axes = position.table_top_from_lps()
    return match_of(axes.T @ rotation @ axes, axes.T @ np.asarray(translation_mm))


def surrogate_of(verdict=Verdict.TRUSTED):
    return Surrogate(verdict, "bone", {"soft": 0.7}, 5.0, ("What soft tissue says.",))


def target_of(points_mm=None):
    """A target at points (n, 3) in LPS about the plan's isocenter; a sphere of 30 mm if none are given."""
    points = sphere_points_mm((0.0, 0.0, 0.0), 30.0) if points_mm is None else np.asarray(points_mm)
    return Target("CTV", "the structure that was named", points + PLAN_ISOCENTER)


def alignment_of(position=PatientPosition.HFS, axes=ImageAxes.TABLE, start=None, **more):
    return Alignment(PLAN_ISOCENTER, DAILY_ISOCENTER, "as given", axes, position, start, **more)


def correction_of(
    match, alignment=None, target=None, *, machine=None, site="default", surrogate=None, organs=None, dof=None
):
    return decide_correction(
        match,
        surrogate or surrogate_of(),
        alignment or alignment_of(),
        target or target_of(),
        organs=organs or {},
        protocol=builtin_protocols()[site],
        machine=machine or builtin_machine(),
        degrees_of_freedom=dof,
    )
