"""One DICOM object without the person in it: PS3.15 annex E, attribute by attribute, at every depth."""

import re
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from functools import cache
from importlib.metadata import version
from typing import ClassVar

from pydicom import DataElement, Dataset
from pydicom.charset import python_encoding
from pydicom.datadict import dictionary_VR, keyword_for_tag
from pydicom.dataelem import RawDataElement, convert_raw_data_element
from pydicom.multival import MultiValue
from pydicom.sequence import Sequence
from pydicom.tag import BaseTag, Tag

from openigrt.dicom.dataset.elements import PYDICOM_FAILURES, items, name_of, naming, one_line, text
from openigrt.dicom.dataset.headers import RESEARCH_ONLY
from openigrt.dicom.deidentification.binary_values import is_binary_of_kind, reads_as_text
from openigrt.dicom.deidentification.confidentiality import BINARY, BYTES, SIGNED_OR_ENCRYPTED, WORDS, Action, Profile
from openigrt.dicom.deidentification.descriptors import LONGEST_TEXT, NOTHING_LEFT, words_naming
from openigrt.dicom.deidentification.own_words import OwnWords, own_words
from openigrt.dicom.deidentification.pseudonyms import DICOM_ROOT, Pseudonyms
from openigrt.errors import UnreadableFile, UnsupportedInput

MAX_DEPTH = 32
MAX_ITEMS = 1_000_000
OLDEST_AGE = 89
OVERLAY_BIT_POSITION = 0x0102
SPECIFIC_CHARACTER_SET = 0x00080005
BODY_PART_EXAMINED = 0x00180015  # people type it
PIXEL_TAGS = frozenset({0x7FE00008, 0x7FE00009, 0x7FE00010})

_MOST_PRIVATE_NUMBERS = 16
_NUMBER_BYTES = {"SS": 2, "US": 2, "SL": 4, "UL": 4, "FL": 4, "FD": 8}
_ITEM_TAGS = (b"\xfe\xff\x00\xe0", b"\xff\xfe\xe0\x00")
_AMBIGUOUS = ("US or SS", "OB or OW", "US or OW", "US or SS or OW")
_DATE = re.compile(r"(\d{4})[.-]?(\d{2})[.-]?(\d{2})")
_DATE_TIME = re.compile(r"(\d{4})(\d{2})?(\d{2})?(\d{2}(?:\d{2}(?:\d{2}(?:\.\d{0,6})?)?)?)?([+-]\d{4})?")
_ONE = {
    "IS": rb"[+-]?\d{1,12}",
    "TM": rb"(?:[01]\d|2[0-4])(?::?[0-6]\d(?::?[0-6]\d(?:\.\d{0,6})?)?)?",
    "UI": rb"[\d.]{1,64}",
    "SH": rb"[+-]\d{4}",
}
_ALLOWED = {
    vr: re.compile(rb"[\s\0]*(?:%b[\s\0]*)?(?:\\[\s\0]*(?:%b[\s\0]*)?)*" % (one, one)) for vr, one in _ONE.items()
}
_DECIMALS = re.compile(rb"[\d\s+\-.eE\\\0]*")
_MORE_THAN_A_DECIMAL = re.compile(rb"(?<![\d.])\d{17}|\d{33}")  # decimals in files are longer than 16 characters
_CODE_STRING = re.compile(rb"[A-Z\d\s_\\\0]*")
_MANY_DIGITS = re.compile(r"\d{5}")
_LONGEST = {"AE": 16, "CS": 16, "SH": 16, "LO": 64}  # characters, PS3.5, 6.2
_CHARACTER_SETS = {name.replace(" ", "") for name in python_encoding}
_NAMED_BY_PEOPLE = ("ROIName", "SegmentLabel", "BeamName")
_NUMBERED = {"ROIName": "ROINumber", "BeamName": "BeamNumber", "SegmentLabel": "SegmentNumber"}
_NAMES = (
    *("PatientName", "OtherPatientNames", "PatientBirthName", "PatientMotherBirthName", "ReferringPhysicianName"),
    "OperatorsName",
)
_OWN_NAMES = _NAMES[:4]
_IDENTIFIERS = ("PatientID", "OtherPatientIDs", "AccessionNumber")
_BIRTH = "PatientBirthDate"
_SMALL_PARTS = re.compile(r"\d{1,3}(\.\d{1,3}){0,9}")


