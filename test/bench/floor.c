/*-------------------------------------------------------------------------
 *
 * floor.c
 *	  The least that fetching and parsing pages can cost: libcurl, jansson and
 *	  nothing else, with the same settings of libcurl as the extension's.
 *
 * It reads lines of standard input,
 *
 *		BASE_URL CONCURRENCY PAGES REGION,REGION...
 *
 * fetches so many pages of each region's list, the first page of all alone,
 * then so many at a time, and answers each with a line that says how many
 * videos it parsed.  Connections are kept between lines.
 *
 * Arguments: the API key and the file with the CA certificate.
 *
 *-------------------------------------------------------------------------
 */
#include <curl/curl.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_CONCURRENCY 32
#define MAX_URL 1000

typedef struct Body
{
	char	   *data;
	size_t		len;
	size_t		size;
} Body;

typedef struct Transfer
{
	CURL	   *easy;
	Body		body;
} Transfer;

/* What one line asks for, and how far that is. */
typedef struct Work
{
	const char *base_url;
	int			concurrency;
	int			pages;
	const char *region;			/* of the next page */
	int			page;			/* the next one */
	int			in_flight;
	int			answered;
	int			videos;			/* parsed */
} Work;

static const char *ca_file;
static struct curl_slist *headers;
static CURLM *multi;			/* NULL until the first line */
static CURLSH *share;
static Transfer transfers[MAX_CONCURRENCY];
static Transfer *idle[MAX_CONCURRENCY];
static int	num_idle;

static void
die(const char *what, const char *why)
{
	fprintf(stderr, "floor: %s: %s\n", what, why);
	exit(1);
}

static size_t
take_body(char *data, size_t size, size_t nmemb, void *arg)
{
	Body	   *body = arg;
	size_t		len = size * nmemb;

	if (body->len + len + 1 > body->size)
	{
		body->size = 2 * (body->len + len + 1);
		body->data = realloc(body->data, body->size);
		if (body->data == NULL)
			die("realloc", "out of memory");
	}
	memcpy(body->data + body->len, data, len);
	body->len += len;
	body->data[body->len] = '\0';
	return len;
}

static void
initialize(void)
{
	curl_global_init(CURL_GLOBAL_DEFAULT);
	multi = curl_multi_init();
	curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, (long) MAX_CONCURRENCY);
	share = curl_share_init();
	curl_share_setopt(share, CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION);
	for (int i = 0; i < MAX_CONCURRENCY; i++)
	{
		CURL	   *easy = transfers[i].easy = curl_easy_init();

		curl_easy_setopt(easy, CURLOPT_SHARE, share);
		curl_easy_setopt(easy, CURLOPT_PRIVATE, &transfers[i]);
		curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
		curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, "gzip");
		curl_easy_setopt(easy, CURLOPT_HTTP_VERSION,
						 (long) CURL_HTTP_VERSION_1_1);
		curl_easy_setopt(easy, CURLOPT_PROXY, "");
		curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
		curl_easy_setopt(easy, CURLOPT_CAINFO, ca_file);
		curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
		curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_body);
		curl_easy_setopt(easy, CURLOPT_WRITEDATA, &transfers[i].body);
		idle[num_idle++] = &transfers[i];
	}
}

/*
 * Ask for the next page; false if there is none left.
 */
static bool
ask_for_next(Work *work)
{
	char		url[MAX_URL];
	CURL	   *easy;

	if (work->page > work->pages)
	{
		work->region += strcspn(work->region, ",");
		work->region += strspn(work->region, ",");
		work->page = 1;
	}
	if (*work->region == '\0')
		return false;
	snprintf(url, sizeof(url),
			 "%s/v1/tiktok/trending/videos?page=%d&region=%.*s&period=7&order_by=vv&limit=20",
			 work->base_url, work->page++,
			 (int) strcspn(work->region, ","), work->region);
	easy = idle[--num_idle]->easy;
	curl_easy_setopt(easy, CURLOPT_URL, url);
	if (curl_multi_add_handle(multi, easy) != CURLM_OK)
		die(url, "refused by libcurl");
	work->in_flight++;
	return true;
}

/*
 * Keep so many requests in flight as may be: the first page is asked for alone.
 */
static void
ask(Work *work)
{
	int			window = work->answered > 0 ? work->concurrency : 1;

	while (work->in_flight < window && ask_for_next(work))
		continue;
}

static void
parse(Work *work, Body *body)
{
	json_t	   *root = json_loadb(body->data, body->len, JSON_DECODE_ANY, NULL);
	json_t	   *videos = json_object_get(json_object_get(root, "data"), "videos");

	if (!json_is_array(videos))
		die("unexpected body", body->data);
	work->videos += (int) json_array_size(videos);
	json_decref(root);
	free(body->data);
}

/*
 * Take the pages that are there: first ask for the next ones, then parse, so
 * that the network has something to do meanwhile.
 */
static void
take_pages(Work *work)
{
	Body		bodies[MAX_CONCURRENCY];
	int			nbodies = 0;
	int			left;
	CURLMsg    *message;

	while ((message = curl_multi_info_read(multi, &left)) != NULL)
	{
		CURL	   *easy = message->easy_handle;
		CURLcode	result = message->data.result;
		char	   *private = NULL;
		long		status = 0;
		Transfer   *transfer;

		curl_easy_getinfo(easy, CURLINFO_PRIVATE, &private);
		curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
		if (result != CURLE_OK || status != 200)
			die("request failed", curl_easy_strerror(result));
		curl_multi_remove_handle(multi, easy);
		transfer = (Transfer *) private;
		bodies[nbodies++] = transfer->body;
		memset(&transfer->body, 0, sizeof(Body));
		idle[num_idle++] = transfer;
		work->in_flight--;
		work->answered++;
	}
	if (nbodies == 0)
		return;
	ask(work);
	curl_multi_perform(multi, &left);
	for (int i = 0; i < nbodies; i++)
		parse(work, &bodies[i]);
}

static void
answer(Work *work)
{
	if (multi == NULL)
		initialize();
	ask(work);
	while (work->in_flight > 0)
	{
		int			left;

		if (curl_multi_perform(multi, &left) != CURLM_OK)
			die("curl_multi_perform", "failed");
		if (left == work->in_flight)
			curl_multi_poll(multi, NULL, 0, 1000, NULL);
		take_pages(work);
	}
	printf("%d\n", work->videos);
	fflush(stdout);
}

int
main(int argc, char **argv)
{
	char		line[4000];
	char		authorization[MAX_URL];

	if (argc != 3)
		die("usage", "floor API_KEY CA_FILE");
	snprintf(authorization, sizeof(authorization),
			 "Authorization: Bearer %s", argv[1]);
	headers = curl_slist_append(NULL, authorization);
	ca_file = argv[2];

	while (fgets(line, sizeof(line), stdin) != NULL)
	{
		char		base_url[500];
		char		regions[1000];
		Work		work = {.base_url = base_url,.region = regions,.page = 1};

		if (sscanf(line, "%499s %d %d %999s", base_url, &work.concurrency,
				   &work.pages, regions) != 4 ||
			work.concurrency < 1 || work.concurrency > MAX_CONCURRENCY)
			die("not understood", line);
		answer(&work);
	}
	return 0;
}
