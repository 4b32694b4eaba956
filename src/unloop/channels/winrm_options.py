"""How a host is reached over WinRM, for every client of ours: the options, the port, and the way to log on."""

from dataclasses import dataclass

from unloop.channels import kerberos
from unloop.channels.base import Target
from unloop.channels.tls import TlsPolicy, normal_fingerprint
from unloop.errors import InputError, Problem
from unloop.secrets.secret import Credential

AUTHENTICATIONS = ("negotiate", "ntlm", "kerberos", "credssp", "certificate", "basic")
HTTP_PORT, HTTPS_PORT = 5985, 5986
FINGERPRINT = "sha256:"


@dataclass(frozen=True, slots=True)
class WinrmOptions:
    """How to reach a host over WinRM.

    ``ssl``: true, false, or auto (HTTPS on port 5986); over plain HTTP every message is encrypted by the log-on's keys.
    ``auth``: negotiate, ntlm, kerberos, credssp, certificate or basic; negotiate takes Kerberos for a domain account
    where it is installed, else NTLM, and never both. ``cert_validation``: true, false, a PEM file of authorities, or
    sha256:HEX, the fingerprint of the one certificate that is trusted. ``server_name``: the name in the host's
    certificate and service principal, when it is reached by a bare address.
    """

    ssl: str = "auto"
    auth: str = "negotiate"
    cert_validation: str = "true"
    server_name: str = ""

    def __post_init__(self) -> None:
        problems = []
        if self.auth not in AUTHENTICATIONS:
            hint = f"known: {', '.join(AUTHENTICATIONS)}"
            problems.append(Problem(f"option auth of channel winrm is {self.auth!r}", hint=hint))
        if self.ssl not in {"true", "false", "auto"}:
            problems.append(Problem(f"option ssl of channel winrm is {self.ssl!r}", hint="known: true, false, auto"))
        if self.ssl == "false" and self.auth in {"basic", "certificate"}:
            what = f"auth {self.auth} of channel winrm would send its proof in the clear"
            problems.append(Problem(what, hint="set the option ssl to true"))
        if self.cert_validation.lower().startswith(FINGERPRINT):
            try:
                normal_fingerprint(self.cert_validation)
            except InputError as error:
                what = "option cert_validation of channel winrm: " + error.problems[0].what
                problems.append(Problem(what, hint=error.problems[0].hint))
        if problems:
            raise InputError(*problems)

    def encrypts(self, port: int) -> bool:
        """Whether HTTPS is spoken on this port."""
        needed = self.auth in {"basic", "certificate"}
        return self.ssl == "true" or (self.ssl == "auto" and (port == HTTPS_PORT or needed))

    def port(self, target: Target) -> int:
        """The port in use: the target's, or 5986 for HTTPS and 5985 for HTTP."""
        return target.port or (HTTPS_PORT if self.encrypts(0) else HTTP_PORT)

    def mechanism(self, credential: Credential) -> str:
        """The one way to log on that is tried with a credential."""
        if self.auth != "negotiate":
            return self.auth
        return "kerberos" if not credential.is_local and kerberos.is_installed() else "ntlm"

    @property
    def trust(self) -> TlsPolicy:
        """Whose certificate is acceptable."""
        plain = self.cert_validation.lower()
        if plain.startswith(FINGERPRINT):
            return TlsPolicy(fingerprint=normal_fingerprint(plain))
        if plain in {"true", "false"}:
            return TlsPolicy(insecure=plain == "false")
        return TlsPolicy(ca=self.cert_validation)
