"""Remedies over our own SMB exchange, against the simulated server: what lands, in how many flights, and what is refused."""

import base64
import hashlib
import struct
from collections.abc import Callable
from dataclasses import replace

import pytest

from smb2_peer import (
    AT,
    DRIVERS,
    FAULTY,
    QUARANTINE,
    Landed,
    Peer,
    exact,
    exchange,
    guarded,
    hold,
    names,
    order,
    plain,
    quarantined,
    refusing,
    tree,
)
from unloop.channels.base import Target
from unloop.channels.smb_options import SmbOptions
from unloop.channels.strike.smb2.chain import Handle
from unloop.channels.strike.smb2.exchange import Agreement, SmbExchange
from unloop.channels.strike.smb2.negotiate import DIALECTS
from unloop.channels.strike.smb2.volume import Volume
from unloop.channels.strike.smb2.wire import FROM_SERVER, HEADER, Answer, Command
from unloop.errors import (
    AccessDenied,
    ConnectionLost,
    LogonRefused,
    LogonUndecided,
    NotFound,
    ProtocolError,
    Unsupported,
)
from unloop.model.files import Disposition, FileGuard, FileOrder, Judgement
from unloop.model.order import Check, CheckKind, Order
from unloop.model.patterns import quarantine_name
from unloop.model.power import BootIdentity
from unloop.model.report import ActionStatus, Verdict

BAD = "C-00000291-1.sys"
BOOT = BootIdentity(AT.isoformat(), "smb:pagefile.sys")
NAMES = {0x202: "2.0.2", 0x210: "2.1", 0x300: "3.0", 0x302: "3.0.2", 0x311: "3.1.1"}


def landed(peer: Peer, wanted: Order, **more: object) -> Landed:
    """Strike."""
    return hold(exchange(wanted, **more), peer)  # type: ignore[arg-type]


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_file_named_exactly_is_moved_in_four_flights(dialect: int) -> None:
    """Negotiate, two steps of log-on, and one flight with everything else; three round trips and a half till it is moved."""
    peer = Peer(tree("bad.sys", "other.sys"))
    exchanged = exchange(exact(), dialects=(dialect,))
    report, boot = hold(exchanged, peer)

    assert (report.verdict, boot, peer.sent) == (Verdict.LANDED, BOOT, 4)
    assert (names(peer.files), quarantined(peer.files)) == (["other.sys"], [FAULTY])
    (evidence,) = report.actions[0].files
    path = rf"{DRIVERS}\bad.sys"
    assert (evidence.path, evidence.size, evidence.moved_to) == (
        path,
        len(FAULTY),
        rf"{QUARANTINE}\{quarantine_name(path)}",
    )
    agreement = exchanged.agreement
    assert agreement is not None
    assert (agreement.dialect, agreement.joins_tree, agreement.is_flushed) == (NAMES[dialect], True, True)


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize(("header", "flights"), [(False, 5), (True, 6)])
def test_a_pattern_is_listed_judged_and_moved(dialect: int, header: bool, flights: int) -> None:
    """The listing costs one flight more, headers another; the boot none."""
    peer = Peer(tree(BAD, "C-00000292-1.sys"))
    report, boot = landed(peer, guarded(header=header), dialects=(dialect,))

    assert (report.verdict, boot, peer.sent) == (Verdict.LANDED, BOOT, flights)
    assert (names(peer.files), quarantined(peer.files)) == (["C-00000292-1.sys"], [FAULTY])


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize(("wanted", "flights"), [(exact(BAD), 2), (guarded(), 3), (guarded(header=True), 4)])
def test_a_host_that_takes_requests_ahead_spares_two_flights(dialect: int, wanted: Order, flights: int) -> None:
    """Pipelined, the log-on goes with the negotiation, and its end with the work."""
    peer = Peer(tree(BAD))
    report, boot = landed(peer, wanted, dialects=(dialect,), pipelines=True)

    assert (report.verdict, boot, peer.sent) == (Verdict.LANDED, BOOT, flights)
    assert quarantined(peer.files) == [FAULTY]


