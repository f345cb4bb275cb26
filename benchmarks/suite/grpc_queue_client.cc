#include <grpcpp/completion_queue.h>
#include <grpcpp/support/async_unary_call.h>

#include <vector>

#include "benchmarks/suite/grpc_client.h"

namespace udsrpc::benchmarks {
namespace {

// One of several callers, each of which makes one call after the other.
class Caller {
 public:
  Caller(Echo::Stub& stub, const std::string& payload, Load& load, grpc::CompletionQueue& queue)
      : stub_(stub), load_(load), queue_(queue) {
    request_.set_data(payload);
  }

  void Call() {
    sleep_ = load_.NextSleep();
    request_.set_sleep_us(static_cast<uint32_t>(sleep_.count()));
    context_ = std::make_unique<GrpcContext>();
    start_ = Clock::now();
    call_ = stub_.AsyncUnary(context_.get(), request_, &queue_);
    call_->Finish(&reply_, &status_, this);
  }

  // Whether there is another call now.
  bool Proceed() {
    Require(status_);
    Require(reply_.data() == request_.data(), "another reply");
    if (sleep_.count() == 0) load_.Record(start_);
    if (load_.over()) return false;
    Call();
    return true;
  }

 private:
  Echo::Stub& stub_;
  Load& load_;
  grpc::CompletionQueue& queue_;
  std::chrono::microseconds sleep_{0};
  Clock::time_point start_;
  std::unique_ptr<GrpcContext> context_;
  Payload request_;
  Payload reply_;
  grpc::Status status_;
  std::unique_ptr<grpc::ClientAsyncResponseReader<Payload>> call_;
};

}  // namespace

bool GrpcQueueConnection::EchoMany(int outstanding, const std::string& payload, Load& load) {
  grpc::CompletionQueue queue;
  std::vector<std::unique_ptr<Caller>> callers;
  for (int i = 0; i < outstanding; ++i) {
    callers.push_back(std::make_unique<Caller>(stub(), payload, load, queue));
    callers.back()->Call();
  }
  void* tag;
  for (bool ok; outstanding > 0 && queue.Next(&tag, &ok);) {
    if (!static_cast<Caller*>(tag)->Proceed()) --outstanding;
  }
  queue.Shutdown();
  for (bool ok; queue.Next(&tag, &ok);) continue;
  return true;
}

}  // namespace udsrpc::benchmarks
