#ifndef UDSRPC_INTROSPECTION_H_
#define UDSRPC_INTROSPECTION_H_

#include <sys/types.h>

#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "udsrpc/server_extension.h"

namespace udsrpc {

// Set by designated initializers: every field has a default, and fields are added, never reordered. With one that is
// less than it says ServerBuilder::Start ends with INVALID_ARGUMENT.
struct IntrospectionOptions {
  // Users and groups that may ask beside the server's own user and root, see MethodOptions. They learn who else calls,
  // what, and how that ends.
  std::vector<uid_t> allowed_uids = {};
  std::vector<gid_t> allowed_gids = {};

  // What is kept for somebody who watches calls and does not take what has come, in calls; beyond it they are dropped,
  // and counted. See max_waiting_bytes as well. At least 1.
  size_t max_waiting_calls = 1024;

  // Those who watch at a time, each of whom takes a thread of ServerOptions::max_handler_threads; more get
  // RESOURCE_EXHAUSTED. At least 1.
  size_t max_watchers = 16;

  // Of the requests of one call, in bytes of their encodings and 64 for each message, what those may see who watch and
  // ask for it, as `udsrpc record` does; of longer ones as many messages as fit. They are kept from when they come
  // until the call ends, and then for those who ask. 0, the default: nothing, and each call costs nothing for it; else
  // each call costs some tens of nanoseconds, and where somebody asks, the time to serialize its requests again. Such
  // calls are told of with the status that their handlers ended with, though clients may have ended them otherwise.
  size_t max_payload_bytes = 0;

  // As max_waiting_calls, in bytes: where so many wait already, a call that ends is dropped, so one watcher has no more
  // waiting than this and one call. A call is counted with 512 bytes, its method and its status's message, each cut
  // after 1 KiB, and its payloads. At least 1.
  size_t max_waiting_bytes = 4 << 20;
};

// Offers udsrpc.v1.Introspection (proto/udsrpc/v1/introspection.proto), which the commands `udsrpc stats`, `top`,
// `trace` and `record` ask:
//
//   udsrpc::Introspection introspection;
//   builder.AddExtension(&introspection);
//
// Of one server at a time, which it must outlive.
//
// Who does not watch costs the server's calls nothing; who does costs a call about a microsecond, and never makes it
// wait. Watching ends with the server; whoever has stopped reading is ended by the server's deadline at the latest.
// Link udsrpc::introspection beside udsrpc::udsrpc or udsrpc::seqpacket. Thread-safe.
class Introspection final : public ServerExtension {
 public:
  explicit Introspection(IntrospectionOptions options = {});
  ~Introspection() override;

  // ServerExtension
  std::vector<Service*> services() override;
  std::map<std::string, MethodOptions> method_options() override;
  ServerInterceptorFactory interceptor() override;
  absl::Status OnStart(const ServerInfo& server) override;
  void OnEnd() override;

 private:
  class Impl;
  const std::unique_ptr<Impl> impl_;
};

}  // namespace udsrpc

#endif  // UDSRPC_INTROSPECTION_H_
