"""Where the token's file may lie, what it may contain, and who may read it."""

import os
import secrets
import shutil
import subprocess
import time

from harness import expect, replace, until

from .calls import calls


class Tokens:
    """Tokens that the upstream takes, made without the issuer."""

    def __init__(self, system, row):
        self.system, self.row, self.made, self.number = system, row, [], 0

    def new(self):
        token = f"tok-{secrets.token_hex(16)}"
        self.number += 1
        self.system.enter(token, f"{self.row}-{self.number}")
        self.made.append(token)
        return token

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for token in self.made:
            self.system.remove(token)


def key_file(system):
    """OPENAI_API_KEY_FILE and OPENAI_API_BASE_URL are all that the gateway is told of the upstream."""
    environment = system.gateway.environment
    expect("OPENAI_API_KEY" not in environment, "the key is in the environment, too")
    expect(system.models().status == 200, "a call failed")
    return f"OPENAI_API_KEY_FILE={os.path.basename(environment['OPENAI_API_KEY_FILE'])}, and a call answers 200"


def existing_configuration(system):
    """OPENAI_API_KEY works as before; together with a file it is an error."""
    with Tokens(system, "environment") as tokens:
        environment = {"OPENAI_API_KEY": tokens.new()}
        gateway = system.start_gateway("environment", *system.client_key_options(), env=environment)
        expect(system.models(system.address(gateway)).status == 200, "a call failed")
        gateway.stop()
        environment["OPENAI_API_KEY_FILE"] = str(system.token_file)
        both = system.start_gateway("both", *system.client_key_options(), env=environment)
        code = both.process.wait(10)
        expect(code == 2, f"with both, the exit code is {code}")
    return "OPENAI_API_KEY alone answers 200; with OPENAI_API_KEY_FILE as well, exit code 2"


def change_detection(system):
    """Only new content is a new generation, whatever times and sizes say."""
    path = system.run.folder / "detection"
    with Tokens(system, "detection") as tokens:
        first, second = tokens.new(), tokens.new()
        replace(path, first)
        gateway = system.start_gateway("detection", *system.client_key_options(), "--poll-interval", "1", key_file=path)
        url = system.address(gateway)
        start = system.generation(url)
        os.utime(path)
        replace(path, first)
        time.sleep(2.5) # two polls
        expect(system.generation(url) == start, "a touch and a rewrite count as a new key")
        times = os.stat(path)
        with open(path, "r+") as file:
            file.write(second)
        os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
        changed = system.until_generation(start, url)
        expect(changed == start + 1, f"one change was {changed - start} generations")
        system.remove(first)
        tokens.made.remove(first)
        expect(system.models(url).status == 200, "the new key is not in use")
        gateway.stop()
    return "a touch and a rewrite change nothing; other content of the same size and time is found"


def polling(system):
    """A file that is replaced without an event for the watch is found at the next look."""
    with Tokens(system, "polling") as tokens, Namespace(system, "polling") as space:
        old, new = system.run.folder / "polling-old", system.run.folder / "polling-new"
        replace(old, tokens.new())
        replace(new, tokens.new())
        url = space.gateway(old, "--poll-interval", "1")
        start = system.generation(url)
        space.run(f"mount --bind '{new}' '{old}'")
        begin = time.monotonic()
        system.until_generation(start, url)
        seconds = time.monotonic() - begin
        expect(system.models(url).status == 200, "the new key is not in use")
    return f"--poll-interval 1: a mount over the file, which causes no event, is seen after {seconds:.1f} s"


class Namespace:
    """A shell in a mount namespace of its own, as a container has one."""

    def __init__(self, system, name):
        self.system, self.name = system, name

    def __enter__(self):
        self.shell = self.system.run.start(self.name, ["unshare", "-rm", "sh"], stdin=subprocess.PIPE)
        return self

    def run(self, line):
        self.shell.process.stdin.write(f"{line}\n".encode())
        self.shell.process.stdin.flush()

    def gateway(self, key_file, *options):
        """Starts a gateway in the namespace, and returns its address."""
        words = [self.system.program, "gateway", "--listen", "127.0.0.1:0", *self.system.client_key_options(), *options]
        words += ["--upstream", f"{self.system.upstream}/v1", "--upstream-key-file", key_file]
        self.run("env -u OPENAI_API_KEY " + " ".join(f"'{word}'" for word in words) + " & gateway=$!")
        return self.system.address(self.shell)

    def __exit__(self, *_):
        self.run("kill $gateway; wait $gateway; exit")
        self.shell.process.wait(30)
        self.shell.process.stdin.close()


def volumes(system):
    """Kubernetes' `..data` swap, Docker's bind mount, and a tmpfs, under calls."""
    results = []
    with Tokens(system, "volumes") as tokens:
        results.append(f"..data swap {swaps(system, tokens)}")
        results.append(f"bind-mounted folder {bind_mount(system, tokens)}")
        results.append(f"tmpfs {tmpfs(system, tokens)}")
    return "; ".join(f"{result} changes" for result in results) + "; 0 failed"


