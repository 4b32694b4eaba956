"""The selection language: what it selects, what it refuses, and the laws it keeps."""

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unloop.errors import EmptySelection, InputError
from unloop.inventory.ranges import fold
from unloop.inventory.selection import parse, select
from unloop.model.host import Endpoint, Host, Role, System

HOSTS = (
    *(
        Host(
            name=f"web{number:02d}",
            address=f"10.0.0.{number}",
            site="LHR" if number <= 20 else "AMS",
            rack=f"A{number % 4}",
            tier=number % 3,
            endpoints=(Endpoint("smb", f"10.0.0.{number}"), Endpoint("winrm", f"10.0.0.{number}")),
            labels={"hold": "yes" if number % 10 == 0 else "no", "groups": "web,eu", "build": str(19000 + number)},
        )
        for number in range(1, 41)
    ),
    Host(
        name="db1",
        address="10.0.1.1",
        system=System.LINUX,
        role=Role.CLUSTER_MEMBER,
        bmc=Endpoint("redfish", "10.9.0.1"),
        macs=("00:11:22:33:44:55",),
        bitlocker=True,
        reported_broken_at="2024-07-19T05:00:00Z",
        labels={"groups": "db", "owner": "team a"},
    ),
)


def names(selection: str) -> str:
    """The selected names, folded."""
    return fold(host.name for host in HOSTS if parse(selection).test(host))


@pytest.mark.parametrize(
    ("selection", "expected"),
    [
        ("", "db1,web[01-40]"),
        ("all", "db1,web[01-40]"),
        ("site=LHR and tier<=1 and not label.hold", "web[01,03-04,06-07,09,12-13,15-16,18-19]"),
        ("site=lhr and tier=0", "web[03,06,09,12,15,18]"),
        ("name in web[01-03],db1", "db1,web[01-03]"),
        ("name in web[01-03],db1 and system=linux", "db1"),
        ("rack in (A1, A2) and tier not in (0, 1)", "web[02,05,14,17,26,29,38]"),
        ("name~web1*", "web[10-19]"),
        ("name !~ web*", "db1"),
        ("web0?", "web[01-09]"),
        ("web[01-40] - web[10-12] + db1", "db1,web[01-09,13-40]"),
        ("web[01-20] & web[15-30]", "web[15-20]"),
        ("web01,web02,db1", "db1,web[01-02]"),
        ("WEB01", "web01"),
        ("(web01 or web02) and not web02", "web01"),
        ("all - site=LHR - site=AMS", "db1"),
        ("group=db", "db1"),
        ("group in (db, nothing)", "db1"),
        ("not group=web", "db1"),
        ("label.owner", "db1"),
        ("label.owner='team a'", "db1"),
        ('label.owner="team a" or web07', "db1,web07"),
        ("label.build>=19039", "web[39-40]"),
        ("label.hold!=no", "db1,web[10,20,30,40]"),
        ("bitlocker", "db1"),
        ("bmc", "db1"),
        ("bmc=10.9.0.1", "db1"),
        ("mac=00-11-22-33-44-55", "db1"),
        ("role=cluster_member", "db1"),
        ("tier=''", "db1"),
        ("tier>=0 and site!=LHR and tier<1", "web[21,24,27,30,33,36,39]"),
        ("channel=winrm and address=10.0.0.7", "web07"),
        ("reported_broken_at>=2024-07-19T06:00:00+02:00", "db1"),
        ("not not db1", "db1"),
        ("NOT site=AMS AND site=LHR OR db1", "db1,web[01-20]"),
    ],
)
def test_selects(selection: str, expected: str) -> None:
    """Every form of the language selects what it says."""
    assert names(selection) == expected


@pytest.mark.parametrize(
    ("selection", "column", "what"),
    [
        ("sit=LHR", 1, "no field is called 'sit'; did you mean 'site'?"),
        ("site=", 6, "expected a value, found the end"),
        ("site==LHR", 6, "'==' is no operator; write ="),
        ("tier<1 adn site=LHR", 8, "expected 'and', 'or' or the end, found 'adn'; did you mean 'and'?"),
        ("tier<x", 6, "'x' is no number"),
        ("site<LHR", 6, "site has no order"),
        ("system=windos", 8, "did you mean 'windows'?"),
        ("site", 1, "site needs an operator and a value"),
        ("(web01", 7, "expected ')', found the end"),
        ("web01)", 6, "found ')'"),
        ("web01 and", 10, "expected a condition or host names, found the end"),
        ("web[3-1]", 1, "runs backwards"),
        ("web[1-3", 4, "the bracket isn't closed"),
        ("site='LHR", 6, "the quotation isn't closed"),
        ("site not LHR", 10, "expected 'in' after 'not'"),
        ("web01 ; web02", 7, "';' has no meaning here"),
        ("mac in ()", 9, "expected a value"),
        ("reported_broken_at>yesterday", 20, "no ISO 8601 time"),
    ],
)
def test_faults_have_a_column(selection: str, column: int, what: str) -> None:
    """What can't be understood is refused with its column and, where there is one, the likely meaning."""
    with pytest.raises(InputError) as caught:
        parse(selection)
    assert caught.value.problems[0].column == column
    assert what in str(caught.value)


def test_an_empty_selection_is_an_error_that_explains() -> None:
    """Nothing selected is an error: it names the selection, counts each condition and shows what there is instead."""
    with pytest.raises(EmptySelection) as caught:
        select(HOSTS, "site=LHX and tier<=1")
    assert str(caught.value) == (
        "the selection 'site=LHX and tier<=1' matches none of 41 hosts (site=LHX: 0, tier<=1: 27); "
        "site is LHR (20), AMS (20)"
    )
    with pytest.raises(EmptySelection, match="did you mean 'db1'"):
        select(HOSTS, "db2")


def test_names_that_no_host_has_are_told() -> None:
    """Host names that the inventory doesn't know are listed, those behind 'not' and globs aside."""
    selection = parse("web[39-41] + db1 or name=db9")
    assert selection.unknown_names(HOSTS) == ("web41", "db9")
    assert [host.name for host in select(HOSTS, selection)] == ["web39", "web40", "db1"]


ATOMS = st.sampled_from(["web[01-20]", "web[15-40]", "site=LHR", "tier<=1", "label.hold", "db1", "group=web", "all"])
EXPRESSIONS = st.recursive(
    ATOMS,
    lambda inner: st.one_of(
        st.builds("({} and {})".format, inner, inner),
        st.builds("({} or {})".format, inner, inner),
        st.builds("({} - {})".format, inner, inner),
        st.builds("(not {})".format, inner),
    ),
    max_leaves=6,
)


@settings(deadline=None, max_examples=40)
@given(EXPRESSIONS, EXPRESSIONS, EXPRESSIONS)
def test_laws_of_algebra(a: str, b: str, c: str) -> None:
    """Selections obey De Morgan, distribution, and what signs mean beside words."""
    assert names(f"not ({a} and {b})") == names(f"not {a} or not {b}")
    assert names(f"{a} and ({b} or {c})") == names(f"{a} and {b} or {a} and {c}")
    assert names(f"{a} - {b}") == names(f"{a} and not {b}")
    assert names(f"{a} + {b}") == names(f"{b} or {a}") == names(f"{a},{b}")
    assert names(f"{a} & {b}") == names(f"{b} and {a}")


@settings(deadline=None)
@given(st.text(max_size=30))
def test_any_text_is_understood_or_refused(text: str) -> None:
    """No text makes the parser fail with anything but a problem."""
    with contextlib.suppress(InputError):
        parse(text)
