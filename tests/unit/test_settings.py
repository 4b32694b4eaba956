"""unloop.toml: found, read, checked; every problem with its line; no password accepted or shown."""

import dataclasses
from pathlib import Path

import pytest

from unloop.errors import InputError
from unloop.settings.lines import line_of
from unloop.settings.load import load, state_directory
from unloop.settings.schema import Settings

CANARY = "hunter2-canary"


def write(directory: Path, text: str) -> Path:
    """A settings file of that text."""
    path = directory / "unloop.toml"
    path.write_text(text, encoding="utf-8")
    return path


def problems(path: Path) -> list[tuple[int | None, str, str]]:
    """Line, text and hint of each problem of a settings file."""
    with pytest.raises(InputError) as caught:
        load(path, environment={})
    return [(problem.line, problem.what, problem.hint) for problem in caught.value.problems]


def test_defaults_without_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without any file there are defaults, and the store lies in the state directory."""
    monkeypatch.chdir(tmp_path)
    settings = load(environment={"XDG_STATE_HOME": str(tmp_path / "state")})
    assert settings.store.url == f"sqlite:///{tmp_path}/state/unloop/unloop.db"
    assert settings.sources == ()
    assert (settings.broker.url, settings.race.resets, settings.limits.bmc_spacing) == ("memory://", 15, 5.0)


def test_relative_state_home_is_ignored(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A relative XDG_STATE_HOME counts as unset, as its specification says."""
    monkeypatch.setenv("HOME", str(tmp_path))
    assert state_directory({"XDG_STATE_HOME": "state"}) == tmp_path / ".local/state/unloop"


def test_order_of_search(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file named wins over $UNLOOP_CONFIG, which wins over ./unloop.toml."""
    monkeypatch.chdir(tmp_path)
    write(tmp_path, "[race]\nresets = 1\n")
    for number in (2, 3):
        (tmp_path / f"{number}.toml").write_text(f"[race]\nresets = {number}\n")
    assert load(environment={}).race.resets == 1
    assert load(environment={"UNLOOP_CONFIG": "2.toml"}).race.resets == 2
    assert load("3.toml", environment={"UNLOOP_CONFIG": "2.toml"}).race.resets == 3


def test_a_named_file_must_exist(tmp_path: Path) -> None:
    """A file that was asked for and isn't there is an error, never silently the defaults."""
    assert problems(tmp_path / "none.toml")[0][2] == "is the path right? 'unloop init' makes an unloop.toml here"


def test_everything_is_read(tmp_path: Path) -> None:
    """Tables, durations, lists, references and paths arrive in their types; paths start at the file's directory."""
    path = write(
        tmp_path,
        """
[store]
url = "sqlite:///runs.db"
[credentials.local-admin]
username = "Administrator"
password = "file:secrets/admin"
[credentials.domain-admin]
username = 'CORP\\svc'
password = "env:SVC"
[defaults.credentials]
winrm = ["local-admin", "domain-admin"]
bmc = "local-admin"
[race]
watch = "2m"
spacing = 45
[trust]
known_hosts = "known_hosts"
[trust.tls_fingerprints]
"10.0.0.1" = "SHA256:ABCDEFABCDEFABCDEFABCDEFABCDEFABCDEFABCDEFABCDEFABCDEFABCDEFABCD"
"10.0.0.2" = "00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF"
""",
    )
    settings = load(path)
    assert settings.store.url == f"sqlite:///{tmp_path}/runs.db"
    assert settings.credentials["local-admin"].password == f"file:{tmp_path}/secrets/admin"
    assert [entry.is_local for entry in settings.credentials.values()] == [True, False]
    assert settings.defaults.credentials == {"winrm": ("local-admin", "domain-admin"), "bmc": ("local-admin",)}
    assert (settings.race.watch, settings.race.spacing) == (120.0, 45.0)
    assert settings.trust.known_hosts == str(tmp_path / "known_hosts")
    assert settings.trust.tls_fingerprints == {
        "10.0.0.1": "abcdef" * 10 + "abcd",
        "10.0.0.2": "00112233445566778899aabbccddeeff" * 2,
    }
    assert settings.sources == (path,)


def test_a_fingerprint_that_is_none_is_told_with_its_line(tmp_path: Path) -> None:
    """Too few digits, or letters that are none: what, where and what to write."""
    good = "0" * 64
    path = write(tmp_path, f'[trust.tls_fingerprints]\n"10.0.0.1" = "{good}"\n"10.0.0.2" = "aa"\n"h" = "{good[1:]}g"\n')
    with pytest.raises(InputError) as caught:
        load(path)
    told = f"10.0.0.2 ('aa'), h ('{good[1:]}g')"
    assert str(caught.value) == (
        f"{path}:3: trust.tls_fingerprints has no fingerprint of a certificate for {told}; the SHA-256 of a certificate is "
        "64 hex digits, colons allowed: openssl x509 -noout -fingerprint -sha256 shows it"
    )


def test_all_problems_at_once_with_their_lines(tmp_path: Path) -> None:
    """Unknown tables and keys, wrong types and unknown credentials are reported together, each on its line."""
    path = write(
        tmp_path,
        """[rase]
resets = 1
[race]
resetz = 2
watch = "soon"
threads = -1
[defaults]
credentials = {winrm = ["nobody"]}
[trust]
insecure = "yes"
""",
    )
    assert problems(path) == [
        (1, "no setting is called 'rase'", "did you mean 'race'?"),
        (4, "race has no setting 'resetz'", "did you mean 'resets'?"),
        (5, "race.watch must be a duration", "write seconds, or text such as '30s', '5m', '2h'"),
        (6, "race.threads is -1, but can't be negative", ""),
        (10, "trust.insecure must be true or false", ""),
        (8, "defaults.credentials.winrm names 'nobody', which is no credential", "add [credentials.nobody]"),
    ]


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ('interval = "0s"', "race.interval is 0 s, but must be at least 0.001 s"),
        ("hot = 0", "race.hot is 0 s, but must be at least 0.001 s"),
        ("strikes = 0", "race.strikes is 0, but must be at least 1"),
        ('lease = "1ms"', "race.lease is 0.001 s, but must be at least 1 s"),
    ],
)
def test_a_number_with_which_nothing_would_work_is_refused(tmp_path: Path, line: str, told: str) -> None:
    """Zero is "no limit" for limits, and nonsense for an interval or a number of strikes."""
    assert problems(write(tmp_path, f"[race]\n{line}\n")) == [(2, told, "")]


