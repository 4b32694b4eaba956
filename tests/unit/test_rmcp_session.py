"""A session with a BMC on a fake clock: queries are repeated, orders are not, and only the right answer is heard."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conversations import ACCOUNT, UUID, Bmc, Network, entropy, machine
from unloop.channels.rmcp import chassis
from unloop.channels.rmcp.failures import BmcBusy, NoAnswer, PrivilegeTooLow, Refusal, UnknownCommand, of_completion
from unloop.channels.rmcp.logon import log_on
from unloop.channels.rmcp.message import Command, request, response
from unloop.channels.rmcp.packet import is_pong, ping
from unloop.channels.rmcp.rakp import Login
from unloop.channels.rmcp.session import Session
from unloop.channels.rmcp.suite import SUITE_3, SUITE_17, Suite
from unloop.channels.rmcp.talk import QUERY_TRIES, close, order, query
from unloop.channels.rmcp.window import BEHIND, Window
from unloop.channels.uuid import same_uuid
from unloop.model.power import BootDevice, PowerState
from unloop.rehearsal import ipmi_commands, rmcp
from unloop.rehearsal.ipmi_bmc import IpmiBmc

OPERATOR = chassis.OPERATOR
UNKNOWN = Command("Nothing", 0x2C, 0x01)


def _logged_on(bmc: IpmiBmc, suite: Suite = SUITE_17) -> Session:
    return Network(bmc.receive).run(log_on(ACCOUNT, (suite,), entropy()))


@pytest.mark.parametrize("suite", [SUITE_17, SUITE_3])
def test_status_and_uuid_are_read(suite: Suite) -> None:
    """The machine is on, and its UUID is the one that it has."""
    bmc = IpmiBmc(machine())
    session, network = _logged_on(bmc, suite), Network(bmc.receive)
    assert chassis.power_state(network.run(query(session, chassis.STATUS))) is PowerState.ON
    assert same_uuid(chassis.system_uuid(network.run(query(session, chassis.SYSTEM_GUID))), UUID)


@pytest.mark.parametrize("device", list(BootDevice))
def test_a_boot_device_is_set_read_and_cleared(device: BootDevice) -> None:
    """What was set is what the BMC tells, and after clearing it tells none."""
    bmc = IpmiBmc(machine())
    session, network = _logged_on(bmc), Network(bmc.receive)
    for command, expected in ((chassis.set_boot_flags(device, uefi=True), device), (chassis.CLEAR_BOOT_FLAGS, None)):
        network.run(order(session, command, level=OPERATOR))
        assert chassis.boot_device(network.run(query(session, chassis.BOOT_FLAGS))) is expected


@pytest.mark.parametrize("lost", ["asks", "replies"])
def test_a_query_is_repeated_until_it_is_answered(lost: str) -> None:
    """Lost on either way it is asked again, with a session sequence number that the BMC has not seen."""
    bmc = IpmiBmc(machine())
    session, network = _logged_on(bmc), Network(bmc.receive, **{lost: frozenset(range(QUERY_TRIES - 1))})
    assert network.run(query(session, chassis.STATUS))
    assert len({datagram[10:14] for datagram in network.sent}) == len(network.sent) == QUERY_TRIES


def test_a_query_that_nobody_answers_ends() -> None:
    """After the last try: NoAnswer."""
    session = _logged_on(IpmiBmc(machine()))
    network = Network(lambda _datagram, _now: None)
    with pytest.raises(NoAnswer):
        network.run(query(session, chassis.STATUS))
    assert len(network.sent) == QUERY_TRIES


def test_an_order_is_sent_once_whatever_is_lost() -> None:
    """Nobody answers: the order stands alone on the wire, and NoAnswer says that it may have been carried out."""
    bmc = IpmiBmc(machine())
    session = _logged_on(bmc)
    Network(bmc.receive).run(order(session, chassis.CLEAR_BOOT_FLAGS, level=OPERATOR))
    network = Network(lambda _datagram, _now: None)
    with pytest.raises(NoAnswer, match="sent and not answered"):
        network.run(order(session, chassis.POWER_DOWN, level=OPERATOR))
    assert len(network.sent) == 1


def test_the_privilege_is_raised_for_the_first_order_only() -> None:
    """A session begins as user: the first order raises it, the second finds it raised; a query needs none of it."""
    bmc = IpmiBmc(machine())
    session, network = _logged_on(bmc), Network(bmc.receive)
    counts = []
    for script in (
        query(session, chassis.STATUS),
        order(session, chassis.CLEAR_BOOT_FLAGS, level=OPERATOR),
        order(session, chassis.CLEAR_BOOT_FLAGS, level=OPERATOR),
    ):
        network.run(script)
        counts.append(len(network.sent))
    assert counts == [1, 3, 4]


def test_a_level_above_the_one_logged_on_with_is_refused() -> None:
    """Who logged on as operator does not become administrator."""
    bmc = IpmiBmc(machine())
    session = _logged_on(bmc)
    with pytest.raises(PrivilegeTooLow):
        Network(bmc.receive).run(order(session, chassis.CLEAR_BOOT_FLAGS, level=0x04))


def test_a_late_answer_to_another_query_is_none() -> None:
    """The answer to the first query comes while the second waits: the second gets its own."""
    bmc = IpmiBmc(machine())
    session = _logged_on(bmc)
    network = Network(bmc.receive, replies=frozenset(range(QUERY_TRIES - 1)), late=frozenset({QUERY_TRIES - 1}))
    with pytest.raises(NoAnswer):
        network.run(query(session, chassis.STATUS))
    guid = network.run(query(session, chassis.SYSTEM_GUID))
    assert len(guid) == 16


def test_a_late_answer_to_a_query_that_was_repeated_counts() -> None:
    """The first try's answer came late, and saves the second try's wait."""
    bmc = IpmiBmc(machine())
    session, network = _logged_on(bmc), Network(bmc.receive, late=frozenset({0}), asks=frozenset({1}))
    assert network.run(query(session, chassis.STATUS))
    assert len(network.sent) == 2


def test_a_busy_bmc_is_asked_again_after_a_pause() -> None:
    """Node busy is no answer to a query; an order that met it was not carried out, and is not repeated."""
    bmc, answers = IpmiBmc(machine()), [b"\xc0", b"\xc0", b"\x00\x01"]
    session = _logged_on(bmc)
    asked = Network(_answering(bmc, answers))
    assert asked.run(query(session, chassis.STATUS)) == b"\x01"
    assert asked.now > 2.0
    ordered = Network(_answering(bmc, [b"\xc0"]))
    session.level = OPERATOR
    with pytest.raises(BmcBusy):
        ordered.run(order(session, chassis.POWER_UP, level=OPERATOR))
    assert len(ordered.sent) == 1


def _answering(bmc: IpmiBmc, answers: list[bytes]) -> Bmc:
    """The BMC, with these answers to whatever is asked within a session."""

    def receive(datagram: bytes, now: float) -> bytes | None:
        packet = rmcp.parse(datagram)
        assert isinstance(packet, rmcp.Packet)
        held = bmc._sessions[packet.session]
        message = rmcp.parse_message(held.unseal(packet) or b"")
        assert message is not None
        return held.seal(rmcp.response(message, answers.pop(0)))

    return receive


def test_the_end_of_a_session_is_asked_for_more_than_once() -> None:
    """Close Session is repeated when it may have been lost, and gives up quietly."""
    bmc = IpmiBmc(machine())
    session, network = _logged_on(bmc), Network(bmc.receive, asks=frozenset({0}))
    network.run(close(session))
    assert (len(network.sent), bmc.open_sessions) == (2, 0)
    Network(lambda _datagram, _now: None).run(close(session))


@settings(max_examples=200, deadline=None)
@given(bit=st.integers(0, 10_000), suite=st.sampled_from([SUITE_17, SUITE_3]))
def test_an_answer_with_one_bit_wrong_is_dropped(bit: int, suite: Suite) -> None:
    """Session id, sequence, payload, check value: whatever is altered, it is no answer. The true one still is."""
    bmc = IpmiBmc(machine())
    session = _logged_on(bmc, suite)
    message = session.next_message()
    answer = bmc.receive(session.seal(chassis.STATUS, message), 0.0)
    assert answer is not None
    altered = bytearray(answer)
    place = 32 + bit % (len(answer) * 8 - 32)
    altered[place // 8] ^= 1 << place % 8
    assert session.hear(bytes(altered), chassis.STATUS, message) is None
    assert session.hear(answer, chassis.STATUS, message) is not None
    assert session.hear(answer, chassis.STATUS, message) is None


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_hostile_datagrams_are_dropped(data: st.DataObject) -> None:
    """Noise, cut or altered answers, answers of another session: nothing raises, and nothing but the answer is heard."""
    bmc = IpmiBmc(machine())
    session, login = _logged_on(bmc), Login(ACCOUNT, SUITE_17, entropy(2))
    message = session.next_message()
    samples = [
        b"",
        bmc.receive(ping(3), 0.0) or b"",
        bmc.receive(login.open_request(), 0.0) or b"",
        bmc.receive(session.seal(chassis.SYSTEM_GUID, message), 0.0) or b"",
        session.seal(chassis.STATUS, message),
    ]
    datagram = bytearray(data.draw(st.sampled_from(samples)))
    for _ in range(data.draw(st.integers(0, 4))):
        if datagram:
            datagram[data.draw(st.integers(0, len(datagram) - 1))] = data.draw(st.integers(0, 255))
    hostile = bytes(datagram[: data.draw(st.integers(0, len(datagram)))]) + data.draw(st.binary(max_size=60))
    for hears in (login.hear_open, login.hear_rakp2, login.hear_rakp4):
        hears(hostile)
    assert session.hear(hostile, chassis.STATUS, message) is None
    is_pong(hostile, 3)


@given(payload=st.binary(max_size=64))
def test_any_payload_is_an_answer_or_none(payload: bytes) -> None:
    """Messages are told apart by addresses, command, sequence and both checksums; nothing raises."""
    response(payload, chassis.STATUS, 5)


def test_a_response_to_another_request_is_none() -> None:
    """Another sequence number, another command, a request that came back: none is the answer."""
    answer = bytes([0x81, 0x04, 0x7B, 0x20, 5 << 2, 0x01, 0x00, 0x21])
    answer += bytes([-sum(answer[3:]) & 0xFF])
    assert response(answer, chassis.STATUS, 5) == b"\x00\x21"
    assert response(answer, chassis.STATUS, 6) is None
    assert response(answer, chassis.SYSTEM_GUID, 5) is None
    assert response(request(chassis.STATUS, 5), chassis.STATUS, 5) is None


@given(numbers=st.lists(st.integers(-1, 80), max_size=60))
def test_a_sequence_number_counts_once(numbers: list[int]) -> None:
    """The window accepts a number once, and none that is too far behind the highest."""
    window, seen, highest = Window(), set[int](), 0
    for number in numbers:
        expected = number > 0 and number not in seen and highest - number <= BEHIND
        assert window.accepts(number) is expected
        if expected:
            seen.add(number)
            highest = max(highest, number)


def test_completion_codes_have_meanings() -> None:
    """Codes that mean nothing was done are told from those after which something may have been."""
    assert {type(of_completion(code, "x")) for code in (0xC0, 0xC4)} == {BmcBusy}
    assert {type(of_completion(code, "x")) for code in (0xC3, 0xCE, 0xD2)} == {NoAnswer}
    assert {type(of_completion(code, "x")) for code in (0xC1, 0xC2, 0xCC)} == {UnknownCommand}
    assert type(of_completion(0xD4, "x")) is PrivilegeTooLow
    refusal = of_completion(0xD5, "x")
    assert isinstance(refusal, Refusal)
    assert refusal.code == 0xD5


def test_an_unknown_command_is_unsupported() -> None:
    """What the BMC does not know is told with the command's name."""
    bmc = IpmiBmc(machine())
    assert (UNKNOWN.network_function, UNKNOWN.number) not in ipmi_commands.COMMANDS
    with pytest.raises(UnknownCommand, match="Nothing: completion code 0xc1"):
        Network(bmc.receive).run(query(_logged_on(bmc), UNKNOWN))


def test_no_password_shows() -> None:
    """Neither the account nor anything made of it prints the password."""
    assert ACCOUNT.password.decode() not in repr(ACCOUNT)
