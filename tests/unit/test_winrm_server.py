"""The simulated WinRM server without a socket: log-on, WMI, shells, waiting, and no garbage that it can't stand."""

import base64
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulated import PASSWORD, USERNAME, machine_with
from unloop.model.host import Role
from unloop.rehearsal.events import Happening
from unloop.rehearsal.machine import Machine
from unloop.rehearsal.winrm import multipart, names
from unloop.rehearsal.winrm.server import WinrmServer
from winrm_client import (
    Answer,
    Client,
    Service,
    envelope,
    negotiate,
    post,
    read,
    receive_body,
    selecting,
    service_of,
    shell_of,
)

EVERY_FILE = "SELECT * FROM CIM_DataFile"
DRIVERS = ("Windows", "System32", "drivers")
IDENTIFY = (
    f'<s:Envelope xmlns:s="{names.SOAP}"><s:Header/><s:Body><i:Identify xmlns:i="{names.IDENTITY}"/></s:Body></s:Envelope>'
).encode()
SYSTEM, FILES, PROCESSES = (names.WMI + name for name in ("Win32_OperatingSystem", "CIM_DataFile", "Win32_Process"))
BAD = r"C:\Windows\System32\drivers\C-00000291-1.sys"


def machine() -> Machine:
    """A Windows host with files, services and updates."""
    made = machine_with({(*DRIVERS, "C-00000291-1.sys"): b"bad", (*DRIVERS, "good.sys"): b"good!", ("a.txt",): b""})
    made.state["services"] = {"WinRM": "running", "CSAgent": "stopped"}
    made.state["updates"] = {"KB5034439"}
    return made


@pytest.fixture
def service() -> Service:
    """The service of such a host."""
    return service_of(machine())


@pytest.fixture
def client(service: Service) -> Client:
    """A client of it."""
    return Client(service.server())


def refusals(service: Service) -> list[tuple[str, str]]:
    """Whose proofs were refused, and by whom."""
    events = [event for event in service.machine.log.events if event.what is Happening.LOGON_REFUSED]
    return [(event.detail["account"], event.detail["channel"]) for event in events]


def query(client: Client, text: str, most: int = 100) -> Answer:
    """Ask with WQL and take all that comes at once."""
    body = (
        f"<n:Enumerate><w:OptimizeEnumeration/><w:MaxElements>{most}</w:MaxElements>"
        f'<w:Filter Dialect="{names.WQL}">{text}</w:Filter></n:Enumerate>'
    )
    return client.call(names.ENUMERATE, f"{names.WMI}*", body=body)


def invoke(client: Client, resource: str, method: str, arguments: str = "", **selectors: str) -> Answer:
    """Call a method of WMI."""
    body = f'<p:{method}_INPUT xmlns:p="{resource}">{arguments}</p:{method}_INPUT>'
    return client.call(f"{resource}/{method}", resource, selecting(**selectors) if selectors else "", body)


# Log-on


def test_who_shows_nothing_is_asked_and_hung_up_on(service: Service) -> None:
    """The first unproven request gets 401 with an offer of Negotiate, and the connection ends."""
    server = service.server()
    answer = read(server.feed(post(envelope(names.GET, names.CONFIG), kind="application/soap+xml")))
    assert (answer.status, server.is_over) == (401, True)
    assert b"WWW-Authenticate: Negotiate\r\n" in answer.head
    assert b"Connection: close\r\n" in answer.head + b"\r\n"
    assert server.feed(post(b"")) == b""


@pytest.mark.parametrize("protocol", ["ntlm", "negotiate"])
def test_the_proof_and_a_sealed_message_come_together(service: Service, protocol: str) -> None:
    """A first token unasked, then the proof with the message: two requests in all, bare and in SPNEGO."""
    client = Client(service.server(), protocol=protocol)
    assert client.begin().status == 401
    answer = client.open(client.send(envelope(names.GET, SYSTEM)))
    assert (answer.status, answer.text("CSName")) == (200, "WS-1")


