#include "flow/requeue.h"

#include "flow/words.h"

/* Rank 0 asks; all learn the answer. Slurm may begin to end the ranks while
 * they wait for it: nothing is lost by then. */
static enum rp_answer ask(struct rally *rp, int only_step, char *detail,
			  struct rp_err *err)
{
	int answer = RP_NO_BACKEND;

	detail[0] = '\0';
	if (rp->comm.rank == 0)
		answer = (int)(only_step ? rp_sched_requeue_own(
						   &rp->sched, rp->comm.size,
						   detail, RP_SCHED_DETAIL)
					 : rp_sched_requeue(&rp->sched, detail,
							    RP_SCHED_DETAIL));
	if (rp_comm_bcast(&rp->comm, &answer, sizeof(answer), err) != 0)
		return RP_FAILED;
	rp->requeued = rp_answer_good((enum rp_answer)answer);
	rp_words_requeue(rp, (enum rp_answer)answer, detail);
	return (enum rp_answer)answer;
}

void rp_requeue_after_stop(struct rally *rp)
{
	char detail[RP_SCHED_DETAIL];

	(void)ask(rp, 1, detail, &rp->err);
}

int rp_requeue(struct rally *rp)
{
	char detail[RP_SCHED_DETAIL];
	enum rp_answer answer;

	if (rp->requeued)
		return 0;
	if (rp_place_meet_in(rp, "rally_requeue()", 0) != 0)
		return rp->err.code;
	answer = ask(rp, 0, detail, &rp->err);
	if (rp->err.code)
		return rp->err.code;
	if (rp->requeued)
		return 0;
	return rp_fail(&rp->err, RALLY_EREQUEUE, "%s", rp_answer_text(answer));
}
