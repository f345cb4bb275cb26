#include <grpcpp/support/server_callback.h>

#include "benchmarks/suite/grpc_server.h"
#include "echo.grpc.pb.h"

namespace udsrpc::benchmarks {
namespace {

class DownloadReactor final : public grpc::ServerWriteReactor<Payload> {
 public:
  explicit DownloadReactor(const DownloadRequest& request)
      : left_(request.count() == 0 ? UINT64_MAX : request.count()) {
    payload_.set_data(request.data());
    OnWriteDone(true);
  }

 private:
  void OnWriteDone(bool ok) override {
    if (!ok || left_ == 0) return Finish(grpc::Status::OK);
    --left_;
    StartWrite(&payload_);
  }
  void OnDone() override { delete this; }

  uint64_t left_;
  Payload payload_;
};

class PingPongReactor final : public grpc::ServerBidiReactor<Payload, Payload> {
 public:
  PingPongReactor() { StartRead(&payload_); }

 private:
  void OnReadDone(bool ok) override {
    if (!ok) return Finish(grpc::Status::OK);
    StartWrite(&payload_);
  }
  void OnWriteDone(bool ok) override {
    if (!ok) return Finish(grpc::Status::OK);
    StartRead(&payload_);
  }
  void OnDone() override { delete this; }

  Payload payload_;
};

class UploadReactor final : public grpc::ServerReadReactor<Payload> {
 public:
  explicit UploadReactor(UploadReply& reply) : reply_(reply) { StartRead(&payload_); }

 private:
  void OnReadDone(bool ok) override {
    if (!ok) return Finish(grpc::Status::OK);
    reply_.set_bytes(reply_.bytes() + payload_.data().size());
    StartRead(&payload_);
  }
  void OnDone() override { delete this; }

  UploadReply& reply_;
  Payload payload_;
};

class CallbackEcho final : public Echo::CallbackService {
  grpc::ServerUnaryReactor* Unary(grpc::CallbackServerContext* context, const Payload* request,
                                  Payload* reply) override {
    AnswerUnary(*request, *reply);
    grpc::ServerUnaryReactor* const reactor = context->DefaultReactor();
    reactor->Finish(grpc::Status::OK);
    return reactor;
  }
  grpc::ServerWriteReactor<Payload>* Download(grpc::CallbackServerContext*, const DownloadRequest* request) override {
    return new DownloadReactor(*request);
  }
  grpc::ServerBidiReactor<Payload, Payload>* PingPong(grpc::CallbackServerContext*) override {
    return new PingPongReactor;
  }
  grpc::ServerReadReactor<Payload>* Upload(grpc::CallbackServerContext*, UploadReply* reply) override {
    return new UploadReactor(*reply);
  }
};

}  // namespace

std::unique_ptr<RunningServer> ServeGrpcCallback(const std::string& path) {
  return std::make_unique<GrpcServer<CallbackEcho>>(path);
}

}  // namespace udsrpc::benchmarks
