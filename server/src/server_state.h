#ifndef UDSRPC_SERVER_SERVER_STATE_H_
#define UDSRPC_SERVER_SERVER_STATE_H_

#include <memory>
#include <optional>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "server/src/acceptor.h"
#include "server/src/admission.h"
#include "server/src/dispatch.h"
#include "server/src/server_transport.h"
#include "server/src/user.h"
#include "udsrpc/internal/mutex.h"
#include "udsrpc/server.h"

namespace udsrpc {

// What a running server is made of; later members use earlier ones.
struct Server::State {
  // An endpoint without a name.
  struct Unnamed {
    Admission admission;
    bool peer_pidfd;
    ServerTransport* grpc;       // null: it does not offer that
    ServerTransport* seqpacket;  // or that
  };

  MethodTable methods;
  std::unique_ptr<Users> users;
  std::vector<std::unique_ptr<ServerTransport>> transports;
  std::optional<Unnamed> unnamed;
  std::unique_ptr<Acceptor> acceptor;

  internal::Mutex mutex;
  internal::CondVar changed;
  bool shutting_down ABSL_GUARDED_BY(mutex) = false;
  bool shut_down ABSL_GUARDED_BY(mutex) = false;
};

}  // namespace udsrpc

#endif  // UDSRPC_SERVER_SERVER_STATE_H_
