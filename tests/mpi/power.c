#include "power.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FIELDS 10

/* A name in a folder, or one that changed: what it stood for, NULL: it went. */
struct entry {
	char *name;
	struct node *node;
	char *gone;	/* of a rename: the name that goes with it */
};

struct entries {
	struct entry *v;
	size_t n;
};

/* A file or folder. An inode that is freed may become another one. */
struct node {
	struct node *next;
	uint64_t inode;		/* 0: its last name went */
	int is_dir;
	unsigned char *bytes;	/* of the last fsync */
	size_t size;
	int dirty;		/* written since */
	size_t from, to;	/* of `bytes`, written over since */
	struct entries durable;	/* names of the last fsync */
	struct entries now;	/* as programs see them */
	struct entries changed;	/* since the last fsync, in order */
};

struct power {
	struct node *nodes, *root;
	uint64_t state;		/* of chance */
	int halves;		/* files of checkpoints that were dirty */
};

static void *must(void *memory)
{
	if (!memory)
		abort();
	return memory;
}

static struct node *node_of(struct power *power, uint64_t inode, int is_dir)
{
	struct node *node;

	for (node = power->nodes; node; node = node->next)
		if (node->inode == inode)
			return node;
	node = must(calloc(1, sizeof(*node)));
	node->inode = inode;
	node->is_dir = is_dir;
	node->next = power->nodes;
	power->nodes = node;
	return node;
}

static void put(struct entries *entries, const char *name, struct node *node,
		const char *gone)
{
	struct entry *v = must(realloc(entries->v,
				       (entries->n + 1) * sizeof(*v)));

	entries->v = v;
	v += entries->n++;
	v->name = must(strdup(name));
	v->node = node;
	v->gone = gone ? must(strdup(gone)) : NULL;
}

static void clear(struct entries *entries)
{
	for (size_t i = 0; i < entries->n; i++) {
		free(entries->v[i].name);
		free(entries->v[i].gone);
	}
	free(entries->v);
	memset(entries, 0, sizeof(*entries));
}

static struct node *take(struct entries *entries, const char *name)
{
	for (size_t i = 0; i < entries->n; i++) {
		struct node *node = entries->v[i].node;

		if (strcmp(entries->v[i].name, name) != 0)
			continue;
		free(entries->v[i].name);
		free(entries->v[i].gone);
		entries->v[i] = entries->v[--entries->n];
		return node;
	}
	return NULL;
}

/* A name that changes, for programs now and for the disk some time. */
static void change(struct node *dir, const char *name, struct node *node,
		   const char *gone)
{
	struct node *old = take(&dir->now, name);

	if (gone)
		take(&dir->now, gone);
	if (node)
		put(&dir->now, name, node, NULL);
	if (old && old != node)
		old->inode = 0;
	put(&dir->changed, name, node, gone);
}

/*
 * The folder as it is
 */

static void load(struct node *node, int fd)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		abort();
	node->size = (size_t)st.st_size;
	node->bytes = must(malloc(node->size + 1));
	if (read(fd, node->bytes, node->size) != (ssize_t)node->size)
		abort();
}

static void walk(struct power *power, struct node *dir, int dirfd)
{
	DIR *stream = must(fdopendir(dirfd));
	struct dirent *entry;

	while ((entry = readdir(stream)) != NULL) {
		struct node *node;
		int fd;

		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
			continue;
		fd = openat(dirfd, entry->d_name, O_RDONLY);
		if (fd < 0)
			abort();
		node = node_of(power, entry->d_ino, entry->d_type == DT_DIR);
		put(&dir->durable, entry->d_name, node, NULL);
		put(&dir->now, entry->d_name, node, NULL);
		if (node->is_dir) {
			walk(power, node, fd);
		} else {
			load(node, fd);
			close(fd);
		}
	}
	closedir(stream);
}

struct power *power_new(const char *dir)
{
	struct power *power = must(calloc(1, sizeof(*power)));
	int fd = open(dir, O_RDONLY | O_DIRECTORY);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) != 0)
		abort();
	power->root = node_of(power, st.st_ino, 1);
	walk(power, power->root, fd);
	return power;
}

