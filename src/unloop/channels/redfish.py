"""Redfish: power and one-time boot through a BMC's HTTPS service (DMTF DSP0266, ComputerSystem schema)."""

from dataclasses import dataclass
from typing import Any, ClassVar

from unloop.channels import redfish_boot as override
from unloop.channels.base import Deadline, Target
from unloop.channels.mapping import unusable
from unloop.channels.power import PowerChannel, not_open
from unloop.channels.redfish_errors import BAD_REQUEST, PRECONDITION_FAILED, Rejected
from unloop.channels.redfish_http import RedfishHttp
from unloop.channels.redfish_quirks import NOT_IN_THIS_STATE, quirk_of
from unloop.channels.switchboard import Switchboard
from unloop.channels.tls import TlsPolicy
from unloop.channels.uuid import canonical
from unloop.errors import (
    ChannelError,
    ConnectionLost,
    DeadlineExceeded,
    InputError,
    LogonUndecided,
    NotFound,
    Problem,
    ProtocolError,
    Unsupported,
)
from unloop.model.power import BootDevice, PowerState
from unloop.settings import fingerprint

ROOT = "/redfish/v1"
STATES = {"on": PowerState.ON, "off": PowerState.OFF}
RESETS = {PowerState.OFF: ("ForceOff",), PowerState.ON: ("On", "ForceOn")}


@dataclass(frozen=True, slots=True)
class RedfishOptions:
    """How to reach a BMC over Redfish.

    ``system``: the id of the computer system, where a service has several. ``tls_ca``, ``tls_fingerprint`` and
    ``insecure``: whom to trust (a PEM file, the SHA-256 of the certificate, or anybody).
    """

    system: str = ""
    tls_ca: str = ""
    tls_fingerprint: str = ""
    insecure: bool = False

    def __post_init__(self) -> None:
        if self.tls_fingerprint and fingerprint.plain(self.tls_fingerprint) is None:
            what = f"option tls_fingerprint of channel redfish is {self.tls_fingerprint!r}"
            raise InputError(Problem(what, hint=fingerprint.WRITTEN))


