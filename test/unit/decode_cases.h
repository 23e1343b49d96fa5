/*-------------------------------------------------------------------------
 *
 * decode_cases.h
 *	  Bodies for decode_test.c, and what becomes of them.
 *
 *-------------------------------------------------------------------------
 */
#ifndef KEYAPI_DECODE_CASES_H
#define KEYAPI_DECODE_CASES_H

#include "json/decode.h"

/* A page that holds these videos. */
#define PAGE(videos) "{\"code\":0,\"data\":{\"videos\":[" videos "]}}"

/* A page whose pagination has these members. */
#define PAGINATION(members) \
	"{\"code\":0,\"data\":{\"pagination\":{" members "},\"videos\":[]}}"

#define FFFD "\xEF\xBF\xBD"

/* What the API's reference gives as an example. */
static const char example[] =
"{\"code\":0,\"message\":\"success\",\"data\":{\"pagination\":{\"has_more\":true,"
"\"limit\":1,\"page\":1,\"total_count\":500},\"videos\":[{\"country_code\":\"US\","
"\"cover\":\"https://p16-sign-va.tiktokcdn.com/tos-maliva-p-0068c799-us/"
"o4JxEBqB0A29krEiiwHWiAE9CiOKfpIAzIIKdC~tplv-noop.image?dr=18692"
"&refresh_token=046195fd&x-expires=1770133396"
"&x-signature=tTcq8o8OpcY%2BJ6A6ab6oZgXhlNQ%3D&t=9276707c&ps=14f1eb3e"
"&shp=9e36835a&shcp=83ba07fd&idc=my&VideoID=v15044gf0000d55dh1fog65tuspo944g\","
"\"duration\":9,\"id\":\"7587114666132868383\",\"item_id\":\"7587114666132868383\","
"\"item_url\":\"https://www.tiktok.com/@mnm_pipi/video/7587114666132868383\","
"\"region\":\"United States\",\"title\":\"This pup is living her best life. Thanks"
" to price tracking in Chrome, it\xE2\x80\x99s about to get even better. "
"\xF0\x9F\x90\xB6\"}]},\"requestId\":\"d78497da-6b4e-4da3-b15e-da48fca8d5af\"}";

/* The cell at path, of a page with one video. */
typedef struct CellCase
{
	const char *body;
	const char *path;
	const char *expected;
	const char *name;
} CellCase;

