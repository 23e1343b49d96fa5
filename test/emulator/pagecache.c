/*-------------------------------------------------------------------------
 *
 * pagecache.c
 *	  Pages made before, so that a page costs microseconds.
 *
 * Only the request id at the document's end differs between two answers: the
 * rest is kept, as text and as a gzip file that still lacks its end.
 *
 *-------------------------------------------------------------------------
 */
#include "pagecache.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#define BUCKETS 4096
#define MAX_PAGES 4096			/* about 80 MB */

typedef struct Page
{
	struct Page *next;
	char	   *name;
	Buf			plain;
	Buf			gzip;			/* header and deflated data, byte aligned */
	uLong		crc;
} Page;

static pthread_mutex_t cache_lock = PTHREAD_MUTEX_INITIALIZER;
static Page *pages[BUCKETS];
static int	npages;

/* Everything that body_page() looks at, but for faults and echoes. */
static void
name_page(Buf *name, const PageSpec *spec)
{
	const Settings *set = spec->settings;
	const Query *query = spec->query;

	buf_fmt(name, "%s|%d|%s|%ld|%ld|%llx|%lld|%ld|%ld|%ld|%ld|%ld|%ld|%ld|%ld|%ld-%ld|%d|%s",
			query->list.region, query->list.period, query->list.order_by,
			query->page, query->limit, (unsigned long long) spec->words,
			(long long) spec->expires, spec->churned,
			set->total, set->lietotal, set->offset, set->shift, set->limitcap,
			set->pagesize, set->echolimit,
			set->empty.lo, set->empty.hi, set->hasmore,
			set->country ? set->country : "");
}

/* Append the gzip header and deflated bytes; finish says whether to end. */
static void
deflate_add(Buf *out, const char *bytes, size_t len, int flush)
{
	static const char header[10] = {0x1f, (char) 0x8b, 8, 0, 0, 0, 0, 0, 0, 3};
	z_stream	z = {0};

	buf_add(out, header, sizeof(header));
	if (deflateInit2(&z, len > 1000000 ? 1 : 6, Z_DEFLATED, -15, 8,
					 Z_DEFAULT_STRATEGY) != Z_OK)
		abort();
	z.next_in = (Bytef *) bytes;
	z.avail_in = (uInt) len;
	do
	{
		z.avail_out = 16384;
		z.next_out = (Bytef *) buf_reserve(out, z.avail_out);
		deflate(&z, flush);
		out->len += 16384 - z.avail_out;
	} while (z.avail_out == 0);
	deflateEnd(&z);
}

static void
add_le32(Buf *out, uLong number)
{
	for (int i = 0; i < 4; i++, number >>= 8)
		buf_char(out, (char) (number & 0xFF));
}

void
gzip_add(Buf *out, const Buf *plain)
{
	deflate_add(out, plain->data, plain->len, Z_FINISH);
	add_le32(out, crc32(0, (const Bytef *) plain->data, (uInt) plain->len));
	add_le32(out, plain->len);
}

/*
 * Append the page as a gzip file, its tail as a last, stored block.
 */
static void
gzip_page(Buf *out, const Page *page, const Buf *tail)
{
	char		block[5] = {1,
		(char) (tail->len & 0xFF), (char) (tail->len >> 8),
	(char) (~tail->len & 0xFF), (char) (~tail->len >> 8)};

	buf_reserve(out, page->gzip.len + tail->len + 13);
	buf_add(out, page->gzip.data, page->gzip.len);
	buf_add(out, block, sizeof(block));
	buf_add(out, tail->data, tail->len);
	add_le32(out, crc32(page->crc, (const Bytef *) tail->data,
						(uInt) tail->len));
	add_le32(out, page->plain.len + tail->len);
}

static Page *
make_page(const PageSpec *spec)
{
	Page	   *page = xcalloc(sizeof(Page));

	body_page(&page->plain, spec);
	deflate_add(&page->gzip, page->plain.data, page->plain.len, Z_SYNC_FLUSH);
	page->crc = crc32(0, (const Bytef *) page->plain.data,
					  (uInt) page->plain.len);
	return page;
}

static void
free_page(Page *page)
{
	buf_free(&page->plain);
	buf_free(&page->gzip);
	free(page->name);
	free(page);
}

/* Crude, but a run that needs more pages than that does not mind. */
static void
forget_all(void)
{
	for (int i = 0; i < BUCKETS; i++)
		while (pages[i] != NULL)
		{
			Page	   *page = pages[i];

			pages[i] = page->next;
			free_page(page);
		}
	npages = 0;
}

/* Find or make a page, with cache_lock held. */
static const Page *
lookup(const PageSpec *spec)
{
	Buf			name = {0};
	Page	  **bucket;
	Page	   *page;

	name_page(&name, spec);
	bucket = &pages[hash_text(HASH_SEED, name.data) % BUCKETS];
	for (page = *bucket; page != NULL; page = page->next)
		if (strcmp(page->name, name.data) == 0)
		{
			buf_free(&name);
			return page;
		}

	if (npages >= MAX_PAGES)
		forget_all();
	page = make_page(spec);
	page->name = name.data;
	page->next = *bucket;
	*bucket = page;
	npages++;
	return page;
}

static void
add_page(Buf *out, const Page *page, const Buf *tail, bool gzipped)
{
	if (gzipped)
		gzip_page(out, page, tail);
	else
	{
		buf_add(out, page->plain.data, page->plain.len);
		buf_add(out, tail->data, tail->len);
	}
}

void
pagecache_get(Buf *out, const PageSpec *spec, uint64_t serial, bool gzipped)
{
	Buf			tail = {0};

	body_tail(&tail, spec, serial);
	if ((spec->words & WORD_ECHO) ||
		(spec->fault != NULL && spec->fault->kind == FAULT_FIELD))
	{
		Page	   *page = make_page(spec);

		add_page(out, page, &tail, gzipped);
		free_page(page);
	}
	else
	{
		pthread_mutex_lock(&cache_lock);
		add_page(out, lookup(spec), &tail, gzipped);
		pthread_mutex_unlock(&cache_lock);
	}
	buf_free(&tail);
}
