"""Our Redfish channel against services that deviate as real ones do: it gets there, and nothing is done twice."""

import asyncio
import random
from collections.abc import Callable, Coroutine
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import pytest

import quirky
from quirky import Quirk, Quirky
from servers import free_port
from unloop.channels.base import Deadline, Target
from unloop.channels.redfish import RedfishChannel
from unloop.channels.reset import Pace, reset
from unloop.channels.switchboard import Switchboard
from unloop.clock import SystemClock
from unloop.errors import (
    Busy,
    ChannelError,
    ConnectionLost,
    LogonRefused,
    LogonUndecided,
    ProtocolError,
    Unsupported,
    UntrustedPeer,
)
from unloop.model.host import System
from unloop.model.power import BootDevice, PowerState
from unloop.rehearsal import redfish_bmc
from unloop.rehearsal.certificate import Issued, context_of, issue
from unloop.rehearsal.events import Happening
from unloop.rehearsal.filetree import FileTree
from unloop.rehearsal.machine import BootOverride, Machine
from unloop.rehearsal.scenario import generate
from unloop.secrets.secret import Credential, Secret

ADDRESS = "127.0.9.2"
USER, PASSWORD = "keeper", "a right password"
PACE = Pace(off=20, on=20, poll=0.02, again=2)
ResultT = TypeVar("ResultT")
Work = Callable[[RedfishChannel, Quirky], Coroutine[Any, Any, ResultT]]


@pytest.fixture(scope="module")
def issued(tmp_path_factory: pytest.TempPathFactory) -> tuple[Issued, Path]:
    """A certificate for the address, and the directory of its files."""
    directory = tmp_path_factory.mktemp("tls")
    made = issue([ADDRESS])
    (directory / "ca.pem").write_bytes(made.authority)
    (directory / "bmc.pem").write_bytes(made.server)
    return made, directory


def _machine() -> Machine:
    spec = replace(
        generate(1, 1, systems=(System.WINDOWS,))[0],
        services=(),
        bmc_username=USER,
        bmc_password=PASSWORD,
        off_seconds=0.02,
        on_seconds=0.02,
    )
    return Machine(spec, FileTree(case_sensitive=False), lambda _: False, random.Random(1))  # noqa: S311


class Setup:
    """How the channel meets the service."""

    def __init__(
        self, issued: tuple[Issued, Path], password: str = PASSWORD, *, is_local: bool = True, **options: str
    ) -> None:
        self.directory = issued[1]
        self.password, self.is_local = password, is_local
        self.options = options or {"tls_ca": str(self.directory / "ca.pem")}

    def run(self, work: Work[ResultT], *quirks: Quirk) -> ResultT:
        """Serve a machine behind these quirks, and do the work over an open channel."""
        return asyncio.run(self._run(work, quirks))

    async def _run(self, work: Work[ResultT], quirks: tuple[Quirk, ...]) -> ResultT:
        machine, port, board = _machine(), free_port(ADDRESS), Switchboard(spacing=0.0, poll=0.0)
        machine.start()
        service = Quirky(machine, *quirks)
        server = await redfish_bmc.serve_with(service, ADDRESS, port, context_of(self.directory / "bmc.pem"))
        credential = Credential("c", USER, Secret(self.password), "account", self.is_local)
        target = Target("host-1", ADDRESS, port, credential, self.options)
        try:
            async with RedfishChannel(target, Deadline.after(30), board) as channel:
                return await work(channel, service)
        finally:
            await machine.stop()
            server.close()
            await server.wait_closed()


async def _reset(channel: RedfishChannel, service: Quirky) -> tuple[int, list[str]]:
    """Take the host down and up: how often it went down, and the resets that were ordered."""
    await reset(channel, permit=lambda _: None, clock=SystemClock(), pace=PACE)
    assert await channel.power_state() is PowerState.ON
    kinds = [str(body["ResetType"]) for body in service.sent("POST")]
    return len(service.machine.log.times(Happening.POWER_OFF)), kinds


async def _boot(channel: RedfishChannel, service: Quirky) -> object:
    """Set one boot from the network: the override that the machine then has."""
    await channel.set_boot_once(BootDevice.NETWORK)
    return service.machine.state.get("boot_override")


ONCE = BootOverride(BootDevice.NETWORK)


@pytest.mark.parametrize(
    "quirks",
    [
        pytest.param((), id="none"),
        pytest.param((quirky.needs_slash,), id="slash"),
        pytest.param((quirky.redirecting,), id="redirect"),
        pytest.param((quirky.unchanged_is_refused,), id="409 for what is so already"),
        pytest.param((quirky.first(3, quirky.refusal(503, "x", **{"Retry-After": "0"}), method="GET"),), id="503"),
        pytest.param((quirky.first(2, quirky.refusal(400, "IDRAC.2.8.SYS518"), method="POST"),), id="SYS518"),
        pytest.param((quirky.first(1, None, method="GET"),), id="broken GET"),
    ],
)
def test_a_host_is_taken_down_and_up_once(issued: tuple[Issued, Path], quirks: tuple[Quirk, ...]) -> None:
    """Whatever the service does differently, the host goes down once and is on in the end."""
    downs, _ = Setup(issued).run(_reset, *quirks)
    assert downs == 1


