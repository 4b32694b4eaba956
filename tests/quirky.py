"""A simulated Redfish service that deviates as real ones are known to, one quirk or several at a time."""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from unloop.model.power import BootDevice, PowerState
from unloop.rehearsal.http1 import Request, Response
from unloop.rehearsal.machine import BootOverride, Machine
from unloop.rehearsal.redfish_service import ROOT, SYSTEM, RedfishService

RESET = f"{SYSTEM}/Actions/ComputerSystem.Reset"
SETTINGS = f"{SYSTEM}/Settings"
INFO = f"{SYSTEM}/ResetActionInfo"
TASK = f"{ROOT}/TaskService/Tasks/1"
Answer = Response | None


def refusal(status: int, identifier: str, **headers: str) -> Response:
    """An error as services word it."""
    body = {"error": {"code": identifier, "@Message.ExtendedInfo": [{"MessageId": identifier, "Message": "not so"}]}}
    return Response(status, json.dumps(body).encode(), {"Content-Type": "application/json", **headers})


def resource(document: Mapping[str, Any], status: int = 200, **headers: str) -> Response:
    """A resource."""
    return Response(status, json.dumps(document).encode(), {"Content-Type": "application/json", **headers})


class Quirky:
    """The simulated service behind a row of quirks; each may answer itself or leave it to the next. It keeps a log."""

    def __init__(self, machine: Machine, *quirks: "Quirk") -> None:
        self.machine = machine
        self.service = RedfishService(machine)
        self.quirks = quirks
        self.log: list[tuple[str, str, dict[str, Any], str | None]] = []

    def answer(self, request: Request, now: float) -> Answer:
        """Carry out one request."""
        body: dict[str, Any] = json.loads(request.body) if request.body else {}
        self.log.append((request.method, request.path, body, request.headers.get("if-match")))
        return self._through(self.quirks, request, now)

    def _through(self, quirks: tuple["Quirk", ...], request: Request, now: float) -> Answer:
        if not quirks:
            return self.service.answer(request, now)
        return quirks[0](self, request, lambda other: self._through(quirks[1:], other, now))

    def sent(self, method: str) -> list[dict[str, Any]]:
        """The bodies of what was sent by a method."""
        return [body for name, _, body, _ in self.log if name == method]


Next = Callable[[Request], Answer]
Quirk = Callable[[Quirky, Request, Next], Answer]


def altered(change: Callable[[dict[str, Any]], object]) -> Quirk:
    """The system's document says something else."""

    def quirk(_: Quirky, request: Request, follow: Next) -> Answer:
        response = follow(request)
        if request.method != "GET" or request.path.rstrip("/") != SYSTEM or response is None or response.status != 200:
            return response
        document = json.loads(response.body)
        change(document)
        return replace(response, body=json.dumps(document).encode())

    return quirk


def made_by(manufacturer: str, model: str = "") -> Quirk:
    """The system names its maker."""
    return altered(lambda document: document.update(Manufacturer=manufacturer, Model=model))


def needs_slash(_: Quirky, request: Request, follow: Next) -> Answer:
    """Nothing is found without a slash at its end."""
    return follow(request) if request.path.endswith("/") else refusal(404, "Base.1.8.ResourceMissingAtURI")


def redirecting(_: Quirky, request: Request, follow: Next) -> Answer:
    """Every request is sent on to the same path with a slash."""
    return follow(request) if request.path.endswith("/") else Response(308, headers={"Location": f"{request.path}/"})


def redirecting_elsewhere(_: Quirky, request: Request, follow: Next) -> Answer:
    """Every request is sent on to another service."""
    return Response(307, headers={"Location": f"https://127.0.9.200:1{request.path}"})


def etag_wanted(accepts: Callable[[str | None, str], bool]) -> Quirk:
    """A change is taken only with the If-Match that the service likes; the second argument is the ETag it gave."""

    def quirk(quirky: Quirky, request: Request, follow: Next) -> Answer:
        if request.method != "PATCH":
            return follow(request)
        given = str(quirky.service._system()["@odata.etag"])
        if not accepts(request.headers.get("if-match"), given):
            return refusal(412, "Base.1.8.PreconditionFailed")
        return follow(replace(request, headers={**request.headers, "if-match": "*"}))

    return quirk


