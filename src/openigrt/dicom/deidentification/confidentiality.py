"""What becomes of each attribute: PS3.15 annex E with the additions of this profile, from data/confidentiality.toml."""

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any

from pydicom._dicom_dict import DicomDictionary
from pydicom.datadict import dictionary_VR, keyword_for_tag, tag_for_keyword

from openigrt.dicom.deidentification.descriptors import Vocabulary


class Action(StrEnum):
    """What is done with one attribute."""

    KEEP = "kept"
    AGE = "kept to 89"
    REMOVE = "removed"
    EMPTY = "emptied"
    REPLACE = "replaced"
    CLEAN = "cleaned"
    CODE = "kept if public"
    UID = "new UID"
    DATE = "moved"
    PATIENT = "new ID"
    ITEMS = "items treated"
    REPLACE_ITEMS = "items replaced"


class Option(StrEnum):
    """What somebody may ask to keep that is not kept by itself."""

    CHARACTERISTICS = "characteristics"
    DEVICE = "device"
    OTHERS = "others"


BINARY = frozenset({"FL", "FD", "OB", "OD", "OF", "OL", "OV", "OW", "SL", "SS", "SV", "UL", "US", "UV", "AT"})
WORDS = frozenset({"LO", "SH", "ST", "LT", "UT", "UC"})
TEMPORAL = frozenset({"DA", "DT", "TM"})
BYTES = frozenset({"OB", "OD", "OF", "OL", "OV", "OW", "UN"})  # of any length, and of any content
SIGNED_OR_ENCRYPTED = 0x0400

# What an attribute that no list names becomes, by its value representation: whatever may hold a person is not kept.
_BY_VR = {
    **dict.fromkeys(BINARY - BYTES, Action.KEEP),
    **dict.fromkeys(("CS", "DS", "IS"), Action.KEEP),
    **dict.fromkeys(WORDS, Action.CLEAN),
    **dict.fromkeys(TEMPORAL, Action.DATE),
    **dict.fromkeys(("PN", "AE"), Action.REPLACE),
    "AS": Action.AGE,
    "UI": Action.UID,
    "SQ": Action.ITEMS,
}

# The last letter of a row of table E.1-1 fits whatever the type of the attribute in its IOD: Z is allowed where X/Z
# stands, D where X/Z/D does. No IOD is broken, and a dummy or nothing says as little as no element.
_BY_LETTER = {"X": Action.REMOVE, "Z": Action.EMPTY, "D": Action.REPLACE, "U": Action.UID, "U*": Action.ITEMS}

_PATIENT_TAGS = frozenset({0x00100010, 0x00100020})
_CODE_KEYWORDS = ("CodeValue", "LongCodeValue", "CodeMeaning", "CodingSchemeDesignator", "CodingSchemeVersion")
_CLASS_KEYWORDS = (
    *("SOPClassUID", "ReferencedSOPClassUID", "OriginalSpecializedSOPClassUID", "RelatedGeneralSOPClassUID"),
    *("SOPClassesInStudy", "SOPClassesSupported", "AvailableTransferSyntaxUID", "ContextUID", "MappingResourceUID"),
    *("CodingSchemeUID", "EncryptedContentTransferSyntaxUID", "ReferencedRelatedGeneralSOPClassUIDInFile"),
)
_CHARACTER_SET = ("SpecificCharacterSet",)


@dataclass(frozen=True, slots=True)
class SopClasses:
    """Object classes by what a person may be recognized from in them."""

    heads: frozenset[str]
    burned_in: frozenset[str]
    surfaces: frozenset[str]
    plain: frozenset[str]
    opaque: frozenset[str]

    @property
    def treated(self) -> frozenset[str]:
        """The classes that are de-identified without being asked."""
        return self.heads | self.burned_in | self.surfaces | self.plain


@dataclass(frozen=True, slots=True)
class Profile:
    """The action for every tag that a list names, and the tables beside it, for one choice of options."""

    options: frozenset[Option]
    actions: Mapping[int, Action]
    coding_schemes: frozenset[str]
    bulk: frozenset[int]
    uid_roots: tuple[str, ...]
    code_terms: frozenset[str]
    safe_private: Mapping[tuple[str, int, int], str]
    classes: SopClasses
    vocabulary: Vocabulary

    def action_of(self, tag: int, vr: str) -> Action:
        """What is done with a public attribute of this tag and value representation in PS3.6."""
        listed = self.actions.get(tag)
        return _BY_VR.get(vr, Action.REMOVE) if listed is None else listed

    @property
    def method_codes(self) -> tuple[tuple[str, str], ...]:
        """The profile and options as codes of CID 7050 (PS3.16), for (0012,0064)."""
        asked = {
            Option.CHARACTERISTICS: ("113108", "Retain Patient Characteristics Option"),
            Option.DEVICE: ("113109", "Retain Device Identity Option"),
        }
        return (
            ("113100", "Basic Application Confidentiality Profile"),
            ("113105", "Clean Descriptors Option"),
            ("113107", "Retain Longitudinal Temporal Information Modified Dates Option"),
            *(code for option, code in asked.items() if option in self.options),
            ("113111", "Retain Safe Private Option"),
        )


