#include "client/src/grpc_stub_blocking.h"

#include "client/src/failed_stream.h"

namespace udsrpc {

void GrpcBlockingCarrier::Start(GrpcBatch& batch) {
  if (method_.kind == MethodKind::kUnary) {
    request_ = SentMessage(batch);
    return batch.Hijack();
  }
  const bool one_request = ReadsOneRequest(method_.kind);
  if (refusal_.ok()) {
    stream_ = channel_->StreamingCall(method_, context_, one_request ? SentMessage(batch) : nullptr);
  } else {
    stream_ = std::make_unique<FailedStream>(refusal_);
  }
  if (!one_request) Write(batch);
  batch.Hijack();
}

void GrpcBlockingCarrier::Send(GrpcBatch& batch) {
  Write(batch);
  batch.Proceed();
}

void GrpcBlockingCarrier::Receive(GrpcBatch& batch) {
  const bool initial_metadata = batch.QueryInterceptionHookPoint(GrpcPoint::PRE_RECV_INITIAL_METADATA);
  const bool message = batch.QueryInterceptionHookPoint(GrpcPoint::PRE_RECV_MESSAGE);
  const bool last = batch.QueryInterceptionHookPoint(GrpcPoint::PRE_RECV_STATUS);
  absl::Status status;
  if (stream_ == nullptr) {
    status = CallUnary(batch);
    if (!status.ok()) batch.FailHijackedRecvMessage();
  } else {
    if (initial_metadata && !message && !last) stream_->WaitForInitialMetadata();
    if (message && !stream_->Read(*static_cast<google::protobuf::MessageLite*>(batch.GetRecvMessage()))) {
      batch.FailHijackedRecvMessage();
    }
    if (last) status = stream_->Finish();
  }
  if (initial_metadata) FillInitialMetadata(batch);
  if (last) FillStatus(batch, status);
  batch.Proceed();
}

const google::protobuf::MessageLite* GrpcBlockingCarrier::SentMessage(GrpcBatch& batch) {
  if (!batch.QueryInterceptionHookPoint(GrpcPoint::PRE_SEND_MESSAGE)) return nullptr;
  // Null where an interceptor before this one has looked at the serialized message.
  if (const void* message = batch.GetSendMessage(); message != nullptr) {
    return static_cast<const google::protobuf::MessageLite*>(message);
  }
  serialized_.Clear();
  CopySentMessage(batch, serialized_);
  return &serialized_;
}

void GrpcBlockingCarrier::Write(GrpcBatch& batch) {
  const bool last = batch.QueryInterceptionHookPoint(GrpcPoint::PRE_SEND_CLOSE);
  const google::protobuf::MessageLite* const message = SentMessage(batch);
  if (message == nullptr) {
    if (last) stream_->WritesDone();
  } else if (!stream_->Write(*message, last)) {
    batch.FailHijackedSendMessage();
  }
}

absl::Status GrpcBlockingCarrier::CallUnary(GrpcBatch& batch) {
  if (!refusal_.ok()) return refusal_;
  return channel_->UnaryCall(method_, context_, *request_,
                             *static_cast<google::protobuf::MessageLite*>(batch.GetRecvMessage()));
}

}  // namespace udsrpc
