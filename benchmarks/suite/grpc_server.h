#ifndef UDSRPC_BENCHMARKS_SUITE_GRPC_SERVER_H_
#define UDSRPC_BENCHMARKS_SUITE_GRPC_SERVER_H_

#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>

#include <memory>
#include <string>
#include <thread>

#include "benchmarks/suite/system.h"
#include "echo.pb.h"

// gRPC's three kinds of servers.

namespace udsrpc::benchmarks {

std::unique_ptr<RunningServer> ServeGrpcSync(const std::string& path);
std::unique_ptr<RunningServer> ServeGrpcCallback(const std::string& path);
std::unique_ptr<RunningServer> ServeGrpcQueue(const std::string& path);

// What Unary does, in each.
inline void AnswerUnary(const Payload& request, Payload& reply) {
  if (request.sleep_us() > 0) std::this_thread::sleep_for(std::chrono::microseconds(request.sleep_us()));
  reply.set_data(request.data());
}

inline std::unique_ptr<grpc::Server> StartGrpc(grpc::ServerBuilder& builder, const std::string& path,
                                               grpc::Service& service) {
  builder.AddListeningPort("unix:" + path, grpc::InsecureServerCredentials());
  builder.RegisterService(&service);
  std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  if (server == nullptr) Fail("gRPC cannot serve " + path);
  return server;
}

// Of a service that answers by itself.
template <typename Service>
class GrpcServer final : public RunningServer {
 public:
  explicit GrpcServer(const std::string& path) {
    grpc::ServerBuilder builder;
    server_ = StartGrpc(builder, path, service_);
  }
  ~GrpcServer() override { server_->Shutdown(std::chrono::system_clock::now()); }

 private:
  Service service_;
  std::unique_ptr<grpc::Server> server_;
};

}  // namespace udsrpc::benchmarks

#endif  // UDSRPC_BENCHMARKS_SUITE_GRPC_SERVER_H_
