/*-------------------------------------------------------------------------
 *
 * body.c
 *	  The JSON documents that the API answers with.
 *
 *-------------------------------------------------------------------------
 */
#include "body.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

/* The example of the API's reference, without its request id. */
static const char example[] =
"{\"code\":0,\"message\":\"success\",\"data\":{\"pagination\":{\"has_more\":true,"
"\"limit\":1,\"page\":1,\"total_count\":500},\"videos\":[{\"country_code\":\"US\","
"\"cover\":\"https://p16-sign-va.tiktokcdn.com/tos-maliva-p-0068c799-us/"
"o4JxEBqB0A29krEiiwHWiAE9CiOKfpIAzIIKdC~tplv-noop.image?dr=18692&refresh_token=046195fd"
"&x-expires=1770133396&x-signature=tTcq8o8OpcY%2BJ6A6ab6oZgXhlNQ%3D&t=9276707c&ps=14f1eb3e"
"&shp=9e36835a&shcp=83ba07fd&idc=my&VideoID=v15044gf0000d55dh1fog65tuspo944g\","
"\"duration\":9,\"id\":\"7587114666132868383\",\"item_id\":\"7587114666132868383\","
"\"item_url\":\"https://www.tiktok.com/@mnm_pipi/video/7587114666132868383\","
"\"region\":\"United States\",\"title\":\"This pup is living her best life. Thanks to price "
"tracking in Chrome, it\xe2\x80\x99" "s about to get even better. \xf0\x9f\x90\xb6\"}]}";

/* Odd values for a field, by the name in as=; NULL JSON: the field is absent. */
static const struct
{
	const char *as;
	const char *json;
}			odd_values[] = {
	{"absent", NULL},
	{"null", "null"},
	{"true", "true"},
	{"false", "false"},
	{"zero", "0"},
	{"number", "12345"},
	{"negative", "-7"},
	{"float", "9.0"},
	{"fraction", "9.5"},
	{"exponent", "1e3"},
	{"int8max", "9223372036854775807"},
	{"int8over", "9223372036854775808"},
	{"text", "\"abc\""},
	{"digits", "\"9\""},
	{"empty", "\"\""},
	{"object", "{\"a\":{\"b\":1}}"},
	{"array", "[1,\"two\",null]"},
	{"nul", "\"a\\u0000b\""},
	{"surrogate", "\"a\\ud83db\""},
	{"utf8", "\"a\xff\xc3z\""},
	{"control", "\"a\x01z\""},
	{NULL}
};

/* The key of the API, to be found in no message of the client. */
static void
add_echo(Buf *out, const PageSpec *spec)
{
	if ((spec->words & WORD_ECHO) && spec->key != NULL)
	{
		buf_str(out, " (key ");
		buf_str(out, spec->key);
		buf_char(out, ')');
	}
}

static void
add_comma(Buf *out)
{
	if (out->data[out->len - 1] != '{' && out->data[out->len - 1] != '[')
		buf_char(out, ',');
}

static void
add_odd_value(Buf *out, const Fault *fault)
{
	const char *as = fault->as ? fault->as : "null";

	if (strcmp(as, "deep") == 0)
	{
		buf_fill(out, '[', fault->depth);
		buf_fill(out, ']', fault->depth);
		return;
	}
	for (int i = 0; odd_values[i].as != NULL; i++)
		if (strcmp(odd_values[i].as, as) == 0)
		{
			buf_str(out, odd_values[i].json);
			return;
		}
	buf_json(out, as, false);
}

/* Does the fault replace this field of this video (from 1; 0: no video)? */
static bool
is_odd(const PageSpec *spec, const char *name, long index)
{
	const Fault *fault = spec->fault;

	return fault != NULL && fault->kind == FAULT_FIELD &&
		fault->name != NULL && strcmp(fault->name, name) == 0 &&
		(index == 0 || fault->index == 0 || fault->index == index);
}

