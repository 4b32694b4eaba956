"""Our half of RMCP+ against recordings of ipmitool: the same bytes out, and every answer understood.

Suite 3 was recorded with OpenIPMI's ipmi_sim as the BMC, so that neither side is ours. For suite 17 the BMC was our
simulated one.
"""

from pathlib import Path

import pytest

from unloop.channels.rmcp import chassis
from unloop.channels.rmcp.message import Command, request
from unloop.channels.rmcp.packet import Payload, parse_inside, parse_outside
from unloop.channels.rmcp.rakp import Account, Login
from unloop.channels.rmcp.session import Session
from unloop.channels.rmcp.suite import SUITE_3, SUITE_17, Suite
from unloop.model.power import PowerState

RECORDINGS = Path(__file__).parents[1] / "data" / "rmcp"
ACCOUNT = Account(b"keeper", b"right-password", level=0x04)
SUITES = [SUITE_3, SUITE_17]
Exchange = tuple[bytes, bytes]


def _recorded(suite: Suite) -> list[Exchange]:
    """What ipmitool sent, each with its answer."""
    lines = (RECORDINGS / f"ipmitool-suite-{suite.number}.txt").read_text().splitlines()
    datagrams = [bytes.fromhex(line[2:]) for line in lines]
    return list(zip(datagrams[::2], datagrams[1::2], strict=True))


def _log_on(suite: Suite, exchanges: list[Exchange]) -> tuple[Login, list[bytes], list[bool]]:
    """Our log-on with ipmitool's random numbers: what we would send, and whether each answer is right."""
    opened, first, last = exchanges[1:4]
    packet = parse_outside(first[0])
    assert packet is not None
    console = opened[0][20:24]
    login = Login(ACCOUNT, suite, lambda _: b"\0" + console + packet.payload[8:24])
    login._tags = bytes(3)
    sent, right = [login.open_request()], []
    heard = login.hear_open(opened[1])
    right.append(heard is not None and login.take_open(heard))
    sent.append(login.rakp1())
    heard = login.hear_rakp2(first[1])
    right.append(heard is not None and login.take_rakp2(heard))
    sent.append(login.rakp3())
    right.append(login.hear_rakp4(last[1]) is not None)
    return login, sent, right


@pytest.mark.parametrize("suite", SUITES, ids=lambda suite: str(suite.number))
def test_the_log_on_is_ipmitools_byte_for_byte(suite: Suite) -> None:
    """With its random numbers we send what it sent, and every answer proves right."""
    exchanges = _recorded(suite)
    _, sent, right = _log_on(suite, exchanges)
    assert sent == [asked for asked, _ in exchanges[1:4]]
    assert right == [True] * 3


@pytest.mark.parametrize("suite", SUITES, ids=lambda suite: str(suite.number))
def test_what_was_said_in_the_session_is_understood(suite: Suite) -> None:
    """Every request of ipmitool's is opened with our keys and is what we would write; every answer is heard."""
    exchanges = _recorded(suite)
    login, _, _ = _log_on(suite, exchanges)
    session, keys = Session(login, bytes), login.keys()
    answers: dict[str, bytes] = {}
    for asked, answered in exchanges[4:]:
        packet = parse_inside(asked, session.bmc, suite.sent)
        assert packet is not None
        assert keys.is_signed(packet.signed, packet.code)
        clear = keys.decrypt(packet.payload)
        assert clear is not None
        command = Command("recorded", clear[1] >> 2, clear[5], clear[6:-1])
        assert request(command, clear[4] >> 2) == clear
        heard = session.hear(answered, command, clear[4] >> 2)
        assert heard is not None
        answers[f"{command.network_function:02x} {command.number:02x}"] = heard
    assert chassis.power_state(answers["00 01"][1:]) is PowerState.ON
    assert answers["06 3c"] == b"\x00"


def test_answers_of_one_step_are_no_answers_of_another() -> None:
    """The recorded datagrams are heard where they belong, and nowhere else."""
    exchanges = _recorded(SUITE_3)
    login, _, _ = _log_on(SUITE_3, exchanges)
    hearers = {Payload.OPEN_RESPONSE: login.hear_open, Payload.RAKP2: login.hear_rakp2, Payload.RAKP4: login.hear_rakp4}
    for _, answered in exchanges:
        heard = [kind for kind, hears in hearers.items() if hears(answered) is not None]
        packet = parse_outside(answered)
        assert heard == [kind for kind in hearers if packet is not None and packet.payload_type == kind]