@pytest.mark.parametrize("pipelines", [False, True])
def test_everything_is_sealed_where_that_is_demanded(pipelines: bool) -> None:
    """With require_encryption no request after the log-on goes in the clear."""
    peer = Peer(tree(BAD))
    exchanged = exchange(guarded(header=True), options=SmbOptions(require_encryption=True), pipelines=pipelines)
    report, boot = hold(exchanged, peer)

    assert (report.verdict, boot) == (Verdict.LANDED, BOOT)
    assert set(peer.commands) == {Command.NEGOTIATE, Command.SESSION_SETUP}
    assert exchanged.agreement == Agreement(
        dialect="3.1.1",
        signing="AES_GMAC",
        is_encrypted=True,
        is_pipelined=pipelines,
        joins_tree=True,
        is_flushed=True,
        can_pipeline=True,
    )


def test_a_host_without_a_cipher_is_refused_before_the_log_on() -> None:
    """SMB 2.1 can't encrypt."""
    peer = Peer(tree(BAD))
    with pytest.raises(Unsupported, match="require_encryption"):
        landed(peer, exact(), options=SmbOptions(require_encryption=True), dialects=(0x210,))
    assert peer.commands == [Command.NEGOTIATE]


def test_a_remedy_that_matches_nothing_touches_nothing() -> None:
    """Where the file is missing, no directory is left; the one flight that made some on good faith is taken back."""
    for wanted, flights in ((exact(), 5), (guarded(), 4), (guarded("C-00000291-9*", header=True), 4)):
        peer = Peer(tree("C-00000292-1.sys"))
        report, boot = landed(peer, wanted)
        assert (report.verdict, boot, peer.sent) == (Verdict.NO_MATCH, BOOT, flights)
        assert names(peer.files, "Windows") == ["drivers"]
        assert not peer.files.exists(("unloop-quarantine",))


def test_a_quarantine_that_was_there_stays() -> None:
    """Only what the exchange made itself, and left empty, goes again."""
    files = tree()
    files.make_directory(("unloop-quarantine",), modified=AT)
    landed(Peer(files), exact())
    assert files.children(("unloop-quarantine",)) == ()


def test_a_place_that_can_not_be_made_is_no_missing_file() -> None:
    """A file where the quarantine should be: the action fails, and the faulty file stays."""
    for wanted in (exact(BAD), guarded(header=True)):
        files = tree(BAD)
        files.write(("unloop-quarantine",), b"", modified=AT)
        report, _ = landed(Peer(files), wanted)
        assert (report.verdict, names(files)) == (Verdict.FAILED, [BAD])


def test_a_file_that_somebody_holds_is_told_and_stays() -> None:
    """The host says that this very file is in use, and nothing moves."""
    for wanted in (exact(BAD), guarded(header=True)):
        files = tree(BAD)
        files.hold([("Windows", "drivers", BAD)])
        report, _ = landed(Peer(files), wanted)
        assert (report.verdict, report.actions[0].status) == (Verdict.IN_USE, ActionStatus.IN_USE)
        assert names(files) == [BAD]
        assert report.why.endswith(f"{BAD}: in use by another process (NTSTATUS 0xc0000043)")
        assert report.why.count(BAD) == 1


def test_a_missing_directory_is_no_match_and_costs_nobody_the_boot() -> None:
    """What fails in one chain fails in no other."""
    wanted = order(FileOrder("v", Disposition.QUARANTINE, r"C:\nowhere\x*", quarantine=QUARANTINE))
    report, boot = landed(Peer(tree()), wanted)
    assert (report.verdict, boot) == (Verdict.NO_MATCH, BOOT)


def test_a_host_without_a_page_file_tells_no_boot() -> None:
    """The report stands all the same."""
    report, boot = landed(Peer(tree("bad.sys", page_file=False)), exact())
    assert (report.verdict, boot) == (Verdict.LANDED, None)


