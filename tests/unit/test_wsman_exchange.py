"""The strike over WS-Management on a simulated host, without a socket: flights, hosts that refuse, windows that close."""

import base64
import hashlib
import re
import struct
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exchanges import begun
from simulated import PASSWORD
from unloop.actions.compile import compile_order
from unloop.channels.ntlm.seal import SEAL
from unloop.channels.strike.exchange import Exchange
from unloop.channels.strike.wsman.authenticator import Bare
from unloop.channels.strike.wsman.bindings import end_point, for_ntlm
from unloop.errors import (
    AccessDenied,
    ChannelError,
    ConnectionLost,
    LogonRefused,
    LogonUndecided,
    ProtocolError,
    Unsupported,
)
from unloop.model.files import Disposition, FileOrder
from unloop.model.host import System
from unloop.model.order import Order, Shell
from unloop.model.power import BootIdentity
from unloop.model.report import ActionStatus, Verdict
from unloop.playbook.document import Playbook, Step
from unloop.rehearsal.events import Happening
from unloop.rehearsal.winrm import fault
from unloop.rehearsal.winrm.fault import Cause, Fault
from unloop.secrets.secret import Credential, Secret
from wsman_host import (
    CREDENTIAL,
    DOOR,
    SECURE_DOOR,
    Line,
    Meddled,
    certificate_of,
    exchange,
    ntlm_of,
    server_of,
    windows_machine,
)

FILE = "Windows/System32/drivers/x1.sys"
PLACE = ("Windows", "System32", "drivers", "x1.sys")
EXACT, GLOB = "C:\\Windows\\System32\\drivers\\x1.sys", "C:\\Windows\\System32\\drivers\\x*.sys"
BOOT = BootIdentity("2024-07-19T04:30:01.5Z", "windows:LastBootUpTime")
REGISTRY = Step("set_registry", {"path": "HKLM\\SYSTEM\\a\\b", "value": 1, "type": "REG_DWORD"})


def order(*steps: Step, **more: Any) -> Order:
    """An order of these actions."""
    return compile_order(Playbook("p", "t", System.WINDOWS, actions=steps, digest="d", **more), campaign="c1")


def aside(path: str, **guard: Any) -> Step:
    """Move files aside."""
    return Step("quarantine_file", {"path": path, **({"guard": guard} if guard else {})})


def line(**files: bytes) -> Line:
    """A connection to a host with these files, which is looked at for the bad file after each flight."""
    machine = windows_machine(**(files or {FILE: b"bad"}))
    return Line(server_of(machine), look=lambda: machine.files.exists(PLACE))


def root(connection: Line) -> list[str]:
    """The names at the root of C."""
    files = connection.server._wsman.host.machine.files
    return [node.name for node in files.children(()) if not node.is_directory]


def test_one_file_by_its_exact_name_goes_with_the_log_on() -> None:
    """Connect, greeting and challenge, then log-on and order in one: 2.5 round trips from connect() to the file moved."""
    connection = line()
    report, boot = connection.carry_out(exchange(order(aside(EXACT))))

    assert connection.flights == ["log on", "log on and rename", "query", "query"]
    assert connection.seen == [True, False, False, False]
    assert (report.verdict, boot) == (Verdict.LANDED, BOOT)
    (evidence,) = report.actions[0].files
    assert (evidence.path, evidence.size, evidence.modified) == (EXACT, 3, "2024-07-19T04:30:00+00:00")
    assert evidence.moved_to.startswith("C:\\unloop-quarantine-c1-")
    assert root(connection) == [evidence.moved_to[3:]]