def test_a_proof_alone_opens_the_connection(service: Service) -> None:
    """An empty authenticated request is answered 200, and later ones need no further proof."""
    client = Client(service.server())
    client.begin()
    token, client._token = client._token, b""
    assert read(client.server.feed(post(b"", authorization=negotiate(token)))).status == 200
    for _ in range(3):
        assert client.call(names.GET, SYSTEM).status == 200


def test_a_wrong_password_is_refused_and_noted(service: Service) -> None:
    """401, the connection ends, nothing is done, and the account's refusals are counted."""
    client = Client(service.server(), right=False)
    client.begin()
    answer = read(client.send(envelope(f"{FILES}/Delete", FILES, selecting(Name=BAD))))
    assert (answer.status, client.server.is_over) == (401, True)
    assert service.machine.files.exists((*DRIVERS, "C-00000291-1.sys"))
    assert refusals(service) == [(USERNAME, "winrm")]


def test_a_token_without_a_proof_is_no_refused_proof(service: Service) -> None:
    """Garbage is turned away, and nobody's account is counted for it."""
    for token in (b"", b"garbage", b"NTLMSSP\0\3\0\0\0" + bytes(60)):
        assert read(service.server().feed(post(b"", authorization=negotiate(token)))).status == 401
    assert read(service.server().feed(post(b"", authorization="Negotiate !!"))).status == 401
    assert refusals(service) == []


def test_no_message_goes_in_the_clear_without_tls(service: Service) -> None:
    """Over plain HTTP a proven client that seals nothing gets 500, as from Windows, and nothing is done."""
    client = Client(service.server())
    client.begin()
    bare = envelope(f"{FILES}/Delete", FILES, selecting(Name=BAD))
    answer = read(client.server.feed(post(bare, kind="application/soap+xml", authorization=negotiate(client._token))))
    assert (answer.status, answer.body) == (500, b"")
    assert service.machine.files.exists((*DRIVERS, "C-00000291-1.sys"))


def test_a_message_sealed_with_other_keys_is_bad(service: Service) -> None:
    """400, and the connection is of no more use."""
    client = Client(service.server())
    client.call(names.GET, SYSTEM)
    body = multipart.wrap(envelope(names.GET, SYSTEM), lambda data: (bytes(16), data))
    assert read(client.server.feed(post(body, kind=multipart.CONTENT_TYPE))).status == 400
    assert client.server.is_over


def test_basic_is_for_tls_only(service: Service) -> None:
    """Over TLS the right password is let in, a wrong one is refused and noted; without TLS nothing is judged."""
    right, wrong = (base64.b64encode(f"{USERNAME}:{word}".encode()).decode() for word in (PASSWORD, "wrong"))
    message = envelope(names.GET, SYSTEM)

    def status(authorization: str, *, is_secure: bool) -> int:
        door = service.door(basic=PASSWORD if is_secure else "")
        server = WinrmServer(service.wsman, door, lambda: None, is_secure=is_secure)
        return read(server.feed(post(message, kind="application/soap+xml", authorization=authorization))).status

    assert status(f"Basic {right}", is_secure=True) == 200
    assert status(f"Basic {wrong}", is_secure=True) == 401
    assert status(f"Basic {right}", is_secure=False) == 401
    assert refusals(service) == [(USERNAME, "winrm")]


@pytest.mark.parametrize(
    ("path", "more"), [("/wsman-anon/identify", ""), ("/wsman", "WSMANIDENTIFY: unauthenticated\r\n")]
)
def test_anybody_may_ask_what_this_is(service: Service, path: str, more: str) -> None:
    """Identify is answered without a log-on, and without the version."""
    answer = read(service.server().feed(post(IDENTIFY, path=path, more=more)))
    assert (answer.status, answer.text("ProductVersion")) == (200, "OS: 0.0.0 SP: 0.0 Stack: 3.0")


