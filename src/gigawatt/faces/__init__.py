"""Writers of documents: terminal, HTML, Markdown, figures, web."""
