"""The simulated BMCs' cores without a network: what they refuse, limit, forget and report."""

import base64
import json
import random

from hypothesis import given, settings
from hypothesis import strategies as st

from unloop.model.host import System
from unloop.model.power import BootDevice, PowerState
from unloop.rehearsal import rmcp
from unloop.rehearsal.filetree import FileTree
from unloop.rehearsal.http1 import Request, Response
from unloop.rehearsal.ipmi_bmc import HALF_OPEN, IpmiBmc
from unloop.rehearsal.machine import BootOverride, Machine
from unloop.rehearsal.redfish_service import SESSIONS, SYSTEM, RedfishService
from unloop.rehearsal.spec import Kind, MachineSpec

UUID = "8f14e45f-ceea-467f-a0e6-1d2c3b4a5968"
BASIC = {"authorization": "Basic " + base64.b64encode(b"admin:right").decode()}


def _machine(*, is_busy: bool = False) -> Machine:
    spec = MachineSpec(
        name="a",
        address="127.0.0.1",
        bmc_address="127.0.0.1",
        system=System.WINDOWS,
        kind=Kind.LOOPING,
        uuid=UUID,
        bmc_uuid=UUID,
        username="u",
        password="p",
        services=(),
        boot_seconds=1,
        boot_jitter=0,
        window_seconds=1,
        window_jitter=0,
        bmc_password="right",
        is_bmc_busy=is_busy,
    )
    machine = Machine(spec, FileTree(case_sensitive=False), lambda _: True, random.Random(1))  # noqa: S311
    machine.power = PowerState.ON
    return machine


def _ask(service: RedfishService, method: str, path: str, body: object = None, **headers: str) -> Response:
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    content = json.dumps(body).encode() if body is not None else b""
    return service.answer(Request(method, path, {**BASIC, **names}, content), now=0.0)


def _open_request(suite: tuple[int, int, int] = (1, 1, 1)) -> bytes:
    algorithms = b"".join(bytes([kind, 0, 0, 8, number, 0, 0, 0]) for kind, number in enumerate(suite))
    return rmcp.plus(rmcp.Payload.OPEN_REQUEST, bytes([7, 4, 0, 0]) + b"abcd" + algorithms)


def test_ipmi_answers_a_presence_ping() -> None:
    """A ping finds a live BMC without a log-on."""
    pong = IpmiBmc(_machine()).receive(bytes.fromhex("0600ff06000011be80050000"), now=0.0)
    assert pong is not None
    assert (pong[8], pong[9], pong[20]) == (0x40, 0x05, 0x81)


def test_ipmi_drops_what_is_no_packet() -> None:
    """Noise, cut packets and sessions that don't exist get no answer and break nothing."""
    bmc = IpmiBmc(_machine())
    good = _open_request()
    noise = [
        b"",
        b"\x06",
        bytes(40),
        bytes.fromhex("0600ff06000011be"),
        good[:12],
        good[:-5],
        good[:6] + b"\x01\x02\x03\x04" + good[10:],
    ]
    assert [bmc.receive(datagram, now=0.0) for datagram in noise] == [None] * len(noise)


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_ipmi_survives_any_datagram(data: st.DataObject) -> None:
    """Whatever bytes come, cut or altered at will, the BMC answers or drops them and lives on."""
    bmc = IpmiBmc(_machine())
    ping = bytes.fromhex("0600ff06000011be80050000")
    question = rmcp.plain(bytes.fromhex("20 18 c8 81 04 38 8e 04 b1"))
    datagram = bytearray(data.draw(st.sampled_from([ping, question, _open_request(), b""])))
    for _ in range(data.draw(st.integers(0, 3))):
        if datagram:
            datagram[data.draw(st.integers(0, len(datagram) - 1))] = data.draw(st.integers(0, 255))
    cut = bytes(datagram[: data.draw(st.integers(0, len(datagram)))]) + data.draw(st.binary(max_size=40))
    bmc.receive(cut, now=0.0)
    assert bmc.receive(ping, now=0.0) is not None


def test_ipmi_sessions_are_few_and_half_open_ones_are_forgotten() -> None:
    """One more than the limit is refused for want of resources, until abandoned log-ons have timed out."""
    bmc = IpmiBmc(_machine(), sessions=2)
    replies = [bmc.receive(_open_request(), now=0.0) for _ in range(3)]
    assert [reply[17] for reply in replies if reply] == [0, 0, 0x01]
    later = bmc.receive(_open_request(), now=HALF_OPEN + 1)
    assert later is not None
    assert later[17] == 0


