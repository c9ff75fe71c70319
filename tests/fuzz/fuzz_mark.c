/*
 * fuzz_mark - the small files of a folder: the first byte says which, the rest
 * is what it holds: 0 .owner, 1 .finished, 2 events.jsonl
 */
#include <unistd.h>

#include "data/event.h"
#include "fuzz.h"
#include "sys/finish.h"
#include "sys/job.h"
#include "sys/owner.h"

/* In place of the C library's: claims of the corpus are of this very host,
 * whichever it is. */
int gethostname(char *name, size_t size)
{
	snprintf(name, size, "vm");
	return 0;
}

static int is_active(void *arg, const char *job)
{
	(void)arg;
	FUZZ_CHECK(rp_job_id_valid(job));
	return -1;
}

/* A claim, whatever it says, is refused or taken over in full. */
static void owner(const char *text, size_t size)
{
	struct rp_owner owner;
	struct rp_err err = { 0 };
	int rc;

	fuzz_put(RP_OWNER_FILE, text, size);
	rc = rp_owner_take(NULL, &owner, fuzz_dir(), "88", 1, is_active, NULL,
			   &err);
	if (rc == 0)
		FUZZ_CHECK(rp_owner_check(&owner, NULL) == 0);
	else
		fuzz_failed(&err, rc, RALLY_EOWNED, fuzz_dir());
	rp_owner_release(&owner);
}

static void finished(const char *text, size_t size)
{
	char job[RP_JOB_ID];
	int64_t step, own;
	int mine, found;

	fuzz_put(RP_FINISH_FILE, text, size);
	mine = rp_finish_read(NULL, fuzz_dir(), "12", &own, NULL);
	found = rp_finish_look(NULL, fuzz_dir(), job, sizeof(job), &step, NULL);
	if (found <= 0) {
		FUZZ_CHECK(mine == found);
		return;
	}
	FUZZ_CHECK(!*job || rp_job_id_valid(job));
	FUZZ_CHECK(mine == (strcmp(job, "12") == 0));
	FUZZ_CHECK(!mine || own == step);
}

static void events(const char *text, size_t size)
{
	static const char commit[] = "\"event\":\"" RP_EVENT_COMMIT "\"";
	int found;

	fuzz_put(RP_EVENT_FILE, text, size);
	found = rp_event_committed(NULL, fuzz_dir(), NULL);
	FUZZ_CHECK(found == (memmem(text, size, commit, sizeof(commit) - 1) !=
			     NULL));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text;

	if (size == 0)
		return 0;
	fuzz_dir();
	text = fuzz_text(data + 1, size - 1);
	fuzz_begin(size, 0);
	if (data[0] % 3 == 0)
		owner(text, size - 1);
	else if (data[0] % 3 == 1)
		finished(text, size - 1);
	else
		events(text, size - 1);
	fuzz_end();
	free(text);
	return 0;
}
