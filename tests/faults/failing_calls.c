/* Makes one file call fail, or ends the process there: for LD_PRELOAD in the fault bench.
 *
 * FAULT_BELOW    folders, with ':' between them; only calls on files below them count
 * FAULT_COUNTER  a file of eight bytes that all processes of one run count in
 * FAULT_AT       the number of the call (from 1) that fails; 0: none, calls are only counted
 * FAULT_HOW      an errno as a number, or "kill"
 * FAULT_LOG      a file that gets one line for each call that counted: its number, name and path
 *
 * Only calls that change something count: opening for reading, stat and read do not.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

static uint64_t *counter;
static uint64_t fails_at;
static int fails_how; /* an errno, or -1: kill */
static int log_file = -1;
static const char *below;

static int raw_open(const char *path, int flags) {
    return (int)syscall(SYS_openat, AT_FDCWD, path, flags | O_CLOEXEC, 0666);
}

__attribute__((constructor)) static void set_up(void) {
    const char *at = getenv("FAULT_AT"), *how = getenv("FAULT_HOW"), *file = getenv("FAULT_COUNTER");
    below = getenv("FAULT_BELOW");
    if (!at || !file || !below) {
        below = NULL;
        return;
    }
    fails_at = strtoull(at, NULL, 10);
    fails_how = how && strcmp(how, "kill") == 0 ? -1 : how ? atoi(how) : EIO;
    int handle = raw_open(file, O_RDWR);
    if (handle >= 0) {
        void *shared = mmap(NULL, sizeof *counter, PROT_READ | PROT_WRITE, MAP_SHARED, handle, 0);
        counter = shared == MAP_FAILED ? NULL : shared;
        syscall(SYS_close, handle);
    }
    const char *log = getenv("FAULT_LOG");
    if (log) {
        handle = raw_open(log, O_WRONLY | O_CREAT | O_APPEND);
        /* High, so that no program expects its own file under this number. */
        log_file = handle < 0 ? -1 : fcntl(handle, F_DUPFD_CLOEXEC, 900);
        if (handle >= 0) syscall(SYS_close, handle);
    }
}

static int counts(const char *path) {
    for (const char *start = below; start && *start;) {
        const char *end = strchrnul(start, ':');
        size_t length = (size_t)(end - start);
        if (strncmp(path, start, length) == 0 && (path[length] == '/' || path[length] == 0)) return 1;
        start = *end ? end + 1 : end;
    }
    return 0;
}

static int absolute(int folder, const char *path, char *into) {
    if (!path) return 0;
    if (path[0] == '/') return snprintf(into, PATH_MAX, "%s", path) > 0;
    char base[PATH_MAX];
    if (folder == AT_FDCWD) {
        if (!getcwd(base, sizeof base)) return 0;
    } else {
        char link[64];
        snprintf(link, sizeof link, "/proc/self/fd/%d", folder);
        ssize_t length = readlink(link, base, sizeof base - 1);
        if (length < 0) return 0;
        base[length] = 0;
    }
    return snprintf(into, PATH_MAX, "%s%s%s", base, *path ? "/" : "", path) > 0;
}

/* Whether this call is the one; errno is set then. */
static int strikes(const char *name, int folder, const char *path) {
    int before = errno;
    char full[PATH_MAX];
    if (!below || !counter || !absolute(folder, path, full) || !counts(full)) {
        errno = before;
        return 0;
    }
    uint64_t number = __atomic_add_fetch(counter, 1, __ATOMIC_SEQ_CST);
    if (log_file >= 0) {
        char line[PATH_MAX + 64];
        int length = snprintf(line, sizeof line, "%llu\t%d\t%s\t%s\n", (unsigned long long)number, (int)getpid(), name, full);
        syscall(SYS_write, log_file, line, (size_t)length);
    }
    errno = before;
    if (number != fails_at) return 0;
    if (fails_how == -1) {
        syscall(SYS_kill, getpid(), SIGKILL);
        for (;;) pause();
    }
    errno = fails_how;
    return 1;
}

