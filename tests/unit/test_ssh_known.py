"""Files of host keys: whose they are, what is passed over, what is refused, and that a file that changes is read again."""

import base64
import hmac
import os
from pathlib import Path

import pytest

from unloop.channels.ssh_known import book_of
from unloop.channels.ssh_trust import KnownHosts
from unloop.errors import UntrustedPeer

ONE, OTHER, THIRD = (base64.b64encode(text).decode() for text in (b"one", b"other", b"third"))


def hashed(name: str) -> str:
    """A name as ``ssh-keygen -H`` writes it."""
    salt = b"0123456789abcdef0123"
    digest = hmac.digest(salt, name.encode(), "sha1")
    return f"|1|{base64.b64encode(salt).decode()}|{base64.b64encode(digest).decode()}"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file with a comment, names together, a hashed name, and lines that are no keys of ours."""
    lines = (
        "# ssh-ed25519 AAAA",
        "",
        f"a,[a]:2222 ssh-ed25519 {ONE} a comment",
        f"a ssh-rsa {OTHER}",
        f"\ta\tssh-ed25519 {THIRD}",
        f"{hashed('b')} ecdsa-sha2-nistp256 {OTHER}",
        f"a sk-ssh-ed25519@openssh.com {THIRD}",
        f"@cert-authority * ssh-ed25519 {ONE}",
        f"@revoked * ssh-ed25519 {THIRD}",
        "a 1024 35 1234567",
    )
    file = tmp_path / "known_hosts"
    file.write_text("\n".join(lines) + "\n")
    return file


@pytest.mark.parametrize(
    ("name", "keys"),
    [
        ("a", [("ssh-ed25519", b"one"), ("ssh-rsa", b"other"), ("ssh-ed25519", b"third")]),
        ("[a]:2222", [("ssh-ed25519", b"one")]),
        ("b", [("ecdsa-sha2-nistp256", b"other")]),
        ("c", []),
        ("*", []),
    ],
)
def test_a_host_has_the_keys_of_its_lines(path: Path, name: str, keys: list[tuple[str, bytes]]) -> None:
    """Every line counts that names it, plainly or hashed; patterns, authorities and unknown types of key do not."""
    assert book_of(path).keys_of([name]) == keys


def test_the_types_are_told_once_for_all_names(path: Path) -> None:
    """In the order of the file."""
    known = KnownHosts(path, ("a", "b"))
    assert known.key_types() == ("ssh-ed25519", "ssh-rsa", "ecdsa-sha2-nistp256")


def test_names_mind_no_case(tmp_path: Path) -> None:
    """An inventory in capitals finds what OpenSSH wrote in small letters, and the other way round."""
    file = tmp_path / "known_hosts"
    file.write_text(f"web01 ssh-ed25519 {ONE}\nWEB02 ssh-ed25519 {OTHER}\n")
    for name in ("WEB01", "web02"):
        assert KnownHosts.of(str(file), names=[name], port=22).key_types() == ("ssh-ed25519",)


def test_revoked_keys_are_told(path: Path) -> None:
    """For whomever they are revoked."""
    assert b"third" in book_of(path).revoked
    assert b"one" not in book_of(path).revoked


def test_no_file_knows_nobody(tmp_path: Path) -> None:
    """That is no error: it may be written."""
    assert book_of(tmp_path / "none").keys_of(["a"]) == []


def test_a_file_that_changed_is_read_again(path: Path) -> None:
    """Whether a line is added, or one is exchanged for another of the same length."""
    assert book_of(path).keys_of(["c"]) == []
    with path.open("a") as file:
        file.write(f"c ssh-rsa {ONE}\n")
    assert book_of(path).keys_of(["c"]) == [("ssh-rsa", b"one")]
    path.write_text(path.read_text().replace("c ssh-rsa", "d ssh-rsa"))
    os.utime(path, (1, 1))
    assert book_of(path).keys_of(["c"]) == []


@pytest.mark.parametrize("line", ["a ssh-rsa A", "|1|x|y ssh-rsa AAAA", "a ssh-rsa \xff\xfe"])
def test_a_garbled_file_trusts_nobody(path: Path, line: str) -> None:
    """Rather than that a line be passed over which was to refuse somebody."""
    path.write_bytes(path.read_bytes() + line.encode("latin-1"))
    with pytest.raises(UntrustedPeer, match="can't be read"):
        KnownHosts(path, ("b",)).key_types()
