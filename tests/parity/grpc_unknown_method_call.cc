#include "tests/parity/grpc_unknown_method_call.h"

#include <utility>

#include "absl/time/clock.h"
#include "tests/parity/grpc_outcome.h"

namespace udsrpc::parity {

StockUnknownMethodCall::StockUnknownMethodCall(std::shared_ptr<grpc::Channel> channel, const CallOptions& options)
    : stub_(std::move(channel)) {
  context_.set_deadline(absl::ToChronoTime(absl::Now() + options.timeout));
}

StockUnknownMethodCall::~StockUnknownMethodCall() {
  queue_.Shutdown();
  void* tag;
  bool ok;
  while (queue_.Next(&tag, &ok)) continue;
}

Outcome StockUnknownMethodCall::Finish() {
  const auto call = stub_.PrepareUnaryCall(&context_, kUnknownMethod, request_, &queue_);
  call->StartCall();
  grpc::Status status;
  call->Finish(&reply_, &status, nullptr);
  void* tag;
  bool ok;
  queue_.Next(&tag, &ok);
  return FromGrpc(status);
}

Entries StockUnknownMethodCall::initial_metadata() const { return FromGrpc(context_.GetServerInitialMetadata()); }
Entries StockUnknownMethodCall::trailing_metadata() const { return FromGrpc(context_.GetServerTrailingMetadata()); }

}  // namespace udsrpc::parity
