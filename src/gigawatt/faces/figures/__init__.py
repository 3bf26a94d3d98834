"""What figures share: style, numbers as a person reads them, maps of points. No study is known here."""
