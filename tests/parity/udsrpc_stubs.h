#ifndef UDSRPC_TESTS_PARITY_UDSRPC_STUBS_H_
#define UDSRPC_TESTS_PARITY_UDSRPC_STUBS_H_

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "parity.udsrpc.pb.h"
#include "tests/parity/client_call.h"
#include "tests/parity/udsrpc_outcome.h"
#include "udsrpc/client_context.h"

// What calls through each of udsrpc's faces need.

namespace udsrpc::parity {

// The stub of a newer Calls: it has one unary method more.
class UnknownMethodStub : public CallsStub {
 public:
  class AsyncStub : public CallsStub::AsyncStub {
   public:
    explicit AsyncStub(std::shared_ptr<Channel> channel)
        : CallsStub::AsyncStub(channel), channel_(std::move(channel)) {}
    void Unary(ClientContext& context, const Note& request, Note& reply, AsyncUnaryCall::Done done) const {
      channel_->UnaryCall({kUnknownMethod, MethodKind::kUnary}, context, request, reply, std::move(done));
    }
    UnaryCall<Note> Unary(ClientContext& context, const Note& request) const {
      return UnaryCall<Note>(channel_, {kUnknownMethod, MethodKind::kUnary}, context, request);
    }

   private:
    std::shared_ptr<Channel> channel_;
  };

  explicit UnknownMethodStub(std::shared_ptr<Channel> channel) : CallsStub(channel), channel_(std::move(channel)) {}
  AsyncStub Async() const { return AsyncStub(channel_); }
  absl::Status Unary(ClientContext& context, const Note& request, Note& reply) const {
    return channel_->UnaryCall({kUnknownMethod, MethodKind::kUnary}, context, request, reply);
  }

 private:
  std::shared_ptr<Channel> channel_;
};

// A call's context and what is in it, whichever face the call is made through.
class UdsrpcCallBase : public ClientCall {
 public:
  UdsrpcCallBase(const CallOptions& options, std::vector<std::string>& refused) : kind_(options.kind) {
    for (const auto& [key, value] : options.metadata) {
      if (!context_.AddMetadata(key, value).ok()) refused.push_back(key);
    }
    context_.set_wait_for_ready(options.wait_for_ready);
    if (options.deadline != absl::InfiniteFuture()) {
      context_.set_deadline(options.deadline);
    } else {
      context_.set_timeout(options.timeout);
    }
  }

  void Cancel() override { context_.Cancel(); }
  const Note& reply() const override { return reply_; }
  Entries initial_metadata() const override { return FromMetadata(context_.server_initial_metadata()); }
  Entries trailing_metadata() const override { return FromMetadata(context_.server_trailing_metadata()); }

 protected:
  const MethodKind kind_;
  ClientContext context_;
  Note request_;
  Note reply_;
};

// A `Call<Stub>` with the stub that the options ask for.
template <template <typename Stub> class Call>
std::unique_ptr<ClientCall> MakeCallOf(const std::shared_ptr<Channel>& channel, const CallOptions& options,
                                       std::vector<std::string>& refused) {
  switch (options.service) {
    case CalledService::kCalls:
      break;
    case CalledService::kUnwritten:
      return std::make_unique<Call<UnwrittenStub>>(channel, options, refused);
    case CalledService::kAbsent:
      return std::make_unique<Call<AbsentStub>>(channel, options, refused);
    case CalledService::kUnknownMethod:
      return std::make_unique<Call<UnknownMethodStub>>(channel, options, refused);
  }
  return std::make_unique<Call<CallsStub>>(channel, options, refused);
}

}  // namespace udsrpc::parity

#endif  // UDSRPC_TESTS_PARITY_UDSRPC_STUBS_H_
