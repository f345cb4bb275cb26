#include "server/src/grpc_server_call.h"

#include <chrono>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "common/src/call_errors.h"
#include "common/src/grpc_message.h"
#include "common/src/grpc_metadata.h"
#include "common/src/grpc_status.h"
#include "common/src/stats/tick_clock.h"
#include "server/src/dispatch.h"
#include "server/src/grpc_call_set.h"

namespace udsrpc {

void GrpcServerCall::Context::Begin() {
  const grpc::GenericServerContext& begun = call_.stream_.grpc_context();
  caller_ = call_.calls_.callers().Of(begun);
  metadata_bytes_ = BytesOfGrpcMetadata(begun.client_metadata());
  if (metadata_bytes_ <= call_.calls_.max_metadata_bytes()) {
    client_metadata_ = FromGrpcMetadata(begun.client_metadata());
  } else if (caller_ != nullptr && !caller_->user().HoldBytes(refused_metadata_, metadata_bytes_)) {
    // The library keeps it until the client has taken the answer.
    call_.calls_.callers().CloseConnection(begun);
  }
  const std::chrono::system_clock::time_point deadline = begun.deadline();
  if (deadline != std::chrono::system_clock::time_point::max()) deadline_ = absl::FromChrono(deadline);
}

GrpcServerCall::GrpcServerCall(GrpcCallSet& calls, grpc::ServerCompletionQueue& queue)
    : calls_(calls), stream_(context_, calls.callers(), calls.pool(), queue, calls.all_cancelled(), record_.sizes()) {}

GrpcServerCall::~GrpcServerCall() {
  if (async_stream_ != nullptr) async_stream_->Detach();
}

void GrpcServerCall::Request(GrpcCallSet& calls, grpc::AsyncGenericService& service,
                             grpc::ServerCompletionQueue& queue) {
  auto* call = new GrpcServerCall(calls, queue);
  GrpcServerStream& stream = call->stream_;
  stream.grpc_context().AsyncNotifyWhenDone(call->done_.Release());
  service.RequestCall(&stream.grpc_context(), &stream.grpc_stream(), &queue, &queue, call->requested_.Release());
}

GrpcPollerPool::Handler* GrpcServerCall::OnEvent(Event event, bool ok) {
  switch (event) {
    case Event::kRequested:
      return OnRequested(ok);
    case Event::kRead:
      return OnRead(ok);
    case Event::kDone:
      return OnDone();
    case Event::kFinished:
      Unref();
      return nullptr;
  }
  return nullptr;
}

GrpcPollerPool::Handler* GrpcServerCall::OnDone() {
  if (stream_.grpc_context().IsCancelled()) {
    context_.MarkCancelled();
    // A handler that is none may wait for just this, so there it must not wait for its turn among the handlers.
    Keeping not_kept = Keeping::kNotKept;
    if (!keeping_.compare_exchange_strong(not_kept, Keeping::kBeingCancelled)) return &canceller_;
    context_.cancellation().Cancel();
    keeping_.store(Keeping::kCancelled);
    keeping_.notify_all();
  }
  Unref();
  return nullptr;
}

GrpcPollerPool::Handler* GrpcServerCall::OnRequested(bool ok) {
  if (!ok) {  // the server is shutting down, and there is no call
    delete this;
    return nullptr;
  }
  const uint64_t ticks = TickClock::Now();
  Ref();  // for kDone; the first reference is passed on from event to event
  calls_.RequestAnother();
  context_.Begin();
  method_ = calls_.methods().Find(context_.method());
  CallMonitor& monitor = calls_.methods().monitor();
  record_.Begin(monitor, monitor.CountersOf(method_), context_.method(), context_.caller(), ticks);
  const absl::Status acceptable = Examine();
  const bool reads = acceptable.ok() && ReadsOneRequest(method_->kind());
  running_ = calls_.Begin(*this, reads);
  if (!running_) {
    Refuse();
    return nullptr;
  }
  if (!acceptable.ok()) {
    Finish(acceptable, nullptr);
    return nullptr;
  }
  if (!reads) return Dispatchable();
  stream_.grpc_stream().Read(&request_, read_.Release());
  return nullptr;
}

absl::Status GrpcServerCall::Context::Admit() {
  if (caller_ == nullptr) {
    return absl::InternalError(absl::StrCat(method(), ": gRPC does not say on which connection the call came"));
  }
  // Connections that it counts may be closed.
  if (absl::IsResourceExhausted(caller_->refusal())) call_.calls_.MayForgetClosedConnections();
  absl::Status status = caller_->BeginCall(&in_flight_);
  // Its calls take memory until the client takes the answers.
  if (!status.ok() && in_flight_.is_nothing()) call_.calls_.callers().CloseConnection(call_.stream_.grpc_context());
  return status;
}

absl::Status GrpcServerCall::Context::Wanted() const {
  if (IsCancelled()) return absl::CancelledError();
  if (deadline_ != absl::InfiniteFuture() && deadline_ <= absl::Now()) {
    return absl::DeadlineExceededError(absl::StrCat(method(), ": the deadline passed on the server"));
  }
  return absl::OkStatus();
}

std::chrono::steady_clock::time_point GrpcServerCall::wanted_until() const {
  using Clock = std::chrono::steady_clock;
  const absl::Duration left = context_.deadline() - absl::Now();
  return left == absl::InfiniteDuration() ? Clock::time_point::max() : Clock::now() + absl::ToChronoNanoseconds(left);
}

absl::Status GrpcServerCall::Examine() {
  if (absl::Status status = context_.Admit(); !status.ok()) return status;
  if (method_ == nullptr) return calls_.methods().NotFound(context_.method());
  if (context_.metadata_bytes() <= calls_.max_metadata_bytes()) return absl::OkStatus();
  return ClientMetadataError(context_.metadata_bytes(), calls_.max_metadata_bytes());
}

GrpcPollerPool::Handler* GrpcServerCall::OnRead(bool ok) {
  if (!calls_.EndReading(*this)) {  // refused meanwhile
    Unref();
    return nullptr;
  }
  if (ok) {
    record_.sizes().OnReceived(request_.Length());
    absl::Status kept = context_.Keep(request_.Length());
    if (kept.ok()) {
      AddWaitingBytes();
      return Dispatchable();
    }
    Finish(kept, nullptr);
    return nullptr;
  }
  // The client has half-closed, or it is gone and this goes nowhere. gRPC's own server has the same code.
  Finish(absl::InternalError(absl::StrCat(context_.method(), ": the call has no request; the method takes one")),
         nullptr);
  return nullptr;
}

GrpcPollerPool::Handler* GrpcServerCall::Dispatchable() {
  Ref();
  return this;
}

void GrpcServerCall::AddWaitingBytes() {
  waiting_bytes_ = request_.Length();
  calls_.AddWaitingBytes(waiting_bytes_);
}

void GrpcServerCall::RemoveWaitingBytes() { calls_.RemoveWaitingBytes(std::exchange(waiting_bytes_, 0)); }

void GrpcServerCall::Run() {
  RemoveWaitingBytes();
  if (const absl::Status wanted = context_.Wanted(); !wanted.ok()) {  // it waited for a thread for too long
    Finish(wanted, nullptr);
  } else {
    Dispatch(calls_.methods(), *method_, *this);
  }
  calls_.RequestPostponed();
  Unref();
}

void GrpcServerCall::Refuse() {
  RemoveWaitingBytes();
  Finish(absl::UnavailableError(absl::StrCat(context_.method(), ": the server is shutting down; call again")), nullptr);
}

bool GrpcServerCall::ParseRequest(google::protobuf::MessageLite& request) { return ParseFromGrpc(request_, request); }

std::shared_ptr<AsyncServerStream> GrpcServerCall::async_stream() {
  if (async_stream_ == nullptr) async_stream_ = std::make_shared<GrpcAsyncServerStream>(*this);
  return async_stream_;
}

void GrpcServerCall::Keep(std::unique_ptr<Handling> handling) {
  Ref();
  handling_ = std::move(handling);
  usual_time().SetNeverBlocks();
  Keeping before = Keeping::kNotKept;
  if (!keeping_.compare_exchange_strong(before, Keeping::kKept)) keeping_.wait(Keeping::kBeingCancelled);
  if (async_stream_ != nullptr) async_stream_->Open();
}

void GrpcServerCall::RequestPostponed() { calls_.RequestPostponed(); }

void GrpcServerCall::Finish(const absl::Status& status, const google::protobuf::MessageLite* response) {
  const std::shared_ptr<GrpcAsyncServerStream> stream = async_stream_;
  if (handling_ == nullptr || stream == nullptr) return FinishNow(status, response);
  Ref();  // what is sent may be so, and end the call, while this thread is still in the stream
  if (stream->Close([this, status, response] { FinishNow(status, response); })) FinishNow(status, response);
  Unref();
}

void GrpcServerCall::FinishNow(const absl::Status& status, const google::protobuf::MessageLite* response) {
  context_.cancellation().UnsubscribeAll();
  if (status.ok() && context_.has_attached_fds()) stream_.Fail(FdsOverGrpcError(context_.method()));
  absl::Status failure = stream_.Close();
  // Which the handler may have been told before the library has noticed: what it has returned is not for the client.
  if (context_.IsCancelled() && context_.deadline() <= absl::Now()) {
    failure = absl::DeadlineExceededError(absl::StrCat(context_.method(), ": the deadline passed on the server"));
  }
  for (const auto& [key, value] : context_.trailing_metadata()) {
    stream_.grpc_context().AddTrailingMetadata(key, value);
  }
  if (calls_.has_successor() && context_.can_go_elsewhere())
    stream_.grpc_context().AddTrailingMetadata(kSuccessorKey, "1");
  // The event may come, and delete the call, while this thread is still in the library.
  Ref();
  if (failure.ok()) {
    Send(status, response);
  } else {
    Send(failure, nullptr);
  }
  if (std::exchange(handling_, nullptr) != nullptr) Unref();
  Unref();
}

void GrpcServerCall::Send(const absl::Status& status, const google::protobuf::MessageLite* response) {
  grpc::ByteBuffer reply;
  absl::Status result = status;
  if (result.ok() && response != nullptr) {
    result = SerializeToGrpc(*response, reply) ? context_.Keep(reply.Length())
                                               : UnserializableMessageError(context_.method());
  }
  const bool has_reply = result.ok() && response != nullptr;
  if (has_reply) record_.sizes().OnSent(reply.Length());
  RecordEnd(result);
  if (has_reply) {
    stream_.grpc_stream().WriteAndFinish(reply, grpc::WriteOptions(), grpc::Status(), finished_.Release());
  } else {
    stream_.grpc_stream().Finish(ToGrpcStatus(result), finished_.Release());
  }
}

void GrpcServerCall::RecordEnd(const absl::Status& status) {
  if (!context_.IsCancelled()) return record_.End(status.code(), status.message());
  // The library drops what it is given.
  const bool late = context_.deadline() <= absl::Now();
  record_.End(late ? absl::StatusCode::kDeadlineExceeded : absl::StatusCode::kCancelled, "");
}

void GrpcServerCall::Unref() {
  if (references_.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
  GrpcCallSet& calls = calls_;
  const bool running = running_;
  delete this;
  calls.End(running);
}

GrpcPollerPool::Handler::UsualTime& GrpcServerCall::usual_time() { return calls_.usual_time(*method_); }

}  // namespace udsrpc
