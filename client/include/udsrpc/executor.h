#ifndef UDSRPC_EXECUTOR_H_
#define UDSRPC_EXECUTOR_H_

#include <functional>

#include "absl/functional/any_invocable.h"

namespace udsrpc {

// Runs a task, once, on a thread of its owner's choice: an event loop, or a pool. Called by any thread. A task that it
// destroys without running it is a completion that never comes.
using Executor = std::function<void(absl::AnyInvocable<void() &&> task)>;

}  // namespace udsrpc

#endif  // UDSRPC_EXECUTOR_H_