def test_ipmi_refuses_suites_that_it_does_not_offer() -> None:
    """Suite 0 (no authentication) is no way in."""
    reply = IpmiBmc(_machine()).receive(_open_request((0, 0, 0)), now=0.0)
    assert reply is not None
    assert reply[17] == 0x11


def test_redfish_root_is_open_and_the_rest_is_not() -> None:
    """Only the service root is told to strangers."""
    service = RedfishService(_machine())
    assert service.answer(Request("GET", "/redfish/v1/", {}), now=0.0).status == 200
    refused = service.answer(Request("GET", SYSTEM, {}), now=0.0)
    assert (refused.status, "WWW-Authenticate" in refused.headers) == (401, True)


def test_redfish_tells_the_uuid_and_the_transition() -> None:
    """The system's document names its UUID and what its power does now."""
    machine = _machine()
    service = RedfishService(machine)
    document = json.loads(_ask(service, "GET", SYSTEM).body)
    assert (document["UUID"], document["PowerState"]) == (UUID, "On")
    machine.power = PowerState.CHANGING
    assert json.loads(_ask(service, "GET", SYSTEM).body)["PowerState"] == "PoweringOff"


def test_redfish_boot_change_wants_the_current_etag() -> None:
    """A change with a stale ETag is refused; with the right one it is made, and read back."""
    machine = _machine()
    service = RedfishService(machine)
    etag = _ask(service, "GET", SYSTEM).headers["ETag"]
    change = {"Boot": {"BootSourceOverrideTarget": "Pxe", "BootSourceOverrideEnabled": "Once"}}
    assert _ask(service, "PATCH", SYSTEM, change, if_match='W/"stale"').status == 412
    assert _ask(service, "PATCH", SYSTEM, change, if_match=etag).status == 204
    assert machine.state["boot_override"] == BootOverride(BootDevice.NETWORK)
    assert json.loads(_ask(service, "GET", SYSTEM).body)["Boot"]["BootSourceOverrideTarget"] == "Pxe"
    assert _ask(service, "PATCH", SYSTEM, {"Boot": {"BootSourceOverrideTarget": "Floppy"}}).status == 400
    assert _ask(service, "PATCH", SYSTEM, {"PowerState": "Off"}).status == 400


def test_redfish_sessions_are_few_and_persist() -> None:
    """The session after the last is refused until one is deleted; a token opens what Basic opens."""
    service = RedfishService(_machine(), sessions=2)
    account = {"UserName": "admin", "Password": "right"}
    replies = [_ask(service, "POST", SESSIONS, account) for _ in range(3)]
    assert [reply.status for reply in replies] == [201, 201, 503]
    token = replies[0].headers["X-Auth-Token"]
    by_token = service.answer(Request("GET", SYSTEM, {"x-auth-token": token}), now=0.0)
    assert by_token.status == 200
    assert _ask(service, "DELETE", replies[0].headers["Location"]).status == 204
    assert service.answer(Request("GET", SYSTEM, {"x-auth-token": token}), now=0.0).status == 401
    assert _ask(service, "POST", SESSIONS, account).status == 201
    assert _ask(service, "POST", SESSIONS, {"UserName": "admin", "Password": "wrong"}).status == 401


def test_redfish_busy_bmc_says_so_now_and_then() -> None:
    """A busy BMC turns one GET in six away with 503 and Retry-After."""
    service = RedfishService(_machine(is_busy=True))
    replies = [_ask(service, "GET", SYSTEM) for _ in range(12)]
    assert [reply.status for reply in replies].count(503) == 2
    assert all(reply.headers["Retry-After"] == "1" for reply in replies if reply.status == 503)


def test_redfish_refuses_what_it_does_not_allow() -> None:
    """A reset type that is not offered, a body that is no JSON, a path that is not there."""
    service = RedfishService(_machine())
    action = f"{SYSTEM}/Actions/ComputerSystem.Reset"
    assert _ask(service, "POST", action, {"ResetType": "Nmi"}).status == 400
    assert service.answer(Request("POST", action, BASIC, b"\xff{"), now=0.0).status == 400
    assert _ask(service, "GET", "/redfish/v1/Nothing").status == 404
    assert _ask(service, "DELETE", SYSTEM).status == 405
