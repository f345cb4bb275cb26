#ifndef UDSRPC_EXECUTOR_H_
#define UDSRPC_EXECUTOR_H_

#include <functional>

#include "absl/functional/any_invocable.h"

namespace udsrpc {

// Runs a task, once, on a thread of its owner's choice: an event loop, or a pool. Called by any thread, with no lock
// held; must not block, nor throw. A task that it destroys without running it is a completion that never comes. A
// channel keeps its executor as long as there are stubs or calls of it, and lets go of it on any thread: what it refers
// to has to live until then.
using Executor = std::function<void(absl::AnyInvocable<void() &&> task)>;

}  // namespace udsrpc

#endif  // UDSRPC_EXECUTOR_H_
