"""As much of WebSocket (RFC 6455) as a check needs: the handshake, and text messages of up to 64 KiB."""

import base64
import hashlib
import os
import socket
import struct

TEXT, CLOSE = 1, 8


def accept(handler, protocol=None):
    """Answers the handshake of a request that `http.server` handles."""
    key = handler.headers["sec-websocket-key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
    handler.send_response(101)
    handler.send_header("upgrade", "websocket")
    handler.send_header("connection", "upgrade")
    handler.send_header("sec-websocket-accept", base64.b64encode(hashlib.sha1(key.encode()).digest()).decode())
    if protocol:
        handler.send_header("sec-websocket-protocol", protocol)
    handler.end_headers()
    handler.close_connection = True


def connect(port, path, headers, timeout=30):
    """Opens a connection. Returns the status, and the file to send and receive on if that is 101."""
    connection = socket.create_connection(("127.0.0.1", port), timeout)
    key = base64.b64encode(os.urandom(16)).decode()
    handshake = {"host": f"127.0.0.1:{port}", "connection": "upgrade", "upgrade": "websocket",
                 "sec-websocket-version": "13", "sec-websocket-key": key, **headers}  # fmt: skip
    lines = [f"GET {path} HTTP/1.1", *(f"{name}: {value}" for name, value in handshake.items()), "", ""]
    connection.sendall("\r\n".join(lines).encode())
    file = connection.makefile("rwb")
    connection.close()  # with the file
    status = int((file.readline().split() or [b"", b"0"])[1])
    while file.readline().strip():
        pass
    return status, file


def send(file, text, mask=b""):
    """Sends a message; a client's has a mask of four bytes."""
    data = text.encode()
    length = bytes([len(data)]) if len(data) < 126 else bytes([126]) + struct.pack(">H", len(data))
    length = bytes([length[0] | 128 * bool(mask)]) + length[1:]
    if mask:
        data = bytes(byte ^ mask[n % 4] for n, byte in enumerate(data))
    file.write(bytes([128 | TEXT]) + length + mask + data)
    file.flush()


def receive(file):
    """Returns the next text message, or nothing at the end of the connection."""
    while True:
        head = file.read(2)
        if len(head) < 2 or head[0] & 15 == CLOSE:
            return None
        length = head[1] & 127
        if length == 126:
            length = struct.unpack(">H", file.read(2))[0]
        mask = file.read(4) if head[1] & 128 else bytes(4)
        data = bytes(byte ^ mask[n % 4] for n, byte in enumerate(file.read(length)))
        if head[0] & 15 == TEXT:
            return data.decode()
