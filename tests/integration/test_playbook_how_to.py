"""The example of docs/how-to/write-a-playbook.md is a playbook that holds."""

import re
from pathlib import Path

from unloop.actions.review import review

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "write-a-playbook.md"


def test_the_example_of_the_documentation_holds(tmp_path: Path) -> None:
    """Saved as the page says, the playbook has no problem and its fixture comes out as written."""
    playbook, sick = re.findall(r"```yaml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    (tmp_path / "fixtures" / "bad-rules").mkdir(parents=True)
    (tmp_path / "bad-rules.yml").write_text(playbook, encoding="utf-8")
    (tmp_path / "fixtures" / "bad-rules" / "sick.yml").write_text(sick, encoding="utf-8")
    found = review(tmp_path / "bad-rules.yml")
    assert found.problems == ()
    assert [proof.actual for proof in found.proofs] == ["landed"]
