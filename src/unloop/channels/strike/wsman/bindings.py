"""Binding a log-on to the TLS connection that it is made on, by the host's certificate (RFC 5929 4, RFC 5056)."""

import hashlib
import struct
from functools import lru_cache

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm

from unloop.errors import Unsupported

_WEAK = frozenset({"md5", "sha1"})


@lru_cache(maxsize=4096)
def end_point(certificate: bytes) -> bytes:
    """tls-server-end-point of a certificate (DER), as application data of GSS; raises Unsupported where there is none.

    The hash is that of the certificate's signature, but never weaker than SHA-256.
    """
    try:
        algorithm = x509.load_der_x509_certificate(certificate).signature_hash_algorithm
    except (ValueError, UnsupportedAlgorithm) as error:
        raise Unsupported("the host's certificate can't be read, so that no log-on can be bound to it") from error
    if algorithm is None:
        raise Unsupported("the host's certificate is signed in a way to which no log-on can be bound")
    name = "sha256" if algorithm.name in _WEAK else algorithm.name.replace("-", "_")
    if name not in hashlib.algorithms_available:
        raise Unsupported("the host's certificate is signed in a way to which no log-on can be bound")
    return b"tls-server-end-point:" + hashlib.new(name, certificate).digest()


def for_ntlm(data: bytes) -> bytes:
    """What NTLM carries of it: MD5 over gss_channel_bindings_struct ([MS-NLMP] 2.2.2.1, RFC 2744 3.11)."""
    structure = bytes(16) + struct.pack("<I", len(data)) + data
    return hashlib.md5(structure, usedforsecurity=False).digest()
