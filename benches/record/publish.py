#!/usr/bin/env python3
"""Puts what `make bench-record` printed into docs/benchmarks.md, in place of what it printed before.

    publish.py TABLES.md docs/benchmarks.md
"""

import sys

BEGIN, END = "<!-- make bench-record: begin -->\n", "<!-- make bench-record: end -->\n"


def main():
    tables, document = sys.argv[1:]
    with open(tables, encoding="utf-8") as file:
        new = file.read().strip()
    with open(document, encoding="utf-8") as file:
        text = file.read()
    if text.count(BEGIN) != 1 or text.count(END) != 1:
        sys.exit(f"publish.py: {document}: expected the two marks of bench-record")
    if "### hot:" not in new:
        sys.exit(f"publish.py: {tables}: expected the race's tables")
    head, tail = text.split(BEGIN)[0], text.split(END)[1]
    with open(document, "w", encoding="utf-8") as file:
        file.write(f"{head}{BEGIN}\n{new}\n\n{END}{tail}")


main()