class Remark(StrEnum):
    """What was done to an attribute beyond the plain table, and is told."""

    CLEANED = "text of which words were taken"
    WHOLLY_CLEANED = "text of which nothing was left"
    OWN_WORDS = "words of the patient's own name, identifiers or birth date, taken from what is kept otherwise"
    TELLING_NUMBER = "short numbers that are kept, and equal a part of the birth date or of an identifier"
    MALFORMED = "value of another kind than the standard says, removed"
    UNREGISTERED = "UIDs of classes that nobody registered, replaced"
    PRIVATE = "private attributes removed"
    UNKNOWN = "attributes that PS3.6 does not know, removed"
    OVERLAY = "overlays and curves removed"
    OVERLAY_BITS = "overlays in unused bits of the pixel data, which are still there"
    OPAQUE = "content that is signed, encrypted or of a kind that nobody can see into, removed"
    NESTED_PIXELS = "pictures inside a sequence removed"
    BEHIND_PIXELS = "bytes behind the pixels that the header announces, cut off"
    BLANKED = "comments and other bytes that are no picture in compressed pixel data, made zero"
    UNSEEN_PIXELS = "pixel data that are not looked through for text beside the picture"
    AFTER_PIXELS = "elements after the pixel data removed"


Remarks = Counter[tuple[Remark, str]]


@dataclass(frozen=True, slots=True)
class Subject:
    """Whose object it is: the new ID, by how many days dates move, and words in lower case that tell who."""

    patient_id: str
    days: int
    people: frozenset[str]
    own: OwnWords


def person_of(patient_id: str, patient_name: str) -> str:
    """What tells one patient from another: the ID, or the name where there is none."""
    return patient_id or (f"name|{patient_name}" if patient_name else "")


def deidentify(dataset: Dataset, profile: Profile, pseudonyms: Pseudonyms) -> Remarks:
    """De-identify a data set in place, and tell what a person may want to know.

    Raises UnreadableFile where a part of it cannot be read, UnsupportedInput where it is nested too deeply.
    """
    remarks: Remarks = Counter()
    with naming(dataset):
        try:
            subject = _subject(dataset, pseudonyms)
            _Walk(profile, pseudonyms, subject, remarks).treat(dataset, 0, is_replaced=False)
            _mark(dataset, profile, subject)
        except PYDICOM_FAILURES as failure:
            raise UnreadableFile(f"{name_of(dataset)} cannot be read: {one_line(failure)}.") from None
    return remarks


def _subject(dataset: Dataset, pseudonyms: Pseudonyms) -> Subject:
    """Whose object it is."""
    patient_id = pseudonyms.patient_id(person_of(text(dataset, "PatientID"), text(dataset, "PatientName")))
    seen: dict[str, set[str]] = defaultdict(set)
    _see(dataset, seen, 0)
    others, names, identifiers = (
        {value for keyword in keywords for value in seen[keyword]} for keywords in (_NAMES, _OWN_NAMES, _IDENTIFIERS)
    )
    own = own_words(names, identifiers, seen[_BIRTH])
    people = words_naming(others, identifiers | seen[_BIRTH]) | own.words
    return Subject(patient_id, pseudonyms.days(patient_id), people, own)


