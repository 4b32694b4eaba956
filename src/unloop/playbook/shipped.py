"""The playbooks that come with unloop: in a wheel below the package, in a checkout beside it."""

from importlib.resources import files
from pathlib import Path as FilePath

from unloop.errors import InputError, Problem, did_you_mean


def shipped_directory() -> FilePath:
    """Where the shipped playbooks are; raises InputError when this installation has none."""
    package = FilePath(str(files("unloop")))
    for directory in (package / "shipped_playbooks", package.parent.parent / "playbooks"):
        if directory.is_dir():
            return directory
    raise InputError(Problem("this installation ships no playbooks", hint="give a playbook by its path"))


def shipped() -> tuple[FilePath, ...]:
    """The shipped playbooks, in order of name."""
    return tuple(sorted(shipped_directory().glob("*.yml")))


def locate(name: str) -> FilePath:
    """The file of a playbook given by path or by the name of a shipped one; raises InputError when there is none."""
    path = FilePath(name)
    if path.is_file():
        return path
    if path.is_dir():
        raise InputError(Problem("is a directory, not a playbook", path=name))
    known = {file.stem: file for file in shipped()}
    if name in known:
        return known[name]
    if path.suffix or path.name != name:
        near = did_you_mean(path.stem, known)
        hint = near if near.startswith("did you") else "shipped playbooks are given by name: unloop playbook list"
        raise InputError(Problem("there is no such file", path=name, hint=hint))
    raise InputError(
        Problem(f"no playbook is called {name!r}, and there is no such file", hint=did_you_mean(name, known))
    )
