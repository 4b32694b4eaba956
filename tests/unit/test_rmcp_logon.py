"""The log-on to a BMC on a fake clock: every datagram may be lost, and each failure has its own name."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conversations import ACCOUNT, Bmc, Network, entropy, machine
from unloop.channels.rmcp import chassis
from unloop.channels.rmcp.failures import (
    DeadBmc,
    NoAnswer,
    NoSessionSlot,
    PrivilegeTooLow,
    Refusal,
    SuiteRefused,
    UnknownUser,
    WrongPassword,
    of_status,
)
from unloop.channels.rmcp.logon import log_on
from unloop.channels.rmcp.packet import Payload, parse_outside
from unloop.channels.rmcp.rakp import Account
from unloop.channels.rmcp.session import Session
from unloop.channels.rmcp.suite import SUITE_3, SUITE_17, Suite
from unloop.channels.rmcp.talk import close, query
from unloop.errors import DeadlineExceeded
from unloop.rehearsal import ipmi_session, rmcp
from unloop.rehearsal.ipmi_bmc import IpmiBmc

AUTO = (SUITE_17, SUITE_3)
STEPS = range(4)
"""Ping, open session, RAKP 1, RAKP 3."""
SECONDS_FOR_A_DEAD_ONE = 6.0


def _kinds(network: Network) -> list[int]:
    """The payload types of what was said outside a session, pings left out."""
    packets = [parse_outside(datagram) for datagram in network.sent]
    return [packet.payload_type for packet in packets if packet is not None]


def _is_usable(session: Session, bmc: Bmc) -> bool:
    return bool(Network(bmc).run(query(session, chassis.STATUS)))


@pytest.mark.parametrize("suite", [SUITE_17, SUITE_3])
def test_a_log_on_takes_four_round_trips(suite: Suite) -> None:
    """Ping, open session, RAKP 1 and 3; the session then answers, and after its end the BMC holds none."""
    bmc = IpmiBmc(machine())
    network = Network(bmc.receive)
    session = network.run(log_on(ACCOUNT, (suite,), entropy()))

    assert (len(network.sent), session.suite, bmc.open_sessions) == (4, suite.number, 1)
    assert _is_usable(session, bmc.receive)
    network.run(close(session))
    assert bmc.open_sessions == 0


@pytest.mark.parametrize("lost", ["asks", "replies"])
@pytest.mark.parametrize("number", STEPS)
def test_a_lost_packet_starts_the_log_on_again_from_nothing(lost: str, number: int) -> None:
    """Whichever is lost, the log-on succeeds, RAKP 3 is never repeated, and the BMC is left with one session."""
    bmc = IpmiBmc(machine())
    network = Network(bmc.receive, **{lost: frozenset({number})})
    session = network.run(log_on(ACCOUNT, AUTO, entropy()))

    assert _is_usable(session, bmc.receive)
    proofs = [
        datagram for datagram in network.sent if (packet := parse_outside(datagram)) and _is_proof(packet.payload)
    ]
    assert len(proofs) == len(set(proofs))
    assert all(one[20:24] != other[20:24] for one, other in pairwise(proofs))
    assert bmc.open_sessions == (2 if (lost, number) == ("replies", 1) else 1)


def _is_proof(payload: bytes) -> bool:
    return len(payload) in {8 + SUITE_3.size, 8 + SUITE_17.size} and payload[1:4] == bytes(3)


@settings(max_examples=150, deadline=None)
@given(asks=st.frozensets(st.integers(0, 40), max_size=18), replies=st.frozensets(st.integers(0, 40), max_size=18))
def test_any_loss_ends_in_a_session_or_a_failure_with_a_name(asks: frozenset[int], replies: frozenset[int]) -> None:
    """However many datagrams are lost, the log-on ends; a session that it gives is one that the BMC holds."""
    bmc = IpmiBmc(machine(), sessions=64)
    network = Network(bmc.receive, asks, replies)
    try:
        session = network.run(log_on(ACCOUNT, AUTO, entropy()))
    except (DeadBmc, NoAnswer):
        return
    assert _is_usable(session, bmc.receive)


def test_a_dead_bmc_is_known_by_its_silence() -> None:
    """Neither ping nor log-on is answered: that is DeadBmc, within seconds."""
    network = Network(lambda _datagram, _now: None)
    with pytest.raises(DeadBmc):
        network.run(log_on(ACCOUNT, AUTO, entropy()))
    assert network.now < SECONDS_FOR_A_DEAD_ONE


def test_a_bmc_that_answers_no_ping_is_logged_on_to() -> None:
    """Some firmware has presence pings switched off: the log-on is tried all the same."""
    bmc = IpmiBmc(machine())
    network = Network(lambda datagram, now: None if datagram[3] == 0x06 else bmc.receive(datagram, now))
    assert _is_usable(network.run(log_on(ACCOUNT, AUTO, entropy())), bmc.receive)


def test_a_bmc_that_is_alive_and_does_not_log_on_is_not_dead() -> None:
    """A ping is answered and nothing else: NoAnswer."""
    bmc = IpmiBmc(machine())
    network = Network(lambda datagram, now: bmc.receive(datagram, now) if datagram[3] == 0x06 else None)
    with pytest.raises(NoAnswer):
        network.run(log_on(ACCOUNT, AUTO, entropy()))


@pytest.mark.parametrize("slow", [Payload.OPEN_REQUEST, Payload.RAKP1, Payload.RAKP3])
def test_a_bmc_that_is_slow_at_one_step_gets_the_time_it_needs(slow: Payload) -> None:
    """Each try waits longer for the step that went unanswered, until the answer is in time."""
    bmc = IpmiBmc(machine())

    def thinks(datagram: bytes) -> float:
        packet = parse_outside(datagram)
        return 1.5 if packet is not None and packet.payload_type == slow else 0.0

    network = Network(bmc.receive, thinks=thinks)
    assert _is_usable(network.run(log_on(ACCOUNT, AUTO, entropy())), bmc.receive)
    assert network.now < 10


def test_suite_3_is_tried_where_17_is_refused() -> None:
    """A BMC that says that it does not offer suite 17 is asked for 3."""
    bmc = IpmiBmc(machine(), suites=ipmi_session.SUITES[:1])
    network = Network(bmc.receive)
    session = network.run(log_on(ACCOUNT, AUTO, entropy()))

    assert session.suite == 3
    assert _kinds(network) == [Payload.OPEN_REQUEST, Payload.OPEN_REQUEST, Payload.RAKP1, Payload.RAKP3]


def test_suite_3_is_not_tried_where_17_is_not_answered() -> None:
    """Silence is no refusal: whoever drops packets can't bring the log-on down to the weaker suite."""
    bmc = IpmiBmc(machine())

    def deaf_to_17(datagram: bytes, now: float) -> bytes | None:
        packet = parse_outside(datagram)
        is_17 = packet is not None and packet.payload_type == Payload.OPEN_REQUEST and packet.payload[12] == 3
        return None if is_17 else bmc.receive(datagram, now)

    with pytest.raises(NoAnswer):
        Network(deaf_to_17).run(log_on(ACCOUNT, AUTO, entropy()))


