#ifndef UDSRPC_SERVER_EPOLL_WAIT_H_
#define UDSRPC_SERVER_EPOLL_WAIT_H_

#include <sys/epoll.h>

#include "absl/time/time.h"

namespace udsrpc {

// Waits until one of an epoll's descriptors is ready, or for `patience` (InfiniteDuration: without end), and returns
// how many of at most `capacity` it wrote to `ready`: 0 after `patience`, -1 with errno where it was interrupted. To
// the nanosecond, by epoll_pwait2(2); where that is not there (before Linux 5.11, some containers' seccomp filters,
// valgrind) rounded up to a millisecond, by epoll_wait(2).
int WaitOnEpoll(int epoll, epoll_event* ready, int capacity, absl::Duration patience);

}  // namespace udsrpc

#endif  // UDSRPC_SERVER_EPOLL_WAIT_H_
