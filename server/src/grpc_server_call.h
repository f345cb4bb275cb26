#ifndef UDSRPC_SERVER_GRPC_SERVER_CALL_H_
#define UDSRPC_SERVER_GRPC_SERVER_CALL_H_

#include <grpcpp/completion_queue.h>
#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/support/byte_buffer.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "server/src/call_record.h"
#include "server/src/caller.h"
#include "server/src/grpc_async_server_stream.h"
#include "server/src/grpc_poller_pool.h"
#include "server/src/grpc_server_stream.h"
#include "server/src/grpc_tag.h"
#include "server/src/server_call.h"
#include "udsrpc/server_context.h"
#include "udsrpc/service.h"

namespace udsrpc {

class GrpcCallSet;

// A call that the gRPC library serves, from the request for one until its last event. Deletes itself.
//
//   requested -> [reading ->] [waiting for a thread ->] dispatched -> finishing -> finished
//                         `-> refused, at shutdown
//
// Only what has one request reads before it is dispatched. Beside that, at any time after the call was requested, done:
// gRPC's word for the end of the call at the client's side, be it by the status, by cancellation, by the deadline or by
// the loss of the connection.
class GrpcServerCall final : public ServerCall, public GrpcPollerPool::Handler {
 public:
  // Asks the library for a call; it may begin at once, on another thread. All arguments must outlive it.
  static void Request(GrpcCallSet& calls, grpc::AsyncGenericService& service, grpc::ServerCompletionQueue& queue);

  // Ends a call that no handler has seen, with UNAVAILABLE.
  void Refuse();

  void Ref() { references_.fetch_add(1, std::memory_order_relaxed); }
  void Unref();

  ServerContext& context() override { return context_; }
  Metadata& client_metadata() override { return context_.mutable_client_metadata(); }
  bool ParseRequest(google::protobuf::MessageLite& request) override;
  ServerStream& stream() override { return stream_; }
  std::shared_ptr<AsyncServerStream> async_stream() override;
  void Keep(std::unique_ptr<Handling> handling) override;
  void Finish(const absl::Status& status, const google::protobuf::MessageLite* response) override;

  void Run() override;
  UsualTime& usual_time() override;
  TurnTaker* owner() override { return &context_.caller()->turns(); }
  std::chrono::steady_clock::time_point wanted_until() const override;

  // For the stream of a coroutine.
  grpc::GenericServerAsyncReaderWriter& grpc_stream() { return stream_.grpc_stream(); }
  grpc::CompletionQueue& queue() { return stream_.queue(); }
  bool FailedReadMeansCancelled() const { return stream_.FailedReadMeansCancelled(); }
  // What IsCancelled says from now on; the context's callbacks are run beside that.
  void MarkCancelled() { context_.MarkCancelled(); }
  bool AddInitialMetadata() { return stream_.AddInitialMetadata(); }
  // See GrpcCallSet.
  void RequestPostponed();
  CallRecord& record() { return record_; }
  void Fail(absl::Status status) { stream_.Fail(std::move(status)); }

 private:
  enum class Event { kRequested, kRead, kFinished, kDone };

  class Tag final : public GrpcTag {
   public:
    Tag(GrpcServerCall& call, Event event) : call_(call), event_(event) {}
    GrpcPollerPool::Handler* Proceed(bool ok) override { return call_.OnEvent(event_, ok); }

   private:
    GrpcServerCall& call_;
    const Event event_;
  };

  class Context final : public ServerContext {
   public:
    explicit Context(const GrpcServerCall& call) : call_(call) {}

    // Takes over what the library knows of a call that has begun, but for metadata that is more than is accepted: a few
    // hundred bytes on the wire may be a megabyte of it.
    void Begin();
    size_t metadata_bytes() const { return metadata_bytes_; }
    Metadata& mutable_client_metadata() { return client_metadata_; }

