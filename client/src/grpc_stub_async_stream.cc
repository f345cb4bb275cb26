#include "client/src/grpc_stub_async_stream.h"

#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "client/src/failed_async_call.h"
#include "common/src/deadline.h"
#include "common/src/timer_thread.h"

namespace udsrpc {

GrpcAsyncStreamCarrier::~GrpcAsyncStreamCarrier() {
  std::vector<TimerQueue::Id> timers;
  {
    internal::MutexLock lock(mutex_);
    timers.swap(timers_);
  }
  for (const TimerQueue::Id& timer : timers) TimerThread::Get().Remove(timer);
}

void GrpcAsyncStreamCarrier::Start(GrpcBatch& batch) {
  const bool one_request = ReadsOneRequest(method_.kind);
  internal::OpaqueMessage request;
  if (one_request) CopySentMessage(batch, request);
  {
    internal::MutexLock lock(mutex_);
    try {
      if (refusal_.ok()) stream_ = channel_->StartStreamingCall(method_, context_, one_request ? &request : nullptr);
    } catch (const std::system_error& error) {
      refusal_ = NoThreadError(error);
    }
    if (!refusal_.ok()) stream_ = std::make_unique<FailedAsyncStream>(refusal_);
  }
  if (one_request) return batch.Hijack();
  Send(batch, /*first=*/true);
}

void GrpcAsyncStreamCarrier::Send(GrpcBatch& batch, bool first) {
  Sending sending{.batch = &batch,
                  .first = first,
                  .message = std::nullopt,
                  .last = batch.QueryInterceptionHookPoint(GrpcPoint::PRE_SEND_CLOSE)};
  if (batch.QueryInterceptionHookPoint(GrpcPoint::PRE_SEND_MESSAGE)) {
    CopySentMessage(batch, sending.message.emplace());
  } else if (!sending.last) {
    return first ? batch.Hijack() : batch.Proceed();
  }
  const std::shared_ptr<GrpcAsyncStreamCarrier> self = shared_from_this();  // another thread may end the batch
  {
    internal::MutexLock lock(mutex_);
    sending_.push_back(std::move(sending));
  }
  PumpSending();
}

void GrpcAsyncStreamCarrier::Receive(GrpcBatch& batch) {
  const std::shared_ptr<GrpcAsyncStreamCarrier> self = shared_from_this();  // as in Send
  {
    internal::MutexLock lock(mutex_);
    receiving_.push_back({.batch = &batch,
                          .initial_metadata = batch.QueryInterceptionHookPoint(GrpcPoint::PRE_RECV_INITIAL_METADATA),
                          .message = batch.QueryInterceptionHookPoint(GrpcPoint::PRE_RECV_MESSAGE),
                          .status = batch.QueryInterceptionHookPoint(GrpcPoint::PRE_RECV_STATUS)});
  }
  PumpReceiving();
}

void GrpcAsyncStreamCarrier::Cancel() {
  GrpcStubCarrier::Cancel();
  internal::MutexLock lock(mutex_);
  given_up_ = true;
  if (Parked()) GiveUpAt(Deadline::Clock::now(), absl::OkStatus());
}

void GrpcAsyncStreamCarrier::PumpSending() {
  for (;;) {
    Sending sent;
    {
      internal::MutexLock lock(mutex_);
      const std::optional<bool> written = TryWrite();
      if (!written) break;
      sent = std::move(sending_.front());
      sending_.pop_front();
      if (!*written && sent.message) sent.batch->FailHijackedSendMessage();
    }
    if (sent.first) {
      sent.batch->Hijack();
    } else {
      GoOn(*sent.batch);
    }
  }
  PumpReceiving();
}

std::optional<bool> GrpcAsyncStreamCarrier::TryWrite() {
  if (writing_ || sending_.empty()) return std::nullopt;
  if (asked_ == Asked::kStatus || status_) return false;
  auto on_written = [self = shared_from_this()](bool written) mutable {
    const std::shared_ptr<GrpcAsyncStreamCarrier> carrier = std::move(self);
    Sending sent;
    {
      internal::MutexLock lock(carrier->mutex_);
      carrier->writing_ = false;
      sent = std::move(carrier->sending_.front());
      carrier->sending_.pop_front();
      if (!written && sent.message) sent.batch->FailHijackedSendMessage();
    }
    if (sent.first) {
      sent.batch->Hijack();
    } else {
      GoOn(*sent.batch);
    }
    carrier->PumpSending();
  };
  const Sending& next = sending_.front();
  const std::optional<bool> written = next.message ? stream_->Write(*next.message, next.last, std::move(on_written))
                                                   : stream_->WritesDone(std::move(on_written));
  writing_ = !written;
  return written;
}

void GrpcAsyncStreamCarrier::PumpReceiving() {
  std::vector<GrpcBatch*> done;
  {
    internal::MutexLock lock(mutex_);
    while (Step()) continue;
    std::erase_if(receiving_, [&done](const Receiving& receiving) {
      if (receiving.done()) done.push_back(receiving.batch);
      return receiving.done();
    });
  }
  for (GrpcBatch* const batch : done) GoOn(*batch);
}

bool GrpcAsyncStreamCarrier::Step() {
  if (asked_ != Asked::kNothing) return false;
  for (const Receiving& receiving : receiving_) {
    if (receiving.initial_metadata) return StepInitialMetadata();
  }
  for (Receiving& receiving : receiving_) {
    if (receiving.message) return StepMessage(receiving);
  }
  for (Receiving& receiving : receiving_) {
    if (receiving.status) return StepStatus(receiving);
  }
  return false;
}

bool GrpcAsyncStreamCarrier::StepInitialMetadata() {
  if (!initial_metadata_known_) {
    if (!stream_->WaitForInitialMetadata(OnAsked())) {
      asked_ = Asked::kInitialMetadata;
      return false;
    }
    initial_metadata_known_ = true;
  }
  for (Receiving& receiving : receiving_) {
    if (receiving.initial_metadata) FillInitialMetadata(*receiving.batch);
    receiving.initial_metadata = false;
  }
  return true;
}

bool GrpcAsyncStreamCarrier::StepMessage(Receiving& receiving) {
  if (!has_ahead_ && !all_read_) return ReadAhead();
  bool received = std::exchange(has_ahead_, false);
  if (received && !Deliver(ahead_, *receiving.batch)) {
    refusal_ = absl::InternalError(absl::StrCat(method_.path, ": a message does not parse"));
    GrpcStubCarrier::Cancel();
    received = false;
    given_up_ = true;
  }
  if (WritesOneResponse(method_.kind) || given_up_) all_read_ = true;
  if (!received) receiving.batch->FailHijackedRecvMessage();
  receiving.message = false;
  return true;
}

bool GrpcAsyncStreamCarrier::StepStatus(Receiving& receiving) {
  if (status_) {
    FillStatus(*receiving.batch, refusal_.ok() ? *status_ : refusal_);
    receiving.status = false;
    return true;
  }
  if (has_ahead_ && given_up_) {
    has_ahead_ = false;
    all_read_ = true;
  }
  if (Parked()) {
    const absl::Time deadline = context_.deadline();
    if (deadline == absl::InfiniteFuture()) return false;
    const absl::Duration rest = deadline - absl::Now();
    if (!std::exchange(awaits_deadline_, true) || rest <= absl::ZeroDuration()) {
      GiveUpAt(Deadline::Clock::now() + absl::ToChronoNanoseconds(rest),
               absl::DeadlineExceededError(absl::StrCat(method_.path, ": a message was not read before the deadline")));
    }
    return false;
  }
  if (!all_read_) return ReadAhead();
  if (writing_) return false;  // it ends with the call, and goes on from here
  auto on_finished = [self = shared_from_this()](absl::Status status) mutable {
    const std::shared_ptr<GrpcAsyncStreamCarrier> carrier = std::move(self);
    {
      internal::MutexLock lock(carrier->mutex_);
      carrier->asked_ = Asked::kNothing;
      carrier->status_ = std::move(status);
    }
    carrier->PumpSending();
  };
  status_ = stream_->Finish(std::move(on_finished));
  if (!status_) asked_ = Asked::kStatus;
  return status_.has_value();
}

bool GrpcAsyncStreamCarrier::ReadAhead() {
  const std::optional<bool> read = stream_->Read(ahead_, OnAsked());
  if (!read) {
    asked_ = Asked::kMessage;
    return false;
  }
  OnRead(*read);
  return true;
}

void GrpcAsyncStreamCarrier::OnRead(bool read) {
  has_ahead_ = read;
  all_read_ = !read;
  initial_metadata_known_ = true;
}

AsyncClientStream::Done GrpcAsyncStreamCarrier::OnAsked() {
  return [self = shared_from_this()](bool result) mutable {
    const std::shared_ptr<GrpcAsyncStreamCarrier> carrier = std::move(self);
    {
      internal::MutexLock lock(carrier->mutex_);
      if (std::exchange(carrier->asked_, Asked::kNothing) == Asked::kMessage) {
        carrier->OnRead(result);
      } else {
        carrier->initial_metadata_known_ = true;
      }
    }
    carrier->PumpReceiving();
  };
}

bool GrpcAsyncStreamCarrier::Parked() const { return has_ahead_ && asked_ == Asked::kNothing && !status_; }

void GrpcAsyncStreamCarrier::GiveUpAt(TimerQueue::TimePoint when, absl::Status reason) {
  timers_.push_back(TimerThread::Get().Add(when, [weak = weak_from_this(), reason = std::move(reason)] {
    const std::shared_ptr<GrpcAsyncStreamCarrier> carrier = weak.lock();
    if (carrier == nullptr) return;
    {
      internal::MutexLock lock(carrier->mutex_);
      if (!carrier->Parked()) return;
      carrier->given_up_ = true;
      carrier->refusal_.Update(reason);
    }
    carrier->PumpReceiving();
  }));
}

}  // namespace udsrpc
