/* tool/shell, tool/starter, tool/script: what a script says, without running
 * it. */
#include "tool/script.h"

#include "unit.h"

/* "wrap.sh" and others are there to be read. */
static char *read_made_up(void *arg, const char *path)
{
	static const struct {
		const char *path, *text;
	} files[] = {
		{ "wrap.sh", "#!/bin/bash\nmodule load x\nexec ./solver \"$@\"\n" },
		{ "stay.sh", "#!/bin/sh\nulimit -c 0\n./solver \"$@\"\n" },
		{ "env.sh", "#!/usr/bin/env bash\n./solver\n" },
		{ "amp.sh", "#!/bin/bash\nexec ./solver &\n" },
		{ "late.sh", "#!/bin/bash\nexec ./solver || true\n" },
		{ "script.py", "#!/home/ashley/bin/python3\nimport sys\n" },
		{ "program", "\177ELF" },
	};

	(void)arg;
	for (size_t i = 0; i < COUNT(files); i++)
		if (strcmp(files[i].path, path) == 0)
			return strdup(files[i].text);
	return NULL;
}

static const struct rp_reader reader = { read_made_up, NULL };

static void parse(struct rp_script *script, const char *text)
{
	struct rp_err err = { 0 };

	if (rp_script_parse(script, text, &reader, &err) != 0)
		print_error("%s\n", err.text);
	assert_int_equal(err.code, 0);
}

static void assert_text(const char *text, const char *expected)
{
	if (!expected) {
		assert_null(text);
		return;
	}
	assert_non_null(text);
	assert_string_equal(text, expected);
}

static void test_words(void **state)
{
	static const char text[] =
		"a 'b c' \"d $x\" e\\ f # no\n"
		"g=1 h >out 2>&1 <in && i || j | k & l; (m)\n"
		"n \\\n  o\n"
		"cat <<EOF\np q\nEOF\n"
		"r $(s; t) `u v` ${w:-x y}\n"
		"if y; then z; fi\n"
		"'\n'\n"
		"''\n"
		"(( n = 1 << 3 )); x\n"
		"\"$(a \"it's\")\" \"${b:-it's}\"\n"
		"y\n";
	static const struct {
		size_t n, line;
		enum rp_shell_end end;
		const char *first, *last;
	} rows[] = {
		{ 4, 1, RP_SHELL_END, "a", "e f" },
		{ 2, 2, RP_SHELL_AND, "g=1", "h" },
		{ 1, 2, RP_SHELL_OR, "i", "i" },
		{ 1, 2, RP_SHELL_PIPE, "j", "j" },
		{ 1, 2, RP_SHELL_BACKGROUND, "k", "k" },
		{ 1, 2, RP_SHELL_END, "l", "l" },
		{ 1, 2, RP_SHELL_END, "m", "m" },
		{ 2, 3, RP_SHELL_END, "n", "o" },
		{ 1, 5, RP_SHELL_END, "cat", "cat" },
		{ 4, 8, RP_SHELL_END, "r", "${w:-x y}" },
		{ 1, 9, RP_SHELL_END, "y", "y" },
		{ 1, 9, RP_SHELL_END, "z", "z" },
		{ 1, 11, RP_SHELL_END, "\n", "\n" },
		{ 1, 12, RP_SHELL_END, "", "" },
		{ 1, 13, RP_SHELL_END, "x", "x" },
		{ 2, 14, RP_SHELL_END, "$(a \"it's\")", "${b:-it's}" },
		{ 1, 15, RP_SHELL_END, "y", "y" },
	};
	struct rp_shell shell;
	struct rp_err err = { 0 };

	(void)state;
	assert_int_equal(rp_shell_parse(&shell, text, &err), 0);
	assert_int_equal(shell.n, COUNT(rows));
	for (size_t i = 0; i < COUNT(rows); i++) {
		const struct rp_shell_command *c = &shell.v[i];

		assert_string_equal(c->words[0], rows[i].first);
		assert_string_equal(c->words[c->n - 1], rows[i].last);
		assert_int_equal(c->n, rows[i].n);
		assert_int_equal(c->line, rows[i].line);
		assert_int_equal(c->end, rows[i].end);
	}
	assert_string_equal(shell.v[0].source, "a 'b c' \"d $x\" e\\ f");
	assert_string_equal(shell.v[7].source, "n     o");
	assert_int_equal(shell.v[7].at[1], 6);
	rp_shell_free(&shell);
}

