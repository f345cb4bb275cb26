#!/usr/bin/env python3
"""Runs what pages show of the command: check_cli.py UDSRPC HEALTH_SERVER PAGE... [--write]

Each block behind `<!-- run -->` is commands, which begin with "$ ", and what they print. They are run by bash, in a
directory where examples/health's server listens at ./greeter.sock, and have to print that, on standard output or error.
With --write the pages are made to say what they do print
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


def check(pages, udsrpc, server, write):
    errors = []
    with tempfile.TemporaryDirectory(prefix="udsrpc.") as directory:
        path = f"{directory}/greeter.sock"
        process = subprocess.Popen([pathlib.Path(server).resolve(), "--grace=0", f"unix:{path}"], stdout=subprocess.PIPE, text=True)
        try:
            if process.stdout.readline() != f"serving unix:{path}\n":
                return ["the server does not start"]
            environment = {"PATH": f"{pathlib.Path(udsrpc).resolve().parent}:{os.environ['PATH']}", "LC_ALL": "C.UTF-8"}
            for name in ["TSAN_OPTIONS", "ASAN_OPTIONS", "UBSAN_OPTIONS"]:
                if name in os.environ:
                    environment[name] = os.environ[name]
            for page in pages:
                text = page.read_text()
                if not BLOCK.search(text):
                    errors.append(f"{page}: its blocks have lost their marks")
                printed = BLOCK.sub(lambda match: run(match.group(1), directory, environment), text)
                for said, is_so in zip(BLOCK.findall(text), BLOCK.findall(printed)):
                    if said != is_so and not write:
                        errors.append(f"{page} says\n{said}but that prints\n{is_so}")
                if write:
                    page.write_text(printed)
        finally:
            process.terminate()
            process.wait(timeout=30)
    return errors


arguments = [argument for argument in sys.argv[1:] if argument != "--write"]
problems = check([pathlib.Path(page) for page in arguments[2:]], arguments[0], arguments[1], "--write" in sys.argv)
print("\n".join(problems) or "the pages say what is printed")
sys.exit(1 if problems else 0)
