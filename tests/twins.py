"""One shell program run twice on the same files: by the real sh in a scratch directory, and by the simulated one."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

from servers import require
from simulated import MOMENT, machine_with
from unloop.model.host import System
from unloop.rehearsal.filetree import FileTree
from unloop.rehearsal.posix.shell import Outcome, run

FILES = {
    "a.txt": b"alpha\nbeta\n",
    "b.txt": b"b",
    "empty": b"",
    ".hidden": b"h",
    "sub/one.conf": b"1\n",
    "sub/two.conf": b"2",
    "sub/[x]*": b"?",
    "sp ace": b"s",
}
ENVIRONMENT = {"PATH": "/usr/local/bin:/usr/bin:/bin:/usr/games", "HOME": "/root", "USER": "root"}


@dataclass(frozen=True)
class Answer:
    """How a program ended, what it said, and the files that it left behind."""

    code: int
    stdout: bytes
    files: dict[str, bytes]


def real(program: str, place: Path, *, shell: str = "dash") -> Answer:
    """What the real shell makes of a program in a new directory of this name."""
    for name, content in FILES.items():
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_bytes(content)
    done = subprocess.run(
        ["sh", "-s"],
        executable=require(shell),
        input=program.encode(),
        capture_output=True,
        cwd=place,
        env=ENVIRONMENT | {"PWD": str(place)},
        check=False,
        timeout=30,
    )
    files = {str(path.relative_to(place)): path.read_bytes() for path in place.rglob("*") if path.is_file()}
    return Answer(done.returncode, done.stdout, files)


def simulated(program: str, place: Path) -> tuple[Answer, Outcome]:
    """What the simulated shell makes of it, in a directory of the same name."""
    parts = place.parts[1:]
    machine = machine_with(
        {(*parts, *name.split("/")): content for name, content in FILES.items()}, system=System.LINUX
    )
    for name in ("root", "tmp", "usr"):
        machine.files.make_directory((name,), modified=MOMENT)
    outcome = run(machine, f"cd '{place}' && sh -s", program.encode(), later=lambda _: None)
    return Answer(outcome.code, outcome.stdout, dict(_files(machine.files, parts, ""))), outcome


def _files(tree: FileTree, directory: tuple[str, ...], prefix: str) -> list[tuple[str, bytes]]:
    found: list[tuple[str, bytes]] = []
    for node in tree.children(directory):
        if node.is_directory:
            found += _files(tree, (*directory, node.name), f"{prefix}{node.name}/")
        else:
            found.append((f"{prefix}{node.name}", node.content))
    return found
