#ifndef UDSRPC_TESTS_FAULTS_FAULT_SERVICE_H_
#define UDSRPC_TESTS_FAULTS_FAULT_SERVICE_H_

#include <atomic>
#include <memory>
#include <string>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/time/clock.h"
#include "tests/proto/testing.udsrpc.pb.h"
#include "tests/support/event.h"
#include "udsrpc/internal/mutex.h"

namespace udsrpc::testing {

// Answers with what it is sent, descriptors too, so that a client sees whether all came as it was. No test needs a
// handler to be let go on: each ends with its call.
class FaultService final : public TestService {
 public:
  absl::Status Echo(ServerContext& context, const EchoRequest& request, EchoReply& reply) override {
    reply.set_text(request.text());
    for (UniqueFd& fd : context.TakeFds()) context.AttachFd(std::move(fd));
    return absl::OkStatus();
  }

  absl::Status Count(ServerContext&, const InflateRequest& request, ServerWriter<EchoReply>& writer) override {
    EchoReply reply;
    reply.set_text(std::string(request.bytes(), 'x'));
    for (uint64_t i = 0; i < request.messages(); ++i) {
      if (!writer.Write(reply)) return absl::CancelledError("seen by the handler");
    }
    return absl::OkStatus();
  }

  absl::Status Collect(ServerContext&, ServerReader<EchoRequest>& reader, CollectReply& reply) override {
    EchoRequest request;
    while (reader.Read(request)) {
      reply.set_messages(reply.messages() + 1);
      reply.set_bytes(reply.bytes() + request.text().size());
    }
    return absl::OkStatus();
  }

  absl::Status Chat(ServerContext&, ServerReaderWriter<EchoReply, EchoRequest>& stream) override {
    EchoRequest request;
    EchoReply reply;
    while (stream.Read(request)) {
      reply.set_text(request.text());
      if (!stream.Write(reply, stream.TakeFds())) return absl::CancelledError("seen by the handler");
    }
    return absl::OkStatus();
  }

  // Runs until the call is cancelled, or for as many milliseconds as its gate says.
  absl::Status Block(ServerContext& context, const BlockRequest& request, EchoReply& reply) override {
    const auto cancelled = std::make_shared<Event>();
    context.AddCancelCallback([cancelled] { cancelled->Happen(); });
    {
      internal::MutexLock lock(mutex_);
      if (begun_ != nullptr) begun_->Happen();
    }
    if (request.gate().empty()) {
      if (!cancelled->Await()) ++never_cancelled;
      return absl::CancelledError("seen by the handler");
    }
    absl::SleepFor(absl::Milliseconds(std::stoi(request.gate())));
    reply.set_text(request.gate());
    return absl::OkStatus();
  }

  // Handlers of Block that nobody told of their calls' end.
  std::atomic<int> never_cancelled{0};

 private:
  friend class BlockWatch;

  internal::Mutex mutex_;
  Event* begun_ ABSL_GUARDED_BY(mutex_) = nullptr;
};

// While it lives, `begun` happens whenever a handler of Block has begun. One at a time.
class BlockWatch {
 public:
  BlockWatch(FaultService& service, Event& begun) : service_(service) { Set(&begun); }
  ~BlockWatch() { Set(nullptr); }
  BlockWatch(const BlockWatch&) = delete;
  BlockWatch& operator=(const BlockWatch&) = delete;

 private:
  void Set(Event* begun) {
    internal::MutexLock lock(service_.mutex_);
    service_.begun_ = begun;
  }

  FaultService& service_;
};

}  // namespace udsrpc::testing

#endif  // UDSRPC_TESTS_FAULTS_FAULT_SERVICE_H_