def test_suspicious_files_stay() -> None:
    """A file of the right date with another header is read, reported, and left."""
    peer = Peer(tree(BAD, content=b"x" * 20))
    report, _ = landed(peer, guarded(header=True))
    assert (report.verdict, names(peer.files), quarantined(peer.files)) == (Verdict.SUSPICIOUS, [BAD], [])
    assert report.actions[0].files[0].header == (b"x" * 8).hex()


def test_files_shorter_than_their_header_are_judged() -> None:
    """An empty file has no header at all."""
    peer = Peer(tree(BAD, content=b""))
    report, _ = landed(peer, guarded(header=True))
    assert report.actions[0].files[0].judgement == Judgement.SUSPICIOUS


def test_several_files_are_moved_in_one_flight() -> None:
    """Each file is a chain of its own, and all go at once."""
    peer = Peer(tree(*(f"C-00000291-{number}.sys" for number in range(6))))
    report, _ = landed(peer, guarded(header=True))
    assert (report.verdict, peer.sent, len(quarantined(peer.files)), names(peer.files)) == (Verdict.LANDED, 6, 6, [])


def test_a_deleted_file_leaves_its_hash() -> None:
    """Moved aside, hashed to its end, and deleted; another copy of it in quarantine is not touched."""
    files = tree("bad.sys")
    files.make_directory(("unloop-quarantine", "c1"), modified=AT)
    taken = quarantine_name(rf"{DRIVERS}\bad.sys")
    files.write(("unloop-quarantine", "c1", taken), b"earlier", modified=AT)
    report, _ = landed(Peer(files), exact(disposition=Disposition.DELETE))
    (evidence,) = report.actions[0].files
    assert (report.verdict, evidence.sha256, evidence.moved_to) == (
        Verdict.LANDED,
        hashlib.sha256(FAULTY).hexdigest(),
        "",
    )
    assert quarantined(files) == [b"earlier"]


@pytest.mark.parametrize("size", [0, 1, 65536, 65537, 4 * 65536, 2_000_000])
def test_files_of_any_size_are_hashed_and_written(size: int) -> None:
    """A file is put with its directories, block by block, and found again by its hash."""
    content = bytes(number % 251 for number in range(size))
    put = FileOrder("put_file", Disposition.PUT, r"C:\new\deep\f.bin", content=base64.b64encode(content).decode())
    files = tree()
    assert [landed(Peer(files), order(put))[0].verdict for _ in range(2)] == [Verdict.LANDED, Verdict.ALREADY_GOOD]
    assert files.stat(("new", "deep", "f.bin")).content == content


def test_a_file_is_restored() -> None:
    """Back to its place, whose directories are made when they are missed."""
    restore = FileOrder("restore_file", Disposition.RESTORE, r"C:\a\b\it.sys", source=rf"{DRIVERS}\*.sys")
    peer = Peer(tree("kept.sys"))
    report, _ = landed(peer, order(restore))
    assert (report.verdict, peer.files.stat(("a", "b", "it.sys")).content) == (Verdict.LANDED, FAULTY)


def test_long_listings_are_whole() -> None:
    """A directory of thousands is listed to its end, page by page."""
    wanted = Check(CheckKind.FILE_ABSENT, rf"{DRIVERS}\file-with-a-long-name-02999.sys")
    peer = Peer(tree(*(f"file-with-a-long-name-{number:05}.sys" for number in range(3000)), content=b""))
    report, _ = landed(peer, guarded("*.sys", not_applicable_if=(wanted,), header=True))
    assert len(report.actions[0].files) == 3000


def test_a_read_only_file_is_moved_without_a_flush() -> None:
    """Who may not write may not flush; the exchange says that it was not flushed."""
    files = tree()
    files.write(("Windows", "drivers", "bad.sys"), FAULTY, modified=AT, read_only=True)
    exchanged = exchange(exact())
    report, _ = hold(exchanged, Peer(files))
    assert (report.verdict, quarantined(files)) == (Verdict.LANDED, [FAULTY])
    assert exchanged.agreement is not None
    assert not exchanged.agreement.is_flushed


