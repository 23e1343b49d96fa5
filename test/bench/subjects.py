"""What is measured, and against which API: the emulator, the floor, a session."""

import collections
import operator
import os
import resource
import struct
import subprocess
import time
import urllib.request

import psycopg2

# Where the API is and how to be let in
Api = collections.namedtuple("Api", "base_url ca_file key")

# CPU time in us: all in all, and what of that is the libraries'
Cpu = collections.namedtuple("Cpu", "total jansson zlib", defaults=(0, 0))

# What a variant did: rows, and the time in us and our side's CPU time that it took
Outcome = collections.namedtuple("Outcome", "rows elapsed cpu")

KEY = "sk_live_test"

# Where stopwatch.c is, and what it writes
STOPWATCH = os.environ["STOPWATCH"]


def timed(cpu, function):
    """The outcome of a function that returns rows; cpu() is CPU time so far"""
    cpu_before = cpu()
    began = time.perf_counter()
    rows = function()
    elapsed = (time.perf_counter() - began) * 1e6
    return Outcome(rows, elapsed, Cpu(*map(operator.sub, cpu(), cpu_before)))


def cpu_of(pid):
    """CPU time of a process with one thread, and what its stopwatch.c says"""
    with open("/proc/%d/schedstat" % pid) as file:
        total = int(file.read().split()[0])
    try:
        with open("%s/%d" % (STOPWATCH, pid), "rb") as file:
            libraries = struct.unpack("qq", file.read())
    except FileNotFoundError:       # it has not called any of them
        libraries = (0, 0)
    return Cpu(*(ns / 1000 for ns in (total,) + libraries))


def own_cpu():
    """CPU time of this process and of the programs that it ran"""
    usages = [resource.getrusage(who)
              for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return Cpu(sum(usage.ru_utime + usage.ru_stime for usage in usages) * 1e6)


class Setting(collections.namedtuple("Setting", "protocol latency")):
    """How the emulator is reached, and after how many ms it answers"""

    def schema(self, concurrency, cached=False):
        return "%s_%d_%d%s" % (self.protocol, self.latency, concurrency,
                               "_cached" if cached else "")


class Emulator:
    def __init__(self, nogzip):
        self.scenario = "bench;nogzip" if nogzip else "bench"
        self.urls = {"http": os.environ["KEYAPI_EMULATOR_URL"],
                     "tls": os.environ["KEYAPI_EMULATOR_TLS_URL"]}
        self.ca_file = os.environ["KEYAPI_EMULATOR_CA"]
        self.opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def api(self, setting):
        return Api("%s/%s;latency=%d" % (self.urls[setting.protocol], self.scenario,
                                         setting.latency), self.ca_file, KEY)

    def requests(self):
        """How many there were so far"""
        with self.opener.open(self.urls["http"] + "/_/count/bench") as answer:
            return int(answer.read())


class Floor:
    """The program of floor.c; it keeps its connections"""

    def __init__(self, emulator):
        self.emulator = emulator
        self.process = subprocess.Popen(
            [os.environ["BENCH_FLOOR"], KEY, emulator.ca_file],
            env={**os.environ, "LD_PRELOAD": STOPWATCH + "/stopwatch.so"},
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def cpu(self):
        return cpu_of(self.process.pid)

    def fetch(self, setting, concurrency, pages, regions):
        """The outcome; its rows are videos"""
        def rows():
            print(self.emulator.api(setting).base_url, concurrency, pages, ",".join(regions),
                  file=self.process.stdin, flush=True)
            return int(self.process.stdout.readline())

        return timed(self.cpu, rows)

    def close(self):
        self.process.stdin.close()
        self.process.wait()


class Session:
    """A session of the server; it keeps its connections to the API"""

    def __init__(self):
        self.connection = psycopg2.connect(
            host=os.environ["BENCH_SOCKET"], user="postgres", dbname="postgres")
        self.connection.autocommit = True
        self.pid = self.connection.get_backend_pid()

    def execute(self, query, *arguments):
        with self.connection.cursor() as cursor:
            cursor.execute(query, arguments)
            return cursor.fetchall() if cursor.description else []

    def cpu(self):
        """CPU time of the backend so far"""
        return cpu_of(self.pid)

    def query(self, schema, query):
        """The outcome of a query; its rows are the first value of a result of one row"""
        def rows():
            result = self.execute(query)
            return result[0][0] if len(result) == 1 else len(result)

        self.execute("SET search_path = %s, public" % schema)
        return timed(self.cpu, rows)

    def fill(self, function, *arguments):
        """The outcome of one of the alternatives"""
        self.connection.autocommit = False
        try:
            return timed(lambda: Cpu(*map(operator.add, self.cpu(), own_cpu())),
                         lambda: function(self.connection, *arguments))
        finally:
            self.connection.autocommit = True

    def close(self):
        self.connection.close()
