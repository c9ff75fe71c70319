#include "standin_state.h"

#include <stdlib.h>
#include <string.h>

static uint64_t recordings;

static void do_work(const struct work *w)
{
	if (w->kind == TO_HOST || w->kind == TO_DEVICE)
		memcpy(w->to, w->from, w->size);
	else if (w->kind == SET)
		memset(w->to, w->value, w->size);
}

static void drop_first(struct CUstream_st *stream)
{
	struct work *w = stream->first;

	stream->first = w->next;
	if (!stream->first)
		stream->last = &stream->first;
	free(w);
}

void run_stream(struct CUstream_st *stream, const struct CUevent_st *until)
{
	int end = 0;

	while (stream->first && !end) {
		const struct work *w = stream->first;

		end = until && w->kind == MARK && w->event == until &&
		      w->number == until->number;
		do_work(w);
		drop_first(stream);
	}
}

void run_ctx(struct CUctx_st *ctx)
{
	run_stream(&ctx->own, NULL);
	for (struct CUstream_st *s = ctx->streams; s; s = s->next)
		run_stream(s, NULL);
}

/* The stream that a handle means in the current context; NULL where it is
 * another context's. */
static struct CUstream_st *stream_of(struct CUstream_st *stream)
{
	struct CUctx_st *ctx = current();

	if (!ctx)
		return NULL;
	if ((uintptr_t)stream <= 2)
		return &ctx->own;
	return stream->ctx == ctx ? stream : NULL;
}

static struct work *queue(struct CUstream_st *stream)
{
	struct work *w = calloc(1, sizeof(*w));

	if (!w)
		abort();
	*stream->last = w;
	stream->last = &w->next;
	return w;
}

int cuStreamCreate(struct CUstream_st **out, unsigned int flags)
{
	int rc = enter("cuStreamCreate");
	struct CUctx_st *ctx = current();
	struct CUstream_st *stream;

	(void)flags;
	if (rc == OK && !ctx)
		rc = INVALID_CONTEXT;
	if (rc != OK)
		return leave(rc);
	stream = calloc(1, sizeof(*stream));
	if (!stream)
		abort();
	stream->ctx = ctx;
	stream->last = &stream->first;
	stream->next = ctx->streams;
	ctx->streams = stream;
	counts.streams++;
	*out = stream;
	return leave(OK);
}

/* What it had to do is done, unless the GPU is lost. */
int cuStreamDestroy_v2(struct CUstream_st *stream)
{
	int rc = enter("cuStreamDestroy");
	struct CUstream_st **at = &stream->ctx->streams;

	counts.forsaken += stream->first != NULL;
	if (rc == OK)
		run_stream(stream, NULL);
	while (stream->first)
		drop_first(stream);
	while (*at != stream)
		at = &(*at)->next;
	*at = stream->next;
	free(stream);
	counts.streams--;
	return leave(rc);
}

int cuStreamSynchronize(struct CUstream_st *stream)
{
	int rc = enter("cuStreamSynchronize");
	struct CUstream_st *s = stream_of(stream);

	if (rc == OK && !s)
		rc = current() ? INVALID_HANDLE : INVALID_CONTEXT;
	if (rc == OK)
		run_stream(s, NULL);
	return leave(rc);
}

int cuStreamGetCtx(struct CUstream_st *stream, struct CUctx_st **ctx)
{
	int rc = enter("cuStreamGetCtx");

	if (rc == OK)
		*ctx = stream->ctx;
	return leave(rc);
}

int cuEventCreate(struct CUevent_st **event, unsigned int flags)
{
	int rc = enter("cuEventCreate");

	(void)flags;
	if (rc == OK && !current())
		rc = INVALID_CONTEXT;
	if (rc == OK) {
		*event = calloc(1, sizeof(**event));
		if (!*event)
			abort();
		(*event)->ctx = current();
		counts.events++;
	}
	return leave(rc);
}

/* Its recordings are forgotten with it. */
int cuEventDestroy_v2(struct CUevent_st *event)
{
	int rc = enter("cuEventDestroy");

	for (struct work *w = event->stream ? event->stream->first : NULL; w;
	     w = w->next)
		if (w->event == event)
			w->event = NULL;
	free(event);
	counts.events--;
	return leave(rc);
}

int cuEventRecord(struct CUevent_st *event, struct CUstream_st *stream)
{
	int rc = enter("cuEventRecord");
	struct CUstream_st *s = stream_of(stream);
	struct work *w;

	if (rc == OK && (!s || event->ctx != s->ctx))
		rc = INVALID_HANDLE;
	if (rc != OK)
		return leave(rc);
	event->stream = s;
	event->number = ++recordings;
	w = queue(s);
	w->kind = MARK;
	w->event = event;
	w->number = event->number;
	return leave(OK);
}

int cuEventSynchronize(struct CUevent_st *event)
{
	int rc = enter("cuEventSynchronize");

	if (rc == OK && current() != event->ctx)
		rc = INVALID_HANDLE;
	if (rc == OK && event->stream)
		run_stream(event->stream, event);
	return leave(rc);
}

/*
 * What streams do
 */

static int begin(uint64_t pointer, size_t size, struct CUstream_st *stream,
		 struct memory **m, struct CUstream_st **s)
{
	*s = stream_of(stream);
	*m = memory_at(pointer, size);
	if (!*s)
		return current() ? INVALID_HANDLE : INVALID_CONTEXT;
	if (!*m || size == 0)
		return INVALID_VALUE;
	if ((*m)->ctx ? (*m)->ctx != (*s)->ctx
		      : (*m)->device != (*s)->ctx->device)
		return INVALID_VALUE;
	return OK;
}

int cuMemcpyDtoHAsync_v2(void *to, uint64_t from, size_t size,
			 struct CUstream_st *stream)
{
	int rc = enter("cuMemcpyDtoHAsync");
	struct CUstream_st *s;
	struct memory *m;
	struct work *w;

	if (rc == OK)
		rc = begin(from, size, stream, &m, &s);
	if (rc != OK)
		return leave(rc);
	memset(to, 0xEE, size);
	w = queue(s);
	w->kind = TO_HOST;
	w->to = to;
	w->from = m->view + ((char *)(uintptr_t)from - m->address);
	w->size = size;
	return leave(OK);
}

int cuMemcpyHtoDAsync_v2(uint64_t to, const void *from, size_t size,
			 struct CUstream_st *stream)
{
	int rc = enter("cuMemcpyHtoDAsync");
	struct CUstream_st *s;
	struct memory *m;
	struct work *w;

	if (rc == OK)
		rc = begin(to, size, stream, &m, &s);
	if (rc != OK)
		return leave(rc);
	w = queue(s);
	w->kind = TO_DEVICE;
	w->to = m->view + ((char *)(uintptr_t)to - m->address);
	w->from = from;
	w->size = size;
	return leave(OK);
}

int cuMemsetD8Async(uint64_t to, unsigned char value, size_t size,
		    struct CUstream_st *stream)
{
	int rc = enter("cuMemsetD8Async");
	struct CUstream_st *s;
	struct memory *m;
	struct work *w;

	if (rc == OK)
		rc = begin(to, size, stream, &m, &s);
	if (rc != OK)
		return leave(rc);
	w = queue(s);
	w->kind = SET;
	w->to = m->view + ((char *)(uintptr_t)to - m->address);
	w->size = size;
	w->value = value;
	return leave(OK);
}
