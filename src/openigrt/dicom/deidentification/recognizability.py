"""What a person may still be recognized by in a de-identified object; that pixels must be looked at, not how."""

from enum import StrEnum

from pydicom import Dataset

from openigrt.dicom.dataset.elements import naming, text
from openigrt.dicom.dataset.inventory import Instance
from openigrt.dicom.deidentification.confidentiality import Profile
from openigrt.dicom.deidentification.deidentified_elements import Remark, Remarks
from openigrt.errors import UnreadableFile

TELLING_APART = ("PatientBirthDate", "IssuerOfPatientID")
PLACE_KEYWORDS = ("BodyPartExamined", "SeriesDescription", "ProtocolName", "StudyDescription")


class Doubt(StrEnum):
    """Why a person must look."""

    BURNED_IN = "says that text is burned into the pixels"
    MAYBE_BURNED_IN = "may hold burned-in text, as screens and films do, and does not say that there is none"
    FACE = "shows a head: a face can be reconstructed from it"
    MAYBE_FACE = "does not say which part of the body it shows: where it is a head, a face can be reconstructed from it"
    SKIN = "is the skin of a person, who can be recognized"
    FEATURES = "says that a person can be recognized in the pixels"
    OVERLAY_BITS = "holds an overlay in unused bits of its pixels, which may be text"
    UNSEEN_PIXELS = "holds pixel data that are not looked through for text beside the picture"
    UNKNOWN_CLASS = "is of a kind whose content this profile does not know"


ADVICE = {
    Doubt.BURNED_IN: "Look at the pixels; leave the object out, or blacken the text with other software.",
    Doubt.MAYBE_BURNED_IN: "Look at the pixels; leave the object out where a name can be read.",
    Doubt.FACE: "Defacing is not done here: do it with other software, or share under an agreement that forbids it.",
    Doubt.MAYBE_FACE: "Look at it; defacing is not done here.",
    Doubt.SKIN: "Share it under an agreement only, or leave it out.",
    Doubt.FEATURES: "Look at the pixels; leave the object out, or share it under an agreement only.",
    Doubt.OVERLAY_BITS: "Look at the unused bits with other software, or leave the object out.",
    Doubt.UNSEEN_PIXELS: "Look at its bytes with other software, or write it uncompressed first.",
    Doubt.UNKNOWN_CLASS: "Look at every value of it (dcmdump), or leave it out.",
}


def doubts_about(header: Dataset, remarks: Remarks, profile: Profile) -> frozenset[Doubt]:
    """The doubts about one de-identified object, from its header and the remarks of the treatment."""
    with naming(header):
        sop_class_uid, burned_in = text(header, "SOPClassUID"), text(header, "BurnedInAnnotation")
        found = {
            Doubt.BURNED_IN: burned_in == "YES",
            Doubt.MAYBE_BURNED_IN: not burned_in and sop_class_uid in profile.classes.burned_in,
            Doubt.SKIN: sop_class_uid in profile.classes.surfaces,
            Doubt.FEATURES: text(header, "RecognizableVisualFeatures") == "YES",
            Doubt.OVERLAY_BITS: (Remark.OVERLAY_BITS, "") in remarks,
            Doubt.UNSEEN_PIXELS: (Remark.UNSEEN_PIXELS, "") in remarks,
            Doubt.UNKNOWN_CLASS: sop_class_uid not in profile.classes.treated,
        }
        if sop_class_uid in profile.classes.heads and text(header, "RecognizableVisualFeatures") != "NO":
            words = " ".join(text(header, keyword) for keyword in PLACE_KEYWORDS)
            found[Doubt.FACE] = profile.vocabulary.names("head", words)
            found[Doubt.MAYBE_FACE] = not found[Doubt.FACE] and not profile.vocabulary.names("trunk", words)
    return frozenset(doubt for doubt, is_so in found.items() if is_so)


def what_tells_apart(instance: Instance) -> dict[str, str]:
    """What an object says of its patient beside the ID: equal where it is of one person; empty where it is not said."""
    found = {"PatientName": instance.patient_name.strip("^ ").lower()}
    for keyword in TELLING_APART:
        try:
            with naming(instance.header):
                found[keyword] = text(instance.header, keyword)
        except UnreadableFile:
            found[keyword] = ""
    return found