    absl::string_view method() const override { return call_.stream_.grpc_context().method(); }
    const Peer& peer() const override { return caller_->peer(); }
    const Caller* caller() const { return caller_.get(); }
    // Whether the client has an address to connect to again.
    bool can_go_elsewhere() const { return caller_ != nullptr && !caller_->peer().endpoint().empty(); }
    // OK, or what the call is to end with.
    absl::Status Admit();
    // The same where so many bytes of its request are to be kept, and then of its response.
    absl::Status Keep(size_t bytes) {
      if (caller_->user().HoldBytes(kept_, bytes)) return absl::OkStatus();
      return absl::ResourceExhaustedError(absl::StrCat(method(), ": ", caller_->TooManyBytesText()));
    }
    bool has_attached_fds() const { return internal::CallFds::Attached(fds_) != nullptr; }
    bool IsCancelled() const override {
      return cancelled_.load(std::memory_order_acquire) || cancellation().cancelled();
    }
    void MarkCancelled() { cancelled_.store(true, std::memory_order_release); }
    // OK while somebody waits for the answer. The library may be late to say that the deadline has passed.
    absl::Status Wanted() const;

   private:
    const GrpcServerCall& call_;
    std::shared_ptr<const Caller> caller_;  // null: not known
    User::Share in_flight_;                 // of the caller's user
    User::Held kept_;
    size_t metadata_bytes_ = 0;
    User::Held refused_metadata_;
    std::atomic<bool> cancelled_{false};
  };

  // Runs the callbacks of a call that was cancelled and whose handler is a coroutine, which they may resume.
  class Canceller final : public GrpcPollerPool::Handler {
   public:
    explicit Canceller(GrpcServerCall& call) : call_(call) {}
    void Run() override {
      call_.context_.cancellation().Cancel();
      call_.RequestPostponed();
      call_.Unref();
    }
    UsualTime& usual_time() override { return call_.usual_time(); }
    bool begun() const override { return true; }

   private:
    GrpcServerCall& call_;
  };

  GrpcServerCall(GrpcCallSet& calls, grpc::ServerCompletionQueue& queue);
  ~GrpcServerCall() override;

  GrpcPollerPool::Handler* OnEvent(Event event, bool ok);
  GrpcPollerPool::Handler* OnRequested(bool ok);
  // Why the call is not served, if it is not, as far as can be said before its request is read.
  absl::Status Examine();
  GrpcPollerPool::Handler* OnRead(bool ok);
  GrpcPollerPool::Handler* OnDone();
  // Of a call under way to whose client nothing is under way.
  void FinishNow(const absl::Status& status, const google::protobuf::MessageLite* response);
  // What the call has ended with, as its client sees it.
  void RecordEnd(const absl::Status& status);
  // Ends the call on the wire; the stream is closed.
  void Send(const absl::Status& status, const google::protobuf::MessageLite* response);
  // One reference more is held until Run returns or the call is refused.
  GrpcPollerPool::Handler* Dispatchable();
  // Of the call's request, that it waits to be handled; and that it does no more.
  void AddWaitingBytes();
  void RemoveWaitingBytes();

  GrpcCallSet& calls_;
  // One for each event to come, one while a thread is in a member that may see the last of these, and one for a handler
  // that is a coroutine.
  std::atomic<int> references_{1};
  bool running_ = false;  // what GrpcCallSet::Begin said
  size_t waiting_bytes_ = 0;
  const ServerMethod* method_ = nullptr;
  Context context_{*this};
  CallRecord record_;
  GrpcServerStream stream_;
  std::shared_ptr<GrpcAsyncServerStream> async_stream_;
  std::unique_ptr<Handling> handling_;
  // Whoever cancels the context of a call that may be kept at that moment: it is kept behind that, or cancelled by
  // canceller_.
  enum class Keeping { kNotKept, kBeingCancelled, kCancelled, kKept };
  std::atomic<Keeping> keeping_{Keeping::kNotKept};
  Canceller canceller_{*this};
  grpc::ByteBuffer request_;
  Tag requested_{*this, Event::kRequested};
  Tag read_{*this, Event::kRead};
  Tag finished_{*this, Event::kFinished};
  Tag done_{*this, Event::kDone};
};

}  // namespace udsrpc

#endif  // UDSRPC_SERVER_GRPC_SERVER_CALL_H_
