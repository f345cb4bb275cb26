#ifndef UDSRPC_CLIENT_INTERCEPTOR_H_
#define UDSRPC_CLIENT_INTERCEPTOR_H_

#include <functional>
#include <memory>

#include "absl/status/status.h"
#include "udsrpc/client_context.h"
#include "udsrpc/metadata.h"
#include "udsrpc/method.h"

namespace google::protobuf {
class MessageLite;
}

namespace udsrpc {

// Sees one call from the client's side, whatever its kind and transport; derive from it and override what is wanted.
// The functions are called by the threads that use the call, and for asynchronous calls by those that run its
// completions: OnSend beside OnReceive where one thread writes while another reads, all others alone. They must not
// block for long and must not throw.
class ClientInterceptor {
 public:
  virtual ~ClientInterceptor() = default;

  // Before anything is sent. May change the metadata to be sent, and the context's deadline. A status that is not OK
  // ends the call with it: nothing is sent, and the interceptors behind this one do not see the call.
  virtual absl::Status OnStart(ClientContext& /*context*/, Metadata& /*metadata*/) { return absl::OkStatus(); }

  // Each message that is written, before it is sent, and each that was read, before the caller sees it.
  virtual void OnSend(const google::protobuf::MessageLite& /*message*/) {}
  virtual void OnReceive(const google::protobuf::MessageLite& /*message*/) {}

  // Once, last, where OnStart was called: the status is what the caller is about to get, and the context has the
  // server's metadata. A stream that is destroyed before Finish ends with CANCELLED.
  virtual void OnFinish(const ClientContext& /*context*/, const absl::Status& /*status*/) {}
};

// Makes the interceptor of a call, or null for one that it does not want to see. Called by many threads at once.
using ClientInterceptorFactory = std::function<std::unique_ptr<ClientInterceptor>(const MethodDescriptor& method)>;

}  // namespace udsrpc

#endif  // UDSRPC_CLIENT_INTERCEPTOR_H_