/* Any text is some script: nothing is read past its end. */
static void test_odd_words(void **state)
{
	static const char *const texts[] = {
		"", "\\", "'", "\"", "\"\\", "$", "$(", "${", "`", "<<", "<<'",
		"a<<EOF", "a <<EOF\nb", "&", "&&", "|\n", ">", "2>", "&>", "#",
		"a\\", "'a", "$(a 'b", "))", "a;;b", "\"$(a \"b\" c",
	};
	struct rp_shell shell;

	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++) {
		char *exact = strdup(texts[i]);

		assert_int_equal(rp_shell_parse(&shell, exact, NULL), 0);
		rp_shell_free(&shell);
		free(exact);
	}
}

static void test_quote(void **state)
{
	static const char *const rows[][2] = {
		{ "a", "a" },	      { "--x=1,2", "--x=1,2" },
		{ "", "''" },	      { "a b", "'a b'" },
		{ "$x", "'$x'" },     { "it's", "'it'\\''s'" },
		{ "a\nb", "'a\nb'" }, { "~", "'~'" }, { "*", "'*'" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		char *quoted = rp_shell_quote(rows[i][0]);
		struct rp_shell shell;

		assert_string_equal(quoted, rows[i][1]);
		assert_int_equal(rp_shell_parse(&shell, quoted, NULL), 0);
		assert_int_equal(shell.n, 1);
		assert_int_equal(shell.v[0].n, 1);
		assert_string_equal(shell.v[0].words[0], rows[i][0]);
		rp_shell_free(&shell);
		free(quoted);
	}
}

static void test_starters(void **state)
{
	static const struct {
		const char *line, *kind, *mended;
	} rows[] = {
		{ "./solver", "none", NULL },
		{ "srun ./solver -x", "srun", NULL },
		{ "exec srun --mpi=pmix -n 4 ./solver", "srun", NULL },
		{ "/opt/bin/srun -n4 -lu --mpi pmix -- ./solver", "srun", NULL },
		{ "OMP_NUM_THREADS=4 srun numactl -N 0 ./solver", "srun", NULL },
		{ "time timeout 5m srun env X=1 ./program", "srun", NULL },
		{ "srun bash -c './solver -c x'", "srun-exec", NULL },
		{ "srun bash -lc 'module load x; exec ./solver'", "srun-exec",
		  NULL },
		{ "srun bash -c 'cd x && ./solver; true'", "srun-shell",
		  "srun rallypoint run bash -c 'cd x && ./solver; true'" },
		{ "srun -n 4 sh -c \"./solver -x\" >log", "srun-shell",
		  "srun -n 4 ./solver -x" },
		/* What bash does not become. */
		{ "srun bash -c './solver >out'", "srun-shell",
		  "srun rallypoint run bash -c './solver >out'" },
		{ "srun bash -c 'time ./solver'", "srun-shell",
		  "srun ./solver" },
		{ "srun bash -c '{ ./solver; }'", "srun-shell",
		  "srun ./solver" },
		{ "srun bash -c '\n ./solver -x\n'", "srun-exec", NULL },
		/* What srun could not start as the shell did. */
		{ "srun sh -c './solver $SLURM_PROCID'", "srun-shell",
		  "srun rallypoint run sh -c './solver $SLURM_PROCID'" },
		{ "srun sh -c './solver' sh 5", "srun-shell",
		  "srun rallypoint run sh -c './solver' sh 5" },
		{ "srun sh -c 'X=1 ./solver'", "srun-shell",
		  "srun rallypoint run sh -c 'X=1 ./solver'" },
		{ "srun -N 2 \\\n bash -c '\n  a\n  b \\\n c\n'", "srun-shell",
		  "srun -N 2    rallypoint run bash -c '\n  a\n  b \\\n c\n'" },
		{ "srun bash -eo pipefail -c 'a; b'", "srun-shell",
		  "srun rallypoint run bash -eo pipefail -c 'a; b'" },
		{ "srun -K1 stay.sh", "srun-shell",
		  "srun -K1 rallypoint run stay.sh" },
		{ "srun --bcast stay.sh", "srun-shell",
		  "srun --bcast rallypoint run stay.sh" },
		{ "srun /usr/bin/time -v ./solver", "srun-shell",
		  "srun rallypoint run /usr/bin/time -v ./solver" },
		{ "srun ./wrap.sh a", "srun", NULL }, /* not to be read */
		{ "srun wrap.sh a", "srun-exec", NULL },
		{ "srun bash wrap.sh a", "srun-exec", NULL },
		{ "srun stay.sh $x", "srun-shell",
		  "srun rallypoint run stay.sh $x" },
		{ "srun sh stay.sh", "srun-shell",
		  "srun rallypoint run sh stay.sh" },
		{ "srun env.sh", "srun-shell", "srun rallypoint run env.sh" },
		{ "srun amp.sh", "srun-shell", "srun rallypoint run amp.sh" },
		{ "srun numactl -N 0 wrap.sh", "srun-exec", NULL },
		{ "srun late.sh", "srun-shell", "srun rallypoint run late.sh" },
		{ "srun script.py", "srun", NULL },
		{ "srun program", "srun", NULL },
		{ "srun rallypoint run bash -c 'a; b'", "run-srun", NULL },
		{ "rallypoint run srun ./solver", "run-srun", NULL },
		{ "mpirun -np 4 ./solver", "mpirun",
		  "rallypoint run mpirun -np 4 ./solver" },
		{ "X=1 exec mpiexec.hydra -n 4 ./solver", "mpirun",
		  "X=1 exec rallypoint run mpiexec.hydra -n 4 ./solver" },
		{ "rallypoint run mpirun ./solver", "run-mpirun", NULL },
		{ "srun torchrun --nnodes 2 t.py", "torchrun", NULL },
		{ "torchrun t.py", "torchrun", NULL },
		{ "srun python3 -m torch.distributed.run t.py", "torchrun",
		  NULL },
		{ "srun python3 t.py", "srun", NULL },
		{ "echo srun", "none", NULL },
		{ "srun", "srun", NULL },
		{ "srun bash -c", "srun-shell", "srun rallypoint run bash -c" },
		{ "rallypoint run", "none", NULL },
		{ "env", "none", NULL },
		{ "srun -n", "srun", NULL },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct rp_starter launch;
		struct rp_shell shell;

		assert_int_equal(rp_shell_parse(&shell, rows[i].line, NULL), 0);
		assert_int_equal(rp_starter_of(&launch, &shell.v[0], &reader,
					       NULL), 0);
		if (strcmp(rp_starter_name(launch.kind), rows[i].kind) != 0)
			print_error("%s\n", rows[i].line);
		assert_string_equal(rp_starter_name(launch.kind), rows[i].kind);
		assert_text(launch.mended, rows[i].mended);
		rp_starter_free(&launch);
		rp_shell_free(&shell);
	}
}

static void test_options(void **state)
{
	struct rp_script s;

	(void)state;
	parse(&s, "#!/bin/bash\n"
		  "# a comment\n"
		  "#SBATCH --nodes=2 --ntasks 8   # two of them\n"
		  "#SBATCH -t 1:30:00 -plow\n"
		  "#SBATCH --requeue\n"
		  "#SBATCH --open-mode=append\n"
		  "#SBATCH -C a|b --signal=B:USR1@60\n"
		  "#SBATCH --array=0-9%2\n"
		  "#SBATCH -D \"/a b\" -o %x.out --mem 4G --exclusive\n"
		  "#SBATCHX --no-requeue\n"
		  "\n"
		  "srun ./solver\n"
		  "#SBATCH --time=5\n"
		  "#SBATCH --no-requeue\n");
	assert_int_equal(s.nodes, 2);
	assert_int_equal(s.tasks, 8);
	assert_int_equal(s.time_s, 5400);
	assert_text(s.partition, "low");
	assert_int_equal(s.requeue, 1);
	assert_int_equal(s.append, 1);
	assert_text(s.signal, "B:USR1@60");
	assert_text(s.array, "0-9%2");
	assert_text(s.chdir, "/a b");
	assert_text(s.output, "%x.out");
	assert_int_equal(s.het, 0);
	assert_int_equal(s.late, 13);
	assert_int_equal(s.launch.kind, RP_START_SRUN);
	assert_int_equal(s.launch.line, 12);
	rp_script_free(&s);

	parse(&s, "#!/bin/sh\n#SBATCH --no-requeue\n#SBATCH --open-mode truncate\n"
		  "#SBATCH -N 3\n#SBATCH hetjob\n#SBATCH -N 5 --requeue\n");
	assert_int_equal(s.requeue, 0);
	assert_int_equal(s.append, 0);
	assert_int_equal(s.nodes, 3);
	assert_int_equal(s.het, 1);
	assert_int_equal(s.late, 0);
	assert_int_equal(s.time_s, -1);
	assert_int_equal(s.launch.kind, RP_START_NONE);
	assert_null(s.partition);
	rp_script_free(&s);
}

static void test_around(void **state)
{
	struct rp_script s;

	(void)state;
	parse(&s, "#!/bin/bash\nset -euo pipefail\n"
		  "export RALLY_EVERY=5m RALLY_KEEP=3\nRALLY_KEEP=4\n"
		  "cd run-$SLURM_ARRAY_TASK_ID\n"
		  "srun -N 3 ./a && srun ./b\n");
	assert_text(rp_script_variable(&s, "RALLY_EVERY"), "5m");
	assert_text(rp_script_variable(&s, "RALLY_KEEP"), "4");
	assert_text(rp_script_variable(&s, "RALLY"), NULL);
	assert_text(s.cd, "run-$SLURM_ARRAY_TASK_ID");
	assert_int_equal(s.errexit, 1);
	assert_int_equal(s.pipefail, 1);
	assert_int_equal(s.launches, 2);
	assert_int_equal(s.together, 0);
	assert_int_equal(s.after, RP_SHELL_AND);
	assert_int_equal(s.launch.nodes, 3);
	rp_script_free(&s);

	parse(&s, "#!/bin/bash\nsrun ./a &\nsrun ./b &\nwait\n");
	assert_int_equal(s.together, 1);
	assert_int_equal(s.goes_on, 0);
	assert_int_equal(s.errexit, 0);
	rp_script_free(&s);

	parse(&s, "#!/bin/bash\nsrun ./a; ./post\n");
	assert_int_equal(s.after, RP_SHELL_END);
	assert_int_equal(s.goes_on, 1);
	rp_script_free(&s);

	/* "srun hostname" is not what the job is about. */
	parse(&s, "#!/bin/bash\nset -o errexit\nsrun hostname | sort\n./pre\n"
		  "mpirun ./a\n");
	assert_int_equal(s.launches, 1);
	assert_int_equal(s.launch.kind, RP_START_MPIRUN);
	assert_int_equal(s.launch.line, 5);
	assert_int_equal(s.goes_on, 0);
	assert_int_equal(s.errexit, 1);
	rp_script_free(&s);

	parse(&s, "#!/bin/bash\nsrun ./a || exit 1\n");
	assert_int_equal(s.errexit, 1);
	rp_script_free(&s);

	parse(&s, "#!/bin/bash\nsrun ./a\nrc=$?\nexit $rc\n");
	assert_int_equal(s.errexit, 1);
	rp_script_free(&s);

	/* It replaces a subshell there. */
	parse(&s, "#!/bin/bash\nexec rallypoint run mpirun ./a | tee x\n");
	assert_int_equal(s.launch.direct, 0);
	assert_text(s.launch.command, "rallypoint run mpirun ./a");
	rp_script_free(&s);

	parse(&s, "#!/bin/bash\nsrun --het-group=0 ./a : --het-group=1 ./b |\n tee x\n");
	assert_int_equal(s.launch.het, 1);
	assert_int_equal(s.after, RP_SHELL_PIPE);
	rp_script_free(&s);
}

static void test_folder(void **state)
{
	static const char *const rows[][2] = {
		{ "ckpt=/w/x-$SLURM_JOB_ID\nsrun ./s -c \"$ckpt\" 5",
		  "/w/x-$SLURM_JOB_ID" },
		{ "base=/w\ndir=${base}/y\nsrun ./s --ckpt-dir $dir", "/w/y" },
		{ "srun ./s --checkpoint=/w/z", "/w/z" },
		{ "srun -c 4 ./s my-ckpt", "my-ckpt" },
		{ "srun bash -c './s -c /w/b'", "/w/b" },
		{ "mpirun -np 4 --mca a b -x C ./s -c /w/m", "/w/m" },
		{ "# rallypoint: folder /w/told\nsrun ./s ckpt", "/w/told" },
		{ "srun -c 4 ./s", NULL },
		{ "a=$a\nsrun ./s -c $a", "$a" },
		{ "srun ./s -c", NULL },
	};
	char words[3][16] = { "-s", "-c", "given" };
	char *arguments[] = { words[0], words[1], words[2] };
	struct rp_script s;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		char *text = rp_format("#!/bin/bash\n%s\n", rows[i][0]);

		parse(&s, text);
		assert_text(s.folder, rows[i][1]);
		rp_script_arguments(&s, arguments, 3);
		assert_text(s.folder, rows[i][1] ? rows[i][1] : "given");
		rp_script_free(&s);
		free(text);
	}
}

static void test_no_script(void **state)
{
	static const char *const texts[] = { "", "srun ./a\n", "\n#!/bin/sh\n" };

	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++) {
		struct rp_err err = { 0 };
		struct rp_script s;

		assert_int_equal(rp_script_parse(&s, texts[i], NULL, &err),
				 RALLY_EARG);
		assert_fails(&err, RALLY_EARG, "#!");
		rp_script_free(&s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_odd_words),
		cmocka_unit_test(test_quote),
		cmocka_unit_test(test_starters),
		cmocka_unit_test(test_options),
		cmocka_unit_test(test_around),
		cmocka_unit_test(test_folder),
		cmocka_unit_test(test_no_script),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