def _see(dataset: Dataset, seen: dict[str, set[str]], depth: int) -> None:
    """Collect the names, identifiers and birth dates of a data set and all its public items."""
    if depth > MAX_DEPTH:
        raise UnsupportedInput(f"A sequence is nested more than {MAX_DEPTH} deep, which no object of the field is.")
    for keyword in (*_NAMES, *_IDENTIFIERS, _BIRTH):
        if keyword in dataset:
            tag = Tag(keyword)
            seen[keyword] |= {"" if _is_sequence(dataset, tag) else value for value in _texts(dataset, tag)}
    for tag in [tag for tag in dataset.keys() if not tag.is_private]:
        if _is_sequence(dataset, tag) and _standard_vr(tag) == "SQ":
            for item in _items(dataset, tag):
                _see(item, seen, depth + 1)


def _mark(dataset: Dataset, profile: Profile, subject: Subject) -> None:
    """The new patient, and the statement of what was done (PS3.15 E.1.1, PS3.3 C.7.1.1)."""
    former = list(items(dataset, "DeidentificationMethodCodeSequence"))
    known = {text(item, "CodeValue") for item in former}
    added = [_code(value, meaning) for value, meaning in profile.method_codes if value not in known]
    marks = Dataset()
    marks.PatientName = marks.PatientID = subject.patient_id
    marks.PatientIdentityRemoved = "YES"
    marks.DeidentificationMethod = [_software(), "PS3.15 2026c annex E"]
    marks.DeidentificationMethodCodeSequence = former + added
    marks.LongitudinalTemporalInformationModified = "MODIFIED"
    dataset.update(marks)


@cache
def _software() -> str:
    """What did it; asking for the version looks through all packages that are installed."""
    return f"OpenIGRT {version('openigrt')} ({RESEARCH_ONLY})"


def _code(value: str, meaning: str) -> Dataset:
    """An item of the Code Sequence macro (PS3.3, table 8.8-1) in the scheme DCM."""
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, "DCM", meaning
    return item


