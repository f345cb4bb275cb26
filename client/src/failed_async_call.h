#ifndef UDSRPC_CLIENT_FAILED_ASYNC_CALL_H_
#define UDSRPC_CLIENT_FAILED_ASYNC_CALL_H_

#include <optional>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "client/src/start_queue.h"
#include "udsrpc/async_call.h"

namespace udsrpc {

// An asynchronous unary call that ended before it began.
class FailedAsyncUnaryCall final : public AsyncUnaryCall, private StartQueue::Entry {
 public:
  // `starts` outlives it.
  FailedAsyncUnaryCall(StartQueue& starts, absl::Status status) : starts_(starts), status_(std::move(status)) {}
  ~FailedAsyncUnaryCall() override { starts_.Remove(*this); }

 private:
  void StartCall(Done done) override {
    done_ = std::move(done);
    try {
      starts_.Post(*this, status_);
    } catch (...) {
      const Done unwanted = std::move(done_);  // it may own the call
      throw;
    }
  }
  void OnStart(absl::Status status) override {
    Done done = std::move(done_);
    std::move(done)(std::move(status));
  }

  StartQueue& starts_;
  const absl::Status status_;
  Done done_;
};

// A stream likewise.
class FailedAsyncStream final : public AsyncClientStream {
 public:
  explicit FailedAsyncStream(absl::Status status) : status_(std::move(status)) {}

  std::optional<bool> Read(google::protobuf::MessageLite& /*message*/, Done /*done*/) override { return false; }
  std::optional<bool> Write(const google::protobuf::MessageLite& /*message*/, bool /*last*/, Done /*done*/) override {
    return false;
  }
  void AttachFds(std::vector<UniqueFd> /*fds*/) override {}
  std::vector<UniqueFd> TakeFds() override { return {}; }
  std::optional<bool> WritesDone(Done /*done*/) override { return false; }
  std::optional<bool> WaitForInitialMetadata(Done /*done*/) override { return false; }
  void Forget(Outstanding /*outstanding*/) override {}

 private:
  std::optional<absl::Status> FinishCall(StatusDone /*done*/) override { return status_; }

  const absl::Status status_;
};

}  // namespace udsrpc

#endif  // UDSRPC_CLIENT_FAILED_ASYNC_CALL_H_
