"""What the processes leave behind: secrets, and a server without its app."""

import glob
import http.client
import os
import pathlib
import signal
import subprocess

from harness import expect, until

from .desktop import Desktop


def redaction(run, programs):
    """No key is in a log, in `ps`, on a command line, or in a panic."""
    desktop = Desktop(run, programs, calls="chat")
    first = desktop.server_environment()["MODEL_SERVER_KEY"]
    marks = [first, desktop.key(), desktop.key("second")]
    marks += [(desktop.folder / name).read_text().split("PRIVATE KEY-----")[1][:60] for name in ("tls.pem", "app.pem")]
    try:
        desktop.ask("/v1/models/broken/load", marks[1], "POST")
    except (OSError, http.client.HTTPException): # a panic closes the connection
        pass
    desktop.app.line("panicked")
    texts = {process.name: process.log() for process in run.processes}
    texts |= {str(path): path.read_text() for path in desktop.folder.glob("audit.jsonl*")}
    for path in glob.glob("/proc/[0-9]*/cmdline"):
        try:
            texts[path] = pathlib.Path(path).read_text(errors="replace")
        except OSError: # it has ended meanwhile
            continue
    texts["ps"] = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True).stdout
    for name, text in texts.items():
        for mark in marks:
            expect(mark not in text, f"a secret is in {name}")
    environ = os.stat(f"/proc/{desktop.server_pid()}/environ").st_mode & 0o777
    expect(environ == 0o400, f"the environment has mode {environ:o}")
    for path in desktop.folder.iterdir():
        expect(path.name.endswith((".serial", ".lock")) or path.stat().st_mode & 0o077 == 0, f"others can read {path.name}")
    expect(desktop.folder.stat().st_mode & 0o077 == 0, "others can open the folder")
    panic = desktop.app.log().split("panicked", 1)[1][:2000]
    expect("app" in panic, "the panic does not name the caller")
    desktop.stop()
    return f"{len(marks)} secrets, {len(texts)} texts with a panic among them: none found; the environment has mode 0400"


def ends_together(run, programs):
    """A server whose app is killed ends by itself."""
    desktop = Desktop(run, programs)
    pid = desktop.server_pid()
    desktop.app.process.send_signal(signal.SIGKILL)
    desktop.app.process.wait(10)

    def gone():
        try:
            return pathlib.Path(f"/proc/{pid}/stat").read_text().split()[2] == "Z"
        except OSError:
            return True

    until(gone, "end of the server")
    return "the app is killed, and the server ends"