def test_who_is_proven_learns_the_version(client: Client) -> None:
    """Identify in a proven connection names the system."""
    assert client.open(client.send(IDENTIFY)).text("ProductVersion") == "OS: 10.0.20348 SP: 0.0 Stack: 3.0"


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"GET /wsman HTTP/1.1\r\nHost: x\r\n\r\n", 405),
        (post(b"", path="/"), 404),
        (b"nonsense\r\n\r\n", 400),
        (b"POST /wsman HTTP/1.1\r\nContent-Length: 600000\r\n\r\n", 413),
        (post(b"", path="/wsman-anon/identify"), 400),
        (post(envelope(names.GET, SYSTEM), path="/wsman-anon/identify"), 401),
    ],
)
def test_other_requests(service: Service, data: bytes, status: int) -> None:
    """Another method, another path, too much: each has its status, and the connection ends."""
    server = service.server()
    assert (read(server.feed(data)).status, server.is_over) == (status, True)


# WMI


def test_the_system_tells_its_boot(service: Service, client: Client) -> None:
    """LastBootUpTime is the machine's boot, in the form of xs:dateTime; a domain controller says that it is one."""
    service.machine.boot_time = service.machine.boot_time.replace(microsecond=500_000)
    answer = query(client, "SELECT LastBootUpTime, ProductType FROM Win32_OperatingSystem")
    expected = service.machine.boot_time.strftime("%Y-%m-%dT%H:%M:%S.5Z")
    assert (answer.text("LastBootUpTime"), answer.text("ProductType")) == (expected, "3")
    object.__setattr__(service.machine.spec, "role", Role.DOMAIN_CONTROLLER)
    assert query(client, "SELECT ProductType FROM Win32_OperatingSystem").text("ProductType") == "2"


def test_files_are_found_by_directory_and_pattern(client: Client) -> None:
    """A projection comes as fragments with just the properties that were asked for."""
    answer = query(
        client,
        r"SELECT Name, FileSize, LastModified, CreationDate FROM CIM_DataFile WHERE Drive='c:' AND "
        r"Path='\\windows\\system32\\drivers\\' AND FileName LIKE 'C-00000291%' AND Extension='sys'",
    )
    found = [[(item.tag.rpartition("}")[2], item.text) for item in part] for part in _fragments(answer)]
    assert found == [[("Name", BAD.lower()), ("FileSize", "3"), ("LastModified", None), ("CreationDate", None)]]
    assert answer.text("LastModified") == answer.text("CreationDate") == "2024-07-19T04:30:00Z"


def _fragments(answer: Answer) -> list[object]:
    return [item for item in answer.document.iter() if item.tag.endswith("}XmlFragment")]


@pytest.mark.parametrize(
    ("text", "names_found"),
    [
        ("SELECT Name FROM Win32_Service WHERE State = 'Running'", ["WinRM"]),
        ("SELECT HotFixID FROM Win32_QuickFixEngineering", ["KB5034439"]),
        ("SELECT Name FROM CIM_DataFile WHERE FileSize > 4", [r"c:\windows\system32\drivers\good.sys"]),
        (r"SELECT Name FROM CIM_DataFile WHERE Path = '\\'", [r"c:\a.txt"]),
        (r"SELECT Name FROM CIM_DataFile WHERE Name = 'C:\\A.TXT'", [r"c:\a.txt"]),
        (r"SELECT Name FROM CIM_DataFile WHERE Path = '\\none\\'", []),
        ("SELECT Handle FROM Win32_Process", []),
    ],
)
def test_queries(client: Client, text: str, names_found: list[str]) -> None:
    """Services, updates and files, by what they are."""
    assert [part[0].text for part in _fragments(query(client, text.replace(">", "&gt;")))] == names_found  # type: ignore[index]


def test_an_enumeration_is_pulled_to_its_end(client: Client) -> None:
    """A context first, then items as many as were asked for, and the end; afterwards the context is unknown."""
    context = client.call(names.ENUMERATE, f"{names.WMI}Win32_Service", body="<n:Enumerate/>").text(
        "EnumerationContext"
    )
    body = f"<n:Pull><n:EnumerationContext>{context}</n:EnumerationContext><n:MaxElements>1</n:MaxElements></n:Pull>"
    answers = [client.call(names.PULL, f"{names.WMI}Win32_Service", body=body) for _ in range(3)]
    assert [b"EndOfSequence" in answer.body for answer in answers] == [False, True, False]
    assert [answer.code for answer in answers] == [0, 0, 2150858779]
    context = client.call(names.ENUMERATE, f"{names.WMI}Win32_Service", body="<n:Enumerate/>").text(
        "EnumerationContext"
    )
    release = f"<n:Release><n:EnumerationContext>{context}</n:EnumerationContext></n:Release>"
    assert client.call(names.RELEASE, f"{names.WMI}Win32_Service", body=release).status == 200
    assert client.call(names.PULL, f"{names.WMI}Win32_Service", body=body).code == 2150858779