class RedfishChannel(PowerChannel):
    """Power over Redfish. Basic log-on with every request, so that no session is left behind on a BMC."""

    name: ClassVar[str] = "redfish"
    default_port: ClassVar[int] = 443
    title: ClassVar[str] = "Power and one-time boot over Redfish (HTTPS)"
    Options: ClassVar[type[RedfishOptions]] = RedfishOptions

    def __init__(self, target: Target, deadline: Deadline, switchboard: Switchboard | None = None) -> None:
        super().__init__(target, deadline, switchboard)
        self._settings: RedfishOptions = self.options
        self._http: RedfishHttp | None = None
        self._path = ""

    async def _connect(self) -> None:
        """Find the computer system; the first request proves the log-on."""
        if self.target.credential is None:
            raise LogonUndecided("no credential is given")
        settings = self._settings
        try:
            self._http = RedfishHttp(
                self.target.address,
                self.port,
                credential=self.target.credential,
                policy=TlsPolicy(settings.tls_ca, settings.tls_fingerprint, settings.insecure),
                deadline=self.deadline,
            )
        except InputError as error:
            raise unusable(error) from error
        self._path = await self._find_system()

    async def _disconnect(self) -> None:
        http, self._http = self._http, None
        if http is not None:
            await http.close()

    async def _look(self) -> PowerState:
        """PoweringOn and PoweringOff are changes under way."""
        system, _ = await self._system()
        return STATES.get(str(system.get("PowerState", "")).lower(), PowerState.CHANGING)

    async def _order(self, wanted: PowerState) -> None:
        """Order a reset of one kind. A refusal counts as success when the host is already as wanted."""
        system, _ = await self._system()
        kind, action = await self._action(system, RESETS[wanted])
        try:
            await self._service.send_once("POST", action, {"ResetType": kind})
        except Rejected as error:
            if error.status not in NOT_IN_THIS_STATE or await self._look() is not wanted:
                raise

    async def _uuid(self) -> str:
        system, _ = await self._system()
        return canonical(str(system.get("UUID") or ""))

    async def _override(self, device: BootDevice | None) -> None:
        """Change the boot override; when the answer was lost, what the service holds decides."""
        system, etag = await self._system()
        path, document, etag = await self._boot_resource(system, etag)
        boot = _boot(document) or _boot(system)
        quirk = quirk_of(str(system.get("Manufacturer") or ""), str(system.get("Model") or ""))
        try:
            await self._patch_boot(path, tuple(override.forms(device, boot, quirk)), etag)
        except (ConnectionLost, DeadlineExceeded):
            after, _ = await self._service.get(path)
            if not override.is_set(_boot(after), device):
                raise

    async def _patch_boot(self, path: str, forms: tuple[dict[str, str], ...], etag: str) -> None:
        """One form after the other: what a service refused, it did not do."""
        failure: ChannelError | None = None
        for form in forms:
            try:
                await self._patch(path, {"Boot": form}, etag)
            except Rejected as error:
                if error.status != BAD_REQUEST:
                    raise
                failure = failure or error
            else:
                return
        raise failure or Unsupported("the service takes no boot override")

    async def _patch(self, path: str, body: dict[str, Any], etag: str) -> None:
        *first, last = override.etags(etag)
        for tag in first:
            try:
                await self._service.send_once("PATCH", path, body, etag=tag, waits=True)
            except Rejected as error:
                if error.status != PRECONDITION_FAILED:
                    raise
            else:
                return
        await self._service.send_once("PATCH", path, body, etag=last, waits=True)

    async def _boot_resource(self, system: dict[str, Any], etag: str) -> tuple[str, dict[str, Any], str]:
        """Which resource takes boot changes: the system, or its Settings resource where that holds them (Lenovo)."""
        try:
            path = str(system["@Redfish.Settings"]["SettingsObject"]["@odata.id"])
            settings, of_settings = await self._service.get(path)
        except (KeyError, TypeError, NotFound):
            return self._path, system, etag
        if override.TARGET in _boot(settings):
            return path, settings, of_settings
        return self._path, system, etag

    async def _action(self, system: dict[str, Any], kinds: tuple[str, ...]) -> tuple[str, str]:
        """The reset type to order and where; raises Unsupported when the system says that it can't."""
        try:
            action = system["Actions"]["#ComputerSystem.Reset"]
            target = str(action["target"])
        except (KeyError, TypeError) as error:
            raise Unsupported("the system has no reset action") from error
        permitted = action.get("ResetType@Redfish.AllowableValues")
        if permitted is None and "@Redfish.ActionInfo" in action:
            permitted = _allowed(await self._service.get(str(action["@Redfish.ActionInfo"])))
        if not isinstance(permitted, list):
            return kinds[0], target
        for kind in kinds:
            if kind in permitted:
                return kind, target
        raise Unsupported(f"the system permits {', '.join(map(str, permitted))}, not {' or '.join(kinds)}")

    @property
    def _service(self) -> RedfishHttp:
        if self._http is None:
            raise not_open()
        return self._http

    async def _find_system(self) -> str:
        if self._settings.system:
            path = f"{ROOT}/Systems/{self._settings.system}"
            await self._service.get(path)
            return path
        collection, _ = await self._service.get(f"{ROOT}/Systems")
        try:
            members = [str(member["@odata.id"]) for member in collection["Members"]]
        except (KeyError, TypeError) as error:
            raise ProtocolError("the service lists no computer systems") from error
        if len(members) != 1:
            names = ", ".join(member.rpartition("/")[2] for member in members) or "none"
            raise Unsupported(f"the service has {len(members)} computer systems ({names}); name one (bmc_system)")
        return members[0]

    async def _system(self) -> tuple[dict[str, Any], str]:
        return await self._service.get(self._path)


def _boot(document: dict[str, Any]) -> dict[str, Any]:
    boot = document.get("Boot")
    return boot if isinstance(boot, dict) else {}


def _allowed(found: tuple[dict[str, Any], str]) -> list[Any] | None:
    """The reset types that an ActionInfo resource allows (DSP0266, ActionInfo schema)."""
    parameters = found[0].get("Parameters")
    for parameter in parameters if isinstance(parameters, list) else []:
        if isinstance(parameter, dict) and parameter.get("Name") == "ResetType":
            allowed = parameter.get("AllowableValues")
            return allowed if isinstance(allowed, list) else None
    return None
