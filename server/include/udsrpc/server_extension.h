#ifndef UDSRPC_SERVER_EXTENSION_H_
#define UDSRPC_SERVER_EXTENSION_H_

#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "udsrpc/internal/server_monitor.h"
#include "udsrpc/server.h"
#include "udsrpc/server_interceptor.h"
#include "udsrpc/service.h"

namespace udsrpc {

// What an extension may know of its server. Valid until the server has ended.
struct ServerInfo {
  // Those of the application first, in the order of RegisterService, and then those of extensions.
  std::vector<const Service*> services;
  // See Server::endpoints().
  std::vector<std::string> endpoints;
  // For the extensions of this library, which count calls and hear of their ends by it: it may change in any release.
  internal::ServerMonitor* monitor = nullptr;
};

// Something that is registered at a server and follows its life, such as the standard services that tools and
// orchestrators ask: derive from it, and see ServerBuilder::AddExtension. Of one server.
class ServerExtension {
 public:
  virtual ~ServerExtension() = default;
  ServerExtension(const ServerExtension&) = delete;
  ServerExtension& operator=(const ServerExtension&) = delete;

  // Services that the server is to offer beside the application's; none null. They stay the extension's, and must
  // outlive the server. Asked once, by ServerBuilder::Start, as are the following two.
  virtual std::vector<Service*> services() { return {}; }

  // Of methods, by their paths ("/package.Service/Method"); where ServerBuilder::SetMethodOptions says something of
  // one, only that holds, and of several extensions the one that was added first. A path that no service has makes
  // Start end with INVALID_ARGUMENT.
  virtual std::map<std::string, MethodOptions> method_options() { return {}; }

  // Sees the calls of all services, the application's and other extensions', but for those that are refused before any
  // interceptor (see EndpointOptions, UserLimits). Outside those of ServerOptions::interceptors; of several extensions
  // that of the one that was added first is the outermost. Null, the default: there is none.
  virtual ServerInterceptorFactory interceptor() { return nullptr; }

  // By ServerBuilder::Start, once the endpoints are had and before anybody is accepted, in the order of AddExtension.
  // Where it is not OK, Start returns it, and no server has been. `server` outlives OnEnd.
  virtual absl::Status OnStart(const ServerInfo& /*server*/) { return absl::OkStatus(); }

  // The server is about to end: Server::Shutdown was called, or another server has taken over; or Start has failed
  // after this one's OnStart, as where another extension's was not OK. Once, where OnStart was OK, in the order of
  // AddExtension, and before any call is refused; calls that run go on until the server's deadline. Called by the
  // thread that ends the server, which it must not block: what waits in handlers of the extension's is to be ended by
  // it, as the server waits for them.
  virtual void OnEnd() {}

 protected:
  ServerExtension() = default;
};

}  // namespace udsrpc

#endif  // UDSRPC_SERVER_EXTENSION_H_
