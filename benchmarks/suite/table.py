"""The rows as a table for people."""

HEADER = ("workload", "system", "calls/s", "p50 us", "p99 us", "CPU us/call", "calls/s : grpc", "p50 : grpc", "")


def render(rows):
    by_cell = {(row["workload"], row["system"]): row for row in rows}
    lines = [HEADER]
    workload = None
    for row in rows:
        reference = by_cell.get((row["workload"], "grpc"))
        lines.append((
            row["workload"] if row["workload"] != workload else "",
            row["system"],
            f"{row['calls_per_s']:,.0f}" if row["calls_per_s"] >= 100 else f"{row['calls_per_s']:.1f}",
            number(row.get("p50_us")),
            number(row.get("p99_us")),
            number(row.get("cpu_us_per_call")),
            ratio(row, reference, "calls_per_s"),
            ratio(row, reference, "p50_us"),
            note(row, by_cell),
        ))
        workload = row["workload"]
    return align(lines)


def note(row, by_cell):
    notes = [row["variant"]] if "variant" in row else []
    if "idle_connections" in row:
        notes.append(f"{row['idle_connections']:,.0f} connections, {row['idle_client_bytes']:,.0f} B each at the client, "
                     f"{row['idle_server_bytes']:,.0f} B at the server; p50 {row['p50_beside_by_alone']:.2f} of alone")
    spin = by_cell.get((row["workload"], "raw-seqpacket-spin"))
    if row["workload"] == "unary-64B-1" and spin:
        notes.append(f"p50 {ratio(row, spin, 'p50_us')} of raw-seqpacket-spin")
    return "; ".join(notes)


def number(value):
    if value is None:
        return "-"
    return f"{value:,.0f}" if value >= 1000 else f"{value:.1f}"


def ratio(row, reference, key):
    if not reference or key not in row or key not in reference:
        return "-"
    value = row[key] / reference[key]
    return f"{value:.2f}" if value < 10 else f"{value:.1f}"


def align(lines):
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEADER))]

    def cells(line):
        for column, (text, width) in enumerate(zip(line, widths)):
            yield text.ljust(width) if column < 2 or column == len(HEADER) - 1 else text.rjust(width)

    return "\n".join("  ".join(cells(line)).rstrip() for line in lines)
