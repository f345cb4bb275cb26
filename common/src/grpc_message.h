#ifndef UDSRPC_COMMON_GRPC_MESSAGE_H_
#define UDSRPC_COMMON_GRPC_MESSAGE_H_

#include <grpcpp/support/byte_buffer.h>

#include "google/protobuf/message_lite.h"

namespace udsrpc {

// Messages as gRPC carries them.

// False: `message` takes more than Protobuf's 2 GiB. Checked here because gRPC's own stubs abort the process then.
bool SerializeToGrpc(const google::protobuf::MessageLite& message, grpc::ByteBuffer& buffer);

// False: the bytes are no such message, or there are none. Leaves `buffer` empty.
bool ParseFromGrpc(grpc::ByteBuffer& buffer, google::protobuf::MessageLite& message);

}  // namespace udsrpc

#endif  // UDSRPC_COMMON_GRPC_MESSAGE_H_