def test_a_glob_takes_one_flight_more() -> None:
    """The listing goes with the log-on, every guard that it can answer is judged, and then the file moves."""
    connection = line(
        **{FILE: b"bad", "Windows/System32/drivers/x2.sys": b"longer", "Windows/System32/drivers/y.sys": b""}
    )
    report, boot = connection.carry_out(exchange(order(aside(GLOB, size={"max": 4}))))

    assert connection.flights == ["log on", "log on and query", "rename", "query"]
    assert connection.seen == [True, True, False, False]
    assert (report.verdict, boot) == (Verdict.LANDED, BOOT)
    judged = {file.path.rpartition("\\")[2]: file.judgement for file in report.actions[0].files}
    assert judged == {"x1.sys": "match", "x2.sys": "out_of_range"}


@pytest.mark.parametrize(
    ("steps", "more", "verdict"),
    [
        ([aside("C:\\Windows\\nothing.sys")], {}, Verdict.NO_MATCH),
        ([aside("C:\\Nowhere\\*.sys")], {}, Verdict.NO_MATCH),
        ([aside(GLOB, modified={"from": "2024-07-19T04:30:01Z"})], {}, Verdict.NO_MATCH),
        ([aside(GLOB, modified={"before": "2024-07-19T04:30:00Z"})], {}, Verdict.NO_MATCH),
        (
            [aside(GLOB, modified={"from": "2024-07-19T04:30:00Z", "before": "2024-07-19T04:30:01Z"})],
            {},
            Verdict.LANDED,
        ),
        ([aside(GLOB, unless_sibling_from="2024-07-19T04:30:00Z")], {}, Verdict.ALREADY_GOOD),
        ([aside(GLOB)], {"not_applicable_if": (Step("file_absent", {"": "C:\\sensor\\*"}),)}, Verdict.NOT_APPLICABLE),
        ([aside(GLOB)], {"already_good_if": (Step("file_present", {"": GLOB}),)}, Verdict.ALREADY_GOOD),
    ],
)
def test_guards_are_judged_before_anything_moves(steps: list[Step], more: dict[str, Any], verdict: Verdict) -> None:
    """Times, sizes, siblings and assessments are judged by the listing; what does not fit stays where it is."""
    connection = line()
    report, _ = connection.carry_out(exchange(order(*steps, **more)))
    assert report.verdict is verdict
    assert connection.seen[-1] is (verdict is not Verdict.LANDED)


def test_a_place_in_quarantine_that_is_taken_is_not_overwritten() -> None:
    """A second file of the same path goes beside the first, under the next name."""
    first = line()
    moved = first.carry_out(exchange(order(aside(EXACT))))[0].actions[0].files[0].moved_to
    for path in (EXACT, GLOB):
        again = line(**{FILE: b"again", moved[3:]: b"first"})
        report, _ = again.carry_out(exchange(order(aside(path))))
        assert report.verdict is Verdict.LANDED
        assert report.actions[0].files[0].moved_to == moved.replace(".q", "-1.q")
        assert sorted(root(again)) == sorted([moved[3:], moved[3:].replace(".q", "-1.q")])


def test_a_file_that_can_not_be_moved_is_a_failure_with_its_reason() -> None:
    """WMI's return value is about this very file, and nothing else is claimed."""
    connection = line()
    machine = connection.server._wsman.host.machine
    machine.files.write(("unloop-quarantine-c1",), b"", modified=machine.boot_time)
    other = order(aside(EXACT))
    assert other.files is not None
    bad = replace(other, files=(replace(other.files[0], quarantine="D:\\q\\c1"),))
    report, _ = connection.carry_out(exchange(bad))
    assert report.verdict is Verdict.FAILED
    assert "CIM_DataFile returned 13" in report.actions[0].message
    assert connection.seen[-1] is True


@pytest.mark.parametrize("guard", [{}, {"header": "62 61 64"}])
def test_a_file_that_somebody_holds_is_in_use(guard: dict[str, str]) -> None:
    """WMI returns it for the file, and a program tells it by a name: by the number of the error, not by its words."""
    connection = line()
    connection.server._wsman.host.machine.files.hold([PLACE])
    report, _ = connection.carry_out(exchange(order(aside(EXACT, **guard))))
    assert (report.verdict, connection.seen[-1]) == (Verdict.IN_USE, True)
    assert ("CIM_DataFile returned 15" if not guard else "-in_use.r") in report.why


