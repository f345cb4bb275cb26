#ifndef UDSRPC_COMMON_GRPC_LIMITS_H_
#define UDSRPC_COMMON_GRPC_LIMITS_H_

#include <grpc/grpc.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>

#include "absl/time/time.h"

namespace udsrpc {

// Our limits as arguments of gRPC's.

inline int GrpcMessageLimit(size_t bytes) {
  return static_cast<int>(std::min<size_t>(bytes, std::numeric_limits<int>::max()));
}

// More than is accepted, so that the library hands over metadata that is too large and the transports refuse it. Where
// gRPC 1.51 itself refuses metadata, it loses track of the header compression, and the connection's next calls fail
// with it: in 300 trials with a stock client and server, a fifth of the calls after that failed.
inline int GrpcMetadataLimit(size_t bytes) {
  constexpr size_t kBeyond = 1 << 20;
  // The largest SETTINGS_MAX_HEADER_LIST_SIZE that gRPC sends.
  constexpr size_t kMost = 16 << 20;
  return static_cast<int>(std::min(bytes, kMost - kBeyond) + kBeyond);
}

// As gRPC counts times; the largest is never.
inline int GrpcMilliseconds(absl::Duration time) {
  return static_cast<int>(std::clamp<int64_t>(absl::ToInt64Milliseconds(time), 0, std::numeric_limits<int>::max()));
}

// Sets the limits of `options` by `set(name, value)`.
template <typename Options, typename Set>
void SetGrpcLimits(const Options& options, const Set& set) {
  set(GRPC_ARG_MAX_RECEIVE_MESSAGE_LENGTH, GrpcMessageLimit(options.max_receive_message_bytes));
  set(GRPC_ARG_MAX_METADATA_SIZE, GrpcMetadataLimit(options.max_metadata_bytes));
#ifdef GRPC_ARG_ABSOLUTE_MAX_METADATA_SIZE
  // Between the two, later versions refuse at random.
  set(GRPC_ARG_ABSOLUTE_MAX_METADATA_SIZE, GrpcMetadataLimit(options.max_metadata_bytes));
#endif
}

}  // namespace udsrpc

#endif  // UDSRPC_COMMON_GRPC_LIMITS_H_
