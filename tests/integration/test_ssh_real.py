"""The SSH channel and its strike against OpenSSH's sshd. A password log-on needs root there, and is not tested here."""

import asyncio
import hashlib
import os
import re
import subprocess
import traceback
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from servers import require
from sshd import Sshd, make_key, sshd
from unloop.channels.base import Deadline, Target
from unloop.channels.ssh import SshChannel
from unloop.channels.strike.registry import strike_for
from unloop.errors import (
    AccessDenied,
    DeadlineExceeded,
    LogonRefused,
    LogonUndecided,
    NotFound,
    ProtocolError,
    Unsupported,
    UntrustedPeer,
)
from unloop.model.files import Disposition, FileGuard, FileOrder
from unloop.model.order import Order, Shell
from unloop.model.report import Verdict
from unloop.secrets.secret import Credential, Secret

CANARY = "canary-Passw0rd"
CONTENT = b"faulty" + bytes(200_000)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    """One sshd for all tests."""
    with sshd(tmp_path_factory.mktemp("sshd")) as running:
        yield running


def target(server: Sshd, *, key: Path | None = None, password: str = "", **options: str) -> Target:
    """The server as a host, with its key known."""
    text = (key or server.key).read_text()
    secret = None if password or "agent" in options else Secret(text)
    credential = Credential("c", server.username, Secret(password), "a", key=secret)
    return Target(
        "host-1", server.address, server.port, credential, {"known_hosts": str(server.known_hosts), **options}
    )


def channel(server: Sshd, **options: str) -> SshChannel:
    """A channel to the server."""
    return SshChannel(target(server, **options), Deadline.after(20))


def test_a_listing_shows_files_and_directories_only(server: Sshd, tmp_path: Path) -> None:
    """A listing has names, sizes and times in UTC; links are left out."""
    at = datetime(2024, 7, 19, 4, 30, tzinfo=UTC)
    (tmp_path / "a").write_bytes(b"12345")
    os.utime(tmp_path / "a", (at.timestamp(), at.timestamp()))
    (tmp_path / "sub").mkdir()
    (tmp_path / "link").symlink_to("a")
    with channel(server) as ssh:
        found = {entry.name: entry for entry in ssh.list_directory(str(tmp_path))}
    assert set(found) == {"a", "sub"}
    assert (found["a"].size, found["a"].modified, found["a"].path) == (5, at, str(tmp_path / "a"))
    assert found["sub"].is_directory


def test_files_are_read_hashed_moved_written_and_deleted(server: Sshd, tmp_path: Path) -> None:
    """The file operations do what they say, make directories, and never overwrite."""
    (tmp_path / "a").write_bytes(CONTENT)
    (tmp_path / "b").write_bytes(b"b")
    moved = tmp_path / "x/y/a.q"
    with channel(server) as ssh:
        assert ssh.read(str(tmp_path / "a"), limit=6) == b"faulty"
        assert ssh.sha256(str(tmp_path / "a")) == hashlib.sha256(CONTENT).hexdigest()
        ssh.move(str(tmp_path / "a"), str(moved))
        with pytest.raises(AccessDenied, match="nothing is overwritten"):
            ssh.move(str(tmp_path / "b"), str(moved))
        ssh.write(str(tmp_path / "n/f"), CONTENT)
        with pytest.raises(AccessDenied, match="nothing is overwritten"):
            ssh.write(str(tmp_path / "n/f"), b"other")
        ssh.delete(str(tmp_path / "b"))
        with pytest.raises(NotFound):
            ssh.delete(str(tmp_path / "b"))
        with pytest.raises(NotFound):
            ssh.list_directory(str(tmp_path / "none"))
    assert moved.read_bytes() == (tmp_path / "n/f").read_bytes() == CONTENT
    assert not (tmp_path / "a").exists()


def test_programs_run_to_their_end(server: Sshd) -> None:
    """A program gets its exit code, output and errors back, also when they are long."""
    with channel(server) as ssh:
        assert ssh.shells() == (Shell.SH,)
        done = ssh.run(Shell.SH, "echo out; echo err >&2; exit 3")
        assert (done.exit_code, done.stdout, done.stderr) == (3, "out\n", "err\n")
        assert len(ssh.run(Shell.SH, f"# {'x' * 100_000}\nhead -c 5000000 /dev/zero").stdout) == 5_000_000


def test_a_program_that_never_ends_ends_with_the_deadline(server: Sshd) -> None:
    """The deadline bounds a program, and the channel can be closed."""
    with SshChannel(target(server), Deadline.after(3)) as ssh, pytest.raises(DeadlineExceeded):
        ssh.run(Shell.SH, "sleep 60")


def test_the_boot_is_the_kernel_s_boot_id(server: Sshd) -> None:
    """The boot identity is what Linux says."""
    with channel(server) as ssh:
        boot = ssh.boot_identity()
    assert (boot.source, boot.value) == ("linux:boot_id", Path("/proc/sys/kernel/random/boot_id").read_text().strip())


