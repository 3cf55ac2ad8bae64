/*
 * base/must.h -- running out of memory ends the process.
 *
 * What a node has answered is in its log, and a new process goes on from there: nothing is gained
 * by going on without memory, and every path that would is one that no test takes.
 */
#ifndef ABACUS_BASE_MUST_H
#define ABACUS_BASE_MUST_H

/* What an allocator gave, which is not NULL. */
void *must(void *p) __attribute__((returns_nonnull));

#endif