void power_free(struct power *power)
{
	while (power->nodes) {
		struct node *node = power->nodes;

		power->nodes = node->next;
		clear(&node->durable);
		clear(&node->now);
		clear(&node->changed);
		free(node->bytes);
		free(node);
	}
	free(power);
}

/*
 * The journal
 */

static void sync_file(struct node *node, const char *hex)
{
	node->size = strlen(hex) / 2;
	node->bytes = must(realloc(node->bytes, node->size + 1));
	for (size_t i = 0; i < node->size; i++) {
		unsigned byte;

		if (sscanf(hex + 2 * i, "%2x", &byte) != 1)
			abort();
		node->bytes[i] = (unsigned char)byte;
	}
	node->dirty = 0;
	node->from = node->to = 0;
}

/* "4096@8192", or "4096": behind what is there. */
static void write_file(struct node *node, const char *body)
{
	const char *at = strchr(body, '@');
	size_t from = at ? strtoull(at + 1, NULL, 10) : node->size;
	size_t to = from + strtoull(body, NULL, 10);

	node->dirty = 1;
	if (to > node->size)
		to = node->size;
	if (from >= to)
		return;
	if (node->from == node->to || from < node->from)
		node->from = from;
	if (to > node->to)
		node->to = to;
}

/* From one folder to another: the disk may get to either first. */
static void move(struct node *from, const char *name, struct node *to,
		 const char *as)
{
	struct node *node = take(&from->now, name);

	if (from == to) {
		change(to, as, node, name);
		return;
	}
	put(&from->changed, name, NULL, NULL);
	change(to, as, node, NULL);
}

/* "name=inode/name=inode/": files that the program made itself show here. */
static void sync_dir(struct power *power, struct node *dir, char *names)
{
	char *save, *pair;

	clear(&dir->durable);
	clear(&dir->now);
	clear(&dir->changed);
	for (pair = strtok_r(names, "/", &save); pair;
	     pair = strtok_r(NULL, "/", &save)) {
		char *equals = strrchr(pair, '=');
		struct node *node = node_of(
			power, strtoull(equals + 1, NULL, 10), 0);

		*equals = '\0';
		put(&dir->durable, pair, node, NULL);
		put(&dir->now, pair, node, NULL);
	}
}

static void create(struct power *power, struct node *dir, const char *name,
		   uint64_t inode, int is_dir)
{
	for (size_t i = 0; i < dir->now.n; i++)
		if (strcmp(dir->now.v[i].name, name) == 0 &&
		    dir->now.v[i].node->inode == inode)
			return;	/* opened again, to append */
	change(dir, name, node_of(power, inode, is_dir), NULL);
}

int power_follow(struct power *power, char *line)
{
	enum { RANK, CALL, OP, ERROR, DIR_INODE, INODE, NAME, TO_DIR, TO, BODY };
	char *f[FIELDS], *rest = line;
	struct node *dir, *node;
	uint64_t inode;

	line[strcspn(line, "\n")] = '\0';
	for (int i = 0; i < FIELDS; i++)
		f[i] = must(strsep(&rest, "\t"));
	if (strcmp(f[ERROR], "0") != 0)
		return 0;
	inode = strtoull(f[INODE], NULL, 10);
	if (strcmp(f[OP], "write") == 0) {
		write_file(node_of(power, inode, 0), f[BODY]);
		return 1;
	}
	if (strcmp(f[OP], "truncate") == 0 || strcmp(f[OP], "clone") == 0) {
		node_of(power, inode, 0)->dirty = 1;
		return 1;
	}
	if (strcmp(f[OP], "fsync") == 0) {
		node = node_of(power, inode, 0);
		if (node->is_dir)
			sync_dir(power, node, f[BODY]);
		else
			sync_file(node, f[BODY]);
		return 1;
	}
	dir = node_of(power, strtoull(f[DIR_INODE], NULL, 10), 1);
	if (strcmp(f[OP], "create") == 0)
		create(power, dir, f[NAME], inode, 0);
	else if (strcmp(f[OP], "mkdir") == 0)
		create(power, dir, f[NAME], inode, 1);
	else if (strcmp(f[OP], "unlink") == 0)
		change(dir, f[NAME], NULL, NULL);
	else if (strcmp(f[OP], "rename") == 0)
		move(dir, f[NAME],
		     node_of(power, strtoull(f[TO_DIR], NULL, 10), 1), f[TO]);
	else
		return 0;
	return 1;
}

