#!/usr/bin/python3
"""Measures the extension against the floor, and what one would write without it.

test/bench/run starts it and says in the environment where everything is.  The
variants take turns, so that whatever else the machine does meets all of them.
"""

import argparse
import collections
import os
import sys

import ahead
import alternatives
import growth
import report
import warm
from subjects import Emulator, Floor, Session, Setting

REGIONS = ["US", "GB", "JP", "DE", "FR", "BR", "MX", "KR"]
PAGES = 25                      # of a list
ROWS = 500
CONCURRENCIES = (1, 4, 8)

# What most people keep; counting a column reads it and sends nothing
COLUMNS = ["rank", "region", "id", "title", "item_url", "cover", "duration"]
COUNT = "SELECT %s FROM tiktok_trending" % ", ".join("count(%s)" % c for c in COLUMNS)

# Something to measure: run(setting) gives an outcome that must have so many
# rows.  floor: the name of the variant that it is compared with
Variant = collections.namedtuple("Variant", "name concurrency pages rows floor run")

# One run; elapsed is in us
Run = collections.namedtuple("Run", "elapsed cpu requests")


class Bench:
    def __init__(self, settings, emulator):
        self.settings = settings
        self.emulator = emulator
        self.floor = Floor(self.emulator)
        self.session = Session()
        self.runs = {}          # by setting, then by variant
        self.has_pgsql_http = False
        self.set_up()
        self.warm = warm.Warm(self.session, emulator)
        self.ahead = ahead.Ahead(self.session, emulator)
        self.growth = growth.Growth(self.session, emulator)

    # Setting up

    def set_up(self):
        execute = self.session.execute
        execute("CREATE EXTENSION keyapi_fdw")
        execute("CREATE TABLE regions (code text PRIMARY KEY)")
        execute("INSERT INTO regions SELECT unnest(%s)", REGIONS)
        execute("ANALYZE regions")
        execute("CREATE TABLE target (rank integer, region text, id text,"
                " title text, item_url text, cover text, duration integer)")
        for setting in self.settings:
            for concurrency in CONCURRENCIES:
                self.make_schema(setting, concurrency, cached=False)
            self.make_schema(setting, max(CONCURRENCIES), cached=True)
        if execute("SELECT name FROM pg_available_extensions WHERE name = 'http'"):
            execute("CREATE EXTENSION http")
            self.has_pgsql_http = True

    def make_schema(self, setting, concurrency, cached):
        """A server, a foreign table and a materialized view, all in a schema"""
        names = {"schema": setting.schema(concurrency, cached),
                 "concurrency": concurrency, "cache_ttl": "1h" if cached else "0",
                 "columns": ", ".join(COLUMNS),
                 **self.emulator.api(setting)._asdict()}
        self.session.execute("""
            CREATE SERVER {schema} FOREIGN DATA WRAPPER keyapi_fdw
              OPTIONS (base_url '{base_url}', ca_file '{ca_file}',
                       max_concurrency '{concurrency}', cache_ttl '{cache_ttl}');
            CREATE USER MAPPING FOR PUBLIC SERVER {schema} OPTIONS (api_key '{key}');
            CREATE SCHEMA {schema};
            IMPORT FOREIGN SCHEMA tiktok FROM SERVER {schema} INTO {schema};
            CREATE MATERIALIZED VIEW {schema}.copy AS
              SELECT {columns} FROM {schema}.tiktok_trending WITH NO DATA
            """.format(**names))

    # The variants, each soon after its floor

    def variants(self):
        variants = self.variants_of_a_page()
        for concurrency in CONCURRENCIES:
            variants += self.variants_of_a_list(concurrency)
            variants += self.variants_of_lists(concurrency)
        return variants + self.first_variants()

    def variants_of_a_page(self):
        query = "SELECT %s FROM tiktok_trending ORDER BY rank LIMIT 10" % ", ".join(COLUMNS)
        return [
            Variant("floor: a page", 1, 1, 20, None, self.fetch(1, 1, REGIONS[:1])),
            Variant("LIMIT 10", 1, 1, 10, "floor: a page", self.query(1, query))]

    def variants_of_a_list(self, concurrency):
        floor = "floor: a list"

        def variant(name, run, rows=ROWS):
            return Variant(name, concurrency, PAGES, rows, floor, run)

        variants = [
            Variant(floor, concurrency, PAGES, ROWS, None,
                    self.fetch(concurrency, PAGES, REGIONS[:1])),
            variant("a list", self.query(concurrency, COUNT)),
            variant("a list into a materialized view",
                    self.query(concurrency, "REFRESH MATERIALIZED VIEW copy"), rows=0)]
        if concurrency == 1:
            variants.append(variant("curl, jq, COPY", self.fill(alternatives.curl_jq, PAGES)))
            if self.has_pgsql_http:
                variants.append(variant("pgsql-http",
                                        self.fill(alternatives.pgsql_http, PAGES)))
        if concurrency in (1, 8):
            variants.append(variant("python3 requests, COPY",
                                    self.fill(alternatives.python_requests, concurrency)))
        if concurrency == 8:
            variants += [
                variant("a list, all columns",
                        self.query(concurrency, "SELECT count(t) FROM tiktok_trending t")),
                variant("a list from the cache", self.query(concurrency, COUNT, cached=True))]
        return variants

    def variants_of_lists(self, concurrency):
        floor = "floor: 8 lists"
        regions = ", ".join("'%s'" % region for region in REGIONS)

        def variant(name, run):
            return Variant(name, concurrency, 8 * PAGES, 8 * ROWS, floor, run)

        return [
            variant(floor, self.fetch(concurrency, PAGES, REGIONS))._replace(floor=None),
            variant("8 lists",
                    self.query(concurrency, "%s WHERE region IN (%s)" % (COUNT, regions))),
            variant("8 lists by a join",
                    self.query(concurrency, "%s JOIN regions r ON region = r.code" % COUNT))]

    def first_variants(self):
        """Without any connection to the API yet"""
        floor = "floor: a list, first of a process"
        return [
            Variant(floor, 8, PAGES, ROWS, None, self.fetch_first),
            Variant("a list, first of a session", 8, PAGES, ROWS, floor, self.query_first)]

    def fetch(self, concurrency, pages, regions):
        return lambda setting: self.floor.fetch(setting, concurrency, pages, regions)

    def query(self, concurrency, query, cached=False):
        return lambda setting: self.session.query(setting.schema(concurrency, cached), query)

    def fill(self, function, argument):
        return lambda setting: self.session.fill(function, self.emulator.api(setting), argument)

    def fetch_first(self, setting):
        floor = Floor(self.emulator)
        outcome = floor.fetch(setting, 8, PAGES, REGIONS[:1])
        floor.close()
        return outcome

    def query_first(self, setting):
        session = Session()
        outcome = session.query(setting.schema(8), COUNT)
        session.close()
        return outcome

    # Measuring

    def measure(self, rounds, patience):
        """Runs each variant so many times, or for so many seconds"""
        for setting in self.settings:
            self.runs[setting] = {variant: [] for variant in self.variants()}
            self.warm_up(setting)
            for _ in range(rounds):
                for variant, runs in self.runs[setting].items():
                    if sum(run.elapsed for run in runs) < patience * 1e6:
                        runs.append(self.run_once(setting, variant))
            self.check_views(setting)
            print("%s, %d ms: done" % setting, file=sys.stderr, flush=True)

    def warm_up(self, setting):
        """Lets the emulator make its pages, and all connect"""
        for variant in self.runs[setting]:
            if variant.concurrency == max(CONCURRENCIES):
                self.run_once(setting, variant)

    def run_once(self, setting, variant):
        requests = self.emulator.requests()
        outcome = variant.run(setting)
        requests = self.emulator.requests() - requests
        if outcome.rows != variant.rows:
            sys.exit("%s: %d rows, not %d" % (variant.name, outcome.rows, variant.rows))
        return Run(outcome.elapsed, outcome.cpu, requests)

    def check_views(self, setting):
        for concurrency in CONCURRENCIES:
            view = setting.schema(concurrency) + ".copy"
            [[rows]] = self.session.execute("SELECT count(*) FROM " + view)
            if rows != ROWS:
                sys.exit("%s: %d rows, not %d" % (view, rows, ROWS))

    def machine(self):
        [[version]] = self.session.execute("SHOW server_version")
        return "PostgreSQL %s; %d processors, load %.1f" % (
            version, os.cpu_count(), os.getloadavg()[2])


def main():
    parser = argparse.ArgumentParser()      # test/bench/run tells what they mean
    parser.add_argument("--protocols", default="http,tls")
    parser.add_argument("--latencies", default="0,50,200")
    parser.add_argument("--rounds", default=15, type=int)
    parser.add_argument("--patience", default=5.0, type=float)
    parser.add_argument("--nogzip", action="store_true")
    parser.add_argument("--warm", action="store_true")
    parser.add_argument("--ahead", action="store_true")
    parser.add_argument("--growth", action="store_true")
    arguments = parser.parse_args()

    only = arguments.warm or arguments.ahead or arguments.growth
    settings = [] if only else [
        Setting(protocol, int(latency))
        for protocol in arguments.protocols.split(",")
        for latency in arguments.latencies.split(",")]
    bench = Bench(settings, Emulator(arguments.nogzip))
    if arguments.warm or not only:
        bench.warm.measure()
    if arguments.ahead or not only:
        bench.ahead.measure()
    if arguments.growth or not only:
        bench.growth.measure()
    bench.measure(arguments.rounds, arguments.patience)
    print(report.text(bench))


if __name__ == "__main__":
    main()
