"""The connection below WinRM: pypsrp's WSMan, held to the deadline, without retries, proxies or second log-ons."""

from contextlib import ExitStack
from typing import Any
from xml.etree import ElementTree as ET

from pypsrp.wsman import NAMESPACES, WSMan

from unloop.channels.base import Deadline, Target
from unloop.channels.pem import certificate_path, readable
from unloop.channels.winrm_faults import of_refusal
from unloop.channels.winrm_options import WinrmOptions
from unloop.channels.winrm_sockets import Sockets
from unloop.errors import LogonRefused, LogonUndecided, ProtocolError
from unloop.secrets.secret import Credential

OPERATION_TIMEOUT = 20
"""Seconds after which the host answers a Receive in any case, so that it is asked again."""

CIMV2 = "http://schemas.microsoft.com/wbem/wsman/1/wmi/root/cimv2/*"
WQL = "http://schemas.microsoft.com/wbem/wsman/1/WQL"


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

    def until(self, deadline: Deadline) -> None:
        """Whatever is sent from now on has until another deadline."""
        self._deadline = deadline
        self._sockets.until(deadline)

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
        """What a 401 means."""
        session: Any = self.transport.session
        contexts = getattr(session.auth, "contexts", None)
        is_proven = contexts is None or any(context.complete for context in contexts.values())
        return of_refusal(credential, self.transport.auth, is_proven=is_proven)


def make_wsman(target: Target, port: int, options: WinrmOptions, deadline: Deadline, files: ExitStack) -> BoundWSMan:
    """A new WSMan for one connection; nothing is sent yet. ``files`` keeps what certificate log-on reads."""
    credential = target.credential
    if credential is None:
        raise LogonUndecided("no credential is given")
    secure, trust = options.encrypts(port), options.trust
    auth = options.mechanism(credential)
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
        cert_validation=trust.ca or not (trust.insecure or trust.fingerprint),
        encryption="auto" if secure else "always",
        no_proxy=True,
        reconnection_retries=0,
        **extra,
    )
    if secure:
        _expect(wsman, options)
    return wsman


def find_text(body: Any, name: str) -> str:
    """The text of the first element of that name, or of what it holds, whatever the namespaces."""
    for element in body.iter():
        if element.tag.rpartition("}")[2] == name:
            text = "".join(element.itertext()).strip()
            if text:
                return text
    raise ProtocolError(f"the host's answer holds no {name}")


def _expect(wsman: BoundWSMan, options: WinrmOptions) -> None:
    """Let the certificate carry the host's name although we connect to its address, or be the very one that we know."""
    expected: dict[str, str] = {}
    if options.server_name:
        expected |= {"assert_hostname": options.server_name, "server_hostname": options.server_name}
    if options.trust.fingerprint:
        expected["assert_fingerprint"] = options.trust.fingerprint
    session: Any = wsman.transport.session
    session.get_adapter("https://").poolmanager.connection_pool_kw |= expected


def _certificate(credential: Credential, files: ExitStack) -> dict[str, Any]:
    if not credential.certificate or credential.key is None:
        raise LogonUndecided("certificate log-on needs a certificate and its key in the credential")
    return {
        "certificate_pem": certificate_path(credential.certificate, files),
        "certificate_key_pem": readable(credential.key.reveal(), files),
        "certificate_key_password": credential.password.reveal() or None,
    }