static const CellCase cell_cases[] = {
	{PAGE("{\"v\":\"a\\\"b\\\\c\\n\\u00e9\\ud83d\\ude00\"}"), "v", "a\"b\\c\n\xC3\xA9\xF0\x9F\x98\x80", "string"},
	{PAGE("{\"v\":\"\"}"), "v", "", "empty string"},
	{PAGE("{\"v\":true}"), "v", "true", "true"},
	{PAGE("{\"v\":false}"), "v", "false", "false"},
	{PAGE("{\"v\":null}"), "v", NULL, "null"},
	{PAGE("{}"), "v", NULL, "missing"},

	/* integers */
	{PAGE("{\"v\":0}"), "v", "0", "0"},
	{PAGE("{\"v\":-0}"), "v", "0", "-0"},
	{PAGE("{\"v\":7587114666132868383}"), "v", "7587114666132868383", "19 digits"},
	{PAGE("{\"v\":9007199254740993}"), "v", "9007199254740993", "2^53 + 1"},
	{PAGE("{\"v\":9223372036854775807}"), "v", "9223372036854775807", "largest int64"},
	{PAGE("{\"v\":-9223372036854775808}"), "v", "-9223372036854775808", "smallest int64"},
	{PAGE("{\"v\":9223372036854775808}"), "v", "9223372036854775808", "largest int64 + 1"},
	{PAGE("{\"v\":-9223372036854775809}"), "v", "-9223372036854775809", "smallest int64 - 1"},
	{PAGE("{\"v\":18446744073709551616}"), "v", "18446744073709551616", "2^64"},
	{PAGE("{\"v\":123456789012345678901234567890}"), "v", "123456789012345678901234567890", "30 digits"},
	{PAGE("{\"v\":[7587114666132868383,123456789012345678901234567890]}"), "v",
	"[7587114666132868383,\"123456789012345678901234567890\"]", "30 digits inside JSON are a string"},

	/* reals */
	{PAGE("{\"v\":9.0}"), "v", "9", "9.0"},
	{PAGE("{\"v\":-9.0}"), "v", "-9", "-9.0"},
	{PAGE("{\"v\":-0.0}"), "v", "0", "-0.0"},
	{PAGE("{\"v\":1e3}"), "v", "1000", "1e3"},
	{PAGE("{\"v\":0.1}"), "v", "0.1", "0.1"},
	{PAGE("{\"v\":-1.5E-7}"), "v", "-1.5e-07", "-1.5E-7"},
	{PAGE("{\"v\":3.141592653589793}"), "v", "3.141592653589793", "16 digits"},
	{PAGE("{\"v\":0.30000000000000004}"), "v", "0.30000000000000004", "17 digits"},
	{PAGE("{\"v\":9223372036854774784.0}"), "v", "9223372036854774784", "largest double below 2^63"},
	{PAGE("{\"v\":-9223372036854775808.0}"), "v", "-9223372036854775808", "-2^63 as real"},
	{PAGE("{\"v\":9223372036854775808.0}"), "v", "9.223372036854776e+18", "2^63 as real"},
	{PAGE("{\"v\":1e300}"), "v", "1e+300", "1e300"},
	{PAGE("{\"v\":1.7976931348623157e308}"), "v", "1.7976931348623157e+308", "largest double"},
	{PAGE("{\"v\":1e999}"), "v", "1e999", "real beyond a double"},
	{PAGE("{\"v\":-0.001e312}"), "v", "-0.001e312", "real beyond a double, after zeros"},
	{PAGE("{\"v\":0.0e999,\"w\":\"\\u0000\"}"), "v", "0", "no overflow in zero"},
	{PAGE("{\"v\":1e-999,\"w\":\"\\u0000\"}"), "v", "0", "underflow"},
	{PAGE("{\"v\":12.5,\"w\":1e999}"), "v", "12.5", "others are numbers beside one that overflows"},
	{PAGE("{\"v\":[9.0,0.1,1e3]}"), "v", "[9,0.1,1000]", "reals inside JSON"},

	/* objects and arrays */
	{PAGE("{ \"v\" : { \"z\" : [ 1 , true , null ] , \"a\" : { } } }"), "v",
	"{\"z\":[1,true,null],\"a\":{}}", "compact JSON in the order received"},
	{PAGE("{\"v\":[]}"), "v", "[]", "empty array"},
	{PAGE("{\"v\":[\"\\\"\\\\\\/\\b\\t\\u001f\\u007f\\u00e9\"]}"), "v",
	"[\"\\\"\\\\/\\u0008\\u0009\\u001f\x7F\xC3\xA9\"]", "escapes inside JSON"},
	{PAGE("{\"k\\\"\\n\":1}"), "", "{\"k\\\"\\u000a\":1}", "escapes inside keys"},
	{PAGE("{\"v\":1,\"v\":2}"), "v", "2", "the last of equal keys wins"},

	/* paths */
	{PAGE("{\"a\":{\"b\":{\"c\":5}}}"), "a.b.c", "5", "path into objects"},
	{PAGE("{\"a\":[[1],[2,3]]}"), "a.1.1", "3", "path into arrays"},
	{PAGE("{\"a\":[{\"b\":7}]}"), "a.0.b", "7", "path into an array of objects"},
	{PAGE("{\"a\":[1]}"), "a.1", NULL, "index beyond the array"},
	{PAGE("{\"a\":[1]}"), "a.99999999999999999999", NULL, "index beyond any array"},
	{PAGE("{\"a\":[1]}"), "a.-1", NULL, "negative index"},
	{PAGE("{\"a\":[1]}"), "a.", NULL, "empty index"},
	{PAGE("{\"a\":[1]}"), "a.x", NULL, "name as index"},
	{PAGE("{\"a\":{\"0\":4}}"), "a.0", "4", "number as name"},
	{PAGE("{\"a\":5}"), "a.b", NULL, "path into a scalar"},
	{PAGE("{\"a\":null}"), "a.b", NULL, "path into null"},
	{PAGE("{\"a\":\"x\"}"), "a.0", NULL, "path into a string"},
	{PAGE("{\"a.b\":1,\"a\":{\"b\":2}}"), "a.b", "1", "a name with a dot goes first"},
	{PAGE("{\"a\":{\"b.c\":1,\"b\":{\"c\":2}}}"), "a.b.c", "1", "a name with a dot goes first below"},
	{PAGE("{\"a\":{\"b\":2}}"), "a", "{\"b\":2}", "path to an object"},
	{PAGE("{\"a\":{\"\":3}}"), "a.", "3", "empty name"},
	{PAGE("{}"), "", "{}", "empty object"},

	/* repairing */
	{PAGE("{\"v\":\"a\\u0000b\"}"), "v", "a" FFFD "b", "\\u0000"},
	{PAGE("{\"v\":\"a\\ud800b\"}"), "v", "a" FFFD "b", "lone high surrogate"},
	{PAGE("{\"v\":\"a\\uDC00b\"}"), "v", "a" FFFD "b", "lone low surrogate"},
	{PAGE("{\"v\":\"\\ude00\\ud83d\"}"), "v", FFFD FFFD, "surrogates the wrong way round"},
	{PAGE("{\"v\":\"\\ud83d\\ud83d\\ude00\"}"), "v", FFFD "\xF0\x9F\x98\x80", "a pair after a lone surrogate"},
	{PAGE("{\"v\":\"\\ud83d\\u0041\"}"), "v", FFFD "A", "high surrogate before a letter"},
	{PAGE("{\"v\":\"\\ud83d\\n\"}"), "v", FFFD "\n", "high surrogate before an escape"},
	{PAGE("{\"v\":\"\\ud83d\"}"), "v", FFFD, "high surrogate before the end"},
	{PAGE("{\"v\":\"\\\\u0000\\u0000\"}"), "v", "\\u0000" FFFD, "escaped backslash before u0000"},
	{PAGE("{\"v\":\"\\\"\\u0000\\\"\"}"), "v", "\"" FFFD "\"", "escaped quotes around"},
	{PAGE("{\"v\\u0000\":1}"), "v" FFFD, "1", "\\u0000 in a name"},
	{PAGE("{\"v\":\"a\x80z\"}"), "v", "a" FFFD "z", "stray continuation byte"},
	{PAGE("{\"v\":\"a\xFFz\"}"), "v", "a" FFFD "z", "byte that is never UTF-8"},
	{PAGE("{\"v\":\"a\xC0\xAFz\"}"), "v", "a" FFFD FFFD "z", "overlong form of 2 bytes"},
	{PAGE("{\"v\":\"a\xE0\x80\xAFz\"}"), "v", "a" FFFD FFFD FFFD "z", "overlong form of 3 bytes"},
	{PAGE("{\"v\":\"a\xF0\x80\x80\xAFz\"}"), "v", "a" FFFD FFFD FFFD FFFD "z", "overlong form of 4 bytes"},
	{PAGE("{\"v\":\"a\xED\xA0\xBD\xED\xB8\x80z\"}"), "v", "a" FFFD FFFD FFFD FFFD FFFD FFFD "z", "surrogates in UTF-8"},
	{PAGE("{\"v\":\"a\xF4\x90\x80\x80z\"}"), "v", "a" FFFD FFFD FFFD FFFD "z", "beyond U+10FFFF"},
	{PAGE("{\"v\":\"a\xF0\x9F\x98\"}"), "v", "a" FFFD, "character cut by the quote"},
	{PAGE("{\"v\":\"a\xE2\x82\xC3\xA9\"}"), "v", "a" FFFD "\xC3\xA9", "character cut by the next"},
	{PAGE("{\"v\":\"\xF0\x90\x80\x80\xF4\x8F\xBF\xBF\xEE\x80\x80\xEF\xBF\xBF\xED\x9F\xBF\xE0\xA0\x80\xC2\x80\xDF\xBF\xFF\"}"), "v",
	"\xF0\x90\x80\x80\xF4\x8F\xBF\xBF\xEE\x80\x80\xEF\xBF\xBF\xED\x9F\xBF\xE0\xA0\x80\xC2\x80\xDF\xBF" FFFD, "good characters beside a bad one"},
	{PAGE("{\"v\":\"a\nb\tc\x01\x1F\x7F\"}"), "v", "a\nb\tc\x01\x1F\x7F", "raw control characters"},
	{PAGE("{\"v\":[\"a\nb\"]}"), "v", "[\"a\\u000ab\"]", "raw newline inside JSON"},
};

