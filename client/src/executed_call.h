#ifndef UDSRPC_CLIENT_EXECUTED_CALL_H_
#define UDSRPC_CLIENT_EXECUTED_CALL_H_

#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "client/src/completion_turn.h"
#include "udsrpc/async_call.h"
#include "udsrpc/executor.h"
#include "udsrpc/internal/mutex.h"

namespace udsrpc {

// Hands completions to an executor. What it has handed on when it is destroyed, or was told to forget, is not run then;
// what another thread of the executor runs at that moment is waited for.
class Handover {
 public:
  explicit Handover(std::shared_ptr<const Executor> executor) : executor_(std::move(executor)) {}
  ~Handover() { Forget(); }
  Handover(const Handover&) = delete;
  Handover& operator=(const Handover&) = delete;

  void Forget() {
    internal::MutexLock lock(state_->mutex);
    state_->wanted = false;
    state_->turn.AwaitOthers(state_->mutex);
  }

  // `done`, on the executor.
  template <typename Result>
  absl::AnyInvocable<void(Result) &&> Wrap(absl::AnyInvocable<void(Result) &&> done) {
    return [executor = executor_, state = state_, done = std::move(done)](Result result) mutable {
      (*executor)([state = std::move(state), done = std::move(done), result = std::move(result)]() mutable {
        if (!state->Enter()) return;
        std::move(done)(std::move(result));
        state->Leave();
      });
    };
  }

 private:
  struct State {
    // Whether the completion is to be run.
    bool Enter() {
      internal::MutexLock lock(mutex);
      if (wanted) turn.Enter(std::nullopt, nullptr);
      return wanted;
    }
    void Leave() {
      internal::MutexLock lock(mutex);
      turn.Leave();
    }

    internal::Mutex mutex;
    bool wanted ABSL_GUARDED_BY(mutex) = true;
    CompletionTurn<bool> turn ABSL_GUARDED_BY(mutex);
  };

  const std::shared_ptr<const Executor> executor_;  // its task may let go of the channel while it is handed on
  const std::shared_ptr<State> state_ = std::make_shared<State>();
};

// An asynchronous unary call whose completion runs on an executor.
class ExecutedUnaryCall final : public AsyncUnaryCall {
 public:
  ExecutedUnaryCall(std::shared_ptr<const Executor> executor, std::unique_ptr<AsyncUnaryCall> call)
      : handover_(std::move(executor)), call_(std::move(call)) {}

 private:
  void StartCall(Done done) override { call_->Start(handover_.Wrap<absl::Status>(std::move(done))); }

  Handover handover_;
  const std::unique_ptr<AsyncUnaryCall> call_;
};

// A stream likewise.
class ExecutedStream final : public AsyncClientStream {
 public:
  ExecutedStream(const std::shared_ptr<const Executor>& executor, std::unique_ptr<AsyncClientStream> stream)
      : reads_(executor), writes_(executor), finish_(executor), stream_(std::move(stream)) {}

  std::optional<bool> Read(google::protobuf::MessageLite& message, Done done) override {
    return stream_->Read(message, reads_.Wrap<bool>(std::move(done)));
  }
  std::optional<bool> Write(const google::protobuf::MessageLite& message, bool last, Done done) override {
    return stream_->Write(message, last, writes_.Wrap<bool>(std::move(done)));
  }
  void AttachFds(std::vector<UniqueFd> fds) override { stream_->AttachFds(std::move(fds)); }
  std::vector<UniqueFd> TakeFds() override { return stream_->TakeFds(); }
  std::optional<bool> WritesDone(Done done) override {
    return stream_->WritesDone(writes_.Wrap<bool>(std::move(done)));
  }
  std::optional<bool> WaitForInitialMetadata(Done done) override {
    return stream_->WaitForInitialMetadata(reads_.Wrap<bool>(std::move(done)));
  }
  void Forget(Outstanding outstanding) override {
    stream_->Forget(outstanding);
    switch (outstanding) {
      case Outstanding::kRead:
        return reads_.Forget();
      case Outstanding::kWrite:
        return writes_.Forget();
      case Outstanding::kFinish:
        return finish_.Forget();
    }
  }

 private:
  std::optional<absl::Status> FinishCall(StatusDone done) override {
    return stream_->Finish(finish_.Wrap<absl::Status>(std::move(done)));
  }

  Handover reads_;
  Handover writes_;
  Handover finish_;
  const std::unique_ptr<AsyncClientStream> stream_;
};

}  // namespace udsrpc

#endif  // UDSRPC_CLIENT_EXECUTED_CALL_H_