@pytest.mark.parametrize("lost", [1, 2, 3])
def test_an_order_whose_answer_was_lost_is_looked_after(issued: tuple[Issued, Path], lost: int) -> None:
    """The connection breaks after the service acted: the state is read, and nothing is ordered a second time."""
    downs, kinds = Setup(issued).run(_reset, quirky.answer_lost("POST", lost))
    assert (downs, kinds) == (1, ["ForceOff", "On"])


def test_on_that_is_refused_after_off_is_ordered_again(issued: tuple[Issued, Path]) -> None:
    """Dell iDRAC10 answers 409 to On until it has settled: the order is repeated, the power-off is not."""

    def settling(service: Quirky, request: quirky.Request, follow: quirky.Next) -> quirky.Answer:
        ordered = [body["ResetType"] for body in service.sent("POST")]
        if request.method == "POST" and ordered[-1] == "On" and ordered.count("On") < 3:
            return quirky.refusal(409, "Base.1.8.ActionParameterValueConflict")
        return follow(request)

    downs, kinds = Setup(issued).run(_reset, settling)
    assert (downs, kinds) == (1, ["ForceOff", "On", "On", "On"])


def test_reset_types_are_read_where_they_stand(issued: tuple[Issued, Path]) -> None:
    """An ActionInfo resource offers ForceOn instead of On: that is what is ordered."""
    downs, kinds = Setup(issued).run(_reset, quirky.action_info)
    assert (downs, kinds) == (1, ["ForceOff", "ForceOn"])


def _is_unchanged(service: Quirky, boot: dict[str, Any]) -> bool:
    return boot.get("BootSourceOverrideEnabled") == service.service._boot()["BootSourceOverrideEnabled"]


def _continuous_only(document: dict[str, Any]) -> None:
    document["Boot"]["BootSourceOverrideEnabled@Redfish.AllowableValues"] = ["Disabled", "Continuous"]


BOOT_QUIRKS = {
    "none": (),
    "slash": (quirky.needs_slash,),
    "strong ETag": (quirky.etag_wanted(lambda given, own: given == own.removeprefix("W/")),),
    "no ETag": (quirky.etag_wanted(lambda given, _: given is None),),
    "ETag wanted": (quirky.etag_wanted(lambda given, own: given == own),),
    "Settings resource": (quirky.settings_resource,),
    "mode wanted, maker known": (
        quirky.made_by("AMI"),
        quirky.refuses_boot(lambda _, boot: "BootSourceOverrideMode" not in boot),
    ),
    "mode wanted, maker unknown": (quirky.refuses_boot(lambda _, boot: "BootSourceOverrideMode" not in boot),),
    "a task": (quirky.changes_take_a_while,),
    "answer lost": (quirky.answer_lost("PATCH"),),
}


@pytest.mark.parametrize("name", BOOT_QUIRKS)
def test_a_boot_override_is_set(issued: tuple[Issued, Path], name: str) -> None:
    """The machine boots from the network once, whatever form its service wants to be asked in."""
    assert Setup(issued).run(_boot, *BOOT_QUIRKS[name]) == ONCE


def test_enabled_is_left_out_where_it_may_not_be_repeated(issued: tuple[Issued, Path]) -> None:
    """A service that refuses Enabled when it would not change takes the target alone."""

    async def twice(channel: RedfishChannel, service: Quirky) -> object:
        await channel.set_boot_once(BootDevice.DISK)
        return await _boot(channel, service)

    assert Setup(issued).run(twice, quirky.refuses_boot(_is_unchanged)) == ONCE


def test_once_is_not_asked_of_a_service_without_it(issued: tuple[Issued, Path]) -> None:
    """Where every boot is all that is offered, that is set: it is owed to take it back, and clearing does."""

    async def set_and_clear(channel: RedfishChannel, service: Quirky) -> tuple[object, object]:
        override = await _boot(channel, service)
        await channel.clear_boot_once()
        return override, service.machine.state.get("boot_override")

    found = Setup(issued).run(set_and_clear, quirky.altered(_continuous_only))
    assert found == (BootOverride(BootDevice.NETWORK, once=False), None)


def test_a_virtual_cd_boots_as_the_service_calls_it(issued: tuple[Issued, Path]) -> None:
    """UsbCd where Cd is not among the targets."""

    async def media(channel: RedfishChannel, service: Quirky) -> object:
        await channel.set_boot_once(BootDevice.MEDIA)
        return service.machine.state.get("boot_override")

    quirks = (quirky.made_by("Supermicro", "X11DPT"), quirky.boots_from_usb_cd)
    assert Setup(issued).run(media, *quirks) == BootOverride(BootDevice.MEDIA)