/* A body and the outcome. */
typedef struct ResultCase
{
	const char *body;
	KeyapiDecodeResult result;
	const char *name;
} ResultCase;

static const ResultCase result_cases[] = {
	{"{\"data\":{\"videos\":[]}}", KEYAPI_DECODE_OK, "no code"},
	{"{\"code\":null,\"data\":{\"videos\":[]}}", KEYAPI_DECODE_OK, "code null"},
	{"{\"code\":\"0\",\"data\":{\"videos\":[]}}", KEYAPI_DECODE_OK, "code \"0\""},
	{"{\"code\":0.0,\"data\":{\"list\":[]}}", KEYAPI_DECODE_OK, "code 0.0, and list"},
	{"{\"code\":200,\"data\":{\"videos\":[]}}", KEYAPI_DECODE_OK, "code 200"},
	{" \r\n\t{\"data\":{\"videos\":[]}} \r\n\t", KEYAPI_DECODE_OK, "white space around"},
	{"\xEF\xBB\xBF{\"data\":{\"videos\":[]}}", KEYAPI_DECODE_OK, "byte order mark"},
	{"{\"data\":{\"pagination\":null,\"videos\":[]}}", KEYAPI_DECODE_OK, "pagination null"},
	{"{\"data\":{\"videos\":null,\"list\":[]}}", KEYAPI_DECODE_OK, "list beside videos null"},
	{"{\"code\":0,\"data\":{\"videos\":null}}", KEYAPI_DECODE_OK, "videos null"},
	{"{\"data\":{\"list\":null}}", KEYAPI_DECODE_OK, "list null"},

	{"{\"code\":401,\"data\":null,\"message\":\"apiKey is null\"}", KEYAPI_DECODE_REFUSED, "code 401"},
	{"{\"code\":\"402\"}", KEYAPI_DECODE_REFUSED, "code \"402\""},
	{"{\"code\":-1,\"data\":{\"videos\":[]}}", KEYAPI_DECODE_REFUSED, "code -1 with data"},

	{"", KEYAPI_DECODE_TRUNCATED, "empty body"},
	{" \n", KEYAPI_DECODE_TRUNCATED, "blank body"},
	{"\xEF", KEYAPI_DECODE_TRUNCATED, "third of a byte order mark"},
	{"\xEF\xBB\xBF", KEYAPI_DECODE_TRUNCATED, "only a byte order mark"},
	{"{\"v\":\"\\u0000", KEYAPI_DECODE_TRUNCATED, "truncated and to be repaired"},
	{"{\"v\":\"\xFF", KEYAPI_DECODE_TRUNCATED, "truncated and not UTF-8"},
	{"{\"v\":123456789012345678901", KEYAPI_DECODE_TRUNCATED, "truncated in a large integer"},
	{"{\"v\":\"\\", KEYAPI_DECODE_TRUNCATED, "truncated after a backslash"},
	{"{\"v\":\"\\ud83d\\u", KEYAPI_DECODE_TRUNCATED, "truncated between surrogates"},
	{"{\"v\":\"\xF0\x9F", KEYAPI_DECODE_TRUNCATED, "truncated inside a character"},
	{"{\"v\":tr", KEYAPI_DECODE_TRUNCATED, "truncated inside true"},
	{"{\"v\":-", KEYAPI_DECODE_TRUNCATED, "truncated after a sign"},
	{"{\"v\":1.", KEYAPI_DECODE_TRUNCATED, "truncated after a point"},
	{"{\"v\":1e+", KEYAPI_DECODE_TRUNCATED, "truncated inside an exponent"},

	{"<html><body>502 Bad Gateway</body></html>", KEYAPI_DECODE_NOT_JSON, "HTML"},
	{"upstream connect error", KEYAPI_DECODE_NOT_JSON, "text"},
	{"{\"data\":{\"videos\":[]}} x", KEYAPI_DECODE_NOT_JSON, "text after the document"},
	{"{\"data\":{\"videos\":[]}} tru", KEYAPI_DECODE_NOT_JSON, "half a word after the document"},
	{"{\"data\":{\"videos\":[]}}}", KEYAPI_DECODE_NOT_JSON, "brace after the document"},
	{"{\"data\":{\"videos\":[]}}{", KEYAPI_DECODE_NOT_JSON, "document after the document"},
	{"{\"v\":trux", KEYAPI_DECODE_NOT_JSON, "wrong word at the end"},
	{"{\"v\":01}", KEYAPI_DECODE_NOT_JSON, "leading zero"},
	{"{\"v\":NaN}", KEYAPI_DECODE_NOT_JSON, "NaN"},
	{"{\"v\":-x}", KEYAPI_DECODE_NOT_JSON, "sign without digits"},
	{"{\"v\":1.e5}", KEYAPI_DECODE_NOT_JSON, "point without digits"},
	{"{\"v\":\"\\x41\"}", KEYAPI_DECODE_NOT_JSON, "unknown escape"},
	{"{\"v\":\"\\u12x4\"}", KEYAPI_DECODE_NOT_JSON, "wrong escape"},
	{"{'v':1}", KEYAPI_DECODE_NOT_JSON, "single quotes"},
	{"{\"v\":1,}", KEYAPI_DECODE_NOT_JSON, "trailing comma"},
	{"\x1F\x8B\x08", KEYAPI_DECODE_NOT_JSON, "gzip"},
	{"{\xFF\"v\":1}", KEYAPI_DECODE_NOT_JSON, "bad byte outside a string"},

	{"[]", KEYAPI_DECODE_NO_DATA, "an array"},
	{"null", KEYAPI_DECODE_NO_DATA, "null"},
	{"\"text\"", KEYAPI_DECODE_NO_DATA, "a string"},
	{"7", KEYAPI_DECODE_NO_DATA, "a number"},
	{"{}", KEYAPI_DECODE_NO_DATA, "an empty object"},
	{"{\"code\":0,\"data\":null}", KEYAPI_DECODE_NO_DATA, "data null"},
	{"{\"code\":200,\"data\":null}", KEYAPI_DECODE_NO_DATA, "code 200 without data"},
	{"{\"code\":0,\"data\":[]}", KEYAPI_DECODE_NO_DATA, "data an array"},
	{"{\"code\":0,\"data\":{}}", KEYAPI_DECODE_NO_DATA, "no videos"},
	{"{\"code\":0,\"data\":{\"videos\":{}}}", KEYAPI_DECODE_NO_DATA, "videos an object"},
	{"{\"code\":0,\"data\":{\"videos\":[{},null]}}", KEYAPI_DECODE_NO_DATA, "a video that is null"},
	{"{\"code\":0,\"data\":{\"videos\":[7]}}", KEYAPI_DECODE_NO_DATA, "a video that is a number"},
	{"{\"code\":\"ok\",\"data\":{\"videos\":[]}}", KEYAPI_DECODE_NO_DATA, "code not a number"},
	{"{\"code\":true,\"data\":{\"videos\":[]}}", KEYAPI_DECODE_NO_DATA, "code true"},
	{"{\"code\":0.5,\"data\":{\"videos\":[]}}", KEYAPI_DECODE_NO_DATA, "code 0.5"},
	{"{\"data\":{\"pagination\":[],\"videos\":[]}}", KEYAPI_DECODE_NO_DATA, "pagination an array"},
	{PAGINATION("\"has_more\":\"maybe\""), KEYAPI_DECODE_NO_DATA, "has_more maybe"},
	{PAGINATION("\"has_more\":2"), KEYAPI_DECODE_NO_DATA, "has_more 2"},
	{PAGINATION("\"limit\":\"many\""), KEYAPI_DECODE_NO_DATA, "limit many"},
	{PAGINATION("\"limit\":2147483648"), KEYAPI_DECODE_NO_DATA, "limit beyond int"},
	{PAGINATION("\"total_count\":\"500+\""), KEYAPI_DECODE_NO_DATA, "total_count 500+"},
	{PAGINATION("\"total_count\":\"\""), KEYAPI_DECODE_NO_DATA, "total_count empty"},
	{PAGINATION("\"total_count\":99999999999999999999"), KEYAPI_DECODE_NO_DATA, "total_count beyond 64 bits"},
};

