"""The messages of WinRM: sealed bodies, SOAP, and what a shell has to say."""

from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pypsrp.encryption import WinRMEncryption

from unloop.rehearsal.winrm import fault, multipart, soap
from unloop.rehearsal.winrm.fault import Fault
from unloop.rehearsal.winrm.multipart import Garbled
from unloop.rehearsal.winrm.outbox import Outbox, cut
from winrm_client import Turning, envelope


def unturned(signature: bytes, data: bytes) -> bytes:
    """Undo the toy seal of the tests."""
    assert signature == b"0123456789abcdef"
    return data[::-1]


@pytest.mark.parametrize("message", [b"", b"<a/>", bytes(range(256)) * 300, b"--Encrypted Boundary\r\n" * 3])
def test_sealed_bodies_agree_with_pypsrp(message: bytes) -> None:
    """What pypsrp frames is unwrapped, and the other way round, whatever bytes are inside."""
    encryption = WinRMEncryption(Turning(), WinRMEncryption.SPNEGO)
    kind, body = encryption.wrap_message(message)
    assert multipart.is_sealed(f'{kind};protocol="{multipart.PROTOCOL}";boundary="Encrypted Boundary"')
    assert multipart.unwrap(body, unturned) == message
    if b"Boundary" not in message:
        wrapped = multipart.wrap(message, lambda text: (b"0123456789abcdef", text[::-1]))
        assert encryption.unwrap_message(wrapped, "Encrypted Boundary") == message


def test_several_parts_are_one_message() -> None:
    """A message in pieces of 16 KiB comes together again."""
    parts = [b"a" * 16_384, b"b" * 16_384, b"c"]
    encryption = WinRMEncryption(Turning(), WinRMEncryption.SPNEGO)
    bodies = [encryption.wrap_message(part)[1].removesuffix(b"--Encrypted Boundary--\r\n") for part in parts]
    assert multipart.unwrap(b"".join(bodies) + b"--Encrypted Boundary--\r\n", unturned) == b"".join(parts)


@given(st.binary(max_size=300), st.integers(0, 400), st.integers(-3, 3))
def test_garbled_bodies_are_told(noise: bytes, place: int, more: int) -> None:
    """Cut short, grown, or with other lengths: Garbled, or nothing changed."""
    body = multipart.wrap(b"message", lambda text: (b"0123456789abcdef", text[::-1]))
    length = f"Length={7 + more}".encode()
    for bad in (noise, body[:place], body[:place] + noise + body[place:], body.replace(b"Length=7", length)):
        try:
            assert isinstance(multipart.unwrap(bad, lambda _, data: data), bytes)
        except Garbled:
            continue


def test_a_request_is_read() -> None:
    """Headers, selectors without case, options, times and sizes within what we allow."""
    message = soap.parse(
        envelope(
            "urn:action",
            "urn:resource",
            '<w:SelectorSet><w:Selector Name="ShellId">1</w:Selector></w:SelectorSet>'
            '<w:OptionSet><w:Option Name="WINRS_CODEPAGE">65001</w:Option></w:OptionSet>',
            timeout="PT1M2.5S",
        )
    )
    assert (message.action, message.resource, message.machine) == ("urn:action", "urn:resource", "ws-1")
    assert (message.selectors, message.options) == ({"shellid": "1"}, {"WINRS_CODEPAGE": "65001"})
    assert (message.timeout, message.room) == (60.0, 153600)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("PT20S", 20.0), ("PT1.500S", 1.5), ("P0DT0H0M7S", 7.0), ("P1D", 60.0), ("PT", 60.0), ("soon", 60.0), ("", 60.0)],
)
def test_operation_timeouts(text: str, seconds: float) -> None:
    """xs:duration, up to the minute that the service allows."""
    assert soap.parse(envelope("urn:a", "urn:r", timeout=text)).timeout == seconds


@pytest.mark.parametrize(
    ("data", "cause"),
    [
        (b"", fault.INVALID_XML),
        (b"\xff\xfe<", fault.INVALID_XML),
        (b"<a/>", fault.INVALID_XML),
        (b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', fault.INVALID_XML),
        (b'<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"/>', fault.INVALID_BODY),
        (
            b'<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Body/></s:Envelope>',
            fault.HEADER_REQUIRED,
        ),
        (envelope("", "urn:r"), fault.HEADER_REQUIRED),
        (envelope("urn:a", ""), fault.INVALID_URI),
        (envelope("urn:a", "urn:r", identity=""), fault.INVALID_HEADER),
        (envelope("urn:a", "urn:r", size="100"), fault.ENVELOPE_TOO_SMALL),
        (envelope("urn:a", "urn:r", size="-1"), fault.ENVELOPE_TOO_SMALL),
    ],
)
def test_what_is_no_request(data: bytes, cause: fault.Cause) -> None:
    """Each has its fault; a document type is never read."""
    with pytest.raises(Fault) as caught:
        soap.parse(data)
    assert caught.value.cause == cause


def test_a_message_in_utf_16_is_read() -> None:
    """As [MS-WSMV] 2.2.9.1.1.2.1 allows."""
    assert soap.parse(envelope("urn:a", "urn:r").decode().encode("utf-16")).action == "urn:a"


def test_a_fault_carries_windows_number() -> None:
    """Subcode, reason, detail, and the number with the machine's name."""
    root = ET.fromstring(soap.fault_answer(Fault(fault.UNEXPECTED_SELECTORS), "uuid:1", "ws<1"))  # noqa: S314 - ours
    codes = [item.attrib for item in root.iter() if item.tag.endswith("}WSManFault")]
    assert codes == [{"Code": "2150858843", "Machine": "ws<1"}]
    assert "w:InvalidSelectors" in [item.text for item in root.iter()]


def test_what_is_said_is_taken_away_in_answers_that_fit() -> None:
    """No answer mixes batches, none is larger than there is room, and nothing is lost."""
    outbox = Outbox()
    outbox.put([*cut("stdout", b"a" * 40_000), *cut("stderr", b"b")])
    outbox.put([("stdout", b"c")])
    taken = [outbox.take(30_000) for _ in range(4)]
    assert [[(name, len(data)) for name, data in pieces] for pieces in taken] == [
        [("stdout", 16_384)],
        [("stdout", 16_384)],
        [("stdout", 7_232), ("stderr", 1)],
        [("stdout", 1)],
    ]
    assert outbox.is_empty


def test_a_command_speaks_when_its_time_has_come() -> None:
    """What was waited for delays what is said, and the end of the command."""
    outbox = Outbox()
    outbox.exit_code, outbox.ready_at = 0, 5.0
    assert [outbox.has_news(now) for now in (0.0, 4.9, 5.0)] == [False, False, True]


@given(st.binary(max_size=300) | st.text(max_size=200).map(str.encode))
def test_any_bytes_are_a_message_or_a_fault(data: bytes) -> None:
    """Nothing else comes out of the parser."""
    try:
        soap.parse(data)
    except Fault:
        return
