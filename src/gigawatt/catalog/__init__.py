"""Every number that came from somewhere: rows with unit, range, grade and source, and one loader."""

from gigawatt.catalog.browse import Found, Holding, find, holdings, main_quantities, source_uses, user_words
from gigawatt.catalog.entity import watched
from gigawatt.catalog.loader import (
    CURRENCY_YEAR,
    Entity,
    begun_with,
    entity,
    path,
    source,
    sources,
    table,
    tables,
    use_user_catalog,
    user_catalog,
    user_folder,
    varied,
    version,
)

__all__ = [
    "CURRENCY_YEAR",
    "Entity",
    "Found",
    "Holding",
    "begun_with",
    "entity",
    "find",
    "holdings",
    "main_quantities",
    "path",
    "source",
    "source_uses",
    "sources",
    "table",
    "tables",
    "use_user_catalog",
    "user_catalog",
    "user_folder",
    "user_words",
    "varied",
    "version",
    "watched",
]
