#ifndef UDSRPC_CLIENT_GRPC_STUB_ASYNC_STREAM_H_
#define UDSRPC_CLIENT_GRPC_STUB_ASYNC_STREAM_H_

#include <deque>
#include <memory>
#include <optional>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "client/src/grpc_stub_carrier.h"
#include "common/src/timer_queue.h"
#include "udsrpc/async_call.h"
#include "udsrpc/internal/mutex.h"

namespace udsrpc {

// A streaming call of gRPC's callback or completion-queue interface.
//
// gRPC's callers may ask for the initial metadata, a message and the status all at a time, and for the status from the
// very beginning; ours ask for one after the other, and for the status when there is nothing left to read. So while
// somebody waits for the status and nobody reads, the next message is read ahead, to notice the end. Where one has been
// read that nobody takes, as in gRPC, only cancellation and the deadline end the call.
class GrpcAsyncStreamCarrier final : public GrpcStubCarrier,
                                     public std::enable_shared_from_this<GrpcAsyncStreamCarrier> {
 public:
  using GrpcStubCarrier::GrpcStubCarrier;
  ~GrpcAsyncStreamCarrier() override;

  void Start(GrpcBatch& batch) override;
  void Send(GrpcBatch& batch) override { Send(batch, /*first=*/false); }
  void Receive(GrpcBatch& batch) override;
  void Cancel() override;

 private:
  // A batch, and what there is still to do for it.
  struct Sending {
    GrpcBatch* batch;
    bool first;  // ends in Hijack
    std::optional<internal::OpaqueMessage> message;
    bool last;
  };
  struct Receiving {
    GrpcBatch* batch;
    bool initial_metadata;
    bool message;
    bool status;
    bool done() const { return !initial_metadata && !message && !status; }
  };
  // What the stream has been asked for, beside writes.
  enum class Asked { kNothing, kInitialMetadata, kMessage, kStatus };

  void Send(GrpcBatch& batch, bool first);

  // Go on as far as can be, and end batches. The caller keeps the carrier.
  void PumpSending();
  void PumpReceiving();

  // The next write of those that wait. Nothing: it is under way, or there is none.
  std::optional<bool> TryWrite() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // One thing for one batch. False: nothing can be done now.
  bool Step() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool StepInitialMetadata() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool StepMessage(Receiving& receiving) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool StepStatus(Receiving& receiving) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool ReadAhead() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void OnRead(bool read) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Whether there is only the deadline, or cancellation, to wait for.
  bool Parked() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void GiveUpAt(TimerQueue::TimePoint when, absl::Status reason) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  AsyncClientStream::Done OnAsked();

  internal::Mutex mutex_;
  std::deque<Sending> sending_ ABSL_GUARDED_BY(mutex_);
  bool writing_ ABSL_GUARDED_BY(mutex_) = false;  // the first of these
  std::vector<Receiving> receiving_ ABSL_GUARDED_BY(mutex_);
  Asked asked_ ABSL_GUARDED_BY(mutex_) = Asked::kNothing;
  internal::OpaqueMessage ahead_ ABSL_GUARDED_BY(mutex_);
  bool has_ahead_ ABSL_GUARDED_BY(mutex_) = false;
  bool initial_metadata_known_ ABSL_GUARDED_BY(mutex_) = false;
  bool all_read_ ABSL_GUARDED_BY(mutex_) = false;
  bool given_up_ ABSL_GUARDED_BY(mutex_) = false;  // cancelled, or beyond the deadline: what is not read is dropped
  std::optional<absl::Status> status_ ABSL_GUARDED_BY(mutex_);
  std::vector<TimerQueue::Id> timers_ ABSL_GUARDED_BY(mutex_);
  bool awaits_deadline_ ABSL_GUARDED_BY(mutex_) = false;
  std::unique_ptr<AsyncClientStream> stream_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace udsrpc

#endif  // UDSRPC_CLIENT_GRPC_STUB_ASYNC_STREAM_H_