def test_bad_toml_has_a_place(tmp_path: Path) -> None:
    """A syntax error names line and column."""
    path = write(tmp_path, "[race]\nresets = = 1\n")
    with pytest.raises(InputError) as caught:
        load(path)
    assert str(caught.value) == f"{path}:2:10: not TOML: Invalid value"


@pytest.mark.parametrize(
    "text",
    [
        f'[credentials.a]\npassword = "{CANARY}"\n',
        f"[credentials.a]\npassword = 12\nkey = '{CANARY}'\n",
        f'[store]\nurl = "postgresql://unloop:{CANARY}@db/unloop"\n',
        f'[store]\nurl = "postgresql://db/unloop?user=u&password={CANARY}"\n',
        f'[broker]\nurl = "redis://:{CANARY}@127.0.0.1:6379/0"\n',
        f'[store]\npassword = "{CANARY}"\n',
        f"[credentials.a]\npassword = {CANARY}\n",
    ],
)
def test_a_plain_password_is_refused_and_not_shown(tmp_path: Path, text: str) -> None:
    """A password in the file is an error that tells how to do it right and does not repeat the password."""
    path = write(tmp_path, text)
    with pytest.raises(InputError) as caught:
        load(path)
    assert CANARY not in f"{caught.value} {caught.value!r} {caught.value.problems}"
    assert "file:PATH" in str(caught.value) or "not TOML" in str(caught.value)


def test_a_password_that_looks_like_a_reference_is_not_shown(tmp_path: Path) -> None:
    """References are left out of the repr: a password with a colon in it would pass for one until it is resolved."""
    settings = load(write(tmp_path, f'[credentials.a]\nusername = "a"\npassword = "x:{CANARY}"\n'))
    assert CANARY not in repr(settings)


def test_every_setting_is_documented() -> None:
    """Every setting says what it is for."""
    for table in dataclasses.fields(Settings):
        if table.name in ("credentials", "sources"):
            continue
        for field in dataclasses.fields(table.type):  # type: ignore[arg-type]
            assert field.metadata["doc"], f"{table.name}.{field.name}"


def test_lines_are_found_in_every_spelling() -> None:
    """Tables, dotted keys, quoted keys and inline tables lead to a line; what can't be found leads to its table."""
    text = '[a.b]\nc = 1\n\n["d e"]\nf.g = {h = 1}\n'
    found = [line_of(text, keys) for keys in (("a", "b", "c"), ("d e", "f", "g"), ("d e", "f", "g", "h"), ("z",))]
    assert found == [2, 5, 5, None]
