"""An API that names each record of a batch as stored, by its id: in a process of its own.

`python naming_api.py PORT MILLISECONDS` answers each batch that many milliseconds after it came.
"""

from __future__ import annotations

import asyncio
import re
import sys

IDS = re.compile(rb'"customerId" ?: ?"(\d+)"')
LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
LAST = b'","result":"SUCCESS"}]}'
BETWEEN = b'","result":"SUCCESS"},{"customerId":"'
FIRST = b'{"data":[{"customerId":"'


class Api(asyncio.Protocol):
    """One connection. A client sends its next request after the answer to the one before."""

    delay = 0.0
    transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.head, self.missing = b"", 0
        self.parts: list[bytes] = []

    def data_received(self, data: bytes) -> None:
        if not self.parts:
            self.head += data
            head, blank, body = self.head.partition(b"\r\n\r\n")
            found = LENGTH.search(head)
            if not blank or found is None:
                return
            self.head, self.missing, data = b"", int(found[1]), body
        self.parts.append(data)
        self.missing -= len(data)
        if self.missing <= 0:
            body, self.parts = b"".join(self.parts), []
            asyncio.get_running_loop().call_later(self.delay, self.answer, body)

    def answer(self, body: bytes) -> None:
        text = FIRST + BETWEEN.join(IDS.findall(body)) + LAST
        head = (
            b"HTTP/1.1 201 Created\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
        )
        self.transport.write(head % len(text) + text)


async def serve(port: int, milliseconds: float) -> None:
    Api.delay = milliseconds / 1000
    server = await asyncio.get_running_loop().create_server(Api, "127.0.0.1", port, backlog=512)
    sys.stdout.write("listening\n")
    sys.stdout.flush()
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), float(sys.argv[2])))
