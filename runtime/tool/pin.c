/*
 * tool/pin.c - `rallypoint pin` and `unpin`: checkpoints that stay for good
 */
#include <stdio.h>

#include "sys/retain.h"
#include "tool/load.h"
#include "tool/print.h"
#include "tool/tool.h"

static int tell(const struct rp_args *args, const char *name, int pinned,
		struct rp_err *err)
{
	if (args->json)
		return rp_json_print(json_pack("{s:o,s:s,s:b}", "dir",
					       rp_json_text(args->dir), "name",
					       name, "pinned", pinned),
				     0, err);
	printf("%s %s\n", pinned ? "pinned" : "unpinned", name);
	return 0;
}

static int set(const struct rp_args *args, int pinned, struct rp_err *err)
{
	const struct rp_ckpt *ckpt = NULL;
	struct rp_folder folder;
	int rc = rp_folder_list(NULL, &folder, args->dir, err);

	if (rc == 0) {
		ckpt = rp_pick(&folder, args->dir, args->which, err);
		rc = err->code;
	}
	if (ckpt && pinned)
		rc = rp_pin_set(NULL, ckpt->path, "by rallypoint pin\n", err);
	else if (ckpt)
		rc = rp_pin_clear(NULL, ckpt->path, err);
	if (rc == 0)
		rc = tell(args, ckpt->name, pinned, err);
	rp_folder_free(&folder);
	return rc;
}

int rp_tool_pin(const struct rp_args *args, struct rp_err *err)
{
	return set(args, 1, err);
}

int rp_tool_unpin(const struct rp_args *args, struct rp_err *err)
{
	return set(args, 0, err);
}