def test_paths_elsewhere_are_answers() -> None:
    """A path on another drive fails its action, as it does with the library."""
    wanted = order(FileOrder("v", Disposition.QUARANTINE, r"D:\x", quarantine=QUARANTINE))
    report, _ = landed(Peer(tree()), wanted)
    assert (report.verdict, "not on C:" in report.actions[0].message) == (Verdict.FAILED, True)


@pytest.mark.parametrize("pipelines", [False, True])
def test_a_wrong_password_is_refused(pipelines: bool) -> None:
    """The host judged it; nothing else was done, and the password stands in no text."""
    peer = Peer(tree("bad.sys"))
    with pytest.raises(LogonRefused) as caught:
        landed(peer, exact(), password="canary-wrong", pipelines=pipelines)
    assert "canary-wrong" not in str(caught.value)
    assert names(peer.files) == ["bad.sys"]


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (0xC000005E, LogonUndecided),
        (0xC0000022, LogonUndecided),
        (0xC0000234, LogonRefused),
        (0xC00000BB, LogonUndecided),
        (0xC0000203, ConnectionLost),
    ],
)
def test_a_log_on_is_judged_as_the_library_channel_judges_it(status: int, kind: type[Exception]) -> None:
    """Only a status that judges the credential refuses it."""
    with pytest.raises(kind):
        landed(Peer(tree(), refusing(status, Command.SESSION_SETUP)), exact())


def test_without_a_credential_nothing_is_sent() -> None:
    """Nobody can judge what is not there."""
    peer = Peer(tree())
    for options, kind in ((SmbOptions(), LogonUndecided), (SmbOptions(auth="kerberos"), LogonUndecided)):
        with pytest.raises(kind):
            hold(SmbExchange(Target("h", "192.0.2.1", 445), exact(), options), peer)
    with pytest.raises(Unsupported):
        landed(peer, exact(), options=SmbOptions(auth="kerberos"))
    assert peer.sent == 0


def test_a_share_that_is_not_there_or_denies() -> None:
    """The log-on was good, and the error is the share's."""
    with pytest.raises(NotFound):
        landed(Peer(tree()), exact(), options=SmbOptions(share="data$"))
    with pytest.raises(Unsupported):
        landed(Peer(tree()), exact(), options=SmbOptions(share="IPC$"))
    for pipelines in (False, True):
        with pytest.raises(AccessDenied):
            landed(Peer(tree(), refusing(0xC0000022, Command.TREE_CONNECT)), exact(), pipelines=pipelines)


def test_an_unknown_dialect_is_unsupported() -> None:
    """A host that speaks none of ours."""
    with pytest.raises(Unsupported):
        landed(Peer(tree(), refusing(0xC00000BB, Command.NEGOTIATE)), exact())


@pytest.mark.parametrize("status", [0x8000002D, 0xC0000257])
def test_a_path_that_leads_elsewhere_is_left_to_the_library(status: int) -> None:
    """A link in the way, or DFS: nothing was changed."""
    for wanted in (guarded(), exact("C-00000291-9.sys")):
        peer = Peer(tree(BAD), refusing(status, Command.CREATE))
        with pytest.raises(Unsupported):
            landed(peer, wanted)
        assert names(peer.files) == [BAD]


def test_a_host_that_wants_the_share_opened_first_gets_it_so() -> None:
    """The first flight comes to nothing, the second lands, and the exchange remembers."""

    def edit(peer: Peer, answer: Answer) -> list[bytes]:
        if peer.sent == 4 and answer.command != Command.TREE_CONNECT:
            return [peer.refusal(answer, 0xC000000D)]
        return plain(peer, answer)

    peer = Peer(tree(BAD), edit)
    exchanged = exchange(guarded())
    report, boot = hold(exchanged, peer)
    assert (report.verdict, boot, peer.sent) == (Verdict.LANDED, BOOT, 6)
    assert exchanged.agreement is not None
    assert not exchanged.agreement.joins_tree


