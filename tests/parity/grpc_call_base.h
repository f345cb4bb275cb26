#ifndef UDSRPC_TESTS_PARITY_GRPC_CALL_BASE_H_
#define UDSRPC_TESTS_PARITY_GRPC_CALL_BASE_H_

#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>

#include <memory>

#include "absl/time/clock.h"
#include "parity.grpc.pb.h"
#include "tests/parity/client_call.h"
#include "tests/parity/grpc_outcome.h"
#include "tests/parity/grpc_unknown_method_call.h"

namespace udsrpc::parity {

// What calls through gRPC's stubs have in common, whichever of its interfaces makes them.
class StockCallBase : public ClientCall {
 public:
  explicit StockCallBase(const CallOptions& options) : kind_(options.kind) {
    for (const auto& [key, value] : options.metadata) context_.AddMetadata(key, value);
    context_.set_wait_for_ready(options.wait_for_ready);
    if (options.deadline != absl::InfiniteFuture()) {
      context_.set_deadline(absl::ToChronoTime(options.deadline));
    } else if (options.timeout != absl::InfiniteDuration()) {
      context_.set_deadline(absl::ToChronoTime(absl::Now() + options.timeout));
    }
  }

  void Cancel() override { context_.TryCancel(); }

  const Note& reply() const override { return reply_; }
  // gRPC ends the program where nobody has asked for it.
  Entries initial_metadata() const override {
    return has_initial_metadata_ ? FromGrpc(context_.GetServerInitialMetadata()) : Entries();
  }
  Entries trailing_metadata() const override { return FromGrpc(context_.GetServerTrailingMetadata()); }

 protected:
  const MethodKind kind_;
  grpc::ClientContext context_;
  Note request_;
  Note reply_;
  bool has_initial_metadata_ = false;
};

// A `Call` of the stub of the service that the options say.
template <template <typename Stub> class Call>
std::unique_ptr<ClientCall> MakeStockCallOf(const std::shared_ptr<grpc::Channel>& channel, const CallOptions& options) {
  switch (options.service) {
    case CalledService::kCalls:
      break;
    case CalledService::kUnwritten:
      return std::make_unique<Call<Unwritten::Stub>>(Unwritten::NewStub(channel), options);
    case CalledService::kAbsent:
      return std::make_unique<Call<Absent::Stub>>(Absent::NewStub(channel), options);
    case CalledService::kUnknownMethod:
      return std::make_unique<StockUnknownMethodCall>(channel, options);
  }
  return std::make_unique<Call<Calls::Stub>>(Calls::NewStub(channel), options);
}

}  // namespace udsrpc::parity

#endif  // UDSRPC_TESTS_PARITY_GRPC_CALL_BASE_H_
