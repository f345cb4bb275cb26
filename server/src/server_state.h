#ifndef UDSRPC_SERVER_SERVER_STATE_H_
#define UDSRPC_SERVER_SERVER_STATE_H_

#include <memory>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "server/src/acceptor.h"
#include "server/src/dispatch.h"
#include "server/src/server_transport.h"
#include "udsrpc/internal/mutex.h"
#include "udsrpc/server.h"

namespace udsrpc {

// What a running server is made of; later members use earlier ones.
struct Server::State {
  MethodTable methods;
  std::vector<std::unique_ptr<ServerTransport>> transports;
  std::unique_ptr<Acceptor> acceptor;

  internal::Mutex mutex;
  internal::CondVar changed;
  bool shutting_down ABSL_GUARDED_BY(mutex) = false;
  bool shut_down ABSL_GUARDED_BY(mutex) = false;
};

}  // namespace udsrpc

#endif  // UDSRPC_SERVER_SERVER_STATE_H_
