#include "client/src/grpc_streaming_call.h"

#include <grpcpp/support/async_stream.h>

#include <cstddef>
#include <utility>

#include "client/src/failed_stream.h"
#include "common/src/call_errors.h"
#include "common/src/grpc_message.h"

namespace udsrpc {

std::unique_ptr<ClientStream> GrpcStreamingCall::Start(const Settings& settings, const MethodDescriptor& method,
                                                       ClientContext& context,
                                                       const google::protobuf::MessageLite* request) {
  auto call = std::unique_ptr<GrpcStreamingCall>(new GrpcStreamingCall(settings, method, context));
  if (absl::Status status = call->Prepare(); !status.ok()) return std::make_unique<FailedStream>(std::move(status));
  grpc::ByteBuffer bytes;
  if (request != nullptr && !SerializeToGrpc(*request, bytes)) {
    return std::make_unique<FailedStream>(UnserializableMessageError(method.path));
  }
  call->Begin(request == nullptr ? nullptr : &bytes);
  return call;
}

void GrpcStreamingCall::Begin(const grpc::ByteBuffer* request) {
  ActiveCall::Attach(context_);
  // One request goes out with the call's metadata and the half-close, all at once.
  if (request != nullptr) grpc_context_.set_initial_metadata_corked(true);
  stream_ = link_->stub().PrepareCall(&grpc_context_, method_.path, queue_.get());
  if (request == nullptr) {
    stream_->StartCall(write_.Begin());
  } else {
    ActiveCall::Sizes(context_).OnSent(request->Length());
    stream_->StartCall(nullptr);
    stream_->WriteLast(*request, grpc::WriteOptions(), write_.Begin());
    half_closed_ = true;
  }
  writable_ = queue_.Await(write_);
}

GrpcStreamingCall::~GrpcStreamingCall() {
  if (stream_ == nullptr || ended_) return;
  grpc_context_.TryCancel();
  AwaitStatus();
  Abandon();
}

bool GrpcStreamingCall::Read(google::protobuf::MessageLite& message) {
  if (!readable_) return false;
  grpc::ByteBuffer bytes;
  if (ReadBytes(bytes) && OnInitialMetadata()) {
    const size_t size = bytes.Length();
    if (ParseFromGrpc(bytes, message)) {
      ActiveCall::Sizes(context_).OnReceived(size);
      return true;
    }
    Fail(MalformedMessageError(method_.path, "a message", message));
  }
  return readable_ = false;
}

bool GrpcStreamingCall::ReadBytes(grpc::ByteBuffer& bytes) {
  stream_->Read(&bytes, read_.Begin());
  if (queue_.Await(read_)) return true;
  no_more_messages_ = true;
  OnInitialMetadata();
  return false;
}

void GrpcStreamingCall::WaitForInitialMetadata() {
  if (initial_metadata_came_ || ended_) return;
  stream_->ReadInitialMetadata(read_.Begin());
  queue_.Await(read_);
  OnInitialMetadata();
}

bool GrpcStreamingCall::OnInitialMetadata() {
  if (initial_metadata_came_) return true;
  initial_metadata_came_ = true;
  absl::Status fits = TakeInitialMetadata();
  if (fits.ok()) return true;
  Fail(std::move(fits));
  return false;
}

bool GrpcStreamingCall::Write(const google::protobuf::MessageLite& message, bool last) {
  if (half_closed_ || !writable_) return false;
  half_closed_ = last;
  grpc::ByteBuffer bytes;
  if (!SerializeToGrpc(message, bytes)) {
    Fail(UnserializableMessageError(method_.path));
    return writable_ = false;
  }
  ActiveCall::Sizes(context_).OnSent(bytes.Length());
  if (last) {
    stream_->WriteLast(bytes, grpc::WriteOptions(), write_.Begin());
  } else {
    stream_->Write(bytes, write_.Begin());
  }
  return writable_ = queue_.Await(write_);
}

void GrpcStreamingCall::AttachFds(std::vector<UniqueFd> fds) {
  if (fds.empty() || half_closed_ || !writable_) return;
  Fail(FdsOverGrpcError(method_.path));
  writable_ = false;
}

bool GrpcStreamingCall::WritesDone() {
  if (half_closed_ || !writable_) return writable_;
  half_closed_ = true;
  stream_->WritesDone(write_.Begin());
  return writable_ = queue_.Await(write_);
}

absl::Status GrpcStreamingCall::FinishCall() {
  absl::Status status = End(AwaitStatus());
  internal::MutexLock lock(mutex_);
  return failure_.ok() ? status : failure_;
}

grpc::Status GrpcStreamingCall::AwaitStatus() {
  // The status comes after all messages, to whoever has taken them.
  readable_ = false;
  while (!no_more_messages_) {
    grpc::ByteBuffer dropped;
    ReadBytes(dropped);
  }
  grpc::Status status;
  stream_->Finish(&status, read_.Begin());
  queue_.Await(read_);
  ended_ = true;
  return status;
}

void GrpcStreamingCall::Fail(absl::Status status) {
  {
    internal::MutexLock lock(mutex_);
    if (failure_.ok()) failure_ = std::move(status);
  }
  grpc_context_.TryCancel();
}

}  // namespace udsrpc
