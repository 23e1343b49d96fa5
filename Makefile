# keyapi_fdw: the KeyAPI "TikTok trending videos" endpoint as a foreign table
#
#   make && sudo make install    build and install for the PostgreSQL of pg_config
#   make check                   all tests, on a throwaway cluster (test/check)
#   make demo                    a look at it, on a throwaway cluster (test/demo)
#   make bench                   how fast it is, on a throwaway cluster (test/bench/run)

EXTENSION = keyapi_fdw
MODULE_big = keyapi_fdw
OBJS = $(patsubst %.c,%.o,$(wildcard src/*.c))
DATA = $(wildcard sql/keyapi_fdw--*.sql)
PGFILEDESC = "keyapi_fdw - foreign data wrapper for KeyAPI"

PG_CFLAGS = -std=gnu11 -fvisibility=hidden -Wall -Wextra -Wno-unused-parameter \
	-Wno-missing-field-initializers -Wno-sign-compare
# Before 16, PostgreSQL leaves it empty, and nothing would be visible.
PG_CPPFLAGS = -DPGDLLEXPORT='__attribute__((visibility("default")))'
SHLIB_LINK = -lcurl -ljansson

# These commands find or install a PostgreSQL themselves.
ifneq ($(filter check demo bench,$(MAKECMDGOALS)),)
check demo:
	test/$@
bench:
	test/bench/run
.PHONY: check demo bench
else
PG_CONFIG ?= pg_config
PGXS := $(shell $(PG_CONFIG) --pgxs 2>/dev/null)
ifeq ($(wildcard $(PGXS)),)
$(error needs the development files of a PostgreSQL server (Debian: postgresql-server-dev-NN); PG_CONFIG=/path/to/pg_config names one)
endif
include $(PGXS)

$(OBJS): $(wildcard src/*.h)
endif
