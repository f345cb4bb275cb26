#ifndef UDSRPC_INTERNAL_ASYNC_OPERATION_H_
#define UDSRPC_INTERNAL_ASYNC_OPERATION_H_

#include <optional>
#include <utility>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "udsrpc/client_context.h"
#include "udsrpc/internal/operation.h"
#include "udsrpc/unique_fd.h"

namespace google::protobuf {
class MessageLite;
}

// What co_await does with one operation of a client's call.

namespace udsrpc::internal {

// An operation that is cancelled with its call.
template <typename Derived, typename Result>
class ClientOperation : public Operation<Derived, Result> {
 public:
  explicit ClientOperation(ClientContext& context) : context_(context) {}

  void OnCancel() { context_.Cancel(); }

 private:
  ClientContext& context_;
};

template <typename Stream, typename Message>
class [[nodiscard]] ReadOperation final : public ClientOperation<ReadOperation<Stream, Message>, bool> {
 public:
  ReadOperation(Stream& stream, ClientContext& context)
      : ClientOperation<ReadOperation, bool>(context), stream_(stream) {}

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
class [[nodiscard]] WriteOperation final : public ClientOperation<WriteOperation<Stream>, bool> {
 public:
  WriteOperation(Stream& stream, ClientContext& context, const google::protobuf::MessageLite& message, bool last,
                 std::vector<UniqueFd> fds)
      : ClientOperation<WriteOperation, bool>(context),
        stream_(stream),
        message_(message),
        last_(last),
        fds_(std::move(fds)) {}

  ~WriteOperation() {
    if (this->waits()) stream_.Forget(Stream::Outstanding::kWrite);
  }

  std::optional<bool> Begin(absl::AnyInvocable<void(bool) &&> done) {
    if (!fds_.empty()) stream_.AttachFds(std::move(fds_));
    return stream_.Write(message_, last_, std::move(done));
  }
  bool await_resume() { return this->Take(); }

 private:
  Stream& stream_;
  const google::protobuf::MessageLite& message_;
  const bool last_;
  std::vector<UniqueFd> fds_;
};

template <typename Stream>
class [[nodiscard]] HalfCloseOperation final : public ClientOperation<HalfCloseOperation<Stream>, bool> {
 public:
  HalfCloseOperation(Stream& stream, ClientContext& context)
      : ClientOperation<HalfCloseOperation, bool>(context), stream_(stream) {}

  ~HalfCloseOperation() {
    if (this->waits()) stream_.Forget(Stream::Outstanding::kWrite);
  }

  std::optional<bool> Begin(absl::AnyInvocable<void(bool) &&> done) { return stream_.WritesDone(std::move(done)); }
  bool await_resume() { return this->Take(); }

 private:
  Stream& stream_;
};

template <typename Stream>
class [[nodiscard]] InitialMetadataOperation final : public ClientOperation<InitialMetadataOperation<Stream>, bool> {
 public:
  InitialMetadataOperation(Stream& stream, ClientContext& context)
      : ClientOperation<InitialMetadataOperation, bool>(context), stream_(stream) {}

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
class [[nodiscard]] FinishOperation final : public ClientOperation<FinishOperation<Stream>, absl::Status> {
 public:
  FinishOperation(Stream& stream, ClientContext& context)
      : ClientOperation<FinishOperation, absl::Status>(context), stream_(stream) {}

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
