#ifndef UDSRPC_SERVER_INTERCEPTOR_H_
#define UDSRPC_SERVER_INTERCEPTOR_H_

#include <functional>
#include <memory>

#include "absl/status/status.h"
#include "udsrpc/metadata.h"
#include "udsrpc/method.h"
#include "udsrpc/server_context.h"

namespace google::protobuf {
class MessageLite;
}

namespace udsrpc {

// Sees one call from the server's side, whatever its kind and transport, as ClientInterceptor does from the other. The
// functions are called by the handler's threads, or for a coroutine by whichever thread it is on: OnSend beside
// OnReceive where the handler writes while another of its threads reads, all others alone.
class ServerInterceptor {
 public:
  virtual ~ServerInterceptor() = default;

  // Before the handler runs and before its request is parsed. May change the client's metadata as the handler will see
  // it, and add metadata to be sent. A status that is not OK is the call's: the handler does not run, and the
  // interceptors behind this one do not see the call.
  virtual absl::Status OnStart(ServerContext& /*context*/, Metadata& /*client_metadata*/) { return absl::OkStatus(); }

  // Each message that came, before the handler sees it, and each that goes, before it is sent.
  virtual void OnReceive(const google::protobuf::MessageLite& /*message*/) {}
  virtual void OnSend(const google::protobuf::MessageLite& /*message*/) {}

  // Once, last, where OnStart was called: the status that the call is about to end with, while metadata may still be
  // added. The client may have ended the call in another way meanwhile.
  virtual void OnFinish(ServerContext& /*context*/, const absl::Status& /*status*/) {}
};

// Makes the interceptor of a call, or null for one that it does not want to see. Called by many threads at once.
using ServerInterceptorFactory = std::function<std::unique_ptr<ServerInterceptor>(const MethodDescriptor& method)>;

}  // namespace udsrpc

#endif  // UDSRPC_SERVER_INTERCEPTOR_H_
