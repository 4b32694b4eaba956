"""The how-to pages name everything that can be given."""

from pathlib import Path

from unloop import plugins
from unloop.inventory.fields import FIELDS
from unloop.settings.load import load

DOCS = Path(__file__).parents[2] / "docs" / "how-to"


def test_every_field_is_described() -> None:
    """Every inventory field stands in the page about hosts."""
    page = (DOCS / "describe-your-hosts.md").read_text(encoding="utf-8")
    assert [name for name in FIELDS if f"`{name}`" not in page] == []


def test_every_source_of_secrets_is_described_and_the_example_loads(tmp_path: Path) -> None:
    """Every reference scheme stands in the page about credentials, whose example is valid."""
    page = (DOCS / "give-credentials.md").read_text(encoding="utf-8")
    assert [name for name in plugins.names("unloop.secrets") if f"`{name}:" not in page] == []
    (tmp_path / "unloop.toml").write_text(page.split("```toml\n")[1].split("```")[0])
    assert len(load(tmp_path / "unloop.toml").credentials) == 4
