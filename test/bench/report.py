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
    """Median over the rounds, for what disturbs one run disturbs the next, too"""
    floor = find(runs_by_variant, variant.floor, variant.concurrency)
    if floor is None:
        return ""
    pairs = zip(runs_by_variant[variant], runs_by_variant[floor])
    return "%.2f" % statistics.median(run.elapsed / least.elapsed for run, least in pairs)


def cpu_per_page(variant, runs_by_variant):
    return median(runs_by_variant[variant], "cpu") / variant.pages


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


def cpu_table(bench):
    """What a page costs, and whose work that is"""
    lines = ["## CPU time of a page in us (8 lists, 8 at once)", "",
             "| | jansson | the floor's rest | the extension's own | outside jansson |",
             "|---|---:|---:|---:|---:|"]
    for setting, runs_by_variant in bench.runs.items():
        jansson = statistics.median(bench.jansson[setting])
        floor, ours = [cpu_per_page(find(runs_by_variant, name, 8), runs_by_variant)
                       for name in ("floor: 8 lists", "8 lists")]
        lines.append("| %s | %.0f | %.0f | %.0f | %.0f |" % (
            title(setting), jansson, floor - jansson, ours - floor, ours - jansson))
    return lines + [""]


def text(bench):
    lines = ["# Speed of keyapi_fdw", "", bench.machine() + ".", ""]
    if not bench.has_pgsql_http:
        lines += ["pgsql-http is not measured: this PostgreSQL does not have it.", ""]
    for setting, runs_by_variant in bench.runs.items():
        lines += table(setting, runs_by_variant)
    return "\n".join(lines + cpu_table(bench))
