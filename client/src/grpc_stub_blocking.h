#ifndef UDSRPC_CLIENT_GRPC_STUB_BLOCKING_H_
#define UDSRPC_CLIENT_GRPC_STUB_BLOCKING_H_

#include <memory>

#include "client/src/grpc_stub_carrier.h"
#include "udsrpc/client_stream.h"

namespace udsrpc {

// A call of gRPC's blocking interface: whoever asks for a batch waits for it in any case, and so does its operations
// here, by our blocking interface. One thread may read while another writes.
class GrpcBlockingCarrier final : public GrpcStubCarrier {
 public:
  using GrpcStubCarrier::GrpcStubCarrier;

  void Start(GrpcBatch& batch) override;
  void Send(GrpcBatch& batch) override;
  void Receive(GrpcBatch& batch) override;

 private:
  // What the batch sends, or null. Valid while the batch is, or until the next call.
  const google::protobuf::MessageLite* SentMessage(GrpcBatch& batch);
  void Write(GrpcBatch& batch);
  absl::Status CallUnary(GrpcBatch& batch);

  const google::protobuf::MessageLite* request_ = nullptr;  // of a unary call
  internal::OpaqueMessage serialized_;
  std::unique_ptr<ClientStream> stream_;  // of the other kinds
};

}  // namespace udsrpc

#endif  // UDSRPC_CLIENT_GRPC_STUB_BLOCKING_H_