def test_a_boot_change_that_is_refused_in_post_is_made_after_the_power_off(issued: tuple[Issued, Path]) -> None:
    """HPE iLO takes no boot change while the host is in POST: Busy then, and in a reset it comes between off and on."""
    in_post = quirky.refuses_boot(
        lambda service, _: service.machine.power is not PowerState.OFF,
        identifier="iLO.2.25.UnableToModifyDuringSystemPOST",
    )

    async def work(channel: RedfishChannel, service: Quirky) -> list[str]:
        with pytest.raises(Busy, match="UnableToModifyDuringSystemPOST"):
            await channel.set_boot_once(BootDevice.NETWORK)
        await reset(channel, permit=lambda _: None, clock=SystemClock(), pace=PACE, boot=BootDevice.NETWORK)
        while len(service.machine.log.times(Happening.BOOT)) < 2:
            await asyncio.sleep(0.01)
        return [str(event.detail["device"]) for event in service.machine.log.events if event.what is Happening.BOOT]

    assert Setup(issued).run(work, in_post) == ["disk", "network"]


def test_nothing_is_sent_to_another_service(issued: tuple[Issued, Path]) -> None:
    """A redirect to another service is an error: our password does not go there."""
    with pytest.raises(ProtocolError, match="sends us to another one"):
        Setup(issued).run(_reset, quirky.redirecting_elsewhere)


@pytest.mark.parametrize("where", ["https://127.0.9.200:1/redfish/v1/Systems/1", "http://127.0.9.2/x", "https://["])
def test_an_address_that_is_not_the_services_own_is_not_followed(issued: tuple[Issued, Path], where: str) -> None:
    """Whatever a resource says where to go on: only this service gets our password."""

    def misleading(_: Quirky, request: quirky.Request, follow: quirky.Next) -> quirky.Answer:
        if request.path.rstrip("/").endswith("/Systems"):
            return quirky.resource({"Members": [{"@odata.id": where}]})
        return follow(request)

    with pytest.raises(ProtocolError, match=r"another one|is none"):
        Setup(issued).run(_reset, misleading)


def test_a_refused_boot_change_is_told_in_the_services_words(issued: tuple[Issued, Path]) -> None:
    """When no form is taken, the first refusal is what people read."""
    with pytest.raises(ProtocolError, match=r"host-1 redfish: /redfish/v1/Systems/1: 400: Base\.1\.8\.Odd not so"):
        Setup(issued).run(_boot, quirky.refuses_boot(lambda *_: True, identifier="Base.1.8.Odd"))


def test_a_lost_boot_change_that_was_not_made_is_an_error(issued: tuple[Issued, Path]) -> None:
    """The connection broke before the service acted: reading the override back tells so."""
    with pytest.raises(ConnectionLost):
        Setup(issued).run(_boot, quirky.first(1, None, method="PATCH"))


@pytest.mark.parametrize(("is_local", "error"), [(True, LogonRefused), (False, LogonUndecided)])
def test_a_wrong_password_is_sent_once(
    issued: tuple[Issued, Path], *, is_local: bool, error: type[ChannelError]
) -> None:
    """A refused log-on is final: one request, no second try. Of a domain's account it says nothing for other BMCs."""
    seen: list[str] = []

    def count(_: Quirky, request: quirky.Request, follow: quirky.Next) -> quirky.Answer:
        seen.append(request.path)
        return follow(request)

    with pytest.raises(error):
        Setup(issued, "wrong", is_local=is_local).run(_reset, count)
    assert len(seen) == 1


def test_a_pinned_certificate_is_compared_before_anything_is_sent(issued: tuple[Issued, Path]) -> None:
    """With the right fingerprint the channel works; with another one the service hears no request."""
    right = issued[0].fingerprint
    assert Setup(issued, tls_fingerprint=right.upper()).run(_boot) == ONCE
    seen: list[str] = []

    def count(_: Quirky, request: quirky.Request, follow: quirky.Next) -> quirky.Answer:
        seen.append(request.path)
        return follow(request)

    with pytest.raises(UntrustedPeer, match=f"SHA-256 is {right}, not the one expected; nothing was sent"):
        Setup(issued, tls_fingerprint="0" * 64).run(_boot, count)
    assert seen == []


def test_an_unknown_authority_is_told_with_the_fingerprint(issued: tuple[Issued, Path], tmp_path: Path) -> None:
    """Whoever knows the certificate can pin it: its fingerprint stands in the message."""
    (tmp_path / "other.pem").write_bytes(issue([ADDRESS]).authority)
    with pytest.raises(UntrustedPeer, match=f"pin its SHA-256 {issued[0].fingerprint}"):
        Setup(issued, tls_ca=str(tmp_path / "other.pem")).run(_boot)


def test_authorities_that_can_t_be_read_make_the_channel_unusable(issued: tuple[Issued, Path], tmp_path: Path) -> None:
    """A file that is missing when it is needed is an error of the channel, with the host's name and the file's."""
    with pytest.raises(Unsupported, match=r"gone\.pem.*no authorities can be read"):
        Setup(issued, tls_ca=str(tmp_path / "gone.pem")).run(_boot)
