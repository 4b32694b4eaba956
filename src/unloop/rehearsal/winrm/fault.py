"""Faults of WS-Management as Windows words them ([MS-WSMV] 2.2.4.43, DSP0226 14)."""

from dataclasses import dataclass
from xml.sax.saxutils import escape, quoteattr

from unloop.rehearsal.winrm.names import ADDRESSING, ENUMERATION, FAULT

_ACTIONS = {"a": f"{ADDRESSING}/fault", "n": f"{ENUMERATION}/fault"}
_ACTION = "http://schemas.dmtf.org/wbem/wsman/1/wsman/fault"
_DETAIL = "http://schemas.dmtf.org/wbem/wsman/1/wsman/faultDetail/"


@dataclass(frozen=True, slots=True)
class Cause:
    """What went wrong: the subcode, Windows' own number for it, its words, and the detail where there is one."""

    subcode: str
    code: int
    text: str
    detail: str = ""
    is_receiver: bool = False


@dataclass(frozen=True, slots=True)
class Provider:
    """The plug-in that failed; ``content`` is what it says itself, as XML."""

    name: str
    path: str
    content: str = ""


class Fault(Exception):
    """A request is answered with a fault."""

    def __init__(self, cause: Cause, provider: Provider | None = None) -> None:
        self.cause, self.provider = cause, provider
        super().__init__(cause.text)

    @property
    def action(self) -> str:
        """The action of the answer."""
        return _ACTIONS.get(self.cause.subcode.partition(":")[0], _ACTION)

    def body(self, machine: str) -> str:
        """The body of the answer; ``machine`` is how the client called us."""
        cause = self.cause
        detail = f"<w:FaultDetail>{_DETAIL}{cause.detail}</w:FaultDetail>" if cause.detail else ""
        return (
            f"<s:Fault><s:Code><s:Value>s:{'Receiver' if cause.is_receiver else 'Sender'}</s:Value>"
            f"<s:Subcode><s:Value>{cause.subcode}</s:Value></s:Subcode></s:Code>"
            f'<s:Reason><s:Text xml:lang="en-US">{escape(cause.text)} </s:Text></s:Reason>'
            f"<s:Detail>{detail}{self._detail(machine)}</s:Detail></s:Fault>"
        )

    def _detail(self, machine: str) -> str:
        told = f"{escape(self.cause.text)} "
        if self.provider is not None:
            name, path = quoteattr(self.provider.name), quoteattr(self.provider.path)
            told = f"<f:ProviderFault provider={name} path={path}>{self.provider.content or told}</f:ProviderFault>"
        return wsman_fault(self.cause.code, machine, told)


def wsman_fault(code: int, machine: str, message: str) -> str:
    """The element that carries Windows' number; ``message`` is XML."""
    return (
        f'<f:WSManFault xmlns:f="{FAULT}" Code="{code}" Machine={quoteattr(machine)}>'
        f"<f:Message>{message}</f:Message></f:WSManFault>"
    )


_CANNOT = "The WS-Management service cannot process the request"
TIMED_OUT = Cause(
    "w:TimedOut",
    2150858793,
    "The WS-Management service cannot complete the operation within the time specified in OperationTimeout. ",
    is_receiver=True,
)
ABORTED = Cause(
    "w:InternalError",
    995,
    "The I/O operation has been aborted because of either a thread exit or an application request.",
    is_receiver=True,
)
INVALID_HEADER = Cause(
    "a:InvalidMessageInformationHeader", 2150858767, f"{_CANNOT}. A header of the message is not valid."
)
HEADER_REQUIRED = Cause(
    "a:MessageInformationHeaderRequired", 2150858767, f"{_CANNOT}. A required header of the message is missing."
)
INVALID_XML = Cause("w:SchemaValidationError", 2150858819, f"{_CANNOT}. The XML is invalid.")
INVALID_BODY = Cause("w:SchemaValidationError", 2150858791, f"{_CANNOT}. The SOAP body is invalid.")
ACTION_NOT_SUPPORTED = Cause(
    "a:ActionNotSupported", 2150858771, f"{_CANNOT}. The action is not supported by the resource."
)
INVALID_URI = Cause(
    "a:DestinationUnreachable",
    2150858754,
    f"{_CANNOT}. The resource URI is missing or has an incorrect format.",
    "InvalidResourceURI",
)
NOT_FOUND = Cause(
    "a:DestinationUnreachable",
    2150858752,
    f"{_CANNOT}. The service cannot find the resource identified by the resource URI and selectors.",
    "InvalidResourceURI",
)
NO_KEYS = Cause(
    "a:DestinationUnreachable",
    2150859002,
    f"{_CANNOT}. The resource URI contains no keys, but the class selected is not a singleton.",
    "InvalidResourceURI",
)
NO_QUERY = Cause(
    "a:DestinationUnreachable",
    2150859003,
    f"{_CANNOT}. The resource URI asks for all classes, but there is no WQL filter.",
    "InvalidResourceURI",
)
NO_NAMESPACE = Cause(
    "a:DestinationUnreachable",
    2150858778,
    f"{_CANNOT}. The WMI namespace is not valid.",
    "InvalidResourceURI",
)
UNEXPECTED_SELECTORS = Cause(
    "w:InvalidSelectors",
    2150858843,
    f"{_CANNOT} because the request contained invalid selectors for the resource.",
    "UnexpectedSelectors",
)
NO_PROPERTY_FILTER = Cause(
    "n:FilterDialectRequestedUnavailable", 2150858777, f"{_CANNOT}. The dialect of the filter is not supported."
)
BAD_FILTER = Cause("n:CannotProcessFilter", 2150859042, f"{_CANNOT}. The filter cannot be processed.")
BAD_CONTEXT = Cause(
    "n:InvalidEnumerationContext", 2150858779, "The supplied enumeration context is invalid.", is_receiver=True
)
MODE_NOT_SUPPORTED = Cause(
    "w:UnsupportedFeature", 2150858886, f"{_CANNOT}. The enumeration mode is not supported.", "EnumerationMode"
)
TOO_LARGE = Cause(
    "w:EncodingLimit", 2150858805, f"{_CANNOT}. The answer is larger than MaxEnvelopeSize.", "MaxEnvelopeSize"
)
ENVELOPE_TOO_SMALL = Cause(
    "w:EncodingLimit", 2150858878, f"{_CANNOT}. MaxEnvelopeSize is too small.", "MinimumEnvelopeLimit"
)
INVALID_PARAMETER = Cause("w:InvalidParameter", 87, "The parameter is incorrect.", "InvalidValue")
TOO_MANY_SHELLS = Cause(
    "w:QuotaLimit",
    2150859174,
    f"{_CANNOT}. This user has reached the number of shells that are allowed at once.",
    is_receiver=True,
)
TOO_MANY_COMMANDS = Cause(
    "w:QuotaLimit", 2150859241, f"{_CANNOT}. This shell has reached the number of commands that are allowed at once."
)
