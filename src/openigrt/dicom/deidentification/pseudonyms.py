"""New identifiers for old ones, all derived from one secret key: the same key always gives the same ones."""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field

from pydicom._uid_dict import UID_dictionary

KEY_BYTES = 32
DICOM_ROOT = "1.2.840.10008."
PATIENT_PREFIX = "OPENIGRT-"

_WEEKS_BACK_AT_LEAST, _WEEKS_BACK_CHOICES = 53, 521  # one to eleven years


@dataclass(frozen=True, slots=True)
class Pseudonyms:
    """UIDs, patient IDs and date offsets under one key; `given_ids` are patient IDs that somebody chose, old to new.

    Nothing that comes out leads back without the key (HMAC-SHA256, RFC 2104), and equal originals stay equal, so that
    references between files hold, whenever each of them is de-identified.
    """

    key: bytes = field(repr=False)
    given_ids: Mapping[str, str] = field(default_factory=dict, repr=False)

    def uid(self, original: str) -> str:
        """The new UID (PS3.5 B.2, 128 bits of the digest); UIDs that the standard registers are nobody's, and stay."""
        if not original or original in UID_dictionary:
            return original
        return f"2.25.{int.from_bytes(self._digest('uid', original)[:16], 'big')}"

    def patient_id(self, original: str) -> str:
        """The new patient ID, which is the new name, too."""
        given = self.given_ids.get(original)
        if given is not None:
            return given
        return PATIENT_PREFIX + base64.b32encode(self._digest("patient", original)[:5]).decode()

    def days(self, new_patient_id: str) -> int:
        """By how many days all dates of a patient move: one to eleven years back, in whole weeks, so weekdays stay."""
        number = int.from_bytes(self._digest("days", new_patient_id)[:8], "big")
        return -7 * (_WEEKS_BACK_AT_LEAST + number % _WEEKS_BACK_CHOICES)

    def fingerprint(self, text: str) -> str:
        """What tells whether two runs had the same key, the same given IDs and the same text, without telling any."""
        return self._digest("fingerprint", f"{sorted(self.given_ids.items())}|{text}").hex()[:32]

    def _digest(self, role: str, text: str) -> bytes:
        """The keyed digest of a text in one role."""
        return hmac.digest(self.key, f"{role}|{text}".encode("utf-8", "surrogatepass"), hashlib.sha256)
