"""Messages of WS-Management (DSP0226) about WMI (DSP0227, [MS-WSMV] 3.1.4): requests out, the body of an answer in."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape

from unloop.channels.winrm_faults import of_fault
from unloop.errors import ChannelError, ProtocolError

SOAP = "http://www.w3.org/2003/05/soap-envelope"
ADDRESSING = "http://schemas.xmlsoap.org/ws/2004/08/addressing"
ENUMERATION = "http://schemas.xmlsoap.org/ws/2004/09/enumeration"
WSMAN = "http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd"
MICROSOFT = "http://schemas.microsoft.com/wbem/wsman/1"
WMI = f"{MICROSOFT}/wmi/root/cimv2"
WQL = f"{MICROSOFT}/WQL"
CONTENT_TYPE = "application/soap+xml;charset=UTF-8"
ROOM = 153_600
"""The least that any Windows allows an envelope by default ([MS-WSMV] 2.2.4.10, MaxEnvelopeSizekb of WinRM 2.0)."""
AT_ONCE = 1000
"""Instances in one answer, as far as they fit."""
_HEAD = (
    f'<s:Envelope xmlns:s="{SOAP}" xmlns:a="{ADDRESSING}" xmlns:n="{ENUMERATION}" xmlns:w="{WSMAN}"><s:Header>'
    "<a:To>{to}</a:To>"
    f'<a:ReplyTo><a:Address s:mustUnderstand="true">{ADDRESSING}/role/anonymous</a:Address></a:ReplyTo>'
    f'<w:MaxEnvelopeSize s:mustUnderstand="true">{ROOM}</w:MaxEnvelopeSize>'
    '<w:OperationTimeout>PT60S</w:OperationTimeout><w:Locale xml:lang="en-US" s:mustUnderstand="false"/>'
)


@dataclass(frozen=True, slots=True)
class Request:
    """A message that is ready to be sent, what it does in a word, and the identity that its answer must name."""

    what: str
    identity: str
    data: bytes


class Requests:
    """Makes requests to one service; ``to`` is its URL."""

    def __init__(self, to: str) -> None:
        self._to = escape(to)

    def invoke(self, kind: str, method: str, arguments: Mapping[str, str], *, name: str = "") -> Request:
        """Call a method of a class, or of the instance whose key ``Name`` is given (DSP0227 9)."""
        chosen = f'<w:SelectorSet><w:Selector Name="Name">{escape(name)}</w:Selector></w:SelectorSet>' if name else ""
        given = "".join(f"<p:{key}>{escape(value)}</p:{key}>" for key, value in arguments.items())
        resource = f"{WMI}/{kind}"
        body = f'<p:{method}_INPUT xmlns:p="{resource}">{given}</p:{method}_INPUT>'
        return self._request(method.lower(), resource, f"{resource}/{method}", f"{chosen}</s:Header><s:Body>{body}")

    def enumerate(self, query: str) -> Request:
        """Ask a query, and for the first instances at once (DSP0226 8.2.3)."""
        return self._request(
            "query",
            f"{WMI}/*",
            f"{ENUMERATION}/Enumerate",
            "</s:Header><s:Body>"
            f"<n:Enumerate><w:OptimizeEnumeration/><w:MaxElements>{AT_ONCE}</w:MaxElements>"
            f'<w:Filter Dialect="{WQL}">{escape(query)}</w:Filter></n:Enumerate>',
        )

    def pull(self, context: str) -> Request:
        """Ask for more instances of an enumeration (DSP0226 8.4)."""
        return self._request(
            "pull",
            f"{WMI}/*",
            f"{ENUMERATION}/Pull",
            "</s:Header><s:Body>"
            f"<n:Pull><n:EnumerationContext>{escape(context)}</n:EnumerationContext>"
            f"<n:MaxElements>{AT_ONCE}</n:MaxElements></n:Pull>",
        )

    def _request(self, what: str, resource: str, action: str, rest: str) -> Request:
        """``rest`` is what follows the headers that every request has, up to the end of the body."""
        identity = f"uuid:{str(uuid.uuid4()).upper()}"
        text = (
            f'{_HEAD.format(to=self._to)}<w:ResourceURI s:mustUnderstand="true">{resource}</w:ResourceURI>'
            f'<a:Action s:mustUnderstand="true">{action}</a:Action><a:MessageID>{identity}</a:MessageID>'
            f"{rest}</s:Body></s:Envelope>"
        )
        return Request(what, identity, text.encode())


def is_speakable(text: str) -> bool:
    """Whether XML 1.0 can carry a text (2.2) without its parser changing it: no control characters, no half characters."""
    return all(" " <= letter <= "\ud7ff" or "\ue000" <= letter <= "\ufffd" or letter >= "\U00010000" for letter in text)


def read(data: bytes, identity: str) -> ET.Element:
    """The element in the body of an answer; raises what a fault means, and ProtocolError for what is no answer."""
    envelope = _parsed(data)
    body = envelope.find(f"{{{SOAP}}}Body")
    found = body[0] if body is not None and len(body) else None
    if found is None:
        raise ProtocolError("the host's answer has no body")
    if found.tag == f"{{{SOAP}}}Fault":
        raise _fault(found)
    related = envelope.findtext(f"{{{SOAP}}}Header/{{{ADDRESSING}}}RelatesTo", "")
    if related.strip().lower() != identity.lower():
        raise ProtocolError("the host's answer fits no question")
    return found


def local(element: ET.Element) -> str:
    """The name of an element without its namespace."""
    return element.tag.rpartition("}")[2]


def properties(element: ET.Element) -> dict[str, str]:
    """The properties of an instance, or what a method gave back; those that are null are left out."""
    found: dict[str, str] = {}
    for child in element:
        text = "".join(child.itertext())
        if text:
            found.setdefault(local(child), text)
    return found


def _parsed(data: bytes) -> ET.Element:
    """The envelope. Without a document type there are no entities but XML's own, and nothing can grow."""
    try:
        text = data.decode("utf-8-sig")
        if "<!DOCTYPE" in text:
            raise ProtocolError("the host's answer brings a document type")
        envelope = ET.fromstring(text)  # noqa: S314 - see above
    except (ET.ParseError, ValueError) as error:
        raise ProtocolError("the host's answer is no XML") from error
    if envelope.tag != f"{{{SOAP}}}Envelope":
        raise ProtocolError("the host's answer is no SOAP message")
    return envelope


def _fault(fault: ET.Element) -> ChannelError:
    told = fault.find(f".//{{{MICROSOFT}/wsmanfault}}WSManFault")
    code = told.get("Code", "") if told is not None else ""
    reason = fault.findtext(f"{{{SOAP}}}Reason/{{{SOAP}}}Text", "")
    reason = reason or fault.findtext(f"{{{SOAP}}}Code/{{{SOAP}}}Subcode/{{{SOAP}}}Value", "")
    is_number = code.isascii() and code.isdigit() and len(code) <= 10
    return of_fault(int(code) if is_number else 0, reason)
