// A server of gRPC's own, with its health checking and reflection, and without a line of udsrpc:
//
//   stock_server TARGET
//
// Prints "ready" when it serves, and shuts down when its input ends.

#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <unistd.h>

#include <cstdio>
#include <memory>
#include <string>

#include "tests/proto/testing.grpc.pb.h"

namespace udsrpc::testing {
namespace {

class StockTestService final : public Test::Service {
  grpc::Status Echo(grpc::ServerContext* /*context*/, const EchoRequest* request, EchoReply* reply) override {
    reply->set_text(request->text());
    return grpc::Status::OK;
  }
  grpc::Status Fail(grpc::ServerContext* /*context*/, const FailRequest* request, EchoReply* /*reply*/) override {
    return grpc::Status(static_cast<grpc::StatusCode>(request->code()), request->message());
  }
  grpc::Status Count(grpc::ServerContext* /*context*/, const InflateRequest* request,
                     grpc::ServerWriter<EchoReply>* writer) override {
    EchoReply reply;
    reply.set_text(std::string(request->bytes(), 'x'));
    for (uint64_t i = 0; i < request->messages(); ++i) writer->Write(reply);
    return grpc::Status::OK;
  }
  grpc::Status Collect(grpc::ServerContext* /*context*/, grpc::ServerReader<EchoRequest>* reader,
                       CollectReply* reply) override {
    EchoRequest request;
    while (reader->Read(&request)) {
      reply->set_messages(reply->messages() + 1);
      reply->set_bytes(reply->bytes() + request.text().size());
    }
    return grpc::Status::OK;
  }
  grpc::Status Chat(grpc::ServerContext* /*context*/,
                    grpc::ServerReaderWriter<EchoReply, EchoRequest>* stream) override {
    EchoRequest request;
    EchoReply reply;
    while (stream->Read(&request)) {
      reply.set_text(request.text());
      stream->Write(reply);
    }
    return grpc::Status::OK;
  }
};

}  // namespace
}  // namespace udsrpc::testing

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  grpc::EnableDefaultHealthCheckService(true);
  grpc::reflection::InitProtoReflectionServerBuilderPlugin();
  udsrpc::testing::StockTestService service;
  grpc::ServerBuilder builder;
  builder.AddListeningPort(argv[1], grpc::InsecureServerCredentials());
  builder.RegisterService(&service);
  const std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  if (server == nullptr) return 1;
  server->GetHealthCheckService()->SetServingStatus("udsrpc.testing.Test", true);
  std::printf("ready\n");
  std::fflush(stdout);
  char byte;
  while (read(STDIN_FILENO, &byte, 1) > 0) {
  }
  server->Shutdown(std::chrono::system_clock::now() + std::chrono::seconds(5));
  return 0;
}
