"""What a Redfish service answers, whatever it is: a resource, a refusal with a name, or an error of ours."""

import asyncio
import gzip
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unloop.channels.base import Deadline
from unloop.channels.redfish_boot import ENABLED, MODE, TARGET, etags, forms, is_set
from unloop.channels.redfish_errors import Rejected, of_response, told_by
from unloop.channels.redfish_http import GET_TRIES, LONGEST, RedfishHttp
from unloop.channels.redfish_quirks import QUIRKS, Quirk, quirk_of
from unloop.channels.tls import TlsPolicy
from unloop.errors import (
    AccessDenied,
    Busy,
    ChannelError,
    DeadlineExceeded,
    LogonRefused,
    NotFound,
    ProtocolError,
    Unsupported,
)
from unloop.model.power import BootDevice

NONE = Quirk("", "", "none known")
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["error", "@Message.ExtendedInfo", "x"]), inner)
    ),
    max_leaves=12,
)


def _http(*responses: httpx.Response) -> RedfishHttp:
    answers = iter(responses)
    return RedfishHttp(
        "127.0.0.1",
        443,
        credential=None,
        policy=TlsPolicy(insecure=True),
        deadline=Deadline.after(60),
        transport=httpx.MockTransport(lambda _: next(answers)),
    )


async def _get(http: RedfishHttp) -> dict[str, Any]:
    document, _ = await http.get("/redfish/v1/Systems")
    await http.close()
    return document


def _run(http: RedfishHttp) -> dict[str, Any]:
    return asyncio.run(_get(http))


@given(status=st.integers(200, 599), document=JSON)
def test_any_document_is_told_without_raising(status: int, document: object) -> None:
    """Errors that are worded in any odd way have a text of one line, and a meaning exactly when they refuse."""
    response = httpx.Response(status, content=json.dumps(document).encode())
    assert len(told_by(response).text.splitlines()) <= 1
    meaning = of_response(response, "/x")
    assert (meaning is None) == (status < 300)


@pytest.mark.parametrize(
    "content", [b"", b"\xff\xfe", b"[]", b'"text"', b"{", b"[" * 100_000, b"<html>hello</html>"], ids=range(7)
)
def test_what_is_no_resource_is_a_protocol_error(content: bytes) -> None:
    """Bytes that are not JSON, JSON that is no object, and a nest without end."""
    with pytest.raises(ProtocolError):
        _run(_http(httpx.Response(200, content=content)))


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(200, content=b" " * (LONGEST + 1)),
        httpx.Response(200, headers={"Content-Encoding": "gzip"}, content=gzip.compress(b"{}")),
    ],
    ids=["endless", "packed"],
)
def test_an_answer_that_could_fill_the_memory_is_refused(answer: httpx.Response) -> None:
    """Longer than anything we ask for, or packed although we asked for it plain."""
    with pytest.raises(ProtocolError):
        _run(_http(*[answer] * GET_TRIES))


def test_an_answer_that_trickles_ends_with_the_deadline() -> None:
    """Each byte comes in time, and the whole never does."""

    async def trickle() -> AsyncIterator[bytes]:
        for _ in range(1000):
            yield b" "
            await asyncio.sleep(0.05)

    http = RedfishHttp(
        "127.0.0.1",
        443,
        credential=None,
        policy=TlsPolicy(insecure=True),
        deadline=Deadline.after(0.3),
        transport=httpx.MockTransport(lambda _: httpx.Response(200, content=trickle())),
    )
    with pytest.raises(DeadlineExceeded):
        _run(http)


@pytest.mark.parametrize("told", ["0", "soon", "", "²", "-1"])
def test_a_busy_service_is_asked_again(told: str) -> None:
    """503 is no answer to a GET, whatever Retry-After says."""
    if told != "0":
        assert isinstance(of_response(httpx.Response(503, headers={"Retry-After": told.encode()}), "/x"), Busy)
        return
    busy, good = httpx.Response(503, headers={"Retry-After": told}), httpx.Response(200, content=b'{"Id": "1"}')
    assert _run(_http(busy, busy, good)) == {"Id": "1"}


