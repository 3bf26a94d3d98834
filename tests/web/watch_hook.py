"""What every process of a served page opens, starts and connects to, in a file: imported as sitecustomize.

``WATCH_LOG`` is the file, ``WATCH_OURS`` the folders (``os.pathsep`` between) that are no news. One event a
line: the event, a tab, what it was about.
"""

import os
import sys

_log = os.open(os.environ["WATCH_LOG"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
_ours = tuple(os.environ["WATCH_OURS"].split(os.pathsep))
_FILES = ("open", "os.listdir", "os.scandir", "os.remove", "os.rename", "os.mkdir", "shutil.copyfile")
_ALWAYS = ("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "socket.connect",
           "socket.getaddrinfo", "webbrowser.open", "smtplib.connect", "urllib.Request")  # fmt: skip


def _watch(event: str, arguments: tuple[object, ...]) -> None:
    if event in _FILES and arguments and isinstance(arguments[0], str | bytes | os.PathLike):
        name = os.fsdecode(arguments[0])
        whole = os.path.abspath(name)
        imports = event == "os.listdir" and name in sys.path
        if imports or f"{whole}{os.sep}".startswith(_ours):
            return
        os.write(_log, f"{event}\t{whole!r}\n".encode("utf-8", "backslashreplace"))
    elif event in _ALWAYS:
        about = arguments[1] if event == "socket.connect" else arguments
        os.write(_log, f"{event}\t{about!r}\n".encode("utf-8", "backslashreplace"))


sys.addaudithook(_watch)


class _Bypass:
    """Takes the check of names out of every process, for the test that shows what it is for."""

    def find_spec(self, name: str, path: object, target: object = None) -> object:
        if name != "gigawatt.faces.web.uploads.paths":
            return None
        sys.meta_path.remove(self)
        from importlib.util import find_spec

        spec = find_spec(name)
        load = spec.loader.exec_module

        def bypassed(module: object) -> None:
            load(module)
            module.known = lambda key, value, uploads=(): value

        spec.loader.exec_module = bypassed
        return spec


if os.environ.get("WATCH_BYPASS"):
    sys.meta_path.insert(0, _Bypass())
