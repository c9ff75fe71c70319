/*
 * fuzz_piece - rp_piece_decode(): the input is a rank's part of a manifest, as
 * it travels to rank 0
 */
#include "fuzz.h"
#include "piece_check.h"

/* What is written is read, and written again the same. */
static void check_round_trip(const struct rp_piece *piece)
{
	char *once = rp_piece_encode(piece, NULL), *twice;
	struct rp_piece back;

	FUZZ_CHECK(once);
	FUZZ_CHECK(rp_piece_decode(&back, once, strlen(once), NULL) == 0);
	twice = rp_piece_encode(&back, NULL);
	FUZZ_CHECK(twice && strcmp(once, twice) == 0);
	rp_piece_free(&back);
	free(once);
	free(twice);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_text(data, size);
	struct rp_err err = { 0 };
	struct rp_piece piece;
	uint64_t bytes = 0;
	int rc;

	fuzz_begin(size, 0);
	rc = rp_piece_decode(&piece, text, size, &err);
	fuzz_end();
	if (rc == 0) {
		piece_check(&piece, &bytes);
		check_round_trip(&piece);
		rp_piece_free(&piece);
	} else {
		fuzz_failed(&err, rc, RALLY_ECORRUPT, "rank's part");
	}
	free(text);
	return 0;
}
