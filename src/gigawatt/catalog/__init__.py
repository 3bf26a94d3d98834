"""Every number that came from somewhere: rows with unit, range, grade and source, and one loader."""

from gigawatt.catalog.entity import watched
from gigawatt.catalog.loader import (
    CURRENCY_YEAR,
    Entity,
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
    "entity",
    "path",
    "source",
    "sources",
    "table",
    "tables",
    "use_user_catalog",
    "user_catalog",
    "user_folder",
    "varied",
    "version",
    "watched",
]
