#ifndef UDSRPC_SERVER_DISPATCH_H_
#define UDSRPC_SERVER_DISPATCH_H_

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "server/src/admission.h"
#include "server/src/call_monitor.h"
#include "server/src/method_pace.h"
#include "server/src/server_call.h"
#include "udsrpc/server.h"
#include "udsrpc/server_interceptor.h"
#include "udsrpc/service.h"

namespace udsrpc {

// The methods of a server by path. Filled before the server starts and constant from then on, but for the methods'
// paces and what is counted of their calls, hence thread-safe.
class MethodTable {
 public:
  // `service` must outlive the table. ALREADY_EXISTS: a service of that name is there.
  absl::Status Add(const Service& service);

  // "/package.Service/Method", or null. Lives as long as the service.
  const ServerMethod* Find(absl::string_view path) const;

  // INVALID_ARGUMENT: no service has a method of that path.
  absl::Status SetOptions(absl::string_view path, const MethodOptions& options);
  // Of a method of this table.
  MethodPace& PaceOf(const ServerMethod& method) const { return *paces_.find(&method)->second; }

  // What is counted of their calls.
  CallMonitor& monitor() const { return *monitor_; }

  // OK, or PERMISSION_DENIED: `method`, which is of this table, is not for who has made the call.
  absl::Status CheckAdmitted(const ServerMethod& method, ServerCall& call) const {
    return admissions_.empty() ? absl::OkStatus() : CheckAdmitted(method, call.context().peer());
  }

  // Why Find found nothing: UNIMPLEMENTED, naming the service or the method that is not there.
  absl::Status NotFound(absl::string_view path) const;

  // Of all calls that are dispatched.
  void SetInterceptors(std::vector<ServerInterceptorFactory> interceptors) { interceptors_ = std::move(interceptors); }
  const std::vector<ServerInterceptorFactory>& interceptors() const { return interceptors_; }

 private:
  absl::Status CheckAdmitted(const ServerMethod& method, const Peer& peer) const;

  absl::flat_hash_map<std::string, const ServerMethod*> methods_;
  absl::flat_hash_map<const ServerMethod*, std::unique_ptr<MethodPace>> paces_;
  absl::flat_hash_map<const ServerMethod*, Admission> admissions_;  // of methods that are not for everybody
  absl::flat_hash_set<std::string> services_;
  std::vector<ServerInterceptorFactory> interceptors_;
  const std::unique_ptr<CallMonitor> monitor_ = std::make_unique<CallMonitor>();
};

// Runs the handler of `method`, which is of `table`, on the calling thread and finishes `call`; or begins it, where it
// is a coroutine, and has `call` kept and finished when that has ended. A handler that throws ends its call with
// UNKNOWN, as in gRPC; a request that does not parse ends it with INTERNAL, as in gRPC. `call` may be gone when this
// returns.
void Dispatch(const MethodTable& table, const ServerMethod& method, ServerCall& call);

}  // namespace udsrpc

#endif  // UDSRPC_SERVER_DISPATCH_H_
