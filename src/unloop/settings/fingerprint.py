"""Fingerprints of certificates, as they are written and as they are compared."""

import re

WRITTEN = (
    "the SHA-256 of a certificate is 64 hex digits, colons allowed: openssl x509 -noout -fingerprint -sha256 shows it"
)
_HEX = re.compile("[0-9a-f]{64}")


def plain(text: str) -> str | None:
    """A SHA-256 as lowercase hex without colons; None for what is none."""
    found = text.strip().lower().removeprefix("sha256:").replace(":", "")
    return found if _HEX.fullmatch(found) else None