class _Walk:
    """One way through a data set and all its items; each element meets its action."""

    def __init__(self, profile: Profile, pseudonyms: Pseudonyms, subject: Subject, remarks: Remarks) -> None:
        self.profile, self.pseudonyms, self.subject, self.remarks = profile, pseudonyms, subject, remarks
        self.codes: dict[str, bool] = {}

    def treat(self, dataset: Dataset, depth: int, *, is_replaced: bool) -> None:
        """Every element of a data set or item; `is_replaced` lets no text through."""
        if depth > MAX_DEPTH:
            raise UnsupportedInput(f"A sequence is nested more than {MAX_DEPTH} deep, which no object of the field is.")
        creators = self._private_creators(dataset)
        for tag in sorted(dataset.keys()):
            if tag.is_private:
                self._private(dataset, tag, creators)
            elif tag.group < 8 or tag.element == 0:
                del dataset[tag]
            elif tag in PIXEL_TAGS or tag.group >> 8 in (0x50, 0x60):
                self._leave_out(dataset, tag, Remark.NESTED_PIXELS if tag in PIXEL_TAGS else Remark.OVERLAY)
            else:
                self._public(dataset, tag, depth, is_replaced=is_replaced)
        _drop_idle_creators(dataset)

    def _public(self, dataset: Dataset, tag: BaseTag, depth: int, *, is_replaced: bool) -> None:
        """A standard element by its action; what PS3.6 does not know goes."""
        vr = _standard_vr(tag)
        action = self.profile.action_of(tag, vr)
        if not vr or (not keyword_for_tag(tag) and tag not in self.profile.actions):
            self._leave_out(dataset, tag, Remark.UNKNOWN)
        elif action is Action.REMOVE and (vr in BYTES or tag.group == SIGNED_OR_ENCRYPTED):
            self._leave_out(dataset, tag, Remark.OPAQUE)
        elif action is not Action.REMOVE and not self._is_of_kind(dataset, tag, vr):
            self._leave_out(dataset, tag, Remark.MALFORMED)
        elif action in (Action.ITEMS, Action.REPLACE_ITEMS):
            for item in _items(dataset, tag):
                self.treat(item, depth + 1, is_replaced=is_replaced or action is Action.REPLACE_ITEMS)
        elif is_replaced and (vr in WORDS or vr == "PN"):
            self._replace(dataset, tag, vr)
        else:
            self._by_action[action](self, dataset, tag, vr)

    def _is_of_kind(self, dataset: Dataset, tag: BaseTag, vr: str) -> bool:
        """Whether the file holds what PS3.6 says: items for items, and no text for numbers."""
        if vr == "SQ" or _is_sequence(dataset, tag):
            return vr == "SQ" and _is_sequence(dataset, tag)
        element = dataset.get_item(tag)
        if vr not in BINARY or self.profile.action_of(tag, vr) is Action.REPLACE:
            return True
        if isinstance(element, RawDataElement):
            return is_binary_of_kind(element, is_bulk=tag in self.profile.bulk)
        return element.VR in (*BINARY, *_AMBIGUOUS) and not isinstance(element.value, str | bytes)

    # ---------------------------------------------------------------------------- one method for each action

    def _keep(self, dataset: Dataset, tag: BaseTag, vr: str) -> None:
        """A value as it is, if it is of the kind that its value representation says and names nobody."""
        if vr in ("DS", "IS", "TM", "UI") and not _is_all_of(vr, _bytes(dataset, tag)):
            self._malformed(dataset, tag, vr)
        elif tag == SPECIFIC_CHARACTER_SET:
            if not set(_ascii(dataset, tag).replace(" ", "").split("\\")) <= _CHARACTER_SETS:
                self._malformed(dataset, tag, vr)
        elif vr == "UI":
            self._class(dataset, tag, vr)
        elif vr == "CS":
            self._code_string(dataset, tag, vr)
        elif vr in WORDS or vr == "AE":
            self._without_own_words(dataset, tag, vr)

    def _class(self, dataset: Dataset, tag: BaseTag, vr: str) -> None:
        """UIDs of classes, contexts and schemes stay where they are registered; all others may be somebody's."""
        uids = [uid.strip() for uid in _ascii(dataset, tag).split("\\")]
        known = [uid if self._is_of_public_root(uid) else self.pseudonyms.uid(uid) for uid in uids]
        if known != uids:
            _set(dataset, tag, vr, known)
            self._tell(Remark.UNREGISTERED, tag)

    def _is_of_public_root(self, uid: str) -> bool:
        """Whether a UID lies under a root of the standard or of a maker of classes, and is small numbers there."""
        root = next((root for root in (DICOM_ROOT, *self.profile.uid_roots) if uid.startswith(root)), None)
        return root is not None and _SMALL_PARTS.fullmatch(uid.removeprefix(root)) is not None

    def _code_string(self, dataset: Dataset, tag: BaseTag, vr: str) -> None:
        """Codes stay; one that names the patient is emptied, so that the others keep their places."""
        if tag == BODY_PART_EXAMINED or not _CODE_STRING.fullmatch(_bytes(dataset, tag)):
            self._clean(dataset, tag, vr)
            return
        codes = [code.strip() for code in _ascii(dataset, tag).split("\\")]
        if not all(len(code) <= _LONGEST[vr] and not _MANY_DIGITS.search(code) for code in codes):
            self._clean(dataset, tag, vr)
            return
        left = ["" if self._names_patient(code) else code for code in codes]
        if left != codes:
            _set(dataset, tag, vr, left)
            self._tell(Remark.OWN_WORDS, tag)

    def _names_patient(self, code: str) -> bool:
        """Whether a code holds the name of the patient and is no term of the standard."""
        if code not in self.codes:
            self.codes[code] = code not in self.profile.code_terms and self.subject.own.are_in(code)
        return self.codes[code]

    def _without_own_words(self, dataset: Dataset, tag: BaseTag, vr: str) -> None:
        """A text that is kept, but for the words of the patient's own name, identifiers and birth date.

        One that is longer than its representation allows, or no line of a text, is none that a device writes: a wrong
        length may have swallowed the elements that follow. It is cleaned.
        """
        values = _texts(dataset, tag)
        longest = _LONGEST.get(vr, LONGEST_TEXT)
        if not all(len(value) <= longest and value.rstrip("\0").isprintable() for value in values):
            self._clean(dataset, tag, vr)
            return
        left = [self.subject.own.taken_from(value) for value in values]
        if left != values:
            _set(dataset, tag, vr, [value or NOTHING_LEFT for value in left])
            self._tell(Remark.OWN_WORDS, tag)

    def _age(self, dataset: Dataset, tag: BaseTag, vr: str) -> None:
        """An age; those above 89 years are so few that they name somebody."""
        age = _ascii(dataset, tag)
        if not re.fullmatch(r"\d{3}[DWMY]", age):
            self._malformed(dataset, tag, vr)
        elif age[3] == "Y" and int(age[:3]) > OLDEST_AGE:
            _set(dataset, tag, vr, f"{OLDEST_AGE + 1:03d}Y")

    def _remove(self, dataset: Dataset, tag: BaseTag, vr: str) -> None:
        """No such element any more."""
        del dataset[tag]

    def _empty(self, dataset: Dataset, tag: BaseTag, vr: str) -> None:
        """The element without a value."""
        _set(dataset, tag, vr, [] if vr == "SQ" else "")

    def _replace(self, dataset: Dataset, tag: BaseTag, vr: str) -> None:
        """A value of the same kind that says nothing; what was empty stays empty."""
        if not _bytes(dataset, tag).strip(b" \0"):
            return
        if vr in BINARY:
            _set(dataset, tag, vr, b"\0\0" if vr.startswith("O") else 0)
        elif vr == "UN":
            del dataset[tag]
        else:
            _set(dataset, tag, vr, {"AS": "000Y", "UR": f"urn:{NOTHING_LEFT}"}.get(vr, NOTHING_LEFT))

    def _clean(self, dataset: Dataset, tag: BaseTag, vr: str) -> None:
        """The known words of a text; a structure, beam or segment of which words go keeps its number, to stay one."""
        values = _texts(dataset, tag)
        cleaned = [self.profile.vocabulary.cleaned(value, self.subject.people) for value in values]
        if keyword_for_tag(tag) in _NAMED_BY_PEOPLE and any(map(self.subject.own.numbers_in, cleaned)):
            self._tell(Remark.TELLING_NUMBER, tag)
        if cleaned == values:
            return
        number = _NUMBERED.get(keyword_for_tag(tag))
        suffix = f" {text(dataset, number)}" if number else ""
        _set(dataset, tag, vr, [value + suffix for value in cleaned] if suffix else cleaned)
        is_gone = all(value in (NOTHING_LEFT, "") for value in cleaned)
        self._tell(Remark.WHOLLY_CLEANED if is_gone else Remark.CLEANED, tag)

    def _code(self, dataset: Dataset, tag: BaseTag, vr: str) -> None:
        """A part of a code: kept where its scheme is public."""
        if text(dataset, "CodingSchemeDesignator") not in self.profile.coding_schemes:
            self._clean(dataset, tag, vr)
        elif keyword_for_tag(tag) != "CodingSchemeDesignator":
            self._without_own_words(dataset, tag, vr)

    def _uid(self, dataset: Dataset, tag: BaseTag, vr: str) -> None:
        """New UIDs for old ones."""
        _set(dataset, tag, vr, [self.pseudonyms.uid(uid.strip()) for uid in _ascii(dataset, tag).split("\\")])

    def _date(self, dataset: Dataset, tag: BaseTag, vr: str) -> None:
        """Dates, moved by the patient's days; a time of day or an offset from UTC is kept where it is one."""
        if vr in ("TM", "SH"):
            if not _is_all_of(vr, _bytes(dataset, tag)):
                self._malformed(dataset, tag, vr)
            return
        moved = [_moved(value.strip(), vr, self.subject.days) for value in _ascii(dataset, tag).split("\\")]
        if None in moved:
            self._malformed(dataset, tag, vr)
        else:
            _set(dataset, tag, vr, moved)

    def _patient(self, dataset: Dataset, tag: BaseTag, vr: str) -> None:
        """The new ID, which is the name, too."""
        _set(dataset, tag, vr, self.subject.patient_id)

    _by_action: ClassVar[dict[Action, Callable[["_Walk", Dataset, BaseTag, str], None]]] = {
        Action.KEEP: _keep,
        Action.AGE: _age,
        Action.REMOVE: _remove,
        Action.EMPTY: _empty,
        Action.REPLACE: _replace,
        Action.CLEAN: _clean,
        Action.CODE: _code,
        Action.UID: _uid,
        Action.DATE: _date,
        Action.PATIENT: _patient,
    }

    # ---------------------------------------------------------------------------- private elements

    def _private_creators(self, dataset: Dataset) -> dict[tuple[int, int], str]:
        """Private creators by group and block (PS3.5, 7.8.1)."""
        owners = [tag for tag in dataset.keys() if tag.is_private and 0x10 <= tag.element <= 0xFF]
        return {(tag.group, tag.element): _bytes(dataset, tag).decode("latin-1").strip(" \0") for tag in owners}

    def _private(self, dataset: Dataset, tag: BaseTag, creators: dict[tuple[int, int], str]) -> None:
        """A private element stays where it is known to be a number, and its creator with it."""
        if (tag.group, tag.element) in creators:
            if any(creators[tag.group, tag.element] == creator for creator, _, _ in self.profile.safe_private):
                return
        else:
            creator = creators.get((tag.group, tag.element >> 8), "")
            vr = self.profile.safe_private.get((creator, tag.group, tag.element & 0xFF))
            if vr is not None and not _is_sequence(dataset, tag) and _is_numbers(_bytes(dataset, tag), vr):
                return
            self._tell(Remark.PRIVATE)
        del dataset[tag]

    # ---------------------------------------------------------------------------- what is told

    def _leave_out(self, dataset: Dataset, tag: BaseTag, remark: Remark) -> None:
        """Remove an element and tell why."""
        if remark is Remark.OVERLAY and tag.element == OVERLAY_BIT_POSITION and _bytes(dataset, tag).strip(b"\0 0"):
            self._tell(Remark.OVERLAY_BITS)
        self._tell(remark, tag if remark in (Remark.MALFORMED, Remark.OPAQUE) else None)
        del dataset[tag]

    def _malformed(self, dataset: Dataset, tag: BaseTag, vr: str) -> None:
        """Empty what is not what it should be, and tell."""
        _set(dataset, tag, vr, "")
        self._tell(Remark.MALFORMED, tag)

    def _tell(self, remark: Remark, tag: BaseTag | None = None) -> None:
        """Count a remark, about an attribute by its keyword where PS3.6 has one."""
        self.remarks[remark, "" if tag is None else keyword_for_tag(tag) or f"({tag.group:04X},{tag.element:04X})"] += 1


