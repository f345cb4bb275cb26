#include "server/src/seqpacket_async_stream.h"

#include <utility>

#include "common/src/fatal.h"
#include "server/src/seqpacket_call.h"
#include "server/src/seqpacket_connection.h"

namespace udsrpc {

std::optional<bool> SeqpacketAsyncServerStream::Read(google::protobuf::MessageLite& message, const Cancellation* stop,
                                                     Done done) {
  internal::MutexLock lock(mutex_);
  if (closed_) return false;
  if (read_) Fatal(call_->method(), "a stream's read was started during another");
  std::optional<bool> result = TryRead(message, stop);
  if (!result) read_ = PendingRead{.message = &message, .stop = stop, .done = std::move(done)};
  return result;
}

void SeqpacketAsyncServerStream::StopRead() {
  internal::MutexLock lock(mutex_);
  if (read_ && call_ != nullptr) call_->connection().ContinueSoon(*call_);
}

std::optional<bool> SeqpacketAsyncServerStream::Write(const google::protobuf::MessageLite& message, Done done) {
  internal::MutexLock lock(mutex_);
  if (closed_ || truncated_) return false;
  if (write_) Fatal(call_->method(), "a stream's write was started during another");
  return BeginWrite(message, std::exchange(next_fds_, nullptr), std::move(done));
}

void SeqpacketAsyncServerStream::AttachFds(std::vector<UniqueFd> fds) {
  internal::MutexLock lock(mutex_);
  next_fds_ = fds.empty() ? nullptr : std::make_shared<const std::vector<UniqueFd>>(std::move(fds));
}

std::vector<UniqueFd> SeqpacketAsyncServerStream::TakeFds() {
  internal::MutexLock lock(mutex_);
  return read_fds_ == nullptr ? std::vector<UniqueFd>() : read_fds_->Take();
}

std::optional<bool> SeqpacketAsyncServerStream::WriteResponse(const google::protobuf::MessageLite& response,
                                                              internal::OutgoingFds fds, Done done) {
  internal::MutexLock lock(mutex_);
  return BeginWrite(response, std::move(fds), std::move(done));
}

std::optional<bool> SeqpacketAsyncServerStream::BeginWrite(const google::protobuf::MessageLite& message,
                                                           internal::OutgoingFds fds, Done done) {
  PendingWrite write{.message = &message, .fds = std::move(fds), .rest = nullptr, .done = nullptr};
  std::optional<bool> result = TryWrite(write);
  if (result) return result;
  write.done = std::move(done);
  write_ = std::move(write);
  return std::nullopt;
}

void SeqpacketAsyncServerStream::SendInitialMetadata() {
  internal::MutexLock lock(mutex_);
  if (!closed_) call_->connection().QueueInitialMetadataOf(*call_);
}

void SeqpacketAsyncServerStream::Forget(Outstanding outstanding) {
  internal::MutexLock lock(mutex_);
  switch (outstanding) {
    case Outstanding::kRead:
      read_.reset();
      break;
    case Outstanding::kWrite:
      DropWrite();
      break;
  }
}

void SeqpacketAsyncServerStream::DropWrite() {
  if (!write_) return;
  truncated_ = truncated_ || write_->rest != nullptr;
  write_.reset();
  if (call_ != nullptr) call_->connection().GiveUpWriting(*call_);
}

std::optional<bool> SeqpacketAsyncServerStream::TryRead(google::protobuf::MessageLite& message,
                                                        const Cancellation* stop) {
  SeqpacketServerConnection& connection = call_->connection();
  if (call_->malformed() || call_->IsCancelled()) return false;
  // First of all, so that a message that comes now is the next read's.
  if (stop != nullptr && stop->cancelled()) return false;
  for (;;) {
    if (!reader_.HasWhole()) connection.TryFetch(*call_, reader_.bytes());
    if (reader_.HasWhole()) {
      read_fds_ = nullptr;
      const MessageReader::Outcome outcome = reader_.Read(message, [](ByteQueue&) { return false; });
      if (outcome == MessageReader::Outcome::kMalformed) call_->MarkMalformed();
      if (outcome != MessageReader::Outcome::kMessage) return false;
      call_->record().sizes().OnReceived(reader_.message_bytes());
      if (!reader_.has_fds()) return true;
      read_fds_ = std::make_unique<internal::IncomingFds>(connection.TakeFds(*call_));
      return !read_fds_->empty();  // else they were dropped, as the call has ended
    }
    switch (connection.AwaitMessages(*call_)) {
      case SeqpacketServerConnection::Messages::kHere:
        continue;
      case SeqpacketServerConnection::Messages::kNoMore:
        return false;
      case SeqpacketServerConnection::Messages::kAwaited:
        break;
    }
    // Again: whoever cancels it from here on finds the call awaited.
    if (stop != nullptr && stop->cancelled()) return false;
    return std::nullopt;
  }
}

std::optional<bool> SeqpacketAsyncServerStream::TryWrite(PendingWrite& write) {
  SeqpacketServerConnection& connection = call_->connection();
  const SeqpacketServerConnection::Sent sent = write.rest == nullptr
                                                   ? connection.TryWrite(*call_, *write.message, write.fds, write.rest)
                                                   : connection.TryWriteRest(*call_, *write.rest);
  if (sent == SeqpacketServerConnection::Sent::kWait) return std::nullopt;
  return sent == SeqpacketServerConnection::Sent::kYes;
}

SeqpacketAsyncServerStream::Completion SeqpacketAsyncServerStream::NextCompletion() {
  if (call_ == nullptr) return nullptr;
  const auto completion_of = [](auto& pending, bool result) -> Completion {
    Done done = std::move(pending->done);
    pending.reset();
    return [done = std::move(done), result]() mutable { std::move(done)(result); };
  };
  if (write_) {
    if (const std::optional<bool> result = TryWrite(*write_)) return completion_of(write_, *result);
  }
  if (read_) {
    const std::optional<bool> result = closed_ ? false : TryRead(*read_->message, read_->stop);
    if (result) return completion_of(read_, *result);
  }
  return nullptr;
}

void SeqpacketAsyncServerStream::Continue() {
  Completion completion;
  {
    internal::MutexLock lock(mutex_);
    completion = NextCompletion();
    // The completion may take its time, and was done before the other operation was looked at.
    if (completion != nullptr && (read_ || write_)) call_->connection().ContinueBeside(*call_);
  }
  if (completion != nullptr) std::move(completion)();
}

void SeqpacketAsyncServerStream::Open() {
  internal::MutexLock lock(mutex_);
  closed_ = false;
}

bool SeqpacketAsyncServerStream::Close() {
  Done read;
  Done write;
  bool truncated;
  {
    internal::MutexLock lock(mutex_);
    closed_ = true;
    next_fds_ = nullptr;
    read_fds_ = nullptr;
    if (read_) read = std::move(read_->done);
    if (write_) write = std::move(write_->done);
    read_.reset();
    DropWrite();
    truncated = truncated_;
  }
  if (read != nullptr) std::move(read)(false);
  if (write != nullptr) std::move(write)(false);
  return !truncated;
}

void SeqpacketAsyncServerStream::Detach() {
  internal::MutexLock lock(mutex_);
  call_ = nullptr;
}

}  // namespace udsrpc