/* Is it a field that all answers have? */
static bool
is_known(const char *name)
{
	static const char *const known[] = {
		"country_code", "cover", "duration", "id", "item_id", "item_url",
		"region", "title", "has_more", "limit", "page", "total_count", NULL
	};

	for (int i = 0; known[i] != NULL; i++)
		if (strcmp(known[i], name) == 0)
			return true;
	return false;
}

/* Append a field, name and JSON value, or what the fault makes of it. */
static void
add_field(Buf *out, const PageSpec *spec, long index, const char *name,
		  const char *json)
{
	bool		odd = is_odd(spec, name, index);

	if (odd && spec->fault->as && strcmp(spec->fault->as, "absent") == 0)
		return;
	add_comma(out);
	buf_fmt(out, "\"%s\":", name);
	if (odd)
		add_odd_value(out, spec->fault);
	else
		buf_str(out, json);
}

/* The same for a field whose value is text. */
static void
add_text_field(Buf *out, const PageSpec *spec, long index, const char *name,
			   const char *text)
{
	Buf			json = {0};

	buf_json(&json, text, (spec->words & WORD_ASCII) != 0);
	add_field(out, spec, index, name, json.data);
	buf_free(&json);
}

/* The same for a number, as strings= and floats= have it. */
static void
add_number_field(Buf *out, const PageSpec *spec, long index, const char *name,
				 long number)
{
	char		json[32];

	snprintf(json, sizeof(json),
			 spec->words & WORD_STRINGS ? "\"%ld\"" :
			 spec->words & WORD_FLOATS ? "%ld.0" : "%ld", number);
	add_field(out, spec, index, name, json);
}

static void
add_country(Buf *out, const PageSpec *spec, long index)
{
	char		country[65];
	const char *region = spec->query->list.region;
	size_t		i;

	if (spec->settings->country != NULL)
		region = spec->settings->country;
	else if (spec->words & WORD_OTHERCOUNTRY)
		region = strcasecmp(region, "BR") == 0 ? "MX" : "BR";

	for (i = 0; region[i] && i < sizeof(country) - 1; i++)
	{
		unsigned char c = (unsigned char) region[i];

		if (c >= 0x80)
			c = '?';
		country[i] = (char) (spec->words & WORD_LOWERCOUNTRY ?
							 tolower(c) : toupper(c));
	}
	country[i] = '\0';
	add_text_field(out, spec, index, "country_code", country);
}

/* Append id and item_id; returns the id in id[]. */
static void
add_ids(Buf *out, const PageSpec *spec, long index, long rank,
		char *id, size_t size)
{
	const List *list = &spec->query->list;

	if (spec->words & WORD_PLAINIDS)
		snprintf(id, size, "%s%d%s%ld", list->region, list->period,
				 list->order_by, rank);
	else
		snprintf(id, size, "%llu",
				 (unsigned long long) video_id(list, rank));

	if ((spec->words & WORD_NUMIDS) && !(spec->words & WORD_PLAINIDS))
	{
		add_field(out, spec, index, "id", id);
		add_field(out, spec, index, "item_id", id);
	}
	else
	{
		add_text_field(out, spec, index, "id", id);
		add_text_field(out, spec, index, "item_id", id);
	}
}

/*
 * Append the texts and numbers that follow from the rank alone.
 */
