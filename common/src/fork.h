#ifndef UDSRPC_COMMON_FORK_H_
#define UDSRPC_COMMON_FORK_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "udsrpc/internal/mutex.h"

namespace udsrpc {

// Why `what`, such as a channel's target, is of no use here. FAILED_PRECONDITION.
absl::Status ForkedError(absl::string_view what);

// A mutex of the whole program: whoever forks has it at that moment, so that it is free in the child. It is a leaf, and
// lives for ever.
void HoldAcrossForks(internal::Mutex& mutex);

}  // namespace udsrpc

#endif  // UDSRPC_COMMON_FORK_H_