def test_a_wrong_key_is_refused_by_exactly_one_log_on(server: Sshd, tmp_path: Path) -> None:
    """A key that the host does not take is LogonRefused after one attempt."""
    log = server.known_hosts.with_name("sshd.log")
    before = log.read_text().count("Failed publickey")
    other = make_key(tmp_path / "other")
    with pytest.raises(LogonRefused) as caught, SshChannel(target(server, key=other), Deadline.after(20)):
        pass
    assert "PRIVATE KEY" not in "".join(traceback.format_exception(caught.value))
    assert log.read_text().count("Failed publickey") == before + 1


def test_a_domain_account_that_one_host_refuses_is_not_judged(server: Sshd, tmp_path: Path) -> None:
    """The host may only not let it in, so the account is not stopped everywhere; it is tried once all the same."""
    log = server.known_hosts.with_name("sshd.log")
    before = log.read_text().count("Failed publickey")
    known = target(server, key=make_key(tmp_path / "other"))
    assert known.credential is not None
    credential = replace(known.credential, is_local=False)
    with pytest.raises(LogonUndecided), SshChannel(replace(known, credential=credential), Deadline.after(20)):
        pass
    assert log.read_text().count("Failed publickey") == before + 1


def test_a_password_that_the_host_does_not_ask_for_is_unsupported(server: Sshd) -> None:
    """A host that takes keys only judges no password; the password stands in no text."""
    with pytest.raises(Unsupported) as caught, channel(server, password=CANARY):
        pass
    assert CANARY not in "".join(traceback.format_exception(caught.value))


def test_a_key_that_can_t_be_read_is_undecided(server: Sshd, tmp_path: Path) -> None:
    """A private key that is none never reaches the host."""
    bad = tmp_path / "bad"
    bad.write_text("no key")
    with pytest.raises(LogonUndecided), SshChannel(target(server, key=bad), Deadline.after(20)):
        pass


@pytest.mark.parametrize("kind", ["rsa", "ecdsa"])
def test_other_kinds_of_key(server: Sshd, tmp_path: Path, kind: str) -> None:
    """RSA and ECDSA keys log on too."""
    key = make_key(tmp_path / "k", kind)
    authorized = server.known_hosts.with_name("authorized_keys")
    authorized.write_text(authorized.read_text() + key.with_suffix(".pub").read_text())
    with SshChannel(target(server, key=key), Deadline.after(20)) as ssh:
        assert ssh.run(Shell.SH, "echo 1").stdout == "1\n"


def test_an_unknown_host_is_not_trusted(server: Sshd, tmp_path: Path) -> None:
    """By default a host that no file knows is refused, and no file is written."""
    known = tmp_path / "known"
    with pytest.raises(UntrustedPeer), channel(server, known_hosts=str(known)):
        pass
    assert not known.exists()


def test_accept_new_writes_the_key_down_once(server: Sshd, tmp_path: Path) -> None:
    """accept_new records an unknown key, which is then trusted strictly, as OpenSSH would."""
    known = tmp_path / "ssh" / "known"
    for _ in range(2):
        with channel(server, known_hosts=str(known), host_keys="accept_new"):
            pass
    with channel(server, known_hosts=str(known)):
        pass
    assert len(known.read_text().splitlines()) == 1
    name = f"[{server.address}]:{server.port}"
    subprocess.run([require("ssh-keygen"), "-F", name, "-f", str(known)], check=True, capture_output=True)


@pytest.mark.parametrize("policy", ["strict", "accept_new"])
def test_a_changed_key_is_never_accepted(server: Sshd, tmp_path: Path, policy: str) -> None:
    """A key other than the known one is refused under every policy, and the file stays as it was."""
    other = make_key(tmp_path / "host").with_suffix(".pub").read_text()
    known = tmp_path / "known"
    known.write_text(f"[{server.address}]:{server.port} {other}")
    with pytest.raises(UntrustedPeer, match="changed"), channel(server, known_hosts=str(known), host_keys=policy):
        pass
    assert known.read_text().endswith(other)


@pytest.mark.parametrize("policy", ["strict", "accept_new"])
def test_a_key_of_another_type_is_no_new_host(server: Sshd, tmp_path: Path, policy: str) -> None:
    """A host known by another type of key is not silently accepted with a new type."""
    other = make_key(tmp_path / "host", "ecdsa").with_suffix(".pub").read_text()
    known = tmp_path / "known"
    known.write_text(f"[{server.address}]:{server.port} {other}")
    with pytest.raises(UntrustedPeer), channel(server, known_hosts=str(known), host_keys=policy):
        pass


