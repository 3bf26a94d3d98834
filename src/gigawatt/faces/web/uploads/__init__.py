"""Files that visitors upload: their store, their routes, and which keys may name one."""
