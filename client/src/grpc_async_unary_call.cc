#include "client/src/grpc_async_unary_call.h"

#include <grpcpp/support/async_unary_call.h>
#include <grpcpp/support/byte_buffer.h>

#include <cstddef>
#include <utility>

#include "common/src/call_errors.h"
#include "common/src/grpc_message.h"

namespace udsrpc {

// The call as the library has it.
class GrpcAsyncUnaryCall::Exchange final : public GrpcAsyncCall,
                                           private GrpcAsyncQueue::Operation,
                                           public std::enable_shared_from_this<Exchange> {
 public:
  Exchange(const Transport& transport, const MethodDescriptor& method, ClientContext& context,
           google::protobuf::MessageLite& response)
      : GrpcAsyncCall(transport, method, context), response_(response) {}

  void Start(const google::protobuf::MessageLite& request, Done done) {
    done_ = std::move(done);
    try {
      GrpcAsyncCall::Begin(SerializeToGrpc(request, request_) ? absl::OkStatus()
                                                              : UnserializableMessageError(method_.path));
    } catch (...) {
      const Done unwanted = std::move(done_);  // it may own the call
      throw;
    }
  }

 private:
  void Launch() override ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    self_ = shared_from_this();
    reader_ = link_->stub().PrepareUnaryCall(&grpc_context_, method_.path, request_, queue().get());
    ActiveCall::Sizes(context_).OnSent(request_.Length());
    request_.Clear();
    reader_->StartCall();
    reader_->Finish(&reply_, &status_, Operation::Begin());
  }

  void FailStart(absl::Status status) override ABSL_UNLOCK_FUNCTION(mutex_) { Complete(std::move(status)); }

  void OnEnd(bool /*ok*/) override {
    const std::shared_ptr<Exchange> self = std::move(self_);
    mutex_.Lock();
    if (abandoned_) return mutex_.Unlock();
    over_ = true;
    absl::Status status = End(status_);
    Complete(status.ok() ? Parse() : std::move(status));
  }

  absl::Status Parse() {
    if (!reply_.Valid()) return MissingReplyError(method_.path, settings_.endpoint);
    const size_t bytes = reply_.Length();
    if (!ParseFromGrpc(reply_, response_)) return MalformedMessageError(method_.path, "the reply", response_);
    ActiveCall::Sizes(context_).OnReceived(bytes);
    return absl::OkStatus();
  }

  void Complete(absl::Status status) ABSL_UNLOCK_FUNCTION(mutex_) {
    const std::shared_ptr<Exchange> self = shared_from_this();
    Done done = std::move(done_);
    turn_.Enter(std::nullopt, nullptr);
    mutex_.Unlock();
    std::move(done)(std::move(status));
    mutex_.Lock();
    turn_.Leave();
    mutex_.Unlock();
  }

  google::protobuf::MessageLite& response_;
  Done done_;
  grpc::ByteBuffer request_;
  std::unique_ptr<grpc::GenericClientAsyncResponseReader> reader_;
  grpc::ByteBuffer reply_;
  grpc::Status status_;
  std::shared_ptr<Exchange> self_;  // while the library has it
};

GrpcAsyncUnaryCall::GrpcAsyncUnaryCall(const GrpcAsyncCall::Transport& transport, const MethodDescriptor& method,
                                       ClientContext& context, const google::protobuf::MessageLite& request,
                                       google::protobuf::MessageLite& response)
    : request_(request), exchange_(std::make_shared<Exchange>(transport, method, context, response)) {}

GrpcAsyncUnaryCall::~GrpcAsyncUnaryCall() { exchange_->Abandon(); }

void GrpcAsyncUnaryCall::StartCall(Done done) { exchange_->Start(request_, std::move(done)); }

}  // namespace udsrpc
