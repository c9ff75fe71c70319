#include "data/json.h"

#include <stdio.h>

/* Brackets outside of strings are counted; whether they match is jansson's to
 * find out. */
static int is_deep(const char *text, size_t size)
{
	int depth = 0, quoted = 0;

	for (size_t i = 0; i < size; i++) {
		char c = text[i];

		if (quoted && c == '\\')
			i++;
		else if (c == '"')
			quoted = !quoted;
		else if (quoted)
			continue;
		else if ((c == '[' || c == '{') && ++depth > RP_JSON_DEPTH)
			return 1;
		else if ((c == ']' || c == '}') && depth > 0)
			depth--;
	}
	return 0;
}

json_t *rp_json_parse(const char *text, size_t size, json_error_t *why)
{
	json_error_t error = { 0 };
	json_t *root = NULL;

	if (is_deep(text, size))
		snprintf(error.text, sizeof(error.text),
			 "more than %d levels deep", RP_JSON_DEPTH);
	else
		root = json_loadb(text, size, JSON_REJECT_DUPLICATES, &error);
	if (root && !json_is_object(root)) {
		snprintf(error.text, sizeof(error.text), "it is no object");
		json_decref(root);
		root = NULL;
	}
	if (why)
		*why = error;
	return root;
}
