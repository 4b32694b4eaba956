"""Messages of WS-Management as our client makes and reads them: hostile names, faults, bombs and garbage."""

from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unloop.channels.strike.wsman import soap
from unloop.channels.strike.wsman.soap import ENUMERATION, MICROSOFT, SOAP, WMI, Requests, is_speakable
from unloop.errors import AccessDenied, ChannelError, NotFound, ProtocolError
from unloop.rehearsal.winrm import enumerations, fault, names
from unloop.rehearsal.winrm.fault import Cause, Fault, Provider
from unloop.rehearsal.winrm.soap import answer, fault_answer, parse

REQUESTS = Requests("http://192.0.2.1:5985/wsman")
TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=40).filter(is_speakable)
IDENTITY = "uuid:6F9F625D-02E3-4B46-9F09-90D16C13F609"


def read(data: bytes) -> ET.Element:
    """The body of an answer to that identity."""
    return soap.read(data, IDENTITY)


@given(TEXT.filter(bool), TEXT)
def test_names_and_arguments_arrive_as_they_are(name: str, argument: str) -> None:
    """A server reads selectors and arguments as they were given, whatever stands in them, and nothing else."""
    message = parse(REQUESTS.invoke("CIM_DataFile", "Rename", {"FileName": argument}, name=name).data)
    assert message.action == f"{WMI}/CIM_DataFile/Rename"
    assert message.resource == f"{WMI}/CIM_DataFile"
    assert message.selectors == {"name": name}
    assert {child.tag: child.text or "" for child in message.body[0]} == {f"{{{WMI}/CIM_DataFile}}FileName": argument}


def test_a_method_of_a_class_names_no_instance() -> None:
    """Create is called on the class itself, and a command line keeps its lines."""
    message = parse(REQUESTS.invoke("Win32_Process", "Create", {"CommandLine": "a\n<b>&'"}).data)
    assert message.selectors == {}
    assert message.body[0][0].text == "a\n<b>&'"


@given(TEXT)
def test_a_query_arrives_as_it_is(query: str) -> None:
    """The filter is the query, and the first instances are asked for at once."""
    asked = enumerations.asked(parse(REQUESTS.enumerate(query).data))
    assert (asked.filter, asked.dialect) == (query.strip(), names.WQL)
    assert asked.at_once == soap.AT_ONCE


def test_every_request_has_what_a_host_insists_on() -> None:
    """Identity, reply address, size and time are there, and no two requests have the same identity."""
    first, second = REQUESTS.pull("a<b"), REQUESTS.pull("a<b")
    message = parse(first.data)
    assert (message.identity, message.room, message.timeout) == (first.identity, 153_600, 60.0)
    assert first.identity != second.identity
    assert message.body[0].findtext(f"{{{ENUMERATION}}}EnumerationContext") == "a<b"


@pytest.mark.parametrize("text", ["\0", "\x1b", "\n", "\r", "\ud800", "\ufffe", "\x7f\x1f"])
def test_what_xml_would_change_can_not_be_spoken(text: str) -> None:
    """Control characters, line ends and half characters never come into a message."""
    assert not is_speakable(f"C:\\{text}")
    assert is_speakable("C:\\Ünïcode\\💾 ' & < > \"")


def test_an_answer_is_read_whatever_its_prefixes() -> None:
    """Properties are found by their names alone; null ones are left out; times stand in an element of their own."""
    body = (
        '<p:X xmlns:p="urn:x" xmlns:q="urn:q" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><p:A>1</p:A>'
        '<B>c:\\a &amp; b</B><p:C xsi:nil="true"/><p:D/><E><q:Datetime>2024</q:Datetime></E><E>other</E></p:X>'
    )
    found = read(answer("urn:a", IDENTITY.lower(), body))
    assert soap.local(found) == "X"
    assert soap.properties(found) == {"A": "1", "B": "c:\\a & b", "E": "2024"}