/* Members of pagination, and what they mean. */
static const struct
{
	const char *body;
	int			has_more;
	int			limit;
	int64_t		total_count;
}			pagination_cases[] = {
	{PAGINATION(""), -1, 0, -1},
	{PAGINATION("\"has_more\":true,\"limit\":20,\"total_count\":500"), 1, 20, 500},
	{PAGINATION("\"has_more\":false,\"size\":10,\"total\":7"), 0, 10, 7},
	{PAGINATION("\"has_more\":1,\"limit\":\"20\",\"total_count\":\"500\""), 1, 20, 500},
	{PAGINATION("\"has_more\":0,\"limit\":20.0,\"total_count\":500.0"), 0, 20, 500},
	{PAGINATION("\"has_more\":\"true\",\"limit\":1e1,\"total_count\":5e2"), 1, 10, 500},
	{PAGINATION("\"has_more\":\"False\",\"limit\":0,\"total_count\":0"), 0, 0, 0},
	{PAGINATION("\"has_more\":\"1\",\"limit\":-1,\"total_count\":-1"), 1, 0, -1},
	{PAGINATION("\"has_more\":\"0\",\"total\":9000000000"), 0, 0, INT64_C(9000000000)},
	{PAGINATION("\"has_more\":null,\"limit\":null,\"size\":5,\"total_count\":null"), -1, 5, -1},
	{PAGINATION("\"limit\":3,\"size\":5,\"total\":1,\"total_count\":2"), -1, 3, 2},
};

#endif							/* KEYAPI_DECODE_CASES_H */
