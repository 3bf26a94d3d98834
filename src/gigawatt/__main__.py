"""``python -m gigawatt``: the command ``gigawatt``."""

from gigawatt.faces.terminal import main

if __name__ == "__main__":
    main()
