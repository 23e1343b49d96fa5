"""How statements grow with their lists, and throughput with sessions, all from the cache.

A statement over more lists should take as many times as long: the exponent tells by
which power of the number of lists its CPU time grows.  Sessions side by side are
compared with as many that read a materialized view.
"""

import math
import os
import re
import statistics
import subprocess

from subjects import Session, Setting

LISTS = (1, 10, 100, 1000, 5000)
SESSIONS = (1, 10, 50, 100)
ROUNDS = 3
SECONDS = 3

SETTING = Setting("http", 0)

QUERY = "SELECT rank, title, item_url FROM growth.%s WHERE region = 'US' ORDER BY rank LIMIT 10"



class Growth:
    def __init__(self, session, emulator):
        self.emulator = emulator
        self.sizes = []         # (lists, us of CPU, bytes that the backend grew by)
        self.rates = []         # (sessions, statements a second: cached, matview)
        session.execute("""
            CREATE SERVER growth FOREIGN DATA WRAPPER keyapi_fdw
              OPTIONS (base_url '{base_url}', cache_ttl '1d',
                       max_concurrency '32');
            CREATE USER MAPPING FOR PUBLIC SERVER growth OPTIONS (api_key '{key}');
            CREATE SCHEMA growth;
            IMPORT FOREIGN SCHEMA tiktok FROM SERVER growth INTO growth;
            ALTER FOREIGN TABLE growth.tiktok_trending OPTIONS (ADD page_size '2');
            """.format(**emulator.api(SETTING)._asdict()))
        session.execute("CREATE MATERIALIZED VIEW growth.copy AS SELECT rank, title,"
                        " item_url, region FROM growth.tiktok_trending WHERE rank <= 20")
        session.execute("CREATE UNIQUE INDEX ON growth.copy (region, rank)")
        session.execute("VACUUM ANALYZE growth.copy")

    # Measuring

    def measure(self):
        self.sizes = [(lists, *self.measure_lists(lists)) for lists in LISTS]
        self.rates = [(sessions, self.rate("tiktok_trending", sessions),
                       self.rate("copy", sessions)) for sessions in SESSIONS]

    def measure_lists(self, lists):
        query = ("SELECT count(title) FROM growth.tiktok_trending WHERE rank <= 2"
                 " AND region IN (%s)" % ", ".join("'G%04d'" % i for i in range(lists)))
        session = Session()
        session.execute("SET keyapi_fdw.max_credits = -1")
        session.execute(query)
        cpu = []
        for _ in range(ROUNDS):
            before = session.cpu().total
            session.execute(query)
            cpu.append(session.cpu().total - before)
        grown = peak_growth(session, query)
        session.close()
        return statistics.median(cpu), grown

    def rate(self, relation, sessions):
        """Statements a second that so many sessions make in all"""
        script = os.path.join(os.environ["STOPWATCH"], relation + ".sql")
        with open(script, "w") as file:
            file.write(QUERY % relation + ";\n")
        report = subprocess.run(
            ["pgbench", "-n", "-h", os.environ["BENCH_SOCKET"], "-U", "postgres",
             "-c", str(sessions), "-j", "2", "-T", str(SECONDS), "-f", script, "postgres"],
            check=True, capture_output=True, text=True).stdout
        return float(re.search(r"tps = ([\d.]+)", report).group(1))

    def was_measured(self):
        return bool(self.sizes)

    def text(self):
        lines = ["## Growth, from the cache", "",
                 "| lists of a page | CPU ms | exponent | kB a list, while it runs |",
                 "|---:|---:|---:|---:|"]
        last = None
        for size in self.sizes:
            lines.append("| %d | %.1f | %s | %.1f |" % (
                size[0], size[1] / 1000, exponent(last, size), size[2] / size[0] / 1024))
            last = size
        lines += ["", "| sessions | cached, 1/s | materialized view, 1/s | times |",
                  "|---:|---:|---:|---:|"]
        for sessions, ours, theirs in self.rates:
            lines.append("| %d | %.0f | %.0f | %.2f |" % (sessions, ours, theirs, ours / theirs))
        return "\n".join(lines + [""])


def exponent(before, after):
    if before is None:
        return ""
    return "%.2f" % (math.log(after[1] / before[1]) / math.log(after[0] / before[0]))


def own_memory(pid):
    """Bytes that the process shares with nobody"""
    with open("/proc/%d/status" % pid) as file:
        return int(re.search(r"RssAnon:\s+(\d+) kB", file.read()).group(1)) * 1024


def peak_growth(session, query):
    """By how much the query lets its backend grow, up to its last row"""
    before = own_memory(session.pid)
    session.execute("BEGIN")
    session.execute("DECLARE c CURSOR FOR " + query)
    session.execute("FETCH c")
    grown = own_memory(session.pid) - before
    session.execute("COMMIT")
    return max(grown, 0)
