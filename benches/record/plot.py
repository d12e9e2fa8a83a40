#!/usr/bin/env python3
"""Draws a span's cost by contender, hot and in total, from what `race --markdown` printed.

    plot.py TABLES.md PICTURE.svg

The first table whose heading begins with "hot:" and the first whose heading begins with "until the file is written" count. Bars are
logarithmic: from 10 ns to the next power of ten.
"""

import html
import math
import sys

HOT, TOTAL = "hot:", "until the file is written"
ROW, BAR, LEFT, RIGHT, TOP = 40, 13, 270, 70, 62
WIDTH = 900
LEAST = 10
# Left out of the picture: what no user has, and what could hardly be told from the row without it.
HIDDEN = ("stub clock", "cargo's profile")


def tables(text):
    """Heading -> rows of cells, the first of each heading."""
    found, heading = {}, ""
    for line in text.splitlines():
        if line.startswith("#"):
            heading = line.lstrip("# ")
            fresh = heading not in found
        elif line.startswith("|") and heading and fresh:
            cells = [cell.strip() for cell in line.strip("|").split("|")]
            if not set("".join(cells)) <= set("-: "):
                found.setdefault(heading, []).append(cells)
    return found


def column(rows, name):
    at = rows[0].index(name)
    return {row[0]: float(row[at].split()[0]) for row in rows[1:] if row[at] != "–"}


def table_of(found, begin):
    for heading, rows in found.items():
        if heading.removeprefix("Recording: ").startswith(begin):
            return rows
    sys.exit(f"plot.py: expected a heading that begins with '{begin}'")


def main():
    source, target = sys.argv[1:]
    with open(source, encoding="utf-8") as file:
        found = tables(file.read())
    hot = column(table_of(found, HOT), "W1")
    total = column(table_of(found, TOTAL), "W1 total ns")
    # Who writes no file has no total.
    written = column(table_of(found, TOTAL), "W1 bytes")
    total = {name: ns for name, ns in total.items() if name in written}
    names = [name for name in hot if not any(part in name for part in HIDDEN)]
    names.sort(key=lambda name: (not name.startswith("floor"), not name.startswith("pftrace"), hot[name]))
    with open(target, "w", encoding="utf-8") as file:
        file.write(picture(names, hot, total))


def picture(names, hot, total):
    most = 10 ** math.ceil(math.log10(max(*hot.values(), *total.values())))
    scale = (WIDTH - LEFT - RIGHT) / math.log10(most / LEAST)
    at = lambda ns: LEFT + max(math.log10(max(ns, LEAST) / LEAST) * scale, 1)
    bottom = TOP + ROW * len(names)
    out = [HEAD.format(width=WIDTH, height=bottom + 34)]
    out.append('<text class="title" x="16" y="26">A span, begin and end: nanoseconds of CPU, on a logarithmic scale</text>')
    for x, kind, text in ((16, "hot", "of the thread that records"), (220, "total", "of the process, until the file is written")):
        out.append(f'<rect class="{kind}" x="{x}" y="38" width="12" height="12" rx="2"/><text x="{x + 18}" y="48">{text}</text>')
    tick = LEAST
    while tick <= most:
        out.append(f'<line x1="{at(tick):.1f}" x2="{at(tick):.1f}" y1="{TOP}" y2="{bottom}"/>')
        out.append(f'<text class="tick" x="{at(tick):.1f}" y="{bottom + 18}">{tick}</text>')
        tick *= 10
    for number, name in enumerate(names):
        y = TOP + ROW * number + 5
        own = " own" if name.startswith("pftrace") else ""
        out.append(f'<text class="name{own}" x="{LEFT - 12}" y="{y + 19}">{html.escape(name)}</text>')
        for kind, ns, y in (("hot", hot[name], y), ("total", total.get(name), y + BAR + 2)):
            if ns is None:
                continue
            out.append(f'<rect class="{kind}{own}" x="{LEFT}" y="{y}" width="{at(ns) - LEFT:.1f}" height="{BAR}" rx="2"/>')
            out.append(f'<text class="value" x="{at(ns) + 6:.1f}" y="{y + 11}">{ns:.0f}</text>')
    out.append("</svg>\n")
    return "\n".join(out)


# With a background of its own: what shows it may be light where the reader's system is dark.
HEAD = """<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" role="img">
<style>
svg {{ --paper: #ffffff; --ink: #1f2328; --faint: #59636e; --line: #d1d9e0; --hot: #afb8c1; --total: #d8dee4; --own: #0969da; --own-total: #80ccff }}
@media (prefers-color-scheme: dark) {{
svg {{ --paper: #0d1117; --ink: #f0f6fc; --faint: #9198a1; --line: #3d444d; --hot: #656c76; --total: #3d444d; --own: #4493f8; --own-total: #1f4f8f }}
}}
text {{ font: 13px system-ui, sans-serif; fill: var(--ink) }}
.title {{ font-weight: 600; font-size: 15px }}
.name {{ text-anchor: end }}
.name.own {{ font-weight: 600 }}
.value {{ font-size: 12px; fill: var(--faint) }}
.tick {{ font-size: 12px; fill: var(--faint); text-anchor: middle }}
line {{ stroke: var(--line) }}
.hot {{ fill: var(--hot) }}
.total {{ fill: var(--total) }}
.hot.own {{ fill: var(--own) }}
.total.own {{ fill: var(--own-total) }}
</style>
<rect width="{width}" height="{height}" rx="6" style="fill: var(--paper)"/>"""

main()
