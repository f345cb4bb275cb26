#include "server/src/grpc_server_stream.h"

#include <grpc/support/time.h>

#include <utility>

#include "absl/time/clock.h"
#include "common/src/call_errors.h"
#include "common/src/grpc_message.h"

namespace udsrpc {

GrpcPollerPool::Handler* GrpcServerStream::Operation::Proceed(bool ok) {
  if (!ok && !failed_) {
    failed_ = true;
    // No write fails in a call that goes on.
    if (this == &stream_.write_ || stream_.FailedReadMeansCancelled()) stream_.context_.cancellation().Cancel();
    // Where a read failed because the call was cancelled, the word of that is mostly right behind it in the queue. This
    // goes behind both, so that the handler finds its context cancelled.
    behind_.emplace();
    behind_->Set(&stream_.queue_, gpr_inf_past(GPR_CLOCK_MONOTONIC), Release());
    return nullptr;
  }
  stream_.pool_.Complete(completion_);
  return nullptr;
}

// A handler that takes a death for a half-close takes what it has read for all that there is.
bool GrpcServerStream::FailedReadMeansCancelled() const {
  return all_cancelled_.load() || context_.deadline() <= absl::Now() || callers_.HasConnectionEnded(grpc_context_);
}

bool GrpcServerStream::Read(google::protobuf::MessageLite& message) {
  if (!readable_) return false;
  grpc::ByteBuffer bytes;
  grpc_stream_.Read(&bytes, read_.Begin());
  if (read_.Await()) {
    const size_t size = bytes.Length();
    if (ParseFromGrpc(bytes, message)) {
      sizes_.OnReceived(size);
      return true;
    }
    Fail(MalformedMessageError(context_.method(), "a message", message));
  }
  return readable_ = false;
}

bool GrpcServerStream::Write(const google::protobuf::MessageLite& message) {
  if (!write_.Await() || context_.IsCancelled() || fds_refused_) return false;
  grpc::ByteBuffer bytes;
  if (!SerializeToGrpc(message, bytes)) {
    Fail(UnserializableMessageError(context_.method()));
    return false;
  }
  AddInitialMetadata();
  sizes_.OnSent(bytes.Length());
  grpc_stream_.Write(bytes, write_.Begin());
  return true;
}

void GrpcServerStream::AttachFds(std::vector<UniqueFd> fds) {
  if (fds.empty()) return;
  fds_refused_ = true;
  Fail(FdsOverGrpcError(context_.method()));
}

void GrpcServerStream::SendInitialMetadata() {
  if (AddInitialMetadata()) grpc_stream_.SendInitialMetadata(write_.Begin());
}

absl::Status GrpcServerStream::Close() {
  write_.Await();
  AddInitialMetadata();
  internal::MutexLock lock(mutex_);
  return failure_;
}

bool GrpcServerStream::AddInitialMetadata() {
  if (std::exchange(initial_metadata_sent_, true)) return false;
  for (const auto& [key, value] : context_.initial_metadata()) grpc_context_.AddInitialMetadata(key, value);
  return true;
}

void GrpcServerStream::Fail(absl::Status status) {
  internal::MutexLock lock(mutex_);
  if (failure_.ok()) failure_ = std::move(status);
}

}  // namespace udsrpc
