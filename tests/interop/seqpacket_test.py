"""examples/python by itself, spoken to in bytes: what docs/PROTOCOL.md says of malformed and rare input.

Run with examples/python in PYTHONPATH.
"""

import asyncio
import contextlib
import logging
import os
import random
import socket
import struct
import tempfile
import unittest

from google.protobuf import descriptor_pb2, descriptor_pool, wrappers_pb2
from seqpacket import Channel, RpcError, Server, StatusCode, Stub

PATIENCE = 20
StringValue = wrappers_pb2.StringValue


def service():
    """The `p.S` of section 10, and a stream."""
    file = descriptor_pb2.FileDescriptorProto(
        name="p.proto", package="p", syntax="proto3", dependency=["google/protobuf/wrappers.proto"]
    )
    methods = file.service.add(name="S").method
    for name, streams in [("M", False), ("Block", False), ("Chat", True)]:
        kind = ".google.protobuf.StringValue"
        methods.add(name=name, input_type=kind, output_type=kind, client_streaming=streams, server_streaming=streams)
    return descriptor_pool.Default().AddSerializedFile(file.SerializeToString()).services_by_name["S"]


SERVICE = service()


class Implementation:
    async def M(self, request, context):
        return StringValue(value="de")

    async def Block(self, request, context):
        await asyncio.Event().wait()

    async def Chat(self, requests, context):
        async for request in requests:
            yield request


def frame(kind, call=0, flags=0, head=b"", body=b""):
    return struct.pack("<IBBHI", 12 + len(head) + len(body), kind, flags, len(head), call) + head + body


def hello(version=1, min_version=1, features=0, max_calls=0, tail=b""):
    limits = struct.pack("<HHIIIQ", version, min_version, features, max_calls, 8_192, 4 << 20)
    return frame(0x01, head=b"UDSRPC\r\n" + limits + tail)


def section(data):
    return struct.pack("<H", len(data)) + data


def u32(value):
    return struct.pack("<I", value)


def u64(value):
    return struct.pack("<Q", value)


def call(number, flags=0x0B, method=1, path=b"/p.S/M", head=b"", body=b"\x0a\x03abc"):
    return frame(0x10, number, flags, u32(method) + section(path) + head, body)


