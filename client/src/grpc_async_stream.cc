#include "client/src/grpc_async_stream.h"

#include <utility>

#include "client/src/grpc_async_stream_exchange.h"

namespace udsrpc {

GrpcAsyncStream::GrpcAsyncStream(const GrpcAsyncCall::Transport& transport, const MethodDescriptor& method,
                                 ClientContext& context, const google::protobuf::MessageLite* request)
    : exchange_(std::make_shared<Exchange>(transport, method, context)) {
  exchange_->Start(request);
}

GrpcAsyncStream::~GrpcAsyncStream() { exchange_->Abandon(); }

std::optional<bool> GrpcAsyncStream::Read(google::protobuf::MessageLite& message, Done done) {
  return exchange_->Read(&message, std::move(done));
}

std::optional<bool> GrpcAsyncStream::WaitForInitialMetadata(Done done) {
  return exchange_->Read(nullptr, std::move(done));
}

std::optional<bool> GrpcAsyncStream::Write(const google::protobuf::MessageLite& message, bool last, Done done) {
  return exchange_->Write(&message, last, std::move(done));
}

void GrpcAsyncStream::AttachFds(std::vector<UniqueFd> fds) {
  if (!fds.empty()) exchange_->RefuseFds();
}

std::optional<bool> GrpcAsyncStream::WritesDone(Done done) {
  return exchange_->Write(nullptr, /*last=*/true, std::move(done));
}

std::optional<absl::Status> GrpcAsyncStream::FinishCall(StatusDone done) { return exchange_->Finish(std::move(done)); }

void GrpcAsyncStream::Forget(Outstanding outstanding) { exchange_->Forget(outstanding); }

}  // namespace udsrpc
