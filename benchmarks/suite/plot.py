"""Latency of one caller and throughput of 256 calls, as bars on logarithmic scales, in an SVG of our own."""

import math
from html import escape

LATENCY_WORKLOAD = "unary-64B-1"
THROUGHPUT_WORKLOAD = "unary-64B-256"

WIDTH = 820
LABELS = 200  # at the left
BARS = 520
BAR = 18
GAP = 8
TITLE = 44
AXIS = 34
MARGIN = 20

OURS = "#1f6feb"
OTHERS = "#8b949e"
TEXT = "#1f2328"
GRID = "#d8dee4"


def render(result):
    rows = result["rows"]
    panels = []
    top = MARGIN
    for workload, key, tail, title in (
            (LATENCY_WORKLOAD, "p50_us", "p99_us", "Latency of one call of 64 bytes, us: median and 99th percentile"),
            (THROUGHPUT_WORKLOAD, "calls_per_s", None, "Calls of 64 bytes a second, 256 of them outstanding"),
    ):
        chosen = [row for row in rows if row["workload"] == workload and key in row]
        if chosen:
            chosen.sort(key=lambda row: row[key], reverse=tail is None)
            panels.append(panel(chosen, key, tail, title, top))
            top += TITLE + len(chosen) * (BAR + GAP) + AXIS
    host = result["host"]
    foot = f"{host['model']}, {host['cpus']} CPUs, Linux {host['kernel']}, {host['date'][:10]}"
    height = top + MARGIN
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}" '
        f'font-family="system-ui, sans-serif" font-size="13" fill="{TEXT}">',
        f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>',  # readable on a dark page as well
        *panels,
        f'<text x="{MARGIN}" y="{top + 4}" font-size="11">{escape(foot)}</text>',
        "</svg>",
        "",
    ])


def panel(rows, key, tail, title, top):
    values = [row[one] for row in rows for one in (key, tail) if one in row]
    low = math.floor(math.log10(min(values)) - 0.05)
    high = math.ceil(math.log10(max(values)))

    def x(value):
        return LABELS + BARS * (math.log10(value) - low) / (high - low)

    bottom = top + TITLE + len(rows) * (BAR + GAP)
    parts = [f'<text x="{MARGIN}" y="{top + 18}" font-size="15" font-weight="600">{escape(title)}</text>']
    for power in range(low, high + 1):
        parts.append(f'<line x1="{x(10.0 ** power):.1f}" y1="{top + TITLE - 8}" x2="{x(10.0 ** power):.1f}" '
                     f'y2="{bottom}" stroke="{GRID}"/>')
        parts.append(f'<text x="{x(10.0 ** power):.1f}" y="{bottom + 16}" text-anchor="middle">{label(power)}</text>')
    for index, row in enumerate(rows):
        parts += bar(row, key, tail, x, top + TITLE + index * (BAR + GAP))
    return "\n".join(parts)


def bar(row, key, tail, x, top):
    color = OURS if row["system"].startswith("udsrpc") else OTHERS
    middle = top + BAR / 2
    yield f'<text x="{LABELS - 8}" y="{middle + 4.5}" text-anchor="end">{escape(row["system"])}</text>'
    yield (f'<rect x="{LABELS}" y="{top}" width="{max(x(row[key]) - LABELS, 1):.1f}" height="{BAR}" fill="{color}"/>')
    end = x(row[key])
    text = figure(row[key])
    if tail in row:
        end = x(row[tail])
        text += f" / {figure(row[tail])}"
        yield line(x(row[key]), middle, end, middle, color)
        yield line(end, top + 3, end, top + BAR - 3, color)
    yield f'<text x="{end + 6:.1f}" y="{middle + 4.5}">{text}</text>'


def line(x1, y1, x2, y2, color):
    return f'<line x1="{x1:.1f}" y1="{y1}" x2="{x2:.1f}" y2="{y2}" stroke="{color}" stroke-width="2"/>'


def label(power):
    return f"{10 ** power:,}" if power >= 0 else f"{10.0 ** power:g}"


def figure(value):
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}"