/* The step of the largest sequence but `bad`, if that is above *sequence. */
static int64_t newest(const struct entries *entries, int64_t bad,
		      int64_t *sequence, int64_t step)
{
	for (size_t i = 0; i < entries->n; i++) {
		int64_t s, at;

		if (!entries->v[i].node ||
		    sscanf(entries->v[i].name, "%" SCNd64 "-step-%" SCNd64, &s,
			   &at) != 2 ||
		    s == bad || s <= *sequence)
			continue;
		*sequence = s;
		step = at;
	}
	return step;
}

void power_steps(const struct power *power, int64_t bad, int64_t *sure,
		 int64_t *possible)
{
	int64_t sequence = -1;

	*sure = newest(&power->root->durable, bad, &sequence, -1);
	*possible = newest(&power->root->changed, bad, &sequence, *sure);
}

/*
 * What is left
 */

static uint64_t draw(struct power *power)
{
	power->state ^= power->state << 13;
	power->state ^= power->state >> 7;
	power->state ^= power->state << 17;
	return power->state;
}

/* The durable names, and each change since, or not. */
static void names_left(struct power *power, const struct node *dir,
		       struct entries *left)
{
	memset(left, 0, sizeof(*left));
	for (size_t i = 0; i < dir->durable.n; i++)
		put(left, dir->durable.v[i].name, dir->durable.v[i].node, NULL);
	for (size_t i = 0; power->state && i < dir->changed.n; i++) {
		const struct entry *entry = &dir->changed.v[i];

		if (draw(power) % 2)
			continue;
		take(left, entry->name);
		if (entry->gone)
			take(left, entry->gone);
		if (entry->node)
			put(left, entry->name, entry->node, NULL);
	}
}

static void build_file(struct power *power, const struct node *node,
		       const char *path)
{
	size_t size = node->size, noise = 0;
	FILE *file = must(fopen(path, "w"));

	if (node->dirty && power->state) {
		size = size ? draw(power) % size : 0;
		noise = draw(power) % 2 ? draw(power) % 4000 : 0;
	}
	if (size > 0 && fwrite(node->bytes, 1, size, file) != size)
		abort();
	while (noise-- > 0)
		fputc((int)(draw(power) & 0xff), file);
	if (node->from < node->to && fseek(file, (long)node->from, SEEK_SET))
		abort();
	for (size_t i = node->from; i < node->to && i < size; i++)
		fputc(~node->bytes[i] & 0xff, file);
	if (fclose(file) != 0)
		abort();
}

static int is_final(const char *name)
{
	return *name >= '0' && *name <= '9' && strstr(name, "-step-");
}

/* `final`: it is a checkpoint, or in one. */
static void build_dir(struct power *power, const struct node *dir,
		      const char *path, int final)
{
	struct entries left;

	if (mkdir(path, 0777) != 0)
		abort();
	names_left(power, dir, &left);
	for (size_t i = 0; i < left.n; i++) {
		char *below;

		if (asprintf(&below, "%s/%s", path, left.v[i].name) < 0)
			abort();
		if (left.v[i].node->is_dir)
			build_dir(power, left.v[i].node, below,
				  final || is_final(left.v[i].name));
		else
			build_file(power, left.v[i].node, below);
		power->halves += final && left.v[i].node->dirty;
		free(below);
	}
	clear(&left);
}

int power_build(struct power *power, const char *dir, uint64_t chance)
{
	power->state = chance * 0x9e3779b97f4a7c15;
	power->halves = 0;
	build_dir(power, power->root, dir, 0);
	return power->halves;
}