def _standard_vr(tag: BaseTag) -> str:
    """The value representation of PS3.6, the first where it leaves a choice; empty where the tag is not known."""
    try:
        return dictionary_VR(tag).split(" or ")[0]
    except KeyError:
        return ""


def _is_sequence(dataset: Dataset, tag: BaseTag) -> bool:
    """Whether the file holds items under a tag."""
    element = dataset.get_item(tag)
    if isinstance(element.value, Sequence):
        return True
    is_told = element.VR not in (None, "UN")
    return element.VR == "SQ" if is_told else _standard_vr(tag) == "SQ"


def _items(dataset: Dataset, tag: BaseTag) -> Sequence:
    """The items of a sequence; one that is written as UN is implicit little endian inside (PS3.5, 6.2.2)."""
    element = dataset.get_item(tag)
    if isinstance(element.value, bytes) and max(map(element.value.count, _ITEM_TAGS)) > MAX_ITEMS:
        raise UnsupportedInput(f"A sequence has more than {MAX_ITEMS} items, which no object of the field has.")
    if isinstance(element, RawDataElement) and element.VR == "UN":
        known = element._replace(VR="SQ", is_implicit_VR=True, is_little_endian=True)
        dataset[tag] = DataElement(tag, "SQ", convert_raw_data_element(known, ds=dataset).value)
    found: Sequence = dataset[tag].value
    return found


