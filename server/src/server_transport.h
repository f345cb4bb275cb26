#ifndef UDSRPC_SERVER_SERVER_TRANSPORT_H_
#define UDSRPC_SERVER_SERVER_TRANSPORT_H_

#include <memory>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "server/src/caller.h"
#include "udsrpc/unique_fd.h"

namespace udsrpc {

// Serves accepted connections of one kind: our listener accepts and admits, a transport does the rest. Thread-safe.
class ServerTransport {
 public:
  // After Shutdown only.
  virtual ~ServerTransport() = default;

  // The server is about to accept: serves what has come before, if anything could. Once.
  virtual void Begin() {}

  // Takes a connected, non-blocking, close-on-exec socket of `caller`. Never blocks for long. RESOURCE_EXHAUSTED: there
  // is no descriptor left for it, and it is closed.
  virtual absl::Status Adopt(UniqueFd connection, std::shared_ptr<const Caller> caller) = 0;

  // Notices now which connections have been closed, where it would later: there are too many.
  virtual void ForgetClosed() {}

  // A successor serves new connections by now, and nothing is adopted any more: asks the clients to move to it, and
  // serves their calls, new ones too, until all have closed their connections. Blocks until then, until `deadline`, or
  // until CutFarewellShort. Before Shutdown, and once.
  virtual void Farewell(absl::Time deadline) = 0;
  virtual void CutFarewellShort() = 0;

  // See Server::Shutdown. Nothing is adopted during or after it.
  virtual void Shutdown(absl::Time deadline) = 0;
  // Whether the calling thread is one of those that Shutdown waits for.
  virtual bool CallerServes() = 0;
};

}  // namespace udsrpc

#endif  // UDSRPC_SERVER_SERVER_TRANSPORT_H_