def test_what_does_not_fit_an_answer_is_kept_for_the_next(service: Service, client: Client) -> None:
    """An answer stays below MaxEnvelopeSize, and the rest can be pulled."""
    for number in range(60):
        service.machine.files.write((*DRIVERS, f"{'x' * 60}{number}"), b"", modified=service.machine.boot_time)
    body = (
        "<n:Enumerate><w:OptimizeEnumeration/><w:MaxElements>1000</w:MaxElements>"
        f'<w:Filter Dialect="{names.WQL}">{EVERY_FILE}</w:Filter></n:Enumerate>'
    )
    answer = client.call(names.ENUMERATE, f"{names.WMI}*", body=body, size="20000")
    assert len(answer.body) <= 20_000
    assert b"EndOfSequence" not in answer.body


def test_a_file_is_deleted_renamed_and_copied(service: Service, client: Client) -> None:
    """The methods of CIM_DataFile act on the machine's tree and return 0."""
    assert (
        invoke(client, FILES, "Rename", r"<p:FileName>C:\b.txt</p:FileName>", Name=r"c:\A.txt").text("ReturnValue")
        == "0"
    )
    assert (
        invoke(client, FILES, "Copy", r"<p:FileName>C:\c.txt</p:FileName>", Name=r"C:\b.txt").text("ReturnValue") == "0"
    )
    assert invoke(client, FILES, "Delete", Name=BAD).text("ReturnValue") == "0"
    files = service.machine.files
    assert [node.name for node in files.children(()) if not node.is_directory] == ["b.txt", "c.txt"]
    assert [node.name for node in files.children(DRIVERS)] == ["good.sys"]


@pytest.mark.parametrize(
    ("method", "target", "expected"),
    [
        ("Rename", r"C:\Windows\System32\drivers\good.sys", "10"),
        ("Copy", r"C:\Windows\System32\drivers\good.sys", "10"),
        ("Rename", r"D:\x.txt", "13"),
        ("Rename", r"C:\none\x.txt", "9"),
        ("Rename", "x.txt", "9"),
        ("Rename", r"C:\x?.txt", "9"),
        ("Rename", "", "21"),
    ],
)
def test_what_a_file_can_not_become(service: Service, client: Client, method: str, target: str, expected: str) -> None:
    """Taken names, other drives, missing directories and bad names each have their return value; nothing moves."""
    answer = invoke(client, FILES, method, f"<p:FileName>{target}</p:FileName>", Name=BAD)
    assert answer.text("ReturnValue") == expected
    assert service.machine.files.stat((*DRIVERS, "C-00000291-1.sys")).content == b"bad"


def test_a_read_only_file_is_not_deleted(service: Service, client: Client) -> None:
    """2 is access denied."""
    service.machine.files.change(("a.txt",), modified=service.machine.boot_time, read_only=True)
    assert invoke(client, FILES, "Delete", Name=r"C:\a.txt").text("ReturnValue") == "2"


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (r"cmd.exe /c del /f /q C:\Windows\System32\drivers\C-00000291*.sys", "0"),
        (r"del C:\Windows\System32\drivers\C-00000291-1.sys", "9"),
        ("nothing.exe", "9"),
        ("", "21"),
    ],
)
def test_processes_are_started(service: Service, client: Client, line: str, code: str) -> None:
    """A program runs at once and has a number; a command of cmd's own is no program."""
    answer = invoke(client, PROCESSES, "Create", f"<p:CommandLine>{line}</p:CommandLine>")
    assert answer.text("ReturnValue") == code
    assert bool(answer.text("ProcessId")) is (code == "0")
    assert service.machine.files.exists((*DRIVERS, "C-00000291-1.sys")) is (code != "0")


