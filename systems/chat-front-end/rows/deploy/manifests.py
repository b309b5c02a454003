"""What runs the gateway elsewhere: the image's steps, the manifests, and the systemd units."""

import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile

from harness import expect, free_port, installed, replace

from .system import PARTS

FOLDER = PARTS.parent
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
    return result.stdout.strip()


def units(system):
    """Has systemd verify the units, with a program in place of the installed ones."""
    if shutil.which("systemd-analyze") is None:
        return "skipped: no systemd-analyze"
    folder = system.run.folder / "units"
    folder.mkdir()
    for name in UNITS:
        text = (FOLDER / "deploy" / name).read_text()
        text = text.replace("/usr/local/bin/rotating-auth", str(system.program))
        (folder / name).write_text(text)
    command = ["systemd-analyze", "verify", "--man=no", "--recursive-errors=no", *[folder / name for name in UNITS]]
    result = subprocess.run(command, capture_output=True, text=True)
    expect(result.returncode == 0 and not result.stderr.strip(), result.stderr[-500:])
    exposure = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--no-pager", folder / UNITS[1]], capture_output=True, text=True
    ).stdout
    level = re.search(r"exposure level for .*?: ([0-9.]+ \w+)", exposure)
    credentials = sum("LoadCredential=" in line for name in UNITS for line in (folder / name).read_text().splitlines())
    return f"{len(UNITS)} units verified, {credentials} credentials; exposure of the gateway {level[1] if level else 'unknown'}"


def image(system):
    """Runs the steps of the Dockerfile's last stage without Docker: as its user, on a read-only root."""
    expect(os.geteuid() == 0, "this row needs root, as Docker's daemon has it")
    stage = last_stage()
    root = system.run.folder / "image"
    system.run.folder.chmod(0o711)
    place = root / stage["COPY"][-1].split()[-1].lstrip("/")
    place.parent.mkdir(parents=True)
    shutil.copy(system.program, place)
    libraries = subprocess.run(["ldd", system.program], capture_output=True, text=True, check=True).stdout
    for path in re.findall(r"(/\S+) \(0x", libraries): # which the base image has
        (root / path.lstrip("/")).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, root / path.lstrip("/"))
    for folder in ("run/tokens", "run/secrets", "dev", "tmp"):
        (root / folder).mkdir(parents=True)
    user = int(stage["USER"][0].split(":")[0])
    tokens = system.run.folder / "image-tokens"
    tokens.mkdir()
    replace(tokens / "token", system.token_file.read_text())
    shutil.copy(system.client_keys, tokens / "keys.toml")
    for path in (tokens, tokens / "token", tokens / "keys.toml"):
        os.chown(path, user, user)
    environment = dict(pair.split("=", 1) for line in stage["ENV"] for pair in line.split())
    # Loopback, and ports that are free.
    admin = f"127.0.0.1:{free_port()}"
    environment |= {"GATEWAY_LISTEN": "127.0.0.1:0", "GATEWAY_ADMIN_LISTEN": admin}
    environment |= {"OPENAI_API_BASE_URL": f"{system.upstream}/v1", "OPENAI_API_KEY_FILE": "/run/tokens/token"}
    words = [*json.loads(stage["ENTRYPOINT"][0]), *json.loads(stage["CMD"][0]), "--client-keys", "/run/tokens/keys.toml"]
    enter = f"chroot --userspec={user}:{user} '{root}'"
    script = f"""
        mount --bind '{root}' '{root}'
        mount --bind '{tokens}' '{root}/run/tokens'
        mount -o remount,bind,ro '{root}'
        ! touch '{root}/tmp/file' 2>/dev/null || exit 9
        exec {enter} {' '.join(words)}
    """
    gateway = system.run.start("image-gateway", ["unshare", "-m", "sh", "-ec", script], env=environment)
    url = gateway.line(r"listening on (http\S+)")[1]
    status = pathlib.Path(f"/proc/{gateway.pid}/status").read_text()
    expect(re.search(rf"^Uid:\s+{user}\s", status, re.M), "the gateway does not run as the image's user")
    expect(system.models(url).status == 200, "a call failed")
    healthcheck = json.loads(stage["HEALTHCHECK"][0].split("CMD ", 1)[1])

    def healthy():
        command = ["sh", "-c", f"exec {enter} {' '.join(healthcheck)}"]
        return subprocess.run(command, env=os.environ | environment, capture_output=True).returncode

    expect(healthy() == 0, "the healthcheck fails")
    gateway.stop()
    expect(healthy() != 0, "the healthcheck of a stopped gateway succeeds")
    return f"user {user}, read-only root, {len(list(root.rglob('*.so*')))} libraries; healthcheck 0, and not 0 once stopped"


def last_stage():
    """Returns the instructions of the Dockerfile's last stage, by name."""
    text = (FOLDER / "Dockerfile").read_text().replace("\\\n", " ")
    stage = {}
    for line in text.splitlines():
        name, _, rest = line.partition(" ")
        if name == "FROM":
            stage = {}
        elif name.isupper():
            stage.setdefault(name, []).append(rest)
    return stage
