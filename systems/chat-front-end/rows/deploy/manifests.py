"""The manifests of Kubernetes and Compose, and the systemd units, as their own tools see them."""

import pathlib
import re
import shutil
import subprocess
import tempfile

from harness import expect, installed

from ..system import PARTS
from . import FOLDER

UNITS = ("token-sidecar.service", "rotating-auth-gateway.service")


def manifests(_):
    """Validates the Kubernetes and Compose files, and breaks each once."""
    names = installed("manifests")

    def valid(folder):
        command = [names["MANIFESTS_PYTHON"], PARTS / "validate.py", folder]
        return subprocess.run(command, capture_output=True, text=True)

    result = valid(FOLDER / "deploy")
    expect(result.returncode == 0, result.stderr[-500:])
    for name, right, wrong in [
        ("kubernetes.yaml", "readinessProbe:", "readinesProbe:"),
        ("compose.yaml", "read_only: true", "readonly: true"),
    ]:
        with tempfile.TemporaryDirectory() as folder:
            for file in ("kubernetes.yaml", "compose.yaml"):
                shutil.copy(FOLDER / "deploy" / file, folder)
            text = pathlib.Path(folder, name).read_text()
            pathlib.Path(folder, name).write_text(text.replace(right, wrong, 1))
            expect(valid(folder).returncode != 0, f"{name} with `{wrong}` counts as valid")
    keys = re.search(r"--client-keys, ([^]]+)", (FOLDER / "deploy/compose.yaml").read_text())[1]
    expect(not keys.startswith("/run/secrets/"), "a secret of Compose stays the file that it was at the start")
    return result.stdout.strip()


def units(system):
    """Has systemd verify the units, with a program in place of the installed ones."""
    expect(shutil.which("systemd-analyze"), "systemd-analyze is not installed")
    folder = system.run.folder / "units"
    folder.mkdir()
    for name in UNITS:
        text = (FOLDER / "deploy" / name).read_text()
        text = text.replace("/usr/local/bin/rotating-auth", str(system.program))
        (folder / name).write_text(text)
    command = ["systemd-analyze", "verify", "--man=no", "--recursive-errors=no", *[folder / name for name in UNITS]]
    result = subprocess.run(command, capture_output=True, text=True)
    expect(result.returncode == 0 and not result.stderr.strip(), result.stderr[-500:])
    waits = ("GATEWAY_WAIT_FOR_KEY=", "StartLimitIntervalSec=0")
    text = (folder / UNITS[1]).read_text()
    expect(all(setting in text for setting in waits), "the gateway gives up while the sidecar has no token")
    exposure = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--no-pager", folder / UNITS[1]], capture_output=True, text=True
    ).stdout
    level = re.search(r"exposure level for .*?: ([0-9.]+ \w+)", exposure)
    credentials = sum("LoadCredential=" in line for name in UNITS for line in (folder / name).read_text().splitlines())
    expect(credentials >= len(UNITS), f"the units have {credentials} credentials")
    return f"{len(UNITS)} units verified, {credentials} credentials; exposure of the gateway {level[1] if level else 'unknown'}"