def test_a_restart_over_wmi_is_ordered(service: Service, client: Client) -> None:
    """shutdown.exe as a process restarts the machine after its time."""
    invoke(client, PROCESSES, "Create", "<p:CommandLine>shutdown.exe /r /t 3</p:CommandLine>")
    assert service.restarts == [3.0]


@pytest.mark.parametrize(
    ("action", "resource", "more", "code"),
    [
        (names.GET, f"{names.WMI}Win32_Nothing", "", 2150858752),
        (names.GET, FILES, selecting(Name=r"C:\none"), 2150858752),
        (names.GET, FILES, "", 2150859002),
        (names.GET, FILES, selecting(Size="1"), 2150858843),
        (names.GET, f"{names.MICROSOFT}/wmi/root/nothing/Win32_Service", "", 2150858778),
        (names.GET, f"{names.WMI}*", "", 2150859003),
        (names.GET, "urn:nothing", "", 2150858754),
        (f"{FILES}/Delete", FILES, selecting(Name=r"C:\none"), 2150858752),
        (f"{FILES}/Explode", FILES, selecting(Name=BAD), 2150858771),
        ("urn:nothing", names.CONFIG, "", 2150858771),
        (names.CREATE, "http://schemas.microsoft.com/powershell/Other", "", 2150858754),
        (names.DELETE, names.CMD_SHELL, shell_of("1"), 2150858843),
        (names.ENUMERATE, f"{names.WMI}*", "", 2150858791),
    ],
)
def test_faults(client: Client, action: str, resource: str, more: str, code: int) -> None:
    """What there is none of is told in Windows' numbers, sealed like any answer."""
    answer = client.call(action, resource, more)
    assert (answer.status, answer.code) == (500, code)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("SELECT * FROM Win32_Nothing", 2150858752),
        ("SELECT Nothing FROM Win32_Service", 2150859042),
        ("SELECT * FROM", 2150859042),
        ("SELECT * FROM Win32_Service WHERE Nothing = 1", 2150859042),
    ],
)
def test_queries_that_fail(client: Client, text: str, code: int) -> None:
    """An unknown class, an unknown property, and what is no query."""
    assert query(client, text).code == code


def test_the_configuration_is_told(client: Client) -> None:
    """MaxEnvelopeSizekb, by which clients size their messages."""
    assert client.call(names.GET, names.CONFIG).text("MaxEnvelopeSizekb") == "500"


# Shells


def received(client: Client, shell: str, command: str, **options: str) -> Answer:
    """What a command says next."""
    return client.call(names.RECEIVE, names.CMD_SHELL, shell_of(shell), receive_body(command), **options)


def streams(answer: Answer) -> dict[str, str]:
    """The streams of an answer, put together."""
    found: dict[str, str] = {}
    for name, text in re.findall(rb'<rsp:Stream Name="(\w+)"[^>]*>([^<]*)<', answer.body):
        found[name.decode()] = found.get(name.decode(), "") + base64.b64decode(text).decode()
    return found


def test_a_command_runs_in_a_shell(client: Client) -> None:
    """Create, Command, Receive until done, Signal, Delete."""
    shell = client.new_shell()
    command = client.command(shell, "echo hi &amp; foo")
    answer = received(client, shell, command)
    assert streams(answer)["stdout"] == "hi \r\n"
    assert streams(answer)["stderr"].startswith("'foo' is not recognized")
    assert (b"CommandState/Done" in answer.body, answer.text("ExitCode")) == (True, "1")
    signal = f'<rsp:Signal CommandId="{command}"><rsp:Code>{names.SHELL}/signal/terminate</rsp:Code></rsp:Signal>'
    assert client.call(names.SIGNAL, names.CMD_SHELL, shell_of(shell), signal).status == 200
    assert received(client, shell, command).code == 2150858843
    assert client.call(names.DELETE, names.CMD_SHELL, shell_of(shell)).status == 200
    assert client.call(names.GET, names.SHELL, shell_of(shell)).code == 2150858843


