/*
 * tool/tool.h - the subcommands of `rallypoint`
 *
 * Each prints its answer on stdout, as text or as one JSON document, and
 * returns 0 or a code of enum rally_error with the sentence in err: that is the
 * exit status. It reads folders that a run may be writing to, so what it looks
 * at can go away under it.
 */
#ifndef RP_TOOL_TOOL_H
#define RP_TOOL_TOOL_H

#include "base/err.h"
#include "tool/args.h"

int rp_tool_ls(const struct rp_args *args, struct rp_err *err);
int rp_tool_show(const struct rp_args *args, struct rp_err *err);
int rp_tool_verify(const struct rp_args *args, struct rp_err *err);
int rp_tool_prune(const struct rp_args *args, struct rp_err *err);
int rp_tool_pin(const struct rp_args *args, struct rp_err *err);
int rp_tool_unpin(const struct rp_args *args, struct rp_err *err);
int rp_tool_export(const struct rp_args *args, struct rp_err *err);
int rp_tool_diff(const struct rp_args *args, struct rp_err *err);
int rp_tool_cat(const struct rp_args *args, struct rp_err *err);
int rp_tool_topo(const struct rp_args *args, struct rp_err *err);
int rp_tool_options(const struct rp_args *args, struct rp_err *err);

/* With option tables of their own. They say themselves what is wrong, and return
 * the exit status. */
int rp_tool_run(int argc, char **argv);
int rp_tool_drill(int argc, char **argv);
int rp_tool_doctor(int argc, char **argv);
int rp_tool_sbatch(int argc, char **argv);

#endif
