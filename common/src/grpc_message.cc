#include "common/src/grpc_message.h"

#include <grpcpp/support/proto_buffer_reader.h>
#include <grpcpp/support/proto_buffer_writer.h>

#include <algorithm>
#include <limits>

namespace udsrpc {
namespace {

// The most that the writer asks for at a time; larger messages are a list of such blocks.
constexpr int kMaxBlockBytes = 1 << 20;

}  // namespace

bool SerializeToGrpc(const google::protobuf::MessageLite& message, grpc::ByteBuffer& buffer) {
  const size_t bytes = message.ByteSizeLong();
  if (bytes > static_cast<size_t>(std::numeric_limits<int>::max())) return false;
  if (bytes > static_cast<size_t>(kMaxBlockBytes)) {
    grpc::ProtoBufferWriter writer(&buffer, kMaxBlockBytes, static_cast<int>(bytes));
    return message.SerializePartialToZeroCopyStream(&writer);
  }
  grpc::Slice slice(bytes);
  message.SerializeWithCachedSizesToArray(const_cast<uint8_t*>(slice.begin()));
  grpc::ByteBuffer whole(&slice, 1);
  buffer.Swap(&whole);
  return true;
}

bool ParseFromGrpc(grpc::ByteBuffer& buffer, google::protobuf::MessageLite& message) {
  if (!buffer.Valid()) return false;
  bool parsed;
  {
    grpc::ProtoBufferReader reader(&buffer);
    parsed = reader.status().ok() && message.ParseFromZeroCopyStream(&reader);
  }
  buffer.Clear();
  return parsed;
}

}  // namespace udsrpc
