/*
 * tool/export_npy.c - .npy, numpy's own format: one array, or a folder of them
 *
 *     "\x93NUMPY" 1 0 | u16 N | N bytes of a dict's text, padded | data
 *
 * Format: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
 */
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/text.h"
#include "data/dtype.h"
#include "tool/export.h"
#include "tool/print.h"

#define ALIGN 64	/* of the data, which numpy wants */
#define HEADER 512	/* the dict has about 60 bytes, and 20 a dimension */
#define FRAME 10	/* magic, version, length */

/* The bits of what numpy has no type for are told as unsigned. */
static const char *descr_of(enum rally_type type)
{
	switch (type) {
	case RALLY_BOOL:
		return "|b1";
	case RALLY_I8:
		return "|i1";
	case RALLY_U16:
	case RALLY_BF16:
		return "<u2";
	case RALLY_I16:
		return "<i2";
	case RALLY_U32:
		return "<u4";
	case RALLY_I32:
		return "<i4";
	case RALLY_U64:
		return "<u8";
	case RALLY_I64:
		return "<i8";
	case RALLY_F16:
		return "<f2";
	case RALLY_F32:
		return "<f4";
	case RALLY_F64:
		return "<f8";
	default:	/* U8, F8_E4M3, F8_E5M2 */
		return "|u1";
	}
}

static int is_unknown(enum rally_type type)
{
	return type == RALLY_BF16 || type == RALLY_F8_E4M3 ||
	       type == RALLY_F8_E5M2;
}

/* Bytes of it. */
static size_t make_header(const struct rp_item *item, char *header)
{
	char *dict = header + FRAME;
	size_t most = HEADER - FRAME, used, total;

	used = (size_t)snprintf(dict, most, "{'descr': '%s', 'fortran_order': "
				"False, 'shape': (", descr_of(item->type));
	for (int i = 0; i < item->ndim; i++)
		used += (size_t)snprintf(dict + used, most - used, "%lld%s",
					 (long long)item->shape[i],
					 i + 1 < item->ndim ? ", "
					 : i == 0	     ? ","
							     : "");
	used += (size_t)snprintf(dict + used, most - used, "), }");
	total = (FRAME + used + 1 + ALIGN - 1) / ALIGN * ALIGN;
	memset(dict + used, ' ', total - FRAME - used);
	header[total - 1] = '\n';
	memcpy(header, "\x93NUMPY\x01", 8);	/* and the NUL: 1.0 */
	header[8] = (char)((total - FRAME) & 0xff);
	header[9] = (char)((total - FRAME) >> 8);
	return total;
}

static int check(const struct rp_export *export, struct rp_err *err)
{
	(void)err;
	for (size_t i = 0; i < export->n; i++) {
		enum rally_type type = export->v[i].item->type;

		if (is_unknown(type))
			rp_complain("'%s' is of type %s, which .npy has no name "
				    "for: its bits are written as %s",
				    export->v[i].name, rp_dtype_name(type),
				    rp_dtype_size(type) == 2 ? "uint16" : "uint8");
	}
	return 0;
}

static int check_single(const struct rp_export *export, struct rp_err *err)
{
	if (export->n != 1)
		return rp_fail(err, RALLY_EARG, "%s: a .npy file holds one array, "
			       "not %zu: name one, or give a folder with a / at "
			       "its end", export->output.path, export->n);
	return check(export, err);
}

static int begin(struct rp_export *export, struct rp_err *err)
{
	(void)export, (void)err;
	return 0;
}

static int begin_array(struct rp_export *export,
		       const struct rp_export_item *item, struct rp_err *err)
{
	int folder = export->output.kind == RP_OUTPUT_FOLDER;
	char *name = folder ? rp_format("%s.npy", item->name) : NULL;
	char header[HEADER];
	size_t size = make_header(item->item, header);
	int rc = rp_export_close(export, err);

	if (rc == 0 && folder && !name)
		rc = rp_fail(err, RALLY_ENOMEM, "%s: no memory", item->name);
	if (rc == 0) {
		export->fd = rp_output_create(&export->output, name, err);
		rc = export->fd < 0 ? err->code
				    : rp_export_append(export, header, size, err);
	}
	free(name);
	return rc;
}

static int put(struct rp_export *export, const struct rp_export_item *item,
	       const struct rp_walk *box, const void *data, size_t bytes,
	       struct rp_err *err)
{
	(void)item, (void)box;
	return rp_export_append(export, data, bytes, err);
}

const struct rp_export_format rp_export_npy = {
	.name = "npy", .ending = ".npy", .kind = RP_OUTPUT_FILE,
	.check = check_single, .begin = begin, .array = begin_array, .put = put,
	.finish = rp_export_close, .drop = rp_export_drop,
};

const struct rp_export_format rp_export_npy_folder = {
	.name = "npy", .ending = ".npy", .kind = RP_OUTPUT_FOLDER,
	.check = check, .begin = begin, .array = begin_array, .put = put,
	.finish = rp_export_close, .drop = rp_export_drop,
};