@pytest.mark.parametrize("wanted", [exact(BAD), guarded()])
def test_a_share_is_opened_first_where_that_is_known_to_be_needed(wanted: Order) -> None:
    """With joins=False no compound begins with TREE_CONNECT."""
    peer = Peer(tree(BAD))
    report, boot = landed(peer, wanted, joins=False)
    assert (report.verdict, boot, peer.commands.count(Command.TREE_CONNECT)) == (Verdict.LANDED, BOOT, 1)


@pytest.mark.parametrize("granted", [1, 2, 3, 5, 9, 14])
@pytest.mark.parametrize("wanted", [exact(BAD, Disposition.DELETE), guarded(header=True)])
def test_no_more_is_sent_than_was_granted(granted: int, wanted: Order) -> None:
    """However few credits the host gives, flights are split, and the remedy lands."""

    def stingy(peer: Peer, answer: Answer) -> list[bytes]:
        few = granted if answer.command == Command.SESSION_SETUP and not answer.status else 1
        return [peer.signed(answer.message[:14] + struct.pack("<H", few) + answer.message[16:])]

    peer = Peer(tree(BAD), stingy)
    report, boot = landed(peer, wanted)
    assert (report.verdict, boot, peer.overdrawn) == (Verdict.LANDED, BOOT, 0)


def granting(first: int, then: int = 1) -> Callable[[Peer, Answer], list[bytes]]:
    """A host that grants so many requests at the end of the log-on, and so many with every later answer."""

    def stingy(peer: Peer, answer: Answer) -> list[bytes]:
        is_last = answer.command == Command.SESSION_SETUP and not answer.status
        few = first if is_last else 1 if answer.command in {Command.NEGOTIATE, Command.SESSION_SETUP} else then
        return [peer.signed(answer.message[:14] + struct.pack("<H", few) + answer.message[16:])]

    return stingy


@pytest.mark.parametrize("granted", range(2, 24))
def test_what_was_made_for_nothing_is_removed_however_few_credits_there_are(granted: int) -> None:
    """The first file is not there, so the directories that were made for it go again, although the second has to move."""
    (first,), (second,) = exact("none.sys").files or (), exact("bad.sys").files or ()
    peer = Peer(tree("bad.sys"), granting(granted))
    report, _ = landed(peer, order(first, replace(second, quarantine=r"C:\other\c2")))
    assert (report.verdict, peer.overdrawn) == (Verdict.LANDED, 0)
    assert not peer.files.exists(("unloop-quarantine",))
    assert len(names(peer.files, "other", "c2")) == 1


def test_what_is_left_over_waits_until_it_has_flown() -> None:
    """What found no credit in one flight is there for the next."""
    volume = Volume(SmbOptions())
    volume.leave(Handle(bytes(16), 1))
    (chain,) = volume.tidying()
    assert volume.tidying() == [chain]
    chain.launched = len(chain.requests)
    assert volume.tidying() == []


@pytest.mark.parametrize("granted", range(8, 24))
def test_no_report_is_lost_over_what_there_is_no_credit_for(granted: int) -> None:
    """A host that grants nothing more hears no further request: the directories stay, and the report comes home."""
    peer = Peer(tree(BAD), granting(granted, 0))
    report, _ = landed(peer, exact())
    assert (report.verdict, peer.overdrawn) == (Verdict.NO_MATCH, 0)


def test_nothing_is_overdrawn_in_a_usual_exchange() -> None:
    """Not a single request goes ahead of its credit, unless the exchange is told to."""
    peer = Peer(tree(BAD))
    landed(peer, guarded(header=True))
    assert peer.overdrawn == 0


