"""One measurement: a server and a client, each a process of its own, which end with it whatever happens."""

import contextlib
import json
import os
import select
import subprocess
import tempfile

START_SECONDS = 20
END_SECONDS = 20
# Beyond the measurement itself: connections are opened, and the last calls end.
SPARE_SECONDS = 60


class Failure(Exception):
    """A measurement that came to nothing; why."""


def measure(program, system, workload, seconds, warmup):
    """The figures by name, or None where the system has nothing like the workload."""
    with tempfile.TemporaryDirectory(prefix="udsrpc.") as directory:
        path = os.path.join(directory, "s")
        pin = _pin_to_one_cpu if workload.endswith("-pinned") else None
        with _server(program, system, path, pin) as server:
            figures = _client(program, system, path, workload, seconds, warmup, server, pin)
    return None if "unsupported" in figures else figures


def _pin_to_one_cpu():
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


@contextlib.contextmanager
def _server(program, system, path, preexec):
    server = subprocess.Popen([program, system, "serve", path], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              preexec_fn=preexec)
    try:
        if not select.select([server.stdout], [], [], START_SECONDS)[0] or server.stdout.readline() != b"ready\n":
            raise Failure(f"the server of {system} does not start")
        yield server
        server.stdin.close()
        try:
            code = server.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            raise Failure(f"the server of {system} does not end") from None
        if code != 0:
            raise Failure(f"the server of {system} ended with {code}")
    finally:
        if server.poll() is None:
            server.kill()
            server.wait()
        server.stdin.close()
        server.stdout.close()


def _client(program, system, path, workload, seconds, warmup, server, preexec):
    command = [program, system, "measure", path, workload, f"--seconds={seconds}", f"--warmup={warmup}",
               f"--server_pid={server.pid}"]
    try:
        client = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, preexec_fn=preexec,
                                timeout=2 * (seconds + warmup) + SPARE_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        raise Failure(f"the client of {system} does not end") from None
    if client.returncode != 0:
        raise Failure(f"the client of {system} ended with {client.returncode}")
    try:
        return json.loads(client.stdout)
    except ValueError:
        raise Failure(f"the client of {system} printed {client.stdout!r}") from None
