"""Documents as one HTML page that works offline, as Markdown and in notebooks. No study is known here."""
