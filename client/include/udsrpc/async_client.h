#ifndef UDSRPC_ASYNC_CLIENT_H_
#define UDSRPC_ASYNC_CLIENT_H_

#include <coroutine>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "udsrpc/async_call.h"
#include "udsrpc/channel.h"
#include "udsrpc/client_context.h"
#include "udsrpc/internal/async_operation.h"
#include "udsrpc/internal/process_bound.h"
#include "udsrpc/method.h"
#include "udsrpc/task.h"
#include "udsrpc/unique_fd.h"

// The client's asynchronous calls, as coroutines await them. They come from a generated stub's Async():
//
//   udsrpc::Task<absl::Status> Greet(GreeterStub stub) {
//     udsrpc::ClientContext context;
//     HelloRequest request;
//     absl::StatusOr<HelloReply> reply = co_await stub.Async().SayHello(context, request);
//     ...
//
// A coroutine that had to wait goes on by a thread of the channel's, or by its executor; one that had not goes on at
// once. So it must not block there. Where the coroutine is a Task whose cancellation fires (see task.h), the call that
// it awaits is cancelled, here and on the server. A coroutine that is destroyed while it waits cancels its unary call;
// of a stream only that operation is given up, and no other of its kind may follow.

namespace udsrpc {

// A unary call, to be awaited at once: request and context must outlive that. co_await gives absl::StatusOr<Response>;
// the codes are those of Channel::UnaryCall.
template <typename Response>
class [[nodiscard]] UnaryCall {
 public:
  UnaryCall(std::shared_ptr<Channel> channel, const MethodDescriptor& method, ClientContext& context,
            const google::protobuf::MessageLite& request)
      : channel_(std::move(channel)), method_(method), context_(&context), request_(&request) {}

  class Awaiter {
   public:
    explicit Awaiter(UnaryCall&& call) : call_(std::move(call)) {}
    Awaiter(const Awaiter&) = delete;
    Awaiter& operator=(const Awaiter&) = delete;

    bool await_ready() const noexcept { return false; }
    template <typename Promise>
    void await_suspend(std::coroutine_handle<Promise> coroutine) {
      cancel_.Enter(internal::CancellationOf(coroutine), [context = call_.context_] { context->Cancel(); });
      std::unique_ptr<AsyncUnaryCall> call =
          call_.channel_->PrepareUnaryCall(call_.method_, *call_.context_, *call_.request_, response_);
      AsyncUnaryCall& started = *call;
      started_ = internal::ProcessBound<AsyncUnaryCall>(std::move(call));
      started.Start([this, coroutine](absl::Status status) {
        status_ = std::move(status);
        coroutine.resume();
      });
    }
    absl::StatusOr<Response> await_resume() {
      cancel_.Leave();
      if (!status_.ok()) return std::move(status_);
      return std::move(response_);
    }

   private:
    const UnaryCall call_;
    Response response_;
    absl::Status status_;
    internal::CancelWithCoroutine cancel_;
    internal::ProcessBound<AsyncUnaryCall> started_;  // destroyed first: nothing is written to the others then
  };

  Awaiter operator co_await() && { return Awaiter(std::move(*this)); }

  // As a task. The call is made when the task is awaited; context and request must live until the task has ended.
  static Task<absl::StatusOr<Response>> AsTask(UnaryCall call) { co_return co_await std::move(call); }
  // NOLINTNEXTLINE(google-explicit-constructor): it is passed wherever a task is taken
  operator Task<absl::StatusOr<Response>>() && { return AsTask(std::move(*this)); }

 private:
  std::shared_ptr<Channel> channel_;
  MethodDescriptor method_;
  ClientContext* context_;
  const google::protobuf::MessageLite* request_;
};

namespace internal {

// What the three kinds of streams have in common.
class AsyncStreamFace {
 public:
  AsyncStreamFace(std::unique_ptr<AsyncClientStream> stream, ClientContext& context)
      : stream_(std::move(stream)), context_(&context) {}

