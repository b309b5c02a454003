"""The MCP client of Python over streamable HTTP, across rotations of the upstream's key, and with keys that are refused."""

import asyncio
import os

import httpx2
from mcp import ClientSession
from mcp.client.streamable_http import streamable_http_client

URL = os.environ["URL"] + "/v1/mcp"


async def call(key):
    headers = {"Authorization": f"Bearer {os.environ[key]}"}
    async with (
        httpx2.AsyncClient(headers=headers, timeout=30) as http,
        streamable_http_client(URL, http_client=http) as (read, write),
    ):
        async with ClientSession(read, write) as session:
            await session.initialize()
            assert [tool.name for tool in (await session.list_tools()).tools] == ["t"]
            return (await session.call_tool("t", {})).content[0].text


def statuses(error):
    """The statuses in an error and in those that it groups."""
    if isinstance(error, BaseExceptionGroup):
        return [status for one in error.exceptions for status in statuses(one)]
    response = getattr(error, "response", None)
    return [response.status_code] if response is not None else []


async def main():
    for _ in range(20):
        assert await call("KEY_GOOD") == "done"
        await asyncio.sleep(0.2)
    for key in ["KEY_WRONG", "KEY_EXPIRED", "KEY_REVOKED"]:
        try:
            await asyncio.wait_for(call(key), 10)
            raise SystemExit(f"{key} was accepted")
        except Exception as error:
            assert 401 in statuses(error), (key, error)
    print("20 sessions")


asyncio.run(main())
