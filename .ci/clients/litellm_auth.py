"""LiteLLM's own check of keys, by which LiteLLM is an upstream whose key rotates. LiteLLM loads this file."""

import os
import pathlib

from litellm.proxy._types import UserAPIKeyAuth
from rotation import Rotation

FOLDER = pathlib.Path(os.environ["ROTATION"])
ROTATION = Rotation(FOLDER / "litellm.key", "sk-litellm")
ROTATION.begin(["models", "completions", "files"], FOLDER / "litellm.done")


async def authenticate(request, api_key):
    if not ROTATION.accepts(api_key.removeprefix("Bearer "), request.url.path.rpartition("/")[2]):
        raise Exception("Incorrect API key")  # LiteLLM answers 401
    return UserAPIKeyAuth(api_key=api_key)
