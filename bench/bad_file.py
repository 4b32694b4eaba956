"""The file that the benchmarks have moved aside: what it is, what lies beside it, and the orders and guards for it."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from unloop.actions.compile import compile_order
from unloop.model.host import System
from unloop.model.order import Order
from unloop.playbook.document import Playbook, Step

DRIVERS = ("Windows", "System32", "drivers", "CrowdStrike")
AGENT, AGENT_NAME = ("opt", "agent"), "content-0007.bin"
"""Where its like lies on a Linux host that a campaign repairs: a playbook that names the other one there is refused."""
NAME, PATTERN = "C-00000291-00000000-00000032.sys", "C-00000291*.sys"
HEADER = "AA AA AA AA 01 00 23 01"
CONTENT = bytes.fromhex(HEADER) + bytes(40952)
AT = datetime(2024, 7, 19, 4, 9, tzinfo=UTC)
BEFORE = datetime(2024, 7, 19, 5, 27, tzinfo=UTC)
SIBLINGS = {f"C-000002{number}-00000000-00000001.sys": b"good" for number in range(50, 70)}
PLACE = "\\".join(("C:", *DRIVERS))
PATH = f"{PLACE}\\{NAME}"
TIMES = {"modified": {"from": AT.isoformat(), "before": BEFORE.isoformat()}}
HEADER_AND_TIMES = {**TIMES, "header": HEADER}


def order(name: str = NAME, guard: dict[str, Any] | None = None, *, root: str = "") -> Order:
    """Move the file aside: by this name or pattern, below ``root`` on a Linux host, else on C: of a Windows one."""
    system = System.LINUX if root else System.WINDOWS
    path = "/".join((root.rstrip("/"), *DRIVERS, name)) if root else f"{PLACE}\\{name}"
    step = Step("quarantine_file", {"path": path, **({"guard": guard} if guard else {})})
    made = compile_order(Playbook("p", "t", system, actions=(step,), digest="d"), campaign="c1")
    if not root.strip("/") or made.files is None:
        return made
    return replace(made, files=tuple(replace(one, quarantine=f"{root}/unloop-quarantine/c1") for one in made.files))
