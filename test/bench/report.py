"""The report: a table of medians for each setting, and the CPU time of a page."""

import statistics


def median(runs, field):
    return statistics.median(getattr(run, field) for run in runs)


def find(runs_by_variant, name, concurrency):
    for variant in runs_by_variant:
        if (variant.name, variant.concurrency) == (name, concurrency):
            return variant
    return None


def ratio_to_floor(variant, runs_by_variant):
    """Median over the rounds: what disturbs one run disturbs the next one too"""
    floor = find(runs_by_variant, variant.floor, variant.concurrency)
    if floor is None:
        return ""
    pairs = zip(runs_by_variant[variant], runs_by_variant[floor])
    return "%.2f" % statistics.median(run.elapsed / least.elapsed for run, least in pairs)


def cpu_per_page(variant, runs_by_variant, part=lambda cpu: cpu.total):
    return statistics.median(
        part(run.cpu) for run in runs_by_variant[variant]) / variant.pages


def title(setting):
    return "%s, %d ms" % (setting.protocol.upper(), setting.latency)


def table(setting, runs_by_variant):
    lines = ["## " + title(setting), "",
             "| what | at once | requests | ms | x floor | CPU us/page | runs |",
             "|---|---:|---:|---:|---:|---:|---:|"]
    for variant, runs in runs_by_variant.items():
        lines.append("| %s | %d | %d | %.1f | %s | %.0f | %d |" % (
            variant.name, variant.concurrency, median(runs, "requests"),
            median(runs, "elapsed") / 1000, ratio_to_floor(variant, runs_by_variant),
            cpu_per_page(variant, runs_by_variant), len(runs)))
    return lines + [""]


CPU_PARTS = {
    "jansson": lambda cpu: cpu.jansson,
    "zlib": lambda cpu: cpu.zlib,
    "the rest": lambda cpu: cpu.total - cpu.jansson - cpu.zlib,
}


def cpu_table(bench):
    """What a page costs, and whose work that is"""
    lines = ["## CPU time of a page in us (8 at once)", "",
             "| | | %s |" % " | ".join(CPU_PARTS), "|---|---|%s" % ("---:|" * len(CPU_PARTS))]
    for setting, runs_by_variant in bench.runs.items():
        for name in ("floor: 8 lists", "8 lists"):
            variant = find(runs_by_variant, name, 8)
            cells = ["%.0f" % cpu_per_page(variant, runs_by_variant, part)
                     for part in CPU_PARTS.values()]
            lines.append("| %s | %s | %s |" % (title(setting), name, " | ".join(cells)))
    return lines + [""]


def text(bench):
    lines = ["# Speed of keyapi_fdw", "", bench.machine() + ".", ""]
    lines += [part.text() for part in (bench.warm, bench.ahead, bench.growth)
              if part.was_measured()]
    if not bench.runs:
        return "\n".join(lines)
    if not bench.has_pgsql_http:
        lines += ["pgsql-http is not measured: this PostgreSQL does not have it.", ""]
    for setting, runs_by_variant in bench.runs.items():
        lines += table(setting, runs_by_variant)
    return "\n".join(lines + cpu_table(bench))
