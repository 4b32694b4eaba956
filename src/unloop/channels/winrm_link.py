"""The connection below WinRM: pypsrp's WSMan, held to the deadline, without retries, proxies or second log-ons."""

import os
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree as ET

from pypsrp.wsman import NAMESPACES, WSMan

from unloop.channels import kerberos
from unloop.channels.base import Deadline, Target
from unloop.channels.winrm_sockets import Sockets
from unloop.errors import InputError, LogonRefused, LogonUndecided, Problem, ProtocolError
from unloop.secrets.secret import Credential

AUTHENTICATIONS = ("negotiate", "ntlm", "kerberos", "credssp", "certificate", "basic")
OPERATION_TIMEOUT = 20
"""Seconds after which the host answers a Receive in any case, so that it is asked again."""

CIMV2 = "http://schemas.microsoft.com/wbem/wsman/1/wmi/root/cimv2/*"
WQL = "http://schemas.microsoft.com/wbem/wsman/1/WQL"


@dataclass(frozen=True, slots=True)
class WinrmOptions:
    """How to reach a host over WinRM.

    ``ssl``: true, false, or auto (HTTPS on port 5986); over plain HTTP every message is encrypted by the log-on's keys.
    ``auth``: negotiate, ntlm, kerberos, credssp, certificate or basic; negotiate takes Kerberos for a domain account
    where it is installed, else NTLM, and never both. ``cert_validation``: true, false, or a PEM file of authorities.
    ``server_name``: the name in the host's certificate and service principal, when it is reached by a bare address.
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
        if problems:
            raise InputError(*problems)

    def encrypts(self, port: int) -> bool:
        """Whether HTTPS is spoken on this port."""
        needed = self.auth in {"basic", "certificate"}
        return self.ssl == "true" or (self.ssl == "auto" and (port == 5986 or needed))


class BoundWSMan(WSMan):
    """WSMan whose every request ends with the deadline and is sent once.

    pypsrp retries a Receive five times with growing pauses, which blocks for minutes on a host that fell silent.
    """

    def __init__(self, deadline: Deadline, *args: Any, **options: Any) -> None:
        self._deadline = deadline
        super().__init__(*args, **options)
        # pypsrp makes the session at the first request; we need its sockets before.
        self.transport.session = self.transport._build_session()  # noqa: SLF001
        self._sockets = Sockets(deadline)
        self._sockets.watch(self.transport.session)

    def close(self) -> None:
        """End every connection, also one in the middle of an answer."""
        super().close()
        self._sockets.close()

    def invoke(self, *args: Any, **options: Any) -> Any:
        """Send one request once; the time left bounds it."""
        left = self._deadline.left()
        transport: Any = self.transport
        transport.connection_timeout = transport.read_timeout = left
        self.operation_timeout = max(1, min(OPERATION_TIMEOUT, int(left)))
        return super().invoke(*args, **{**options, "retries_on_read_timeout": 0})

    def query(self, wql: str) -> Any:
        """The body of the answer to one WQL query, as XML ([MS-WSMV] 3.1.4.1.9, DSP0226 8.2)."""
        wsman = NAMESPACES["wsman"]
        request = ET.Element(f"{{{NAMESPACES['wsen']}}}Enumerate")
        ET.SubElement(request, f"{{{wsman}}}OptimizeEnumeration")
        ET.SubElement(request, f"{{{wsman}}}MaxElements").text = "10"
        ET.SubElement(request, f"{{{wsman}}}Filter", Dialect=WQL).text = wql
        return self.enumerate(CIMV2, request)

    def judge_refusal(self, credential: Credential) -> LogonRefused | LogonUndecided:
        """What a 401 means: only when the whole proof was sent did anybody judge it.

        For a domain account the host answers 401 also when no domain controller was there to ask; that is undecided.
        """
        session: Any = self.transport.session
        contexts = getattr(session.auth, "contexts", None)
        if contexts is not None and not any(context.complete for context in contexts.values()):
            return LogonUndecided("the host broke off before the credential was shown (401)")
        if self.transport.auth == "kerberos":
            return LogonUndecided(
                "the host did not take the Kerberos ticket (401): another name, or clocks that differ"
            )
        if not credential.is_local:
            return LogonUndecided("the log-on failed (401): refused, or no domain controller was there to judge it")
        return LogonRefused("the host refused the credential (401)")


def make_wsman(target: Target, port: int, options: WinrmOptions, deadline: Deadline, files: ExitStack) -> BoundWSMan:
    """A new WSMan for one connection; nothing is sent yet. ``files`` keeps what certificate log-on reads."""
    credential = target.credential
    if credential is None:
        raise LogonUndecided("no credential is given")
    secure = options.encrypts(port)
    auth = _mechanism(options.auth, credential)
    extra: dict[str, Any] = {}
    if options.server_name:
        extra["negotiate_hostname_override"] = options.server_name
    if auth == "certificate":
        extra |= _certificate(credential, files)
    wsman = BoundWSMan(
        deadline,
        target.address,
        port=port,
        username=credential.username,
        password=credential.password.reveal(),
        ssl=secure,
        auth=auth,
        cert_validation={"true": True, "false": False}.get(options.cert_validation.lower(), options.cert_validation),
        encryption="auto" if secure else "always",
        no_proxy=True,
        reconnection_retries=0,
        **extra,
    )
    if secure and options.server_name:
        _expect_name(wsman, options.server_name)
    return wsman


def find_text(body: Any, name: str) -> str:
    """The text of the first element of that name, or of what it holds, whatever the namespaces."""
    for element in body.iter():
        if element.tag.rpartition("}")[2] == name:
            text = "".join(element.itertext()).strip()
            if text:
                return text
    raise ProtocolError(f"the host's answer holds no {name}")


def _mechanism(auth: str, credential: Credential) -> str:
    if auth != "negotiate":
        return auth
    return "kerberos" if not credential.is_local and kerberos.is_installed() else "ntlm"


def _expect_name(wsman: BoundWSMan, name: str) -> None:
    """Let the certificate carry the host's name although we connect to its address."""
    session: Any = wsman.transport.session
    pool = session.get_adapter("https://").poolmanager
    pool.connection_pool_kw |= {"assert_hostname": name, "server_hostname": name}


def _certificate(credential: Credential, files: ExitStack) -> dict[str, Any]:
    if not credential.certificate or credential.key is None:
        raise LogonUndecided("certificate log-on needs a certificate and its key in the credential")
    certificate = credential.certificate
    if "-----BEGIN" in certificate:
        certificate = _file(certificate, files)
    return {
        "certificate_pem": certificate,
        "certificate_key_pem": _file(credential.key.reveal(), files),
        "certificate_key_password": credential.password.reveal() or None,
    }


def _file(text: str, files: ExitStack) -> str:
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