def test_a_revoked_key_is_refused(server: Sshd, tmp_path: Path) -> None:
    """A key marked @revoked is refused even where it is also known."""
    known = tmp_path / "known"
    line = server.known_hosts.read_text()
    known.write_text(f"{line}@revoked * {line.split(' ', 1)[1]}")
    with pytest.raises(UntrustedPeer, match="revoked"), channel(server, known_hosts=str(known)):
        pass


def test_hashed_names_are_understood(server: Sshd, tmp_path: Path) -> None:
    """A known-hosts file with hashed names, as Debian writes it, is understood."""
    known = tmp_path / "known"
    known.write_text(server.known_hosts.read_text())
    subprocess.run([require("ssh-keygen"), "-H", "-f", str(known)], check=True, capture_output=True)
    assert server.address not in known.read_text()
    with channel(server, known_hosts=str(known)):
        pass


def test_the_agent_s_key_logs_on(server: Sshd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the option agent the one fitting key of the agent is tried; several without a choice are an error of ours."""
    socket_path, other = tmp_path / "agent", make_key(tmp_path / "other")
    started = subprocess.run(
        [require("ssh-agent"), "-s", "-a", str(socket_path)], check=True, capture_output=True, text=True
    )
    pid = int(re.search(r"SSH_AGENT_PID=(\d+)", started.stdout)[1])  # type: ignore[index]
    monkeypatch.setenv("SSH_AUTH_SOCK", str(socket_path))
    try:
        subprocess.run([require("ssh-add"), "-q", str(server.key)], check=True, capture_output=True)
        with channel(server, agent="true") as ssh:
            assert ssh.run(Shell.SH, "echo 1").stdout == "1\n"
        subprocess.run([require("ssh-add"), "-q", str(other)], check=True, capture_output=True)
        with pytest.raises(LogonUndecided, match="agent_key"), channel(server, agent="true"):
            pass
        with channel(server, agent="true", agent_key="user_key"):
            pass
    finally:
        os.kill(pid, 15)


def test_the_strike_lands_and_names_the_boot(server: Sshd, tmp_path: Path) -> None:
    """A strike moves the file and comes back with the boot in which it did."""
    (tmp_path / "bad.conf").write_bytes(CONTENT)
    files = FileOrder(
        verb="quarantine_file",
        disposition=Disposition.QUARANTINE,
        pattern=f"{tmp_path}/bad*.conf",
        guard=FileGuard(header=CONTENT[:6].hex()),
        quarantine=f"{tmp_path}/quarantine",
    )
    strike = strike_for("ssh")
    assert strike is not None
    report, boot = asyncio.run(strike(target(server), Order(digest="d", files=(files,))).fire(None, Deadline.after(20)))
    assert report.verdict == Verdict.LANDED
    assert boot is not None
    assert not (tmp_path / "bad.conf").exists()


def test_the_strike_runs_a_program(server: Sshd) -> None:
    """An order without a form for files runs as a program; a program for another shell is said to be none."""
    report = '{"verdict": "already_good", "actions": [], "message": ""}'
    strike = strike_for("ssh")
    assert strike is not None
    order = Order(digest="d", programs={Shell.SH: f"echo 'unloop-report {report}'"})
    assert strike.can_carry(order)
    assert asyncio.run(strike(target(server), order).fire(None, Deadline.after(20)))[0].verdict == Verdict.ALREADY_GOOD
    with pytest.raises(Unsupported):
        asyncio.run(strike(target(server, shell="powershell"), order).fire(None, Deadline.after(20)))  # noqa: S604


def test_a_channel_can_be_given_another_deadline(server: Sshd, tmp_path: Path) -> None:
    """What is asked afterwards has the new time, over files and programs: more than the old one, or less."""
    with SshChannel(target(server), Deadline.after(3)) as ssh:
        ssh.list_directory(str(tmp_path))
        ssh.until(Deadline.after(20))
        assert ssh.run(Shell.SH, "sleep 3.2; echo done").stdout == "done\n"
        assert ssh.list_directory(str(tmp_path)) == ()
        ssh.until(Deadline.after(0.3))
        with pytest.raises(DeadlineExceeded):
            ssh.run(Shell.SH, "sleep 60")


@pytest.mark.parametrize(("redirect", "what"), [("", "standard output"), (">&2", "standard error")])
def test_a_program_that_writes_without_end_is_given_up(server: Sshd, redirect: str, what: str) -> None:
    """The error names the host and the bound, whichever stream it is."""
    with channel(server) as ssh, pytest.raises(ProtocolError, match=f"host-1.*{what} is longer than 16 MiB"):
        ssh.run(Shell.SH, f"exec cat /dev/zero {redirect}")


def test_both_streams_of_a_program_are_heard_to_their_ends(server: Sshd) -> None:
    """Much on standard error does not keep what comes after it on standard output."""
    with channel(server) as ssh:
        done = ssh.run(Shell.SH, "head -c 5000000 /dev/zero >&2; echo done")
    assert (done.exit_code, done.stdout, len(done.stderr)) == (0, "done\n", 5_000_000)
