#!/usr/bin/env python3
"""Measures RPC systems in turns, and prints a table of the medians. See benchmarks/run.sh, which builds them first.

Ends with 1 where a measurement has failed, and with 3 where --check finds a target missed.
"""

import argparse
import json
import os
import platform
import statistics
import sys
import time

import plot
import process
import systems
import table
import targets

BUSY = 0.1  # share of the CPUs that others use, above which it shows in the figures


def main():
    arguments = parse_arguments()
    if arguments.rows_from:
        with open(arguments.rows_from, encoding="utf-8") as file:
            result = json.load(file)
        failed = False
    else:
        described = host()
        if described["busy_before"] > BUSY:
            tell(f"the machine is busy, to {described['busy_before']:.0%} of its CPUs: do not trust what follows")
        rows, failed = run(arguments)
        result = {"host": described, "rows": rows}
    print(table.render(result["rows"]))
    if arguments.json:
        with open(arguments.json, "w", encoding="utf-8") as file:
            json.dump(result, file, indent=1)
            file.write("\n")
    if arguments.plot:
        with open(arguments.plot, "w", encoding="utf-8") as file:
            file.write(plot.render(result))
    met = targets.check(result["rows"]) if arguments.check else True
    return 1 if failed else 0 if met else 3


def parse_arguments():
    parser = argparse.ArgumentParser(description="Measures RPC systems beside each other.")
    parser.add_argument("--programs", default=".", help="the directory of the bench_* programs")
    parser.add_argument("--quick", action="store_true", help="within 4 minutes")
    parser.add_argument("--check", action="store_true", help="say which targets are met; ends with 3 where one is not")
    parser.add_argument("--json", metavar="FILE", help="write the medians to it")
    parser.add_argument("--plot", metavar="FILE.svg", help="draw latency and throughput")
    parser.add_argument("--from", dest="rows_from", metavar="FILE", help="measure nothing: what --json wrote before")
    parser.add_argument("--systems", type=names_of([system.name for system in systems.SYSTEMS]))
    parser.add_argument("--workloads", type=names_of(systems.WORKLOADS))
    return parser.parse_args()


def names_of(known):
    def parse(text):
        names = text.split(",")
        unknown = [name for name in names if name not in known]
        if unknown:
            raise argparse.ArgumentTypeError(f"there is no {unknown[0]}; there are {', '.join(known)}")
        return names

    return parse


def run(arguments):
    """The rows, and whether a measurement has failed."""
    chosen = [system for system in systems.SYSTEMS if system.name in (arguments.systems or [system.name])]
    present = systems.installed(chosen, arguments.programs)
    for system in chosen:
        if system not in present:
            tell(f"{system.name} was not built: there is no {system.program}")
    if not present:
        sys.exit("nothing to measure")
    plan = systems.QUICK if arguments.quick else systems.FULL
    workloads = [workload for workload in systems.WORKLOADS if workload in (arguments.workloads or [workload])]
    runs, failed = measure_all(arguments.programs, present, workloads, plan)
    rows = [best_row(system, workload, runs) for workload in workloads for system in present]
    return [row for row in rows if row], failed


def measure_all(programs, present, workloads, plan):
    """The figures of every repetition by (variant, workload). In turns, so that what else the machine does hits all."""
    runs = {}
    given_up = set()
    failed = False
    start = time.monotonic()
    for repetition in range(max(plan.repetitions_of(workload) for workload in workloads)):
        for workload in workloads:
            if repetition >= plan.repetitions_of(workload):
                continue
            tell(f"{time.monotonic() - start:5.0f} s  {workload}, {repetition + 1} of {plan.repetitions_of(workload)}")
            for system in present:
                for variant in system.names():
                    cell = (variant, workload)
                    if cell in given_up:
                        continue
                    try:
                        program = os.path.join(programs, system.program)
                        figures = process.measure(program, variant, workload, plan.seconds, plan.warmup)
                    except process.Failure as failure:
                        tell(f"FAILED: {workload}: {failure}")
                        failed = True
                        figures = None
                    if figures is None:
                        given_up.add(cell)
                        runs.pop(cell, None)  # what was measured before is no median of anything
                    else:
                        runs.setdefault(cell, []).append(figures)
    tell(f"{time.monotonic() - start:5.0f} s  done")
    return runs, failed


def best_row(system, workload, runs):
    """The figures of the system's best variant, over all repetitions, or None."""
    figures = {variant: figures_of(system, workload, repetitions)
               for variant in system.names() if (repetitions := runs.get((variant, workload)))}
    if not figures:
        return None
    best = max(figures, key=lambda variant: systems.score(workload, figures[variant]))
    row = {"system": system.name, "workload": workload, **figures[best], "repetitions": len(runs[best, workload])}
    return {**row, "variant": best} if system.variants else row


def figures_of(system, workload, repetitions):
    if system.at_its_best:
        return max(repetitions, key=lambda figures: systems.score(workload, figures))
    return {key: statistics.median(figures[key] for figures in repetitions) for key in repetitions[0]}


def host():
    return {
        "cpus": len(os.sched_getaffinity(0)),
        "model": cpu_model(),
        "kernel": platform.release(),
        "date": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "busy_before": round(busy_share(), 3),
    }


def busy_share():
    """Of all CPUs' time, over half a second. The load average would still tell of the build."""
    def times():
        with open("/proc/stat", encoding="utf-8") as file:
            user, nice, system, idle, iowait, *rest = map(int, file.readline().split()[1:])
        return user + nice + system + sum(rest), idle + iowait

    busy_before, idle_before = times()
    time.sleep(0.5)
    busy, idle = (now - before for now, before in zip(times(), (busy_before, idle_before)))
    return busy / max(busy + idle, 1)


def cpu_model():
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        models = [line.split(":", 1)[1].strip() for line in file if line.startswith("model name")]
    return models[0] if models else platform.machine()


def tell(text):
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
