/*-------------------------------------------------------------------------
 *
 * attrs.c
 *	  A whole item as jsonb, made from the cells of its row.
 *
 * jsonb keeps the members of an object sorted.  All rows of a block have the same
 * names, so these are sorted once.
 *
 *-------------------------------------------------------------------------
 */
#include "scan/attrs.h"

#include "fmgr.h"
#include "mb/pg_wchar.h"
#include "utils/fmgrprotos.h"
#include "utils/jsonb.h"
#include "utils/numeric.h"

typedef struct AttrName
{
	int			index;			/* in the block's table of names */
	int			len;
	const char *name;
} AttrName;

struct KeyapiAttrs
{
	int			nnames;
	AttrName	names[KEYAPI_BLOCK_MAX_NAMES];	/* in jsonb's order */
	JsonbPair	pairs[KEYAPI_BLOCK_MAX_NAMES];	/* of the row at hand */
};

/* By length, then by bytes: the order of jsonb's own compareJsonbStringValue. */
static int
compare_names(const void *a, const void *b)
{
	const AttrName *x = a;
	const AttrName *y = b;

	return x->len != y->len ? x->len - y->len : memcmp(x->name, y->name, x->len);
}

KeyapiAttrs *
keyapi_attrs_create(KeyapiSlice names)
{
	KeyapiAttrs *attrs = palloc0(sizeof(KeyapiAttrs));

	for (const char *name = keyapi_block_next_name(names, NULL); name != NULL;
		 name = keyapi_block_next_name(names, name))
	{
		int			index = attrs->nnames++;

		attrs->names[index] = (AttrName)
		{
			index, strlen(name), name
		};
	}
	qsort(attrs->names, attrs->nnames, sizeof(AttrName), compare_names);
	return attrs;
}

static JsonbValue
string_value(const char *text, int len)
{
	JsonbValue	value = {.type = jbvString};

	value.val.string.val = unconstify(char *, text);
	value.val.string.len = len;
	return value;
}

static JsonbValue
unescaped_value(KeyapiSlice text)
{
	char	   *unescaped = palloc(text.len);

	return string_value(unescaped, keyapi_json_unescape(text, unescaped));
}

static JsonbValue
numeric_value(KeyapiSlice text)
{
	JsonbValue	value = {.type = jbvNumeric};

	value.val.numeric =
		DatumGetNumeric(DirectFunctionCall3(numeric_in,
											CStringGetDatum(pnstrdup(text.data, text.len)),
											ObjectIdGetDatum(InvalidOid),
											Int32GetDatum(-1)));
	return value;
}

/*
 * The value of a member that is there; false if it holds others.
 */
static bool
member_value(const KeyapiMember *member, JsonbValue *value)
{
	switch (member->kind)
	{
		case KEYAPI_MEMBER_STRING:
			*value = member->escaped ? unescaped_value(member->text) :
				string_value(member->text.data, member->text.len);
			return true;
		case KEYAPI_MEMBER_INTEGER:
		case KEYAPI_MEMBER_REAL:
			*value = numeric_value(member->text);
			return true;
		case KEYAPI_MEMBER_TRUE:
		case KEYAPI_MEMBER_FALSE:
			value->type = jbvBool;
			value->val.boolean = member->kind == KEYAPI_MEMBER_TRUE;
			return true;
		case KEYAPI_MEMBER_NULL:
			value->type = jbvNull;
			return true;
		default:
			return false;
	}
}

bool
keyapi_attrs_read(KeyapiAttrs *attrs, const KeyapiBlock *block, int row, Datum *value)
{
	JsonbValue	object = {.type = jbvObject};
	int			npairs = 0;

	if (GetDatabaseEncoding() != PG_UTF8 || !block->has_cells)
		return false;
	for (int i = 0; i < attrs->nnames; i++)
	{
		const AttrName *name = &attrs->names[i];
		KeyapiMember member = keyapi_block_member(block, row, name->index);
		JsonbPair  *pair = &attrs->pairs[npairs];

		if (member.kind == KEYAPI_MEMBER_MISSING)
			continue;
		if (!member_value(&member, &pair->value))
			return false;
		pair->key = string_value(name->name, name->len);
		npairs++;
	}
	object.val.object.nPairs = npairs;
	object.val.object.pairs = attrs->pairs;
	*value = JsonbPGetDatum(JsonbValueToJsonb(&object));
	return true;
}
