# keyapi_fdw: the KeyAPI "TikTok trending videos" endpoint as a foreign table
#
#   make && sudo make install    build and install for the PostgreSQL of pg_config
#   make installcheck            regression tests against the installed extension,
#                                on the server that PGHOST and PGPORT name
#   make check                   all tests, on a throwaway cluster (test/check)
#   make demo                    a look at it, on a throwaway cluster (test/demo)
#   make bench                   how fast it is, on a throwaway cluster (test/bench/run)
#   make dist                    dist/keyapi_fdw-VERSION.zip, as PGXN takes it
#   make deb                     Debian packages in dist/

EXTENSION = keyapi_fdw
MODULE_big = keyapi_fdw
DATA = sql/keyapi_fdw--1.0.sql
PGFILEDESC = "keyapi_fdw - foreign data wrapper for KeyAPI"

# Written out, because a wildcard finds nothing when the build is outside the tree.
OBJS = \
	src/keyapi_fdw.o \
	src/api/endpoint.o \
	src/api/failure.o \
	src/api/listing.o \
	src/api/secret.o \
	src/http/cache_status.o \
	src/http/canonical_url.o \
	src/http/certificate.o \
	src/http/event_loop.o \
	src/http/libcurl.o \
	src/http/outcome.o \
	src/http/poll.o \
	src/http/request.o \
	src/http/url_check.o \
	src/shared/account.o \
	src/shared/cache.o \
	src/shared/cache_key.o \
	src/shared/cache_room.o \
	src/shared/cache_store.o \
	src/shared/day.o \
	src/shared/gate.o \
	src/shared/outage.o \
	src/shared/progress.o \
	src/shared/shared_memory.o \
	src/shared/single_flight.o \
	src/shared/stats.o \
	src/json/block.o \
	src/json/block_writer.o \
	src/json/decode.o \
	src/json/field.o \
	src/json/repair.o \
	src/json/strbuf.o \
	src/json/value.o \
	src/options/api_key.o \
	src/options/column_source.o \
	src/options/option.o \
	src/options/option_value.o \
	src/options/server_account.o \
	src/bind/binding.o \
	src/bind/clause.o \
	src/bind/clauses.o \
	src/bind/combinations.o \
	src/bind/exposure.o \
	src/bind/lookalike_clauses.o \
	src/bind/plan_private.o \
	src/bind/preview.o \
	src/bind/restriction.o \
	src/bind/restriction_block.o \
	src/bind/restriction_cte.o \
	src/bind/restriction_marks.o \
	src/bind/restriction_outside.o \
	src/bind/restriction_peers.o \
	src/bind/scan_table.o \
	src/bind/source.o \
	src/bind/source_values.o \
	src/bind/unbound.o \
	src/bind/virtual_row.o \
	src/fetch/budget.o \
	src/fetch/fetch_group.o \
	src/fetch/fetcher.o \
	src/fetch/give_up.o \
	src/fetch/kept_pages.o \
	src/fetch/ledger.o \
	src/fetch/listing_items.o \
	src/fetch/listing_pages.o \
	src/fetch/page_request.o \
	src/fetch/receive.o \
	src/fetch/request_log.o \
	src/fetch/response.o \
	src/fetch/retry.o \
	src/fetch/send.o \
	src/fetch/shared_failure.o \
	src/fetch/spill_file.o \
	src/fetch/stale.o \
	src/fetch/statement_lists.o \
	src/fetch/statement_pages.o \
	src/plan/estimate.o \
	src/plan/outer_rels.o \
	src/plan/pathkeys.o \
	src/plan/plan.o \
	src/scan/attrs.o \
	src/scan/demand.o \
	src/scan/executor_scans.o \
	src/scan/look_beyond.o \
	src/scan/lookalike.o \
	src/scan/outer_rows.o \
	src/scan/pages.o \
	src/scan/pages_report.o \
	src/scan/plan_tree.o \
	src/scan/price.o \
	src/scan/read_ahead.o \
	src/scan/reads_once.o \
	src/scan/repeatable.o \
	src/scan/scan.o \
	src/scan/sequel.o \
	src/scan/tuple.o \
	src/sql/analyze.o \
	src/sql/explain.o \
	src/sql/import.o \
	src/sql/resume.o \
	src/sql/version.o \
	src/sql/views.o

# 15 does not compile as C23, the default of gcc 15 and later; 19 may need it.
PG_CFLAGS = $(if $(filter 15,$(MAJORVERSION)),-std=gnu11) -fvisibility=hidden -Wall -Wextra -Wno-unused-parameter \
	-Wno-missing-field-initializers -Wno-sign-compare
# Before 16, PostgreSQL leaves PGDLLEXPORT empty, and nothing would be visible.
PG_CPPFLAGS = -I$(srcdir)/src -DPGDLLEXPORT='__attribute__((visibility("default")))' -DKEYAPI_BUILD='"$(BUILD)"' \
	-DKEYAPI_VERSION='"$(RELEASE)"'
# Which build this is: sessions with another one cannot share memory.
SOURCES = $(sort $(wildcard $(srcdir)/src/*.[ch] $(srcdir)/src/*/*.[ch]))
BUILD = $(shell cat $(SOURCES) | cksum | tr ' ' -)
# The first version in META.json is that of the distribution.
RELEASE = $(shell sed -n '/"version"/{s/.*: "\(.*\)".*/\1/p;q}' $(srcdir)/META.json)
SHLIB_LINK = -lcurl -ljansson

# The tests of installcheck, in a new database
REGRESS = import options
REGRESS_OPTS = --inputdir=$(srcdir)/test
REGRESS_PREP = find-expected
ENCODING = UTF8
NO_LOCALE = 1

# These need no PostgreSQL, or find or install one themselves.
ifneq ($(filter check demo bench dist deb,$(MAKECMDGOALS)),)
check demo:
	test/$@
bench:
	test/bench/run

dist: srcdir = .
dist: dist_name = $(EXTENSION)-$(RELEASE)
dist:
	mkdir -p dist
	git archive --format zip --prefix $(dist_name)/ --output dist/$(dist_name).zip HEAD
deb:
	packaging/make-deb
.PHONY: check demo bench dist deb
else
PG_CONFIG ?= pg_config
PGXS := $(shell $(PG_CONFIG) --pgxs 2>/dev/null)
ifeq ($(wildcard $(PGXS)),)
$(error needs the development files of a PostgreSQL server (Debian: postgresql-server-dev-NN); PG_CONFIG=/path/to/pg_config names one)
endif
include $(PGXS)

# A build outside of the tree has no folders for the objects yet.
$(shell mkdir -p $(sort $(dir $(OBJS))))

# pg_regress looks for expected/ where it runs, which may be outside of the tree.
find-expected:
	@[ -d expected ] || ln -s $(abspath $(srcdir))/expected expected
.PHONY: find-expected

src/shared/shared_memory.o src/shared/shared_memory.bc: $(SOURCES)
$(OBJS) $(OBJS:.o=.bc): $(wildcard $(srcdir)/src/*.h $(srcdir)/src/*/*.h)
endif
