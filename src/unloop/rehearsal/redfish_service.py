"""A simulated Redfish service over one machine: requests in, responses out (DMTF DSP0266, ComputerSystem 1.13)."""

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any

from unloop.model.power import BootDevice, PowerState
from unloop.rehearsal.http1 import Request, Response
from unloop.rehearsal.machine import BootOverride, Machine, Phase
from unloop.rehearsal.redfish_sessions import RedfishSession, Sessions

ROOT = "/redfish/v1"
SYSTEM = f"{ROOT}/Systems/1"
SESSIONS = f"{ROOT}/SessionService/Sessions"
RESET_TYPES = ("On", "ForceOff", "ForceRestart", "PowerCycle")
_TARGETS = {"Pxe": BootDevice.NETWORK, "Cd": BootDevice.MEDIA, "Hdd": BootDevice.DISK}
_ENABLED = ("Disabled", "Once", "Continuous")
_MODES = ("UEFI", "Legacy")
_BUSY_EVERY = 6
"""A busy BMC turns away each sixth GET."""


class RedfishService:
    """The resources of one BMC and what may be done with them."""

    def __init__(self, machine: Machine, *, sessions: int = 6) -> None:
        spec = machine.spec
        self._machine = machine
        self._sessions = Sessions(spec.bmc_username, spec.bmc_password, most=sessions)
        self._mode = "UEFI"
        self._gets = 0

    def answer(self, request: Request, now: float) -> Response:
        """Carry out one request."""
        path = request.path.rstrip("/") or "/"
        if request.method == "GET" and path in _OPEN:
            return _json(_OPEN[path](self._machine.spec.bmc_uuid))
        if request.method == "POST" and path in {SESSIONS, f"{SESSIONS}/Members"}:
            return self._log_on(request, now)
        if not self._sessions.permits(request.headers, now):
            return _error(HTTPStatus.UNAUTHORIZED, "Base.1.8.NoValidSession", "log on first", **_CHALLENGE)
        if request.method == "GET" and self._is_busy():
            text = "The system is busy; ask again."
            return _error(HTTPStatus.SERVICE_UNAVAILABLE, "IDRAC.2.8.SYS503", text, **{"Retry-After": "1"})
        return self._route(request, path, now)

    def _is_busy(self) -> bool:
        self._gets += 1
        return self._machine.spec.is_bmc_busy and self._gets % _BUSY_EVERY == 0

    def _route(self, request: Request, path: str, now: float) -> Response:
        if request.method == "GET":
            return self._get(path)
        if path == SYSTEM and request.method == "PATCH":
            return self._patch(request)
        if path == f"{SYSTEM}/Actions/ComputerSystem.Reset" and request.method == "POST":
            return self._reset(request)
        number = re.fullmatch(rf"{SESSIONS}/(\d+)", path)
        if number and request.method == "DELETE" and self._sessions.close(number[1]):
            return Response(HTTPStatus.NO_CONTENT)
        known = path == SYSTEM or path.startswith(SESSIONS)
        status = HTTPStatus.METHOD_NOT_ALLOWED if known else HTTPStatus.NOT_FOUND
        return _error(status, "Base.1.8.ResourceMissingAtURI", f"there is nothing to {request.method} at {path}")

    def _get(self, path: str) -> Response:
        if path == SYSTEM:
            document = self._system()
            return _json(document, ETag=str(document["@odata.etag"]))
        if path == f"{ROOT}/Systems":
            return _json(_collection(path, "ComputerSystemCollection", [SYSTEM]))
        if path == f"{ROOT}/SessionService":
            service = {
                "@odata.type": "#SessionService.v1_1_8.SessionService",
                "Id": "SessionService",
                "Name": "Sessions",
            }
            return _json({"@odata.id": path, **service, "ServiceEnabled": True, "Sessions": {"@odata.id": SESSIONS}})
        if path == SESSIONS:
            members = [f"{SESSIONS}/{number}" for number in self._sessions.held]
            return _json(_collection(path, "SessionCollection", members))
        held = self._sessions.held.get(path.removeprefix(f"{SESSIONS}/"))
        if held is not None:
            return _json(_session(held, self._sessions.username))
        return _error(HTTPStatus.NOT_FOUND, "Base.1.8.ResourceMissingAtURI", f"there is nothing at {path}")

    def _log_on(self, request: Request, now: float) -> Response:
        wanted = _object(request)
        if wanted is None or not self._sessions.matches(wanted.get("UserName"), wanted.get("Password")):
            text = "user name or password is wrong"
            return _error(HTTPStatus.UNAUTHORIZED, "Base.1.8.ResourceAtUriUnauthorized", text)
        session = self._sessions.open(now)
        if session is None:
            text = "all sessions are in use"
            return _error(HTTPStatus.SERVICE_UNAVAILABLE, "Base.1.8.SessionLimitExceeded", text)
        headers = {"X-Auth-Token": session.token, "Location": f"{SESSIONS}/{session.number}"}
        return _json(_session(session, self._sessions.username), HTTPStatus.CREATED, **headers)

    def _system(self) -> dict[str, Any]:
        boot = self._boot()
        etag = hashlib.sha256(json.dumps(boot, sort_keys=True).encode()).hexdigest()[:16]
        action = {"target": f"{SYSTEM}/Actions/ComputerSystem.Reset", "ResetType@Redfish.AllowableValues": RESET_TYPES}
        return {
            "@odata.id": SYSTEM,
            "@odata.type": "#ComputerSystem.v1_13_0.ComputerSystem",
            "@odata.etag": f'W/"{etag}"',
            "Id": "1",
            "Name": "System",
            "SystemType": "Physical",
            "UUID": self._machine.spec.bmc_uuid,
            "PowerState": self._power(),
            "Status": {"State": "Enabled", "Health": "OK"},
            "Boot": boot,
            "Actions": {"#ComputerSystem.Reset": action},
        }

    def _power(self) -> str:
        if self._machine.power is PowerState.CHANGING:
            return "PoweringOff" if self._machine.phase is Phase.OFF else "PoweringOn"
        return "On" if self._machine.power is PowerState.ON else "Off"

    def _boot(self) -> dict[str, Any]:
        override: BootOverride | None = self._machine.state.get("boot_override")
        target = next((name for name, device in _TARGETS.items() if override and override.device is device), "None")
        enabled = "Disabled" if override is None else "Once" if override.once else "Continuous"
        return {
            "BootSourceOverrideEnabled": enabled,
            "BootSourceOverrideTarget": target,
            "BootSourceOverrideMode": self._mode,
            "BootSourceOverrideTarget@Redfish.AllowableValues": ["None", *_TARGETS],
            "BootSourceOverrideMode@Redfish.AllowableValues": list(_MODES),
        }

    def _patch(self, request: Request) -> Response:
        wanted = _object(request)
        boot = wanted.get("Boot") if wanted is not None and set(wanted) == {"Boot"} else None
        if not isinstance(boot, dict):
            return _error(HTTPStatus.BAD_REQUEST, "Base.1.8.PropertyNotWritable", "only Boot may be changed")
        if request.headers.get("if-match", "*") not in {"*", self._system()["@odata.etag"]}:
            text = "the resource has changed since it was read"
            return _error(HTTPStatus.PRECONDITION_FAILED, "Base.1.8.PreconditionFailed", text)
        now = self._boot()
        enabled = boot.get("BootSourceOverrideEnabled", now["BootSourceOverrideEnabled"])
        target = boot.get("BootSourceOverrideTarget", now["BootSourceOverrideTarget"])
        mode = boot.get("BootSourceOverrideMode", self._mode)
        if set(boot) - set(now) or enabled not in _ENABLED or mode not in _MODES or target not in {"None", *_TARGETS}:
            return _error(HTTPStatus.BAD_REQUEST, "Base.1.8.PropertyValueNotInList", "a value is not allowed here")
        self._mode = mode
        if enabled == "Disabled" or target == "None":
            self._machine.state.pop("boot_override", None)
        else:
            self._machine.state["boot_override"] = BootOverride(_TARGETS[target], once=enabled == "Once")
        return Response(HTTPStatus.NO_CONTENT)

    def _reset(self, request: Request) -> Response:
        wanted = _object(request) or {}
        kind = wanted.get("ResetType")
        if kind not in RESET_TYPES:
            return _error(HTTPStatus.BAD_REQUEST, "Base.1.8.ActionParameterNotSupported", f"ResetType {kind!r}")
        if self._do(str(kind)):
            return Response(HTTPStatus.NO_CONTENT)
        text = f"ResetType {kind} is not possible while the power state is {self._power()}"
        return _error(HTTPStatus.CONFLICT, "Base.1.8.ActionParameterValueConflict", text)

    def _do(self, kind: str) -> bool:
        """Carry out a reset; False when it conflicts with the power state. Reaching a state that is reached is fine."""
        machine = self._machine
        if kind == "ForceOff":
            machine.power_off()
            return True
        if kind == "On":
            return machine.power_on() or machine.power is not PowerState.CHANGING
        return machine.hard_reset() if kind == "ForceRestart" else machine.power_cycle()