def _bytes(dataset: Dataset, tag: BaseTag) -> bytes:
    """The value as it lies in the file, or as text where pydicom has read it already."""
    value = dataset.get_item(tag).value
    if value is None:
        return b""
    return value if isinstance(value, bytes) else "\\".join(_as_texts(value)).encode("utf-8", "replace")


def _ascii(dataset: Dataset, tag: BaseTag) -> str:
    """A value that is ASCII by its representation, without padding."""
    return _bytes(dataset, tag).decode("latin-1").strip(" \0")


def _texts(dataset: Dataset, tag: BaseTag) -> list[str]:
    """The values of a text in the character set of the object."""
    value = dataset[tag].value
    return [value.decode("latin-1")] if isinstance(value, bytes) else _as_texts(value)


def _as_texts(value: object) -> list[str]:
    """One or several values as texts."""
    if value is None:
        return []
    return [str(v) for v in value] if isinstance(value, MultiValue) else [str(value)]


def _set(dataset: Dataset, tag: BaseTag, vr: str, value: object) -> None:
    """Put a value under a tag."""
    dataset[tag] = DataElement(tag, vr, value)


def _is_all_of(vr: str, content: bytes) -> bool:
    """Whether every value of an element is empty or as its representation says; there may be millions of decimals."""
    if vr != "DS":
        return _ALLOWED[vr].fullmatch(content) is not None
    if not _DECIMALS.fullmatch(content) or _MORE_THAN_A_DECIMAL.search(content):
        return False
    try:
        for value in filter(bytes.strip, content.replace(b"\0", b" ").split(b"\\")):
            float(value)
    except ValueError:
        return False
    return True


