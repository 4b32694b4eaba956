"""Landing an order by a process of its own: the host says that it began, and the name of a file what it came to."""

from collections.abc import Iterator

from unloop.channels.strike.exchange import Messages, Pause
from unloop.channels.strike.wsman import cim, process
from unloop.channels.strike.wsman.process import Payload
from unloop.channels.strike.wsman.soap import properties
from unloop.channels.strike.wsman.wmi import Wmi
from unloop.errors import ChannelError
from unloop.model.patterns import split
from unloop.model.report import RemedyReport, Verdict

OFTEN, SELDOM = 0.25, 1.0
"""Seconds between two looks: PowerShell takes 0.5 to 3 s to begin, and DISM takes minutes."""
LOOKS = 24
"""How many times it is looked often."""


class Starting:
    """Starts one program, once, and waits for its report for as long as the connection and the time last."""

    def __init__(self, wmi: Wmi, payload: Payload) -> None:
        self._wmi, self._payload = wmi, payload
        self._process = ""

    def start(self) -> Messages[None]:
        """Raises ChannelError; after ConnectionLost and DeadlineExceeded nobody knows whether it began."""
        arguments = {"CommandLine": self._payload.command_line}
        answer = yield from self._wmi.invoke(process.CLASS, "Create", arguments)
        failure = process.failure_of(cim.return_value(answer))
        if failure is not None:
            raise failure
        self._process = properties(answer).get("ProcessId", "")

    def follow(self) -> Messages[RemedyReport]:
        """What the program came to, or that it was sent: the order is out, whatever becomes of the connection."""
        try:
            for pause in _pauses():
                if not self._wmi.is_open:
                    break
                yield Pause(pause)
                report = self._payload.report((yield from self._names()))
                if report is not None:
                    return report
        except ChannelError as error:
            return self._sent(error.message)
        return self._sent("the host closed the connection")

    def _names(self) -> Messages[tuple[str, ...]]:
        found = yield from self._wmi.query(self._payload.query)
        return tuple(split(properties(instance).get("Name", ""))[1] for instance in found)

    def _sent(self, why: str) -> RemedyReport:
        message = f"process {self._process} was started, and has not told what it came to: {why}"
        return RemedyReport(Verdict.SENT, message=message)


def _pauses() -> Iterator[float]:
    for _ in range(LOOKS):
        yield OFTEN
    while True:
        yield SELDOM