def test_several_files_and_orders_land_in_turn() -> None:
    """Every match moves, one request each; a directory is listed once."""
    files = {f"Windows/System32/drivers/x{number}.sys": b"" for number in range(1, 4)} | {"a/b.txt": b""}
    connection = line(**files)
    report, _ = connection.carry_out(exchange(order(aside(GLOB), aside("C:\\a\\*.txt"))))
    assert connection.flights == [
        "log on",
        "log on and query",
        "query",
        "rename",
        "rename",
        "rename",
        "rename",
        "query",
    ]
    assert [action.status for action in report.actions] == [ActionStatus.CHANGED, ActionStatus.CHANGED]
    assert len(root(connection)) == 4


def test_names_that_wmi_could_misread_are_moved_all_the_same() -> None:
    """Quotes, brackets, percent signs, accents and emoji arrive as they are."""
    name = "it's [1] 100% _ü💾 &amp;.sys"
    for path in (f"C:\\d\\{name}", "C:\\d\\it's [1] 100% _ü*.sys"):
        connection = line(**{f"d/{name}": b"x"})
        odd = FileOrder("v", Disposition.QUARANTINE, path, quarantine="C:\\unloop-quarantine\\c1")
        report, _ = connection.carry_out(exchange(Order(digest="d", files=(odd,))))
        assert report.verdict is Verdict.LANDED
        assert connection.server._wsman.host.machine.files.children(("d",)) == ()


def test_a_listing_in_several_answers_is_pulled_to_its_end() -> None:
    """A directory that does not fit into one envelope is listed whole before anything is judged."""
    files = {f"d/{number:05}-{'n' * 120}.sys": b"" for number in range(700)} | {"d/x.sys": b"bad"}
    connection = line(**files)
    report, _ = connection.carry_out(
        exchange(order(aside("C:\\d\\x.sys", size={"min": 3, "max": 3}), aside("C:\\d\\nothing*")))
    )
    assert connection.flights[:4] == ["log on", "log on and query", "pull", "rename"]
    assert report.actions[0].status is ActionStatus.CHANGED


def test_a_remedy_beyond_wmi_runs_as_one_program() -> None:
    """Header and registry need the program: it is started with the log-on, and tells by the name of a file."""
    connection = line()
    report, boot = connection.carry_out(exchange(order(aside(GLOB, header="62 61"), REGISTRY)))
    assert connection.flights == ["log on", "log on and create", "query", "query"]
    assert connection.seen == [True, False, False, False]
    assert (report.verdict, report.actions, boot) == (Verdict.LANDED, (), BOOT)
    (told,) = root(connection)
    assert told.startswith("unloop-report-c1-")
    assert told.endswith("-landed.r")
    assert told in report.message
    content = connection.server._wsman.host.machine.files.stat((told,)).content.decode()
    assert content.startswith('unloop-report {"verdict":"landed"')
    assert '"moved_to":"C:\\\\unloop-quarantine\\\\c1\\\\' in content


@pytest.mark.parametrize(
    ("step", "verdict"),
    [
        (aside(GLOB, header="FF"), Verdict.SUSPICIOUS),
        (aside("C:\\Windows\\z*", header="FF"), Verdict.NO_MATCH),
        (aside(GLOB, header="FF", unless_sibling_from="2024-07-19T04:30:00Z"), Verdict.ALREADY_GOOD),
        (Step("delete_file", {"path": EXACT, "keep": "hash"}), Verdict.LANDED),
        (Step("put_file", {"path": EXACT, "content": "other"}), Verdict.SUSPICIOUS),
    ],
)
def test_every_verdict_of_a_program_comes_home(step: Step, verdict: Verdict) -> None:
    """The whole payload runs on the simulated host, judges every guard, and its name tells what it came to."""
    report, _ = line().carry_out(exchange(order(step)))
    assert report.verdict is verdict


