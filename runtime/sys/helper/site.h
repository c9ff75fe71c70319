/*
 * site.h - the helper's questions about the site, and how it answers
 */
#ifndef SITE_H
#define SITE_H

#include <jansson.h>

/* Prints an answer, which is released, and returns the exit status: `status`, or
 * 1 where it could not be printed. */
int helper_print(json_t *root, int status);

/* Prints a refusal with the name of Slurm's error; returns 1. */
int helper_refuse(int code);

/* The verbs "config" and "partitions"; a name of NULL is for all. */
int helper_config(void);
int helper_partitions(const char *name);

#endif
