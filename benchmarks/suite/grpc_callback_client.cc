#include <grpcpp/support/client_callback.h>

#include <future>
#include <vector>

#include "absl/synchronization/blocking_counter.h"
#include "benchmarks/suite/grpc_client.h"

namespace udsrpc::benchmarks {
namespace {

// One of several callers, each of which makes one call after the other.
class Caller {
 public:
  Caller(Echo::Stub& stub, const std::string& payload, Load& load, absl::BlockingCounter& ended)
      : stub_(stub), load_(load), ended_(ended) {
    request_.set_data(payload);
  }

  void Call() {
    const std::chrono::microseconds sleep = load_.NextSleep();
    request_.set_sleep_us(static_cast<uint32_t>(sleep.count()));
    context_ = std::make_unique<GrpcContext>();
    const Clock::time_point start = Clock::now();
    stub_.async()->Unary(context_.get(), &request_, &reply_, [this, start, sleep](const grpc::Status& status) {
      Require(status);
      Require(reply_.data() == request_.data(), "another reply");
      if (sleep.count() == 0) load_.Record(start);
      if (load_.over()) {
        ended_.DecrementCount();
      } else {
        Call();
      }
    });
  }

 private:
  Echo::Stub& stub_;
  Load& load_;
  absl::BlockingCounter& ended_;
  std::unique_ptr<GrpcContext> context_;
  Payload request_;
  Payload reply_;
};

// What a thread waits for while a reactor works.
class Ending {
 public:
  void Tell(const grpc::Status& status) { promise_.set_value(status); }
  grpc::Status Wait() { return promise_.get_future().get(); }

 private:
  std::promise<grpc::Status> promise_;
};

class Downloader final : public grpc::ClientReadReactor<Payload> {
 public:
  Downloader(Echo::Stub& stub, const std::string& payload, Load& load) : payload_(payload), load_(load) {
    request_.set_data(payload);
    stub.async()->Download(&context_, &request_, this);
    StartRead(&message_);
    StartCall();
  }
  void Wait() { ending_.Wait(); }

 private:
  void OnReadDone(bool ok) override {
    if (load_.over()) return context_.TryCancel();
    Require(ok && message_.data() == payload_, "no message, or another");
    load_.Count();
    StartRead(&message_);
  }
  void OnDone(const grpc::Status& status) override { ending_.Tell(status); }

  GrpcContext context_;
  const std::string& payload_;
  Load& load_;
  DownloadRequest request_;
  Payload message_;
  Ending ending_;
};

class PingPonger final : public grpc::ClientBidiReactor<Payload, Payload> {
 public:
  PingPonger(Echo::Stub& stub, const std::string& payload, Load& load) : load_(load) {
    ping_.set_data(payload);
    stub.async()->PingPong(&context_, this);
    Ping();
    StartCall();
  }
  grpc::Status Wait() { return ending_.Wait(); }

 private:
  void Ping() {
    start_ = Clock::now();
    StartRead(&pong_);
    StartWrite(&ping_);
  }
  void OnReadDone(bool ok) override {
    Require(ok && pong_.data() == ping_.data(), "no message, or another");
    load_.Record(start_);
    BothDone();
  }
  void OnWriteDone(bool ok) override {
    Require(ok, "a write failed");
    BothDone();
  }
  // The pong may be told of before its ping.
  void BothDone() {
    if (done_.fetch_add(1) % 2 == 0) return;
    if (load_.over()) {
      StartWritesDone();
    } else {
      Ping();
    }
  }
  void OnDone(const grpc::Status& status) override { ending_.Tell(status); }

  GrpcContext context_;
  Load& load_;
  std::atomic<unsigned> done_{0};
  Clock::time_point start_;
  Payload ping_;
  Payload pong_;
  Ending ending_;
};

class Uploader final : public grpc::ClientWriteReactor<Payload> {
 public:
  Uploader(Echo::Stub& stub, const std::string& chunk, uint64_t bytes, UploadReply& reply) : left_(bytes) {
    message_.set_data(chunk);
    stub.async()->Upload(&context_, &reply, this);
    WriteNext();
    StartCall();
  }
  grpc::Status Wait() { return ending_.Wait(); }

 private:
  void WriteNext() {
    if (left_ == 0) {
      StartWritesDone();
      return;
    }
    left_ -= message_.data().size();
    StartWrite(&message_);
  }
  void OnWriteDone(bool ok) override {
    Require(ok, "an upload ends early");
    WriteNext();
  }
  void OnDone(const grpc::Status& status) override { ending_.Tell(status); }

  GrpcContext context_;
  uint64_t left_;
  Payload message_;
  Ending ending_;
};

}  // namespace

bool GrpcCallbackConnection::EchoMany(int outstanding, const std::string& payload, Load& load) {
  absl::BlockingCounter ended(outstanding);
  std::vector<std::unique_ptr<Caller>> callers;
  for (int i = 0; i < outstanding; ++i) {
    callers.push_back(std::make_unique<Caller>(stub(), payload, load, ended));
    callers.back()->Call();
  }
  ended.Wait();
  return true;
}

bool GrpcCallbackConnection::Download(const std::string& payload, Load& load) {
  Downloader(stub(), payload, load).Wait();
  return true;
}

bool GrpcCallbackConnection::PingPong(const std::string& payload, Load& load) {
  Require(PingPonger(stub(), payload, load).Wait());
  return true;
}

bool GrpcCallbackConnection::Upload(const std::string& chunk, uint64_t bytes) {
  UploadReply reply;
  Require(Uploader(stub(), chunk, bytes, reply).Wait());
  Require(reply.bytes() == bytes, "another number of bytes has come");
  return true;
}

}  // namespace udsrpc::benchmarks