def test_a_program_that_takes_its_time_is_waited_for() -> None:
    """Until the file is there under its final name, it is looked for again and again."""
    connection = line()
    files = connection.server._wsman.host.machine.files
    strike = exchange(order(aside(GLOB, header="62 61")))
    hidden: list[tuple[str, ...]] = []

    def hide() -> None:
        """The file has another name for two looks."""
        (name,) = [node.name for node in files.children(()) if not node.is_directory]
        hidden.append((name,))
        if len(hidden) == 1:
            files.rename((name,), (name.replace("-landed", "-part"),))
        elif len(hidden) == 3:
            files.rename((name,), (name.replace("-part", "-landed"),))

    connection.between = hide
    report, _ = connection.carry_out(strike)
    assert report.verdict is Verdict.LANDED
    assert connection.flights == ["log on", "log on and create", "query", "query", "query", "query"]


def never_telling() -> Line:
    """A connection to a host on which the program's file is gone before anybody sees it."""
    connection = line()
    files = connection.server._wsman.host.machine.files

    def look() -> None:
        for path in files.glob(("unloop-report-*",)):
            files.remove(path)

    connection.look = look
    return connection


@pytest.mark.parametrize("answers", [2, 3, 4, 60])
def test_what_was_started_is_sent_whatever_becomes_of_the_window(answers: int) -> None:
    """Once the host named a process, the order is out: a connection that ends then is no error."""
    connection = never_telling()
    connection.closes_after = answers
    report, boot = connection.carry_out(exchange(order(aside(GLOB, header="62 61"))))
    assert (report.verdict, boot) == (Verdict.SENT, BOOT if answers > 2 else None)
    assert report.message == (
        "process 4004 was started, and has not told what it came to: the host closed the connection"
    )


@pytest.mark.parametrize("trouble", [fault.TIMED_OUT, fault.BAD_FILTER, fault.ABORTED])
def test_a_fault_while_waiting_is_no_error_either(trouble: Cause) -> None:
    """WMI may be in trouble on a host that is about to crash; what was sent stays sent."""
    machine = windows_machine(**{FILE: b"bad"})
    connection = Line(server_of(machine, troubles={3: Fault(trouble)}))
    report, boot = connection.carry_out(exchange(order(aside(GLOB, header="62 61"))))
    assert (report.verdict, boot) == (Verdict.SENT, BOOT)


@pytest.mark.parametrize(("answers", "error"), [(0, ConnectionLost), (1, ConnectionLost)])
def test_a_window_that_closes_before_the_answer_is_an_error(answers: int, error: type[ChannelError]) -> None:
    """Nobody knows whether a program began, or a file was moved, that the host did not answer for."""
    for step in (aside(EXACT), aside(GLOB, header="62 61")):
        connection = line()
        connection.closes_after = answers
        with pytest.raises(error):
            connection.carry_out(exchange(order(step)))


@pytest.mark.parametrize("answers", [2, 3])
def test_what_has_landed_stays_landed(answers: int) -> None:
    """Boot and size are asked for after the move; a window that closes over them takes nothing from the report."""
    connection = line()
    connection.closes_after = answers
    report, boot = connection.carry_out(exchange(order(aside(EXACT))))
    assert (report.verdict, boot) == (Verdict.LANDED, BOOT if answers > 2 else None)
    assert report.actions[0].files[0].size == -1


DENIED = Fault(Cause("w:AccessDenied", 5, "Access is denied."))