def refuses_boot(
    is_refused: Callable[[Quirky, dict[str, Any]], bool], *, identifier: str = "Base.1.8.GeneralError"
) -> Quirk:
    """A boot change is refused (400) when it looks like this."""

    def quirk(quirky: Quirky, request: Request, follow: Next) -> Answer:
        if request.method == "PATCH" and is_refused(quirky, json.loads(request.body)["Boot"]):
            return refusal(400, identifier)
        return follow(request)

    return quirk


def settings_resource(quirky: Quirky, request: Request, follow: Next) -> Answer:
    """Boot changes are taken in the Settings resource only (Lenovo)."""
    if request.path == SETTINGS and request.method == "GET":
        boot = json.loads((follow(replace(request, path=SYSTEM)) or Response(500)).body)["Boot"]
        return resource({"@odata.id": SETTINGS, "Boot": boot}, ETag='"settings"')
    if request.path == SETTINGS:
        if request.headers.get("if-match") != '"settings"':
            return refusal(412, "Base.1.8.PreconditionFailed")
        return follow(replace(request, path=SYSTEM, headers={**request.headers, "if-match": "*"}))
    if request.method == "PATCH":
        return refusal(405, "Base.1.8.PropertyNotWritable")
    settings = {"@Redfish.Settings": {"SettingsObject": {"@odata.id": SETTINGS}}}
    return altered(lambda document: document.update(settings))(quirky, request, follow)


def unchanged_is_refused(quirky: Quirky, request: Request, follow: Next) -> Answer:
    """A reset that changes nothing is refused."""
    wanted = {"On": PowerState.ON, "ForceOff": PowerState.OFF}
    if request.path == RESET and wanted.get(json.loads(request.body)["ResetType"]) is quirky.machine.power:
        return refusal(409, "Base.1.8.ActionParameterValueConflict")
    return follow(request)


def first(count: int, answer: Answer, *, method: str) -> Quirk:
    """The first requests by a method get this answer instead."""
    left = [count]

    def quirk(_: Quirky, request: Request, follow: Next) -> Answer:
        if request.method == method and request.path.rstrip("/") != ROOT and left[0]:
            left[0] -= 1
            return answer
        return follow(request)

    return quirk


def answer_lost(method: str, count: int = 1) -> Quirk:
    """What these requests ask for is done, and the connection breaks before the answer."""
    left = [count]

    def quirk(_: Quirky, request: Request, follow: Next) -> Answer:
        response = follow(request)
        if request.method == method and left[0]:
            left[0] -= 1
            return None
        return response

    return quirk


def action_info(quirky: Quirky, request: Request, follow: Next) -> Answer:
    """Reset types stand in an ActionInfo resource, and On is called ForceOn there."""
    if request.path == INFO:
        parameter = {"Name": "ResetType", "AllowableValues": ["ForceOff", "ForceOn"]}
        return resource({"@odata.id": INFO, "Parameters": [parameter]})
    if request.path == RESET and json.loads(request.body) == {"ResetType": "ForceOn"}:
        return follow(replace(request, body=b'{"ResetType": "On"}'))
    action = {"#ComputerSystem.Reset": {"target": RESET, "@Redfish.ActionInfo": INFO}}
    return altered(lambda document: document.update(Actions=action))(quirky, request, follow)


def boots_from_usb_cd(quirky: Quirky, request: Request, follow: Next) -> Answer:
    """A virtual CD boots as UsbCd, and Cd is not known (Supermicro X11)."""
    if request.method == "PATCH":
        boot = json.loads(request.body)["Boot"]
        if boot.get("BootSourceOverrideTarget") != "UsbCd":
            return refusal(400, "Base.1.8.PropertyValueNotInList")
        quirky.machine.state["boot_override"] = BootOverride(BootDevice.MEDIA)
        return Response(204)
    targets = {"BootSourceOverrideTarget@Redfish.AllowableValues": ["None", "Pxe", "UsbCd"]}
    return altered(lambda document: document["Boot"].update(targets))(quirky, request, follow)


def changes_take_a_while(_: Quirky, request: Request, follow: Next) -> Answer:
    """A change is a task (202) that is done at the second look."""
    if request.path == TASK:
        return resource({"TaskState": "Completed"})
    if request.path == f"{TASK}/Monitor":
        return Response(202, headers={"Location": TASK, "Retry-After": "0"})
    response = follow(request)
    if request.method != "PATCH" or response is None or response.status >= 300:
        return response
    return Response(202, headers={"Location": f"{TASK}/Monitor", "Retry-After": "0"})