def swaps(system, tokens):
    volume = system.run.folder / "projected"
    volume.mkdir()

    def project(number):
        """Does what the kubelet does with a Secret."""
        folder = volume / f"..{number}"
        folder.mkdir()
        (folder / "token").write_text(tokens.new())
        (folder / "token").chmod(0o640)
        (volume / "..data_tmp").symlink_to(folder.name)
        os.rename(volume / "..data_tmp", volume / "..data")
        if number > 1:
            shutil.rmtree(volume / f"..{number - 1}")

    project(1)
    (volume / "token").symlink_to("..data/token")
    gateway = system.start_gateway("projected", *system.client_key_options(), key_file=volume / "token")
    number = follow(system, system.address(gateway), project, tokens)
    gateway.stop()
    return number


def bind_mount(system, tokens):
    host, inside = system.run.folder / "host", system.run.folder / "container"
    host.mkdir()
    inside.mkdir()
    replace(host / "token", tokens.new())
    with Namespace(system, "bind") as space:
        space.run(f"mount --bind '{host}' '{inside}'")
        url = space.gateway(inside / "token")
        return follow(system, url, lambda _: replace(host / "token", tokens.new()), tokens)


def tmpfs(system, tokens):
    inside = system.run.folder / "memory"
    inside.mkdir()
    with Namespace(system, "tmpfs") as space:
        space.run(f"mount -t tmpfs tmpfs '{inside}'")

        def write(_):
            stage = system.run.folder / "stage"
            replace(stage, tokens.new())
            space.run(f"cp -p '{stage}' '{inside}/.new' && mv '{inside}/.new' '{inside}/token'")

        write(1)
        url = space.gateway(inside / "token")
        return follow(system, url, write, tokens)


def follow(system, url, change, tokens, number=4):
    """Changes the token under calls, each time with the old one dead a moment later."""
    with calls(system, url):
        for count in range(2, number + 2):
            before, old = system.generation(url), tokens.made[-1]
            change(count)
            system.until_generation(before, url)
            system.remove(old)
            tokens.made.remove(old)
            time.sleep(0.2)
    return number


def failed_updates(system):
    """Whatever is wrong with the file, or with the key in it, the last good key stays in use."""
    path = system.run.folder / "failing"
    broken = {
        "missing": lambda: path.unlink(),
        "empty": lambda: replace(path, ""),
        "two lines": lambda: replace(path, "tok-one\ntok-two\n"),
        "a space within": lambda: replace(path, "tok one"),
        "binary": lambda: replace(path, "tok\x00\x01\x02"),
        "a megabyte": lambda: replace(path, "t" * 1_000_000),
        "writable by others": lambda: replace(path, good, 0o666),
        "a folder": lambda: (path.unlink(), path.mkdir()),
    }
    with Tokens(system, "failing") as tokens:
        good = tokens.new()
        replace(path, good)
        gateway = system.start_gateway("failing", *system.client_key_options(), "--poll-interval", "1", key_file=path)
        url = system.address(gateway)
        with calls(system, url):
            for name, breaks in broken.items():
                breaks()
                until(lambda: system.condition(url)["failures"] > 0, f"failure for {name}")
                expect(system.status(url)[0] == 200, f"{name}: not ready, although the key works")
                if path.is_dir():
                    path.rmdir()
                replace(path, good)
                until(lambda: system.condition(url)["failures"] == 0, f"recovery from {name}")
            # A well-formed key that the upstream does not take: the previous one stays in use.
            before = system.generation(url)
            replace(path, "tok-of-somebody-else")
            system.until_generation(before, url)
            time.sleep(1)
            replace(path, tokens.new())
            system.until_generation(before + 1, url)
        gateway.stop()
    return f"{len(broken)} broken files ({', '.join(broken)}) and a key that the upstream refuses; 0 failed"


def permissions(system):
    """A file that others may write is refused; one that everybody may read is a warning."""
    with Tokens(system, "permissions") as tokens:
        path = system.run.folder / "permissions"
        replace(path, tokens.new(), 0o666)
        refused = system.start_gateway("writable", *system.client_key_options(), key_file=path)
        code = refused.process.wait(10)
        expect(code == 1, f"with a file that others may write, the exit code is {code}")
        replace(path, tokens.new(), 0o644)
        warned = system.start_gateway("readable", *system.client_key_options(), key_file=path)
        expect(system.models(system.address(warned)).status == 200, "a call failed")
        warned.line("readable by everybody")
        warned.stop()
        expect(system.client_keys.stat().st_mode & 0o777 == 0o600, "the file of client keys is not private")
        system.client_keys.chmod(0o666)
        try:
            refused = system.start_gateway("client-keys", *system.client_key_options())
            code = refused.process.wait(10)
            expect(code == 1, f"with a key file that others may write, the exit code is {code}")
        finally:
            system.client_keys.chmod(0o600)
    return "mode 0666 is refused with exit code 1, for tokens and client keys; 0644 is a warning"
