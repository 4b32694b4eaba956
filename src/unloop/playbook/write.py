"""Write a playbook back: the document that its YAML would hold, and that YAML."""

from typing import Any

import yaml

from unloop.playbook.document import LadderRung, Playbook, Step
from unloop.playbook.load import VERSION


def as_document(playbook: Playbook) -> dict[str, Any]:
    """The playbook as plain values, in the order of the language; empty parts are left out."""
    assess = {
        "not_applicable_if": _items(playbook.not_applicable_if),
        "already_good_if": _items(playbook.already_good_if),
    }
    document = {
        "unloop": VERSION,
        "name": playbook.name,
        "title": playbook.title,
        "system": str(playbook.system),
        "vars": dict(playbook.variables),
        "assess": {name: items for name, items in assess.items() if items},
        "actions": _items(playbook.actions),
        "verify": _items(playbook.verify),
        "cleanup": _items(playbook.cleanup),
        "ladder": _items(playbook.ladder),
        "hands_on": playbook.hands_on,
    }
    return {key: value for key, value in document.items() if value}


def as_yaml(playbook: Playbook) -> str:
    """The playbook as YAML that loads again."""
    return yaml.dump(as_document(playbook), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110)


class _Dumper(yaml.SafeDumper):
    """Writes texts of several lines as blocks."""

    def ignore_aliases(self, data: Any) -> bool:
        """Anchors are no part of the language."""
        return True


def _represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text.strip("\n") else None)


_Dumper.add_representer(str, _represent_text)


def _items(found: tuple[Step, ...] | tuple[LadderRung, ...]) -> list[Any]:
    return [_item(item.verb if isinstance(item, Step) else item.name, dict(item.options)) for item in found]


def _item(word: str, options: dict[str, Any]) -> Any:
    if not options:
        return word
    return {word: options.get("", options)}
