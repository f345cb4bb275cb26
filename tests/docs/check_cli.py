#!/usr/bin/env python3
"""Runs what docs/CLI.md shows: check_cli.py PAGE UDSRPC HEALTH_SERVER [--write]

Each block behind `<!-- run -->` is commands, which begin with "$ ", and what they print. They are run by bash, in a
directory where examples/health's server listens at ./greeter.sock, and have to print that, on standard output or error.
With --write the page is made to say what they do print.
"""

import os
import pathlib
import re
import subprocess
import sys
import tempfile

BLOCK = re.compile(r"(?<=<!-- run -->\n```console\n)(.*?)(?=```)", re.S)


def run(block, directory, environment):
    printed = ""
    for command in re.findall(r"^\$ (.*)$", block, re.M):
        result = subprocess.run(
            ["bash", "-c", command],
            cwd=directory,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=60,
        )
        printed += f"$ {command}\n{result.stdout}"
    return printed


def check(page, udsrpc, server, write):
    text = page.read_text()
    blocks = BLOCK.findall(text)
    if len(blocks) < 5:
        return ["docs/CLI.md: its blocks have lost their marks"]
    errors = []
    with tempfile.TemporaryDirectory(prefix="udsrpc.") as directory:
        path = f"{directory}/greeter.sock"
        process = subprocess.Popen([server, "--grace=0", f"unix:{path}"], stdout=subprocess.PIPE, text=True)
        try:
            if process.stdout.readline() != f"serving unix:{path}\n":
                return ["the server does not start"]
            environment = {"PATH": f"{pathlib.Path(udsrpc).parent}:{os.environ['PATH']}", "LC_ALL": "C.UTF-8"}
            for name in ["TSAN_OPTIONS", "ASAN_OPTIONS", "UBSAN_OPTIONS"]:
                if name in os.environ:
                    environment[name] = os.environ[name]

            def replace(match):
                printed = run(match.group(1), directory, environment)
                if printed != match.group(1):
                    errors.append(f"docs/CLI.md says\n{match.group(1)}but that prints\n{printed}")
                return printed

            text = BLOCK.sub(replace, text)
        finally:
            process.terminate()
            process.wait(timeout=30)
    if write:
        page.write_text(text)
        return []
    return errors


problems = check(pathlib.Path(sys.argv[1]), sys.argv[2], sys.argv[3], "--write" in sys.argv[4:])
print("\n".join(problems) or "docs/CLI.md says what is printed")
sys.exit(1 if problems else 0)
