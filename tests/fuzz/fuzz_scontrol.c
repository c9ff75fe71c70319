/*
 * fuzz_scontrol - what scontrol printed, behind a byte that says of what: 0 of
 * `show job`, 1 of `-o show steps`
 */
#include "fuzz.h"
#include "sys/scontrol_text.h"

static void job_record(const char *text)
{
	static const char *const ids[] = { "6", "5_1" };
	const char *why = NULL;

	for (int i = 0; i < 2; i++) {
		struct rp_record rec = { .steps = -1 };
		int rc = rp_scontrol_record(text, ids[i], &rec, &why);

		FUZZ_CHECK((rc == 0) == (rec.state != RP_JOB_UNKNOWN));
		FUZZ_CHECK(rc == 0 || why);
		FUZZ_CHECK(rec.end_time >= 0 && rec.preempt_time >= 0);
		FUZZ_CHECK(rec.restarts >= 0 && rec.restarts <= UINT32_MAX);
		FUZZ_CHECK(memchr(rec.reason, '\0', sizeof(rec.reason)));
		FUZZ_CHECK(!rec.ended_by || rec.completing);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text;

	if (size == 0)
		return 0;
	text = fuzz_text(data + 1, size - 1);
	fuzz_begin(size, 0);
	if (data[0] % 2 == 0)
		job_record(text);
	else
		FUZZ_CHECK(rp_scontrol_steps(text) >= 0);
	fuzz_end();
	free(text);
	return 0;
}
