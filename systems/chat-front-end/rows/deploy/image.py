"""The steps of the Dockerfile, without Docker."""

import json
import os
import pathlib
import re
import shutil
import subprocess

from harness import REPOSITORY, TARGET, expect, free_port, replace

from . import FOLDER


def image(system, whole):
    """Runs the steps of the image: as its user, on a read-only root. With `whole`, the program is that of the build stage."""
    expect(os.geteuid() == 0, "this row needs root, as Docker's daemon has it")
    build, stage = stages()["build"], stages()["gateway"]
    program, built = system.program, "the build stage's context matches Cargo.lock"
    context = copied(system.run.folder / "context")
    if whole:
        program, built = built_by(build, context, stage), "built by the build stage"
    else:
        subprocess.run(["cargo", "metadata", "-q", "--locked", "--format-version=1"], cwd=context, check=True, capture_output=True)
    root = system.run.folder / "image"
    system.run.folder.chmod(0o711)
    place = root / stage["COPY"][-1].split()[-1].lstrip("/")
    place.parent.mkdir(parents=True)
    shutil.copy(program, place)
    libraries = subprocess.run(["ldd", program], capture_output=True, text=True, check=True).stdout
    for path in re.findall(r"(/\S+) \(0x", libraries): # which the base image has
        (root / path.lstrip("/")).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, root / path.lstrip("/"))
    for folder in ("run/tokens", "run/secrets", "dev", "tmp"):
        (root / folder).mkdir(parents=True)
    user = int(stage["USER"][0].split(":")[0])
    expect(user != 0, "the image runs as root")
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
    return f"{built}; user {user}, read-only root, {len(list(root.rglob('*.so*')))} libraries; healthcheck 0, and not 0 once stopped"


def copied(place):
    """Copies what Docker would: the repository, without what .dockerignore names."""
    ignored = (FOLDER / "Dockerfile.dockerignore").read_text().split()
    at_top = lambda folder, names: ignored if pathlib.Path(folder) == REPOSITORY else []
    return shutil.copytree(REPOSITORY, place, symlinks=True, ignore=at_top)


def built_by(build, context, stage):
    """Runs the commands of the build stage in its context, with the toolchain of this machine. Returns the program."""
    target = TARGET / "systems/image"
    for command in build["RUN"]:
        subprocess.run(["sh", "-ec", command], cwd=context, env=os.environ | {"CARGO_TARGET_DIR": str(target)}, check=True)
    source = next(line.split()[1] for line in stage["COPY"] if line.startswith("--from=build"))
    return target / pathlib.Path(source).relative_to("/src/target")


def stages():
    """Returns the instructions of each stage of the Dockerfile, by the stage's name and their own."""
    text = (FOLDER / "Dockerfile").read_text().replace("\\\n", " ")
    found = {}
    for line in text.splitlines():
        name, _, rest = line.partition(" ")
        if name == "FROM":
            stage = found[rest.split(" AS ")[1]] = {}
        elif name.isupper():
            stage.setdefault(name, []).append(rest)
    return found
