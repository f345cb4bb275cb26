#ifndef UDSRPC_COMMON_STREAM_OUTGOING_FDS_H_
#define UDSRPC_COMMON_STREAM_OUTGOING_FDS_H_

#include <cstddef>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "udsrpc/unique_fd.h"

namespace udsrpc {

// Whether `fds` may go with a message of a call of `path` to a peer, "server" or "client", that accepts so many by its
// `option`. FAILED_PRECONDITION: it accepts none. RESOURCE_EXHAUSTED: not as many. INVALID_ARGUMENT: one is not valid.
absl::Status CheckOutgoingFds(absl::string_view path, const std::vector<UniqueFd>& fds, size_t accepted,
                              absl::string_view peer, absl::string_view option);

}  // namespace udsrpc

#endif  // UDSRPC_COMMON_STREAM_OUTGOING_FDS_H_
