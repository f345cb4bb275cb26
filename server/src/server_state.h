#ifndef UDSRPC_SERVER_SERVER_STATE_H_
#define UDSRPC_SERVER_SERVER_STATE_H_

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "server/src/acceptor.h"
#include "server/src/admission.h"
#include "server/src/dispatch.h"
#include "server/src/server_transport.h"
#include "server/src/takeover_listener.h"
#include "server/src/user.h"
#include "udsrpc/internal/mutex.h"
#include "udsrpc/internal/server_monitor.h"
#include "udsrpc/server.h"
#include "udsrpc/server_extension.h"

namespace udsrpc {

// What a running server is made of; later members use earlier ones.
struct Server::State final : public TakeoverListener::Predecessor, public internal::ServerMonitor {
  // An endpoint without a name.
  struct Unnamed {
    Admission admission;
    bool peer_pidfd;
    ServerTransport* grpc;       // null: it does not offer that
    ServerTransport* seqpacket;  // or that
  };

  const absl::Time started = absl::Now();
  const std::chrono::steady_clock::time_point steadily_started = std::chrono::steady_clock::now();
  MethodTable methods;
  std::unique_ptr<Users> users;
  std::vector<std::unique_ptr<ServerTransport>> transports;
  std::optional<Unnamed> unnamed;
  std::unique_ptr<Acceptor> acceptor;
  absl::Duration drain_timeout = absl::ZeroDuration();
  ServerInfo info;
  std::vector<ServerExtension*> extensions;  // that have started

  internal::Mutex mutex;
  internal::CondVar changed;
  bool handing_over ABSL_GUARDED_BY(mutex) = false;  // between Pause and Resume or HandOver
  bool shutting_down ABSL_GUARDED_BY(mutex) = false;
  bool shut_down ABSL_GUARDED_BY(mutex) = false;
  End end ABSL_GUARDED_BY(mutex) = End::kShutdown;
  absl::Time drain_deadline ABSL_GUARDED_BY(mutex) = absl::InfiniteFuture();  // where a successor has taken over

  std::unique_ptr<TakeoverListener> takeover;

  // Does it to all transports side by side: one that has yet to begin would go on taking calls.
  void ForEachTransport(const std::function<void(ServerTransport&)>& action);
  // ServerExtension::OnStart, and OnEnd.
  absl::Status StartExtensions(const std::vector<ServerExtension*>& all);
  void EndExtensions();
  // Whether the calling thread runs handlers, which Shutdown waits for.
  bool CallerServes();
  // Another thread has shut the server down, or will have.
  void AwaitEnd() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex);

  // internal::ServerMonitor
  ServerStats Stats() override;
  void SetListener(internal::CallEndListener* listener) override { methods.monitor().SetListener(listener); }

  // TakeoverListener::Predecessor
  const std::vector<Acceptor::Listener>& listeners() const override { return acceptor->listeners(); }
  bool Pause() override;
  void Resume() override;
  void HandOver(const std::vector<size_t>& taken) override;
};

}  // namespace udsrpc

#endif  // UDSRPC_SERVER_SERVER_STATE_H_
