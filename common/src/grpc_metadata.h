#ifndef UDSRPC_COMMON_GRPC_METADATA_H_
#define UDSRPC_COMMON_GRPC_METADATA_H_

#include <grpcpp/support/string_ref.h>

#include <cstddef>
#include <map>

#include "udsrpc/metadata.h"

namespace udsrpc {

using GrpcMetadata = std::multimap<grpc::string_ref, grpc::string_ref>;

// With which, in trailing metadata, a server of ours that another one has taken over from tells clients of ours to make
// their next call on a new connection. Its value says nothing.
inline constexpr char kSuccessorKey[] = "udsrpc-successor";

// What the other end's user added of what arrived: without the keys that gRPC or udsrpc reserves or sets itself, and
// without entries that Metadata's rules forbid, which no user of udsrpc can have added. The values of a key keep their
// order; keys come sorted, as gRPC keeps them.
Metadata FromGrpcMetadata(const GrpcMetadata& received);

// The Metadata::ByteSize of that, without making it.
size_t BytesOfGrpcMetadata(const GrpcMetadata& received);

}  // namespace udsrpc

#endif  // UDSRPC_COMMON_GRPC_METADATA_H_