def _versions(uuid: str) -> dict[str, Any]:
    return {"v1": f"{ROOT}/"}


def _service_root(uuid: str) -> dict[str, Any]:
    return {
        "@odata.id": f"{ROOT}/",
        "@odata.type": "#ServiceRoot.v1_9_0.ServiceRoot",
        "Id": "RootService",
        "Name": "Root Service",
        "RedfishVersion": "1.11.0",
        "UUID": uuid,
        "Systems": {"@odata.id": f"{ROOT}/Systems"},
        "SessionService": {"@odata.id": f"{ROOT}/SessionService"},
        "Links": {"Sessions": {"@odata.id": SESSIONS}},
    }


_OPEN: Mapping[str, Callable[[str], dict[str, Any]]] = {"/redfish": _versions, ROOT: _service_root}
"""What may be read without a log-on."""
_CHALLENGE = {"WWW-Authenticate": 'Basic realm="redfish"'}


def _session(session: RedfishSession, username: str) -> dict[str, Any]:
    head = {"@odata.id": f"{SESSIONS}/{session.number}", "@odata.type": "#Session.v1_3_0.Session"}
    return {**head, "Id": session.number, "Name": "User session", "UserName": username}


def _collection(path: str, kind: str, members: list[str]) -> dict[str, Any]:
    head = {"@odata.id": path, "@odata.type": f"#{kind}.{kind}", "Name": kind}
    return {**head, "Members@odata.count": len(members), "Members": [{"@odata.id": member} for member in members]}


def _object(request: Request) -> dict[str, Any] | None:
    try:
        document = json.loads(request.body)
    except ValueError:
        return None
    return document if isinstance(document, dict) else None


def _json(document: Mapping[str, Any], status: HTTPStatus = HTTPStatus.OK, **headers: str) -> Response:
    every = {"Content-Type": "application/json; charset=utf-8", "OData-Version": "4.0", "Cache-Control": "no-cache"}
    return Response(status, json.dumps(document).encode(), {**every, **headers})


def _error(status: HTTPStatus, identifier: str, text: str, **headers: str) -> Response:
    info = {"@odata.type": "#Message.v1_1_1.Message", "MessageId": identifier, "Message": text}
    error = {"code": identifier, "message": text, "@Message.ExtendedInfo": [info]}
    return _json({"error": error}, status, **headers)