@cache
def profile_with(options: frozenset[Option] = frozenset()) -> Profile:
    """The profile with these options."""
    table = _table()
    return Profile(
        options=options,
        actions=MappingProxyType(_actions(table, options)),
        coding_schemes=frozenset(table["kept"]["coding_schemes"]),
        bulk=frozenset(_tags(table["kept"]["bulk"])),
        uid_roots=tuple(table["kept"]["uid_roots"]),
        code_terms=frozenset(table["kept"]["code_terms"].split()),
        safe_private=MappingProxyType(
            {
                (creator, group, element): vr
                for creator, elements in table["safe_private"].items()
                for group, element, vr in elements
            }
        ),
        classes=SopClasses(**{name: frozenset(uids) for name, uids in table["classes"].items()}),
        vocabulary=Vocabulary({part: frozenset(words.split()) for part, words in table["words"].items()}),
    )


def basic_rows() -> dict[int, str]:
    """Table E.1-1: the action of the Basic Profile by tag."""
    return {tag: letters for letters, names in _table()["basic"].items() for tag in _tags(names)}


@cache
def _table() -> dict[str, Any]:
    """The file, parsed."""
    return tomllib.loads(
        (files("openigrt.dicom.deidentification") / "data" / "confidentiality.toml").read_text(encoding="utf-8")
    )


def _actions(table: dict[str, Any], options: frozenset[Option]) -> dict[int, Action]:
    """The action of every tag that a list names; later lists overrule earlier ones."""
    choices = table["options"]
    actions = {tag: _basic_action(tag, letters) for tag, letters in basic_rows().items()}
    for tag in _tags(choices["dates_not_retained"]):
        actions[tag] = _BY_LETTER[basic_rows()[tag].split("/")[-1]]
    for letters, names in table["house"].items():
        actions |= dict.fromkeys(_tags(names), _BY_LETTER[letters])
    actions |= dict.fromkeys(_tags(choices["descriptors"]), Action.CLEAN)
    for option in options & {Option.CHARACTERISTICS, Option.DEVICE}:
        actions |= {tag: _kept(dictionary_VR(tag)) for tag in _tags(choices[option])}
    actions |= {tag: Action.REMOVE for tag in DicomDictionary if tag >> 16 == SIGNED_OR_ENCRYPTED}
    kept = (*table["kept"]["bulk"], *table["kept"]["texts"], *_CLASS_KEYWORDS, *_CHARACTER_SET)
    actions |= dict.fromkeys(_tags(kept), Action.KEEP)
    actions |= dict.fromkeys(_tags(_CODE_KEYWORDS), Action.CODE)
    actions |= dict.fromkeys(_PATIENT_TAGS, Action.PATIENT)
    return actions


def _basic_action(tag: int, letters: str) -> Action:
    """The action for a row of table E.1-1 where dates are moved (Retain Longitudinal Temporal Information)."""
    action = _BY_LETTER[letters.split("/")[-1]]
    vr = dictionary_VR(tag) if keyword_for_tag(tag) else ""
    if vr in TEMPORAL or keyword_for_tag(tag) == "TimezoneOffsetFromUTC":
        return Action.DATE
    if vr == "SQ" and action is Action.REPLACE:
        return Action.REPLACE_ITEMS
    return Action.UID if vr == "UI" and action is Action.REPLACE else action


def _kept(vr: str) -> Action:
    """How an attribute is kept on demand: an age not above 89, a sequence with its items treated."""
    return {"AS": Action.AGE, "SQ": Action.ITEMS}.get(vr, Action.KEEP)


def _tags(names: Iterable[str]) -> list[int]:
    """Tags of attributes by keyword, or by their eight digits where PS3.6 had none for them yet."""
    known = {name: tag_for_keyword(name) for name in names}
    return [int(name, 16) if tag is None else tag for name, tag in known.items()]
