#ifndef UDSRPC_CLIENT_SEQPACKET_ASYNC_UNARY_CALL_H_
#define UDSRPC_CLIENT_SEQPACKET_ASYNC_UNARY_CALL_H_

#include <optional>

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
  ~SeqpacketAsyncUnaryCall() override { Abandon(); }

  void Start(Done done) override;

 private:
  void Proceed() override ABSL_UNLOCK_FUNCTION(mutex_);

  const google::protobuf::MessageLite& request_;
  google::protobuf::MessageLite& response_;
  Done done_;
  std::optional<MessageReader::Outcome> reply_;  // of one that came ahead of the status
};

}  // namespace udsrpc

#endif  // UDSRPC_CLIENT_SEQPACKET_ASYNC_UNARY_CALL_H_