def _is_numbers(content: bytes, vr: str) -> bool:
    """Whether a value is a few numbers and nothing else."""
    if vr in ("DS", "IS"):
        return _is_all_of(vr, content) and content.count(b"\\") < _MOST_PRIVATE_NUMBERS
    size = _NUMBER_BYTES[vr]
    is_short = len(content) % size == 0 and len(content) <= size * _MOST_PRIVATE_NUMBERS
    return is_short and not reads_as_text(content)


def _drop_idle_creators(dataset: Dataset) -> None:
    """Remove private creators of blocks in which nothing is left."""
    private = [tag for tag in dataset.keys() if tag.is_private]
    used = {(tag.group, tag.element >> 8) for tag in private if tag.element > 0xFF}
    for tag in private:
        if tag.element <= 0xFF and (tag.group, tag.element) not in used:
            del dataset[tag]


def _moved(value: str, vr: str, days: int) -> str | None:
    """A date (DA) or date time (DT) moved by days, as exact as it was; None where it is none."""
    found = (_DATE if vr == "DA" else _DATE_TIME).fullmatch(value)
    if not value or found is None:
        return None if value else ""
    year, month, day, *rest = found.groups()
    try:
        moved = date(int(year), int(month or 1), int(day or 1)) + timedelta(days=days)
    except (ValueError, OverflowError):
        return None
    exact = f"{moved.year:04d}{moved.month:02d}{moved.day:02d}"
    return exact[: 4 + 2 * (month is not None) + 2 * (day is not None)] + "".join(part or "" for part in rest)
