#ifndef UDSRPC_SERVER_GRPC_FORWARDED_CALL_H_
#define UDSRPC_SERVER_GRPC_FORWARDED_CALL_H_

#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>
#include <grpcpp/completion_queue.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/status.h>

#include <coroutine>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "udsrpc/internal/operation.h"
#include "udsrpc/internal/tsan.h"
#include "udsrpc/server_context.h"

namespace udsrpc {

// What a client must not send, and handlers are told of their peer by.
inline constexpr char kGrpcPeerKey[] = "udsrpc-peer-bin";

// Where calls are handed on to: a stub on the server that has the services, and the queue of its events, whose tags are
// GrpcForwardedOperations.
struct GrpcForwardingTarget {
  explicit GrpcForwardingTarget(std::shared_ptr<grpc::Channel> channel) : stub(std::move(channel)) {}

  grpc::GenericStub stub;
  grpc::CompletionQueue queue;
};

class GrpcForwardedCall;

// What a coroutine awaits of a call that is handed on: whether it was done. Goes on by a thread that polls the queue.
class [[nodiscard]] GrpcForwardedOperation {
 public:
  enum class Kind { kUnary, kStart, kReadInitialMetadata, kRead, kWrite, kLastWrite, kWritesDone, kFinish };

  GrpcForwardedOperation(GrpcForwardedCall& call, Kind kind, grpc::ByteBuffer* buffer = nullptr)
      : call_(call), kind_(kind), buffer_(buffer) {}

  bool await_ready() const noexcept { return false; }
  // The coroutine may go on elsewhere before this returns, and this be gone.
  void await_suspend(std::coroutine_handle<> coroutine);
  bool await_resume() const noexcept { return ok_; }

  // Its event has come.
  void End(bool ok) {
    internal::TsanAcquire(this);  // of Begin, by way of gRPC's queue
    ok_ = ok;
    coroutine_.resume();
  }

 private:
  GrpcForwardedCall& call_;
  const Kind kind_;
  grpc::ByteBuffer* const buffer_;
  std::coroutine_handle<> coroutine_;
  bool ok_ = false;
};

// A call of ours that is handed on to a server of gRPC's: the client's side of it there, with what our context says of
// deadline, cancellation and metadata. Of a handler that is a coroutine, and within it: one that it runs may read while
// another writes.
//
// By a completion queue: with gRPC's callback interface the status is asked for from the beginning, and then the
// transport within a process (1.51) drops a message that comes with the status before it was asked for.
class GrpcForwardedCall {
 public:
  using Kind = GrpcForwardedOperation::Kind;

  // `peer` is the value of kGrpcPeerKey. What is referred to must outlive this.
  GrpcForwardedCall(GrpcForwardingTarget& target, ServerContext& context, const std::string& peer);

  // Of a unary call, all there is.
  GrpcForwardedOperation CallUnary(const grpc::ByteBuffer& request, grpc::ByteBuffer& response);

  // Of the others: Start first, then anything else, and Finish when all else has ended.
  GrpcForwardedOperation Start();
  GrpcForwardedOperation ReadInitialMetadata() { return {*this, Kind::kReadInitialMetadata}; }
  GrpcForwardedOperation Read(grpc::ByteBuffer& buffer) { return {*this, Kind::kRead, &buffer}; }
  GrpcForwardedOperation Write(grpc::ByteBuffer& buffer) { return {*this, Kind::kWrite, &buffer}; }
  GrpcForwardedOperation WriteLast(grpc::ByteBuffer& buffer) { return {*this, Kind::kLastWrite, &buffer}; }
  GrpcForwardedOperation WritesDone() { return {*this, Kind::kWritesDone}; }
  GrpcForwardedOperation Finish() { return {*this, Kind::kFinish}; }

  void Cancel() { client_context_.TryCancel(); }

  // Hands what has been received on to our context: once it is there, and once the call has ended.
  void TakeInitialMetadata();
  absl::Status TakeStatus();

 private:
  friend class GrpcForwardedOperation;

  void Begin(Kind kind, grpc::ByteBuffer* buffer, void* tag);

  GrpcForwardingTarget& target_;
  ServerContext& context_;
  const std::string path_;
  grpc::ClientContext client_context_;
  std::unique_ptr<grpc::GenericClientAsyncResponseReader> unary_;
  std::unique_ptr<grpc::GenericClientAsyncReaderWriter> stream_;
  grpc::Status status_;
  internal::CancelWithCoroutine cancel_;
};

}  // namespace udsrpc

#endif  // UDSRPC_SERVER_GRPC_FORWARDED_CALL_H_