CHAT = call(1, flags=0x08, path=b"/p.S/Chat", body=b"")
TO_A_SERVER = {
    "a header cut short": hello() + b"\x0c\x00\x00",
    "a size below the header's": hello() + struct.pack("<IBBHI", 11, 0x90, 0, 0, 0),
    "a size beyond the packet": hello() + struct.pack("<IBBHI", 13, 0x90, 0, 0, 0),
    "a head beyond the frame": hello() + struct.pack("<IBBHI", 12, 0x90, 0, 1, 0),
    "a size of 4 GiB": hello() + struct.pack("<IBBHI", 0xFFFFFFFF, 0x90, 0, 0, 0),
    "a packet too long": hello() + frame(0x90, body=bytes(65_536)),
    "no HELLO": call(1),
    "a second HELLO": hello() + hello(),
    "another magic": hello().replace(b"UDSRPC", b"UDSRPX"),
    "no version": hello(min_version=0),
    "versions the wrong way round": hello(version=1, min_version=2),
    "a HELLO cut short": frame(0x01, head=b"UDSRPC\r\n"),
    "a HELLO of a call": frame(0x01, 1, head=hello()[12:]),
    "no max_fds": hello(features=1),
    "a max_fds of 254": hello(features=1, tail=struct.pack("<H", 254)),
    "an unknown type": hello() + frame(0x7F),
    "a flag that is not defined": hello() + frame(0x03, flags=0x02, head=u64(1)),
    "a PING cut short": hello() + frame(0x03, head=b"\x01"),
    "a frame of the server": hello() + frame(0x21, 1),
    "a CALL of call 0": hello() + call(0),
    "a CALL with a path of none": hello() + call(1, path=b""),
    "a CALL with a long path": hello() + call(1, path=b"/" * 1_025),
    "a CALL with a body and no message": hello() + call(1, flags=0x08),
    "a CALL with descriptors": hello() + call(1, flags=0x2B, head=b"\x01\x00"),
    "a CALL cut short": hello() + frame(0x10, 1, 0x0F, u32(1) + b"\x00" * 7),
    "a number in use": hello() + CHAT + CHAT,
    "a method number out of order": hello() + call(1, method=2),
    "a method number that was not given": hello() + frame(0x10, 1, 0x03, u32(1)),
    "a method without number and path": hello() + frame(0x10, 1, 0x03, u32(0)),
    "metadata cut short": hello() + call(1, flags=0x1B, head=section(b"\x05\x00k")),
    "metadata of upper case": hello() + call(1, flags=0x1B, head=section(section(b"K") + section(b"v"))),
    "metadata of gRPC's": hello() + call(1, flags=0x1B, head=section(section(b"grpc-x") + section(b"v"))),
    "metadata with a newline": hello() + call(1, flags=0x1B, head=section(section(b"k") + section(b"\n"))),
    "a fragment that continues none": hello() + CHAT + frame(0x11, 1, 0x02, body=b"x"),
    "a total of a whole message": hello() + CHAT + frame(0x11, 1, 0x04, u64(1), b"x"),
    "a last message that goes on": hello() + CHAT + frame(0x11, 1, 0x07, u64(2), b"x"),
    "fragments longer than their total": hello() + CHAT + frame(0x11, 1, 0x06, u64(1), b"xx"),
    "fragments shorter than their total": hello()
    + CHAT
    + frame(0x11, 1, 0x06, u64(3), b"x")
    + frame(0x11, 1, 0, b"", b"x"),
    "a message within another": hello() + CHAT + frame(0x11, 1, 0x06, u64(3), b"x") * 2,
    "a half-close within a message": hello() + CHAT + frame(0x11, 1, 0x06, u64(3), b"x") + frame(0x12, 1),
    "a MESSAGE behind the half-close": hello() + CHAT + frame(0x12, 1) + frame(0x11, 1),
    "a second half-close": hello() + CHAT + frame(0x12, 1) * 2,
    "credit of 0": hello() + frame(0x04, head=u32(0)),
    "too much credit": hello() + frame(0x04, head=u32(1 << 30)),
    "too much credit of a call": hello() + CHAT + frame(0x04, 1, head=u32(1 << 30)),
    "messages beyond the call's credit": [
        hello() + call(1, flags=0x0A, path=b"/p.S/Block"),  # which does not read on
        frame(0x11, 1, 0x06, u64(1 << 40), bytes(60_000)),
        frame(0x11, 1, 0x02, b"", bytes(10_000)),
    ],
}

SERVER_HELLO = hello(max_calls=100)
OK = frame(0x21, 1, 0x01, body=b"\x0a\x02de")
TO_A_CLIENT = {
    "no HELLO": OK,
    "versions of none": SERVER_HELLO.replace(b"\x01\x00\x01\x00", b"\x02\x00\x02\x00"),
    "a frame of the client": SERVER_HELLO + frame(0x13, 1, head=u32(1)),
    "a STATUS of another call": SERVER_HELLO + frame(0x21, 2),
    "an INITIAL of another call": SERVER_HELLO + frame(0x20, 2, head=section(b"")),
    "a MESSAGE of another call": SERVER_HELLO + frame(0x11, 2),
    "credit of another call": SERVER_HELLO + frame(0x04, 2, head=u32(1)),
    "an error that is OK": SERVER_HELLO + frame(0x21, 1, 0x02, u32(0) + section(b"") * 2),
    "an error cut short": SERVER_HELLO + frame(0x21, 1, 0x02, u32(5) + section(b"")),
    "a body without a message": SERVER_HELLO + frame(0x21, 1, body=b"x"),
    "an OK within a message": SERVER_HELLO + frame(0x11, 1, 0x06, u64(9), b"x") + frame(0x21, 1),
    "two replies": SERVER_HELLO + frame(0x11, 1, body=b"\x0a\x02de") + OK,
    "initial metadata twice": SERVER_HELLO + frame(0x20, 1, head=section(b"")) * 2,
    "initial metadata late": SERVER_HELLO + frame(0x11, 1, body=b"") + frame(0x20, 1, head=section(b"")),
    "initial metadata late, with the status": SERVER_HELLO
    + frame(0x11, 1, body=b"")
    + frame(0x21, 1, 0x04, section(section(b"k") + section(b"v"))),
    "a half-close": SERVER_HELLO + frame(0x11, 1, 0x01),
    "descriptors": SERVER_HELLO + frame(0x21, 1, 0x21, b"\x01\x00", b""),
}


