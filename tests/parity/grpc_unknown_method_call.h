#ifndef UDSRPC_TESTS_PARITY_GRPC_UNKNOWN_METHOD_CALL_H_
#define UDSRPC_TESTS_PARITY_GRPC_UNKNOWN_METHOD_CALL_H_

#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>
#include <grpcpp/generic/generic_stub.h>

#include <memory>

#include "parity.grpc.pb.h"
#include "tests/parity/client_call.h"

namespace udsrpc::parity {

// A unary call of a method that the service has not, which no generated stub can make, through gRPC's generic stub.
class StockUnknownMethodCall final : public ClientCall {
 public:
  StockUnknownMethodCall(std::shared_ptr<grpc::Channel> channel, const CallOptions& options);
  ~StockUnknownMethodCall() override;

  void Start(const Note& request) override { request_ = request; }
  bool Read(Note& /*note*/) override { return false; }
  bool Write(const Note& /*note*/, bool /*last*/) override { return false; }
  bool WritesDone() override { return false; }
  void WaitForInitialMetadata() override {}
  Outcome Finish() override;
  void Cancel() override { context_.TryCancel(); }

  const Note& reply() const override { return reply_; }
  Entries initial_metadata() const override;
  Entries trailing_metadata() const override;

 private:
  grpc::TemplatedGenericStub<Note, Note> stub_;
  grpc::CompletionQueue queue_;
  grpc::ClientContext context_;
  Note request_;
  Note reply_;
};

}  // namespace udsrpc::parity

#endif  // UDSRPC_TESTS_PARITY_GRPC_UNKNOWN_METHOD_CALL_H_
