"""Routes of the pages: views, long work, pinned questions, downloads."""
