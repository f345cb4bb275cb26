#ifndef UDSRPC_CLIENT_SEQPACKET_ASYNC_UNARY_CALL_H_
#define UDSRPC_CLIENT_SEQPACKET_ASYNC_UNARY_CALL_H_

#include <optional>

#include "absl/base/thread_annotations.h"
#include "client/src/completion_turn.h"
#include "client/src/seqpacket_async_call.h"
#include "udsrpc/async_call.h"

namespace udsrpc {

// An asynchronous unary call over seqpacket.
class SeqpacketAsyncUnaryCall final : public AsyncUnaryCall, private SeqpacketAsyncCall {
 public:
  using SeqpacketAsyncCall::Transport;

  SeqpacketAsyncUnaryCall(const Transport& transport, const MethodDescriptor& method, ClientContext& context,
                          const google::protobuf::MessageLite& request, google::protobuf::MessageLite& response)
      : SeqpacketAsyncCall(transport, method, context), request_(request), response_(response) {}
  ~SeqpacketAsyncUnaryCall() override;

 private:
  void StartCall(Done done) override;
  void Proceed() override ABSL_UNLOCK_FUNCTION(mutex_);

  const google::protobuf::MessageLite& request_;
  google::protobuf::MessageLite& response_;
  Done done_;
  CompletionTurn<bool> turn_ ABSL_GUARDED_BY(mutex_);
  std::optional<MessageReader::Outcome> reply_;  // of one that came ahead of the status
};

}  // namespace udsrpc

#endif  // UDSRPC_CLIENT_SEQPACKET_ASYNC_UNARY_CALL_H_
