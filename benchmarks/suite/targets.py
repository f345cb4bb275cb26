"""What udsrpc is to come to, and whether it does."""

from dataclasses import dataclass

import systems

OURS = "udsrpc-seqpacket"
BLOCKING = "udsrpc-seqpacket-blocking"
NAMES = {"calls_per_s": "calls/s", "p50_us": "p50", "p99_us": "p99", "cpu_us_per_call": "CPU a call",
         "idle_client_bytes": "client's bytes a connection", "idle_server_bytes": "server's bytes a connection",
         "p50_beside_by_alone": "p50 beside them by p50 alone"}


@dataclass(frozen=True)
class Target:
    workload: str
    system: str
    key: str
    relation: str  # "<=" or ">="
    factor: float
    other: str = ""  # of this system's figure; "": the factor is the limit


TARGETS = (
    Target("unary-64B-1", OURS, "p50_us", "<=", 1.4, "raw-seqpacket-spin"),
    Target("unary-64B-1", OURS, "p50_us", "<=", 1 / 18, "grpc"),
    Target("unary-64B-1", OURS, "p99_us", "<=", 1 / 5, "grpc"),
    Target("unary-64B-1-pinned", BLOCKING, "p50_us", "<=", 1.25, "raw-seqpacket-block"),
    Target("unary-64B-1-pinned", OURS, "p50_us", "<=", 1.25, BLOCKING),
    Target("unary-64B-16", OURS, "calls_per_s", ">=", 20, "grpc"),
    Target("unary-64B-16", OURS, "calls_per_s", ">=", 10, "capnproto"),
    Target("unary-64B-256", OURS, "calls_per_s", ">=", 30, "grpc"),
    Target("unary-64B-256", OURS, "calls_per_s", ">=", 15, "capnproto"),
    Target("unary-64B-256", OURS, "cpu_us_per_call", "<=", 1 / 20, "grpc"),
    Target("stream-64B", OURS, "calls_per_s", ">=", 30, "grpc"),
    Target("unary-1MiB-1", OURS, "calls_per_s", ">=", 4, "grpc"),
    Target("upload-64MiB-1", OURS, "calls_per_s", ">=", 4, "grpc"),
    Target("idle-10k", OURS, "idle_client_bytes", "<=", 4096),
    Target("idle-10k", OURS, "idle_server_bytes", "<=", 4096),
    Target("idle-10k", OURS, "p50_beside_by_alone", "<=", 1.05),
    Target("busy-neighbour", OURS, "p99_us", "<=", 1.2, BLOCKING),
    Target("slow-handler", OURS, "p99_us", "<=", 2000),
    Target("slow-handler", OURS, "p99_us", "<=", 1, "grpc"),
    *(Target(workload, "udsrpc-grpc", "calls_per_s", ">=", 0.97, "grpc") for workload in systems.WORKLOADS),
)


def check(rows):
    """Prints a line for each target; whether all are met. A target without figures is not."""
    by_cell = {(row["workload"], row["system"]): row for row in rows}
    lines = [judge(target, by_cell) for target in TARGETS]
    print()
    for met, text in lines:
        print(f"{'met   ' if met else 'MISSED'}  {text}")
    print(f"{sum(met for met, _ in lines)} of {len(lines)} targets are met")
    return all(met for met, _ in lines)


def judge(target, by_cell):
    wanted = f"{target.workload}: {target.system}'s {NAMES[target.key]} {target.relation} {limit_text(target)}"
    value = by_cell.get((target.workload, target.system), {}).get(target.key)
    unit = by_cell.get((target.workload, target.other), {}).get(target.key) if target.other else 1
    if value is None or unit is None:
        return False, f"{wanted}: not measured"
    limit = target.factor * unit
    met = value <= limit if target.relation == "<=" else value >= limit
    figures = f"{figure(value)} against {figure(limit)}"
    if target.other:
        times = value / unit
        figures += f", {times:.2f} times" if times >= 1 or target.factor > 0.5 else f", 1/{1 / times:.1f}"
    return met, f"{wanted}: {figures}"


def limit_text(target):
    if not target.other:
        return f"{target.factor:g}"
    factor = f"{target.factor:g}" if target.factor > 0.5 else f"1/{1 / target.factor:g}"
    return f"{factor} x {target.other}"


def figure(value):
    return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"
