#ifndef UDSRPC_CLIENT_CALL_START_H_
#define UDSRPC_CLIENT_CALL_START_H_

#include <optional>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "client/src/active_call.h"
#include "common/src/deadline.h"
#include "udsrpc/client_context.h"
#include "udsrpc/method.h"

// How a call over seqpacket starts, whoever waits for it.

namespace udsrpc {

// A server that shuts down can refuse a call twice: on the connection that the channel had, and on a new one that had
// still come into its backlog. Beyond that, something else is wrong.
inline constexpr int kMaxCallAttempts = 3;

// DEADLINE_EXCEEDED where it is too late to start.
inline absl::StatusOr<Deadline> ReadDeadline(const MethodDescriptor& method, const ClientContext& context) {
  if (const std::optional<Deadline> deadline = ActiveCall::DeadlineOf(context)) return *deadline;
  return absl::DeadlineExceededError(absl::StrCat(method.path, ": the deadline passed before the call started"));
}

}  // namespace udsrpc

#endif  // UDSRPC_CLIENT_CALL_START_H_
