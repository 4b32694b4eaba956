"""Certificates and keys that we hold as text, for libraries that only read files."""

import os
import tempfile
from contextlib import ExitStack


def readable(text: str, files: ExitStack) -> str:
    """A path from which OpenSSL can read a text: in memory on Linux, elsewhere a file of our own until the end."""
    if hasattr(os, "memfd_create"):
        descriptor = os.memfd_create("unloop", os.MFD_CLOEXEC)
        files.callback(os.close, descriptor)
        os.write(descriptor, text.encode())
        return f"/proc/self/fd/{descriptor}"
    file = files.enter_context(tempfile.NamedTemporaryFile("w", suffix=".pem"))  # noqa: SIM115 - it lives until close()
    file.write(text)
    file.flush()
    return file.name


def certificate_path(certificate: str, files: ExitStack) -> str:
    """The path of a certificate that is given as PEM text or as a path."""
    return readable(certificate, files) if "-----BEGIN" in certificate else certificate
