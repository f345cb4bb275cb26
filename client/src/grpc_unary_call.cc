#include "client/src/grpc_unary_call.h"

#include <grpcpp/support/async_unary_call.h>

#include <algorithm>
#include <memory>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "client/src/grpc_call_queue.h"
#include "common/src/grpc_message.h"
#include "common/src/grpc_status.h"

namespace udsrpc {
namespace {

// What gRPC says where it ends a call itself, with no more to tell than the code.
constexpr absl::string_view kDeadlineText = "Deadline Exceeded";
constexpr absl::string_view kCancelledText = "CANCELLED";
// Part of what it says where no connection could be made.
constexpr absl::string_view kConnectText = "failed to connect";

}  // namespace

absl::Status GrpcUnaryCall::Run(GrpcChannel& channel, const google::protobuf::MessageLite& request,
                                google::protobuf::MessageLite& response) {
  if (deadline_ != absl::InfiniteFuture()) {
    // Not left to gRPC, which sends the call first, and takes a time before 1970 for never.
    if (deadline_ <= absl::Now()) {
      return absl::DeadlineExceededError(absl::StrCat(method_.path, ": the deadline passed before the call started"));
    }
    grpc_context_.set_deadline(absl::ToChronoTime(deadline_));
  }
  for (const auto& [key, value] : context_.metadata()) grpc_context_.AddMetadata(key, value);
  grpc::ByteBuffer sent;
  if (!SerializeToGrpc(request, sent)) {
    return absl::InternalError(
        absl::StrCat(method_.path, ": the request is larger than Protobuf's 2 GiB; send it in parts"));
  }

  grpc::ByteBuffer reply;
  const grpc::Status status = Exchange(channel, sent, reply);
  const GrpcMetadata& trailing = grpc_context_.GetServerTrailingMetadata();
  absl::Status taken = TakeMetadata(grpc_context_.GetServerInitialMetadata(), trailing);
  if (!taken.ok()) return taken;
  if (status.ok()) return Parse(reply, response);
  return Explain(FromGrpcStatus(status, trailing), channel);
}

grpc::Status GrpcUnaryCall::Exchange(GrpcChannel& channel, const grpc::ByteBuffer& request, grpc::ByteBuffer& reply) {
  GrpcCallQueue& queue = GrpcCallQueue::OfThisThread();
  if (channel.LongUnused()) queue.Poll();
  link_ = channel.Current();
  grpc::Status status;
  Attach(context_);
  const auto reader = link_->stub.PrepareUnaryCall(&grpc_context_, method_.path, request, queue.get());
  reader->StartCall();
  reader->Finish(&reply, &status, nullptr);
  queue.Await();
  Detach(context_);
  channel.MarkUsed();
  return status;
}

absl::Status GrpcUnaryCall::TakeMetadata(const GrpcMetadata& initial, const GrpcMetadata& trailing) {
  ActiveCall::InitialMetadata(context_) = FromGrpcMetadata(initial);
  ActiveCall::TrailingMetadata(context_) = FromGrpcMetadata(trailing);
  const size_t most =
      std::max(context_.server_initial_metadata().ByteSize(), context_.server_trailing_metadata().ByteSize());
  if (most <= max_metadata_bytes_) return absl::OkStatus();
  return absl::ResourceExhaustedError(absl::StrCat(method_.path, ": the server's metadata of ", most,
                                                   " bytes is over the limit of ", max_metadata_bytes_,
                                                   "; raise ChannelOptions::max_metadata_bytes"));
}

absl::Status GrpcUnaryCall::Parse(grpc::ByteBuffer& reply, google::protobuf::MessageLite& response) const {
  if (!reply.Valid()) {
    return absl::UnimplementedError(
        absl::StrCat(method_.path, ": ", endpoint_, " said OK without a reply; is the method a unary one there?"));
  }
  if (!ParseFromGrpc(reply, response)) {
    return absl::InternalError(absl::StrCat(method_.path, ": the reply's bytes are no ", response.GetTypeName(),
                                            "; do both sides use the same .proto?"));
  }
  return absl::OkStatus();
}

absl::Status GrpcUnaryCall::Explain(absl::Status status, GrpcChannel& channel) const {
  switch (status.code()) {
    case absl::StatusCode::kDeadlineExceeded:
      if (status.message() != kDeadlineText) return status;
      return absl::DeadlineExceededError(
          absl::StrCat(method_.path, ": no answer from ", endpoint_, " before the deadline"));
    case absl::StatusCode::kCancelled:
      if (status.message() != kCancelledText) return status;
      if (cancelled_) return absl::CancelledError(absl::StrCat(method_.path, ": cancelled"));
      // So ends a call that reaches a gRPC server in its shutdown, or is under way at the shutdown's end: the stream is
      // reset, with no status sent. To a caller who did not cancel, that is a lost connection.
      if (!MayBeMadeHere(status)) return status;
      return absl::UnavailableError(
          absl::StrCat(endpoint_, ": the server dropped the call ", method_.path, "; is it shutting down?"));
    case absl::StatusCode::kUnavailable:
      break;
    default:
      return status;
  }
  const grpc_connectivity_state state = link_->channel->GetState(/*try_to_connect=*/false);
  if (state == GRPC_CHANNEL_TRANSIENT_FAILURE) {
    channel.Replace(*link_);
    if (absl::StrContains(status.message(), kConnectText)) {
      return absl::UnavailableError(
          absl::StrCat(endpoint_, ": cannot connect: ", status.message(), "; is the server running?"));
    }
  }
  // While connected, the server said so. It may as well have on a connection that it is about to close, but then, as
  // far as can be told, with nothing beside the text.
  if (state == GRPC_CHANNEL_READY || !MayBeMadeHere(status)) return status;
  return absl::UnavailableError(absl::StrCat(endpoint_, ": the connection ended during ", method_.path, ": ",
                                             status.message(), "; call again if the method may run twice"));
}

bool GrpcUnaryCall::MayBeMadeHere(const absl::Status& status) const {
  bool bare = context_.server_initial_metadata().empty() && context_.server_trailing_metadata().empty();
  status.ForEachPayload([&bare](absl::string_view, const absl::Cord&) { bare = false; });
  return bare;
}

void GrpcUnaryCall::OnCancel() {
  cancelled_ = true;
  grpc_context_.TryCancel();
}

}  // namespace udsrpc
