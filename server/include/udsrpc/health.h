#ifndef UDSRPC_HEALTH_H_
#define UDSRPC_HEALTH_H_

#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "udsrpc/server_extension.h"
#include "udsrpc/service.h"

namespace udsrpc {

// Health checking, grpc.health.v1.Health: tells clients, load balancers and orchestrators whether a service is to be
// called at the moment. Link udsrpc::health, which is there where Debian's grpc-proto is.
//
//   udsrpc::Health health;
//   builder.AddExtension(&health);
//
// In the place of gRPC's EnableDefaultHealthCheckService and HealthCheckServiceInterface: SetServing is their
// SetServingStatus. What their Shutdown says, that nothing serves any more, Server::Shutdown says by itself, and
// SetMaintenance before that.
//
// What has a health: the server as a whole, whose name is "", each of its services ("package.Service", the standard
// ones included), and whatever other names the application sets, such as "database". With the server's start the first
// two are SERVING, unless they were set otherwise before. None depends on another: the application says what a broken
// database means to "".
//
// When the server is about to end, by Shutdown or because another one has taken over, all are NOT_SERVING for good.
// Those who watch are told, and their calls end within a second, so that they hold up no drain. They end with OK, as
// gRPC's clients drop what they have not read where it is an error. A client that reads nothing at all from its
// connection, so that this is full, holds the drain up to Shutdown's deadline, as any client; over gRPC so does one
// that left thousands of changes unread.
//
// Check of a name that has no health gives NOT_FOUND, and Watch SERVICE_UNKNOWN, and whatever it has later. Watch says
// the newest state, and leaves out what it was in between for a client that does not read. It takes no thread while it
// waits.
//
// Thread-safe. Of one server at a time, which it must outlive.
class Health final : public ServerExtension {
 public:
  Health();
  ~Health() override;

  // Whether `service` is SERVING or NOT_SERVING from now on. A name that no service has, be it mistyped, gets a health
  // of its own, and keeps it: nothing takes a name back. May be called before the server starts; says nothing once it
  // is about to end. Those who watch are told by the calling thread, which does not wait for them; not to be called
  // with a lock that an interceptor's OnFinish may want.
  void SetServing(absl::string_view service, bool serving);

  // While it is on, all are NOT_SERVING; what is set meanwhile holds when it is off again. Otherwise as SetServing.
  void SetMaintenance(bool maintenance);

  std::vector<Service*> services() override;
  absl::Status OnStart(const ServerInfo& server) override;
  void OnEnd() override;

 private:
  class HealthService;
  const std::unique_ptr<HealthService> service_;
};

}  // namespace udsrpc

#endif  // UDSRPC_HEALTH_H_
