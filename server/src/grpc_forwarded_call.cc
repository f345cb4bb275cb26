#include "server/src/grpc_forwarded_call.h"

#include "absl/time/time.h"
#include "common/src/grpc_metadata.h"
#include "common/src/grpc_status.h"

namespace udsrpc {

void GrpcForwardedOperation::await_suspend(std::coroutine_handle<> coroutine) {
  coroutine_ = coroutine;
  call_.Begin(kind_, buffer_, this);
}

GrpcForwardedCall::GrpcForwardedCall(GrpcForwardingTarget& target, ServerContext& context, const std::string& peer)
    : target_(target), context_(context), path_(context.method()) {
  if (const absl::Time deadline = context.deadline(); deadline != absl::InfiniteFuture()) {
    client_context_.set_deadline(absl::ToChronoTime(deadline));
  }
  for (const auto& [key, value] : context.client_metadata()) {
    if (key != kGrpcPeerKey) client_context_.AddMetadata(key, value);
  }
  client_context_.AddMetadata(kGrpcPeerKey, peer);
  cancel_.Enter(&context.cancellation(), [this] { client_context_.TryCancel(); });
}

GrpcForwardedOperation GrpcForwardedCall::CallUnary(const grpc::ByteBuffer& request, grpc::ByteBuffer& response) {
  unary_ = target_.stub.PrepareUnaryCall(&client_context_, path_, request, &target_.queue);
  unary_->StartCall();
  return {*this, Kind::kUnary, &response};
}

GrpcForwardedOperation GrpcForwardedCall::Start() {
  stream_ = target_.stub.PrepareCall(&client_context_, path_, &target_.queue);
  return {*this, Kind::kStart};
}

void GrpcForwardedCall::Begin(Kind kind, grpc::ByteBuffer* buffer, void* tag) {
  // Once the operation has begun, its event may end this call on another thread.
  grpc::GenericClientAsyncResponseReader* const unary = unary_.get();
  grpc::GenericClientAsyncReaderWriter* const stream = stream_.get();
  internal::TsanRelease(tag);
  switch (kind) {
    case Kind::kUnary:
      return unary->Finish(buffer, &status_, tag);
    case Kind::kStart:
      return stream->StartCall(tag);
    case Kind::kReadInitialMetadata:
      return stream->ReadInitialMetadata(tag);
    case Kind::kRead:
      return stream->Read(buffer, tag);
    case Kind::kWrite:
      return stream->Write(*buffer, tag);
    case Kind::kLastWrite:
      return stream->WriteLast(*buffer, {}, tag);
    case Kind::kWritesDone:
      return stream->WritesDone(tag);
    case Kind::kFinish:
      return stream->Finish(&status_, tag);
  }
}

void GrpcForwardedCall::TakeInitialMetadata() {
  for (const auto& [key, value] : FromGrpcMetadata(client_context_.GetServerInitialMetadata())) {
    context_.AddInitialMetadata(key, value).IgnoreError();
  }
}

absl::Status GrpcForwardedCall::TakeStatus() {
  const GrpcMetadata& trailing = client_context_.GetServerTrailingMetadata();
  for (const auto& [key, value] : FromGrpcMetadata(trailing)) context_.AddTrailingMetadata(key, value).IgnoreError();
  return FromGrpcStatus(status_, trailing);
}

}  // namespace udsrpc