def test_a_host_may_take_its_time() -> None:
    """An interim answer is no answer; each may come in a frame of its own."""

    def slow(peer: Peer, answer: Answer) -> list[bytes]:
        if answer.command in {Command.NEGOTIATE, Command.SESSION_SETUP, Command.TREE_CONNECT}:
            return plain(peer, answer)
        fields = list(HEADER.unpack_from(answer.message))
        fields[3], fields[6], fields[7], fields[12] = 0x103, FROM_SERVER | 2, 0, bytes(16)
        interim = HEADER.pack(*fields) + struct.pack("<HHIB", 9, 0, 0, 0)
        final = answer.message[:14] + bytes(2) + answer.message[16:]
        return [interim, peer.signed(final)]

    peer = Peer(tree(BAD), slow)
    report, boot = landed(peer, guarded(header=True))
    assert (report.verdict, boot, peer.sent) == (Verdict.LANDED, BOOT, 6)


def test_a_rename_that_can_not_stand_in_a_compound_is_sent_alone() -> None:
    """A host fails what has to wait within a compound; by itself it may wait, and the flush follows."""

    def edit(peer: Peer, answer: Answer) -> list[bytes]:
        refused = answer.command in {Command.SET_INFO, Command.FLUSH} and peer.sent == 4
        return [peer.refusal(answer, 0xC00000E5)] if refused else plain(peer, answer)

    peer = Peer(tree("bad.sys"), edit)
    exchanged = exchange(exact())
    report, _ = hold(exchanged, peer)
    assert (report.verdict, peer.sent, peer.commands[-2:]) == (Verdict.LANDED, 6, [Command.SET_INFO, Command.FLUSH])
    assert exchanged.agreement is not None
    assert exchanged.agreement.is_flushed


@pytest.mark.parametrize("dialect", [0x210, 0x300, 0x302])
def test_a_negotiation_that_was_changed_on_its_way_is_noticed(dialect: int) -> None:
    """Before 3.1.1 the host says once more, signed, what it negotiated; nothing has been moved by then."""

    def weakened(peer: Peer, answer: Answer) -> list[bytes]:
        if answer.command != Command.NEGOTIATE:
            return plain(peer, answer)
        at = 64 + 24
        changed = struct.unpack_from("<I", answer.message, at)[0] ^ 0x40
        return [answer.message[:at] + struct.pack("<I", changed) + answer.message[at + 4 :]]

    peer = Peer(tree(BAD), weakened)
    with pytest.raises(ProtocolError):
        landed(peer, guarded(), dialects=(dialect,))
    assert names(peer.files) == [BAD]


def test_a_negotiation_of_3_1_1_that_was_changed_yields_no_session() -> None:
    """Its hash is part of the keys, so the host's first signature is wrong."""

    def changed(peer: Peer, answer: Answer) -> list[bytes]:
        if answer.command != Command.NEGOTIATE:
            return plain(peer, answer)
        return [answer.message[:-1] + bytes((answer.message[-1] ^ 1,))]

    peer = Peer(tree(BAD), changed)
    with pytest.raises((ProtocolError, Unsupported)):
        landed(peer, exact(BAD))
    assert names(peer.files) == [BAD]


def test_the_step_says_what_is_in_flight() -> None:
    """Whoever finds the window closed over it can say over what."""
    exchanged, steps = exchange(guarded(header=True)), []

    def watch(peer: Peer, answer: Answer) -> list[bytes]:
        if not steps or steps[-1] != exchanged.step:
            steps.append(exchanged.step)
        return plain(peer, answer)

    hold(exchanged, Peer(tree(BAD), watch))
    assert steps == ["negotiate", "log on", "tree, list, boot", "read, close", "move, flush"]


def test_nothing_left_to_do_is_done_with_the_listing() -> None:
    """A good sibling ends it after one look."""
    guard = FileGuard(good_sibling_from=AT)
    wanted = order(FileOrder("v", Disposition.QUARANTINE, rf"{DRIVERS}\C*.sys", guard, quarantine=QUARANTINE))
    peer = Peer(tree(BAD))
    report, _ = landed(peer, wanted)
    assert (report.actions[0].status, peer.sent, names(peer.files)) == (ActionStatus.ALREADY, 4, [BAD])
