"""Files."""

import os
import pathlib


def replace(path, content, mode=0o600):
    """Replaces a file in one step, as a careful writer does."""
    path = pathlib.Path(path)
    new = path.with_name(f".{path.name}.new")
    with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "w") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    os.chmod(new, mode)
    os.rename(new, path)