@pytest.mark.parametrize(
    ("status", "identifier", "meaning"),
    [
        (401, "", LogonRefused),
        (403, "", AccessDenied),
        (404, "", NotFound),
        (405, "", Unsupported),
        (429, "", Busy),
        (503, "", Busy),
        (400, "IDRAC.2.8.SYS518", Busy),
        (409, "iLO.2.14.InvalidOperationForSystemState", Busy),
        (409, "Base.1.8.ActionParameterValueConflict", Rejected),
        (500, "Base.1.8.InternalError", Rejected),
    ],
)
def test_refusals_have_meanings(status: int, identifier: str, meaning: type[ChannelError]) -> None:
    """By the status, and by message ids that mean: not now."""
    body = {"error": {"code": "Base.1.8.GeneralError", "@Message.ExtendedInfo": [{"MessageId": identifier}]}}
    assert type(of_response(httpx.Response(status, json=body), "/x")) is meaning


def test_every_quirk_can_be_found() -> None:
    """Each entry of the table is what its own maker and model get, so none hides another."""
    found = [quirk_of(quirk.manufacturer.upper(), f"{quirk.model} of some kind") for quirk in QUIRKS]
    assert found == list(QUIRKS)
    assert quirk_of("Nobody", "").symptom == "none known"


def test_forms_begin_with_the_plain_one() -> None:
    """A service that is not known to deviate is asked for target and Enabled, then with the mode."""
    asked = list(forms(BootDevice.NETWORK, {MODE: "Legacy"}, NONE))
    plain = {TARGET: "Pxe", ENABLED: "Once"}
    assert asked == [plain, {**plain, MODE: "Legacy"}]


def test_an_unchanged_enabled_is_left_out_last() -> None:
    """Where Enabled would not change, the last form has the target alone; not where Enabled is always wanted."""
    boot = {ENABLED: "Once", TARGET: "Hdd"}
    assert list(forms(BootDevice.NETWORK, boot, NONE))[-1] == {TARGET: "Pxe"}
    supermicro = quirk_of("Supermicro", "X11")
    assert all(ENABLED in form for form in forms(BootDevice.NETWORK, boot, supermicro))


def test_a_target_that_the_system_does_not_have_is_unsupported() -> None:
    """What the service lists is what can be asked for."""
    with pytest.raises(Unsupported, match="boots from None, Hdd, not from Pxe"):
        next(forms(BootDevice.NETWORK, {f"{TARGET}@Redfish.AllowableValues": ["None", "Hdd"]}, NONE))


@pytest.mark.parametrize(
    ("boot", "device", "expected"),
    [
        ({ENABLED: "Once", TARGET: "Pxe"}, BootDevice.NETWORK, True),
        ({ENABLED: "Continuous", TARGET: "UsbCd"}, BootDevice.MEDIA, True),
        ({ENABLED: "Disabled", TARGET: "Pxe"}, BootDevice.NETWORK, False),
        ({ENABLED: "Once", TARGET: "Hdd"}, BootDevice.NETWORK, False),
        ({ENABLED: "Disabled", TARGET: "None"}, None, True),
        ({ENABLED: "Once", TARGET: "Hdd"}, None, False),
    ],
)
def test_an_override_is_recognised(boot: dict[str, str], device: BootDevice | None, expected: bool) -> None:
    """What a Boot object says decides whether an order whose answer was lost was carried out."""
    assert is_set(boot, device) is expected


def test_etags_are_tried_from_strict_to_none() -> None:
    """As given, then strong, then without; nothing to try where there is none."""
    assert [list(etags(tag)) for tag in ('W/"1"', '"1"', "")] == [['W/"1"', '"1"', ""], ['"1"', ""], [""]]
