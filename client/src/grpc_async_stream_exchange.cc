#include "client/src/grpc_async_stream_exchange.h"

#include <cstddef>
#include <utility>

#include "common/src/call_errors.h"
#include "common/src/fatal.h"
#include "common/src/grpc_message.h"

namespace udsrpc {

void* GrpcAsyncStream::Exchange::Event::Begin() {
  self_ = exchange_.shared_from_this();
  return Operation::Begin();
}

void GrpcAsyncStream::Exchange::OnEvent(Event& event, bool ok) {
  mutex_.Lock();
  const std::shared_ptr<Exchange> self = std::move(event.self_);
  if (abandoned_) return mutex_.Unlock();
  (this->*event.handler_)(ok);
  Advance();
  RunCompletions();
}

void GrpcAsyncStream::Exchange::Start(const google::protobuf::MessageLite* request) {
  absl::Status refusal;
  {
    internal::MutexLock lock(mutex_);
    if (request != nullptr && !SerializeToGrpc(*request, request_)) refusal = UnserializableMessageError(method_.path);
    half_closed_ = request != nullptr;
  }
  GrpcAsyncCall::Begin(std::move(refusal));
}

void GrpcAsyncStream::Exchange::Launch() {
  // One request goes out with the call's metadata and the half-close, all at once.
  if (half_closed_) grpc_context_.set_initial_metadata_corked(true);
  stream_ = link_->stub().PrepareCall(&grpc_context_, method_.path, queue().get());
  if (!half_closed_) return stream_->StartCall(start_event_.Begin());
  ActiveCall::Sizes(context_).OnSent(request_.Length());
  stream_->StartCall(nullptr);
  stream_->WriteLast(request_, grpc::WriteOptions(), start_event_.Begin());
  request_.Clear();
}

void GrpcAsyncStream::Exchange::FailStart(absl::Status status) {
  status_ = std::move(status);
  Advance();
  RunCompletions();
}

void GrpcAsyncStream::Exchange::OnStarted(bool ok) {
  started_ = true;
  writable_ = ok;
}

std::optional<bool> GrpcAsyncStream::Exchange::Read(google::protobuf::MessageLite* message, Done done) {
  internal::MutexLock lock(mutex_);
  if (read_ || finishing_) Fatal(method_.path, "a stream's read was started during another, or after Finish");
  if (message == nullptr && initial_known_) return true;
  if (!readable_ || over_) return false;
  read_ = PendingRead{.message = message, .done = std::move(done)};
  Advance();
  return std::nullopt;
}

void GrpcAsyncStream::Exchange::AdvanceRead() {
  if (!read_ || read_event_.under_way() || initial_event_.under_way()) return;
  if (over_ || !readable_) return CompleteRead(false);
  if (!started_) return;
  if (read_->message != nullptr) return stream_->Read(&received_, read_event_.Begin());
  if (initial_known_) return CompleteRead(true);
  stream_->ReadInitialMetadata(initial_event_.Begin());
}

void GrpcAsyncStream::Exchange::OnInitialMetadata(bool /*ok*/) {
  const bool fits = TakeInitial();
  if (read_) CompleteRead(fits);
}

void GrpcAsyncStream::Exchange::OnRead(bool ok) {
  const bool fits = TakeInitial();
  if (!ok) no_more_messages_ = true;
  if (!read_) return;  // dropped by Finish
  bool parsed = false;
  if (ok && fits) {
    const size_t bytes = received_.Length();
    parsed = ParseFromGrpc(received_, *read_->message);
    if (parsed) ActiveCall::Sizes(context_).OnReceived(bytes);
    if (!parsed) Fail(MalformedMessageError(method_.path, "a message", *read_->message));
  }
  readable_ = parsed;
  CompleteRead(parsed);
}

bool GrpcAsyncStream::Exchange::TakeInitial() {
  if (initial_known_) return true;
  initial_known_ = true;
  absl::Status fits = TakeInitialMetadata();
  if (fits.ok()) return true;
  Fail(std::move(fits));
  return readable_ = false;
}

std::optional<bool> GrpcAsyncStream::Exchange::Write(const google::protobuf::MessageLite* message, bool last,
                                                     Done done) {
  internal::MutexLock lock(mutex_);
  if (write_ || finishing_) Fatal(method_.path, "a stream's write was started during another, or after Finish");
  if (message == nullptr && half_closed_) return writable_ && !over_;
  if (half_closed_ || !writable_ || over_) return false;
  PendingWrite write{.bytes = {}, .last = last, .done = std::move(done)};
  half_closed_ = last;
  if (message != nullptr && !SerializeToGrpc(*message, write.bytes)) {
    Fail(UnserializableMessageError(method_.path));
    return writable_ = false;
  }
  write_ = std::move(write);
  Advance();
  return std::nullopt;
}

void GrpcAsyncStream::Exchange::RefuseFds() {
  internal::MutexLock lock(mutex_);
  if (half_closed_ || !writable_ || over_) return;
  Fail(FdsOverGrpcError(method_.path));
  writable_ = false;
}

void GrpcAsyncStream::Exchange::AdvanceWrite() {
  if (!write_ || write_event_.under_way()) return;
  if (over_ || !writable_) return CompleteWrite(false);
  if (!started_) return;
  if (!write_->bytes.Valid()) return stream_->WritesDone(write_event_.Begin());
  ActiveCall::Sizes(context_).OnSent(write_->bytes.Length());
  if (write_->last) {
    stream_->WriteLast(write_->bytes, grpc::WriteOptions(), write_event_.Begin());
  } else {
    stream_->Write(write_->bytes, write_event_.Begin());
  }
}

void GrpcAsyncStream::Exchange::OnWritten(bool ok) {
  writable_ = ok;
  if (write_) CompleteWrite(ok);
}

std::optional<absl::Status> GrpcAsyncStream::Exchange::Finish(StatusDone done) {
  internal::MutexLock lock(mutex_);
  if (read_ || write_ || finishing_)
    Fatal(method_.path, "a stream's Finish was called during a read or write, or twice");
  finishing_ = true;
  readable_ = false;
  if (over_) return status_;
  finish_ = std::move(done);
  Advance();
  return std::nullopt;
}

void GrpcAsyncStream::Exchange::AdvanceFinish() {
  if (finish_ == nullptr) return;
  if (over_) {
    completions_.push_back(
        {.of = Outstanding::kFinish, .run = [done = std::exchange(finish_, nullptr), status = status_]() mutable {
           std::move(done)(std::move(status));
         }});
    return;
  }
  if (!started_ || read_event_.under_way() || status_event_.under_way()) return;
  // The status comes after all messages, to whoever has taken them.
  if (no_more_messages_) {
    stream_->Finish(&grpc_status_, status_event_.Begin());
  } else {
    stream_->Read(&received_, read_event_.Begin());
  }
}

void GrpcAsyncStream::Exchange::OnStatus(bool /*ok*/) {
  over_ = true;
  absl::Status status = End(grpc_status_);
  status_ = failure_.ok() ? std::move(status) : failure_;
}

void GrpcAsyncStream::Exchange::Forget(Outstanding outstanding) {
  internal::MutexLock lock(mutex_);
  turn_.AwaitOthers(mutex_, outstanding);
  std::erase_if(completions_, [outstanding](const Completion& completion) { return completion.of == outstanding; });
  switch (outstanding) {
    case Outstanding::kRead:
      read_.reset();
      break;
    case Outstanding::kWrite:
      write_.reset();
      break;
    case Outstanding::kFinish:
      finish_ = nullptr;
      break;
  }
}

void GrpcAsyncStream::Exchange::Advance() {
  AdvanceWrite();
  AdvanceRead();
  AdvanceFinish();
}

void GrpcAsyncStream::Exchange::Fail(absl::Status status) {
  if (failure_.ok()) failure_ = std::move(status);
  grpc_context_.TryCancel();
}

void GrpcAsyncStream::Exchange::CompleteRead(bool result) {
  completions_.push_back({.of = Outstanding::kRead,
                          .run = [done = std::move(read_->done), result]() mutable { std::move(done)(result); }});
  read_.reset();
}

void GrpcAsyncStream::Exchange::CompleteWrite(bool result) {
  completions_.push_back({.of = Outstanding::kWrite,
                          .run = [done = std::move(write_->done), result]() mutable { std::move(done)(result); }});
  write_.reset();
}

void GrpcAsyncStream::Exchange::RunCompletions() {
  const std::shared_ptr<Exchange> self = shared_from_this();  // a completion may destroy the stream
  while (!completions_.empty() && !abandoned_) {
    Completion completion = std::move(completions_.front());
    completions_.pop_front();
    turn_.Enter(completion.of, nullptr);
    mutex_.Unlock();
    std::move(completion.run)();
    completion.run = nullptr;
    mutex_.Lock();
    turn_.Leave();
  }
  mutex_.Unlock();
}

}  // namespace udsrpc