def test_long_output_comes_in_several_answers(service: Service, client: Client) -> None:
    """None is larger than the client allows, and together they are all of it."""
    service.machine.files.write(("a.txt",), b"0123456789" * 20_000, modified=service.machine.boot_time)
    shell = client.new_shell()
    command = client.command(shell, r"type C:\a.txt")
    text, done = "", False
    while not done:
        answer = received(client, shell, command, size="60000")
        assert len(answer.body) <= 60_000
        text += streams(answer).get("stdout", "")
        done = b"CommandState/Done" in answer.body
    assert text == "0123456789" * 20_000


def test_a_receive_waits_until_its_time_is_over(service: Service, client: Client) -> None:
    """No answer at first, then 2150858793 when OperationTimeout has passed, and output when the command has any."""
    shell = client.new_shell()
    command = client.command(shell, "powershell -Command Start-Sleep 10")
    message = envelope(names.RECEIVE, names.CMD_SHELL, shell_of(shell), receive_body(command), timeout="PT4S")
    server = client.server
    assert client.send(message) == b""
    assert server.due == service.clock.now + 4
    service.clock.now += 3.9
    assert server.poll() == b""
    service.clock.now += 0.1
    assert client.open(server.poll()).code == 2150858793
    assert (client.send(message), server.due) == (b"", service.clock.now + 4)
    service.clock.now += 4
    assert client.open(server.poll()).code == 2150858793
    assert (client.send(message), server.due) == (b"", service.clock.now + 2)
    service.clock.now += 2
    assert b"CommandState/Done" in client.open(server.poll()).body
    assert (server.poll(), server.due) == (b"", None)


def test_requests_behind_one_that_waits_are_answered_after_it(service: Service, client: Client) -> None:
    """HTTP answers in order."""
    shell = client.new_shell()
    command = client.command(shell, "powershell -Command Start-Sleep 10")
    client.send(envelope(names.RECEIVE, names.CMD_SHELL, shell_of(shell), receive_body(command)))
    assert client.send(envelope(names.GET, SYSTEM)) == b""
    service.clock.now += 10
    assert client.server.poll().count(b"HTTP/1.1 200 OK") == 2


def test_deleting_a_shell_ends_what_waits_for_it(service: Service) -> None:
    """The Receive of another connection is woken and aborted (995)."""
    woken: list[int] = []
    waiting, other = Client(service.server(lambda: woken.append(1))), Client(service.server())
    shell = waiting.new_shell()
    command = waiting.command(shell, "powershell -Command Start-Sleep 10")
    assert waiting.send(envelope(names.RECEIVE, names.CMD_SHELL, shell_of(shell), receive_body(command))) == b""
    assert other.call(names.DELETE, names.CMD_SHELL, shell_of(shell)).status == 200
    assert woken == [1]
    assert waiting.open(waiting.server.poll()).code == 995


def test_a_command_is_stopped(service: Service, client: Client) -> None:
    """Ctrl-C ends a command that still runs, with the code that Windows gives it."""
    shell = client.new_shell()
    command = client.command(shell, "powershell -Command Start-Sleep 10")
    signal = f'<rsp:Signal CommandId="{command}"><rsp:Code>{names.SHELL}/signal/ctrl_c</rsp:Code></rsp:Signal>'
    client.call(names.SIGNAL, names.CMD_SHELL, shell_of(shell), signal)
    assert received(client, shell, command).text("ExitCode") == "-1073741510"


def test_a_program_is_read_from_what_is_sent(client: Client) -> None:
    """Input is collected until its end; only then the command runs."""
    shell = client.new_shell()
    command = client.command(shell, "powershell -NoProfile -")
    for text, end in (("Write-Output ", "false"), ("'sent'", "true")):
        data = base64.b64encode(text.encode()).decode()
        body = f'<rsp:Send><rsp:Stream Name="stdin" CommandId="{command}" End="{end}">{data}</rsp:Stream></rsp:Send>'
        assert client.call(names.SEND, names.CMD_SHELL, shell_of(shell), body).status == 200
    assert streams(received(client, shell, command))["stdout"] == "sent\r\n"


