"""Two regions, one answer: the shift of what is treated, the turn of what holds still."""

from dataclasses import replace

import numpy as np

from openigrt.geometry import RigidTransform, rotation_angle_deg
from openigrt.patient import Match, Target


def with_turn_of(match: Match, other: Match, target: Target) -> Match:
    """The match with the turn of another one, about the middle of the target's surface, which stays where it was put.

    A small or blurred region tells its place better than its turn, which bone tells well; consoles call it dual
    registration. What is believed of the match stays, as it is about its place; `evidence` says how far the turns are
    apart (`turn_apart_deg`). Raises FrameMismatch when the matches are not of the same two images.
    """
    ours, theirs = match.plan_from_daily, other.plan_from_daily
    ours.require_frames(theirs.to_frame, theirs.from_frame, "Two matches")
    middle_mm = target.points_mm.mean(axis=0)
    there_mm = ours.inverse().points(middle_mm)
    turned = RigidTransform.about_points(
        (ours.to_frame, middle_mm), (ours.from_frame, there_mm), theirs.rotation, np.zeros(3)
    )
    apart_deg = rotation_angle_deg(theirs.rotation @ ours.rotation.T)
    evidence = {**match.trust.evidence, "turn_apart_deg": apart_deg}
    return replace(match, plan_from_daily=turned, trust=replace(match.trust, evidence=evidence))
