"""Reads of a list that is cached, against the same rows in a table.

What is measured is the CPU time of the backend for a whole query, planning and
sending included.  The relations take turns, so that whatever else the machine
does meets all of them.
"""

import statistics
import sys

from subjects import Setting

ROUNDS = 5
TIMES = 100                     # each query is run in a round

SETTING = Setting("http", 0)

# A list from the cache, and what it is compared with
CACHED = "warm.tiktok_trending"
RELATIONS = {"cached": CACHED, "matview": "warm.copy", "table": "warm.plain"}

QUERIES = {
    "count(*)": "SELECT count(*) FROM %s",
    "three columns": "SELECT rank, title, item_url FROM %s",
    "seven columns": "SELECT rank, region, id, title, item_url, cover, duration FROM %s",
    "SELECT *": "SELECT * FROM %s",
    "LIMIT 10": "SELECT rank, title, item_url FROM %s ORDER BY rank LIMIT 10",
}


class Warm:
    def __init__(self, session, emulator):
        self.session = session
        self.emulator = emulator
        self.cpu = {}           # us, by query and relation, of each round
        session.execute("""
            CREATE SERVER warm FOREIGN DATA WRAPPER keyapi_fdw
              OPTIONS (base_url '{base_url}', cache_ttl '1d');
            CREATE USER MAPPING FOR PUBLIC SERVER warm OPTIONS (api_key '{key}');
            CREATE SCHEMA warm;
            IMPORT FOREIGN SCHEMA tiktok FROM SERVER warm INTO warm;
            CREATE MATERIALIZED VIEW warm.copy AS SELECT * FROM warm.tiktok_trending;
            CREATE UNIQUE INDEX ON warm.copy (rank);
            CREATE TABLE warm.plain AS SELECT * FROM warm.copy;
            CREATE UNIQUE INDEX ON warm.plain (rank)
            """.format(**emulator.api(SETTING)._asdict()))
        for relation in ("warm.copy", "warm.plain"):
            # without VACUUM, the first reads would have to write
            session.execute("VACUUM ANALYZE " + relation)

    def measure(self):
        for name, query in QUERIES.items():
            for relation in RELATIONS.values():
                self.run(query % relation)
            requests = self.emulator.requests()
            self.cpu[name] = {relation: [] for relation in RELATIONS}
            for _ in range(ROUNDS):
                for relation, table in RELATIONS.items():
                    self.cpu[name][relation].append(self.run(query % table))
            if self.emulator.requests() != requests:
                sys.exit("%s: the list is not read from the cache" % name)

    def run(self, query):
        """CPU time of the query in us"""
        before = self.session.cpu().total
        for _ in range(TIMES):
            self.session.execute(query)
        return (self.session.cpu().total - before) / TIMES

    def was_measured(self):
        return bool(self.cpu)

    def text(self):
        lines = ["## From the cache: CPU us of a query of 500 rows", "",
                 "| query | cached | materialized view | table | x materialized view | x table |",
                 "|---|---:|---:|---:|---:|---:|"]
        for name, cpu in self.cpu.items():
            values = [statistics.median(cpu[relation]) for relation in RELATIONS]
            ratios = [statistics.median(ours / theirs for ours, theirs
                                        in zip(cpu["cached"], cpu[relation]))
                      for relation in ("matview", "table")]
            lines.append("| %s | %.0f | %.0f | %.0f | %.2f | %.2f |" % (name, *values, *ratios))
        return "\n".join(lines + [""])
