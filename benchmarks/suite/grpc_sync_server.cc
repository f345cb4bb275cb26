#include "benchmarks/suite/grpc_server.h"
#include "echo.grpc.pb.h"

namespace udsrpc::benchmarks {
namespace {

class SyncEcho final : public Echo::Service {
  grpc::Status Unary(grpc::ServerContext*, const Payload* request, Payload* reply) override {
    AnswerUnary(*request, *reply);
    return grpc::Status::OK;
  }
  grpc::Status Download(grpc::ServerContext*, const DownloadRequest* request,
                        grpc::ServerWriter<Payload>* writer) override {
    Payload payload;
    payload.set_data(request->data());
    for (uint64_t sent = 0; request->count() == 0 || sent < request->count(); ++sent) {
      if (!writer->Write(payload)) break;
    }
    return grpc::Status::OK;
  }
  grpc::Status PingPong(grpc::ServerContext*, grpc::ServerReaderWriter<Payload, Payload>* stream) override {
    for (Payload payload; stream->Read(&payload) && stream->Write(payload);) continue;
    return grpc::Status::OK;
  }
  grpc::Status Upload(grpc::ServerContext*, grpc::ServerReader<Payload>* reader, UploadReply* reply) override {
    uint64_t bytes = 0;
    for (Payload payload; reader->Read(&payload);) bytes += payload.data().size();
    reply->set_bytes(bytes);
    return grpc::Status::OK;
  }
};

}  // namespace

std::unique_ptr<RunningServer> ServeGrpcSync(const std::string& path) {
  return std::make_unique<GrpcServer<SyncEcho>>(path);
}

}  // namespace udsrpc::benchmarks