 protected:
  template <typename Response>
  ReadOperation<AsyncClientStream, Response> ReadNext() {
    return {*stream_, *context_};
  }
  WriteOperation<AsyncClientStream> WriteNext(const google::protobuf::MessageLite& message, bool last,
                                              std::vector<UniqueFd> fds = {}) {
    return {*stream_, *context_, message, last, std::move(fds)};
  }
  std::vector<UniqueFd> TakeFdsRead() { return stream_->TakeFds(); }
  HalfCloseOperation<AsyncClientStream> HalfClose() { return {*stream_, *context_}; }
  InitialMetadataOperation<AsyncClientStream> InitialMetadata() { return {*stream_, *context_}; }
  FinishOperation<AsyncClientStream> End() { return {*stream_, *context_}; }

 private:
  ProcessBound<AsyncClientStream> stream_;
  ClientContext* context_;
};

}  // namespace internal

// The client's side of a server-streaming call. Movable while nothing of it is awaited; destroying it before Finish
// cancels the call. Its context must outlive it. One read and one write may be awaited at a time, Finish beside
// neither, and nothing after Finish; otherwise the program ends with a message.
template <typename Response>
class [[nodiscard]] AsyncClientReader : private internal::AsyncStreamFace {
 public:
  using AsyncStreamFace::AsyncStreamFace;

  // co_await: the next message as std::optional<Response>; nothing when there are no more, and Finish tells why.
  auto Read() { return ReadNext<Response>(); }
  // See ClientReader::TakeFds; does not wait.
  std::vector<UniqueFd> TakeFds() { return TakeFdsRead(); }
  // co_await: returns when ClientContext::server_initial_metadata() is there, or the call has ended. Counts as a read.
  auto WaitForInitialMetadata() { return InitialMetadata(); }
  // co_await: the status, as absl::Status, once the call has ended; what was not read is dropped. Once. The codes are
  // those of Channel::UnaryCall.
  auto Finish() { return End(); }
};

// The client's side of a client-streaming call, likewise.
template <typename Request, typename Response>
class [[nodiscard]] AsyncClientWriter : private internal::AsyncStreamFace {
 public:
  using AsyncStreamFace::AsyncStreamFace;

  // co_await: true, once the message is on its way, not that it was read; waits while the server has no room. False:
  // the call has ended or was half-closed, and Finish tells why. `message` must live until then.
  auto Write(const Request& message) { return WriteNext(message, /*last=*/false); }
  auto WriteLast(const Request& message) { return WriteNext(message, /*last=*/true); }
  // The same with descriptors: see ClientWriter::Write.
  auto Write(const Request& message, std::vector<UniqueFd> fds) { return WriteNext(message, false, std::move(fds)); }
  auto WriteLast(const Request& message, std::vector<UniqueFd> fds) { return WriteNext(message, true, std::move(fds)); }
  // co_await: half-closes; false: the call has ended.
  auto WritesDone() { return HalfClose(); }
  auto WaitForInitialMetadata() { return InitialMetadata(); }
  // Half-closes where WritesDone has not, then waits for reply and status. A server that says OK without a reply gives
  // an empty one. Once, not beside Write; the writer must outlive it. The reply's descriptors are the context's.
  Task<absl::StatusOr<Response>> Finish() {
    co_await HalfClose();
    std::optional<Response> reply = co_await ReadNext<Response>();
    absl::Status status = co_await End();
    if (!status.ok()) co_return status;
    co_return reply ? *std::move(reply) : Response();
  }
};

// The client's side of a bidirectional call, likewise. One coroutine may read while another writes.
template <typename Request, typename Response>
class [[nodiscard]] AsyncClientReaderWriter : private internal::AsyncStreamFace {
 public:
  using AsyncStreamFace::AsyncStreamFace;

  auto Read() { return ReadNext<Response>(); }
  std::vector<UniqueFd> TakeFds() { return TakeFdsRead(); }
  auto Write(const Request& message) { return WriteNext(message, /*last=*/false); }
  auto WriteLast(const Request& message) { return WriteNext(message, /*last=*/true); }
  auto Write(const Request& message, std::vector<UniqueFd> fds) { return WriteNext(message, false, std::move(fds)); }
  auto WriteLast(const Request& message, std::vector<UniqueFd> fds) { return WriteNext(message, true, std::move(fds)); }
  auto WritesDone() { return HalfClose(); }
  auto WaitForInitialMetadata() { return InitialMetadata(); }
  auto Finish() { return End(); }
};

}  // namespace udsrpc

#endif  // UDSRPC_ASYNC_CLIENT_H_