def test_a_bmc_that_chooses_other_algorithms_is_refused() -> None:
    """Asked for suite 17, it opens with SHA1's: that is not what was proposed."""

    def other(datagram: bytes, now: float) -> bytes | None:
        packet = parse_outside(datagram)
        if packet is None or packet.payload_type != Payload.OPEN_REQUEST:
            return None
        chosen = b"".join(bytes([kind, 0, 0, 8, 1, 0, 0, 0]) for kind in range(3))
        return rmcp.plus(Payload.OPEN_RESPONSE, packet.payload[:1] + bytes(3) + packet.payload[4:8] + b"abcd" + chosen)

    with pytest.raises(SuiteRefused, match="other algorithms"):
        Network(other).run(log_on(ACCOUNT, (SUITE_17,), entropy()))


@pytest.mark.parametrize("suite", [SUITE_17, SUITE_3])
def test_a_wrong_password_is_told_from_an_unknown_user(suite: Suite) -> None:
    """Both are final, each with its own name, and neither leaves a session half open at the BMC."""
    bmc = IpmiBmc(machine())
    for account, failure in (
        (Account(ACCOUNT.name, b"wrong"), WrongPassword),
        (Account(b"nobody", ACCOUNT.password), UnknownUser),
    ):
        with pytest.raises(failure):
            Network(bmc.receive).run(log_on(account, (suite,), entropy()))
        assert bmc.open_sessions == 0


def test_a_bmc_without_a_free_session_is_asked_again_for_a_while() -> None:
    """All sessions in use: NoSessionSlot in the end, and a session when one becomes free in time."""
    bmc = IpmiBmc(machine(), sessions=1)
    held = Network(bmc.receive).run(log_on(ACCOUNT, AUTO, entropy(1)))
    with pytest.raises(NoSessionSlot):
        Network(bmc.receive).run(log_on(ACCOUNT, AUTO, entropy(2)))
    Network(bmc.receive).run(close(held))
    assert _is_usable(Network(bmc.receive).run(log_on(ACCOUNT, AUTO, entropy(3))), bmc.receive)


def test_when_the_time_is_up_the_last_word_of_the_bmc_stands() -> None:
    """Out of time while waiting for a free session is still NoSessionSlot."""
    bmc = IpmiBmc(machine(), sessions=0)
    with pytest.raises(NoSessionSlot):
        Network(bmc.receive, time_out=1.0).run(log_on(ACCOUNT, AUTO, entropy()))


def test_what_was_opened_by_half_is_given_back_when_the_time_is_up() -> None:
    """The BMC holds nothing of a log-on that ran out of time before its last message was answered."""
    bmc = IpmiBmc(machine())
    network = Network(bmc.receive, replies=frozenset({3}), time_out=0.4)
    with pytest.raises(DeadlineExceeded):
        network.run(log_on(ACCOUNT, AUTO, entropy()))
    assert bmc.open_sessions == 0


def test_status_codes_have_meanings() -> None:
    """Every status code of the log-on is an error with a name; suites are refused by the first answer only."""
    meanings = {code: type(of_status(code, is_opening=True)) for code in range(1, 0x20)}
    assert {meanings[code] for code in (0x01, 0x0B)} == {NoSessionSlot}
    assert {meanings[code] for code in (0x04, 0x05, 0x10, 0x11)} == {SuiteRefused}
    assert {meanings[code] for code in (0x09, 0x0A)} == {PrivilegeTooLow}
    assert {meanings[code] for code in (0x0C, 0x0D)} == {UnknownUser}
    assert (meanings[0x0F], meanings[0x12]) == (WrongPassword, Refusal)
    assert type(of_status(0x11, is_opening=False)) is Refusal
