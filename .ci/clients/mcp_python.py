"""The MCP client of Python over streamable HTTP: sessions until the keys have rotated, then keys that are refused."""

import asyncio
import os
import pathlib

import httpx2
from mcp import ClientSession
from mcp.client.streamable_http import streamable_http_client

URL, DONE = os.environ["URL"] + "/v1/mcp", pathlib.Path(os.environ["DONE"])


async def call(key, statuses):
    async def note(response):
        statuses.append(response.status_code)

    headers = {"Authorization": f"Bearer {os.environ[key]}"}
    async with (
        httpx2.AsyncClient(headers=headers, timeout=30, event_hooks={"response": [note]}) as http,
        streamable_http_client(URL, http_client=http) as (read, write),
        ClientSession(read, write) as session,
    ):
        await session.initialize()
        assert [tool.name for tool in (await session.list_tools()).tools] == ["t"]
        return (await session.call_tool("t", {})).content[0].text


async def main():
    sessions = 0
    while not DONE.exists():
        assert await call("KEY_GOOD", []) == "done"
        sessions += 1
    for key in ["KEY_WRONG", "KEY_EXPIRED", "KEY_REVOKED"]:
        statuses = []
        try:
            await asyncio.wait_for(call(key, statuses), 10)
            raise SystemExit(f"{key} was accepted")
        except Exception as error:
            # The client's own error does not tell the status.
            assert statuses == [401], (key, statuses, error)
    print(f"{sessions} sessions")


asyncio.run(main())
