"""UIDs of what OpenIGRT makes, derived from what it was made from."""

import hashlib


def derived_uid(seed: str, role: str) -> str:
    """A UID (PS3.5 B.2, from 128 bits of a digest) that is the same for the same seed and role."""
    digest = hashlib.sha256(f"{seed}|{role}".encode()).hexdigest()
    return f"2.25.{int(digest[:32], 16)}"
