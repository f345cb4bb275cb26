#ifndef UDSRPC_COMMON_SOCKET_CLAIM_ERROR_H_
#define UDSRPC_COMMON_SOCKET_CLAIM_ERROR_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "udsrpc/endpoint.h"

namespace udsrpc {

// That an endpoint cannot be claimed because a system call failed: `what` says which. NOT_FOUND, PERMISSION_DENIED,
// RESOURCE_EXHAUSTED or INTERNAL, by errno, with what to do.
absl::Status ClaimError(const Endpoint& endpoint, absl::string_view what, int error);

}  // namespace udsrpc

#endif  // UDSRPC_COMMON_SOCKET_CLAIM_ERROR_H_
