#ifndef UDSRPC_BENCHMARKS_SUITE_GRPC_CLIENT_H_
#define UDSRPC_BENCHMARKS_SUITE_GRPC_CLIENT_H_

#include <grpcpp/client_context.h>
#include <grpcpp/support/status.h>

#include <memory>
#include <string>

#include "benchmarks/suite/system.h"
#include "echo.grpc.pb.h"

namespace udsrpc::benchmarks {

void Require(const grpc::Status& status);
void Require(bool condition, const char* what);

struct GrpcContext : grpc::ClientContext {
  GrpcContext() { set_deadline(std::chrono::system_clock::now() + kCallTimeout); }
};

// gRPC's blocking stub: the thread that waits polls.
class GrpcSyncConnection : public Connection {
 public:
  explicit GrpcSyncConnection(const std::string& path);

  void Echo(const std::string& payload, std::chrono::microseconds handler_sleep) override;
  bool EchoMany(int outstanding, const std::string& payload, Load& load) override;
  bool Download(const std::string& payload, Load& load) override;
  bool PingPong(const std::string& payload, Load& load) override;
  bool Upload(const std::string& chunk, uint64_t bytes) override;

 protected:
  Echo::Stub& stub() { return *stub_; }

 private:
  const std::unique_ptr<Echo::Stub> stub_;
};

// Reactors; a blocking unary call is the same as above.
class GrpcCallbackConnection final : public GrpcSyncConnection {
 public:
  using GrpcSyncConnection::GrpcSyncConnection;

  bool EchoMany(int outstanding, const std::string& payload, Load& load) override;
  bool Download(const std::string& payload, Load& load) override;
  bool PingPong(const std::string& payload, Load& load) override;
  bool Upload(const std::string& chunk, uint64_t bytes) override;
};

// A completion queue for many calls, polled by the thread that makes them. For streams the blocking stub does just
// that by itself.
class GrpcQueueConnection final : public GrpcSyncConnection {
 public:
  using GrpcSyncConnection::GrpcSyncConnection;

  bool EchoMany(int outstanding, const std::string& payload, Load& load) override;
};

}  // namespace udsrpc::benchmarks

#endif  // UDSRPC_BENCHMARKS_SUITE_GRPC_CLIENT_H_