def test_shells_are_listed_counted_and_end_with_the_boot(service: Service, client: Client) -> None:
    """A shell is told of, thirty are allowed at once, and none outlives a boot."""
    shells = [client.new_shell() for _ in range(30)]
    assert client.call(names.GET, names.SHELL, shell_of(shells[0])).text("ShellId") == shells[0]
    body = "<n:Enumerate><w:OptimizeEnumeration/><w:MaxElements>100</w:MaxElements></n:Enumerate>"
    assert client.call(names.ENUMERATE, names.SHELL, body=body).body.count(b"<rsp:ShellId>") == 30
    assert client.call(names.CREATE, names.CMD_SHELL, body="<rsp:Shell/>").code == 2150859174
    service.machine.boots += 1
    assert client.call(names.GET, names.SHELL, shell_of(shells[0])).code == 2150858843
    assert client.new_shell()


def test_a_client_that_is_gone_is_not_waited_for(service: Service, client: Client) -> None:
    """What waited is dropped, and nobody is woken any more."""
    woken: list[int] = []
    client = Client(service.server(lambda: woken.append(1)))
    shell = client.new_shell()
    command = client.command(shell, "powershell -Command Start-Sleep 10")
    client.send(envelope(names.RECEIVE, names.CMD_SHELL, shell_of(shell), receive_body(command)))
    client.server.lost()
    Client(service.server()).call(names.DELETE, names.CMD_SHELL, shell_of(shell))
    assert (woken, client.server.due, client.server.poll()) == ([], None, b"")


# Hostile input


@given(st.binary(max_size=300), st.sampled_from(["", "Negotiate ", "Basic ", "Negotiate TlRMTVNTUAAB", "NTLM "]))
def test_garbage_ends_the_connection_at_worst(data: bytes, scheme: str) -> None:
    """Bytes of any kind get an answer, or nothing yet."""
    service = service_of(machine())
    token = scheme + base64.b64encode(data[:60]).decode() if scheme else ""
    foreign = post(data, authorization="Basic x").replace(b"Basic x", b"Negotiate \xe4")
    for sent in (data, post(data), post(data, authorization=token), post(data, path="/wsman-anon/identify"), foreign):
        assert isinstance(service.server().feed(sent), bytes)


@settings(deadline=None)
@given(
    st.sampled_from(
        [names.GET, names.ENUMERATE, names.PULL, names.CREATE, names.COMMAND, names.SEND, names.RECEIVE, names.SIGNAL]
    ),
    st.sampled_from([names.CMD_SHELL, names.POWERSHELL_SHELL, SYSTEM, FILES, f"{names.WMI}*", names.SHELL, "urn:x"]),
    st.text(max_size=40),
    st.binary(max_size=120),
)
def test_garbled_messages_of_a_proven_client_are_stood(action: str, resource: str, text: str, data: bytes) -> None:
    """Whatever is asked of whatever, with any text and any bytes inside, is answered; the connection goes on."""
    client = Client(service_of(machine()).server())
    shell = client.new_shell()
    plain = "".join(character for character in text if character.isprintable() and character not in "<&\"'")
    coded = base64.b64encode(data).decode()
    bodies = (
        f"<n:Enumerate><w:OptimizeEnumeration/><w:MaxElements>{plain}</w:MaxElements></n:Enumerate>",
        f'<n:Enumerate><w:Filter Dialect="{names.WQL}">{plain}</w:Filter></n:Enumerate>',
        f'<rsp:Shell ShellId="{plain}"><creationXml xmlns="{names.POWERSHELL}">{coded}</creationXml></rsp:Shell>',
        f'<rsp:CommandLine CommandId="{plain}"><rsp:Command>{plain}</rsp:Command></rsp:CommandLine>',
        f'<rsp:Send><rsp:Stream Name="stdin" CommandId="{plain}">{coded}{plain}</rsp:Stream></rsp:Send>',
        f'<rsp:Signal CommandId="{plain}"><rsp:Code>{plain}</rsp:Code></rsp:Signal>',
        f'<rsp:Receive><rsp:DesiredStream CommandId="{plain}">{plain}</rsp:DesiredStream></rsp:Receive>',
        "",
    )
    for body in bodies:
        answer = client.call(action, resource, shell_of(shell), body)
        assert answer.status in {200, 500}
        assert answer.body
    assert client.call(names.GET, SYSTEM).status == 200
