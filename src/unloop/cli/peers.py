"""What the doctor says of those whom unloop has to trust or reach: SSH host keys, authorities, the broker."""

import ssl
from collections.abc import Iterator
from pathlib import Path

from unloop.channels.ssh_known import Book, book_of
from unloop.cli.drive import is_local
from unloop.cli.finding import Finding, Mark
from unloop.dispatch.reach import reachable_app
from unloop.settings.schema import Settings

KNOWN_HOSTS = "~/.ssh/known_hosts"
COLLECT = "without its key an SSH host is refused; collect keys over a trusted path with ssh-keyscan"


def broker_finding(settings: Settings) -> Finding:
    """Whether the broker answers; raises InputError with what to do when it does not."""
    if is_local(settings):
        return Finding(Mark.OK, "broker", "none: the command that starts a campaign does its work, no worker does")
    reachable_app(settings)
    return Finding(Mark.OK, "broker", f"{settings.broker.url} answers")


def trust_findings(settings: Settings) -> Iterator[Finding]:
    """Whether the files of host keys and authorities are there and can be read."""
    trust = settings.trust
    if trust.insecure:
        yield Finding(Mark.NOTE, "trust", "insecure = true: any certificate and host key is accepted")
    yield _known_hosts(Path(trust.known_hosts or KNOWN_HOSTS).expanduser(), is_named=bool(trust.known_hosts))
    yield _authorities(trust.tls_ca, pinned=len(trust.tls_fingerprints))


def _known_hosts(path: Path, *, is_named: bool) -> Finding:
    about, worst = "known_hosts", Mark.BAD if is_named else Mark.NOTE
    if not path.is_file():
        return Finding(worst, about, f"{path} is no file; {COLLECT}, or name another trust.known_hosts")
    try:
        book = book_of(path)
    except (OSError, ValueError) as error:
        return Finding(Mark.BAD, about, f"{path} can't be read: {error}; no SSH host can be trusted until it can")
    keys = _keys(book)
    if not keys:
        return Finding(worst, about, f"{path} holds no key that can be used; {COLLECT}")
    revoked = f", {len(book.revoked)} revoked" if book.revoked else ""
    return Finding(Mark.OK, about, f"{path}: {keys} keys of {len(book.plain) + len(book.hashed)} names{revoked}")


def _keys(book: Book) -> int:
    return len({blob for keys in book.plain.values() for _, blob in keys} | {key[1] for _, _, key in book.hashed})


def _authorities(path: str, *, pinned: int) -> Finding:
    pins = f"; {pinned} certificates are pinned" if pinned else ""
    if not path:
        usual = "not set: certificates must be signed by an authority that this system trusts"
        return Finding(Mark.OK, "tls_ca", f"{usual}, or be pinned{pins}")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        context.load_verify_locations(path)
    except FileNotFoundError:
        return Finding(
            Mark.BAD, "tls_ca", f"{path} is no file; put the authorities' PEM there, or correct trust.tls_ca"
        )
    except OSError as error:  # ssl.SSLError is one
        told = error.strerror or str(error)
        return Finding(Mark.BAD, "tls_ca", f"{path} can't be read: {told}; it has to be PEM (BEGIN CERTIFICATE)")
    found = context.cert_store_stats()["x509"]
    return Finding(Mark.OK, "tls_ca", f"{path}: {found} certificates of authorities{pins}")