class Raw:
    """One end of a connection, in bytes."""

    def __init__(self, sock):
        sock.setblocking(False)
        self.sock = sock
        self.loop = asyncio.get_running_loop()

    @classmethod
    def connect(cls, address):
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        sock.connect(address)
        return cls(sock)

    async def send(self, packet):
        await asyncio.wait_for(self.loop.sock_sendall(self.sock, packet), PATIENCE)

    async def receive(self):
        return await asyncio.wait_for(self.loop.sock_recv(self.sock, 65_536), PATIENCE)

    async def frames(self):
        """Of the next packet: type, flags, call, head and body."""
        packet, frames = await self.receive(), []
        while packet:
            size, kind, flags, head_size, call = struct.unpack_from("<IBBHI", packet)
            frames.append((kind, flags, call, packet[12 : 12 + head_size], packet[12 + head_size : size]))
            packet = packet[size:]
        return frames

    async def until(self, kind):
        """The next frame of the type, without those before it; None at the end of the connection."""
        while True:
            try:
                frames = await self.frames()
            except ConnectionResetError:
                continue
            if not frames:
                return None
            for found in frames:
                if found[0] == kind:
                    return found


class Listener:
    def __init__(self, address):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.sock.bind(address)
        self.sock.listen()
        self.sock.setblocking(False)

    async def accept(self):
        sock, _ = await asyncio.wait_for(asyncio.get_running_loop().sock_accept(self.sock), PATIENCE)
        return Raw(sock)


