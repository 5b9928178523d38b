/* Counts work for tests/test_work_counts.py; preloaded, so that it stands before the C library.
 *
 * Allocations: between counting_start and counting_stop, every block asked of malloc and its kin, by
 * any library, is noted with its size; and the most bytes that were held at once, beside those held
 * before.
 *
 * Passes over memory: a guarded buffer's pages cannot be touched except for the `kept` that were
 * touched last. A touch of any other faults, is counted, and takes the place of the one touched
 * longest ago. A loop that comes back to a page after more than `kept` others is counted twice. */
#define _GNU_SOURCE
#include <errno.h>
#include <malloc.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

extern void* __libc_malloc(size_t);
extern void* __libc_calloc(size_t, size_t);
extern void* __libc_realloc(void*, size_t);
extern void* __libc_memalign(size_t, size_t);
extern void __libc_free(void*);

enum { MOST = 1 << 16 };
static volatile int counting;
static volatile long noted;
static size_t sizes[MOST];

static volatile long held, most_held;

static void hold(long bytes) {
  long now = __sync_add_and_fetch(&held, bytes), most = most_held;
  while (now > most && !__sync_bool_compare_and_swap(&most_held, most, now)) most = most_held;
}

/* Note what was asked, and that this block is now held. */
static void* noted_block(size_t bytes, void* block) {
  if (counting) {
    long at = __sync_fetch_and_add(&noted, 1);
    if (at < MOST) sizes[at] = bytes;
    hold((long)malloc_usable_size(block));
  }
  return block;
}

static void let_go(void* block) {
  if (counting) hold(-(long)malloc_usable_size(block));
}

void counting_start(void) { noted = held = most_held = 0; counting = 1; }
long counting_stop(void) { counting = 0; return noted; }
size_t counted_size(long at) { return sizes[at]; }
long counted_peak(void) { return most_held; }

void* malloc(size_t bytes) { return noted_block(bytes, __libc_malloc(bytes)); }
void* calloc(size_t count, size_t each) {
  return noted_block(count * each, __libc_calloc(count, each));
}
void* realloc(void* old, size_t bytes) {
  let_go(old);
  return noted_block(bytes, __libc_realloc(old, bytes));
}
void* memalign(size_t to, size_t bytes) { return noted_block(bytes, __libc_memalign(to, bytes)); }
void* aligned_alloc(size_t to, size_t bytes) { return memalign(to, bytes); }
int posix_memalign(void** out, size_t to, size_t bytes) {
  *out = memalign(to, bytes);
  return *out ? 0 : ENOMEM;
}
void free(void* block) {
  let_go(block);
  __libc_free(block);
}

enum { MOST_KEPT = 4096 };
static char* first;
static size_t length, page;
static char* ring[MOST_KEPT];
static long ring_size, ring_at;
static volatile long touched;

static void on_touch(int number, siginfo_t* info, void* context) {
  (void)context;
  char* address = (char*)info->si_addr;
  if (address < first || address >= first + length) {
    signal(number, SIG_DFL); /* a true fault: let it happen again */
    return;
  }
  char* start = first + (size_t)(address - first) / page * page;
  if (ring[ring_at]) mprotect(ring[ring_at], page, PROT_NONE);
  mprotect(start, page, PROT_READ | PROT_WRITE);
  ring[ring_at] = start;
  ring_at = (ring_at + 1) % ring_size;
  ++touched;
}

void* guarded_new(size_t bytes) {
  page = (size_t)sysconf(_SC_PAGESIZE);
  length = (bytes + page - 1) / page * page;
  first = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return first == MAP_FAILED ? NULL : first;
}

void guarding_start(long kept) {
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_sigaction = on_touch;
  action.sa_flags = SA_SIGINFO;
  sigaction(SIGSEGV, &action, NULL);
  memset(ring, 0, sizeof ring);
  ring_size = kept < MOST_KEPT ? kept : MOST_KEPT;
  ring_at = 0;
  touched = 0;
  mprotect(first, length, PROT_NONE);
}

long guarding_stop(void) {
  mprotect(first, length, PROT_READ | PROT_WRITE);
  signal(SIGSEGV, SIG_DFL);
  return touched;
}
