#include "client/src/seqpacket_async_stream.h"

#include <utility>

#include "common/src/call_errors.h"
#include "common/src/fatal.h"

namespace udsrpc {

SeqpacketAsyncStream::SeqpacketAsyncStream(const Transport& transport, const MethodDescriptor& method,
                                           ClientContext& context, const google::protobuf::MessageLite* request)
    : SeqpacketAsyncCall(transport, method, context) {
  if (request != nullptr) {
    first_request_.reset(request->New());
    first_request_->CheckTypeAndMergeFrom(*request);
  }
  Begin(first_request_.get(), /*half_close=*/request != nullptr, /*response=*/nullptr);
}

SeqpacketAsyncStream::~SeqpacketAsyncStream() {
  {
    internal::MutexLock lock(mutex_);
    closing_ = true;
    turn_.AwaitOthers(mutex_);
    turn_.MarkGone();
  }
  Abandon();
}

std::optional<bool> SeqpacketAsyncStream::Read(google::protobuf::MessageLite& message, Done done) {
  return BeginRead(&message, std::move(done));
}

std::optional<bool> SeqpacketAsyncStream::WaitForInitialMetadata(Done done) {
  return BeginRead(nullptr, std::move(done));
}

std::optional<bool> SeqpacketAsyncStream::Write(const google::protobuf::MessageLite& message, bool last, Done done) {
  return BeginWrite(&message, last, std::move(done));
}

std::optional<bool> SeqpacketAsyncStream::WritesDone(Done done) {
  return BeginWrite(nullptr, /*last=*/true, std::move(done));
}

void SeqpacketAsyncStream::AttachFds(std::vector<UniqueFd> fds) {
  internal::MutexLock lock(mutex_);
  next_fds_ = fds.empty() ? nullptr : std::make_shared<const std::vector<UniqueFd>>(std::move(fds));
}

std::vector<UniqueFd> SeqpacketAsyncStream::TakeFds() {
  internal::MutexLock lock(mutex_);
  return TakeReadFds();
}

std::optional<bool> SeqpacketAsyncStream::BeginRead(google::protobuf::MessageLite* message, Done done) {
  internal::MutexLock lock(mutex_);
  if (read_ || finishing_) Fatal(method_.path, "a stream's read was started during another, or after Finish");
  std::optional<bool> result = TryPendingRead(message);
  if (!result) read_ = PendingRead{.message = message, .done = std::move(done)};
  return result;
}

std::optional<bool> SeqpacketAsyncStream::BeginWrite(const google::protobuf::MessageLite* message, bool last,
                                                     Done done) {
  internal::MutexLock lock(mutex_);
  if (write_ || finishing_) Fatal(method_.path, "a stream's write was started during another, or after Finish");
  PendingWrite write{
      .message = message, .last = last, .begun = false, .fds = std::exchange(next_fds_, nullptr), .done = nullptr};
  std::optional<bool> result = TryPendingWrite(write);
  if (result) return result;
  write.done = std::move(done);
  write_ = std::move(write);
  return std::nullopt;
}

std::optional<absl::Status> SeqpacketAsyncStream::FinishCall(StatusDone done) {
  internal::MutexLock lock(mutex_);
  if (read_ || write_ || finishing_)
    Fatal(method_.path, "a stream's Finish was called during a read or write, or twice");
  finishing_ = true;
  if (on_connection()) connection().BeginFinish(call());
  std::optional<absl::Status> result = TryFinish();
  if (result) return result;
  finish_ = std::move(done);
  if (on_connection()) connection().TellWatcher(call());
  return std::nullopt;
}

void SeqpacketAsyncStream::Forget(Outstanding outstanding) {
  internal::MutexLock lock(mutex_);
  turn_.AwaitOthers(mutex_, outstanding);
  switch (outstanding) {
    case Outstanding::kRead:
      read_.reset();
      break;
    case Outstanding::kWrite:
      if (write_ && on_connection()) connection().GiveUpWriting(call());
      write_.reset();
      break;
    case Outstanding::kFinish:
      finish_ = nullptr;
      break;
  }
}

std::optional<bool> SeqpacketAsyncStream::TryPendingRead(google::protobuf::MessageLite* message) {
  if (over()) return false;
  if (!on_connection()) return std::nullopt;
  if (!malformed_.ok() || call().ended_here.load(std::memory_order_relaxed)) return false;
  for (;;) {
    if (message != nullptr) {
      switch (TryRead(*message).value_or(MessageReader::Outcome::kEnd)) {
        case MessageReader::Outcome::kMessage:
          ActiveCall::Sizes(context_).OnReceived(reader().message_bytes());
          return true;
        case MessageReader::Outcome::kMalformed:
          malformed_ = MalformedMessageError(method_.path, "a message", *message);
          connection().End(call(), malformed_);
          return false;
        case MessageReader::Outcome::kEnd:
          break;
      }
    }
    const SeqpacketConnection::Look look = connection().LookAt(call());
    if (message == nullptr && look.initial_metadata_known) return true;
    if (look.ended && !look.has_messages) {
      if (WillCallAgain()) return std::nullopt;
      return false;
    }
    if (message == nullptr || !look.has_messages) return std::nullopt;
  }
}

std::optional<bool> SeqpacketAsyncStream::TryPendingWrite(PendingWrite& write) {
  if (over()) return false;
  if (!on_connection()) return std::nullopt;
  if (WillCallAgain()) return std::nullopt;
  if (write.message == nullptr) return TryHalfClose();
  if (!write.begun) {
    const SeqpacketConnection::Sent sent = TryWrite(*write.message, write.last, write.fds);
    if (sent != SeqpacketConnection::Sent::kWait) return sent == SeqpacketConnection::Sent::kYes;
    write.begun = HasRest();
    return std::nullopt;
  }
  if (!SentRequest()) return std::nullopt;
  return !connection().LookAt(call()).ended;
}

std::optional<absl::Status> SeqpacketAsyncStream::TryFinish() {
  if (!over()) {
    if (!on_connection()) return std::nullopt;
    reader().Clear();
    connection().DiscardMessages(call());
    if (!Over()) return std::nullopt;
  }
  TakeReadFds();  // nobody will
  return malformed_.ok() ? status() : malformed_;
}

SeqpacketAsyncStream::Completion SeqpacketAsyncStream::NextCompletion(Outstanding& of) {
  if (on_connection() && !write_) SentRequest();
  if (write_) {
    if (const std::optional<bool> result = TryPendingWrite(*write_)) {
      of = Outstanding::kWrite;
      Done done = std::move(write_->done);
      write_.reset();
      return [done = std::move(done), result = *result]() mutable { std::move(done)(result); };
    }
  }
  if (read_) {
    if (const std::optional<bool> result = TryPendingRead(read_->message)) {
      of = Outstanding::kRead;
      Done done = std::move(read_->done);
      read_.reset();
      return [done = std::move(done), result = *result]() mutable { std::move(done)(result); };
    }
  }
  if (finish_ != nullptr) {
    if (std::optional<absl::Status> result = TryFinish()) {
      of = Outstanding::kFinish;
      return [done = std::exchange(finish_, nullptr), result = *std::move(result)]() mutable {
        std::move(done)(std::move(result));
      };
    }
  }
  return nullptr;
}

void SeqpacketAsyncStream::Proceed() {
  bool gone = false;
  while (!closing_) {
    Outstanding of;
    Completion completion = NextCompletion(of);
    if (completion == nullptr) break;
    turn_.Enter(of, &gone);
    mutex_.Unlock();
    std::move(completion)();
    if (gone) return;
    mutex_.Lock();
    turn_.Leave();
  }
  mutex_.Unlock();
}

}  // namespace udsrpc
