#ifndef UDSRPC_REFLECTION_H_
#define UDSRPC_REFLECTION_H_

#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "udsrpc/server_extension.h"
#include "udsrpc/service.h"

namespace udsrpc {

// Server reflection, grpc.reflection.v1 and v1alpha: tells clients which services the server has, and what their
// messages are made of, so that tools (`udsrpc call`, grpcurl, Postman) need no .proto files. Link udsrpc::reflection,
// which is there where Debian's grpc-proto is.
//
//   udsrpc::Reflection reflection;
//   builder.AddExtension(&reflection);
//
// It answers from the messages that are linked into the program, and lists the services of the server, its own
// included. Whoever may call the server may ask; MethodOptions::allowed_uids of
// "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo", and of the same of v1alpha, say otherwise.
//
// A file comes with those that it imports, up to 2 MiB; a client asks for the rest by name. Streams of it take no
// thread while they wait, and end with UNAVAILABLE when the server is about to end: a client may be owed answers then,
// and is to ask again elsewhere. (Those of Health end with OK, as their last message says it all.)
//
// Thread-safe. Of one server at a time, which it must outlive.
class Reflection final : public ServerExtension {
 public:
  Reflection();
  ~Reflection() override;

  std::vector<Service*> services() override;
  absl::Status OnStart(const ServerInfo& server) override;
  void OnEnd() override;

 private:
  class Streams;
  const std::shared_ptr<Streams> streams_;
  const std::unique_ptr<Service> v1_;
  const std::unique_ptr<Service> v1alpha_;
};

}  // namespace udsrpc

#endif  // UDSRPC_REFLECTION_H_