class SeqpacketTest(unittest.IsolatedAsyncioTestCase):
    async def asyncSetUp(self):
        self.directory = self.enterContext(tempfile.TemporaryDirectory())
        self.endpoint = f"unix:{self.directory}/s"
        self.address = f"{self.directory}/s.seqpacket"

    async def serve(self, **limits):
        server = Server(**limits)
        server.add_service(SERVICE, Implementation())
        server.listen(self.endpoint)
        self.addAsyncCleanup(server.stop)
        return server

    async def listen(self):
        listener = Listener(self.address)
        self.addCleanup(listener.sock.close)
        return listener

    def raw(self, raw):
        self.addCleanup(raw.sock.close)
        return raw

    def channel(self):
        channel = Channel(self.endpoint)
        self.addCleanup(channel.close)
        return channel

    async def expect_code(self, code, awaitable):
        with self.assertRaises(RpcError) as raised:
            await asyncio.wait_for(awaitable, PATIENCE)
        self.assertEqual(raised.exception.code, code, raised.exception)

    async def expect_protocol_error(self, raw):
        goaway = await raw.until(0x02)
        self.assertIsNotNone(goaway, "the connection ended without a reason")
        self.assertEqual(goaway[3], u32(1))
        self.assertTrue(goaway[4], "the reason has no text")
        self.assertIsNone(await raw.until(0xFF))

    async def test_the_servers_side_of_the_exchange_in_bytes(self):
        await self.serve(max_calls=16_384)
        raw = self.raw(Raw.connect(self.address))
        await raw.send(
            bytes.fromhex(
                "2c00000001002000000000005544535250430d0a0100010000000000000000000020000000004000000000002500000010"
                "0f14000100000001000000" + "40420f0000000000" + "06002f702e532f4d" + "0a03616263"
            )
        )
        received = b""
        while len(received) < 60:
            received += await raw.receive()
        expected = "2c00000001002000000000005544535250430d0a0100010000000000004000000020000000004000000000001000000021"
        self.assertEqual(received.hex(), expected + "0100000100000" + "00a026465")

    async def test_the_clients_side_of_the_exchange_in_bytes(self):
        listener = await self.listen()
        reply = asyncio.ensure_future(Stub(self.channel(), SERVICE).M(StringValue(value="abc"), timeout=1).read())
        raw = self.raw(await listener.accept())
        packet = (await raw.receive()).hex()
        head = "2c00000001002000000000005544535250430d0a0100010000000000000000000020000000004000000000002500000010"
        head += "0f14000100000001000000"
        self.assertEqual(packet[: len(head)], head)
        timeout_us = int.from_bytes(bytes.fromhex(packet[len(head) : len(head) + 16]), "little")
        self.assertTrue(0 < timeout_us <= 1_000_000, timeout_us)
        self.assertEqual(packet[len(head) + 16 :], "06002f702e532f4d" + "0a03616263")
        await raw.send(SERVER_HELLO + OK)
        self.assertEqual((await reply).value, "de")

    async def test_a_server_ends_the_connection_of_a_malformed_packet_and_no_other(self):
        await self.serve()
        other = Stub(self.channel(), SERVICE)
        for name, packets in TO_A_SERVER.items():
            with self.subTest(name), contextlib.closing(Raw.connect(self.address).sock) as sock:
                raw = Raw(sock)
                for packet in packets if isinstance(packets, list) else [packets]:
                    await raw.send(packet)
                await self.expect_protocol_error(raw)
                self.assertEqual((await other.M(StringValue(), timeout=PATIENCE)).value, "de")

    async def test_a_client_ends_the_connection_of_a_malformed_packet_and_goes_on_with_another(self):
        listener = await self.listen()
        stub = Stub(self.channel(), SERVICE)
        for name, packet in TO_A_CLIENT.items():
            with self.subTest(name):
                reply = asyncio.ensure_future(stub.M(StringValue(), timeout=PATIENCE).read())
                raw = await listener.accept()
                with contextlib.closing(raw.sock):
                    await raw.receive()
                    await raw.send(packet)
                    await self.expect_protocol_error(raw)
                    if name == "initial metadata late, with the status" or name == "two replies":
                        # Its reply had come before.
                        self.assertIsNotNone(await reply)
                    elif "late" in name:
                        await reply
                    else:
                        await self.expect_code(StatusCode.UNAVAILABLE, reply)

    async def test_frames_that_may_be_ignored_are(self):
        await self.serve()
        raw = self.raw(Raw.connect(self.address))
        unknown = frame(0x80) + frame(0xFF, 77, 0xFF, bytes(100), bytes(1_000))
        late = frame(0x13, 5, head=u32(1)) + frame(0x12, 5) + frame(0x11, 5, body=b"x") + frame(0x04, 5, head=u32(1))
        longer_head = frame(0x03, head=u64(7) + b"a later revision's") + frame(0x03, 0, 1, u64(99))
        await raw.send(hello() + unknown + late + longer_head + unknown + call(1))
        self.assertEqual((await raw.until(0x21))[1:3], (0x01, 1))

    async def test_versions_that_have_none_in_common(self):
        await self.serve()
        raw = self.raw(Raw.connect(self.address))
        await raw.send(hello(version=3, min_version=2) + b"what is behind it cannot be read")
        frames = await raw.frames()
        self.assertEqual([kind for kind, *_ in frames], [0x01, 0x02])
        self.assertEqual(frames[1][3], u32(2))
        self.assertIsNone(await raw.until(0xFF))

    async def test_a_call_that_is_cancelled_at_once_has_a_status(self):
        await self.serve()
        raw = self.raw(Raw.connect(self.address))
        cancelled = call(1, path=b"/p.S/Block") + frame(0x13, 1, head=u32(1))
        await raw.send(hello() + cancelled)
        _, flags, number, head, _ = await raw.until(0x21)
        self.assertEqual((flags, number, head[:4]), (0x02, 1, u32(1)))

    async def test_a_unary_call_without_a_request(self):
        await self.serve()
        raw = self.raw(Raw.connect(self.address))
        await raw.send(hello() + call(1, flags=0x09, body=b""))
        self.assertEqual((await raw.until(0x21))[3][:4], u32(13))

    async def test_more_calls_than_the_server_accepts(self):
        await self.serve(max_calls=2)
        raw = self.raw(Raw.connect(self.address))
        block = call(1, path=b"/p.S/Block")
        await raw.send(hello() + block + frame(0x10, 2, 0x03, u32(1)) + frame(0x10, 3, 0x03, u32(1)))
        _, flags, number, head, _ = await raw.until(0x21)
        self.assertEqual((flags, number, head[:4]), (0x12, 3, u32(8)))
        # Our client, which knows better, waits.
        channel = self.channel()
        await channel.ping()
        stub = Stub(channel, SERVICE)
        replies = await asyncio.gather(*(stub.M(StringValue(), timeout=PATIENCE) for _ in range(50)))
        self.assertEqual({reply.value for reply in replies}, {"de"})

    async def test_calls_that_were_sent_to_a_server_that_drains_are_refused(self):
        server = await self.serve()
        raw = self.raw(Raw.connect(self.address))
        await raw.send(hello() + CHAT)
        await raw.until(0x01)
        stopping = asyncio.create_task(server.stop(grace=PATIENCE))
        self.assertEqual((await raw.until(0x02))[3], u32(0))
        await raw.send(call(2, method=2))
        _, flags, number, head, _ = await raw.until(0x21)
        self.assertEqual((flags, number, head[:4]), (0x12, 2, u32(14)))
        await raw.send(frame(0x12, 1))  # and the one that was open ends well
        self.assertEqual((await raw.until(0x21))[1:3], (0, 1))
        self.assertIsNone(await raw.until(0xFF))
        await stopping
        self.assertFalse(os.path.exists(self.address))

    async def refuse(self, listener, times):
        for _ in range(times):
            raw = self.raw(await listener.accept())
            await raw.receive()
            await raw.send(SERVER_HELLO + frame(0x21, 1, 0x12, u32(14) + section(b"") * 2))

    async def test_a_refused_call_is_made_again(self):
        listener = await self.listen()
        reply = asyncio.ensure_future(Stub(self.channel(), SERVICE).M(StringValue(), timeout=PATIENCE).read())
        await self.refuse(listener, 2)
        raw = self.raw(await listener.accept())
        await raw.receive()
        await raw.send(SERVER_HELLO + OK)
        self.assertEqual((await reply).value, "de")

    async def test_a_refused_call_is_made_three_times_at_most(self):
        listener = await self.listen()
        reply = asyncio.ensure_future(Stub(self.channel(), SERVICE).M(StringValue(), timeout=PATIENCE).read())
        await self.refuse(listener, 3)
        await self.expect_code(StatusCode.UNAVAILABLE, reply)

    async def test_a_client_moves_when_its_server_goes_away(self):
        listener = await self.listen()
        stub = Stub(self.channel(), SERVICE)
        first = asyncio.ensure_future(stub.M(StringValue(), timeout=PATIENCE).read())
        old = self.raw(await listener.accept())
        await old.receive()
        await old.send(SERVER_HELLO + frame(0x02, head=u32(0), body=b"bye") + frame(0x03, head=u64(5)))
        self.assertEqual((await old.until(0x03))[1:4], (1, 0, u64(5)))
        second = asyncio.ensure_future(stub.M(StringValue(), timeout=PATIENCE).read())
        new = self.raw(await listener.accept())
        await new.receive()
        await new.send(SERVER_HELLO + OK)
        self.assertEqual((await second).value, "de")
        await old.send(OK)  # the call that was open goes on there
        self.assertEqual((await first).value, "de")
        self.assertIsNone(await old.until(0xFF))

    async def test_a_live_server_is_not_displaced_and_a_dead_ones_socket_is(self):
        await self.serve()
        with self.assertRaises(OSError):
            Server().listen(self.endpoint)
        dead = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        dead.bind(f"{self.directory}/dead.seqpacket")
        dead.close()
        server = Server()
        server.listen(f"unix:{self.directory}/dead")
        self.assertEqual(os.stat(f"{self.directory}/dead.seqpacket").st_mode & 0o777, 0o600)
        await server.stop()

    async def test_a_path_longer_than_an_address(self):
        long = f"{self.directory}/{'x' * 90}"
        os.mkdir(long)
        self.endpoint = f"unix:{long}/s"
        await self.serve()
        self.assertEqual((await Stub(self.channel(), SERVICE).M(StringValue(), timeout=PATIENCE)).value, "de")

    async def test_bytes_that_are_wrong_in_random_places_harm_no_other_connection(self):
        await self.serve()
        chance = random.Random(1)
        valid = hello() + CHAT + call(2, method=2) + frame(0x11, 1, body=b"\x0a\x01x") + frame(0x03, head=u64(1))
        for _ in range(500):
            packet = bytearray(valid)
            for _ in range(chance.randint(1, 4)):
                packet[chance.randrange(len(packet))] = chance.choice((0, 1, 0x7F, 0xFF, chance.randrange(256)))
            with contextlib.closing(Raw.connect(self.address).sock) as sock:
                sock.send(bytes(packet))
                await asyncio.sleep(0)  # so that most are read before they are closed
        self.assertEqual((await Stub(self.channel(), SERVICE).M(StringValue(), timeout=PATIENCE)).value, "de")


if __name__ == "__main__":
    logging.disable()
    unittest.main()