def test_a_denial_is_an_error_while_nothing_was_changed_and_an_answer_afterwards() -> None:
    """An account that may not ask WMI is told apart from a file that may not be moved after others were."""
    with pytest.raises(AccessDenied):
        Line(server_of(windows_machine(**{FILE: b""}), troubles={1: DENIED})).carry_out(exchange(order(aside(GLOB))))
    machine = windows_machine(**{FILE: b"", "Windows/System32/drivers/x2.sys": b""})
    connection = Line(server_of(machine, troubles={3: DENIED}))
    report, _ = connection.carry_out(exchange(order(aside(GLOB))))
    assert report.verdict is Verdict.FAILED
    assert [bool(file.moved_to) for file in report.actions[0].files] == [True, False]


def test_a_list_of_files_that_there_is_not_is_not_an_empty_one() -> None:
    """A host without CIM_DataFile has not said that nothing matches."""
    connection = Line(server_of(windows_machine(**{FILE: b""}), troubles={1: Fault(fault.NOT_FOUND)}))
    with pytest.raises(ProtocolError):
        connection.carry_out(exchange(order(aside(GLOB))))


def credential(username: str = CREDENTIAL.username, password: str = PASSWORD, *, is_local: bool = True) -> Credential:
    """A credential."""
    return Credential("c", username, Secret(password), "a", is_local=is_local)


@pytest.mark.parametrize(("is_local", "error"), [(True, LogonRefused), (False, LogonUndecided)])
@pytest.mark.parametrize("is_basic", [False, True])
def test_a_wrong_password_is_judged_after_one_proof(
    *, is_local: bool, is_basic: bool, error: type[ChannelError]
) -> None:
    """A local account was refused; for a domain account perhaps nobody was there to judge. It is tried once."""
    wrong = credential(password="wrong", is_local=is_local)
    connection = line()
    machine = connection.server._wsman.host.machine
    connection.server = server_of(machine, is_secure=is_basic)
    strike = exchange(order(aside(EXACT)), door=replace(DOOR, credential=wrong), proof=ntlm_of(wrong))
    if is_basic:
        strike = exchange(order(aside(EXACT)), door=replace(SECURE_DOOR, credential=wrong), proof=Bare.basic(wrong))
        strike.bind(b"")
    with pytest.raises(error) as caught:
        connection.carry_out(strike)
    assert type(caught.value) is error
    assert [event.what for event in machine.log.events] == [Happening.LOGON_REFUSED]
    assert connection.seen[-1] is True


def meddled(change: Any, **more: Any) -> Line:
    """A connection whose answers are changed."""
    connection = line()
    connection.server = Meddled(server_of(connection.server._wsman.host.machine, **more), change)  # type: ignore[union-attr]
    return connection


def first(new: Any) -> Any:
    """Change the first answer alone."""
    return lambda number, answer: new(answer) if number == 1 else answer


def token(answer: bytes, change: Any) -> bytes:
    """An answer with another challenge."""
    found = re.search(rb"Negotiate ([A-Za-z0-9+/=]+)", answer)
    assert found is not None
    return answer.replace(found[1], base64.b64encode(change(base64.b64decode(found[1]))))


def unsealing(challenge: bytes) -> bytes:
    """A challenge that offers no sealing."""
    (flags,) = struct.unpack_from("<I", challenge, 20)
    return challenge[:20] + struct.pack("<I", flags & ~SEAL) + challenge[24:]


