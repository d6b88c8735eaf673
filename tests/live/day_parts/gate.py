"""A proxy in front of a source, which fails in all ways in which networks and servers fail."""

import asyncio
import contextlib
import threading

from support import free_port

PATIENCE = 60  # seconds
ANSWERS = {
    "429": b"HTTP/1.1 429 Too Many Requests\r\nRetry-After: 1\r\nContent-Length: 4\r\nConnection: close\r\n\r\nslow",
    "500": b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 4\r\nConnection: close\r\n\r\noops",
    "garbage": b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 9\r\nConnection: close\r\n\r\n"
               b"{\"a\xff\x00\":[}",
    "noise": bytes(range(256)) * 16,
}
# The ways to fail: `refuse` closes the listener, `reset` resets connections, `hang` accepts requests and
# never answers, `cut` closes the connection in the middle of a reply.
MODES = ("refuse", "reset", "hang", "cut", *ANSWERS)


class Gate:
    """Listens on 127.0.0.1 and forwards to another port there, until fail()."""

    def __init__(self, source):
        self.source, self.port, self.mode = source, free_port(), None
        self.url = f"http://127.0.0.1:{self.port}"
        self._writers = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._call(self._open())

    def fail(self, mode):
        """Closes open connections, except those that are to hang."""
        self._call(self._change(mode))

    def repair(self):
        self._call(self._change(None))

    def close(self):
        self._call(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _end(self):
        await self._change("refuse")
        if tasks := asyncio.all_tasks() - {asyncio.current_task()}:
            await asyncio.wait(tasks, timeout=PATIENCE / 2)

    def _call(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(PATIENCE)

    async def _open(self):
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)

    async def _change(self, mode):
        self.mode = mode
        if mode == "refuse":
            self._server.close()
        elif not self._server.is_serving():
            await self._open()
        if mode != "hang":
            for writer in self._writers:
                writer.transport.abort()

    async def _serve(self, reader, writer):
        self._writers.add(writer)
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            if self.mode in (None, "cut"):
                await self._relay(reader, writer)
            else:
                await reader.readuntil(b"\r\n\r\n")
                if self.mode in ANSWERS:
                    writer.write(ANSWERS[self.mode])
                    await writer.drain()
                    writer.close()
                    await writer.wait_closed()
                while self.mode == "hang" and await reader.read(65536):
                    pass
        self._writers.discard(writer)
        writer.transport.abort()

    async def _relay(self, reader, writer):
        from_source, to_source = await asyncio.open_connection("127.0.0.1", self.source)
        tasks = [asyncio.ensure_future(self._pump(reader, to_source)),
                 asyncio.ensure_future(self._pump(from_source, writer, is_answer=True))]
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        to_source.transport.abort()

    async def _pump(self, reader, writer, is_answer=False):
        while data := await reader.read(65536):
            if is_answer and self.mode == "cut":
                writer.write(data[:len(data) // 2])
                await writer.drain()
                return
            if self.mode != "hang":
                writer.write(data)
                await writer.drain()
