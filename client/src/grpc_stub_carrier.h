#ifndef UDSRPC_CLIENT_GRPC_STUB_CARRIER_H_
#define UDSRPC_CLIENT_GRPC_STUB_CARRIER_H_

#include <grpcpp/client_context.h>
#include <grpcpp/support/client_interceptor.h>

#include <memory>
#include <string>
#include <system_error>
#include <utility>

#include "absl/status/status.h"
#include "google/protobuf/message_lite.h"
#include "udsrpc/channel.h"
#include "udsrpc/client_context.h"
#include "udsrpc/method.h"
#include "udsrpc/proto/opaque_message.pb.h"

namespace udsrpc {

// Operations that a stub of gRPC's asked for together, as an interceptor is given them: first what is to be sent, then
// what is to be received, and in the end, where nothing is to be done, that all is. It goes on by Proceed, upon which
// it may be gone at once, and the call with it.
using GrpcBatch = grpc::experimental::InterceptorBatchMethods;
using GrpcPoint = grpc::experimental::InterceptionHookPoints;

// Proceeds, by a thread that need not be the one that gets the batch back from gRPC. Between them gRPC's completion
// queue orders the operation before its event; AcquireBatch is called when the batch comes back.
void GoOn(GrpcBatch& batch);
void AcquireBatch(const GrpcBatch& batch);

// RESOURCE_EXHAUSTED, where our channel throws: a stub of gRPC's expects a status.
absl::Status NoThreadError(const std::system_error& error);

// What `batch` sends, serialized, in `message`.
void CopySentMessage(GrpcBatch& batch, internal::OpaqueMessage& message);

// What a channel's options say of its calls.
struct GrpcStubOptions {
  bool wait_for_ready;
  bool generic;  // messages are grpc::ByteBuffers, and not Protobuf's; an interceptor is told no type
};

// A call of a stub of gRPC's as a call of ours, whose context this is.
class GrpcStubCarrier {
 public:
  GrpcStubCarrier(std::shared_ptr<Channel> channel, std::unique_ptr<const std::string> path, MethodKind kind,
                  const GrpcStubOptions& options)
      : path_(std::move(path)), channel_(std::move(channel)), method_{path_->c_str(), kind}, options_(options) {}
  virtual ~GrpcStubCarrier() = default;
  GrpcStubCarrier(const GrpcStubCarrier&) = delete;
  GrpcStubCarrier& operator=(const GrpcStubCarrier&) = delete;

  // What the call's context says, before Start.
  void Configure(const grpc::ClientContext& context, GrpcBatch& first);

  // Starts the call, and sends what the first batch does; goes on by Hijack in the place of Proceed.
  virtual void Start(GrpcBatch& batch) = 0;
  virtual void Send(GrpcBatch& batch) = 0;
  virtual void Receive(GrpcBatch& batch) = 0;
  // By any thread. Neither blocks nor goes on with a batch: gRPC holds the context's lock.
  virtual void Cancel() { context_.Cancel(); }

 private:
  const std::unique_ptr<const std::string> path_;

 protected:
  // The parts of `batch`, which must have them.
  void FillInitialMetadata(GrpcBatch& batch) const;
  void FillStatus(GrpcBatch& batch, const absl::Status& status);
  // `batch` receives a message, which goes there. False: it does not parse.
  bool Deliver(const internal::OpaqueMessage& message, GrpcBatch& batch) const;

  const std::shared_ptr<Channel> channel_;
  const MethodDescriptor method_;
  const GrpcStubOptions options_;
  ClientContext context_;
  absl::Status refusal_;  // why there is no call, unless OK

 private:
  std::string details_;
};

}  // namespace udsrpc

#endif  // UDSRPC_CLIENT_GRPC_STUB_CARRIER_H_
