#include "benchmarks/async_calls_stock.h"

#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <utility>

#include "absl/time/clock.h"
#include "async_calls.grpc.pb.h"

namespace udsrpc::benchmarks {
namespace {

void Require(const grpc::Status& status) {
  if (status.ok()) return;
  std::fprintf(stderr, "async_calls: stock gRPC: %s\n", status.error_message().c_str());
  std::exit(2);
}

}  // namespace

struct StockEchoes::Stub {
  std::unique_ptr<Echoes::Stub> echoes;
};

namespace {

// Calls of one caller, one after the other; deletes itself.
class CallbackCaller {
 public:
  CallbackCaller(Echoes::Stub& stub, const std::string& bytes, absl::Duration timeout, StockEchoes::Next next,
                 std::function<void()> ended)
      : stub_(stub), timeout_(timeout), next_(std::move(next)), ended_(std::move(ended)) {
    request_.set_bytes(bytes);
  }

  void Call() {
    context_ = std::make_unique<grpc::ClientContext>();
    context_->set_deadline(absl::ToChronoTime(absl::Now() + timeout_));
    stub_.async()->Echo(context_.get(), &request_, &reply_, [this](const grpc::Status& status) {
      Require(status);
      if (next_(reply_.bytes())) return Call();
      ended_();
      delete this;
    });
  }

 private:
  Echoes::Stub& stub_;
  const absl::Duration timeout_;
  const StockEchoes::Next next_;
  const std::function<void()> ended_;
  EchoPayload request_;
  EchoPayload reply_;
  std::unique_ptr<grpc::ClientContext> context_;
};

}  // namespace

StockEchoes::StockEchoes(const std::string& target)
    : stub_(*new Stub{.echoes = Echoes::NewStub(grpc::CreateChannel(target, grpc::InsecureChannelCredentials()))}) {}

void StockEchoes::CallBlocking(const std::string& bytes, absl::Duration timeout, const Next& next) const {
  EchoPayload request;
  EchoPayload reply;
  request.set_bytes(bytes);
  do {
    grpc::ClientContext context;
    context.set_deadline(absl::ToChronoTime(absl::Now() + timeout));
    Require(stub_.echoes->Echo(&context, request, &reply));
  } while (next(reply.bytes()));
}

void StockEchoes::CallWithCallbacks(const std::string& bytes, absl::Duration timeout, Next next,
                                    std::function<void()> ended) const {
  (new CallbackCaller(*stub_.echoes, bytes, timeout, std::move(next), std::move(ended)))->Call();
}

}  // namespace udsrpc::benchmarks
