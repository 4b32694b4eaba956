"""Enumerations: begun, pulled from, and forgotten (DSP0226 8; [MS-WSMV] 3.1.4.8, 3.1.4.9)."""

import uuid
from collections import OrderedDict, deque
from collections.abc import Iterable
from dataclasses import dataclass
from xml.etree import ElementTree as ET

from unloop.rehearsal.winrm import fault, names
from unloop.rehearsal.winrm.fault import Fault
from unloop.rehearsal.winrm.soap import ENVELOPE_OVERHEAD, Message

MOST = 50
"""Enumerations that a host keeps; the oldest goes first."""
MOST_ITEMS = 32_000
"""MaxBatchItems ([MS-WSMV] 2.2.4.10)."""
_N, _W = f"{{{names.ENUMERATION}}}", f"{{{names.WSMAN}}}"


@dataclass(frozen=True, slots=True)
class Asked:
    """What an Enumerate asks: at most so many items at once (0: only a context), of those that a filter means."""

    at_once: int
    dialect: str = ""
    filter: str = ""


def asked(message: Message) -> Asked:
    """What stands in an Enumerate; raises Fault."""
    given = message.body.find(f"{_N}Enumerate")
    if given is None:
        raise Fault(fault.INVALID_BODY)
    mode = given.findtext(f"{_W}EnumerationMode")
    if mode and mode.strip() != "EnumerateObject":
        raise Fault(fault.MODE_NOT_SUPPORTED)
    wanted = given.find(f"{_W}Filter")
    wanted = given.find(f"{_N}Filter") if wanted is None else wanted
    at_once = 0
    if given.find(f"{_W}OptimizeEnumeration") is not None:
        at_once = _number(given.findtext(f"{_W}MaxElements"))
    if wanted is None:
        return Asked(at_once)
    return Asked(at_once, wanted.get("Dialect", names.WQL), (wanted.text or "").strip())


def _number(text: str | None) -> int:
    plain = (text or "1").strip()
    if not (plain.isascii() and plain.isdigit()):
        raise Fault(fault.INVALID_BODY)
    return max(1, min(int(plain[:9]), MOST_ITEMS))


class Enumerations:
    """The enumerations of one host that were begun and not ended."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, deque[str]] = OrderedDict()

    def begin(self, items: Iterable[str], at_once: int, room: int) -> str:
        """The body of an EnumerateResponse; raises Fault."""
        rest = deque(items)
        if not at_once:
            return f"<n:EnumerateResponse>{_context(self._keep(rest))}</n:EnumerateResponse>"
        taken = _take(rest, at_once, room)
        end = _context(self._keep(rest)) if rest else "<n:EnumerationContext/>"
        closing = "" if rest else "<w:EndOfSequence/>"
        return f"<n:EnumerateResponse>{end}<w:Items>{taken}</w:Items>{closing}</n:EnumerateResponse>"

    def pull(self, message: Message) -> str:
        """The body of a PullResponse; raises Fault."""
        given = message.body.find(f"{_N}Pull")
        if given is None:
            raise Fault(fault.INVALID_BODY)
        name = self._name(given)
        taken = _take(self._kept[name], _number(given.findtext(f"{_N}MaxElements")), message.room)
        if self._kept[name]:
            return f"<n:PullResponse>{_context(name)}<n:Items>{taken}</n:Items></n:PullResponse>"
        del self._kept[name]
        return f"<n:PullResponse><n:Items>{taken}</n:Items><n:EndOfSequence/></n:PullResponse>"

    def release(self, message: Message) -> str:
        """Forget an enumeration; raises Fault."""
        given = message.body.find(f"{_N}Release")
        if given is None:
            raise Fault(fault.INVALID_BODY)
        del self._kept[self._name(given)]
        return ""

    def _keep(self, rest: deque[str]) -> str:
        name = f"uuid:{str(uuid.uuid4()).upper()}"
        self._kept[name] = rest
        if len(self._kept) > MOST:
            self._kept.popitem(last=False)
        return name

    def _name(self, given: ET.Element) -> str:
        name = (given.findtext(f"{_N}EnumerationContext") or "").strip()
        if name not in self._kept:
            raise Fault(fault.BAD_CONTEXT)
        return name


def _context(name: str) -> str:
    return f"<n:EnumerationContext>{name}</n:EnumerationContext>"


def _take(rest: deque[str], most: int, room: int) -> str:
    """As many items as were asked for and fit; raises Fault when not even one does."""
    taken: list[str] = []
    room -= ENVELOPE_OVERHEAD
    while rest and len(taken) < most:
        size = len(rest[0].encode("utf-8", "replace"))
        if size > room:
            if not taken:
                raise Fault(fault.TOO_LARGE)
            break
        room -= size
        taken.append(rest.popleft())
    return "".join(taken)
