// Stock gRPC C++, in each of the ways to use it; the table has the best of them for each workload.

#include <grpc/grpc.h>

#include "benchmarks/suite/grpc_client.h"
#include "benchmarks/suite/grpc_server.h"
#include "benchmarks/suite/system.h"

namespace udsrpc::benchmarks {
namespace {

template <typename Client>
std::unique_ptr<Connection> Connect(const std::string& path) {
  return std::make_unique<Client>(path);
}

}  // namespace

const std::vector<System>& Systems() {
  grpc_init();  // and no end of it: that would wait for up to 10 s now and then, for what other threads still hold
  static const auto* const systems = new std::vector<System>{
      {.name = "grpc-sync", .serve = ServeGrpcSync, .connect = Connect<GrpcSyncConnection>},
      {.name = "grpc-callback", .serve = ServeGrpcCallback, .connect = Connect<GrpcCallbackConnection>},
      {.name = "grpc-cq", .serve = ServeGrpcQueue, .connect = Connect<GrpcQueueConnection>},
  };
  return *systems;
}

}  // namespace udsrpc::benchmarks
