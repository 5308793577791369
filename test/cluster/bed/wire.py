"""wire.py A B DELAY_MS [JITTER_MS]: carries frames between two interfaces of this network namespace, each frame
DELAY_MS late and in order; it stands in for tc netem, which not every kernel has. Frames keep their virtio header,
so that what veth leaves to the far end (checksums, segments) stays left to it."""
import collections
import random
import select
import socket
import sys
import time

SOL_PACKET, PACKET_VNET_HDR, PACKET_OUTGOING, ETH_P_ALL = 263, 15, 4, 3
LONGEST_QUEUE = 20000

delay = float(sys.argv[3]) / 1000
jitter = float(sys.argv[4]) / 1000 if len(sys.argv) > 4 else 0.0


def open_interface(name):
    end = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    end.setsockopt(SOL_PACKET, PACKET_VNET_HDR, 1)
    end.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
    end.bind((name, ETH_P_ALL))
    end.setblocking(False)
    return end


def read_all(end, queue):
    while True:
        try:
            frame, address = end.recvfrom(70000)
        except OSError:  # nothing more, or the link is down
            return
        if address[2] == PACKET_OUTGOING:
            continue
        due = time.monotonic() + delay + random.uniform(0, jitter)
        if queue:
            due = max(due, queue[-1][0])
        if len(queue) < LONGEST_QUEUE:
            queue.append((due, frame))


a, b = open_interface(sys.argv[1]), open_interface(sys.argv[2])
# what has come in at one end, and where it goes
ways = {a: (b, collections.deque()), b: (a, collections.deque())}
print("ready", flush=True)
while True:
    for out, queue in ways.values():
        while queue and queue[0][0] <= time.monotonic():
            try:
                out.send(queue.popleft()[1])
            except OSError:  # the far link is down, or its queue full: the frame is lost
                pass
    due = [queue[0][0] for _, queue in ways.values() if queue]
    wait = max(0.0, min(due) - time.monotonic()) if due else None
    for end in select.select([a, b], [], [], wait)[0]:
        read_all(end, ways[end][1])
