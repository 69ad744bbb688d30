/* Makes writes to the database fail, once a file says how: loaded in front of the C library. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

/* The first letter of the file that SAFEGUARDS_FAULT names: s(ync), w(rite), t(orn), or nothing. */
static char fault(int fd) {
  char link[64], path[4096];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, sizeof path - 1);
  if (length < 0) return 0;
  path[length] = 0;
  if (strstr(path, "data.mdb") == NULL) return 0;
  const char *name = getenv("SAFEGUARDS_FAULT");
  FILE *file = name == NULL ? NULL : fopen(name, "r");
  if (file == NULL) return 0;
  int letter = fgetc(file);
  fclose(file);
  return letter == EOF ? 0 : (char)letter;
}

static int failed(void) {
  errno = EIO;
  return -1;
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

int fsync(int fd) { return fault(fd) == 's' ? failed() : REAL(fsync)(fd); }

int fdatasync(int fd) { return fault(fd) == 's' ? failed() : REAL(fdatasync)(fd); }

ssize_t pwrite(int fd, const void *bytes, size_t count, off_t at) {
  char how = fault(fd);
  if (how == 'w') return failed();
  return REAL(pwrite)(fd, bytes, how == 't' ? count / 2 : count, at);
}

ssize_t pwrite64(int fd, const void *bytes, size_t count, off64_t at) {
  char how = fault(fd);
  if (how == 'w') return failed();
  return REAL(pwrite64)(fd, bytes, how == 't' ? count / 2 : count, at);
}

ssize_t write(int fd, const void *bytes, size_t count) {
  char how = fault(fd);
  if (how == 'w') return failed();
  return REAL(write)(fd, bytes, how == 't' ? count / 2 : count);
}

static ssize_t torn(int fd, const struct iovec *parts, off64_t at) {
  return REAL(pwrite64)(fd, parts[0].iov_base, parts[0].iov_len / 2, at);
}

ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t at) {
  char how = fault(fd);
  if (how == 'w') return failed();
  return how == 't' ? torn(fd, parts, at) : REAL(pwritev)(fd, parts, count, at);
}

ssize_t pwritev64(int fd, const struct iovec *parts, int count, off64_t at) {
  char how = fault(fd);
  if (how == 'w') return failed();
  return how == 't' ? torn(fd, parts, at) : REAL(pwritev64)(fd, parts, count, at);
}

ssize_t writev(int fd, const struct iovec *parts, int count) {
  char how = fault(fd);
  if (how == 'w') return failed();
  if (how == 't') return REAL(write)(fd, parts[0].iov_base, parts[0].iov_len / 2);
  return REAL(writev)(fd, parts, count);
}
