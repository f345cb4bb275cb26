#include "server/src/grpc_async_server_stream.h"

#include <grpc/support/time.h>

#include <utility>

#include "common/src/call_errors.h"
#include "common/src/fatal.h"
#include "common/src/grpc_message.h"
#include "server/src/grpc_server_call.h"

namespace udsrpc {

void* GrpcAsyncServerStream::Event::Begin(GrpcServerCall& call) {
  under_way_ = true;
  call.Ref();
  return Release();
}

GrpcPollerPool::Handler* GrpcAsyncServerStream::Event::Proceed(bool ok) {
  GrpcServerCall* call;
  {
    internal::MutexLock lock(stream_.mutex_);
    call = stream_.call_;
    if (!ok && !failed_ && this != &stream_.stop_event_) {
      failed_ = true;
      // See GrpcServerStream::Operation::Proceed.
      if (this == &stream_.write_event_ || call->FailedReadMeansCancelled()) {
        call->MarkCancelled();
        stream_.cancel_ = true;
      }
      behind_.emplace();
      behind_->Set(&call->queue(), gpr_inf_past(GPR_CLOCK_MONOTONIC), Release());
      return nullptr;
    }
    under_way_ = false;
    (stream_.*on_end_)(ok && !failed_);
    if (stream_.cancel_ || !stream_.completions_.empty()) return this;
  }
  call->Unref();
  return nullptr;
}

void GrpcAsyncServerStream::Event::Run() {
  GrpcServerCall* call;
  {
    internal::MutexLock lock(stream_.mutex_);
    call = stream_.call_;  // there as long as this has a reference
  }
  stream_.RunCompletions();
  call->RequestPostponed();
  call->Unref();
}

GrpcPollerPool::Handler::UsualTime& GrpcAsyncServerStream::Event::usual_time() {
  internal::MutexLock lock(stream_.mutex_);
  return stream_.call_->usual_time();
}

std::optional<bool> GrpcAsyncServerStream::Read(google::protobuf::MessageLite& message, const Cancellation* stop,
                                                Done done) {
  internal::MutexLock lock(mutex_);
  if (closed_) return false;
  if (read_) Fatal(call_->context().method(), "a stream's read was started during another");
  if (std::optional<bool> result = TryRead(message, stop)) return result;
  read_ = PendingRead{.message = &message, .stop = stop, .done = std::move(done)};
  if (!read_event_.under_way()) call_->grpc_stream().Read(&received_, read_event_.Begin(*call_));
  return std::nullopt;
}

std::optional<bool> GrpcAsyncServerStream::TryRead(google::protobuf::MessageLite& message, const Cancellation* stop) {
  // First of all, so that a message that comes now is the next read's.
  if (!readable_ || (stop != nullptr && stop->cancelled())) return false;
  if (!std::exchange(arrived_, false)) return std::nullopt;
  const size_t size = received_.Length();
  const bool parsed = ParseFromGrpc(received_, message);
  received_.Clear();
  if (parsed) call_->record().sizes().OnReceived(size);
  if (!parsed) {
    call_->Fail(MalformedMessageError(call_->context().method(), "a message", message));
    readable_ = false;
  }
  return parsed;
}

void GrpcAsyncServerStream::OnRead(bool ok) {
  arrived_ = ok;
  readable_ = ok;
  if (!read_) return;  // it was stopped, and the next read finds it; or the handler has ended
  if (const std::optional<bool> result = TryRead(*read_->message, read_->stop)) CompleteRead(*result);
}

void GrpcAsyncServerStream::StopRead() {
  internal::MutexLock lock(mutex_);
  if (!read_ || stop_event_.under_way()) return;
  // So that the completion runs as the others do, and not within the thread that cancels.
  stop_alarm_.emplace();
  stop_alarm_->Set(&call_->queue(), gpr_inf_past(GPR_CLOCK_MONOTONIC), stop_event_.Begin(*call_));
}

void GrpcAsyncServerStream::OnStop(bool /*ok*/) {
  if (read_ && read_->stop != nullptr && read_->stop->cancelled()) CompleteRead(false);
}

std::optional<bool> GrpcAsyncServerStream::Write(const google::protobuf::MessageLite& message, Done done) {
  internal::MutexLock lock(mutex_);
  if (closed_) return false;
  if (write_) Fatal(call_->context().method(), "a stream's write was started during another");
  if (!writable_ || call_->context().IsCancelled()) return false;
  grpc::ByteBuffer bytes;
  if (!SerializeToGrpc(message, bytes)) {
    call_->Fail(UnserializableMessageError(call_->context().method()));
    return false;
  }
  if (write_event_.under_way()) {
    write_ = PendingWrite{.bytes = bytes, .done = std::move(done)};
    return std::nullopt;
  }
  Send(bytes);
  return true;
}

void GrpcAsyncServerStream::AttachFds(std::vector<UniqueFd> fds) {
  internal::MutexLock lock(mutex_);
  if (fds.empty() || closed_) return;
  call_->Fail(FdsOverGrpcError(call_->context().method()));
  writable_ = false;
}

void GrpcAsyncServerStream::Send(const grpc::ByteBuffer& bytes) {
  call_->AddInitialMetadata();
  call_->record().sizes().OnSent(bytes.Length());
  call_->grpc_stream().Write(bytes, write_event_.Begin(*call_));
}

void GrpcAsyncServerStream::OnWritten(bool ok) {
  writable_ = writable_ && ok;
  if (write_) {
    const bool goes_on = ok && !call_->context().IsCancelled();
    if (goes_on) Send(write_->bytes);
    return CompleteWrite(goes_on);
  }
  if (sent_ != nullptr) completions_.push_back({.of = std::nullopt, .run = std::exchange(sent_, nullptr)});
}

void GrpcAsyncServerStream::SendInitialMetadata() {
  internal::MutexLock lock(mutex_);
  // While a message is under way it has taken the metadata along.
  if (closed_ || write_event_.under_way() || !call_->AddInitialMetadata()) return;
  call_->grpc_stream().SendInitialMetadata(write_event_.Begin(*call_));
}

void GrpcAsyncServerStream::Forget(Outstanding outstanding) {
  internal::MutexLock lock(mutex_);
  switch (outstanding) {
    case Outstanding::kRead:
      read_.reset();
      break;
    case Outstanding::kWrite:
      write_.reset();
      break;
  }
  std::erase_if(completions_, [outstanding](const Completion& completion) { return completion.of == outstanding; });
}

void GrpcAsyncServerStream::CompleteRead(bool result) {
  completions_.push_back({.of = Outstanding::kRead,
                          .run = [done = std::move(read_->done), result]() mutable { std::move(done)(result); }});
  read_.reset();
}

void GrpcAsyncServerStream::CompleteWrite(bool result) {
  completions_.push_back({.of = Outstanding::kWrite,
                          .run = [done = std::move(write_->done), result]() mutable { std::move(done)(result); }});
  write_.reset();
}

bool GrpcAsyncServerStream::Close(absl::AnyInvocable<void() &&> sent) {
  bool is_sent;
  {
    internal::MutexLock lock(mutex_);
    closed_ = true;
    if (read_) CompleteRead(false);
    if (write_) CompleteWrite(false);
    is_sent = !write_event_.under_way();
    if (!is_sent) sent_ = std::move(sent);
  }
  RunCompletions();
  return is_sent;
}

void GrpcAsyncServerStream::Open() {
  internal::MutexLock lock(mutex_);
  closed_ = false;
}

void GrpcAsyncServerStream::Detach() {
  internal::MutexLock lock(mutex_);
  call_ = nullptr;
}

void GrpcAsyncServerStream::RunCompletions() {
  for (;;) {
    absl::AnyInvocable<void() &&> completion;
    GrpcServerCall* to_cancel = nullptr;
    {
      internal::MutexLock lock(mutex_);
      if (std::exchange(cancel_, false)) {
        to_cancel = call_;
      } else if (!completions_.empty()) {
        completion = std::move(completions_.front().run);
        completions_.pop_front();
      }
    }
    if (to_cancel != nullptr) {
      to_cancel->context().cancellation().Cancel();
    } else if (completion != nullptr) {
      std::move(completion)();
    } else {
      return;
    }
  }
}

}  // namespace udsrpc