#define REAL(name) \
    static __typeof__(&name) real; \
    if (!real) real = (__typeof__(&name))dlsym(RTLD_NEXT, #name)

#define WRITES(flags) ((flags) & (O_WRONLY | O_RDWR | O_CREAT | O_TRUNC))
#define MODE(flags) \
    mode_t mode = 0; \
    if ((flags) & (O_CREAT | O_TMPFILE)) { \
        va_list more; \
        va_start(more, flags); \
        mode = va_arg(more, mode_t); \
        va_end(more); \
    }

#define OPEN(name) \
    int name(const char *path, int flags, ...) { \
        MODE(flags) \
        REAL(name); \
        if (WRITES(flags) && strikes("open", AT_FDCWD, path)) return -1; \
        return real(path, flags, mode); \
    }
OPEN(open)
OPEN(open64)

#define OPENAT(name) \
    int name(int folder, const char *path, int flags, ...) { \
        MODE(flags) \
        REAL(name); \
        if (WRITES(flags) && strikes("open", folder, path)) return -1; \
        return real(folder, path, flags, mode); \
    }
OPENAT(openat)
OPENAT(openat64)

#define CREAT(name) \
    int name(const char *path, mode_t mode) { \
        REAL(name); \
        return strikes("open", AT_FDCWD, path) ? -1 : real(path, mode); \
    }
CREAT(creat)
CREAT(creat64)

#define FOPEN(name) \
    FILE *name(const char *path, const char *how) { \
        REAL(name); \
        if (strpbrk(how, "wa+") && strikes("open", AT_FDCWD, path)) return NULL; \
        return real(path, how); \
    }
FOPEN(fopen)
FOPEN(fopen64)

ssize_t write(int file, const void *bytes, size_t count) {
    REAL(write);
    return strikes("write", file, "") ? -1 : real(file, bytes, count);
}
#define PWRITE(name, offset_type) \
    ssize_t name(int file, const void *bytes, size_t count, offset_type where) { \
        REAL(name); \
        return strikes("write", file, "") ? -1 : real(file, bytes, count, where); \
    }
PWRITE(pwrite, off_t)
PWRITE(pwrite64, off64_t)
ssize_t writev(int file, const struct iovec *parts, int count) {
    REAL(writev);
    return strikes("write", file, "") ? -1 : real(file, parts, count);
}
ssize_t copy_file_range(int from, off64_t *in, int to, off64_t *out, size_t count, unsigned flags) {
    REAL(copy_file_range);
    return strikes("copy", to, "") ? -1 : real(from, in, to, out, count, flags);
}

#define ON_HANDLE(name) \
    int name(int file) { \
        REAL(name); \
        return strikes(#name, file, "") ? -1 : real(file); \
    }
ON_HANDLE(fsync)
ON_HANDLE(fdatasync)

#define FTRUNCATE(name, offset_type) \
    int name(int file, offset_type size) { \
        REAL(name); \
        return strikes("truncate", file, "") ? -1 : real(file, size); \
    }
FTRUNCATE(ftruncate, off_t)
FTRUNCATE(ftruncate64, off64_t)
#define FALLOCATE(name, offset_type) \
    int name(int file, offset_type from, offset_type size) { \
        REAL(name); \
        return strikes("allocate", file, "") ? errno : real(file, from, size); \
    }
FALLOCATE(posix_fallocate, off_t)
FALLOCATE(posix_fallocate64, off64_t)
int truncate(const char *path, off_t size) {
    REAL(truncate);
    return strikes("truncate", AT_FDCWD, path) ? -1 : real(path, size);
}

#define ON_PATH(name) \
    int name(const char *path) { \
        REAL(name); \
        return strikes(#name, AT_FDCWD, path) ? -1 : real(path); \
    }
ON_PATH(unlink)
ON_PATH(rmdir)
ON_PATH(remove)
int unlinkat(int folder, const char *path, int flags) {
    REAL(unlinkat);
    return strikes("unlink", folder, path) ? -1 : real(folder, path, flags);
}

int mkdir(const char *path, mode_t mode) {
    REAL(mkdir);
    return strikes("mkdir", AT_FDCWD, path) ? -1 : real(path, mode);
}
int mkdirat(int folder, const char *path, mode_t mode) {
    REAL(mkdirat);
    return strikes("mkdir", folder, path) ? -1 : real(folder, path, mode);
}
int chmod(const char *path, mode_t mode) {
    REAL(chmod);
    return strikes("chmod", AT_FDCWD, path) ? -1 : real(path, mode);
}
int fchmod(int file, mode_t mode) {
    REAL(fchmod);
    return strikes("chmod", file, "") ? -1 : real(file, mode);
}
int fchmodat(int folder, const char *path, mode_t mode, int flags) {
    REAL(fchmodat);
    return strikes("chmod", folder, path) ? -1 : real(folder, path, mode, flags);
}
int utimensat(int folder, const char *path, const struct timespec times[2], int flags) {
    REAL(utimensat);
    return strikes("utime", folder, path) ? -1 : real(folder, path, times, flags);
}

/* Two names: the call counts when either lies below. */
static int strikes_two(const char *name, int one, const char *from, int two, const char *to) {
    char full[PATH_MAX];
    int before = errno;
    int first = below && absolute(one, from, full) && counts(full);
    errno = before;
    return first ? strikes(name, one, from) : strikes(name, two, to);
}
int rename(const char *from, const char *to) {
    REAL(rename);
    return strikes_two("rename", AT_FDCWD, from, AT_FDCWD, to) ? -1 : real(from, to);
}
int renameat(int one, const char *from, int two, const char *to) {
    REAL(renameat);
    return strikes_two("rename", one, from, two, to) ? -1 : real(one, from, two, to);
}
int renameat2(int one, const char *from, int two, const char *to, unsigned flags) {
    REAL(renameat2);
    return strikes_two("rename", one, from, two, to) ? -1 : real(one, from, two, to, flags);
}
int link(const char *from, const char *to) {
    REAL(link);
    return strikes("link", AT_FDCWD, to) ? -1 : real(from, to);
}
int linkat(int one, const char *from, int two, const char *to, int flags) {
    REAL(linkat);
    return strikes("link", two, to) ? -1 : real(one, from, two, to, flags);
}
int symlink(const char *from, const char *to) {
    REAL(symlink);
    return strikes("symlink", AT_FDCWD, to) ? -1 : real(from, to);
}
int symlinkat(const char *from, int two, const char *to) {
    REAL(symlinkat);
    return strikes("symlink", two, to) ? -1 : real(from, two, to);
}
