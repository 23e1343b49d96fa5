/*-------------------------------------------------------------------------
 *
 * listing_items.c
 *	  The items of one listing, and which of them have the same id.
 *
 *-------------------------------------------------------------------------
 */
#include "fetch/listing_items.h"

#include "utils/memutils.h"

/* How many items there is room for at first: those of most first pages. */
#define FIRST_ROOM 64

/* How many items an announcement makes room for at most: it may be wrong. */
#define MOST_ANNOUNCED 1024

/* Items with the same id hang together: one for each page, the lowest there. */
typedef struct KeyapiListingItem
{
	const KeyapiPage *page;
	int			same;			/* the item that came first with this id */
	int			next;			/* at that one: the next one with its id; -1:
								 * there is no more */
} KeyapiListingItem;

typedef struct IdEntry
{
	int			item;			/* that came first with an id */
	uint32		hash;			/* of the id: insertion looks at its
								 * neighbours' */
	char		status;			/* simplehash's own */
} IdEntry;

struct KeyapiListingItems
{
	KeyapiListingItem *items;	/* page by page, as these came */
	int			num;
	int			room;			/* for so many */
	struct idtable_hash *ids;	/* where each id occurs */
};

static uint32 item_hash(const KeyapiListingItems *listing, int item);
static bool same_id(const KeyapiListingItems *listing, int a, int b);

#define SH_PREFIX idtable
#define SH_ELEMENT_TYPE IdEntry
#define SH_KEY_TYPE int
#define SH_KEY item
#define SH_HASH_KEY(tb, key) item_hash((tb)->private_data, key)
#define SH_EQUAL(tb, a, b) same_id((tb)->private_data, a, b)
#define SH_STORE_HASH
#define SH_GET_HASH(tb, entry) ((entry)->hash)
#define SH_SCOPE static inline
#define SH_DECLARE
#define SH_DEFINE
#include "lib/simplehash.h"

static uint32
item_hash(const KeyapiListingItems *listing, int item)
{
	const KeyapiPage *page = listing->items[item].page;

	return keyapi_block_id_hash(page->kept->block, item - page->items);
}

/*
 * The id of an item, whose page is pinned.
 */
static KeyapiSlice
item_id(const KeyapiListingItems *listing, int item)
{
	const KeyapiPage *page = listing->items[item].page;

	return keyapi_block_id(keyapi_kept_page_pin(page->kept), item - page->items);
}

/* As the hashes are the same, few pages have to be read back for this. */
static bool
same_id(const KeyapiListingItems *listing, int a, int b)
{
	KeyapiSlice x = item_id(listing, a);
	KeyapiSlice y = item_id(listing, b);

	keyapi_kept_page_unpin(listing->items[a].page->kept);
	keyapi_kept_page_unpin(listing->items[b].page->kept);
	return x.len == y.len && memcmp(x.data, y.data, x.len) == 0;
}

/*
 * Connect an item with the others that have its id.  True if it is new: the id is
 * unknown, or known only from later pages.  An item without an id counts as new.
 */
static bool
connect_item(KeyapiListingItems *listing, int item)
{
	KeyapiListingItem *items = listing->items;
	const KeyapiPage *page = items[item].page;
	bool		is_new = true;
	bool		is_first_of_page = true;
	bool		found;
	int			same;

	if (keyapi_block_id(page->kept->block, item - page->items).data == NULL)
		return true;
	same = idtable_insert(listing->ids, item, &found)->item;
	if (!found)
		return true;
	items[item].same = same;
	for (int i = same; i >= 0; i = items[i].next)
	{
		if (items[i].page->number < page->number)
			is_new = false;
		if (items[i].page == page)
			is_first_of_page = false;
	}
	if (is_first_of_page)
	{
		items[item].next = items[same].next;
		items[same].next = item;
	}
	return is_new;
}

KeyapiListingItems *
keyapi_listing_items_create(void)
{
	KeyapiListingItems *listing = palloc(sizeof(KeyapiListingItems));

	listing->num = 0;
	listing->room = FIRST_ROOM;
	listing->items = palloc(sizeof(KeyapiListingItem) * FIRST_ROOM);
	listing->ids = idtable_create(CurrentMemoryContext, FIRST_ROOM, listing);
	return listing;
}

void
keyapi_listing_items_free(KeyapiListingItems *listing)
{
	idtable_destroy(listing->ids);
	pfree(listing->items);
	pfree(listing);
}

int
keyapi_listing_items_count(const KeyapiListingItems *listing)
{
	return listing->num;
}

/*
 * Make room for so many items, and for all that are announced: to enlarge a table again
 * and again costs more than to fill it.
 */
static void
make_room(KeyapiListingItems *listing, int num, int64 announced)
{
	int			room = Max(Max(num, listing->room * 2), Min(announced, MOST_ANNOUNCED));
	uint64		size = room * UINT64CONST(2);	/* so that it does not grow by
												 * itself */

	listing->items = repalloc_huge(listing->items, sizeof(KeyapiListingItem) * room);
	listing->room = room;
	if (listing->ids->size < size)
		idtable_grow(listing->ids, size);
}

bool
keyapi_listing_items_enter(KeyapiListingItems *listing, KeyapiPage *page,
						   int64 announced)
{
	int			first = listing->num;
	int			end = first + page->nrows;
	bool		any_new = false;

	if (end > listing->room)
		make_room(listing, end, announced);
	page->items = first;
	listing->num = end;
	for (int i = first; i < end; i++)
	{
		listing->items[i] = (KeyapiListingItem)
		{
			.page = page,.same = i,.next = -1
		};
		any_new |= connect_item(listing, i);
	}
	return any_new;
}

bool
keyapi_listing_items_repeats(const KeyapiListingItems *listing,
							 const KeyapiPage *page, int index, int64 pass)
{
	const KeyapiListingItem *items = listing->items;
	int			item = page->items + index;

	for (int i = items[item].same; i >= 0; i = items[i].next)
	{
		if (items[i].page == page ? i < item :
			items[i].page->number < page->number && items[i].page->pass == pass)
			return true;
	}
	return false;
}
