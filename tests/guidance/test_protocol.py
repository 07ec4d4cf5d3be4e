"""Protocols: the built-in ones, and what is refused."""

import json

import pytest

from openigrt.errors import InputError, UnreadableFile
from openigrt.files.builtin import builtin_protocols
from openigrt.guidance import find_protocol, parse_protocols

GUARDS = {
    "max_shift_mm": 20,
    "max_angle_deg": 5,
    "stale_couch_mm": 1,
    "stale_couch_deg": 0.3,
    "image_valid_s": {"default": 300, "srs": 180},
    "region_disagreement_mm": {"default": 5, "sbrt": 2, "srs": 2},
}
SITE = {"correct_above_mm": 3, "rotation_limit_deg": None, "verify_within_mm": 3, "call_above_mm": 10}


def text_of(site=SITE, guards=GUARDS, name="default"):
    return json.dumps({"protocols": {name: site}, "correction_guards": guards})


def test_the_default_protocol_is_used_when_none_is_named():
    protocol = find_protocol(builtin_protocols())
    assert protocol.name == "default"
    assert (protocol.action_level_mm, protocol.call_level_mm, protocol.verification_tolerance_mm) == (3.0, 10.0, 3.0)
    assert (protocol.rotation_limit_deg, protocol.max_shift_mm, protocol.max_angle_deg) == (3.0, 20.0, 5.0)
    assert (protocol.image_validity_s, protocol.stale_couch_limit_mm, protocol.stale_couch_limit_deg) == (300, 1, 0.3)


def test_an_unknown_site_lists_the_names():
    with pytest.raises(InputError, match="no protocol 'knee'; expected one of brain, breast, breast_dibh, default"):
        find_protocol(builtin_protocols(), "knee")


def test_an_empty_name_is_not_taken_for_none():
    with pytest.raises(InputError, match="no protocol ''"):
        find_protocol(builtin_protocols(), "")


def test_what_a_soft_site_is_matched_on():
    protocols = builtin_protocols()
    assert protocols["prostate"].match_on == "soft tissue or markers"
    assert {name for name, protocol in protocols.items() if protocol.match_on} == {
        "prostate",
        "prostate_sbrt",
        "lung_sbrt",
        "liver_sbrt",
    }
    with pytest.raises(InputError, match="match_on = 3 must be words"):
        parse_protocols(text_of(SITE | {"match_on": 3}))


def test_all_fifteen_are_read():
    protocols = builtin_protocols()
    assert len(protocols) == 15
    assert all(name == protocol.name for name, protocol in protocols.items())
    assert protocols["palliative"].rotation_limit_deg is None


@pytest.mark.parametrize(
    ("name", "limit_mm"),
    [("srs", 2), ("spine_sbrt", 2), ("prostate_sbrt", 2), ("lung_sbrt", 2), ("prostate", 5), ("default", 5)],
)
def test_regions_must_agree_more_closely_for_sbrt_and_srs(name, limit_mm):
    assert builtin_protocols()[name].region_disagreement_limit_mm == limit_mm


def test_an_srs_image_is_valid_for_a_shorter_time():
    assert builtin_protocols()["srs"].image_validity_s == 180.0
    assert builtin_protocols()["spine_sbrt"].image_validity_s == 300.0


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[]", "lacks the table 'protocols'"),
        (
            text_of(site={k: v for k, v in SITE.items() if k != "call_above_mm"}),
            "call_above_mm = None must be a number",
        ),
        (
            text_of(site={k: v for k, v in SITE.items() if k != "rotation_limit_deg"}),
            "rotation_limit_deg = None must be",
        ),
        (text_of(site=SITE | {"correct_above_mm": -1}), "correct_above_mm = -1 must be"),
        (text_of(site=SITE | {"correct_above_mm": True}), "correct_above_mm = True must be"),
        (text_of(site=SITE | {"correct_above_mm": float("nan")}), "correct_above_mm = nan must be"),
        (text_of(site="x"), "lacks the table 'default'"),
        (text_of(guards=GUARDS | {"image_valid_s": 300}), "lacks the table 'image_valid_s'"),
        (text_of(guards=GUARDS | {"max_angle_deg": "5"}), "max_angle_deg = '5' must be"),
    ],
)
def test_what_is_wrong_is_named(text, says):
    with pytest.raises(InputError, match=says):
        parse_protocols(text)


def test_text_that_is_no_json_is_unreadable():
    with pytest.raises(UnreadableFile, match="not valid JSON"):
        parse_protocols("{")
