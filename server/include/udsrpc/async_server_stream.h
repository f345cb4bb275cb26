#ifndef UDSRPC_ASYNC_SERVER_STREAM_H_
#define UDSRPC_ASYNC_SERVER_STREAM_H_

#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "udsrpc/cancellation.h"
#include "udsrpc/internal/operation.h"
#include "udsrpc/unique_fd.h"

namespace google::protobuf {
class MessageLite;
}

namespace udsrpc {

// A streaming call as a transport carries it for a handler that no thread waits in; coroutine handlers see the typed
// faces below. Implemented by udsrpc only: functions are added without notice. One read and one write may be
// outstanding at a time, of any threads. Once the handler has ended both give false.
//
// Read and Write return at once. Either with the result that they have in ServerStream, and `done` is destroyed and not
// run; or with nothing, and `done` gets the result later, by a thread of the server, which it must not block. Until
// then the message must not be touched or destroyed.
class AsyncServerStream {
 public:
  using Done = absl::AnyInvocable<void(bool) &&>;

  virtual ~AsyncServerStream() = default;

  // Waits no longer than until `stop`, where it is not null, is cancelled: false then, and the message that comes is
  // the next read's. Whoever cancels calls StopRead.
  virtual std::optional<bool> Read(google::protobuf::MessageLite& message, const Cancellation* stop, Done done) = 0;
  virtual void StopRead() = 0;
  virtual std::optional<bool> Write(const google::protobuf::MessageLite& message, Done done) = 0;
  // As in ServerStream.
  virtual void AttachFds(std::vector<UniqueFd> fds) = 0;
  virtual std::vector<UniqueFd> TakeFds() = 0;
  virtual void SendInitialMetadata() = 0;

  // The outstanding operation is not waited for any more: its completion will not run, and its message not be touched.
  // Nothing else of the kind can be asked for afterwards.
  enum class Outstanding { kRead, kWrite };
  virtual void Forget(Outstanding outstanding) = 0;
};

namespace internal {

template <typename Message>
class [[nodiscard]] ServerReadOperation final : public Operation<ServerReadOperation<Message>, bool> {
 public:
  explicit ServerReadOperation(std::shared_ptr<AsyncServerStream> stream) : stream_(std::move(stream)) {}
  ~ServerReadOperation() {
    if (this->waits()) stream_->Forget(AsyncServerStream::Outstanding::kRead);
  }

  std::optional<bool> Begin(AsyncServerStream::Done done) {
    return stream_->Read(message_, this->cancellation(), std::move(done));
  }
  void OnCancel() { stream_->StopRead(); }
  std::optional<Message> await_resume() {
    if (!this->Take()) return std::nullopt;
    return std::move(message_);
  }

 private:
  const std::shared_ptr<AsyncServerStream> stream_;
  Message message_;
};

class [[nodiscard]] ServerWriteOperation final : public Operation<ServerWriteOperation, bool> {
 public:
  ServerWriteOperation(std::shared_ptr<AsyncServerStream> stream, const google::protobuf::MessageLite& message,
                       std::vector<UniqueFd> fds = {})
      : stream_(std::move(stream)), message_(message), fds_(std::move(fds)) {}
  ~ServerWriteOperation() {
    if (waits()) stream_->Forget(AsyncServerStream::Outstanding::kWrite);
  }

  std::optional<bool> Begin(AsyncServerStream::Done done) {
    if (!fds_.empty()) stream_->AttachFds(std::move(fds_));
    return stream_->Write(message_, std::move(done));
  }
  void OnCancel() {}  // what has begun to be sent is sent; the call's own cancellation ends it
  bool await_resume() { return Take(); }

 private:
  const std::shared_ptr<AsyncServerStream> stream_;
  const google::protobuf::MessageLite& message_;
  std::vector<UniqueFd> fds_;
};

}  // namespace internal

// The faces of a stream in a coroutine handler, which gets them by value; copies are the same stream. One coroutine may
// read while another writes. One that goes on when the handler has ended reads nothing more and writes in vain.
template <typename Request>
class AsyncServerReader {
 public:
  explicit AsyncServerReader(std::shared_ptr<AsyncServerStream> stream) : stream_(std::move(stream)) {}

  // co_await: the next message as std::optional<Request>. Nothing: the client half-closed; the call was cancelled; the
  // message is over the limit (the call ends with RESOURCE_EXHAUSTED) or does not parse (INTERNAL, whatever the handler
  // returns); or the awaiting coroutine was cancelled, as by WhenAny: then the message that comes is not lost, and can
  // be read later (see WhenAny for one that has come already). One read at a time.
  internal::ServerReadOperation<Request> Read() { return internal::ServerReadOperation<Request>(stream_); }
  // See ServerReader::TakeFds; does not wait.
  std::vector<UniqueFd> TakeFds() { return stream_->TakeFds(); }
  // Does not wait.
  void SendInitialMetadata() { stream_->SendInitialMetadata(); }

 private:
  std::shared_ptr<AsyncServerStream> stream_;
};

template <typename Response>
class AsyncServerWriter {
 public:
  explicit AsyncServerWriter(std::shared_ptr<AsyncServerStream> stream) : stream_(std::move(stream)) {}

  // co_await: true, once the message is on its way, not that it was read; waits while the client has no room. That ends
  // with the call's cancellation and not with the awaiting coroutine's: a WhenAny around it waits for the client.
  // False: the call was cancelled. Await every Write before the handler ends: over seqpacket a message that is on its
  // way in part ends the call with INTERNAL in the place of OK. `message` must live until then. One write at a time.
  internal::ServerWriteOperation Write(const Response& message) { return {stream_, message}; }
  // The same with descriptors: see ServerWriter::Write.
  internal::ServerWriteOperation Write(const Response& message, std::vector<UniqueFd> fds) {
    return {stream_, message, std::move(fds)};
  }
  void SendInitialMetadata() { stream_->SendInitialMetadata(); }

 private:
  std::shared_ptr<AsyncServerStream> stream_;
};

// Parameters in gRPC's order: what the server writes, then what it reads.
template <typename Response, typename Request>
class AsyncServerReaderWriter {
 public:
  explicit AsyncServerReaderWriter(std::shared_ptr<AsyncServerStream> stream) : stream_(std::move(stream)) {}

  internal::ServerReadOperation<Request> Read() { return internal::ServerReadOperation<Request>(stream_); }
  std::vector<UniqueFd> TakeFds() { return stream_->TakeFds(); }
  internal::ServerWriteOperation Write(const Response& message) { return {stream_, message}; }
  internal::ServerWriteOperation Write(const Response& message, std::vector<UniqueFd> fds) {
    return {stream_, message, std::move(fds)};
  }
  void SendInitialMetadata() { stream_->SendInitialMetadata(); }

 private:
  std::shared_ptr<AsyncServerStream> stream_;
};

}  // namespace udsrpc

#endif  // UDSRPC_ASYNC_SERVER_STREAM_H_