static void
add_content(Buf *out, const PageSpec *spec, long index, long rank,
			const char *id)
{
	Random		rnd = video_random(&spec->query->list, rank);
	Buf			title = {0};
	Buf			cover = {0};
	char		url[192];

	buf_str(&title, "");
	video_title(&title, &rnd, spec->query->list.region);
	video_cover(&cover, &rnd, spec->expires);
	snprintf(url, sizeof(url), "https://www.tiktok.com/@mnm_pipi/video/%s", id);

	if (spec->words & WORD_NULLS)
	{
		add_field(out, spec, index, "cover", "null");
		add_field(out, spec, index, "duration", "null");
		add_field(out, spec, index, "item_url", "null");
		add_field(out, spec, index, "region", "null");
		add_field(out, spec, index, "title", "null");
	}
	else
	{
		add_text_field(out, spec, index, "cover", cover.data);
		add_number_field(out, spec, index, "duration", video_duration(&rnd));
		add_text_field(out, spec, index, "item_url", url);
		add_text_field(out, spec, index, "region",
					   region_name(spec->query->list.region));
		add_text_field(out, spec, index, "title", title.data);
	}
	if (spec->words & WORD_AUTHOR)
		buf_fmt(out, ",\"author\":{\"name\":\"author of %ld\",\"id\":%ld,"
				"\"verified\":true},\"play_count\":%llu",
				rank, rank, (unsigned long long) (random_next(&rnd) >> 40));
	buf_free(&title);
	buf_free(&cover);
}

/* Append the video at a rank, the index-th (from 1) of its page. */
static void
add_video(Buf *out, const PageSpec *spec, long index, long rank)
{
	const Fault *fault = spec->fault;
	char		id[128];

	add_comma(out);
	buf_char(out, '{');
	add_country(out, spec, index);
	add_ids(out, spec, index, rank, id, sizeof(id));
	add_content(out, spec, index, rank, id);
	if (fault != NULL && fault->name != NULL && !is_known(fault->name) &&
		is_odd(spec, fault->name, index))
		add_field(out, spec, index, fault->name, "null");
	buf_char(out, '}');
}

/* The videos that a page holds: their first position, from 1, and number. */
typedef struct Extent
{
	long		limit;			/* effective */
	long		echo;			/* what the answer says it is */
	long		first;
	long		count;
	bool		has_more;
} Extent;

static Extent
page_extent(const PageSpec *spec)
{
	const Settings *set = spec->settings;
	long		page = spec->query->page;
	long		total = set->total;
	Extent		extent;

	extent.limit = spec->query->limit < PAGE_LIMIT ?
		spec->query->limit : PAGE_LIMIT;
	if (set->limitcap > 0 && extent.limit > set->limitcap)
		extent.limit = set->limitcap;
	if (set->pagesize > 0)
		extent.limit = set->pagesize;

	if (strcmp(spec->query->list.region, "ZZ") == 0)
		total = 0;
	extent.first = (page - 1) * extent.limit + 1;
	extent.count = total - extent.first + 1;
	extent.has_more = extent.count > extent.limit;
	if (spec->words & WORD_ENDLESS)
	{
		extent.has_more = true;
		extent.count = extent.limit;
	}
	if (extent.count > extent.limit)
		extent.count = extent.limit;
	if (extent.count < 0 || (page >= set->empty.lo && page <= set->empty.hi))
		extent.count = 0;
	if (spec->words & WORD_SAMEPAGE)
		extent.first = 1;

	extent.echo = set->echolimit > 0 ? set->echolimit :
		spec->words & WORD_ECHOROWS ? extent.count : extent.limit;
	if (set->hasmore == HASMORE_LIE_TRUE)
		extent.has_more = true;
	else if (set->hasmore == HASMORE_LIE_FALSE)
		extent.has_more = false;
	return extent;
}

static void
add_pagination(Buf *out, const PageSpec *spec, const Extent *extent)
{
	const Settings *set = spec->settings;
	long		total = strcmp(spec->query->list.region, "ZZ") == 0 ?
	0 : set->total;

	if (set->lietotal >= 0)
		total = set->lietotal;
	if (spec->words & WORD_PAGETOTAL)
		total = extent->count;

	add_comma(out);
	buf_str(out, "\"pagination\":{");
	if (set->hasmore != HASMORE_ABSENT)
		add_field(out, spec, 0, "has_more", extent->has_more ? "true" : "false");
	if (!(spec->words & WORD_NOLIMIT))
		add_number_field(out, spec, 0,
						 spec->words & WORD_SIZE ? "size" : "limit", extent->echo);
	add_number_field(out, spec, 0, "page", spec->query->page);
	if (!(spec->words & WORD_NOTOTAL))
		add_number_field(out, spec, 0,
						 spec->words & WORD_TOTAL ? "total" : "total_count", total);
	buf_char(out, '}');
}

