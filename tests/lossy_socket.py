"""A connection like Colab's: from the kernel only what answers a request of the page gets through.

notebook = server.open(browser, "lab.ipynb", prepare=lose_what_nobody_asked_for)

Of a message on the kernel's iopub channel, the parent has to be a request that this page has sent,
and which is still being answered: a status of "idle" ends it. So what a thread sends on its own is
lost, whatever parent the kernel gives it (googlecolab/colabtools#3373).
"""

import json
import re
import struct
from itertools import pairwise

CHANNELS = re.compile(r"/api/kernels/[^/]+/channels")
REPLIES = ("shell", "control", "stdin")  # which nobody sends unasked


def lose_what_nobody_asked_for(page):
    """Put the connection between this page and its kernels."""
    page.route_web_socket(CHANNELS, Line)


class Line:
    """One connection; it begins as soon as it is made."""

    def __init__(self, socket):
        self.asked = set()  # ids of requests that are being answered
        self.socket, self.server = socket, socket.connect_to_server()
        socket.on_message(self.from_page)
        self.server.on_message(self.from_kernel)

    def from_page(self, data):
        _, header, _ = unpack(data)
        self.asked.add(header["msg_id"])
        self.server.send(data)

    def from_kernel(self, data):
        channel, header, parent = unpack(data)
        request = parent.get("msg_id")
        if channel in REPLIES or request in self.asked:
            self.socket.send(data)
        if header["msg_type"] == "status" and is_idle(data):
            self.asked.discard(request)


def unpack(data):
    """Channel, header and parent of a message."""
    channel, header, parent, *_ = parts(data)
    return channel.decode(), json.loads(header), json.loads(parent)


def is_idle(data):
    return json.loads(parts(data)[4])["execution_state"] == "idle"


def parts(data):
    """Of v1.kernel.websocket.jupyter.org: channel, header, parent, metadata, content, buffers.

    In front of them, as uint64: how many offsets there are, and these, the last of which is the
    end.
    """
    (count,) = struct.unpack_from("<Q", data)
    offsets = struct.unpack_from(f"<{count}Q", data, 8)
    return [data[a:b] for a, b in pairwise(offsets)]