@pytest.mark.parametrize(
    ("cause", "error"),
    [
        (fault.NOT_FOUND, NotFound),
        (Cause("w:AccessDenied", 5, "Access is denied."), AccessDenied),
        (fault.BAD_FILTER, ProtocolError),
        (Cause("w:X", 10**12, "an absurd number"), ProtocolError),
    ],
)
def test_a_fault_means_what_its_number_means(cause: Cause, error: type[ChannelError]) -> None:
    """The outer number counts, also where a provider's own fault stands inside."""
    for provider in (None, Provider("p", "q", fault.wsman_fault(5, "m", "inner"))):
        with pytest.raises(error) as caught:
            read(fault_answer(Fault(cause, provider), IDENTITY, "ws-1"))
        assert type(caught.value) is error


def test_a_fault_of_another_kind_is_an_error() -> None:
    """A fault without Windows' number is told by its own words, on one line and not endless."""
    text = (
        f'<s:Envelope xmlns:s="{SOAP}"><s:Body><s:Fault><s:Code><s:Value>s:Sender</s:Value></s:Code><s:Reason>'
        f'<s:Text xml:lang="en">so\n  it {"goes " * 500}</s:Text></s:Reason></s:Fault></s:Body></s:Envelope>'
    )
    with pytest.raises(ProtocolError) as caught:
        read(text.encode())
    assert caught.value.message.startswith("so it goes goes")
    assert len(caught.value.message) < 400


BOMB = '<!DOCTYPE b [<!ENTITY a "aaaaaaaaaa">{}]><s:Envelope xmlns:s="{}"><s:Body><x>&z;</x></s:Body></s:Envelope>'
LAUGHS = "".join(f'<!ENTITY {new} "{f"&{old};" * 10}">' for old, new in zip("abcdefghy", "bcdefghyz", strict=True))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"<",
        b"\xff\xfe<\0a\0/\0>\0",
        b"<a/>",
        f'<s:Envelope xmlns:s="{SOAP}"/>'.encode(),
        f'<s:Envelope xmlns:s="{SOAP}"><s:Body/></s:Envelope>'.encode(),
        f'<s:Envelope xmlns:s="{SOAP}"><s:Body>text</s:Body></s:Envelope>'.encode(),
        f'<s:Envelope xmlns:s="{SOAP}"><s:Body>&undefined;</s:Body></s:Envelope>'.encode(),
        BOMB.format(LAUGHS, SOAP).encode(),
        BOMB.format('<!ENTITY z SYSTEM "file:///etc/passwd">', SOAP).encode(),
        answer("urn:a", "uuid:OTHER", "<x/>"),
        answer("urn:a", "", "<x/>"),
        answer("urn:a", IDENTITY, ""),
    ],
)
def test_what_is_no_answer_is_an_error(data: bytes) -> None:
    """No XML, no SOAP, an answer to another question, entities that grow or reach out: one error, at once."""
    with pytest.raises(ProtocolError):
        read(data)


@pytest.mark.parametrize("body", ["<a>" * 100_000 + "</a>" * 100_000, "<a/>" * 100_000, f"<a {'b' * 500_000}='1'/>"])
def test_absurd_answers_are_read(body: str) -> None:
    """Depth, breadth and length cost no more than their size."""
    assert soap.properties(read(answer("urn:a", IDENTITY, body))) == {}


@given(st.binary(max_size=200), st.text(max_size=100), st.integers(0, 600))
@settings(max_examples=300)
def test_garbage_is_an_error_of_ours(garbage: bytes, text: str, place: int) -> None:
    """Whatever arrives, and whatever is done to an answer, there is an element, or one error."""
    good = answer("urn:a", IDENTITY, "<x><y>1</y></x>")
    for data in (garbage, text.encode("utf-8", "replace"), good[:place] + garbage + good[place:], good[:place]):
        try:
            soap.properties(read(data))
        except ChannelError:
            continue


def test_the_names_are_those_of_the_protocol() -> None:
    """Both sides of ours were written from the same specifications."""
    assert (soap.WMI + "/", soap.MICROSOFT) == (names.WMI, MICROSOFT)
