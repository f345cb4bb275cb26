"""What is measured: systems, workloads, and how often each."""

import os
from dataclasses import dataclass


@dataclass(frozen=True)
class System:
    name: str
    program: str
    variants: tuple = ()  # names in the program; the best of them counts. Default: the name, alone
    # Its best repetition counts instead of the median: as the least that is possible, it is what targets refer to, and
    # both its ends need a CPU of their own all the time, which whatever else runs takes away.
    at_its_best: bool = False

    def names(self):
        return self.variants or (self.name,)


SYSTEMS = (
    System("udsrpc-seqpacket", "bench_udsrpc"),
    System("udsrpc-seqpacket-blocking", "bench_udsrpc"),
    System("udsrpc-grpc", "bench_udsrpc"),
    System("raw-seqpacket-spin", "bench_raw", at_its_best=True),
    System("raw-seqpacket-block", "bench_raw"),
    System("grpc", "bench_grpc", ("grpc-sync", "grpc-callback", "grpc-cq")),
    System("capnproto", "bench_capnproto"),
    System("thrift", "bench_thrift"),
    System("zeromq", "bench_zeromq"),
)

WORKLOADS = (
    "unary-64B-1",
    "unary-64B-1-pinned",
    "unary-64B-16",
    "unary-64B-256",
    "unary-64B-16conn",
    "stream-64B",
    "pingpong-64B",
    "unary-1MiB-1",
    "upload-64MiB-1",
    "idle-10k",
    "busy-neighbour",
    "slow-handler",
)

# Those whose figures lie closest to their targets, or scatter most.
KEY_WORKLOADS = ("unary-64B-1", "unary-64B-1-pinned", "unary-64B-16", "unary-64B-256", "busy-neighbour")
# Opening the connections takes seconds, and memory does not scatter.
LONG_WORKLOADS = ("idle-10k",)


@dataclass(frozen=True)
class Plan:
    seconds: float
    warmup: float
    key_repetitions: int
    repetitions: int
    long_repetitions: int

    def repetitions_of(self, workload):
        if workload in LONG_WORKLOADS:
            return self.long_repetitions
        return self.key_repetitions if workload in KEY_WORKLOADS else self.repetitions


FULL = Plan(seconds=1.0, warmup=0.3, key_repetitions=5, repetitions=5, long_repetitions=3)
QUICK = Plan(seconds=0.25, warmup=0.1, key_repetitions=5, repetitions=3, long_repetitions=1)


def score(workload, figures):
    """The best of a system's variants has the highest."""
    return -figures["p99_us"] if workload == "slow-handler" else figures["calls_per_s"]


def installed(systems, programs):
    return [system for system in systems if os.access(os.path.join(programs, system.program), os.X_OK)]
