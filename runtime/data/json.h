/*
 * data/json.h - JSON of a file's, or of another rank's
 *
 * The text is hostile. What jansson leaves open is closed here: a name that
 * comes twice is an error, and so is a text that is deeper than any of ours,
 * since jansson goes down to 2048 and wants 200 kB of stack for it, which a
 * thread of the program's may not have. Its memory is bounded by the text's
 * length: at most 72 bytes for one, for a list of empty objects.
 */
#ifndef RP_DATA_JSON_H
#define RP_DATA_JSON_H

#include <jansson.h>
#include <stddef.h>

#define RP_JSON_DEPTH 32	/* a manifest of today has 6 */

/* The root, an object; the caller's. NULL where the text is no JSON object and
 * nothing else: UTF-8, without a NUL, no name twice, no deeper than
 * RP_JSON_DEPTH. `why` (may be NULL) is then the reason, "" without memory. */
json_t *rp_json_parse(const char *text, size_t size, json_error_t *why);

#endif
