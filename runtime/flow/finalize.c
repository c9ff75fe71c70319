#include "flow/finalize.h"

#include "flow/point.h"
#include "flow/words.h"

static int report_forgotten(MPI_Comm comm, int keyval, void *value,
			    void *extra)
{
	struct rally *rp = value;

	(void)comm;
	(void)keyval;
	(void)extra;
	if (!rp->closing) {
		rp_words_warn(rp, "MPI_Finalize came before rally_close(): "
				  "the handle is closed now");
		rp->keyval = MPI_KEYVAL_INVALID;
		rp->closing = 1;
		(void)rp_close(rp);
		rp_handle_free(rp);
	}
	return MPI_SUCCESS;
}

int rp_finalize_watch(struct rally *rp)
{
	int rc = rp_comm_check(&rp->comm,
			       MPI_Comm_create_keyval(MPI_COMM_NULL_COPY_FN,
						      report_forgotten,
						      &rp->keyval, NULL),
			       "MPI_Comm_create_keyval", &rp->err);

	if (rc == 0)
		rc = rp_comm_check(&rp->comm,
				   MPI_Comm_set_attr(MPI_COMM_SELF, rp->keyval,
						     rp),
				   "MPI_Comm_set_attr", &rp->err);
	if (rc != 0)
		rp_handle_break(rp);
	return rc;
}

void rp_finalize_forget(struct rally *rp)
{
	int keyval = rp->keyval;

	rp->closing = 1;
	if (keyval == MPI_KEYVAL_INVALID)
		return;
	(void)MPI_Comm_delete_attr(MPI_COMM_SELF, keyval);
	(void)MPI_Comm_free_keyval(&keyval);
}
