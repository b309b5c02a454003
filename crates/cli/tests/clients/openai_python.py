"""The openai package of Python, across rotations of the upstream's key, and with keys that are refused."""

import io
import os
import sys
import time

import openai

URL, ROUNDS = os.environ["URL"] + "/v1", 8
ONLY_CHAT = "--chat-only" in sys.argv


def client(key):
    return openai.OpenAI(base_url=URL, api_key=os.environ[key], max_retries=0, timeout=30)


good = client("KEY_GOOD")
chat = {"model": "m", "messages": [{"role": "user", "content": "hello"}]}
done = 0
for _ in range(ROUNDS):
    assert good.chat.completions.create(**chat).choices[0].message.content == "hello"
    text = "".join(part.choices[0].delta.content or "" for part in good.chat.completions.create(**chat, stream=True))
    assert text.split() == [str(n) for n in range(20)], text
    done += 2
    if ONLY_CHAT:
        continue
    assert [model.id for model in good.models.list()] == ["m"]
    for size in [10, 2_000_000]:
        uploaded = good.files.create(file=("a", io.BytesIO(b"a" * size)), purpose="batch")
        assert uploaded.bytes > size, uploaded
    with good.realtime.connect(model="m") as realtime:
        assert realtime.recv().type == "session.created"
        realtime.session.update(session={"type": "realtime"})
        assert realtime.recv().type == "session.updated"
    try:
        good.chat.completions.create(**{**chat, "model": "missing"})
        raise AssertionError("no error")
    except openai.NotFoundError as error:
        assert error.code == "model_not_found", error
    done += 5
for key in ["KEY_WRONG", "KEY_EXPIRED", "KEY_REVOKED"]:
    for send in [client(key).models.list, lambda key=key: client(key).chat.completions.create(**chat)]:
        try:
            send()
            raise AssertionError(f"{key} was accepted")
        except openai.AuthenticationError as error:
            assert error.status_code == 401 and error.code == "invalid_api_key", (key, error.body)
            assert os.environ[key] not in str(error)
print(f"{done} calls")
