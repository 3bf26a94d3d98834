"""How far to trust it."""


def evidence_page() -> str:
    return "# How far to trust it\n"