static void
add_videos(Buf *out, const PageSpec *spec, const Extent *extent, long moved)
{
	buf_char(out, '[');
	for (long i = 1; i <= extent->count; i++)
		add_video(out, spec, i, extent->first + i - 1 + moved);
	buf_char(out, ']');
}

static void
add_data(Buf *out, const PageSpec *spec)
{
	const Settings *set = spec->settings;
	Extent		extent = page_extent(spec);
	long		moved = set->offset - set->shift * (spec->query->page - 1) -
	spec->churned;

	buf_str(out, "\"data\":{");
	if (!(spec->words & WORD_NOPAGINATION))
		add_pagination(out, spec, &extent);
	if (!(spec->words & WORD_NOVIDEOS))
	{
		add_comma(out);
		buf_str(out, spec->words & WORD_LIST ? "\"list\":" : "\"videos\":");
		if ((spec->words & WORD_NULLVIDEOS) && extent.count == 0)
			buf_str(out, "null");
		else
			add_videos(out, spec, &extent, moved);
	}
	buf_char(out, '}');
}

void
body_page(Buf *out, const PageSpec *spec)
{
	if (spec->words & WORD_EXAMPLE)
	{
		buf_str(out, example);
		return;
	}

	buf_char(out, '{');
	if (!(spec->words & WORD_NOCODE))
		buf_str(out, "\"code\":0");
	if (spec->words & WORD_NULLDATA)
	{
		add_comma(out);
		buf_str(out, "\"data\":null");
	}
	else if (!(spec->words & WORD_NODATA))
	{
		add_comma(out);
		add_data(out, spec);
	}
	if (!(spec->words & WORD_NOMESSAGE))
	{
		Buf			message = {0};

		buf_str(&message, "success");
		add_echo(&message, spec);
		add_comma(out);
		buf_str(out, spec->words & WORD_MSG ? "\"msg\":" : "\"message\":");
		buf_json(out, message.data, false);
		buf_free(&message);
	}
}

void
body_tail(Buf *out, const PageSpec *spec, uint64_t serial)
{
	const uint64_t nothing = WORD_NOCODE | WORD_NODATA | WORD_NOMESSAGE;
	Random		rnd = {serial};
	uint64_t	a = random_next(&rnd);
	uint64_t	b = random_next(&rnd);

	if (!(spec->words & WORD_NOREQUESTID))
	{
		Buf			id = {0};

		buf_fmt(&id, "%08x-%04x-4%03x-a%03x-%012llx", (unsigned) (a >> 32),
				(unsigned) (a >> 16 & 0xFFFF), (unsigned) (a & 0xFFF),
				(unsigned) (b >> 52), (unsigned long long) (b & 0xFFFFFFFFFFFF));
		add_echo(&id, spec);
		buf_str(out, (spec->words & nothing) == nothing ?
				"\"requestId\":" : ",\"requestId\":");
		buf_json(out, id.data, false);
		buf_free(&id);
	}
	buf_char(out, '}');
}

void
body_error(Buf *out, long code, const char *message)
{
	buf_fmt(out, "{\"code\":%ld,\"data\":null,\"message\":", code);
	buf_json(out, message, false);
	buf_char(out, '}');
}

void
body_html(Buf *out, long status, const char *message)
{
	buf_fmt(out, "<!DOCTYPE html>\n<html><head><title>%ld %s</title></head>\n"
			"<body><center><h1>%ld %s</h1></center><hr>"
			"<center>gateway</center></body></html>\n",
			status, message, status, message);
}