@pytest.mark.parametrize(
    ("new", "error"),
    [
        (lambda answer: re.sub(rb"Negotiate [^\r]+", b"Negotiate", answer), Unsupported),
        (lambda answer: re.sub(rb"Negotiate [^\r]+", b"Basic realm=W", answer), LogonUndecided),
        (lambda answer: re.sub(rb"WWW-Authenticate: [^\r]+\r\n", b"", answer), LogonUndecided),
        (lambda answer: answer.replace(b"keep-alive", b"close"), Unsupported),
        (lambda answer: token(answer, lambda _: b"\xa1\x81\xce\x30\x81\xcb"), Unsupported),
        (lambda answer: token(answer, unsealing), Unsupported),
        (lambda answer: token(answer, lambda challenge: challenge[:30]), ProtocolError),
        (lambda answer: re.sub(rb"Negotiate [^\r]+", b"Negotiate A", answer), ProtocolError),
        (lambda answer: answer.replace(b"401 Unauthorized", b"200 OK"), Unsupported),
        (lambda answer: answer.replace(b"401 Unauthorized", b"403 Forbidden"), AccessDenied),
        (lambda answer: answer.replace(b"401 Unauthorized", b"404 Not Found"), Unsupported),
        (lambda answer: answer.replace(b"401 Unauthorized", b"503 Busy"), ConnectionLost),
        (lambda answer: answer.replace(b"401 Unauthorized", b"500 Error"), ProtocolError),
        (lambda answer: b"SSH-2.0-x\r\n\r\n", ProtocolError),
        (lambda answer: b"", ConnectionLost),
    ],
)
def test_a_host_that_greets_otherwise_is_sent_nothing_more(new: Any, error: type[ChannelError]) -> None:
    """SPNEGO alone, no sealing, no keeping of the connection, another service: nothing that changes anything is sent."""
    connection = meddled(first(new))
    with pytest.raises(error) as caught:
        connection.carry_out(exchange(order(aside(EXACT))))
    assert type(caught.value) is error
    assert connection.flights == ["log on"]
    assert connection.seen == [True]


def second(new: Any) -> Any:
    """Change the second answer alone."""
    return lambda number, answer: new(answer) if number == 2 else answer


