#!/usr/bin/env python3
"""Holds the pages to the code: check_docs.py ROOT

- A code block behind `<!-- from FILE: NAME -->` is, line by line, the part of FILE between `// README: NAME` and
  `// README: end` (or with `#`, as in CMake, Python and shells), which may be indented. FILE is compiled or run, so the
  block is. Every block of C++, CMake and Python has such a mark.
- A link to a file of the project leads to one.
- A command in a block behind `<!-- commands -->` names a script that is there.
- A test that SECURITY.md names in the column `test` of a table is in the tests' sources.
"""

import pathlib
import re
import sys


def snippets(text):
    for match in re.finditer(r"<!-- from (\S+): (\w+) -->\n```\w*\n(.*?)```", text, re.S):
        yield match.group(1), match.group(2), match.group(3)


def region(source, name):
    match = re.search(rf"^( *)(?://|#) README: {name}\n(.*?)^ *(?://|#) README: end", source, re.S | re.M)
    return re.sub(rf"^{match.group(1)}", "", match.group(2), flags=re.M) if match else None


def named_tests(text):
    for table in re.findall(r"^\| [^\n]*\| test \|\n\|[- |]*\n((?:\|[^\n]*\n)*)", text, re.M):
        for row in table.splitlines():
            yield from re.findall(r"`(\w+)`", row.split("|")[-2])


def check_tests(root):
    page = root / "docs" / "SECURITY.md"
    names = list(named_tests(page.read_text()))
    sources = "\n".join(source.read_text() for source in sorted((root / "tests").rglob("*_test.cc")))
    errors = [f"{page}: there is no test {name}" for name in names if not re.search(rf"\b{name}\b", sources)]
    return errors if len(names) > 50 else [*errors, f"{page}: its tables of attacks have lost their tests"]


def check(root):
    errors = []
    pages = [root / "README.md", *sorted((root / "docs").glob("*.md")), *sorted((root / "examples").glob("*/README.md"))]
    found = 0
    for page in pages:
        text = page.read_text()
        marked = list(snippets(text))
        found += len(marked)
        for language in ("cpp", "cmake", "python"):
            if text.count(f"```{language}\n") != len(re.findall(rf"<!-- from .* -->\n```{language}\n", text)):
                errors.append(f"{page}: a block of {language} has no mark that says where it is from")
        for file, name, code in marked:
            if region((root / file).read_text(), name) != code:
                errors.append(f"{page}: the block from {file}, {name}, is not what the file says")
        prose = re.sub(r"^```.*?^```", "", text, flags=re.S | re.M)
        for link in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", prose):
            if "://" not in link and not (page.parent / link).exists():
                errors.append(f"{page}: the link to {link} leads nowhere")
        for block in re.findall(r"<!-- commands -->\n```\w*\n(.*?)```", text, re.S):
            for script in re.findall(r"^bash (\S+)", block, re.M):
                if not (root / script).is_file():
                    errors.append(f"{page}: there is no {script}")
    if found < 2:
        errors.append("the pages: their code blocks have lost their marks")
    return errors + check_tests(root)


problems = check(pathlib.Path(sys.argv[1]))
print("\n".join(problems) or "the pages say what the code says")
sys.exit(1 if problems else 0)
