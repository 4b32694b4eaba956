"""SOAP messages of WS-Management: bytes in, what they ask; answers in, bytes out (DSP0226 5, 6)."""

import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape

from unloop.rehearsal.winrm import fault, names
from unloop.rehearsal.winrm.fault import Fault

_DURATION = re.compile(r"-?P(?:(\d{1,9})D)?(?:T(?:(\d{1,9})H)?(?:(\d{1,9})M)?(?:(\d{1,9}(?:\.\d{1,9})?)S)?)?")
_SMALLEST_ENVELOPE = 8192
_HEAD = (
    f'<s:Envelope xml:lang="en-US" xmlns:s="{names.SOAP}" xmlns:a="{names.ADDRESSING}" xmlns:x="{names.TRANSFER}" '
    f'xmlns:n="{names.ENUMERATION}" xmlns:w="{names.WSMAN}" xmlns:rsp="{names.SHELL}" '
    f'xmlns:p="{names.MICROSOFT_WSMAN}"><s:Header><a:Action>'
)
ENVELOPE_OVERHEAD = 2048
"""More than an answer takes besides what it is about."""


@dataclass(frozen=True, slots=True)
class Message:
    """A request. Names of selectors are in lower case ([MS-WSMV] 3.1.4.1.2), those of options in upper case."""

    action: str
    resource: str
    identity: str
    body: ET.Element
    to: str = ""
    selectors: Mapping[str, str] = field(default_factory=dict)
    options: Mapping[str, str] = field(default_factory=dict)
    timeout: float = names.MAX_TIMEOUT
    room: int = names.MAX_ENVELOPE
    """How many bytes the answer may have."""

    @property
    def is_identify(self) -> bool:
        """Whether it asks who we are (DSP0226 11)."""
        return self.body.find(f"{{{names.IDENTITY}}}Identify") is not None

    @property
    def machine(self) -> str:
        """How the client calls us, as faults name it."""
        place = self.to.partition("://")[2].partition("/")[0]
        return place.rpartition(":")[0] or place or "localhost"


def parse(data: bytes) -> Message:
    """What a request asks; raises Fault."""
    root = _element(data)
    header, body = root.find(f"{{{names.SOAP}}}Header"), root.find(f"{{{names.SOAP}}}Body")
    if body is None:
        raise Fault(fault.INVALID_BODY)
    message = Message("", "", "", body) if header is None else _read(header, body)
    if not message.is_identify:
        _check(message, header)
    return message


def _element(data: bytes) -> ET.Element:
    try:
        text = data.decode("utf-16" if data[:2] in {b"\xff\xfe", b"\xfe\xff"} else "utf-8-sig")
        if "<!DOCTYPE" in text:
            raise Fault(fault.INVALID_XML)
        root = ET.fromstring(text)  # noqa: S314 - without a document type there are no entities of the sender's
    except (ET.ParseError, ValueError, LookupError) as error:
        raise Fault(fault.INVALID_XML) from error
    if root.tag != f"{{{names.SOAP}}}Envelope":
        raise Fault(fault.INVALID_XML)
    return root


def _read(header: ET.Element, body: ET.Element) -> Message:
    found = {child.tag: child for child in header}
    size = _text(found, f"{{{names.WSMAN}}}MaxEnvelopeSize")
    room = min(int(size), names.MAX_ENVELOPE) if size.isascii() and size.isdigit() and len(size) < 12 else 0
    return Message(
        action=_text(found, f"{{{names.ADDRESSING}}}Action"),
        resource=_text(found, f"{{{names.WSMAN}}}ResourceURI"),
        identity=_text(found, f"{{{names.ADDRESSING}}}MessageID"),
        body=body,
        to=_text(found, f"{{{names.ADDRESSING}}}To"),
        selectors={name.lower(): text for name, text in _set(found, "Selector")},
        options={name.upper(): text for name, text in _set(found, "Option")},
        timeout=_timeout(_text(found, f"{{{names.WSMAN}}}OperationTimeout")),
        room=room if size else names.MAX_ENVELOPE,
    )


def _check(message: Message, header: ET.Element | None) -> None:
    """Without these headers nothing is done ([MS-WSMV] 3.1.4.1.3, 3.1.4.1.5, 3.1.4.1.7)."""
    if header is None or not message.action or header.find(f"{{{names.ADDRESSING}}}ReplyTo") is None:
        raise Fault(fault.HEADER_REQUIRED)
    if not message.identity:
        raise Fault(fault.INVALID_HEADER)
    if not message.resource:
        raise Fault(fault.INVALID_URI)
    if message.room < _SMALLEST_ENVELOPE:
        raise Fault(fault.ENVELOPE_TOO_SMALL)


def _text(found: Mapping[str, ET.Element], tag: str) -> str:
    element = found.get(tag)
    return (element.text or "").strip() if element is not None else ""


def _set(found: Mapping[str, ET.Element], kind: str) -> list[tuple[str, str]]:
    holder = found.get(f"{{{names.WSMAN}}}{kind}Set")
    if holder is None:
        return []
    return [(item.get("Name", ""), item.text or "") for item in holder.iter(f"{{{names.WSMAN}}}{kind}")]


def _timeout(text: str) -> float:
    """Seconds; more than we allow, or nothing that can be read, is what we allow ([MS-WSMV] 3.1.4.1.6)."""
    match = _DURATION.fullmatch(text)
    if match is None or not any(match.groups()):
        return names.MAX_TIMEOUT
    days, hours, minutes, seconds = (float(part or 0) for part in match.groups())
    return min(((days * 24 + hours) * 60 + minutes) * 60 + seconds, names.MAX_TIMEOUT)


def answer(action: str, relates_to: str, body: str) -> bytes:
    """A message in answer to another; ``body`` is XML."""
    identity = str(uuid.uuid4()).upper()
    related = f"<a:RelatesTo>{escape(relates_to)}</a:RelatesTo>" if relates_to else ""
    return (
        f"{_HEAD}{escape(action)}</a:Action><a:MessageID>uuid:{identity}</a:MessageID>"
        f"<a:To>{names.ANONYMOUS}</a:To>{related}</s:Header><s:Body>{body}</s:Body></s:Envelope>"
    ).encode("utf-8", "replace")


def bare_answer(body: str) -> bytes:
    """A message without headers, as Identify is answered (DSP0226 11)."""
    return (
        f'<s:Envelope xml:lang="en-US" xmlns:s="{names.SOAP}"><s:Header/><s:Body>{body}</s:Body></s:Envelope>'.encode()
    )


def fault_answer(trouble: Fault, relates_to: str, machine: str) -> bytes:
    """A fault in answer to a message."""
    return answer(trouble.action, relates_to, trouble.body(machine))
