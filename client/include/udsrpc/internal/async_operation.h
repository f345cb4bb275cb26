#ifndef UDSRPC_INTERNAL_ASYNC_OPERATION_H_
#define UDSRPC_INTERNAL_ASYNC_OPERATION_H_

#include <coroutine>
#include <optional>
#include <type_traits>
#include <utility>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "udsrpc/cancellation.h"
#include "udsrpc/client_context.h"
#include "udsrpc/task.h"

namespace google::protobuf {
class MessageLite;
}

// What co_await does with one operation of a call: begins it, and goes on at once or when it has ended.

namespace udsrpc::internal {

// While a coroutine waits for a call, cancels the call with the coroutine.
class CancelWithCoroutine {
 public:
  CancelWithCoroutine() = default;
  ~CancelWithCoroutine() { Leave(); }
  CancelWithCoroutine(const CancelWithCoroutine&) = delete;
  CancelWithCoroutine& operator=(const CancelWithCoroutine&) = delete;

  template <typename Promise>
  void Enter(std::coroutine_handle<Promise> coroutine, ClientContext& context) {
    if constexpr (std::is_base_of_v<PromiseBase, Promise>) {
      cancellation_ = coroutine.promise().cancellation();
      if (cancellation_ != nullptr) {
        subscription_ = cancellation_->Subscribe([&context] { context.Cancel(); });
      }
    }
  }
  void Leave() {
    if (cancellation_ != nullptr) std::exchange(cancellation_, nullptr)->Unsubscribe(subscription_);
  }

 private:
  Cancellation* cancellation_ = nullptr;
  Cancellation::Subscription subscription_ = 0;
};

// `Derived` has: std::optional<Result> Begin(absl::AnyInvocable<void(Result) &&> done).
template <typename Derived, typename Result>
class Operation {
 public:
  explicit Operation(ClientContext& context) : context_(context) {}
  Operation(const Operation&) = delete;
  Operation& operator=(const Operation&) = delete;

  bool await_ready() const noexcept { return false; }
  template <typename Promise>
  bool await_suspend(std::coroutine_handle<Promise> coroutine) {
    cancel_.Enter(coroutine, context_);
    waits_ = true;
    // Once it has begun, the coroutine may go on elsewhere, and this be gone.
    std::optional<Result> at_once = static_cast<Derived*>(this)->Begin([this, coroutine](Result result) {
      result_ = std::move(result);
      coroutine.resume();
    });
    if (!at_once) return true;
    result_ = std::move(at_once);
    return false;
  }

 protected:
  Result Take() {
    cancel_.Leave();
    waits_ = false;
    return *std::move(result_);
  }
  // For the destructor, which may run while the coroutine waits.
  bool waits() const { return waits_; }

 private:
  ClientContext& context_;
  std::optional<Result> result_;
  bool waits_ = false;
  CancelWithCoroutine cancel_;
};

template <typename Stream, typename Message>
class [[nodiscard]] ReadOperation final : public Operation<ReadOperation<Stream, Message>, bool> {
 public:
  ReadOperation(Stream& stream, ClientContext& context) : Operation<ReadOperation, bool>(context), stream_(stream) {}

  ~ReadOperation() {
    if (this->waits()) stream_.Forget(Stream::Outstanding::kRead);
  }

  std::optional<bool> Begin(absl::AnyInvocable<void(bool) &&> done) { return stream_.Read(message_, std::move(done)); }
  std::optional<Message> await_resume() {
    if (!this->Take()) return std::nullopt;
    return std::move(message_);
  }

 private:
  Stream& stream_;
  Message message_;
};

template <typename Stream>
class [[nodiscard]] WriteOperation final : public Operation<WriteOperation<Stream>, bool> {
 public:
  WriteOperation(Stream& stream, ClientContext& context, const google::protobuf::MessageLite& message, bool last)
      : Operation<WriteOperation, bool>(context), stream_(stream), message_(message), last_(last) {}

  ~WriteOperation() {
    if (this->waits()) stream_.Forget(Stream::Outstanding::kWrite);
  }

  std::optional<bool> Begin(absl::AnyInvocable<void(bool) &&> done) {
    return stream_.Write(message_, last_, std::move(done));
  }
  bool await_resume() { return this->Take(); }

 private:
  Stream& stream_;
  const google::protobuf::MessageLite& message_;
  const bool last_;
};

template <typename Stream>
class [[nodiscard]] HalfCloseOperation final : public Operation<HalfCloseOperation<Stream>, bool> {
 public:
  HalfCloseOperation(Stream& stream, ClientContext& context)
      : Operation<HalfCloseOperation, bool>(context), stream_(stream) {}

  ~HalfCloseOperation() {
    if (this->waits()) stream_.Forget(Stream::Outstanding::kWrite);
  }

  std::optional<bool> Begin(absl::AnyInvocable<void(bool) &&> done) { return stream_.WritesDone(std::move(done)); }
  bool await_resume() { return this->Take(); }

 private:
  Stream& stream_;
};

template <typename Stream>
class [[nodiscard]] InitialMetadataOperation final : public Operation<InitialMetadataOperation<Stream>, bool> {
 public:
  InitialMetadataOperation(Stream& stream, ClientContext& context)
      : Operation<InitialMetadataOperation, bool>(context), stream_(stream) {}

  ~InitialMetadataOperation() {
    if (this->waits()) stream_.Forget(Stream::Outstanding::kRead);
  }

  std::optional<bool> Begin(absl::AnyInvocable<void(bool) &&> done) {
    return stream_.WaitForInitialMetadata(std::move(done));
  }
  void await_resume() { this->Take(); }

 private:
  Stream& stream_;
};

template <typename Stream>
class [[nodiscard]] FinishOperation final : public Operation<FinishOperation<Stream>, absl::Status> {
 public:
  FinishOperation(Stream& stream, ClientContext& context)
      : Operation<FinishOperation, absl::Status>(context), stream_(stream) {}

  ~FinishOperation() {
    if (this->waits()) stream_.Forget(Stream::Outstanding::kFinish);
  }

  std::optional<absl::Status> Begin(absl::AnyInvocable<void(absl::Status) &&> done) {
    return stream_.Finish(std::move(done));
  }
  absl::Status await_resume() { return this->Take(); }

 private:
  Stream& stream_;
};

}  // namespace udsrpc::internal

#endif  // UDSRPC_INTERNAL_ASYNC_OPERATION_H_