@pytest.mark.parametrize(
    ("new", "error"),
    [
        (lambda answer: b"HTTP/1.1 500 Error\r\nContent-Length: 0\r\n\r\n", ProtocolError),
        (lambda answer: b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n", AccessDenied),
        (
            lambda answer: b"HTTP/1.1 200 OK\r\nContent-Type: application/soap+xml\r\nContent-Length: 4\r\n\r\n<a/>",
            ProtocolError,
        ),
        (lambda answer: answer[:-40] + b"x" + answer[-39:], ProtocolError),
        (lambda answer: answer.replace(b"HTTP-SPNEGO", b"HTTP-CredSSP?"), ProtocolError),
    ],
)
def test_an_answer_that_is_not_sealed_as_it_should_be_counts_for_nothing(new: Any, error: type[ChannelError]) -> None:
    """Nobody in between can say that a file was moved."""
    with pytest.raises(error):
        meddled(second(new)).carry_out(exchange(order(aside(EXACT))))


def test_a_host_that_forgets_a_log_on_has_not_refused_it() -> None:
    """A 401 after the account was taken says nothing of the password: the account must not be stopped for it."""
    forgotten = b"HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Negotiate\r\nContent-Length: 0\r\n\r\n"
    with pytest.raises(ConnectionLost):
        meddled(lambda number, answer: forgotten if number == 3 else answer).carry_out(exchange(order(aside(GLOB))))


def test_a_host_that_hangs_up_politely_is_asked_nothing_more() -> None:
    """Connection: close behind the answer to the move ends the exchange with what is known."""
    connection = meddled(second(lambda answer: answer.replace(b"keep-alive", b"close")))
    report, boot = connection.carry_out(exchange(order(aside(EXACT))))
    assert (report.verdict, boot, len(connection.flights)) == (Verdict.LANDED, None, 2)


def test_over_tls_the_log_on_is_bound_to_the_connection() -> None:
    """The host takes the proof on the connection for which it was made, and on no other one."""
    certificate = certificate_of("sha256")
    right = for_ntlm(end_point(certificate))
    for bindings, error in ((right, None), (for_ntlm(b"tls-server-end-point:other"), LogonRefused)):
        machine = windows_machine(**{FILE: b"bad"})
        connection = Line(server_of(machine, bindings=bindings, is_secure=True))
        strike = exchange(order(aside(EXACT)), door=SECURE_DOOR)
        strike.bind(certificate)
        if error is None:
            assert connection.carry_out(strike)[0].verdict is Verdict.LANDED
            assert connection.flights[:2] == ["log on", "log on and rename"]
        else:
            with pytest.raises(error):
                connection.carry_out(strike)


def test_over_tls_nothing_is_sent_unbound() -> None:
    """Without the host's certificate, or with one to which nothing can be bound, no log-on begins."""
    connection = line()
    with pytest.raises(Unsupported):
        connection.carry_out(exchange(order(aside(EXACT)), door=SECURE_DOOR))
    assert connection.flights == []
    for certificate in (b"", b"no certificate", certificate_of("ed25519")):
        with pytest.raises(Unsupported):
            exchange(order(aside(EXACT)), door=SECURE_DOOR).bind(certificate)


@pytest.mark.parametrize("name", ["sha256", "sha384", "sha512", "sha1"])
def test_the_hash_of_the_binding_is_that_of_the_certificate_s_signature(name: str) -> None:
    """As RFC 5929 says it, and as pyspnego's clients compute it: never weaker than SHA-256."""
    certificate = certificate_of(name)
    wanted = hashlib.new(name if name != "sha1" else "sha256", certificate).digest()
    assert end_point(certificate) == b"tls-server-end-point:" + wanted


def test_basic_proves_every_request_at_once() -> None:
    """Over TLS the first request carries proof and order, and each further one the proof again."""
    machine = windows_machine(**{FILE: b"bad"})
    connection = Line(server_of(machine, is_secure=True), look=lambda: machine.files.exists(PLACE))
    strike = exchange(order(aside(EXACT)), door=SECURE_DOOR, proof=Bare.basic(CREDENTIAL))
    strike.bind(certificate_of("sha256"))
    report, boot = connection.carry_out(strike)
    assert (report.verdict, boot) == (Verdict.LANDED, BOOT)
    assert connection.flights == ["log on and rename", "query", "query"]
    assert connection.seen[0] is False


def test_a_certificate_is_the_proof() -> None:
    """What TLS has shown is only named in the request (DSP0226 C.3.4)."""
    strike = exchange(order(aside(EXACT)), door=SECURE_DOOR, proof=Bare.certificate())
    strike.bind(certificate_of("sha256"))
    request = begun(strike.messages())
    assert isinstance(request, bytes)
    assert b"Authorization: http://schemas.dmtf.org/wbem/wsman/1/wsman/secprofile/https/mutual\r\n" in request


def test_an_order_without_a_way_is_refused_at_once() -> None:
    """Nothing is prepared for what can't land."""
    with pytest.raises(Unsupported):
        exchange(Order(digest="d", programs={Shell.SH: "true"}))


@given(st.integers(1, 4), st.integers(0, 900), st.binary(max_size=6), st.booleans())
@settings(max_examples=150, deadline=None)
def test_garbled_answers_end_as_errors_of_ours(number: int, place: int, change: bytes, is_program: bool) -> None:
    """Whatever is done to one answer, there is a report or one error; and after a program began there is a report."""
    step = aside(GLOB, header="62 61") if is_program else aside(EXACT)

    def garble(seen: int, answer: bytes) -> bytes:
        return answer[:place] + change + answer[place + len(change) :] if seen == number else answer

    connection = meddled(garble)
    connection.closes_after = 12
    try:
        report, _ = connection.carry_out(exchange(order(step)))
    except ChannelError:
        assert number <= 2
        return
    assert report.verdict in {Verdict.LANDED, Verdict.SENT}


def test_the_password_shows_nowhere() -> None:
    """Neither the strike nor its errors print what proves the account."""
    strike = exchange(order(aside(EXACT)))
    assert isinstance(strike, Exchange)
    assert PASSWORD not in repr(strike) + repr(strike._authenticator) + repr(strike._door)
